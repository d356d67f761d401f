//! What is kept, and what becomes of the run without each.

use super::event::content;
use super::{Came, Trials};
use crate::base::{FixedFate, Time, Which};
use crate::explore::shrink::parts;
use crate::fault::Moment;
use crate::scenario::Scenario;
use crate::trace::{OwnedRecord, Recording};
use crate::world::Outcome;

/// One thing that the scenario writes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptElement {
    /// What it is.
    pub sort: ElementSort,
    /// As it is written.
    pub text: String,
    /// When it first made itself felt: a strike struck, an operation was due, a message was sent whose fate is fixed. Nothing, if it never
    /// did.
    pub at: Option<Time>,
    /// What becomes of the run without it, with all draws as they are.
    pub without: Came,
}

impl KeptElement {
    /// Whether the failure needs it: without it, all else equal, every property holds.
    pub fn is_necessary(&self) -> bool {
        self.without == Came::Holds
    }

    /// Whether this failure needs it: without it, all else equal, every property holds, or it fails in another way.
    pub fn matters(&self) -> bool {
        matches!(self.without, Came::Holds | Came::Violates(_))
    }
}

/// What a scenario writes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementSort {
    /// The fate of a message.
    Fate,
    /// An operation of a client.
    Operation,
    /// A step of the plan of faults.
    Strike,
}

/// The elements, each with the scenario without it.
pub(super) fn elements(
    trials: &mut Trials<'_>,
    scenario: &Scenario,
    outcome: &Outcome,
    recording: &Recording,
) -> Vec<(KeptElement, Scenario)> {
    let felt: Vec<(ElementSort, Option<Time>)> = felt(scenario, outcome, recording).collect();
    let parts: Vec<(String, Scenario)> = parts(scenario).collect();
    let without: Vec<Scenario> = parts.iter().map(|(_, without)| without.clone()).collect();
    let reruns = trials.all(&without);
    let told = parts.into_iter().zip(felt).zip(reruns);
    told.map(|(((text, without), (sort, at)), rerun)| (KeptElement { sort, text, at, without: rerun.came }, without)).collect()
}

/// When each element first made itself felt, in the order of [`parts`].
fn felt<'s>(
    scenario: &'s Scenario,
    outcome: &'s Outcome,
    recording: &'s Recording,
) -> impl Iterator<Item = (ElementSort, Option<Time>)> + 's {
    let struck = |name: &str| {
        let is_it = |strike: &str| strike == name || strike.strip_prefix(name).is_some_and(|rest| rest.starts_with(" #"));
        outcome
            .struck
            .steps()
            .iter()
            .find(|strike| is_it(strike.name()))
            .and_then(|strike| if let Moment::At { time } = strike.moment { Some(time) } else { None })
    };
    let strikes = scenario.conditions.faults.steps().iter().map(move |step| (ElementSort::Strike, struck(step.name())));
    let operations = scenario.operations.scripted.iter().map(|scripted| (ElementSort::Operation, Some(Time::ZERO + scripted.at)));
    let fates = scenario.conditions.fates.iter().map(|fixed| (ElementSort::Fate, sent(fixed, recording)));
    strikes.chain(operations).chain(fates)
}

/// When the message was sent whose fate is fixed.
fn sent(fixed: &FixedFate, recording: &Recording) -> Option<Time> {
    let is_of_kind = |record: &&OwnedRecord| {
        let is_it = record.message.is_some_and(|(id, kind)| (id.from, id.to, kind.name) == (fixed.from, fixed.to, fixed.kind));
        record.sort == "send" && is_it
    };
    let mut sent = recording.records().iter().filter(is_of_kind);
    let sent = match fixed.which {
        Which::Count(count) => sent.find(|record| record.message.is_some_and(|(id, _)| id.count == count)),
        Which::Content { content: said, nth } => sent.filter(|record| content(record) == said).nth(nth.saturating_sub(1) as usize),
    };
    sent.map(|record| record.at)
}
