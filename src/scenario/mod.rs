//! Scenario files: a system, what surrounds it, what goes wrong, and what that is meant to show.
//!
//! A scenario is RON. [`Scenario::parse`] reads it against a [`Registry`] of systems and reports every problem in one pass, each with its
//! place: those of form, and those of meaning (node 7 of 5, a fault after the end, a range upside down). [`Scenario::to_ron`] writes it
//! back. The page `docs/scenarios.md` lists all fields.
//!
//! In a test, [`Scenario::from_ron`] and [`Scenario::assert_holds`] are all that is needed; a failure prints the scenario and the command
//! that replays it. With the feature `proptest`, `strategy::fault_plan` generates what goes wrong.

mod aims;
mod alerts;
mod conditions;
mod decode;
mod expect;
mod failure;
mod fates;
mod faults;
mod lint;
mod names;
mod operations;
mod roster;
#[cfg(any(test, feature = "proptest"))]
pub mod strategy;
mod timings;
mod whole;

#[cfg(test)]
mod tests;

use std::fmt;

pub use crate::notation::LONGEST;
pub use aims::Aims;
#[cfg(feature = "cli")]
pub(crate) use decode::is_history;
pub use expect::Expectation;
pub use failure::{Case, FAILURE, Failure, Standing};
pub(crate) use fates::write_fate;
pub use roster::{NODES_MOST, Roster};

use crate::base::Duration;
use crate::diagnostic::{Diagnostics, Source};
use crate::fault::FaultPlan;
use crate::metrics::Alert;
use crate::notation::{Variant, leaves};
use crate::require::Requirement;
use crate::systems::{Asked, Instance, Operations, Registry, Watch, Written};
use crate::trace::Recording;
use crate::world::{Conditions, Outcome, Scripted};

/// How long faults may strike if the file does not say.
pub const DURATION_DEFAULT: Duration = Duration::from_secs(10);
/// How long the run may then take to settle if the file does not say.
pub const SETTLE_DEFAULT: Duration = Duration::from_secs(10);

/// All that a run depends on but its seed, checked and ready to run.
///
/// Two scenarios are equal if they mean the same: if they have the same name, the same parts as they would be written, and run the same.
pub struct Scenario {
    /// What people call it.
    pub name: String,
    /// The seed that it names, if it names one.
    pub seed: Option<u64>,
    /// The planted bugs that it runs with, of its system's: none, mostly.
    pub mutants: Vec<&'static str>,
    /// What surrounds the system, and what goes wrong.
    pub conditions: Conditions,
    /// Operations that it writes down, and whether its workload generates others.
    pub operations: Operations,
    /// What its monitor watches, and calls about.
    pub alerts: Vec<Alert>,
    /// What it demands of requests and alerts.
    pub requirements: Vec<Requirement>,
    /// What it demands of a sweep.
    pub expect: Vec<Expectation>,
    /// What it is meant to show.
    pub expected: Expected,
    /// How many states the judging of one history may explore; without it, as many as `check` explores.
    pub states: Option<u64>,
    /// How many bytes of search state it may hold; without it, as many as `check` holds.
    pub state_bytes: Option<u64>,
    roster: Roster,
    instance: Box<dyn Instance>,
}

/// A run, and the operations of its clients as a scenario writes them down.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// What came of it.
    pub outcome: Outcome,
    /// What was due to its clients, in that order; nothing, where the system does not read operations. What was due and never invoked,
    /// since its client was busy or a session was never opened for it, says not what it is.
    pub operations: Vec<Scripted>,
}

/// What a scenario is meant to show. Says nothing about exit codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// That every property holds.
    #[default]
    Holds,
    /// That this property is violated.
    Violates(&'static str),
}

/// What a scenario file holds: its fields, and through them all that surrounds a system. What a system reads itself, it declares:
/// [`System::settings`](crate::systems::System::settings).
pub const NOTATION: Variant = whole::SCENARIO;

impl Scenario {
    /// Reads a scenario file. Every problem is reported, warnings too; nothing is returned if any is an error.
    pub fn parse(source: &Source, registry: &Registry, problems: &Diagnostics) -> Option<Self> {
        decode::scenario(source, registry, problems)
    }

    /// Reads a scenario that stands in code. Warnings are not shown.
    ///
    /// # Errors
    /// All that is wrong with it, as people read it.
    pub fn from_ron(text: &str, registry: &Registry) -> Result<Self, String> {
        let (source, problems) = (Source::new("scenario", text), Diagnostics::new());
        Self::parse(&source, registry, &problems).ok_or_else(|| problems.render(&source, false))
    }

    /// The scenario as a file: reading it gives the same again. What is as usual is left out.
    ///
    /// Two things cannot be written, and no file has them: a fixed fate that is lost to anything but the table of fates itself, and one of
    /// a kind of message that the system does not have.
    pub fn to_ron(&self) -> String {
        whole::Whole::from(self).file()
    }

    /// What its settings promise: properties that are judged, each with the time within which something must come about.
    pub fn promises(&self) -> Vec<(&'static str, Duration)> {
        self.instance.promises(&self.conditions)
    }

    /// The model in whose words what its clients see can be written down, if it can be: see [`Watch::history`].
    pub fn spelled(&self) -> Option<&'static str> {
        self.instance.spelled()
    }

    /// Runs it under this seed.
    pub fn run(&self, seed: u64) -> Outcome {
        self.run_watched(seed, Watch::default())
    }

    /// Runs it under this seed, watched. The budget of states is the scenario's own, whatever `watch` says.
    pub fn run_watched(&self, seed: u64, watch: Watch<'_>) -> Outcome {
        let watch = Watch { states: self.states, state_bytes: self.state_bytes, ..watch };
        let Self { mutants, conditions, operations, alerts, requirements, .. } = self;
        self.instance.run(&Asked { mutants, conditions, operations, alerts, requirements }, seed, watch)
    }

    /// Runs it under this seed, and keeps every record.
    pub fn run_recorded(&self, seed: u64) -> (Outcome, Recording) {
        let mut recording = Recording::default();
        let outcome = self.run_watched(seed, Watch { sinks: vec![&mut recording], ..Watch::default() });
        (outcome, recording)
    }

    /// Runs it under this seed, and writes down what its clients invoked: [`with_operations`](Self::with_operations), the same comes of it.
    pub fn run_observed(&self, seed: u64) -> Observed {
        let mut operations = Vec::new();
        let outcome = self.run_watched(seed, Watch { operations: Some(&mut operations), ..Watch::default() });
        Observed { outcome, operations }
    }

    /// Whether operations of its clients can be written down: see [`System::scripting`](crate::systems::System::scripting).
    pub fn takes_operations(&self) -> bool {
        self.instance.takes_operations()
    }

    /// The same with clients that invoke these operations alone, and none that the workload generates.
    ///
    /// # Panics
    /// A run of it does, if its system does not [take](Self::takes_operations) operations, or not these.
    #[must_use]
    pub fn with_operations(mut self, scripted: Vec<Scripted>) -> Self {
        self.operations = Operations { scripted, generated: false };
        self
    }

    /// The same with other faults: those that a strategy drew, or those that [struck](Outcome::struck). Of steps that are gone nothing is
    /// expected any more.
    #[must_use]
    pub fn with_faults(mut self, faults: FaultPlan) -> Self {
        let has = |step: &str| faults.steps().iter().any(|planned| planned.name() == step);
        self.expect.retain(|expected| expected.step().is_none_or(has));
        self.conditions.faults = faults;
        self
    }

    /// The same without a planted bug.
    #[must_use]
    pub fn without_mutants(mut self) -> Self {
        self.mutants.clear();
        self
    }

    /// What says how much there is to do: the paths of all values of the workload, and of those fields of the system that
    /// [say so](crate::systems::System::LOAD), with what stands there.
    pub(crate) fn loads(&self) -> Vec<(String, String)> {
        let (Written { system, workload }, load) = (self.instance.write(), self.instance.load());
        let within = |of: &str, text: &str| -> Vec<(String, String)> {
            let path = |path: &str| if path.starts_with('[') { format!("{of}{path}") } else { format!("{of}.{path}") };
            leaves(text).iter().map(|leaf| (path(&leaf.path), leaf.raw.to_owned())).collect()
        };
        let mut loads = if load.is_empty() { Vec::new() } else { within("system", &system) };
        loads.retain(|(path, _)| path.rsplit('.').next().is_some_and(|field| load.contains(&field)));
        loads.extend(within("workload", &workload.unwrap_or_default()));
        loads
    }

    /// The name of its system.
    pub fn system(&self) -> &'static str {
        self.instance.system()
    }

    /// A registry of its system alone.
    pub fn registry(&self) -> Registry {
        self.instance.registry()
    }

    /// Whom and what its faults can name.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }
}

impl Clone for Scenario {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            seed: self.seed,
            mutants: self.mutants.clone(),
            conditions: self.conditions.clone(),
            operations: self.operations.clone(),
            alerts: self.alerts.clone(),
            requirements: self.requirements.clone(),
            expect: self.expect.clone(),
            expected: self.expected,
            states: self.states,
            state_bytes: self.state_bytes,
            roster: self.roster.clone(),
            instance: self.instance.duplicate(),
        }
    }
}

impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        let plain = |scenario: &Self| (scenario.seed, scenario.mutants.clone(), scenario.expected, scenario.states, scenario.state_bytes);
        self.name == other.name
            && plain(self) == plain(other)
            && self.alerts == other.alerts
            && self.requirements == other.requirements
            && self.expect == other.expect
            && self.conditions == other.conditions
            && self.operations == other.operations
            && self.system() == other.system()
            && self.instance.write() == other.instance.write()
    }
}

impl fmt::Debug for Scenario {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_ron())
    }
}
