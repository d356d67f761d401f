//! What must hold of a bus besides what it promises of its messages: a buffer holds no more than it may.

use super::Holds;
use crate::check::{Property, PropertyReport, Rule, Violations};
use crate::trace::{Event, Judge, Record, Sort, Sorts, Vocabulary};

/// What happens to buffers.
pub const BOUNDED_BUFFERS: Property = Property::always("bounded-buffers", "the buffer of a subscriber never holds more than it may");

static TOO_MANY: Rule = Rule::new("too-many", "the buffer of {node} holds {count} messages, and may hold {bound}");

/// Judges buffers.
#[derive(Debug, Default)]
pub struct BufferJudge {
    violations: Violations,
}

impl<V: Vocabulary<Note = Holds>> Judge<V> for BufferJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        if let Event::Note { note: Holds { subscriber, count, bound }, .. } = record.event
            && count > bound
        {
            let broken = TOO_MANY.with("node", *subscriber).with("count", *count).with("bound", *bound);
            self.violations.add(&BOUNDED_BUFFERS, record.sighting(), broken);
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Note])
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&[BOUNDED_BUFFERS])
    }
}
