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
/// A call waits for a credit.
pub(super) const STARVED: Mark =
    Mark::new("call waits for credit", "A call was held back until the instance that it goes to has room for it.");
/// A credit was lost.
pub(super) const CREDIT_LOST: Mark =
    Mark::new("credit lost", "A request did not come that a credit was used for, and its place was given to others.");
/// A value was in the cache.
pub(super) const CACHED: Mark = Mark::new("cache hit", "A call was answered from a cache.");
/// A value was stale.
pub(super) const STALE: Mark = Mark::new("stale value used", "A call was answered with a value that is loaded anew meanwhile.");
/// Several waited for one load.
pub(super) const LOAD_SHARED: Mark = Mark::new("load shared", "A call waited for a value that was being loaded for another one.");
/// A load failed.
pub(super) const LOAD_FAILED: Mark = Mark::new("load failed", "A value was to be loaded into a cache, and that failed.");
/// An old value was better than none.
pub(super) const FELL_BACK: Mark =
    Mark::new("stale value after error", "A value could not be loaded, and the old one was used: a degraded answer.");
/// A cached value was invalidated.
pub(super) const INVALIDATED: Mark = Mark::new("cache invalidated", "An item was changed, and what a cache held of it was dropped.");
/// A load was overtaken by a write.
pub(super) const OVERTAKEN: Mark = Mark::new("load overtaken", "An item was changed while it was loaded: what was loaded is not kept.");
/// A saga is undone.
pub(super) const UNDOES: Mark = Mark::new("saga undone", "A call of a saga failed, and those that were made before it are undone.");
/// A compensation is tried again.
pub(super) const UNDOES_AGAIN: Mark =
    Mark::new("compensation retried", "A compensation was not answered with success, and is tried again.");
/// A saga was left open by a crash.
pub(super) const SAGA_RESUMED: Mark = Mark::new("saga resumed", "A saga was not over when its service crashed, and is undone.");
/// Something is undone that was not done.
pub(super) const UNDONE_FIRST: Mark =
    Mark::new("undone before done", "A compensation came before what it undoes, which is refused from then on.");
/// Nothing is left.
pub(super) const SOLD_OUT: Mark = Mark::new("sold out", "A request found nothing left of its item.");

/// A list has changed.
pub(super) const INSTANCES_CHANGED: Mark =
    Mark::new("instances changed", "A caller learnt from a registry that other instances are there than it knew.");
/// There is no instance.
pub(super) const NO_INSTANCE: Mark = Mark::new("no instance", "A call was not tried, as no instance is known that may be asked.");
/// A lease has ended.
pub(super) const LEASE_ENDED: Mark = Mark::new("lease ended", "A registry had not heard of an instance for as long as a lease.");

/// Those of all that call.
pub(super) const OF_CALLERS: &[Mark] =
    &[TIMED_OUT, DEADLINE_PASSED, RETRIED, HEDGED, BREAKER_OPEN, THROTTLED, EJECTED, STARVED, INSTANCES_CHANGED, NO_INSTANCE];
/// Those of instances alone: they call, too.
pub(super) const OF_INSTANCES: &[Mark] = &[
    REFUSED,
    SHED,
    LIMITED,
    EXPIRED,
    KNOWN,
    CANCELLED,
    DEGRADED,
    CREDIT_LOST,
    CACHED,
    STALE,
    LOAD_SHARED,
    LOAD_FAILED,
    FELL_BACK,
    INVALIDATED,
    OVERTAKEN,
    UNDOES,
    UNDOES_AGAIN,
    SAGA_RESUMED,
    UNDONE_FIRST,
    SOLD_OUT,
    LEASE_ENDED,
];
