//! Locks among machines: who holds one, for how long, and what it is worth at the thing that it guards.
//!
//! A lock that is given for a time, a lease, is not yet a lock: its holder may stand still past the end of it, or its clock go slow, and
//! what it then does reaches the guarded resource when another has its turn. So what counts is judged where it matters. A [`Worker`] is a
//! client that gets a lock, works at the [`Resource`] while it holds it, and gives it back; the resource checks the *fencing token* that
//! comes with each [`Access`], or does not; and [`properties`] judges by the accesses that it let through (Kleppmann, *How to do
//! distributed locking*, 2016).
//!
//! How a lock is got and kept is a [`Keeper`]'s business, a folder each:
//!
//! - [`session`]: the lock over the sessions of a registry, and the election as a lock with a term;
//! - [`ttl`]: the one-node lock with a time to live, and the many-node one by majority of independent servers (Redlock).
//!
//! [`Rules`] are the decisions that all rests on; each mutant breaks one, each decoy bends one that may be bent.

mod access;
pub mod mark;
mod note;
pub mod properties;
mod resource;
mod rules;
pub mod session;
#[cfg(test)]
mod tests;
pub mod ttl;
mod worker;

use std::sync::Arc;

use crate::process;

pub use access::{Access, Answered, AtResource, Grant, Speaks};
pub use note::{Accessed, HolderNote};
pub use resource::{Resource, ResourceConfig};
pub use rules::{Correct, Rules};
pub use worker::{HOLDER, Job, Keeper, Lease, Turn, Wanted, Work, Worked, Worker, WorkerConfig, WorkerTimer};

/// A variant of a lock: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names, in all tables of locks; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[ttl::MUTANTS, ttl::DECOYS, session::MUTANTS, session::DECOYS]))
}
