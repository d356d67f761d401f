//! What a Raft server says about itself: enough to judge it from outside.

use serde::Serialize;

use super::{EntryId, Term};
use crate::base::NodeId;

/// One thing that a server says about itself.
///
/// The log that a server has in memory can be followed through [`Appended`](Self::Appended) and [`Truncated`](Self::Truncated), starting
/// from what its disk holds at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// Booted, with this from its disk.
    Recovered {
        /// Its term.
        term: Term,
        /// For whom it voted in that term.
        vote: Option<NodeId>,
        /// The last entry of its log.
        last: EntryId,
    },
    /// Learned of a higher term, and follows.
    TermChanged {
        /// The new term.
        term: Term,
    },
    /// Gave its vote; a candidate gives it to itself.
    Voted {
        /// In which term.
        term: Term,
        /// To whom.
        candidate: NodeId,
    },
    /// Won an election.
    BecameLeader {
        /// Of which term.
        term: Term,
        /// The last entry of its log at that moment.
        last: EntryId,
    },
    /// Leads no longer.
    SteppedDown {
        /// Of which term it was the leader.
        term: Term,
    },
    /// Put an entry at the end of its log.
    Appended {
        /// The entry.
        id: EntryId,
        /// The digest of its command.
        digest: u64,
    },
    /// Cut its log, because the leader's is another.
    Truncated {
        /// The last index that is left.
        last: u64,
    },
    /// Knows the entries through this index to be committed, and has applied them.
    Applied {
        /// Which index.
        through: u64,
        /// Its term: in a leader, the term in which the entries were committed.
        term: Term,
        /// A running digest of all changes that the state machine has made so far.
        state: u64,
    },
}
