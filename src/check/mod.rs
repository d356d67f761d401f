//! Judges of what a run did. They are strangers to protocols: they see histories and records, and share no code with what they judge.

pub mod conservation;
pub mod generate;
pub mod guarantee;
pub mod intake;
pub mod isolation;
mod judge;
pub mod linearizability;
pub mod model;
pub mod monitor;
mod run;
mod stream;
mod table;
mod view;

pub use judge::{Judge, Property, PropertyKind, PropertyReport, Verdict, Violations};
pub use run::{CheckError, CheckOptions, CheckReport, CoreLine, Finding, SCHEMA, UndecidedKey, WitnessStep, run_check, run_check_again};
pub use table::{Cell, Table, TableRow, Tables};
pub use view::{Attempts, Ending, Scene, View, ViewedOperation, ViewedOrder};
