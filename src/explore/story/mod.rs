//! Why a run failed, as a few steps: from the faults to the violation, in the order of time.
//!
//! The records of a run fall into *units*: what a node did in one step, a fault with all that it struck, an operation of a client, a
//! message that was lost. A judge's explanation names records or operations; of the units in their causal past those are kept that tell the
//! most. No protocol is known here: what servers note, and the words of the explanation, are all there is.

mod anchors;
mod select;
mod units;

use serde::Serialize;

use super::causes::Causes;
use super::row::first_violated;
use crate::base::{NodeId, Time};
use crate::check::{PropertyReport, Verdict};
use crate::trace::Recording;
use crate::world::Outcome;

/// How a violation came about. Records are named by their numbers in the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The property that is violated in the end.
    pub property: &'static str,
    /// The steps, in the order of time. The last is the violation.
    pub steps: Vec<StoryStep>,
    /// How many units of the violation's causal past are left out.
    pub left_out: usize,
    /// By how many nanoseconds the clocks of the nodes that take part are off at the end, if clocks are off.
    pub clocks: Vec<(NodeId, i64)>,
}

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryStep {
    /// When it begins.
    #[serde(rename = "at_ns")]
    pub at: Time,
    /// The nodes that it is about.
    pub nodes: Vec<NodeId>,
    /// What it is.
    pub what: What,
    /// All records that belong to it, in order.
    pub records: Vec<u64>,
    /// Whether the explanation of the violation names a record of it.
    pub named: bool,
}

/// What a step of a story is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum What {
    /// A node took a step.
    Handled {
        /// The record with which it began: a message that arrived, a timer that fired, a start, a completed sync.
        on: u64,
        /// What it did, by the records that matter most: notes, and messages that lead on.
        did: Vec<u64>,
        /// Whether a message left before all that the node had written was durable.
        early: bool,
        /// The records with which further nodes' steps begin that are alike.
        alike: Vec<u64>,
    },
    /// A fault struck, or a process had a node started anew.
    Struck {
        /// The record of the fault, if it is one.
        fault: Option<u64>,
        /// The crashes.
        crashes: Vec<u64>,
        /// The writes that a crash took along or tore, in the order of their making.
        undone: Vec<u64>,
        /// The starts of the nodes after that, each with what they noted.
        restarts: Vec<u64>,
        /// The messages that it made a difference to.
        messages: Vec<u64>,
    },
    /// A client's operation.
    Operation {
        /// Its invocation.
        invoked: u64,
        /// Its completion.
        completed: Option<u64>,
        /// What it was and what came back, in the words of the model that judged it.
        words: Option<String>,
    },
    /// A message did not arrive.
    Lost {
        /// Its sending.
        sent: u64,
        /// Its arrival at a node that was down.
        discarded: Option<u64>,
    },
    /// The faults are over: from here on the run must settle.
    Healed,
    /// The violation.
    Violated,
}

/// The records in which a violation shows, and those of what they conflict with, in order: what led to it lies in their causal past.
pub(super) fn shown(report: &PropertyReport, recording: &Recording, causes: &Causes) -> Vec<u64> {
    let anchors = anchors::of(report, recording, causes);
    let mut shown = [anchors.records, anchors.horizon].concat();
    shown.sort_unstable();
    shown.dedup();
    shown
}

impl Story {
    /// How many steps a story has at most.
    pub const STEPS_MAX: usize = 12;

    /// The story of a violation in this run: of the property that it was to show, if that is violated, or of that which was first. Nothing
    /// if none is violated.
    pub fn of(outcome: &Outcome, wanted: Option<&str>, recording: &Recording, causes: &Causes) -> Option<Self> {
        let meant = outcome.properties.iter().find(|report| report.verdict == Verdict::Violated && Some(report.name) == wanted);
        let report = meant.or_else(|| first_violated(outcome))?;
        Some(Self::told(report, recording, causes))
    }

    fn told(report: &PropertyReport, recording: &Recording, causes: &Causes) -> Self {
        let anchors = anchors::of(report, recording, causes);
        let units = units::of(recording, causes, &anchors);
        let (mut steps, left_out) = select::steps(&units, recording, causes, &anchors);
        let at = report.at.or_else(|| steps.last().map(|step| step.at)).unwrap_or_default();
        let named: Vec<NodeId> = steps.iter().filter(|step| step.named).flat_map(|step| step.nodes.clone()).collect();
        steps.push(StoryStep { at, nodes: named, what: What::Violated, records: anchors.records.clone(), named: true });
        let clocks = clocks(recording, &steps);
        Self { property: report.name, steps, left_out, clocks }
    }

    /// Every node that takes part, servers first.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self.steps.iter().flat_map(|step| step.nodes.iter().copied()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

/// What the clocks of the nodes that take part are off by.
fn clocks(recording: &Recording, steps: &[StoryStep]) -> Vec<(NodeId, i64)> {
    let mut nodes: Vec<NodeId> = steps.iter().flat_map(|step| step.nodes.iter().copied()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let last = steps.iter().flat_map(|step| &step.records).max().copied().unwrap_or_default();
    let before = recording.records().iter().take(last as usize + 1);
    let off = |node: &NodeId| {
        let record = before.clone().rev().find(|record| record.node == Some(*node) && record.clock.is_some())?;
        let off = i128::from(record.clock?.as_nanos()) - i128::from(record.at.as_nanos());
        Some((*node, i64::try_from(off).unwrap_or(i64::MAX)))
    };
    nodes.iter().filter_map(off).collect()
}
