//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use super::{DECOYS, Rules};

/// A variant with one published bug.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// How scenarios name it: `raft-group/yes-before-replicated`.
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

/// All mutants.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "raft-group/yes-before-replicated",
        rules: &YesBeforeReplicated,
        source: "get-convex horizontal-scaling-convex#155",
        needs: &["crash or isolation of a participant's leader"],
        property: "commit-needs-all-yes",
        about: "A participant's leader votes yes when it has proposed the prepared work, before its group has it. The next leader knows nothing \
                of a transaction that others commit.",
    },
    Mutant {
        name: "raft-group/commit-before-replicated",
        rules: &CommitBeforeReplicated,
        source: "get-convex horizontal-scaling-convex#101",
        needs: &["crash or isolation of the coordinator's leader"],
        property: "agreement",
        about: "The coordinator's leader announces a commit when it has proposed it, before its group has it. The next leader finds the \
                transaction undecided, and aborts it.",
    },
    Mutant {
        name: "raft-group/two-coordinators",
        rules: &TwoCoordinators,
        source: "atomix/atomix#360",
        needs: &["coordinator's leader that stands still, and goes on when another leads"],
        property: "agreement",
        about: "A leader whose patience with a transaction is over announces the abort without asking its group. Deposed without knowing it, \
                it aborts what the next leader commits.",
    },
    Mutant {
        name: "raft-group/last-decision-wins",
        rules: &LastDecisionWins,
        source: "atomix/atomix#360: no compare-and-set on the decision",
        needs: &["new leader that cannot commit for long, with the last one's decision in its log"],
        property: "no-reversal",
        about: "A decision in the log replaces an earlier one. A new leader that has not yet applied the last one's commit aborts the \
                transaction.",
    },
];

/// The mutant or decoy of this name.
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().chain(DECOYS).find(|mutant| mutant.name == name)
}

#[derive(Debug)]
struct YesBeforeReplicated;

impl Rules for YesBeforeReplicated {
    fn yes_waits(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct CommitBeforeReplicated;

impl Rules for CommitBeforeReplicated {
    fn commit_waits(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct TwoCoordinators;

impl Rules for TwoCoordinators {
    fn abort_waits(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct LastDecisionWins;

impl Rules for LastDecisionWins {
    fn first_decision_stands(&self) -> bool {
        false
    }
}
