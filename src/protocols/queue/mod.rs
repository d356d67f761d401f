//! A work queue, as RabbitMQ's: on one node, or replicated by Raft (a *quorum queue*).
//!
//! Publishers put messages in, and consumers take them out, each message for one of them. What the queue holds, who consumes it and who was
//! given what is one state machine, [`Contents`], that goes through the same states on every node: a queue on one node is a group of one,
//! whose log is its disk.
//!
//! - *Publisher confirms.* A publisher is told that the queue has its message once that is committed: it is on the disks of a majority.
//! - *Prefetch.* A consumer holds at most so many messages that it has not settled.
//! - *Settlement.* A consumer acknowledges a message, or has it *requeued* or *rejected*. A requeued one is back in its place, and is
//!   marked as *redelivered* when it is given out again. So is all that a consumer held that has gone silent.
//! - *Dead letters.* What is rejected, expires, or was requeued too often goes to a second queue, that of dead letters.
//!
//! A [`Server`] replicates the contents, and while it leads it delivers, confirms, and finds consumers that are silent and messages that
//! have expired: both are entries of the log, too. A [`Client`] publishes or consumes. [`Rules`] are the decisions that all rests on; each
//! of [`MUTANTS`] breaks one, each of [`DECOYS`] bends one that may be bent.

mod client;
mod consumer;
mod contents;
mod decoys;
mod mark;
mod message;
mod mutants;
mod note;
mod operation;
pub mod properties;
mod publisher;
mod rules;
mod server;

use std::sync::Arc;

use crate::base::Duration;
use crate::process;

pub use client::{Client, ClientConfig, ClientTimer, Role};
pub use consumer::Consuming;
pub use contents::{Contents, Death, Output};
pub use decoys::DECOYS;
pub use message::{Delivery, Message, RaftMessage};
pub use mutants::MUTANTS;
pub use note::Note;
pub use operation::{Acknowledge, Body, Change, Operation, Settlement, Source};
pub use publisher::{Publishing, QueueStep};
pub use rules::{Correct, Rules};
pub use server::{Server, ServerConfig, Timer};

/// What is done with messages that consumers do not just take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// After which time in the queue a message expires.
    pub ttl: Option<Duration>,
    /// How often a message may come back to the queue; the next time it is a dead letter.
    pub delivery_limit: Option<u32>,
    /// Whether there is a queue of dead letters; else they are dropped.
    pub dead_letters: bool,
    /// Whether a message is put in once that is published again under its id.
    pub deduplicate: bool,
}

/// A variant of a queue: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}
