//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::{Correct, Rules, Term};
use crate::process::{self, Release};

/// A variant of Raft with a published bug.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants of Raft.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "raft/forgets-vote",
        rules: &ForgetsVote,
        source: "wenweihu86/raft-java#57; ktoso/akka-raft#62",
        needs: &["crash that loses unsynced writes", "two candidates in one term"],
        property: Some("election-safety"),
        about: "Term and vote are written, but the request for votes and the answer to it leave before they are durable. A server that crashes \
                then votes again in the same term, for another.",
    },
    Mutant {
        name: "raft/commits-old-term",
        rules: &CommitsOldTerm,
        source: "Raft paper, figure 8; logcabin/logcabin#44; bakwc/PySyncObj#169",
        needs: &["crashes of leaders", "delay or loss", "fewer entries to a message than a leader has old ones to send"],
        property: Some("leader-completeness"),
        about: "A leader commits entries of earlier terms by counting replicas. A later leader need not have them, and overwrites them.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS]))
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
