//! Published bugs, planted one at a time: each overrides one rule, and names the property that must catch it.

use std::sync::Arc;

use super::{Correct, DECOYS, Rules};
use crate::process;

/// A variant of two-phase commit over groups: a published bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// All mutants.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        name: "raft-group/yes-before-replicated",
        rules: &YesBeforeReplicated,
        source: "get-convex horizontal-scaling-convex#155",
        needs: &["crash or isolation of a participant's leader"],
        property: Some("commit-needs-all-yes"),
        about: "A participant's leader votes yes when it has proposed the prepared work, before its group has it. The next leader knows nothing \
                of a transaction that others commit.",
    },
    Mutant {
        name: "raft-group/commit-before-replicated",
        rules: &CommitBeforeReplicated,
        source: "get-convex horizontal-scaling-convex#101",
        needs: &["crash or isolation of the coordinator's leader"],
        property: Some("agreement"),
        about: "The coordinator's leader announces a commit when it has proposed it, before its group has it. The next leader finds the \
                transaction undecided, and aborts it.",
    },
    Mutant {
        name: "raft-group/two-coordinators",
        rules: &TwoCoordinators,
        source: "atomix/atomix#360",
        needs: &["coordinator's leader that stands still, and goes on when another leads"],
        property: Some("agreement"),
        about: "A leader whose patience with a transaction is over announces the abort without asking its group. Deposed without knowing it, \
                it aborts what the next leader commits.",
    },
    Mutant {
        name: "raft-group/last-decision-wins",
        rules: &LastDecisionWins,
        source: "atomix/atomix#360: no compare-and-set on the decision",
        needs: &["new leader that cannot commit for long, with the last one's decision in its log"],
        property: Some("no-reversal"),
        about: "A decision in the log replaces an earlier one. A new leader that has not yet applied the last one's commit aborts the \
                transaction.",
    },
];

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
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
