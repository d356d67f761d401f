//! What the coordinator and subtasks say about themselves, for those who judge.

use serde::Serialize;

use super::channel::Position;
use crate::base::NodeId;

/// What a coordinator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum CoordinatorNote {
    /// A checkpoint is complete.
    Completed {
        /// Which.
        checkpoint: u64,
    },
    /// All input is read, and all that came of it is in the stores.
    Finished,
}

/// What a subtask says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum SubtaskNote {
    /// The word that a partition is made of.
    Input {
        /// The place of its source.
        stage: usize,
        /// Its number.
        partition: u32,
        /// The word.
        word: u64,
    },
    /// What belongs to a checkpoint is on disk.
    Saved(Box<Cut>),
    /// A buffer holds more than it ever has.
    Holds {
        /// Of the channel from here.
        from: NodeId,
        /// How many events.
        count: u64,
        /// How many it may hold.
        bound: u64,
    },
}

/// Where the channels of a subtask stand in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// Which checkpoint.
    pub checkpoint: u64,
    /// By edge of the graph and receiver: what was sent before it.
    pub sent: Vec<(u16, NodeId, Position)>,
    /// By edge of the graph and sender: what was received before it.
    pub received: Vec<(u16, NodeId, Position)>,
}
