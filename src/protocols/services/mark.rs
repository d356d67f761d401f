//! The *sometimes* marks of services and their clients.

use crate::process::Mark;

/// An attempt was given up.
pub(super) const TIMED_OUT: Mark = Mark::new("attempt timed out", "An attempt of a call had no answer in time.");
/// A call was given up.
pub(super) const DEADLINE_PASSED: Mark = Mark::new("deadline passed", "A call was given up, as its deadline had passed.");
/// A call was tried again.
pub(super) const RETRIED: Mark = Mark::new("call retried", "A call that had failed was to be tried again.");
/// A copy was sent.
pub(super) const HEDGED: Mark = Mark::new("call hedged", "A copy of a call that had no answer yet was sent.");
/// A breaker was open.
pub(super) const BREAKER_OPEN: Mark = Mark::new("breaker open", "A call was not tried, as the circuit breaker was open.");
/// A request was refused.
pub(super) const REFUSED: Mark = Mark::new("request refused", "A request found the queue full.");
/// A request was shed.
pub(super) const SHED: Mark = Mark::new("request shed", "A request was shed for a more important one, or as the queue was slow.");
/// A request was turned away.
pub(super) const LIMITED: Mark =
    Mark::new("request limited", "A request was turned away by a limit on the rate, or on how many are worked on at once.");
/// A call was held back.
pub(super) const THROTTLED: Mark = Mark::new("call throttled", "A call was not tried, as too many of late were not accepted.");
/// An instance was ejected.
pub(super) const EJECTED: Mark = Mark::new("instance ejected", "An instance was an outlier, and is not asked for a while.");
/// A request was too late.
pub(super) const EXPIRED: Mark = Mark::new("request expired", "A request's deadline had passed before work on it was begun.");
/// A request was known.
pub(super) const KNOWN: Mark =
    Mark::new("key known", "A request had a key that was known: it was answered as before, or another is under way.");
/// A request was cancelled.
pub(super) const CANCELLED: Mark = Mark::new("request cancelled", "A request that was not needed any more was taken back.");
/// An optional call failed.
pub(super) const DEGRADED: Mark = Mark::new("answer degraded", "An optional call failed, and its caller went on without.");

/// Those of all that call.
pub(super) const OF_CALLERS: &[Mark] = &[TIMED_OUT, DEADLINE_PASSED, RETRIED, HEDGED, BREAKER_OPEN, THROTTLED, EJECTED];
/// Those of instances alone: they call, too.
pub(super) const OF_INSTANCES: &[Mark] = &[REFUSED, SHED, LIMITED, EXPIRED, KNOWN, CANCELLED, DEGRADED];
