//! What nodes of a Raft cluster and their clients send, and what its log is made of.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Operation, Response};
use crate::base::{ClientId, KvOp, KvResponse};
use crate::process::{self, Reply};

/// A term: Raft's logical clock (paper §5.1). The first election is for term 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// Names a log entry: in correct Raft no two different entries share index and term (paper §5.3, Log Matching).
///
/// Ordered as logs are: by the last term first, then by length (paper §5.4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct EntryId {
    /// In which term a leader created it.
    pub term: Term,
    /// Its place in the log, from 1. Zero is the place before the first entry.
    pub index: u64,
}

impl EntryId {
    /// The place before the first entry.
    pub const ZERO: Self = Self { term: Term(0), index: 0 };
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:?}", self.index, self.term)
    }
}

/// What a log entry asks the replicated state machine to do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command<O = KvOp> {
    /// Nothing: what a new leader appends so as to commit in its own term (paper §8).
    Noop,
    /// Open a session: RegisterClient of thesis §6.3. Opening one that is open changes nothing.
    Open {
        /// Which session.
        session: ClientId,
    },
    /// Carry out an operation, once.
    Apply {
        /// In which session.
        session: ClientId,
        /// Which of its operations, from 1.
        number: u64,
        /// The operation.
        operation: O,
    },
    /// Carry out an operation of the servers' own: no client's session counts it, and no client waits for it.
    Internal {
        /// The operation.
        operation: O,
    },
}

impl<O: fmt::Display> fmt::Debug for Command<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noop => f.write_str("no-op"),
            Self::Open { session } => write!(f, "open {session}"),
            Self::Apply { session, number, operation } => write!(f, "{session}#{number} {operation}"),
            Self::Internal { operation } => fmt::Display::fmt(operation, f),
        }
    }
}

/// One entry of the log. Its index is where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<O = KvOp> {
    /// In which term a leader created it.
    pub term: Term,
    /// What it asks for.
    pub command: Command<O>,
}

impl<O: fmt::Display> fmt::Debug for Entry<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{:?}", self.term, self.command)
    }
}

/// The entries of one message: immutable, and shared between the messages that a leader sends to all its followers, so that a
/// broadcast allocates once and an empty one never.
#[derive(Clone, PartialEq, Eq)]
pub struct Entries<O = KvOp>(Option<Arc<[Entry<O>]>>);

impl<O> Entries<O> {
    /// No entries: a heartbeat.
    pub const fn none() -> Self {
        Self(None)
    }
}

impl<O: Clone> From<&[Entry<O>]> for Entries<O> {
    fn from(entries: &[Entry<O>]) -> Self {
        Self((!entries.is_empty()).then(|| entries.into()))
    }
}

impl<O> Deref for Entries<O> {
    type Target = [Entry<O>];

    fn deref(&self) -> &[Entry<O>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<O: fmt::Display> fmt::Debug for Entries<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<O: Serialize> Serialize for Entries<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, O: Deserialize<'de> + Clone> Deserialize<'de> for Entries<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(Vec::deserialize(deserializer)?.as_slice()))
    }
}

/// What servers and clients send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "O: Deserialize<'de> + Clone, R: Deserialize<'de>"))]
pub enum Message<O: fmt::Display = KvOp, R = KvResponse> {
    /// A candidate asks for a vote (paper §5.2).
    RequestVote {
        /// The candidate's term.
        term: Term,
        /// The last entry of its log.
        last: EntryId,
    },
    /// The answer to [`RequestVote`](Self::RequestVote).
    Vote {
        /// The voter's term.
        term: Term,
        /// Whether the candidate has its vote in this term.
        granted: bool,
    },
    /// A leader replicates its log, or shows that it lives (paper §5.3).
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// The entry that precedes the sent ones in the leader's log.
        previous: EntryId,
        /// What follows it.
        entries: Entries<O>,
        /// Through which index the leader knows entries to be committed.
        commit: u64,
        /// The leader's n-th broadcast of this term: an answer proves that it still led when it sent that one (thesis §6.4).
        round: u64,
    },
    /// The answer to [`AppendEntries`](Self::AppendEntries).
    AppendReply {
        /// The follower's term.
        term: Term,
        /// The round that is answered.
        round: u64,
        /// What came of it.
        result: AppendResult,
    },
    /// A client opens a session.
    Open {
        /// Which.
        session: ClientId,
    },
    /// A client asks for an operation.
    Request {
        /// In which session.
        session: ClientId,
        /// Which of its operations, from 1; the same in a retry.
        number: u64,
        /// The operation.
        operation: O,
    },
    /// A server's answer to a client.
    Answer {
        /// The session.
        session: ClientId,
        /// The operation's number; 0 for the opening of the session.
        number: u64,
        /// What it is told.
        reply: Reply<R>,
    },
}

impl<O: Operation, R: Response> process::Message for Message<O, R> {
    fn about(kind: &str) -> &'static str {
        match kind {
            "RequestVote" => "A candidate asks for a vote (paper §5.2).",
            "Vote" => "The answer to RequestVote.",
            "AppendEntries" => "A leader replicates its log, or shows that it lives (paper §5.3).",
            "AppendReply" => "The answer to AppendEntries.",
            "Open" => "A client opens a session.",
            "Request" => "A client asks for an operation.",
            "Answer" => "A server's answer to a client.",
            _ => "",
        }
    }
}

/// What came of an attempt to append.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AppendResult {
    /// The follower's log equals the leader's through this index.
    Matched {
        /// Which index.
        through: u64,
    },
    /// The follower has no entry like the one said to precede (paper §5.3, the end).
    Mismatch {
        /// The index of that entry.
        previous: u64,
        /// The first entry of the follower's term at that index; or, with term zero, the place after its last entry.
        conflict: EntryId,
    },
    /// The leader's term is over.
    Stale,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_small() {
        // Messages are moved through queues by value: one cache line each.
        assert!(size_of::<Message>() <= 64, "{}", size_of::<Message>());
        assert!(size_of::<Entry>() <= 64, "{}", size_of::<Entry>());
    }

    #[test]
    fn logs_compare_by_last_term_then_by_length() {
        let id = |index, term| EntryId { term: Term(term), index };
        assert!(id(1, 2) > id(9, 1));
        assert!(id(3, 2) > id(2, 2));
        assert!(id(1, 1) > EntryId::ZERO);
    }

    #[test]
    fn entries_read_back() {
        let entry: Entry = Entry { term: Term(3), command: Command::Open { session: ClientId::new(0) } };
        for entries in [Entries::none(), Entries::from(&[entry, entry][..])] {
            let text = serde_json::to_string(&entries).expect("entries are plain data");
            assert_eq!(serde_json::from_str::<Entries>(&text).expect("just written"), entries);
        }
    }
}
