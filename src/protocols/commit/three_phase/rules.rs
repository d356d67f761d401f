//! The rules that the safety of three-phase commit rests on, each a small method with the correct body. A mutant overrides one.

use crate::process::{Release, rules};

rules! {
    /// The rules on which safety rests, as far as anything does where the network may fall apart.
    pub trait Rules {
        /// When a vote leaves: once what it asserts is durable (BHG §7.5).
        fn release_of_vote(&self) -> Release {
            Release::Durable
        }

        /// Whether a participant that has crashed meanwhile may decide with those that it reaches, as one that has not: never, for the
        /// others may have decided without it, and be gone now (BHG §7.5).
        fn terminates_after_crash(&self) -> bool {
            false
        }
    }
}
