//! What names one message.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Duration, NodeId};

/// The kind of a message: its place in the list of kinds, and its name there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Place in the list of kinds of the system's message type.
    pub index: u16,
    /// Name, such as `AppendEntries`.
    pub name: &'static str,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A message's identity: the `count`-th message of one kind from one node to another, counted from 1.
///
/// It keys all that varies for one message (latency, loss, duplication), and the table of overrides names messages by it. So it survives
/// changes elsewhere in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Place of the message's kind in the list of kinds.
    pub kind: u16,
    /// Which message of this kind on this link, from 1.
    pub count: u32,
}

impl MessageId {
    /// Link and kind in one word.
    #[inline]
    pub const fn channel(self) -> u64 {
        // Twenty-four bits of each node with its client bit, sixteen of the kind: distinct for up to eight million nodes of a sort, and
        // mixed beyond that.
        let from = self.from.raw().rotate_left(1) as u64;
        let to = self.to.raw().rotate_left(1) as u64;
        (from << 40) ^ (to << 16) ^ self.kind as u64
    }

    /// A word that identifies the message within its run, for keyed randomness.
    #[inline]
    pub const fn word(self) -> u64 {
        super::random::mix(self.channel()).wrapping_add(self.count as u64)
    }
}

/// What the network does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Arrives after this long.
    Deliver(Duration),
    /// Arrives twice.
    Duplicate(Duration, Duration),
    /// Never arrives.
    Lost(Loss),
}

/// Why a message never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Loss {
    /// The link's own chance of loss.
    Chance,
    /// A partition stands between sender and receiver.
    Partition,
    /// A fault that makes links lossier for a while.
    Fault,
    /// The table of overrides says so.
    Override,
}
