//! Judges of histories: whether what clients of a distributed system saw is what a correct one could have shown them.
//!
//! A history says who invoked what and when, and what came of it. Jepsen may have recorded it, or Porcupine, a test of your own, or the
//! simulator `stormglass`. [`check::linearizability`] judges it by a sequential [model](check::model), [`check::consistency`] by weaker
//! guarantees, [`check::isolation`] judges transactions. Files are read by [`history::formats`].
//!
//! Here is a register that forgot a write: it was over before the read began.
//!
//! ```
//! use stormglass_check::base::{ClientId, Time};
//! use stormglass_check::check::model::register::{Register, RegisterOp, RegisterResult};
//! use stormglass_check::check::{Verdict, linearizability};
//! use stormglass_check::history::{History, Outcome};
//!
//! let (writer, reader) = (ClientId::new(0), ClientId::new(1));
//! let at = Time::from_nanos;
//! let mut history = History::new();
//! history.invoke(at(1), writer, RegisterOp::Write(5))?;
//! history.complete(at(2), writer, Outcome::Done(RegisterResult::Written))?;
//! history.invoke(at(3), reader, RegisterOp::Read)?;
//! history.complete(at(4), reader, Outcome::Done(RegisterResult::Value(None)))?;
//!
//! assert_eq!(linearizability::check(&Register::empty(), &history).verdict(), Verdict::Violated);
//! # Ok::<(), stormglass_check::history::MalformedHistory>(())
//! ```
//!
//! What the parts mean, and how long it takes, is told in `docs/checking.md`.

// A library does not print.
#![warn(clippy::print_stderr, clippy::print_stdout)]

/// Names, times, and the operations that many systems share.
pub use stormglass_process::base;

pub mod check;
pub mod history;
pub mod misspelling;
