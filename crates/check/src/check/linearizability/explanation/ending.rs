//! With which completion a history is violated, for whoever sees no more of it.

use super::core::Core;
use crate::base::Time;
use crate::check::linearizability::keys::judge_keys;
use crate::check::linearizability::portfolio::Strategies;
use crate::check::linearizability::report::Violation;
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::{Judged, Numbered, Subject};
use crate::check::verdict::Verdict;
use crate::history::Outcome;

/// What one question may cost. A prefix for which it is too little counts as having an order.
const QUESTION: u64 = 200_000;

/// The operation with whose completion the shortest prefix ends that is violated by itself.
///
/// The suspect of the core is the first that has no order if it is known how operations ended that are open then: what they returned, or
/// that they failed. A prefix does not say so, and may end later.
pub(super) fn ending(subject: &dyn Subject, numbered: &Numbered<'_>, violation: &Violation, core: &Core) -> usize {
    let operations = numbered.history.operations();
    let (key, known) = (subject.key(core.suspect), operations[core.suspect].completed);
    let ended = |index: usize| operations[index].completed.filter(|_| operations[index].outcome != Outcome::Unknown);
    let ours = |index: &usize| violation.across_keys || subject.key(*index) == key;
    let fails_later = |index: &usize| {
        let operation = &operations[*index];
        operation.outcome == Outcome::Failed && Some(operation.invoked) <= known && operation.completed > known
    };
    if core.operations.iter().all(|index| ended(*index) <= known) && !(0..operations.len()).filter(fails_later).any(|index| ours(&index)) {
        return core.suspect;
    }
    let ours: Vec<usize> = (0..operations.len()).filter(ours).collect();
    let mut later: Vec<usize> = ours.iter().copied().filter(|index| ended(*index) >= known).collect();
    later.sort_unstable_by_key(|index| (ended(*index), *index));
    let violated = |at: Option<Time>| {
        let begun = || ours.iter().copied().filter(|index| Some(operations[*index].invoked) <= at);
        let over = |index: &usize| ended(*index).is_some_and(|end| Some(end) <= at);
        let kept: Vec<usize> = begun().filter(over).filter(|index| operations[*index].outcome != Outcome::Failed).collect();
        let open: Vec<usize> = begun().filter(|index| !over(index)).collect();
        let part: SubHistory<'_, Numbered<'_>> = SubHistory::new(&numbered.history, &kept, &open);
        let part = Judged { model: &Borrowed::new(numbered), history: &part.history };
        judge_keys(Strategies::All, &part, QUESTION).verdict() == Verdict::Violated
    };
    let place = later.partition_point(|index| !violated(ended(*index)));
    later.get(place).or(later.last()).copied().unwrap_or(core.suspect)
}
