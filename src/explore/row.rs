//! What became of one seed of a sweep.

use super::fingerprint;
use crate::base::Time;
use crate::check::{Explanation, PropertyReport, Verdict};
use crate::world::Outcome;

/// What became of one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The seed.
    pub seed: u64,
    /// What the run came to, or why nothing is known of it.
    pub result: Result<Outcome, NoOutcome>,
    /// The fingerprint of what was violated first, if anything was: what comes after may well be its consequence.
    pub fingerprint: Option<u64>,
}

/// Why nothing is known of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoOutcome {
    /// Stormglass itself failed.
    Defect(Defect),
    /// It gave no answer in time, and was ended. It can be tried again.
    Stalled,
}

/// Something other than a node's code panicked: a judge, a model, the simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What it said.
    pub message: String,
}

impl From<Defect> for NoOutcome {
    fn from(defect: Defect) -> Self {
        Self::Defect(defect)
    }
}

impl Row {
    /// The row of this seed.
    pub fn new(seed: u64, result: Result<Outcome, NoOutcome>) -> Self {
        let mut row = Self { seed, result, fingerprint: None };
        row.fingerprint = row.first_violated().map(fingerprint);
        row
    }

    /// The verdict; nothing if Stormglass itself failed.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.result {
            Ok(outcome) => Some(outcome.verdict()),
            Err(NoOutcome::Stalled) => Some(Verdict::Unknown),
            Err(NoOutcome::Defect(_)) => None,
        }
    }

    /// The properties that were violated.
    pub fn violated(&self) -> impl Iterator<Item = &PropertyReport> {
        self.result.iter().flat_map(|outcome| &outcome.properties).filter(|property| property.verdict == Verdict::Violated)
    }

    /// The property that was violated first, in the order of the run. Of those of one instant, one of which a rule says what was wrong, if
    /// there is one; else the first.
    pub fn first_violated(&self) -> Option<&PropertyReport> {
        self.result.as_ref().ok().and_then(first_violated)
    }
}

/// The property that this run violated first: see [`Row::first_violated`].
pub fn first_violated(outcome: &Outcome) -> Option<&PropertyReport> {
    let has_rule = |property: &PropertyReport| matches!(property.explanation, Some(Explanation::Rule(_)));
    let violated = outcome.properties.iter().filter(|property| property.verdict == Verdict::Violated);
    violated.min_by_key(|property| (property.at.unwrap_or(Time::MAX), !has_rule(property)))
}

/// The property by which this run fails in the way that has this [`fingerprint`](super::fingerprint()), whatever else it violates, before
/// it or after. This alone says whether a failure is the same still.
pub fn violated_as(outcome: &Outcome, print: u64) -> Option<&PropertyReport> {
    outcome.properties.iter().find(|property| property.verdict == Verdict::Violated && fingerprint(property) == print)
}

/// Outcomes for the tests of this room and its neighbours.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::base::{Duration, Time};
    use crate::check::Property;
    use crate::environment::FateCounts;
    use crate::fault::FaultPlan;
    use crate::world::{FaultCount, MarkCount, Messages, Operations, ScriptCounts};

    /// A run that holds, with numbers that depend on its seed.
    pub(crate) fn outcome(seed: u64) -> Outcome {
        Outcome {
            seed,
            digest: 0x1234_5678_9abc_def0 ^ seed,
            events: 1_000 + seed,
            messages: Messages { sent: 500, delivered: 480, dropped: 20, duplicated: 3 },
            sim_time: Time::ZERO + Duration::from_millis(12_500),
            operations: Operations { invoked: 100, completed: 97, failed: 1, unknown: 2 },
            properties: ["linearizable", "no-panic"].map(|name| PropertyReport::holds(&property(name))).to_vec(),
            tables: Vec::new(),
            sometimes: vec![MarkCount { name: "leader lost", count: seed % 3 }, MarkCount { name: "client retried", count: 0 }],
            faults: vec![FaultCount { kind: "Crash", strikes: 3, bites: 2 }, FaultCount { kind: "Pause", strikes: 1, bites: 0 }],
            fates: FateCounts::default(),
            scripted: ScriptCounts::default(),
            strays: Vec::new(),
            steps: Vec::new(),
            struck: FaultPlan::default(),
        }
    }

    fn property(name: &'static str) -> Property {
        Property::always(name, "made up")
    }

    /// The same run, with this property violated.
    pub(crate) fn violated(seed: u64, property: &'static str, detail: &str) -> Outcome {
        let mut outcome = outcome(seed);
        outcome
            .properties
            .insert(0, PropertyReport::violated(&self::property(property), Time::ZERO + Duration::from_millis(2_013), detail));
        outcome
    }

    /// The same run, undecided.
    pub(crate) fn unknown(seed: u64) -> Outcome {
        let mut outcome = outcome(seed);
        outcome.properties[0].verdict = Verdict::Unknown;
        outcome.properties[0].explanation = Some("the budget of 10000 states ended".into());
        outcome
    }
}
