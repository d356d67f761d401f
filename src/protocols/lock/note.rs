//! What holders and the resource say about themselves: enough to judge them from outside.

use serde::Serialize;

use super::Grant;

/// What the resource says: an access took effect. It says so when no crash can undo that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accessed {
    /// Under which lock.
    pub lock: u32,
    /// By which grant.
    pub grant: Grant,
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
}
