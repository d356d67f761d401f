//! What looks odd and is legal: planted like a mutant, and nobody may complain.

use super::Rules;
use super::mutants::Mutant;

/// Odd-looking but legal detectors. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "detector/decoy-leaps",
        rules: &Leaps,
        source: "SWIM §4.2: an incarnation must be higher, by how much is not said",
        needs: &[],
        property: "",
        about: "A member refutes by ten incarnations at once.",
    },
    Mutant {
        name: "detector/decoy-beats-twice",
        rules: &BeatsTwice,
        source: "heartbeats carry sequence numbers so that copies do no harm",
        needs: &[],
        property: "",
        about: "Each heartbeat is sent twice.",
    },
    Mutant {
        name: "detector/decoy-gossips-longer",
        rules: &GossipsLonger,
        source: "SWIM §4.1: λ is a parameter, and more is merely dearer",
        needs: &[],
        property: "",
        about: "Gossip goes on for twice as long as it must.",
    },
    Mutant {
        name: "detector/decoy-nobody-confirms",
        rules: &NobodyConfirms,
        source: "Lifeguard §IV-B: without confirmations a suspicion lasts its longest, which is slow and safe",
        needs: &[],
        property: "",
        about: "No accuser confirms a suspicion: each lasts its longest.",
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
struct NobodyConfirms;

impl Rules for NobodyConfirms {
    fn counts_accuser(&self, _: bool) -> bool {
        false
    }
}
