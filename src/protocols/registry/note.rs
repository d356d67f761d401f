//! What a server of a registry says about itself.

use serde::Serialize;

use super::{Change, Ending, Key, LeaseId, Listing};
use crate::base::Duration;
use crate::protocols::raft;

/// One thing that a server says about itself. What it says of what it has applied, all servers say alike, and say again after each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// As a server of Raft.
    Raft(raft::Note),
    /// It leads, and knows all that was decided before.
    TookOver,
    /// It applied the grant of a lease.
    Granted {
        /// Which lease.
        lease: LeaseId,
        /// How long it lasts when it is not kept alive.
        length: Duration,
    },
    /// It applied the end of a lease.
    Ended {
        /// Which lease.
        lease: LeaseId,
        /// Why it ended.
        ending: Ending,
    },
    /// It applied a change.
    Changed(Change),
    /// It applied that an instance was deregistered.
    Deregistered {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
    },
    /// As the leader, it proposes the end of a lease.
    Expires {
        /// Which.
        lease: LeaseId,
    },
    /// As the leader, it proposes to deregister an instance.
    Deregisters {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
    },
}

/// What a client of a registry says about itself, besides its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AgentNote {
    /// It has begun to watch a directory, which held this.
    Listed {
        /// Which directory.
        directory: u32,
        /// What it held.
        listing: Listing,
    },
    /// It was told that changes are forgotten that it has not seen.
    Compacted {
        /// In which directory.
        directory: u32,
        /// Through which revision.
        through: u64,
    },
    /// It has seen a change of what it watches.
    Saw(Change),
    /// It looked into its cache.
    Looked {
        /// Which directory.
        directory: u32,
        /// What it found there, at which revision.
        listing: Listing,
        /// How long ago that was certainly all, if it says so.
        age: Option<Duration>,
    },
    /// A server has answered it.
    Shown {
        /// What the directory held.
        directory: u32,
        /// What it held, at which revision.
        listing: Listing,
        /// How long ago that was certainly all, says the client.
        age: Duration,
    },
    /// Its instance is registered from now on.
    Registered {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
    },
    /// Its instance is not registered any more, or it cannot know.
    Unregistered {
        /// Which.
        key: Key,
    },
    /// Whether its instance is well from now on: what it says when it is checked.
    Health {
        /// Whether it is.
        is_well: bool,
    },
}
