//! From a recorded history to one that a model can judge: entries in, typed operations out.
//!
//! [`import`] pairs the entries of a file and lowers them as a [`Schema`] says, and reports every line that does not fit, all in one pass.
//!
//! **Order.** A file's order is the order of what happened; where entries have times, these are kept as far as they agree with it, so that
//! no two events are at one instant. Only in our own JSON lines do equal times mean what they mean everywhere else here: that it is not
//! known which came first.
//!
//! **Outcomes.** What failed never took effect, and is dropped, unless a failed compare-and-set is to count as having seen another value.
//! What ended in `info`, or not at all, may take effect at any later time, or never. Others than clients (`:nemesis`) are skipped.

use std::fmt;
use std::io;

use rustc_hash::FxHashMap;

use super::schema::{Call, Schema};
use crate::base::{ClientId, Time};
use crate::check::model::Model;
use crate::history::formats::{
    ClientNames, Clock, Entries, Entry, EntryKind, Format, Late, Name, Problem, Problems, Process, ReadError, Wrong, lacks,
};
use crate::history::{Event, History, MalformedHistory, Outcome};

/// What a schema makes of a file.
pub type RecordedOf<S> = Recorded<<<S as Schema>::Model as Model>::Op, <<S as Schema>::Model as Model>::Ret>;

/// A recorded history, with where in its file things stand.
#[derive(Clone, Debug)]
pub struct Recorded<O, R> {
    /// The operations.
    pub history: History<O, R>,
    /// For each operation, the lines on which it begins and ends.
    pub lines: Vec<(u64, Option<u64>)>,
    /// What else there is to say of the file.
    pub remarks: Remarks,
    /// The format of the file.
    pub format: Format,
    /// What its clients are called.
    pub names: ClientNames,
    /// Completions without an invocation: of which client and operation, with which outcome, when, and on which line.
    unbegun: Vec<(ClientId, O, Outcome<R>, Time, u64)>,
}

/// What completions are taken to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// A compare-and-set that failed saw another value than it expected.
    pub observe_failures: bool,
    /// A read of nil saw nothing, rather than that nothing was there.
    pub nil_reads_unknown: bool,
}

/// What there is to say of a file besides what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// How many entries were read, of clients and others.
    pub entries: u64,
    /// How many lines of other programs were skipped.
    pub skipped: u64,
    /// What contradicts the order of lines, which counts.
    pub late: Late,
    /// Whether an entry of a client does not say when it was. Then the times of the history are none: they only keep the order of the
    /// file.
    pub untimed: bool,
}

/// Why a file could not be imported.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// Lines of it are wrong.
    Lines(Problems),
    /// It could not be read.
    Io(io::Error),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(problems) => problems.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

/// Reads a whole file, whose entries mean what the schema says.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub fn import<S: Schema>(mut schema: S, mut entries: Entries<'_>, reading: Reading) -> Result<(S::Model, RecordedOf<S>), ImportError> {
    let mut recorded = Recorded::new(entries.format());
    let mut importer = Importer::new(entries.format(), reading);
    let mut intake = Understood { schema: &mut schema, sink: &mut recorded };
    importer.read(&mut intake, &mut entries, u64::MAX)?;
    importer.finish(&mut intake)?;
    Ok(recorded.interpreted_by(schema))
}

struct ProcessName<'e>(&'e Process);

impl fmt::Display for ProcessName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Process::Client(number) => write!(f, "process {number}:"),
            Process::Other(name) => write!(f, "{name}:"),
            Process::Unnamed => f.write_str("somebody:"),
        }
    }
}

/// Where imported operations go: into a history, or to a judge who forgets them.
pub(super) trait OperationSink<O, R> {
    /// An operation begins; what it is called from now on.
    fn invoke(&mut self, at: Time, client: ClientId, op: O, line: u64) -> Result<usize, MalformedHistory>;

    /// It ends; on no line, if its client is found doing something else.
    fn complete(
        &mut self,
        at: Time,
        client: ClientId,
        operation: usize,
        outcome: Outcome<R>,
        line: Option<u64>,
    ) -> Result<(), MalformedHistory>;

    /// What is open, and the line on which it began.
    fn open(&self, operation: usize) -> (&O, u64);

    /// A completion without an invocation. There are files of transactions that have only these.
    fn ended(&mut self, at: Time, client: ClientId, op: O, outcome: Outcome<R>, line: u64) -> Result<(), MalformedHistory> {
        let _ = (op, outcome, line);
        Err(MalformedHistory::NothingOpen { client, at })
    }

    /// Whether no more is wanted.
    fn is_full(&self) -> bool {
        false
    }

    /// What else there is to say at the end, and what clients are called.
    fn close(&mut self, remarks: Remarks, names: ClientNames);
}

impl<O, R> Recorded<O, R> {
    pub(super) fn new(format: Format) -> Self {
        let (history, names, remarks) = (History::new(), ClientNames::default(), Remarks::default());
        Self { history, lines: Vec::new(), remarks, format, names, unbegun: Vec::new() }
    }

    /// What has no invocation was invoked before everything else.
    fn with_unbegun(mut self) -> Self {
        if self.unbegun.is_empty() {
            return self;
        }
        let again = "what was a history before is one again";
        let mut whole = History::new();
        let mut ends = Vec::new();
        let mut lines = Vec::with_capacity(self.lines.len() + self.unbegun.len());
        for (client, op, outcome, at, line) in self.unbegun.drain(..) {
            whole.invoke(Time::ZERO, client, op).expect(again);
            lines.push((line, Some(line)));
            ends.push((at, Event::Complete { client, outcome }));
        }
        let mut ends = ends.into_iter().peekable();
        let told = |whole: &mut History<O, R>, at: Time, event: Event<O, R>| match event {
            Event::Invoke { client, op, .. } => whole.invoke(at, client, op).map(|_| ()).expect(again),
            Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                whole.complete(at, client, outcome).map(|_| ()).expect(again);
            }
        };
        for (at, event) in self.history.into_events() {
            while let Some((ended, end)) = ends.next_if(|(ended, _)| *ended < at) {
                told(&mut whole, ended, end);
            }
            told(&mut whole, at, event);
        }
        ends.for_each(|(at, end)| told(&mut whole, at, end));
        lines.append(&mut self.lines);
        Self { history: whole, lines, unbegun: Vec::new(), ..self }
    }

    /// What was read, as the schema understands it once all was.
    pub(super) fn interpreted_by<S: Schema>(self, schema: S) -> (S::Model, Self)
    where
        S::Model: Model<Op = O, Ret = R>,
    {
        let recorded = match schema.absent() {
            None if S::ANONYMOUS => self.with_unbegun(),
            None => self,
            Some(absent) => Self { history: self.history.map(|op| S::meant(op, &absent), |answer| S::meant_by(answer, &absent)), ..self },
        };
        (schema.finish(), recorded)
    }
}

impl<O, R> OperationSink<O, R> for Recorded<O, R> {
    fn invoke(&mut self, at: Time, client: ClientId, op: O, line: u64) -> Result<usize, MalformedHistory> {
        let operation = self.history.invoke(at, client, op)?;
        self.lines.push((line, None));
        Ok(operation)
    }

    fn complete(
        &mut self,
        at: Time,
        client: ClientId,
        operation: usize,
        outcome: Outcome<R>,
        line: Option<u64>,
    ) -> Result<(), MalformedHistory> {
        self.lines[operation].1 = line;
        self.history.complete(at, client, outcome).map(|_| ())
    }

    fn open(&self, operation: usize) -> (&O, u64) {
        (&self.history.operations()[operation].op, self.lines[operation].0)
    }

    fn ended(&mut self, at: Time, client: ClientId, op: O, outcome: Outcome<R>, line: u64) -> Result<(), MalformedHistory> {
        self.unbegun.push((client, op, outcome, at, line));
        Ok(())
    }

    fn close(&mut self, remarks: Remarks, names: ClientNames) {
        (self.remarks, self.names) = (remarks, names);
    }
}

/// The process of entries that name none.
pub(super) const UNNAMED: u32 = u32::MAX;

/// Where entries go that were paired: whatever the schema and the sink, one importer serves all.
pub(super) trait Intake {
    /// Whether names and processes may be missing: see [`Schema::ANONYMOUS`].
    fn anonymous(&self) -> bool;

    /// The names that operations go by.
    fn names(&self) -> &'static [&'static str];

    /// An operation begins on this line; what it is called from now on.
    fn begin(&mut self, at: Time, client: ClientId, call: Call<'_>, line: u64) -> Result<usize, String>;

    /// The line on which an open operation began.
    fn since(&self, operation: usize) -> u64;

    /// It ends as this says. If what it says fits nothing, it ends all the same, as of unknown outcome.
    fn end(&mut self, client: ClientId, operation: usize, ending: &Ending<'_>) -> Result<(), String>;

    /// A completion without an invocation.
    fn ended(&mut self, client: ClientId, ending: &Ending<'_>) -> Result<(), String>;

    /// Whether no more is wanted.
    fn is_full(&self) -> bool;

    /// What else there is to say at the end, and what clients are called.
    fn close(&mut self, remarks: Remarks, names: ClientNames);
}

/// How something ended.
pub(super) struct Ending<'e> {
    at: Time,
    kind: EntryKind,
    call: Call<'e>,
    /// On no line, if its client is found doing something else.
    line: Option<u64>,
    reading: Reading,
}

/// What a schema understands goes into a sink.
pub(super) struct Understood<'s, S: Schema> {
    pub(super) schema: &'s mut S,
    pub(super) sink: &'s mut dyn OperationSink<<S::Model as Model>::Op, <S::Model as Model>::Ret>,
}

impl<S: Schema> Intake for Understood<'_, S> {
    fn anonymous(&self) -> bool {
        S::ANONYMOUS
    }

    fn names(&self) -> &'static [&'static str] {
        self.schema.names()
    }

    fn begin(&mut self, at: Time, client: ClientId, call: Call<'_>, line: u64) -> Result<usize, String> {
        let op = self.schema.asked(call)?;
        self.sink.invoke(at, client, op, line).map_err(|error| error.to_string())
    }

    fn since(&self, operation: usize) -> u64 {
        self.sink.open(operation).1
    }

    fn end(&mut self, client: ClientId, operation: usize, ending: &Ending<'_>) -> Result<(), String> {
        let (schema, reading) = (&mut *self.schema, ending.reading);
        let (op, _) = self.sink.open(operation);
        let outcome = match ending.kind {
            EntryKind::Ok => match schema.answered(op, ending.call) {
                Ok(answer) if reading.nil_reads_unknown && schema.saw_nothing(op, &answer) => Ok(Outcome::Unknown),
                answer => answer.map(Outcome::Done),
            },
            EntryKind::Fail => {
                let shown = schema.shown_anyway(op, ending.kind, ending.call);
                let shown = shown.or_else(|| schema.refused(op).filter(|_| reading.observe_failures));
                Ok(shown.map_or(Outcome::Failed, Outcome::Done))
            }
            EntryKind::Info | EntryKind::Invoke => {
                Ok(schema.shown_anyway(op, ending.kind, ending.call).map_or(Outcome::Unknown, Outcome::Done))
            }
        };
        let (outcome, wrong) = match outcome {
            Ok(outcome) => (outcome, Ok(())),
            Err(message) => (Outcome::Unknown, Err(message)),
        };
        self.sink.complete(ending.at, client, operation, outcome, ending.line).map_err(|error| error.to_string())?;
        wrong
    }

    fn ended(&mut self, client: ClientId, ending: &Ending<'_>) -> Result<(), String> {
        let op = self.schema.asked(ending.call)?;
        let outcome = match ending.kind {
            EntryKind::Ok => Outcome::Done(self.schema.answered(&op, ending.call)?),
            EntryKind::Fail => Outcome::Failed,
            EntryKind::Info | EntryKind::Invoke => Outcome::Unknown,
        };
        self.sink.ended(ending.at, client, op, outcome, ending.line.unwrap_or_default()).map_err(|error| error.to_string())
    }

    fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    fn close(&mut self, remarks: Remarks, names: ClientNames) {
        self.sink.close(remarks, names);
    }
}

/// Pairs entries, and makes operations of them as a schema says.
pub(super) struct Importer {
    reading: Reading,
    remarks: Remarks,
    /// How many of the entries were of clients, and a process of another name.
    ours: u64,
    other: Option<Name>,
    /// How many completions have neither a process nor an invocation.
    unnamed: u32,
    /// What each process has open: the operation and which of the schema's names it has, or nothing if its line was wrong.
    open: FxHashMap<u32, Option<(usize, usize)>>,
    names: ClientNames,
    problems: Problems,
    /// Whether a line could not be read: what is missing since may have stood there.
    unread: bool,
    clock: Clock,
}

impl Importer {
    pub(super) fn new(format: Format, reading: Reading) -> Self {
        Self {
            reading,
            remarks: Remarks::default(),
            unnamed: 0,
            ours: 0,
            other: None,
            open: FxHashMap::default(),
            names: ClientNames::default(),
            problems: Problems::default(),
            unread: false,
            clock: Clock::new(format),
        }
    }

    /// Imports entries until there are more than so many, or no more are wanted, and says whether there may be others behind them.
    pub(super) fn read(&mut self, intake: &mut dyn Intake, entries: &mut Entries<'_>, most: u64) -> Result<bool, ImportError> {
        while self.remarks.entries <= most && !intake.is_full() {
            let Some(entry) = entries.next() else {
                self.remarks.skipped = entries.skipped();
                return Ok(false);
            };
            self.add(intake, entry)?;
        }
        Ok(true)
    }

    /// Imports one entry.
    fn add(&mut self, intake: &mut dyn Intake, entry: Result<Entry, ReadError>) -> Result<(), ImportError> {
        match entry {
            Ok(entry) => {
                let line = entry.line;
                if let Err(Wrong { message, help }) = self.entry(intake, &entry) {
                    let f = entry.f.as_ref().map_or("?", Name::as_str);
                    let excerpt = format!("{} {} {f} {}", ProcessName(&entry.process), entry.kind, entry.value);
                    let excerpt = excerpt.chars().take(100).collect();
                    self.problems.push(Problem { line, column: None, message, help, excerpt, mark: None });
                }
            }
            Err(ReadError::Line(problem)) => {
                self.unread = true;
                self.problems.push(problem);
            }
            Err(ReadError::Io(error)) => return Err(ImportError::Io(error)),
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// With every line that was wrong.
    pub(super) fn finish(mut self, intake: &mut dyn Intake) -> Result<(), ImportError> {
        self.remarks.late = self.clock.late();
        intake.close(self.remarks, self.names);
        if self.ours == 0 && self.problems.is_empty() {
            self.problems.push(nothing_done(self.remarks.entries, self.other.as_ref()));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(ImportError::Lines(self.problems)) }
    }

    fn entry(&mut self, intake: &mut dyn Intake, entry: &Entry) -> Result<(), Wrong> {
        self.remarks.entries += 1;
        let at = Time::from_nanos(self.clock.tell(entry));
        let in_order = self.clock.in_order(entry).map_err(Wrong::from);
        if let Process::Other(name) = &entry.process {
            self.other.get_or_insert_with(|| name.clone());
            return in_order;
        }
        self.ours += 1;
        self.remarks.untimed |= entry.time.is_none();
        let missing = [("process", entry.process == Process::Unnamed), ("f", entry.f.is_none())];
        if !intake.anonymous() && missing.iter().any(|(_, missing)| *missing) {
            return Err(lacks(missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| format!(":{name}"))).into());
        }
        // The unnamed process does one operation at a time, too.
        let process = if let Process::Client(process) = entry.process { process } else { UNNAMED };
        let (f, key) = (entry.f.as_ref().map_or("", Name::as_str), entry.key.as_ref());
        let call = Call { process, f, key, value: &entry.value, rest: &entry.rest };
        match entry.kind {
            EntryKind::Invoke => self.invoke(intake, entry, at, call),
            kind => {
                let ending = Ending { at, kind, call, line: Some(entry.line), reading: self.reading };
                if entry.process == Process::Unnamed && !self.open.contains_key(&process) {
                    // A completion without an invocation is of a client that does nothing else.
                    self.unnamed += 1;
                    intake.ended(ClientId::new(UNNAMED - self.unnamed), &ending).map_err(Wrong::from)
                } else {
                    self.complete(intake, ending)
                }
            }
        }
        .and(in_order)
    }

    fn invoke(&mut self, intake: &mut dyn Intake, entry: &Entry, at: Time, call: Call<'_>) -> Result<(), Wrong> {
        let process = call.process;
        let client = ClientId::new(process);
        self.names.learn(process, entry);
        if let Some((open, _)) = self.open.insert(process, None).flatten() {
            let since = intake.since(open);
            intake.end(client, open, &Ending { at, kind: EntryKind::Info, call, line: None, reading: self.reading })?;
            if !self.unread {
                let message = format!("process {process} is still busy with what it began on line {since}");
                return Err(Wrong { message, help: Some("one that gives up ends with :info first".to_owned()) });
            }
        }
        let name = known(intake, call.f)?;
        let operation = intake.begin(at, client, call, entry.line)?;
        self.open.insert(process, Some((operation, name)));
        Ok(())
    }

    fn complete(&mut self, intake: &mut dyn Intake, ending: Ending<'_>) -> Result<(), Wrong> {
        let Call { process, f, .. } = ending.call;
        let client = ClientId::new(process);
        let (operation, begun) = match self.open.remove(&process) {
            Some(Some(begun)) => begun,
            // What was wrong with its beginning was said there.
            Some(None) => return Ok(()),
            None if self.unread => return Ok(()),
            None => return Err(format!("process {process} ends something, but has begun nothing").into()),
        };
        if known(intake, f)? == begun {
            return Ok(intake.end(client, operation, &ending)?);
        }
        let since = intake.since(operation);
        intake.end(client, operation, &Ending { kind: EntryKind::Info, ..ending })?;
        Err(format!("process {process} ends {f}, but what it began on line {since} is {}", intake.names()[begun]).into())
    }
}

/// What is wrong with a file in which no client did anything.
fn nothing_done(entries: u64, other: Option<&Name>) -> Problem {
    let message = match other {
        Some(name) => format!(
            "no client did anything: processes that are no numbers, such as {:?}, are skipped, and so were all {entries} entries",
            name.as_str()
        ),
        None => "there is no operation in it".to_owned(),
    };
    Problem { line: 1, column: None, message, help: None, excerpt: String::new(), mark: None }
}

/// Which of the schema's names this is.
fn known(intake: &dyn Intake, f: &str) -> Result<usize, Wrong> {
    if intake.anonymous() {
        return Ok(0);
    }
    let names = intake.names();
    if let Some(place) = names.iter().position(|name| *name == f) {
        return Ok(place);
    }
    let message = format!("{f:?} is no operation of this model: there are {}", names.join(", "));
    Err(Wrong::unknown(f, names.iter().copied(), message))
}
