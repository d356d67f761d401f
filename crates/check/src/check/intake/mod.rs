//! From a recorded history to one that a model can judge: entries in, typed operations out.
//!
//! A [`Dialect`] knows the names that operations of one kind of object go by in files, and what they carry. [`take_in`] pairs the entries
//! of a file and lowers them, and reports every line that does not fit, all in one pass.
//!
//! **Order.** A file's order is the order of what happened; where entries have times, these are kept as far as they agree with it, so that
//! no two events are at one instant. Only in our own JSON lines do equal times mean what they mean everywhere else here: that it is not
//! known which came first.
//!
//! **Outcomes.** What failed never took effect, and is dropped, unless a failed compare-and-set is to count as having seen another value.
//! What ended in `info`, or not at all, may take effect at any later time, or never. Others than clients (`:nemesis`) are skipped.

mod collections;
mod locks;
mod numbers;
mod registers;
mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use rustc_hash::FxHashMap;

use crate::base::{ClientId, Time};
use crate::check::model::Model;
use crate::history::formats::{Clock, Entries, Entry, EntryKind, Format, Name, Problem, Problems, Process, ReadError, Value};
use crate::history::{History, MalformedHistory, Outcome};
use crate::misspelling::nearest;

pub use collections::{GrowSets, Item, Logs, PriorityQueues, Queues, Sets, Stacks};
pub use locks::{FencedLocks, Locks};
pub use numbers::Counters;
pub use registers::Registers;
pub use store::{Answer, Store, StoreDialect};

/// How recorded operations become those of a model.
pub trait Dialect {
    /// The model whose operations they become.
    type Model: Model;

    /// The names that operations go by.
    fn names(&self) -> &'static [&'static str];

    /// What was asked for.
    ///
    /// # Errors
    /// What was expected instead, for a person. That the name is one of [`Dialect::names`] is known.
    fn asked(&mut self, call: Call<'_>) -> Result<<Self::Model as Model>::Op, String>;

    /// What came back, for an operation that took effect.
    ///
    /// # Errors
    /// What was expected instead.
    fn answered(&mut self, op: &<Self::Model as Model>::Op, call: Call<'_>) -> Result<<Self::Model as Model>::Ret, String>;

    /// What a failure shows, if it is to count as an observation: that a compare-and-set found another value.
    fn refused(&self, op: &<Self::Model as Model>::Op) -> Option<<Self::Model as Model>::Ret> {
        let _ = op;
        None
    }

    /// The model, once everything was read.
    fn finish(self) -> Self::Model;

    /// What stands for nothing, if nothing and that are one thing, by what was read so far.
    fn absent(&self) -> Option<Value> {
        None
    }

    /// The operation, if nothing and this are one thing.
    fn meant(op: <Self::Model as Model>::Op, absent: &Value) -> <Self::Model as Model>::Op {
        let _ = absent;
        op
    }

    /// The answer, if nothing and this are one thing.
    fn meant_by(answer: <Self::Model as Model>::Ret, absent: &Value) -> <Self::Model as Model>::Ret {
        let _ = absent;
        answer
    }
}

/// What a dialect makes of a file.
pub type RecordedOf<D> = Recorded<<<D as Dialect>::Model as Model>::Op, <<D as Dialect>::Model as Model>::Ret>;

/// What an entry says of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Call<'e> {
    /// Who does it.
    pub process: u32,
    /// Its name.
    pub f: &'e str,
    /// What it is about, if that is apart from the value.
    pub key: Option<&'e Value>,
    /// What goes in, or comes out.
    pub value: &'e Value,
}

/// A recorded history, with where in its file things stand.
#[derive(Clone, Debug)]
pub struct Recorded<O, R> {
    /// The operations.
    pub history: History<O, R>,
    /// For each operation, the lines on which it begins and ends.
    pub lines: Vec<(u64, Option<u64>)>,
    /// How many entries were read, of clients and others.
    pub entries: u64,
    /// The format of the file.
    pub format: Format,
    /// What its clients are called.
    pub names: ClientNames,
}

/// What the clients of a file are called: as it says itself (`:client "c2"`), or else after the number of their process, `p7`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientNames(BTreeMap<u32, Box<str>>);

impl ClientNames {
    /// What this one is called.
    pub fn of(&self, client: ClientId) -> String {
        self.0.get(&client.client).map_or_else(|| format!("p{}", client.client), |name| name.to_string())
    }

    fn learn(&mut self, process: u32, entry: &Entry) {
        let named = entry.rest.iter().find(|(field, _)| field.as_str() == "client");
        if let Some((_, Value::Text(name))) = named {
            self.0.entry(process).or_insert_with(|| name.clone());
        }
    }
}

/// Why a file could not be taken in.
#[derive(Debug)]
#[non_exhaustive]
pub enum IntakeError {
    /// Lines of it are wrong.
    Lines(Problems),
    /// It could not be read.
    Io(io::Error),
}

impl fmt::Display for IntakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(problems) => problems.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for IntakeError {}

/// Reads a whole file in the words of a dialect.
///
/// # Errors
/// If it cannot be read, or with every line that does not fit.
pub fn take_in<D: Dialect>(mut dialect: D, entries: Entries<'_>, observe_failures: bool) -> Result<(D::Model, RecordedOf<D>), IntakeError> {
    let mut intake = Intake::new(Recorded::new(entries.format()), entries.format(), observe_failures);
    for entry in entries {
        intake.take(&mut dialect, entry)?;
    }
    intake.finish().map(|recorded| recorded.in_the_words_of(dialect))
}

struct Who<'e>(&'e Process);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Process::Client(number) => write!(f, "process {number}:"),
            Process::Other(name) => write!(f, "{name}:"),
        }
    }
}

/// Where the operations go that are taken in.
pub(in crate::check) trait Ledger<O, R> {
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

    /// How many entries were read by the end, and what clients are called.
    fn close(&mut self, entries: u64, names: ClientNames);
}

impl<O, R> Recorded<O, R> {
    pub(super) fn new(format: Format) -> Self {
        Self { history: History::new(), lines: Vec::new(), entries: 0, format, names: ClientNames::default() }
    }

    /// What was read, as this dialect understands it now.
    pub(super) fn in_the_words_of<D: Dialect>(self, dialect: D) -> (D::Model, Self)
    where
        D::Model: Model<Op = O, Ret = R>,
    {
        let recorded = match dialect.absent() {
            None => self,
            Some(absent) => {
                let history = self.history.map(|op| D::meant(op, &absent), |answer| D::meant_by(answer, &absent));
                Self { history, lines: self.lines, entries: self.entries, format: self.format, names: self.names }
            }
        };
        (dialect.finish(), recorded)
    }
}

impl<O, R> Ledger<O, R> for Recorded<O, R> {
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

    fn close(&mut self, entries: u64, names: ClientNames) {
        (self.entries, self.names) = (entries, names);
    }
}

/// Pairs entries, in the words of a dialect.
pub(in crate::check) struct Intake<L> {
    pub(super) ledger: L,
    observe_failures: bool,
    /// How many entries were read.
    pub(super) entries: u64,
    /// How many of these were of clients, and a process of another name.
    ours: u64,
    other: Option<Name>,
    /// What each process has open: the operation and which of the dialect's names it has, or nothing if its line was wrong.
    open: FxHashMap<u32, Option<(usize, usize)>>,
    names: ClientNames,
    problems: Problems,
    /// Whether a line could not be read: what is missing since may have stood there.
    unread: bool,
    clock: Clock,
}

impl<L> Intake<L> {
    pub(super) fn new(ledger: L, format: Format, observe_failures: bool) -> Self {
        Self {
            ledger,
            observe_failures,
            entries: 0,
            ours: 0,
            other: None,
            open: FxHashMap::default(),
            names: ClientNames::default(),
            problems: Problems::default(),
            unread: false,
            clock: Clock::new(format),
        }
    }

    /// Goes on with another ledger.
    pub(super) fn into<M>(self, ledger: impl FnOnce(L) -> M) -> Intake<M> {
        let Self { ledger: old, observe_failures, entries, ours, other, open, names, problems, unread, clock } = self;
        Intake { ledger: ledger(old), observe_failures, entries, ours, other, open, names, problems, unread, clock }
    }

    /// Takes in what was read.
    pub(super) fn take<D: Dialect>(&mut self, dialect: &mut D, entry: Result<Entry, ReadError>) -> Result<(), IntakeError>
    where
        L: Ledger<<D::Model as Model>::Op, <D::Model as Model>::Ret>,
    {
        match entry {
            Ok(entry) => {
                let line = entry.line;
                if let Err(message) = self.entry(dialect, &entry) {
                    let excerpt = format!("{} {} {} {}", Who(&entry.process), entry.kind, entry.f, entry.value);
                    self.problems.push(Problem { line, column: None, message, excerpt: excerpt.chars().take(100).collect(), mark: None });
                }
            }
            Err(ReadError::Line(problem)) => {
                self.unread = true;
                self.problems.push(problem);
            }
            Err(ReadError::Io(error)) => return Err(IntakeError::Io(error)),
        }
        Ok(())
    }

    /// What was taken in, if no line was wrong.
    pub(super) fn finish<O, R>(mut self) -> Result<L, IntakeError>
    where
        L: Ledger<O, R>,
    {
        self.ledger.close(self.entries, self.names);
        if self.ours == 0 && self.problems.is_empty() {
            self.problems.push(nothing_done(self.entries, self.other.as_ref()));
        }
        if self.problems.is_empty() { Ok(self.ledger) } else { Err(IntakeError::Lines(self.problems)) }
    }

    fn entry<D: Dialect>(&mut self, dialect: &mut D, entry: &Entry) -> Result<(), String>
    where
        L: Ledger<<D::Model as Model>::Op, <D::Model as Model>::Ret>,
    {
        self.entries += 1;
        let at = Time::from_nanos(self.clock.tell(entry)?);
        let process = match &entry.process {
            Process::Client(process) => *process,
            Process::Other(name) => {
                self.other.get_or_insert_with(|| name.clone());
                return Ok(());
            }
        };
        self.ours += 1;
        let call = Call { process, f: entry.f.as_str(), key: entry.key.as_ref(), value: &entry.value };
        if entry.kind == EntryKind::Invoke {
            self.invoke(dialect, entry, at, process, call)
        } else {
            self.complete(dialect, entry, at, process, call)
        }
    }

    fn invoke<D: Dialect>(&mut self, dialect: &mut D, entry: &Entry, at: Time, process: u32, call: Call<'_>) -> Result<(), String>
    where
        L: Ledger<<D::Model as Model>::Op, <D::Model as Model>::Ret>,
    {
        let client = ClientId::new(process);
        self.names.learn(process, entry);
        if let Some((open, _)) = self.open.insert(process, None).flatten() {
            let (_, since) = self.ledger.open(open);
            self.ledger.complete(at, client, open, Outcome::Unknown, None).map_err(|error| error.to_string())?;
            if !self.unread {
                return Err(format!(
                    "process {process} is still busy with what it began on line {since}: one that gives up ends with :info first"
                ));
            }
        }
        let name = known(dialect, call.f)?;
        let op = dialect.asked(call)?;
        let operation = self.ledger.invoke(at, client, op, entry.line).map_err(|error| error.to_string())?;
        self.open.insert(process, Some((operation, name)));
        Ok(())
    }

    fn complete<D: Dialect>(&mut self, dialect: &mut D, entry: &Entry, at: Time, process: u32, call: Call<'_>) -> Result<(), String>
    where
        L: Ledger<<D::Model as Model>::Op, <D::Model as Model>::Ret>,
    {
        let (operation, begun) = match self.open.remove(&process) {
            Some(Some(begun)) => begun,
            // What was wrong with its beginning was said there.
            Some(None) => return Ok(()),
            None if self.unread => return Ok(()),
            None => return Err(format!("process {process} ends something, but has begun nothing")),
        };
        let name = known(dialect, call.f)?;
        let (op, since) = self.ledger.open(operation);
        let outcome = match entry.kind {
            _ if name != begun => {
                Err(format!("process {process} ends {}, but what it began on line {since} is {}", call.f, dialect.names()[begun]))
            }
            EntryKind::Ok => dialect.answered(op, call).map(Outcome::Done),
            EntryKind::Fail => Ok(dialect.refused(op).filter(|_| self.observe_failures).map_or(Outcome::Failed, Outcome::Done)),
            EntryKind::Info | EntryKind::Invoke => Ok(Outcome::Unknown),
        };
        let (outcome, wrong) = match outcome {
            Ok(outcome) => (outcome, Ok(())),
            Err(message) => (Outcome::Unknown, Err(message)),
        };
        let client = ClientId::new(process);
        self.ledger.complete(at, client, operation, outcome, Some(entry.line)).map_err(|error| error.to_string())?;
        wrong
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
    Problem { line: 1, column: None, message, excerpt: String::new(), mark: None }
}

/// Which of the dialect's names this is.
fn known<D: Dialect>(dialect: &D, f: &str) -> Result<usize, String> {
    let names = dialect.names();
    if let Some(place) = names.iter().position(|name| *name == f) {
        return Ok(place);
    }
    let meant = nearest(f, names.iter().copied()).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    Err(format!("{f:?} is no operation of this model: there are {}{meant}", names.join(", ")))
}

/// A value that is there, for what needs one.
fn given(value: &Value, what: &str) -> Result<Value, String> {
    if value.is_nil() { Err(format!("expected {what}, found nil")) } else { Ok(value.clone()) }
}

/// Whether something that was asked for with this value was simply done: it ends with no value, or with the same.
fn done(asked: &Value, call: Call<'_>) -> Result<(), String> {
    if call.value.is_nil() || call.value == asked {
        return Ok(());
    }
    Err(format!("it began with {asked}, and ends with {}", call.value))
}

/// An operation on an object that has no keys.
fn keyless(call: Call<'_>) -> Result<(), String> {
    call.key.map_or(Ok(()), |key| Err(format!("it is about key {key}, but this model has no keys")))
}

/// A whole number of 64 bits.
fn whole(value: &Value, what: &str) -> Result<i64, String> {
    if let Value::Int(number) = value { Ok(*number) } else { Err(format!("expected {what}, found {value}")) }
}

/// The items of a list, a vector or a set.
fn items(value: &Value, what: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::List(items) | Value::Vector(items) | Value::Set(items) => Ok(items.clone()),
        other => Err(format!("expected {what}, as in [1 2], found {other}")),
    }
}

/// A value that may be missing.
fn held(value: &Value) -> Option<Value> {
    if value.is_nil() { None } else { Some(value.clone()) }
}

/// What a compare-and-set expects, and what it sets: `[1 2]`.
fn swap(value: &Value) -> Result<(Option<Value>, Value), String> {
    let (expect, new) =
        value.pair().ok_or_else(|| format!("expected what is expected and what is to be set, as in [1 2], found {value}"))?;
    Ok((held(expect), given(new, "a value to set")?))
}
