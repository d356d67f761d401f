//! The safety rules of two-phase commit over groups, each a small method with the correct body. A mutant overrides one.

use crate::process::rules;

rules! {
    /// The rules on which its safety rests, beside those of Raft.
    pub trait Rules {
        /// Whether a yes leaves once the group has committed the prepared work, and not when its leader has only begun to (Spanner §4.2.1).
        fn yes_waits(&self) -> bool {
            true
        }

        /// Whether a commit is announced once the group has committed the decision (Spanner §4.2.1).
        fn commit_waits(&self) -> bool {
            true
        }

        /// Whether an abort is announced once the group has committed the decision. A former leader has no say in it, and need not know.
        fn abort_waits(&self) -> bool {
            true
        }

        /// Whether the first decision in the log stands, and later ones are nothing: a new leader may decide before it has applied what the
        /// last one decided.
        fn first_decision_stands(&self) -> bool {
            true
        }

        /// How often a leader proposes each operation; at least 1. More is legal, for each takes effect once.
        fn proposals(&self) -> u32 {
            1
        }

        /// Whether each message to another group goes to all of it at once. That is legal, and takes more messages.
        fn tells_all(&self) -> bool {
            false
        }
    }
}
