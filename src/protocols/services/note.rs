//! What clients and instances say about themselves, for those who judge.

use serde::Serialize;

use super::message::Answer;
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
    /// More requests wait than have since the queue was empty.
    Queued {
        /// How many.
        length: u32,
    },
    /// A client that is to begin nothing new has nothing under way.
    Idle,
}
