//! What brokers say about themselves: enough to judge them from outside.

use serde::Serialize;

use super::Entry;
use crate::protocols::raft;

/// What a broker says, or a controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// A controller says it, as a server of Raft.
    Raft(raft::Note),
    /// It has started, and has this much of a partition.
    Restored {
        /// Which partition.
        partition: u32,
        /// Where its log begins.
        start: u64,
        /// The epochs of its log, and where each ends.
        epochs: Vec<(u32, u64)>,
    },
    /// It leads a partition from now on.
    Leads {
        /// Which.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// Its log's end.
        end: u64,
    },
    /// Its log has one entry more.
    Appended {
        /// Of which partition.
        partition: u32,
        /// The epoch of the entry before; 0 if there is none.
        before: u32,
        /// Which.
        entry: Entry,
    },
    /// Its log was cut.
    Cut {
        /// Of which partition.
        partition: u32,
        /// All from here on went.
        to: u64,
    },
    /// It has let go of the beginning of its log.
    Trimmed {
        /// Of which partition.
        partition: u32,
        /// Where that begins from now on.
        start: u64,
    },
    /// It has let go of all of its log, and takes in what its leader has.
    Restarted {
        /// Of which partition.
        partition: u32,
        /// Where that begins from now on.
        start: u64,
    },
    /// It has removed messages from its log by compaction.
    Emptied {
        /// Of which partition.
        partition: u32,
        /// Where they were.
        offsets: Vec<u64>,
    },
    /// It leads, and all before this is committed.
    Advanced {
        /// Of which partition.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// Up to where.
        high: u64,
    },
    /// A member of the group was given a partition.
    Handed {
        /// Which.
        partition: u32,
        /// In which generation.
        generation: u32,
        /// Where it goes on.
        offset: u64,
    },
    /// A member was told that what it has processed is noted.
    Processed {
        /// Of which partition.
        partition: u32,
        /// In which generation, if the member said that.
        generation: Option<u32>,
        /// Which offset comes next.
        offset: u64,
    },
}
