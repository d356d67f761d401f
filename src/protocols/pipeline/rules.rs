//! The rules of a pipeline, each a small method with the correct body. A mutant overrides one.

use crate::process::rules;

rules! {
    /// The rules on which the correctness of a pipeline rests.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        /// Whether an input through which a barrier has come waits for the others, where barriers are aligned.
        fn waits_for_barriers(&self, is_aligned: bool) -> bool {
            is_aligned
        }

        /// Up to when windows are closed, at this watermark and this time of the clock.
        fn closes_windows_by(&self, watermark: i64, clock: i64) -> i64 {
            let _ = clock;
            watermark
        }

        /// The watermark of several inputs, by the least and the greatest of theirs.
        fn watermark_of_all(&self, least: i64, greatest: i64) -> i64 {
            let _ = greatest;
            least
        }

        /// Whether watermarks go on without an input that is idle.
        fn heeds_idleness(&self) -> bool {
            true
        }

        /// Whether watermarks are a part of checkpoints.
        fn restores_watermarks(&self) -> bool {
            true
        }

        /// Whether a sink commits a transaction when it has staged it, before the checkpoint is complete.
        fn commits_before_complete(&self) -> bool {
            false
        }

        /// Whether a sink that goes back commits what the checkpoint says is staged.
        fn commits_upon_restart(&self) -> bool {
            true
        }

        /// Whether a sink that goes back aborts what it has staged since.
        fn aborts_upon_restart(&self) -> bool {
            true
        }

        /// Whether a checkpoint is complete that so many subtasks of so many have acknowledged.
        fn is_complete(&self, acknowledged: usize, of: usize) -> bool {
            acknowledged >= of
        }

        /// Whether a subtask acknowledges a checkpoint when it is on disk, and not before.
        fn acknowledges_when_durable(&self) -> bool {
            true
        }

        /// Whether a subtask forgets in the next attempt what it has acknowledged: a number can be given again that was not complete.
        fn forgets_acknowledgements(&self) -> bool {
            true
        }

        /// Whether it is on disk that a checkpoint is complete before that is told.
        fn completes_when_durable(&self) -> bool {
            true
        }

        /// The offset that a source keeps in a checkpoint: so many events were told, and so many have come.
        fn offset_kept(&self, told: u64, come: u64) -> u64 {
            let _ = come;
            told
        }

        /// Whether a stage has again what it held, when all go back or only some.
        fn restores_state(&self, is_whole: bool) -> bool {
            let _ = is_whole;
            true
        }

        /// Whether one more event may be sent, of which so many were and so many may be.
        fn may_send(&self, sent: u64, limit: u64) -> bool {
            sent < limit
        }

        /// Whether a sender that waits for credits asks for them.
        fn asks_for_credit(&self) -> bool {
            true
        }

        /// Whether what comes through a channel is dropped that is not of its epoch.
        fn is_of_epoch(&self, told: u64, epoch: u64) -> bool {
            told == epoch
        }

        /// How many copies of each message of a channel leave.
        fn copies(&self) -> u32 {
            1
        }

        /// By how much the number of a checkpoint is higher than that of the one before.
        fn step(&self) -> u64 {
            1
        }

        /// Whether all stages go back, or only some.
        fn restores_all(&self, is_whole: bool) -> bool {
            is_whole
        }
    }
}
