//! Paxos Commit: each participant's vote is chosen by an instance of Paxos, so that no crash of a single server keeps others in doubt.
//!
//! After *Consensus on Transaction Commit* (Gray and Lamport, ACM TODS 31:1, 2006). The first 2F + 1 servers are the acceptors, of all
//! instances alike; a participant proposes its own vote in ballot zero of its own instance, and the coordinator counts what acceptors
//! accept. A transaction commits when every instance has chosen *yes*, and aborts when one has chosen *no*. A server that waits too long, a
//! participant in doubt or the coordinator, takes over: it leads a higher ballot in all instances at once, proposes again what may have
//! been chosen, and *no* where nothing can have been. With F = 0 this is two-phase commit with one coordinator for all (§5).
//!
//! Keys are spread over the servers by their number. First the work is done, as in [`two_phase`](super::two_phase); then come `Prepare`,
//! the phases of Paxos, and `Decide`.
//!
//! - [`PaxosCommit`] is the server; what it keeps as an acceptor is in `acceptor`, the count of votes in `leader`.
//! - [`Rules`] are the decisions that its safety rests on; each mutant in [`MUTANTS`] breaks one.
//! - [`PaxosCommitTransactions`] is the store as its clients see it.
//!
//! *Left out:* the faster variant in which acceptors tell all participants (§4.4), read-only participants that leave early, and
//! forgetting: acceptors keep the votes on every transaction for ever.

mod acceptor;
mod leader;
mod machine;
mod message;
mod mutants;
mod rules;
mod service;

use std::sync::Arc;

use super::locks::Policy;
use crate::base::{Duration, DurationRange, NodeId};

pub use machine::{PaxosCommit, Timer};
pub use message::{Accepted, Ballot, Message};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use rules::{Correct, Rules};
pub use service::PaxosCommitTransactions;

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// All servers: the key `k` lies on the one in place `k` modulo their number.
    pub members: Vec<NodeId>,
    /// How many of them, from the first on, are acceptors: an odd number.
    pub acceptors: usize,
    /// Who gives way when two transactions want the same key.
    pub locking: Policy,
    /// How long a coordinator waits until all the work is done, before it aborts.
    pub work_timeout: Duration,
    /// How long a participant that has done its work waits to be asked for its vote, before it aborts by itself.
    pub abandon_timeout: Duration,
    /// How long a server waits for a decision before taking over, and tries again: drawn anew each time, so that those who take over from
    /// each other come to an end.
    pub takeover: DurationRange,
    /// How often a coordinator repeats what was not answered.
    pub resend: Duration,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl Config {
    /// A cluster of the first `servers` servers, of which three are acceptors or all if there are fewer, for links of a few milliseconds.
    pub fn of(servers: u32) -> Self {
        Self {
            members: (0..servers).map(NodeId::server).collect(),
            acceptors: if servers < 3 { 1 } else { 3 },
            locking: Policy::WoundWait,
            work_timeout: Duration::from_millis(300),
            abandon_timeout: Duration::from_millis(800),
            takeover: DurationRange::new(Duration::from_millis(150), Duration::from_millis(300)).expect("150 is below 300"),
            resend: Duration::from_millis(50),
            rules: Arc::new(Correct),
        }
    }
}
