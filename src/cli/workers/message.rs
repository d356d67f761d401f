//! What a command and its workers say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};

use crate::base::{Digest, NodeId, Time};
use crate::check::{Difference, Explanation};
use crate::explore::{Defect, Row};
use crate::report::WrittenRow;
use crate::world::Outcome;

/// What a worker is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Take this scenario from now on: its name and its text.
    Scenario(String, String),
    /// Run this seed.
    Run {
        seed: u64,
        watch: Closeness,
        /// Whether it is to be held against another run of the seed, which takes a digest of everything.
        compared: bool,
    },
}

/// How much a worker tells of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Closeness {
    /// What became of it.
    Outcome,
    /// Before that, each step that a node takes, before it is taken; and without judges, if it is not to be judged.
    Steps { judged: bool },
    /// Before that, each record.
    Records,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer<'a> {
    /// It has read the scenario.
    Ready,
    /// A node takes a step.
    Step(Step),
    /// Something was recorded.
    Record { digest: u64, at: Time, line: String },
    /// The run is over.
    Ended(Box<Sent<'a>>),
}

/// A step that a node is about to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) node: NodeId,
    pub(super) at: Time,
    pub(super) digest: u64,
    pub(super) doing: Handler,
}

/// What the step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Handler {
    Booting,
    Handling { kind: String, count: u64, from: NodeId },
    Fired(String),
    Synced,
    Waking,
}

/// What became of a seed, on its way between two processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent<'a> {
    row: WrittenRow<'a>,
    /// A digest of all that the outcome has, also of what no row has; only of a run that is compared.
    pub(super) everything: Option<u64>,
}

/// A digest of all that an outcome has, in whatever process it was made.
pub(super) fn everything(outcome: &Outcome) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(format!("{outcome:?}").as_bytes());
    digest.finish()
}

impl<'a> Sent<'a> {
    pub(super) fn of(row: &'a Row, compared: bool) -> Self {
        let everything = row.result.as_ref().ok().filter(|_| compared).map(everything);
        Self { row: WrittenRow::of(row), everything }
    }

    /// The row as it arrives.
    pub(super) fn into_row(self) -> Row {
        let seed = self.row.seed();
        let unread = |why| Row::new(seed, Err(Defect { message: format!("what a worker sent is no row: {why}") }.into()));
        self.row.into_row().unwrap_or_else(unread)
    }

    /// Why this run and the other, of the same seed, are not the same, if they are not.
    pub(super) fn differs(&self, other: &Sent<'_>) -> Option<Explanation> {
        let (digest, other_digest) = (self.row.digest(), other.row.digest());
        if self.everything == other.everything && digest.is_some() == other_digest.is_some() {
            return None;
        }
        Some(match self.judged_differently(other) {
            _ if digest != other_digest => "two runs of this seed differ: run --verify shows where".into(),
            Some(property) => Difference::Judged(property).into(),
            None => Difference::Counts.into(),
        })
    }

    /// The first property that the other reports otherwise.
    pub(super) fn judged_differently(&self, other: &Sent<'_>) -> Option<&'static str> {
        self.row.judged_differently(&other.row)
    }
}
