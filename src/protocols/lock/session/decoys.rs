//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::super::{Mutant, Rules};

/// All decoys of locks over a registry, and of elections. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "lock/decoy-enters-twice",
        rules: &EntersTwice,
        source: "etcd concurrency.Mutex: the key is put if its create revision is 0",
        needs: &[],
        property: None,
        about: "A client asks twice for its key to be put. The second time it is there, and stays where it is in the queue.",
    },
    Mutant {
        name: "election/decoy-acts-twice",
        rules: &ActsTwice,
        source: "accesses are numbered",
        needs: &[],
        property: None,
        about: "A leader sends each of its acts twice. They carry numbers so that copies do no harm.",
    },
];

#[derive(Debug)]
struct EntersTwice;

impl Rules for EntersTwice {
    fn puts(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct ActsTwice;

impl Rules for ActsTwice {
    fn copies(&self) -> u32 {
        2
    }
}
