//! Rules that a property is made of: each is declared once, with a name and a sentence; a judge that finds one broken fills in the facts.

use std::fmt;

use serde::{Serialize, Serializer};

use super::anomaly::Version;
use crate::base::{ClientId, Duration, NodeId, Time};

/// One way in which a property can be violated: a name that stays, and a sentence with gaps, each the name of a fact in braces.
///
/// ```
/// use stormglass_check::base::{NodeId, Time};
/// use stormglass_check::check::{Fact, Property, PropertyReport, Rule};
///
/// const ELECTION_SAFETY: Property = Property::always("election-safety", "at most one leader is elected in a term");
/// static TWO_LEADERS: Rule = Rule::new("two-leaders", "{node} and {other} both lead term {term}");
///
/// let (node, other) = (NodeId::server(0), NodeId::server(2));
/// let broken = TWO_LEADERS.with("node", node).with("other", other).with("term", Fact::Term(7)).on([1201, 1344]);
/// let report = PropertyReport::violated(&ELECTION_SAFETY, Time::ZERO, broken.clone());
/// assert_eq!(report.explanation, Some(broken.into()));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which stays what it is when the sentence is put better: `two-leaders`.
    pub id: &'static str,
    /// What it says when it is broken. `{node}` stands for the fact of that name.
    pub sentence: &'static str,
    /// What kind of violation it is, for fingerprints: rules that differ only in when one violation shows have one.
    pub kind: &'static str,
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub rule: &'static Rule,
    /// What fills the gaps of its sentence, by name; perhaps more than it has gaps.
    pub facts: Vec<(&'static str, Fact)>,
    /// In which of several groups, detectors or such it was, by what they are.
    pub within: Option<(&'static str, Fact)>,
    /// The numbers of the records that it rests on, in order: those in which it shows, and those of what they conflict with. A judge of
    /// histories sees no records: it names operations and transactions among the facts.
    pub records: Vec<u64>,
}

/// One fact of a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// A node.
    Node(NodeId),
    /// Several nodes.
    Nodes(Vec<NodeId>),
    /// A client, or one session of it.
    Client(String),
    /// A term, view, ballot or epoch.
    Term(u64),
    /// A place in a log.
    Index(u64),
    /// A line of a file.
    Line(u64),
    /// So many of something.
    Count(u64),
    /// An instant.
    #[serde(rename = "time_ns")]
    Time(Time),
    /// A length of time.
    #[serde(rename = "length_ns", serialize_with = "nanos")]
    Length(Duration),
    /// A kind of message, or of what is written to a disk.
    Kind(&'static str),
    /// A role of a node.
    Role(&'static str),
    /// A transaction.
    Transaction(String),
    /// What was decided on a transaction.
    Decision(&'static str),
    /// How a key is locked.
    Mode(&'static str),
    /// The state that a member of a group is held to be in.
    State(&'static str),
    /// A key of a store.
    Key(String),
    /// A value of a store.
    Value(String),
    /// What a key of a store holds.
    Version(Version),
    /// An operation.
    Operation {
        /// Its index in the history.
        index: usize,
        /// What it was, in its model's words.
        text: String,
    },
    /// Several facts of one kind.
    All(Vec<Fact>),
    /// Facts of which each comes before the next, and the last before the first.
    Cycle(Vec<Fact>),
    /// Anything else: an entry of a log, what is wrong with a file.
    Text(String),
}

/// Which record something was seen in, and when: what a judge remembers of what it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// The number of the record.
    pub record: u64,
    /// When.
    pub at: Time,
}

impl Rule {
    /// A rule with this name and sentence, a kind of its own.
    pub const fn new(id: &'static str, sentence: &'static str) -> Self {
        Self { id, sentence, kind: id }
    }

    /// The same, as one of several that tell one kind of violation.
    #[must_use]
    pub const fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// It was broken, and there is nothing more to say.
    pub const fn broken(&'static self) -> Broken {
        Broken { rule: self, facts: Vec::new(), within: None, records: Vec::new() }
    }

    /// It was broken, and this is one of the facts.
    #[must_use]
    pub fn with(&'static self, name: &'static str, fact: impl Into<Fact>) -> Broken {
        self.broken().with(name, fact)
    }
}

impl Broken {
    /// One more fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, fact: impl Into<Fact>) -> Self {
        self.facts.push((name, fact.into()));
        self
    }

    /// It was in this one of several groups, detectors or such.
    #[must_use]
    pub fn within(self, what: &'static str, which: impl Into<Fact>) -> Self {
        Self { within: Some((what, which.into())), ..self }
    }

    /// The records that it rests on, by their numbers, each once.
    #[must_use]
    pub fn on(mut self, records: impl IntoIterator<Item = u64>) -> Self {
        self.records.extend(records);
        self.records.sort_unstable();
        self.records.dedup();
        self
    }

    /// It rests on this record, of which the time is a fact.
    #[must_use]
    pub fn seen(self, name: &'static str, sighting: Sighting) -> Self {
        self.with(name, sighting.at).on([sighting.record])
    }

    /// The fact of this name.
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, fact)| fact)
    }
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            name: &'static str,
            #[serde(rename = "is")]
            fact: &'a Fact,
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            rule: &'static str,
            facts: Vec<Named<'a>>,
            within: Option<Named<'a>>,
            records: &'a [u64],
        }
        fn named<'a>((name, fact): &'a (&'static str, Fact)) -> Named<'a> {
            Named { name, fact }
        }
        let facts = self.facts.iter().map(named).collect();
        Whole { rule: self.rule.id, facts, within: self.within.as_ref().map(named), records: &self.records }.serialize(serializer)
    }
}

/// A length in nanoseconds, as a number: for fields whose name says so.
pub(super) fn nanos<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(length.as_nanos())
}

/// How many of several facts are shown.
const ALL_SHOWN: usize = 4;

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Nodes(nodes) if nodes.is_empty() => f.write_str("none"),
            Self::Nodes(nodes) => {
                let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
                f.write_str(&names.join(" and "))
            }
            Self::Term(number) | Self::Index(number) | Self::Count(number) => number.fmt(f),
            Self::Line(number) => write!(f, "line {number}"),
            Self::Version(version) => version.fmt(f),
            Self::Operation { text, .. } => f.write_str(text),
            Self::All(facts) => {
                let names: Vec<String> = facts.iter().take(ALL_SHOWN).map(Self::to_string).collect();
                f.write_str(&names.join(", "))?;
                f.write_str(if facts.len() > ALL_SHOWN { ", …" } else { "" })
            }
            Self::Cycle(facts) => {
                let names: Vec<String> = facts.iter().chain(facts.first()).map(Self::to_string).collect();
                f.write_str(&names.join(" < "))
            }
            Self::Time(at) => at.fmt(f),
            Self::Length(length) => length.fmt(f),
            Self::Kind(name) | Self::Role(name) | Self::Decision(name) | Self::Mode(name) | Self::State(name) => f.write_str(name),
            Self::Client(text) | Self::Transaction(text) | Self::Key(text) | Self::Value(text) | Self::Text(text) => f.write_str(text),
        }
    }
}

from! { Fact:
    NodeId => Self::Node;
    Vec<NodeId> => Self::Nodes;
    ClientId => |client: ClientId| Self::Client(client.to_string());
    Time => Self::Time;
    Duration => Self::Length;
    usize => |count| Self::Count(count as u64);
    u64 => Self::Count;
    Version => Self::Version;
    Vec<Fact> => Self::Cycle;
    String => Self::Text;
    &str => |text: &str| Self::Text(text.to_owned());
}
