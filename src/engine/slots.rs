//! Where events wait: slots that are used again, each stamped with its tenant.

use super::key::Stamp;

/// Events stay put here while their keys are sorted, so that a fat event costs no more to order than a thin one.
#[derive(Debug)]
pub(super) struct Slots<E> {
    slots: Vec<Slot<E>>,
    /// The first of the vacant slots, which are chained; [`Stamp::SLOT_END`] when there is none.
    vacant: u32,
    occupied: usize,
    /// How many slots there may be. Lower than the stamp allows in tests only.
    pub(super) limit: u32,
}

#[derive(Debug)]
struct Slot<E> {
    /// The tenant's, or [`vacant`].
    stamp: Stamp,
    event: Option<E>,
}

/// The stamp of a vacant slot: no tenant's, because of its sequence number; its slot is the next vacant one.
const fn vacant(next: u32) -> Stamp {
    Stamp::new(Stamp::SEQUENCE_END, next)
}

impl<E> Slots<E> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), vacant: Stamp::SLOT_END, occupied: 0, limit: Stamp::SLOT_END }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.vacant = Stamp::SLOT_END;
        self.occupied = 0;
    }

    #[inline]
    pub(super) const fn occupied(&self) -> usize {
        self.occupied
    }

    /// The event with this stamp, if it is here.
    pub(super) fn read(&self, stamp: Stamp) -> Option<&E> {
        self.slots.get(stamp.slot() as usize).filter(|slot| slot.stamp == stamp)?.event.as_ref()
    }

    /// Gives the event a slot; drops it and returns nothing if all are taken.
    #[inline]
    pub(super) fn put(&mut self, sequence: u64, event: E) -> Option<Stamp> {
        if let Some(slot) = self.slots.get_mut(self.vacant as usize) {
            let stamp = Stamp::new(sequence, self.vacant);
            self.vacant = slot.stamp.slot();
            *slot = Slot { stamp, event: Some(event) };
            self.occupied += 1;
            return Some(stamp);
        }
        let fresh = self.slots.len() as u32;
        if fresh >= self.limit {
            return None;
        }
        let stamp = Stamp::new(sequence, fresh);
        self.slots.push(Slot { stamp, event: Some(event) });
        self.occupied += 1;
        Some(stamp)
    }

    /// Whether the event with this stamp is still here.
    #[inline]
    pub(super) fn holds(&self, stamp: Stamp) -> bool {
        self.slots.get(stamp.slot() as usize).is_some_and(|slot| slot.stamp == stamp)
    }

    /// Moves the event with this stamp out, if it is still here.
    #[inline]
    pub(super) fn take(&mut self, stamp: Stamp) -> Option<E> {
        let slot = self.slots.get_mut(stamp.slot() as usize)?;
        if slot.stamp != stamp {
            return None;
        }
        slot.stamp = vacant(self.vacant);
        self.vacant = stamp.slot();
        self.occupied -= 1;
        slot.event.take()
    }
}

#[cfg(test)]
impl<E> Slots<E> {
    /// How many slots there are, vacant ones included.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}
