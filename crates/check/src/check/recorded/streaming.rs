//! Long files, judged while they are read: memory does not grow with their length.
//!
//! The beginning is read as any file is. If there is more, it is told to [`Online`], and so is what follows, entry by entry. A file that
//! holds is over then. Of one that is violated, the keys concerned are read once more, as far as it takes to say why.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::import::{ImportError, Importer, OperationSink, Reading, Recorded, RecordedOf, Remarks, Understood};
use super::schema::Schema;
use crate::base::{ClientId, Time};
use crate::check::linearizability::{Online, ViolatedKey};
use crate::check::model::Model;
use crate::check::verdict::Verdict;
use crate::history::formats::{ClientNames, Entries, Format, Value};
use crate::history::{Event, MalformedHistory, Outcome};

type Op<S> = <<S as Schema>::Model as Model>::Op;
type Ret<S> = <<S as Schema>::Model as Model>::Ret;

/// A file that was read.
pub(super) enum ReadFile<S: Schema> {
    /// A short one, which is there as a whole.
    Whole(S::Model, RecordedOf<S>),
    /// A long one, with what was found.
    Streamed(StreamedFile<S>),
}

/// What was found in a file that was judged while it was read.
pub(super) struct StreamedFile<S> {
    /// With what it learnt from all of the file.
    schema: S,
    pub(super) summary: FileSummary,
    /// Unknown, too, where what something means depends on what comes long after it.
    pub(super) verdict: Verdict,
    pub(super) violations: Vec<ViolatedKey>,
    pub(super) states: u64,
}

/// What can be said of any file.
#[derive(Clone, Debug)]
pub(super) struct FileSummary {
    pub(super) format: Format,
    pub(super) remarks: Remarks,
    pub(super) operations: usize,
    pub(super) unknown: usize,
    pub(super) failed: usize,
    pub(super) clients: usize,
}

impl FileSummary {
    pub(super) fn of<O, R>(recorded: &Recorded<O, R>) -> Self {
        let operations = recorded.history.operations();
        let count = |wanted: fn(&Outcome<R>) -> bool| operations.iter().filter(|operation| wanted(&operation.outcome)).count();
        Self {
            format: recorded.format,
            remarks: recorded.remarks,
            operations: operations.len(),
            unknown: count(|outcome| matches!(outcome, Outcome::Unknown)),
            failed: count(|outcome| matches!(outcome, Outcome::Failed)),
            clients: operations.iter().map(|operation| operation.client).collect::<BTreeSet<_>>().len(),
        }
    }
}

/// Reads a file. If it has more entries than this, it is judged while it is read.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub(super) fn read<S>(mut schema: S, mut entries: Entries<'_>, whole: u64, reading: Reading) -> Result<ReadFile<S>, ImportError>
where
    S: Schema<Model: Model<Op: Clone>> + Clone,
{
    let format = entries.format();
    let (mut recorded, mut importer) = (Recorded::new(format), Importer::new(format, reading));
    let mut intake = Understood { schema: &mut schema, sink: &mut recorded };
    if importer.read(&mut intake, &mut entries, whole)? {
        let stream = Stream::new(&schema, recorded);
        return read_on(schema, stream, importer, entries).map(ReadFile::Streamed);
    }
    importer.finish(&mut intake)?;
    let (model, recorded) = recorded.interpreted_by(schema);
    Ok(ReadFile::Whole(model, recorded))
}

fn read_on<S>(
    mut schema: S,
    mut stream: Stream<S>,
    mut importer: Importer,
    mut entries: Entries<'_>,
) -> Result<StreamedFile<S>, ImportError>
where
    S: Schema<Model: Model<Op: Clone>> + Clone,
{
    let format = entries.format();
    let mut intake = Understood { schema: &mut schema, sink: &mut stream };
    importer.read(&mut intake, &mut entries, u64::MAX)?;
    importer.finish(&mut intake)?;
    let Stream { mut online, absent, remarks, operations, done, failed, clients, .. } = stream;
    let verdict = online.finish();
    let summary = FileSummary { format, remarks, operations, unknown: operations - done - failed, failed, clients: clients.len() };
    let verdict = if absent == schema.absent() { verdict } else { Verdict::Unknown };
    Ok(StreamedFile { schema, summary, verdict, violations: online.violations().to_vec(), states: online.states() })
}

/// What was done on keys that are violated, up to where they are.
pub(super) struct ViolatedHistory<S: Schema> {
    pub(super) model: S::Model,
    pub(super) recorded: RecordedOf<S>,
    /// For each key, the line with which it is violated.
    pub(super) lines: BTreeMap<String, u64>,
}

impl<S: Schema<Model: Model<Op: Clone>> + Clone> StreamedFile<S> {
    /// Reads once more what was done on keys that are violated, up to where the last of them is, and on until it is known how what was
    /// open then ended: of what failed later it is known from the beginning that it never took effect.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read_violated_keys(&self, entries: Entries<'_>, reading: Reading) -> Result<ViolatedHistory<S>, ImportError> {
        let format = entries.format();
        let mut schema = self.schema.clone();
        let mut keys = BTreeMap::new();
        for violation in &self.violations {
            keys.insert(violation.key.clone(), violation.operation);
        }
        let mut chosen: Chosen<S> = Chosen {
            model: schema.clone().finish(),
            keys,
            lines: BTreeMap::new(),
            open: FxHashMap::default(),
            begun: 0,
            awaited: 0,
            recorded: Recorded::new(format),
        };
        let mut importer = Importer::new(format, reading);
        for entry in entries {
            importer.add(&mut Understood { schema: &mut schema, sink: &mut chosen }, entry)?;
            if chosen.keys.is_empty() && chosen.awaited == 0 {
                break;
            }
        }
        importer.finish(&mut Understood { schema: &mut schema, sink: &mut chosen })?;
        let Chosen { recorded, lines, .. } = chosen;
        let (model, recorded) = recorded.interpreted_by(schema);
        Ok(ViolatedHistory { model, recorded, lines })
    }
}

/// Operations that are judged, and forgotten.
struct Stream<S: Schema> {
    online: Online<S::Model>,
    absent: Option<Value>,
    /// What is open, by number, with the line on which it began.
    open: FxHashMap<usize, (Op<S>, u64)>,
    remarks: Remarks,
    operations: usize,
    done: usize,
    failed: usize,
    clients: BTreeSet<ClientId>,
}

impl<S: Schema<Model: Model<Op: Clone>> + Clone> Stream<S> {
    /// Goes on from what was recorded so far.
    fn new(schema: &S, recorded: RecordedOf<S>) -> Self {
        let mut stream = Self {
            online: Online::new(schema.clone().finish()).batched(),
            absent: schema.absent(),
            open: FxHashMap::default(),
            remarks: Remarks::default(),
            operations: 0,
            done: 0,
            failed: 0,
            clients: BTreeSet::new(),
        };
        let mut busy = FxHashMap::default();
        let mut lines = recorded.lines.into_iter();
        for (at, event) in recorded.history.into_events() {
            let told = match event {
                Event::Invoke { client, op, .. } => {
                    let line = lines.next().map_or(0, |(begins, _)| begins);
                    stream.invoke(at, client, op, line).map(|operation| _ = busy.insert(client, operation))
                }
                Event::Complete { client, outcome } => {
                    let operation = busy.remove(&client).unwrap_or_default();
                    stream.complete(at, client, operation, outcome, None)
                }
            };
            told.expect("what was a history before is one again");
        }
        stream
    }
}

impl<S: Schema<Model: Model<Op: Clone>>> OperationSink<Op<S>, Ret<S>> for Stream<S> {
    fn invoke(&mut self, at: Time, client: ClientId, op: Op<S>, line: u64) -> Result<usize, MalformedHistory> {
        let operation = self.operations;
        let meant = match &self.absent {
            Some(absent) => S::meant(op.clone(), absent),
            None => op.clone(),
        };
        self.online.invoke(at, client, meant)?;
        self.operations += 1;
        self.open.insert(operation, (op, line));
        if self.clients.last() != Some(&client) {
            self.clients.insert(client);
        }
        Ok(operation)
    }

    fn complete(
        &mut self,
        at: Time,
        client: ClientId,
        operation: usize,
        outcome: Outcome<Ret<S>>,
        _: Option<u64>,
    ) -> Result<(), MalformedHistory> {
        self.open.remove(&operation);
        let outcome = match (outcome, &self.absent) {
            (Outcome::Done(answer), Some(absent)) => Outcome::Done(S::meant_by(answer, absent)),
            (other, _) => other,
        };
        self.done += usize::from(matches!(outcome, Outcome::Done(_)));
        self.failed += usize::from(matches!(outcome, Outcome::Failed));
        self.online.complete(at, client, outcome)
    }

    fn open(&self, operation: usize) -> (&Op<S>, u64) {
        let (op, line) = &self.open[&operation];
        (op, *line)
    }

    fn close(&mut self, remarks: Remarks, _: ClientNames) {
        self.remarks = remarks;
    }
}

/// Operations of some keys that were begun before each was violated.
struct Chosen<S: Schema> {
    model: S::Model,
    /// The keys that are not yet, with the number of the operation with whose completion they are.
    keys: BTreeMap<String, usize>,
    /// The lines with which the others are.
    lines: BTreeMap<String, u64>,
    /// What is open, by number: the line on which it began, and its place among what is recorded.
    open: FxHashMap<usize, (Op<S>, u64, Option<usize>)>,
    begun: usize,
    /// How many of what is recorded are open.
    awaited: usize,
    recorded: RecordedOf<S>,
}

impl<S: Schema<Model: Model<Op: Clone>>> OperationSink<Op<S>, Ret<S>> for Chosen<S> {
    fn invoke(&mut self, at: Time, client: ClientId, op: Op<S>, line: u64) -> Result<usize, MalformedHistory> {
        let operation = self.begun;
        self.begun += 1;
        let chosen = self.keys.contains_key(&self.model.key(&op).to_string());
        let place = if chosen { Some(self.recorded.invoke(at, client, op.clone(), line)?) } else { None };
        self.awaited += usize::from(chosen);
        self.open.insert(operation, (op, line, place));
        Ok(operation)
    }

    fn complete(
        &mut self,
        at: Time,
        client: ClientId,
        operation: usize,
        outcome: Outcome<Ret<S>>,
        line: Option<u64>,
    ) -> Result<(), MalformedHistory> {
        let Some((op, _, Some(place))) = self.open.remove(&operation) else { return Ok(()) };
        self.awaited -= 1;
        let key = self.model.key(&op).to_string();
        if self.keys.get(&key) == Some(&operation) {
            self.keys.remove(&key);
            self.lines.insert(key, line.unwrap_or_default());
        }
        self.recorded.complete(at, client, place, outcome, line)
    }

    fn open(&self, operation: usize) -> (&Op<S>, u64) {
        let (op, line, _) = &self.open[&operation];
        (op, *line)
    }

    fn close(&mut self, remarks: Remarks, names: ClientNames) {
        self.recorded.close(remarks, names);
    }
}
