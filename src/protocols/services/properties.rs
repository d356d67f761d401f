//! What must hold of services, whatever the load, and what is measured of them: judged from records, while the run goes on.

use std::collections::VecDeque;
use std::sync::Arc;

use hdrhistogram::Histogram;
use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::Graph;
use super::message::{Answer, Message};
use super::note::Note;
use super::store::{Effect, FILE, Store, amount};
use crate::base::{Change, Duration, LocalTime, NodeId, SortedMap, Time};
use crate::check::{Property, PropertyReport, Rule, Sighting, Violations};
use crate::require::{ALL, Meter, Reading};
use crate::trace::{Cell, Event, Judge, Record, Table, Vocabulary};

/// That effects happen once.
pub const EFFECTS_ONCE: Property = Property::always(
    "effects-once",
    "no effect on what a service stores is done twice for one call, however often the call is tried; and a call that was answered with \
     success has had its effect",
);
/// That nothing is worked on too late.
pub const IN_TIME: Property = Property::always("in-time", "no work on a request is begun after its deadline, as far as clocks can tell");
/// That requests end once.
pub const ENDS_ONCE: Property = Property::always("ends-once", "every request of a client ends, and ends once, unless its client crashes");
/// That stores hold what was put in.
pub const CONSERVATION: Property =
    Property::always("store-conservation", "a store that starts again holds what the effects add up to that were on its disk");

/// All of them.
pub const PROPERTIES: [Property; 4] = [EFFECTS_ONCE, IN_TIME, ENDS_ONCE, CONSERVATION];

static DONE_TWICE: Rule = Rule::new("done-twice", "{node} does the effect of call {call} at {at}, which {other} had done at {first}");
static NOT_DONE: Rule = Rule::new("not-done", "call {call} to `{service}` ended with success at {at}, and its effect is in no store");
static TOO_LATE: Rule = Rule::new("begun-too-late", "{node} begins to work on call {call} at {at}, and its deadline was {deadline}");
static ENDED_AGAIN: Rule = Rule::new("ended-again", "request {call} of {node} ends at {at}, and has ended before, or never begun");
static NEVER_ENDED: Rule =
    Rule::new("never-ended", "{node} has nothing under way at {at}, and {count} of its requests have not ended, among them {call}");
static FORGOTTEN: Rule = Rule::new(
    "effects-forgotten",
    "{node} starts at {at} with {effects} effects that add up to {total}; {known} were on its disk, which add up to {sum}",
);

/// Why every length can be recorded.
const GROWS: &str = "the histogram grows as it must";

/// The records that the judge understands.
pub trait OfServices: Vocabulary<Message = Message, Note = Note, ClientNote = Note> {}
impl<V: Vocabulary<Message = Message, Note = Note, ClientNote = Note>> OfServices for V {}

/// Judges services.
pub struct ServicesJudge {
    graph: Arc<Graph>,
    violations: Violations,
    /// By how much a clock may be ahead: so long after a deadline it may not have passed for a node.
    ahead: Duration,
    drift_ppm: u32,
    /// Where each effect was done, and when.
    effects: FxHashMap<u64, (NodeId, Time)>,
    /// Of each store, the effects that are written and not synced, each with the number of its write.
    written: SortedMap<NodeId, VecDeque<(u64, Effect)>>,
    /// Of each store, how many effects are on disk, and what they add up to.
    stores: SortedMap<NodeId, (u64, u64)>,
    /// Of each client, the requests that have begun and not ended.
    open: SortedMap<NodeId, FxHashSet<u64>>,
    deadlines: Deadlines,
    /// From when on it is measured.
    measured_from: Time,
    services: Vec<Measured>,
    clients: Measured,
}

/// The deadlines of clients' requests, as long as work may be begun for them.
#[derive(Default)]
struct Deadlines {
    known: FxHashMap<u64, LocalTime>,
    /// When each was noted, in order.
    noted: VecDeque<(Time, u64)>,
}

impl Deadlines {
    /// How long one is remembered after it was noted, so that memory does not grow with the run.
    const KEPT: Duration = Duration::from_secs(600);

    fn add(&mut self, root: u64, deadline: Option<LocalTime>, at: Time) {
        let Some(deadline) = deadline else { return };
        while let Some((_, old)) = self.noted.pop_front_if(|(then, _)| at.since(*then) > Self::KEPT) {
            self.known.remove(&old);
        }
        self.known.insert(root, deadline);
        self.noted.push_back((at, root));
    }

    fn of(&self, root: u64) -> Option<LocalTime> {
        self.known.get(&root).copied()
    }
}

/// What was measured of one service, or of clients.
struct Measured {
    answered: u64,
    succeeded: u64,
    degraded: u64,
    /// The sum of all lengths, in nanoseconds: waits for a worker, or of clients' requests.
    sum: u128,
    lengths: Histogram<u64>,
    longest_queue: u32,
}

impl Measured {
    fn new() -> Self {
        let lengths = Histogram::new(3).expect("three digits are within what it takes");
        Self { answered: 0, succeeded: 0, degraded: 0, sum: 0, lengths, longest_queue: 0 }
    }

    fn add(&mut self, answer: Option<Answer>, length: Duration) {
        self.answered += 1;
        self.succeeded += u64::from(answer.is_some_and(Answer::succeeded));
        self.degraded += u64::from(answer == Some(Answer::Degraded));
        self.sum += u128::from(length.as_nanos());
        self.lengths.record(length.as_nanos()).expect(GROWS);
    }

    fn cells(&self, is_service: bool) -> Vec<Cell> {
        if self.answered == 0 {
            return vec![Cell::Count(0), Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty];
        }
        let share = |part: u64| Cell::Share(part as f64 / self.answered as f64);
        let at = |quantile| Cell::Length(Duration::from_nanos(self.lengths.value_at_quantile(quantile)));
        let mean = Duration::from_nanos((self.sum / u128::from(self.answered)) as u64);
        let queue = if is_service { Cell::Count(u64::from(self.longest_queue)) } else { Cell::Empty };
        vec![Cell::Count(self.answered), share(self.succeeded), share(self.degraded), Cell::Length(mean), at(0.99), at(1.0), queue]
    }
}

impl ServicesJudge {
    /// A judge of these services, where clocks are so far off, which measures what ends from this time on.
    pub fn new(graph: &Arc<Graph>, clock_offset: Duration, drift_ppm: u32, measured_from: Time) -> Self {
        Self {
            graph: Arc::clone(graph),
            violations: Violations::default(),
            ahead: clock_offset,
            drift_ppm,
            effects: FxHashMap::default(),
            written: SortedMap::new(),
            stores: SortedMap::new(),
            open: SortedMap::new(),
            deadlines: Deadlines::default(),
            measured_from,
            services: graph.services().iter().map(|_| Measured::new()).collect(),
            clients: Measured::new(),
        }
    }

    fn client_says(&mut self, node: NodeId, note: &Note, now: Sighting) {
        match *note {
            Note::Begun { call, deadline, .. } => {
                self.open.entry(node).or_default().insert(call);
                self.deadlines.add(call, deadline, now.at);
            }
            Note::Ended { service, call, answer, took } => {
                if !self.open.get_mut(&node).is_some_and(|open| open.remove(&call)) {
                    self.violations.add(&ENDS_ONCE, now, ENDED_AGAIN.with("call", named(call)).with("node", node));
                }
                if now.at.since(Time::ZERO) >= self.measured_from.since(Time::ZERO) + took {
                    self.clients.add(answer, took);
                }
                self.ended(service, call, answer, now);
            }
            Note::Idle => {
                let open = self.open.get(&node).filter(|open| !open.is_empty());
                if let Some(key) = open.and_then(|open| open.iter().min()) {
                    let count = open.map_or(0, FxHashSet::len);
                    let told = NEVER_ENDED.with("node", node).with("count", count).with("call", named(*key));
                    self.violations.add(&ENDS_ONCE, now, told);
                }
            }
            Note::Works { .. } | Note::Opened { .. } | Note::Queued { .. } => {}
        }
    }

    fn instance_says(&mut self, node: NodeId, note: &Note, now: Sighting) {
        match *note {
            Note::Ended { service, call, answer, .. } => self.ended(service, call, answer, now),
            Note::Works { root, call, deadline } => {
                let Some(deadline) = self.deadlines.of(root).into_iter().chain(deadline).min() else { return };
                // A clock that is behind says that it has not passed when it has.
                let drift = now.at.as_nanos() / 1_000_000 * u64::from(self.drift_ppm);
                let latest = deadline + self.ahead + Duration::from_nanos(drift);
                if i128::from(now.at.as_nanos()) > i128::from(latest.as_nanos()) {
                    let told = TOO_LATE.with("node", node).with("call", named(call)).with("deadline", deadline.to_string());
                    self.violations.add(&IN_TIME, now, told);
                }
            }
            Note::Opened { effects, total } => {
                let (known, sum) = self.stores.get(&node).copied().unwrap_or_default();
                if (effects, total) != (known, sum) {
                    let told = FORGOTTEN.with("node", node).with("effects", effects).with("total", total);
                    self.violations.add(&CONSERVATION, now, told.with("known", known).with("sum", sum));
                }
                self.stores.insert(node, (effects, total));
            }
            Note::Queued { length } => {
                let measured = &mut self.services[usize::from(self.graph.at(node).0)];
                measured.longest_queue = measured.longest_queue.max(length);
            }
            Note::Begun { .. } | Note::Idle => {}
        }
    }

    /// A store writes effects.
    fn writes(&mut self, node: NodeId, write: u64, bytes: &[u8]) {
        let effects = bytes.chunks_exact(Store::RECORD).map(|record| (write, Effect::read(record)));
        self.written.entry(node).or_default().extend(effects);
    }

    /// The writes of a store up to this one are on disk.
    fn synced(&mut self, node: NodeId, through: u64, now: Sighting) {
        while let Some((_, effect)) = self.written.get_mut(&node).and_then(|written| written.pop_front_if(|(write, _)| *write <= through)) {
            self.applied(node, effect, now);
        }
    }

    /// A node crashed: of what was not synced so many bytes are on disk all the same. The requests of a client are gone with it.
    fn crashed(&mut self, node: NodeId, kept: u64, now: Sighting) {
        let written = self.written.remove(&node).unwrap_or_default();
        written.into_iter().take(kept as usize / Store::RECORD).for_each(|(_, effect)| self.applied(node, effect, now));
        self.open.remove(&node);
    }

    fn applied(&mut self, node: NodeId, Effect { key, call }: Effect, now: Sighting) {
        if let Some((other, first)) = self.effects.insert(call, (node, now.at)) {
            let told = DONE_TWICE.with("node", node).with("call", named(call)).with("other", other).with("first", first);
            self.violations.add(&EFFECTS_ONCE, now, told);
        }
        let (effects, total) = self.stores.entry(node).or_default();
        *effects += 1;
        *total = total.wrapping_add(amount(key));
    }

    /// A call is over: if it succeeded, its effect was done.
    fn ended(&mut self, service: u16, call: u64, answer: Option<Answer>, now: Sighting) {
        let service = self.graph.service(service);
        if service.stores && answer.is_some_and(Answer::succeeded) && !self.effects.contains_key(&call) {
            self.violations.add(&EFFECTS_ONCE, now, NOT_DONE.with("call", named(call)).with("service", &*service.name));
        }
    }
}

/// The id of a call, as records show it.
fn named(call: u64) -> String {
    call.to_string()
}

impl<V: OfServices> Judge<V> for ServicesJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        match record.event {
            Event::Send { id, message: Message::Reply { answer, waited, .. }, .. } if record.at >= self.measured_from => {
                self.services[usize::from(self.graph.at(id.from).0)].add(Some(*answer), *waited);
            }
            Event::Note { node, note } => self.instance_says(*node, note, record.sighting()),
            Event::ClientNote { node, note } => self.client_says(*node, note, record.sighting()),
            Event::Write { node, write, file: FILE, change: Change::Append(bytes) } => self.writes(*node, *write, bytes),
            Event::Synced { node, through } => self.synced(*node, *through, record.sighting()),
            Event::Crash { node, kept, .. } => self.crashed(*node, *kept, record.sighting()),
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&PROPERTIES)
    }

    fn tables(&self) -> Vec<Table> {
        const COLUMNS: [&str; 7] = ["requests", "succeeded", "degraded", "mean", "99 %", "longest", "queue"];
        let mut waits = Table::new("waits for a worker", &COLUMNS);
        for (service, measured) in self.graph.services().iter().zip(&self.services) {
            waits.row(&*service.name, measured.cells(true));
        }
        let mut clients = Table::new("requests of clients", &COLUMNS[..6]);
        let mut cells = self.clients.cells(false);
        cells.truncate(6);
        clients.row("all", cells);
        vec![clients, waits]
    }
}

/// Finds requests and queues in the records of services.
#[derive(Clone, Debug)]
pub struct ServicesMeter(Arc<Graph>);

impl ServicesMeter {
    /// A meter of these services.
    pub fn new(graph: &Arc<Graph>) -> Self {
        Self(Arc::clone(graph))
    }
}

impl<V: OfServices> Meter<V> for ServicesMeter {
    fn look(&mut self, record: &Record<'_, V>, tell: &mut dyn FnMut(Reading)) {
        let (node, note, is_client) = match record.event {
            Event::Note { node, note } => (*node, note, false),
            Event::ClientNote { node, note } => (*node, note, true),
            _ => return,
        };
        match **note {
            Note::Ended { service, answer, took, .. } => {
                let due = Time::from_nanos(record.at.as_nanos().saturating_sub(took.as_nanos()));
                let succeeded = answer.is_some_and(Answer::succeeded);
                tell(Reading::Ended { of: u32::from(service), due, succeeded });
                if is_client {
                    tell(Reading::Ended { of: ALL, due, succeeded });
                }
            }
            Note::Queued { length } => tell(Reading::Queued { of: u32::from(self.0.at(node).0), length: u64::from(length) }),
            Note::Begun { .. } | Note::Works { .. } | Note::Opened { .. } | Note::Idle => {}
        }
    }
}
