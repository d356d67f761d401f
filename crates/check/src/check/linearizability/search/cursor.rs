//! Where a search stands in its encoding.

use super::bits::Bits;
use super::tally::Tally;
use crate::check::linearizability::encoding::{Encoding, InternedRole, NONE, Transitions};

/// What is open before the return at which the search stands.
pub(super) struct Cursor<const W: usize> {
    pub(super) event: u32,
    /// The completed operation in each slot, while it is open.
    pub(super) slots: Vec<u32>,
    pub(super) open: Bits<W>,
    pub(super) observers: Bits<W>,
    /// Blind operations, which a write can dominate.
    pub(super) blind: Bits<W>,
    /// Those whose place in the order matters: neither observers nor writes that can be dominated.
    pub(super) sensitive: Bits<W>,
    /// What is counted of operations of unknown outcome.
    pub(super) tally: Tally,
    /// How many classes of these are of no use any more.
    pub(super) pruned: usize,
    /// The counts of these.
    pub(super) used_up: Bits<W>,
}

impl<const W: usize> Cursor<W> {
    pub(super) fn new(encoding: &Encoding, tally: Tally) -> Self {
        Self {
            tally,
            event: 0,
            slots: vec![NONE; encoding.slots as usize],
            open: Bits::EMPTY,
            observers: Bits::EMPTY,
            blind: Bits::EMPTY,
            sensitive: Bits::EMPTY,
            pruned: 0,
            used_up: Bits::EMPTY,
        }
    }

    /// Goes to the place before another return, one by one.
    #[inline]
    pub(super) fn seek(&mut self, encoding: &Encoding, transitions: &Transitions<'_>, event: u32) {
        while self.event < event {
            self.close(encoding, encoding.returns[self.event as usize]);
            self.event += 1;
            self.open_before(encoding, transitions, self.event);
            while self.pruned < encoding.prunable.len() && pruned_after(encoding, self.pruned) < self.event {
                self.used_up.fill(&self.tally.fields[encoding.prunable[self.pruned] as usize]);
                self.pruned += 1;
            }
        }
        while self.event > event {
            for place in opened_before(encoding, self.event) {
                self.close(encoding, place);
            }
            self.event -= 1;
            self.open(encoding, transitions, encoding.returns[self.event as usize]);
            while self.pruned > 0 && pruned_after(encoding, self.pruned - 1) >= self.event {
                self.pruned -= 1;
                self.used_up.clear(&self.tally.fields[encoding.prunable[self.pruned] as usize]);
            }
        }
    }

    pub(super) fn open_before(&mut self, encoding: &Encoding, transitions: &Transitions<'_>, event: u32) {
        for place in opened_before(encoding, event) {
            self.open(encoding, transitions, place);
        }
    }

    /// What holds wherever it stands: an open operation observes, or is blind, or its place in the order matters.
    pub(super) fn invariants(&self) {
        debug_assert_eq!(self.observers.or(&self.blind).or(&self.sensitive), self.open, "each open operation is of some sort");
        debug_assert!(self.observers.and(&self.blind.or(&self.sensitive)).is_empty(), "observers neither hide nor matter");
    }

    fn open(&mut self, encoding: &Encoding, transitions: &Transitions<'_>, place: u32) {
        let operation = &encoding.completed[place as usize];
        self.slots[operation.slot as usize] = place;
        self.open.insert(operation.slot);
        let role = transitions.role(operation.kind);
        match role {
            InternedRole::Observer => self.observers.insert(operation.slot),
            InternedRole::Write(_) if !operation.tied => {}
            InternedRole::Write(_) | InternedRole::Swap(_) | InternedRole::Update | InternedRole::Other => {
                self.sensitive.insert(operation.slot)
            }
        }
        if role.is_blind() && !operation.tied {
            self.blind.insert(operation.slot);
        }
    }

    fn close(&mut self, encoding: &Encoding, place: u32) {
        let slot = encoding.completed[place as usize].slot;
        self.open.remove(slot);
        self.observers.remove(slot);
        self.blind.remove(slot);
        self.sensitive.remove(slot);
    }
}

/// The last return before which the class that pruned_after at this place can help.
fn pruned_after(encoding: &Encoding, place: usize) -> u32 {
    encoding.classes[encoding.prunable[place] as usize].until
}

/// The operations that were invoked after the return before this one.
fn opened_before(encoding: &Encoding, event: u32) -> std::ops::Range<u32> {
    let start = if event == 0 { 0 } else { encoding.opened[event as usize - 1] };
    start..encoding.opened[event as usize]
}
