//! `Supervisor`: failed nodes are started anew or replaced, over leader election over a failure detector.
//!
//! ```ron
//! system: Supervisor(nodes: 6, jobs: 4, restart_after: "1s", replace_after: "5s", detector: Heartbeat(timeout: "3s"))
//! ```

use super::detectors::{mutants, no_workload};
use super::probes::{OF_DETECTORS, SuspicionProbe};
use super::{Mutant, Nodes, OmegaConfig, Population, System, Written};
use crate::base::{Duration, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Form, Maybe, PositiveLength, Setting, Settings, settings};
use crate::process::NoNote;
use crate::protocols::detector::properties::{
    self, DetectorJudge, LEADERSHIP, LeaderJudge, Observations, RECOVERY, RecoveryJudge, Working,
};
use crate::protocols::detector::{self, Note, OmegaNote, SupervisorMessage, SupervisorNote};
use crate::trace::Judge;
use crate::workload::NoClient;
use crate::world::{Cluster, Conditions};

/// Nodes with jobs, some of them spare: a node that fails is started anew, or replaced.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct SupervisorConfig {
    /// The nodes, and the detector by which their leader is elected.
    pub omega: OmegaConfig,
    /// How many of the nodes have a job.
    pub jobs: u32,
    /// How long a node is suspected before it is started anew.
    pub restart_after: Duration,
    /// How long it is suspected before another takes its job.
    pub replace_after: Duration,
    /// How often the supervisor looks.
    pub every: Duration,
}

settings! {
    /// What supervision has fields for.
    struct Jobs {
        /// How many of the nodes have a job: fewer than there are. If it is not given, all but one.
        jobs: Option<u32> = None, Maybe(Count(1..));
        /// How long a node is suspected before it is started anew.
        restart_after: Duration = Duration::from_secs(1), PositiveLength;
        /// How long it is suspected before another takes its job. If it is not given, five times `restart_after`.
        replace_after: Duration = restart_after * 5, PositiveLength;
        /// How often the supervisor looks.
        every: Duration = Duration::from_millis(500), PositiveLength;
    }
}

impl Cluster for Supervisor {
    type Message = SupervisorMessage;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = detector::Supervisor;
    type Client = NoClient<SupervisorMessage>;
}

impl Observations for Supervisor {
    fn detection(note: &SupervisorNote) -> Option<Note> {
        match note {
            SupervisorNote::Omega(OmegaNote::Detector(note)) => Some(*note),
            _ => None,
        }
    }

    fn traffic(message: &SupervisorMessage) -> Option<(u8, u64)> {
        match message {
            SupervisorMessage::Omega(message) => Some((message.slot, properties::bytes_of(message))),
            SupervisorMessage::Jobs(_) => None,
        }
    }
}

impl Working for Supervisor {
    fn work(note: &SupervisorNote) -> Option<SupervisorNote> {
        Some(*note)
    }
}

impl System for Supervisor {
    const NAME: &'static str = "Supervisor";
    const ABOUT: &'static str = "nodes with jobs, and spare ones: a leader, elected over a failure detector, has failed nodes started anew, and \
                                 gives their jobs to spare ones if that does not help";

    type Config = SupervisorConfig;

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.into_iter().chain([LEADERSHIP, RECOVERY]).collect()
    }

    fn mutants() -> Vec<Mutant> {
        mutants(&[RECOVERY])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<SupervisorConfig> {
        no_workload(workload);
        let mut fields = system.fields()?;
        let omega = OmegaConfig::read(&mut fields);
        let most = omega.as_ref().map_or(1, |omega| omega.nodes - 1);
        let (Jobs { jobs, restart_after, replace_after, every }, given) = Jobs::read(&mut fields);
        fields.finish();
        let jobs = jobs.unwrap_or(most);
        if jobs > most
            && let Some(form) = given.form("jobs")
        {
            form.report(form.mismatch(&format!("a whole number from 1 to {most}")));
        }
        if replace_after <= restart_after
            && let Some(form) = given.complain(&["replace_after", "restart_after"])
        {
            form.report(
                form.problem(format!("a node is replaced after {replace_after}, before it is started anew, after {restart_after}"))
                    .help("make replace_after longer than restart_after"),
            );
        }
        Some(SupervisorConfig { omega: omega?, jobs, restart_after, replace_after, every })
    }

    fn write(config: &SupervisorConfig) -> Written {
        let SupervisorConfig { ref omega, jobs, restart_after, replace_after, every } = *config;
        let own = Jobs { jobs: Some(jobs), restart_after, replace_after, every }.written();
        let system = format!("Supervisor(nodes: {}, {own}, detector: {})", omega.nodes, omega.detector.write());
        Written { system, workload: None }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, [OmegaConfig::declared(), Jobs::declared()].concat())]
    }

    fn population(config: &SupervisorConfig) -> Population {
        Population { servers: config.omega.nodes, clients: 0 }
    }

    fn nodes(config: &SupervisorConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let SupervisorConfig { omega, jobs, restart_after, replace_after, every } = config;
        let server = detector::SupervisorConfig {
            detector: omega.detector.config(omega.nodes, 0, mutants),
            jobs: *jobs,
            restart_after: *restart_after,
            replace_after: *replace_after,
            every: *every,
        };
        Nodes { servers: vec![server; omega.nodes as usize], clients: vec![] }
    }

    fn metrics() -> Vec<Metric> {
        OF_DETECTORS.to_vec()
    }

    fn probes(config: &SupervisorConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(SuspicionProbe::new(vec![config.omega.detector.name.clone()]))]
    }

    fn judges(config: &SupervisorConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let follows = |note: &SupervisorNote| match note {
            SupervisorNote::Omega(OmegaNote::Follows(leader)) => Some(*leader),
            _ => None,
        };
        let nodes = config.omega.nodes;
        vec![
            Box::new(DetectorJudge::new(nodes, vec![config.omega.detector.subject()], Duration::ZERO)),
            Box::new(LeaderJudge::new(nodes, follows)),
            Box::new(RecoveryJudge::new(nodes, config.jobs)),
        ]
    }
}
