//! Histories in files: read, and judged by a model of a given name, by a weaker guarantee, or by a level of isolation.
//!
//! [`formats`](crate::history::formats) reads entries. A [`Schema`] says what they mean to one kind of object, and [`import`] makes a history
//! of them; [`run_check`] judges it. Long files are judged while they are read. [`transactions`] does the same for isolation.

mod import;
mod judge;
pub mod schema;
mod streaming;
pub mod transactions;

pub use import::{ImportError, Recorded, RecordedOf, import};
pub use judge::{CheckError, CheckOptions, CheckReport, WitnessStep, run_check, run_check_again};
pub use schema::Schema;
