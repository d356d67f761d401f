//! An event bus: one node that passes what is published on a topic to all that subscribe to it.
//!
//! The [`Bus`] numbers the messages of each topic, keeps them in a journal, and delivers them to each subscriber from a buffer of its own,
//! one after another or several at once. How often a message comes is a matter of three things: what is sent again when no answer comes,
//! what is known by its id, and what is on disk before it is said. [`Delivery`] is the choice among them. What one slow
//! [`subscriber`](Party) does to the others is a matter of the buffers: without bound, or what happens when one is full ([`Full`]).
//!
//! [`Rules`] are the decisions that all rests on; each mutant breaks one, each decoy bends one that may be bent.

mod decoys;
mod mark;
mod message;
mod mutants;
mod party;
pub mod properties;
mod rules;
mod server;

use std::sync::Arc;

use crate::process;

pub use decoys::DECOYS;
pub use message::{Item, Message};
pub use mutants::MUTANTS;
pub use party::{BusStep, Party, PartyConfig, PartyTimer, Publishing, Role, Subscribing};
pub use rules::{Correct, Rules};
pub use server::{Bus, BusConfig, BusTimer, Holds};

/// How often a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing is asked or sent again; a message counts as delivered before it leaves, and as had before it is processed.
    AtMostOnce,
    /// A publisher or bus that gets no answer asks again; a message is acknowledged once it is processed.
    AtLeastOnce,
    /// The same, and both the bus and subscribers know by its id what they have had.
    ExactlyOnce,
}

impl Delivery {
    /// Whether a message that may have been had is not taken again.
    pub const fn once(self) -> bool {
        !matches!(self, Self::AtLeastOnce)
    }

    /// Whether what is not answered is sent again.
    pub const fn again(self) -> bool {
        !matches!(self, Self::AtMostOnce)
    }
}

/// In which order a subscriber gets messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Those of a topic one after another.
    ByTopic,
    /// Those of one key of a topic one after another; different keys may overtake each other.
    ByKey,
    /// In any.
    No,
}

impl Order {
    /// The number of the log in which messages of this topic and key have their order, where each topic has so many keys.
    pub const fn log(self, (topic, key): (u64, u64), keys: u64) -> u64 {
        match self {
            Self::ByTopic | Self::No => topic,
            Self::ByKey => topic * keys + key,
        }
    }
}

/// What happens to a message for which a subscriber's buffer has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// It is not taken in, for any subscriber, until there is room.
    Block,
    /// The oldest in the buffer makes way.
    DropOldest,
    /// The subscriber does not get it.
    DropNewest,
    /// The subscriber is cut off, with all in its buffer, and subscribes anew.
    Disconnect,
}

/// A variant of the bus: a bug, or a decoy.
pub type Mutant = process::Mutant<&'static dyn Rules>;

/// The rules of the variants of these names; the correct ones if none is named.
pub fn rules_of(names: &[&str]) -> Arc<dyn Rules> {
    Correct::but_for(Mutant::planted(names, &[MUTANTS, DECOYS]))
}
