//! Events among the records of a run, and records of two runs that are about the same.

use crate::base::{MessageId, NodeId};
use crate::trace::{OwnedRecord, Recording, Sink, UntypedRecord};

/// The records of the event that begins with this one: what follows in the same instant on the same node, up to the next that begins an
/// event.
pub(super) fn event(recording: &Recording, first: usize) -> &[OwnedRecord] {
    let Some(begin) = recording.records().get(first) else { return &[] };
    let rest = &recording.records()[first + 1..];
    let belongs = |record: &&OwnedRecord| record.at == begin.at && record.node == begin.node && !begins(record);
    let length = rest.iter().take_while(belongs).count();
    &recording.records()[first..=first + length]
}

/// Whether an event begins with this record.
fn begins(record: &OwnedRecord) -> bool {
    matches!(record.sort, "boot" | "crash" | "deliver" | "discard" | "fault" | "lift" | "pause" | "resume" | "settle" | "synced" | "timer")
}

/// The digest of the message, timer or note.
pub(super) fn content(record: &OwnedRecord) -> u64 {
    record.entry().payload.map_or(0, |payload| payload.content())
}

/// What a record is about, whenever it happens and whatever becomes of it.
pub(super) fn identity(record: &OwnedRecord) -> (&'static str, Option<NodeId>, Option<MessageId>, u64) {
    let message = record.message.map(|(id, _)| id);
    (record.sort, record.node, message, if message.is_some() { 0 } else { content(record) })
}

/// How many records a run has in common with another, from the first on.
pub(super) struct Common<'a> {
    other: &'a Recording,
    pub(super) records: usize,
    has_parted: bool,
}

impl<'a> Common<'a> {
    pub(super) fn with(other: &'a Recording) -> Self {
        Self { other, records: 0, has_parted: false }
    }
}

impl Sink for Common<'_> {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        self.has_parted |= self.other.get(entry.number).is_none_or(|other| other.digest != entry.digest);
        self.records += usize::from(!self.has_parted);
    }
}
