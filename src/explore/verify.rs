//! The same run twice, record by record.

use crate::base::Time;
use crate::check::{Difference, Property, PropertyReport};
use crate::systems::Watch;
use crate::trace::{Entry, Sink};
use crate::world::Outcome;

/// What [`verify`] judges: a run is a pure function of the scenario and the seed.
pub const DETERMINISTIC: Property =
    Property::always("deterministic", "two runs of one scenario and seed are the same, record by record, and so is what is judged of them");

/// Runs twice, compares record by record, and adds its own verdict on [`DETERMINISTIC`] to the outcome of the first run. These sinks see
/// the first run only.
///
/// `run` runs the same seed of the same scenario each time; its watch brings the sinks.
pub fn verify(mut sinks: Vec<&mut dyn Sink>, mut run: impl FnMut(Watch<'_>) -> Outcome) -> Outcome {
    let mut first = Recording::default();
    let mut all: Vec<&mut dyn Sink> = vec![&mut first];
    all.extend(sinks.iter_mut().map(|sink| &mut **sink as &mut dyn Sink));
    let mut outcome = run(Watch { sinks: all, ..Watch::default() });
    let mut second = Comparison::new(first);
    let again = run(Watch { sinks: vec![&mut second], ..Watch::default() });
    let report = second.report(&outcome, &again);
    outcome.properties.push(report);
    outcome
}

/// What is kept of the first run: of each record its digest and, as long as there is room, its line.
#[derive(Default)]
struct Recording {
    digests: Vec<u64>,
    /// All lines, one after the other, and where each ends.
    lines: String,
    ends: Vec<usize>,
}

impl Recording {
    /// How many bytes of lines are kept: some two million records.
    const ROOM: usize = 256 << 20;
    /// How many characters of a message or note are kept.
    const DETAIL: usize = 200;

    /// The line of this record, if it came so far.
    fn line(&self, number: usize) -> Option<String> {
        if number >= self.digests.len() {
            return None;
        }
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before.min(self.ends.len() - 1)]);
        let line =
            self.ends.get(number).map_or("a record too late in the run for its text to have been kept", |end| &self.lines[start..*end]);
        Some(line.to_owned())
    }
}

impl Sink for Recording {
    fn record(&mut self, entry: &Entry<'_>) {
        self.digests.push(entry.digest);
        if self.lines.len() < Self::ROOM {
            self.lines += &line(entry);
            self.ends.push(self.lines.len());
        }
    }
}

fn line(entry: &Entry<'_>) -> String {
    format!("{} at {}", entry.line(Recording::DETAIL), entry.at)
}

/// Holds the second run against the first.
struct Comparison {
    first: Recording,
    seen: usize,
    /// The first record that differs: its time in the second run, and what is different.
    difference: Option<(Time, Difference)>,
}

impl Sink for Comparison {
    fn record(&mut self, entry: &Entry<'_>) {
        let number = self.seen;
        self.seen += 1;
        if self.difference.is_some() || self.first.digests.get(number) == Some(&entry.digest) {
            return;
        }
        let (first, second) = (self.first.line(number), Some(line(entry)));
        self.difference = Some((entry.at, Difference::Record { number: number as u64, first, second }));
    }
}

impl Comparison {
    fn new(first: Recording) -> Self {
        Self { first, seen: 0, difference: None }
    }

    fn report(self, first: &Outcome, second: &Outcome) -> PropertyReport {
        if let Some((at, difference)) = self.difference {
            return PropertyReport::violated(&DETERMINISTIC, at, difference);
        }
        if self.seen < self.first.digests.len() {
            let difference = Difference::Record { number: self.seen as u64, first: self.first.line(self.seen), second: None };
            return PropertyReport::violated(&DETERMINISTIC, second.sim_time, difference);
        }
        match judged_differently(first, second) {
            Some(difference) => PropertyReport::violated(&DETERMINISTIC, second.sim_time, difference),
            None => PropertyReport::holds(&DETERMINISTIC),
        }
    }
}

/// What differs although all records are the same: a judge is not deterministic, or counts are not.
fn judged_differently(first: &Outcome, second: &Outcome) -> Option<Difference> {
    if first == second {
        return None;
    }
    let differing = first.properties.iter().zip(&second.properties).find(|(first, second)| first != second);
    Some(differing.map_or(Difference::Counts, |(first, _)| Difference::Judged(first.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::check::Verdict;
    use crate::explore::samples::{outcome, violated};

    /// Shows records with these digests to the sinks.
    fn play(digests: &[u64], watch: Watch<'_>) {
        let mut sinks = watch.sinks;
        for (number, digest) in digests.iter().enumerate() {
            let entry = Entry {
                number: number as u64,
                at: Time::from_nanos(number as u64 * 1_000_000),
                sort: "timer",
                node: Some(NodeId::server(0)),
                message: None,
                fate: None,
                name: None,
                numbers: Vec::new(),
                payload: Some(digest),
                bytes: None,
                digest: *digest,
            };
            for sink in &mut sinks {
                sink.record(&entry);
            }
        }
    }

    fn check(first: &[u64], second: &[u64], expected: Option<(u64, Option<&str>, Option<&str>)>) {
        let mut runs = [first, second].into_iter();
        let verified = verify(Vec::new(), |watch| {
            play(runs.next().unwrap(), watch);
            outcome(1)
        });
        let report = verified.properties.last().unwrap();
        assert_eq!((report.name, report.verdict == Verdict::Violated), (DETERMINISTIC.name, expected.is_some()));
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let expected = expected.map(|(number, first, second)| Difference::Record { number, first: owned(first), second: owned(second) });
        assert_eq!(report.explanation, expected.map(Into::into));
    }

    #[test]
    fn the_first_record_that_differs_is_named() {
        check(&[1, 2, 3], &[1, 2, 3], None);
        check(&[], &[], None);
        check(&[1, 2, 3, 4], &[1, 2, 5, 6], Some((2, Some("n1 timer 3 at 2ms"), Some("n1 timer 5 at 2ms"))));
        check(&[7], &[8], Some((0, Some("n1 timer 7 at 0s"), Some("n1 timer 8 at 0s"))));
        check(&[1], &[1, 2], Some((1, None, Some("n1 timer 2 at 1ms"))));
        check(&[1, 2], &[1], Some((1, Some("n1 timer 2 at 1ms"), None)));
    }

    #[test]
    fn a_judge_that_is_not_deterministic_is_named() {
        let mut details = ["once", "twice"].into_iter();
        let verified = verify(Vec::new(), |_| violated(1, "election-safety", details.next().unwrap()));
        let report = verified.properties.last().unwrap();
        assert_eq!(report.verdict, Verdict::Violated);
        assert_eq!(report.explanation, Some(Difference::Judged("election-safety").into()));
    }
}
