//! What became of a run.

use serde::{Deserialize, Serialize};

use super::setup::{Cluster, Script};
use crate::base::{NodeId, OperationId, Time};
use crate::check::{PropertyReport, Verdict};
use crate::environment::FateCounts;
use crate::fault::FaultPlan;
use crate::history::{self, History};
use crate::trace::Table;

/// A run with its history, for the checkers of histories.
pub struct Run<C: Cluster> {
    /// What became of it.
    pub outcome: Outcome,
    /// What the clients saw.
    pub history: History<C::Operation, C::Response>,
    /// What clients were to do, if that was written down or watched, and what they did.
    pub script: Option<Box<dyn Script<C>>>,
}

/// What became of a run, with all types of its system erased.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The digest of all that happened.
    pub digest: u64,
    /// Events handled.
    pub events: u64,
    /// Messages.
    pub messages: Messages,
    /// How long it took, in simulated time.
    pub sim_time: Time,
    /// What clients did.
    pub operations: Operations,
    /// What became of each property.
    pub properties: Vec<PropertyReport>,
    /// What the judges measured.
    pub tables: Vec<Table>,
    /// How often each *sometimes* mark was set.
    pub sometimes: Vec<MarkCount>,
    /// Of each kind of fault in the plan, how often it struck and bit.
    pub faults: Vec<FaultCount>,
    /// Of each step of the plan, how often it struck and bit.
    pub steps: Vec<StepCount>,
    /// What became of the fates that were fixed.
    pub fates: FateCounts,
    /// What became of the operations that were written down.
    pub scripted: ScriptCounts,
    /// What the system lists nowhere, and what it lists in vain; each once.
    pub strays: Vec<Stray>,
    /// What struck, with nothing left open: given in place of the plan, it repeats the run.
    pub struck: FaultPlan,
}

impl Outcome {
    /// The worst of the properties' verdicts.
    pub fn verdict(&self) -> Verdict {
        self.properties.iter().map(|property| property.verdict).fold(Verdict::Holds, Verdict::and)
    }

    /// Whether this property was violated.
    pub fn violates(&self, property: &str) -> bool {
        self.properties.iter().any(|report| report.name == property && report.verdict == Verdict::Violated)
    }
}

/// Counts of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// Sent.
    pub sent: u64,
    /// Arrived and handled; a duplicate counts again.
    pub delivered: u64,
    /// Lost on the way, or arrived at a node that was down.
    pub dropped: u64,
    /// Sent on their way twice.
    pub duplicated: u64,
}

/// Counts of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// Invoked.
    pub invoked: u64,
    /// Completed with a result.
    pub completed: u64,
    /// Known not to have taken effect.
    pub failed: u64,
    /// Without an outcome that its client knows.
    pub unknown: u64,
}

impl Operations {
    /// Counts one that ended so.
    pub(super) fn add<R>(&mut self, outcome: &history::Outcome<R>) {
        *match outcome {
            history::Outcome::Done(_) => &mut self.completed,
            history::Outcome::Failed => &mut self.failed,
            history::Outcome::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// What became of the operations that were written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptCounts {
    /// How many there are.
    pub scripted: usize,
    /// Those that were never invoked: their client was down or busy, or the run was over.
    pub never_invoked: Vec<OperationId>,
}

impl ScriptCounts {
    pub(super) fn of<C: Cluster>(script: &dyn Script<C>, history: &History<C::Operation, C::Response>) -> Self {
        let (operations, invoked) = (script.operations(), script.invoked(history));
        let never = operations.iter().filter(|scripted| !invoked.contains(&(scripted.client, scripted.id)));
        Self { scripted: operations.len(), never_invoked: never.map(|scripted| scripted.id).collect() }
    }
}

/// Something that a run came upon and its system does not list, or that it lists and the run did not come upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Stray {
    /// A *sometimes* mark that was set, and is none of `Process::MARKS`.
    Mark {
        /// Its name.
        name: &'static str,
    },
    /// A role that a node claimed, and is none of `Process::ROLES`.
    Role {
        /// Its name.
        name: &'static str,
    },
    /// A message to a node that does not exist.
    Message {
        /// Its kind.
        kind: &'static str,
        /// Its receiver.
        to: NodeId,
    },
    /// A property that the system lists, and no judge reported on.
    Check {
        /// Its name.
        name: &'static str,
    },
}

/// How often a *sometimes* mark was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MarkCount {
    /// Its name.
    pub name: &'static str,
    /// How often.
    pub count: u64,
}

/// What became of one step of the plan of faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepCount {
    /// Its name.
    pub step: String,
    /// How often it struck: each node that it struck counts.
    pub strikes: u64,
    /// How many of the strikes made a difference.
    pub bites: u64,
}

/// What became of one kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// Its kind, as it is written.
    pub kind: &'static str,
    /// How often it struck.
    pub strikes: u64,
    /// How many of the strikes made a difference: a crash hit a node that was up, a partition lost a message, a pause held something up.
    pub bites: u64,
}
