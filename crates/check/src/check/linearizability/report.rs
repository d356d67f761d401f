//! What a judge of a whole history answers.

use crate::check::verdict::{Budget, Verdict};

/// How many states [`check`](super::check) explores in a history of this many operations before it gives up. A search that does not branch
/// much needs fewer than ten an operation, even to find out that there is no order.
pub const fn default_budget(operations: usize) -> u64 {
    Budget { states: None, bytes: None }.states_for(operations)
}

/// How many states are explored to explain what is violated of a history of this many operations, besides those of the verdict: of all its
/// keys together. What is looked at without a search counts, too. When it ends, the best is told that was found by then.
pub const fn explanation_budget(operations: usize) -> u64 {
    1_000_000 + 20 * operations as u64
}

/// What the judge found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub judgement: Judgement,
    /// How many states were explored in finding it.
    pub states: u64,
}

/// Whether the history is linearizable, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is.
    Holds {
        /// An order that shows it, by the operations' indices in the history. Operations of unknown outcome that it leaves out never took
        /// effect.
        witness: Vec<usize>,
    },
    /// It is not.
    Violated {
        /// Every key that is violated on its own.
        violations: Vec<Violation>,
        /// The keys for which the budget was too small.
        undecided: Vec<Undecided>,
    },
    /// The budget was too small to say.
    Unknown {
        /// The keys in question.
        undecided: Vec<Undecided>,
    },
}

/// A key whose operations have no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key, as the model names it.
    pub key: String,
    /// All operations on the key that may have taken effect, in the order of their invocation.
    pub operations: Vec<usize>,
    /// How many of these completions, in their order, already admit no order; perhaps fewer do.
    pub completions: usize,
    /// Whether the keys hold apart and only together do not.
    pub(super) across_keys: bool,
}

/// A key about which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// The key, as the model names it.
    pub key: String,
    /// How many states were explored.
    pub states: u64,
    /// How many bytes of search state were held, if that was too much for some search. A larger budget of states need not help then.
    pub bytes: Option<u64>,
    /// The furthest operation whose completion was looked at.
    pub operation: Option<usize>,
    /// Whether more is open or unknown at once than the search can hold, so that a larger budget would not help.
    pub too_wide: bool,
}

impl Report {
    /// The answer in a word.
    pub const fn verdict(&self) -> Verdict {
        match self.judgement {
            Judgement::Holds { .. } => Verdict::Holds,
            Judgement::Violated { .. } => Verdict::Violated,
            Judgement::Unknown { .. } => Verdict::Unknown,
        }
    }

    /// Every key that is violated on its own; none unless the history is violated.
    pub fn violations(&self) -> &[Violation] {
        match &self.judgement {
            Judgement::Violated { violations, .. } => violations,
            Judgement::Holds { .. } | Judgement::Unknown { .. } => &[],
        }
    }
}
