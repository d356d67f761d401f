//! What holders and the resource say about themselves: enough to judge them from outside.

use serde::Serialize;

use super::Grant;
use crate::protocols::commit::locks::Mode;

/// What the resource says: an access took effect. It says so when no crash can undo that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accessed {
    /// Under which lock.
    pub lock: u32,
    /// By which grant.
    pub grant: Grant,
    /// How that held the lock.
    pub mode: Mode,
    /// With which token.
    pub token: Option<u64>,
    /// Which access of that grant.
    pub nth: u32,
}

/// What a worker says of the lock that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum HolderNote {
    /// It asks for the lock from now on.
    Asks {
        /// Which lock.
        lock: u32,
        /// By which grant it will hold it.
        grant: Grant,
    },
    /// It believes to hold the lock from now on.
    Holds {
        /// Which lock.
        lock: u32,
        /// By which grant.
        grant: Grant,
        /// How.
        mode: Mode,
        /// The token that came with it.
        token: Option<u64>,
    },
    /// It does not believe so any longer.
    Leaves {
        /// Which lock.
        lock: u32,
        /// By which grant it held it.
        grant: Grant,
        /// Why.
        why: &'static str,
    },
    /// It has waited for a lock, to hold it alone, and looks whether its turn has come, because somebody left.
    Wakes {
        /// Which lock.
        lock: u32,
        /// Under which name its own place in the queue is.
        name: u32,
        /// By which revision somebody left.
        revision: u64,
    },
    /// It has learned who leads.
    Observes {
        /// Which lock the leader holds.
        lock: u32,
        /// In which term, if any leads.
        term: Option<u64>,
    },
}
