//! What names one message.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Digest, Duration, NodeId};

/// The kind of a message: its name, and its place in the list of kinds, which counts and nothing else.
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

/// The name of a kind in 32 bits: what stays the same when other kinds come or go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KindDigest(u32);

impl KindDigest {
    /// The digest of a kind's name.
    pub fn of(name: &str) -> Self {
        let mut digest = Digest::new();
        digest.bytes(name.as_bytes());
        Self(digest.finish() as u32)
    }

    /// The bits, for folding and for keyed randomness.
    #[inline]
    pub const fn raw(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for KindDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A message's identity: the `count`-th message of one kind from one node to another, counted from 1.
///
/// It keys all that varies for one message (latency, loss, duplication), and the table of overrides names messages by it. So it survives
/// changes elsewhere in the run, and in the list of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Kind, by its name.
    pub kind: KindDigest,
    /// Which message of this kind on this link, from 1.
    pub count: u32,
}

impl MessageId {
    /// A word that identifies the message within its run, for keyed randomness.
    #[inline]
    pub const fn word(self) -> u64 {
        // A full product mixes both words into each half; the constants keep it from being zero for small numbers.
        let link = (self.from.raw() as u64) << 32 | self.to.raw() as u64;
        let which = (self.kind.0 as u64) << 32 | self.count as u64;
        let product = (link ^ 0x2d35_8dcc_aa6c_78a5) as u128 * (which ^ 0x8bb8_4b93_962e_acc9) as u128;
        (product as u64) ^ (product >> 64) as u64
    }
}

/// What a message has to do with a request, in words that its sender and its receiver share: what the headers of a trace context say in
/// production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// It asks its receiver for something.
    Asks {
        /// The operation of a client that it is asked for: [`OperationId::value`](super::OperationId::value), or where operations are
        /// counted the number that stands for it.
        operation: u64,
        /// The number of the request, which no other from this sender to this receiver has.
        request: u64,
    },
    /// It is the answer to what its receiver asked its sender for.
    Answers {
        /// The number of the request.
        request: u64,
    },
}

/// A message whose fate is fixed, and that fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedFate {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// The name of its kind.
    pub kind: &'static str,
    /// Which of this kind on this link.
    pub which: Which,
    /// What happens to it.
    pub fate: Fate,
}

/// Which of the messages of one kind on one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The n-th, from 1.
    Count(u32),
    /// The n-th with the same content, from 1: still the same message when others before it are gone.
    Content {
        /// The digest of the content: see [`Digest::content`].
        content: u64,
        /// Which of those with this content.
        nth: u32,
    },
}

impl fmt::Display for FixedFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} {} ", self.from, self.to, self.kind)?;
        match self.which {
            Which::Count(count) => write!(f, "#{count}"),
            Which::Content { content, nth } => write!(f, "{content:016x} #{nth}"),
        }
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
