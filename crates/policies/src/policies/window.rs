//! Counts of what happened of late, in buckets of time.

use std::collections::VecDeque;

use stormglass_process::base::{Duration, LocalTime};

use super::SettingError;
use super::setting::demand;

/// `N` counts over a sliding window: of the bucket that is now, and of those before it, as many as there are. The window is so at most as
/// long as it is said to be, and shorter by less than a bucket.
#[derive(Clone, Debug)]
pub(super) struct Sliding<const N: usize> {
    bucket: Duration,
    buckets: u32,
    /// The oldest first: the number of each bucket, and what is counted in it. Empty ones are left out.
    counts: VecDeque<(i64, [u64; N])>,
    sums: [u64; N],
    /// The bucket that is now: a clock that is set back does not bring an earlier one.
    now: i64,
}

impl<const N: usize> Sliding<N> {
    pub(super) fn new(length: Duration, buckets: u32) -> Result<Self, SettingError> {
        demand((1..=10_000).contains(&buckets), "buckets", "a window has from 1 to 10000 buckets")?;
        let bucket = length / u64::from(buckets);
        demand(!bucket.is_zero(), "length", "each bucket of a window lasts a nanosecond or more")?;
        Ok(Self { bucket, buckets, counts: VecDeque::new(), sums: [0; N], now: i64::MIN })
    }

    /// Forgets what is too old.
    pub(super) fn pass(&mut self, now: LocalTime) {
        let length = i64::try_from(self.bucket.as_nanos()).unwrap_or(i64::MAX);
        self.now = self.now.max(now.as_nanos().div_euclid(length));
        let first = self.now.saturating_sub(i64::from(self.buckets) - 1);
        while let Some((bucket, counts)) = self.counts.front().copied()
            && bucket < first
        {
            self.sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum -= count);
            self.counts.pop_front();
        }
    }

    /// Counts one of this kind now.
    pub(super) fn count(&mut self, now: LocalTime, kind: usize) {
        self.pass(now);
        if self.counts.back().is_none_or(|(bucket, _)| *bucket != self.now) {
            self.counts.push_back((self.now, [0; N]));
        }
        if let Some((_, counts)) = self.counts.back_mut() {
            counts[kind] += 1;
            self.sums[kind] += 1;
        }
    }

    /// How many of each kind the window has, as of when time passed last.
    pub(super) const fn sums(&self) -> [u64; N] {
        self.sums
    }

    pub(super) fn clear(&mut self) {
        self.counts.clear();
        self.sums = [0; N];
    }
}
