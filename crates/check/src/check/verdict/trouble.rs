//! What can go wrong with a run itself, as data.

use serde::Serialize;

use super::rule::nanos;
use crate::base::{Duration, NodeId, Time};

/// A panic of a node's code or of a judge, or what ended the whole process while that was at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Panic {
    /// Whose code; nothing if it is a judge's.
    pub node: Option<NodeId>,
    /// What the node did.
    pub doing: Doing,
    /// The number of the event that was handled, if that is known.
    pub event: Option<u64>,
    /// When.
    #[serde(rename = "at_ns")]
    pub at: Time,
    /// What the panic said, or how the process ended.
    pub message: String,
    /// Whether it was no panic, but the end of the process.
    pub died: bool,
    /// Where in the code it arose, if that is known: the file and the line.
    pub place: Option<(String, u32)>,
}

/// Events that come without end while time stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spin {
    /// The node that had the last of them.
    pub node: NodeId,
    /// What it did.
    pub doing: Doing,
    /// When.
    #[serde(rename = "at_ns")]
    pub at: Time,
}

/// What a node does, or did last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// It starts.
    Booting,
    /// It handles a message.
    Handling {
        /// Of which kind.
        kind: &'static str,
        /// It is the n-th of its kind on its link, counted from 1.
        count: u64,
        /// From whom.
        from: NodeId,
    },
    /// It handles a timer: this one, if that is known.
    Fired(Option<String>),
    /// It handles a sync that completed.
    Synced,
    /// It takes in what came while it was paused.
    Waking,
    /// It is told to invoke nothing more.
    Quiescing,
    /// It is asked for this.
    Asked(&'static str),
    /// It is taken down, as by a crash.
    Crashing,
    /// It is dropped, since the run is over.
    Ending,
    /// It judges: it is no node.
    Judging,
}

/// What is still to come to pass when a run ends that should have settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// How long after all was healed.
    #[serde(rename = "after_ns", serialize_with = "nanos")]
    pub after: Duration,
    /// Whether no operation that was invoked since has completed.
    pub nothing_fresh: bool,
    /// How many operations are still under way.
    pub under_way: usize,
    /// Whether replicas differ that have come equally far, or of which it is not known how far they have come.
    pub disagree: bool,
    /// The replicas that have not come as far as the one that has come furthest.
    pub lagging: Vec<Lag>,
    /// The servers that have something of their own to bring to an end, and what it is in their words.
    pub unsettled: Vec<(NodeId, String)>,
    /// How each of the first servers is, in its words.
    pub status: Vec<(NodeId, String)>,
}

impl Pending {
    /// Whether all has come to pass.
    pub fn is_nothing(&self) -> bool {
        !self.nothing_fresh && self.under_way == 0 && !self.disagree && self.lagging.is_empty() && self.unsettled.is_empty()
    }
}

/// A replica that lags behind another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// Which.
    pub node: NodeId,
    /// How far it has come.
    pub reached: u64,
    /// What is counted: `applied entries`.
    pub of: &'static str,
    /// The one that has come furthest.
    pub behind: NodeId,
    /// By how much it lags.
    pub by: u64,
    /// By how much it lagged a while before, if that is known.
    pub before: Option<u64>,
    /// How long before that was.
    #[serde(rename = "since_ns", serialize_with = "nanos")]
    pub since: Duration,
}

/// Two runs of one seed that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// From this record on; what each had there, if it had not ended.
    Record {
        /// Its number.
        number: u64,
        /// What the first run had.
        first: Option<String>,
        /// What the second run had.
        second: Option<String>,
    },
    /// All records are the same, but a property is judged differently.
    Judged(&'static str),
    /// All records are the same, but what was counted differs.
    Counts,
    /// What became of two runs differs, and two more were the same, record by record.
    AtTimes,
}
