//! What all nodes of a broker agree on.

use super::Cleaning;
use crate::base::{Duration, NodeId};

/// When a log is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// When the operating system likes: a crash may take all that was appended since the start. Kafka's way, which relies on replication.
    Never,
    /// Every so often: `log.flush.interval.ms`.
    Every(Duration),
    /// Before others are told of it: `log.flush.interval.messages=1`.
    Always,
}

/// Partitions and brokers, and how long things take. Brokers come first, then the controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many brokers there are.
    pub brokers: u32,
    /// How many controllers there are: several agree through Raft.
    pub controllers: u32,
    /// How many partitions have messages. One more has what the group has processed.
    pub partitions: u32,
    /// How many brokers have each partition.
    pub replicas: u32,
    /// How many must be in sync.
    pub min_insync: u32,
    /// Whether a replica may lead that is not in sync, if there is no other.
    pub unclean: bool,
    /// When a log is on disk.
    pub flush: Flush,
    /// How long a follower waits for an answer before it fetches again.
    pub fetch: Duration,
    /// How long a follower may lag and be in sync.
    pub lag: Duration,
    /// How often a broker tells the controller that it is there.
    pub beat: Duration,
    /// After which silence the controller takes it to be gone.
    pub silence: Duration,
    /// After which silence a member of the group is given up.
    pub session: Duration,
    /// How long members are given to join again.
    pub rebalance: Duration,
    /// After which time an open transaction is aborted; nothing if there are none.
    pub transactions: Option<Duration>,
    /// What is let go of, if anything is.
    pub cleaning: Option<Cleaning>,
    /// Whether what processors make of the messages of a partition goes to others, of which there are as many then.
    pub has_outputs: bool,
}

impl Layout {
    /// How many partitions have messages: those to which producers send, and then those to which processors do.
    pub fn with_messages(&self) -> u32 {
        self.partitions * (1 + u32::from(self.has_outputs))
    }

    /// The partition to which processors send what they make of this message.
    pub fn output_of(&self, value: i64) -> u32 {
        self.partitions + value.unsigned_abs().checked_rem(u64::from(self.partitions)).unwrap_or(0) as u32
    }

    /// The partition of the group, after those that have messages.
    pub fn of_group(&self) -> u32 {
        self.with_messages()
    }

    /// The partition of the transactions' coordinator, after that.
    pub fn of_transactions(&self) -> u32 {
        self.with_messages() + 1
    }

    /// All partitions.
    pub fn all(&self) -> std::ops::RangeInclusive<u32> {
        0..=self.of_group() + u32::from(self.transactions.is_some())
    }

    /// The brokers that have a partition, the one first that is to lead it.
    pub fn replicas_of(&self, partition: u32) -> Vec<u32> {
        (0..self.replicas.min(self.brokers)).map(|nth| (partition + nth) % self.brokers).collect()
    }

    /// The controllers.
    pub fn controllers(&self) -> impl Iterator<Item = NodeId> + use<> {
        (self.brokers..self.brokers + self.controllers).map(NodeId::server)
    }
}
