//! What fills up with time: the arithmetic of buckets, exact.

use stormglass_process::base::{LocalTime, Rate};

/// A level that grows with time up to a limit, in parts so small that each nanosecond brings a whole number of them.
#[derive(Clone, Debug)]
pub(super) struct Refill {
    level: u128,
    most: u128,
    per_nano: u128,
    at: Option<LocalTime>,
}

impl Refill {
    /// Full, with `most` units of `unit` parts each, of which `rate` units come.
    pub(super) fn full(most: u32, scale: Scale) -> Self {
        let most = u128::from(most) * scale.unit;
        Self { level: most, most, per_nano: scale.per_nano, at: None }
    }

    /// Lets time pass: none, if the clock was set back.
    pub(super) fn pass(&mut self, now: LocalTime) {
        let before = self.at.unwrap_or(now);
        let grown = self.per_nano.saturating_mul(u128::from(now.since(before).as_nanos()));
        self.add(grown);
        self.at = Some(now.max(before));
    }

    pub(super) fn add(&mut self, parts: u128) {
        self.level = self.level.saturating_add(parts).min(self.most);
    }

    /// Takes this much, if there is as much.
    pub(super) fn take(&mut self, parts: u128) -> bool {
        let Some(left) = self.level.checked_sub(parts) else { return false };
        self.level = left;
        true
    }

    pub(super) const fn level(&self) -> u128 {
        self.level
    }

    pub(super) const fn most(&self) -> u128 {
        self.most
    }

    /// After how many nanoseconds there will be this much; nothing if there never will.
    pub(super) fn nanos_to(&self, parts: u128) -> Option<u64> {
        let missing = parts.saturating_sub(self.level);
        if parts > self.most || missing > 0 && self.per_nano == 0 {
            return None;
        }
        Some(u64::try_from(missing.div_ceil(self.per_nano.max(1))).unwrap_or(u64::MAX))
    }
}

/// How many parts a unit has, and how many come in a nanosecond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) unit: u128,
    pub(super) per_nano: u128,
}

impl Scale {
    /// Units at this rate, each of which can be divided by `divisor`.
    pub(super) fn new(rate: Option<Rate>, divisor: u32) -> Self {
        let divisor = u128::from(divisor);
        match rate {
            Some(rate) => Self { unit: u128::from(rate.unit().as_nanos()) * divisor, per_nano: u128::from(rate.count()) * divisor },
            None => Self { unit: divisor, per_nano: 0 },
        }
    }
}
