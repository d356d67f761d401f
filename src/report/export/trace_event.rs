//! A run as Trace Event JSON, which Perfetto opens: a track for each node, with what it does in a step as a slice; messages as flows from
//! slice to slice; clients' operations as slices on tracks of their own; faults as ranges, or as instants where nothing ends them.

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};

use crate::base::{Fate, NodeId, Time};
use crate::explore::causes::{Causes, Link, invokes, session};
use crate::trace::{OwnedRecord, Recording};

/// The groups of tracks.
const SERVERS: u32 = 1;
const CLIENTS: u32 = 2;
const OPERATIONS: u32 = 3;
const FAULTS: u32 = 4;
/// The number of a group's first track is this often its own: Perfetto names a track by its number alone, so that no two may have one.
const TRACKS: u32 = 1_000_000;
/// How many nanoseconds a step is drawn at most: it takes no time, and would not be seen.
const STEP_NS: u64 = 100_000;

pub(super) fn text(recording: &Recording, causes: &Causes) -> String {
    let mut writing = Writing { recording, causes, events: Vec::new(), sessions: FxHashMap::default(), ends: ends(recording) };
    writing.tracks();
    for record in recording.records() {
        writing.record(record);
    }
    let events: Vec<String> = writing.events.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n", events.join(",\n"))
}

struct Writing<'a> {
    recording: &'a Recording,
    causes: &'a Causes,
    events: Vec<Value>,
    /// The tracks of clients' sessions: of one, one operation is under way at a time.
    sessions: FxHashMap<String, u32>,
    /// When the next record of the same node is that comes later.
    ends: Vec<Option<Time>>,
}

impl Writing<'_> {
    /// The names of the tracks.
    fn tracks(&mut self) {
        for (group, name) in [(SERVERS, "servers"), (CLIENTS, "clients"), (OPERATIONS, "operations"), (FAULTS, "faults")] {
            self.events.push(json!({"ph": "M", "name": "process_name", "pid": group, "tid": numbered(group, 0).1, "args": {"name": name}}));
            self.events.push(
                json!({"ph": "M", "name": "process_sort_index", "pid": group, "tid": numbered(group, 0).1, "args": {"sort_index": group}}),
            );
        }
        for node in self.recording.nodes() {
            let (group, track) = track(node);
            self.name_track(&node.to_string(), (group, track));
        }
    }

    fn name_track(&mut self, name: &str, (group, track): (u32, u32)) {
        self.events.push(json!({"ph": "M", "name": "thread_name", "pid": group, "tid": track, "args": {"name": name}}));
    }

    fn record(&mut self, record: &OwnedRecord) {
        match record.sort {
            "deliver" | "timer" | "boot" | "synced" | "resume" => self.step(record),
            "crash" | "pause" => self.down(record),
            "client" if invokes(record) => self.operation(record),
            "fault" => self.fault(record),
            "settle" => self.instant("the faults are over", numbered(FAULTS, 0), record),
            "panic" => self.on_node("panic", record),
            "send" if record.cause.is_none() => self.step(record),
            _ => {}
        }
        if matches!(record.fate, Some(Fate::Lost(_))) {
            self.on_node("lost", record);
        }
        if record.sort == "deliver" {
            self.flow(record);
        }
    }

    /// What a node does in a step: what it sends and notes as arguments.
    fn step(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let end = self.ends[record.number as usize].map_or(STEP_NS, |end| end.since(record.at).as_nanos().min(STEP_NS));
        let name = match (record.message, record.sort) {
            (Some((_, kind)), _) => kind.name.to_owned(),
            (None, "timer") => format!("timer {}", record.line(80).detail),
            (None, sort) => sort.to_owned(),
        };
        let mut arguments = Map::new();
        arguments.insert("record".to_owned(), record.number.into());
        arguments.insert("what".to_owned(), record.line(400).to_string().into());
        let effects = self.causes.effects(record.number).into_iter().filter(|(_, link)| *link == Link::Step);
        let lines = effects.filter_map(|(effect, _)| self.recording.get(effect)).map(|effect| effect.line(200).to_string());
        arguments.insert("did".to_owned(), lines.collect::<Vec<_>>().into());
        self.slice(&name, track(node), record.at, end, arguments.into());
    }

    /// While a node is down, or stands still.
    fn down(&mut self, record: &OwnedRecord) {
        let Some(node) = record.node else { return };
        let later = &self.recording.records()[record.number as usize..];
        let again = later.iter().find(|other| other.node == Some(node) && matches!(other.sort, "boot" | "resume"));
        let end = again.or_else(|| self.recording.records().last()).map_or(0, |end| end.at.since(record.at).as_nanos());
        let name = if record.sort == "crash" { "down" } else { "paused" };
        self.slice(name, track(node), record.at, end, json!({"record": record.number, "what": record.line(0).what}));
    }

    fn operation(&mut self, record: &OwnedRecord) {
        let session = session(record);
        let track = match self.sessions.get(&session) {
            Some(track) => *track,
            None => {
                let track = numbered(OPERATIONS, self.sessions.len()).1;
                let client = record.node.map(|node| node.to_string()).unwrap_or_default();
                self.name_track(&format!("operations of {client}, {}", self.sessions.len() + 1), (OPERATIONS, track));
                self.sessions.insert(session, track);
                track
            }
        };
        let effects = self.causes.effects(record.number).into_iter().filter(|(_, link)| *link == Link::Invoked);
        let done = effects.filter_map(|(effect, _)| self.recording.get(effect)).find(|effect| effect.sort == "client");
        let end = done.or_else(|| self.recording.records().last()).map_or(0, |end| end.at.since(record.at).as_nanos());
        let answer = done.map_or_else(|| "never answered".to_owned(), |done| done.line(400).detail);
        let arguments = json!({"record": record.number, "asked": record.line(400).detail, "answer": answer});
        self.slice("operation", (OPERATIONS, track), record.at, end, arguments);
    }

    /// A range if the fault is lifted, else an instant.
    fn fault(&mut self, record: &OwnedRecord) {
        let name = record.line(200).detail;
        let lifted = self
            .causes
            .effects(record.number)
            .into_iter()
            .filter_map(|(effect, _)| self.recording.get(effect))
            .find(|effect| effect.sort == "lift");
        match lifted {
            Some(lift) => {
                let range = |phase: &str, at: Time| {
                    with(event(phase, &name, numbered(FAULTS, 0), at), json!({"cat": "fault", "id": record.number}))
                };
                let (begin, end) = (range("b", record.at), range("e", lift.at));
                self.events.extend([begin, end]);
            }
            None => self.instant(&name, numbered(FAULTS, 0), record),
        }
    }

    /// From the slice in which a message was sent to the one in which it arrived.
    fn flow(&mut self, record: &OwnedRecord) {
        let Some((id, kind)) = record.message else { return };
        let sent = self.causes.causes(record.number).into_iter().find(|(_, link)| *link == Link::Sent);
        let Some(sent) = sent.and_then(|(sent, _)| self.recording.get(sent)) else { return };
        let end = |phase: &str, node: NodeId, at: Time| {
            let end = with(event(phase, kind.name, track(node), at), json!({"cat": "message", "id": record.number}));
            // What arrives belongs to the slice around it, and not to the next one.
            if phase == "f" { with(end, json!({"bp": "e"})) } else { end }
        };
        let both = [end("s", id.from, sent.at), end("f", id.to, record.at)];
        self.events.extend(both);
    }

    fn on_node(&mut self, what: &str, record: &OwnedRecord) {
        if let Some(node) = record.node {
            self.instant(&format!("{what}: {}", record.line(80)), track(node), record);
        }
    }

    fn instant(&mut self, name: &str, (group, track): (u32, u32), record: &OwnedRecord) {
        let scope = if group == FAULTS { "g" } else { "t" };
        let more = json!({"s": scope, "args": {"record": record.number}});
        self.events.push(with(event("i", name, (group, track), record.at), more));
    }

    fn slice(&mut self, name: &str, track: (u32, u32), at: Time, length: u64, arguments: Value) {
        self.events.push(with(event("X", name, track, at), json!({"dur": micros(length), "args": arguments})));
    }
}

/// What every event has.
fn event(phase: &str, name: &str, (group, track): (u32, u32), at: Time) -> Value {
    json!({"ph": phase, "name": name, "pid": group, "tid": track, "ts": micros(at.as_nanos())})
}

/// The event with more fields.
fn with(mut event: Value, more: Value) -> Value {
    if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
        event.extend(more);
    }
    event
}

/// For each record, when the next one of its node is that comes later.
fn ends(recording: &Recording) -> Vec<Option<Time>> {
    let mut next: FxHashMap<NodeId, (Time, Option<Time>)> = FxHashMap::default();
    let mut ends = vec![None; recording.records().len()];
    for record in recording.records().iter().rev() {
        let Some(node) = record.node.filter(|_| record.sort != "discard") else { continue };
        let known = next.entry(node).or_insert((record.at, None));
        if known.0 > record.at {
            *known = (record.at, Some(known.0));
        }
        ends[record.number as usize] = known.1;
    }
    ends
}

/// The group and the track of a node.
fn track(node: NodeId) -> (u32, u32) {
    numbered(if node.is_client() { CLIENTS } else { SERVERS }, node.index())
}

/// The n-th track of a group, from 0.
fn numbered(group: u32, place: usize) -> (u32, u32) {
    (group, group * TRACKS + place as u32)
}

/// Nanoseconds as microseconds, which is what the format counts in; nothing is lost of any run shorter than a hundred days.
fn micros(nanos: u64) -> Value {
    (nanos as f64 / 1_000.0).into()
}
