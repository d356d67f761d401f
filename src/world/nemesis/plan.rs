//! When steps of the plan fall due, and when the faults end.

use super::super::World;
use super::super::calls::Call;
use super::super::setup::Cluster;
use super::resolve::{Purpose, Resolver};
use super::{Due, identity};
use crate::base::{Duration, DurationRange, NodeId, sample_within};
use crate::fault::{FaultStep, Moment};
use crate::trace::Event;

impl<C: Cluster> World<'_, C> {
    /// Puts all timed steps into the queue.
    pub(in crate::world) fn plan_faults(&mut self) {
        for step in 0..self.core.nemesis.plan.steps().len() {
            match self.core.nemesis.plan.steps()[step].moment {
                Moment::At { time } => {
                    self.core.engine.schedule(time, Call::Strike { step: step as u32 });
                }
                Moment::Every { gap } => self.schedule_again(step as u32, gap),
                Moment::When { .. } => {}
            }
        }
    }

    fn schedule_again(&mut self, step: u32, gap: DurationRange) {
        let nemesis = &self.core.nemesis;
        let word = nemesis.key.word(Purpose::Gap as u64, identity(&nemesis.next_name(step)));
        let gap = sample_within(gap, word).max(Duration::from_nanos(1));
        self.core.engine.schedule(self.core.engine.now() + gap, Call::Strike { step });
    }

    /// The instant is over: strikes all that is due in it, in order. Strikes schedule nothing for the same instant, so that the same
    /// strikes given as times strike in the same places.
    pub(in crate::world) fn strike_due(&mut self) {
        while let Some(due) = self.core.nemesis.due.pop_front() {
            if self.core.nemesis.active {
                self.take_step(due);
            }
        }
        self.core.engine.set_until(self.end);
    }

    fn take_step(&mut self, due: Due) {
        let Due { step, occasion } = due;
        let name = self.core.nemesis.next_name(step);
        self.core.nemesis.taken[step as usize] += 1;
        let FaultStep { moment, fault, .. } = self.core.nemesis.plan.steps()[step as usize].clone();
        if let Moment::Every { gap } = moment {
            self.schedule_again(step, gap);
        }
        for strike in fault.resolve(&mut Resolver::new(self, occasion, identity(&name))) {
            self.strike(step, &name, strike);
        }
    }

    /// Ends all faults: heals the network, wakes and starts every node.
    pub(in crate::world) fn end_faults(&mut self) {
        self.core.nemesis.active = false;
        self.core.network.heal();
        self.core.network.calm();
        self.core.record_rare(Event::Settle);
        self.core.recorder.settling_since = Some(self.core.engine.now());
        for node in self.nodes().collect::<Vec<_>>() {
            on_host!(self, node, host, core => host.free_disk(core, None));
            self.start_soon(node);
        }
        self.begin_settling();
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + use<C> {
        let servers = (0..self.servers.len() as u32).map(NodeId::server);
        servers.chain((0..self.clients.len() as u32).map(NodeId::client))
    }
}
