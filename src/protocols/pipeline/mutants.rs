//! Bugs of pipelines, planted one at a time: each overrides one rule.

use super::{Mutant, Rules};

/// All mutants of a pipeline.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "pipeline/barrier-overtaken",
        rules: &BarrierOvertaken,
        source: "a broken rule: barriers are aligned (Carbone et al. 2015, algorithm 1; FLINK-2406 has the tracker that does not)",
        needs: &["a stage with several inputs"],
        property: Some("consistent-cut"),
        about: "An input through which a barrier has come does not wait for the others: what comes behind it is counted in the checkpoint, \
                and again when the source is read from there.",
    },
    Mutant {
        name: "pipeline/windows-by-the-clock",
        rules: &WindowsByTheClock,
        source: "a broken rule: a window is closed by the watermark (Akidau et al. 2015, 2.2)",
        needs: &["delays"],
        property: Some("in-its-window"),
        about: "Windows of event time are closed when the node's clock is past their end, and what is still under way is late.",
    },
    Mutant {
        name: "pipeline/greatest-watermark",
        rules: &GreatestWatermark,
        source: "a broken rule: the watermark of several inputs is the least of theirs (Akidau et al. 2015; Flink, StatusWatermarkValve)",
        needs: &["delays"],
        property: Some("in-its-window"),
        about: "A stage takes the greatest watermark of its inputs, and closes windows for which others still have events.",
    },
    Mutant {
        name: "pipeline/idleness-not-passed-on",
        rules: &IdlenessNotPassedOn,
        source: "FLINK-18934: an idle stream does not advance the watermark of connected streams",
        needs: &["an idle partition"],
        property: Some("progress"),
        about: "A partition says that it is idle, and stages wait for its watermark all the same: no window is ever closed.",
    },
    Mutant {
        name: "pipeline/watermark-not-kept",
        rules: &WatermarkNotKept,
        source: "FLINK-5601, and FLINK-36663 of windows: watermarks are not a part of checkpoints",
        needs: &["a crash", "events later than the bound"],
        property: Some("exactly-once"),
        about: "Watermarks are no part of checkpoints: after a restart a late event opens a window again of which the result is out.",
    },
    Mutant {
        name: "pipeline/commits-too-early",
        rules: &CommitsTooEarly,
        source: "apache/iceberg#9694: a proposal to commit when the snapshot is taken",
        needs: &["a crash"],
        property: Some("exactly-once"),
        about: "A sink commits when it has staged, before the checkpoint is complete; if it never is, the same is stored again.",
    },
    Mutant {
        name: "pipeline/staged-is-aborted",
        rules: &StagedIsAborted,
        source: "a broken rule: what a checkpoint says is staged is committed again (Flink, recoverAndCommit)",
        needs: &["a crash"],
        property: Some("exactly-once"),
        about: "A sink that goes back to a complete checkpoint aborts what was staged for it and not committed yet: it is lost.",
    },
    Mutant {
        name: "pipeline/lingering-transaction",
        rules: &LingeringTransaction,
        source: "class of bugs: dangling transactions that no one aborts after a restart (discussed for FLINK-7210)",
        needs: &["a crash"],
        property: Some("exactly-once"),
        about: "A sink that goes back does not abort what it has staged since, and commits it with the next checkpoint.",
    },
    Mutant {
        name: "pipeline/incomplete-checkpoint",
        rules: &IncompleteCheckpoint,
        source: "a broken rule: a checkpoint is complete when all have acknowledged it",
        needs: &[],
        property: Some("consistent-cut"),
        about: "The coordinator takes a checkpoint for complete that one subtask has not acknowledged.",
    },
    Mutant {
        name: "pipeline/acknowledges-before-durable",
        rules: &AcknowledgesBeforeDurable,
        source: "a broken rule: what is acknowledged is on disk",
        needs: &["a crash", "a slow disk"],
        property: Some("consistent-cut"),
        about: "A subtask acknowledges a checkpoint that is not on its disk yet: after a crash it has nothing to go back to.",
    },
    Mutant {
        name: "pipeline/stale-acknowledgement",
        rules: &StaleAcknowledgement,
        source: "a broken rule: an acknowledgement is of one attempt (Flink, AcknowledgeCheckpoint names it)",
        needs: &["a crash of the coordinator"],
        property: Some("exactly-once"),
        about: "Asked for a checkpoint, a subtask says that it has it, where it has one of that number from an earlier attempt.",
    },
    Mutant {
        name: "pipeline/completes-before-durable",
        rules: &CompletesBeforeDurable,
        source: "a broken rule: a checkpoint is stored as complete before sinks commit (Flink, CompletedCheckpointStore)",
        needs: &["a crash of the coordinator", "a slow disk"],
        property: Some("exactly-once"),
        about: "The coordinator tells that a checkpoint is complete before that is on its disk; after a crash all go back behind it.",
    },
    Mutant {
        name: "pipeline/offset-ahead",
        rules: &OffsetAhead,
        source: "a broken rule: a source keeps the offset of what it has told, not of what it has fetched",
        needs: &["a crash"],
        property: Some("exactly-once"),
        about: "A source keeps in a checkpoint how many events have come, and not how many it has told: the others are never read.",
    },
    Mutant {
        name: "pipeline/state-lost-in-region",
        rules: &StateLostInRegion,
        source: "a broken rule: one stage that goes back alone has its state again",
        needs: &["a crash"],
        property: Some("exactly-once"),
        about: "Where only some stages go back, they have not what they held at the checkpoint: what windows had counted is lost.",
    },
    Mutant {
        name: "pipeline/credit-ignored",
        rules: &CreditIgnored,
        source: "a broken rule: no event is sent without a credit (Flink, credit-based flow control)",
        needs: &["a slow receiver"],
        property: Some("bounded-buffers"),
        about: "A sender sends what it has, whatever its credits.",
    },
    Mutant {
        name: "pipeline/credit-lost",
        rules: &CreditLost,
        source: "the class of etcd-io/etcd e419ba5: a credit that is lost with a message is lost for good",
        needs: &["loss"],
        property: Some("progress"),
        about: "A sender that waits for credits never asks for them: if the message that had them was lost, it waits forever.",
    },
    Mutant {
        name: "pipeline/any-epoch",
        rules: &AnyEpoch,
        source: "a broken rule: what was under way before a restart is of no account (Flink, execution attempt ids)",
        needs: &["a crash", "delays"],
        property: Some("exactly-once"),
        about: "A subtask takes what comes through a channel for what was sent since the last restart, though it was sent before.",
    },
];

#[derive(Debug)]
struct BarrierOvertaken;

impl Rules for BarrierOvertaken {
    fn waits_for_barriers(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct WindowsByTheClock;

impl Rules for WindowsByTheClock {
    fn closes_windows_by(&self, _: i64, clock: i64) -> i64 {
        clock
    }
}

#[derive(Debug)]
struct GreatestWatermark;

impl Rules for GreatestWatermark {
    fn watermark_of_all(&self, _: i64, greatest: i64) -> i64 {
        greatest
    }
}

#[derive(Debug)]
struct IdlenessNotPassedOn;

impl Rules for IdlenessNotPassedOn {
    fn heeds_idleness(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct WatermarkNotKept;

impl Rules for WatermarkNotKept {
    fn restores_watermarks(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CommitsTooEarly;

impl Rules for CommitsTooEarly {
    fn commits_before_complete(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct StagedIsAborted;

impl Rules for StagedIsAborted {
    fn commits_upon_restart(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LingeringTransaction;

impl Rules for LingeringTransaction {
    fn aborts_upon_restart(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct IncompleteCheckpoint;

impl Rules for IncompleteCheckpoint {
    fn is_complete(&self, acknowledged: usize, of: usize) -> bool {
        acknowledged + 1 >= of
    }
}

#[derive(Debug)]
struct AcknowledgesBeforeDurable;

impl Rules for AcknowledgesBeforeDurable {
    fn acknowledges_when_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct StaleAcknowledgement;

impl Rules for StaleAcknowledgement {
    fn forgets_acknowledgements(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CompletesBeforeDurable;

impl Rules for CompletesBeforeDurable {
    fn completes_when_durable(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct OffsetAhead;

impl Rules for OffsetAhead {
    fn offset_kept(&self, _: u64, come: u64) -> u64 {
        come
    }
}

#[derive(Debug)]
struct StateLostInRegion;

impl Rules for StateLostInRegion {
    fn restores_state(&self, is_whole: bool) -> bool {
        is_whole
    }
}

#[derive(Debug)]
struct CreditIgnored;

impl Rules for CreditIgnored {
    fn may_send(&self, _: u64, _: u64) -> bool {
        true
    }
}

#[derive(Debug)]
struct CreditLost;

impl Rules for CreditLost {
    fn asks_for_credit(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AnyEpoch;

impl Rules for AnyEpoch {
    fn is_of_epoch(&self, _: u64, _: u64) -> bool {
        true
    }
}
