//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::super::Vote;
use super::{Ballot, Correct, Rules};
use crate::process::{self, Release};

/// A variant of Paxos Commit with a published bug.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants of Paxos Commit.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "paxos-commit/proposes-prepared",
        rules: &ProposesPrepared,
        source: "the rule for Phase2a in PaxosCommit.tla (Lamport); Gray and Lamport, 2006, section 4.2",
        needs: &["a participant that does not vote", "a leader that takes over"],
        property: Some("commit-needs-all-yes"),
        about: "A leader that takes over proposes that a participant has prepared that none of the answering acceptors has heard of.",
    },
    Mutant {
        name: "paxos-commit/proposes-oldest",
        rules: &ProposesOldest,
        source: "the rule for Phase2a in PaxosCommit.tla (Lamport); Lamport, Paxos Made Simple, 2001, P2c",
        needs: &["leaders that take over from each other", "loss"],
        property: Some("agreement"),
        about: "A leader that takes over proposes the vote of the lowest ballot again, and not that of the highest.",
    },
    Mutant {
        name: "paxos-commit/forgets-promise",
        rules: &ForgetsPromise,
        source: "Gray and Lamport, 2006, section 4.1: an acceptor's state is on stable storage before it answers",
        needs: &["crashes of acceptors that lose unsynced writes", "a leader that takes over"],
        property: Some("agreement"),
        about: "An acceptor answers before its promise or what it has accepted is on disk, and forgets it in a crash.",
    },
    Mutant {
        name: "paxos-commit/votes-early",
        rules: &VotesEarly,
        source: "get-convex horizontal-scaling-convex#101, #155",
        needs: &["crashes of participants that lose unsynced writes"],
        property: Some("commit-needs-all-yes"),
        about: "A participant proposes its vote before the record of it is on its disk. Having crashed, it knows nothing of a transaction that \
                others commit.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS]))
}

#[derive(Debug)]
struct ProposesPrepared;

impl Rules for ProposesPrepared {
    fn vote_of_the_silent(&self) -> Vote {
        Vote::Yes
    }
}

#[derive(Debug)]
struct ProposesOldest;

impl Rules for ProposesOldest {
    fn vote_to_propose(&self, accepted: Vec<(Ballot, Vote)>) -> Option<Vote> {
        accepted.into_iter().min_by_key(|(ballot, _)| *ballot).map(|(_, vote)| vote)
    }
}

#[derive(Debug)]
struct ForgetsPromise;

impl Rules for ForgetsPromise {
    fn release_of_acceptor(&self) -> Release {
        Release::Now
    }
}

#[derive(Debug)]
struct VotesEarly;

impl Rules for VotesEarly {
    fn release_of_vote(&self) -> Release {
        Release::Now
    }
}
