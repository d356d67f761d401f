//! What servers and clients of a queue send.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Acknowledge, Body, Operation, Settlement, Source};
use crate::base::{Kind, NodeId, OperationId};
use crate::process;
use crate::protocols::raft;

/// What servers send each other.
pub type RaftMessage = raft::Message<Operation, ()>;

/// A message as it is given to a consumer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// To which consumer.
    pub consumer: OperationId,
    /// The number of the delivery, from 1 for each consumer.
    pub tag: u64,
    /// The position that the message got when it was published.
    pub position: u64,
    /// What tells the message from others.
    pub value: i64,
    /// Whether no consumer can process it.
    pub is_poison: bool,
    /// Whether it may have been given to a consumer before.
    pub redelivered: bool,
}

/// What servers and clients send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Through Raft.
    Raft(RaftMessage),
    /// Put in this message.
    Publish {
        /// Its id.
        id: OperationId,
        /// The message.
        body: Body,
    },
    /// The queue has it.
    Confirm {
        /// Which message.
        id: OperationId,
    },
    /// Give messages to this consumer.
    Subscribe {
        /// Which.
        consumer: OperationId,
        /// From which queue.
        source: Source,
        /// How many it may hold.
        prefetch: Option<u32>,
        /// When what it is given counts as taken.
        acknowledge: Acknowledge,
    },
    /// It is a consumer.
    Subscribed {
        /// Which.
        consumer: OperationId,
    },
    /// Take this.
    Deliver(Delivery),
    /// This delivery is done with.
    Settle {
        /// Whose.
        consumer: OperationId,
        /// Which.
        tag: u64,
        /// In which way.
        settlement: Settlement,
    },
    /// The queue knows that.
    Settled {
        /// Whose.
        consumer: OperationId,
        /// Which.
        tag: u64,
    },
    /// A consumer is there.
    Beat {
        /// Which.
        consumer: OperationId,
        /// It has had all deliveries up to this one.
        through: u64,
    },
    /// It is known.
    Alive {
        /// Which.
        consumer: OperationId,
    },
    /// It is not a consumer any more.
    Gone {
        /// Which.
        consumer: OperationId,
    },
    /// The answer of a server that does not lead.
    Elsewhere {
        /// Who leads, as far as it knows.
        hint: Option<NodeId>,
    },
}

/// The kinds of one's own, in the order of the variants.
const OWN: [&str; 11] =
    ["Publish", "Confirm", "Subscribe", "Subscribed", "Deliver", "Settle", "Settled", "Beat", "Alive", "Gone", "Elsewhere"];

/// Those of Raft come first.
static KINDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| <RaftMessage as process::Message>::kinds().iter().copied().chain(OWN).collect());

impl process::Message for Message {
    fn kind(&self) -> Kind {
        let own = match self {
            Self::Raft(message) => return message.kind(),
            Self::Publish { .. } => 0,
            Self::Confirm { .. } => 1,
            Self::Subscribe { .. } => 2,
            Self::Subscribed { .. } => 3,
            Self::Deliver(_) => 4,
            Self::Settle { .. } => 5,
            Self::Settled { .. } => 6,
            Self::Beat { .. } => 7,
            Self::Alive { .. } => 8,
            Self::Gone { .. } => 9,
            Self::Elsewhere { .. } => 10,
        };
        Kind { index: (KINDS.len() - OWN.len() + own) as u16, name: OWN[own] }
    }

    fn kinds() -> &'static [&'static str] {
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Publish" => "A publisher's message for the queue.",
            "Confirm" => "The answer to Publish: the queue has the message.",
            "Subscribe" => "A client wants to be given messages.",
            "Subscribed" => "The answer to Subscribe.",
            "Deliver" => "A message for a consumer.",
            "Settle" => "A consumer is done with a delivery: it acknowledges it, or has it requeued or rejected.",
            "Settled" => "The answer to Settle.",
            "Beat" => "A consumer is there, and has had all deliveries up to one.",
            "Alive" => "The answer to Beat.",
            "Gone" => "The answer to one that is not a consumer any more.",
            "Elsewhere" => "The answer of a server that does not lead.",
            through_raft => <RaftMessage as process::Message>::about(through_raft),
        }
    }
}
