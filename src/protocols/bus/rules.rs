//! The rules of the bus, each a small method with the correct body. A mutant overrides one.

use super::Order;
use crate::process::rules;

rules! {
    /// The rules on which the correctness of the bus rests.
    ///
    /// The machines ask these and keep no second copy of them.
    pub trait Rules {
        /// Whether a message is on disk before its publisher is told that it was accepted.
        fn accepts_when_durable(&self) -> bool {
            true
        }

        /// Whether a message is on disk before it is delivered.
        fn delivers_when_durable(&self) -> bool {
            true
        }

        /// Whether a message is taken in that bears an id which the bus knows, where messages are to come once.
        fn takes_in_again(&self, once: bool) -> bool {
            !once
        }

        /// Whether the bus knows after a crash which ids it has taken in.
        fn knows_ids_after_restart(&self) -> bool {
            true
        }

        /// Which of its client's messages an id names, at this attempt to publish it.
        fn named(&self, nth: u32, attempt: u32) -> u32 {
            let _ = attempt;
            nth
        }

        /// Whether what was not acknowledged in time is delivered again.
        fn delivers_again(&self, again: bool) -> bool {
            again
        }

        /// How many messages are on their way to a subscriber at once.
        fn window(&self, order: Order) -> usize {
            if order == Order::ByTopic { 1 } else { 4 }
        }

        /// Whether a message waits until the one before it of its key is acknowledged, where several are on their way at once.
        fn waits_for_its_key(&self, order: Order) -> bool {
            order == Order::ByKey
        }

        /// Whether a buffer that holds so many takes one more.
        fn has_room(&self, holds: usize, bound: usize) -> bool {
            holds < bound
        }

        /// Whether a publisher is told that its message was accepted for which there is no room.
        fn accepts_blocked(&self) -> bool {
            false
        }

        /// Whether a subscriber acknowledges a message before it has processed it.
        fn acknowledges_first(&self, again: bool) -> bool {
            !again
        }

        /// Whether a subscriber processes again what it knows to have had, where messages are to come once.
        fn processes_again(&self, once: bool) -> bool {
            !once
        }

        /// Whether a subscriber processes what lies before what it has had, where messages come once and in order.
        fn goes_back(&self) -> bool {
            false
        }

        /// Whether a subscriber knows after a crash what it has had.
        fn knows_had_after_restart(&self) -> bool {
            true
        }

        /// How many copies of each delivery leave.
        fn deliveries(&self) -> u32 {
            1
        }

        /// How often a publisher is told that its message was accepted.
        fn acceptances(&self) -> u32 {
            1
        }

        /// By how much the offset of a message is higher than that of the one before.
        fn step(&self) -> u64 {
            1
        }
    }
}
