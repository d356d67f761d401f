//! Lengths of time, within what a run can hold.

use crate::base::{Duration, DurationRange};
use crate::notation::{Form, Length, Lengths, Notation as _, PositiveLength};

/// A length, zero included.
pub(super) fn length(form: Form<'_>) -> Option<Duration> {
    Length.read(form)
}

/// A length above zero.
pub(super) fn positive(form: Form<'_>) -> Option<Duration> {
    PositiveLength.read(form)
}

/// A range of lengths.
pub(super) fn range(form: Form<'_>) -> Option<DurationRange> {
    Lengths.read(form)
}
