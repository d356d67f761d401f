//! The rules of services and their clients, each a small method with the correct body. A mutant overrides one.

use crate::base::LocalTime;
use crate::policies::retry::Again;
use crate::process::rules;

rules! {
    /// The rules on which the correctness of services rests.
    pub trait Rules {
        /// The deadline of a call, by that of the request that it is made for and by its own.
        fn deadline(&self, inherited: Option<LocalTime>, own: Option<LocalTime>) -> Option<LocalTime> {
            inherited.into_iter().chain(own).min()
        }

        /// Whether work on a request is refused whose deadline has passed or has not.
        fn is_too_late(&self, has_passed: bool) -> bool {
            has_passed
        }

        /// The idempotency key of an attempt of a call that has this key.
        fn key_of_attempt(&self, key: u64, number: u16) -> u64 {
            let _ = number;
            key
        }

        /// What is done when an attempt has failed and the policy says this.
        fn again(&self, said: Again) -> Again {
            said
        }

        /// Whether copies of a hedged call are cancelled once one was answered.
        fn cancels_copies(&self) -> bool {
            true
        }

        /// Whether a call leaves its bulkhead that was answered or was not.
        fn leaves_bulkhead(&self, is_answered: bool) -> bool {
            let _ = is_answered;
            true
        }

        /// Whether what has an effect is answered when that is on disk, and not before.
        fn answers_when_durable(&self) -> bool {
            true
        }

        /// Whether an answer is taken that is meant for a call that is under way, or for one that is over.
        fn takes_answer(&self, is_current: bool) -> bool {
            is_current
        }

        /// Whether an open breaker lets calls through again.
        fn lets_probes_through(&self) -> bool {
            true
        }

        /// Whether a call that has waited starts when another one leaves its bulkhead.
        fn starts_waiting(&self) -> bool {
            true
        }

        /// Whether a request is answered that is dropped in the queue.
        fn answers_dropped(&self) -> bool {
            true
        }

        /// Whether a request leaves the limit of an instance that was answered, or was cancelled.
        fn leaves_limit(&self, is_answered: bool) -> bool {
            let _ = is_answered;
            true
        }

        /// Whether the keys of what is on disk are known after a crash.
        fn keys_outlive_crash(&self) -> bool {
            true
        }

        /// Whether an answer is remembered under its key that was a success, or was not.
        fn remembers(&self, succeeded: bool) -> bool {
            succeeded
        }

        /// Whether an effect comes when all calls have succeeded that are made for it; else before them.
        fn effect_comes_last(&self) -> bool {
            true
        }

        /// How often each request is sent.
        fn copies(&self) -> u32 {
            1
        }
    }
}
