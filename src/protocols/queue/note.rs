//! What a server of a queue says about itself.

use serde::Serialize;

use super::Output;
use crate::protocols::raft;

/// One thing that a server says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// As a server of Raft.
    Raft(raft::Note),
    /// It leads, and knows all that was decided before.
    TookOver,
    /// This has happened to the queue, says its log. All servers say alike, and say again after each start.
    Applied {
        /// What happened, counted from 1.
        number: u64,
        /// What happened.
        output: Output,
    },
}
