//! Odd, and right: variants that no judge may complain of. A judge that does has raised a false alarm.

use super::super::{Decision, TxnId};
use super::{Mutant, Rules, Variant};

/// All decoys of two-phase commit. They have the shape of mutants; no property may catch them.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "commit/stays-to-the-end",
        rules: &StaysToTheEnd,
        source: "Mohan, Lindsay and Obermarck 1986, §3.1: the read-only optimisation is one",
        needs: &[],
        property: None,
        about: "Participants that have changed nothing vote yes, write it down, and wait for the decision like all others.",
    },
    Mutant {
        name: "commit/forces-everything",
        rules: &ForcesEverything,
        source: "Mohan, Lindsay and Obermarck 1986, §2: presumed nothing forces and acknowledges both outcomes",
        needs: &[],
        property: None,
        about: "Decisions that are presumed are forced to disk and acknowledged all the same.",
    },
    Mutant {
        name: "commit/repeats-itself",
        rules: &RepeatsItself,
        source: "decisions are idempotent: Bernstein, Hadzilacos and Goodman 1987, §7.3",
        needs: &[],
        property: None,
        about: "Each decision is sent three times.",
    },
    Mutant {
        name: "commit/unlocks-reads-early",
        rules: &UnlocksReadsEarly,
        source: "Bernstein, Hadzilacos and Goodman 1987, §3.3: two-phase locking need not be strict for shared locks",
        needs: &[],
        property: None,
        about: "A participant gives its shared locks up when it votes yes. By then all locks of the transaction are taken everywhere.",
    },
    Mutant {
        name: "commit/refuses-at-will",
        rules: &RefusesAtWill,
        source: "Bernstein, Hadzilacos and Goodman 1987, §7.2: a participant may abort unilaterally until it has voted yes",
        needs: &[],
        property: None,
        about: "A participant that could vote yes votes no on each fifth transaction of a coordinator.",
    },
];

#[derive(Debug)]
struct StaysToTheEnd;

impl Rules for StaysToTheEnd {
    fn leaves_early(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct ForcesEverything;

impl Rules for ForcesEverything {
    fn acknowledges(&self, _: Variant, _: Decision) -> bool {
        true
    }
}

#[derive(Debug)]
struct RepeatsItself;

impl Rules for RepeatsItself {
    fn copies_of_decision(&self) -> u32 {
        3
    }
}

#[derive(Debug)]
struct UnlocksReadsEarly;

impl Rules for UnlocksReadsEarly {
    fn unlocks_reads_early(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct RefusesAtWill;

impl Rules for RefusesAtWill {
    fn refuses(&self, txn: TxnId) -> bool {
        txn.number.is_multiple_of(5)
    }
}
