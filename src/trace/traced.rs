//! What records say of the operations of clients.

use crate::base::{ClientId, Part};
use crate::history::{Event, Outcome};

/// What a record says of the operation of a client, or of a request, for those who follow them through the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// A client invokes an operation.
    Invoked {
        /// In which of its sessions; none if the operation is counted, and no history is kept.
        session: Option<ClientId>,
        /// What stands for the operation: [`OperationId::value`](crate::base::OperationId::value), or the number that counts.
        operation: u64,
    },
    /// A client learns how an operation ended, or gives it up.
    Ended {
        /// In which of its sessions.
        session: Option<ClientId>,
        /// What stands for the operation; nothing if it is the one that the session has under way.
        operation: Option<u64>,
        /// How it ended.
        outcome: Outcome<()>,
    },
    /// What a message has to do with a request.
    Part(Part),
}

impl Traced {
    /// What a client's event says.
    pub fn event<O, R>(event: &Event<O, R>) -> Self {
        match event {
            Event::Invoke { client, id, .. } => Self::Invoked { session: Some(*client), operation: id.value().cast_unsigned() },
            Event::Complete { client, outcome } => {
                Self::Ended { session: Some(*client), operation: None, outcome: without_result(outcome) }
            }
            Event::Recover { client, id, outcome } => {
                let operation = Some(id.value().cast_unsigned());
                Self::Ended { session: Some(*client), operation, outcome: without_result(outcome) }
            }
        }
    }
}

const fn without_result<R>(outcome: &Outcome<R>) -> Outcome<()> {
    match outcome {
        Outcome::Done(_) => Outcome::Done(()),
        Outcome::Failed => Outcome::Failed,
        Outcome::Unknown => Outcome::Unknown,
    }
}
