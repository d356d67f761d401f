//! The one place where a system's types are erased.

use std::fmt::Debug;
use std::marker::PhantomData;

use super::monitor::{self, Watcher};
use super::{Mutant, Nodes, Operations, Population, Practice, Scripting, System, Written};
use crate::base::{Duration, Metric};
use crate::check::recorded::OwnModel;
use crate::check::{Budget, Drawing, Property};
use crate::history::formats::Entry;
use crate::metrics::{Alert, Collected, Measurable};
use crate::notation::{Form, Setting};
use crate::process::{Mark, Message, Misfit, Process, Role};
use crate::require::{OF_ALERTS, Requirement, RequirementJudge, Subjects};
use crate::trace::Sink;
use crate::world::{self, Conditions, Observer, Outcome, Scripted, Stray, World};

/// A system with its types erased.
pub trait AnySystem: Send + Sync {
    /// Its name in a scenario.
    fn name(&self) -> &'static str;
    /// What it is.
    fn about(&self) -> &'static str;
    /// What the last of its servers is, if it is told apart: see [`System::LAST_SERVER`].
    fn last_server(&self) -> Option<&'static str>;
    /// The roles that faults can be aimed at.
    fn roles(&self) -> Vec<Role>;
    /// Whether it may start nodes anew by itself: see [`Process::RESTARTS`].
    fn restarts(&self) -> bool;
    /// The kinds of its messages.
    fn kinds(&self) -> &'static [&'static str];
    /// What a message of this kind says: see [`Message::about`].
    fn about_kind(&self, kind: &str) -> &'static str;
    /// The *sometimes* marks of its servers and clients.
    fn marks(&self) -> Vec<Mark>;
    /// What its runs measure, each under a heading.
    fn metrics(&self) -> Vec<(&'static str, Vec<Metric>)>;
    /// The properties that are judged in each of its runs, the world's own among them.
    fn properties(&self) -> Vec<Property>;
    /// Its planted bugs and its decoys.
    fn mutants(&self) -> Vec<Mutant>;
    /// Practices that scenarios show: see [`System::practices`].
    fn practices(&self) -> &'static [Practice];
    /// The settings of its own part of a scenario: those of each value by its name.
    fn settings(&self) -> Vec<(&'static str, Vec<Setting>)>;
    /// Whether its clients take operations that a scenario writes down: see [`System::scripting`].
    fn takes_operations(&self) -> bool;
    /// An operation of its clients as it is written, if it is one; else what is wrong is reported.
    fn operation(&self, form: Form<'_>) -> Option<String>;
    /// Reads its own part of a scenario: see [`System::decode`].
    fn decode(&self, system: Form<'_>, workload: Option<Form<'_>>) -> Option<Box<dyn Instance>>;
}

/// A system with its part of a scenario, ready to run.
pub trait Instance: Debug + Send + Sync {
    /// The name of its system.
    fn system(&self) -> &'static str;
    /// How many nodes it has.
    fn population(&self) -> Population;
    /// Its part of the scenario.
    fn write(&self) -> Written;
    /// The fields of its part that say how much there is to do: see [`System::LOAD`].
    fn load(&self) -> &'static [&'static str];
    /// The model in whose words its clients' history can be written down, if it can be.
    fn spelled(&self) -> Option<&'static str>;
    /// Whether its clients take operations that a scenario writes down: see [`System::scripting`].
    fn takes_operations(&self) -> bool;
    /// Of operations that are written down, why their clients cannot invoke them, if that is so: of each that cannot its place.
    ///
    /// # Panics
    /// If one of them cannot be read, or its client does not exist.
    fn misfits(&self, operations: &[Scripted]) -> Vec<(usize, Misfit)>;
    /// What requirements can be about.
    fn subjects(&self) -> Subjects;
    /// What alerts can be about.
    fn measurable(&self) -> Measurable;
    /// Within which times something must come about: see [`System::promises`].
    fn promises(&self, conditions: &Conditions) -> Vec<(&'static str, Duration)>;
    /// Runs what is asked for.
    ///
    /// # Panics
    /// If its clients take no operations that are written down, or not these.
    fn run(&self, asked: &Asked<'_>, seed: u64, watch: Watch<'_>) -> Outcome;
    /// A registry of its system alone.
    fn registry(&self) -> Registry;
    /// A copy.
    fn duplicate(&self) -> Box<dyn Instance>;
}

/// What a scenario asks of its system's instance.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The planted bugs that it runs with: none, mostly.
    pub mutants: &'a [&'static str],
    /// What surrounds it.
    pub conditions: &'a Conditions,
    /// What its clients are to do.
    pub operations: &'a Operations,
    /// What is watched.
    pub alerts: &'a [Alert],
    /// What is demanded of requests and alerts.
    pub requirements: &'a [Requirement],
}

/// What watches a run, and how closely.
pub struct Watch<'a> {
    /// They are shown every record.
    pub sinks: Vec<&'a mut dyn Sink>,
    /// It looks at the nodes, between events.
    pub observer: Option<&'a mut dyn Observer>,
    /// Whether the system's judges watch. Without them a run is faster, and only the world's own properties are judged.
    pub judged: bool,
    /// How many states the judging of the history may explore; without it, [`System::states`].
    pub states: Option<u64>,
    /// How many bytes of search state it may hold; without it, as many as `check` holds.
    pub state_bytes: Option<u64>,
    /// Where the history goes as one that can be drawn, if that is wanted and the system has one.
    pub drawing: Option<&'a mut Option<Drawing>>,
    /// Where the history goes as files have it, if that is wanted and the system has a notation for it.
    pub history: Option<&'a mut Vec<Entry>>,
    /// Where the operations that clients invoked go, as a scenario writes them down, if that is wanted and the system reads them.
    pub operations: Option<&'a mut Vec<Scripted>>,
    /// What is to be collected over time, if that is wanted.
    pub metrics: Option<Collecting<'a>>,
}

/// That metrics are to be collected.
#[derive(Debug)]
pub struct Collecting<'a> {
    /// How often a sample is taken.
    pub every: Duration,
    /// Where all of them go at the end.
    pub into: &'a mut Option<Collected>,
}

impl Default for Watch<'_> {
    /// Judged, shown to no sink, and not looked at.
    fn default() -> Self {
        Self {
            sinks: Vec::new(),
            observer: None,
            judged: true,
            states: None,
            state_bytes: None,
            drawing: None,
            history: None,
            operations: None,
            metrics: None,
        }
    }
}

/// The systems that scenarios can name, and the models, besides those that come with Stormglass, by which `check` judges histories.
#[derive(Default)]
pub struct Registry {
    systems: Vec<Box<dyn AnySystem>>,
    models: Vec<OwnModel>,
}

impl Registry {
    /// No systems at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The systems that Stormglass comes with.
    pub fn standard() -> Self {
        Self::new()
            .with::<super::RaftKv>()
            .with::<super::TwoPhase>()
            .with::<super::ThreePhase>()
            .with::<super::PaxosCommit>()
            .with::<super::TwoPhaseOverRaft>()
            .with::<super::Detectors>()
            .with::<super::Omega>()
            .with::<super::Supervisor>()
            .with::<super::TtlLock>()
            .with::<super::Broker>()
            .with::<super::ServiceRegistry>()
            .with::<super::Lock>()
            .with::<super::Election>()
            .with::<super::EventBus>()
            .with::<super::Pipeline>()
            .with::<super::Queue>()
            .with::<super::Services>()
    }

    /// Adds a system; one of the same name is replaced.
    #[must_use]
    pub fn with<S: System>(mut self) -> Self {
        self.systems.retain(|system| system.name() != S::NAME);
        self.systems.push(Box::new(ErasedSystem::<S>(PhantomData)));
        self
    }

    /// Adds a model, by which `check --model` then judges histories; one of the same name is replaced.
    #[must_use]
    pub fn with_model(mut self, model: OwnModel) -> Self {
        self.models.retain(|known| known.name != model.name);
        self.models.push(model);
        self
    }

    /// All models that were added, in the order in which they were.
    pub fn models(&self) -> &[OwnModel] {
        &self.models
    }

    /// All systems, in the order in which they were added.
    pub fn systems(&self) -> impl Iterator<Item = &dyn AnySystem> {
        self.systems.iter().map(AsRef::as_ref)
    }

    /// The system of this name.
    pub fn find(&self, name: &str) -> Option<&dyn AnySystem> {
        self.systems().find(|system| system.name() == name)
    }
}

struct ErasedSystem<S>(PhantomData<fn() -> S>);

impl<S: System> AnySystem for ErasedSystem<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn about(&self) -> &'static str {
        S::ABOUT
    }

    fn last_server(&self) -> Option<&'static str> {
        S::LAST_SERVER
    }

    fn roles(&self) -> Vec<Role> {
        S::Server::ROLES.iter().chain(S::Client::ROLES).copied().collect()
    }

    fn restarts(&self) -> bool {
        S::Server::RESTARTS || S::Client::RESTARTS
    }

    fn kinds(&self) -> &'static [&'static str] {
        S::Message::kinds()
    }

    fn about_kind(&self, kind: &str) -> &'static str {
        S::Message::about(kind)
    }

    fn marks(&self) -> Vec<Mark> {
        S::Server::MARKS.iter().chain(S::Client::MARKS).chain(world::MARKS).copied().collect()
    }

    fn properties(&self) -> Vec<Property> {
        let required = S::requirable().iter().chain(OF_ALERTS).copied();
        S::properties().into_iter().chain(required).chain(world::PROPERTIES).chain([world::JUDGE_PANICKED]).collect()
    }

    fn metrics(&self) -> Vec<(&'static str, Vec<Metric>)> {
        monitor::metrics::<S>()
    }

    fn mutants(&self) -> Vec<Mutant> {
        S::mutants()
    }

    fn practices(&self) -> &'static [Practice] {
        S::practices()
    }

    fn settings(&self) -> Vec<(&'static str, Vec<Setting>)> {
        S::settings()
    }

    fn takes_operations(&self) -> bool {
        S::scripting().is_some()
    }

    fn operation(&self, form: Form<'_>) -> Option<String> {
        S::scripting()?.written(form)
    }

    fn decode(&self, system: Form<'_>, workload: Option<Form<'_>>) -> Option<Box<dyn Instance>> {
        let config = S::decode(system, workload)?;
        Some(Box::new(Ready::<S>(config)))
    }
}

struct Ready<S: System>(S::Config);

impl<S: System> Debug for Ready<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple(S::NAME).field(&self.0).finish()
    }
}

impl<S: System> Instance for Ready<S> {
    fn system(&self) -> &'static str {
        S::NAME
    }

    fn population(&self) -> Population {
        S::population(&self.0)
    }

    fn write(&self) -> Written {
        S::write(&self.0)
    }

    fn load(&self) -> &'static [&'static str] {
        S::LOAD
    }

    fn spelled(&self) -> Option<&'static str> {
        S::spelling(&self.0).map(|spelling| spelling.model)
    }

    fn takes_operations(&self) -> bool {
        S::scripting().is_some()
    }

    fn misfits(&self, operations: &[Scripted]) -> Vec<(usize, Misfit)> {
        let Some(scripting) = S::scripting().filter(|_| !operations.is_empty()) else { return Vec::new() };
        let Nodes { clients, .. } = S::nodes(&self.0, &[]);
        let misfit = |Scripted { client, op, .. }: &Scripted| scripting.fits(&clients[client.index()], op.as_ref()?).err();
        operations.iter().enumerate().filter_map(|(place, scripted)| Some((place, misfit(scripted)?))).collect()
    }

    fn subjects(&self) -> Subjects {
        Subjects { system: S::NAME, properties: S::requirable(), services: S::services(&self.0) }
    }

    fn measurable(&self) -> Measurable {
        let metrics = monitor::metrics::<S>().into_iter().flat_map(|(_, metrics)| metrics).collect();
        Measurable { system: S::NAME, metrics }
    }

    fn promises(&self, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        S::promises(&self.0, conditions)
    }

    fn run(&self, asked: &Asked<'_>, seed: u64, watch: Watch<'_>) -> Outcome {
        let Asked { mutants, conditions, operations, alerts, requirements } = *asked;
        let mut setup = S::nodes(&self.0, mutants).under(conditions.clone());
        let scripting = S::scripting();
        if *operations != Operations::default() {
            assert!(scripting.is_some(), "a scenario has operations only where its system reads them");
        }
        let is_scripted = *operations != Operations::default() || watch.operations.is_some();
        setup.script = scripting.as_ref().filter(|_| is_scripted).map(|scripting| scripting.script(operations, &mut setup.clients));
        let mut due = scripting.as_ref().filter(|_| watch.operations.is_some()).map(Scripting::observe);
        let mut sinks: Vec<&mut dyn Sink> = watch.sinks.into_iter().map(|sink| sink as &mut dyn Sink).collect();
        sinks.extend(due.iter_mut().map(|due| due as &mut dyn Sink));
        let mut judges = if watch.judged { S::judges(&self.0, conditions) } else { Vec::new() };
        if watch.judged && requirements.iter().any(|requirement| !requirement.is_of_alert()) {
            judges.push(Box::new(RequirementJudge::new(requirements, &self.subjects(), S::meter(&self.0))));
        }
        if watch.judged && conditions.stop_at_violation {
            judges.extend(S::online_judges(&self.0));
        }
        let observer = watch.observer.map(|observer| observer as &mut dyn Observer);
        let every = watch.metrics.as_ref().map(|collecting| collecting.every);
        let watched: &[Alert] = if watch.judged { alerts } else { &[] };
        let run = if every.is_some() || !watched.is_empty() {
            let watcher = Watcher::<S>::new(&self.0, every, watched, requirements);
            let (mut looks, collected) = (watcher.looks(observer), watcher.collects());
            judges.push(Box::new(watcher));
            let run = World::run_observed(setup, seed, judges, sinks, Some(&mut looks));
            if let Some(collecting) = watch.metrics {
                *collecting.into = collected();
            }
            run
        } else {
            World::run_observed(setup, seed, judges, sinks, observer)
        };
        let mut outcome = run.outcome;
        let operations = run.history.len();
        let states = watch.states.unwrap_or_else(|| S::states(&self.0, operations));
        let budget = Budget { states: Some(states), bytes: watch.state_bytes };
        let judge = || match watch.drawing {
            Some(drawing) => {
                let (judged, drawn) = S::judge_and_draw(&self.0, &run.history, budget);
                *drawing = drawn;
                judged
            }
            None if watch.judged => S::judge_history(&self.0, &run.history, budget),
            None => Vec::new(),
        };
        let mut judged = world::judged(outcome.sim_time, judge).unwrap_or_else(|report| vec![report]);
        if run.history.shows_nothing() {
            judged.iter_mut().for_each(|report| report.judged_nothing(operations));
        }
        outcome.properties.splice(0..0, judged);
        if watch.judged {
            let is_reported = |property: &Property| outcome.properties.iter().any(|report| report.name == property.name);
            let silent = S::judged(&self.0, conditions).into_iter().filter(|property| !is_reported(property));
            outcome.strays.extend(silent.map(|property| Stray::Check { name: property.name }).collect::<Vec<_>>());
        }
        if let (Some(observed), Some(script), Some(due)) = (watch.operations, run.script, due) {
            *observed = script.observed(due.times, &run.history);
        }
        if let (Some(entries), Some(spelling)) = (watch.history, S::spelling(&self.0)) {
            *entries = spelling.entries(run.history, outcome.sim_time);
        }
        outcome
    }

    fn registry(&self) -> Registry {
        Registry::new().with::<S>()
    }

    fn duplicate(&self) -> Box<dyn Instance> {
        Box::new(Self(self.0.clone()))
    }
}
