//! The world as the nemesis sees it, whatever runs in it: so what strikes do is compiled once, and not for each system.

use super::calls::Call;
use super::host::NodeState;
use super::nemesis::Nemesis;
use super::setup::Cluster;
use super::{Activity, What, World};
use crate::base::{Incarnation, NodeId};
use crate::engine::Engine;
use crate::environment::Network;
use crate::fault::Strike;
use crate::process::{Claim, Process};
use crate::trace::Event;

/// What faults strike.
pub(super) trait Stage {
    fn engine(&mut self) -> &mut Engine<Call>;
    fn network(&mut self) -> &mut Network;
    fn nemesis(&mut self) -> &mut Nemesis;
    /// Writes down what becomes of the faults.
    fn record(&mut self, turn: Turn<'_>);
    /// How many servers there are, and how many clients.
    fn population(&self) -> (u32, u32);
    fn state(&self, node: NodeId) -> NodeState;
    fn is_destroyed(&self, node: NodeId) -> bool;
    fn incarnation(&self, node: NodeId) -> Incarnation;
    /// How often the node was paused: the number of its last pause.
    fn pauses(&self, node: NodeId) -> u32;
    /// Takes the node down; returns whether it was up.
    fn take_down(&mut self, node: NodeId) -> bool;
    /// From now on nothing starts it again; returns whether that is new.
    fn forbid(&mut self, node: NodeId) -> bool;
    /// Makes it stand still; returns the number of the pause, or nothing if it does not run.
    fn hold_up(&mut self, node: NodeId, strike: u32) -> Option<u32>;
    /// Its disk completes no sync from now on.
    fn stall_disk(&mut self, node: NodeId, strike: u32);
    /// Its disk goes on, if it stands still on account of this strike, or of any; returns whether it did.
    fn free_disk(&mut self, node: NodeId, strike: Option<u32>) -> bool;
    /// Takes note that a process has asked for it to be started anew.
    fn count_restart(&mut self, node: NodeId);
    /// The role that it claims, if it runs and claims one.
    fn claim(&mut self, node: NodeId) -> Option<Claim>;
    /// The faults are over: looks whether the run settles.
    fn settle(&mut self);
}

/// What becomes of the faults.
pub(super) enum Turn<'s> {
    Strikes(&'s Strike),
    Lifts(u32),
    Over,
}

impl<C: Cluster> Stage for World<'_, C> {
    fn engine(&mut self) -> &mut Engine<Call> {
        &mut self.core.engine
    }

    fn network(&mut self) -> &mut Network {
        &mut self.core.network
    }

    fn nemesis(&mut self) -> &mut Nemesis {
        &mut self.core.nemesis
    }

    fn record(&mut self, turn: Turn<'_>) {
        // No node's step brings it about.
        self.core.recorder.cause = None;
        match turn {
            Turn::Strikes(strike) => self.core.record_rare(Event::Strike { strike }),
            Turn::Lifts(strike) => self.core.record_rare(Event::Lift { strike }),
            Turn::Over => {
                self.core.record_rare(Event::Settle);
                self.core.recorder.settling_since = Some(self.core.engine.now());
            }
        }
    }

    fn population(&self) -> (u32, u32) {
        (self.servers.len() as u32, self.clients.len() as u32)
    }

    fn state(&self, node: NodeId) -> NodeState {
        look!(self, node, host => host.state())
    }

    fn is_destroyed(&self, node: NodeId) -> bool {
        look!(self, node, host => host.is_destroyed())
    }

    fn incarnation(&self, node: NodeId) -> Incarnation {
        look!(self, node, host => host.incarnation())
    }

    fn pauses(&self, node: NodeId) -> u32 {
        look!(self, node, host => host.pauses())
    }

    fn take_down(&mut self, node: NodeId) -> bool {
        let mut was_up = false;
        self.activity = Activity { node, what: What::Crashing };
        on_host!(self, node, host, core => was_up = host.crash(core));
        was_up
    }

    fn forbid(&mut self, node: NodeId) -> bool {
        let mut is_new = false;
        on_host!(self, node, host, _core => is_new = host.destroy());
        is_new
    }

    fn hold_up(&mut self, node: NodeId, strike: u32) -> Option<u32> {
        let mut pause = None;
        on_host!(self, node, host, core => pause = host.pause(core, strike));
        pause
    }

    fn stall_disk(&mut self, node: NodeId, strike: u32) {
        on_host!(self, node, host, _core => host.stall_disk(strike));
    }

    fn free_disk(&mut self, node: NodeId, strike: Option<u32>) -> bool {
        let mut was_stalled = false;
        self.activity = Activity { node, what: What::Synced };
        on_host!(self, node, host, core => was_stalled = host.free_disk(core, strike));
        was_stalled
    }

    fn count_restart(&mut self, node: NodeId) {
        on_host!(self, node, host, core => host.count_restart(core));
    }

    fn claim(&mut self, node: NodeId) -> Option<Claim> {
        self.activity = Activity { node, what: What::Asked("role") };
        look!(self, node, host => host.process().and_then(Process::role))
    }

    fn settle(&mut self) {
        self.begin_settling();
    }
}
