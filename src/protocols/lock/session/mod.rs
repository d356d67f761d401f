//! Locks and elections over the sessions of a registry, as etcd, Consul and ZooKeeper have them.
//!
//! A lock is a directory of a [registry](crate::protocols::registry), and who wants it puts a key there that goes with its lease. The key
//! that came to be first holds the lock, and the revision at which it did is the fencing token: it grows with each grant, since each puts
//! a key of its own. Who is not first waits for the one before it to go (*one wake-up a release*; without it, all wake at each release: a
//! *herd*), and then looks whether it is first, and whether its own key is there still. To release is to delete the key. A lease that is
//! not kept alive takes the key along; where there is a *lock-delay*, as in Consul, who is first then waits so long before it holds
//! the lock, for the sake of what the last holder may have under way.
//!
//! Who shares a lock waits for those alone who came before it and do not. An election is a lock whose token is the *term*; who *observes*
//! it watches the directory, and learns who leads.

mod decoys;
mod keeper;
mod message;
mod mutants;
mod seat;

use crate::protocols::registry::Key;

pub use decoys::DECOYS;
pub use keeper::{Observing, Session, SessionConfig, SessionTimer};
pub use message::Message;
pub use mutants::MUTANTS;
pub use seat::{Seat, SeatTimer};

/// Names from here on are *records*: that a holder has put down, if there is a lock-delay, that it holds the lock. Each has one of its own,
/// which stays when its lease ends, and which it deletes when it releases the lock.
const RECORD: u32 = Key::RECORD;

/// Part of the name of such a record, if its holder shares the lock.
const SHARED: u32 = 1 << 31;

/// Whether a key in the directory of a lock is a client's place in its queue.
pub fn is_place(key: Key) -> bool {
    key.name < RECORD
}
