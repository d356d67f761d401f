//! Long files, judged while they are read: memory does not grow with their length.
//!
//! The beginning is read as any file is. If there is more, it is told to [`Online`], and so is what follows, entry by entry. A file that
//! holds is over then. Of one that is violated, the keys concerned are read once more, as far as it takes to say why.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::Verdict;
use super::intake::{ClientNames, Dialect, Intake, IntakeError, Ledger, Recorded, RecordedOf};
use super::linearizability::{Online, ViolatedKey};
use super::model::Model;
use crate::base::{ClientId, Time};
use crate::history::formats::{Entries, Format, Value};
use crate::history::{Event, MalformedHistory, Outcome};

type Op<D> = <<D as Dialect>::Model as Model>::Op;
type Ret<D> = <<D as Dialect>::Model as Model>::Ret;

/// What a file was taken for.
pub(super) enum Taken<D: Dialect> {
    /// A short one, which is there as a whole.
    Whole(D::Model, RecordedOf<D>),
    /// A long one, with what was found.
    Streamed(Findings<D>),
}

/// What was found in a file that was judged while it was read.
pub(super) struct Findings<D> {
    /// With what it learnt from all of the file.
    dialect: D,
    pub(super) facts: Facts,
    /// Unknown, too, where what something means depends on what comes long after it.
    pub(super) verdict: Verdict,
    pub(super) breaches: Vec<ViolatedKey>,
    pub(super) states: u64,
}

/// What can be said of any file.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) format: Format,
    pub(super) entries: u64,
    pub(super) operations: usize,
    pub(super) unknown: usize,
    pub(super) failed: usize,
    pub(super) clients: usize,
}

impl Facts {
    pub(super) fn of<O, R>(recorded: &Recorded<O, R>) -> Self {
        let operations = recorded.history.operations();
        let count = |wanted: fn(&Outcome<R>) -> bool| operations.iter().filter(|operation| wanted(&operation.outcome)).count();
        Self {
            format: recorded.format,
            entries: recorded.entries,
            operations: operations.len(),
            unknown: count(|outcome| matches!(outcome, Outcome::Unknown)),
            failed: count(|outcome| matches!(outcome, Outcome::Failed)),
            clients: operations.iter().map(|operation| operation.client).collect::<BTreeSet<_>>().len(),
        }
    }
}

/// Reads a file. If it has more entries than this, it is judged by the way.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub(super) fn read<D>(mut dialect: D, mut entries: Entries<'_>, whole: u64, observe_failures: bool) -> Result<Taken<D>, IntakeError>
where
    D: Dialect<Model: Model<Op: Clone>> + Clone,
{
    let format = entries.format();
    let mut intake = Intake::new(Recorded::new(format), format, observe_failures);
    while let Some(entry) = entries.next() {
        intake.take(&mut dialect, entry)?;
        if intake.entries > whole {
            return read_on(dialect, intake, entries, format).map(Taken::Streamed);
        }
    }
    let (model, recorded) = intake.finish()?.in_the_words_of(dialect);
    Ok(Taken::Whole(model, recorded))
}

fn read_on<D>(mut dialect: D, intake: Intake<RecordedOf<D>>, entries: Entries<'_>, format: Format) -> Result<Findings<D>, IntakeError>
where
    D: Dialect<Model: Model<Op: Clone>> + Clone,
{
    let mut intake = intake.into(|recorded| Stream::new(&dialect, recorded));
    for entry in entries {
        intake.take(&mut dialect, entry)?;
    }
    let Stream { mut online, absent, entries, operations, done, failed, clients, .. } = intake.finish()?;
    let verdict = online.finish();
    let facts = Facts { format, entries, operations, unknown: operations - done - failed, failed, clients: clients.len() };
    let verdict = if absent == dialect.absent() { verdict } else { Verdict::Unknown };
    Ok(Findings { dialect, facts, verdict, breaches: online.violations().to_vec(), states: online.states() })
}

/// What was done on keys that are violated, up to where they are.
pub(super) struct Closer<D: Dialect> {
    pub(super) model: D::Model,
    pub(super) recorded: RecordedOf<D>,
    /// For each key, the line with which it is violated.
    pub(super) lines: BTreeMap<String, u64>,
}

impl<D: Dialect<Model: Model<Op: Clone>> + Clone> Findings<D> {
    /// Reads once more what was done on keys that are violated, up to where the last of them is, and on until it is known how what was
    /// open then ended: of what failed later it is known from the beginning that it never took effect.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn look_closer(&self, entries: Entries<'_>, observe_failures: bool) -> Result<Closer<D>, IntakeError> {
        let format = entries.format();
        let mut dialect = self.dialect.clone();
        let mut keys = BTreeMap::new();
        for breach in &self.breaches {
            keys.insert(breach.key.clone(), breach.operation);
        }
        let chosen: Chosen<D> = Chosen {
            model: dialect.clone().finish(),
            keys,
            lines: BTreeMap::new(),
            open: FxHashMap::default(),
            begun: 0,
            awaited: 0,
            recorded: Recorded::new(format),
        };
        let mut intake = Intake::new(chosen, format, observe_failures);
        for entry in entries {
            intake.take(&mut dialect, entry)?;
            if intake.ledger.keys.is_empty() && intake.ledger.awaited == 0 {
                break;
            }
        }
        let Chosen { recorded, lines, .. } = intake.finish()?;
        let (model, recorded) = recorded.in_the_words_of(dialect);
        Ok(Closer { model, recorded, lines })
    }
}

/// Operations that are judged, and forgotten.
struct Stream<D: Dialect> {
    online: Online<D::Model>,
    absent: Option<Value>,
    /// What is open, by number, with the line on which it began.
    open: FxHashMap<usize, (Op<D>, u64)>,
    entries: u64,
    operations: usize,
    done: usize,
    failed: usize,
    clients: BTreeSet<ClientId>,
}

impl<D: Dialect<Model: Model<Op: Clone>> + Clone> Stream<D> {
    /// Goes on from what was recorded so far.
    fn new(dialect: &D, recorded: RecordedOf<D>) -> Self {
        let mut stream = Self {
            online: Online::new(dialect.clone().finish()).batched(),
            absent: dialect.absent(),
            open: FxHashMap::default(),
            entries: 0,
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

impl<D: Dialect<Model: Model<Op: Clone>>> Ledger<Op<D>, Ret<D>> for Stream<D> {
    fn invoke(&mut self, at: Time, client: ClientId, op: Op<D>, line: u64) -> Result<usize, MalformedHistory> {
        let operation = self.operations;
        let meant = match &self.absent {
            Some(absent) => D::meant(op.clone(), absent),
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
        outcome: Outcome<Ret<D>>,
        _: Option<u64>,
    ) -> Result<(), MalformedHistory> {
        self.open.remove(&operation);
        let outcome = match (outcome, &self.absent) {
            (Outcome::Done(answer), Some(absent)) => Outcome::Done(D::meant_by(answer, absent)),
            (other, _) => other,
        };
        self.done += usize::from(matches!(outcome, Outcome::Done(_)));
        self.failed += usize::from(matches!(outcome, Outcome::Failed));
        self.online.complete(at, client, outcome)
    }

    fn open(&self, operation: usize) -> (&Op<D>, u64) {
        let (op, line) = &self.open[&operation];
        (op, *line)
    }

    fn close(&mut self, entries: u64, _: ClientNames) {
        self.entries = entries;
    }
}

/// Operations of some keys that were begun before each was violated.
struct Chosen<D: Dialect> {
    model: D::Model,
    /// The keys that are not yet, with the number of the operation with whose completion they are.
    keys: BTreeMap<String, usize>,
    /// The lines with which the others are.
    lines: BTreeMap<String, u64>,
    /// What is open, by number: the line on which it began, and its place among what is recorded.
    open: FxHashMap<usize, (Op<D>, u64, Option<usize>)>,
    begun: usize,
    /// How many of what is recorded are open.
    awaited: usize,
    recorded: RecordedOf<D>,
}

impl<D: Dialect<Model: Model<Op: Clone>>> Ledger<Op<D>, Ret<D>> for Chosen<D> {
    fn invoke(&mut self, at: Time, client: ClientId, op: Op<D>, line: u64) -> Result<usize, MalformedHistory> {
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
        outcome: Outcome<Ret<D>>,
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

    fn open(&self, operation: usize) -> (&Op<D>, u64) {
        let (op, line, _) = &self.open[&operation];
        (op, *line)
    }

    fn close(&mut self, entries: u64, names: ClientNames) {
        self.recorded.close(entries, names);
    }
}
