//! What can go wrong with streams, and which promise forbids it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::check::verdict::Property;

/// How often a message reaches those who consume it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// Never twice; perhaps not at all.
    AtMostOnce,
    /// Once it is acknowledged, it comes; perhaps more than once.
    AtLeastOnce,
    /// Once it is acknowledged, it comes, and only once; those sent in one transaction come together or not at all.
    ExactlyOnce,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AtMostOnce, Self::AtLeastOnce, Self::ExactlyOnce];

    /// Its name: `at-least-once`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnce => "exactly-once",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|promise| promise.name() == name)
    }

    /// What it says, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::AtMostOnce => "no message comes twice; one may be lost",
            Self::AtLeastOnce => "no message that was acknowledged is lost; one may come twice",
            Self::ExactlyOnce => "no message that was acknowledged is lost, and none comes twice",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Promise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What is demanded of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// How often a message comes.
    pub promise: Promise,
    /// Whether the messages of a key come in the order in which they were sent.
    pub ordered: bool,
    /// Whether messages may go without a word, since they expired, were dropped or are where no client looks: then it says nothing that one
    /// was never seen. What a broker deletes by retention it tells the consumers that come too late (`OFFSET_OUT_OF_RANGE`,
    /// [`Streamed::gone`](crate::base::Streamed::gone)), and that is heeded without this.
    pub forgets: bool,
    /// Whether what transactions send is isolated: of two, one lies before the other in all logs. Kafka promises that of none.
    pub isolated: bool,
    /// If logs are compacted: how many keys the messages of one log have. That of a message is the magnitude of its value modulo this, and
    /// one whose value is negative is a tombstone. A message may go when a later one of its key is in the log, and a tombstone at any time.
    pub compacts: Option<u32>,
}

impl Demands {
    /// This promise, with messages that are in order and stay, and with transactions that may lie among each other.
    pub const fn of(promise: Promise) -> Self {
        Self { promise, ordered: true, forgets: false, isolated: false, compacts: None }
    }

    /// Whether they forbid this.
    pub const fn forbid(self, anomaly: StreamAnomaly) -> bool {
        use StreamAnomaly as A;
        let (once, all) = (!matches!(self.promise, Promise::AtLeastOnce), !matches!(self.promise, Promise::AtMostOnce) && !self.forgets);
        match anomaly {
            A::InconsistentOffsets | A::GarbageRead | A::AbortedRead | A::Zombie => true,
            A::PrecommittedRead | A::CircularFlow => matches!(self.promise, Promise::ExactlyOnce),
            A::WriteCycle => self.isolated,
            A::Duplicate | A::Redelivery => once,
            A::NonmonotonicPoll => once && self.ordered,
            A::LostWrite | A::Unseen => all,
            A::IntPollSkip | A::PollSkip => all && self.ordered,
            A::IntNonmonotonicPoll | A::IntNonmonotonicSend | A::NonmonotonicSend => self.ordered,
        }
    }

    /// What they forbid, in the order of [`StreamAnomaly::ALL`].
    pub fn forbidden(self) -> impl Iterator<Item = StreamAnomaly> {
        StreamAnomaly::ALL.into_iter().filter(move |anomaly| self.forbid(*anomaly))
    }
}

/// Something that can go wrong with streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamAnomaly {
    /// One offset of a key has two messages.
    InconsistentOffsets,
    /// A message was polled that no producer sent.
    GarbageRead,
    /// G1a: a message was polled of which the send failed.
    AbortedRead,
    /// A transaction polled what it had sent itself.
    PrecommittedRead,
    /// One message has two offsets.
    Duplicate,
    /// One consumer, or one group of them, took a message twice.
    Redelivery,
    /// No consumer polled a message that was acknowledged, though one polled what lies behind it.
    LostWrite,
    /// No consumer polled a message that was acknowledged, though one polled its key once all sends were over.
    Unseen,
    /// One poll shows messages of a key in another order than they have in the log, or one twice.
    IntNonmonotonicPoll,
    /// A consumer went back in a key.
    NonmonotonicPoll,
    /// One poll leaves out a message of a key.
    IntPollSkip,
    /// A consumer left out a message between two polls.
    PollSkip,
    /// The sends of one operation are in another order in the log.
    IntNonmonotonicSend,
    /// The sends of one producer, one after another, are in another order in the log.
    NonmonotonicSend,
    /// A client of an earlier generation or epoch acted once one of a later one had.
    Zombie,
    /// G0: transactions lie before each other in different logs.
    WriteCycle,
    /// G1c: transactions depend on each other by what they polled of each other; where sends are isolated, also by what lies before what.
    CircularFlow,
}

/// The properties, in the order of the anomalies.
const PROPERTIES: [Property; StreamAnomaly::ALL.len()] = [
    Property::always("inconsistent-offsets", "one offset of a key has one message"),
    Property::always("garbage-read", "what is polled was sent"),
    Property::always("aborted-read", "no message is polled of which the send failed"),
    Property::always("precommitted-read", "no transaction polls what it sends itself"),
    Property::always("duplicate", "a message has one offset"),
    Property::always("redelivery", "no consumer, and no group of them, takes a message twice"),
    Property::always("lost-write", "where a message was polled, so was each that was acknowledged and lies before it"),
    Property::always("unseen", "a message that was acknowledged has been polled when all is quiet"),
    Property::always("int-nonmonotonic-poll", "a poll shows the messages of a key in the order of the log"),
    Property::always("nonmonotonic-poll", "a consumer never goes back in a key"),
    Property::always("int-poll-skip", "a poll leaves out no message of a key"),
    Property::always("poll-skip", "a consumer leaves out no message between two polls"),
    Property::always("int-nonmonotonic-send", "what one operation sends to a key has its order in the log"),
    Property::always("nonmonotonic-send", "what one producer sends to a key, one after another, has that order in the log"),
    Property::always("zombie", "none of an earlier generation or epoch acts once a later one has"),
    Property::always("write-cycle", "of two transactions, what one sent lies before what the other sent in all logs"),
    Property::always("circular-flow", "no transaction depends on what was sent by one that depends on it"),
];

impl StreamAnomaly {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::InconsistentOffsets,
        Self::GarbageRead,
        Self::AbortedRead,
        Self::PrecommittedRead,
        Self::Duplicate,
        Self::Redelivery,
        Self::LostWrite,
        Self::Unseen,
        Self::IntNonmonotonicPoll,
        Self::NonmonotonicPoll,
        Self::IntPollSkip,
        Self::PollSkip,
        Self::IntNonmonotonicSend,
        Self::NonmonotonicSend,
        Self::Zombie,
        Self::WriteCycle,
        Self::CircularFlow,
    ];

    /// Its name, which is that of the property that forbids it: `lost-write`.
    pub const fn name(self) -> &'static str {
        self.property().name
    }

    /// The property that forbids it.
    pub const fn property(self) -> &'static Property {
        &PROPERTIES[self as usize]
    }
}

impl fmt::Display for StreamAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for StreamAnomaly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
