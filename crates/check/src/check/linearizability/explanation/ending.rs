//! With which completion a history is violated, for whoever sees no more of it.

use super::core::Core;
use crate::base::Time;
use crate::check::linearizability::keys::judge_keys;
use crate::check::linearizability::portfolio::Strategies;
use crate::check::linearizability::report::Violation;
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::{Judged, Numbered, Subject};
use crate::check::model::{Model as _, Role};
use crate::check::verdict::Verdict;
use crate::history::Outcome;

/// What one question may cost. A prefix for which it is too little counts as having an order.
const QUESTION: u64 = 200_000;

/// The operation with whose completion the shortest prefix ends that is violated by itself.
///
/// The suspect of the core is the first that has no order if it is known what the operations returned that are open then. A prefix does not
/// say so, and may end later. What failed is known never to have taken effect, as everywhere.
pub(super) fn ending(subject: &dyn Subject, numbered: &Numbered<'_>, violation: &Violation, core: &Core) -> usize {
    let operations = numbered.history.operations();
    let (key, known) = (subject.key(core.suspect), operations[core.suspect].completed);
    let returned = |index: usize| operations[index].completed.filter(|_| operations[index].result().is_some());
    let ours = |index: &usize| operations[*index].outcome != Outcome::Failed && (violation.across_keys || subject.key(*index) == key);
    let ours: Vec<usize> = (0..operations.len()).filter(ours).collect();
    // By what it returned later, one that was open then is known to have changed nothing: a compare-and-set that saw another value.
    let passes_for_idle = |index: &usize| {
        let operation = &operations[*index];
        let observes = |result| numbered.role(&operation.op, result).effect() == Role::Observer;
        Some(operation.invoked) <= known && returned(*index) > known && observes(operation.result()) && !observes(None)
    };
    if core.operations.iter().all(|index| returned(*index) <= known) && !ours.iter().any(passes_for_idle) {
        return core.suspect;
    }
    let mut later: Vec<usize> = ours.iter().copied().filter(|index| returned(*index) >= known).collect();
    later.sort_unstable_by_key(|index| (returned(*index), *index));
    let violated = |at: Option<Time>| {
        let begun = ours.iter().copied().filter(|index| Some(operations[*index].invoked) <= at);
        let over = |index: &usize| returned(*index).is_some_and(|end| Some(end) <= at);
        let (kept, open): (Vec<usize>, Vec<usize>) = begun.partition(over);
        let part: SubHistory<'_, Numbered<'_>> = SubHistory::new(&numbered.history, &kept, &open);
        let part = Judged { model: &Borrowed::new(numbered), history: &part.history };
        judge_keys(Strategies::All, &part, QUESTION).verdict() == Verdict::Violated
    };
    let place = later.partition_point(|index| !violated(returned(*index)));
    later.get(place).or(later.last()).copied().unwrap_or(core.suspect)
}
