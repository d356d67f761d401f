//! Histories of streams in files, as Jepsen's kafka workload writes them.
//!
//! `:send`, `:poll` and `:txn` have acts: `[:send 1 7]`, which ends as `[:send 1 [4 7]]` with its offset, and `[:poll]`, which ends as
//! `[:poll {1 [[4 7]]}]`. `:assign [1 2]` and `:subscribe [1 2]` say what is consumed, `:crash` forgets it. A run writes more than Jepsen
//! does: `:commit {1 5}`, and the fields `:group`, `:tenures` and `:gone {1 40}`: the consumer wanted something of key 1 that is gone, as
//! is all before offset 40.

use std::collections::BTreeMap;
use std::io::{self, Read};

use rustc_hash::FxHashMap;

use super::import::{ImportError, Reading, Recorded, Remarks, import};
use super::judge::CheckError;
use super::schema::{Call, Schema};
use crate::base::{Holder, Shown, StreamAct, StreamOp, StreamRecord, Streamed, Tenure};
use crate::check::model::{Model, Next};
use crate::check::streams::{Attempt, Demands, StreamNames, StreamReport, check};
use crate::check::verdict::{Fate, Verdict};
use crate::history::formats::{Entries, EntryKind, Format, Spelled, Spelling, Value};
use crate::history::{Operation, Outcome};

/// The name of streams as a model.
pub const MODEL: &str = "kafka";

/// What the model is, in a line.
pub const ABOUT: &str = "streams: logs of messages that are sent and polled, as Jepsen's kafka workload has them";

/// What came of judging a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamsReport {
    /// Its format.
    pub format: Format,
    /// What there is to say of the file besides what was done.
    pub remarks: Remarks,
    /// How many operations there are, how many of them failed, and of how many the outcome is not known.
    pub counts: [usize; 3],
    /// The answer.
    pub verdict: Verdict,
    /// What was found.
    pub report: StreamReport,
    /// For each operation, the lines on which it begins and ends.
    pub lines: Vec<(u64, Option<u64>)>,
}

/// Judges a history in a file.
///
/// ```
/// use stormglass_check::check::Verdict;
/// use stormglass_check::check::recorded::streams::check_text;
/// use stormglass_check::check::streams::{Demands, Promise, StreamAnomaly};
///
/// let file = "\
/// {:process 0, :type :invoke, :f :send, :value [[:send 0 :a]]}
/// {:process 0, :type :ok, :f :send, :value [[:send 0 [3 :a]]]}
/// {:process 1, :type :invoke, :f :poll, :value [[:poll]]}
/// {:process 1, :type :ok, :f :poll, :value [[:poll {0 [[3 :b]]}]]}
/// {:process 2, :type :invoke, :f :send, :value [[:send 0 :b]]}
/// {:process 2, :type :info, :f :send, :value [[:send 0 :b]]}
/// ";
/// let report = check_text(file.as_bytes(), None, Demands::of(Promise::AtMostOnce))?;
/// assert_eq!(report.verdict, Verdict::Violated);
/// assert_eq!(report.report.findings[0].anomaly, StreamAnomaly::InconsistentOffsets);
/// # Ok::<(), stormglass_check::check::CheckError>(())
/// ```
///
/// # Errors
/// If it cannot be read, or if lines of it are wrong: then all of them are told.
pub fn check_text(input: impl Read, format: Option<Format>, demands: Demands) -> Result<StreamsReport, CheckError> {
    let entries = Entries::open(input, format).map_err(|error: io::Error| CheckError::Import(ImportError::Io(error)))?;
    let (model, recorded) = import(StreamsSchema::default(), entries, Reading::default()).map_err(CheckError::Import)?;
    let attempts = attempts(&recorded);
    let names = StreamNames { clients: Some(recorded.names.clone()), ..model.names };
    let report = check(demands, &attempts, &names);
    let of = |fate: Fate| attempts.iter().filter(|attempt| attempt.fate == fate).count();
    Ok(StreamsReport {
        format: recorded.format,
        remarks: recorded.remarks,
        counts: [attempts.len(), of(Fate::Aborted), of(Fate::Unknown)],
        verdict: report.verdict(),
        report,
        lines: recorded.lines,
    })
}

fn attempts(recorded: &Recorded<StreamOp, Ended>) -> Vec<Attempt> {
    let attempt = |operation: &Operation<StreamOp, Ended>| match &operation.outcome {
        Outcome::Done(ended) => Attempt::of(operation, ended.fate, ended.streamed.clone()),
        Outcome::Failed => Attempt::of(operation, Fate::Aborted, Streamed::default()),
        Outcome::Unknown => Attempt::of(operation, Fate::Unknown, Streamed::default()),
    };
    recorded.history.operations().iter().map(attempt).collect()
}

/// How an operation ended, and what it has shown even so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ended {
    fate: Fate,
    streamed: Streamed,
}

/// A model only in name: nothing is searched for.
struct Streams {
    names: StreamNames,
}

impl Model for Streams {
    type State = ();
    type Op = StreamOp;
    type Ret = Ended;

    fn initial(&self) {}

    fn step(&self, (): &(), _: &StreamOp, _: Option<&Ended>) -> Next<()> {
        Next::Same
    }
}

/// What streams look like in files.
#[derive(Default)]
struct StreamsSchema {
    keys: FxHashMap<Value, u64>,
    values: FxHashMap<Value, i64>,
    names: StreamNames,
}

/// Numbers below stand for values that are no numbers.
const LOWEST: i64 = i64::MIN + (1 << 40);

/// An act of a file: of a send, its key and what comes behind; of a poll, what it has shown.
enum Written<'e> {
    Send(&'e Value, &'e Value),
    Poll(&'e Value),
}

impl StreamsSchema {
    fn key(&mut self, key: &Value) -> Result<u64, String> {
        let number = match key {
            Value::Nil => return Err("expected a key, found nil".to_owned()),
            Value::Int(number) => u64::try_from(*number).ok(),
            // In JSON, the keys of what was polled are texts.
            Value::Text(text) | Value::Keyword(text) => text.parse().ok(),
            _ => None,
        };
        if let Some(number) = number {
            return Ok(number);
        }
        let next = u64::MAX - self.keys.len() as u64;
        let number = *self.keys.entry(key.clone()).or_insert(next);
        self.names.keys.entry(number).or_insert_with(|| plain(key));
        Ok(number)
    }

    fn value(&mut self, value: &Value) -> Result<i64, String> {
        match value {
            Value::Nil => return Err("expected a message, found nil".to_owned()),
            Value::Int(number) if *number < LOWEST => return Err(format!("{number} is too low for a message: {LOWEST} is the lowest")),
            Value::Int(number) => return Ok(*number),
            _ => {}
        }
        let next = i64::MIN + self.values.len() as i64;
        let number = *self.values.entry(value.clone()).or_insert(next);
        self.names.values.entry(number).or_insert_with(|| plain(value));
        Ok(number)
    }

    fn keys(&mut self, value: &Value) -> Result<Vec<u64>, String> {
        let keys = match value {
            Value::Vector(keys) | Value::Set(keys) => keys,
            other => return Err(format!("expected keys, as in [1 2], found {other}")),
        };
        keys.iter().map(|key| self.key(key)).collect()
    }

    /// An offset for each key.
    fn offsets(&mut self, value: &Value) -> Result<Vec<(u64, u64)>, String> {
        let Value::Map(offsets) = value else { return Err(format!("expected offsets, as in {{1 5}}, found {value}")) };
        let mut found = Vec::with_capacity(offsets.len());
        for (key, offset) in offsets {
            found.push((self.key(key)?, offset_of(offset)?.ok_or("expected an offset, found nil")?));
        }
        Ok(found)
    }

    /// A message and its offset, of what was sent or polled.
    fn record(&mut self, pair: &Value) -> Result<StreamRecord, String> {
        let (offset, value) = pair.pair().ok_or_else(|| format!("expected an offset and a message, as in [4 7], found {pair}"))?;
        Ok(StreamRecord { offset: offset_of(offset)?, value: self.value(value)? })
    }

    fn polled(&mut self, shown: &Value) -> Result<Vec<(u64, Vec<StreamRecord>)>, String> {
        let batches = match shown {
            Value::Nil => return Ok(Vec::new()),
            Value::Map(batches) => batches,
            other => return Err(format!("expected what was polled of each key, as in {{1 [[4 7]]}}, found {other}")),
        };
        let mut polled = Vec::with_capacity(batches.len());
        for (key, records) in batches {
            let records = records.items().ok_or_else(|| format!("expected messages with their offsets, as in [[4 7]], found {records}"))?;
            polled.push((self.key(key)?, records.iter().map(|record| self.record(record)).collect::<Result<_, _>>()?));
        }
        Ok(polled)
    }

    /// What each act of this operation has shown, if these are its acts.
    fn shown(&mut self, op: &StreamOp, value: &Value) -> Result<Vec<Shown>, String> {
        let written = acts(value)?;
        if written.len() != op.acts().len() {
            return Err("it ends with other acts than it began with".to_owned());
        }
        let mut shown = Vec::with_capacity(written.len());
        for (act, written) in op.acts().iter().zip(written) {
            shown.push(match (act, written) {
                (StreamAct::Poll, Written::Poll(polled)) => Shown::Polled(self.polled(polled)?),
                (StreamAct::Take { key, offset, value }, Written::Poll(polled)) => {
                    let taken = vec![(*key, vec![StreamRecord { offset: Some(*offset), value: *value }])];
                    if self.polled(polled)? != taken {
                        return Err(format!("it ends with other messages than it began with: {polled}"));
                    }
                    Shown::Polled(taken)
                }
                (StreamAct::Send { key, value }, Written::Send(of, sent)) if self.key(of)? == *key => {
                    let record = match sent.pair() {
                        Some(_) => self.record(sent)?,
                        None => StreamRecord { offset: None, value: self.value(sent)? },
                    };
                    if record.value != *value {
                        return Err(format!("it ends with another message than it began with: {sent}"));
                    }
                    Shown::Sent(record.offset)
                }
                _ => return Err("it ends with other acts than it began with".to_owned()),
            });
        }
        Ok(shown)
    }

    fn streamed(&mut self, op: &StreamOp, call: Call<'_>) -> Result<Streamed, String> {
        let shown = if op.acts().is_empty() { Vec::new() } else { self.shown(op, call.value)? };
        let mut rebalanced = Vec::new();
        for event in field(&call, "rebalance-log").and_then(Value::items).unwrap_or_default() {
            let keys = if let Value::Map(fields) = event { fields.iter().find(|(name, _)| plain(name).as_ref() == "keys") } else { None };
            if let Some((_, keys)) = keys {
                rebalanced.extend(self.keys(keys)?);
            }
        }
        let tenures = field(&call, "tenures").and_then(Value::items).unwrap_or_default();
        let tenures = tenures.iter().map(tenure).collect::<Result<_, _>>()?;
        let gone = field(&call, "gone").map_or(Ok(Vec::new()), |gone| self.offsets(gone))?;
        Ok(Streamed { shown, rebalanced, gone, tenures })
    }
}

/// The acts of an operation.
fn acts(value: &Value) -> Result<Vec<Written<'_>>, String> {
    let shape = || format!("expected acts such as [[:send 1 7] [:poll]], found {value}");
    let act = |act: &'_ Value| -> Option<(bool, usize)> {
        let items = act.items()?;
        let name = if let Value::Keyword(f) | Value::Text(f) | Value::Symbol(f) = items.first()? { f.as_ref() } else { return None };
        match (name, items.len()) {
            ("send", 3) => Some((true, 3)),
            ("poll", length @ (1 | 2)) => Some((false, length)),
            _ => None,
        }
    };
    let written = value.items().ok_or_else(shape)?.iter().map(|value| match (act(value), value.items()) {
        (Some((true, _)), Some([_, key, sent])) => Some(Written::Send(key, sent)),
        (Some((false, _)), Some([_, shown])) => Some(Written::Poll(shown)),
        (Some((false, _)), Some(_)) => Some(Written::Poll(&Value::Nil)),
        _ => None,
    });
    written.collect::<Option<_>>().ok_or_else(shape)
}

fn offset_of(value: &Value) -> Result<Option<u64>, String> {
    match value {
        Value::Nil => Ok(None),
        Value::Int(number) => u64::try_from(*number).map(Some).map_err(|_| format!("{number} is no offset: they begin with 0")),
        other => Err(format!("expected an offset, found {other}")),
    }
}

/// `[:group 1 3]`: the third generation of group 1.
fn tenure(value: &Value) -> Result<Tenure, String> {
    let wrong = || format!("expected a tenure, as in [:group 1 3] or [:producer 1 3], found {value}");
    let Some([of, Value::Int(whose), Value::Int(number)]) = value.items() else { return Err(wrong()) };
    let (whose, number) = (u64::try_from(*whose).map_err(|_| wrong())?, u64::try_from(*number).map_err(|_| wrong())?);
    match plain(of).as_ref() {
        "group" => Ok(Tenure { of: Holder::Group(whose), number }),
        "producer" => Ok(Tenure { of: Holder::Producer(whose), number }),
        _ => Err(wrong()),
    }
}

fn field<'e>(call: &Call<'e>, wanted: &str) -> Option<&'e Value> {
    call.rest.iter().find(|(name, _)| name.as_str() == wanted).map(|(_, value)| value)
}

/// A value as people speak of it: `x` for `:x`.
fn plain(value: &Value) -> Box<str> {
    match value {
        Value::Keyword(name) | Value::Text(name) | Value::Symbol(name) if !name.is_empty() => name.clone(),
        other => other.to_string().into(),
    }
}

impl Schema for StreamsSchema {
    type Model = Streams;

    fn names(&self) -> &'static [&'static str] {
        &["send", "poll", "txn", "assign", "subscribe", "commit", "crash", "debug-topic-partitions"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<StreamOp, String> {
        match call.f {
            "assign" => {
                let from_beginning = field(&call, "seek-to-beginning?") == Some(&Value::Bool(true));
                Ok(StreamOp::Assign { keys: self.keys(call.value)?, from_beginning })
            }
            "subscribe" => {
                let group = if let Some(Value::Int(group)) = field(&call, "group") { u64::try_from(*group).ok() } else { None };
                Ok(StreamOp::Subscribe { group, keys: self.keys(call.value)? })
            }
            "commit" => Ok(StreamOp::Commit { offsets: self.offsets(call.value)? }),
            "crash" => Ok(StreamOp::Crash),
            "debug-topic-partitions" => Ok(StreamOp::Acts(Vec::new())),
            _ => {
                let mut acts_of = Vec::new();
                for act in acts(call.value)? {
                    acts_of.push(match act {
                        Written::Send(key, value) => StreamAct::Send { key: self.key(key)?, value: self.value(value)? },
                        // What was polled before is there when it begins.
                        Written::Poll(polled) => match self.polled(polled)?.as_slice() {
                            [(key, records)] => match records[..] {
                                [StreamRecord { offset: Some(offset), value }] => StreamAct::Take { key: *key, offset, value },
                                _ => StreamAct::Poll,
                            },
                            _ => StreamAct::Poll,
                        },
                    });
                }
                Ok(StreamOp::Acts(acts_of))
            }
        }
    }

    fn answered(&mut self, op: &StreamOp, call: Call<'_>) -> Result<Ended, String> {
        Ok(Ended { fate: Fate::Committed, streamed: self.streamed(op, call)? })
    }

    /// What a poll has shown was there, whatever became of the rest; and so is an offset that a send was given.
    fn shown_anyway(&mut self, op: &StreamOp, kind: EntryKind, call: Call<'_>) -> Option<Ended> {
        let fate = if kind == EntryKind::Fail { Fate::Aborted } else { Fate::Unknown };
        Some(Ended { fate, streamed: self.streamed(op, call).unwrap_or_default() })
    }

    fn finish(self) -> Streams {
        Streams { names: self.names }
    }
}

/// How streams are written down, so that they can be read here, and by Jepsen but for what it has no words for.
pub fn spelling() -> Spelling<StreamOp, Streamed> {
    Spelling { model: MODEL, asked: Box::new(|op| Some(spelled(op, &Streamed::default()))), answered: Box::new(spelled) }
}

fn spelled(op: &StreamOp, streamed: &Streamed) -> Spelled {
    let keys = |keys: &[u64]| Value::Vector(keys.iter().copied().map(number).collect());
    let offsets = |offsets: &[(u64, u64)]| Value::map(offsets.iter().map(|(key, offset)| (number(*key), number(*offset))).collect());
    let (value, mut rest) = match op {
        StreamOp::Acts(acts) => {
            let act = |(place, act): (usize, &StreamAct)| act_spelled(*act, streamed.shown.get(place));
            (Value::Vector(acts.iter().enumerate().map(act).collect()), Vec::new())
        }
        StreamOp::Assign { keys: assigned, from_beginning } => {
            let rest = if *from_beginning { vec![("seek-to-beginning?", Value::Bool(true))] } else { Vec::new() };
            (keys(assigned), rest)
        }
        StreamOp::Subscribe { group, keys: wanted } => (keys(wanted), group.iter().map(|group| ("group", number(*group))).collect()),
        StreamOp::Commit { offsets: processed } => (offsets(processed), Vec::new()),
        StreamOp::Crash => (Value::Nil, Vec::new()),
    };
    if !streamed.rebalanced.is_empty() {
        let event = Value::map(vec![(Value::Keyword("keys".into()), keys(&streamed.rebalanced))]);
        rest.push(("rebalance-log", Value::Vector(vec![event])));
    }
    if !streamed.gone.is_empty() {
        // Of what it was told of a key, the last says most.
        let last: BTreeMap<u64, u64> = streamed.gone.iter().copied().collect();
        rest.push(("gone", offsets(&last.into_iter().collect::<Vec<_>>())));
    }
    if !streamed.tenures.is_empty() {
        let tenure = |tenure: &Tenure| {
            let (of, whose) = match tenure.of {
                Holder::Group(group) => ("group", group),
                Holder::Producer(producer) => ("producer", producer),
            };
            Value::Vector(vec![Value::Keyword(of.into()), number(whose), number(tenure.number)])
        };
        rest.push(("tenures", Value::Vector(streamed.tenures.iter().map(tenure).collect())));
    }
    Spelled { f: op.name(), key: None, value, rest }
}

fn act_spelled(act: StreamAct, shown: Option<&Shown>) -> Value {
    let keyword = |name: &str| Value::Keyword(name.into());
    let record = |offset: Option<u64>, value: i64| Value::Vector(vec![offset.map_or(Value::Nil, number), Value::Int(value)]);
    match (act, shown) {
        (StreamAct::Send { key, value }, Some(Shown::Sent(offset))) => {
            Value::Vector(vec![keyword("send"), number(key), record(*offset, value)])
        }
        (StreamAct::Send { key, value }, _) => Value::Vector(vec![keyword("send"), number(key), Value::Int(value)]),
        (StreamAct::Poll, Some(Shown::Polled(batches))) => {
            let mut polled: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
            for (key, records) in batches {
                polled.entry(*key).or_default().extend(records.iter().map(|each| record(each.offset, each.value)));
            }
            let polled = polled.into_iter().map(|(key, records)| (number(key), Value::Vector(records)));
            Value::Vector(vec![keyword("poll"), Value::map(polled.collect())])
        }
        (StreamAct::Poll, _) => Value::Vector(vec![keyword("poll")]),
        (StreamAct::Take { key, offset, value }, _) => {
            let records = Value::Vector(vec![record(Some(offset), value)]);
            Value::Vector(vec![keyword("poll"), Value::map(vec![(number(key), records)])])
        }
    }
}

fn number(value: u64) -> Value {
    i64::try_from(value).map_or_else(|_| Value::Number(value.to_string().into()), Value::Int)
}
