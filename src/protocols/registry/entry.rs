//! What a registry holds: keys with their values, and leases.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{ClientId, Duration, NodeId};

/// Names a lease.
///
/// Its holder chooses the name; the grant tells it from earlier leases of the same holder. Whoever speaks of a lease that has ended does
/// not speak of the one that its holder was granted later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId {
    /// Who holds it.
    pub holder: ClientId,
    /// The how-many-th grant of the registry it is, from 1.
    pub grant: u64,
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.holder, self.grant)
    }
}

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a value lies: in a directory, under a name. A service is a directory, its instances are names; a lock is a directory, who waits
/// for it are names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Which directory: what is listed and watched as one.
    pub directory: u32,
    /// Which name in it.
    pub name: u32,
}

impl Key {
    /// Names from here on are for what is put down about the directory itself; the highest bit is the user's.
    pub const RECORD: u32 = 1 << 30;
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Self::RECORD.. => write!(f, "{}/record {}", self.directory, self.name % Self::RECORD),
            name => write!(f, "{}/{name}", self.directory),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What lies under a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Value {
    /// An instance of a service.
    Instance(Instance),
    /// Anything else, as a number.
    Number(u64),
}

/// An instance of a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// Its address: the node on which it runs.
    pub node: NodeId,
    /// Its share of the load, in proportion to that of others.
    pub weight: u32,
    /// What else it tells of itself, such as the version it runs; opaque to the registry.
    pub metadata: u64,
    /// What its checks say.
    pub health: Health,
}

/// What the checks of an instance say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub enum Health {
    /// The last check went well.
    #[default]
    Passing,
    /// A check went wrong.
    Warning,
    /// So many checks in a row went wrong that it is not to be used.
    Critical,
}

impl Value {
    /// The instance of a service, if it is one.
    pub fn instance(self) -> Option<Instance> {
        if let Self::Instance(instance) = self { Some(instance) } else { None }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(Instance { node, weight, metadata, health }) => {
                let health = match health {
                    Health::Passing => "",
                    Health::Warning => ", warning",
                    Health::Critical => ", critical",
                };
                write!(f, "{node} (weight {weight}, {metadata}{health})")
            }
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// A value with what the registry knows of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Item {
    /// The value.
    pub value: Value,
    /// The revision at which the key came to be: it was not there before, or was put anew under another lease. Of those who wait for one
    /// thing, it says who came first; and it grows, so that it serves as a fencing token.
    pub created: u64,
    /// The revision at which it changed last.
    pub modified: u64,
    /// The lease with which it goes, if with any.
    pub lease: Option<LeaseId>,
}

/// A change of one key. All changes of one revision happened at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The revision that the registry reached by it. Revisions count from 1.
    pub revision: u64,
    /// Which key.
    pub key: Key,
    /// What lies there now; nothing if the key is gone.
    pub item: Option<Item>,
}

/// What a directory holds at a revision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Listing {
    /// At which revision of the registry.
    pub revision: u64,
    /// The names with what lies under them, in the order of the names.
    pub items: Vec<(u32, Item)>,
}

/// Which instances go with a lease, at a revision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attached {
    /// At which revision of the registry.
    pub revision: u64,
    /// The instances, with the revisions at which they came to be.
    pub instances: Vec<(Key, u64)>,
}

/// Why a lease ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ending {
    /// It was not kept alive.
    Expired,
    /// Its holder gave it back.
    Revoked,
}

/// What the registry knows of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Lease {
    /// Which grant it is.
    pub(super) grant: u64,
    /// How long it lasts when it is not kept alive.
    pub(super) length: Duration,
    /// The revision at which an instance last ceased to go with it; 0 if none has.
    pub(super) lost: u64,
}
