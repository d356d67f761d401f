//! A trace as JSON lines.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::Fate;
use crate::trace::{Sink, UntypedRecord};

/// Writes a JSON object for every record, one a line. Lines are written whole and many at a time: whatever ends the program, the file ends
/// with a line.
pub struct TraceWriter<W: Write> {
    file: W,
    lines: Vec<u8>,
    error: Option<io::Error>,
}

impl<W: Write> TraceWriter<W> {
    /// How many bytes are gathered before they are written.
    const BATCH: usize = 256 << 10;

    /// A writer to this file.
    pub fn new(file: W) -> Self {
        Self { file, lines: Vec::new(), error: None }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first error of any write, even a former one: the trace is not complete then.
    pub fn finish(mut self) -> io::Result<()> {
        self.write();
        match self.error {
            Some(error) => Err(error),
            None => self.file.flush(),
        }
    }

    fn write(&mut self) {
        if self.error.is_none() {
            self.error = self.file.write_all(&self.lines).err();
        }
        self.lines.clear();
    }
}

impl<W: Write> Sink for TraceWriter<W> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if self.error.is_some() {
            return;
        }
        match write_record(entry, &mut self.lines) {
            Ok(()) => self.lines.push(b'\n'),
            Err(error) => self.error = Some(error),
        }
        if self.lines.len() >= Self::BATCH {
            self.write();
        }
    }
}

/// An object, field by field. Nothing is put together before it is written: a run has millions of records.
struct Object<'a> {
    text: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    fn begin(text: &'a mut Vec<u8>) -> Self {
        text.push(b'{');
        Self { text, is_empty: true }
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        if !std::mem::take(&mut self.is_empty) {
            self.text.push(b',');
        }
        serde_json::to_writer(&mut *self.text, name)?;
        self.text.push(b':');
        Ok(())
    }

    fn put(&mut self, name: &str, value: impl Serialize) -> io::Result<()> {
        self.name(name)?;
        Ok(serde_json::to_writer(&mut *self.text, &value)?)
    }

    fn put_text(&mut self, name: &str, value: fmt::Arguments<'_>) -> io::Result<()> {
        self.name(name)?;
        // What is printed here has nothing that JSON must escape.
        write!(self.text, "\"{value}\"")
    }

    fn end(self) {
        self.text.push(b'}');
    }
}

fn write_record(entry: &UntypedRecord<'_>, text: &mut Vec<u8>) -> io::Result<()> {
    let mut object = Object::begin(text);
    object.put("number", entry.number)?;
    object.put("at_ns", entry.at.as_nanos())?;
    object.put("sort", entry.sort)?;
    if let Some(node) = entry.node {
        object.put_text("node", format_args!("{node}"))?;
    }
    if let Some(clock) = entry.clock {
        object.put("clock_ns", clock.as_nanos())?;
    }
    if let Some((id, kind)) = entry.message {
        object.put_text("from", format_args!("{}", id.from))?;
        object.put_text("to", format_args!("{}", id.to))?;
        object.put("kind", kind.name)?;
        object.put("count", id.count)?;
    }
    if let Some(fate) = entry.fate {
        object.put("fate", fate_json(fate))?;
        match entry.payload {
            Some(payload) => object.put_text("content", format_args!("{:016x}", payload.content()))?,
            None => object.put("content", ())?,
        }
    }
    if let Some(name) = entry.name {
        object.put("name", name)?;
    }
    for (name, number) in &entry.numbers {
        object.put(name, number)?;
    }
    if let Some(payload) = entry.payload {
        object.name("payload")?;
        payload.write_json(object.text);
    }
    if let Some(bytes) = entry.bytes {
        object.put_text("bytes", format_args!("{}", Hex(bytes)))?;
    }
    if let Some(written) = entry.written() {
        object.put("written", written)?;
    }
    if let Some(cause) = entry.cause {
        object.put("cause", cause)?;
    }
    if !entry.blamed.is_empty() {
        object.put("blamed", entry.blamed)?;
    }
    object.put_text("digest", format_args!("{:016x}", entry.digest))?;
    object.end();
    Ok(())
}

fn fate_json(fate: Fate) -> Value {
    match fate {
        Fate::Deliver(latency) => json!({ "latency_ns": [latency.as_nanos()] }),
        Fate::Duplicate(first, second) => json!({ "latency_ns": [first.as_nanos(), second.as_nanos()] }),
        Fate::Lost(reason) => json!({ "lost": format!("{reason:?}").to_lowercase() }),
    }
}

/// Bytes as digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for chunk in self.0.chunks(64) {
            let mut text = String::with_capacity(128);
            text.extend(chunk.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])));
            f.write_str(&text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Change, Duration, KindDigest, Loss, MessageId, NodeId, Time};
    use crate::trace::{Event, Vocabulary};

    struct TextVocabulary;

    impl Vocabulary for TextVocabulary {
        type Message = String;
        type Note = String;
        type Client = String;
        type ClientNote = String;
    }

    fn check(event: &Event<'_, TextVocabulary>, expected: &str) {
        let mut text = Vec::new();
        let mut writer = TraceWriter::new(&mut text);
        writer.record(&event.entry(3, Time::ZERO + Duration::from_millis(2), 255, &["Propose", "Promise", "Ack"]));
        writer.finish().unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            format!("{{\"number\":3,\"at_ns\":2000000,{expected},\"digest\":\"00000000000000ff\"}}\n")
        );
    }

    #[test]
    fn records() {
        let id = MessageId { from: NodeId::server(0), to: NodeId::client(1), kind: KindDigest::of("Ack"), count: 7 };
        let message = "hi".to_owned();
        check(
            &Event::Send { id, fate: Fate::Duplicate(Duration::from_nanos(5), Duration::from_nanos(6)), message: &message },
            r#""sort":"send","node":"n1","from":"n1","to":"c2","kind":"Ack","count":7,"fate":{"latency_ns":[5,6]},"content":"2a300bc6fb391d0a","payload":"hi""#,
        );
        check(
            &Event::Send { id, fate: Fate::Lost(Loss::Chance), message: &message },
            r#""sort":"send","node":"n1","from":"n1","to":"c2","kind":"Ack","count":7,"fate":{"lost":"chance"},"content":"2a300bc6fb391d0a","payload":"hi""#,
        );
        check(
            &Event::Write { node: id.from, write: 4, file: "log", change: Change::Append(b"\x00z") },
            r#""sort":"write","node":"n1","name":"log","write":4,"append":2,"bytes":"007a""#,
        );
        check(
            &Event::Write { node: id.from, write: 5, file: "log", change: Change::Append(b"[1]\n") },
            r#""sort":"write","node":"n1","name":"log","write":5,"append":4,"bytes":"5b315d0a","written":"[1]""#,
        );
        check(&Event::Settle, r#""sort":"settle""#);
    }

    /// Takes so many bytes.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = bytes.len().min(self.0);
            self.0 -= written;
            if written == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(written) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        let mut writer = TraceWriter::new(Disk(1_000_000));
        let message = "x".repeat(1_000);
        let event: Event<'_, TextVocabulary> = Event::Note { node: NodeId::server(0), note: &message };
        for number in 0..2_000 {
            writer.record(&event.entry(number, Time::ZERO, 0, &["Append"]));
        }
        assert_eq!(writer.finish().map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    }
}
