//! Two-phase commit over Raft groups: coordinator and participants are each a group of servers that Raft replicates, so that the crash of
//! any one server blocks nothing.
//!
//! After *Spanner: Google's Globally-Distributed Database* (Corbett et al., 2012), §4.2.1, without its clocks; the groups are those of
//! *Consensus: Bridging Theory and Practice* (Ongaro, 2014).
//!
//! Keys are spread over the groups by their number. The group of a transaction's first key coordinates it. Each step is an
//! [`Operation`] in a group's log: `Begin` in the coordinator's, `Prepare` in each participant's, `Decide` in the coordinator's, `Learn` in
//! each participant's, and `Forget` when all have learned. Whatever one group says to another its leader says, once its group has committed
//! it: a leader that crashes takes nothing with it, and a deposed one can say nothing that is not so. The next leader repeats what was not
//! answered, and aborts what stays undecided for too long.
//!
//! - [`Group`] is the state machine: locks, values, votes, decisions and clients' sessions are all part of it.
//! - [`Member`] is the server. While it leads, it speaks for its group.
//! - [`Rules`] are the decisions that its safety rests on; each mutant in [`MUTANTS`] breaks one, each in [`DECOYS`] is odd, and right.
//! - [`properties`] judges it: each group as a Raft cluster, and all groups as servers of a commit protocol that never crash.
//! - [`GroupTransactions`] is the store as its clients see it.
//!
//! *What differs from [`two_phase`](super::two_phase).* Work and vote are one step, so that a transaction locks its keys on all groups at
//! once and the lock policy is wait-die. There are no inquiries, and so no presumptions: a coordinator that cannot be lost goes on telling.
//! Participants without writes vote and wait as all others do, because others may not have all of their locks yet.
//!
//! *Left out:* the logs are never cut, and what groups remember of sessions and of transactions that have ended is kept for ever.

mod decoys;
mod group;
mod machine;
pub mod mark;
mod message;
mod mutants;
mod operation;
pub mod properties;
mod rules;
mod service;

use std::sync::Arc;

use crate::base::{Duration, DurationRange, NodeId};
use crate::protocols::raft;

pub use decoys::DECOYS;
pub use group::{Group, News};
pub use machine::{Member, Note, Timer};
pub use message::{Message, RaftMessage};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use operation::Operation;
pub use rules::{Correct, Rules};
pub use service::GroupTransactions;

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many groups there are. The key `k` lies on the one in place `k` modulo their number.
    pub groups: u32,
    /// How many servers each has: the first so many servers are the first group, and so on.
    pub replicas: u32,
    /// How long a server waits to hear of its group's leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives.
    pub heartbeat: Duration,
    /// How many entries one message of Raft carries at most; at least 1.
    pub batch: u32,
    /// How long the coordinator's leader waits for votes, before it aborts; counted anew by each leader.
    pub vote_timeout: Duration,
    /// How often the coordinator's leader repeats what was not answered.
    pub resend: Duration,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl Config {
    /// So many groups of so many servers, for links of a few milliseconds.
    pub fn of(groups: u32, replicas: u32) -> Self {
        let raft::Config { election_timeout, heartbeat, batch_max, .. } = <raft::Config>::of(replicas);
        Self {
            groups,
            replicas,
            election_timeout,
            heartbeat,
            batch: batch_max as u32,
            vote_timeout: Duration::from_millis(500),
            resend: Duration::from_millis(100),
            rules: Arc::new(Correct),
        }
    }

    /// The group of a server. Groups are named as if each was one server.
    pub fn group_of(&self, server: NodeId) -> NodeId {
        NodeId::server(server.index() as u32 / self.replicas)
    }

    /// The servers of a group.
    pub fn members(&self, group: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let first = group.index() as u32 * self.replicas;
        (first..first + self.replicas).map(NodeId::server)
    }
}
