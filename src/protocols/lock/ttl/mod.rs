//! The lock with a time to live: on one server, as `SET key value NX PX` of Redis; or on a majority of several that know nothing of each
//! other, *Redlock* (Sanfilippo, `redis.io/docs`, *Distributed locks with Redis*).
//!
//! A client asks all [servers](Store) to set the key, if it is free, to a value of its own, which then goes by itself after a while. If a
//! majority has, it holds the lock for what is left of the time to live, counted from when it asked, less what clocks may drift apart
//! meanwhile. To unlock, a server deletes the key if it has that very value still. Where there is one server, it counts the grants, and
//! the count is the fencing token. Several that know nothing of each other have none to give: Kleppmann's first objection to Redlock.
//! The second is that its promise rests on clocks and on bounded pauses, which [`properties`](super::properties) shows.

mod client;
mod decoys;
mod message;
mod mutants;
mod store;

use crate::base::Duration;

pub use client::{Client, ClientConfig, ClientTimer};
pub use decoys::DECOYS;
pub use message::Message;
pub use mutants::MUTANTS;
pub use store::{Opening, Store, StoreConfig};

/// By how much a client takes such a lease to be shorter than it is, where two clocks may drift apart so many parts per million.
pub fn allowance(ttl: Duration, ppm: u32) -> Duration {
    let nanos = u128::from(ttl.as_nanos()) * u128::from(ppm) / 1_000_000;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
