//! The safety rules of two-phase commit, each a small method with the correct body. A mutant overrides one.

use super::super::{Decision, Epoch, TxnId};
use super::Variant;
use crate::process::{Release, rules};

/// How a participant stands to a transaction when it is asked to prepare it, and has not prepared it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has done the work, in this life.
    Executed,
    /// It has aborted.
    Aborted,
    /// It knows nothing of it: the work was lost in a crash, or never came.
    Unknown,
}

/// What a participant that has waited long for a decision does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Asks.
    Ask,
    /// Goes on waiting to be told.
    Wait,
    /// Aborts by itself.
    Abort,
}

rules! {
    /// The rules on which the safety of two-phase commit rests.
    ///
    /// The machine asks these and keeps no second copy of them. Sections are those of BHG (1987) and R\* (1986).
    pub trait Rules {
        /// When a *yes* leaves: once the record `Prepared` is durable (BHG §7.3).
        fn release_of_yes(&self) -> Release {
            Release::Durable
        }

        /// When `Prepare` leaves where something must be written before: once the record `Collecting` is durable (R\* §3.3), or, to the
        /// only participant, that the client's request was taken in.
        fn release_of_prepare(&self) -> Release {
            Release::Durable
        }

        /// When a commit is announced, to participants and to the client: once the record `Decided` is durable (BHG §7.3).
        fn release_of_commit(&self) -> Release {
            Release::Durable
        }

        /// When the only participant says that it has committed: once that is durable.
        fn release_of_one_phase(&self) -> Release {
            Release::Durable
        }

        /// When a decision is acknowledged: once the record `Learned` is durable (R\* §2.1).
        fn release_of_ack(&self) -> Release {
            Release::Durable
        }

        /// Whether the coordinator may forget a decision, so many acknowledgements being missed, after it was sent again so often (R\*
        /// §2.1).
        fn may_forget(&self, missing: usize, resent: u32) -> bool {
            let _ = resent;
            missing == 0
        }

        /// What a participant does that has voted yes and waited long for the decision (BHG §7.3, R\* §2.2).
        fn in_doubt(&self) -> Doubt {
            Doubt::Ask
        }

        /// Whether a participant that has not voted aborts, on its disk, before it tells another in doubt that it may abort (BHG §7.4).
        fn aborts_before_telling(&self) -> bool {
            true
        }

        /// Whether a participant may prepare, so that it can vote yes: only what it has done in this life.
        fn may_prepare(&self, standing: Standing) -> bool {
            standing == Standing::Executed
        }

        /// Which life begins after one that ended: a new one, so that nothing said to the last is taken as said to this.
        fn next_epoch(&self, last: Option<Epoch>) -> Epoch {
            last.map_or(Epoch(1), |last| Epoch(last.0 + 1))
        }

        /// Whether participants are handed the decision: if there is only one.
        fn is_one_phase(&self, participants: usize) -> bool {
            participants == 1
        }

        /// Whether the coordinator may abort what took too long, `delegated` saying that a participant was handed the decision.
        fn may_abort_late(&self, delegated: bool) -> bool {
            !delegated
        }

        /// Whether a participant that has only read gives its locks up when it has done its work: never, for another may not have all of
        /// its locks yet (R\* §3.1, on the read-only optimisation).
        fn unlocks_after_reading(&self) -> bool {
            false
        }

        /// Whether a participant in doubt locks again, after a crash, what it had locked (R\* §2.2).
        fn relocks(&self) -> bool {
            true
        }

        /// Whether a participant that has changed nothing leaves after the first phase (R\* §3.1). Not to do so is legal, and slower.
        fn leaves_early(&self) -> bool {
            true
        }

        /// Whether a decision is forced to disk and acknowledged: one that is not presumed (R\* §3). To do more is legal, and slower.
        fn acknowledges(&self, variant: Variant, decision: Decision) -> bool {
            variant.acknowledges(decision)
        }

        /// How often each decision is sent at once; at least 1. More is legal.
        fn copies_of_decision(&self) -> u32 {
            1
        }

        /// Whether a participant gives its shared locks up when it votes yes. It may: by then all locks are taken everywhere. It need not.
        fn unlocks_reads_early(&self) -> bool {
            false
        }

        /// Whether a participant that could vote yes votes no. Until it has voted it may do so whenever it likes.
        fn refuses(&self, txn: TxnId) -> bool {
            let _ = txn;
            false
        }
    }
}
