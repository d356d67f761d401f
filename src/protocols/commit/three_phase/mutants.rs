//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use super::Rules;
use crate::process::Release;

/// A variant of three-phase commit with one published bug.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// How scenarios name it: `commit/three-phase-votes-early`.
    pub name: &'static str,
    /// The broken rules.
    pub rules: &'static dyn Rules,
    /// Where the bug was published.
    pub source: &'static str,
    /// What must go wrong around it for it to show.
    pub needs: &'static [&'static str],
    /// The property that must catch it.
    pub property: &'static str,
    /// What is wrong, in a sentence or two.
    pub about: &'static str,
}

/// All mutants of three-phase commit.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "commit/three-phase-votes-early",
        rules: &VotesEarly,
        source: "get-convex horizontal-scaling-convex#101, #155",
        needs: &["crashes of participants that lose unsynced writes"],
        property: "commit-needs-all-yes",
        about: "A participant votes yes before the record of it is on its disk. Having crashed, it knows nothing of a transaction that others \
                commit.",
    },
    Mutant {
        name: "commit/three-phase-terminates-after-crash",
        rules: &TerminatesAfterCrash,
        source: "Bernstein, Hadzilacos and Goodman 1987, section 7.5: recovery from total failures",
        needs: &["a crash of a participant in doubt", "crashes of those who decided without it"],
        property: "agreement",
        about: "A participant that comes back from a crash in doubt decides with those whom it reaches, as if it had been there all the time. \
                Those who have decided are down just then.",
    },
];

/// The mutant of this name.
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
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
