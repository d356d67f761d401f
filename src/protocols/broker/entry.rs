//! What a partition holds: entries, each at an offset and of the epoch of the leader that appended it.

use serde::{Deserialize, Serialize};

use crate::base::ClientId;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place.
    pub offset: u64,
    /// In which epoch of its partition it was appended.
    pub epoch: u32,
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
        /// In which generation.
        generation: u32,
    },
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
