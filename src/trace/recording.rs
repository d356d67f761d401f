//! All records of one run, as data of their own.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{Line, Payload, ReadRecords, Sink, Traced, UntypedRecord};
use crate::base::{Digest, Fate, Kind, LocalTime, MessageId, NodeId, Time};

/// A sink that keeps every record of one run: for what looks at a run as a whole, forwards and back. It is filled when a run is replayed.
///
/// Of equal texts, one is kept: a run of 10⁵ records takes some tens of megabytes.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    records: Vec<OwnedRecord>,
    texts: FxHashSet<Arc<str>>,
}

/// A record that is kept. See [`UntypedRecord`] for what its fields mean.
#[derive(Clone, Debug)]
pub struct OwnedRecord {
    /// Place in the run, from 0: its place in the recording.
    pub number: u64,
    /// When.
    pub at: Time,
    /// What sort of record.
    pub sort: &'static str,
    /// The node it is about.
    pub node: Option<NodeId>,
    /// What that node's clock reads, in a run in which clocks are off.
    pub clock: Option<LocalTime>,
    /// The message's identity and kind.
    pub message: Option<(MessageId, Kind)>,
    /// What became of a message that was sent.
    pub fate: Option<Fate>,
    /// A name that goes with it: a file, a mark, a panic's message.
    pub name: Option<Arc<str>>,
    /// Numbers that go with it, named.
    pub numbers: Vec<(&'static str, u64)>,
    /// The bytes of a write.
    pub bytes: Option<Arc<[u8]>>,
    /// How the node's process reads what is written to a file.
    pub reads: Option<ReadRecords>,
    /// The run's digest up to and including it.
    pub digest: u64,
    /// The record in whose wake it happened.
    pub cause: Option<u64>,
    /// The numbers, among all that struck, of the faults that made a difference to it.
    pub blamed: Vec<u32>,
    /// What it says of the operation of a client, or of a request, if it does.
    pub traced: Option<Traced>,
    payload: Option<Text>,
}

/// A message, timer, note or fault, as text.
#[derive(Clone)]
struct Text {
    debug: Arc<str>,
    json: Arc<str>,
    content: u64,
}

impl Recording {
    /// The records, in order: each at the place that is its number.
    pub fn records(&self) -> &[OwnedRecord] {
        &self.records
    }

    /// The records, in order.
    pub fn into_records(self) -> Vec<OwnedRecord> {
        self.records
    }

    /// The record of this number, if there is one.
    pub fn get(&self, number: u64) -> Option<&OwnedRecord> {
        self.records.get(usize::try_from(number).ok()?)
    }

    /// Every node that it tells of, servers first, each once.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.records.iter().filter_map(|record| record.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The records of the faults that struck, in order: a fault's number is its place.
    pub fn strikes(&self) -> impl Iterator<Item = &OwnedRecord> {
        self.records.iter().filter(|record| record.sort == "fault")
    }

    /// Shows all of it to a sink, as if the run went on.
    pub fn replay(&self, sink: &mut dyn Sink) {
        self.records.iter().for_each(|record| sink.record(&record.entry()));
    }

    fn keep(&mut self, text: String) -> Arc<str> {
        if let Some(known) = self.texts.get(text.as_str()) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }
}

impl Sink for Recording {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let payload = entry.payload.map(|payload| {
            let mut json = Vec::new();
            payload.write_json(&mut json);
            let json = String::from_utf8(json).expect("JSON is text");
            Text { debug: self.keep(format!("{payload:?}")), json: self.keep(json), content: payload.content() }
        });
        let name = entry.name.map(|name| self.keep(name.to_owned()));
        self.records.push(OwnedRecord {
            number: entry.number,
            at: entry.at,
            sort: entry.sort,
            node: entry.node,
            clock: entry.clock,
            message: entry.message,
            fate: entry.fate,
            name,
            numbers: entry.numbers.clone(),
            bytes: entry.bytes.map(Arc::from),
            reads: entry.reads,
            digest: entry.digest,
            cause: entry.cause,
            blamed: entry.blamed.to_vec(),
            traced: entry.traced.clone(),
            payload,
        });
    }
}

impl OwnedRecord {
    /// The record as sinks see it.
    pub fn entry(&self) -> UntypedRecord<'_> {
        UntypedRecord {
            number: self.number,
            at: self.at,
            sort: self.sort,
            node: self.node,
            clock: self.clock,
            message: self.message,
            fate: self.fate,
            name: self.name.as_deref(),
            numbers: self.numbers.clone(),
            payload: self.payload.as_ref().map(|payload| payload as &dyn Payload),
            bytes: self.bytes.as_deref(),
            reads: self.reads,
            digest: self.digest,
            cause: self.cause,
            blamed: &self.blamed,
            traced: self.traced.clone(),
        }
    }

    /// The record in words. Of a long message or note no more than about `longest` characters are shown.
    pub fn line(&self, longest: usize) -> Line {
        self.entry().line(longest)
    }

    /// The message, timer, note or fault as Rust prints it.
    pub fn debug(&self) -> Option<&str> {
        self.payload.as_ref().map(|payload| &*payload.debug)
    }

    /// The message, timer, note or fault as JSON.
    pub fn data(&self) -> Option<serde_json::Value> {
        self.payload.as_ref().map(Payload::json)
    }

    /// The same as text, as it stands in a file of JSON.
    pub fn data_text(&self) -> Option<&str> {
        self.payload.as_ref().map(|payload| &*payload.json)
    }

    /// The number of this name that goes with it.
    pub fn number_of(&self, name: &str) -> Option<u64> {
        self.numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.debug)
    }
}

impl Payload for Text {
    /// What it was as a value is gone: what is left of it is folded.
    fn fold(&self, digest: &mut Digest) {
        digest.word(self.content);
    }

    fn content(&self) -> u64 {
        self.content
    }

    fn write_json(&self, text: &mut Vec<u8>) {
        text.extend(self.json.as_bytes());
    }

    fn any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Change, Duration, Incarnation, KindDigest, Part};
    use crate::fault::Strike;
    use crate::trace::{Event, Vocabulary};

    struct TextVocabulary;

    impl Vocabulary for TextVocabulary {
        type Message = String;
        type Note = String;
        type Client = String;
        type ClientNote = String;
    }

    /// What a sink can see of a record.
    #[derive(Default)]
    struct Seen(Vec<String>);

    impl Sink for Seen {
        fn record(&mut self, entry: &UntypedRecord<'_>) {
            let UntypedRecord { number, at, sort, node, clock, message, fate, name, numbers, payload, bytes, reads, digest, cause, .. } =
                entry;
            let UntypedRecord { blamed, traced, .. } = entry;
            let payload = payload.map(|payload| (format!("{payload:?}"), payload.json(), payload.content()));
            self.0.push(format!(
                "{number} {at} {sort} {node:?} {clock:?} {message:?} {fate:?} {name:?} {numbers:?} {payload:?} {bytes:?} {} {digest} {cause:?} \
                 {blamed:?} {traced:?} {}",
                reads.is_some(),
                entry.line(80)
            ));
        }
    }

    #[test]
    fn what_is_kept_shows_as_what_happened_did() {
        let (n1, n2) = (NodeId::server(0), NodeId::server(1));
        let id = MessageId { from: n1, to: n2, kind: KindDigest::of("Append"), count: 7 };
        let message = "a \"message\"".to_owned();
        let strike = Strike::Crash { node: n2, down: None };
        let events: Vec<Event<'_, TextVocabulary>> = vec![
            Event::Boot { node: n1, incarnation: Incarnation(1), files: &[] },
            Event::Send { id, fate: Fate::Deliver(Duration::from_millis(1)), message: &message },
            Event::Deliver { id, message: &message },
            Event::Discard { id },
            Event::Timer { node: n2, timer: &"Election" },
            Event::Write { node: n1, write: 3, file: "log", change: Change::Append(b"abc") },
            Event::Synced { node: n1, through: 4 },
            Event::Strike { strike: &strike },
            Event::Crash { node: n2, unsynced: 9, kept: 2 },
            Event::Settle,
            Event::Panic { node: n1, message: "oh\nno" },
        ];
        let (mut live, mut recording) = (Seen::default(), Recording::default());
        for (number, event) in (0_u64..).zip(&events) {
            let blamed = [3, number as u32];
            let entry = UntypedRecord {
                clock: Some(LocalTime::from_nanos(5)),
                cause: number.checked_sub(1),
                blamed: &blamed,
                traced: Some(Traced::Part(Part::Answers { request: number })),
                ..event.entry(number, Time::ZERO + Duration::from_micros(number * 1_234), number * 3, &["Append"])
            };
            live.record(&entry);
            recording.record(&entry);
        }
        let mut replayed = Seen::default();
        recording.replay(&mut replayed);
        assert_eq!(replayed.0, live.0);
        assert_eq!(recording.nodes(), [n1, n2]);
        assert_eq!(recording.strikes().map(|record| record.number).collect::<Vec<_>>(), [7]);
        assert_eq!(recording.get(8).and_then(|record| record.number_of("kept")), Some(2));
        assert_eq!(recording.get(2).and_then(OwnedRecord::data), Some("a \"message\"".into()));
        assert!(recording.get(11).is_none());
    }

    #[test]
    fn equal_texts_are_kept_once() {
        let (mut recording, message) = (Recording::default(), "x".repeat(1_000));
        let event: Event<'_, TextVocabulary> = Event::Note { node: NodeId::server(0), note: &message };
        (0..100_000).for_each(|number| recording.record(&event.entry(number, Time::ZERO, 0, &[])));
        assert_eq!((recording.records.len(), recording.texts.len()), (100_000, 1), "a note and its JSON are one text here");
    }
}
