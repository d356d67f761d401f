//! Judges of what a run did. They are strangers to protocols: they see histories and records, and share no code with what they judge.

pub mod generate;
mod judge;
pub mod linearizability;
pub mod model;
pub mod monitor;

pub use judge::{Judge, PropertyKind, PropertyReport, Verdict};
