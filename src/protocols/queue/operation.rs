//! What the log of a queue asks for. All of it is proposed by the leader, by its own clock.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{LocalTime, OperationId};
use crate::protocols::raft;

/// An entry of the log: a change of the queue, and when its leader proposed it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// When, by the clock of the leader that proposed it.
    pub at: LocalTime,
    /// What changes.
    pub change: Change,
}

/// A change of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Change {
    /// Put in a message.
    Publish {
        /// Its id.
        id: OperationId,
        /// The message.
        body: Body,
    },
    /// Give messages to this consumer.
    Subscribe {
        /// Which: its id is that of its subscription.
        consumer: OperationId,
        /// From which queue.
        source: Source,
        /// How many it may hold that it has not settled; any number without it.
        prefetch: Option<u32>,
        /// When what it is given counts as taken.
        acknowledge: Acknowledge,
    },
    /// This consumer is gone.
    Cancel {
        /// Which.
        consumer: OperationId,
    },
    /// A consumer is done with a message.
    Settle {
        /// Which consumer.
        consumer: OperationId,
        /// With which delivery.
        tag: u64,
        /// In which way.
        settlement: Settlement,
    },
    /// Time has passed: take out what has expired.
    Expire,
}

/// A message as its publisher made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Body {
    /// What tells it from others.
    pub value: i64,
    /// Whether no consumer can process it.
    pub is_poison: bool,
}

/// A queue of which messages are consumed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Source {
    /// That to which messages are published.
    Work,
    /// That of dead letters.
    DeadLetters,
}

/// When a message counts as taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Acknowledge {
    /// When its consumer says so.
    Manual,
    /// When it is sent to its consumer.
    Auto,
}

/// How a consumer is done with a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Settlement {
    /// It has processed it (`basic.ack`).
    Ack,
    /// It is to be given out again (`basic.nack` with `requeue`).
    Requeue,
    /// It is a dead letter (`basic.reject` without `requeue`).
    Reject,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Work => "the queue",
            Self::DeadLetters => "the dead letters",
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Publish { id, body: Body { value, .. } } => write!(f, "publish {value} as {id}"),
            Change::Subscribe { consumer, source, .. } => write!(f, "subscribe {consumer} to {source}"),
            Change::Cancel { consumer } => write!(f, "cancel {consumer}"),
            Change::Settle { consumer, tag, settlement: Settlement::Ack } => write!(f, "{consumer} acknowledges delivery {tag}"),
            Change::Settle { consumer, tag, settlement: Settlement::Requeue } => write!(f, "{consumer} requeues delivery {tag}"),
            Change::Settle { consumer, tag, settlement: Settlement::Reject } => write!(f, "{consumer} rejects delivery {tag}"),
            Change::Expire => f.write_str("expire"),
        }
    }
}

impl raft::Operation for Operation {
    fn is_read(&self) -> bool {
        false
    }
}

impl raft::properties::Audited for Operation {}
