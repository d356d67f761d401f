//! What was collected of a run: families of series of values over time.

use hdrhistogram::Histogram;

use crate::base::{Duration, Metric, MetricSort, Time};

/// All that was collected of a run, a sample each so often.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// How long it is from one sample to the next. The first is taken at the start, the last at the end, whenever that is.
    pub every: Duration,
    /// When the samples were taken.
    pub times: Vec<Time>,
    /// The families that have a value, by name.
    pub families: Vec<Family>,
}

/// All series of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Which.
    pub metric: Metric,
    /// What its series are told apart by: the labels of the metric, and `node` before them if they are of nodes.
    pub labels: Vec<&'static str>,
    /// They are sorted by what their labels say; numbers within those as numbers, so that `n10` follows `n9`.
    pub series: Vec<Series>,
}

/// One series: the values of a metric with these labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What its labels say, in the order of the family's.
    pub labels: Vec<String>,
    /// The sample in which it has its first value, by its place in [`Collected::times`]: from then on it has one in each.
    pub first: usize,
    /// Its values.
    pub points: Points,
}

/// The values of a series, one for each sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Points {
    /// Of a counter, how much it was by then; of a gauge, how much there was then. In the metric's unit.
    Numbers(Vec<f64>),
    /// Of a histogram, what has come since the sample before.
    Spreads(Vec<Spread>),
}

impl Collected {
    /// A family by its name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.metric.name == name)
    }

    /// The values of a series of a counter or a gauge, each with its time; of a histogram, how many there were by then.
    pub fn numbers(&self, series: &Series) -> Vec<(Time, f64)> {
        let times = self.times[series.first..].iter().copied();
        match &series.points {
            Points::Numbers(numbers) => times.zip(numbers.iter().copied()).collect(),
            Points::Spreads(spreads) => {
                let mut so_far = 0;
                let counts = spreads.iter().map(|spread| {
                    so_far += spread.count();
                    so_far as f64
                });
                times.zip(counts).collect()
            }
        }
    }

    /// What has come to a series of a histogram since the sample before, each with its time; nothing of any other.
    pub fn spreads<'c>(&'c self, series: &'c Series) -> impl Iterator<Item = (Time, &'c Spread)> {
        let spreads = if let Points::Spreads(spreads) = &series.points { spreads.as_slice() } else { &[] };
        self.times[series.first..].iter().copied().zip(spreads)
    }
}

impl Family {
    /// Whether its values are sizes of which there may be many.
    pub fn is_histogram(&self) -> bool {
        self.metric.sort == MetricSort::Histogram
    }

    /// The series with these labels.
    pub fn find(&self, labels: &[&str]) -> Option<&Series> {
        self.series.iter().find(|series| series.labels == labels)
    }
}

/// How many values there were of each size: what of a histogram is kept. Sizes are known to a thousandth.
///
/// Two are merged by adding them up; quantiles are taken of what was merged, and never averaged.
///
/// ```
/// use stormglass::metrics::Spread;
///
/// let mut waits: Spread = [1_000_000, 2_000_000, 3_000_000].into_iter().collect();
/// waits.merge(&[9_000_000].into_iter().collect());
/// assert_eq!(waits.count(), 4);
/// assert!(waits.quantile(1, 2).is_some_and(|median| median.abs_diff(2_000_000) <= 2_000));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Sizes, ascending, and how many there are of each: a size stands for all that are alike to a thousandth, and is their greatest.
    counts: Vec<(u64, u64)>,
    /// The sum of all, which is exact.
    sum: u128,
    /// The greatest, which is exact.
    most: u64,
}

/// Why every size can be recorded.
const GROWS: &str = "the histogram grows as it must";

impl Spread {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The sum of all.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The greatest of all; 0 if there are none.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many are no greater than this, to a thousandth.
    pub fn up_to(&self, size: u64) -> u64 {
        // What is kept is the greatest of those that are alike: one is not to be too great for what it is equal to.
        self.counts.iter().take_while(|(of, _)| *of - *of / 1024 <= size).map(|(_, count)| count).sum()
    }

    /// What so many of so many do not exceed, to a thousandth: `quantile(99, 100)`; nothing if there are none.
    pub fn quantile(&self, of: u64, parts: u64) -> Option<u64> {
        let wanted = u128::from(self.count()) * u128::from(of);
        let wanted = wanted.div_ceil(u128::from(parts.max(1))).max(1);
        let mut so_far = 0;
        let found = self.counts.iter().find(|(_, count)| {
            so_far += u128::from(*count);
            so_far >= wanted
        });
        found.or(self.counts.last()).map(|(size, _)| (*size).min(self.most))
    }

    /// Adds another to it.
    pub fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.counts.len().max(other.counts.len()));
        let (mut own, mut others) = (self.counts.iter().copied().peekable(), other.counts.iter().copied().peekable());
        loop {
            let next = match (own.peek(), others.peek()) {
                (Some((one, _)), Some((two, _))) if one == two => {
                    own.next().zip(others.next()).map(|((size, some), (_, more))| (size, some + more))
                }
                (Some((one, _)), Some((two, _))) if one > two => others.next(),
                (Some(_), _) => own.next(),
                (None, _) => others.next(),
            };
            let Some(next) = next else { break };
            merged.push(next);
        }
        *self = Self { counts: merged, sum: self.sum + other.sum, most: self.most.max(other.most) };
    }
}

impl Spread {
    /// What has come to it since it was this: its greatest is known to a thousandth.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut before = earlier.counts.iter().copied().peekable();
        let mut left = |size: u64, count: u64| {
            let was = before.next_if(|(of, _)| *of == size).map_or(0, |(_, count)| count);
            (size, count.saturating_sub(was))
        };
        let counts: Vec<_> = self.counts.iter().map(|(size, count)| left(*size, *count)).filter(|(_, count)| *count > 0).collect();
        let most = counts.last().map_or(0, |(size, _)| (*size).min(self.most));
        Self { counts, sum: self.sum.saturating_sub(earlier.sum), most }
    }
}

impl FromIterator<u64> for Spread {
    fn from_iter<I: IntoIterator<Item = u64>>(sizes: I) -> Self {
        let mut tally = Tally::default();
        sizes.into_iter().for_each(|size| tally.record(size));
        tally.take()
    }
}

/// Sizes as they come.
#[derive(Clone, Debug)]
pub struct Tally {
    sizes: Histogram<u64>,
    sum: u128,
    most: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { sizes: Histogram::new(3).expect("three digits are within what it takes"), sum: 0, most: 0 }
    }
}

impl Tally {
    /// Takes note of one.
    pub fn record(&mut self, size: u64) {
        self.sizes.record(size).expect(GROWS);
        self.sum += u128::from(size);
        self.most = self.most.max(size);
    }

    /// All that have come since this was last asked.
    pub fn take(&mut self) -> Spread {
        if self.sizes.is_empty() {
            return Spread::default();
        }
        let counts = self.sizes.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect();
        self.sizes.reset();
        Spread { counts, sum: std::mem::take(&mut self.sum), most: std::mem::take(&mut self.most) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Close enough for sizes that are known to a thousandth.
    fn is_near(one: u64, other: u64) -> bool {
        one.abs_diff(other) <= other / 500
    }

    proptest! {
        #[test]
        fn what_is_merged_has_the_quantiles_of_all(
            one in proptest::collection::vec(0..10_000_000_000u64, 0..200),
            other in proptest::collection::vec(0..10_000_000u64, 0..200),
            percent in 0..=100u64,
        ) {
            let first: Spread = one.iter().copied().collect();
            let mut merged = first.clone();
            merged.merge(&other.iter().copied().collect());
            let mut all = [one, other].concat();
            all.sort_unstable();
            prop_assert_eq!(merged.count(), all.len() as u64);
            prop_assert_eq!(merged.sum(), all.iter().map(|size| u128::from(*size)).sum::<u128>());
            prop_assert_eq!(merged.most(), all.last().copied().unwrap_or_default());
            prop_assert_eq!(&merged, &all.iter().copied().collect::<Spread>());
            prop_assert_eq!(merged.since(&first).count(), merged.count() - first.count());
            prop_assert_eq!(merged.since(&first).sum(), merged.sum() - first.sum());
            prop_assert!(merged.since(&merged).is_empty());
            let place = (all.len() as u64 * percent).div_ceil(100).max(1) as usize - 1;
            match (merged.quantile(percent, 100), all.get(place)) {
                (Some(quantile), Some(exact)) => prop_assert!(is_near(quantile, *exact), "{} for {}", quantile, exact),
                (quantile, exact) => prop_assert!(quantile.is_none() && exact.is_none()),
            }
        }
    }

    #[test]
    fn what_was_taken_is_not_taken_again() {
        let mut tally = Tally::default();
        tally.record(7);
        assert_eq!(tally.take().count(), 1);
        assert!(tally.take().is_empty());
    }
}
