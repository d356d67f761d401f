//! What a detector says about itself: enough to judge it from outside.

use std::fmt;

use serde::Serialize;

use super::State;
use super::message::fmt_in_slot;
use crate::base::NodeId;

/// One thing that a detector says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Which of the node's detectors.
    pub slot: u8,
    /// What it says.
    pub said: Said,
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_in_slot(&self.said, self.slot, f)
    }
}

/// What a detector says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Said {
    /// It holds something else of a member than before. At boot it holds all to be alive, of incarnation 0.
    Holds {
        /// Of whom.
        member: NodeId,
        /// What. A detector without suspicion before the verdict knows alive and dead alone.
        state: State,
        /// Of which incarnation; 0 where the detector has none.
        incarnation: u32,
    },
    /// It has a higher incarnation, to refute that it has failed.
    Refutes {
        /// Which.
        incarnation: u32,
    },
}
