//! What looks odd and is legal: planted like a mutant, and nobody may complain.

use super::Rules;

/// An odd-looking but legal detector.
#[derive(Clone, Copy, Debug)]
pub struct Decoy {
    /// How scenarios name it: `detector/decoy-leaps`.
    pub name: &'static str,
    /// The odd rules.
    pub rules: &'static dyn Rules,
    /// What is odd about it, and why it is legal.
    pub about: &'static str,
}

/// All decoys of the detectors. No property may be violated on their account: a report on one is a false alarm.
pub static DECOYS: &[Decoy] = &[
    Decoy {
        name: "detector/decoy-leaps",
        rules: &Leaps,
        about: "A member refutes by ten incarnations at once. The next one must be higher; by how much is nowhere said (SWIM §4.2).",
    },
    Decoy {
        name: "detector/decoy-beats-twice",
        rules: &BeatsTwice,
        about: "Each heartbeat is sent twice. They carry numbers so that copies do no harm.",
    },
    Decoy {
        name: "detector/decoy-gossips-longer",
        rules: &GossipsLonger,
        about: "Each update is passed on twice as often as it must be. λ is a parameter, and more is merely dearer (SWIM §4.1).",
    },
    Decoy {
        name: "detector/decoy-nobody-confirms",
        rules: &NobodyConfirms,
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
struct NobodyConfirms;

impl Rules for NobodyConfirms {
    fn counts_accuser(&self, _: bool) -> bool {
        false
    }
}
