//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::{Correct, Rules};
use crate::process::{self, Release};

/// A variant of three-phase commit with a published bug.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants of three-phase commit.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "three-phase/votes-early",
        rules: &VotesEarly,
        source: "get-convex horizontal-scaling-convex#101, #155",
        needs: &["crashes of participants that lose unsynced writes"],
        property: Some("commit-needs-all-yes"),
        about: "A participant votes yes before the record of it is on its disk. Having crashed, it knows nothing of a transaction that others \
                commit.",
    },
    Mutant {
        name: "three-phase/terminates-after-crash",
        rules: &TerminatesAfterCrash,
        source: "Bernstein, Hadzilacos and Goodman 1987, section 7.5: recovery from total failures",
        needs: &["a crash of a participant in doubt", "crashes of those who decided without it"],
        property: Some("agreement"),
        about: "A participant that comes back from a crash in doubt decides with those whom it reaches, as if it had been there all the time. \
                Those who have decided are down just then.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS]))
}

#[derive(Debug)]
struct VotesEarly;

impl Rules for VotesEarly {
    fn release_of_vote(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct TerminatesAfterCrash;

impl Rules for TerminatesAfterCrash {
    fn terminates_after_crash(&self) -> bool {
        true
    }
}
