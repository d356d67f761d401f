//! A registry: keys in directories, under leases, and watched. Services are found by it; locks and elections stand on it.
//!
//! After etcd (leases, revisions, watches), Consul (health checks) and ZooKeeper (sessions, ephemeral nodes). *What there is to build on:*
//!
//! - *Leases.* A holder asks for a [lease](LeaseId), `Operation::Grant`, and keeps it alive with messages that its leader answers from
//!   memory. A new leader gives every lease its full length anew, since it cannot know when each was kept alive last. Grant, revoke and
//!   expiry alone are entries of the log. A leader proves before it answers that it leads still, and tells how long the lease lasts
//!   *counted from when it was asked*: no other leader can end it earlier.
//! - *Keys.* A [key](Key) has a value, perhaps a lease with which it goes, and [revisions](Item): the one at which it came to be, which
//!   says who came first and serves as a fencing token, and that of its last change. [`Condition`]s make of it compare-and-create and
//!   compare-and-delete.
//! - *Watches.* A client watches a directory from a revision on: it sees every [change](Change) once, in order, without a gap, whichever
//!   servers it asks. What is no longer remembered it is told so, and lists anew.
//! - *Look-ups* are linearizable, through ReadIndex; or answered by any server with the age of what it knows.
//!
//! A [`Agent`] is the client of all that, to be embedded in a process: it holds a lease, asks, watches, and says what came of it as
//! [`News`].
//!
//! - [`Catalogue`] is the state machine that Raft replicates, [`Server`] the process around it.
//! - [`Rules`] are the decisions that safety rests on; each mutant in [`MUTANTS`] breaks one, each in [`DECOYS`] is odd, and right.
//! - [`properties`] judges it.

mod agent;
mod catalogue;
mod checks;
mod deadlines;
mod decoys;
mod entry;
mod freshness;
mod mark;
mod message;
mod mutants;
mod note;
mod operation;
pub mod properties;
mod rules;
mod server;
mod watchers;

use std::sync::Arc;

use crate::base::{Duration, DurationRange};
use crate::protocols::raft;

pub use agent::{Agent, AgentConfig, AgentTimer, Cache, News, Outcome};
pub use catalogue::{Catalogue, Output};
pub use checks::{Checking, Style};
pub use decoys::DECOYS;
pub use entry::{Attached, Change, Ending, Health, Instance, Item, Key, LeaseId, Listing, Value};
pub use message::{Message, RaftMessage};
pub use mutants::{MUTANTS, Mutant, rules_of};
pub use note::{AgentNote, Note};
pub use operation::{Condition, Operation, Response};
pub use rules::{Correct, Rules};
pub use server::{Server, Timer};

/// What a server is built from.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many servers there are: the first so many nodes.
    pub servers: u32,
    /// How long a server waits to hear of a leader before it campaigns: drawn anew each time.
    pub election_timeout: DurationRange,
    /// How often a leader shows that it lives. Keep-alives wait for the next time, at most.
    pub heartbeat: Duration,
    /// How many entries one message of Raft carries at most; at least 1.
    pub batch: u32,
    /// How many changes are remembered for watchers.
    pub history: u32,
    /// How often a server looks for what is due.
    pub tick: Duration,
    /// After how long watchers are told that nothing has happened. Who has not said that it watches for six times as long is taken
    /// to be gone.
    pub progress: Duration,
    /// How often a server asks how current its state is.
    pub refresh: Duration,
    /// How instances are checked, if they are.
    pub checking: Option<Checking>,
    /// The safety rules: those of [`Correct`], unless a mutant is planted.
    pub rules: Arc<dyn Rules>,
}

impl Config {
    /// So many servers, for links of a few milliseconds.
    pub fn of(servers: u32) -> Self {
        let raft::Config { election_timeout, heartbeat, batch_max, .. } = <raft::Config>::of(servers);
        Self {
            servers,
            election_timeout,
            heartbeat,
            batch: batch_max as u32,
            history: 1_000,
            tick: Duration::from_millis(100),
            progress: Duration::from_secs(1),
            refresh: Duration::from_millis(500),
            checking: None,
            rules: Arc::new(Correct),
        }
    }
}
