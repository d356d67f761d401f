//! Histories of transactions in files, as Jepsen and Elle write them.

use std::collections::BTreeMap;
use std::io::{self, Read};

use rustc_hash::FxHashMap;

use super::import::{ImportError, Reading, Recorded, Remarks, import};
use super::judge::CheckError;
use super::schema::{Call, Schema};
use crate::base::{Act, Committed, Seen, Transaction};
use crate::check::isolation::model::Store;
use crate::check::isolation::{Labels, Level, Report, Transactions, check};
use crate::check::verdict::{Budget, Verdict};
use crate::history::formats::{Entries, Format, Value};
use crate::history::{Event, History, Outcome};

/// What the transactions of a file do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionModel {
    /// `[:append 1 2]` puts 2 behind the list of key 1, `[:r 1 [1 2]]` reads the list.
    ListAppend,
    /// `[:w 1 2]` writes 2 to key 1, `[:r 1 2]` reads it.
    RwRegister,
}

impl TransactionModel {
    /// Both, with what they are.
    pub const ALL: [(Self, &'static str); 2] = [
        (Self::ListAppend, "transactions on lists: append, r (read)"),
        (Self::RwRegister, "transactions on registers: w (write), r (read)"),
    ];

    /// Its name as a model.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListAppend => "list-append",
            Self::RwRegister => "rw-register",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(model, _)| model).find(|model| model.name() == name)
    }

    const fn write(self) -> &'static str {
        match self {
            Self::ListAppend => "append",
            Self::RwRegister => "w",
        }
    }
}

/// How a file is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// What its transactions do.
    pub model: TransactionModel,
    /// Its format; by default, whichever it seems to have.
    pub format: Option<Format>,
    /// The level that it is to keep.
    pub level: Level,
    /// What may be spent: of steps, each search as many as this has states; by default,
    /// [`DEFAULT_BUDGET`](crate::check::isolation::DEFAULT_BUDGET).
    pub budget: Budget,
    /// What keys hold at first, as a map of EDN; by default, nothing.
    pub initial: Option<Value>,
    /// Whether a read of nil saw nothing, rather than that nothing was there.
    pub nil_reads_unknown: bool,
}

impl FileOptions {
    /// Strict serializability, whatever the format.
    pub const fn new(model: TransactionModel) -> Self {
        Self {
            model,
            format: None,
            level: Level::StrictSerializable,
            budget: Budget { states: None, bytes: None },
            initial: None,
            nil_reads_unknown: false,
        }
    }
}

/// What came of judging a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// What its transactions do.
    pub model: TransactionModel,
    /// Its format.
    pub format: Format,
    /// What there is to say of the file besides what was done.
    pub remarks: Remarks,
    /// What was asked for.
    pub level: Level,
    /// The answer.
    pub verdict: Verdict,
    /// All levels, and what went wrong.
    pub report: Report,
    /// For each transaction, the lines on which it begins and ends.
    pub lines: Vec<(u64, Option<u64>)>,
}

/// Judges a history in a file.
///
/// ```
/// use stormglass_check::check::Verdict;
/// use stormglass_check::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
///
/// let file = "\
/// {:process 0, :type :invoke, :f :txn, :value [[:append :x 1] [:r :y nil]]}
/// {:process 1, :type :invoke, :f :txn, :value [[:append :y 1] [:r :x nil]]}
/// {:process 0, :type :ok, :f :txn, :value [[:append :x 1] [:r :y []]]}
/// {:process 1, :type :ok, :f :txn, :value [[:append :y 1] [:r :x []]]}
/// ";
/// let report = check_text(file.as_bytes(), &FileOptions::new(TransactionModel::ListAppend))?;
/// assert_eq!(report.verdict, Verdict::Violated);
/// assert_eq!(report.report.findings[0].anomaly.name(), "write-skew");
/// # Ok::<(), stormglass_check::check::CheckError>(())
/// ```
///
/// # Errors
/// If keys cannot hold this at first, if it cannot be read, or if lines of it are wrong: then all of them are told.
pub fn check_text(input: impl Read, options: &FileOptions) -> Result<FileReport, CheckError> {
    let schema = TransactionSchema::new(options).map_err(CheckError::Initial)?;
    let (transactions, recorded) = read_by(schema, input, options.format).map_err(CheckError::Import)?;
    let mut report = check(&transactions, options.budget);
    // That what has no transactions keeps every level says nothing.
    if report.committed == 0 {
        report.levels.iter_mut().for_each(|level| level.verdict = Verdict::Unknown);
    }
    Ok(FileReport {
        model: options.model,
        format: recorded.format,
        remarks: recorded.remarks,
        level: options.level,
        verdict: report.verdict(options.level),
        report,
        lines: recorded.lines,
    })
}

/// Reads a history from a file: in the checker's form, with the names that keys and values have there; and as it was recorded, with lines,
/// where what is no number goes by a number that stands for it.
///
/// # Errors
/// If it cannot be read, or if lines of it are wrong: then all of them are told.
pub fn read(
    input: impl Read,
    model: TransactionModel,
    format: Option<Format>,
) -> Result<(Transactions, Recorded<Transaction, Committed>), ImportError> {
    let schema = TransactionSchema { model, ..TransactionSchema::default() };
    read_by(schema, input, format)
}

fn read_by(
    schema: TransactionSchema,
    input: impl Read,
    format: Option<Format>,
) -> Result<(Transactions, Recorded<Transaction, Committed>), ImportError> {
    let entries = Entries::open(input, format).map_err(|error: io::Error| ImportError::Io(error))?;
    let (store, mut recorded) = import(schema, entries, Reading::default())?;
    if recorded.history.operations().iter().any(|operation| operation.result().is_some_and(|committed| committed.seen.contains(&UNSEEN))) {
        recorded.history = without_unseen(recorded.history);
    }
    let mut transactions = Transactions::from(&recorded.history);
    for (key, first) in &store.initial {
        if let Seen::Number(value) = first {
            transactions.initially(*key, *value);
        }
    }
    let lines = recorded.remarks.untimed.then(|| recorded.lines.clone());
    transactions.labels = Labels { clients: Some(recorded.names.clone()), lines, ..store.labels };
    Ok((transactions, recorded))
}

/// Transactions without the reads that saw nothing.
fn without_unseen(history: History<Transaction, Committed>) -> History<Transaction, Committed> {
    let again = "what was a history before is one again";
    let seen = |index: usize| history.operations()[index].result().map(|committed| committed.seen.clone());
    let seen: Vec<Option<Vec<Seen>>> = (0..history.len()).map(seen).collect();
    let mut less = History::new();
    for (at, event) in history.into_events() {
        match event {
            Event::Invoke { client, mut op, .. } => {
                let mut seen = seen[less.len()].iter().flatten();
                op.acts.retain(|act| !act.is_read() || seen.next() != Some(&UNSEEN));
                less.invoke(at, client, op).expect(again);
            }
            Event::Complete { client, mut outcome } | Event::Recover { client, mut outcome, .. } => {
                if let Outcome::Done(committed) = &mut outcome {
                    committed.seen.retain(|seen| *seen != UNSEEN);
                }
                less.complete(at, client, outcome).expect(again);
            }
        }
    }
    less
}

/// What transactions look like in files.
struct TransactionSchema {
    model: TransactionModel,
    keys: FxHashMap<Value, u64>,
    values: FxHashMap<Value, i64>,
    labels: Labels,
    /// What keys hold at first.
    initial: BTreeMap<Value, Value>,
    nil_reads_unknown: bool,
}

impl Default for TransactionSchema {
    fn default() -> Self {
        Self {
            model: TransactionModel::ListAppend,
            keys: FxHashMap::default(),
            values: FxHashMap::default(),
            labels: Labels::default(),
            initial: BTreeMap::new(),
            nil_reads_unknown: false,
        }
    }
}

/// What stands for what a read did not see.
const UNSEEN: Seen = Seen::Number(LOWEST - 1);

/// Numbers below stand for values that are no numbers.
const LOWEST: i64 = i64::MIN + (1 << 40);

impl TransactionSchema {
    fn new(options: &FileOptions) -> Result<Self, String> {
        let (model, nil_reads_unknown) = (options.model, options.nil_reads_unknown);
        let initial = match &options.initial {
            None | Some(Value::Nil) => BTreeMap::new(),
            Some(Value::Map(fields)) => fields.iter().filter(|(_, value)| !value.is_nil()).cloned().collect(),
            Some(other) => return Err(format!("expected what each key holds at first, as in {{:x 0 :y 0}}, found {other}")),
        };
        let wrong = initial.iter().find(|(_, value)| model == TransactionModel::ListAppend && value.items().is_none());
        if let Some((key, value)) = wrong {
            return Err(format!("expected the list that {key} holds at first, as in {{{key} [1 2]}}, found {value}"));
        }
        Ok(Self { model, initial, nil_reads_unknown, ..Self::default() })
    }

    fn key(&mut self, key: &Value) -> Result<u64, String> {
        if key.is_nil() {
            return Err("expected a key, found nil".to_owned());
        }
        if let Value::Int(number) = key
            && let Ok(number) = u64::try_from(*number)
        {
            return Ok(number);
        }
        let next = u64::MAX - self.keys.len() as u64;
        let number = *self.keys.entry(key.clone()).or_insert(next);
        if number == next {
            self.labels.keys.insert(number, plain(key));
        }
        Ok(number)
    }

    fn value(&mut self, value: &Value) -> Result<i64, String> {
        match value {
            Value::Nil => return Err("expected a value, found nil".to_owned()),
            Value::Int(number) if *number < LOWEST => return Err(format!("{number} is too low for a value: {LOWEST} is the lowest")),
            Value::Int(number) => return Ok(*number),
            _ => {}
        }
        let next = i64::MIN + self.values.len() as i64;
        let number = *self.values.entry(value.clone()).or_insert(next);
        if number == next {
            self.labels.values.insert(number, plain(value));
        }
        Ok(number)
    }

    /// The acts of a transaction, each as its name, its key, and what comes behind.
    fn acts<'e>(&self, value: &'e Value) -> Result<Vec<(&'e str, &'e Value, &'e Value)>, String> {
        let shape = || format!("expected acts such as [[:{} 1 2] [:r 1 nil]], found {value}", self.model.write());
        let act = |act: &'e Value| match act.items() {
            Some([Value::Keyword(f) | Value::Text(f) | Value::Symbol(f), key, value]) => Ok((act_name(f), key, value)),
            Some([Value::Keyword(f) | Value::Text(f) | Value::Symbol(f), key]) if act_name(f) == "r" => Ok(("r", key, &Value::Nil)),
            _ => Err(shape()),
        };
        value.items().ok_or_else(shape)?.iter().map(act).collect()
    }

    fn act(&mut self, f: &str, key: &Value, value: &Value) -> Result<Act, String> {
        let key = self.key(key)?;
        match f {
            "r" => Ok(Act::Read { key }),
            "append" if self.model == TransactionModel::ListAppend => Ok(Act::Append { key, value: self.value(value)? }),
            "w" if self.model == TransactionModel::RwRegister => Ok(Act::Write { key, value: self.value(value)? }),
            other => Err(format!("{other:?} is no act of {}: there are {} and r", self.model.name(), self.model.write())),
        }
    }

    fn seen(&mut self, key: &Value, value: &Value) -> Result<Seen, String> {
        if value.is_nil() && self.nil_reads_unknown {
            return Ok(UNSEEN);
        }
        let first = self.initial.get(key).cloned();
        match (self.model, value) {
            // Where something was there at first, nothing is a value that nobody wrote.
            (_, Value::Nil) if first.is_none() => Ok(Seen::Empty),
            (TransactionModel::RwRegister, Value::Nil) => self.value(&Value::Symbol("nil".into())).map(Seen::Number),
            (TransactionModel::RwRegister, value) => Ok(Seen::Number(self.value(value)?)),
            (TransactionModel::ListAppend, value) => {
                let items = if value.is_nil() { Some(&[][..]) } else { value.items() };
                let items = items.ok_or_else(|| format!("expected a list that was read, found {value}"))?;
                let first = first.as_ref().and_then(Value::items).unwrap_or_default();
                let Some(items) = items.strip_prefix(first) else {
                    return Ok(Seen::List(vec![self.value(&Value::Symbol("nil".into()))?]));
                };
                Ok(Seen::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?))
            }
        }
    }
}

/// An act by the shorter of its names.
fn act_name(f: &str) -> &str {
    match f {
        "read" => "r",
        "write" => "w",
        other => other,
    }
}

/// A value as people speak of it: `x` for `:x`.
fn plain(value: &Value) -> Box<str> {
    match value {
        Value::Keyword(name) | Value::Text(name) | Value::Symbol(name) if !name.is_empty() => name.clone(),
        other => other.to_string().into(),
    }
}

impl Schema for TransactionSchema {
    type Model = Store;

    const ANONYMOUS: bool = true;

    fn names(&self) -> &'static [&'static str] {
        &["txn"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<Transaction, String> {
        let acts = self.acts(call.value)?;
        let acts = acts.into_iter().map(|(f, key, value)| self.act(f, key, value)).collect::<Result<_, _>>()?;
        Ok(Transaction { acts })
    }

    fn answered(&mut self, op: &Transaction, call: Call<'_>) -> Result<Committed, String> {
        let acts = self.acts(call.value)?;
        let mut seen = Vec::new();
        let mut answered = Vec::with_capacity(acts.len());
        for (f, key, value) in acts {
            let act = self.act(f, key, value)?;
            if act.is_read() {
                seen.push(self.seen(key, value)?);
            }
            answered.push(act);
        }
        if answered == op.acts { Ok(Committed { seen }) } else { Err("it ends with other acts than it began with".to_owned()) }
    }

    fn finish(mut self) -> Store {
        let mut first = BTreeMap::new();
        if self.model == TransactionModel::RwRegister {
            for (key, value) in std::mem::take(&mut self.initial) {
                if let (Ok(key), Ok(value)) = (self.key(&key), self.value(&value)) {
                    first.insert(key, Seen::Number(value));
                }
            }
        }
        Store { labels: self.labels, initial: first }
    }
}

impl FileReport {
    /// The lines of every transaction that a finding speaks of.
    pub fn finding_lines(&self) -> BTreeMap<usize, (u64, Option<u64>)> {
        let places = self.report.findings.iter().flat_map(|finding| &finding.cast).map(|member| member.transaction);
        places.map(|place| (place, self.lines[place])).collect()
    }
}
