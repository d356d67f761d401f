//! Services under load: a graph of services, each with instances on nodes of their own, and clients that ask them.
//!
//! A [`Graph`] says what calls what, and how. An [`Instance`] has a queue and workers; what calls, a client or an instance, is guarded by
//! the policies of the room `policies`, which know nothing of messages. A [`Client`] has requests in an open loop (they come however slow
//! the answers are) or in a closed one, and latency counts from when a request was due.
//!
//! [`Rules`] are the decisions that the rest hangs on; each mutant breaks one, each decoy bends one that may be bent.

mod agenda;
mod cache;
mod caller;
mod client;
mod credits;
mod decoys;
mod discovery;
mod graph;
mod instance;
mod mark;
mod message;
mod mutants;
mod note;
mod peak;
mod policy;
pub mod properties;
mod recent;
mod registry;
mod rules;
mod saga;
mod store;

use std::sync::Arc;

use crate::process;

pub use agenda::Timer;
pub use client::{Client, ClientConfig, Items, Load, OpenLoop, ServicesStep};
pub use decoys::DECOYS;
pub use graph::{Call, Does, Endpoint, Flaw, Graph, Registering, RegistrySettings, Route, Service, Unlike, Wrong};
pub use instance::{Instance, InstanceConfig};
pub use message::{Answer, Attempt, Channel, Credit, Message, Request, Value};
pub use mutants::{MUTANTS, ROUTING};
pub use note::Note;
pub use policy::{LookUp, Policy};
pub use rules::{Correct, Rules};

/// A variant of services: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, ROUTING, DECOYS]))
}
