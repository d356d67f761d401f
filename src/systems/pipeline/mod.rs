//! `Pipeline`: a data pipeline, stage by stage on nodes of its own.
//!
//! ```ron
//! system: Pipeline(
//!     stages: [
//!         Source(name: "clicks", parallelism: 2, events: 500, gap: "10ms", disorder: "50ms", bound: "50ms"),
//!         KeyBy(name: "by-key", from: ["clicks"], parallelism: 2, key: Key),
//!         Window(name: "sums", from: ["by-key"], parallelism: 2, windows: Tumbling("500ms"), fold: Sum),
//!         Sink(name: "out", from: ["sums"], store: TwoPhase),
//!     ],
//!     checkpoint: "500ms",
//! ),
//! ```

mod stages;

use std::sync::Arc;

use super::detectors::no_workload;
use super::{Mutant, Nodes, Population, System, Written};
use crate::base::Duration;
use crate::check::Property;
use crate::notation::{Count, Flag, Form, Given, Length, OneOf, PositiveLength, Required, Setting, Settings, Timed, Timing, settings};
use crate::process::{Either, NoNote};
use crate::protocols::pipeline::properties::{self, Demands, PipelineJudge, Promise};
use crate::protocols::pipeline::{
    self, Barriers, Coordinator, CoordinatorConfig, Does, Flow, Graph, Message, Plan, Recovery, Restart, Sink, Subtask, SubtaskConfig,
};
use crate::trace::Judge;
use crate::workload::NoClient;
use crate::world::{Cluster, Conditions};

/// A data pipeline.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline;

/// Its part of a scenario.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// What runs where, and how. With [`Graph::new`] it can have stages that compute what closures of yours say.
    pub plan: Arc<Plan>,
    /// What is demanded of it.
    pub demands: Demands,
}

static PROMISES: [(&str, &str, Promise); 3] = [
    ("AtMostOnce", "No event counts twice.", Promise::AtMostOnce),
    ("AtLeastOnce", "Each event counts.", Promise::AtLeastOnce),
    ("ExactlyOnce", "Each event counts once.", Promise::ExactlyOnce),
];

static BARRIERS: [(&str, &str, Barriers); 2] = [
    ("Aligned", "The input through which a barrier came waits until it has come through all.", Barriers::Aligned),
    ("Tracked", "Barriers are only counted; no input waits.", Barriers::Tracked),
];

static RESTARTS: [(&str, &str, Restart); 2] =
    [("Whole", "All stages go back.", Restart::Whole), ("Region", "Its own stage goes back, and those behind it.", Restart::Region)];

static RECOVERIES: [(&str, &str, Recovery); 2] = [
    ("Replay", "They go back to the last complete checkpoint, and sources read again from there.", Recovery::Replay),
    ("Skip", "Sources go on behind what they have read, and what was held is lost.", Recovery::Skip),
];

settings! {
    /// What a pipeline has fields for.
    #[derive(Clone, Debug)]
    pub struct PipelineSettings {
        /// What is promised of what sinks store. It changes nothing in how the pipeline runs: it is what it is judged by.
        promise: Promise = Promise::ExactlyOnce, OneOf("a promise", &PROMISES);
        /// Whether it is demanded besides that no event is counted late.
        none_late: bool = false, Flag;
        /// How many events a channel holds at its receiver.
        buffer: u32 = 64, Count(1..=1_000_000);
        /// Whether a sender waits for credits: for the receiver to say that there is room.
        credits: bool = true, Flag;
        /// What the barrier of a checkpoint does at a stage with several inputs.
        barriers: Barriers = Barriers::Aligned, OneOf("a way of barriers", &BARRIERS);
        /// How long after one checkpoint the next is begun.
        checkpoint: Duration = Duration::from_millis(500), PositiveLength;
        /// After how long a checkpoint is given up that is not complete.
        abandon: Duration = Duration::from_secs(5), PositiveLength;
        /// Which stages go back when a subtask is lost.
        restart: Restart = Restart::Whole, OneOf("a scope", &RESTARTS);
        /// To where stages go back.
        recovery: Recovery = Recovery::Replay, OneOf("a way back", &RECOVERIES);
        /// How long an answer is waited for until what was said is said again.
        answer: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long a source waits for more events once it has read.
        linger: Duration = Duration::from_millis(5), Length;
        /// The stages, in any order: see their own fields.
        stages: Option<Graph> = None, Required(stages::Stages);
    }
}

impl PipelineSettings {
    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        let Some(graph) = &self.stages else { return };
        let has_two_phases = graph.stages().iter().any(|stage| stage.does == Does::Sink(Sink::TwoPhase));
        if self.recovery == Recovery::Skip
            && has_two_phases
            && let Some(form) = given.complain(&["recovery"])
        {
            let problem = form.problem("a sink of two phases commits what checkpoints decide on, and none is gone back to");
            form.report(problem.help("let the sink append: store: Append"));
        }
        if self.recovery == Recovery::Skip
            && self.restart == Restart::Region
            && let Some(form) = given.complain(&["recovery", "restart"])
        {
            form.report(form.problem("stages that skip what was lost go on together").help("leave restart out, or write restart: Whole"));
        }
    }
}

impl Cluster for Pipeline {
    type Message = Message;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Either<Coordinator, Subtask>;
    type Client = NoClient<Message>;

    /// All must be in the last attempt.
    fn fingerprint(server: &Self::Server) -> Option<u64> {
        Some(match server {
            Either::First(coordinator) => coordinator.attempt(),
            Either::Second(subtask) => subtask.attempt(),
        })
    }

    fn unsettled(server: &Self::Server) -> Option<String> {
        match server {
            Either::First(coordinator) => coordinator.unsettled(),
            Either::Second(subtask) => subtask.unsettled(),
        }
    }
}

impl System for Pipeline {
    const NAME: &'static str = "Pipeline";
    const ABOUT: &'static str = "a data pipeline: replayable sources, stages on nodes of their own, sinks; watermarks, windows, \
                                 checkpoints by barriers, credits, and sinks that append, put in place or commit in two phases";

    type Config = PipelineConfig;

    /// How many events sources read.
    const LOAD: &'static [&'static str] = &["events"];

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.to_vec()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[pipeline::MUTANTS, pipeline::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<PipelineConfig> {
        no_workload(workload);
        let mut fields = system.fields()?;
        let (settings, given) = PipelineSettings::read(&mut fields);
        settings.fits(&given);
        fields.finish();
        let PipelineSettings { promise, none_late, buffer, credits, barriers, checkpoint, abandon, .. } = settings;
        let PipelineSettings { restart, recovery, answer, linger, stages, .. } = settings;
        let flow = Flow { buffer, credits, barriers, checkpoint, abandon, restart, recovery, answer, linger };
        Some(PipelineConfig { plan: Arc::new(Plan { graph: stages?, flow }), demands: Demands { promise, none_late } })
    }

    fn write(config: &PipelineConfig) -> Written {
        let Plan { graph, flow } = Plan::clone(&config.plan);
        let Flow { buffer, credits, barriers, checkpoint, abandon, restart, recovery, answer, linger } = flow;
        let (Demands { promise, none_late }, stages) = (config.demands, Some(graph));
        let settings = PipelineSettings {
            promise,
            none_late,
            buffer,
            credits,
            barriers,
            checkpoint,
            abandon,
            restart,
            recovery,
            answer,
            linger,
            stages,
        };
        Written { system: format!("{}({})", Self::NAME, settings.written()), workload: None }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, PipelineSettings::declared())]
    }

    fn population(config: &PipelineConfig) -> Population {
        Population { servers: config.plan.nodes(), clients: 0 }
    }

    fn nodes(config: &PipelineConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let (rules, plan) = (pipeline::rules_of(mutants), &config.plan);
        let coordinator = CoordinatorConfig { plan: Arc::clone(plan), rules: Arc::clone(&rules) };
        let subtask = |(stage, number)| SubtaskConfig { plan: Arc::clone(plan), stage, number, rules: Arc::clone(&rules) };
        let subtasks = plan.subtasks().map(subtask).map(Either::Second);
        Nodes { servers: [Either::First(coordinator)].into_iter().chain(subtasks).collect(), clients: vec![] }
    }

    fn judged(config: &PipelineConfig, _: &Conditions) -> Vec<Property> {
        properties::judged(&config.plan, config.demands)
    }

    fn judges(config: &PipelineConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(PipelineJudge::new(Arc::clone(&config.plan), config.demands))]
    }
}
