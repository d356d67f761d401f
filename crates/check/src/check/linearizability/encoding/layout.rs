//! Goes through the events of a key in time and numbers what happens.

use super::machine::{InternedRole, Object};
use super::operations::{Completed, Encoding, Indeterminate, NONE};
use crate::check::linearizability::partition::KeyEvents;
use crate::history::Outcome;

/// What completes and what is invoked at one instant are concurrent, unless they are of one client.
pub(super) fn by_time(object: &mut dyn Object, events: &KeyEvents, places: &mut [u32]) -> Encoding {
    let mut encoder = Encoder::new(object, events, places);
    encoder.by_time(events);
    encoder.finish()
}

/// What was recorded first happened first.
pub(super) fn as_recorded(object: &mut dyn Object, events: &KeyEvents, places: &mut [u32]) -> Encoding {
    let mut encoder = Encoder::new(object, events, places);
    encoder.as_recorded(events);
    encoder.finish()
}

struct Encoder<'p> {
    object: &'p mut dyn Object,
    /// For each open operation of the history, its place in the encoding.
    places: &'p mut [u32],
    /// Slots that were used before and are free.
    free: Vec<u32>,
    encoding: Encoding,
}

impl<'p> Encoder<'p> {
    fn new(object: &'p mut dyn Object, events: &KeyEvents, places: &'p mut [u32]) -> Self {
        let count = events.completions.len();
        let encoding = Encoding {
            completed: Vec::with_capacity(count),
            returns: Vec::with_capacity(count),
            opened: Vec::with_capacity(count),
            indeterminate: Vec::new(),
            classes: Vec::new(),
            prunable: Vec::new(),
            any_sensitive: false,
            slots: 0,
            ranks: Vec::with_capacity(count),
            observer: Vec::new(),
        };
        Self { object, places, free: Vec::new(), encoding }
    }

    /// Goes through the events instant by instant.
    fn by_time(&mut self, events: &KeyEvents) {
        let (mut invoked, mut returned) = (0, 0);
        while invoked < events.operations.len() || returned < events.completions.len() {
            let timeline = self.object.timeline();
            let invocation = events.operations.get(invoked).map(|index| timeline.invoked(*index as usize));
            let completion = events.completions.get(returned).and_then(|(index, _)| timeline.completed(*index as usize));
            match (invocation, completion) {
                (Some(invocation), Some(completion)) if invocation == completion => {
                    let invocations =
                        events.operations[invoked..].iter().take_while(|index| timeline.invoked(**index as usize) == invocation).count();
                    let completions = events.completions[returned..]
                        .iter()
                        .take_while(|(index, _)| timeline.completed(*index as usize) == Some(completion))
                        .count();
                    self.tie(&events.operations[invoked..invoked + invocations], &events.completions[returned..returned + completions]);
                    invoked += invocations;
                    returned += completions;
                }
                (Some(invocation), completion) if completion.is_none_or(|completion| invocation < completion) => {
                    self.invoke(events.operations[invoked], NONE);
                    invoked += 1;
                }
                _ => {
                    self.complete(events.completions[returned]);
                    returned += 1;
                }
            }
        }
    }

    /// Goes through the events one by one, in the order in which they were recorded.
    fn as_recorded(&mut self, events: &KeyEvents) {
        let mut invocations = events.operations.iter().peekable();
        for completion in &events.completions {
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
            // One client does one thing after the other, and there is no other to be concurrent with.
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
            // An observer whose answer is unknown constrains nothing.
            if self.object.table().role(kind) == InternedRole::Observer {
                return;
            }
            self.encoding.indeterminate.push(Indeterminate { index, kind, from: self.encoding.returns.len() as u32, after });
        } else {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.encoding.slots += 1;
                self.encoding.slots - 1
            });
            self.places[index as usize] = self.encoding.completed.len() as u32;
            self.encoding.completed.push(Completed { index, kind, slot, returns: NONE, after, tied: after != NONE });
        }
        if after != NONE {
            self.encoding.completed[after as usize].tied = true;
        }
    }

    fn complete(&mut self, (index, rank): (u32, u32)) {
        let place = self.places[index as usize];
        let operation = &mut self.encoding.completed[place as usize];
        operation.returns = self.encoding.returns.len() as u32;
        self.free.push(operation.slot);
        self.encoding.returns.push(place);
        self.encoding.opened.push(self.encoding.completed.len() as u32);
        self.encoding.ranks.push(rank);
    }

    fn finish(self) -> Encoding {
        let Self { object, mut encoding, .. } = self;
        let count = encoding.returns.len();
        encoding.observer = vec![count as u32; count + 1];
        for event in (0..count).rev() {
            let kind = encoding.completed[encoding.returns[event] as usize].kind;
            let here = object.table().role(kind) == InternedRole::Observer;
            encoding.observer[event] = if here { event as u32 } else { encoding.observer[event + 1] };
        }
        encoding
    }
}
