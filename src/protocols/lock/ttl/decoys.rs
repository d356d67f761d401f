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
        name: "lock/decoy-lets-it-run-out",
        rules: &LetsItRunOut,
        source: "Redis documentation, Distributed locks: the key goes by itself",
        needs: &[],
        property: None,
        about: "A client that is done does not unlock. The lock goes by itself when its time is over: slow, and safe.",
    },
    Mutant {
        name: "lock/decoy-keeps-what-failed",
        rules: &KeepsWhatFailed,
        source: "Redlock, step 5: for the sake of others, who else wait for the time to live",
        needs: &[],
        property: None,
        about: "A client that was granted the lock by too few servers does not give it back there: others must wait longer, and no more than \
                that.",
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
struct LetsItRunOut;

impl Rules for LetsItRunOut {
    fn unlocks(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct KeepsWhatFailed;

impl Rules for KeepsWhatFailed {
    fn gives_back(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AccessesTwice;

impl Rules for AccessesTwice {
    fn copies(&self) -> u32 {
        2
    }
}
