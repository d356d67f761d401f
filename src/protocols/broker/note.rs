//! What brokers say about themselves: enough to judge them from outside.

use serde::Serialize;

use super::Entry;

/// What a broker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// It has started, and has this much of a partition.
    Restored {
        /// Which partition.
        partition: u32,
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
