//! Atomic commit: transactions over several servers that take effect on all of them or on none.
//!
//! After *Concurrency Control and Recovery in Database Systems* (Bernstein, Hadzilacos and Goodman, 1987; "BHG"), chapter 7, and
//! *Transaction Management in the R\* Distributed Database Management System* (Mohan, Lindsay and Obermarck, 1986; "R\*").
//!
//! What commit protocols share, so that each can be judged by the same judges:
//!
//! - [`TxnId`], [`Age`], [`Vote`] and [`Decision`] are the words.
//! - [`locks`] is two-phase locking with wait-die or wound-wait, [`store`] holds values and carries out acts, [`manager`] puts both
//!   together: the resource manager of one server.
//! - [`Note`] is what a server says about itself; [`properties`] judges the conditions AC1 to AC5, and the locks, by that alone.
//!
//! [`participant`] and [`pending`] are what a participant and a coordinator keep in the protocols that have no reason to do it otherwise.
//!
//! And a folder for each protocol: [`two_phase`], [`three_phase`], [`paxos_commit`], and [`raft_groups`], in which a group of servers
//! stands for each server.

pub mod locks;
pub mod manager;
pub mod mark;
mod note;
mod part;
pub mod participant;
pub mod paxos_commit;
pub mod pending;
pub mod properties;
pub mod raft_groups;
mod recovering;
mod role;
pub mod store;
pub mod three_phase;
mod transaction;
pub mod two_phase;

pub use note::{Cause, HeldLock, Note};
pub use transaction::{Age, Decision, Epoch, TxnId, Vote};
