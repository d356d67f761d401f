//! Bugs of brokers, planted one at a time: each overrides the rules that it breaks.

use super::{Mutant, Rules};

/// All mutants of brokers.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "broker/cuts-to-its-watermark",
        rules: &CutsToItsWatermark,
        source: "KIP-101 (KAFKA-1211): Kafka up to 0.10",
        needs: &["a crash of a follower, then one of the leader"],
        property: Some("committed-kept"),
        about: "A follower cuts its log to the high watermark that it knows, which lags behind the leader's: if it leads before it has \
                fetched again, what was committed is gone.",
    },
    Mutant {
        name: "broker/commits-without-a-quorum",
        rules: &CommitsAlone,
        source: "KIP-966: the high watermark moves only while as many are in sync as min.insync.replicas says",
        needs: &["followers that lag", "a crash of the leader"],
        property: Some("committed-kept"),
        about: "A leader that is left alone in sync takes all that it has to be committed; others that have it not may lead.",
    },
    Mutant {
        name: "broker/shrinks-by-itself",
        rules: &ShrinksByItself,
        source: "a broken rule: the leader waits for the controller (KIP-497; ISR change of Kafka's replica manager)",
        needs: &["a partition between a leader and the rest"],
        property: Some("committed-kept"),
        about: "A leader leaves those that lag out of account as soon as it has asked the controller for that: cut off from it, it takes \
                to be committed what the next leader does not have.",
    },
    Mutant {
        name: "broker/joins-too-early",
        rules: &JoinsTooEarly,
        source: "KAFKA-1367 and KIP-497, class of bugs: in sync before the high watermark is reached",
        needs: &["a follower that lags", "a crash of the leader"],
        property: Some("committed-kept"),
        about: "A follower is in sync again as soon as it fetches, though it lacks what is committed: if it leads next, that is gone.",
    },
    Mutant {
        name: "broker/forgets-its-life",
        rules: &ForgetsItsLife,
        source: "KIP-903 (KAFKA-14139), KIP-966: a replica that has lost its disk's content is in sync by its name",
        needs: &["no flush", "a crash of a follower, then one of the leader"],
        property: Some("committed-kept"),
        about: "A broker that started anew and has lost what was not on disk stays in sync: if it leads next, what was committed is gone.",
    },
    Mutant {
        name: "broker/reads-past-the-watermark",
        rules: &ReadsPastTheWatermark,
        source: "a broken rule: consumers read no further than the high watermark (Kafka documentation, Replication)",
        needs: &["a crash of the leader"],
        property: Some("inconsistent-offsets"),
        about: "Consumers read what is not committed: if the leader crashes, another message comes at the same offset.",
    },
    Mutant {
        name: "broker/keeps-the-epoch",
        rules: &KeepsTheEpoch,
        source: "a broken rule: each leader has an epoch of its own (KIP-101)",
        needs: &["a crash of a leader"],
        property: Some("one-leader-per-epoch"),
        about: "The controller chooses another leader and does not begin another epoch.",
    },
    Mutant {
        name: "broker/forgets-producers-at-failover",
        rules: &ForgetsProducers,
        source: "KIP-98, §Producer state: a new leader rebuilds it from its log; KAFKA-5793 and others, class of bugs",
        needs: &["an answer that is lost, and a new leader"],
        property: Some("duplicate"),
        about: "A new leader knows nothing of producers: what is sent again for want of an answer is appended again.",
    },
    Mutant {
        name: "broker/numbers-again",
        rules: &NumbersAgain,
        source: "KAFKA-4850 and others, class of bugs: a retry with a number of its own",
        needs: &["an answer that is lost"],
        property: Some("duplicate"),
        about: "A producer gives a message another number when it sends it again: the broker takes it for another message.",
    },
    Mutant {
        name: "broker/skips-numbers",
        rules: &SkipsNumbers,
        source: "KIP-98: a gap in the sequence is refused (OutOfOrderSequenceException)",
        needs: &["a message that is lost, of several under way"],
        property: Some("unseen"),
        about: "A broker takes a message of which the producer's last one is missing; when that comes, it is taken for one that is known, \
                or comes behind.",
    },
    Mutant {
        name: "broker/acks-before-in-sync",
        rules: &AcksBeforeInSync,
        source: "a broken rule: acks=all waits for all in sync (Kafka documentation, acks)",
        needs: &["a crash of the leader"],
        property: Some("lost-write"),
        about: "A producer that wants all in sync to have its message is answered as soon as the leader has it.",
    },
    Mutant {
        name: "broker/acks-what-it-knows",
        rules: &AcksWhatItKnows,
        source: "class of bugs: a duplicate is acknowledged by what is in the log and not by what is committed (KAFKA-15653 is near)",
        needs: &["a message that is sent again while it is not committed", "a crash of the leader"],
        property: Some("lost-write"),
        about: "A message that is sent again is acknowledged because the leader has it, though not all in sync do.",
    },
    Mutant {
        name: "broker/hears-zombies",
        rules: &HearsZombies,
        source: "Kafka consumer protocol: ILLEGAL_GENERATION; class of bugs: no fencing by generation",
        needs: &["a member that stands still for longer than its session"],
        property: Some("no-zombie"),
        about: "What a member of an earlier generation has processed is noted, over what the present member said.",
    },
    Mutant {
        name: "broker/notes-before-committed",
        rules: &NotesBeforeCommitted,
        source: "KAFKA-3594 and others, class of bugs: an offset commit is acknowledged before it is replicated",
        needs: &["a crash of the coordinator"],
        property: Some("offsets-kept"),
        about: "A member is told that what it has processed is noted before all in sync have that: the next coordinator does not know it.",
    },
    Mutant {
        name: "broker/commits-offsets-early",
        rules: &CommitsOffsetsEarly,
        source: "Kafka's enable.auto.commit with processing apart; class of bugs: committed when polled",
        needs: &["a crash of a consumer"],
        property: Some("lost-write"),
        about: "A member says that it has processed messages when it has polled them: if it crashes, no member processes them.",
    },
    Mutant {
        name: "broker/cuts-once",
        rules: &CutsOnce,
        source: "KIP-279 (KAFKA-6361): Kafka 0.11 to 1.1",
        needs: &["leaders that change fast, with logs of which none has all epochs"],
        property: Some("logs-match"),
        about: "A follower looks up once where the epoch of its last entry ends in its leader's log, and cuts its own there: if the leader \
                does not know that epoch, what is left of it stays.",
    },
    Mutant {
        name: "broker/forgets-what-it-asked",
        rules: &ForgetsWhatItAsked,
        source: "KIP-497, the maximal in-sync set; found in this broker by its storm",
        needs: &["a request to the controller that comes late"],
        property: Some("committed-kept"),
        about: "A leader that asks the controller once more forgets what it had asked for: the controller has heeded that, \
                and the leader takes to be committed what a replica does not have that may lead.",
    },
    Mutant {
        name: "broker/cuts-when-told-late",
        rules: &CutsWhenToldLate,
        source: "class of bugs: an answer is not tied to its request; Kafka has one connection, in order",
        needs: &["messages that are doubled, or overtake"],
        property: Some("committed-kept"),
        about: "A follower that is told that its log differs cuts it, though it asked that long ago and has fetched since: \
                the leader counts on what goes.",
    },
    Mutant {
        name: "broker/marks-before-decided",
        rules: &MarksBeforeDecided,
        source: "KIP-98: PrepareCommit is in the log before any marker is written",
        needs: &["a crash of the coordinator"],
        property: Some("marked-as-decided"),
        about: "The coordinator has markers written before its decision is committed: the next one may decide otherwise, and \
                the transaction is torn.",
    },
    Mutant {
        name: "broker/ends-before-decided",
        rules: &EndsBeforeDecided,
        source: "KIP-98: EndTxn is answered when PrepareCommit is replicated",
        needs: &["a crash of the coordinator"],
        property: Some("lost-write"),
        about: "A producer is told that its transaction is committed before that is: the next coordinator aborts it.",
    },
    Mutant {
        name: "broker/reads-past-the-stable-offset",
        rules: &ReadsPastTheStableOffset,
        source: "KIP-98, last stable offset; Jepsen Redpanda 21.10.1: aborted read",
        needs: &["a transaction that is aborted"],
        property: Some("aborted-read"),
        about: "A consumer that reads what is committed reads up to the high watermark: also what is open, and aborted \
                later.",
    },
    Mutant {
        name: "broker/shows-what-was-aborted",
        rules: &ShowsWhatWasAborted,
        source: "KIP-98: consumers leave out the ranges that were aborted; Jepsen Redpanda 21.10.1",
        needs: &["a transaction that is aborted"],
        property: Some("aborted-read"),
        about: "A consumer that reads what is committed does not leave out what was aborted.",
    },
    Mutant {
        name: "broker/aborts-all-but-one",
        rules: &AbortsAllButOne,
        source: "KIP-664 (KAFKA-9144): hanging transactions; class of bugs: a partition without its marker",
        needs: &["a transaction of several partitions that is aborted"],
        property: Some("aborted-read"),
        about: "The last of several partitions of a transaction that is aborted gets no marker: there it stays open, and the next of its \
                producer ends it, as if it were part of that.",
    },
    Mutant {
        name: "broker/hears-zombie-producers",
        rules: &HearsZombieProducers,
        source: "KIP-98, fencing by epoch; Jepsen Bufstream 0.1.0 and others: zombies",
        needs: &["a producer that crashes while something of it is under way"],
        property: Some("producer-fenced"),
        about: "A producer of an earlier epoch is heard, by the coordinator and by partitions: what comes late of it becomes \
                part of what its successor does.",
    },
    Mutant {
        name: "broker/keeps-the-producers-epoch",
        rules: &KeepsTheProducersEpoch,
        source: "KIP-890 (KAFKA-14402): Kafka up to 3.6",
        needs: &["messages that come late, and transactions that are aborted"],
        property: Some("aborted-read"),
        about: "All transactions of a producer have one epoch: a message that comes late, after the end of its own, begins \
                another that never ends, or is part of the next.",
    },
    Mutant {
        name: "broker/ends-what-comes-next",
        rules: &EndsWhatComesNext,
        source: "KIP-890, transaction version 2: a marker's epoch is later than that of what it ends; found in this broker by its storm",
        needs: &["markers that come twice, or late"],
        property: Some("aborted-read"),
        about: "A marker that comes once more ends the next transaction of its producer, as the last one was ended.",
    },
    Mutant {
        name: "broker/keeps-what-it-coordinated",
        rules: &KeepsWhatItCoordinated,
        source: "KAFKA-9307: a coordinator does not forget what it knows when it leads no more",
        needs: &["leaders that change and come back"],
        property: Some("progress"),
        about: "A broker that coordinates once more goes by what it knew when it did so before, and not by what others have \
                written meanwhile.",
    },
    Mutant {
        name: "broker/forgets-what-was-decided",
        rules: &ForgetsWhatWasDecided,
        source: "KIP-98, §Transaction coordinator failover: a new one goes on with what is prepared",
        needs: &["a crash of the coordinator"],
        property: Some("progress"),
        about: "A new coordinator does not go on with transactions that are decided: partitions wait for their markers for \
                ever.",
    },
    Mutant {
        name: "broker/forgets-transactions-at-failover",
        rules: &ForgetsTransactions,
        source: "KIP-98, §Producer state: open and aborted transactions are rebuilt from the log",
        needs: &["a crash of a leader"],
        property: Some("aborted-read"),
        about: "A new leader does not know which transactions are open in its log, and which were aborted.",
    },
    Mutant {
        name: "broker/commits-offsets-outside",
        rules: &CommitsOffsetsOutside,
        source: "class of bugs: offsets are committed beside the transaction (KIP-98, sendOffsetsToTransaction)",
        needs: &["a transaction that is aborted"],
        property: Some("lost-write"),
        about: "What a processor has processed counts at once, and not with its transaction: if that is aborted, it is not \
                processed again.",
    },
    Mutant {
        name: "broker/hands-unstable-offsets",
        rules: &HandsUnstableOffsets,
        source: "KIP-447: UNSTABLE_OFFSET_COMMIT; Kafka up to 2.4",
        needs: &["a partition that goes to another processor while a transaction is being decided"],
        property: Some("duplicate"),
        about: "A processor is told where it goes on while a transaction is open that says it is further: what that has \
                processed is processed again.",
    },
    Mutant {
        name: "broker/leaves-open-when-it-begins",
        rules: &LeavesOpenWhenItBegins,
        source: "KIP-98: InitProducerId aborts what the id has left open",
        needs: &["a crash of a producer"],
        property: Some("unseen"),
        about: "A producer begins, and what it has left open is not aborted: some of it is ended with what it does next, and the rest \
                never.",
    },
    Mutant {
        name: "broker/sends-before-it-adds",
        rules: &SendsBeforeItAdds,
        source: "KIP-890, first part: the partition is not part of the transaction (KAFKA-14402)",
        needs: &["a crash of a producer"],
        property: Some("aborted-read"),
        about: "A producer sends messages before the coordinator knows that their partitions are part of its transaction: if \
                it crashes, they get no marker.",
    },
    Mutant {
        name: "broker/deletes-uncommitted",
        rules: &DeletesUncommitted,
        source: "a broken rule: no segment is deleted above the high watermark (Kafka's UnifiedLog, deletable segments)",
        needs: &["retention by count", "followers that lag"],
        property: Some("cleaned-as-allowed"),
        about: "Retention deletes what is not committed: followers that lack it begin anew behind it, and no replica has it any more.",
    },
    Mutant {
        name: "broker/compacts-for-the-uncommitted",
        rules: &CompactsForTheUncommitted,
        source: "a broken rule: what is above the high watermark is not compacted (Kafka's LogCleanerManager, first uncleanable offset)",
        needs: &["compaction", "followers that lag"],
        property: Some("cleaned-as-allowed"),
        about: "Compaction removes a message for a later one of its key that is not committed: if that is cut, the key has neither.",
    },
    Mutant {
        name: "broker/compacts-for-the-aborted",
        rules: &CompactsForTheAborted,
        source: "a broken rule: what was aborted supersedes nothing (KIP-98, §Log compaction; Kafka's CleanedTransactionMetadata)",
        needs: &["compaction", "transactions that are aborted"],
        property: Some("cleaned-as-allowed"),
        about: "Compaction takes a message of an aborted transaction to be the last of its key, and removes the one that counts.",
    },
    Mutant {
        name: "broker/drops-tombstones-early",
        rules: &DropsTombstonesEarly,
        source: "a broken rule: tombstones stay for delete.retention.ms (Kafka documentation, Log compaction; KIP-534)",
        needs: &["compaction", "tombstones"],
        property: Some("cleaned-as-allowed"),
        about: "A tombstone goes as soon as the messages before it have: a consumer that has read those never learns that the key is gone.",
    },
    Mutant {
        name: "broker/resets-to-latest",
        rules: &ResetsToLatest,
        source: "a broken rule: auto.offset.reset=earliest; class of bugs: the default of Kafka, latest, unknown to who relies on it",
        needs: &["retention", "a consumer that lags"],
        property: Some("lost-write"),
        about: "A consumer that wants what is gone goes on at the end, and not at the beginning as it should: it leaves out what is there.",
    },
];

#[derive(Debug)]
struct CutsToItsWatermark;
impl Rules for CutsToItsWatermark {
    fn cut_when_following(&self, high: u64) -> Option<u64> {
        Some(high)
    }
}

#[derive(Debug)]
struct CommitsAlone;
impl Rules for CommitsAlone {
    fn commits_with(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ShrinksByItself;
impl Rules for ShrinksByItself {
    fn commits_with(&self, _: bool) -> bool {
        true
    }

    fn waits_for_the_controller(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct JoinsTooEarly;
impl Rules for JoinsTooEarly {
    fn may_join(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ForgetsItsLife;
impl Rules for ForgetsItsLife {
    fn takes_out(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct ReadsPastTheWatermark;
impl Rules for ReadsPastTheWatermark {
    fn readable(&self, _: u64, end: u64) -> u64 {
        end
    }
}

#[derive(Debug)]
struct KeepsTheEpoch;
impl Rules for KeepsTheEpoch {
    fn next_epoch(&self, epoch: u32) -> u32 {
        epoch
    }
}

#[derive(Debug)]
struct ForgetsProducers;
impl Rules for ForgetsProducers {
    fn may_begin(&self, _: u32) -> bool {
        true
    }

    fn remembers_producers(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct NumbersAgain;
impl Rules for NumbersAgain {
    fn number_again(&self, _: u32, next: u32) -> u32 {
        next
    }

    fn follows(&self, sequence: u32, last: u32) -> bool {
        sequence > last
    }
}

#[derive(Debug)]
struct SkipsNumbers;
impl Rules for SkipsNumbers {
    fn may_begin(&self, _: u32) -> bool {
        true
    }

    fn follows(&self, sequence: u32, last: u32) -> bool {
        sequence != last
    }
}

#[derive(Debug)]
struct AcksBeforeInSync;
impl Rules for AcksBeforeInSync {
    fn answers(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct AcksWhatItKnows;
impl Rules for AcksWhatItKnows {
    fn answers_again(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct HearsZombies;
impl Rules for HearsZombies {
    fn may_commit(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct NotesBeforeCommitted;
impl Rules for NotesBeforeCommitted {
    fn notes(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct CommitsOffsetsEarly;
impl Rules for CommitsOffsetsEarly {
    fn announces(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct CutsOnce;
impl Rules for CutsOnce {
    fn compares(&self, again: bool) -> bool {
        !again
    }

    fn cut_at(&self, leaders: u64, _: u64) -> u64 {
        leaders
    }
}

#[derive(Debug)]
struct ForgetsWhatItAsked;
impl Rules for ForgetsWhatItAsked {
    fn remembers_what_it_asked(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CutsWhenToldLate;
impl Rules for CutsWhenToldLate {
    fn cuts_when_told(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct MarksBeforeDecided;
impl Rules for MarksBeforeDecided {
    fn marks(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct EndsBeforeDecided;
impl Rules for EndsBeforeDecided {
    fn answers_end(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ReadsPastTheStableOffset;
impl Rules for ReadsPastTheStableOffset {
    fn readable_committed(&self, _: u64, high: u64) -> u64 {
        high
    }
}

#[derive(Debug)]
struct ShowsWhatWasAborted;
impl Rules for ShowsWhatWasAborted {
    fn leaves_out(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct AbortsAllButOne;
impl Rules for AbortsAllButOne {
    fn marks_partition(&self, commits: bool, last: bool) -> bool {
        commits || !last
    }
}

#[derive(Debug)]
struct HearsZombieProducers;
impl Rules for HearsZombieProducers {
    fn heeds_producer(&self, _: bool) -> bool {
        true
    }

    fn heeds_marker(&self, _: bool) -> bool {
        true
    }

    fn refuses_old(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct KeepsTheProducersEpoch;
impl Rules for KeepsTheProducersEpoch {
    fn epoch_after_end(&self, epoch: u32) -> u32 {
        epoch
    }

    fn ends_what_comes_next(&self) -> bool {
        true
    }

    // In one epoch numbers go on. What was given up leaves gaps in them.
    fn may_begin(&self, _: u32) -> bool {
        true
    }

    fn follows(&self, sequence: u32, last: u32) -> bool {
        sequence > last
    }
}

#[derive(Debug)]
struct EndsWhatComesNext;
impl Rules for EndsWhatComesNext {
    fn ends_what_comes_next(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct KeepsWhatItCoordinated;
impl Rules for KeepsWhatItCoordinated {
    fn unloads(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsWhatWasDecided;
impl Rules for ForgetsWhatWasDecided {
    fn resumes(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForgetsTransactions;
impl Rules for ForgetsTransactions {
    fn remembers_transactions(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CommitsOffsetsOutside;
impl Rules for CommitsOffsetsOutside {
    fn commits_within(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct HandsUnstableOffsets;
impl Rules for HandsUnstableOffsets {
    fn waits_for_stable(&self, _: bool) -> bool {
        false
    }
}

#[derive(Debug)]
struct LeavesOpenWhenItBegins;
impl Rules for LeavesOpenWhenItBegins {
    fn aborts_what_is_open(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct SendsBeforeItAdds;
impl Rules for SendsBeforeItAdds {
    fn adds_before_it_sends(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct DeletesUncommitted;
impl Rules for DeletesUncommitted {
    fn may_delete(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct CompactsForTheUncommitted;
impl Rules for CompactsForTheUncommitted {
    fn cleans_up_to(&self, _: u64, end: u64) -> u64 {
        end
    }
}

#[derive(Debug)]
struct CompactsForTheAborted;
impl Rules for CompactsForTheAborted {
    fn supersedes(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct DropsTombstonesEarly;
impl Rules for DropsTombstonesEarly {
    fn drops_tombstone(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct ResetsToLatest;
impl Rules for ResetsToLatest {
    fn resets_to(&self, _: u64, end: u64, _: bool) -> u64 {
        end
    }
}
