//! What a scenario has fields for.

use super::conditions::{Budgets, Clocks, Disk, Network, Networks};
use super::fates::Fates;
use super::names::Names;
use super::operations::{Generates, Script};
use super::{DURATION_DEFAULT, Expectation, Expected, SETTLE_DEFAULT, Scenario};
use crate::base::{Duration, FixedFate};
use crate::environment::ClockModel;
use crate::fault::{FaultPlan, Planned};
use crate::metrics::{Alert, Alerts};
use crate::notation::{
    Count, Form, Length, Maybe, PositiveLength, Record, Required, Settings, Text, Variant, Within, codec, codecs, list, quoted, settings,
};
use crate::require::{Requirement, Requirements};
use crate::world::{Conditions, DiskModel, Scripted};

settings! {
    |names: Names<'c>|
    /// The fields of `Scenario(…)`, in the order in which they are usually written.
    pub(super) struct Whole {
        /// What people call the scenario.
        name: Option<String> = None, Required(Text);
        /// The system that runs, with its own fields; `stormglass list systems` names all.
        system: Option<String> = None, Required(ASystem);
        /// The planted bug that it runs with, one of the system's, or a list of several; "none" is none, so that `--set mutant=none` sets
        /// it aside.
        mutant: Vec<&'static str> = Vec::new(), Known(names);
        /// The seed of a run that is given none; without it, one is drawn, and printed.
        seed: Option<u64> = None, Maybe(Count(0..));
        /// How links behave: latency, loss and duplication.
        network: Network = Network::default(), Networks(names);
        /// How disks behave.
        disk: Disk = Disk::default(), Record::like("(sync: Constant(\"1ms\"))");
        /// How far off clocks are.
        clocks: Clocks = Clocks::default(), Record::like("(offset: \"50ms\", drift: \"100ppm\")");
        /// What clients do; the system says what it reads.
        workload: Option<String> = None, AWorkload;
        /// Operations that clients invoke at given times, besides those that the workload generates.
        operations: Vec<Scripted> = Vec::new(), Script(names);
        /// Whether the workload generates operations: with `false`, clients invoke those of `operations` alone.
        generated: bool = true, Generates(names);
        /// What goes wrong, and when.
        faults: FaultPlan = FaultPlan::default(), Planned::new(&names, names.places);
        /// Messages whose fate is fixed, whatever the network and the seed would make of them.
        fates: Vec<FixedFate> = Vec::new(), Fates(names);
        /// How long faults may strike: until they are over.
        duration: Duration = DURATION_DEFAULT, PositiveLength;
        /// How long the run may then take to settle; with "0s", it is not judged whether it does.
        settle: Duration = SETTLE_DEFAULT, Length;
        /// What a monitor watches, and calls about: each has fields of its own.
        alerts: Vec<Alert> = Vec::new(), Alerts(names.measurable);
        /// What is demanded of requests: how long they take, how many succeed, when that is so again after a fault; and of alerts.
        require: Vec<Requirement> = Vec::new(), Requirements(names.subjects);
        /// How much a run may take.
        budget: Budgets = Budgets::default(), Record::like("(events: 1000000)");
        /// What a sweep must see: *sometimes* marks, and steps of the plan that strike, or bite.
        expect: Vec<Expectation> = Vec::new(), Known(names);
        /// What the scenario is meant to show; exit codes follow it only with `--as-meant`.
        outcome: Expected = Expected::Holds, Known(names);
    }
}

/// What a file holds.
pub(super) const SCENARIO: Variant = Variant::new(
    "Scenario",
    "What runs, what surrounds it, what goes wrong, and what that is meant to show.",
    "Scenario(name: \"calm\", system: RaftKv(nodes: 5), duration: \"5s\")",
)
.with(Whole::declared);

codecs! {
    /// What another room reads and writes: kept as it is written.
    ASystem: String = as_written, String::clone, "a system with its fields, like `RaftKv(nodes: 5)`";
}

/// The same, if there is one.
struct AWorkload;
codec!(AWorkload: Option<String> = |_: &Self, form| as_written(form).map(Some),
    |workload: &Option<String>| workload.clone().unwrap_or_default(), "fields that the system declares, like `(clients: 5)`", Some("each field as the system has it"));

fn as_written(form: Form<'_>) -> Option<String> {
    Some(form.raw().to_owned())
}

/// The names of mutants and properties, and what is expected.
struct Known<'n>(Names<'n>);
codec!(Known<'_>: Vec<&'static str> = Self::mutants, write_mutants,
    "a mutant of the system, like `\"raft/forgets-vote\"`, or a list of several", Some("`\"none\"`"));
codec!(Known<'_>: Vec<Expectation> = Self::expectations, write_expectations,
    "a list, like `[Sometimes(\"leader lost\"), Strikes(\"name of a step\")]`", Some("`[]`");
    within Within::OneOf(Expectation::WHAT, Expectation::VARIANTS.to_vec()).each());
codec!(Known<'_>: Expected = Self::outcome, write_outcome, "`Holds`, or `Violates(\"leader-completeness\")`", Some("`Holds`");
    within Within::OneOf("an outcome", OUTCOMES.to_vec()));

const OUTCOMES: [Variant; 2] = [
    Variant::new("Holds", "Every property holds.", "outcome: Holds"),
    Variant::new("Violates", "This property of the system is violated.", "outcome: Violates(\"leader-completeness\")"),
];

impl Known<'_> {
    fn mutants(&self, form: Form<'_>) -> Option<Vec<&'static str>> {
        self.0.mutants(form)
    }

    fn expectations(&self, form: Form<'_>) -> Option<Vec<Expectation>> {
        form.list(|form| Expectation::read(form, &self.0))
    }

    fn outcome(&self, form: Form<'_>) -> Option<Expected> {
        if form.variant_of("an outcome", &OUTCOMES)?.name == "Holds" {
            return form.arguments([]).map(|[]| Expected::Holds);
        }
        let [property] = form.arguments(["a property"])?;
        self.0.property(property).map(Expected::Violates)
    }
}

fn write_mutants(mutants: &[&'static str]) -> String {
    match mutants {
        [] => String::new(),
        [mutant] => quoted(mutant),
        several => format!("[{}]", several.iter().copied().map(quoted).collect::<Vec<_>>().join(", ")),
    }
}

fn write_expectations(expect: &[Expectation]) -> String {
    if expect.is_empty() { String::new() } else { list(expect) }
}

fn write_outcome(expected: &Expected) -> String {
    match expected {
        Expected::Holds => String::new(),
        Expected::Violates(property) => format!("Violates({})", quoted(property)),
    }
}

impl From<&Scenario> for Whole {
    fn from(scenario: &Scenario) -> Self {
        let Scenario { conditions, .. } = scenario;
        let (own, ClockModel { offset, drift_ppm }) = (scenario.instance.write(), conditions.clocks);
        Self {
            name: Some(scenario.name.clone()),
            system: Some(own.system),
            mutant: scenario.mutants.clone(),
            seed: scenario.seed,
            network: Network { usual: conditions.link, links: conditions.links.clone() },
            disk: Disk { sync: conditions.disk.sync },
            clocks: Clocks { offset, drift: drift_ppm },
            workload: own.workload,
            operations: scenario.operations.scripted.clone(),
            generated: scenario.operations.generated,
            faults: conditions.faults.clone(),
            fates: conditions.fates.clone(),
            duration: conditions.duration,
            settle: conditions.settle,
            alerts: scenario.alerts.clone(),
            require: scenario.requirements.clone(),
            budget: Budgets {
                events: conditions.events,
                same_instant: conditions.same_instant,
                messages: conditions.messages,
                disk_bytes: conditions.disk_bytes,
                effects: conditions.effects,
                states: scenario.states,
                state_bytes: scenario.state_bytes,
                stop_at_violation: conditions.stop_at_violation,
            },
            expect: scenario.expect.clone(),
            outcome: scenario.expected,
        }
    }
}

impl Whole {
    /// All that surrounds the system, and what goes wrong.
    pub(super) fn conditions(&self) -> Conditions {
        let Self { network, budget, .. } = self;
        Conditions {
            link: network.usual,
            links: network.links.clone(),
            fates: self.fates.clone(),
            disk: DiskModel { sync: self.disk.sync },
            clocks: ClockModel { offset: self.clocks.offset, drift_ppm: self.clocks.drift },
            faults: self.faults.clone(),
            duration: self.duration,
            settle: self.settle,
            events: budget.events,
            same_instant: budget.same_instant,
            messages: budget.messages,
            disk_bytes: budget.disk_bytes,
            effects: budget.effects,
            stop_at_violation: budget.stop_at_violation,
            redraw: None,
        }
    }

    /// The whole file.
    pub(super) fn file(&self) -> String {
        let fields = self.texts(None).into_iter().filter(|(_, value, _)| !value.is_empty());
        format!("Scenario(\n{})\n", fields.map(|(name, value, _)| format!("    {name}: {value},\n")).collect::<String>())
    }
}
