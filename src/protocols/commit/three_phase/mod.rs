//! Three-phase commit: no crash of a coordinator keeps participants in doubt, as long as the network is whole and no server is slow.
//!
//! After *Nonblocking Commit Protocols* (Skeen, SIGMOD 1981) and *Concurrency Control and Recovery in Database Systems* (Bernstein,
//! Hadzilacos and Goodman, 1987; "BHG"), §7.5. Between the vote and the commit comes a phase in which all learn that all have voted yes: so
//! none has committed while another is uncertain. When the coordinator is gone, the first participant that is there (in the order of
//! their numbers) asks the others where they stand, and decides: as one has decided already; else to commit if one has
//! pre-committed, having brought the others there, too; else to abort.
//!
//! **It is right under its assumptions, and wrong without them.** Servers crash and come back; every message arrives, in a time far below
//! the timeouts; no server stands still. In a network that falls apart, one side may have pre-committed and the other not: both decide, and
//! not the same. `scenarios/commit/three-phase-partition.ron` shows it.
//!
//! *After a crash.* A participant that comes back in doubt decides nothing with those it happens to reach: others may have decided without
//! it. It asks all, the coordinator too, until one tells it. If all have crashed (a total failure), all must be back, and no decision be
//! found on any disk; then the same rule decides. For that pre-commits are written to disk, too.
//!
//! - [`ThreePhase`] is the server; [`Standing`] is where it stands with a transaction.
//! - [`Rules`] are the decisions that its safety rests on; each mutant in [`MUTANTS`] breaks one.
//! - [`ThreePhaseTransactions`] is the store as its clients see it.

mod machine;
mod message;
mod mutants;
mod rules;
mod service;

use std::sync::Arc;

use super::locks::Policy;
use crate::base::{Duration, NodeId};

pub use machine::{ThreePhase, Timer};
pub use message::{Message, Standing};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use rules::{Correct, Rules};
pub use service::ThreePhaseTransactions;

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// All servers: the key `k` lies on the one in place `k` modulo their number.
    pub members: Vec<NodeId>,
    /// Who gives way when two transactions want the same key.
    pub locking: Policy,
    /// How long a coordinator waits until all the work is done, before it aborts.
    pub work_timeout: Duration,
    /// How long a participant that has done its work waits to be asked for its vote, before it aborts by itself.
    pub abandon_timeout: Duration,
    /// How long an answer is waited for, before its sender is taken to have crashed. Longer than two messages and a sync can take.
    pub answer_timeout: Duration,
    /// How long a participant in doubt waits before it asks the others. Longer than two times the one before.
    pub doubt_timeout: Duration,
    /// How much longer each participant waits than the one before it, so that they do not all ask at once.
    pub stagger: Duration,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl Config {
    /// A cluster of the first `servers` servers, for links and disks that take a few milliseconds.
    pub fn of(servers: u32) -> Self {
        Self {
            members: (0..servers).map(NodeId::server).collect(),
            locking: Policy::WoundWait,
            work_timeout: Duration::from_millis(300),
            abandon_timeout: Duration::from_millis(800),
            answer_timeout: Duration::from_millis(60),
            doubt_timeout: Duration::from_millis(200),
            stagger: Duration::from_millis(150),
            rules: Arc::new(Correct),
        }
    }
}
