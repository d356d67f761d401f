//! How far a sweep is, on a terminal.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::base::SortedSet;
use crate::check::Verdict;
use crate::explore::Row;

/// Shows how many seeds are done and fail, in how many ways, how many there are in a second, and how long it still takes; on standard
/// error, if that is a terminal.
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    failing: u64,
    fingerprints: SortedSet<u64>,
}

impl Progress {
    pub(in crate::cli) fn new(seeds: u64) -> Self {
        let bar = ProgressBar::new(seeds);
        let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} seeds · {msg} · {rate}, {eta} left");
        let rate = |state: &ProgressState, text: &mut dyn Write| {
            let per_second = state.per_sec();
            // What cannot be shown is not.
            let _ = if per_second < 10.0 { write!(text, "{per_second:.1} a second") } else { write!(text, "{per_second:.0} a second") };
        };
        if let Ok(style) = style {
            bar.set_style(style.with_key("rate", rate));
        }
        bar.set_message("none fails");
        Self { bar, failing: 0, fingerprints: SortedSet::new() }
    }

    /// Whatever has been counted was there before: how many there are in a second is seen from here on.
    pub(in crate::cli) fn begin(&self) {
        self.bar.reset_eta();
    }

    /// Counts the next row.
    pub(super) fn count(&mut self, row: &Row) {
        if row.verdict() == Some(Verdict::Violated) {
            self.failing += 1;
            self.fingerprints.extend(row.fingerprint);
            let (failing, distinct) = (self.failing, self.fingerprints.len());
            self.bar.set_message(if distinct == 1 {
                format!("{failing} fail alike")
            } else {
                format!("{failing} fail in {distinct} ways")
            });
        }
        self.bar.inc(1);
    }

    /// One more is done, whatever came of it.
    pub(in crate::cli) fn step(&self) {
        self.bar.inc(1);
    }

    pub(in crate::cli) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
