//! Long files, judged while they are read: memory does not grow with their length.
//!
//! The beginning is read as any file is. If there is more, it is told to [`Online`], and so is what follows, entry by entry. A file that
//! holds is over then. Of one that is violated, the keys concerned are read once more, as far as it takes to say why.

use rustc_hash::FxHashMap;

use super::import::{ImportError, Importer, Intake, OperationSink, Reading, Recorded, RecordedOf, Remarks, Understood};
use super::judge::{CheckOptions, CheckReport, judge_recorded};
use super::schema::Schema;
use crate::base::{ClientId, SortedMap, SortedSet, Time};
use crate::check::consistency::Observable;
use crate::check::linearizability::{Online, ViolatedKey};
use crate::check::model::Model;
use crate::check::verdict::Verdict;
use crate::history::formats::{ClientNames, Entries, Format, Value};
use crate::history::{Event, MalformedHistory, Outcome, Timeline};

type Op<S> = <<S as Schema>::Model as Model>::Op;
type Ret<S> = <<S as Schema>::Model as Model>::Ret;

/// What was found in a file that was judged while it was read.
pub(super) struct StreamedFile {
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
    pub(super) fn of(format: Format, remarks: Remarks, history: &dyn Timeline) -> Self {
        let count = |wanted: Outcome<()>| (0..history.len()).filter(|index| history.outcome(*index) == wanted).count();
        Self {
            format,
            remarks,
            operations: history.len(),
            unknown: count(Outcome::Unknown),
            failed: count(Outcome::Failed),
            clients: (0..history.len()).map(|index| history.client(index)).collect::<SortedSet<_>>().len(),
        }
    }
}

/// What is read of a file by a schema, whichever its types: they are met as operations go by, and when the history is judged. What is
/// done with files is compiled once.
pub(super) trait Reader {
    /// A file begins, to be recorded.
    fn start(&mut self, file: &mut Entries<'_>, most: u64);
    /// What was recorded so far is told to a judge, who forgets it, and so is what comes.
    fn stream(&mut self);
    /// What that judge says at the end of a file of this format.
    fn streamed(&mut self, format: Format) -> StreamedFile;
    /// The same file begins once more, and of these keys what was done is recorded, up to the completion of these operations.
    fn choose(&mut self, keys: SortedMap<String, usize>, format: Format);
    /// For each key that was chosen, the line of that completion.
    fn chosen(&mut self) -> SortedMap<String, u64>;
    /// Where entries go.
    fn intake(&mut self) -> Box<dyn Intake + '_>;
    /// Judges what was recorded, by a model of this name.
    fn judge(&mut self, name: &'static str, options: &CheckOptions) -> CheckReport;
}

/// Reads a file. If it has more entries than this, it is judged while it is read, and what was found is returned.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub(super) fn read(
    reader: &mut dyn Reader,
    mut entries: Entries<'_>,
    whole: u64,
    reading: Reading,
) -> Result<Option<StreamedFile>, ImportError> {
    let format = entries.format();
    reader.start(&mut entries, whole);
    let mut importer = Importer::new(format, reading);
    if !importer.read(&mut *reader.intake(), &mut entries, whole)? {
        importer.finish(&mut *reader.intake())?;
        return Ok(None);
    }
    reader.stream();
    importer.read(&mut *reader.intake(), &mut entries, u64::MAX)?;
    importer.finish(&mut *reader.intake())?;
    Ok(Some(reader.streamed(format)))
}

/// Reads once more what was done on keys that are violated, up to where the last of them is, and on until it is known how what was
/// open then ended: of what failed later it is known from the beginning that it never took effect. For each key, this is the line with
/// which it is violated.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read_violated_keys(
    reader: &mut dyn Reader,
    mut entries: Entries<'_>,
    violations: &[ViolatedKey],
    reading: Reading,
) -> Result<SortedMap<String, u64>, ImportError> {
    let format = entries.format();
    let keys = violations.iter().map(|violation| (violation.key.clone(), violation.operation));
    reader.choose(keys.collect(), format);
    let mut importer = Importer::new(format, reading);
    importer.read(&mut *reader.intake(), &mut entries, u64::MAX)?;
    importer.finish(&mut *reader.intake())?;
    Ok(reader.chosen())
}

/// What is read by this schema.
pub(super) struct TypedReader<S: Schema> {
    /// As it is before a file.
    fresh: S,
    schema: S,
    sink: Sink<S>,
}

/// Where operations go.
enum Sink<S: Schema> {
    Nowhere,
    Recorded(RecordedOf<S>),
    Stream(Stream<S>),
    Chosen(Chosen<S>),
}

impl<S: Schema<Model: Model<Op: Clone>> + Clone> TypedReader<S> {
    pub(super) fn new(schema: S) -> Self {
        Self { fresh: schema.clone(), schema, sink: Sink::Nowhere }
    }

    fn recorded(&mut self) -> RecordedOf<S> {
        let Sink::Recorded(recorded) = std::mem::replace(&mut self.sink, Sink::Nowhere) else { unreachable!("it was recorded") };
        recorded
    }
}

impl<S: Schema<Model: Observable<Op: Clone>> + Clone> Reader for TypedReader<S> {
    fn start(&mut self, file: &mut Entries<'_>, most: u64) {
        self.sink = Sink::Recorded(Recorded::new(file.format()));
        self.schema = self.fresh.clone();
        self.schema.look_ahead(file, most);
    }

    fn stream(&mut self) {
        let recorded = self.recorded();
        self.sink = Sink::Stream(Stream::new(&self.schema, recorded));
    }

    fn streamed(&mut self, format: Format) -> StreamedFile {
        let Sink::Stream(stream) = &mut self.sink else { unreachable!("a judge was told") };
        let Stream { online, absent, remarks, operations, done, failed, clients, .. } = stream;
        let (remarks, operations, failed) = (*remarks, *operations, *failed);
        let summary = FileSummary { format, remarks, operations, unknown: operations - *done - failed, failed, clients: clients.len() };
        let verdict = online.finish();
        let verdict = if *absent == self.schema.absent() { verdict } else { Verdict::Unknown };
        StreamedFile { summary, verdict, violations: online.violations().to_vec(), states: online.states() }
    }

    fn choose(&mut self, keys: SortedMap<String, usize>, format: Format) {
        self.sink = Sink::Chosen(Chosen {
            model: self.schema.clone().finish(),
            keys,
            lines: SortedMap::new(),
            open: FxHashMap::default(),
            begun: 0,
            awaited: 0,
            recorded: Recorded::new(format),
        });
    }

    fn chosen(&mut self) -> SortedMap<String, u64> {
        let Sink::Chosen(chosen) = std::mem::replace(&mut self.sink, Sink::Nowhere) else { unreachable!("keys were chosen") };
        self.sink = Sink::Recorded(chosen.recorded);
        chosen.lines
    }

    fn intake(&mut self) -> Box<dyn Intake + '_> {
        let sink: &mut dyn OperationSink<Op<S>, Ret<S>> = match &mut self.sink {
            Sink::Nowhere => unreachable!("a file was begun"),
            Sink::Recorded(recorded) => recorded,
            Sink::Stream(stream) => stream,
            Sink::Chosen(chosen) => chosen,
        };
        Box::new(Understood { schema: &mut self.schema, sink })
    }

    fn judge(&mut self, name: &'static str, options: &CheckOptions) -> CheckReport {
        let (model, recorded) = self.recorded().interpreted_by(self.schema.clone());
        judge_recorded(name, &model, &recorded, options)
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
    clients: SortedSet<ClientId>,
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
            clients: SortedSet::new(),
        };
        let mut busy = FxHashMap::default();
        let mut lines = recorded.lines.into_iter();
        for (at, event) in recorded.history.into_events() {
            let told = match event {
                Event::Invoke { client, op, .. } => {
                    let line = lines.next().map_or(0, |(begins, _)| begins);
                    stream.invoke(at, client, op, line).map(|operation| _ = busy.insert(client, operation))
                }
                Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
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
    keys: SortedMap<String, usize>,
    /// The lines with which the others are.
    lines: SortedMap<String, u64>,
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

    fn is_full(&self) -> bool {
        self.keys.is_empty() && self.awaited == 0
    }

    fn close(&mut self, remarks: Remarks, names: ClientNames) {
        self.recorded.close(remarks, names);
    }
}
