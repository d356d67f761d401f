//! What an explanation may explore.

use std::cell::Cell;

use crate::check::linearizability::keys::judge_keys;
use crate::check::linearizability::portfolio::Strategies;
use crate::check::linearizability::report::Report;
use crate::check::linearizability::search::Ration;
use crate::check::linearizability::subject::Subject;
use crate::check::verdict::Budget;

/// How many states may be explored for an explanation, and how many of them are left. Operations that are looked at count as well. And how
/// many bytes each search for it may hold, if that is said: else as many as are usual.
pub(in crate::check) struct Allowance {
    whole: u64,
    left: Cell<u64>,
    bytes: Option<u64>,
}

impl Allowance {
    pub(in crate::check) const fn new(states: u64, bytes: Option<u64>) -> Self {
        Self { whole: states, left: Cell::new(states), bytes }
    }

    pub(in crate::check) const fn left(&self) -> u64 {
        self.left.get()
    }

    pub(in crate::check) const fn spent(&self) -> u64 {
        self.whole - self.left.get()
    }

    pub(super) fn spend(&self, states: u64) {
        self.left.set(self.left.get().saturating_sub(states));
    }

    /// So many states for a search among so many operations, as far as they are left.
    pub(super) fn ration(&self, states: u64, operations: usize) -> Ration {
        Ration { states: states.min(self.left()), bytes: self.budget(states).bytes_for(operations) }
    }

    fn budget(&self, states: u64) -> Budget {
        Budget { states: Some(states.min(self.left())), bytes: self.bytes }
    }

    /// Does something for no more than that.
    pub(in crate::check) fn share<T>(&self, states: u64, work: impl FnOnce(&Self) -> T) -> T {
        let share = Self::new(states.min(self.left()), self.bytes);
        let done = work(&share);
        self.spend(share.spent());
        done
    }

    /// Does something with each of these, and shares fairly: what one leaves is for those that follow.
    pub(in crate::check) fn share_out<T, U>(&self, items: &[T], mut work: impl FnMut(&T, &Self) -> U) -> Vec<U> {
        let each = items.iter().enumerate().map(|(place, item)| {
            let fair = self.left() / (items.len() - place) as u64;
            self.share(fair, |share| work(item, share))
        });
        each.collect()
    }

    /// Judges a part of the history, for no more than that.
    pub(super) fn judge(&self, part: &dyn Subject, states: u64) -> Report {
        let report = judge_keys(Strategies::All, part, self.budget(states));
        self.spend(report.states + 2 * part.timeline().len() as u64);
        report
    }
}
