//! Our own lines of JSON, and values as JSON.
//!
//! What JSON lacks is an object with one field: `{"keyword": "a"}`, `{"symbol": "a"}`, `{"char": "a"}`, `{"number": "1/3"}`,
//! `{"set": […]}`, `{"map": [[key, value], …]}`, `{"tagged": ["inst", value]}`. Any other object is a map of texts.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::edn::Edn;
use super::entry::{Entry, Name, Process, is_name};
use super::number;
use super::value::Value;

/// The version of the format. Fields may be added under one version; none changes its meaning.
pub const JSON_VERSION: u64 = 1;

/// The first line of a file, by which it says what it is.
#[derive(Serialize)]
pub(super) struct Header {
    stormglass: &'static str,
    version: u64,
}

impl Header {
    pub(super) const fn new() -> Self {
        Self { stormglass: "history", version: JSON_VERSION }
    }

    /// What is wrong with a header that says that a file is of this kind, and of this version.
    pub(super) fn check(kind: &Value, version: Option<&Value>) -> Result<(), String> {
        match (kind, version) {
            (Value::Text(kind), Some(Value::Int(version))) if &**kind == "history" && u64::try_from(*version) == Ok(JSON_VERSION) => Ok(()),
            (Value::Text(kind), Some(version)) if &**kind == "history" => {
                Err(format!("this is version {version} of the format: version {JSON_VERSION} is the one known here"))
            }
            (kind, Some(_)) => Err(format!("this is a file of kind {kind}, not a history")),
            (_, None) => Err("a header has a version, which is missing here".to_owned()),
        }
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
            Process::Unnamed => {}
        }
        map.serialize_entry("type", entry.kind.name())?;
        if let Some(name) = &entry.f {
            map.serialize_entry("f", name.as_str())?;
        }
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

/// What an object means whose fields are these: what JSON has no words for, by its one field, or a map of texts.
pub(super) fn object(mut fields: Vec<(std::borrow::Cow<'_, str>, Value)>) -> Result<Value, String> {
    let kind = match &fields[..] {
        [(kind, _)] => kind.to_string(),
        _ => String::new(),
    };
    let mut only = || fields.pop().map(|(_, value)| value).unwrap_or_default();
    match kind.as_str() {
        "keyword" => token(":", only()),
        "symbol" => token("", only()),
        "char" => character(only()),
        "number" => spelled(only()),
        "list" => items(only()).map(Value::Vector),
        "set" => items(only()).and_then(Value::set_of),
        "map" => Value::map_of(items(only())?.into_iter().map(two).collect::<Result<_, _>>()?),
        "tagged" => match two(only())? {
            (Value::Text(tag), value) if tag.starts_with(char::is_alphabetic) && is_name(&tag) => Ok(Value::Tagged(Box::new((tag, value)))),
            (tag, _) => Err(format!("{tag} is no tag")),
        },
        _ => Value::map_of(fields.into_iter().map(|(name, value)| (Value::text(&name), value)).collect()),
    }
}

fn items(value: Value) -> Result<Vec<Value>, String> {
    if let Value::Vector(items) = value { Ok(items) } else { Err(format!("expected an array, found {value}")) }
}

fn two(value: Value) -> Result<(Value, Value), String> {
    <[Value; 2]>::try_from(items(value)?).map(|[one, other]| (one, other)).map_err(|_| "expected an array of two".to_owned())
}

fn text(value: Value) -> Result<Box<str>, String> {
    if let Value::Text(text) = value { Ok(text) } else { Err(format!("expected a text, found {value}")) }
}

fn character(value: Value) -> Result<Value, String> {
    let text = text(value)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) => Ok(Value::Char(char)),
        _ => Err(format!("{text:?} is not one character")),
    }
}

/// A number as EDN spells it.
fn spelled(value: Value) -> Result<Value, String> {
    let text = text(value)?;
    match &*text {
        "inf" => Ok(number::double(f64::INFINITY)),
        "-inf" => Ok(number::double(f64::NEG_INFINITY)),
        "NaN" => Ok(number::double(f64::NAN)),
        _ => number::edn(&text).ok_or_else(|| format!("{text:?} is no number")),
    }
}

/// A name that is one word in EDN too.
fn token(lead: &str, value: Value) -> Result<Value, String> {
    let name = text(value)?;
    match form(&format!("{lead}{name}")) {
        Some(value @ (Value::Keyword(_) | Value::Symbol(_))) if value.to_string() == format!("{lead}{name}") => Ok(value),
        _ => Err(format!("{name:?} is no name")),
    }
}

/// The value of EDN that this text is, and nothing else.
fn form(text: &str) -> Option<Value> {
    let mut edn = Edn::new(text, 0);
    let value = edn.form().ok()?;
    (edn.at() == text.len()).then_some(value)
}

/// The value of JSON that this text is.
#[cfg(test)]
pub(super) fn value(text: &str) -> Option<Value> {
    Edn::of_json(text).form().ok()
}
