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

    /// Between what the chance lies, at a confidence of 95 %, where any failure is one too many: as [`interval`](Self::interval); but if
    /// none failed the lower end is 0, and all doubt is of the upper one. That is close to 3 of as many as there were: the rule of three
    /// (Hanley and Lippman-Hand, 1983).
    pub fn compatible(self) -> (f64, f64) {
        match self.failed {
            0 if self.of > 0 => (0.0, -libm::expm1(libm::log(DOUBT) / self.of as f64)),
            _ => self.interval(),
        }
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

/// How likely so many at least fail, where each of so many does with this chance, between 0 and 1. It is the sum of the tail that does
/// not hold the mean, whose terms fall from the first on: what is small beside it is left out.
fn at_least(failed: u64, of: u64, chance: f64) -> f64 {
    if failed == 0 || failed > of {
        return if failed == 0 { 1.0 } else { 0.0 };
    }
    let odds = chance / (1.0 - chance);
    if failed as f64 > of as f64 * chance {
        tail(exactly(failed, of, chance), (failed..of).map(|count| (of - count) as f64 / (count + 1) as f64 * odds))
    } else {
        let last = failed - 1;
        1.0 - tail(exactly(last, of, chance), (1..=last).rev().map(|count| count as f64 / (of - count + 1) as f64 / odds))
    }
}

/// How likely just so many fail.
fn exactly(failed: u64, of: u64, chance: f64) -> f64 {
    let log_factorial = |number: u64| libm::lgamma(number as f64 + 1.0);
    let choose = log_factorial(of) - log_factorial(failed) - log_factorial(of - failed);
    libm::exp(choose + failed as f64 * libm::log(chance) + (of - failed) as f64 * libm::log1p(-chance))
}

/// The sum of terms that fall: the first, and what each is of the one before it.
fn tail(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut term) = (first, first);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    /// As `at_least`, term by term.
    fn at_least_in_full(failed: u64, of: u64, chance: f64) -> f64 {
        let terms = (failed..=of).map(|count| {
            let choose: f64 = (0..count).map(|place| libm::log((of - place) as f64) - libm::log((place + 1) as f64)).sum();
            libm::exp(choose + count as f64 * libm::log(chance) + (of - count) as f64 * libm::log1p(-chance))
        });
        terms.sum()
    }

    proptest! {
        #[test]
        fn a_tail_is_the_sum_of_its_terms(of in 1..150_u64, part in 0.0..1.0, chance in 1e-6..0.999_999) {
            let failed = (part * (of + 2) as f64) as u64;
            let (fast, slow) = (at_least(failed, of, chance), at_least_in_full(failed, of, chance));
            prop_assert!((fast - slow).abs() < 1e-9, "{failed} {of} {chance}: {fast} {slow}");
        }
    }

    /// Of very many runs, too, quickly.
    #[test]
    fn intervals_of_many_runs() {
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-4;
        for (failed, of, low, high) in [(1, 1_000_000, 2.5318e-8, 5.5716e-6), (500_000, 1_000_000, 0.499_019_6, 0.500_980_4)] {
            let (lowest, highest) = Share { failed, of }.compatible();
            assert!(close(lowest, low) && close(highest, high), "{failed} of {of}: {lowest} {highest}");
        }
        assert!(close(Share { failed: 0, of: 1_000_000 }.compatible().1, 2.995_73e-6));
        assert!(close(Share { failed: 0, of: 1 }.compatible().1, 0.95));
        assert_eq!(Share { failed: 0, of: 0 }.compatible(), (0.0, 1.0));
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
