//! The store as its clients see it.

use super::Message;
use crate::base::{ClientId, Committed, Transaction};
use crate::process::{Reply, Service};

/// A transactional key-value store on groups of servers, each replicated by Raft, on which two-phase commit makes transactions atomic.
#[derive(Clone, Copy, Debug)]
pub struct GroupTransactions;

impl Service for GroupTransactions {
    type Message = Message;
    type Operation = Transaction;
    type Response = Committed;

    fn request(session: ClientId, number: u64, operation: &Transaction) -> Message {
        Message::Transact { session, number, transaction: operation.clone() }
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<Committed>)> {
        let Message::Told { session, number, reply } = message else { return None };
        Some((session, number, reply))
    }
}
