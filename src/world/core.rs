//! What hosts act upon.

use super::calls::Call;
use super::nemesis::Nemesis;
use super::recorder::Recorder;
use super::setup::{Cluster, DiskModel};
use super::slab::{MessageHandle, MessageSlab};
use crate::base::{Digest, Duration, Fate, NodeId, Time};
use crate::engine::{Engine, Ticket};
use crate::environment::{Latency, Network};
use crate::process::Message;
use crate::trace::Event;

/// Does something to one host, server or client, with the core of the world in hand.
macro_rules! on_host {
    ($world:expr, $node:expr, $host:ident, $core:ident => $body:expr) => {{
        let node: NodeId = $node;
        let $core = &mut $world.core;
        if node.is_client() {
            if let Some($host) = $world.clients.get_mut(node.index()) {
                $body;
            }
        } else if let Some($host) = $world.servers.get_mut(node.index()) {
            $body;
        }
    }};
}

/// Looks at the host of a node, a server or a client; there must be one.
macro_rules! look {
    ($world:expr, $node:expr, $host:ident => $what:expr) => {{
        let node: NodeId = $node;
        if node.is_client() {
            let $host = &$world.clients[node.index()];
            $what
        } else {
            let $host = &$world.servers[node.index()];
            $what
        }
    }};
}

/// What a host acts upon: all of the world but the hosts themselves.
pub(super) struct Core<'a, C: Cluster> {
    pub(super) engine: Engine<Call>,
    pub(super) slab: MessageSlab<C::Message>,
    pub(super) network: Network,
    pub(super) recorder: Recorder<'a, C>,
    pub(super) nemesis: Nemesis,
    pub(super) sync_latency: Latency,
    held: Vec<HeldMessage>,
    messages_max: u64,
    /// The budget that has ended, if one has: the run ends with this event.
    pub(super) excess: Option<Excess>,
}

/// What a run may hold at once.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Messages under way.
    pub(super) messages: u64,
    /// Bytes on each disk.
    pub(super) disk: u64,
    /// Effects of a step.
    pub(super) effects: u64,
}

/// A budget of the world's own that has ended.
pub(super) enum Excess {
    /// This node sent a message more than may be under way.
    Messages { node: NodeId, most: u64 },
    /// This node wrote more than its disk may hold.
    Disk { node: NodeId, file: String, most: u64 },
    /// This node is started anew again and again.
    Restarts { node: NodeId, at: Time },
}

/// A message that waits for a later one on its link to arrive.
struct HeldMessage {
    link: (NodeId, NodeId),
    ticket: Ticket,
    /// When it would have arrived, and when it arrives at the latest.
    due: Time,
    latest: Time,
    strike: u32,
}

impl<'a, C: Cluster> Core<'a, C> {
    pub(super) fn new(
        engine: Engine<Call>,
        network: Network,
        recorder: Recorder<'a, C>,
        nemesis: Nemesis,
        disk: DiskModel,
        bounds: Bounds,
    ) -> Self {
        let (slab, sync_latency, messages_max) = (MessageSlab::new(), disk.sync, bounds.messages);
        Self { engine, slab, network, recorder, nemesis, sync_latency, held: Vec::new(), messages_max, excess: None }
    }

    /// Takes a message of this node in, which is under way from now on.
    #[inline]
    pub(super) fn post(&mut self, from: NodeId, message: C::Message) -> MessageHandle {
        if self.slab.len() as u64 >= self.messages_max {
            self.exceed(Excess::Messages { node: from, most: self.messages_max });
        }
        self.slab.put(message)
    }

    /// A budget has ended, if none had before.
    #[cold]
    pub(super) fn exceed(&mut self, excess: Excess) {
        self.excess.get_or_insert(excess);
    }

    #[inline]
    pub(super) fn now(&self) -> Time {
        self.engine.now()
    }

    /// Records what happened, and lets the triggers of faults see it.
    #[inline(always)]
    pub(super) fn record(&mut self, event: &Event<'_, C>) {
        self.recorder.record(self.engine.now(), event);
        self.nemesis.see(event);
    }

    /// The same for what happens rarely: compiled once and not for each event.
    #[inline(never)]
    pub(super) fn record_rare(&mut self, event: Event<'_, C>) {
        self.record(&event);
    }

    /// Sends a message through the network.
    #[inline]
    pub(super) fn transmit(&mut self, from: NodeId, to: NodeId, handle: MessageHandle) {
        let message = self.slab.read(handle);
        let sending = self.network.send(from, to, message.kind(), || Digest::content(message));
        let id = sending.id;
        let now = self.engine.now();
        let event = Event::Send { id, fate: sending.fate, message };
        self.recorder.blame(self.network.blamed());
        self.recorder.record(now, &event);
        self.nemesis.see(&event);
        let messages = &mut self.recorder.messages;
        messages.sent += 1;
        match sending.fate {
            Fate::Deliver(delay) => {
                let ticket = self.engine.schedule(now + delay, Call::Deliver { id, handle });
                match self.network.hold() {
                    Some((strike, by)) => {
                        self.hold(HeldMessage { link: (from, to), ticket, due: now + (delay - by), latest: now + delay, strike })
                    }
                    None => self.release((from, to), now + delay),
                }
            }
            Fate::Duplicate(first, second) => {
                messages.duplicated += 1;
                let copy = self.slab.copy(handle);
                self.engine.schedule(now + first, Call::Deliver { id, handle });
                self.engine.schedule(now + second, Call::Deliver { id, handle: copy });
                self.release((from, to), now + first.min(second));
            }
            Fate::Lost(_) => {
                messages.dropped += 1;
                self.slab.take(handle);
            }
        }
        for fault in self.network.blamed() {
            self.nemesis.bite(*fault);
        }
    }

    /// What holds between any two events; it costs next to nothing.
    pub(super) fn invariants(&self) {
        self.engine.invariants();
        self.network.invariants();
        let messages = &self.recorder.messages;
        assert!(messages.delivered + messages.dropped <= messages.sent + messages.duplicated, "what arrives or is lost has been sent");
    }

    fn hold(&mut self, held: HeldMessage) {
        let now = self.engine.now();
        self.held.retain(|held| held.latest > now);
        self.held.push(held);
    }

    /// A message on this link arrives then: those that are held until then follow it.
    #[inline]
    fn release(&mut self, link: (NodeId, NodeId), arrival: Time) {
        if !self.held.is_empty() {
            self.release_held(link, arrival);
        }
    }

    #[inline(never)]
    fn release_held(&mut self, link: (NodeId, NodeId), arrival: Time) {
        for held in self.held.extract_if(.., |held| held.link == link && arrival < held.latest) {
            let Some(call) = self.engine.cancel(held.ticket) else { continue };
            self.engine.schedule(held.due.max(arrival + Duration::from_nanos(1)), call);
            if held.due <= arrival {
                self.nemesis.bite(held.strike);
            }
        }
    }
}
