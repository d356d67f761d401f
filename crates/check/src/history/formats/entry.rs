//! One event of a recorded history, whatever file it came from.

use std::fmt;
use std::sync::Arc;

use super::edn::Edn;
use super::value::Value;

/// One event as the file has it: who did what, and whether it begins or how it ended. What the names mean, a model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins, counted from one.
    pub line: u64,
    /// Who.
    pub process: Process,
    /// Whether it begins, or how it ended.
    pub kind: EntryKind,
    /// What was asked for, by name: `read`, `write`, `cas`. Some files of transactions do not say it.
    pub f: Option<Name>,
    /// The part of the object that it is about, where the file names one apart from the value.
    pub key: Option<Value>,
    /// What went in, or came out.
    pub value: Value,
    /// When, in nanoseconds since some beginning, if the file says so.
    pub time: Option<u64>,
    /// Fields that mean nothing here and are kept for other programs, by name: `:index`, `:error`, ….
    pub rest: Vec<(Name, Value)>,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// A client, which does one thing at a time.
    Client(u32),
    /// Somebody else, such as `:nemesis`: no checker looks at what they do.
    Other(Name),
    /// The file does not say who. Only of transactions can that be judged.
    Unnamed,
}

/// Whether an operation begins, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// It begins.
    Invoke,
    /// It took effect.
    Ok,
    /// It certainly did not take effect.
    Fail,
    /// It is not known whether it did, or will.
    Info,
}

impl EntryKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Invoke, Self::Ok, Self::Fail, Self::Info];

    /// Its name in every format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that many events share.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// This name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The names seen so far: a history has few, so each is allocated once.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Name>);

/// Beyond so many, looking for a name takes longer than making it.
const NAMES_MAX: usize = 64;

impl Names {
    pub(super) fn get(&mut self, name: &str) -> Name {
        if let Some(known) = self.0.iter().find(|known| known.as_str() == name) {
            return known.clone();
        }
        let name = Name::new(name);
        if self.0.len() < NAMES_MAX {
            self.0.push(name.clone());
        }
        name
    }
}

/// An entry of which the fields come one after another, in any order.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) process: Option<Process>,
    pub(super) kind: Option<EntryKind>,
    pub(super) f: Option<Name>,
    pub(super) key: Option<Value>,
    pub(super) value: Option<Value>,
    pub(super) time: Option<u64>,
    pub(super) rest: Vec<(Name, Value)>,
}

impl Draft {
    /// What kind of file this says that it is, and of which version, if it is a header and no event.
    pub(super) fn header(&self) -> Option<(&Value, Option<&Value>)> {
        let field = |wanted: &str| self.rest.iter().find(|(name, _)| name.as_str() == wanted).map(|(_, value)| value);
        let event = self.process.is_some() || self.kind.is_some() || self.f.is_some();
        field("stormglass").filter(|_| !event).map(|kind| (kind, field("version")))
    }

    /// The entry, or which fields it lacks. Somebody who is no client need not say more than who they are; nor do transactions need names.
    pub(super) fn finish(mut self, line: u64, colon: &str) -> Result<Entry, String> {
        let other = matches!(self.process, Some(Process::Other(_)));
        let Some(kind) = self.kind.or(other.then_some(EntryKind::Info)) else {
            let fields = [("process", self.process.is_none()), ("type", true), ("f", self.f.is_none())];
            return Err(lacks(fields.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| format!("{colon}{name}"))));
        };
        let who = if let Some(Process::Other(name)) = &self.process { Some(name) } else { None };
        if let Some(wrong) = [&self.f.as_ref(), &who].into_iter().flatten().find(|name| !is_name(name.as_str())) {
            return Err(format!("{:?} is no name: expected one word, as in {colon}read or {colon}nemesis", wrong.as_str()));
        }
        // An object of other fields has no order in any format.
        self.rest.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some(twice) = self.rest.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("{colon}{} is there twice", twice[0].0));
        }
        Ok(Entry {
            line,
            process: self.process.unwrap_or(Process::Unnamed),
            kind,
            f: self.f,
            key: self.key,
            value: self.value.unwrap_or_default(),
            time: self.time,
            rest: self.rest,
        })
    }
}

/// What an event lacks that has not these fields.
pub(crate) fn lacks(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<String> = fields.into_iter().collect();
    format!("an event has {}: it is missing here", fields.join(" and "))
}

/// Whether this can be a name in every format.
pub(super) fn is_name(name: &str) -> bool {
    let plain =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && name.starts_with(|first: char| first.is_alphabetic());
    plain || {
        let word = format!(":{name}");
        let mut edn = Edn::new(&word, 0);
        edn.keyword() == Ok(name) && edn.at() == word.len()
    }
}

/// The client of this number, or why it is none.
pub(super) fn client(number: i64) -> Result<Process, String> {
    u32::try_from(number).map(Process::Client).map_err(|_| no_client(number))
}

/// Why this is no client.
pub(super) fn no_client(number: impl fmt::Display) -> String {
    format!("{number} is no process: they are counted from 0 to {}", u32::MAX)
}
