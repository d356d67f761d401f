//! The timers of one node, re-armed lazily.
//!
//! Protocols move their timers far more often than these fire: an election timeout moves with each heartbeat. So moving a timer to a later
//! time costs no event: the wake-up that is already under way finds the timer not due yet and goes back to sleep until it is. And what has
//! fired is mostly set again at once, by what handles it: the timer that fired last keeps its place until the next one fires.

use crate::base::Time;

/// Timers by name, each with at most one wake-up that counts.
#[derive(Debug)]
pub(super) struct Timers<T> {
    slots: Vec<Slot<T>>,
    /// The slots in use, by timer. A node has few timers at a time; a sorted list serves them, and hundreds, well.
    order: Vec<(T, u32)>,
    free: Vec<u32>,
    /// The slot of the timer that fired last, unless that was given up since.
    fired: Option<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    timer: T,
    /// When it fires; nothing while it is cancelled and its wake-up still under way, or it has fired.
    due: Option<Time>,
    /// When its wake-up comes, if one is under way.
    wake: Option<Time>,
    /// The record that it was set in the wake of.
    set_by: Option<u64>,
    /// Tells that wake-up from those that came before. Never set back, so that none is taken for another after a crash.
    generation: u32,
}

/// A wake-up to be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alarm {
    pub(super) at: Time,
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// What a wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WakeUp<T> {
    /// For nothing: the timer was cancelled, or moved to an earlier time and has fired.
    Stale,
    /// The timer was moved on: wake again then.
    Later(Alarm),
    /// The timer fires now; it was set in the wake of this record.
    Fires(T, Option<u64>),
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), order: Vec::new(), free: Vec::new(), fired: None }
    }
}

impl<T: Copy + Ord> Timers<T> {
    /// Sets or moves a timer, in the wake of a record; returns a wake-up to be scheduled, unless one that is under way comes early enough.
    #[inline]
    pub(super) fn set(&mut self, timer: T, due: Time, by: Option<u64>) -> Option<Alarm> {
        match self.place(&timer) {
            Ok(place) => {
                let slot = self.order[place].1;
                let state = &mut self.slots[slot as usize];
                state.due = Some(due);
                state.set_by = by;
                if state.wake.is_some_and(|wake| wake <= due) {
                    return None;
                }
                state.wake = Some(due);
                state.generation += 1;
                Some(Alarm { at: due, slot, generation: state.generation })
            }
            Err(place) => {
                let slot = self.take_slot(Slot { timer, due: Some(due), wake: Some(due), set_by: by, generation: 0 });
                self.order.insert(place, (timer, slot));
                Some(Alarm { at: due, slot, generation: self.slots[slot as usize].generation })
            }
        }
    }

    /// Cancels a timer, if it is set.
    #[inline]
    pub(super) fn cancel(&mut self, timer: &T) {
        if let Ok(place) = self.place(timer) {
            self.slots[self.order[place].1 as usize].due = None;
        }
    }

    /// Answers a wake-up.
    #[inline]
    pub(super) fn fire(&mut self, slot: u32, generation: u32, now: Time) -> WakeUp<T> {
        let state = &mut self.slots[slot as usize];
        if state.generation != generation {
            return WakeUp::Stale;
        }
        match state.due {
            Some(due) if due > now => {
                state.wake = Some(due);
                state.generation += 1;
                WakeUp::Later(Alarm { at: due, slot, generation: state.generation })
            }
            due => {
                let (timer, set_by) = (state.timer, state.set_by);
                (state.due, state.wake) = (None, None);
                state.generation += 1;
                self.keep(slot);
                if due.is_some() { WakeUp::Fires(timer, set_by) } else { WakeUp::Stale }
            }
        }
    }

    /// The timers that are set, in order, and when each is due.
    pub(super) fn set_ones(&self) -> impl Iterator<Item = (&T, Time)> {
        self.order.iter().filter_map(|(timer, slot)| Some((timer, self.slots[*slot as usize].due?)))
    }

    /// Keeps the place of a timer that has fired, and no longer that of the one before, unless that is set again.
    #[inline]
    fn keep(&mut self, slot: u32) {
        if let Some(before) = self.fired.replace(slot)
            && before != slot
            && self.slots[before as usize].wake.is_none()
        {
            self.release(before);
        }
    }

    /// Forgets all timers: the node has crashed.
    pub(super) fn clear(&mut self) {
        self.fired = None;
        while let Some(&(_, slot)) = self.order.last() {
            self.release(slot);
        }
    }

    /// What holds between any two calls; it costs a constant.
    pub(super) fn invariants(&self) {
        assert_eq!(self.order.len() + self.free.len(), self.slots.len(), "each slot is a timer's, or free");
    }

    fn place(&self, timer: &T) -> Result<usize, usize> {
        self.order.binary_search_by(|(other, _)| other.cmp(timer))
    }

    fn take_slot(&mut self, new: Slot<T>) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                let state = &mut self.slots[slot as usize];
                *state = Slot { generation: state.generation, ..new };
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() as u32 - 1
            }
        }
    }

    fn release(&mut self, slot: u32) {
        let state = &mut self.slots[slot as usize];
        state.generation += 1;
        let place = self.order.binary_search_by(|(other, _)| other.cmp(&state.timer)).expect("a slot in use is in the order");
        self.order.remove(place);
        self.free.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Set(u8, u64),
        Cancel(u8),
        Pass(u64),
        Crash,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0..4_u8, 0..30_u64).prop_map(|(timer, after)| Act::Set(timer, after)),
            1 => (0..4_u8).prop_map(Act::Cancel),
            3 => (1..20_u64).prop_map(Act::Pass),
            1 => Just(Act::Crash),
        ]
    }

    proptest! {
        /// The lazy timers fire exactly when plain ones do.
        #[test]
        fn lazy_timers_fire_when_plain_ones_do(acts in prop::collection::vec(act(), 0..60)) {
            let (mut lazy, mut plain) = (Timers::default(), BTreeMap::new());
            let (mut alarms, mut now) = (Vec::<Alarm>::new(), 0);
            for act in acts {
                match act {
                    Act::Set(timer, after) => {
                        plain.insert(timer, (now + after, now));
                        alarms.extend(lazy.set(timer, Time::from_nanos(now + after), Some(now)));
                    }
                    Act::Cancel(timer) => {
                        plain.remove(&timer);
                        lazy.cancel(&timer);
                    }
                    Act::Crash => {
                        plain.clear();
                        lazy.clear();
                    }
                    Act::Pass(length) => {
                        let until = now + length;
                        let ready = plain.iter().filter(|(_, (due, _))| *due <= until);
                        let mut wanted: Vec<(u64, u8, u64)> = ready.map(|(timer, (due, set))| (*due, *timer, *set)).collect();
                        plain.retain(|_, (due, _)| *due > until);
                        let mut fired = Vec::new();
                        let next = |alarms: &[Alarm]| {
                            let ready = (0..alarms.len()).filter(|place| alarms[*place].at.as_nanos() <= until);
                            ready.min_by_key(|place| alarms[*place].at)
                        };
                        while let Some(place) = next(&alarms) {
                            let alarm = alarms.remove(place);
                            match lazy.fire(alarm.slot, alarm.generation, alarm.at) {
                                WakeUp::Stale => {}
                                WakeUp::Later(next) => alarms.push(next),
                                WakeUp::Fires(timer, set) => fired.push((alarm.at.as_nanos(), timer, set.expect("each is set by one"))),
                            }
                        }
                        wanted.sort_unstable();
                        fired.sort_unstable();
                        prop_assert_eq!(fired, wanted);
                        now = until;
                    }
                }
            }
        }
    }
}
