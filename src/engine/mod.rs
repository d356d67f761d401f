//! The discrete-event machine: what happens next, and when a run has had enough.
//!
//! Events are handed out in the order of their time and, at equal times, in the order in which they were scheduled. The clock is virtual:
//! it jumps from event to event, so that idle time costs nothing. What an event means is for the caller to know.
//!
//! ```
//! use stormglass::base::Time;
//! use stormglass::engine::{Advance, Budget, Engine};
//!
//! let mut engine = Engine::new(Budget { until: Time::from_nanos(100), ..Budget::UNLIMITED });
//! engine.schedule(Time::from_nanos(20), "second");
//! engine.schedule(Time::from_nanos(20), "third");
//! engine.schedule(Time::from_nanos(10), "first");
//! let never = engine.schedule(Time::from_nanos(30), "cancelled");
//! engine.schedule(Time::from_nanos(101), "too late");
//! assert_eq!(engine.cancel(never), Some("cancelled"));
//!
//! let mut order = vec![];
//! while let Advance::Event(event) = engine.next() {
//!     order.push((engine.now().as_nanos(), event));
//! }
//! assert_eq!(order, [(10, "first"), (20, "second"), (20, "third")]);
//! assert_eq!(engine.next(), Advance::Later);
//! ```

mod key;
mod queue;
mod ring;
mod slots;

use std::fmt;

use crate::base::Time;

use self::key::{Key, Stamp};
use self::queue::Queue;
use self::slots::Slots;

/// A queue of events, a clock, and a budget.
#[derive(Debug)]
pub struct Engine<E> {
    queue: Queue,
    slots: Slots<E>,
    budget: Budget,
    now: Time,
    /// Events handed out so far.
    events: u64,
    /// What `events` may reach before the clock must move.
    instant_end: u64,
    /// The sequence number of the next event to be scheduled.
    sequence: u64,
    /// Which run this is since the engine was made, so that no ticket outlives its own.
    run: u32,
    /// Why an event could not be scheduled.
    refused: Option<Limit>,
}

/// How much may happen in a run. Counted in events and simulated time, never in wall time, so that it ends at the same place everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// At most this many events are handed out.
    pub events: u64,
    /// The last instant whose events are handed out.
    pub until: Time,
    /// At most this many events are handed out at one instant. A run that asks for more is spinning: it makes no headway in time.
    pub same_instant: u64,
}

impl Budget {
    /// No limits but the engine's own, [`Limit::Pending`] and [`Limit::Scheduled`].
    pub const UNLIMITED: Self = Self { events: u64::MAX, until: Time::MAX, same_instant: u64::MAX };
}

/// What [`Engine::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance<E> {
    /// This happens now; the clock has been moved.
    Event(E),
    /// Nothing is pending at all.
    Idle,
    /// Everything that is pending comes later than [`Budget::until`].
    Later,
    /// Something is due, but a limit was reached. It stays pending.
    Exhausted(Limit),
}

/// The limit that ended a run too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Budget::events`] have been handed out.
    Events,
    /// [`Budget::same_instant`] events have been handed out without the clock moving: the run is spinning.
    SameInstant,
    /// More than 2²⁴ − 1 events were pending at once.
    Pending,
    /// More than 2⁴⁰ − 1 events were scheduled in one run.
    Scheduled,
}

/// Names a scheduled event, to cancel it. A ticket whose event has been handed out or cancelled, or whose run was reset, names nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    stamp: Stamp,
    run: u32,
}

/// Depends on nothing but the run: not on how many the engine has served before.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.stamp.sequence()).finish()
    }
}

impl<E> Engine<E> {
    /// An engine at time zero with nothing to do.
    pub const fn new(budget: Budget) -> Self {
        Self {
            queue: Queue::new(),
            slots: Slots::new(),
            budget,
            now: Time::ZERO,
            events: 0,
            instant_end: budget.same_instant,
            sequence: 0,
            run: 0,
            refused: None,
        }
    }

    /// Begins a new run at time zero: as a new engine would, but with the memory of the old. Pending events are dropped and all tickets
    /// void.
    pub fn reset(&mut self, budget: Budget) {
        self.queue.clear();
        self.slots.clear();
        self.budget = budget;
        self.now = Time::ZERO;
        self.events = 0;
        self.instant_end = budget.same_instant;
        self.sequence = 0;
        self.run = self.run.wrapping_add(1);
        self.refused = None;
    }

    /// The instant of the event handed out last; zero before the first.
    #[inline]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// How many events have been handed out.
    #[inline]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// How many events are scheduled and neither handed out nor cancelled.
    #[inline]
    pub const fn pending(&self) -> usize {
        self.slots.occupied()
    }

    /// Lets an event happen at this instant, after all that are scheduled for the same instant already.
    ///
    /// When the engine has no room for it ([`Limit::Pending`], [`Limit::Scheduled`]), the event is dropped, the ticket is void, and from
    /// then on [`next`](Self::next) returns the limit and no more events: a run that lacks an event is not the run that was asked for.
    ///
    /// # Panics
    /// If the instant has passed. No input asks for that, only a mistake in the caller does.
    #[inline]
    pub fn schedule(&mut self, at: Time, event: E) -> Ticket {
        assert!(at >= self.now, "an event cannot be scheduled for {at}: it is {} already", self.now);
        let stamp = self.admit(event);
        if let Some(stamp) = stamp {
            self.queue.push(Key::new(at, stamp));
        }
        Ticket { stamp: stamp.unwrap_or(Stamp::NONE), run: self.run }
    }

    /// Takes an event back, if it is still to happen.
    #[inline]
    pub fn cancel(&mut self, ticket: Ticket) -> Option<E> {
        if ticket.run != self.run {
            return None;
        }
        let event = self.slots.take(ticket.stamp)?;
        self.queue.bury(|stamp| self.slots.holds(stamp));
        Some(event)
    }

    /// Moves the clock to the next event and hands that out, unless there is none or a limit forbids it. The clock stays where it is then:
    /// stopping changes nothing, and once the limit is moved the run goes on as if it had never stopped.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not be asked for the time, or given more events, between two items"
    )]
    pub fn next(&mut self) -> Advance<E> {
        if let Some(limit) = self.refused {
            return Advance::Exhausted(limit);
        }
        let Some(first) = self.queue.first(|stamp| self.slots.holds(stamp)) else { return Advance::Idle };
        let key = first.key;
        if key.time() > self.budget.until {
            return Advance::Later;
        }
        if self.events >= self.budget.events {
            return Advance::Exhausted(Limit::Events);
        }
        let moves = key.time() > self.now;
        let instant_end = if moves { self.events.saturating_add(self.budget.same_instant) } else { self.instant_end };
        if self.events >= instant_end {
            return Advance::Exhausted(Limit::SameInstant);
        }
        debug_assert!(key.time() >= self.now, "time never goes back");
        self.now = key.time();
        self.instant_end = instant_end;
        self.events += 1;
        self.queue.pop(first);
        let event = self.slots.take(key.stamp()).expect("the queue found the event alive");
        Advance::Event(event)
    }

    /// Changes the last instant whose events are handed out: to begin the next phase of a run.
    pub const fn set_until(&mut self, until: Time) {
        self.budget.until = until;
    }

    /// What is scheduled and neither handed out nor cancelled, and when it happens, in no order.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = (Time, &E)> {
        self.queue.keys().filter_map(|key| Some((key.time(), self.slots.read(key.stamp())?)))
    }

    /// What holds between any two calls; it costs a constant.
    pub(crate) fn invariants(&self) {
        assert_eq!(self.queue.living(), self.pending(), "each pending event has one key in the queue, and each living key an event");
        assert!(self.events + self.pending() as u64 <= self.sequence, "what is handed out or pending has been scheduled");
        assert!(self.events <= self.budget.events && self.events <= self.instant_end, "no more is handed out than the budget allows");
    }

    /// A place for the event, or a note of why there is none.
    #[inline]
    fn admit(&mut self, event: E) -> Option<Stamp> {
        if self.sequence == Stamp::SEQUENCE_END {
            self.refused.get_or_insert(Limit::Scheduled);
            return None;
        }
        let stamp = self.slots.put(self.sequence, event);
        if stamp.is_none() {
            self.refused.get_or_insert(Limit::Pending);
        }
        self.sequence += 1;
        stamp
    }
}

#[cfg(test)]
mod tests;
