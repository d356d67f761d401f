//! The same run twice at the same time, record by record.

use crate::base::Time;
use crate::check::{Difference, Property, PropertyReport};
use crate::systems::Watch;
use crate::trace::{Sink, UntypedRecord};
use crate::world::Outcome;

/// What [`verify`] judges: a run is a pure function of the scenario and the seed.
pub const DETERMINISTIC: Property =
    Property::always("deterministic", "two runs of one scenario and seed are the same, record by record, and so is what is judged of them");

/// A record of the second run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The digest of the run up to and including it.
    pub digest: u64,
    /// When it was.
    pub at: Time,
    /// The record in words: see [`line()`].
    pub line: String,
}

/// A second run of the same seed, which goes on while the first does: in another process, so that nothing is the same but its input.
pub trait Twin {
    /// Its next record; nothing once it has ended.
    fn next(&mut self) -> Option<Recorded>;

    /// Once it has ended: what differs from this outcome of the first run.
    fn differs(&mut self, first: &Outcome) -> Option<Difference>;
}

/// Runs, compares record by record with a second run that goes on at the same time, so that it is known where they differ, and adds its own
/// verdict on [`DETERMINISTIC`] to the outcome. Nothing is kept of either run: it takes no more memory than a run does.
///
/// These sinks see the first run. `run` runs it; its watch brings the sinks.
pub fn verify(mut sinks: Vec<&mut dyn Sink>, run: impl FnOnce(Watch<'_>) -> Outcome, twin: &mut dyn Twin) -> Outcome {
    let mut comparison = Comparison { twin, seen: 0, difference: None };
    let mut all: Vec<&mut dyn Sink> = vec![&mut comparison];
    all.extend(sinks.iter_mut().map(|sink| &mut **sink as &mut dyn Sink));
    let mut outcome = run(Watch { sinks: all, ..Watch::default() });
    let report = comparison.report(&outcome);
    outcome.properties.push(report);
    outcome
}

/// A record in words, as two of them are shown that differ.
pub fn line(entry: &UntypedRecord<'_>) -> String {
    /// How many characters of a message or note are shown.
    const DETAIL: usize = 200;
    format!("{} at {}", entry.line(DETAIL), entry.at)
}

/// Holds the first run against the second.
struct Comparison<'a> {
    twin: &'a mut dyn Twin,
    seen: u64,
    /// The first record that differs: its time, and what is different.
    difference: Option<(Time, Difference)>,
}

impl Sink for Comparison<'_> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let number = self.seen;
        self.seen += 1;
        if self.difference.is_some() {
            return;
        }
        let second = self.twin.next();
        if second.as_ref().is_none_or(|second| second.digest != entry.digest) {
            let difference = Difference::Record { number, first: Some(line(entry)), second: second.map(|second| second.line) };
            self.difference = Some((entry.at, difference));
        }
    }
}

impl Comparison<'_> {
    fn report(self, outcome: &Outcome) -> PropertyReport {
        let rest = || {
            let second = self.twin.next()?;
            Some((second.at, Difference::Record { number: self.seen, first: None, second: Some(second.line) }))
        };
        let difference = self.difference.or_else(rest);
        match difference.or_else(|| Some((outcome.sim_time, self.twin.differs(outcome)?))) {
            Some((at, difference)) => PropertyReport::violated(&DETERMINISTIC, at, difference),
            None => PropertyReport::holds(&DETERMINISTIC),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, NodeId};
    use crate::check::Verdict;
    use crate::explore::samples::{outcome, violated};

    /// Shows records with these digests to the sinks.
    fn play(digests: &[u64], watch: Watch<'_>) {
        let mut sinks = watch.sinks;
        for (number, digest) in digests.iter().enumerate() {
            let entry = UntypedRecord {
                number: number as u64,
                at: Time::from_nanos(number as u64 * 1_000_000),
                sort: "timer",
                node: Some(NodeId::server(0)),
                clock: None,
                message: None,
                fate: None,
                name: None,
                numbers: Vec::new(),
                payload: Some(digest),
                bytes: None,
                reads: None,
                digest: *digest,
                cause: None,
                blamed: &[],
                traced: None,
            };
            for sink in &mut sinks {
                sink.record(&entry);
            }
        }
    }

    /// A second run with these records, in which this differs besides.
    struct Second<'a>(&'a [u64], usize, Option<Difference>);

    impl Twin for Second<'_> {
        fn next(&mut self) -> Option<Recorded> {
            let digest = *self.0.get(self.1)?;
            self.1 += 1;
            let millis = self.1 - 1;
            let at = Time::from_nanos(millis as u64 * 1_000_000);
            Some(Recorded { digest, at, line: format!("n1 timer {digest} at {}", Duration::from_millis(millis as u64)) })
        }

        fn differs(&mut self, _: &Outcome) -> Option<Difference> {
            self.2.clone()
        }
    }

    fn check(first: &[u64], second: &[u64], expected: Option<(u64, Option<&str>, Option<&str>)>) {
        let run = |watch: Watch<'_>| {
            play(first, watch);
            outcome(1)
        };
        let verified = verify(Vec::new(), run, &mut Second(second, 0, None));
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
        let differs = Difference::Judged("election-safety");
        let verified = verify(Vec::new(), |_| violated(1, "election-safety", "once"), &mut Second(&[], 0, Some(differs.clone())));
        let report = verified.properties.last().unwrap();
        assert_eq!(report.verdict, Verdict::Violated);
        assert_eq!(report.explanation, Some(differs.into()));
    }
}
