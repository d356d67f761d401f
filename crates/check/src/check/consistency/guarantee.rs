//! The guarantees, and what became of each.

use std::fmt;
use std::slice;

use crate::check::verdict::{Broken, Fact, Verdict};

/// A promise that a store may make. See the [module](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Guarantee {
    /// One order of all operations that keeps to real time.
    #[default]
    Linearizable,
    /// One order of all operations that keeps to each client's own.
    Sequential,
    /// Causality is never broken, and all agree on what overwrites what.
    Causal,
    /// A client's writes are seen in its order.
    MonotonicWrites,
    /// A write is seen together with what its client had seen.
    WritesFollowReads,
    /// Reads never go back.
    MonotonicReads,
    /// A client sees its own writes.
    ReadYourWrites,
}

impl Guarantee {
    /// All of them, the strongest first.
    pub const ALL: [Self; 7] = [
        Self::Linearizable,
        Self::Sequential,
        Self::Causal,
        Self::MonotonicWrites,
        Self::WritesFollowReads,
        Self::MonotonicReads,
        Self::ReadYourWrites,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Sequential => "sequential",
            Self::Causal => "causal",
            Self::MonotonicWrites => "monotonic-writes",
            Self::WritesFollowReads => "writes-follow-reads",
            Self::MonotonicReads => "monotonic-reads",
            Self::ReadYourWrites => "read-your-writes",
        }
    }

    /// What it promises, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Linearizable => "one order of all operations that keeps to real time and explains every answer",
            Self::Sequential => "one order of all operations that keeps to each client's own and explains every answer",
            Self::Causal => "a client that sees a write sees what came before it, and all agree on what overwrites what",
            Self::MonotonicWrites => "a client that sees a write sees what the writing client had written before",
            Self::WritesFollowReads => "a client that sees a write sees what the writing client had read before",
            Self::MonotonicReads => "what a client has seen, it goes on seeing, or something newer",
            Self::ReadYourWrites => "what a client has written, it sees, or something newer",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guarantee| guarantee.name() == name)
    }

    /// Whether whatever keeps this keeps the other, too.
    pub const fn implies(self, other: Self) -> bool {
        use Guarantee::{Causal, Linearizable, MonotonicReads, MonotonicWrites, ReadYourWrites, Sequential, WritesFollowReads};
        match self {
            Linearizable => true,
            Sequential => !matches!(other, Linearizable),
            Causal => !matches!(other, Linearizable | Sequential),
            MonotonicWrites | WritesFollowReads => matches!(other, MonotonicReads) || self as u8 == other as u8,
            MonotonicReads | ReadYourWrites => self as u8 == other as u8,
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of one guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuaranteeReport {
    /// Which.
    pub guarantee: Guarantee,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// Why not, or why it is not known; nothing if it was. If writes are older than each other in a cycle, why each is older than the next.
    pub why: Vec<Broken>,
    /// How many states were explored.
    pub states: u64,
}

impl GuaranteeReport {
    pub(super) const fn holds(guarantee: Guarantee, states: u64) -> Self {
        Self { guarantee, verdict: Verdict::Holds, why: Vec::new(), states }
    }

    /// The operations that show why it was not kept, by their indices in the history.
    pub fn operations(&self) -> Vec<usize> {
        let facts = self.why.iter().flat_map(|broken| &broken.facts).map(|(_, fact)| fact);
        let single = facts.flat_map(|fact| if let Fact::All(facts) = fact { facts.as_slice() } else { slice::from_ref(fact) });
        let operations = single.filter_map(|fact| if let Fact::Operation { index, .. } = fact { Some(*index) } else { None });
        let mut operations: Vec<usize> = operations.collect();
        operations.sort_unstable();
        operations.dedup();
        operations
    }
}
