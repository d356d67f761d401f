//! What clients saw: operations, when they were invoked, and how they ended.
//!
//! A [`History`] is fed [`Event`]s in the order in which clients noted them, and pairs each completion with its invocation. It knows
//! nothing of what the operations mean; `check` judges it against a model.
//!
//! **What precedes what.** Operation *a* precedes operation *b* if *a* completed strictly before *b* was invoked, or if one client did *a*
//! and then *b*. A completion and an invocation at the same instant, of different clients, are concurrent: simulated time has no finer
//! grain, so their order is not known. An operation whose outcome is unknown precedes nothing: it may take effect at any later time.

pub mod formats;
mod operation;
mod record;
mod timeline;

pub use operation::{Event, Noted, Operation, Outcome};
pub use record::{History, MalformedHistory};
pub(crate) use timeline::Timeline;
