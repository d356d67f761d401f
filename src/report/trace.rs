//! A trace as JSON lines.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

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
        match serde_json::to_writer(&mut self.lines, &json(entry)) {
            Ok(()) => self.lines.push(b'\n'),
            Err(error) => self.error = Some(error.into()),
        }
        if self.lines.len() >= Self::BATCH {
            self.write();
        }
    }
}

fn json(entry: &UntypedRecord<'_>) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("number", entry.number.into());
    put("at_ns", entry.at.as_nanos().into());
    put("sort", entry.sort.into());
    if let Some(node) = entry.node {
        put("node", node.to_string().into());
    }
    if let Some(clock) = entry.clock {
        put("clock_ns", clock.as_nanos().into());
    }
    if let Some((id, kind)) = entry.message {
        put("from", id.from.to_string().into());
        put("to", id.to.to_string().into());
        put("kind", kind.name.into());
        put("count", id.count.into());
    }
    if let Some(fate) = entry.fate {
        put("fate", fate_json(fate));
        put("content", entry.payload.map(|payload| format!("{:016x}", payload.content())).into());
    }
    if let Some(name) = entry.name {
        put("name", name.into());
    }
    for (name, number) in &entry.numbers {
        put(name, (*number).into());
    }
    if let Some(payload) = entry.payload {
        put("payload", payload.json());
    }
    if let Some(bytes) = entry.bytes {
        put("bytes", hex(bytes).into());
    }
    if let Some(written) = entry.written() {
        put("written", written.into());
    }
    if let Some(cause) = entry.cause {
        put("cause", cause.into());
    }
    if !entry.blamed.is_empty() {
        put("blamed", entry.blamed.into());
    }
    put("digest", format!("{:016x}", entry.digest).into());
    object.into()
}

fn fate_json(fate: Fate) -> Value {
    match fate {
        Fate::Deliver(latency) => json!({ "latency_ns": [latency.as_nanos()] }),
        Fate::Duplicate(first, second) => json!({ "latency_ns": [first.as_nanos(), second.as_nanos()] }),
        Fate::Lost(reason) => json!({ "lost": format!("{reason:?}").to_lowercase() }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
