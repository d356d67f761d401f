//! What looks odd and is legal: planted like a mutant, and no judge may complain.

use super::{Mutant, Rules};

/// All decoys of the detectors. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "detector/decoy-leaps",
        rules: &Leaps,
        source: "SWIM §4.2",
        needs: &[],
        property: None,
        about: "A member refutes by ten incarnations at once. The next one must be higher; by how much is nowhere said (SWIM §4.2).",
    },
    Mutant {
        name: "detector/decoy-beats-twice",
        rules: &BeatsTwice,
        source: "heartbeats are numbered",
        needs: &[],
        property: None,
        about: "Each heartbeat is sent twice. They carry numbers so that copies do no harm.",
    },
    Mutant {
        name: "detector/decoy-gossips-longer",
        rules: &GossipsLonger,
        source: "SWIM §4.1",
        needs: &[],
        property: None,
        about: "Each update is passed on twice as often as it must be. λ is a parameter, and more is merely dearer (SWIM §4.1).",
    },
    Mutant {
        name: "detector/decoy-nobody-confirms",
        rules: &NoneConfirms,
        source: "Lifeguard §IV-B",
        needs: &[],
        property: None,
        about: "No accuser confirms a suspicion: each lasts its longest, which is slow and safe (Lifeguard §IV-B).",
    },
];

#[derive(Debug)]
struct Leaps;

impl Rules for Leaps {
    fn refutation(&self, own: u32, accused: u32) -> Option<u32> {
        Some(own.max(accused).saturating_add(10))
    }
}

#[derive(Debug)]
struct BeatsTwice;

impl Rules for BeatsTwice {
    fn copies(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct GossipsLonger;

impl Rules for GossipsLonger {
    fn transmissions(&self, limit: u32) -> u32 {
        2 * limit
    }
}

#[derive(Debug)]
struct NoneConfirms;

impl Rules for NoneConfirms {
    fn counts_accuser(&self, _: bool) -> bool {
        false
    }
}
