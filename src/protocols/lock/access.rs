//! What passes between a holder and the resource that its lock guards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::OperationId;
use crate::process::Message;
use crate::protocols::commit::locks::Mode;

/// One time that a lock is asked for by a client: what it is called in the client's requests. No two have the same.
///
/// Prints as the n-th attempt of its client: `c1#7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grant(pub OperationId);

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing that a holder does at the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Under which lock, counted from 1.
    pub lock: u32,
    /// By which grant of it.
    pub grant: Grant,
    /// How that holds it.
    pub mode: Mode,
    /// The fencing token that came with the grant, where grants have one.
    pub token: Option<u64>,
    /// Which access of this grant, from 1.
    pub nth: u32,
}

/// What the resource says to an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// By which grant it was.
    pub grant: Grant,
    /// Which access of it.
    pub nth: u32,
    /// Nothing, if it took effect; the token that it has seen and that is higher, if it was turned away for that.
    pub fenced: Option<u64>,
}

/// What holders and the resource send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtResource {
    /// To the resource.
    Access(Access),
    /// From it.
    Answered(Answered),
}

/// A message type of which some are of and to the resource.
pub trait Speaks: Message + From<AtResource> {
    /// What it says at the resource; itself, if that is nothing.
    ///
    /// # Errors
    /// Itself, where it is of other things.
    fn at_resource(self) -> Result<AtResource, Self>;
}

/// What a message type says at the resource by its variants `Access` and `Answered`.
macro_rules! speaks {
    ($Message:ident) => {
        impl From<AtResource> for $Message {
            fn from(said: AtResource) -> Self {
                match said {
                    AtResource::Access(access) => Self::Access(access),
                    AtResource::Answered(answered) => Self::Answered(answered),
                }
            }
        }

        impl Speaks for $Message {
            fn at_resource(self) -> Result<AtResource, Self> {
                match self {
                    Self::Access(access) => Ok(AtResource::Access(access)),
                    Self::Answered(answered) => Ok(AtResource::Answered(answered)),
                    other => Err(other),
                }
            }
        }
    };
}

pub(super) use speaks;
