//! The places that a good sweep of a queue passes sometimes, beside those of Raft.

use crate::process::Mark;

/// A publisher asked again.
pub(super) const PUBLISHED_AGAIN: Mark = Mark::new("published again", "A publisher got no confirm in time, and published again.");
/// A consumer subscribed anew.
pub(super) const SUBSCRIBED_ANEW: Mark =
    Mark::new("subscribed anew", "A client learned that it is not a consumer any more, and subscribed again.");
/// A delivery was dropped.
pub(super) const DELIVERED_TWICE: Mark = Mark::new("delivery repeated", "A consumer got a delivery that it had, and dropped it.");

/// The queue knew a message.
pub(super) const REPEATED: Mark =
    Mark::new("publication repeated", "A message was published that the queue had, and was not put in again.");
/// A message came back.
pub(super) const RETURNED: Mark =
    Mark::new("message returned", "A message came back to the queue, from a consumer that is gone or by its wish.");
/// It was given out again.
pub(super) const REDELIVERED: Mark = Mark::new("message redelivered", "A message was given out that had been given out before.");
/// A consumer was silent.
pub(super) const SILENT: Mark = Mark::new("consumer silent", "A consumer was silent for too long, and was cancelled.");
/// A new leader went on.
pub(super) const TOOK_OVER_HELD: Mark =
    Mark::new("leader changed with messages held", "A server came to lead a queue of which consumers held messages.");
/// A settlement came too late.
pub(super) const SETTLED_LATE: Mark =
    Mark::new("settled too late", "A consumer settled a delivery that it does not hold any more: it is settled, or was given to another.");
/// A message was rejected.
pub(super) const REJECTED: Mark = Mark::new("message rejected", "A consumer rejected a message.");
/// A message expired.
pub(super) const EXPIRED: Mark = Mark::new("message expired", "A message was in the queue for longer than its time to live.");
/// A message came back too often.
pub(super) const LIMIT: Mark = Mark::new("delivery limit reached", "A message came back more often than the limit allows.");

/// Those of servers. Raft's come besides.
pub(super) const OF_SERVERS: &[Mark] = &[REPEATED, RETURNED, REDELIVERED, SILENT, TOOK_OVER_HELD, SETTLED_LATE, REJECTED, EXPIRED, LIMIT];

/// Those of clients.
pub(super) const OF_CLIENTS: &[Mark] = &[PUBLISHED_AGAIN, SUBSCRIBED_ANEW, DELIVERED_TWICE];
