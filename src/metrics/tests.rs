//! Alerts against what they mean, told slowly.

use proptest::prelude::*;

use super::alert::{Alert, Bound, Condition, Expression, QuantileOf, RateOf, Selector, ValueOf};
use super::watch::Watched;
use super::{Readings, Tally};
use crate::base::{Duration, Metric, Ratio, Time};

const COUNTER: Metric = Metric::counter("asked", "", "What was asked.").by(&["of"]);
const WHOLE: Metric = Metric::counter("operations", "", "All that was asked.");
const GAUGE: Metric = Metric::gauge("waiting", "", "What waits.").by(&["of"]);
const SIZES: Metric = Metric::histogram("wait_seconds", "seconds", "How long it took.");

fn second(second: u64) -> Time {
    Time::ZERO + Duration::from_secs(second)
}

fn watched(of: Expression, above: bool, bound: Bound, held: u64) -> Watched {
    let when = Some(Condition { above, of, bound });
    Watched::new(Alert { name: Some("a".to_owned()), when, r#for: Duration::from_secs(held), ..Alert::default() })
}

fn selector(name: &str) -> Option<Selector> {
    Some(name.parse().expect("a selector"))
}

/// Whether it is firing after each second, if it is so where this says.
fn firing(is_so: &[bool], held: u64) -> Vec<bool> {
    let is_firing = |now: usize| {
        let since = (0..=now).rev().take_while(|second| is_so[*second]).last();
        since.is_some_and(|since| (now - since) as u64 >= held)
    };
    (0..is_so.len()).map(is_firing).collect()
}

/// What the alert did, second by second, where each second brings so much.
fn did(mut watched: Watched, seconds: usize, mut tell: impl FnMut(usize, &mut Readings)) -> Vec<bool> {
    let mut readings = Readings::default();
    let look = |now| {
        tell(now, &mut readings);
        assert_eq!(watched.due(), second(now as u64));
        watched.look(second(now as u64), &readings);
        watched.is_firing()
    };
    (0..seconds).map(look).collect()
}

proptest! {
    #[test]
    fn a_gauge_in_all_its_series(
        levels in proptest::collection::vec((0..10_u64, 0..10_u64), 1..40),
        bound in 0..20_u64,
        held in 0..4_u64,
        above: bool,
    ) {
        let tell = |now: usize, readings: &mut Readings| {
            readings.level(&GAUGE, None, &["a"], levels[now].0);
            readings.level(&GAUGE, None, &["b"], levels[now].1);
        };
        let compared = |value: u64| if above { value > bound } else { value < bound };
        let value = |name, of: fn(ValueOf) -> Expression| watched(of(ValueOf { metric: selector(name) }), above, Bound::Many(bound), held);
        let sums: Vec<bool> = levels.iter().map(|(a, b)| compared(a + b)).collect();
        prop_assert_eq!(did(value("waiting", Expression::Value), levels.len(), tell), firing(&sums, held));
        let most: Vec<bool> = levels.iter().map(|(a, b)| compared(*a.max(b))).collect();
        prop_assert_eq!(did(value("waiting", Expression::Most), levels.len(), tell), firing(&most, held));
        let one: Vec<bool> = levels.iter().map(|(_, b)| compared(*b)).collect();
        prop_assert_eq!(did(value("waiting{of=b}", Expression::Value), levels.len(), tell), firing(&one, held));
    }

    #[test]
    fn a_counter_over_a_window(
        grows in proptest::collection::vec((0..10_u64, 0..10_u64), 1..40),
        over in 1..8_u64,
        bound in 1..10_u32,
        held in 0..4_u64,
    ) {
        let totals = |now: usize| {
            let so_far = &grows[..=now];
            (so_far.iter().map(|(part, _)| part).sum::<u64>(), so_far.iter().map(|(part, rest)| part + rest).sum::<u64>())
        };
        let tell = |now: usize, readings: &mut Readings| {
            readings.total(&COUNTER, None, &["a"], totals(now).0);
            readings.total(&WHOLE, None, &[], totals(now).1);
        };
        let before = |now: usize| now.checked_sub(over as usize).map_or((0, 0), totals);
        let rate = |bound| {
            let rate = RateOf { metric: selector("asked"), over: Duration::from_secs(over), ..RateOf::default() };
            watched(Expression::Rate(rate), true, bound, held)
        };
        let share = Ratio::new(bound, 10).expect("at most one");
        let shares: Vec<bool> = (0..grows.len()).map(|now| {
            let (part, whole) = (totals(now).0 - before(now).0, totals(now).1 - before(now).1);
            whole > 0 && part as f64 / whole as f64 > f64::from(bound) / 10.0
        }).collect();
        prop_assert_eq!(did(rate(Bound::Share(share)), grows.len(), tell), firing(&shares, held));
        let often = crate::base::Rate::per_second(bound).expect("above zero");
        let rates: Vec<bool> = (0..grows.len()).map(|now| {
            let length = (now as u64).min(over);
            length > 0 && (totals(now).0 - before(now).0) as f64 / length as f64 > f64::from(bound)
        }).collect();
        prop_assert_eq!(did(rate(Bound::Often(often)), grows.len(), tell), firing(&rates, held));
    }

    #[test]
    fn a_quantile_over_a_window(
        waits in proptest::collection::vec(proptest::collection::vec(1..100_u64, 0..5), 1..30),
        over in 1..6_u64,
        bound in 1..100_u64,
    ) {
        let half = Ratio::new(1, 2).expect("a half");
        let quantile = QuantileOf { metric: selector("wait_seconds"), quantile: half, over: Duration::from_secs(over) };
        // Half a millisecond away from all that can come, for sizes are known to a thousandth.
        let limit = Duration::from_micros(bound * 1000 + 500);
        let watched = watched(Expression::Quantile(quantile), true, Bound::Long(limit), 0);
        let mut tally = Tally::default();
        let done = did(watched, waits.len(), |now, readings| {
            waits[now].iter().for_each(|wait| tally.record(wait * 1_000_000));
            readings.sizes(&SIZES, None, &[], &mut tally);
        });
        let slow: Vec<bool> = (0..waits.len()).map(|now| {
            let from = (now + 1).saturating_sub(over as usize);
            let mut all: Vec<u64> = waits[from..=now].concat();
            all.sort_unstable();
            !all.is_empty() && all[(all.len() - 1) / 2] > bound
        }).collect();
        prop_assert_eq!(done, slow);
    }
}

#[test]
fn selectors_read_back_as_they_print() {
    for text in ["errors", "queue_length{service=db}", "queue_length{service=db,node=n3}"] {
        assert_eq!(text.parse::<Selector>().expect("a selector").to_string(), text);
    }
    assert_eq!("q { service = \"db\" }".parse::<Selector>().expect("a selector").to_string(), "q{service=db}");
    for (text, why) in [("q{service", "brace"), ("q{service}", "label=value")] {
        assert!(text.parse::<Selector>().is_err_and(|error| error.contains(why)), "{text}");
    }
}
