//! The places that a good sweep of a pipeline passes sometimes.

use crate::process::Mark;

/// All go back.
pub(super) const RESTARTED: Mark = Mark::new("pipeline restarted", "A subtask was lost, and all stages went back to the last checkpoint.");
/// Some go back.
pub(super) const REGION_RESTARTED: Mark =
    Mark::new("region restarted", "A subtask was lost, and its stage and those behind it went back to the last checkpoint.");
/// One after another.
pub(super) const RESTARTED_AGAIN: Mark = Mark::new("restarted while restarting", "A subtask was lost while others went back.");
/// A checkpoint is given up.
pub(super) const ABANDONED: Mark = Mark::new("checkpoint abandoned", "A checkpoint was not complete in time, and was given up.");
/// A checkpoint is overtaken by a restart.
pub(super) const INTERRUPTED: Mark = Mark::new("checkpoint interrupted", "A subtask was lost while a checkpoint was under way.");
/// It is about to be complete when a subtask is lost.
pub(super) const COMPLETED_IN_TIME: Mark =
    Mark::new("checkpoint completed in time", "A subtask was lost while it was written down that a checkpoint is complete.");
/// An input waits.
pub(super) const ALIGNED: Mark = Mark::new("barrier waited for", "An input stood still until the barrier had come through the others.");
/// No credit.
pub(super) const HELD_UP: Mark = Mark::new("held up", "A subtask took nothing more, as those that it feeds had no room.");
/// Sent again.
pub(super) const SENT_AGAIN: Mark =
    Mark::new("sent again", "What went through a channel was not acknowledged in time, and was sent again.");
/// Too late.
pub(super) const TOO_LATE: Mark = Mark::new("event too late", "An event came too late for its window.");
/// Idle.
pub(super) const IDLE: Mark = Mark::new("partition idle", "Nothing came of a partition for a while, and watermarks went on without it.");
/// Committed upon a restart.
pub(super) const COMMITTED_LATE: Mark =
    Mark::new("committed upon restart", "A sink learned only when it went back to a checkpoint that it was complete, and committed.");
/// Aborted.
pub(super) const ABORTED: Mark =
    Mark::new("transaction aborted", "A sink went back to a checkpoint, and dropped what it had staged since.");

/// Those of the coordinator.
pub(super) const OF_THE_COORDINATOR: &[Mark] = &[RESTARTED, REGION_RESTARTED, RESTARTED_AGAIN, ABANDONED, INTERRUPTED, COMPLETED_IN_TIME];

/// Those of subtasks.
pub(super) const OF_SUBTASKS: &[Mark] = &[ALIGNED, HELD_UP, SENT_AGAIN, TOO_LATE, IDLE, COMMITTED_LATE, ABORTED];
