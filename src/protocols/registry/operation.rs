//! What the log of a registry asks for, and what is answered.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Health, Key, LeaseId, Listing, Value};
use crate::base::{ClientId, Duration};
use crate::protocols::raft;

/// What a registry is asked for. Those from [`Expire`](Self::Expire) on its leader asks for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Grant a lease, if the holder has none.
    Grant {
        /// To whom.
        holder: ClientId,
        /// How long it lasts when it is not kept alive.
        length: Duration,
    },
    /// End a lease, with all keys that go with it.
    Revoke {
        /// Which.
        lease: LeaseId,
    },
    /// Put a value under a key.
    Put {
        /// Under which.
        key: Key,
        /// The value.
        value: Value,
        /// With which lease the key goes, if with any. If that has ended, nothing is put.
        lease: Option<LeaseId>,
        /// On which condition.
        only: Condition,
    },
    /// Delete a key.
    Delete {
        /// Which.
        key: Key,
        /// On which condition.
        only: Condition,
    },
    /// What does a directory hold?
    List {
        /// Which.
        directory: u32,
    },
    /// A lease was not kept alive: end it.
    Expire {
        /// Which.
        lease: LeaseId,
    },
    /// The checks of an instance say something else than before.
    Check {
        /// Of which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
        /// What they say now.
        health: Health,
    },
    /// An instance was critical for too long: deregister it, if it is critical still.
    Deregister {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
    },
}

/// On which condition a key is changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Condition {
    /// On none.
    Always,
    /// If there is no such key.
    Absent,
    /// If it is the key that came to be at this revision.
    Created(u64),
}

/// What a registry answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Response {
    /// The holder has this lease from now on.
    Granted(LeaseId),
    /// The holder had this lease before. It may be about to end: how long it lasts, the answer to a keep-alive tells.
    Exists(LeaseId),
    /// The lease has ended, now or before.
    Ended,
    /// The value lies there.
    Put {
        /// The revision at which the key came to be.
        created: u64,
    },
    /// The key is gone, or was not there.
    Deleted,
    /// The condition was not met: the key there came to be at this revision; 0 if there is none.
    Unmet(u64),
    /// What the directory holds.
    Listed(Listing),
    /// Nothing: the leader knows.
    Nothing,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => Ok(()),
            Self::Absent => f.write_str(" if absent"),
            Self::Created(revision) => write!(f, " if created at {revision}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant { holder, length } => write!(f, "grant {holder} a lease of {length}"),
            Self::Revoke { lease } => write!(f, "revoke {lease}"),
            Self::Put { key, value, lease: Some(lease), only } => write!(f, "put {key} = {value} under {lease}{only}"),
            Self::Put { key, value, lease: None, only } => write!(f, "put {key} = {value}{only}"),
            Self::Delete { key, only } => write!(f, "delete {key}{only}"),
            Self::List { directory } => write!(f, "list {directory}"),
            Self::Expire { lease } => write!(f, "expire {lease}"),
            Self::Check { key, created, health } => write!(f, "{key} of {created} is {health:?}"),
            Self::Deregister { key, created } => write!(f, "deregister {key} of {created}"),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(lease) => write!(f, "granted {lease}"),
            Self::Exists(lease) => write!(f, "{lease} exists"),
            Self::Ended => f.write_str("ended"),
            Self::Put { created } => write!(f, "put, created at {created}"),
            Self::Deleted => f.write_str("deleted"),
            Self::Unmet(0) => f.write_str("absent"),
            Self::Unmet(created) => write!(f, "created at {created}"),
            Self::Listed(Listing { revision, items }) => {
                let names: Vec<String> = items.iter().map(|(name, item)| format!("{name} = {}", item.value)).collect();
                write!(f, "[{}] at revision {revision}", names.join(", "))
            }
            Self::Nothing => f.write_str("done"),
        }
    }
}

impl raft::Operation for Operation {
    fn is_read(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

impl raft::properties::Audited for Operation {}
