//! The places that a good sweep of a lock passes sometimes.

use crate::process::Mark;

/// A client got a lock.
pub const GRANTED: Mark = Mark::new("lock granted", "A client got a lock.");
/// A client did not get a lock for as long as it was patient.
pub const NOT_GRANTED: Mark = Mark::new("lock not granted", "A client did not get a lock for as long as it was patient, and gave up.");
/// A holder stopped in time.
pub const ENDED: Mark = Mark::new("stopped at the end of the lease", "A holder stopped its work because its lease came to its end.");
/// A holder was told that it held the lock no longer.
pub const LOST: Mark = Mark::new("lock lost", "A holder was told that it held the lock no longer, and stopped its work.");
/// The resource turned an access away.
pub const FENCED: Mark =
    Mark::new("access fenced", "The resource turned away an access with a token that was not the highest it had seen.");
/// The resource was told the same twice.
pub const REPEATED: Mark =
    Mark::new("access repeated", "The resource was told of an access again that had taken effect, and said so again.");
/// A worker asked the resource again.
pub const RESENT: Mark = Mark::new("access sent again", "An access was not answered in time, and sent again.");

/// Those of workers.
pub(super) const OF_WORKERS: &[Mark] = &[GRANTED, NOT_GRANTED, ENDED, LOST, RESENT];

/// Those of the resource.
pub(super) const OF_RESOURCES: &[Mark] = &[FENCED, REPEATED];
