//! Which of the planted bugs make a run fail.

use super::judge::Target;
use super::{Candidate, Run};
use crate::base::SortedMap;
use crate::check::Verdict;
use crate::explore::sweep::run_one;
use crate::scenario::Scenario;
use crate::systems::Watch;

/// What becomes of a failing run with fewer of the bugs that are planted in it: for each of some sets of them.
pub(super) struct Cause(SortedMap<Vec<&'static str>, Became>);

/// What becomes of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Nothing is violated.
    Holds,
    /// It fails in the same way.
    Same,
    /// Something else is violated, or nobody can tell.
    Otherwise,
}

impl Cause {
    /// Nothing is known of it, and nothing asked.
    pub(super) const UNKNOWN: Self = Self(SortedMap::new());

    /// That of this failing run: it is run without each of its bugs, with those alone that are needed, and with none.
    pub(super) fn of(failing: &Candidate, target: Target, run: &Run<'_>) -> Self {
        let planted = &failing.scenario.mutants;
        let all_but = |bug: &&'static str| planted.iter().filter(|other| *other != bug).copied().collect::<Vec<_>>();
        let came = |bugs: &Vec<&'static str>| became(failing, bugs, target, run);
        let needed = planted.iter().filter(|bug| came(&all_but(bug)) != Became::Same).copied().collect();
        let sets = planted.iter().map(all_but).chain([needed, Vec::new()]).filter(|bugs| bugs != planted);
        Self(sets.map(|bugs| (came(&bugs), bugs)).map(|(came, bugs)| (bugs, came)).collect())
    }

    /// Whether the same becomes of this one, which fails in the same way.
    pub(super) fn is_that_of(&self, candidate: &Candidate, target: Target, run: &Run<'_>) -> bool {
        self.0.iter().all(|(bugs, expected)| {
            let came = became(candidate, bugs, target, run);
            // Other bugs may show themselves in their own ways, but where there are none.
            let in_its_way = *expected != Became::Holds || !bugs.is_empty() || came == Became::Holds;
            in_its_way && (came == Became::Same) == (*expected == Became::Same)
        })
    }
}

/// What becomes of a candidate if it has these bugs alone.
fn became(candidate: &Candidate, bugs: &[&'static str], target: Target, run: &Run<'_>) -> Became {
    let mut scenario = Scenario::clone(&candidate.scenario);
    scenario.mutants = bugs.to_vec();
    let row = run_one(&|seed| run(&scenario, seed, Watch::default()), candidate.seed);
    match &row.result {
        Ok(outcome) if target.is_violated(outcome) => Became::Same,
        Ok(outcome) if outcome.verdict() != Verdict::Violated => Became::Holds,
        _ => Became::Otherwise,
    }
}
