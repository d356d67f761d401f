//! Raft: a replicated log, and on it a state machine: a key-value store, or another.
//!
//! After *In Search of an Understandable Consensus Algorithm* (Ongaro and Ousterhout, 2014; "the paper") and *Consensus: Bridging Theory
//! and Practice* (Ongaro, 2014; "the thesis"): elections, replication, durable terms, votes and logs, linearizable reads through ReadIndex,
//! and client sessions, so that a retry is applied once.
//!
//! - [`Raft`] is the server; what it keeps while it leads is in `leader`, its disk's format in `store`, what it has applied in `replica`.
//! - [`StateMachine`] is what it replicates; [`KvState`] is one. What it says besides its answers, those take who run the server within a
//!   process of their own: [`Raft::take_outputs`]. While that server leads, they may propose operations, [`Raft::propose_internal`], and
//!   have it proven that it leads, [`Raft::next_round`].
//! - [`Rules`] are the decisions that its safety rests on; each mutant in [`MUTANTS`] breaks one.
//! - [`Note`] is what it says about itself; [`properties`] judges it by that, by what it sends, and by what its disk holds.
//! - [`RaftKv`] is the store as its clients see it.
//!
//! *How it treats its disk.* A follower answers, and a candidate asks for votes, once what the message asserts is durable. A leader sends
//! entries while its own disk works (thesis §10.2.1), and counts itself when its disk is done.
//!
//! *Left out so far:* snapshots, changes of membership, pre-vote, leases, transfer of leadership.

mod audit;
mod flush;
mod hosted;
mod kv;
mod leader;
mod log;
mod machine;
mod mark;
mod message;
mod mutants;
mod note;
pub mod properties;
mod quorum;
mod replica;
mod rules;
mod service;
mod state_machine;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::base::{Duration, DurationRange, KvResponse, NodeId};
use crate::process::Reply;

pub use hosted::{Hosted, Timer as HostedTimer, Turn};
pub use kv::KvState;
pub use log::Log;
pub use machine::{Raft, Round, Timer};
pub use mark::OF_THE_LOG as MARKS_OF_THE_LOG;
pub use message::{AppendResult, Command, Entries, Entry, EntryId, Message, Term};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use note::Note;
pub use rules::{Correct, Rules};
pub use service::RaftKv;
pub use state_machine::{Operation, Response, StateMachine};

/// What a client of the key-value store is told.
pub type KvReply = Reply<KvResponse>;

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config<S = KvState> {
    /// All servers of the cluster.
    pub members: Vec<NodeId>,
    /// How long a server waits to hear of a leader, and a candidate to win, before it tries (again): drawn anew each time (paper §5.2).
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives. Much shorter than the election timeout.
    pub heartbeat: Duration,
    /// How many entries one message carries at most; at least 1. As many as eight messages carry may be under way to a follower.
    pub batch_max: usize,
    /// The state machine as it is before the first operation.
    pub machine: S,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl<S: Default> Config<S> {
    /// A cluster of the first `servers` servers, with the timeouts of the paper's §9.3 (150 to 300 ms) and a heartbeat each 50 ms.
    pub fn of(servers: u32) -> Self {
        Self {
            members: (0..servers).map(NodeId::server).collect(),
            election_timeout: DurationRange::new(Duration::from_millis(150), Duration::from_millis(300)).expect("150 is below 300"),
            heartbeat: Duration::from_millis(50),
            batch_max: 64,
            machine: S::default(),
            rules: Arc::new(Correct),
        }
    }
}
