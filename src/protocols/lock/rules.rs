//! The rules of locks, each a small method with the correct body. A mutant overrides one.

use crate::base::{Duration, LocalTime};
use crate::process::rules;

rules! {
    /// The rules on which the correctness of locks rests.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        // The resource.

        /// Whether an access with this token may take effect where this one was seen: if no later holder was there before.
        fn lets_through(&self, token: u64, highest: u64) -> bool {
            token >= highest
        }

        /// The highest token that it knows of after a start, of what its disk says.
        fn fence_after_restart(&self, written: u64) -> u64 {
            written
        }

        // Holders.

        /// Whether a holder stops whose lease is over, or as good as over.
        fn stops(&self, over: bool) -> bool {
            over
        }

        /// How many copies of each access leave.
        fn copies(&self) -> u32 {
            1
        }

        // Locks over the sessions of a registry.

        /// Whether a client looks, when the one before it in the queue has left, whether it is first now.
        fn looks_again(&self) -> bool {
            true
        }

        /// Until when the lease lasts of a client that has waited, if it has one still with its key; a full one would last until `full`.
        fn lease_at_last(&self, lease: Option<LocalTime>, full: LocalTime) -> Option<LocalTime> {
            let _ = full;
            lease
        }

        /// How often a client asks for its key to be put. More than once is legal, for it is put only if it is not there.
        fn puts(&self) -> u32 {
            1
        }

        /// Whether a client that waits wakes when the one before it goes, and at no other's release.
        fn wakes_for_its_own(&self, one_wakeup: bool) -> bool {
            one_wakeup
        }

        /// Whether a holder stops when its lease is lost.
        fn minds_its_lease(&self) -> bool {
            true
        }

        /// Whether a client takes back what it had asked to be put, and did not want any more when it was there.
        fn takes_back_late(&self) -> bool {
            true
        }

        /// Whether the lock-delay counts for one that holds the lock so: readers, too, may have something under way.
        fn minds_lock_delay(&self, shared: bool) -> bool {
            let _ = shared;
            true
        }

        /// Under which number a holder puts down that it holds the lock, whose lease is the n-th: under one of its own.
        fn record(&self, lease: u32) -> u32 {
            lease
        }

        /// Whether a release deletes the record of the holder that releases the lock, and no other that is in its place by then.
        fn spares_others_records(&self) -> bool {
            true
        }

        /// The fencing token of a key that came to be at this revision, of the n-th lease.
        fn token(&self, created: u64, lease: u64) -> u64 {
            let _ = lease;
            created
        }

        /// The term that an observer takes to be the present one, of the first and the last in the queue.
        fn leads(&self, first: Option<u64>, last: Option<u64>) -> Option<u64> {
            let _ = last;
            first
        }

        // The lock with a time to live: its client.

        /// How many of so many servers must grant the lock: a majority, so that any two share one.
        fn quorum(&self, servers: u32) -> u32 {
            servers / 2 + 1
        }

        /// When the lease begins, for the client: when it asked, since a server may have granted it as soon as that.
        fn lease_begins(&self, asked: LocalTime, answered: LocalTime) -> LocalTime {
            let _ = answered;
            asked
        }

        /// Which attempt of its client a value names, of those that it made: each has one of its own (Redlock: "unique across all clients
        /// and all lock requests").
        fn named(&self, nth: u32) -> u32 {
            nth
        }

        /// Whether an extension counts as done that so many servers have granted of the quorum.
        fn is_extended(&self, granted: u32, quorum: u32) -> bool {
            granted >= quorum
        }

        /// How often each server is asked for a lock. More than once is legal, for the same value is answered the same.
        fn asks(&self) -> u32 {
            1
        }

        /// How often each server is told to unlock. More than once is legal, for a value unlocks what was set to it alone.
        fn unlocks(&self) -> u32 {
            1
        }

        // The lock with a time to live: its servers.

        /// Whether to unlock takes the lock away: only from whom it was given to.
        fn may_unlock(&self, own: bool) -> bool {
            own
        }

        /// Whether to extend lengthens the lease: only the asker's own.
        fn may_extend(&self, own: bool) -> bool {
            own
        }

        /// When a lease ends that was asked for at one time by the client's clock, and given at another by the server's.
        fn expires(&self, asked: LocalTime, given: LocalTime, ttl: Duration) -> LocalTime {
            let _ = asked;
            given + ttl
        }

        /// The token after which the next one comes, after a start, of what its disk says.
        fn token_after_restart(&self, written: u64) -> u64 {
            written
        }

        /// By how much a token is higher than the last one.
        fn step(&self) -> u64 {
            1
        }
    }
}
