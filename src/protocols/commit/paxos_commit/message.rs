//! What servers of Paxos Commit and their clients send.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::{Age, Decision, Epoch, TxnId, Vote};
use crate::base::{Act, ClientId, Committed, NodeId, Seen, Transaction};
use crate::process::{self, Reply};

/// The number of a ballot. Zero is each participant's own, in its own instance; the others belong to one server each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ballot(pub u64);

impl Ballot {
    /// The participant's own.
    pub const ZERO: Self = Self(0);

    /// The lowest ballot of the server in this place that is above this one, of so many servers.
    pub fn next_of(self, place: usize, servers: usize) -> Self {
        let (place, servers) = (place as u64, servers as u64);
        Self((self.0 / servers + 1) * servers + place)
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ballot {}", self.0)
    }
}

/// What an acceptor has accepted in one participant's instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Whose vote it is about.
    pub participant: NodeId,
    /// In which ballot.
    pub ballot: Ballot,
    /// The vote.
    pub vote: Vote,
}

/// What servers and clients send. The phases are those of Paxos, for all instances of a transaction at once.
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
    /// A coordinator asks a participant for its vote.
    Prepare {
        /// On which transaction.
        txn: TxnId,
        /// In which life the participant has done the work. In another it has lost it.
        worked_in: Epoch,
        /// All who take part.
        participants: Vec<NodeId>,
    },
    /// A leader asks acceptors to heed no lower ballot, and for what they have accepted.
    Phase1a {
        /// For which transaction.
        txn: TxnId,
        /// The leader's ballot.
        ballot: Ballot,
    },
    /// The answer to [`Phase1a`](Self::Phase1a).
    Phase1b {
        /// For which transaction.
        txn: TxnId,
        /// The leader's ballot.
        ballot: Ballot,
        /// What was accepted before; of the other instances nothing.
        accepted: Vec<Accepted>,
    },
    /// A participant, in ballot zero, or a leader, in a later one, proposes votes.
    Phase2a {
        /// On which transaction.
        txn: TxnId,
        /// In which ballot.
        ballot: Ballot,
        /// Whose votes, and what they are.
        votes: Vec<(NodeId, Vote)>,
    },
    /// The answer to [`Phase2a`](Self::Phase2a): accepted. It goes to the leader of the ballot, in ballot zero to the coordinator.
    Phase2b {
        /// On which transaction.
        txn: TxnId,
        /// In which ballot.
        ballot: Ballot,
        /// Whose votes, and what they are.
        votes: Vec<(NodeId, Vote)>,
    },
    /// An acceptor heeds a higher ballot.
    Preempted {
        /// On which transaction.
        txn: TxnId,
        /// The higher ballot.
        ballot: Ballot,
    },
    /// What becomes of a transaction.
    Decide {
        /// Of which.
        txn: TxnId,
        /// What.
        decision: Decision,
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
            "Prepare" => "A coordinator asks a participant for its vote.",
            "Phase1a" => "A leader asks acceptors to heed no lower ballot, and for what they have accepted.",
            "Phase1b" => "The answer to Phase1a.",
            "Phase2a" => "A participant, in ballot zero, or a leader, in a later one, proposes votes.",
            "Phase2b" => "The answer to Phase2a: accepted.",
            "Preempted" => "An acceptor heeds a higher ballot.",
            "Decide" => "What becomes of a transaction.",
            _ => "",
        }
    }
}
