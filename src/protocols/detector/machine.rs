//! A detector, of whichever method, as a process.

use std::fmt::{self, Debug};

use serde::Serialize;

use super::heartbeat::Heartbeats;
use super::message::{Body, fmt_in_slot};
use super::swim::Swim;
use super::{Config, Message, Method, Note, mark};
use crate::base::NodeId;
use crate::process::{Context, Files, Mark, Process};

/// A failure detector: heartbeats, φ-accrual or SWIM, as its configuration says.
///
/// It keeps nothing on disk. A host embeds it (see [`Context::embed`]) and asks it whom it [suspects](Self::suspects).
#[derive(Debug)]
pub struct Detector {
    slot: u8,
    method: Machine,
}

#[derive(Debug)]
enum Machine {
    Heartbeat(Box<Heartbeats>),
    Swim(Box<Swim>),
}

/// A timer of one of a node's detectors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Timer {
    /// Which detector's.
    pub slot: u8,
    /// What for.
    pub tick: Tick,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_in_slot(&self.tick, self.slot, f)
    }
}

/// What a detector's timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Tick {
    /// To send the next heartbeats, or to ask for them.
    Beat,
    /// A heartbeat of this one is overdue.
    Overdue(NodeId),
    /// To end one probe and begin the next.
    Probe,
    /// The probe is not answered: to ask others.
    ProbeTimeout,
    /// Who was probed for another has not answered.
    Relay(u32),
    /// The suspicion of this one is over.
    Suspicion(NodeId),
    /// To pass on what is new.
    Gossip,
    /// To exchange all that is known.
    PushPull,
    /// To ask for it again, after a start.
    Join,
    /// To try a dead member again.
    Reconnect,
}

impl Detector {
    /// Whether it holds this node to have failed.
    ///
    /// SWIM's verdict is *dead*; who is merely suspect may still refute it.
    pub fn suspects(&self, node: NodeId) -> bool {
        match &self.method {
            Machine::Heartbeat(heartbeats) => heartbeats.suspects(node),
            Machine::Swim(swim) => swim.suspects(node),
        }
    }

    /// A number that grows whenever [`suspects`](Self::suspects) may answer otherwise than before.
    pub fn changes(&self) -> u64 {
        match &self.method {
            Machine::Heartbeat(heartbeats) => heartbeats.changes(),
            Machine::Swim(swim) => swim.changes(),
        }
    }

    /// Tells it how far the work of its node has come: heartbeats carry that.
    pub fn work_done(&mut self, work: u64) {
        if let Machine::Heartbeat(heartbeats) = &mut self.method {
            heartbeats.work_done(work);
        }
    }
}

impl Process for Detector {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const MARKS: &'static [Mark] = mark::ALL;

    fn boot(config: &Config, _: &Files, context: &mut Context<'_, Self>) -> Self {
        let slot = config.slot;
        let method = match &config.method {
            Method::Heartbeat(heartbeat) => Machine::Heartbeat(Box::new(Heartbeats::boot(config, *heartbeat, context))),
            Method::Swim(swim) => Machine::Swim(Box::new(Swim::boot(config, *swim, context))),
        };
        Self { slot, method }
    }

    #[inline]
    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if message.slot != self.slot {
            return;
        }
        match (&mut self.method, message.body) {
            (Machine::Heartbeat(heartbeats), body @ (Body::Beat(_) | Body::Query { .. } | Body::Reply(_))) => {
                heartbeats.hear(from, body, context);
            }
            (Machine::Swim(swim), body) => swim.hear(from, body, context),
            (Machine::Heartbeat(_), _) => {}
        }
    }

    #[inline]
    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match &mut self.method {
            Machine::Heartbeat(heartbeats) => heartbeats.tick(timer.tick, context),
            Machine::Swim(swim) => swim.tick(timer.tick, context),
        }
    }

    fn status(&self) -> String {
        match &self.method {
            Machine::Heartbeat(heartbeats) => heartbeats.status(),
            Machine::Swim(swim) => swim.status(),
        }
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
