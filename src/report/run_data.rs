//! A run as data that a page holds and draws: records in columns, how nodes stood as differences, and what clients did.

use std::io::Write;
use std::ops::Range;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::charts::{charts, every};
use super::findings::Findings;
use super::nodes::{Row, off, rows};
use crate::base::{Fate, MessageId, NodeId, SortedMap, Time, printable};
use crate::check::linearizability::Linearizability;
use crate::check::{Drawing, Explanation, Verdict};
use crate::explore::Again;
use crate::metrics::Collected;
use crate::systems::{Collecting, Watch};
use crate::trace::{OwnedRecord, Recording, Sink, UntypedRecord};
use crate::world::{Moment, Observer, Outcome, View};

/// The version of the data that a page holds: `docs/schemas/page.json`.
pub(super) const PAGE_SCHEMA: &str = "stormglass-page/1";

/// How many records a page holds. Of a longer run it has those up to the violation, or to the end.
pub const PAGE_RECORDS: u64 = 100_000;
/// How many of them may come after the violation.
const RECORDS_AFTER: u64 = 2_000;
/// From how many records before the violation on nodes are looked at in depth: their whole state, and what is on their disks.
const DEEP_RECORDS: u64 = 20_000;
/// How many bytes of text how nodes stood may take: in depth, and in all.
const DEEP_BYTES: usize = 1 << 20;
const STATE_BYTES: usize = 8 << 20;
/// Data that is larger is compressed.
const PLAIN_BYTES: usize = 400_000;
/// How long the text of a message, note or fault may be.
const TEXT: usize = 300;

/// A run that was gone through for its page.
#[derive(Debug, Default)]
pub struct RunDetails {
    recording: Vec<OwnedRecord>,
    /// How many records the run has in all.
    total: u64,
    states: States,
    /// What it measured, for charts.
    metrics: Option<Collected>,
    /// What is known of it besides.
    pub(super) findings: Findings,
}

impl RunDetails {
    /// Goes through a run twice more, with what is known of it besides.
    pub fn of(again: Again<'_>, outcome: &Outcome, findings: Findings) -> Self {
        let mut extent = Extent { until: violated_at(outcome), total: 0, reached: 0, nodes: 0 };
        again(Watch { judged: false, observer: Some(&mut extent), ..Watch::default() });
        let last = if extent.total > PAGE_RECORDS { (extent.reached + RECORDS_AFTER).min(extent.total) } else { extent.total };
        let range = last.saturating_sub(PAGE_RECORDS)..last;
        let mut part = Part { range: range.clone(), recording: Recording::default() };
        let states =
            |deep| States { range: range.clone(), deep_from: extent.reached.saturating_sub(deep), is_deep: true, ..States::default() };
        let mut seen = states(DEEP_RECORDS);
        let mut metrics = None;
        let collecting = Collecting { every: every(outcome.sim_time, extent.nodes), into: &mut metrics };
        let watch =
            Watch { judged: false, sinks: vec![&mut part], observer: Some(&mut seen), metrics: Some(collecting), ..Watch::default() };
        again(watch);
        // If there was no room for that, the depth belongs to what leads to the violation.
        for less in [16, 256] {
            if seen.is_cut {
                seen = states(DEEP_RECORDS / less);
                again(Watch { judged: false, observer: Some(&mut seen), ..Watch::default() });
            }
        }
        let states = seen;
        Self { recording: part.recording.into_records(), total: extent.total, states, metrics, findings }
    }
}

/// When something was violated first.
fn violated_at(outcome: &Outcome) -> Time {
    let reports = outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated);
    reports.filter_map(|report| report.at).min().unwrap_or(Time::MAX)
}

/// How many records a run has, in all and up to a time, and how many nodes.
struct Extent {
    until: Time,
    total: u64,
    reached: u64,
    nodes: u64,
}

impl Observer for Extent {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        self.total = moment.records.1;
        if moment.is_last {
            let (servers, clients) = view.population();
            self.nodes = u64::from(servers) + u64::from(clients);
        }
        if moment.after <= self.until {
            self.reached = moment.records.1;
        }
    }
}

/// Records that part of a run which has these numbers.
struct Part {
    range: Range<u64>,
    recording: Recording,
}

impl Sink for Part {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if self.range.contains(&entry.number) {
            self.recording.record(entry);
        }
    }
}

/// How the nodes stood, from each change to the next.
#[derive(Debug, Default)]
struct States {
    range: Range<u64>,
    /// From which record on nodes are looked at in depth, so long as there is room for it; whether there is, and whether there was not.
    deep_from: u64,
    is_deep: bool,
    is_cut: bool,
    bytes: usize,
    /// Each node, in order.
    tracks: Vec<Track>,
}

/// The name of a row and its value, if it is not gone.
type ChangedRow = (String, Option<String>);

#[derive(Debug)]
struct Track {
    node: NodeId,
    /// By how much its clock is off.
    clock: Option<String>,
    now: Vec<Row>,
    /// From which record on what was so: the rows that are new, and those that are gone, which have no value.
    changes: Vec<(u64, Vec<ChangedRow>)>,
    /// From which record on it claimed which role, and how good the claim was.
    roles: Vec<(u64, Option<(&'static str, u64)>)>,
}

impl Observer for States {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        let (from, to) = moment.records;
        if from >= self.range.end || to < self.range.start {
            return;
        }
        let number = from.max(self.range.start);
        if self.tracks.is_empty() {
            let track = |node| {
                let clock = off(view.node(node, moment.after, false).clock);
                Track { node, clock, now: Vec::new(), changes: Vec::new(), roles: Vec::new() }
            };
            let (servers, clients) = view.population();
            self.tracks = (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client)).map(track).collect();
            (0..self.tracks.len()).for_each(|place| self.look(place, number, moment, view));
            return;
        }
        let (servers, _) = view.population();
        match moment.node {
            Some(node) if node.is_client() => self.look(servers as usize + node.index(), number, moment, view),
            Some(node) => self.look(node.index(), number, moment, view),
            None => (0..self.tracks.len()).for_each(|place| self.look(place, number, moment, view)),
        }
    }
}

impl States {
    fn look(&mut self, place: usize, number: u64, moment: &Moment, view: &dyn View) {
        let Some(track) = self.tracks.get_mut(place) else { return };
        let seen = view.node(track.node, moment.after, self.is_deep && number >= self.deep_from);
        let claim = seen.claim.map(|claim| (claim.role.name, claim.rank));
        if track.roles.last().is_none_or(|(_, last)| *last != claim) {
            track.roles.push((number, claim));
        }
        if self.bytes > STATE_BYTES {
            self.is_cut = true;
            return;
        }
        let new = rows(&seen);
        let changed = new.iter().filter(|row| !track.now.contains(row)).map(|(label, value)| (label.clone(), Some(value.clone())));
        let is_gone = |label: &String| new.iter().all(|(other, _)| other != label);
        let gone = track.now.iter().filter(|(label, _)| is_gone(label)).map(|(label, _)| (label.clone(), None));
        let change: Vec<_> = changed.chain(gone).collect();
        if change.is_empty() {
            return;
        }
        self.bytes += change.iter().map(|(_, value)| 8 + value.as_ref().map_or(0, String::len)).sum::<usize>();
        if self.is_deep && self.bytes > DEEP_BYTES {
            (self.is_deep, self.is_cut) = (false, true);
        }
        // What happens in one event counts as one change.
        match track.changes.last_mut() {
            Some((last, known)) if *last == number => known.extend(change),
            _ => track.changes.push((number, change)),
        }
        track.now = new;
    }
}

/// Texts, each once: numbers stand for them.
#[derive(Default)]
struct Strings {
    all: Vec<String>,
    known: FxHashMap<String, usize>,
}

impl Strings {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.known.get(text) {
            return *number;
        }
        let shown = printable(text).into_owned();
        self.all.push(shown);
        self.known.insert(text.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }
}

/// All that the page draws of a run.
pub(super) fn data(details: &RunDetails, outcome: &Outcome, drawing: Option<&Drawing>) -> Value {
    let mut strings = Strings::default();
    strings.number("");
    let first = details.recording.first().map_or(0, |record| record.number);
    let nodes: Vec<NodeId> = details.states.tracks.iter().map(|track| track.node).collect();
    let records = Columns::of(&details.recording, first, &nodes, &mut strings);
    let operations = operations(&details.recording, first, &nodes, drawing, outcome);
    let tracks: Vec<Value> = details.states.tracks.iter().map(|track| track_json(track, first, &mut strings)).collect();
    json!({
        "schema": PAGE_SCHEMA,
        "first": first,
        "total": details.total,
        "end_ns": outcome.sim_time.as_nanos(),
        "violated_ns": Some(violated_at(outcome)).filter(|at| *at != Time::MAX).map(Time::as_nanos),
        "named": named(outcome).into_iter().filter_map(|number| number.checked_sub(first)).collect::<Vec<_>>(),
        "nodes": nodes.iter().map(NodeId::to_string).collect::<Vec<_>>(),
        "records": records,
        "states": tracks,
        "states_cut": details.states.is_cut,
        "operations": operations,
        "metrics": details.metrics.as_ref().map(charts),
        "strings": strings.all,
    })
}

/// The records that explanations of what is violated name, by their numbers.
pub(super) fn named(outcome: &Outcome) -> Vec<u64> {
    let violated = outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated);
    let explained = violated.filter_map(|report| serde_json::to_value(report.explanation.as_ref()?).ok());
    let mut named: Vec<u64> =
        explained.flat_map(|data| data["records"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect::<Vec<_>>()).collect();
    named.sort_unstable();
    named.dedup();
    named
}

fn track_json(track: &Track, first: u64, strings: &mut Strings) -> Value {
    let mut change = |(label, value): &(String, Option<String>)| {
        let label = strings.number(label);
        json!([label, value.as_ref().map(|value| strings.number(value))])
    };
    let changes: Vec<Value> =
        track.changes.iter().map(|(number, rows)| json!([number - first, rows.iter().map(&mut change).collect::<Vec<_>>()])).collect();
    let roles: Vec<Value> = track.roles.iter().map(|(number, claim)| json!([number - first, claim])).collect();
    json!({ "clock": track.clock, "changes": changes, "roles": roles })
}

/// The records, each field of all of them together. Where there is none, it is −1; times and causes are told by how far they are from the
/// one before.
#[derive(Default, serde::Serialize)]
struct Columns {
    /// How much later than the one before it was.
    after_ns: Vec<u64>,
    /// Its sort, of those in `strings`.
    sort: Vec<usize>,
    /// The node that it is about.
    node: Vec<i64>,
    /// The other end of a message.
    peer: Vec<i64>,
    /// How often a message of the kind had gone that way.
    count: Vec<i64>,
    /// What happened; of a message its kind and what became of it.
    what: Vec<usize>,
    /// The message, timer, note or fault itself.
    detail: Vec<usize>,
    /// How many records before it is the one that it came of: of an arrival, the sending.
    cause: Vec<i64>,
    /// When a message that was sent and has not arrived in the run would have.
    due_ns: SortedMap<u64, u64>,
    /// Those that were lost.
    lost: Vec<u64>,
    /// The numbers of the faults that made a difference to it.
    blamed: SortedMap<u64, Vec<u32>>,
    /// What the node's clock reads, where clocks are off.
    clock_ns: Vec<i64>,
}

impl Columns {
    fn of(records: &[OwnedRecord], first: u64, nodes: &[NodeId], strings: &mut Strings) -> Self {
        let places: FxHashMap<NodeId, i64> = nodes.iter().copied().zip(0..).collect();
        let place = |node: Option<NodeId>| node.and_then(|node| places.get(&node).copied()).unwrap_or(-1);
        let mut sent: FxHashMap<MessageId, u64> = FxHashMap::default();
        let (mut writes, mut crashes) = (FxHashMap::default(), FxHashMap::default());
        let mut columns = Self::default();
        let mut before = Time::ZERO;
        let has_clocks = records.iter().any(|record| record.clock.is_some());
        for record in records {
            let number = record.number - first;
            columns.after_ns.push(record.at.since(before).as_nanos());
            before = record.at;
            columns.sort.push(strings.number(record.sort));
            let id = record.message.map(|(id, _)| id);
            columns.node.push(place(record.node));
            columns.peer.push(place(id.map(|id| if record.node == Some(id.to) && record.sort != "send" { id.from } else { id.to })));
            columns.count.push(id.map_or(-1, |id| i64::from(id.count)));
            let line = record.line(TEXT);
            let what = match record.message {
                Some((id, _)) => line.what.replacen(&format!(" #{}", id.count), "", 1),
                None => line.what,
            };
            columns.what.push(strings.number(&what));
            columns.detail.push(strings.number(&line.detail));
            let mut cause = record.cause.and_then(|cause| cause.checked_sub(first));
            match (record.sort, id) {
                ("send", Some(id)) => {
                    sent.insert(id, number);
                    match record.fate {
                        Some(Fate::Lost(_)) => columns.lost.push(number),
                        Some(Fate::Deliver(delay)) => {
                            columns.due_ns.insert(number, (record.at + delay).as_nanos());
                        }
                        Some(Fate::Duplicate(..)) | None => {}
                    }
                }
                (sort @ ("deliver" | "discard"), Some(id)) => {
                    cause = sent.get(&id).copied();
                    if let Some(sending) = cause {
                        columns.due_ns.remove(&sending);
                    }
                    if sort == "discard" {
                        columns.lost.push(number);
                    }
                }
                // A sync is because of the last write that it covers, and a start because of the crash before it.
                ("write", _) => drop(writes.insert((record.node, record.number_of("write")), number)),
                ("synced", _) => cause = writes.get(&(record.node, record.number_of("through"))).copied(),
                ("crash", _) => drop(crashes.insert(record.node, number)),
                ("boot", _) => cause = crashes.get(&record.node).copied(),
                _ => {}
            }
            columns.cause.push(cause.map_or(-1, |cause| (number - cause) as i64));
            if !record.blamed.is_empty() {
                columns.blamed.insert(number, record.blamed.clone());
            }
            if has_clocks {
                columns.clock_ns.push(record.clock.map_or(0, |clock| clock.as_nanos()));
            }
        }
        columns
    }
}

/// What a client did: who, what, the records with which it began and ended.
struct Operation {
    node: i64,
    text: String,
    began: (u64, Time),
    ended: Option<(u64, Time)>,
    /// Whether its outcome is known.
    known: bool,
}

/// What clients did, and the order in which it takes effect, as far as that is known: each with a time at which it may.
fn operations(records: &[OwnedRecord], first: u64, nodes: &[NodeId], drawing: Option<&Drawing>, outcome: &Outcome) -> Value {
    let (mut all, mut open): (Vec<Operation>, SortedMap<String, usize>) = (Vec::new(), SortedMap::new());
    let mut by_begin: FxHashMap<(String, Time), usize> = FxHashMap::default();
    for record in records.iter().filter(|record| record.sort == "client") {
        let (Some(data), Some(text)) = (record.data(), record.debug()) else { continue };
        let number = record.number - first;
        let part = |label: &str| text.split_once(label).map_or(text, |(_, rest)| rest.strip_suffix(" }").unwrap_or(rest)).to_owned();
        if let Some(invoked) = data.get("Invoke") {
            let who = invoked["client"].to_string();
            let node = record.node.and_then(|node| nodes.iter().position(|known| *known == node)).map_or(-1, |place| place as i64);
            by_begin.insert((who.clone(), record.at), all.len());
            open.insert(who, all.len());
            all.push(Operation { node, text: part(" op: "), began: (number, record.at), ended: None, known: false });
        } else if let Some(completed) = data.get("Complete") {
            let Some(operation) = open.remove(&completed["client"].to_string()) else { continue };
            let said = part(" outcome: ");
            let operation = &mut all[operation];
            operation.ended = Some((number, record.at));
            operation.known = said != "Unknown";
            operation.text += &format!(" → {}", said.strip_prefix("Done(").and_then(|said| said.strip_suffix(')')).unwrap_or(&said));
        }
    }
    // In the words of the model, where there are any.
    let mut drawn: Vec<Option<usize>> = Vec::new();
    for described in drawing.iter().flat_map(|drawing| &drawing.operations) {
        let who = serde_json::to_value(described.client).map_or_else(|_| String::new(), |who| who.to_string());
        let place = by_begin.get(&(who, described.interval.0)).copied();
        if let Some(place) = place {
            all[place].text.clone_from(&described.text);
        }
        drawn.push(place);
    }
    let (order, stuck) = order(drawing, outcome);
    let order: Vec<usize> = order.into_iter().filter_map(|index| drawn.get(index).copied().flatten()).collect();
    let points = points(&order, &all, outcome.sim_time);
    let bars = all.iter().map(|operation| {
        let text = printable(&super::words::shorten(&operation.text, 160)).into_owned();
        json!([operation.node, text, operation.began.0, operation.ended.map(|(number, _)| number), operation.known])
    });
    json!({ "bars": bars.collect::<Vec<_>>(), "points": points, "stuck": stuck.and_then(|index| drawn.get(index).copied().flatten()) })
}

/// A time for each of these at which it may take effect: within it, after those before it in this order, and no later than those after it
/// must.
fn points(order: &[usize], all: &[Operation], end: Time) -> Vec<(usize, u64)> {
    let mut latest = end.as_nanos();
    let mut ends: Vec<u64> = Vec::with_capacity(order.len());
    for place in order.iter().rev() {
        let ended = all[*place].ended.filter(|_| all[*place].known).map_or(u64::MAX, |(_, at)| at.as_nanos());
        latest = latest.min(ended);
        ends.push(latest);
    }
    let mut now = 0;
    let point = |(place, latest): (&usize, &u64)| {
        now = all[*place].began.1.as_nanos().max(now);
        now += latest.saturating_sub(now) / 2;
        (*place, now)
    };
    order.iter().zip(ends.iter().rev()).map(point).collect()
}

/// An order in which operations take effect, by their index in the history, and the one that fits into none.
fn order(drawing: Option<&Drawing>, outcome: &Outcome) -> (Vec<usize>, Option<usize>) {
    let explained =
        outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated).find_map(|report| match &report.explanation {
            Some(Explanation::Linearizability(found)) => smallest(found),
            _ => None,
        });
    explained.or_else(|| Some((drawing?.witness.as_ref()?.0.clone(), None))).unwrap_or_default()
}

fn smallest(found: &Linearizability) -> Option<(Vec<usize>, Option<usize>)> {
    let (_, example) = super::explanation::smallest_first(&found.violations).into_iter().find(|(_, example)| example.stuck.is_some())?;
    let index = |place: &usize| example.operations.get(*place).map(|operation| operation.index);
    let order = example.attempts.first().map(|attempt| attempt.order.iter().filter_map(index).collect()).unwrap_or_default();
    Some((order, example.stuck.as_ref().and_then(index)))
}

/// The data as it stands in an element of the page: as JSON, or if that is long, compressed; and how.
pub(super) fn embedded(data: &Value) -> (&'static str, String) {
    // Nothing in the data ends the element that it stands in.
    let text = data.to_string().replace('<', "\\u003c");
    if text.len() <= PLAIN_BYTES {
        return ("json", text);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    ("deflate", base64(&packed.expect("writing to memory does not fail")))
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63] as char;
            text.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_letters() {
        for (bytes, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }
}
