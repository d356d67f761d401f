//! A log: append an entry, read entries from an offset on.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role, list};

/// What is asked of a log. Offsets count from zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogOp<V = i64> {
    /// Put this behind all others.
    Append(V),
    /// Which entries are there?
    Read {
        /// The offset of the first to be read.
        from: u64,
        /// How many are to be read at most; nothing means all.
        most: Option<u64>,
    },
}

impl<V> LogOp<V> {
    /// Reads everything.
    pub const fn read_all() -> Self {
        Self::Read { from: 0, most: None }
    }

    /// Reads so many entries from the start.
    pub const fn read_prefix(most: u64) -> Self {
        Self::Read { from: 0, most: Some(most) }
    }

    /// Reads the entry at this offset.
    pub const fn read_at(offset: u64) -> Self {
        Self::Read { from: offset, most: Some(1) }
    }
}

/// What a log answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogResult<V = i64> {
    /// It was appended.
    Appended,
    /// It was appended, and has this offset.
    At(u64),
    /// These are the entries, as many as were asked for or there are.
    Entries(Vec<V>),
}

impl<V: fmt::Debug> fmt::Display for LogOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(entry) => write!(f, "append {entry:?}"),
            Self::Read { from: 0, most: None } => write!(f, "read"),
            Self::Read { from, most: Some(1) } => write!(f, "read at {from}"),
            Self::Read { from, most: None } => write!(f, "read from {from}"),
            Self::Read { from: 0, most: Some(most) } => write!(f, "read the first {most}"),
            Self::Read { from, most: Some(most) } => write!(f, "read {most} from {from}"),
        }
    }
}

impl<V: fmt::Debug> fmt::Display for LogResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appended => write!(f, "appended"),
            Self::At(offset) => write!(f, "at {offset}"),
            Self::Entries(entries) => write!(f, "{}", list('[', entries, ']')),
        }
    }
}

/// A log that starts empty.
#[derive(Clone, Debug)]
pub struct Log<V = i64> {
    entries: PhantomData<fn(V)>,
}

impl<V> Log<V> {
    /// The empty log.
    pub const fn empty() -> Self {
        Self { entries: PhantomData }
    }
}

/// The entries that a read of a log with these entries returns.
fn slice<V>(entries: &[V], from: u64, most: Option<u64>) -> &[V] {
    let length = entries.len() as u64;
    let start = from.min(length);
    let end = most.map_or(length, |most| start.saturating_add(most).min(length));
    &entries[start as usize..end as usize]
}

impl<V: Clone + Eq + Hash + fmt::Debug> Model for Log<V> {
    type State = Vec<V>;
    type Op = LogOp<V>;
    type Ret = LogResult<V>;

    fn initial(&self) -> Vec<V> {
        Vec::new()
    }

    fn step(&self, entries: &Vec<V>, op: &LogOp<V>, ret: Option<&LogResult<V>>) -> Next<Vec<V>> {
        match (op, ret) {
            (LogOp::Append(_), Some(LogResult::At(offset))) if *offset != entries.len() as u64 => Next::Illegal,
            (LogOp::Append(entry), None | Some(LogResult::Appended | LogResult::At(_))) => {
                let mut longer = Vec::with_capacity(entries.len() + 1);
                longer.extend_from_slice(entries);
                longer.push(entry.clone());
                Next::One(longer)
            }
            (LogOp::Read { .. }, None) => Next::Same,
            (LogOp::Read { from, most }, Some(LogResult::Entries(read))) if slice(entries, *from, *most) == read.as_slice() => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &LogOp<V>, ret: Option<&LogResult<V>>) -> Role<Vec<V>> {
        match (op, ret) {
            (LogOp::Append(_), None | Some(LogResult::Appended)) => Role::Update,
            (LogOp::Read { .. }, None | Some(LogResult::Entries(_))) => Role::Observer,
            _ => Role::Other,
        }
    }

    fn leads(&self, entries: &Vec<V>, op: &LogOp<V>, ret: &LogResult<V>) -> bool {
        match (op, ret) {
            (LogOp::Read { from, most }, LogResult::Entries(read)) => {
                // The log only grows: what it holds now, later reads begin with.
                read.starts_with(slice(entries, *from, *most))
            }
            (LogOp::Append(_), LogResult::At(offset)) => entries.len() as u64 <= *offset,
            _ => true,
        }
    }

    fn state_bytes(&self, entries: &Vec<V>) -> usize {
        entries.capacity() * size_of::<V>()
    }

    fn describe(&self, op: &LogOp<V>, ret: Option<&LogResult<V>>) -> String {
        match ret {
            None => format!("{op} → ?"),
            Some(LogResult::Appended) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
        }
    }

    fn expected(&self, entries: &Vec<V>, op: &LogOp<V>) -> String {
        match op {
            LogOp::Append(_) => format!("it could only have been appended at {}", entries.len()),
            LogOp::Read { from, most } => format!("only {} could have been read", list('[', slice(entries, *from, *most), ']')),
        }
    }
}
