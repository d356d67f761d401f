//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::super::{Mutant, Rules};

/// All decoys of locks with a time to live. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "lock/decoy-leaps",
        rules: &Leaps,
        source: "Kleppmann, 2016: \"a number that increases every time\"",
        needs: &[],
        property: None,
        about: "Each token is ten above the last one. They must grow; by how much is nowhere said.",
    },
    Mutant {
        name: "lock/decoy-asks-twice",
        rules: &AsksTwice,
        source: "a server that has set the key to a value says so again",
        needs: &[],
        property: None,
        about: "A client asks each server twice for a lock. The second question finds its own value there, and is answered as the first.",
    },
    Mutant {
        name: "lock/decoy-unlocks-twice",
        rules: &UnlocksTwice,
        source: "Redis documentation, Distributed locks: delete the key \"only if the value is still the random value\"",
        needs: &[],
        property: None,
        about: "A client tells each server twice to unlock. The second time the key has another's value, or none, and stays as it is.",
    },
    Mutant {
        name: "lock/decoy-accesses-twice",
        rules: &AccessesTwice,
        source: "accesses are numbered",
        needs: &[],
        property: None,
        about: "Each access is sent twice. They carry numbers so that copies do no harm.",
    },
];

#[derive(Debug)]
struct Leaps;

impl Rules for Leaps {
    fn step(&self) -> u64 {
        10
    }
}

#[derive(Debug)]
struct AsksTwice;

impl Rules for AsksTwice {
    fn asks(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct UnlocksTwice;

impl Rules for UnlocksTwice {
    fn unlocks(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct AccessesTwice;

impl Rules for AccessesTwice {
    fn copies(&self) -> u32 {
        2
    }
}
