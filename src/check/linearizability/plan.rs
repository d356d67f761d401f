//! One key's part of a history, laid out for the search: operations in order of invocation, returns in order of completion.

use super::loose::Class;
use super::machine::{KindId, Object, Part, Table};
use crate::history::Outcome;

pub(super) const NONE: u32 = u32::MAX;

/// An operation that completed, and so must have taken effect between its invocation and its return.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// Its index in the history.
    pub(super) index: u32,
    pub(super) kind: KindId,
    /// Its place among the open operations; free again once it has returned.
    pub(super) slot: u32,
    /// Which return, counted from zero, is its own.
    pub(super) returns: u32,
    /// The operation of the same client that it follows at the same instant, at which others were busy too. Everything else that must
    /// come before it has returned before it was invoked.
    pub(super) after: u32,
    /// Whether some operation is `after` it, or it is after some.
    pub(super) tied: bool,
}

/// An operation of unknown outcome: it may take effect at any time after its invocation, or never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loose {
    pub(super) index: u32,
    pub(super) kind: KindId,
    /// The first return before which it may take effect.
    pub(super) from: u32,
    /// See [`Planned::after`].
    pub(super) after: u32,
}

pub(super) struct Plan {
    pub(super) planned: Vec<Planned>,
    /// The operations in the order of their returns.
    pub(super) returns: Vec<u32>,
    /// For each return, how many operations were invoked before it.
    pub(super) opened: Vec<u32>,
    /// Class by class, the oldest first.
    pub(super) loose: Vec<Loose>,
    pub(super) classes: Vec<Class>,
    /// The classes that can help only until some return, in the order of these returns.
    pub(super) retiring: Vec<u32>,
    /// Whether one of these is anything but a write.
    pub(super) loose_sharp: bool,
    /// How many operations are open at once, at most.
    pub(super) slots: u32,
    /// For each return, its rank among all completions of the history.
    pub(super) ranks: Vec<u32>,
    /// For each return, the first return from there on that belongs to an observer; one past the last if there is none.
    pub(super) observer: Vec<u32>,
}

/// One key's events, before they are laid out.
#[derive(Default)]
pub(super) struct Share {
    /// Operations that may have taken effect, in order of invocation.
    pub(super) operations: Vec<u32>,
    /// Those known to have, in order of completion, with their rank among all completions.
    pub(super) completions: Vec<(u32, u32)>,
}

/// What is taken to happen first where one operation completes and another is invoked at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// Neither: they are concurrent, unless they are of one client.
    Concurrent,
    /// What was recorded first. Whatever has an order then has one.
    AsRecorded,
}

impl Plan {
    /// `places` is scratch: it has room for each operation of the history.
    pub(super) fn new(object: &mut dyn Object, share: &Share, ties: Ties, places: &mut [u32]) -> Self {
        let mut plan = Self::laid_out(object, share, ties, places);
        plan.classify(&mut object.steps());
        plan
    }

    /// For a history that goes on: what an operation of unknown outcome is good for is not known yet.
    pub(super) fn unfinished(object: &mut dyn Object, share: &Share, places: &mut [u32]) -> Self {
        let mut plan = Self::laid_out(object, share, Ties::Concurrent, places);
        plan.classify_all(object.table());
        plan
    }

    fn laid_out(object: &mut dyn Object, share: &Share, ties: Ties, places: &mut [u32]) -> Self {
        let count = share.completions.len();
        let plan = Self {
            planned: Vec::with_capacity(count),
            returns: Vec::with_capacity(count),
            opened: Vec::with_capacity(count),
            loose: Vec::new(),
            classes: Vec::new(),
            retiring: Vec::new(),
            loose_sharp: false,
            slots: 0,
            ranks: Vec::with_capacity(count),
            observer: Vec::new(),
        };
        let mut planner = Planner { object, places, free: Vec::new(), plan };
        match ties {
            Ties::Concurrent => planner.lay_out(share),
            Ties::AsRecorded => planner.lay_out_as_recorded(share),
        }
        let Planner { object, mut plan, .. } = planner;
        plan.find_observers(object.table());
        plan
    }

    /// The operations that were invoked before the first `limit` returns had passed, each with the first return before which it can take
    /// effect.
    pub(super) fn spans(&self, limit: u32) -> impl Iterator<Item = (&Planned, u32)> {
        let mut event = 0;
        let opened = if limit == 0 { 0 } else { self.opened[limit as usize - 1] };
        self.planned[..opened as usize].iter().enumerate().map(move |(place, planned)| {
            while self.opened[event] as usize <= place {
                event += 1;
            }
            (planned, event as u32)
        })
    }

    /// Whether clients were busy at one instant so that one operation must follow another that it overlaps.
    pub(super) fn is_tied(&self) -> bool {
        self.planned.iter().any(|operation| operation.tied) || self.loose.iter().any(|loose| loose.after != NONE)
    }

    fn find_observers(&mut self, table: &Table) {
        let count = self.returns.len();
        self.observer = vec![count as u32; count + 1];
        for event in (0..count).rev() {
            let kind = self.planned[self.returns[event] as usize].kind;
            let here = table.part(kind) == Part::Observer;
            self.observer[event] = if here { event as u32 } else { self.observer[event + 1] };
        }
    }
}

struct Planner<'p> {
    object: &'p mut dyn Object,
    /// For each open operation of the history, its place in the plan.
    places: &'p mut [u32],
    /// Slots that were used before and are free.
    free: Vec<u32>,
    plan: Plan,
}

impl Planner<'_> {
    /// Goes through the events instant by instant. What completes and what is invoked at one instant are concurrent, unless they are of
    /// one client.
    fn lay_out(&mut self, share: &Share) {
        let (mut invoked, mut returned) = (0, 0);
        while invoked < share.operations.len() || returned < share.completions.len() {
            let timeline = self.object.timeline();
            let invocation = share.operations.get(invoked).map(|index| timeline.invoked(*index as usize));
            let completion = share.completions.get(returned).and_then(|(index, _)| timeline.completed(*index as usize));
            match (invocation, completion) {
                (Some(invocation), Some(completion)) if invocation == completion => {
                    let invocations =
                        share.operations[invoked..].iter().take_while(|index| timeline.invoked(**index as usize) == invocation).count();
                    let completions = share.completions[returned..]
                        .iter()
                        .take_while(|(index, _)| timeline.completed(*index as usize) == Some(completion))
                        .count();
                    self.tie(&share.operations[invoked..invoked + invocations], &share.completions[returned..returned + completions]);
                    invoked += invocations;
                    returned += completions;
                }
                (Some(invocation), completion) if completion.is_none_or(|completion| invocation < completion) => {
                    self.invoke(share.operations[invoked], NONE);
                    invoked += 1;
                }
                _ => {
                    self.complete(share.completions[returned]);
                    returned += 1;
                }
            }
        }
    }

    /// Goes through the events one by one, in the order in which they were recorded.
    fn lay_out_as_recorded(&mut self, share: &Share) {
        let mut invocations = share.operations.iter().peekable();
        for completion in &share.completions {
            let rank = completion.1 as usize;
            while let Some(index) = invocations.next_if(|index| self.object.timeline().recorded_before(**index as usize, rank)) {
                self.invoke(*index, NONE);
            }
            self.complete(*completion);
        }
        invocations.for_each(|index| self.invoke(*index, NONE));
    }

    /// Operations that are invoked, and others that complete, at one instant.
    fn tie(&mut self, invocations: &[u32], completions: &[(u32, u32)]) {
        let timeline = self.object.timeline();
        let client = |index: u32| timeline.client(index as usize);
        let first = client(invocations[0]);
        let alone = invocations.iter().all(|index| client(*index) == first) && completions.iter().all(|(index, _)| client(*index) == first);
        if alone {
            // One client does one thing after the other, and nobody else is there to be concurrent with.
            let mut completions = completions.iter().peekable();
            for index in invocations {
                while let Some(completion) = completions.next_if(|(completed, _)| completed < index) {
                    self.complete(*completion);
                }
                self.invoke(*index, NONE);
            }
            completions.for_each(|completion| self.complete(*completion));
            return;
        }
        // All are open together; only what one client did one after the other is in order.
        let mut done: Vec<_> = completions.iter().map(|(index, _)| (client(*index), *index)).collect();
        done.sort_unstable();
        for index in invocations {
            let client = self.object.timeline().client(*index as usize);
            let earlier = done.partition_point(|other| *other < (client, *index));
            let after = done[..earlier].last().filter(|(other, _)| *other == client).map_or(NONE, |(_, op)| self.places[*op as usize]);
            self.invoke(*index, after);
        }
        completions.iter().for_each(|completion| self.complete(*completion));
    }

    fn invoke(&mut self, index: u32, after: u32) {
        let kind = self.object.kind(index);
        if self.object.timeline().outcome(index as usize) == Outcome::Unknown {
            // An observer whose answer nobody saw constrains nothing.
            if self.object.table().part(kind) == Part::Observer {
                return;
            }
            self.plan.loose.push(Loose { index, kind, from: self.plan.returns.len() as u32, after });
        } else {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.plan.slots += 1;
                self.plan.slots - 1
            });
            self.places[index as usize] = self.plan.planned.len() as u32;
            self.plan.planned.push(Planned { index, kind, slot, returns: NONE, after, tied: after != NONE });
        }
        if after != NONE {
            self.plan.planned[after as usize].tied = true;
        }
    }

    fn complete(&mut self, (index, rank): (u32, u32)) {
        let place = self.places[index as usize];
        let operation = &mut self.plan.planned[place as usize];
        operation.returns = self.plan.returns.len() as u32;
        self.free.push(operation.slot);
        self.plan.returns.push(place);
        self.plan.opened.push(self.plan.planned.len() as u32);
        self.plan.ranks.push(rank);
    }
}
