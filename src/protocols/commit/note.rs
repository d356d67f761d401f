//! What a server of a commit protocol says about itself: enough to judge it from outside.

use serde::{Deserialize, Serialize};

use super::locks::Mode;
use super::{Decision, Epoch, TxnId, Vote};
use crate::base::NodeId;

/// One thing that a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// Booted, with this from its disk.
    Recovered {
        /// Which of its lives this is.
        epoch: Epoch,
        /// For which transactions it has voted yes without knowing the decision, and the locks that it holds for each.
        in_doubt: Vec<(TxnId, Vec<HeldLock>)>,
    },
    /// As a coordinator, began a transaction.
    Began {
        /// Which.
        txn: TxnId,
        /// Who takes part, the coordinator among them if keys of its own are touched.
        participants: Vec<NodeId>,
    },
    /// Got a lock for a transaction.
    Locked {
        /// Which.
        txn: TxnId,
        /// What was locked, and how.
        lock: HeldLock,
    },
    /// Gave up locks of a transaction.
    Released {
        /// Which.
        txn: TxnId,
        /// Of which sort, the shared ones alone or all that are left.
        shared_only: bool,
    },
    /// Said whether a transaction may commit. A participant that aborts a transaction before it was asked votes no, too.
    Voted {
        /// On which.
        txn: TxnId,
        /// What.
        vote: Vote,
    },
    /// Heard, as a coordinator, what a participant votes.
    Heard {
        /// On which transaction.
        txn: TxnId,
        /// Of whom.
        from: NodeId,
        /// What.
        vote: Vote,
    },
    /// Decided, as the one whose decision it is: the coordinator, or the only participant, which was handed the decision.
    Decided {
        /// On which transaction.
        txn: TxnId,
        /// What.
        decision: Decision,
        /// Why.
        cause: Cause,
    },
    /// Learned the decision as a participant, and acted on it.
    Learned {
        /// On which transaction.
        txn: TxnId,
        /// What it is.
        decision: Decision,
    },
    /// Being in doubt, asked others for the decision.
    Inquired {
        /// On which transaction.
        txn: TxnId,
    },
    /// Answered who asked for the decision on a transaction of which nothing is known.
    Presumed {
        /// Which.
        txn: TxnId,
        /// What it was told.
        decision: Decision,
    },
    /// Forgot a transaction, as its coordinator.
    Forgot {
        /// Which.
        txn: TxnId,
        /// What those who ask are told from now on.
        presumed: Decision,
    },
    /// Told a client what became of its transaction.
    Told {
        /// Of which.
        txn: TxnId,
        /// What.
        decision: Decision,
    },
}

/// A lock on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeldLock {
    /// The key.
    pub key: u64,
    /// How it is locked.
    pub mode: Mode,
}

/// Why a transaction was decided as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// All have voted, and none against it.
    AllVotedYes,
    /// This participant cannot commit.
    VotedNo(NodeId),
    /// A participant did not answer in time.
    Timeout,
    /// The coordinator crashed before it had decided.
    Recovery,
}
