//! Judges of runs: strangers to the protocols they judge.

mod judge;

pub use judge::{Judge, PropertyKind, PropertyReport, Verdict};
