//! What a partition holds: entries, each at an offset and of the epoch of the leader that appended it.

use serde::{Deserialize, Serialize};

use crate::base::{ClientId, LocalTime};

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub offset: u64,
    /// In which epoch of its partition it was appended.
    pub epoch: u32,
    /// When, by the clock of the leader that did so (`message.timestamp.type=LogAppendTime`).
    pub at: LocalTime,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message of a producer.
    Message {
        /// What it says.
        value: i64,
        /// Which of its producer's it is, if that numbers them.
        by: Option<Sequenced>,
        /// Whether it is part of its producer's transaction.
        transactional: bool,
    },
    /// A message that compaction has removed: what it tells of its producer stays, as in the empty batch that Kafka keeps.
    Empty {
        /// Which of its producer's it was, if that numbers them.
        by: Option<Sequenced>,
        /// Whether it was part of its producer's transaction.
        transactional: bool,
    },
    /// A generation of the group of consumers begins.
    Generation {
        /// Which.
        number: u32,
    },
    /// The group has processed a partition so far.
    Processed {
        /// Which partition.
        partition: u32,
        /// The offset that comes next.
        offset: u64,
        /// In which generation, if the member said that.
        generation: Option<u32>,
        /// In whose transaction, and in which epoch of that producer; if in any, it counts once that is committed.
        of: Option<Incarnated>,
    },
    /// A member has asked how far the group has processed a partition: it is told once this is committed, for only the present coordinator
    /// can have that done.
    Asked {
        /// Which partition.
        partition: u32,
    },
    /// A transaction has ended here: nothing of it comes after.
    Marker(Marker),
    /// How the transactions of a producer stand: an entry of the coordinator's partition.
    Stands(Box<Stands>),
}

/// A producer with a name of its own, and in which of its epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnated {
    /// Who: its transactional id.
    pub producer: ClientId,
    /// In which epoch.
    pub epoch: u32,
}

/// The end of a transaction in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Whose.
    pub producer: ClientId,
    /// The epoch that the producer has from now on: what comes of an earlier one is refused (KIP-890).
    pub epoch: u32,
    /// Whether it was committed, or aborted.
    pub commits: bool,
    /// The epoch of the coordinator that says so.
    pub coordinator: u32,
}

/// How the transactions of a producer stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Whose.
    pub producer: ClientId,
    /// The producer's epoch.
    pub epoch: u32,
    /// How far it is.
    pub phase: TransactionPhase,
    /// The partitions of its transaction.
    pub partitions: Vec<u32>,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionPhase {
    /// There is none yet in this epoch.
    Empty,
    /// It is open.
    Ongoing,
    /// It is to be committed, or aborted: that is decided.
    Decided(bool),
    /// It was committed, or aborted, in all its partitions.
    Complete(bool),
}

/// A message's number: for each producer, epoch and partition counted from 0 (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequenced {
    /// Whose it is: each life of a client is a producer.
    pub producer: ClientId,
    /// In which epoch of the producer.
    pub epoch: u32,
    /// Which.
    pub sequence: u32,
}
