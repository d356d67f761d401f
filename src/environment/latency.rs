//! How long things take.

use std::fmt;

use crate::base::{Duration, DurationRange, sample_exponential, sample_within};

/// A distribution of lengths of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Each length of the range as likely.
    Uniform(DurationRange),
    /// At least `low`, and on top of that an exponentially distributed length with the mean `mean`.
    Exponential {
        /// The shortest.
        low: Duration,
        /// The mean of what comes on top.
        mean: Duration,
    },
}

impl Latency {
    /// The length that a uniformly drawn word stands for: at least a nanosecond, since nothing arrives in the instant it was sent.
    #[inline]
    pub fn sample(&self, word: u64) -> Duration {
        let length = match *self {
            Self::Constant(length) => length,
            Self::Uniform(range) => sample_within(range, word),
            Self::Exponential { low, mean } => low + sample_exponential(mean, word),
        };
        length.max(Duration::from_nanos(1))
    }
}

impl Latency {
    /// How long it takes on average.
    pub fn mean(&self) -> Duration {
        match *self {
            Self::Constant(length) => length,
            Self::Uniform(range) => range.low() + (range.high() - range.low()) / 2,
            Self::Exponential { low, mean } => low + mean,
        }
    }
}

impl fmt::Display for Latency {
    /// As it is written in a scenario file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(length) => write!(f, "Constant(\"{length}\")"),
            Self::Uniform(range) => write!(f, "Uniform(\"{}\", \"{}\")", range.low(), range.high()),
            Self::Exponential { low, mean } => write!(f, "Exponential(low: \"{low}\", mean: \"{mean}\")"),
        }
    }
}
