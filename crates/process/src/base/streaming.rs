//! The operations of streams, as brokers, buses and queues have them: the one vocabulary that protocols, workloads and judges share.
//!
//! A *key* is one partition of one topic: one log, in which each message has an *offset*. Values are told apart: none is sent
//! twice.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What an operation on streams does at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StreamAct {
    /// Put a message at the end of a log.
    Send {
        /// Of which key.
        key: u64,
        /// The message.
        value: i64,
    },
    /// Take what comes next, of whatever the consumer is assigned.
    Poll,
    /// Take a message that was polled before the operation began: a transaction that depends on it. It is known even if what became of the
    /// operation is not.
    Take {
        /// Of which key.
        key: u64,
        /// Its place in the log.
        offset: u64,
        /// The message.
        value: i64,
    },
}

impl StreamAct {
    /// Whether it takes messages.
    pub const fn is_poll(self) -> bool {
        matches!(self, Self::Poll | Self::Take { .. })
    }
}

/// What a client asks of streams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StreamOp {
    /// Sends and polls, in this order. If the broker has transactions, the sends take effect together or not at all.
    Acts(Vec<StreamAct>),
    /// Consume these keys from now on and no others. Those that were consumed before go on where they stood, unless all are to be read from
    /// their beginning.
    Assign {
        /// Which.
        keys: Vec<u64>,
        /// Whether each is read from its beginning.
        from_beginning: bool,
    },
    /// Consume what the broker assigns of these keys, from now on: which, may change at any time.
    Subscribe {
        /// The group that shares them, if it is known. Each message is for one member of each group.
        group: Option<u64>,
        /// Which.
        keys: Vec<u64>,
    },
    /// Say up to where messages have been processed.
    Commit {
        /// For each key, the offset that is to be polled next.
        offsets: Vec<(u64, u64)>,
    },
    /// Forget all: what comes after is a new producer and a new consumer.
    Crash,
}

/// A message as a consumer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Its place in the log, if that is told.
    pub offset: Option<u64>,
    /// The message.
    pub value: i64,
}

/// What an act has shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Shown {
    /// A send: the offset that the message got, if that is told.
    Sent(Option<u64>),
    /// A poll: of each key, messages in the order in which they came.
    Polled(Vec<(u64, Vec<StreamRecord>)>),
}

/// Whom only one may act for at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Holder {
    /// A group of consumers, which has generations.
    Group(u64),
    /// A producer with a name of its own, of which each incarnation has an epoch.
    Producer(u64),
}

/// In which generation of a group, or which epoch of a producer, somebody acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tenure {
    /// Whose.
    pub of: Holder,
    /// Which.
    pub number: u64,
}

/// What an operation on streams that took effect tells its client. That of an operation that is no [`StreamOp::Acts`] shows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Streamed {
    /// What each act has shown, in order: one for each of [`StreamOp::Acts`].
    pub shown: Vec<Shown>,
    /// The keys that were given to this consumer, or taken from it, since it last told: where it stood in them means nothing any more.
    pub rebalanced: Vec<u64>,
    /// Of keys of which this consumer wanted what was gone since it last told: before which offset the broker has nothing any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(u64, u64)>,
    /// As whom the client acted, where those of an earlier tenure must have no effect.
    pub tenures: Vec<Tenure>,
}

impl StreamOp {
    /// What its acts are together: `send`, `poll` or, of both, `txn`; or the name of what else it is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Acts(acts) if acts.is_empty() => "txn",
            Self::Acts(acts) if acts.iter().all(|act| act.is_poll()) => "poll",
            Self::Acts(acts) if !acts.iter().any(|act| act.is_poll()) => "send",
            Self::Acts(_) => "txn",
            Self::Assign { .. } => "assign",
            Self::Subscribe { .. } => "subscribe",
            Self::Commit { .. } => "commit",
            Self::Crash => "crash",
        }
    }

    /// Its sends and polls; none if it is something else.
    pub fn acts(&self) -> &[StreamAct] {
        if let Self::Acts(acts) = self { acts } else { &[] }
    }
}

impl From<Vec<Shown>> for Streamed {
    fn from(shown: Vec<Shown>) -> Self {
        Self { shown, ..Self::default() }
    }
}

/// `1, 2, 3`.
fn list<T: Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

/// `k1, k2`.
fn keys(f: &mut fmt::Formatter<'_>, keys: &[u64]) -> fmt::Result {
    list(f, &keys.iter().map(|key| format!("k{key}")).collect::<Vec<_>>())
}

impl Display for StreamAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { key, value } => write!(f, "send {value} to k{key}"),
            Self::Poll => f.write_str("poll"),
            Self::Take { key, offset, value } => write!(f, "take {value}@{offset} of k{key}"),
        }
    }
}

impl Display for StreamOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acts(acts) if acts.is_empty() => f.write_str("nothing"),
            Self::Acts(acts) => list(f, acts),
            Self::Assign { keys: assigned, from_beginning } => {
                f.write_str("assign ")?;
                keys(f, assigned)?;
                f.write_str(if *from_beginning { " from the beginning" } else { "" })
            }
            Self::Subscribe { group, keys: wanted } => {
                f.write_str("subscribe to ")?;
                keys(f, wanted)?;
                group.map_or(Ok(()), |group| write!(f, " in group {group}"))
            }
            Self::Commit { offsets } => {
                f.write_str("commit ")?;
                list(f, &offsets.iter().map(|(key, offset)| format!("k{key} up to {offset}")).collect::<Vec<_>>())
            }
            Self::Crash => f.write_str("crash"),
        }
    }
}

impl Display for StreamRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{}@{offset}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(None) => f.write_str("sent"),
            Self::Sent(Some(offset)) => write!(f, "sent at {offset}"),
            Self::Polled(batches) if batches.iter().all(|(_, records)| records.is_empty()) => f.write_str("nothing new"),
            Self::Polled(batches) => {
                f.write_str("polled ")?;
                let batches = batches.iter().map(|(key, records)| {
                    let records: Vec<String> = records.iter().map(StreamRecord::to_string).collect();
                    format!("{} of k{key}", records.join(" "))
                });
                list(f, &batches.collect::<Vec<_>>())
            }
        }
    }
}

impl Display for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Holder::Group(group) => write!(f, "generation {} of group {group}", self.number),
            Holder::Producer(producer) => write!(f, "epoch {} of producer {producer}", self.number),
        }
    }
}

impl Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shown.is_empty() { f.write_str("done") } else { list(f, &self.shown) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_on_streams_read_as_sentences() {
        let send = StreamAct::Send { key: 1, value: 7 };
        let both = StreamOp::Acts(vec![send, StreamAct::Poll]);
        assert_eq!((both.to_string().as_str(), both.name()), ("send 7 to k1, poll", "txn"));
        assert_eq!((StreamOp::Acts(vec![send]).name(), StreamOp::Acts(vec![StreamAct::Poll]).name()), ("send", "poll"));
        let subscribe = StreamOp::Subscribe { group: Some(3), keys: vec![1, 2] };
        assert_eq!(subscribe.to_string(), "subscribe to k1, k2 in group 3");
        assert_eq!(StreamOp::Commit { offsets: vec![(1, 4)] }.to_string(), "commit k1 up to 4");
        let records = vec![StreamRecord { offset: Some(4), value: 7 }, StreamRecord { offset: None, value: 8 }];
        let shown = vec![Shown::Sent(Some(4)), Shown::Polled(vec![(1, records)]), Shown::Polled(vec![])];
        assert_eq!(Streamed::from(shown).to_string(), "sent at 4, polled 7@4 8 of k1, nothing new");
        assert_eq!(Tenure { of: Holder::Group(3), number: 2 }.to_string(), "generation 2 of group 3");
    }
}
