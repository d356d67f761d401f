//! A run as a log: JSON lines with virtual time, node and span.
//!
//! JSON lines and not logfmt, since what is logged has a structure (a note, an operation) that readers of logs can ask for.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::otlp::{span_hex, trace_hex};
use crate::explore::spans::Spans;
use crate::history::Outcome;
use crate::trace::{OwnedRecord, Recording, Said, Traced};

/// How long a text is at most.
const LONGEST: usize = 1_000;

/// Writes what nodes, clients and faults did and what the code of nodes said, in order, a line each.
///
/// # Errors
/// Those of the file.
pub fn write_log(mut file: impl Write, recording: &Recording, spans: &Spans, said: &[Said]) -> io::Result<()> {
    let mut said = said.iter().peekable();
    for record in recording.records() {
        if let Some((level, what)) = told(record) {
            write_line(&mut file, &record_line(record, level, what, spans))?;
        }
        while let Some(said) = said.next_if(|said| said.after <= record.number) {
            write_line(&mut file, &said_line(said, spans))?;
        }
    }
    for said in said {
        write_line(&mut file, &said_line(said, spans))?;
    }
    file.flush()
}

fn write_line(file: &mut impl Write, line: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line).map_err(io::Error::from)?;
    file.write_all(b"\n")
}

/// How important a record is and what it is about, if a log tells of it. Messages, timers and writes are for the trace.
fn told(record: &OwnedRecord) -> Option<(&'static str, &'static str)> {
    Some(match (record.sort, &record.traced) {
        ("client" | "note", Some(Traced::Invoked { .. })) => ("INFO", "operation"),
        ("client" | "note", Some(Traced::Ended { outcome: Outcome::Done(()), .. })) => ("INFO", "operation"),
        ("client" | "note", Some(Traced::Ended { .. })) => ("WARN", "operation"),
        ("client" | "note", _) => ("INFO", "note"),
        ("mark", _) => ("DEBUG", "mark"),
        ("boot", _) => ("INFO", "start"),
        ("resume", _) => ("INFO", "resume"),
        ("crash", _) => ("WARN", "crash"),
        ("pause", _) => ("WARN", "pause"),
        ("fault", _) => ("WARN", "fault"),
        ("lift", _) => ("INFO", "fault over"),
        ("settle", _) => ("INFO", "settle"),
        ("panic", _) => ("ERROR", "panic"),
        _ => return None,
    })
}

fn record_line(record: &OwnedRecord, level: &str, what: &str, spans: &Spans) -> Value {
    let line = record.line(LONGEST);
    let text = if line.detail.is_empty() { line.what } else { line.detail };
    let mut object = head(record.at.as_nanos(), &record.at.to_string(), level, record.node.map(|node| node.to_string()), what);
    object.insert("text".to_owned(), text.into());
    if let Some(data) = record.data() {
        object.insert("data".to_owned(), data);
    }
    object.insert("record".to_owned(), record.number.into());
    put_span(&mut object, spans, spans.of_record(record.number));
    object.into()
}

fn said_line(said: &Said, spans: &Spans) -> Value {
    let what = if said.began.is_some() { "span" } else { "event" };
    let mut object = head(said.at.as_nanos(), &said.at.to_string(), said.level, said.node.map(|node| node.to_string()), what);
    object.insert("text".to_owned(), said.message.clone().into());
    object.insert("target".to_owned(), said.target.into());
    if !said.fields.is_empty() {
        let fields: Map<String, Value> = said.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
        object.insert("fields".to_owned(), fields.into());
    }
    if !said.spans.is_empty() {
        object.insert("within".to_owned(), json!(said.spans));
    }
    if let Some(began) = said.began {
        object.insert("began_ns".to_owned(), began.as_nanos().into());
    }
    put_span(&mut object, spans, said.step.and_then(|step| spans.of_record(step)));
    object.into()
}

fn head(nanos: u64, at: &str, level: &str, node: Option<String>, what: &str) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("at_ns".to_owned(), nanos.into());
    object.insert("at".to_owned(), at.into());
    object.insert("level".to_owned(), level.into());
    if let Some(node) = node {
        object.insert("node".to_owned(), node.into());
    }
    object.insert("what".to_owned(), what.into());
    object
}

fn put_span(object: &mut Map<String, Value>, spans: &Spans, place: Option<u32>) {
    if let Some(place) = place {
        object.insert("trace_id".to_owned(), trace_hex(spans, place).into());
        object.insert("span_id".to_owned(), span_hex(spans, place).into());
    }
}
