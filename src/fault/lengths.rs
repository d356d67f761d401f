//! How long faults last.

use crate::base::{Duration, DurationRange};

/// How long a fault lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// Drawn from the range: for each node that it strikes.
    Drawn(DurationRange),
    /// Of the nodes that it strikes one after the other; from the first on again if there are more nodes.
    Each(Vec<Duration>),
}

impl From<DurationRange> for Lengths {
    fn from(range: DurationRange) -> Self {
        Self::Drawn(range)
    }
}

impl From<Duration> for Lengths {
    fn from(length: Duration) -> Self {
        Self::Drawn(length.into())
    }
}

impl Lengths {
    /// The longest that it may be.
    pub(crate) fn longest(&self) -> Duration {
        match self {
            Self::Drawn(range) => range.high(),
            Self::Each(lengths) => lengths.iter().copied().max().unwrap_or(Duration::ZERO),
        }
    }
}
