//! How many of some reruns fail, and between what the chance of it lies.

use super::Came;
use super::trials::Rerun;

/// How sure an interval is to hold the chance: in nineteen of twenty cases.
const DOUBT: f64 = 0.05;

/// How many of so many reruns failed in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// So many failed.
    pub failed: u64,
    /// Of so many.
    pub of: u64,
}

impl Share {
    /// How many of these fail in the same way.
    pub(super) fn of(reruns: &[Rerun]) -> Self {
        let failed = reruns.iter().filter(|rerun| rerun.came == Came::Fails).count();
        Self { failed: failed as u64, of: reruns.len() as u64 }
    }

    /// The part that failed; nothing is a part of none.
    pub fn part(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.failed as f64 / self.of as f64 }
    }

    /// Between what the chance lies, at a confidence of 95 %: the exact interval of Clopper and Pearson (1934), found by bisection of the
    /// tails of the binomial distribution.
    pub fn interval(self) -> (f64, f64) {
        let Self { failed, of } = self;
        let low = if failed == 0 { 0.0 } else { bisect(|chance| at_least(failed, of, chance) < DOUBT / 2.0) };
        let high = if failed == of { 1.0 } else { bisect(|chance| at_least(failed + 1, of, chance) < 1.0 - DOUBT / 2.0) };
        (low, high)
    }

    /// Whether the chance may be this.
    pub fn may_be(self, chance: f64) -> bool {
        let (low, high) = self.interval();
        (low..=high).contains(&chance)
    }
}

/// The chance up to which this is so.
fn bisect(is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if is_below(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// How likely so many at least fail, where each of so many does with this chance.
fn at_least(failed: u64, of: u64, chance: f64) -> f64 {
    let (log, log_not) = (libm::log(chance), libm::log1p(-chance));
    let mut choose = 0.0;
    let mut sum = 0.0;
    for count in 0..=of {
        if count > 0 {
            choose += libm::log((of - count + 1) as f64) - libm::log(count as f64);
        }
        if count >= failed {
            sum += libm::exp(choose + count as f64 * log + (of - count) as f64 * log_not);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures are those of exact sums of fractions, bisected in decimals of fifty digits.
    #[test]
    fn intervals_are_those_of_clopper_and_pearson() {
        for (failed, of, low, high) in [
            (0, 20, 0.0, 0.168_433),
            (1, 20, 0.001_265, 0.248_733),
            (5, 20, 0.086_571, 0.491_046),
            (10, 20, 0.271_957, 0.728_043),
            (20, 20, 0.831_567, 1.0),
            (96, 100, 0.900_743, 0.988_996),
            (0, 0, 0.0, 1.0),
        ] {
            let share = Share { failed, of };
            let (lowest, highest) = share.interval();
            assert!((lowest - low).abs() < 1e-6 && (highest - high).abs() < 1e-6, "{share:?}: {lowest} {highest}");
        }
    }

    /// Whatever the chance, no more than one interval in twenty misses it.
    #[test]
    fn an_interval_holds_the_chance_as_often_as_it_says() {
        for of in [10, 30] {
            for chance in (1..20).map(|twentieth| f64::from(twentieth) / 20.0) {
                let exactly = |failed| at_least(failed, of, chance) - at_least(failed + 1, of, chance);
                let missed: f64 = (0..=of).filter(|failed| !Share { failed: *failed, of }.may_be(chance)).map(exactly).sum();
                assert!(missed <= DOUBT + 1e-9, "{of} {chance}: {missed}");
            }
        }
    }
}
