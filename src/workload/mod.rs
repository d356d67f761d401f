//! What clients do: processes that invoke operations, and generators that choose them.
//!
//! A [`Client`] is written against [`Service`](crate::process::Service) and ignorant of any protocol. It is a node like any other, behind
//! the same faulty network, and notes what it saw as events of a history. What it asks for comes from a [`Generator`]; [`KvGenerator`] is
//! the one for key-value stores, [`TransactionGenerator`] the one for transactional stores.

mod bank;
mod client;
mod keys;
mod kv;
mod mixed;
mod no_client;
mod transaction;
mod values;
mod zipf;

use serde::{Deserialize, Serialize};

use crate::base::{Duration, DurationRange, OperationId, Rate, Stream};

pub use bank::{Bank, BankMix};
pub use client::{Client, ClientTimer};
pub use keys::{KeyChoice, LoadError};
pub use kv::{KvGenerator, KvLoad, Mix};
pub use mixed::{Change, Mixed, MixedMix};
pub use no_client::NoClient;
pub use transaction::{TransactionGenerator, TransactionLoad};
pub use zipf::{ParseSkewError, Skew};

/// Chooses the operations of a client.
pub trait Generator<O, R>: 'static {
    /// What it is built from.
    type Config: 'static;

    /// A generator for a client that has just booted.
    fn new(config: &Self::Config) -> Self;

    /// The operation with this identity. `random` belongs to it alone: what is drawn for one operation changes no other.
    fn next(&mut self, id: OperationId, random: &mut Stream) -> O;

    /// The client was given this response to this operation.
    fn saw(&mut self, operation: &O, response: &R) {
        let _ = (operation, response);
    }
}

/// What a [`Client`] is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig<C> {
    /// How many servers there are; at least one.
    pub servers: u32,
    /// How many clients there are; at least one.
    pub clients: u32,
    /// When operations are invoked.
    pub pace: Pace,
    /// How long answers are waited for.
    pub patience: Patience,
    /// How many sessions a client may have at once, and so how many operations under way; at least one.
    pub sessions_max: u32,
    /// What the generator is built from.
    pub generator: C,
}

/// When clients invoke operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// Open loop: all clients together invoke at this rate, however slow the answers are. Each has an equal share; gaps are exponential.
    Open(Rate),
    /// Closed loop: each client invokes the next operation when the last one has ended and it has thought for this long.
    Closed {
        /// How long it thinks.
        think: DurationRange,
    },
}

/// How long clients wait for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long one server is given to answer, before another is asked.
    pub request_timeout: Duration,
    /// How long an operation may take, with all its requests, before the client gives it up as unknown.
    pub operation_timeout: Duration,
    /// How long a client pauses when servers send it in circles. Above zero, or the circle turns as fast as the network.
    pub pause: DurationRange,
}

impl Default for Patience {
    /// Longer than a usual election, shorter than a usual partition: a lost leader is found again, a lost majority is not waited for.
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_millis(250),
            operation_timeout: Duration::from_secs(2),
            pause: DurationRange::new(Duration::from_millis(10), Duration::from_millis(50)).expect("low before high"),
        }
    }
}
