//! One pass over the records of a run, which makes spans of them.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Sort, Span, SpanEvent, Status, Value};
use crate::base::{ClientId, Digest, Fate, Loss, MessageId, NodeId, Part, Time};
use crate::history::Outcome;
use crate::trace::{OwnedRecord, Recording, Traced};

/// How long the text of a message, an operation, a note is at most.
const LONGEST: usize = 400;

/// The place of a span.
type Place = u32;

/// The spans, and which of them each record is in.
pub(super) fn spans(recording: &Recording) -> (Vec<Span>, Vec<Option<Place>>) {
    let mut building = Building { recording, of_record: vec![None; recording.records().len()], ..Building::new(recording) };
    recording.records().iter().for_each(|record| building.add(record));
    building.close();
    (building.spans, building.of_record)
}

/// What a node does at once.
enum Step {
    /// It has its span.
    Made(Place),
    /// It has none unless it turns out to do something: what it would be.
    Waiting(Waiting),
}

struct Waiting {
    name: String,
    parent: Option<Place>,
    links: Vec<(Place, &'static str)>,
    identity: u64,
    /// What has happened, each with its record.
    events: Vec<(u64, SpanEvent)>,
}

/// What is known of a node so far.
#[derive(Default)]
struct Known {
    /// Writes that are not durable.
    written: Vec<Written>,
    /// How many timers have fired.
    timers: u64,
    /// While it is down or stands still, the span of that.
    halted: Option<Place>,
}

/// A write that is not durable yet.
struct Written {
    number: u64,
    record: u64,
    at: Time,
    step: u64,
    bytes: u64,
    file: String,
}

struct Building<'a> {
    recording: &'a Recording,
    spans: Vec<Span>,
    of_record: Vec<Option<Place>>,
    nodes: FxHashMap<NodeId, Known>,
    /// The steps, by the records that they began with.
    steps: FxHashMap<u64, Step>,
    /// The messages that were sent, and how often each arrived.
    sent: FxHashMap<MessageId, (Place, u64)>,
    /// What a request is worked on in: by who asked whom, and its number.
    asked: FxHashMap<(NodeId, NodeId, u64), Place>,
    /// The span at a node that began last in a trace.
    latest: FxHashMap<(Place, NodeId), Place>,
    /// The operation that was invoked last in a step.
    invoked_in: FxHashMap<u64, Place>,
    /// Operations by what stands for them, and what sessions have under way.
    operations: FxHashMap<(Option<ClientId>, u64), Place>,
    by_number: FxHashMap<u64, Place>,
    under_way: FxHashMap<ClientId, Place>,
    /// Operations that are under way, in order.
    open: Vec<Place>,
    /// The spans of faults, in order.
    strikes: Vec<Place>,
    end: Time,
}

impl<'a> Building<'a> {
    fn new(recording: &'a Recording) -> Self {
        Self {
            recording,
            spans: Vec::new(),
            of_record: Vec::new(),
            nodes: FxHashMap::default(),
            steps: FxHashMap::default(),
            sent: FxHashMap::default(),
            asked: FxHashMap::default(),
            latest: FxHashMap::default(),
            invoked_in: FxHashMap::default(),
            operations: FxHashMap::default(),
            by_number: FxHashMap::default(),
            under_way: FxHashMap::default(),
            open: Vec::new(),
            strikes: Vec::new(),
            end: recording.records().last().map_or(Time::ZERO, |last| last.at),
        }
    }

    fn add(&mut self, record: &OwnedRecord) {
        match record.sort {
            "send" => self.send(record),
            "deliver" => self.deliver(record),
            "discard" => self.discard(record),
            "timer" => self.timer(record),
            "boot" | "resume" => self.goes_on(record),
            "synced" => self.synced(record),
            "write" => self.write(record),
            "crash" | "pause" => self.halt(record),
            "fault" => self.fault(record),
            "lift" => self.lift(record),
            "client" => self.client(record),
            "note" if record.traced.is_some() => self.client(record),
            "note" | "mark" | "panic" => self.happens(record),
            _ => {}
        }
    }

    /// Adds a span; returns its place.
    fn open_span(&mut self, span: Span) -> Place {
        let place = self.spans.len() as Place;
        let root = span.parent.map_or(place, |parent| self.spans[parent as usize].root);
        if let (Some(node), false) = (span.node, span.sort == Sort::Message) {
            self.latest.insert((root, node), place);
        }
        self.spans.push(Span { root, ..span });
        place
    }

    fn span(&mut self, place: Place) -> &mut Span {
        &mut self.spans[place as usize]
    }

    fn root(&self, place: Place) -> Place {
        self.spans[place as usize].root
    }

    /// The span of the step that this record began, if it has one.
    fn made(&self, begin: u64) -> Option<Place> {
        match self.steps.get(&begin) {
            Some(Step::Made(place)) => Some(*place),
            _ => None,
        }
    }

    /// The span of the step that this record began, which has done something.
    fn step(&mut self, begin: u64) -> Option<Place> {
        if let Some(made) = self.made(begin) {
            return Some(made);
        }
        let Some(Step::Waiting(waiting)) = self.steps.remove(&begin) else { return None };
        let record = self.recording.get(begin)?;
        let mut span = blank(record, Sort::Step, waiting.name, waiting.parent, waiting.identity);
        span.links = waiting.links;
        let place = self.open_span(span);
        self.of_record[begin as usize] = Some(place);
        for (record, event) in waiting.events {
            self.of_record[record as usize] = Some(place);
            self.span(place).events.push(event);
        }
        self.steps.insert(begin, Step::Made(place));
        Some(place)
    }

    /// A node takes a step, which has a span if it turns out to do something.
    fn begin(&mut self, record: &OwnedRecord, name: String, parent: Option<Place>, links: Vec<(Place, &'static str)>, identity: u64) {
        self.steps.insert(record.number, Step::Waiting(Waiting { name, parent, links, identity, events: Vec::new() }));
    }

    /// It lasts until now at least.
    fn extend(&mut self, place: Place, at: Time) {
        let span = self.span(place);
        if matches!(span.sort, Sort::Handling | Sort::Step) {
            span.end = span.end.max(at);
        }
    }

    fn send(&mut self, record: &OwnedRecord) {
        let Some((id, kind)) = record.message else { return };
        let parent = self.sender(record, id);
        let mut span = blank(record, Sort::Message, kind.name.to_owned(), parent, identity(1, &[id.word()]));
        span.attributes.push(("stormglass.to", id.to.to_string().into()));
        span.attributes.push(("stormglass.message.count", u64::from(id.count).into()));
        span.attributes.push(("stormglass.message", record.line(LONGEST).detail.into()));
        match record.fate {
            Some(Fate::Deliver(delay)) => span.end = (record.at + delay).min(self.end),
            Some(Fate::Duplicate(first, second)) => span.end = (record.at + first.max(second)).min(self.end),
            Some(Fate::Lost(loss)) => lose(&mut span, record.at, lost_to(loss)),
            None => {}
        }
        for strike in &record.blamed {
            let Some(fault) = self.strikes.get(*strike as usize).copied() else { continue };
            let what = self.spans[fault as usize].attributes.iter().find(|(name, _)| *name == FAULT).map(|(_, what)| what.clone());
            span.events.push(SpanEvent { at: record.at, name: "fault", attributes: what.into_iter().map(|what| (FAULT, what)).collect() });
            span.links.push((fault, "the fault that made a difference to it"));
        }
        let place = self.open_span(span);
        self.of_record[record.number as usize] = Some(place);
        self.sent.insert(id, (place, 0));
        if let Some(parent) = parent {
            self.extend(parent, record.at);
        }
    }

    /// What a message is sent for.
    fn sender(&mut self, record: &OwnedRecord, id: MessageId) -> Option<Place> {
        let own = record.cause.and_then(|begin| self.made(begin));
        match record.traced {
            Some(Traced::Part(Part::Asks { operation, .. })) if self.by_number.contains_key(&operation) => {
                let operation = self.by_number[&operation];
                let own = own.filter(|own| self.root(*own) == operation);
                return own.or_else(|| self.latest(operation, id.from)).or(Some(operation));
            }
            Some(Traced::Part(Part::Answers { request })) => {
                if let Some(handling) = self.asked.get(&(id.to, id.from, request)).copied() {
                    return Some(handling);
                }
            }
            _ => {}
        }
        let begin = record.cause?;
        let invoked = self.invoked_in.get(&begin).copied().filter(|operation| self.spans[*operation as usize].node == Some(id.from));
        invoked.or_else(|| self.step(begin))
    }

    /// The span at this node that began last in this trace.
    fn latest(&self, root: Place, node: NodeId) -> Option<Place> {
        self.latest.get(&(root, node)).copied().filter(|latest| self.root(*latest) == root)
    }

    fn deliver(&mut self, record: &OwnedRecord) {
        let Some((id, kind)) = record.message else { return };
        let Some((message, arrivals)) = self.sent.get_mut(&id) else { return };
        *arrivals += 1;
        let (message, arrival) = (*message, *arrivals);
        self.span(message).end = record.at;
        let name = format!("handle {}", kind.name);
        let mut span = blank(record, Sort::Handling, name, Some(message), identity(2, &[id.word(), arrival]));
        span.attributes.push(("stormglass.from", id.from.to_string().into()));
        let place = self.open_span(span);
        if let Some(Traced::Part(Part::Asks { request, .. })) = record.traced {
            self.asked.insert((id.from, id.to, request), place);
        }
        self.of_record[record.number as usize] = Some(place);
        self.steps.insert(record.number, Step::Made(place));
    }

    fn discard(&mut self, record: &OwnedRecord) {
        let Some((message, _)) = record.message.and_then(|(id, _)| self.sent.get(&id)).copied() else { return };
        lose(self.span(message), record.at, "the receiver is down");
        self.of_record[record.number as usize] = Some(message);
    }

    fn timer(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let known = self.nodes.entry(node).or_default();
        known.timers += 1;
        let identity = identity(3, &[u64::from(node.raw()), known.timers]);
        let (mut parent, mut links) = (None, Vec::new());
        if let Some(set) = record.cause {
            let owner = self.invoked_in.get(&set).copied().or_else(|| self.made(set));
            match owner {
                Some(owner) if self.is_under_way(self.root(owner)) => parent = Some(owner),
                Some(owner) => links.push((owner, "where the timer was set")),
                None => {}
            }
        }
        let word: String = record.line(LONGEST).detail.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        self.begin(record, format!("timer {word}"), parent, links, identity);
    }

    fn is_under_way(&self, root: Place) -> bool {
        self.spans[root as usize].sort == Sort::Operation && self.open.binary_search(&root).is_ok()
    }

    /// A node starts, or goes on after it stood still.
    fn goes_on(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let is_boot = record.sort == "boot";
        let halted = self.nodes.entry(node).or_default().halted.take();
        if let Some(halted) = halted {
            self.span(halted).end = record.at;
        }
        let identity = identity(4, &[u64::from(node.raw()), record.number]);
        let name = if is_boot { "start" } else { "goes on" }.to_owned();
        self.begin(record, name, halted, Vec::new(), identity);
    }

    fn write(&mut self, record: &OwnedRecord) {
        let (Some(node), Some(begin)) = (record.node, record.cause) else { return };
        let invoked = self.invoked_in.get(&begin).copied();
        self.of_record[record.number as usize] = invoked.or_else(|| self.step(begin));
        let written = Written {
            number: record.number_of("write").unwrap_or_default(),
            record: record.number,
            at: record.at,
            step: begin,
            bytes: record.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            file: record.name.as_deref().unwrap_or_default().to_owned(),
        };
        self.nodes.entry(node).or_default().written.push(written);
    }

    fn synced(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let through = record.number_of("through").unwrap_or_default();
        let known = self.nodes.entry(node).or_default();
        let covered: Vec<Written> = known.written.extract_if(.., |written| written.number <= through).collect();
        let syncs = self.syncs(node, record, covered, &Status::Unset);
        let in_operation = syncs.iter().copied().find(|sync| self.spans[self.root(*sync) as usize].sort == Sort::Operation);
        let parent = in_operation.or_else(|| syncs.first().copied());
        let links = syncs.into_iter().filter(|sync| Some(*sync) != parent).map(|sync| (sync, "the same sync")).collect();
        let identity = identity(5, &[u64::from(node.raw()), record.number]);
        self.begin(record, "synced".to_owned(), parent, links, identity);
        self.of_record[record.number as usize] = parent;
    }

    /// The writes of each step as a span that ends now.
    fn syncs(&mut self, node: NodeId, record: &OwnedRecord, written: Vec<Written>, status: &Status) -> Vec<Place> {
        let mut syncs: Vec<(u64, Place)> = Vec::new();
        for write in written {
            let known = syncs.iter().find(|(step, _)| *step == write.step).map(|(_, sync)| *sync);
            let sync = known.or_else(|| {
                let parent = self.invoked_in.get(&write.step).copied().or_else(|| self.step(write.step))?;
                let identity = identity(6, &[u64::from(node.raw()), write.step, write.number]);
                let mut span = blank(record, Sort::Sync, "sync".to_owned(), Some(parent), identity);
                (span.start, span.end, span.status) = (write.at, record.at, status.clone());
                span.attributes =
                    vec![(RECORD, write.record.into()), ("stormglass.file", write.file.into()), (BYTES, 0.into()), (WRITES, 0.into())];
                let sync = self.open_span(span);
                self.extend(parent, record.at);
                syncs.push((write.step, sync));
                Some(sync)
            });
            let Some(sync) = sync else { continue };
            for (name, value) in &mut self.span(sync).attributes {
                match (*name, value) {
                    (BYTES, Value::Number(bytes)) => *bytes += write.bytes,
                    (WRITES, Value::Number(writes)) => *writes += 1,
                    _ => {}
                }
            }
        }
        syncs.into_iter().map(|(_, sync)| sync).collect()
    }

    /// A node crashes, or stands still.
    fn halt(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let fault = record.cause.filter(|cause| *cause < record.number).and_then(|cause| self.of_record[cause as usize]);
        let is_crash = record.sort == "crash";
        if is_crash {
            let written = std::mem::take(&mut self.nodes.entry(node).or_default().written);
            self.syncs(node, record, written, &Status::Error(Cow::Borrowed("the node crashed before it was durable")));
            // What it stood still for is over, too.
            if let Some(paused) = self.nodes.entry(node).or_default().halted {
                self.span(paused).end = record.at;
            }
        }
        let (sort, name) = if is_crash { (Sort::Down, "down") } else { (Sort::Paused, "paused") };
        let mut span = blank(record, sort, name.to_owned(), fault, identity(7, &[u64::from(node.raw()), record.number]));
        span.end = self.end;
        span.attributes.push(("stormglass.what", record.line(LONGEST).what.into()));
        let place = self.open_span(span);
        self.of_record[record.number as usize] = Some(place);
        self.nodes.entry(node).or_default().halted = Some(place);
    }

    fn fault(&mut self, record: &OwnedRecord) {
        let what = record.line(LONGEST).detail;
        let name = what.split(['(', ' ']).next().unwrap_or("fault").to_owned();
        let mut span = blank(record, Sort::Fault, name, None, identity(8, &[self.strikes.len() as u64]));
        span.attributes.push((FAULT, what.clone().into()));
        let place = self.open_span(span);
        self.of_record[record.number as usize] = Some(place);
        self.strikes.push(place);
        for operation in self.open.clone() {
            let event = SpanEvent { at: record.at, name: "fault", attributes: vec![(FAULT, what.clone().into())] };
            self.span(operation).events.push(event);
        }
    }

    fn lift(&mut self, record: &OwnedRecord) {
        let strike = record.number_of("strike").and_then(|strike| self.strikes.get(usize::try_from(strike).ok()?).copied());
        let Some(fault) = strike else { return };
        self.span(fault).end = record.at;
        self.of_record[record.number as usize] = Some(fault);
    }

    /// Something that a node says of itself.
    fn happens(&mut self, record: &OwnedRecord) {
        let what = match record.sort {
            "note" => record.line(LONGEST).detail,
            _ => record.name.as_deref().unwrap_or_default().to_owned(),
        };
        let name = record.sort;
        let event = SpanEvent { at: record.at, name, attributes: vec![("stormglass.what", what.clone().into())] };
        match record.cause.and_then(|begin| self.steps.get_mut(&begin)) {
            Some(Step::Made(place)) => {
                let place = *place;
                self.of_record[record.number as usize] = Some(place);
                let span = self.span(place);
                if name == "panic" {
                    span.status = Status::Error(Cow::Owned(what));
                }
                span.events.push(event);
            }
            Some(Step::Waiting(waiting)) => waiting.events.push((record.number, event)),
            None => {}
        }
    }

    fn client(&mut self, record: &OwnedRecord) {
        match &record.traced {
            Some(Traced::Invoked { session, operation }) => self.invoked(record, *session, *operation),
            Some(Traced::Ended { session, operation, outcome }) => {
                let known = match operation {
                    Some(operation) => self.operations.get(&(*session, *operation)).copied(),
                    None => session.and_then(|session| self.under_way.remove(&session)),
                };
                if let Some(operation) = known {
                    self.ended(record, operation, outcome);
                }
            }
            _ => self.happens(record),
        }
    }

    fn invoked(&mut self, record: &OwnedRecord, session: Option<ClientId>, operation: u64) {
        let identity = identity(9, &[session.map_or(0, |session| u64::from(session.client) << 32 | u64::from(session.session)), operation]);
        let mut span = blank(record, Sort::Operation, operation_name(record), None, identity);
        if session.is_some() {
            span.attributes.push(("stormglass.operation", record.line(LONGEST).detail.into()));
        }
        span.attributes.push(("stormglass.operation.id", format!("{operation:016x}").into()));
        let place = self.open_span(span);
        self.of_record[record.number as usize] = Some(place);
        self.operations.insert((session, operation), place);
        self.by_number.insert(operation, place);
        if let Some(session) = session {
            self.under_way.insert(session, place);
        }
        if let Some(begin) = record.cause {
            self.invoked_in.insert(begin, place);
        }
        self.open.push(place);
    }

    fn ended(&mut self, record: &OwnedRecord, operation: Place, outcome: &Outcome<()>) {
        self.of_record[record.number as usize] = Some(operation);
        if let Ok(found) = self.open.binary_search(&operation) {
            self.open.remove(found);
        }
        let (word, status) = match outcome {
            Outcome::Done(()) => ("done", Status::Ok),
            Outcome::Failed => ("failed", Status::Error(Cow::Borrowed("it failed"))),
            Outcome::Unknown => ("unknown", Status::Error(Cow::Borrowed("the client does not know what became of it"))),
        };
        let span = self.span(operation);
        (span.end, span.status) = (record.at, status);
        span.attributes.retain(|(name, _)| !matches!(*name, OUTCOME | ANSWER));
        span.attributes.push((OUTCOME, word.into()));
        span.attributes.push((ANSWER, record.line(LONGEST).detail.into()));
        if let Some(handling) = record.cause.and_then(|begin| self.made(begin)) {
            self.adopt(handling, operation);
        }
    }

    /// With the message that is handled here a client learns how this operation ended: it belongs to its trace.
    fn adopt(&mut self, handling: Place, operation: Place) {
        let handled = &self.spans[handling as usize];
        let Some(message) = handled.parent.filter(|_| handled.sort == Sort::Handling) else { return };
        let other = self.root(message);
        if other == operation {
            return;
        }
        let (sender, start) = (self.spans[message as usize].node, self.spans[message as usize].start);
        let latest = sender.and_then(|node| self.latest(operation, node)).filter(|latest| *latest < message).unwrap_or(operation);
        if latest > message {
            return;
        }
        if let Some(before) = self.span(message).parent.replace(latest) {
            self.span(message).links.push((before, "the step in which it was sent"));
        }
        self.span(message).root = operation;
        // What the client has done in this step comes after all else.
        for place in handling as usize..self.spans.len() {
            if self.spans[place].root == other && self.is_within(place as Place, message) {
                self.spans[place].root = operation;
                if let Some(node) = self.spans[place].node {
                    self.latest.insert((operation, node), place as Place);
                }
            }
        }
        self.extend(latest, start);
    }

    fn is_within(&self, place: Place, ancestor: Place) -> bool {
        let mut at = Some(place);
        while let Some(place) = at.filter(|place| *place > ancestor) {
            at = self.spans[place as usize].parent;
        }
        at == Some(ancestor)
    }

    /// What is under way at the end lasts until then.
    fn close(&mut self) {
        for operation in std::mem::take(&mut self.open) {
            self.span(operation).attributes.push((OUTCOME, "not over when the run ends".into()));
            self.span(operation).end = self.end;
        }
        if let Some(last) = self.recording.records().last() {
            let mut nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
            nodes.sort_unstable();
            for node in nodes {
                let written = self.nodes.get_mut(&node).map(|known| std::mem::take(&mut known.written)).unwrap_or_default();
                self.syncs(node, last, written, &Status::Error(Cow::Borrowed("not durable when the run ends")));
            }
        }
    }
}

const RECORD: &str = "stormglass.record";
const FAULT: &str = "stormglass.fault";
const BYTES: &str = "stormglass.bytes";
const WRITES: &str = "stormglass.writes";
const OUTCOME: &str = "stormglass.outcome";
const ANSWER: &str = "stormglass.answer";

/// A span that takes no time.
fn blank(record: &OwnedRecord, sort: Sort, name: String, parent: Option<Place>, identity: u64) -> Span {
    Span {
        node: record.node,
        name,
        sort,
        parent,
        root: 0,
        start: record.at,
        end: record.at,
        status: Status::Unset,
        attributes: vec![(RECORD, record.number.into())],
        events: Vec::new(),
        links: Vec::new(),
        identity,
    }
}

fn lose(span: &mut Span, at: Time, why: &'static str) {
    span.end = at;
    span.status = Status::Error(Cow::Borrowed(why));
    span.events.push(SpanEvent { at, name: "lost", attributes: vec![("stormglass.reason", why.into())] });
}

const fn lost_to(loss: Loss) -> &'static str {
    match loss {
        Loss::Chance => "lost by chance",
        Loss::Partition => "lost to a partition",
        Loss::Fault => "lost to a fault",
        Loss::Override => "lost as was asked",
    }
}

/// What an operation is called: the first word of what is asked for.
fn operation_name(record: &OwnedRecord) -> String {
    let asked = record.debug().and_then(|text| text.split_once(" op: ")).map(|(_, asked)| asked);
    let word: String =
        asked.unwrap_or_default().chars().take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-')).collect();
    match word.chars().next() {
        Some(first) if first.is_alphabetic() => word,
        Some(_) => "operation".to_owned(),
        None if asked.is_some() => "operation".to_owned(),
        None => "request".to_owned(),
    }
}

fn identity(sort: u64, words: &[u64]) -> u64 {
    let mut digest = Digest::new();
    digest.word(sort);
    words.iter().for_each(|word| digest.word(*word));
    digest.finish()
}
