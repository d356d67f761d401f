//! When steps of the plan fall due, and when the faults end.

use super::super::calls::Call;
use super::super::stage::{Stage, Turn};
use super::resolve::{Purpose, Resolver};
use super::{Due, identity};
use crate::base::{Duration, DurationRange, NodeId, Time, sample_within};
use crate::fault::{FaultStep, Moment};

impl<'s> dyn Stage + 's {
    /// Puts all timed steps into the queue.
    pub(in crate::world) fn plan_faults(&mut self) {
        for step in 0..self.nemesis().plan.steps().len() {
            match self.nemesis().plan.steps()[step].moment {
                Moment::At { time } => {
                    self.engine().schedule(time, Call::Strike { step: step as u32 });
                }
                Moment::Every { gap } => self.schedule_again(step as u32, gap),
                Moment::When { .. } => {}
            }
        }
    }

    fn schedule_again(&mut self, step: u32, gap: DurationRange) {
        let nemesis = self.nemesis();
        let word = nemesis.key.word(Purpose::Gap as u64, identity(&nemesis.next_name(step)));
        let gap = sample_within(gap, word).max(Duration::from_nanos(1));
        let at = self.engine().now() + gap;
        self.engine().schedule(at, Call::Strike { step });
    }

    /// The instant is over: strikes all that is due in it, in order. Strikes schedule nothing for the same instant, so that the same
    /// strikes given as times strike in the same places.
    pub(in crate::world) fn strike_due(&mut self, end: Time) {
        while let Some(due) = self.nemesis().due.pop_front() {
            if self.nemesis().active {
                self.take_step(due);
            }
        }
        self.engine().set_until(end);
    }

    fn take_step(&mut self, due: Due) {
        let Due { step, occasion } = due;
        let name = self.nemesis().next_name(step);
        self.nemesis().taken[step as usize] += 1;
        let FaultStep { moment, fault, .. } = self.nemesis().plan.steps()[step as usize].clone();
        if let Moment::Every { gap } = moment {
            self.schedule_again(step, gap);
        }
        for strike in fault.resolve(&mut Resolver::new(self, occasion, identity(&name))) {
            self.strike(step, &name, strike);
        }
    }

    /// Ends all faults: heals the network, wakes and starts every node.
    pub(in crate::world) fn end_faults(&mut self) {
        self.nemesis().active = false;
        self.network().heal();
        self.network().calm();
        self.record(Turn::Over);
        for node in self.nodes().collect::<Vec<_>>() {
            self.free_disk(node, None);
            self.start_soon(node);
        }
        self.settle();
    }

    fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        let (servers, clients) = self.population();
        (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client))
    }
}
