//! What the log of a group asks for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::{Age, Cause, Decision, TxnId};
use crate::base::{Act, ClientId, LocalTime, NodeId, Seen, Transaction};
use crate::protocols::raft;

/// One entry of a group's log. Each may be in the log more than once, and takes effect once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// As the coordinator: take a client's transaction in, and do the group's own part of it.
    Begin {
        /// In which session.
        session: ClientId,
        /// Which of its operations.
        number: u64,
        /// When, by the leader's clock.
        began: LocalTime,
        /// The transaction.
        transaction: Transaction,
    },
    /// As a participant: lock keys, carry acts out, and vote.
    Prepare {
        /// For which transaction, and how old that is.
        age: Age,
        /// What to do.
        acts: Vec<Act>,
    },
    /// As the coordinator: this is decided.
    Decide {
        /// On which transaction.
        txn: TxnId,
        /// What.
        decision: Decision,
        /// Why.
        cause: Cause,
        /// What the others' reads saw.
        seen: Vec<(NodeId, Vec<Seen>)>,
    },
    /// As a participant: this was decided.
    Learn {
        /// On which transaction.
        txn: TxnId,
        /// What.
        decision: Decision,
    },
    /// As the coordinator: all have learned the decision.
    Forget {
        /// On which transaction.
        txn: TxnId,
    },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { session, number, transaction, .. } => write!(f, "begin {session}#{number} {transaction}"),
            Self::Prepare { age, .. } => write!(f, "prepare {}", age.txn),
            Self::Decide { txn, decision, .. } => write!(f, "decide {decision} of {txn}"),
            Self::Learn { txn, decision } => write!(f, "learn {decision} of {txn}"),
            Self::Forget { txn } => write!(f, "forget {txn}"),
        }
    }
}

impl raft::Operation for Operation {
    /// A transaction that reads locks: that, too, is a change.
    fn is_read(&self) -> bool {
        false
    }
}

impl raft::properties::Audited for Operation {}
