//! Two-phase commit, in its variants presumed nothing, presumed abort and presumed commit.
//!
//! After *Concurrency Control and Recovery in Database Systems* (Bernstein, Hadzilacos and Goodman, 1987; "BHG"), §7.3 and §7.4, and
//! *Transaction Management in the R\* Distributed Database Management System* (Mohan, Lindsay and Obermarck, 1986; "R\*").
//!
//! Keys are spread over the servers by their number, and each server is both: participant for its own keys, and coordinator of the
//! transactions that clients bring to it. First the *work* is done: locks are taken and acts carried out everywhere. Then come `Prepare`,
//! `Vote`, `Decide` and `Ack`. No lock is taken after the first `Prepare`, so that locking is two-phase although participants that have
//! written nothing leave after their vote.
//!
//! - [`TwoPhase`] is the server: what it does as a coordinator is in `coordinator`, as a participant in `participant`, its disk's format in
//!   `log`.
//! - [`Rules`] are the decisions that its safety rests on; each mutant in [`MUTANTS`] breaks one, each in [`DECOYS`] is odd, and right.
//! - [`properties`] judges its messages against its disks.
//! - [`TwoPhaseTransactions`] is the store as its clients see it.
//!
//! *Left out:* the log is never cut, and what participants remember of transactions that have ended is kept for ever.

mod audit;
mod coordinator;
mod decoys;
mod log;
mod machine;
mod message;
mod mutants;
mod participant;
pub mod properties;
mod rules;
mod service;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use std::sync::Arc;

use super::Decision;
use super::locks::Policy;
use crate::base::{Duration, NodeId};

pub use decoys::DECOYS;
pub use machine::{Timer, TwoPhase};
pub use message::Message;
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use rules::{Correct, Doubt, Rules, Standing};
pub use service::TwoPhaseTransactions;

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// All servers: the key `k` lies on the one in place `k` modulo their number.
    pub members: Vec<NodeId>,
    /// What a coordinator that knows nothing of a transaction says of it.
    pub variant: Variant,
    /// Who gives way when two transactions want the same key.
    pub locking: Policy,
    /// Whether a participant in doubt asks the other participants, too, and not the coordinator alone (BHG §7.4).
    pub cooperative: bool,
    /// How long a coordinator waits until all the work is done, before it aborts.
    pub work_timeout: Duration,
    /// How long a coordinator waits for votes, before it aborts.
    pub vote_timeout: Duration,
    /// How long a participant that has done its work waits to be asked for its vote, before it aborts by itself.
    pub abandon_timeout: Duration,
    /// How long a participant that has voted yes waits for the decision before it asks, and asks again.
    pub doubt_timeout: Duration,
    /// How often a coordinator repeats what was not answered.
    pub resend: Duration,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl Config {
    /// A cluster of the first `servers` servers, presuming abort, for links of a few milliseconds.
    pub fn of(servers: u32) -> Self {
        Self {
            members: (0..servers).map(NodeId::server).collect(),
            variant: Variant::PresumedAbort,
            locking: Policy::WoundWait,
            cooperative: true,
            work_timeout: Duration::from_millis(300),
            vote_timeout: Duration::from_millis(200),
            abandon_timeout: Duration::from_millis(800),
            doubt_timeout: Duration::from_millis(200),
            resend: Duration::from_millis(60),
            rules: Arc::new(Correct),
        }
    }
}

/// What a coordinator that knows nothing of a transaction says of it, and so what it must remember (R\*, §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Variant {
    /// Everything is logged and acknowledged; a coordinator knows nothing only of what no participant can ask about.
    PresumedNothing,
    /// Unknown is aborted: aborts are neither forced to disk nor acknowledged.
    PresumedAbort,
    /// Unknown is committed: commits are not acknowledged, and a coordinator forces to disk that it collects votes before it does.
    PresumedCommit,
}

impl Variant {
    /// What an unknown transaction is said to be.
    pub const fn presumption(self) -> Decision {
        match self {
            Self::PresumedNothing | Self::PresumedAbort => Decision::Abort,
            Self::PresumedCommit => Decision::Commit,
        }
    }

    /// Whether this decision is forced to disk by coordinator and participants, and acknowledged.
    pub const fn acknowledges(self, decision: Decision) -> bool {
        match self {
            Self::PresumedNothing => true,
            Self::PresumedAbort => matches!(decision, Decision::Commit),
            Self::PresumedCommit => matches!(decision, Decision::Abort),
        }
    }

    /// Whether a coordinator forces the list of participants to disk before it asks for votes.
    pub const fn logs_collecting(self) -> bool {
        !matches!(self, Self::PresumedAbort)
    }
}
