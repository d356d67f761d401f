//! Where a search stands in its plan.

use crate::check::linearizability::loose::Tally;
use crate::check::linearizability::machine::{Part, Steps};
use crate::check::linearizability::plan::{NONE, Plan};
use crate::check::linearizability::visited::Bits;

/// What is open before the return at which the search stands.
pub(super) struct Cursor<const W: usize> {
    pub(super) event: u32,
    /// The planned operation in each slot, while it is open.
    pub(super) slots: Vec<u32>,
    pub(super) open: Bits<W>,
    pub(super) observers: Bits<W>,
    /// Blind operations that a write can cover.
    pub(super) coverable: Bits<W>,
    /// Neither observers nor writes that can be covered: what may see an operation and change the state, or must be ordered in earnest.
    pub(super) sharp: Bits<W>,
    /// What is counted of operations of unknown outcome.
    pub(super) tally: Tally,
    /// How many classes of these can help nobody any more.
    pub(super) retired: usize,
    /// The counts of these.
    pub(super) used_up: Bits<W>,
}

impl<const W: usize> Cursor<W> {
    pub(super) fn new(plan: &Plan, tally: Tally) -> Self {
        Self {
            tally,
            event: 0,
            slots: vec![NONE; plan.slots as usize],
            open: Bits::EMPTY,
            observers: Bits::EMPTY,
            coverable: Bits::EMPTY,
            sharp: Bits::EMPTY,
            retired: 0,
            used_up: Bits::EMPTY,
        }
    }

    /// Goes to the place before another return, one by one.
    #[inline]
    pub(super) fn seek(&mut self, plan: &Plan, steps: &Steps<'_>, event: u32) {
        while self.event < event {
            self.close(plan, plan.returns[self.event as usize]);
            self.event += 1;
            self.open_before(plan, steps, self.event);
            while self.retired < plan.retiring.len() && retires(plan, self.retired) < self.event {
                self.used_up.fill(&self.tally.places[plan.retiring[self.retired] as usize]);
                self.retired += 1;
            }
        }
        while self.event > event {
            for place in opened_before(plan, self.event) {
                self.close(plan, place);
            }
            self.event -= 1;
            self.open(plan, steps, plan.returns[self.event as usize]);
            while self.retired > 0 && retires(plan, self.retired - 1) >= self.event {
                self.retired -= 1;
                self.used_up.clear(&self.tally.places[plan.retiring[self.retired] as usize]);
            }
        }
    }

    pub(super) fn open_before(&mut self, plan: &Plan, steps: &Steps<'_>, event: u32) {
        for place in opened_before(plan, event) {
            self.open(plan, steps, place);
        }
    }

    fn open(&mut self, plan: &Plan, steps: &Steps<'_>, place: u32) {
        let operation = &plan.planned[place as usize];
        self.slots[operation.slot as usize] = place;
        self.open.insert(operation.slot);
        let part = steps.part(operation.kind);
        match part {
            Part::Observer => self.observers.insert(operation.slot),
            Part::Write(_) if !operation.tied => {}
            Part::Write(_) | Part::Swap(_) | Part::Update | Part::Other => self.sharp.insert(operation.slot),
        }
        if part.is_blind() && !operation.tied {
            self.coverable.insert(operation.slot);
        }
    }

    fn close(&mut self, plan: &Plan, place: u32) {
        let slot = plan.planned[place as usize].slot;
        self.open.remove(slot);
        self.observers.remove(slot);
        self.coverable.remove(slot);
        self.sharp.remove(slot);
    }
}

/// The last return before which the class that retires at this place can help.
fn retires(plan: &Plan, place: usize) -> u32 {
    plan.classes[plan.retiring[place] as usize].until
}

/// The operations that were invoked after the return before this one.
fn opened_before(plan: &Plan, event: u32) -> std::ops::Range<u32> {
    let start = if event == 0 { 0 } else { plan.opened[event as usize - 1] };
    start..plan.opened[event as usize]
}
