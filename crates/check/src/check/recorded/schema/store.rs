//! A store of keys and values, as files have it.

use std::borrow::Cow;

use super::{Call, Schema, given, held, swap};
use crate::check::model::kv::{Kv, KvOp, KvResult, KvValue, pieces};
use crate::check::model::{Key, Model, Next, Role};
use crate::history::formats::Value;

/// What is appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growing {
    Text,
    List,
}

/// A store: `:get`, `:put`, `:append`, `:cas [3 4]` and `:delete`, with the key in `:key` or in front of the value, `[key value]`.
///
/// A key starts missing, which reads as `nil`. In a history that appends, and says nothing else of the start, it starts as the empty text,
/// or the empty vector if what is appended is no text; missing and empty are one thing there.
#[derive(Clone, Debug, Default)]
pub struct StoreSchema {
    /// What every key holds at first, if that is known.
    initial: Option<Value>,
    growing: Option<Growing>,
}

impl StoreSchema {
    /// Keys that hold this at first.
    pub const fn new(initial: Option<Value>) -> Self {
        Self { initial, growing: None }
    }

    fn append(&mut self, value: Value) -> Result<Value, String> {
        match (self.growing, matches!(value, Value::Text(_))) {
            (None, true) => self.growing = Some(Growing::Text),
            (None, false) => self.growing = Some(Growing::List),
            (Some(Growing::Text), false) => return Err(format!("texts are appended elsewhere, but {value} is none")),
            (Some(_), _) => {}
        }
        Ok(value)
    }
}

/// The key of a call, and the rest of its value.
fn parts(call: Call<'_>) -> Result<(String, Cow<'_, Value>), String> {
    match (call.key, call.value.items()) {
        (Some(key), _) => Ok((name(key), Cow::Borrowed(call.value))),
        (None, Some([key, value])) => Ok((name(key), Cow::Borrowed(value))),
        // What is expected, and what is to be set, need not stand in brackets of their own.
        (None, Some([key, expect, new])) if call.f == "cas" => {
            Ok((name(key), Cow::Owned(Value::Vector(vec![expect.clone(), new.clone()]))))
        }
        (None, _) => Err(format!("expected a key, as in :key \"a\" or :value [\"a\" …], found {}", call.value)),
    }
}

/// A key as text. No two have the same.
pub(in crate::check::recorded) fn name(key: &Value) -> String {
    match key {
        // A text that looks like something else keeps its quotes.
        Value::Text(text) if text.parse::<Value>().is_ok_and(|other| matches!(other, Value::Symbol(_))) => text.to_string(),
        Value::Symbol(name) => format!("'{name}"),
        other => other.to_string(),
    }
}

impl Schema for StoreSchema {
    type Model = Store;

    fn names(&self) -> &'static [&'static str] {
        &["get", "read", "put", "write", "append", "cas", "delete"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<KvOp<String, Value>, String> {
        let (key, value) = match (call.f, call.key) {
            // What is asked about may stand alone.
            ("get" | "read" | "delete", None) if call.value.pair().is_none() && !call.value.is_nil() => {
                (name(call.value), Cow::Owned(Value::Nil))
            }
            _ => parts(call)?,
        };
        let value = &*value;
        Ok(match call.f {
            "get" | "read" => KvOp::Read { key },
            "put" | "write" => KvOp::Write { key, value: given(value, "a value to put")? },
            "append" => KvOp::Append { key, value: self.append(given(value, "a value to append")?)? },
            "delete" => KvOp::Delete { key },
            _ => swap(value).map(|(expect, new)| KvOp::Cas { key, expect, new })?,
        })
    }

    fn answered(&mut self, op: &KvOp<String, Value>, call: Call<'_>) -> Result<Answer, String> {
        // The key stands in front of the value again, if it stood there before.
        let value = match (call.key, call.value.pair()) {
            (None, Some((key, value))) if name(key) == *op.key() => value,
            _ => call.value,
        };
        if let Some(other) = call.key.map(name).filter(|key| key != op.key()) {
            return Err(format!("it began with key {}, and ends with key {other}", op.key()));
        }
        let known = match op {
            KvOp::Read { .. } => KvResult::Value(held(value)),
            KvOp::Write { value: given, .. } | KvOp::Append { value: given, .. } => {
                if !value.is_nil() && value != given {
                    return Err(format!("it began with the value {given}, and ends with {value}"));
                }
                KvResult::Written
            }
            KvOp::Delete { .. } => KvResult::Written,
            KvOp::Cas { .. } => match value {
                Value::Bool(false) => return Ok(Answer::Differed),
                Value::Map(found) if found.len() == 1 && found[0].0 == Value::Keyword("found".into()) => {
                    KvResult::Mismatch(held(&found[0].1))
                }
                _ => KvResult::Swapped,
            },
        };
        Ok(Answer::Known(known))
    }

    fn refused(&self, op: &KvOp<String, Value>) -> Option<Answer> {
        matches!(op, KvOp::Cas { .. }).then_some(Answer::Differed)
    }

    fn saw_nothing(&self, op: &KvOp<String, Value>, answer: &Answer) -> bool {
        matches!((op, answer), (KvOp::Read { .. }, Answer::Known(KvResult::Value(None))))
    }

    fn finish(self) -> Store {
        Store::holding(self.absent().or(self.initial))
    }

    fn absent(&self) -> Option<Value> {
        match (&self.initial, self.growing) {
            (Some(_), _) | (None, None) => None,
            (None, Some(Growing::Text)) => Some(Value::text("")),
            (None, Some(Growing::List)) => Some(Value::Vector(Vec::new())),
        }
    }

    fn meant(op: KvOp<String, Value>, absent: &Value) -> KvOp<String, Value> {
        match op {
            KvOp::Delete { key } => KvOp::Write { key, value: absent.clone() },
            KvOp::Cas { key, expect, new } => KvOp::Cas { key, expect: expect.or_else(|| Some(absent.clone())), new },
            other => other,
        }
    }

    fn meant_by(answer: Answer, absent: &Value) -> Answer {
        match answer {
            Answer::Known(KvResult::Value(None)) => Answer::Known(KvResult::Value(Some(absent.clone()))),
            Answer::Known(KvResult::Mismatch(None)) => Answer::Known(KvResult::Mismatch(Some(absent.clone()))),
            other => other,
        }
    }
}

impl KvValue for Value {
    const APPENDS: bool = true;

    /// Texts are joined; to anything else, a value is added as an item. A value that is no list begins one.
    fn appended(&self, tail: &Self) -> Option<Self> {
        Some(match (self, tail) {
            (Self::Text(text), Self::Text(tail)) => Self::Text(format!("{text}{tail}").into()),
            (Self::Vector(items), tail) => {
                let mut items = items.clone();
                items.push(tail.clone());
                Self::Vector(items)
            }
            (one, tail) => Self::Vector(vec![one.clone(), tail.clone()]),
        })
    }

    fn pieces(&self, appended: &[&Self]) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => {
                let texts = appended.iter().map(|value| if let Self::Text(text) = value { Some(&**text) } else { None });
                let pieces = pieces(text, &texts.collect::<Option<Vec<&str>>>()?)?;
                Some(pieces.into_iter().map(|piece| Self::text(piece).to_string()).collect())
            }
            Self::Vector(items) => Some(items.iter().map(ToString::to_string).collect()),
            other => Some(vec![other.to_string()]),
        }
    }

    fn bytes(&self) -> usize {
        self.held_bytes()
    }

    fn grows_into(from: Option<&Self>, into: Option<&Self>) -> bool {
        match (from, into) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(from), Some(into)) if from == into => true,
            (Some(Self::Text(from)), Some(Self::Text(into))) => into.starts_with(&**from),
            (Some(Self::Vector(from)), Some(Self::Vector(into))) => into.starts_with(from),
            // A text may grow before it becomes the first item of a list.
            (Some(from), Some(Self::Vector(into))) => Self::grows_into(Some(from), into.first()),
            _ => false,
        }
    }
}

/// What a store answers in a file: what any store does, or only that a compare-and-set found something else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// This.
    Known(KvResult<Value>),
    /// A compare-and-set did not find what it expected; what it found is not known.
    Differed,
}

/// A store of values as files have them. [`Kv`], but for compare-and-sets that do not say what they found.
#[derive(Clone, Debug)]
pub struct Store(Kv<String, Value>);

impl Store {
    /// A store in which every key starts with this value, or missing.
    pub fn holding(value: Option<Value>) -> Self {
        Self(value.map_or_else(Kv::empty, Kv::holding))
    }
}

impl Model for Store {
    type State = Option<Value>;
    type Op = KvOp<String, Value>;
    type Ret = Answer;

    fn initial(&self) -> Option<Value> {
        self.0.initial()
    }

    fn step(&self, state: &Option<Value>, op: &Self::Op, ret: Option<&Answer>) -> Next<Option<Value>> {
        match (op, ret) {
            (_, None) => self.0.step(state, op, None),
            (_, Some(Answer::Known(known))) => self.0.step(state, op, Some(known)),
            (KvOp::Cas { expect, .. }, Some(Answer::Differed)) if expect != state => Next::Same,
            (_, Some(Answer::Differed)) => Next::Illegal,
        }
    }

    fn key<'a>(&self, op: &'a Self::Op) -> Key<'a> {
        self.0.key(op)
    }

    fn role(&self, op: &Self::Op, ret: Option<&Answer>) -> Role<Option<Value>> {
        match ret {
            None => self.0.role(op, None),
            Some(Answer::Known(known)) => self.0.role(op, Some(known)),
            Some(Answer::Differed) => Role::Observer,
        }
    }

    fn leads(&self, state: &Option<Value>, op: &Self::Op, ret: &Answer) -> bool {
        match ret {
            Answer::Known(known) => self.0.leads(state, op, known),
            Answer::Differed => true,
        }
    }

    fn excess(&self, op: &Self::Op, ret: &Answer, others: &[(&Self::Op, bool)]) -> Option<String> {
        if let Answer::Known(known) = ret { self.0.excess(op, known, others) } else { None }
    }

    fn state_bytes(&self, state: &Option<Value>) -> usize {
        self.0.state_bytes(state)
    }

    fn describe(&self, op: &Self::Op, ret: Option<&Answer>) -> String {
        match ret {
            None => self.0.describe(op, None),
            Some(Answer::Known(known)) => self.0.describe(op, Some(known)),
            Some(Answer::Differed) => format!("{} → mismatch", self.0.describe(op, Some(&KvResult::Swapped))),
        }
    }

    fn describe_state(&self, state: &Option<Value>) -> String {
        self.0.describe_state(state)
    }

    fn expected(&self, state: &Option<Value>, op: &Self::Op) -> String {
        self.0.expected(state, op)
    }
}
