//! Values over time: a sample of all readings each so often.

use super::collected::{Collected, Family, Points, Series, Spread};
use super::readings::{Now, Reading, Readings};
use crate::base::{Duration, SortedMap, Time};

/// Takes samples.
#[derive(Clone, Debug)]
pub struct Sampler {
    every: Duration,
    times: Vec<Time>,
    families: SortedMap<&'static str, Family>,
    /// Of each series of a histogram, by the family's name and the series's place, what had come to it by the last sample.
    before: SortedMap<(&'static str, usize), Spread>,
}

impl Sampler {
    /// One that takes a sample each so often.
    pub const fn new(every: Duration) -> Self {
        Self { every, times: Vec::new(), families: SortedMap::new(), before: SortedMap::new() }
    }

    /// When the next sample is due.
    pub fn due(&self) -> Time {
        Time::ZERO + self.every * self.times.len() as u64
    }

    /// Takes one, which is not the last. Of one time there is one.
    pub fn take(&mut self, at: Time, readings: &Readings) {
        if self.times.last().is_some_and(|last| *last >= at) {
            return;
        }
        let sample = self.times.len();
        self.times.push(at);
        for reading in readings.all() {
            let Reading { metric, labels, series, .. } = reading;
            let family = self.families.entry(metric.name);
            let family = family.or_insert_with(|| Family { metric: *metric, labels: labels.clone(), series: Vec::new() });
            for (place, told) in series.iter().enumerate() {
                let now = &told.now;
                if place == family.series.len() {
                    let points = if let Now::Spread(_) = now { Points::Spreads(Vec::new()) } else { Points::Numbers(Vec::new()) };
                    family.series.push(Series { labels: told.labels(), first: sample, points });
                }
                match (now, &mut family.series[place].points) {
                    (Now::Number(number), Points::Numbers(numbers)) => numbers.push(*number),
                    (Now::Spread(all), Points::Spreads(spreads)) => {
                        let before = self.before.entry((metric.name, place)).or_default();
                        spreads.push(all.since(before));
                        before.clone_from(all);
                    }
                    // A series has values of one sort.
                    (Now::Number(_), Points::Spreads(_)) | (Now::Spread(_), Points::Numbers(_)) => {}
                }
            }
        }
    }

    /// All that was taken, sorted.
    pub fn collected(self) -> Collected {
        let mut families: Vec<Family> = self.families.into_values().collect();
        for family in &mut families {
            family.series.sort_by_cached_key(|series| series.labels.iter().map(|label| natural(label)).collect::<Vec<_>>());
        }
        Collected { every: self.every, times: self.times, families }
    }
}

/// What sorts names by the numbers in them: `n9` before `n10`.
fn natural(label: &str) -> Vec<(String, u64)> {
    let mut parts: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut in_number = false;
    for letter in label.chars() {
        let digit = letter.to_digit(10);
        if digit.is_none() && in_number {
            parts.push((String::new(), 0));
        }
        in_number = digit.is_some();
        if let Some((text, number)) = parts.last_mut() {
            match digit {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(u64::from(digit)),
                None => text.push(letter),
            }
        }
    }
    parts.push((label.to_owned(), 0));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Metric, NodeId};
    use crate::metrics::Tally;

    const WAITS: Metric = Metric::histogram("wait_seconds", "seconds", "How long it takes.");
    const LENGTH: Metric = Metric::gauge("queue_length", "", "How many wait.").by(&["queue"]);

    #[test]
    fn series_begin_when_they_are_first_told_of_and_histograms_are_by_sample() {
        let (mut sampler, mut readings, mut tally) = (Sampler::new(Duration::from_secs(1)), Readings::default(), Tally::default());
        for second in 0..3_u64 {
            tally.record(second);
            readings.sizes(&WAITS, None, &[], &mut tally);
            if second > 0 {
                readings.level(&LENGTH, Some(NodeId::server(9)), &["a"], second);
                readings.level(&LENGTH, Some(NodeId::server(1)), &["a"], second);
            }
            let at = sampler.due();
            sampler.take(at, &readings);
            sampler.take(at, &readings);
        }
        let collected = sampler.collected();
        assert_eq!(collected.times, [0, 1, 2].map(|second| Time::ZERO + Duration::from_secs(second)));
        let lengths = collected.family("queue_length").expect("it was told of");
        assert_eq!((&lengths.labels[..], &lengths.series[0].labels[..]), (&["node", "queue"][..], &["n2".to_owned(), "a".to_owned()][..]));
        assert_eq!(lengths.series[1].first, 1, "n10 comes after n2");
        assert_eq!(collected.numbers(&lengths.series[0])[1], (collected.times[2], 2.0));
        let waits = &collected.family("wait_seconds").expect("it was told of").series[0];
        assert_eq!(collected.spreads(waits).map(|(_, spread)| spread.most()).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(collected.numbers(waits).last().map(|(_, count)| *count), Some(3.0));
    }
}
