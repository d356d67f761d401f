//! Histories in files: read, and judged by a model of a given name, by a weaker guarantee, or by a level of isolation.
//!
//! [`formats`](crate::history::formats) reads entries. In reading order: a [`schema`] says what they mean to one kind of object;
//! [`import`](import()) pairs them and makes a history of them; `streaming` does so for files that are too long to be held, and judges them
//! while they are read; [`run_check`] judges a file from end to end. [`transactions`] does the same for isolation, and [`streams`]
//! for brokers and queues.

mod import;
mod judge;
mod own;
pub mod schema;
mod streaming;
pub mod streams;
mod total_queue;
pub mod transactions;

pub use import::{ImportError, Reading, Recorded, RecordedOf, Remarks, import};
pub use judge::{CheckError, CheckOptions, CheckReport, WitnessStep, run_check, run_check_again};
pub use own::{NamedSchema, OwnModel};
pub use schema::Schema;
