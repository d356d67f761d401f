//! Judges of histories. They are strangers to what they judge: they see what clients saw, and share no code with what showed it.

pub mod conservation;
pub mod consistency;
pub mod generate;
pub mod isolation;
pub mod linearizability;
pub mod model;
pub mod monitor;
pub mod recorded;
mod verdict;

pub use linearizability::Drawing;
pub use recorded::{CheckError, CheckOptions, CheckReport, WitnessStep, run_check, run_check_again};
pub use verdict::{
    Broken, Difference, Doing, Ending, Explanation, Fact, Panic, Pending, Property, PropertyKind, PropertyReport, Rule, Sighting, Spin,
    Verdict, Violations, shorten,
};
