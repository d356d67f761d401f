//! What brokers, the controller and clients send.

use serde::{Deserialize, Serialize};

use super::{Aborted, Entry, Incarnated, Marker, Operation, Sequenced};
use crate::base::ClientId;
use crate::process;
use crate::protocols::raft;

/// How many must have a message before its producer is told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acks {
    /// None: the producer is told nothing.
    None,
    /// The leader.
    Leader,
    /// All replicas in sync.
    All,
}

/// How a partition stands, as the controller has decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which broker leads, if any.
    pub leader: Option<u32>,
    /// In which epoch: another leader, another epoch.
    pub epoch: u32,
    /// The replicas in sync.
    pub isr: Vec<u32>,
    /// Replicas that are no longer in sync, and have all that is committed (KIP-966).
    pub eligible: Vec<u32>,
    /// How often it has changed.
    pub version: u64,
}

/// A request of a client: which operation of its life it is for, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Request {
    /// Whose.
    pub client: ClientId,
    /// Which operation, or which time of asking.
    pub nth: u32,
    /// Which part of it.
    pub part: u32,
}

/// Why a broker does not do what a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It does not lead the partition: that one may.
    NotLeader(Option<u32>),
    /// Fewer replicas are in sync than there must be.
    NotEnough,
    /// A message of the same producer that comes before this one is missing.
    OutOfOrder,
    /// A later epoch of the producer, or a later generation of the group, has begun.
    Fenced,
    /// It has not yet read what there is to know of the group.
    Loading,
    /// The group is being divided anew.
    Rebalancing,
    /// The producer's last transaction is not over yet, or another request of it is not.
    Concurrent,
    /// The producer has no transaction that could end.
    NoTransaction,
    /// A transaction is open that says up to where the group has processed the partition.
    Unstable,
    /// What the consumer wants is gone: the partition begins here, and ends there (`OFFSET_OUT_OF_RANGE`).
    OutOfRange {
        /// Where it begins.
        start: u64,
        /// Where it ends, as far as consumers may read.
        end: u64,
    },
}

/// What a consumer is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// Messages.
    pub records: Vec<Record>,
    /// Where it goes on.
    pub next: u64,
    /// What of them was aborted, if it reads what is committed.
    pub aborted: Vec<Aborted>,
}

/// A message as a consumer is told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it is.
    pub offset: u64,
    /// What it says.
    pub value: i64,
    /// In whose transaction it was sent, if in any.
    pub of: Option<ClientId>,
}

/// What controllers send each other.
pub type RaftMessage = raft::Message<Operation, ()>;

/// A message of a broker, of a controller, or of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From one controller to another.
    Raft(RaftMessage),
    /// To the controllers: a broker is there, and knows how partitions stood.
    Alive {
        /// How often it has started.
        life: u32,
        /// Whether a start has cost it nothing that it had told others of.
        whole: bool,
        /// What it knows: nothing later than this.
        version: u64,
    },
    /// From the one that leads: how all partitions stand.
    Image {
        /// To which life of the broker it is said.
        life: u32,
        /// How often anything has changed.
        version: u64,
        /// Each partition.
        partitions: Vec<Standing>,
    },
    /// To the controllers: the leader of a partition wants these to be in sync.
    AlterIsr {
        /// Which partition.
        partition: u32,
        /// In which epoch it leads.
        epoch: u32,
        /// Which version of its standing it knows.
        version: u64,
        /// The replicas, and in which life each has been heard.
        isr: Vec<(u32, u32)>,
    },
    /// From a follower: what comes next?
    Fetch {
        /// Of which partition.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// From which offset on: it has all before that.
        offset: u64,
        /// The epoch of the entry before that; nothing if that is not to be compared.
        last: Option<u32>,
        /// How often the follower has started.
        life: u32,
    },
    /// From the leader: this.
    Fetched {
        /// Of which partition.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// From which offset on.
        offset: u64,
        /// What comes there.
        entries: Vec<Entry>,
        /// Up to where all is committed.
        high: u64,
        /// Where the leader's log begins.
        start: u64,
    },
    /// From the leader: it has nothing any more of what comes next there.
    Behind {
        /// Of which partition.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// From which offset on the follower had asked.
        asked: u64,
        /// Where the leader's log begins.
        start: u64,
        /// The epoch of the last entry before that.
        before: u32,
    },
    /// From the leader: what is before that is not what the leader has.
    Diverges {
        /// Of which partition.
        partition: u32,
        /// In which epoch.
        epoch: u32,
        /// From which offset on the follower had asked, and of which epoch it had said that the entry before that is.
        asked: (u64, Option<u32>),
        /// The latest epoch in the leader's log that is no later than the follower's last.
        of: u32,
        /// Where that ends in the leader's log.
        end: u64,
    },
    /// From a producer: append this.
    Produce {
        /// Which request.
        request: Request,
        /// To which partition.
        partition: u32,
        /// Who must have it.
        acks: Acks,
        /// What.
        value: i64,
        /// Which of its producer's it is.
        by: Option<Sequenced>,
        /// Whether it is part of its producer's transaction.
        transactional: bool,
    },
    /// To it: where it is, if that is known, or why not.
    Produced {
        /// Which request.
        request: Request,
        /// What came of it.
        result: Result<Option<u64>, Refusal>,
    },
    /// From a consumer: what comes next?
    Poll {
        /// Which request.
        request: Request,
        /// Of which partition.
        partition: u32,
        /// From which offset on.
        offset: u64,
        /// Whether it wants no more than what is stable (`isolation.level=read_committed`).
        committed: bool,
    },
    /// To it: this.
    Polled {
        /// Which request.
        request: Request,
        /// From which offset on.
        offset: u64,
        /// What comes next.
        result: Result<Polled, Refusal>,
    },
    /// From a consumer: it wants its part of the group's work.
    Join {
        /// Who.
        member: ClientId,
    },
    /// To it: its part.
    Joined {
        /// Who.
        member: ClientId,
        /// Of which generation.
        generation: u32,
        /// Its partitions, and where each goes on.
        assigned: Vec<(u32, u64)>,
    },
    /// From a member: it is there.
    Beat {
        /// Who.
        member: ClientId,
        /// In which generation.
        generation: u32,
    },
    /// To it: it is to join again.
    Rejoin {
        /// Who.
        member: ClientId,
        /// It was of this generation.
        generation: u32,
    },
    /// From a member: it has processed so far.
    Commit {
        /// Which request.
        request: Request,
        /// In which generation; nothing if that is not to be looked at.
        generation: Option<u32>,
        /// Which partition, and which offset comes next.
        processed: (u32, u64),
        /// In whose transaction, if in any.
        of: Option<Incarnated>,
    },
    /// To it: whether that is noted.
    CommitAnswered {
        /// Which request.
        request: Request,
        /// Nothing, or why not.
        refused: Option<Refusal>,
    },
    /// From a broker that is no leader, to a consumer that is or wants to be a member: who coordinates the group.
    Elsewhere {
        /// Who, if that is known.
        leader: Option<u32>,
    },
    /// From a processor: up to where has the group processed this?
    Offset {
        /// Which request.
        request: Request,
        /// Which partition.
        partition: u32,
    },
    /// To it: up to there.
    OffsetTold {
        /// Which request.
        request: Request,
        /// Which offset comes next, or why that is not told.
        result: Result<u64, Refusal>,
    },
    /// From a producer: it begins, and any earlier life of it is fenced.
    Begin {
        /// Which request.
        request: Request,
        /// Who: its transactional id.
        producer: ClientId,
    },
    /// From a producer: these are to be part of its transaction.
    AddPartitions {
        /// Which request.
        request: Request,
        /// Who.
        by: Incarnated,
        /// Which.
        partitions: Vec<u32>,
    },
    /// From a producer: its transaction is to end.
    End {
        /// Which request.
        request: Request,
        /// Who.
        by: Incarnated,
        /// Whether it is to be committed, or aborted.
        commits: bool,
    },
    /// To a producer, from the coordinator of transactions.
    Coordinated {
        /// Which request.
        request: Request,
        /// Its epoch from now on, or why not.
        result: Result<u32, Refusal>,
    },
    /// From the coordinator of transactions to the leader of a partition: a transaction ends there.
    WriteMarker {
        /// Which partition.
        partition: u32,
        /// Which transaction, and how.
        marker: Marker,
    },
    /// To it: that is committed.
    MarkerWritten {
        /// Which partition.
        partition: u32,
        /// The marker.
        marker: Marker,
    },
}

impl process::Message for Message {
    fn about(kind: &str) -> &'static str {
        match kind {
            "Raft" => "What controllers send each other so as to agree.",
            "Alive" => "A broker tells the controllers that it is there.",
            "Image" => "The controller tells how all partitions stand.",
            "AlterIsr" => "A leader wants these replicas to be in sync.",
            "Fetch" => "A follower asks what comes next.",
            "Fetched" => "The leader tells what comes next.",
            "Behind" => "The leader tells that it has nothing any more of what the follower lacks.",
            "Diverges" => "The leader tells where the follower's log differs from its own.",
            "Produce" => "A producer wants a message appended.",
            "Produced" => "Where it is, or why it is not.",
            "Poll" => "A consumer asks what comes next.",
            "Polled" => "What comes next.",
            "Join" => "A consumer wants its part of the group's work.",
            "Joined" => "Its part.",
            "Beat" => "A member of the group tells that it is there.",
            "Rejoin" => "It is to join again.",
            "Commit" => "A member has processed so far.",
            "CommitAnswered" => "Whether that is noted.",
            "Offset" => "A processor asks up to where the group has processed a partition.",
            "OffsetTold" => "Up to there.",
            "Begin" => "A producer with a transactional id begins.",
            "AddPartitions" => "Partitions are to be part of a producer's transaction.",
            "End" => "A producer's transaction is to be committed, or aborted.",
            "Coordinated" => "The producer's epoch from now on, or why not.",
            "WriteMarker" => "A transaction ends in a partition.",
            "MarkerWritten" => "Its marker is committed there.",
            "Elsewhere" => "Another broker coordinates the group.",
            _ => "",
        }
    }
}
