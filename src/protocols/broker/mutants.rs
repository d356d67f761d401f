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
        about: "A member says that it has processed messages when it has polled them: if it crashes, nobody processes them.",
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
