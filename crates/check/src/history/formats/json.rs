//! Our own lines of JSON, and values as JSON.
//!
//! What JSON lacks is an object with one field: `{"keyword": "a"}`, `{"symbol": "a"}`, `{"char": "a"}`, `{"number": "1/3"}`,
//! `{"list": […]}`, `{"set": […]}`, `{"map": [[key, value], …]}`, `{"tagged": ["inst", value]}`.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::edn::Edn;
use super::entry::{Draft, Entry, EntryKind, Name, Names, Process, client, is_name};
use super::maps::unknown_kind;
use super::problem::{Problem, excerpt, mark};
use super::value::Value;

/// The version of the format. Fields may be added under one version; none changes its meaning.
pub const JSON_VERSION: u64 = 1;

const EXPECTED: &str = r#"expected an event, as in {"process": 0, "type": "invoke", "f": "read", "value": null}"#;

/// The first line of a file, by which it says what it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) stormglass: String,
    pub(super) version: u64,
}

impl Header {
    pub(super) fn new() -> Self {
        Self { stormglass: "history".to_owned(), version: JSON_VERSION }
    }
}

/// A line, or what is wrong with it. Nothing if it is the header.
pub(super) fn entry(line: u64, text: &str, names: &mut Names) -> Result<Option<Entry>, Problem> {
    if text.trim_start().starts_with("{\"stormglass\"") {
        return header(line, text).map(|()| None);
    }
    let row: Row<'_> = serde_json::from_str(text).map_err(|error| problem(line, text, &error))?;
    let whole = |message: String| Problem { line, column: None, message, excerpt: excerpt(text, 0), mark: None };
    let mut draft = Draft {
        f: row.f.as_deref().map(|f| names.get(f)),
        key: row.key,
        value: row.value,
        time: row.time,
        rest: row.rest.0.into_iter().map(|(name, value)| (names.get(&name), value)).collect(),
        ..Draft::default()
    };
    draft.process = match row.process {
        Some(Who::Number(number)) => Some(client(number).map_err(whole)?),
        Some(Who::Name(name)) => Some(Process::Other(names.get(&name))),
        None => None,
    };
    draft.kind = match &row.kind {
        Some(name) => Some(EntryKind::named(name).ok_or_else(|| whole(unknown_kind(name)))?),
        None => None,
    };
    draft.finish(line, names, "").map(Some).map_err(whole)
}

fn header(line: u64, text: &str) -> Result<(), Problem> {
    let header: Header = serde_json::from_str(text).map_err(|error| problem(line, text, &error))?;
    let message = match (header.stormglass.as_str(), header.version) {
        ("history", JSON_VERSION) => return Ok(()),
        ("history", version) => format!("this is version {version} of the format: version {JSON_VERSION} is the one known here"),
        (other, _) => format!("this is a file of kind {other:?}, not a history"),
    };
    Err(Problem { line, column: None, message, excerpt: excerpt(text, 0), mark: None })
}

fn problem(line: u64, text: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let named = text.trim_start().strip_prefix('{').is_some_and(|fields| fields.trim_start().starts_with('"'));
    let message = if named { message } else { EXPECTED }.to_owned();
    let at = (0..error.column().saturating_sub(1).min(text.len()) + 1).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Problem { line, column: Some(text[..at].chars().count() as u64 + 1), message, excerpt: excerpt(text, at), mark: mark(text, at) }
}

/// A line as serde reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'t> {
    #[serde(default)]
    process: Option<Who>,
    #[serde(default, rename = "type", borrow)]
    kind: Option<std::borrow::Cow<'t, str>>,
    #[serde(default, borrow)]
    f: Option<std::borrow::Cow<'t, str>>,
    #[serde(default, deserialize_with = "present")]
    key: Option<Value>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default, deserialize_with = "time")]
    time: Option<u64>,
    #[serde(default)]
    rest: Rest,
}

/// A key that is there, even if it is nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A time, which is as large as it can be in EDN, and leaves room behind it.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Nil => Ok(None),
        Value::Int(time) if time >= 0 => Ok(Some(time.unsigned_abs())),
        other => Err(de::Error::custom(format!("expected a time in nanoseconds, from 0 to {}, found {other}", i64::MAX))),
    }
}

enum Who {
    Number(i64),
    Name(String),
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Int(number) => Ok(Self::Number(number)),
            Value::Text(name) => Ok(Self::Name(name.into())),
            _ => Err(de::Error::custom("expected a process: a number, or a name as in \"nemesis\"")),
        }
    }
}

#[derive(Default)]
struct Rest(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Rest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Rest;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rest, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    is_name(&name).then_some(()).ok_or_else(|| de::Error::custom(format!("{name:?} is no name of a field")))?;
                    fields.push((name, value));
                }
                Ok(Rest(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// An entry as a line of JSON.
pub(super) struct Line<'e>(pub(super) &'e Entry);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.0;
        let mut map = serializer.serialize_map(None)?;
        match &entry.process {
            Process::Client(number) => map.serialize_entry("process", number)?,
            Process::Other(name) => map.serialize_entry("process", name.as_str())?,
        }
        map.serialize_entry("type", entry.kind.name())?;
        map.serialize_entry("f", entry.f.as_str())?;
        if let Some(key) = &entry.key {
            map.serialize_entry("key", key)?;
        }
        map.serialize_entry("value", &entry.value)?;
        if let Some(time) = entry.time {
            map.serialize_entry("time", &time)?;
        }
        if !entry.rest.is_empty() {
            map.serialize_entry("rest", &RestLine(&entry.rest))?;
        }
        map.end()
    }
}

struct RestLine<'e>(&'e [(Name, Value)]);

impl Serialize for RestLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), value)))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Vector(items) => serializer.collect_seq(items),
            Self::Number(text) => single(serializer, "number", text),
            Self::Char(char) => single(serializer, "char", &char.to_string()),
            Self::Keyword(name) => single(serializer, "keyword", name),
            Self::Symbol(name) => single(serializer, "symbol", name),
            Self::List(items) => single(serializer, "list", items),
            Self::Set(items) => single(serializer, "set", items),
            Self::Map(entries) => single(serializer, "map", entries),
            Self::Tagged(tagged) => single(serializer, "tagged", &**tagged),
        }
    }
}

/// An object with one field, which says what JSON cannot.
fn single<S: Serializer, T: Serialize + ?Sized>(serializer: S, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

const KINDS: [&str; 8] = ["keyword", "symbol", "char", "number", "list", "set", "map", "tagged"];

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::Number(number.to_string().into()), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::number(&format!("{number:?}")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Vector(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let kinds = || format!("an object here has one field, which is one of {}", KINDS.join(", "));
        let name: String = map.next_key()?.ok_or_else(|| de::Error::custom(kinds()))?;
        let value = match name.as_str() {
            "keyword" => Value::Keyword(token(&mut map, ":")?),
            "symbol" => Value::Symbol(token(&mut map, "")?),
            "char" => Value::Char(map.next_value()?),
            "number" => {
                let text: String = map.next_value()?;
                match form(&text) {
                    Some(number @ (Value::Number(_) | Value::Int(_))) => number,
                    _ => match text.as_str() {
                        "inf" | "-inf" | "NaN" => Value::Number(text.into()),
                        _ => return Err(de::Error::custom(format!("{text:?} is no number"))),
                    },
                }
            }
            "list" => Value::List(map.next_value()?),
            "set" => Value::set(map.next_value()?),
            "map" => {
                let value = Value::map(map.next_value()?);
                match &value {
                    Value::Map(entries) if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) => {
                        return Err(de::Error::custom("a key is there twice"));
                    }
                    _ => value,
                }
            }
            "tagged" => {
                let (tag, value): (String, Value) = map.next_value()?;
                let named = tag.starts_with(char::is_alphabetic) && is_name(&tag);
                named
                    .then(|| Value::Tagged(Box::new((tag.as_str().into(), value))))
                    .ok_or_else(|| de::Error::custom(format!("{tag:?} is no tag")))?
            }
            _ => return Err(de::Error::custom(kinds())),
        };
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::custom(kinds())),
        }
    }
}

/// The value that this text is, and nothing else.
fn form(text: &str) -> Option<Value> {
    let mut edn = Edn::new(text, 0);
    let value = edn.form().ok()?;
    (edn.at() == text.len()).then_some(value)
}

/// A name that is one word in EDN too.
fn token<'de, A: MapAccess<'de>>(map: &mut A, lead: &str) -> Result<Box<str>, A::Error> {
    let name: String = map.next_value()?;
    match form(&format!("{lead}{name}")) {
        Some(Value::Keyword(same) | Value::Symbol(same)) if *same == *name => Ok(same),
        _ => Err(de::Error::custom(format!("{name:?} is no name"))),
    }
}
