//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::{Mutant, Rules};

/// All decoys of a pipeline. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "pipeline/decoy-sends-twice",
        rules: &SendsTwice,
        source: "networks duplicate, too",
        needs: &[],
        property: None,
        about: "Each message of a channel is sent twice at once. Its receiver knows it by its number.",
    },
    Mutant {
        name: "pipeline/decoy-leaps",
        rules: &Leaps,
        source: "Flink: the ids of checkpoints grow, and those that failed leave gaps",
        needs: &[],
        property: None,
        about: "The number of each checkpoint is three above the last one. They must grow; by how much is nowhere said.",
    },
    Mutant {
        name: "pipeline/decoy-all-go-back",
        rules: &AllGoBack,
        source: "Flink: RestartAllFailoverStrategy",
        needs: &[],
        property: None,
        about: "All stages go back where some would do. What the others had told since is told again, to those that have forgotten it.",
    },
];

#[derive(Debug)]
struct SendsTwice;

impl Rules for SendsTwice {
    fn copies(&self) -> u32 {
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

#[derive(Debug)]
struct AllGoBack;

impl Rules for AllGoBack {
    fn restores_all(&self, _: bool) -> bool {
        true
    }
}
