//! Worker processes: this program once more, which runs seeds one after the other as it is told on its standard input.
//!
//! What a run's code may do to its process (overflow the stack, use up the memory, never return, exit) it does to a worker, and the
//! command goes on. A worker dies with its command: it ends when its standard input does.

mod ahead;
mod crew;
mod message;
mod named;
mod second;
mod serve;
mod worker;

pub(super) use crew::{Crew, now};
pub(super) use named::named_records;
pub(super) use second::SecondRun;
pub(super) use serve::{is_wanted, serve};
