//! Nodes that gossip, or sit still.

#![allow(dead_code, reason = "each benchmark wants one mood")]

use serde::{Deserialize, Serialize};
use stormglass::base::{ClientId, NodeId, OperationId};
use stormglass::history;
use stormglass::process::{ClientProcess, Context, Files, Message, NoNote, Process};
use stormglass::world::Cluster;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Rumour {
    Heard { number: u64, hops: u64 },
}
impl Message for Rumour {}

/// Answers every message with one.
pub(crate) struct Gossip {
    heard: u64,
}

/// Who begins a conversation.
#[derive(Clone, Copy)]
pub(crate) enum Mood {
    /// Each, with one of so many.
    Talkative(u32),
    /// None.
    Silent,
}

impl Process for Gossip {
    type Config = Mood;
    type Message = Rumour;
    type Timer = ();
    type Note = NoNote;

    fn boot(mood: &Mood, _: &Files, context: &mut Context<'_, Self>) -> Self {
        if let Mood::Talkative(nodes) = mood {
            let peer = context.random().below(u64::from(*nodes)) as u32;
            context.send(NodeId::server(peer), Rumour::Heard { number: 0, hops: 0 });
        }
        Self { heard: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Rumour, context: &mut Context<'_, Self>) {
        let Rumour::Heard { number, hops } = message;
        self.heard = self.heard.wrapping_add(number);
        let number = context.random().word();
        context.send(from, Rumour::Heard { number, hops: hops + 1 });
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
}

/// There are no clients here, but a cluster must name some.
pub(crate) struct NoClient;

impl Process for NoClient {
    type Config = ();
    type Message = Rumour;
    type Timer = ();
    type Note = history::Event<u64, u64>;

    fn boot((): &(), _: &Files, _: &mut Context<'_, Self>) -> Self {
        Self
    }
    fn on_message(&mut self, _: NodeId, _: Rumour, _: &mut Context<'_, Self>) {}
    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.note(history::Event::Invoke { client: ClientId::new(0), id: OperationId::new(ClientId::new(0), 1), op: 0 });
    }
}

impl ClientProcess for NoClient {
    fn quiesce(&mut self, _: &mut Context<'_, Self>) {}
    fn under_way(&self) -> usize {
        0
    }
}

pub(crate) struct Village;

impl Cluster for Village {
    type Message = Rumour;
    type Operation = u64;
    type Response = u64;
    type Server = Gossip;
    type Client = NoClient;
}
