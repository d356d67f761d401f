//! The store as its clients see it.

use super::Message;
use crate::base::{ClientId, Committed, Transaction};
use crate::process::{Reply, Service};

/// A transactional key-value store on several servers, on which Paxos Commit makes transactions atomic.
#[derive(Clone, Copy, Debug)]
pub struct PaxosCommitTransactions;

impl Service for PaxosCommitTransactions {
    type Message = Message;
    type Operation = Transaction;
    type Response = Committed;

    /// The server that is asked first coordinates the transaction, and no other may begin it again.
    const RETRY: bool = false;

    fn request(session: ClientId, number: u64, operation: &Transaction) -> Message {
        Message::Request { session, number, transaction: operation.clone() }
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<Committed>)> {
        let Message::Answer { session, number, reply } = message else { return None };
        Some((session, number, reply))
    }
}
