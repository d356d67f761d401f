//! What a server of a registry says about itself.

use serde::Serialize;

use super::{Change, Ending, Key, LeaseId};
use crate::base::Duration;
use crate::protocols::raft;

/// One thing that a server says about itself. What it says of what it has applied, all servers say alike, and say it again after each start.
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
