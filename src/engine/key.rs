//! What the queue sorts: time, then sequence, then the slot of the event, packed in one integer.

use crate::base::Time;

/// An event's sequence number and slot, which together name it within its run. 40 bits and 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    const SLOT_BITS: u32 = 24;

    /// Above every sequence number that an event may have. 2⁴⁰ − 1.
    pub(super) const SEQUENCE_END: u64 = (1 << (64 - Self::SLOT_BITS)) - 1;
    /// Names nothing.
    pub(super) const NONE: Self = Self(u64::MAX);
    /// Above every slot that an event may have. 2²⁴ − 1.
    pub(super) const SLOT_END: u32 = (1 << Self::SLOT_BITS) - 1;

    #[inline]
    pub(super) const fn new(sequence: u64, slot: u32) -> Self {
        debug_assert!(sequence <= Self::SEQUENCE_END && slot <= Self::SLOT_END);
        Self(sequence << Self::SLOT_BITS | slot as u64)
    }

    #[inline]
    pub(super) const fn sequence(self) -> u64 {
        self.0 >> Self::SLOT_BITS
    }

    #[inline]
    pub(super) const fn slot(self) -> u32 {
        self.0 as u32 & Self::SLOT_END
    }
}

/// Where an event stands in the total order. Small, so that ordering moves sixteen bytes and never an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    #[inline]
    pub(super) const fn new(time: Time, stamp: Stamp) -> Self {
        Self((time.as_nanos() as u128) << 64 | stamp.0 as u128)
    }

    #[inline]
    pub(super) const fn time(self) -> Time {
        Time::from_nanos((self.0 >> 64) as u64)
    }

    #[inline]
    pub(super) const fn stamp(self) -> Stamp {
        Stamp(self.0 as u64)
    }
}
