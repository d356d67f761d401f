//! `Services`: services under load, each with instances on nodes of their own.
//!
//! ```ron
//! system: Services(services: [
//!     Service(name: "gateway", workers: 64, work: Exponential("1ms"), calls: [
//!         Call(to: "users", timeout: "50ms"),
//!         Parallel([Call(to: "orders"), Call(to: "offers", optional: true, timeout: "20ms")]),
//!     ]),
//!     Service(name: "users", instances: 2, workers: 4, work: Exponential("2ms")),
//!     Service(name: "orders", workers: 8, work: LogNormal(median: "3ms", sigma: "0.5"), stores: true, keys: "60min"),
//!     Service(name: "offers", work: Constant("1ms")),
//! ]),
//! workload: (to: "gateway", arrivals: Poisson("500/s"), timeout: "1s"),
//! ```

mod balances;
mod graph;
mod guards;
mod lengths;
mod load;
mod measured;
mod practices;

use std::sync::Arc;

use super::{Mutant, Nodes, Population, Practice, Scripting, System, Written};
use crate::base::{Duration, Metric, Ratio, Time};
use crate::check::Property;
use crate::history;
use crate::metrics::Probe;
use crate::notation::{Form, Required, Setting, Settings, joined, settings};
use crate::process::NoNote;
use crate::protocols::services::properties::{self, ServicesJudge, ServicesMeter};
use crate::protocols::services::{self, Call, Client, ClientConfig, Graph, Instance, InstanceConfig, Items, Load, Message, Note, Service};
use crate::require::{self, Meter};
use crate::trace::Judge;
use crate::world::{Cluster, Conditions, Counted};

use guards::CallFields;
use load::ClientFields;

/// Services under load.
#[derive(Clone, Copy, Debug)]
pub struct Services;

/// Its part of a scenario.
#[derive(Clone, Debug)]
pub struct ServicesConfig {
    /// What calls what, and what clients ask.
    pub graph: Arc<Graph>,
    /// The calls of the clients, as they are written: of several the first is what they ask for as a rule.
    pub roots: Vec<Call>,
    /// How often they ask for the second, and so on.
    pub mix: Vec<Ratio>,
    /// What their requests are about, where services have items.
    pub items: Items,
    /// How many clients there are: each has the whole load.
    pub clients: u32,
    /// When they have requests.
    pub load: Load,
    /// How many of their requests are more important than the others.
    pub important: Ratio,
    /// For how long nothing is measured.
    pub warm_up: Duration,
}

settings! {
    /// What services have fields for.
    #[derive(Clone, Debug)]
    pub struct ServicesSettings {
        /// The services, in any order: see their own fields. Without a `workload` clients ask the first.
        services: Option<Vec<Service>> = None, Required(graph::Services);
    }
}

impl Cluster for Services {
    type Message = Message;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Instance;
    type Client = Client;

    fn unsettled(server: &Instance) -> Option<String> {
        match server.under_way() {
            0 => None,
            1 => Some("1 request".to_owned()),
            requests => Some(format!("{requests} requests")),
        }
    }

    fn invokes_after(client: &ClientConfig, duration: Duration) -> bool {
        client.load.lasts(duration)
    }

    fn counted(note: &Note) -> Option<Counted> {
        match *note {
            Note::Begun { .. } => Some(Counted::Invoked),
            Note::Ended { answer, took, .. } => {
                let outcome = match answer {
                    Some(answer) if answer.succeeded() => history::Outcome::Done(()),
                    Some(_) => history::Outcome::Failed,
                    None => history::Outcome::Unknown,
                };
                Some(Counted::Ended { outcome, took })
            }
            Note::Works { .. } | Note::Opened { .. } | Note::Queued { .. } | Note::Working { .. } | Note::Held { .. } | Note::Idle => None,
        }
    }

    fn counted_as(note: &Note) -> Option<u64> {
        match *note {
            Note::Begun { call, .. } | Note::Ended { call, .. } => Some(call),
            _ => None,
        }
    }
}

impl System for Services {
    const NAME: &'static str = "Services";
    const ABOUT: &'static str = "services under load: a graph of services with instances, workers and queues, calls in sequence, in parallel and \
                                 optional, open and closed loops of requests";

    type Config = ServicesConfig;

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.to_vec()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[services::MUTANTS, services::ROUTING, services::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<ServicesConfig> {
        let mut fields = system.fields()?;
        let (ServicesSettings { services }, given) = ServicesSettings::read(&mut fields);
        fields.finish();
        let services = services?;
        let read = match workload {
            Some(workload) => load::read(workload)?,
            None => load::usual(system, &services),
        };
        let graph = graph::fit(services, &read.roots, given.form("services")?, &read.to)?;
        let load::Read { roots, mix, items, clients, load, important, warm_up, .. } = read;
        Some(ServicesConfig { graph, roots, mix, items, clients, load, important, warm_up })
    }

    fn write(config: &ServicesConfig) -> Written {
        let settings = ServicesSettings { services: Some(config.graph.services().to_vec()) };
        let policy = config.roots.first().map(|root| root.policy.clone()).unwrap_or_default();
        let workload = joined([ClientFields::of(config).unusual(None), CallFields::from(policy).unusual(None)]);
        Written { system: format!("{}({})", Self::NAME, settings.written()), workload: Some(format!("({workload})")) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, ServicesSettings::declared()), ("workload", [ClientFields::declared(), CallFields::declared()].concat())]
    }

    fn population(config: &ServicesConfig) -> Population {
        Population { servers: config.graph.nodes(), clients: config.clients }
    }

    fn nodes(config: &ServicesConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let (rules, graph) = (services::rules_of(mutants), &config.graph);
        let instance = |(service, instance)| InstanceConfig { graph: Arc::clone(graph), service, instance, rules: Arc::clone(&rules) };
        let places = (0..).zip(graph.services()).flat_map(|(place, service)| (0..service.instances).map(move |instance| (place, instance)));
        let servers = places.map(instance).collect();
        let ServicesConfig { load, important, mix, items, .. } = config.clone();
        let client = ClientConfig { graph: Arc::clone(graph), load, important, mix, items, handed: false, rules: Arc::clone(&rules) };
        Nodes { servers, clients: vec![client; config.clients as usize] }
    }

    fn metrics() -> Vec<Metric> {
        measured::OF_WORKERS.to_vec()
    }

    fn probes(config: &ServicesConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(measured::WorkerProbe::new(&config.graph))]
    }

    fn judges(config: &ServicesConfig, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let measured_from = Time::ZERO + config.warm_up;
        let clocks = conditions.clocks;
        let apart = conditions.clocks_apart();
        vec![Box::new(ServicesJudge::new(&config.graph, clocks.offset, clocks.drift_ppm, apart, measured_from))]
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_steps())
    }

    fn practices() -> &'static [Practice] {
        practices::PRACTICES
    }

    const HAS_SERVICES: bool = true;

    fn requirable() -> &'static [Property] {
        require::PROPERTIES
    }

    fn services(config: &ServicesConfig) -> Vec<String> {
        config.graph.services().iter().map(|service| service.name.clone()).collect()
    }

    fn meter(config: &ServicesConfig) -> Box<dyn Meter<Self>> {
        Box::new(ServicesMeter::new(&config.graph))
    }
}
