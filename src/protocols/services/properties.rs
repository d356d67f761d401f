//! What must hold of services, whatever the load, and what is measured of them: judged from records, while the run goes on.

mod meter;

use std::collections::VecDeque;
use std::sync::Arc;

use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;

use super::graph::{Does, Graph, Service};
use super::instance::id_of_call;
use super::message::{Answer, Message, Value};
use super::note::Note;
use super::saga::{self, Entry, State};
use super::store::{Effect, FILE, amount};
use crate::base::{Change, Duration, LocalTime, NodeId, SortedMap, Time};
use crate::check::{Property, PropertyReport, Rule, Sighting, Violations};
use crate::trace::{Cell, Event, Judge, Record, Sort, Sorts, Table, Vocabulary};

pub use meter::ServicesMeter;

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

/// That sagas are done whole, or not at all.
pub const ALL_OR_NOTHING: Property = Property::always(
    "all-or-nothing",
    "where an endpoint is atomic, all stores that its calls write to have their effects when it has succeeded; when it is over and has not, \
     none has one that is not undone, and none ever has; and of no item more is taken than there is",
);
/// That reads are current.
pub const READS_CURRENT: Property = Property::always(
    "reads-current",
    "what a client is told of an item is about that item, and not older than what any client had been told to have written when the \
     request was due, but for as long as the caches between allow. A cache that all writes of its items go through allows nothing",
);

/// All of them.
pub const PROPERTIES: [Property; 6] = [EFFECTS_ONCE, IN_TIME, ENDS_ONCE, CONSERVATION, ALL_OR_NOTHING, READS_CURRENT];

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
static UNDONE_AGAIN: Rule =
    Rule::new("undone-again", "{node} undoes the effect of call {call} at {at}, which {other} had undone at {first}");
static HALF_DONE: Rule = Rule::new(
    "half-done",
    "{node} holds saga {saga} to be done at {at}, and call {call} to `{service}`, which is a part of it, has no effect",
);
static NOT_UNDONE: Rule = Rule::new(
    "not-undone",
    "{node} holds saga {saga} to be undone at {at}, and the effect of call {call} to `{service}`, which is a part of it, is still there",
);
static DONE_AFTER_ALL: Rule =
    Rule::new("done-after-all", "{node} does the effect of call {call} at {at}, which is a part of a saga that was undone at {first}");
static OVERSOLD: Rule = Rule::new("oversold", "{node} has taken {taken} of item {item} at {at}, and there were {stock}");
static STALE: Rule = Rule::new(
    "too-old",
    "request {call} of {node} is told version {version} of item {item} at {at}; it was due at {due}, and version {known} was told to be written at {told}",
);
static OF_ANOTHER: Rule =
    Rule::new("of-another", "request {call} of {node} is about item {item}, and is told at {at} what there is of item {other}");

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
    /// By how much two clocks may differ.
    apart: Duration,
    /// Where each effect was done, and when.
    effects: FxHashMap<u64, (NodeId, Time)>,
    /// The same of each that was undone.
    undone: FxHashMap<u64, (NodeId, Time)>,
    /// How much is taken of each item of a store that has a stock.
    taken: FxHashMap<(NodeId, u32), u32>,
    sagas: Sagas,
    told: Told,
    /// Of each store, the effects that are written and not synced, each with the number of its write.
    written: SortedMap<NodeId, VecDeque<(u64, Written)>>,
    /// Of each store, how many effects are on disk, and what they add up to.
    stores: SortedMap<NodeId, (u64, u64)>,
    /// Of each client, the requests that have begun and not ended, each with its item.
    open: SortedMap<NodeId, FxHashMap<u64, Option<u32>>>,
    deadlines: Deadlines,
    /// From when on it is measured.
    measured_from: Time,
    services: Vec<Measured>,
    clients: Measured,
    /// How many requests each instance has answered, of services of which some are unlike the others.
    answered: Vec<Vec<u64>>,
}

/// What is written to a disk.
#[derive(Clone, Copy, Debug)]
enum Written {
    Effect(Effect),
    Saga(Entry),
}

/// Sagas that are known to have begun, and what became of them.
#[derive(Default)]
struct Sagas {
    /// Those that are over: whether they were done, and since when.
    over: FxHashMap<u64, (bool, Time)>,
    /// Of each call that belongs to a saga, which.
    of_call: FxHashMap<u64, u64>,
}

/// What clients were told to have written of items: which version, and when. Of what is long ago, the last.
struct Told {
    versions: FxHashMap<(u16, u32), VecDeque<(Time, u32)>>,
    /// How old a version may be that a client is told, on account of caches.
    staleness: Duration,
}

impl Told {
    /// How long it is remembered what was told before something else was.
    const KEPT: Duration = Duration::from_secs(600);

    /// The latest version that a client had been told of an item at a time, and when.
    fn at(&self, value: Value, time: Time) -> Option<(Time, u32)> {
        let versions = self.versions.get(&(value.service, value.item))?;
        let place = versions.partition_point(|(at, _)| *at <= time).checked_sub(1)?;
        versions.get(place).copied()
    }

    fn add(&mut self, Value { service, item, version, .. }: Value, at: Time) {
        let versions = self.versions.entry((service, item)).or_default();
        if versions.back().is_none_or(|(_, known)| *known < version) {
            while versions.get(1).is_some_and(|(then, _)| at.since(*then) > Self::KEPT + self.staleness) {
                versions.pop_front();
            }
            versions.push_back((at, version));
        }
    }
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
            return vec![Cell::Count(0), Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty];
        }
        let share = |part: u64| Cell::Share(part as f64 / self.answered as f64);
        let at = |quantile| Cell::Length(Duration::from_nanos(self.lengths.value_at_quantile(quantile)));
        let mean = Duration::from_nanos((self.sum / u128::from(self.answered)) as u64);
        let queue = if is_service { Cell::Count(u64::from(self.longest_queue)) } else { Cell::Empty };
        vec![
            Cell::Count(self.answered),
            share(self.succeeded),
            share(self.degraded),
            Cell::Length(mean),
            at(0.99),
            at(0.999),
            at(1.0),
            queue,
        ]
    }
}

impl ServicesJudge {
    /// A judge of these services, where clocks are so far off, and two of them so far apart, which measures what ends from this time on.
    pub fn new(graph: &Arc<Graph>, clock_offset: Duration, drift_ppm: u32, apart: Duration, measured_from: Time) -> Self {
        Self {
            graph: Arc::clone(graph),
            violations: Violations::default(),
            ahead: clock_offset,
            drift_ppm,
            apart,
            effects: FxHashMap::default(),
            undone: FxHashMap::default(),
            taken: FxHashMap::default(),
            sagas: Sagas::default(),
            told: Told { versions: FxHashMap::default(), staleness: graph.staleness() },
            written: SortedMap::new(),
            stores: SortedMap::new(),
            open: SortedMap::new(),
            deadlines: Deadlines::default(),
            measured_from,
            services: graph.services().iter().map(|_| Measured::new()).collect(),
            clients: Measured::new(),
            answered: graph.services().iter().map(|service| vec![0; instances_told(service)]).collect(),
        }
    }

    /// Which part of the requests to its service each instance has answered.
    fn shares(&self) -> Option<Table> {
        let mut table = Table::new("what instances have answered", &["requests", "share"]);
        for (service, answered) in self.graph.services().iter().zip(&self.answered) {
            let all = answered.iter().sum::<u64>().max(1);
            for (instance, count) in (1..).zip(answered) {
                let is_unlike = service.unlike.iter().any(|unlike| unlike.instance == instance);
                let name = format!("{} {instance}{}", service.name, if is_unlike { ", unlike the others" } else { "" });
                table.row(name, vec![Cell::Count(*count), Cell::Share(*count as f64 / all as f64)]);
            }
        }
        (!table.rows.is_empty()).then_some(table)
    }

    fn client_says(&mut self, node: NodeId, note: &Note, now: Sighting) {
        match *note {
            Note::Begun { call, deadline, item, .. } => {
                self.open.entry(node).or_default().insert(call, item);
                self.deadlines.add(call, deadline, now.at);
            }
            Note::Ended { service, call, answer, took, does, value, .. } => {
                match self.open.get_mut(&node).and_then(|open| open.remove(&call)) {
                    None => self.violations.add(&ENDS_ONCE, now, ENDED_AGAIN.with("call", named(call)).with("node", node)),
                    Some(item) => self.told(node, call, item.zip(value), took, now),
                }
                if now.at.since(Time::ZERO) >= self.measured_from.since(Time::ZERO) + took {
                    self.clients.add(answer, took);
                }
                self.ended(service, call, answer, does, now);
            }
            Note::Idle => {
                let open = self.open.get(&node).filter(|open| !open.is_empty());
                if let Some(key) = open.and_then(|open| open.keys().min()) {
                    let count = open.map_or(0, FxHashMap::len);
                    let told = NEVER_ENDED.with("node", node).with("count", count).with("call", named(*key));
                    self.violations.add(&ENDS_ONCE, now, told);
                }
            }
            Note::Works { .. } | Note::Opened { .. } | Note::Queued { .. } | Note::Working { .. } | Note::Held { .. } => {}
        }
    }

    fn instance_says(&mut self, node: NodeId, note: &Note, now: Sighting) {
        match *note {
            Note::Ended { service, call, answer, does, .. } => self.ended(service, call, answer, does, now),
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
            Note::Begun { .. } | Note::Working { .. } | Note::Held { .. } | Note::Idle => {}
        }
    }

    /// A store writes effects.
    fn writes(&mut self, node: NodeId, write: u64, bytes: &[u8]) {
        let effects = bytes.chunks_exact(self.length(node)).map(|record| (write, Written::Effect(Effect::read(record))));
        self.written.entry(node).or_default().extend(effects);
    }

    /// An orchestrator writes of sagas.
    fn logs(&mut self, node: NodeId, write: u64, bytes: &[u8]) {
        let entries = bytes.chunks_exact(Entry::LENGTH).map(|record| (write, Written::Saga(Entry::read(record))));
        self.written.entry(node).or_default().extend(entries);
    }

    /// How long a record is on the disk of a node.
    fn length(&self, node: NodeId) -> usize {
        let service = self.graph.service(self.graph.at(node).0);
        if service.stores { Effect::length(service.has_items()) } else { Entry::LENGTH }
    }

    /// The writes of a node up to this one are on disk.
    fn synced(&mut self, node: NodeId, through: u64, now: Sighting) {
        while let Some((_, written)) = self.written.get_mut(&node).and_then(|written| written.pop_front_if(|(write, _)| *write <= through))
        {
            self.on_disk(node, written, now);
        }
    }

    /// A node crashed: of what was not synced so many bytes are on disk all the same. The requests of a client are gone with it.
    fn crashed(&mut self, node: NodeId, kept: u64, now: Sighting) {
        if let Some(written) = self.written.remove(&node) {
            let whole = kept as usize / self.length(node);
            for (place, (_, written)) in written.into_iter().enumerate() {
                match written {
                    written if place < whole => self.on_disk(node, written, now),
                    // It is forgotten that it has begun: nothing may have come of it.
                    Written::Saga(entry) if entry.state == State::Begun => self.is_whole(node, entry, false, now),
                    Written::Effect(_) | Written::Saga(_) => {}
                }
            }
        }
        self.open.remove(&node);
    }

    fn on_disk(&mut self, node: NodeId, written: Written, now: Sighting) {
        match written {
            Written::Effect(effect) => self.applied(node, effect, now),
            Written::Saga(entry) => self.saga(node, entry, now),
        }
    }

    fn applied(&mut self, node: NodeId, Effect { key, call, item, does }: Effect, now: Sighting) {
        let (known, rule) = match does {
            Does::Undoes => (&mut self.undone, &UNDONE_AGAIN),
            Does::Writes | Does::Reads => (&mut self.effects, &DONE_TWICE),
        };
        if let Some((other, first)) = known.insert(call, (node, now.at)) {
            let told = rule.with("node", node).with("call", named(call)).with("other", other).with("first", first);
            self.violations.add(&EFFECTS_ONCE, now, told);
        }
        let (effects, total) = self.stores.entry(node).or_default();
        *effects += 1;
        *total = total.wrapping_add(amount(key));
        self.takes(node, call, item, does, now);
        if let (Does::Writes, Some(saga)) = (does, self.sagas.of_call.get(&call))
            && let Some((false, first)) = self.sagas.over.get(saga)
        {
            let told = DONE_AFTER_ALL.with("node", node).with("call", named(call)).with("first", *first);
            self.violations.add(&ALL_OR_NOTHING, now, told);
        }
    }

    /// Something is taken of an item, or given back.
    fn takes(&mut self, node: NodeId, call: u64, item: u32, does: Does, now: Sighting) {
        let Some(stock) = self.graph.service(self.graph.at(node).0).stock else { return };
        let taken = self.taken.entry((node, item)).or_default();
        match does {
            Does::Undoes => *taken = taken.saturating_sub(u32::from(self.effects.contains_key(&call))),
            Does::Writes | Does::Reads => *taken += 1,
        }
        if *taken > stock {
            let told = OVERSOLD.with("node", node).with("taken", u64::from(*taken)).with("item", u64::from(item));
            self.violations.add(&ALL_OR_NOTHING, now, told.with("stock", u64::from(stock)));
        }
    }

    /// A saga has begun, or is over: then all of its effects are there, or none.
    fn saga(&mut self, node: NodeId, entry: Entry, now: Sighting) {
        let Entry { id, endpoint, state, .. } = entry;
        if state == State::Begun {
            let service = self.graph.at(node).0;
            let calls = self.graph.effects_of(service, endpoint).map(|number| (id_of_call(id, number), id));
            return self.sagas.of_call.extend(calls);
        }
        self.sagas.over.insert(id, (state == State::Done, now.at));
        self.is_whole(node, entry, state == State::Done, now);
    }

    /// All effects of a saga are there, or none.
    fn is_whole(&mut self, node: NodeId, Entry { id, endpoint, .. }: Entry, is_done: bool, now: Sighting) {
        let graph = Arc::clone(&self.graph);
        let service = graph.at(node).0;
        for number in graph.effects_of(service, endpoint) {
            let call = id_of_call(id, number);
            let is_there = self.effects.contains_key(&call) && !self.undone.contains_key(&call);
            if is_there != is_done {
                let rule = if is_done { &HALF_DONE } else { &NOT_UNDONE };
                let called = &graph.service(graph.routes(service)[usize::from(number)].service).name;
                let told = rule.with("node", node).with("saga", named(id)).with("call", named(call)).with("service", &**called);
                self.violations.add(&ALL_OR_NOTHING, now, told);
            }
        }
    }

    /// A client is told what there is under an item.
    fn told(&mut self, node: NodeId, call: u64, told: Option<(u32, Value)>, took: Duration, now: Sighting) {
        let Some((item, value)) = told else { return };
        if item != value.item {
            let told = OF_ANOTHER.with("call", named(call)).with("node", node).with("item", u64::from(item));
            return self.violations.add(&READS_CURRENT, now, told.with("other", u64::from(value.item)));
        }
        let due = Time::from_nanos(now.at.as_nanos().saturating_sub(took.as_nanos()));
        let old = self.told.staleness + self.apart;
        let since = Time::from_nanos(due.as_nanos().saturating_sub(old.as_nanos()));
        if let Some((at, known)) = self.told.at(value, since).filter(|(_, known)| *known > value.version) {
            let told = STALE.with("call", named(call)).with("node", node).with("version", u64::from(value.version)).with("due", due);
            let told = told.with("item", u64::from(item)).with("known", u64::from(known)).with("told", at);
            self.violations.add(&READS_CURRENT, now, told);
        }
        if value.is_new {
            self.told.add(value, now.at);
        }
    }

    /// A call is over: if it succeeded, its effect was done.
    fn ended(&mut self, service: u16, call: u64, answer: Option<Answer>, does: Does, now: Sighting) {
        let service = self.graph.service(service);
        let has_effect = service.stores && does == Does::Writes && answer.is_some_and(Answer::succeeded);
        if has_effect && !self.effects.contains_key(&call) {
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
                let (service, instance) = self.graph.at(id.from);
                self.services[usize::from(service)].add(Some(*answer), *waited);
                if let Some(answered) = self.answered[usize::from(service)].get_mut(instance as usize) {
                    *answered += 1;
                }
            }
            Event::Note { node, note } => self.instance_says(*node, note, record.sighting()),
            Event::ClientNote { node, note } => self.client_says(*node, note, record.sighting()),
            Event::Write { node, write, file: FILE, change: Change::Append(bytes) } => self.writes(*node, *write, bytes),
            Event::Write { node, write, file: saga::FILE, change: Change::Append(bytes) } => self.logs(*node, *write, bytes),
            Event::Synced { node, through } => self.synced(*node, *through, record.sighting()),
            Event::Crash { node, kept, .. } => self.crashed(*node, *kept, record.sighting()),
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Send, Sort::Note, Sort::Write, Sort::Synced, Sort::Crash])
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&PROPERTIES)
    }

    fn tables(&self) -> Vec<Table> {
        const COLUMNS: [&str; 8] = ["requests", "succeeded", "degraded", "mean", "99 %", "99.9 %", "longest", "queue"];
        let mut waits = Table::new("waits for a worker", &COLUMNS);
        for (service, measured) in self.graph.services().iter().zip(&self.services).filter(|(service, _)| service.registry.is_none()) {
            waits.row(&*service.name, measured.cells(true));
        }
        let mut clients = Table::new("requests of clients", &COLUMNS[..7]);
        let mut cells = self.clients.cells(false);
        cells.truncate(7);
        clients.row("all", cells);
        [clients, waits].into_iter().chain(self.shares()).collect()
    }
}

/// Of how many instances of a service it is told what they have answered: of all, if some are unlike the others.
fn instances_told(service: &Service) -> usize {
    if service.unlike.is_empty() { 0 } else { service.instances as usize }
}
