//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::super::Epoch;
use super::{Correct, DECOYS, Doubt, Rules, Standing};
use crate::process::{self, Release};

/// A variant of two-phase commit: a published bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants of two-phase commit.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "commit/yes-before-durable",
        rules: &YesBeforeDurable,
        source: "get-convex horizontal-scaling-convex#101, #155",
        needs: &["slow disks"],
        property: Some("persist-before-yes"),
        about: "A participant votes yes before the record of it is on its disk. Having crashed, it knows nothing of a transaction that others \
                commit.",
    },
    Mutant {
        name: "commit/announces-before-durable",
        rules: &AnnouncesBeforeDurable,
        source: "get-convex horizontal-scaling-convex#101",
        needs: &["slow disks"],
        property: Some("persist-before-commit"),
        about: "A coordinator announces a commit before its decision is on disk. Having crashed, it tells those in doubt that it aborted.",
    },
    Mutant {
        name: "commit/one-phase-before-durable",
        rules: &OnePhaseBeforeDurable,
        source: "CUBRID pull request 7542, review",
        needs: &["slow disks"],
        property: Some("persist-before-commit"),
        about: "The only participant says that it has committed before that is on its disk. Having crashed, it votes no.",
    },
    Mutant {
        name: "commit/decision-expires",
        rules: &DecisionExpires,
        source: "get-convex horizontal-scaling-convex#151: decisions are kept for an hour",
        needs: &["participant that is cut off for long"],
        property: Some("decision-findable"),
        about: "A coordinator forgets a decision after a while, although a participant in doubt has not acknowledged it and will be told the \
                opposite.",
    },
    Mutant {
        name: "commit/aborts-in-doubt",
        rules: &AbortsInDoubt,
        source: "Bernstein, Hadzilacos and Goodman 1987, §7.3",
        needs: &["partition or crash of the coordinator"],
        property: Some("no-abort-after-yes"),
        about: "A participant that has voted yes and hears nothing aborts by itself, while others commit.",
    },
    Mutant {
        name: "commit/skips-collecting",
        rules: &SkipsCollecting,
        source: "Mohan, Lindsay and Obermarck 1986, §3.3; Lampson and Lomet 1993, §2",
        needs: &["presumed commit", "crash of a coordinator while it collects votes"],
        property: Some("commit-needs-all-yes"),
        about: "A coordinator that presumes commits asks for votes before it is on disk that it does. Having crashed, it presumes that what it \
                never decided was committed.",
    },
    Mutant {
        name: "commit/forgets-commit-early",
        rules: &ForgetsCommitEarly,
        source: "Mohan, Lindsay and Obermarck 1986, §3.2",
        needs: &["nothing but a commit"],
        property: Some("decision-findable"),
        about: "A coordinator that presumes aborts forgets a commit as soon as it has announced it. Who has not heard it, and asks, is told that \
                it aborted.",
    },
    Mutant {
        name: "commit/never-asks",
        rules: &NeverAsks,
        source: "get-convex horizontal-scaling-convex#158; atomix#360",
        needs: &["crash of a coordinator between votes and decision"],
        property: Some("all-decide"),
        about: "A participant in doubt waits to be told. After a crash of the coordinator it never is, and its keys stay locked.",
    },
    Mutant {
        name: "commit/unwritten-abort",
        rules: &UnwrittenAbort,
        source: "Bernstein, Hadzilacos and Goodman 1987, §7.4",
        needs: &["a late question for a vote"],
        property: Some("agreement"),
        about: "A participant that has not voted tells another in doubt to abort, and does not abort itself: asked later, it votes yes.",
    },
    Mutant {
        name: "commit/prepares-after-abort",
        rules: &PreparesAfterAbort,
        source: "YDB documentation, pull request 3573; Bernstein, Hadzilacos and Goodman 1987, §7.3",
        needs: &["a late question for a vote"],
        property: Some("commit-needs-all-yes"),
        about: "A question for its vote makes a participant begin again what it has aborted, with nothing in it, and vote for it.",
    },
    Mutant {
        name: "commit/ignores-restart",
        rules: &IgnoresRestart,
        source: "YDB documentation, pull request 3573: a shard that restarted does not know of the work that it had done",
        needs: &["crash of a participant between work and vote"],
        property: Some("locks-until-decided"),
        about: "A participant that lost its work and its locks in a crash votes all the same.",
    },
    Mutant {
        name: "commit/reuses-epoch",
        rules: &ReusesEpoch,
        source: "Apache Kafka, KIP-890: what is late joins the next transaction",
        needs: &["crash of a coordinator"],
        property: Some("unique-transactions"),
        about: "A server that crashed goes on in the same epoch, and counts its transactions from one again: late messages of an old one are \
                taken for those of a new one.",
    },
    Mutant {
        name: "commit/one-phase-for-many",
        rules: &OnePhaseForMany,
        source: "pingcap/tidb#21900 (tikv#9412): one-phase commit of a transaction of several parts",
        needs: &["transactions that give way"],
        property: Some("commit-needs-all-yes"),
        about: "Each of several participants is handed the decision: one commits, another cannot.",
    },
    Mutant {
        name: "commit/timeout-is-abort",
        rules: &TimeoutIsAbort,
        source: "pingcap/tidb#20857: cancelled while committing is undetermined",
        needs: &["late answer of the only participant"],
        property: Some("told-what-happened"),
        about: "A client is told that its transaction aborted, when all that is known is that the only participant has not answered in time.",
    },
    Mutant {
        name: "commit/unlocks-after-reading",
        rules: &UnlocksAfterReading,
        source: "Mohan, Lindsay and Obermarck 1986, §3.1",
        needs: &["delay"],
        property: Some("two-phase-locking"),
        about: "A participant that has only read gives its locks up when it has read, while another participant still waits for its own.",
    },
    Mutant {
        name: "commit/forgets-locks",
        rules: &ForgetsLocks,
        source: "Mohan, Lindsay and Obermarck 1986, §2.2: locks of transactions in doubt are taken again at restart",
        needs: &["crash of a participant in doubt"],
        property: Some("locks-until-decided"),
        about: "A participant in doubt comes back from a crash without its locks: others read and change what may be committed yet.",
    },
    Mutant {
        name: "commit/acks-before-durable",
        rules: &AcksBeforeDurable,
        source: "Mohan, Lindsay and Obermarck 1986, §2.1",
        needs: &["slow disks"],
        property: Some("persist-before-ack"),
        about: "A participant acknowledges a decision before it is on its disk. Having crashed, it is in doubt of what its coordinator forgot.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}

#[derive(Debug)]
struct YesBeforeDurable;

impl Rules for YesBeforeDurable {
    fn release_of_yes(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct AnnouncesBeforeDurable;

impl Rules for AnnouncesBeforeDurable {
    fn release_of_commit(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct OnePhaseBeforeDurable;

impl Rules for OnePhaseBeforeDurable {
    fn release_of_one_phase(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct DecisionExpires;

impl Rules for DecisionExpires {
    fn may_forget(&self, missing: usize, resent: u32) -> bool {
        missing == 0 || resent >= 10
    }
}

#[derive(Debug)]
struct AbortsInDoubt;

impl Rules for AbortsInDoubt {
    fn in_doubt(&self) -> Doubt {
        Doubt::Abort
    }
}

#[derive(Debug)]
struct SkipsCollecting;

impl Rules for SkipsCollecting {
    fn release_of_prepare(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct ForgetsCommitEarly;

impl Rules for ForgetsCommitEarly {
    fn may_forget(&self, _: usize, _: u32) -> bool {
        true
    }
}

#[derive(Debug)]
struct NeverAsks;

impl Rules for NeverAsks {
    fn in_doubt(&self) -> Doubt {
        Doubt::Wait
    }
}

#[derive(Debug)]
struct UnwrittenAbort;

impl Rules for UnwrittenAbort {
    fn aborts_before_telling(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct PreparesAfterAbort;

impl Rules for PreparesAfterAbort {
    fn may_prepare(&self, standing: Standing) -> bool {
        standing != Standing::Unknown
    }
}

#[derive(Debug)]
struct IgnoresRestart;

impl Rules for IgnoresRestart {
    fn may_prepare(&self, standing: Standing) -> bool {
        standing != Standing::Aborted
    }
}

#[derive(Debug)]
struct ReusesEpoch;

impl Rules for ReusesEpoch {
    fn next_epoch(&self, last: Option<Epoch>) -> Epoch {
        last.unwrap_or(Epoch(1))
    }
}

#[derive(Debug)]
struct OnePhaseForMany;

impl Rules for OnePhaseForMany {
    fn is_one_phase(&self, _: usize) -> bool {
        true
    }
}

#[derive(Debug)]
struct TimeoutIsAbort;

impl Rules for TimeoutIsAbort {
    fn may_abort_late(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct UnlocksAfterReading;

impl Rules for UnlocksAfterReading {
    fn unlocks_after_reading(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct ForgetsLocks;

impl Rules for ForgetsLocks {
    fn relocks(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AcksBeforeDurable;

impl Rules for AcksBeforeDurable {
    fn release_of_ack(&self) -> Release {
        Release::Now
    }
}
