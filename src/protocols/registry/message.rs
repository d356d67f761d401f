//! What servers and clients of a registry send.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Attached, Change, Key, LeaseId, Listing, Operation, Response};
use crate::base::{Duration, Kind, LocalTime, NodeId};
use crate::process;
use crate::protocols::raft;

/// What servers send each other, and what clients ask for that goes through the log, or is read from it.
pub type RaftMessage = raft::Message<Operation, Response>;

/// What servers and clients send.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Through Raft.
    Raft(RaftMessage),
    /// A holder keeps its lease alive.
    KeepAlive {
        /// Which lease.
        lease: LeaseId,
        /// When it asked, by its own clock.
        asked: LocalTime,
        /// Through which revision it knows which of its instances have ceased to go with the lease.
        knows: u64,
    },
    /// The leader's answer: the lease lasts for so long yet.
    KeptAlive {
        /// Which lease.
        lease: LeaseId,
        /// When the holder asked what is answered.
        asked: LocalTime,
        /// How long it lasts, from when this was sent.
        remaining: Duration,
        /// The instances that go with it, if some have ceased to since what the holder knows.
        attached: Option<Attached>,
    },
    /// The leader's answer: the lease has ended, or is about to.
    Lapsed {
        /// Which lease.
        lease: LeaseId,
    },
    /// The answer of one who does not lead.
    Elsewhere {
        /// Who leads, as far as it knows.
        hint: Option<NodeId>,
    },
    /// A client watches a directory, and says so now and then.
    Watch {
        /// Which.
        directory: u32,
        /// When it asked, by its own clock.
        asked: LocalTime,
        /// Through which revision it has seen all changes; nothing if it is to be told what there is.
        seen: Option<u64>,
    },
    /// The answer to who begins to watch: what there is.
    Listing {
        /// In which directory.
        directory: u32,
        /// When the client asked what is answered.
        asked: LocalTime,
        /// How long ago the server's state is known to have been current.
        age: Option<Duration>,
        /// What it holds.
        listing: Listing,
    },
    /// What has changed in a directory.
    Changes {
        /// In which.
        directory: u32,
        /// When the client asked what is answered; nothing if it comes unasked.
        asked: Option<LocalTime>,
        /// How long ago the server's state is known to have been current.
        age: Option<Duration>,
        /// These are all changes after this revision,
        after: u64,
        /// through this one.
        through: u64,
        /// In order.
        changes: Vec<Change>,
    },
    /// Not all changes are remembered that were asked for: the client must list anew.
    Compacted {
        /// In which directory.
        directory: u32,
        /// Through which revision changes are forgotten.
        through: u64,
    },
    /// A client asks any server what a directory holds.
    Peek {
        /// Which question of the client.
        number: u64,
        /// When it asked, by its own clock: after a crash it counts anew.
        asked: LocalTime,
        /// Which directory.
        directory: u32,
        /// How old the answer may be.
        age_max: Duration,
    },
    /// The answer: what it holds as far as that server knows.
    Peeked {
        /// What is answered.
        number: u64,
        /// When the client asked that.
        asked: LocalTime,
        /// Which directory.
        directory: u32,
        /// How long ago this was certainly so, counted from when this was sent; nothing if the server knows nothing so young.
        age: Option<Duration>,
        /// What it held.
        listing: Listing,
    },
    /// A server asks its leader how far the log is committed.
    HowFar {
        /// When it asked, by its own clock.
        asked: LocalTime,
    },
    /// The leader's answer: when it was asked, it led, and this was committed.
    ThusFar {
        /// When the server asked what is answered.
        asked: LocalTime,
        /// Through which index.
        index: u64,
    },
    /// The leader checks an instance.
    Probe {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
    },
    /// What an instance says of itself: asked, or not.
    Report {
        /// Which.
        key: Key,
        /// At which revision it came to be.
        created: u64,
        /// Whether it is well.
        is_well: bool,
    },
}

/// The kinds of one's own, in the order of the variants.
const OWN: [&str; 14] = [
    "KeepAlive",
    "KeptAlive",
    "Lapsed",
    "Elsewhere",
    "Watch",
    "Listing",
    "Changes",
    "Compacted",
    "Peek",
    "Peeked",
    "HowFar",
    "ThusFar",
    "Probe",
    "Report",
];

/// Those of Raft come first.
static KINDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| <RaftMessage as process::Message>::kinds().iter().copied().chain(OWN).collect());

impl process::Message for Message {
    fn kind(&self) -> Kind {
        let own = match self {
            Self::Raft(message) => return message.kind(),
            Self::KeepAlive { .. } => 0,
            Self::KeptAlive { .. } => 1,
            Self::Lapsed { .. } => 2,
            Self::Elsewhere { .. } => 3,
            Self::Watch { .. } => 4,
            Self::Listing { .. } => 5,
            Self::Changes { .. } => 6,
            Self::Compacted { .. } => 7,
            Self::Peek { .. } => 8,
            Self::Peeked { .. } => 9,
            Self::HowFar { .. } => 10,
            Self::ThusFar { .. } => 11,
            Self::Probe { .. } => 12,
            Self::Report { .. } => 13,
        };
        Kind { index: (KINDS.len() - OWN.len() + own) as u16, name: OWN[own] }
    }

    fn kinds() -> &'static [&'static str] {
        &KINDS
    }

    fn about(kind: &str) -> &'static str {
        match kind {
            "KeepAlive" => "A holder keeps its lease alive.",
            "KeptAlive" => "The leader's answer to KeepAlive: so long the lease lasts yet.",
            "Lapsed" => "The leader's answer to KeepAlive: the lease has ended, or is about to.",
            "Elsewhere" => "The answer of a server that does not lead.",
            "Watch" => "A client watches a directory, and says so now and then.",
            "Listing" => "The answer to Watch: what there is.",
            "Changes" => "What has changed in a directory that a client watches.",
            "Compacted" => "The answer to Watch: the changes asked for are forgotten.",
            "Peek" => "A client asks any server what a directory holds.",
            "Peeked" => "The answer to Peek, with its age.",
            "HowFar" => "A server asks its leader how far the log is committed.",
            "ThusFar" => "The answer to HowFar.",
            "Probe" => "The leader checks an instance.",
            "Report" => "What an instance says of itself.",
            through_raft => <RaftMessage as process::Message>::about(through_raft),
        }
    }
}
