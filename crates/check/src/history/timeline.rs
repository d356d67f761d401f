//! A history without what was asked and answered.

use super::{History, Outcome};
use crate::base::{ClientId, Time};

/// Who did something when, and how it ended: one type for histories of all kinds. Operations are told by their indices.
pub(crate) trait Timeline {
    fn len(&self) -> usize;
    fn client(&self, index: usize) -> ClientId;
    fn invoked(&self, index: usize) -> Time;
    fn completed(&self, index: usize) -> Option<Time>;
    fn outcome(&self, index: usize) -> Outcome<()>;
    /// See [`History::completions`].
    fn completions(&self) -> &[usize];
    /// See [`History::recorded_before`].
    fn recorded_before(&self, operation: usize, rank: usize) -> bool;
    /// See [`History::precedes`].
    fn precedes(&self, a: usize, b: usize) -> bool;

    /// Whether the operation is known to have taken effect.
    fn is_done(&self, index: usize) -> bool {
        self.outcome(index) == Outcome::Done(())
    }
}

impl<O, R> Timeline for History<O, R> {
    fn len(&self) -> usize {
        self.operations().len()
    }

    fn client(&self, index: usize) -> ClientId {
        self.operations()[index].client
    }

    fn invoked(&self, index: usize) -> Time {
        self.operations()[index].invoked
    }

    fn completed(&self, index: usize) -> Option<Time> {
        self.operations()[index].completed
    }

    fn outcome(&self, index: usize) -> Outcome<()> {
        match self.operations()[index].outcome {
            Outcome::Done(_) => Outcome::Done(()),
            Outcome::Failed => Outcome::Failed,
            Outcome::Unknown => Outcome::Unknown,
        }
    }

    fn completions(&self) -> &[usize] {
        self.completions()
    }

    fn recorded_before(&self, operation: usize, rank: usize) -> bool {
        self.recorded_before(operation, rank)
    }

    fn precedes(&self, a: usize, b: usize) -> bool {
        self.precedes(a, b)
    }
}
