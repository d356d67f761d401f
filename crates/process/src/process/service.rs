//! What a client needs to know of a protocol, and no more.

use std::fmt::{Debug, Display};

use serde::{Deserialize, Serialize};

use super::Message;
use crate::base::{ClientId, NodeId};

/// A protocol seen from outside: how an operation becomes a message, and what an answer means. Workloads are written against it.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stormglass_process::base::ClientId;
/// use stormglass_process::process::{Message, Reply, Service};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// enum Tickets {
///     Draw(ClientId, u64),
///     Drawn(ClientId, u64, Reply<u64>),
/// }
/// impl Message for Tickets {}
///
/// /// A counter in a shop: each client draws a number.
/// struct Counter;
///
/// impl Service for Counter {
///     type Message = Tickets;
///     type Operation = String;
///     type Response = u64;
///
///     fn request(session: ClientId, number: u64, _: &String) -> Tickets {
///         Tickets::Draw(session, number)
///     }
///
///     fn reply(message: Tickets) -> Option<(ClientId, u64, Reply<u64>)> {
///         let Tickets::Drawn(session, number, reply) = message else { return None };
///         Some((session, number, reply))
///     }
/// }
///
/// let me = ClientId::new(0);
/// assert!(Counter::reply(Counter::request(me, 1, &"a number".to_owned())).is_none(), "a question is no answer");
/// assert!(Counter::reply(Tickets::Drawn(me, 1, Reply::Done(7))).is_some());
/// ```
#[diagnostic::on_unimplemented(
    message = "clients do not know how to use `{Self}`",
    label = "this is no service",
    note = "implement `Service`: how an operation becomes a message, and what an answer means"
)]
pub trait Service: 'static {
    /// The system's message type.
    type Message: Message;
    /// What clients ask for.
    type Operation: Clone + Debug + Display + Serialize + 'static;
    /// What they are told.
    type Response: Clone + Debug + Display + Serialize + 'static;

    /// Whether a request that was not answered in time may be sent again, to any server: whether the protocol applies requests of the same
    /// session and number once. Where it does not, clients ask once, and an operation that is not answered in time is unknown.
    const RETRY: bool = true;

    /// The message that opens a session, if the protocol has sessions: answered with [`Reply::Opened`] before the first request. It may be
    /// sent again, and arrive late: opening a session that is open changes nothing.
    fn open(session: ClientId) -> Option<Self::Message> {
        let _ = session;
        None
    }

    /// The message that asks for this operation. `number` counts the operations of the session from 1 and stays the same in a retry.
    fn request(session: ClientId, number: u64, operation: &Self::Operation) -> Self::Message;

    /// What this message tells a client: the session, the operation's number (0 for the opening), the reply. Nothing if it is no answer.
    fn reply(message: Self::Message) -> Option<(ClientId, u64, Reply<Self::Response>)>;
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply<R> {
    /// The session is open.
    Opened,
    /// The operation took effect, with this result.
    Done(R),
    /// Ask this node, or any other. The attempt that this answers took no effect, but an earlier or duplicated one may have.
    Redirect(Option<NodeId>),
    /// The operation took no effect and never will.
    Refused,
}
