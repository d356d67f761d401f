//! Lengths of time, within what a run can hold.

use crate::base::{Duration, DurationRange, Form};

/// No length in a scenario is longer: a year. Clocks and queues count nanoseconds, and sums of a few years always fit.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A length, zero included.
pub(super) fn length(form: Form<'_>) -> Option<Duration> {
    within(form, form.duration()?, |length| *length)
}

/// A length above zero.
pub(super) fn positive(form: Form<'_>) -> Option<Duration> {
    within(form, form.duration_positive()?, |length| *length)
}

/// A range of lengths.
pub(super) fn range(form: Form<'_>) -> Option<DurationRange> {
    within(form, form.duration_range()?, |range| range.high())
}

fn within<T>(form: Form<'_>, value: T, longest: impl FnOnce(&T) -> Duration) -> Option<T> {
    if longest(&value) <= LONGEST {
        return Some(value);
    }
    form.report(form.problem(format!("{} is too long", form.raw())).label("nothing in a scenario takes longer than a year"));
    None
}
