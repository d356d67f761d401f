//! What clients and instances say about themselves, for those who judge.

use serde::Serialize;

use super::graph::Does;
use super::message::{Answer, Value};
use crate::base::{Duration, LocalTime};

/// What a client or an instance says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// A client has a request.
    Begun {
        /// The place of the service that is called.
        service: u16,
        /// The id of the call.
        call: u64,
        /// When it must be over, if that is given.
        deadline: Option<LocalTime>,
        /// The item that it is about, where services have items.
        #[serde(skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
    /// A call is over, with all attempts.
    Ended {
        /// The place of the service that was called.
        service: u16,
        /// The id of the call.
        call: u64,
        /// How it ended: as the last attempt did; nothing if it was given up, or not even tried.
        answer: Option<Answer>,
        /// How long it took since it was due.
        took: Duration,
        /// What it does where it is stored.
        #[serde(skip_serializing_if = "Does::is_usual")]
        does: Does,
        /// How important it is, above the usual.
        #[serde(skip_serializing_if = "is_usual")]
        priority: u8,
        /// What a store has under its item, as the answer said.
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
    },
    /// Work is begun on a request, where requests have deadlines.
    Works {
        /// The id of the client's request that it is done for.
        root: u64,
        /// The id of the call.
        call: u64,
        /// Its deadline.
        deadline: Option<LocalTime>,
    },
    /// A store has started, and holds so much.
    Opened {
        /// How many effects.
        effects: u64,
        /// What they add up to.
        total: u64,
    },
    /// More requests wait than have of late, or since the queue was empty.
    Queued {
        /// How many.
        length: u32,
    },
    /// More requests are worked on than there are workers, and more than have been of late.
    Working {
        /// How many.
        count: u32,
    },
    /// More calls wait before a bulkhead than have of late.
    Held {
        /// The place of the service that is called.
        service: u16,
        /// How many.
        count: u32,
    },
    /// A client that is to begin nothing new has nothing under way.
    Idle,
}

const fn is_usual(priority: &u8) -> bool {
    *priority == 0
}
