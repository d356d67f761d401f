//! Odd, and right: variants that no judge may complain of. A judge that does has raised a false alarm.

use super::{Mutant, Rules};

/// All decoys. They have the shape of mutants; no property may catch them.
pub static DECOYS: &[Mutant] = &[
    Mutant {
        name: "raft-group/proposes-twice",
        rules: &ProposesTwice,
        source: "Ongaro 2014, §6.3: what is in the log twice must take effect once",
        needs: &[],
        property: None,
        about: "Leaders propose each operation twice.",
    },
    Mutant {
        name: "raft-group/tells-all",
        rules: &TellsAll,
        source: "messages are idempotent: Bernstein, Hadzilacos and Goodman 1987, §7.3",
        needs: &[],
        property: None,
        about: "What one group says to another goes to all servers of it each time, and not to its leader alone.",
    },
];

#[derive(Debug)]
struct ProposesTwice;

impl Rules for ProposesTwice {
    fn proposals(&self) -> u32 {
        2
    }
}

#[derive(Debug)]
struct TellsAll;

impl Rules for TellsAll {
    fn tells_all(&self) -> bool {
        true
    }
}
