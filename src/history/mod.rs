//! What clients saw: operations invoked, and how each of them ended.

use serde::Serialize;

use crate::base::ClientId;

/// One thing that a client saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Event<O, R> {
    /// A client invoked an operation.
    Invoke {
        /// Which client, in which session.
        client: ClientId,
        /// What it asked for.
        op: O,
    },
    /// The operation that a client had invoked ended for it.
    Complete {
        /// Which client, in which session.
        client: ClientId,
        /// How.
        outcome: Outcome<R>,
    },
}

/// How an operation ended for the client that invoked it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Outcome<R> {
    /// It took effect, with this result.
    Done(R),
    /// It took no effect and never will.
    Failed,
    /// It may have taken effect, may yet do so, or never will: the client was not told.
    Unknown,
}
