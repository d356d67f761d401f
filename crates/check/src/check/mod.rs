//! Judges of what a run did. They are strangers to protocols: they see histories and records, and share no code with what they judge.

/// Conversions into a type that has a variant for each of these.
macro_rules! from {
    ($whole:ty: $($type:ty => $make:expr;)*) => {
        $(impl From<$type> for $whole { fn from(it: $type) -> Self { $make(it) } })*
    };
}

pub mod conservation;
mod drawing;
mod explanation;
pub mod generate;
pub mod guarantee;
pub mod intake;
pub mod isolation;
pub mod linearizability;
pub mod model;
pub mod monitor;
mod property;
mod rule;
mod run;
mod stream;
mod table;
mod trouble;

pub use drawing::Drawing;
pub use explanation::{Explanation, shorten};
pub use linearizability::Ending;
pub use property::{Property, PropertyKind, PropertyReport, Verdict, Violations};
pub use rule::{Broken, Fact, Rule, Sighting};
pub use run::{CheckError, CheckOptions, CheckReport, WitnessStep, run_check, run_check_again};
pub use table::{Cell, Table, TableRow, Tables};
pub use trouble::{Difference, Doing, Panic, Pending, Spin};
