//! What clients and instances send.

use serde::{Deserialize, Serialize};

use crate::base::{Duration, LocalTime, Part};
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
    /// The item that it is about, where services have items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// The credit that it was sent for, where callers need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
}

/// A credit: the right to one place in the queue of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// For which of its calls the caller has it,
    pub channel: Channel,
    /// and how many it had used with this one, in all its life.
    pub number: u64,
}

/// What a caller has credits for: one of its calls, and the life in which it makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The number of the call.
    pub site: u16,
    /// A word that is another one after a crash.
    pub life: u32,
}

/// What a store has under an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The place of the service that stores it.
    pub service: u16,
    /// The item.
    pub item: u32,
    /// Which one it is, from 1 on: 0 if there is none.
    pub version: u32,
    /// Whether it is what the request that is answered wrote.
    pub is_new: bool,
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
    /// It is wrong itself, and fails however often it is tried.
    Rejected,
}

impl Answer {
    /// Whether it succeeded.
    pub const fn succeeded(self) -> bool {
        matches!(self, Self::Done | Self::Degraded)
    }

    /// Whether it was dealt with: it succeeded, or its caller was told for good that it is wrong.
    pub const fn served(self) -> bool {
        matches!(self, Self::Done | Self::Degraded | Self::Rejected)
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
        /// What a store has under the item that it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
    },
    /// It is not needed any more.
    Cancel {
        /// Which attempt.
        attempt: Attempt,
    },
    /// There is room for all that is sent for credits up to this one.
    Granted {
        /// Whose credits.
        channel: Channel,
        /// The number of the last one.
        limit: u64,
    },
    /// Calls wait for credits.
    Blocked {
        /// Whose credits.
        channel: Channel,
        /// How many were used: what has not come of them is lost.
        number: u64,
    },
    /// This instance is there.
    Register {
        /// The place of its service.
        service: u16,
        /// Which of its instances.
        instance: u32,
    },
    /// Which instances are there?
    LookUp {
        /// Where the caller calls them.
        site: u16,
        /// The place of their service.
        service: u16,
        /// Whether to be told when that changes.
        watch: bool,
    },
    /// These instances are there.
    Listed {
        /// Where the caller calls them.
        site: u16,
        /// When that was so, by the registry's clock.
        at: LocalTime,
        /// Which.
        instances: Vec<u32>,
    },
    /// How loaded are you?
    Probe {
        /// Where the caller calls the instance.
        site: u16,
    },
    /// So loaded.
    Load {
        /// Where the caller calls the instance.
        site: u16,
        /// How many requests are worked on or wait.
        in_flight: u32,
        /// How long requests take that find as many.
        latency: Duration,
    },
}

impl Attempt {
    /// A number for it among those of its caller: of so many calls under way that two have the same, no memory would hold the messages.
    const fn word(self) -> u64 {
        (self.slot as u64) << 40 ^ (self.generation as u64) << 16 ^ self.number as u64
    }
}

impl process::Message for Message {
    fn part(&self) -> Option<Part> {
        match self {
            Self::Request(Request { attempt, root, .. }) => Some(Part::Asks { operation: *root, request: attempt.word() }),
            Self::Reply { attempt, .. } => Some(Part::Answers { request: attempt.word() }),
            _ => None,
        }
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "Request" => "A client or a service asks something of an instance.",
            "Reply" => "How a request ended, and how long it had waited.",
            "Cancel" => "A request is not needed any more: another copy of it was answered.",
            "Granted" => "An instance has room for more requests of a caller: credits.",
            "Blocked" => "A caller has calls that wait for credits of an instance, and tells how many it has used.",
            "Register" => "An instance tells a registry that it is there.",
            "LookUp" => "A caller asks a registry which instances of a service are there.",
            "Listed" => "The instances of a service, as the registry knows them.",
            "Probe" => "A caller asks an instance how loaded it is.",
            "Load" => "How many requests an instance has, and how long they take.",
            _ => "",
        }
    }
}
