//! What comes after the violation: the run stops there, and settles only if the violation is one of settling.

use crate::base::{Duration, Time};
use crate::explore::shrink::Search;
use crate::explore::shrink::size::round_up;
use crate::fault::Moment;

pub(super) fn pass(search: &mut Search<'_>) {
    let own = [search.best.candidate.seed];
    let mut stopped = search.scenario().clone();
    stopped.conditions.stop_at_violation = true;
    search.attempt_under([stopped], &own);
    let mut unsettled = search.scenario().clone();
    unsettled.conditions.settle = Duration::ZERO;
    search.attempt_under([unsettled], &own);
    while search.attempt_under(ends(search), &own).is_some() {}
}

/// The scenario with earlier ends: when it is violated, when the last fault strikes, and halfway there.
fn ends(search: &Search<'_>) -> Vec<crate::scenario::Scenario> {
    let scenario = search.scenario();
    let duration = scenario.conditions.duration;
    let timed =
        scenario.conditions.faults.steps().iter().filter_map(|step| if let Moment::At { time } = step.moment { Some(time) } else { None });
    let last = timed.max().map_or(Duration::ZERO, |time| time.since(Time::ZERO)) + Duration::from_nanos(1);
    let violated = search.violated().at.map(|at| at.since(Time::ZERO) + Duration::from_nanos(1));
    let halfway = last + duration.saturating_sub(last) / 2;
    // A run that settles is round with the time in which it does.
    let settle = scenario.conditions.settle;
    let rounded = |end: Duration| if settle.is_zero() { round_up(end, 2) } else { round_up(end + settle, 3).saturating_sub(settle) };
    let ends = violated.into_iter().chain([last, halfway]).map(rounded).filter(|end| *end >= last && *end < duration);
    let with_end = |end| {
        let mut changed = scenario.clone();
        changed.conditions.duration = end;
        changed
    };
    ends.map(with_end).collect()
}
