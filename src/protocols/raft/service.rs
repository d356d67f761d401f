//! The store as its clients see it.

use super::Message;
use crate::base::{ClientId, KvOp, KvResponse};
use crate::process::{Reply, Service};

/// A linearizable key-value store, replicated by Raft.
#[derive(Clone, Copy, Debug)]
pub struct RaftKv;

impl Service for RaftKv {
    type Message = Message;
    type Operation = KvOp;
    type Response = KvResponse;

    fn open(session: ClientId) -> Option<Message> {
        Some(Message::Open { session })
    }

    fn request(session: ClientId, number: u64, operation: &KvOp) -> Message {
        Message::Request { session, number, operation: *operation }
    }

    fn reply(message: Message) -> Option<(ClientId, u64, Reply<KvResponse>)> {
        let Message::Answer { session, number, reply } = message else { return None };
        Some((session, number, reply))
    }
}
