//! What servers of three-phase commit and their clients send.

use serde::{Deserialize, Serialize};

use super::super::{Age, Decision, Epoch, TxnId, Vote};
use crate::base::{Act, ClientId, Committed, NodeId, Seen, Transaction};
use crate::process::{self, Reply};

/// Where a server stands with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It knows the decision.
    Decided(Decision),
    /// It has voted yes, and knows that all have.
    PreCommitted,
    /// It has voted yes, and knows no more.
    Uncertain,
    /// It was one of the two when it crashed, and has come back since.
    Recovered {
        /// Which of the two.
        pre_committed: bool,
    },
    /// It coordinates the transaction, and has not decided.
    Coordinates,
    /// It coordinated the transaction and had not decided when it crashed: it never will.
    Forgotten,
}

/// What servers and clients send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// A client asks for a transaction.
    Request {
        /// In which session.
        session: ClientId,
        /// Which of its operations, from 1.
        number: u64,
        /// The transaction.
        transaction: Transaction,
    },
    /// A coordinator's answer to a client.
    Answer {
        /// The session.
        session: ClientId,
        /// The operation's number.
        number: u64,
        /// What it is told.
        reply: Reply<Committed>,
    },
    /// A coordinator asks a participant to lock keys and carry out acts.
    Work {
        /// For which transaction, and how old that is.
        age: Age,
        /// What to do.
        acts: Vec<Act>,
    },
    /// The answer to [`Work`](Self::Work): it is done, and all that it needs is locked.
    Worked {
        /// For which transaction.
        txn: TxnId,
        /// In which life of the participant.
        epoch: Epoch,
        /// What the reads saw, in order.
        seen: Vec<Seen>,
    },
    /// A participant has aborted before it was asked for its vote.
    Refused {
        /// Which transaction.
        txn: TxnId,
    },
    /// A coordinator asks a participant for its vote: the first phase.
    Prepare {
        /// On which transaction.
        txn: TxnId,
        /// In which life the participant has done the work. In another it has lost it.
        worked_in: Epoch,
        /// All who take part.
        participants: Vec<NodeId>,
    },
    /// The answer to [`Prepare`](Self::Prepare).
    Vote {
        /// On which transaction.
        txn: TxnId,
        /// What.
        vote: Vote,
    },
    /// All have voted yes: the second phase.
    PreCommit {
        /// On which transaction.
        txn: TxnId,
    },
    /// The answer to [`PreCommit`](Self::PreCommit).
    PreCommitted {
        /// Which transaction.
        txn: TxnId,
    },
    /// What becomes of a transaction: the third phase.
    Decide {
        /// Of which.
        txn: TxnId,
        /// What.
        decision: Decision,
    },
    /// A participant that has waited for too long asks all others where they stand.
    Ask {
        /// With which transaction.
        txn: TxnId,
        /// Whether the one who asks will decide with those that answer.
        terminates: bool,
    },
    /// The answer to [`Ask`](Self::Ask).
    Stand {
        /// With which transaction.
        txn: TxnId,
        /// Where.
        standing: Standing,
    },
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Request" => "A client asks for a transaction.",
            "Answer" => "A coordinator's answer to a client.",
            "Work" => "A coordinator asks a participant to lock keys and carry out acts.",
            "Worked" => "The answer to Work: it is done, and all that it needs is locked.",
            "Refused" => "A participant has aborted before it was asked for its vote.",
            "Prepare" => "A coordinator asks a participant for its vote: the first phase.",
            "Vote" => "The answer to Prepare.",
            "PreCommit" => "All have voted yes: the second phase.",
            "PreCommitted" => "The answer to PreCommit.",
            "Decide" => "What becomes of a transaction: the third phase.",
            "Ask" => "A participant that has waited for too long asks all others where they stand.",
            "Stand" => "The answer to Ask.",
            _ => "",
        }
    }
}
