//! The first completion at which the history so far is violated, whatever comes of the operations that are open then.

use super::allowance::Allowance;
use super::core::Core;
use crate::base::Time;
use crate::check::linearizability::report::Violation;
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::{Judged, Numbered};
use crate::check::model::{Model as _, Role};
use crate::check::verdict::Verdict;

/// What one question may cost. A prefix for which it is too little counts as having an order.
const QUESTION: u64 = 200_000;

/// The operation with whose completion the shortest prefix ends that is violated by itself.
///
/// The suspect of the core is the first that has no order if it is known what the operations returned that are open then. A prefix does not
/// say so, and may end later. What failed is known never to have taken effect, as everywhere.
pub(super) fn ending(numbered: &Numbered<'_>, violation: &Violation, core: &Core, allowance: &Allowance) -> usize {
    let operations = numbered.history.operations();
    let known = operations[core.suspect].completed;
    let returned = |index: usize| operations[index].completed.filter(|_| operations[index].result().is_some());
    let ours = &violation.operations;
    // By what it returned later, one that was open then is known to have changed nothing, as a compare-and-set that saw another value, or
    // to have taken another item.
    let shows_later = |index: &usize| {
        let operation = &operations[*index];
        let observes = |result| numbered.role(&operation.op, result).effect() == Role::Observer;
        let tells = observes(operation.result()) && !observes(None) || numbered.item(operation) != numbered.item_asked(operation);
        Some(operation.invoked) <= known && returned(*index) > known && tells
    };
    if core.operations.iter().all(|index| returned(*index) <= known) && !ours.iter().any(shows_later) {
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
        allowance.judge(&part, QUESTION).verdict() == Verdict::Violated
    };
    let place = later.partition_point(|index| !violated(returned(*index)));
    later.get(place).or(later.last()).copied().unwrap_or(core.suspect)
}
