//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::{Mutant, Rules};

/// All decoys of the bus. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "bus/decoy-delivers-twice",
        rules: &DeliversTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "Each message is delivered twice at once. A subscriber that must not process it twice knows it by its id.",
    },
    Mutant {
        name: "bus/decoy-accepts-twice",
        rules: &AcceptsTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "A publisher is told twice that its message was accepted. The second answer is for nothing that it waits for.",
    },
    Mutant {
        name: "bus/decoy-leaps",
        rules: &Leaps,
        source: "Kafka: offsets grow, and markers leave gaps",
        needs: &[],
        property: None,
        about: "Each offset is three above the last one. They must grow; by how much is nowhere said.",
    },
];

#[derive(Debug)]
struct DeliversTwice;

impl Rules for DeliversTwice {
    fn deliveries(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct AcceptsTwice;

impl Rules for AcceptsTwice {
    fn acceptances(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct Leaps;

impl Rules for Leaps {
    fn step(&self) -> u64 {
        3
    }
}
