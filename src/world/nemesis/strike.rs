//! What strikes do, and when that ends.

use super::super::calls::Call;
use super::super::host::NodeState;
use super::super::stage::{Stage, Turn};
use super::{Struck, identity};
use crate::base::{Duration, NodeId, Time};
use crate::environment::Degradation;
use crate::fault::{Parting, Strike};

impl<'s> dyn Stage + 's {
    /// Carries out one strike.
    pub(super) fn strike(&mut self, step: u32, name: &str, strike: Strike) {
        let number = self.nemesis().struck.len() as u32;
        let at = self.engine().now();
        self.nemesis().struck.push(Struck { at, step, name: name.to_owned(), strike: strike.clone(), bitten: false });
        self.record(Turn::Strikes(&strike));
        let network = self.network();
        match strike {
            Strike::Partition { cut, lasting } => {
                match cut {
                    Parting::Groups(groups) => network.cut_groups(number, &groups),
                    Parting::OneWay { from, to } => network.cut_one_way(number, from, to),
                }
                self.lift_later(number, lasting);
            }
            Strike::Heal => {
                let healed = network.heal();
                self.bite_if(healed, number);
            }
            Strike::Lose { chance, lasting } => {
                network.degrade(number, identity(name), Degradation::Lose(chance));
                self.lift_later(number, lasting);
            }
            Strike::Duplicate { chance, lasting } => {
                network.degrade(number, identity(name), Degradation::Duplicate(chance));
                self.lift_later(number, lasting);
            }
            Strike::Delay { by, node, lasting } => {
                network.degrade(number, identity(name), Degradation::Delay(by, node));
                self.lift_later(number, lasting);
            }
            Strike::Reorder { chance, by, lasting } => {
                network.degrade(number, identity(name), Degradation::Reorder(chance, by));
                self.lift_later(number, lasting);
            }
            Strike::Crash { node, down } => self.crash(node, down, number),
            Strike::Restart { node } => self.start_if(NodeState::Down, node, number),
            Strike::Pause { node, lasting } => self.pause(node, lasting, number),
            Strike::Resume { node } => self.start_if(NodeState::Paused, node, number),
            Strike::Destroy { node } => self.destroy(node, number),
            Strike::StallDisk { node, lasting } => {
                self.stall_disk(node, number);
                self.lift_later(number, lasting);
            }
        }
    }

    /// What bites later than it strikes (a partition that loses a message, a pause that holds something up) does so by itself.
    fn bite_if(&mut self, bites: bool, strike: u32) {
        if bites {
            self.nemesis().bite(strike);
        }
    }

    fn lift_later(&mut self, strike: u32, lasting: Option<Duration>) {
        if let Some(lasting) = lasting {
            let at = self.after(lasting);
            self.engine().schedule(at, Call::Lift { strike });
        }
    }

    /// What the strike with this number did is over.
    pub(in crate::world) fn lift(&mut self, strike: u32) {
        let mut lifted = self.network().lift(strike);
        if let Some(Struck { strike: Strike::StallDisk { node, .. }, .. }) = self.nemesis().struck.get(strike as usize) {
            let node = *node;
            lifted |= self.free_disk(node, Some(strike));
        }
        if lifted {
            self.record(Turn::Lifts(strike));
        }
    }

    fn crash(&mut self, node: NodeId, down: Option<Duration>, strike: u32) {
        let crashed = self.take_down(node);
        if let (true, Some(down)) = (crashed, down) {
            let at = self.after(down);
            let incarnation = self.incarnation(node);
            self.engine().schedule(at, Call::Boot { node, incarnation });
        }
        self.bite_if(crashed, strike);
    }

    /// A node that is down already is not started any more.
    fn destroy(&mut self, node: NodeId, strike: u32) {
        let bites = self.take_down(node) | self.forbid(node);
        self.bite_if(bites, strike);
    }

    fn pause(&mut self, node: NodeId, lasting: Option<Duration>, strike: u32) {
        let pause = self.hold_up(node, strike);
        if let (Some(pause), Some(lasting)) = (pause, lasting) {
            let at = self.after(lasting);
            self.engine().schedule(at, Call::Wake { node, pause });
        }
    }

    fn start_if(&mut self, state: NodeState, node: NodeId, strike: u32) {
        let starts = self.exists(node) && self.state(node) == state && self.start_soon(node);
        self.bite_if(starts, strike);
    }

    /// Lets a node that is down or paused go on, a nanosecond from now; returns whether it will.
    pub(super) fn start_soon(&mut self, node: NodeId) -> bool {
        let at = self.after(Duration::ZERO);
        match self.state(node) {
            NodeState::Up => return false,
            NodeState::Down if self.is_destroyed(node) => return false,
            NodeState::Down => {
                let incarnation = self.incarnation(node);
                self.engine().schedule(at, Call::Boot { node, incarnation });
            }
            NodeState::Paused => {
                let pause = self.pauses(node);
                self.engine().schedule(at, Call::Wake { node, pause });
            }
        }
        true
    }

    /// Starts a node anew that a process has asked to be started anew.
    pub(in crate::world) fn restart(&mut self, node: NodeId) {
        if self.exists(node) && !self.is_destroyed(node) {
            self.count_restart(node);
            self.take_down(node);
            self.start_soon(node);
        }
    }

    fn exists(&self, node: NodeId) -> bool {
        let (servers, clients) = self.population();
        node.index() < if node.is_client() { clients } else { servers } as usize
    }

    /// The end of a length that begins now: never in the same instant.
    fn after(&mut self, length: Duration) -> Time {
        self.engine().now() + length.max(Duration::from_nanos(1))
    }
}
