//! The safety rules of the registry, each a small method with the correct body. A mutant overrides one.

use crate::base::{Duration, LocalTime};
use crate::process::rules;

rules! {
    /// The rules on which its safety rests, beside those of Raft.
    pub trait Rules {
        /// Whether a keep-alive is answered once a majority has confirmed that the server leads still.
        fn keep_alive_needs_proof(&self) -> bool {
            true
        }

        /// Whether a lease whose end is proposed is over for its holder: a keep-alive that comes then is too late.
        fn end_is_final(&self) -> bool {
            true
        }

        /// Until when a lease lasts that is kept alive by what came at `came`, and is answered at `now`: by the time of the question, since
        /// another may lead by the time of the answer.
        fn extended(&self, came: LocalTime, now: LocalTime, length: Duration) -> LocalTime {
            let _ = now;
            came + length
        }

        /// Whether a new leader gives every lease its full length anew: it does not know when it was kept alive last.
        fn restarts_leases(&self) -> bool {
            true
        }

        /// Whether a leader forgets with its leadership until when leases last: others have led by the time it leads again.
        fn forgets_deadlines(&self) -> bool {
            true
        }

        /// Whether the end of a lease ends that grant alone, and not what its holder was granted later.
        fn ends_its_grant_alone(&self) -> bool {
            true
        }

        /// Whether a key that was deleted, or put under another lease, no longer goes with the old one.
        fn detaches(&self) -> bool {
            true
        }

        /// Whether those are told so who watch from a revision that is no longer remembered.
        fn tells_of_compaction(&self) -> bool {
            true
        }

        /// From which revision on one is told of changes who has seen those through `seen`, when the registry is at revision `now`.
        fn resumes_after(&self, seen: u64, now: u64) -> u64 {
            let _ = now;
            seen
        }

        /// Whether one who watches asks again for the changes that it finds missing.
        fn minds_gaps(&self) -> bool {
            true
        }

        /// Whether one who watches passes over changes that it has seen.
        fn passes_over_repeats(&self) -> bool {
            true
        }

        /// Whether one who watches refuses a list that is older than what it has seen.
        fn refuses_older_lists(&self) -> bool {
            true
        }

        /// Whether a server's state counts as current as of a time only if its leader has proven since that it led then.
        fn age_needs_proof(&self) -> bool {
            true
        }

        /// The age that is told of a state that is known to have been current so long ago.
        fn told_age(&self, age: Duration) -> Duration {
            age
        }

        /// By how much an answer may have grown older on its way, when so long has passed since it was asked for.
        fn age_of_the_way(&self, since: Duration) -> Duration {
            since
        }

        /// Whether look-ups that go through the log are answered once a majority has confirmed that the server leads still.
        fn look_ups_need_proof(&self) -> bool {
            true
        }

        /// Whether what an instance says of itself counts as a check that went well.
        fn check_went_well(&self, is_well: bool) -> bool {
            is_well
        }

        /// Whether a holder that keeps its lease alive is told which of its instances are registered no longer.
        fn tells_of_the_gone(&self) -> bool {
            true
        }

        /// Whether a new leader looks after all leases, and not after those alone that it is asked to keep alive.
        fn looks_after_all(&self) -> bool {
            true
        }

        /// Whether a leader proposes the end of a lease again while it is not applied. That is legal, for a grant ends once.
        fn proposes_again(&self) -> bool {
            false
        }

        /// How often changes are sent to watchers; at least 1. More is legal, for what was seen is passed over.
        fn sends(&self) -> u32 {
            1
        }

        /// How many times as often as it should a holder keeps its lease alive; at least 1. More is legal.
        fn keep_alives(&self) -> u32 {
            1
        }

        /// How long a holder is told that its lease lasts, of what is left. Less is legal.
        fn told_remaining(&self, remaining: Duration) -> Duration {
            remaining
        }
    }
}
