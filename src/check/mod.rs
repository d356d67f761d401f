//! Judges of what a run did. They are strangers to protocols: they see histories and records, and share no code with what they judge.

mod judge;
pub mod linearizability;
pub mod model;

pub use judge::{Judge, PropertyKind, PropertyReport, Verdict};
