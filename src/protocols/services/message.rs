//! What clients and instances send.

use serde::{Deserialize, Serialize};

use crate::base::{Duration, LocalTime};
use crate::process;

/// Which attempt of which call, as its caller knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The caller's place for the call,
    pub slot: u32,
    /// and how often it was used before.
    pub generation: u32,
    /// The number of the attempt, from 0; copies of a hedged call count.
    pub number: u16,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What its caller knows it by.
    pub attempt: Attempt,
    /// The id of the client's request that it is made for.
    pub root: u64,
    /// The id of the call: all attempts of one call have the same, by construction.
    pub call: u64,
    /// Its idempotency key: all attempts of one call are to have the same.
    pub key: u64,
    /// What is asked of the service.
    pub endpoint: u16,
    /// How important it is: greater is more.
    pub priority: u8,
    /// When it is too late to begin with it, by the clocks of all.
    pub deadline: Option<LocalTime>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It succeeded.
    Done,
    /// It succeeded, without what an optional call would have added.
    Degraded,
    /// Its work failed.
    Failed,
    /// A call that it needs failed.
    CallFailed,
    /// There was no room for it.
    Full,
    /// It was shed for another one that is more important, or since the queue was slow.
    Shed,
    /// A limit on the rate, or on how many are worked on at once, turned it away.
    Limited,
    /// Its deadline had passed.
    Expired,
    /// Another request with its key is under way.
    InFlight,
}

impl Answer {
    /// Whether it succeeded.
    pub const fn succeeded(self) -> bool {
        matches!(self, Self::Done | Self::Degraded)
    }

    /// Whether it was turned away before anything was done for it.
    pub const fn refused(self) -> bool {
        matches!(self, Self::Full | Self::Shed | Self::Limited | Self::Expired)
    }
}

/// A message of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Do this.
    Request(Request),
    /// It ended so.
    Reply {
        /// Which attempt.
        attempt: Attempt,
        /// How.
        answer: Answer,
        /// How long it waited for a worker.
        waited: Duration,
    },
    /// It is not needed any more.
    Cancel {
        /// Which attempt.
        attempt: Attempt,
    },
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Request" => "A client or a service asks something of an instance.",
            "Reply" => "How a request ended, and how long it had waited.",
            "Cancel" => "A request is not needed any more: another copy of it was answered.",
            _ => "",
        }
    }
}
