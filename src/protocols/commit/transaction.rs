//! The words of atomic commit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{LocalTime, NodeId};

/// How often a server has started, as it counts on its own disk, from 1. No two lives of a server share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

/// Names one attempt of a transaction: no two share a name, whatever crashes. Prints as `n1.2#7`: the seventh that `n1` coordinates in its
/// second life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TxnId {
    /// Who coordinates it.
    pub coordinator: NodeId,
    /// In which life of the coordinator it began.
    pub epoch: Epoch,
    /// Which of that life, from 1.
    pub number: u64,
}

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}#{}", self.coordinator, self.epoch.0, self.number)
    }
}

impl fmt::Debug for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How old a transaction is, for those who must decide which of two gives way: the smaller is the older. Clocks that are off make it
/// unfair, and never wrong: all that counts is that all servers agree on the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Age {
    /// When it began by its coordinator's clock.
    pub began: LocalTime,
    /// Its name, which tells those apart that began at once.
    pub txn: TxnId,
}

/// What a participant says when it is asked whether a transaction may commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Vote {
    /// It can do either from now on, whatever happens, and may decide no more by itself.
    Yes,
    /// It cannot commit, and has aborted.
    No,
    /// It has written nothing: both outcomes are the same to it, and it takes no further part.
    ReadOnly,
}

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// It takes effect everywhere.
    Commit,
    /// It takes effect nowhere.
    Abort,
}

impl fmt::Display for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::ReadOnly => "read-only",
        })
    }
}

impl Decision {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Abort => "abort",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
