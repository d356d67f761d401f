//! Judges of histories. They are strangers to what they judge: they see what clients saw, and share no code with what showed it.
//!
//! In reading order: `verdict`, what a judge answers; [`monitor`] and [`model`], sequential objects and what is known of them without a
//! search; [`linearizability`]; [`consistency`], the weaker guarantees; [`isolation`] and [`conservation`], of transactions; [`streams`] of
//! messages; [`recorded`], files; [`generate`], histories to try all that on. Each names only what stands before it.

pub mod conservation;
pub mod consistency;
pub mod generate;
pub mod isolation;
pub mod linearizability;
pub mod model;
pub mod monitor;
pub mod recorded;
pub mod streams;
mod verdict;

pub use linearizability::Drawing;
pub use recorded::{CheckError, CheckOptions, CheckReport, WitnessStep, run_check, run_check_again};
pub use verdict::{
    Broken, Budget, Difference, Doing, Ending, Explanation, Fact, Lag, Panic, Pending, Property, PropertyKind, PropertyReport, Rule,
    Sighting, Spin, Told, Verdict, Violations,
};

/// Where this file lies, as panics name files.
#[doc(hidden)]
pub const SOURCE: &str = file!();
