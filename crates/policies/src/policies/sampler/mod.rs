//! Lengths of time drawn from a distribution: times of work, latencies, gaps between arrivals.
//!
//! A [`Sampler`] maps one uniform word to one length, by inversion: a pure function, so that a draw can be keyed by what it is for, and two
//! designs be compared on the same draws. Constants, uniform and exponential lengths and tables are computed in integers, log-normal and
//! Pareto lengths with `libm` and the basic operations of IEEE 754: the same bits on every machine.
//!
//! ```
//! use stormglass_policies::policies::sampler::{Distribution, Sampler};
//! use stormglass_process::base::{Duration, RunKey};
//!
//! // A hundred requests in 101 find the cache warm: one millisecond; the others go to the disk.
//! let usual = Distribution::Constant(Duration::from_millis(1));
//! let slow = Distribution::Exponential { mean: Duration::from_millis(20) };
//! let chance = "1/101".parse().unwrap();
//! let work = Sampler::new(Distribution::Bimodal { usual: usual.into(), slow: slow.into(), slow_chance: chance }).unwrap();
//! let mut random = RunKey::from_seed(1).stream("work", 0);
//! let slow = (0..10_100).filter(|_| work.draw(&mut random) != Duration::from_millis(1)).count();
//! assert!((60..140).contains(&slow));
//! ```

mod arrivals;
mod normal;
#[cfg(test)]
mod tests;

use stormglass_process::base::{Duration, DurationRange, Ratio, Stream, sample_exponential, sample_within};

pub use arrivals::{Arrivals, RateStep, Spacing};

use super::SettingError;
use super::setting::demand;
use normal::TWO_TO_64;

/// How lengths of time are distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Always the same.
    Constant(Duration),
    /// Each length in the range is as likely.
    Uniform(DurationRange),
    /// Exponential: without memory. Cut off at 44 means (once in 10¹⁹ draws).
    Exponential {
        /// The mean, which is the standard deviation, too.
        mean: Duration,
    },
    /// Log-normal: the logarithm is normally distributed.
    LogNormal {
        /// Half of the lengths are shorter. Above zero.
        median: Duration,
        /// σ, the standard deviation of the natural logarithm, in thousandths: at most 10,000.
        sigma_milli: u32,
    },
    /// Pareto: P(X > x) = (least / x)^shape for x ≥ least, a heavy tail.
    Pareto {
        /// The shortest length. Above zero.
        least: Duration,
        /// The exponent of the tail, in thousandths: above zero. There is no mean at 1,000 or less, no variance at 2,000 or less.
        shape_milli: u32,
    },
    /// Of two distributions one: the usual one, or with this chance the slow one.
    Bimodal {
        /// What it mostly is.
        usual: Box<Self>,
        /// What it is with the chance.
        slow: Box<Self>,
        /// How likely the slow one is.
        slow_chance: Ratio,
    },
    /// A measured histogram: a bucket as likely as it is heavy, each length within as likely.
    Empirical(Vec<Bucket>),
}

/// A bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many of the lengths that were measured fell into it.
    pub weight: u32,
    /// From the shortest to the longest of them.
    pub range: DurationRange,
}

impl Distribution {
    /// The mean in nanoseconds, in closed form; infinite where there is none.
    pub fn mean_nanos(&self) -> f64 {
        match self {
            Self::Constant(length) => nanos(*length),
            Self::Uniform(range) => (nanos(range.low()) + nanos(range.high())) / 2.0,
            Self::Exponential { mean } => nanos(*mean),
            Self::LogNormal { median, sigma_milli } => nanos(*median) * libm::exp(square(milli(*sigma_milli)) / 2.0),
            Self::Pareto { least, shape_milli } if *shape_milli > 1000 => {
                let shape = milli(*shape_milli);
                nanos(*least) * shape / (shape - 1.0)
            }
            Self::Pareto { .. } => f64::INFINITY,
            Self::Bimodal { usual, slow, slow_chance } => mixed(*slow_chance, usual.mean_nanos(), slow.mean_nanos()),
            Self::Empirical(buckets) => averaged(buckets, Self::mean_nanos),
        }
    }

    /// The mean of the square, in square nanoseconds, in closed form, as the Pollaczek–Khinchine formula takes it; infinite where there is
    /// none.
    pub fn square_nanos(&self) -> f64 {
        match self {
            Self::Constant(length) => square(nanos(*length)),
            Self::Uniform(range) => {
                let (low, high) = (nanos(range.low()), nanos(range.high()));
                // Of whole nanoseconds.
                square((low + high) / 2.0) + (square(high - low + 1.0) - 1.0) / 12.0
            }
            Self::Exponential { mean } => 2.0 * square(nanos(*mean)),
            Self::LogNormal { median, sigma_milli } => square(nanos(*median)) * libm::exp(2.0 * square(milli(*sigma_milli))),
            Self::Pareto { least, shape_milli } if *shape_milli > 2000 => {
                let shape = milli(*shape_milli);
                square(nanos(*least)) * shape / (shape - 2.0)
            }
            Self::Pareto { .. } => f64::INFINITY,
            Self::Bimodal { usual, slow, slow_chance } => mixed(*slow_chance, usual.square_nanos(), slow.square_nanos()),
            Self::Empirical(buckets) => averaged(buckets, Self::square_nanos),
        }
    }

    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), SettingError> {
        match self {
            Self::Constant(_) | Self::Uniform(_) | Self::Exponential { .. } => Ok(()),
            Self::LogNormal { median, sigma_milli } => {
                demand(!median.is_zero(), "median", "half of the lengths lie below it: it is above zero")?;
                demand(*sigma_milli <= 10_000, "sigma_milli", "the logarithm's standard deviation in thousandths is at most 10000")
            }
            Self::Pareto { least, shape_milli } => {
                demand(!least.is_zero(), "least", "the shortest length is above zero")?;
                demand(*shape_milli > 0, "shape_milli", "the exponent of the tail, in thousandths, is above zero")
            }
            Self::Bimodal { usual, slow, .. } => usual.check().and_then(|()| slow.check()),
            Self::Empirical(buckets) => {
                demand(buckets.iter().any(|bucket| bucket.weight > 0), "weight", "a table has a bucket that is heavier than zero")
            }
        }
    }
}

fn nanos(length: Duration) -> f64 {
    length.as_nanos() as f64
}

fn milli(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

fn square(x: f64) -> f64 {
    x * x
}

fn mixed(slow_chance: Ratio, usual: f64, slow: f64) -> f64 {
    // What has no chance has no part, be it infinite.
    let part = |parts: u32, moment: f64| if parts == 0 { 0.0 } else { moment * f64::from(parts) / f64::from(slow_chance.whole()) };
    part(slow_chance.whole() - slow_chance.parts(), usual) + part(slow_chance.parts(), slow)
}

fn averaged(buckets: &[Bucket], moment: fn(&Distribution) -> f64) -> f64 {
    let total: f64 = buckets.iter().map(|bucket| f64::from(bucket.weight)).sum();
    buckets.iter().map(|bucket| f64::from(bucket.weight) * moment(&Distribution::Uniform(bucket.range))).sum::<f64>() / total
}

/// A distribution made ready to draw from.
#[derive(Clone, Debug)]
pub struct Sampler(Prepared);

#[derive(Clone, Debug)]
enum Prepared {
    Within(DurationRange),
    Exponential(Duration),
    LogNormal { median: f64, sigma: f64 },
    Pareto { least: f64, minus_inverse_shape: f64 },
    Bimodal { usual: Box<Prepared>, slow: Box<Prepared>, slow_chance: Ratio },
    Empirical(Table),
}

/// Buckets, each with the weight up to and with it.
#[derive(Clone, Debug)]
struct Table {
    buckets: Vec<(u64, Bucket)>,
}

impl Sampler {
    /// Makes a distribution ready.
    ///
    /// # Errors
    /// As [`Distribution::check`] says.
    pub fn new(distribution: Distribution) -> Result<Self, SettingError> {
        distribution.check()?;
        Ok(Self(Prepared::of(distribution)))
    }

    /// The length that a uniform word stands for. At most [`Duration::MAX`], which heavy tails can reach.
    #[inline]
    pub fn sample(&self, word: u64) -> Duration {
        self.0.sample(word)
    }

    /// The length that the stream's next word stands for.
    #[inline]
    pub fn draw(&self, random: &mut Stream) -> Duration {
        self.sample(random.word())
    }
}

impl Prepared {
    fn of(distribution: Distribution) -> Self {
        match distribution {
            Distribution::Constant(length) => Self::Within(length.into()),
            Distribution::Uniform(range) => Self::Within(range),
            Distribution::Exponential { mean } => Self::Exponential(mean),
            Distribution::LogNormal { median, sigma_milli } => Self::LogNormal { median: nanos(median), sigma: milli(sigma_milli) },
            Distribution::Pareto { least, shape_milli } => {
                Self::Pareto { least: nanos(least), minus_inverse_shape: -1.0 / milli(shape_milli) }
            }
            Distribution::Bimodal { usual, slow, slow_chance } => {
                Self::Bimodal { usual: Self::of(*usual).into(), slow: Self::of(*slow).into(), slow_chance }
            }
            Distribution::Empirical(buckets) => Self::Empirical(Table::new(buckets)),
        }
    }

    fn sample(&self, word: u64) -> Duration {
        match self {
            Self::Within(range) => sample_within(*range, word),
            Self::Exponential(mean) => sample_exponential(*mean, word),
            Self::LogNormal { median, sigma } => rounded(median * libm::exp(sigma * normal::quantile(word))),
            // (word + 1) / 2^64 lies in (0, 1].
            Self::Pareto { least, minus_inverse_shape } => {
                rounded(least * libm::pow((word as f64 + 1.0) / TWO_TO_64, *minus_inverse_shape))
            }
            Self::Bimodal { usual, slow, slow_chance } => {
                let (parts, whole) = (u64::from(slow_chance.parts()), u64::from(slow_chance.whole()));
                let place = u128::from(word) * u128::from(whole);
                if (place >> 64) < u128::from(parts) {
                    slow.sample(stretched(place, 0, parts))
                } else {
                    usual.sample(stretched(place, parts, whole - parts))
                }
            }
            Self::Empirical(table) => table.sample(word),
        }
    }
}

/// What is left of a uniform word once it has chosen a part: a uniform word again. `place` is the word scaled to a whole, the part begins
/// at `from` and is `width` wide.
fn stretched(place: u128, from: u64, width: u64) -> u64 {
    ((place - (u128::from(from) << 64)) / u128::from(width)) as u64
}

impl Table {
    fn new(buckets: Vec<Bucket>) -> Self {
        let mut total = 0;
        let heavy = buckets.into_iter().filter(|bucket| bucket.weight > 0);
        let summed = heavy.map(|bucket| {
            total += u64::from(bucket.weight);
            (total, bucket)
        });
        Self { buckets: summed.collect() }
    }

    fn sample(&self, word: u64) -> Duration {
        let total = self.buckets.last().map_or(0, |(total, _)| *total);
        let place = u128::from(word) * u128::from(total);
        let index = self.buckets.partition_point(|(through, _)| u128::from(*through) <= place >> 64);
        let Some((through, bucket)) = self.buckets.get(index) else { return Duration::ZERO };
        let weight = u64::from(bucket.weight);
        sample_within(bucket.range, stretched(place, through - weight, weight))
    }
}

/// The nearest whole nanosecond; the longest length for what is longer.
fn rounded(nanos: f64) -> Duration {
    Duration::from_nanos((nanos + 0.5) as u64)
}
