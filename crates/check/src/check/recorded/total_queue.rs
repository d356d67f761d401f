//! Queues that are emptied at the end, in files: each item is judged apart.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::import::{ImportError, Reading, Recorded, import};
use super::schema::{Call, Item, Schema, done, given, items, keyless, name};
use crate::base::{ClientId, Time};
use crate::check::consistency::Observable;
use crate::check::model::total_queue::{TotalQueue, TotalQueueOp};
use crate::check::model::{Model, Next};
use crate::history::formats::{Entries, Format, Value};
use crate::history::{Event, History, Outcome};

/// What is asked of the queue in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asked {
    Enqueue(Value),
    Dequeue,
    Drain,
}

/// `:enqueue 3`; `:dequeue`, which ends with an item, or `nil` if it found none; `:drain`, which ends with all that were left.
#[derive(Clone, Copy, Debug, Default)]
struct TotalQueues;

/// A model only in name: what was read is judged item by item.
struct Whole;

impl Model for Whole {
    type State = ();
    type Op = Asked;
    type Ret = Vec<Value>;

    fn initial(&self) {}

    fn step(&self, (): &(), _: &Asked, _: Option<&Vec<Value>>) -> Next<()> {
        Next::Same
    }
}

impl Schema for TotalQueues {
    type Model = Whole;

    fn names(&self) -> &'static [&'static str] {
        &["enqueue", "dequeue", "drain"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<Asked, String> {
        keyless(call)?;
        match call.f {
            "enqueue" => given(call.value, "an item").map(Asked::Enqueue),
            "dequeue" => Ok(Asked::Dequeue),
            _ => Ok(Asked::Drain),
        }
    }

    fn answered(&mut self, op: &Asked, call: Call<'_>) -> Result<Vec<Value>, String> {
        match (op, call.value) {
            (Asked::Enqueue(item), _) => done(item, call).map(|()| Vec::new()),
            (Asked::Dequeue, Value::Nil) => Ok(Vec::new()),
            (Asked::Dequeue, item) => Ok(vec![item.clone()]),
            (Asked::Drain, value) => items(value, "all items that came out"),
        }
    }

    fn finish(self) -> Whole {
        Whole
    }
}

impl Observable for TotalQueue<Item> {
    type Value = Value;
}

/// What a file says of each item, and, if it does not say what was lost, why.
pub(super) type ByItem = (Recorded<TotalQueueOp<Item>, ()>, Option<&'static str>);

/// Reads a file of a queue that holds these items at first.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub(super) fn read(input: impl Read, format: Option<Format>, initial: &[Value]) -> Result<ByItem, ImportError> {
    let entries = Entries::open(input, format).map_err(|error: io::Error| ImportError::Io(error))?;
    let (_, recorded) = import(TotalQueues, entries, Reading::default())?;
    let (lost, caveat) = lost(&recorded.history, initial);
    Ok((by_item(recorded, initial, &lost), caveat))
}

/// The items that went in before the last drain began and did not all come out; or why they cannot be known.
///
/// Each dequeue of unknown outcome may have taken one.
fn lost(history: &History<Asked, Vec<Value>>, initial: &[Value]) -> (Vec<Value>, Option<&'static str>) {
    let operations = history.operations();
    let drained = operations.iter().filter(|operation| operation.op == Asked::Drain && operation.result().is_some());
    let Some(begun) = drained.map(|operation| operation.invoked).max() else {
        return (Vec::new(), Some("no drain ended, so that it is not known what was lost"));
    };
    let unknown = |op: &Asked| operations.iter().filter(|operation| operation.op == *op && operation.outcome == Outcome::Unknown).count();
    if unknown(&Asked::Drain) > 0 {
        return (Vec::new(), Some("a drain of unknown outcome may hold what seems to be lost"));
    }
    let mut counts: BTreeMap<&Value, i64> = BTreeMap::new();
    initial.iter().for_each(|item| *counts.entry(item).or_default() += 1);
    for operation in operations {
        match (&operation.op, operation.result()) {
            (Asked::Enqueue(item), Some(_)) if operation.completed.is_some_and(|completed| completed < begun) => {
                *counts.entry(item).or_default() += 1;
            }
            (_, Some(taken)) => taken.iter().for_each(|item| *counts.entry(item).or_default() -= 1),
            (_, None) => {}
        }
    }
    let missing: i64 = counts.values().filter(|count| **count > 0).sum();
    if missing <= unknown(&Asked::Dequeue) as i64 {
        return (Vec::new(), None);
    }
    (counts.into_iter().filter(|(_, count)| *count > 0).map(|(item, _)| item.clone()).collect(), None)
}

/// The same history, of items: each goes in and comes out, and those that are lost should be gone at the end.
fn by_item(recorded: Recorded<Asked, Vec<Value>>, initial: &[Value], lost: &[Value]) -> Recorded<TotalQueueOp<Item>, ()> {
    let in_order = "what was a history before is one again";
    let item = |value: &Value| Item::new(name(value));
    let Recorded { history, lines: all_lines, remarks, format, names, .. } = recorded;
    let mut parts: Recorded<TotalQueueOp<Item>, ()> = Recorded::new(format);
    (parts.remarks, parts.names) = (remarks, names);
    let outcomes: Vec<Outcome<Vec<Value>>> = history.operations().iter().map(|operation| operation.outcome.clone()).collect();
    let end = history.into_events();
    let mut last = Time::ZERO;
    let begin = |parts: &mut Recorded<TotalQueueOp<Item>, ()>, at: Time, client, op, lines| {
        parts.history.invoke(at, client, op).expect(in_order);
        parts.lines.push(lines);
    };
    for (place, value) in initial.iter().enumerate() {
        let client = ClientId { client: super::import::UNNAMED, session: place as u32 };
        begin(&mut parts, Time::ZERO, client, TotalQueueOp::Enqueue(item(value)), (0, Some(0)));
        parts.history.complete(Time::ZERO, client, Outcome::Done(())).expect(in_order);
    }
    let mut index = 0;
    let mut open: BTreeMap<ClientId, usize> = BTreeMap::new();
    for (at, event) in end {
        last = at;
        match event {
            Event::Invoke { client, op, .. } => {
                let lines = all_lines[index];
                let count = match (&op, &outcomes[index]) {
                    (Asked::Enqueue(value), _) => {
                        begin(&mut parts, at, client, TotalQueueOp::Enqueue(item(value)), lines);
                        1
                    }
                    (_, Outcome::Done(taken)) => {
                        for (session, value) in taken.iter().enumerate() {
                            let client = ClientId { session: session as u32, ..client };
                            begin(&mut parts, at, client, TotalQueueOp::Dequeue(item(value)), lines);
                        }
                        taken.len()
                    }
                    (_, Outcome::Failed | Outcome::Unknown) => 0,
                };
                open.insert(client, count);
                index += 1;
            }
            Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                let outcome = match outcome {
                    Outcome::Done(_) => Outcome::Done(()),
                    Outcome::Failed => Outcome::Failed,
                    Outcome::Unknown => Outcome::Unknown,
                };
                for session in 0..open.remove(&client).unwrap_or_default() {
                    let client = ClientId { session: session as u32, ..client };
                    parts.history.complete(at, client, outcome.clone()).expect(in_order);
                }
            }
        }
    }
    let line = all_lines.iter().filter_map(|(_, ends)| *ends).max().unwrap_or_default();
    for (place, value) in lost.iter().enumerate() {
        let client = ClientId { client: super::import::UNNAMED, session: (initial.len() + place) as u32 };
        begin(&mut parts, Time::from_nanos(last.as_nanos() + 1), client, TotalQueueOp::Gone(item(value)), (line, Some(line)));
    }
    for place in 0..lost.len() {
        let client = ClientId { client: super::import::UNNAMED, session: (initial.len() + place) as u32 };
        parts.history.complete(Time::from_nanos(last.as_nanos() + 2), client, Outcome::Done(())).expect(in_order);
    }
    parts.names.call(super::import::UNNAMED, "the end");
    parts
}
