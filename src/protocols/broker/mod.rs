//! A broker whose partitions are logs, as Kafka's.
//!
//! Each partition has replicas on several brokers. One leads it in an *epoch*: it appends what producers send, and the others fetch.
//! Those that keep up are *in sync*; what all of these have is *committed*, below the *high watermark*, and only that do consumers read.
//! Who leads and who is in sync is decided by the [`Controller`], or by several that agree through Raft. A follower whose log differs from
//! its leader's is told where, by epochs (KIP-101, KIP-279), and cuts it. What was there for long enough may go: by retention, or by
//! compaction.
//!
//! - [`Broker`] has the replicas, and coordinates the group of consumers if it leads the partition in which the group's state is a log;
//! - [`Client`] is a producer, which numbers what it sends so that it is appended once, or a consumer, alone or of the group;
//! - [`Rules`] are the decisions that all rests on; each of [`MUTANTS`] breaks one, each of [`DECOYS`] bends one that may be bent.

mod cleaning;
mod client;
mod consumer;
mod controller;
mod coordination;
mod decoys;
mod entry;
mod group;
mod layout;
mod leading;
mod log;
pub mod mark;
mod message;
mod metadata;
mod mutants;
mod note;
mod open;
mod producer;
pub mod properties;
mod rules;
mod sequences;
mod server;
mod store;
mod transacting;
mod transaction;
mod transactions;
mod upkeep;

use std::sync::Arc;

use crate::process;
use log::Log;

pub use cleaning::Cleaning;
pub use client::{CONSUMER, Client, ClientConfig, ClientRole, ClientTimer, PROCESSOR};
pub use consumer::{CommitTime, Consuming, Fencing, Processing, Reset};
pub use controller::{CONTROLLER, Controller, ControllerConfig};
pub use decoys::DECOYS;
pub use entry::{Content, Entry, Incarnated, Marker, Sequenced, Stands, TransactionPhase};
pub use layout::{Flush, Layout};
pub use message::{Acks, Message, Polled, RaftMessage, Record, Refusal, Request, Standing};
pub use metadata::{Metadata, Operation, Output, Registration};
pub use mutants::MUTANTS;
pub use note::Note;
pub use open::Aborted;
pub use producer::{BrokerStep, Outgoing, Producing};
pub use rules::{Correct, Rules};
pub use server::{Broker, BrokerConfig, BrokerTimer, LEADER};

/// A variant of a broker: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}
