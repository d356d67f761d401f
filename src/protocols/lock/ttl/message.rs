//! What clients, lock servers and the resource send.

use serde::{Deserialize, Serialize};

use super::super::access::speaks;
use super::super::{Access, Answered, AtResource, Grant, Speaks};
use crate::base::{Duration, LocalTime};
use crate::process;

/// A message of a lock with a time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Set the lock to this value, if it is free: `SET … NX PX`.
    Lock {
        /// Which lock.
        lock: u32,
        /// The value: no other has it.
        grant: Grant,
        /// How long it lives.
        ttl: Duration,
        /// When it was asked for, by the client's clock.
        asked: LocalTime,
    },
    /// The lock has that value.
    Locked {
        /// Which.
        grant: Grant,
        /// The fencing token, if the server counts grants.
        token: Option<u64>,
    },
    /// The lock has another value.
    Held {
        /// Not this one.
        grant: Grant,
    },
    /// Let the lock live so long from now on, if it has this value.
    Extend {
        /// Which lock.
        lock: u32,
        /// With which value.
        grant: Grant,
        /// How long.
        ttl: Duration,
        /// Which time of asking, from 1.
        nth: u32,
    },
    /// Whether that was so.
    Extended {
        /// With which value.
        grant: Grant,
        /// Which time of asking.
        nth: u32,
        /// Whether it was.
        done: bool,
    },
    /// Delete the lock, if it has this value.
    Unlock {
        /// Which lock.
        lock: u32,
        /// With which value.
        grant: Grant,
    },
    /// To the resource: a holder does something.
    Access(Access),
    /// From it: what came of that.
    Answered(Answered),
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Lock" => "Set the lock to this value, if it is free.",
            "Locked" => "The lock has that value.",
            "Held" => "The lock has another value.",
            "Extend" => "Let the lock live longer, if it has this value.",
            "Extended" => "Whether it had.",
            "Unlock" => "Delete the lock, if it has this value.",
            "Access" => "A holder does something at the resource.",
            "Answered" => "What came of an access.",
            _ => "",
        }
    }
}

speaks!(Message);
