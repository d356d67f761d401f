//! The engine beside a twin that is obviously right: a sorted map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::Duration;

/// What the engine should do, done plainly.
struct Twin {
    pending: BTreeMap<(Time, u64), u64>,
    budget: Budget,
    now: Time,
    events: u64,
    events_now: u64,
    scheduled: u64,
}

impl Twin {
    fn new(budget: Budget) -> Self {
        Self { pending: BTreeMap::new(), budget, now: Time::ZERO, events: 0, events_now: 0, scheduled: 0 }
    }

    fn schedule(&mut self, at: Time, event: u64) -> (Time, u64) {
        let name = (at, self.scheduled);
        self.scheduled += 1;
        self.pending.insert(name, event);
        name
    }

    fn next(&mut self) -> Advance<u64> {
        let Some((&(time, sequence), &event)) = self.pending.first_key_value() else { return Advance::Idle };
        let events_then = if time == self.now { self.events_now } else { 0 };
        if time > self.budget.until {
            Advance::Later
        } else if self.events == self.budget.events {
            Advance::Exhausted(Limit::Events)
        } else if events_then == self.budget.same_instant {
            Advance::Exhausted(Limit::SameInstant)
        } else {
            self.pending.remove(&(time, sequence));
            self.now = time;
            self.events += 1;
            self.events_now = events_then + 1;
            Advance::Event(event)
        }
    }
}

/// Both, made to do the same and compared after each step. An event is its number.
struct Pair {
    engine: Engine<u64>,
    twin: Twin,
    tickets: Vec<(Ticket, (Time, u64))>,
}

impl Pair {
    fn new(budget: Budget) -> Self {
        Self { engine: Engine::new(budget), twin: Twin::new(budget), tickets: vec![] }
    }

    fn reset(&mut self, budget: Budget) {
        self.engine.reset(budget);
        self.twin = Twin::new(budget);
        for (ticket, _) in &self.tickets {
            assert_eq!(self.engine.cancel(*ticket), None, "a ticket outlived its run");
        }
        self.tickets.clear();
    }

    fn schedule(&mut self, delay: u64) {
        let at = self.engine.now() + Duration::from_nanos(delay);
        let number = self.twin.scheduled;
        self.tickets.push((self.engine.schedule(at, number), self.twin.schedule(at, number)));
    }

    /// Cancels one of all that were ever scheduled, so that many tickets are stale.
    fn cancel(&mut self, choice: usize) {
        if !self.tickets.is_empty() {
            let (ticket, name) = self.tickets[choice % self.tickets.len()];
            assert_eq!(self.engine.cancel(ticket), self.twin.pending.remove(&name));
            assert_eq!(self.engine.cancel(ticket), None);
        }
    }

    fn next(&mut self) -> bool {
        let step = self.engine.next();
        assert_eq!(step, self.twin.next());
        assert_eq!(self.engine.now(), self.twin.now);
        assert_eq!(self.engine.events(), self.twin.events);
        assert_eq!(self.engine.pending(), self.twin.pending.len());
        matches!(step, Advance::Event(_))
    }

    fn check(&self) {
        self.engine.invariants();
        self.engine.queue.check(|stamp| self.engine.slots.holds(stamp));
        assert!(self.engine.queue.len() <= 2 * self.engine.pending() + 100, "cancelled events leave no lasting trace");
    }
}

#[derive(Clone, Debug)]
enum Act {
    Schedule(Vec<u64>),
    Cancel(Vec<usize>),
    Advance(usize),
    /// Advance until nothing is left at or before `until`.
    Drain,
    Until(u64),
    Reset(Budget),
}

fn delay() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        3 => 0..4_u64,
        3 => 0..10_000_u64,
        3 => 1_000_000..10_000_000_u64,
        1 => any::<u64>(),
        1 => u64::MAX - 3..=u64::MAX,
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    let events = prop_oneof![Just(u64::MAX), 0..2_000_u64];
    let until = prop_oneof![Just(u64::MAX), delay()].prop_map(Time::from_nanos);
    let same_instant = prop_oneof![Just(u64::MAX), 0..60_u64];
    (events, until, same_instant).prop_map(|(events, until, same_instant)| Budget { events, until, same_instant })
}

fn act() -> impl Strategy<Value = Act> {
    let number = || prop_oneof![4 => 0..8_usize, 1 => 0..300_usize];
    prop_oneof![
        6 => prop::collection::vec(delay(), 0..8).prop_map(Act::Schedule),
        2 => prop::collection::vec(delay(), 0..300).prop_map(Act::Schedule),
        4 => number().prop_flat_map(|number| prop::collection::vec(any::<usize>(), number)).prop_map(Act::Cancel),
        8 => number().prop_map(Act::Advance),
        1 => Just(Act::Drain),
        1 => delay().prop_map(Act::Until),
        1 => budget().prop_map(Act::Reset),
    ]
}

fn perform(pair: &mut Pair, act: Act) {
    match act {
        Act::Schedule(delays) => delays.into_iter().for_each(|delay| pair.schedule(delay)),
        Act::Cancel(choices) => choices.into_iter().for_each(|choice| pair.cancel(choice)),
        Act::Advance(count) => (0..count).for_each(|_| _ = pair.next()),
        Act::Drain => while pair.next() {},
        Act::Until(until) => {
            pair.engine.set_until(Time::from_nanos(until));
            pair.twin.budget.until = Time::from_nanos(until);
        }
        Act::Reset(budget) => pair.reset(budget),
    }
    pair.check();
}

/// A stretch of a run with a steady load: each event schedules another until the number pending has come to `pending`.
#[derive(Clone, Debug)]
struct Phase {
    pending: usize,
    delay_log2: u32,
    events: usize,
    cancel_every: usize,
    /// One delay in this many is a thousand times as long, one in as many is zero.
    outlier_every: usize,
}

fn phase() -> impl Strategy<Value = Phase> {
    let pending = prop_oneof![0..10_usize, 10..40_usize, 40..200_usize, 200..2_000_usize];
    (pending, 0..40_u32, 0..3_000_usize, 1..50_usize, 2..50_usize).prop_map(|(pending, delay_log2, events, cancel_every, outlier_every)| {
        Phase { pending, delay_log2, events, cancel_every, outlier_every }
    })
}

fn pass(pair: &mut Pair, phase: &Phase) {
    for step in 0..phase.events {
        if !pair.next() && phase.pending == 0 {
            break;
        }
        let word = crate::base::RunKey::from_seed(step as u64).word(phase.delay_log2.into(), 0);
        let mut delay = word >> (63 - phase.delay_log2);
        if step.is_multiple_of(phase.outlier_every) {
            delay = if word.is_multiple_of(2) { 0 } else { delay * 1_000 };
        }
        let missing = phase.pending.saturating_sub(pair.engine.pending());
        (0..missing.min(3)).for_each(|n| pair.schedule(delay + n as u64));
        if step.is_multiple_of(phase.cancel_every) {
            pair.cancel(word as usize);
        }
    }
    pair.check();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_a_sorted_map_does(budget in budget(), acts in prop::collection::vec(act(), 0..40)) {
        let mut pair = Pair::new(budget);
        acts.into_iter().for_each(|act| perform(&mut pair, act));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn changing_load_does_not_show(phases in prop::collection::vec(phase(), 1..8)) {
        let mut pair = Pair::new(Budget::UNLIMITED);
        phases.iter().for_each(|phase| pass(&mut pair, phase));
        while pair.next() {}
    }
}

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

fn schedule_at(engine: &mut Engine<()>, times: &[u64]) {
    for time in times {
        engine.schedule(at(*time), ());
    }
}

/// All that is handed out, with its time, and the step that ended it.
fn drain<E>(engine: &mut Engine<E>) -> (Vec<(u64, E)>, Advance<E>) {
    let mut events = vec![];
    loop {
        match engine.next() {
            Advance::Event(event) => events.push((engine.now().as_nanos(), event)),
            end => return (events, end),
        }
    }
}

/// The three homes of keys are all lived in, and left again: or the properties above would test little.
#[test]
fn the_ring_opens_and_closes_with_the_load() {
    let mut pair = Pair::new(Budget::UNLIMITED);
    let mut shapes = vec![];
    for (pending, delay_log2) in [(10, 20), (1_000, 20), (1_000, 30), (5, 20)] {
        pass(&mut pair, &Phase { pending, delay_log2, events: 6_000, cancel_every: 100, outlier_every: 40 });
        shapes.push(pair.engine.queue.ring_geometry());
    }
    assert!(matches!(shapes[..], [None, Some(narrow), Some(wide), None] if narrow.width_log2 + 5 < wide.width_log2), "{shapes:?}");
}

#[test]
fn the_ring_follows_a_clock_that_leaps() {
    let mut pair = Pair::new(Budget::UNLIMITED);
    let load = Phase { pending: 500, delay_log2: 20, events: 5_000, cancel_every: 100, outlier_every: 50 };
    for _ in 0..4 {
        pass(&mut pair, &load);
        pair.schedule(1 << 50);
        while pair.next() {}
    }
    pass(&mut pair, &load);
    assert!(pair.engine.queue.ring_geometry().is_some());
}

#[test]
fn until_is_inclusive_and_can_be_moved() {
    let mut engine = Engine::new(Budget { until: at(5), ..Budget::UNLIMITED });
    schedule_at(&mut engine, &[4, 6, 5]);
    assert_eq!(drain(&mut engine), (vec![(4, ()), (5, ())], Advance::Later));
    assert_eq!((engine.now(), engine.pending()), (at(5), 1));
    engine.set_until(at(6));
    assert_eq!(drain(&mut engine), (vec![(6, ())], Advance::Idle));
}

#[test]
fn the_last_instant_is_an_instant_like_others() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    engine.schedule(Time::MAX, 1);
    engine.schedule(Time::MAX, 2);
    assert_eq!(engine.next(), Advance::Event(1));
    engine.schedule(Time::MAX, 3);
    assert_eq!(drain(&mut engine), (vec![(u64::MAX, 2), (u64::MAX, 3)], Advance::Idle));
}

#[test]
fn a_budget_of_events_is_spent_to_the_last() {
    let mut engine = Engine::new(Budget { events: 2, ..Budget::UNLIMITED });
    schedule_at(&mut engine, &[1, 2]);
    assert_eq!(drain(&mut engine), (vec![(1, ()), (2, ())], Advance::Idle));
    engine.schedule(at(3), ());
    assert_eq!(engine.next(), Advance::Exhausted(Limit::Events));
    assert_eq!((engine.now(), engine.events(), engine.pending()), (at(2), 2, 1));
}

#[test]
fn a_run_that_spins_is_stopped() {
    let mut engine = Engine::new(Budget { same_instant: 3, ..Budget::UNLIMITED });
    engine.schedule(at(7), 0);
    let mut handed_out = 0;
    let end = loop {
        match engine.next() {
            Advance::Event(number) => _ = engine.schedule(engine.now(), number + 1),
            end => break end,
        }
        handed_out += 1;
    };
    assert_eq!((handed_out, end, engine.now()), (3, Advance::Exhausted(Limit::SameInstant), at(7)));
}

#[test]
fn headway_in_time_is_not_spinning() {
    let mut engine = Engine::new(Budget { same_instant: 3, ..Budget::UNLIMITED });
    schedule_at(&mut engine, &[0, 0, 0, 1, 1, 1, 2]);
    assert_eq!(drain(&mut engine).1, Advance::Idle);
}

#[test]
fn a_void_ticket_cancels_nothing() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    let first = engine.schedule(at(1), "first");
    assert_eq!(engine.next(), Advance::Event("first"));
    let second = engine.schedule(at(1), "second, in the same slot");
    assert_eq!((first.stamp.slot(), engine.cancel(first)), (second.stamp.slot(), None));
    engine.reset(Budget::UNLIMITED);
    let again = engine.schedule(at(1), "first");
    assert_eq!((engine.cancel(first), engine.cancel(second)), (None, None));
    assert_eq!(format!("{again:?}"), format!("{first:?}"), "what is printed must not tell how many runs there were before");
    assert_eq!(engine.cancel(again), Some("first"));
}

#[test]
fn cancelling_gives_the_memory_back() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    let near = [1, 2, 3].map(|time| engine.schedule(at(time), Box::new(time)));
    for round in 0..100_000 {
        let ticket = engine.schedule(at(1_000_000 + round), Box::new(round));
        assert_eq!(engine.cancel(ticket), Some(Box::new(round)));
    }
    assert_eq!(engine.slots.len(), 4);
    assert!(engine.queue.len() < 100);
    assert_eq!(near.map(|ticket| engine.cancel(ticket).is_some()), [true; 3]);
    assert_eq!(engine.next(), Advance::Idle);
}

#[test]
fn too_many_pending_end_the_run() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    engine.slots.limit = 2;
    let tickets = [1, 2, 3].map(|time| engine.schedule(at(time), time));
    assert_eq!(engine.next(), Advance::Exhausted(Limit::Pending));
    assert_eq!(tickets.map(|ticket| engine.cancel(ticket)), [Some(1), Some(2), None]);
    assert_eq!(engine.next(), Advance::Exhausted(Limit::Pending), "the event is lost, whatever is cancelled later");
    engine.reset(Budget::UNLIMITED);
    assert_eq!(engine.next(), Advance::Idle);
}

#[test]
fn too_many_scheduled_end_the_run() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    engine.sequence = Stamp::SEQUENCE_END - 1;
    let last = engine.schedule(at(1), ());
    let none = engine.schedule(at(1), ());
    assert_eq!(engine.next(), Advance::Exhausted(Limit::Scheduled));
    assert_eq!((engine.cancel(last), engine.cancel(none)), (Some(()), None));
}

#[test]
#[should_panic(expected = "an event cannot be scheduled for 1ns: it is 2ns already")]
fn the_past_is_past() {
    let mut engine = Engine::new(Budget::UNLIMITED);
    engine.schedule(at(2), ());
    engine.next();
    engine.schedule(at(1), ());
}
