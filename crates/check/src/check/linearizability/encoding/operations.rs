//! What the search reads: operations in order of invocation, returns in order of completion.

use super::machine::{KindId, ModelTable};

/// No operation, no return, no state.
pub(crate) const NONE: u32 = u32::MAX;

/// An operation that completed, and so must have taken effect between its invocation and its return.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    /// Its index in the history.
    pub(crate) index: u32,
    pub(crate) kind: KindId,
    /// Its place among the open operations; free again once it has returned.
    pub(crate) slot: u32,
    /// Which return, counted from zero, is its own.
    pub(crate) returns: u32,
    /// The operation of the same client that it follows at the same instant, at which others were busy too. Everything else that must
    /// come before it has returned before it was invoked.
    pub(crate) after: u32,
    /// Whether some operation is `after` it, or it is after some.
    pub(crate) tied: bool,
}

/// An operation of unknown outcome: it may take effect at any time after its invocation, or never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indeterminate {
    pub(crate) index: u32,
    pub(crate) kind: KindId,
    /// The first return before which it may take effect.
    pub(crate) from: u32,
    /// See [`Completed::after`].
    pub(crate) after: u32,
}

/// Operations of unknown outcome that ask for the same. They are interchangeable, but that some may take effect earlier: the oldest goes
/// first. So all that a search has to know of a class is how many of it took effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EquivalenceClass {
    pub(crate) kind: KindId,
    /// The place of the oldest in [`Encoding::indeterminate`]; the others follow it.
    pub(crate) start: u32,
    pub(crate) count: u32,
    /// The last return before which it can help; [`NONE`] if there is none.
    pub(crate) until: u32,
}

/// One key's part of a history.
pub(crate) struct Encoding {
    /// Those that completed, in the order of their invocation.
    pub(crate) completed: Vec<Completed>,
    /// The same in the order of their returns.
    pub(crate) returns: Vec<u32>,
    /// For each return, how many operations were invoked before it.
    pub(crate) opened: Vec<u32>,
    /// Those of unknown outcome, class by class, the oldest first.
    pub(crate) indeterminate: Vec<Indeterminate>,
    pub(crate) classes: Vec<EquivalenceClass>,
    /// The classes that can help only until some return, in the order of these returns.
    pub(crate) prunable: Vec<u32>,
    /// Whether one of the classes is anything but a write, so that its place in the order matters.
    pub(crate) any_sensitive: bool,
    /// How many operations are open at once, at most.
    pub(crate) slots: u32,
    /// For each return, its rank among all completions of the history.
    pub(crate) ranks: Vec<u32>,
    /// For each return, the first return from there on that belongs to an observer; one past the last if there is none.
    pub(crate) observer: Vec<u32>,
}

impl Encoding {
    /// The operations that were invoked before the first `limit` returns had passed, each with the first return before which it can take
    /// effect.
    pub(crate) fn spans(&self, limit: u32) -> impl Iterator<Item = (&Completed, u32)> {
        let mut event = 0;
        let opened = if limit == 0 { 0 } else { self.opened[limit as usize - 1] };
        self.completed[..opened as usize].iter().enumerate().map(move |(place, completed)| {
            while self.opened[event] as usize <= place {
                event += 1;
            }
            (completed, event as u32)
        })
    }

    /// Whether clients were busy at one instant so that one operation must follow another that it overlaps.
    pub(crate) fn is_tied(&self) -> bool {
        self.completed.iter().any(|operation| operation.tied) || self.indeterminate.iter().any(|operation| operation.after != NONE)
    }

    /// For each class, whether it must be counted: what changes the state in a way of its own could do so without end.
    pub(crate) fn must_count(&self, table: &ModelTable) -> Vec<bool> {
        self.classes.iter().map(|class| table.role(class.kind).leaves().is_none()).collect()
    }
}
