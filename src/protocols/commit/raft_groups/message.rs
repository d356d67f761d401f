//! What servers of groups and their clients send.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::{Age, Decision, TxnId, Vote};
use super::Operation;
use crate::base::{Act, ClientId, Committed, Kind, Seen, Transaction};
use crate::process::{self, Reply};
use crate::protocols::raft;

/// What the servers of one group send each other.
pub type RaftMessage = raft::Message<Operation, ()>;

/// What servers and clients send. What one group says to another its leader says, to the one that is believed to lead the other, or to all
/// of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Within a group.
    Raft(RaftMessage),
    /// A client asks for a transaction.
    Transact {
        /// In which session.
        session: ClientId,
        /// Which of its operations, from 1; the same in a retry.
        number: u64,
        /// The transaction.
        transaction: Transaction,
    },
    /// The answer to a client.
    Told {
        /// The session.
        session: ClientId,
        /// The operation's number.
        number: u64,
        /// What it is told.
        reply: Reply<Committed>,
    },
    /// The coordinator asks a participant to do its part, and to vote: the first phase.
    Prepare {
        /// For which transaction, and how old that is.
        age: Age,
        /// What to do.
        acts: Vec<Act>,
    },
    /// The answer to [`Prepare`](Self::Prepare).
    Ballot {
        /// On which transaction.
        txn: TxnId,
        /// What the participant votes.
        vote: Vote,
        /// What its reads saw, in order.
        seen: Vec<Seen>,
    },
    /// What becomes of a transaction: the second phase.
    Decide {
        /// Of which.
        txn: TxnId,
        /// What.
        decision: Decision,
    },
    /// A participant has learned the decision, and will not forget it.
    Ack {
        /// On which transaction.
        txn: TxnId,
    },
}

/// The kinds of one's own, in the order of the variants.
const OWN: [&str; 6] = ["Transact", "Told", "Prepare", "Ballot", "Decide", "Ack"];

/// Those of Raft come first.
static KINDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| <RaftMessage as process::Message>::kinds().iter().copied().chain(OWN).collect());

impl process::Message for Message {
    fn kind(&self) -> Kind {
        let own = match self {
            Self::Raft(message) => return message.kind(),
            Self::Transact { .. } => 0,
            Self::Told { .. } => 1,
            Self::Prepare { .. } => 2,
            Self::Ballot { .. } => 3,
            Self::Decide { .. } => 4,
            Self::Ack { .. } => 5,
        };
        Kind { index: (KINDS.len() - OWN.len() + own) as u16, name: OWN[own] }
    }

    fn kinds() -> &'static [&'static str] {
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Transact" => "A client asks for a transaction.",
            "Told" => "The answer to a client.",
            "Prepare" => "The coordinator asks a participant to do its part, and to vote: the first phase.",
            "Ballot" => "The answer to Prepare.",
            "Decide" => "What becomes of a transaction: the second phase.",
            "Ack" => "A participant has learned the decision, and will not forget it.",
            within_group => <RaftMessage as process::Message>::about(within_group),
        }
    }
}
