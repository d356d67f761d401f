//! Why transactions were not kept apart, as data: what can go wrong, by the names that the field has for it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::level::{Level, Levels};
use super::rule::Broken;
use crate::base::Time;

/// A phenomenon: something that a level of isolation forbids.
///
/// Cycles are named as in A. Adya's *Weak consistency* (1999), with the refinements of K. Kingsbury and P. Alvaro, *Elle* (2020). A cycle
/// that needs the order of each client, or real time, has that in its name: see [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phenomenon {
    /// A value was read that no transaction wrote.
    GarbageRead,
    /// A value is twice in a list, though it was appended once.
    DuplicateElement,
    /// No one list explains what was read.
    IncompatibleOrder,
    /// A transaction did not see what it had written itself, or saw what it had yet to write.
    Internal,
    /// G1a: a value was read that an aborted transaction wrote.
    AbortedRead,
    /// A transaction that committed built on what an aborted one wrote.
    DirtyUpdate,
    /// G1b: a value was read that its own transaction wrote over.
    IntermediateRead,
    /// G0, a dirty write: transactions wrote over each other in a cycle.
    WriteCycle,
    /// G1c, circular information flow: writes, and reads of what was written, in a cycle.
    CircularFlow,
    /// A transaction wrote to a key after another had written over what it had read of that key (P4). A kind of G-single.
    LostUpdate,
    /// G-single, read skew: a cycle with one read that misses a write.
    ReadSkew,
    /// Two transactions see two writes in different orders. A kind of G-nonadjacent.
    LongFork,
    /// G-nonadjacent: a cycle with several reads that miss a write, no two of them in a row.
    Nonadjacent,
    /// Two transactions each read what the other wrote over, and wrote to different keys. A kind of G2-item.
    WriteSkew,
    /// G2-item: a cycle with reads that miss a write, two of them in a row.
    AntiDependency,
}

impl Phenomenon {
    /// What it is called in short, and what it means.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::GarbageRead => ("garbage-read", "a read of what no transaction wrote"),
            Self::DuplicateElement => ("duplicate-element", "one append, seen twice"),
            Self::IncompatibleOrder => ("incompatible-order", "no one list explains what was read"),
            Self::Internal => ("internal", "a transaction that contradicts itself"),
            Self::AbortedRead => ("G1a", "aborted read"),
            Self::DirtyUpdate => ("dirty-update", "an update of what an aborted transaction wrote"),
            Self::IntermediateRead => ("G1b", "intermediate read"),
            Self::WriteCycle => ("G0", "dirty write"),
            Self::CircularFlow => ("G1c", "circular information flow"),
            Self::LostUpdate => ("lost-update", "a lost update, which is a G-single"),
            Self::ReadSkew => ("G-single", "read skew"),
            Self::LongFork => ("long-fork", "a long fork, which is a G-nonadjacent"),
            Self::Nonadjacent => ("G-nonadjacent", "reads that miss writes, no two in a row"),
            Self::WriteSkew => ("write-skew", "write skew, which is a G2-item"),
            Self::AntiDependency => ("G2-item", "anti-dependency cycle"),
        }
    }
}

/// Which orders a cycle needs besides what was read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// None.
    Data,
    /// That of each client's transactions.
    Process,
    /// Real time: who committed before another one began.
    RealTime,
}

/// A phenomenon, and in which scope it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anomaly {
    /// What went wrong.
    pub phenomenon: Phenomenon,
    /// Which orders it needs.
    pub scope: Scope,
}

impl Anomaly {
    pub(in crate::check) const fn data(phenomenon: Phenomenon) -> Self {
        Self { phenomenon, scope: Scope::Data }
    }

    /// Its name, as `G-single-realtime`.
    pub fn name(self) -> String {
        let name = self.phenomenon.words().0;
        match self.scope {
            Scope::Data => name.to_owned(),
            Scope::Process => format!("{name}-process"),
            Scope::RealTime => format!("{name}-realtime"),
        }
    }

    /// What the name means.
    pub fn meaning(self) -> String {
        let meaning = self.phenomenon.words().1;
        match self.scope {
            Scope::Data => meaning.to_owned(),
            Scope::Process => format!("{meaning}, given the order of each client"),
            Scope::RealTime => format!("{meaning}, given real time"),
        }
    }

    /// The weakest levels that forbid it: all that imply one of them forbid it, too.
    pub const fn weakest(self) -> Level {
        use Phenomenon as P;
        match (self.scope, self.phenomenon) {
            (Scope::Data, P::WriteCycle) => Level::ReadUncommitted,
            (Scope::Data, P::LostUpdate | P::ReadSkew) => Level::ParallelSnapshotIsolation,
            (Scope::Data, P::LongFork | P::Nonadjacent) => Level::SnapshotIsolation,
            (Scope::Data, P::WriteSkew | P::AntiDependency) => Level::Serializable,
            (Scope::Data, _) => Level::ReadCommitted,
            (Scope::Process, P::WriteSkew | P::AntiDependency) => Level::StrongSessionSerializable,
            (Scope::Process, _) => Level::StrongSessionSnapshotIsolation,
            (Scope::RealTime, P::WriteSkew | P::AntiDependency) => Level::StrictSerializable,
            (Scope::RealTime, _) => Level::StrongSnapshotIsolation,
        }
    }

    /// Whether this level forbids it.
    pub fn violates(self, level: Level) -> bool {
        level.implies(self.weakest())
    }

    pub(in crate::check) fn levels(self) -> Levels {
        self.weakest().stronger()
    }
}

impl Serialize for Anomaly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

/// One anomaly, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub anomaly: Anomaly,
    /// The transactions that show it, by their places; those of a cycle in its order. As data they are [named](transaction_name).
    #[serde(serialize_with = "names")]
    pub transactions: Vec<usize>,
    /// Each of them once, with what it did.
    pub cast: Vec<CastMember>,
    /// What shows it, and of a cycle why each comes before the next: `ww`, `wr`, `rw`, `process` or `realtime`.
    pub evidence: Vec<Broken>,
    /// When the last of them ended, if all did, and if their file says when.
    #[serde(rename = "at_ns")]
    pub at: Option<Time>,
}

/// A transaction that shows an anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CastMember {
    /// Its place.
    #[serde(serialize_with = "name")]
    pub transaction: usize,
    /// Whose it was, as the client is called in the run or in the file.
    pub client: String,
    /// What became of it.
    pub fate: Fate,
    /// What it did.
    pub acts: Vec<Access>,
}

/// What the transaction at this place in a history is called: `T1` is the first.
pub fn transaction_name(place: usize) -> String {
    format!("T{}", place + 1)
}

fn name<S: Serializer>(place: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&transaction_name(*place))
}

fn names<S: Serializer>(places: &[usize], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(places.iter().map(|place| transaction_name(*place)))
}

/// What a transaction did to a key. Keys and values are called as people call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Which key.
    pub key: String,
    /// What it did.
    pub did: Did,
}

/// What can be done to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Did {
    /// It was read, and this was seen, if that is known.
    Read(Option<Version>),
    /// This was put at the end of a list.
    Append(String),
    /// This was put into a register.
    Write(String),
    /// So much was added to a number.
    Add(i64),
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.did {
            Did::Read(None) => write!(f, "read {key}"),
            Did::Read(Some(seen)) => write!(f, "read {key} → {seen}"),
            Did::Append(value) => write!(f, "append {value} to {key}"),
            Did::Write(value) => write!(f, "write {key} = {value}"),
            Did::Add(amount) => write!(f, "add {amount:+} to {key}"),
        }
    }
}

/// What a key holds, as a read saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// Nothing at all.
    Nothing,
    /// A value.
    Value(String),
    /// A list.
    List(Vec<String>),
}

/// How many elements of a list are shown: the last ones.
const ELEMENTS_SHOWN: usize = 6;

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Value(value) => f.write_str(value),
            Self::List(elements) => match elements.len().saturating_sub(ELEMENTS_SHOWN) {
                0 => write!(f, "[{}]", elements.join(", ")),
                more => write!(f, "[… {more} more …, {}]", elements[more..].join(", ")),
            },
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It committed.
    Committed,
    /// It took no effect, and never will.
    Aborted,
    /// That is not known. If a transaction read what it wrote, it did commit.
    Unknown,
}

/// Why it is not known whether a level was kept. If nothing of this is so, the budget ended first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Keys of which the order of versions is known in part only.
    pub unordered: usize,
    /// Keys that were not judged.
    pub left_out: Vec<KeyLeftOut>,
    /// How many bytes of search state were held, if that was too much for some search.
    pub bytes: Option<u64>,
}

/// A key that was not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyLeftOut {
    /// Which.
    pub key: String,
    /// Why.
    pub why: LeftOut,
}

/// Why a key is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeftOut {
    /// It was added to: many ways lead to one sum.
    Added,
    /// It was used as a list and as a register.
    Mixed,
    /// One value was appended to it twice, or is twice in the order that was given of it.
    Repeated,
}
