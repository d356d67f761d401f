//! What the engine's queue holds.

use super::slab::MessageHandle;
use crate::base::{Incarnation, MessageId, NodeId};

/// An event of a run.
#[derive(Clone, Copy)]
pub(super) enum Call {
    /// A message arrives.
    Deliver { id: MessageId, handle: MessageHandle },
    /// A timer may be due: see [`Timers`](super::timers::Timers).
    Timer { node: NodeId, slot: u32, generation: u32 },
    /// A client is due to be handed the operation with this place in the script.
    Hand { client: NodeId, operation: u32 },
    /// A disk has finished a sync.
    Synced { node: NodeId, incarnation: Incarnation, through: u64 },
    /// A node that crashed after this incarnation starts again.
    Boot { node: NodeId, incarnation: Incarnation },
    /// A pause ends.
    Wake { node: NodeId, pause: u32 },
    /// What the strike with this number did to the network or to a disk ends.
    Lift { strike: u32 },
    /// A step of the plan of faults is due.
    Strike { step: u32 },
    /// The faults are over: everything heals.
    FaultsEnd,
    /// A node is to be started anew, because a process has asked for it in the wake of this record.
    Restart { node: NodeId, cause: Option<u64> },
    /// Look whether the run has settled.
    Look,
}

impl Call {
    /// The one node that it is of, and that alone it may change; nothing if it may change others.
    pub(super) fn node(&self) -> Option<NodeId> {
        match self {
            Self::Deliver { id, .. } => Some(id.to),
            Self::Timer { node, .. } | Self::Synced { node, .. } | Self::Boot { node, .. } | Self::Wake { node, .. } => Some(*node),
            Self::Hand { client, .. } => Some(*client),
            Self::Lift { .. } | Self::Strike { .. } | Self::FaultsEnd | Self::Restart { .. } | Self::Look => None,
        }
    }
}
