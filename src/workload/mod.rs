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

use crate::base::{Duration, DurationRange, LocalTime, OperationId, Rate, Stream};
use crate::process::{Mark, Note};

pub use bank::{Bank, BankMix};
pub use client::{Client, ClientTimer};
pub use keys::{KeyChoice, LoadError};
pub use kv::{KvGenerator, KvLoad, Mix};
pub use mixed::{Mixed, MixedChange, MixedMix};
pub use no_client::NoClient;
pub use transaction::{TransactionGenerator, TransactionLoad};
pub use zipf::{ParseSkewError, Skew};

/// Chooses the operations of a client.
///
/// ```
/// use stormglass::base::{LocalTime, OperationId, Stream};
/// use stormglass::process::Mark;
/// use stormglass::workload::{Generator, Turn};
///
/// /// Draws numbers, and tells when it was refused one for a second.
/// struct Draws {
///     refused_since: Option<LocalTime>,
/// }
///
/// const STARVED: Mark = Mark::new("client starved", "A client got no number for a second.");
///
/// impl Generator<String, Option<u64>> for Draws {
///     type Config = ();
///     type Note = String;
///     const MARKS: &'static [Mark] = &[STARVED];
///
///     fn new((): &()) -> Self {
///         Self { refused_since: None }
///     }
///
///     fn next(&mut self, id: OperationId, _: &mut Stream, _: &mut Turn<String>) -> String {
///         format!("draw number {}", id.nth)
///     }
///
///     fn saw(&mut self, _: &String, drawn: &Option<u64>, turn: &mut Turn<String>) {
///         match drawn {
///             Some(_) => self.refused_since = None,
///             None => {
///                 let since = *self.refused_since.get_or_insert(turn.now());
///                 if turn.now().since(since).as_nanos() >= 1_000_000_000 {
///                     turn.sometimes(STARVED);
///                     turn.note("starved".to_owned());
///                 }
///             }
///         }
///     }
/// }
///
/// let mut draws = Draws::new(&());
/// let mut turn = Turn::at(LocalTime::default());
/// draws.saw(&"draw number 1".to_owned(), &None, &mut turn);
/// assert!(turn.notes().is_empty(), "it was refused only now");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not choose operations of type `{O}` that are answered by `{R}`",
    label = "this is no generator for such clients",
    note = "implement `Generator<{O}, {R}>`: the operation type and the response type are those of the `Service`"
)]
pub trait Generator<O, R>: 'static {
    /// What it is built from.
    type Config: 'static;
    /// What it notes for those who judge; [`NoNote`](crate::process::NoNote) if nothing.
    type Note: Note;

    /// The marks that it may set: see [`Process::MARKS`](crate::process::Process::MARKS).
    const MARKS: &'static [Mark] = &[];

    /// A generator for a client that has just booted.
    fn new(config: &Self::Config) -> Self;

    /// The operation with this identity. `random` belongs to it alone: what is drawn for one operation changes no other.
    fn next(&mut self, id: OperationId, random: &mut Stream, turn: &mut Turn<Self::Note>) -> O;

    /// The client was given this response to this operation.
    fn saw(&mut self, operation: &O, response: &R, turn: &mut Turn<Self::Note>) {
        let _ = (operation, response, turn);
    }
}

/// A generator's turn: what its client's clock reads, and what it says to those who judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn<N> {
    now: LocalTime,
    notes: Vec<N>,
    marks: Vec<Mark>,
}

impl<N> Turn<N> {
    /// A turn at this time.
    pub const fn at(now: LocalTime) -> Self {
        Self { now, notes: Vec::new(), marks: Vec::new() }
    }

    /// What the client's clock reads.
    pub const fn now(&self) -> LocalTime {
        self.now
    }

    /// Says something to those who judge and explain the run: it is in the records before the operation begins, or before it ends.
    pub fn note(&mut self, note: N) {
        self.notes.push(note);
    }

    /// Marks that this place was passed: one of [`Generator::MARKS`].
    pub fn sometimes(&mut self, mark: impl Into<Mark>) {
        self.marks.push(mark.into());
    }

    /// What it has noted in this turn.
    pub fn notes(&self) -> &[N] {
        &self.notes
    }

    /// Which marks it has set in this turn.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
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
    /// Not by themselves: only what they are [handed](Client::hand).
    Handed,
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
