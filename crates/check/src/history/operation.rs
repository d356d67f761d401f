//! One operation, and the two events that it is made of.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize, Serializer};

use crate::base::{ClientId, OperationId, Time};

/// How an operation ended, as far as its client knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome<R> {
    /// It took effect and returned this.
    Done(R),
    /// It certainly never took effect, and never will.
    Failed,
    /// It is not known: it may have taken effect, may do so at any later time, or never.
    Unknown,
}

/// What a client notes while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event<O, R> {
    /// The client starts an operation.
    Invoke {
        /// Who starts it.
        client: ClientId,
        /// Which of the client's operations it is.
        id: OperationId,
        /// What it starts.
        op: O,
    },
    /// The client's operation ends, or the client gives up on it.
    Complete {
        /// Whose operation ends.
        client: ClientId,
        /// How it ends.
        outcome: Outcome<R>,
    },
    /// A later start of the client finds on its disk how an operation ended that was open when it crashed. Nothing changes if the operation
    /// had ended: the crash may have come before its end was noted, or after, and a client cannot tell the one from the other.
    Recover {
        /// Whose operation it was.
        client: ClientId,
        /// Which.
        id: OperationId,
        /// How it ended.
        outcome: Outcome<R>,
    },
}

/// What a client notes that has more to say than its history. It is shown and serialised as what it holds.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Noted<O, R, N> {
    /// An event of its history.
    Event(Event<O, R>),
    /// Something else, for those who judge and explain the run.
    Own(N),
}

impl<O: Debug, R: Debug, N: Debug> Debug for Noted<O, R, N> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Own(note) => note.fmt(f),
        }
    }
}

impl<O: Serialize, R: Serialize, N: Serialize> Serialize for Noted<O, R, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Event(event) => event.serialize(serializer),
            Self::Own(note) => note.serialize(serializer),
        }
    }
}

/// An operation with its place in time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation<O, R> {
    /// Who did it.
    pub client: ClientId,
    /// Which of the client's operations it is.
    pub id: OperationId,
    /// What was asked for.
    pub op: O,
    /// When it was invoked.
    pub invoked: Time,
    /// When its client noted the outcome; nothing while it has not, or if it never did.
    pub completed: Option<Time>,
    /// How it ended; [`Outcome::Unknown`] while it has not.
    pub outcome: Outcome<R>,
}

impl<O, R> Operation<O, R> {
    /// What it returned, if it is known to have taken effect.
    pub fn result(&self) -> Option<&R> {
        match &self.outcome {
            Outcome::Done(result) => Some(result),
            Outcome::Failed | Outcome::Unknown => None,
        }
    }
}
