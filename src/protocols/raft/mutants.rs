//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use super::{Rules, Term};
use crate::process::Release;

/// A variant of Raft with one published bug.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// How scenarios name it: `raft/forgets-vote`.
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

/// All mutants of Raft.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "raft/forgets-vote",
        rules: &ForgetsVote,
        source: "wenweihu86/raft-java#57; ktoso/akka-raft#62",
        needs: &["crash that loses unsynced writes", "two candidates in one term"],
        property: "election-safety",
        about: "Term and vote are written, but the request for votes and the answer to it leave before they are durable. A server that crashes \
                then votes again in the same term, for another.",
    },
    Mutant {
        name: "raft/commits-old-term",
        rules: &CommitsOldTerm,
        source: "Raft paper, figure 8; logcabin/logcabin#44; bakwc/PySyncObj#169",
        needs: &["crashes of leaders", "delay or loss", "fewer entries to a message than a leader has old ones to send"],
        property: "leader-completeness",
        about: "A leader commits entries of earlier terms by counting replicas. A later leader need not have them, and overwrites them.",
    },
];

/// The mutant of this name.
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

#[derive(Debug)]
struct ForgetsVote;

impl Rules for ForgetsVote {
    fn release_of_vote(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct CommitsOldTerm;

impl Rules for CommitsOldTerm {
    fn may_commit(&self, _: Term, _: Term) -> bool {
        true
    }
}
