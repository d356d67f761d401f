//! The rules of the queue, each a small method with the correct body. A mutant overrides one.

use super::Source;
use crate::base::{LocalTime, OperationId};
use crate::process::rules;

rules! {
    /// The rules on which the correctness of a queue rests.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        /// Whether a publisher is told that the queue has its message once that is committed.
        fn confirms_when_committed(&self) -> bool {
            true
        }

        /// Whether a publisher is told so, too, that publishes again what the queue has.
        fn confirms_again(&self) -> bool {
            true
        }

        /// How often a publisher is told.
        fn confirms(&self) -> u32 {
            1
        }

        /// How often a delivery is sent.
        fn deliveries(&self) -> u32 {
            1
        }

        /// Whether a consumer that holds so many messages is given one more.
        fn has_room(&self, holds: usize, prefetch: usize) -> bool {
            holds < prefetch
        }

        /// Whether consumers that have room are given messages in turn; else the one that holds the fewest is.
        fn takes_turns(&self) -> bool {
            true
        }

        /// Whether a subscription that has ended begins anew when it is asked for again.
        fn revives(&self) -> bool {
            false
        }

        /// Whether what one consumer has to say of a delivery is about one that another holds.
        fn is_of(&self, named: OperationId, holder: OperationId) -> bool {
            named == holder
        }

        /// Whether a leader answers from memory that a delivery is settled which no consumer holds, as far as it knows.
        fn settles_from_memory(&self) -> bool {
            false
        }

        /// Whether a settlement that names a delivery settles this one, which is no later.
        fn settles(&self, named: u64, held: u64) -> bool {
            named == held
        }

        /// Whether what a consumer held that is gone is given to others.
        fn returns_of_the_gone(&self) -> bool {
            true
        }

        /// Whether that counts towards how often a message may come back.
        fn counts_return_of_the_gone(&self) -> bool {
            true
        }

        /// Whether a message that comes back goes into the place that it had.
        fn goes_back_to_its_place(&self) -> bool {
            true
        }

        /// Whether a delivery is marked as redelivered.
        fn is_marked(&self, was_given_out: bool) -> bool {
            was_given_out
        }

        /// Where dead letters go.
        fn dead_letters_go_to(&self) -> Source {
            Source::DeadLetters
        }

        /// What time it is for a leader that started at this time.
        fn time(&self, now: LocalTime, started: LocalTime) -> LocalTime {
            let _ = started;
            now
        }

        /// Whether a consumer acknowledges a message before it has processed it.
        fn acknowledges_first(&self) -> bool {
            false
        }
    }
}
