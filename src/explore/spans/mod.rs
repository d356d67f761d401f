//! The requests of a run as spans: what came of each operation of a client, over all nodes, in the terms of distributed tracing (Sigelman
//! et al., *Dapper*, 2010; OpenTelemetry's specification of traces).
//!
//! Each operation is the root of a trace. Below it stand the messages that it brought about, each from its sending to its arrival, what
//! nodes did when one arrived, and what they waited for on their disks. What no operation brought about has traces of its own: elections,
//! heartbeats, starts. So each message of the run is one span, and is in one trace.
//!
//! What belongs to what is told by the records alone, and so for every system:
//!
//! - What a node does in a step belongs to what the step began with.
//! - A timer belongs to the operation in whose trace it was set if that is still under way when it fires; if not, it begins a trace, with
//!   a link to where it was set.
//! - A message that says for which operation it asks, or what it answers ([`Part`](crate::base::Part)), belongs there.
//! - The message with which a client learns how an operation ended belongs to that operation. Where it was sent in a step of another trace,
//!   as what is committed for several at once is, it is linked to that.

mod build;

use std::borrow::Cow;

use crate::base::{Digest, NodeId, Time};
use crate::trace::{Recording, Said};

/// All spans of a run, in the order in which they begin, and which of them each record is in.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    spans: Vec<Span>,
    of_record: Vec<Option<u32>>,
    seed: u64,
}

/// Something that took its time.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where; nothing: in the surroundings, as faults are.
    pub node: Option<NodeId>,
    /// What, in few different words.
    pub name: String,
    /// What sort.
    pub sort: Sort,
    /// The place of the span that it is a part of, which comes before; nothing if it is the root of its trace.
    pub parent: Option<u32>,
    /// The place of the root of its trace.
    pub root: u32,
    /// When it began.
    pub start: Time,
    /// When it was over.
    pub end: Time,
    /// How it ended.
    pub status: Status,
    /// What else is known of it, each with its name.
    pub attributes: Vec<(&'static str, Value)>,
    /// What happened meanwhile.
    pub events: Vec<SpanEvent>,
    /// The places of spans of other traces that it also came of, each with why.
    pub links: Vec<(u32, &'static str)>,
    /// What it is in its run, as a number.
    identity: u64,
}

/// What sort of span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An operation of a client, from its invocation until the client learns how it ended.
    Operation,
    /// A message, from its sending to its arrival.
    Message,
    /// What a node does with a message, until what it sends for it has left and what it wrote is durable.
    Handling,
    /// What a node does with a timer, at its start, when it goes on, or when a sync is complete.
    Step,
    /// Writes, until they are durable.
    Sync,
    /// A fault, until it is over.
    Fault,
    /// While a node is down.
    Down,
    /// While a node stands still.
    Paused,
}

impl Sort {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Message => "message",
            Self::Handling => "handling",
            Self::Step => "step",
            Self::Sync => "sync",
            Self::Fault => "fault",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is known, or nothing is to be told.
    Unset,
    /// It succeeded.
    Ok,
    /// It did not, and why.
    Error(Cow<'static, str>),
}

/// What is known of a span or of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// In words.
    Text(String),
    /// A number.
    Number(u64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

/// Something that happened during a span.
#[derive(Clone, Debug)]
pub struct SpanEvent {
    /// When.
    pub at: Time,
    /// What, in a word: `note`, `mark`, `fault`, `lost`, ….
    pub name: &'static str,
    /// It in full.
    pub attributes: Vec<(&'static str, Value)>,
}

impl Spans {
    /// The spans of a run under this seed.
    pub fn of(recording: &Recording, seed: u64) -> Self {
        let (spans, of_record) = build::spans(recording);
        Self { spans, of_record, seed }
    }

    /// Adds what the code of nodes has said to the spans in which it did.
    pub fn say(&mut self, said: &[Said]) {
        for said in said.iter().filter(|said| said.began.is_none()) {
            let Some(place) = said.step.and_then(|step| self.of_record(step)) else { continue };
            let mut attributes = vec![("level", said.level.into()), ("stormglass.what", said.message.as_str().into())];
            attributes.extend(said.fields.iter().map(|(name, value)| (*name, value.as_str().into())));
            self.spans[place as usize].events.push(SpanEvent { at: said.at, name: "event", attributes });
        }
    }

    /// All of them; their places are what they name each other by.
    pub fn all(&self) -> &[Span] {
        &self.spans
    }

    /// The span that the record of this number is in, if there is one.
    pub fn of_record(&self, number: u64) -> Option<u32> {
        self.of_record.get(usize::try_from(number).ok()?).copied().flatten()
    }

    /// The identity of the trace of the span at this place: the same in each run of the scenario under the seed, so long as its root is
    /// there.
    pub fn trace_id(&self, place: u32) -> u128 {
        let root = self.spans[place as usize].root;
        let [high, low] = [1, 2].map(|half| self.word(self.spans[root as usize].identity, half));
        u128::from(high) << 64 | u128::from(low)
    }

    /// The identity of the span at this place, in the same way.
    pub fn span_id(&self, place: u32) -> u64 {
        self.word(self.spans[place as usize].identity, 3)
    }

    /// No identity is zero: that would be none.
    fn word(&self, identity: u64, purpose: u64) -> u64 {
        let mut digest = Digest::new();
        [self.seed, identity, purpose].into_iter().for_each(|word| digest.word(word));
        digest.finish().max(1)
    }
}
