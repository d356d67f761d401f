//! That the steps of a plan can strike. It is read by [`crate::fault`].

use super::whole::Whole;
use crate::base::{Duration, DurationRange, Time};
use crate::diagnostic::{Diagnostic, Span};
use crate::fault::{Moment, Places};
use crate::notation::Given;

/// More strikes of one step than this are refused: what struck is kept.
const STRIKES_MOST: u64 = 1_000_000;

/// Reports steps that do not strike while faults may, or that strike too often.
pub(super) fn fit(whole: &Whole, given: &Given<'_>, places: &Places) {
    let Some(faults) = given.form("faults").filter(|_| !given.is_wrong("duration")) else { return };
    for (moment, span) in &places.moments {
        let problem = match moment {
            Moment::At { time } => never_strikes(*time, *span, whole.duration, given),
            Moment::Every { gap } => strikes_badly(*gap, *span, whole.duration),
            Moment::When { .. } => None,
        };
        if let Some(problem) = problem {
            faults.report(problem);
        }
    }
}

fn never_strikes(time: Time, span: Span, end: Duration, given: &Given<'_>) -> Option<Diagnostic> {
    if time < Time::ZERO + end {
        return None;
    }
    let problem = Diagnostic::error(span, "this fault never strikes").label(format!("faults strike before {end} only"));
    Some(match given.form("duration") {
        Some(duration) => problem.context(duration.span(), "as said here"),
        None => problem.help("give the scenario a longer `duration`"),
    })
}

fn strikes_badly(gap: DurationRange, span: Span, end: Duration) -> Option<Diagnostic> {
    let mean = (gap.low().as_nanos() / 2 + gap.high().as_nanos() / 2).max(1);
    let strikes = end.as_nanos() / mean;
    if strikes > STRIKES_MOST {
        let problem = Diagnostic::error(span, format!("this fault would strike about {strikes} times in {end}"));
        return Some(problem.label(format!("at most {STRIKES_MOST} strikes")));
    }
    let warning = || Diagnostic::warning(span, "this fault never strikes").label(format!("faults strike before {end} only"));
    (gap.low() >= end).then(warning)
}
