//! Odd and right variants of brokers, which no property may catch.

use super::{Mutant, Rules};

/// All decoys of brokers.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "broker/sends-twice",
        rules: &SendsTwice,
        source: "KIP-98: what has a number is appended once",
        needs: &[],
        property: None,
        about: "A producer sends each message twice that has a number: the second is known.",
    },
    Mutant {
        name: "broker/fetches-twice",
        rules: &FetchesTwice,
        source: "Kafka protocol, Fetch: it changes nothing but what the leader knows of the follower",
        needs: &[],
        property: None,
        about: "A follower asks twice each time, and takes in what comes next once.",
    },
    Mutant {
        name: "broker/skips-epochs",
        rules: &SkipsEpochs,
        source: "KIP-101: epochs grow; nothing says by how much",
        needs: &[],
        property: None,
        about: "Each epoch of a partition is two after the last.",
    },
    Mutant {
        name: "broker/serves-before-loaded",
        rules: &ServesBeforeLoaded,
        source: "Kafka's COORDINATOR_LOAD_IN_PROGRESS: here a generation begins when it is committed, and all before it with it",
        needs: &[],
        property: None,
        about: "A new coordinator lets members join before it knows what is committed of its partition: it does when their generation begins.",
    },
    Mutant {
        name: "broker/skips-generations",
        rules: &SkipsGenerations,
        source: "Kafka consumer protocol: generations grow; nothing says by how much",
        needs: &[],
        property: None,
        about: "Each generation of the group is two after the last.",
    },
    Mutant {
        name: "broker/marks-twice",
        rules: &MarksTwice,
        source: "KIP-98: a marker that is there already changes nothing",
        needs: &[],
        property: None,
        about: "A coordinator asks twice for each marker: the second is there already.",
    },
    Mutant {
        name: "broker/believes-its-marker",
        rules: &BelievesItsMarker,
        source: "Kafka's unreplicated transactions: here a marker is only asked for once its decision is committed",
        needs: &[],
        property: None,
        about: "A leader takes a transaction to be over whose marker it has, before that is committed: another leader would get the same \
                one.",
    },
    Mutant {
        name: "broker/skips-producer-epochs",
        rules: &SkipsProducerEpochs,
        source: "KIP-890: epochs of a producer grow; nothing says by how much",
        needs: &[],
        property: None,
        about: "Each epoch of a producer with transactions is two after the last.",
    },
    Mutant {
        name: "broker/empties-one-at-a-time",
        rules: &EmptiesOneAtATime,
        source: "Kafka documentation, Log compaction: it says what may go, and not when",
        needs: &[],
        property: None,
        about: "Compaction removes one message each time, the first, and leaves the others for later.",
    },
];

#[derive(Debug)]
struct SendsTwice;
impl Rules for SendsTwice {
    fn copies(&self, numbered: bool) -> u32 {
        1 + u32::from(numbered)
    }
}

#[derive(Debug)]
struct FetchesTwice;
impl Rules for FetchesTwice {
    fn fetches(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct SkipsEpochs;
impl Rules for SkipsEpochs {
    fn next_epoch(&self, epoch: u32) -> u32 {
        epoch + 2
    }
}

#[derive(Debug)]
struct SkipsGenerations;
impl Rules for SkipsGenerations {
    fn next_generation(&self, number: u32) -> u32 {
        number + 2
    }
}

#[derive(Debug)]
struct ServesBeforeLoaded;
impl Rules for ServesBeforeLoaded {
    fn serves(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct MarksTwice;
impl Rules for MarksTwice {
    fn markers(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct BelievesItsMarker;
impl Rules for BelievesItsMarker {
    fn is_ended(&self, _: bool) -> bool {
        true
    }
}

#[derive(Debug)]
struct SkipsProducerEpochs;
impl Rules for SkipsProducerEpochs {
    fn next_producer_epoch(&self, epoch: u32) -> u32 {
        epoch + 2
    }

    fn epoch_after_end(&self, epoch: u32) -> u32 {
        epoch + 2
    }
}

#[derive(Debug)]
struct EmptiesOneAtATime;
impl Rules for EmptiesOneAtATime {
    fn empties_at_once(&self) -> usize {
        1
    }
}
