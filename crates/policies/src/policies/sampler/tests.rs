//! Moments and quantiles against closed forms, bits against what they were, and fast ways against slow ones.

use proptest::prelude::*;
use stormglass_process::base::{Rate, RunKey};

use super::*;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn range(low: u64, high: u64) -> DurationRange {
    DurationRange::new(millis(low), millis(high)).unwrap()
}

fn bimodal(usual: Distribution, slow: Distribution, chance: &str) -> Distribution {
    Distribution::Bimodal { usual: usual.into(), slow: slow.into(), slow_chance: chance.parse().unwrap() }
}

fn table() -> Distribution {
    let bucket = |weight, low, high| Bucket { weight, range: range(low, high) };
    Distribution::Empirical(vec![bucket(70, 1, 2), bucket(0, 3, 4), bucket(25, 5, 9), bucket(5, 40, 40)])
}

/// One of each kind, whose mean and mean square are finite.
fn all() -> Vec<Distribution> {
    let exponential = Distribution::Exponential { mean: millis(10) };
    vec![
        Distribution::Constant(millis(10)),
        Distribution::Uniform(range(5, 25)),
        exponential.clone(),
        Distribution::LogNormal { median: millis(10), sigma_milli: 500 },
        Distribution::Pareto { least: millis(10), shape_milli: 6000 },
        bimodal(Distribution::Constant(millis(1)), exponential, "1/20"),
        table(),
    ]
}

/// The middles of equal parts of all words: what averages over them converges faster than random draws do.
fn strata(count: u64) -> impl Iterator<Item = u64> {
    let width = u64::MAX / count;
    (0..count).map(move |place| place * width + width / 2)
}

#[test]
fn moments_are_those_of_the_closed_forms() {
    const COUNT: u64 = 1 << 20;
    for distribution in all() {
        let sampler = Sampler::new(distribution.clone()).unwrap();
        let (mut mean, mut square) = (0.0, 0.0);
        for word in strata(COUNT) {
            let nanos = sampler.sample(word).as_nanos() as f64;
            mean += nanos / COUNT as f64;
            square += nanos * nanos / COUNT as f64;
        }
        let (off_mean, off_square) = (mean / distribution.mean_nanos() - 1.0, square / distribution.square_nanos() - 1.0);
        assert!(off_mean.abs() < 1e-4, "{distribution:?}: the mean is off by {off_mean}");
        assert!(off_square.abs() < 1e-3, "{distribution:?}: the mean square is off by {off_square}");
    }
}

#[test]
fn heavy_tails_have_no_moments() {
    let pareto = |shape_milli| Distribution::Pareto { least: millis(1), shape_milli };
    assert!(pareto(1000).mean_nanos().is_infinite() && pareto(1001).mean_nanos().is_finite());
    assert!(pareto(2000).square_nanos().is_infinite() && pareto(2001).square_nanos().is_finite());
    assert_eq!(bimodal(Distribution::Constant(millis(1)), pareto(500), "0").mean_nanos(), 1e6);
}

#[test]
fn quantiles_are_those_of_the_closed_forms() {
    let at = |distribution: Distribution, p: f64| Sampler::new(distribution).unwrap().sample((p * TWO_TO_64) as u64).as_nanos() as f64;
    for p in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999] {
        // These two are given the probability to be longer. The integer logarithm is off by 3 · 10⁻⁶ at most.
        let exponential = at(Distribution::Exponential { mean: millis(1000) }, p);
        assert!((exponential / 1e9 + libm::log(p)).abs() < 3e-6, "{p}: {exponential}");
        let pareto = at(Distribution::Pareto { least: millis(1000), shape_milli: 1500 }, p);
        assert!((pareto / (1e9 * libm::pow(p, -1.0 / 1.5)) - 1.0).abs() < 1e-9, "{p}: {pareto}");
    }
    for (p, x) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.999, 3.090_232_306_167_813_5)] {
        let lognormal = at(Distribution::LogNormal { median: millis(1000), sigma_milli: 700 }, p);
        assert!((lognormal / (1e9 * libm::exp(0.7 * x)) - 1.0).abs() < 1e-9, "{p}: {lognormal}");
    }
}

/// What a seed means is part of the public interface, and must be so on every machine.
#[test]
fn the_lengths_of_words_are_fixed() {
    let golden = [
        [10_000_000, 10_000_000, 10_000_000, 10_000_000],
        [5_000_000, 10_000_000, 19_866_193, 25_000_000],
        [443_614_195, 13_862_943, 2_966_434, 0],
        [102_791, 7_137_340, 13_865_121, 972_852_015],
        [16_254_986_772, 12_599_210, 10_506_830, 10_000_000],
        [443_614_195, 1_000_000, 1_000_000, 1_000_000],
        [1_000_000, 1_357_143, 5_692_954, 40_000_000],
    ];
    let words = [0, u64::MAX / 4, 0xbe49_8a1d_57c0_33e2, u64::MAX];
    let lengths: Vec<[u64; 4]> = all()
        .into_iter()
        .map(|distribution| {
            let sampler = Sampler::new(distribution).unwrap();
            words.map(|word| sampler.sample(word).as_nanos())
        })
        .collect();
    assert_eq!(lengths, golden);
}

#[test]
fn what_is_longer_than_the_longest_is_that() {
    let heavy = Sampler::new(Distribution::Pareto { least: millis(1), shape_milli: 1 }).unwrap();
    assert_eq!(heavy.sample(0), Duration::MAX);
    assert_eq!(heavy.sample(u64::MAX), millis(1));
    let wide = Sampler::new(Distribution::LogNormal { median: Duration::MAX, sigma_milli: 10_000 }).unwrap();
    assert_eq!((wide.sample(0), wide.sample(u64::MAX)), (Duration::ZERO, Duration::MAX));
}

#[test]
fn wrong_distributions_say_what_is_wrong() {
    let setting = |distribution: Distribution| Sampler::new(distribution).map(|_| ()).map_err(|error| error.setting);
    assert_eq!(setting(Distribution::LogNormal { median: Duration::ZERO, sigma_milli: 1 }), Err("median"));
    assert_eq!(setting(Distribution::LogNormal { median: millis(1), sigma_milli: 10_001 }), Err("sigma_milli"));
    assert_eq!(setting(Distribution::Pareto { least: Duration::ZERO, shape_milli: 1 }), Err("least"));
    assert_eq!(setting(Distribution::Pareto { least: millis(1), shape_milli: 0 }), Err("shape_milli"));
    assert_eq!(setting(Distribution::Empirical(vec![])), Err("weight"));
    let wrong_within = bimodal(Distribution::Constant(millis(1)), Distribution::Empirical(vec![]), "1/2");
    assert_eq!(setting(wrong_within), Err("weight"));
}

fn step(from: u64, rate: Option<u32>) -> RateStep {
    RateStep { from: millis(from), rate: rate.and_then(Rate::per_second) }
}

#[test]
fn arrivals_are_as_many_as_the_rate_says() {
    // 100 a second for a second, silence for a second, 1000 a second for a second, and again.
    let steps = vec![step(0, Some(100)), step(1000, None), step(2000, Some(1000))];
    for spacing in [Spacing::Even, Spacing::Poisson] {
        let arrivals = Arrivals::new(spacing, steps.clone()).unwrap().repeating(millis(3000)).unwrap();
        let mut random = RunKey::from_seed(1).stream("arrivals", 0);
        let (mut at, mut counts) = (Duration::ZERO, [0_u32; 3]);
        for _ in 0..110_000 {
            at = arrivals.next(at, random.word()).unwrap();
            counts[(at.as_nanos() % 3_000_000_000 / 1_000_000_000) as usize] += 1;
        }
        // A hundred periods of 1100, give or take three standard deviations.
        assert!((299.0 - 1.5..=300.0 + 1.5).contains(&(at.as_nanos() as f64 / 1e9)), "{spacing:?}: {at}");
        assert!((9_700..=10_300).contains(&counts[0]) && counts[1] <= 100, "{spacing:?}: {counts:?}");
    }
}

#[test]
fn poisson_counts_have_a_variance_like_their_mean() {
    let arrivals = Arrivals::new(Spacing::Poisson, vec![step(0, Some(1000))]).unwrap();
    let mut counts = Vec::new();
    for seed in 0..100 {
        let mut random = RunKey::from_seed(seed).stream("arrivals", 0);
        let (mut at, mut now) = (arrivals.next(Duration::ZERO, random.word()).unwrap(), vec![0_u32; 1000]);
        while let Some(count) = now.get_mut((at.as_nanos() / 10_000_000) as usize) {
            *count += 1;
            at = arrivals.next(at, random.word()).unwrap();
        }
        counts.extend(now);
    }
    // 100,000 counts of mean 10: standard errors are 0.01 and 0.046.
    let mean = counts.iter().sum::<u32>() as f64 / 1e5;
    let variance = counts.iter().map(|count| (f64::from(*count) - mean).powi(2)).sum::<f64>() / 1e5;
    assert!((mean - 10.0).abs() < 0.03 && (variance - 10.0).abs() < 0.14, "{mean}, {variance}");
}

#[test]
fn wrong_arrivals_say_what_is_wrong() {
    let setting = |steps: &[RateStep]| Arrivals::new(Spacing::Even, steps.to_vec()).map(|_| ()).map_err(|error| error.setting);
    assert_eq!(setting(&[]), Err("rate"));
    assert_eq!(setting(&[step(0, None)]), Err("rate"));
    assert_eq!(setting(&[step(1, Some(1)), step(1, None)]), Err("from"));
    let late = Arrivals::new(Spacing::Even, vec![step(0, Some(1)), step(9, None)]).unwrap();
    assert_eq!(late.repeating(millis(9)).map(|_| ()).map_err(|error| error.setting), Err("period"));
    let ending = Arrivals::new(Spacing::Even, vec![step(0, Some(10)), step(150, None)]).unwrap();
    assert_eq!(ending.next(Duration::ZERO, 0), Some(millis(100)));
    assert_eq!(ending.next(millis(100), 0), None);
}

proptest! {
    /// The slow way looks for the bucket in a list of as many entries as there is weight.
    #[test]
    fn tables_are_read_as_lists_are(weights in proptest::collection::vec(0_u32..6, 1..8), word in any::<u64>()) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let bucket = |(place, weight): (usize, &u32)| Bucket { weight: *weight, range: Duration::from_millis(place as u64).into() };
        let buckets: Vec<Bucket> = weights.iter().enumerate().map(bucket).collect();
        let list: Vec<Duration> = buckets.iter().flat_map(|bucket| vec![bucket.range.low(); bucket.weight as usize]).collect();
        let place = (u128::from(word) * list.len() as u128) >> 64;
        prop_assert_eq!(Sampler::new(Distribution::Empirical(buckets)).unwrap().sample(word), list[place as usize]);
    }

    /// What chose between two is uniform again: the slow part at a word is what the stretched word gives.
    #[test]
    fn a_part_of_a_word_is_a_word(word in any::<u64>(), parts in 0_u32..=20) {
        let chance = Ratio::new(parts, 20).unwrap();
        let whole = DurationRange::new(Duration::ZERO, Duration::from_nanos(999)).unwrap();
        let far = DurationRange::new(Duration::from_nanos(1000), Duration::from_nanos(1999)).unwrap();
        let both = Distribution::Bimodal {
            usual: Distribution::Uniform(whole).into(), slow: Distribution::Uniform(far).into(), slow_chance: chance,
        };
        let found = Sampler::new(both).unwrap().sample(word).as_nanos();
        // In floats: where the word lies within its part.
        let (place, share) = (word as f64 / TWO_TO_64, f64::from(parts) / 20.0);
        let expected = if place < share { 1000.0 + place / share * 1000.0 } else { (place - share) / (1.0 - share) * 1000.0 };
        prop_assert!((found as f64 - expected).abs() <= 1.0, "{} for {}", found, expected);
        prop_assert_eq!(found >= 1000, chance.strikes(word));
    }

    /// The slow way walks in microseconds and adds up what each brings.
    #[test]
    fn arrivals_are_where_the_sum_of_rates_says(
        rates in proptest::collection::vec(proptest::option::of(1_u32..50), 1..6), after in 0_u64..2_000_000, repeats in any::<bool>(),
    ) {
        prop_assume!(rates.iter().any(Option::is_some));
        let steps: Vec<RateStep> = rates.iter().enumerate().map(|(place, rate)| step(place as u64 * 100, *rate)).collect();
        let period = rates.len() as u64 * 100_000;
        let mut arrivals = Arrivals::new(Spacing::Even, steps).unwrap();
        if repeats {
            arrivals = arrivals.repeating(Duration::from_micros(period)).unwrap();
        }
        let rate = |micros: u64| {
            let place = if repeats { micros % period / 100_000 } else { (micros / 100_000).min(rates.len() as u64 - 1) };
            u64::from(rates[place as usize].unwrap_or(0))
        };
        // A rate of n a second brings n millionths of an arrival a microsecond.
        let walked = (after..after + 20_000_000).scan(0, |sum, micros| { *sum += rate(micros); Some((micros + 1, *sum)) });
        let expected = walked.skip_while(|(_, sum)| *sum < 1_000_000).map(|(micros, _)| micros).next();
        match (arrivals.next(Duration::from_micros(after), 0), expected) {
            (Some(found), Some(expected)) => {
                prop_assert!(found.as_nanos().div_ceil(1000).abs_diff(expected) <= 1, "{} for {}", found, expected);
            }
            (None, None) => {}
            (found, expected) => {
                let is_later = found.is_none_or(|found| found > Duration::from_micros(after + 20_000_000));
                prop_assert!(is_later && expected.is_none(), "{:?} for {:?}", found, expected);
            }
        }
    }
}
