//! What servers of two-phase commit and their clients send.

use serde::{Deserialize, Serialize};

use super::super::{Age, Decision, Epoch, TxnId, Vote};
use crate::base::{Act, ClientId, Committed, NodeId, Seen, Transaction};
use crate::process::{self, Reply};

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
        /// Whether anything was changed.
        writes: bool,
    },
    /// A coordinator asks for a participant's vote: the first phase.
    Prepare {
        /// On which transaction.
        txn: TxnId,
        /// In which life the participant has done the work. In another it has lost it.
        worked_in: Epoch,
        /// Who else will be in doubt, and can be asked: those who have changed anything.
        writers: Vec<NodeId>,
        /// Whether the participant is the only one, and may decide.
        sole: bool,
    },
    /// The answer to [`Prepare`](Self::Prepare); a *no* may come unasked.
    Vote {
        /// On which transaction.
        txn: TxnId,
        /// What.
        vote: Vote,
    },
    /// The only participant has committed.
    Committed {
        /// Which transaction.
        txn: TxnId,
    },
    /// What becomes of a transaction: the second phase, or an answer to [`Inquire`](Self::Inquire).
    Decide {
        /// Of which.
        txn: TxnId,
        /// What.
        decision: Decision,
    },
    /// A participant has the decision on disk.
    Ack {
        /// On which transaction.
        txn: TxnId,
    },
    /// A participant in doubt asks what was decided: the coordinator, or another participant (cooperative termination).
    Inquire {
        /// On which transaction.
        txn: TxnId,
    },
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Request" => "A client asks for a transaction.",
            "Answer" => "A coordinator's answer to a client.",
            "Work" => "A coordinator asks a participant to lock keys and carry out acts.",
            "Worked" => "The answer to Work: it is done, and all that it needs is locked.",
            "Prepare" => "A coordinator asks for a participant's vote: the first phase.",
            "Vote" => "The answer to Prepare; a no may come unasked.",
            "Committed" => "The only participant has committed.",
            "Decide" => "What becomes of a transaction: the second phase, or an answer to Inquire.",
            "Ack" => "A participant has the decision on disk.",
            "Inquire" => "A participant in doubt asks what was decided: the coordinator, or another participant (cooperative termination).",
            _ => "",
        }
    }
}
