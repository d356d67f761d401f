//! `Omega`: leader election over a failure detector.
//!
//! ```ron
//! system: Omega(nodes: 5, detector: Heartbeat(interval: "500ms", timeout: "2s"))
//! ```

use super::detectors::{DETECTORS, NODES, mutants, no_workload};
use super::probes::{OF_DETECTORS, SuspicionProbe};
use super::{Chosen, Mutant, Nodes, Population, System, Written};
use crate::base::{Duration, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{Count, Fields, Form, Required, Setting, Settings, Within, codecs, settings};
use crate::process::NoNote;
use crate::protocols::detector::properties::{self, DetectorJudge, LEADERSHIP, LeaderJudge, Observations};
use crate::protocols::detector::{self, Message, Method, Note, Observers, OmegaNote};
use crate::trace::Judge;
use crate::workload::NoClient;
use crate::world::{Cluster, Conditions};

/// A leader for everybody: the first node that the detector beneath does not suspect.
#[derive(Clone, Copy, Debug)]
pub struct Omega;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct OmegaConfig {
    /// How many nodes there are.
    pub nodes: u32,
    /// The detector beneath.
    pub detector: Chosen,
}

settings! {
    /// What systems over a detector have fields for.
    struct Watched {
        /// How many nodes there are.
        nodes: u32 = 5, Count(NODES);
        /// The detector beneath, by which everybody watches everybody.
        detector: Option<Chosen> = None, Required(Beneath);
    }
}

codecs! {
    /// A detector by which everybody watches everybody.
    Beneath: Chosen = beneath, Chosen::write, "a detector, like `Heartbeat(timeout: \"3s\")`",
        within Within::OneOf("a detector", DETECTORS.to_vec());
}

fn beneath(form: Form<'_>) -> Option<Chosen> {
    let chosen = Chosen::read(form)?;
    let partial = matches!(&chosen.method, Method::Heartbeat(heartbeat) if heartbeat.observers != Observers::All);
    if partial || chosen.subject().watches_work {
        form.report(
            form.problem("a leader must be watched by everybody, and there is no worker to watch").help("leave observers and watch out"),
        );
        return None;
    }
    Some(chosen)
}

impl OmegaConfig {
    /// What there is to set.
    pub(super) fn declared() -> Vec<Setting> {
        Watched::declared()
    }

    /// Reads the fields `nodes` and `detector`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (Watched { nodes, detector }, _) = Watched::read(fields);
        Some(Self { nodes, detector: detector? })
    }

    /// Writes them.
    pub(super) fn write(&self) -> String {
        Watched { nodes: self.nodes, detector: Some(self.detector.clone()) }.written()
    }
}

impl Cluster for Omega {
    type Message = Message;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = detector::Omega;
    type Client = NoClient<Message>;
}

impl Observations for Omega {
    fn detection(note: &OmegaNote) -> Option<Note> {
        match note {
            OmegaNote::Detector(note) => Some(*note),
            OmegaNote::Follows(_) => None,
        }
    }

    fn traffic(message: &Message) -> Option<(u8, u64)> {
        Some((message.slot, properties::bytes_of(message)))
    }
}

impl System for Omega {
    const NAME: &'static str = "Omega";
    const ABOUT: &'static str = "leader election over a failure detector: all follow the first node that is not suspected";

    type Config = OmegaConfig;

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.into_iter().chain([LEADERSHIP]).collect()
    }

    fn mutants() -> Vec<Mutant> {
        mutants(&[LEADERSHIP])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<OmegaConfig> {
        no_workload(workload);
        let mut fields = system.fields()?;
        let config = OmegaConfig::read(&mut fields);
        fields.finish();
        config
    }

    fn write(config: &OmegaConfig) -> Written {
        Written { system: format!("Omega({})", config.write()), workload: None }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, OmegaConfig::declared())]
    }

    fn population(config: &OmegaConfig) -> Population {
        Population { servers: config.nodes, clients: 0 }
    }

    fn nodes(config: &OmegaConfig, mutants: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![config.detector.config(config.nodes, 0, mutants); config.nodes as usize], clients: vec![] }
    }

    fn metrics() -> Vec<Metric> {
        OF_DETECTORS.to_vec()
    }

    fn probes(config: &OmegaConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(SuspicionProbe::new(vec![config.detector.name.clone()]))]
    }

    fn judges(config: &OmegaConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let follows = |note: &OmegaNote| match note {
            OmegaNote::Follows(leader) => Some(*leader),
            OmegaNote::Detector(_) => None,
        };
        vec![
            Box::new(DetectorJudge::new(config.nodes, vec![config.detector.subject()], Duration::ZERO)),
            Box::new(LeaderJudge::new(config.nodes, follows)),
        ]
    }
}
