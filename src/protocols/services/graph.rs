//! The graph of services: what each is made of, which calls which, and what is wrong with one that cannot run.

use std::sync::Arc;

use petgraph::algo::{astar, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;

use super::policy::Policy;
use crate::base::{Duration, NodeId, Ratio};
use crate::policies::limiter::{ConcurrencySettings, TokenBucketSettings};
use crate::policies::queue::QueueSettings;
use crate::policies::sampler::Distribution;

/// A service, as a file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, which no other service has.
    pub name: String,
    /// How many instances it has, each on a node of its own.
    pub instances: u32,
    /// How many requests an instance works on at once.
    pub workers: u32,
    /// Where requests wait for a worker.
    pub queue: QueueSettings,
    /// Whether a worker is held while the calls of its request are under way.
    pub holds: bool,
    /// Whether a request has an effect on what the service stores.
    pub stores: bool,
    /// For how long it is remembered under its key what was answered to a request; nothing if it is not.
    pub keys: Option<Duration>,
    /// How many requests an instance works on at once at most, as the limit has it just then; nothing if workers alone bound it.
    pub limit: Option<ConcurrencySettings>,
    /// How many requests an instance takes; nothing if any number.
    pub rate: Option<TokenBucketSettings>,
    /// What can be asked of it, one at least.
    pub endpoints: Vec<Endpoint>,
}

/// What can be asked of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name; empty if a service has but one.
    pub name: String,
    /// How long its own work takes.
    pub work: Distribution,
    /// How often that fails.
    pub fails: Ratio,
    /// The calls that it makes then: those of a step at once, one step after the other.
    pub steps: Vec<Vec<Call>>,
}

/// A call of one service by another, or by a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is called: a service, or one of its endpoints: `users`, `users.get`.
    pub to: String,
    /// Whether the caller answers without it, if it fails: with less than it might have.
    pub optional: bool,
    /// How.
    pub policy: Policy,
}

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// At which service; nothing if it is the graph itself.
    pub service: Option<usize>,
    /// At which of its calls, counted over all endpoints and steps; nothing if it is the service itself.
    pub call: Option<usize>,
    /// What.
    pub what: Wrong,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Another one has its name.
    NameTaken(String),
    /// A name with a dot, which stands between a service and an endpoint.
    Dotted(String),
    /// No service has this name.
    Unknown(String),
    /// The service of this name has no such endpoint.
    NoEndpoint(String, String),
    /// It calls itself, through these.
    Cycle(Vec<String>),
    /// No client reaches it.
    Unreachable(String),
    /// It stores nothing, and remembers keys.
    KeysWithoutStore(String),
    /// There is no service at all.
    Empty,
}

impl Wrong {
    /// It in words.
    pub fn message(&self) -> String {
        match self {
            Self::NameTaken(name) => format!("two of them are called `{name}`"),
            Self::Dotted(name) => format!("the name `{name}` has a dot"),
            Self::Unknown(name) => format!("there is no service `{name}`"),
            Self::NoEndpoint(service, endpoint) => format!("`{service}` has no endpoint `{endpoint}`"),
            Self::Cycle(names) => format!("services call each other in a cycle: {}", names.join(" → ")),
            Self::Unreachable(name) => format!("no request ever reaches `{name}`"),
            Self::KeysWithoutStore(name) => format!("`{name}` stores nothing that a key could guard"),
            Self::Empty => "there is no service at all".to_owned(),
        }
    }

    /// What can be done about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NameTaken(_) => "give each a name of its own",
            Self::Dotted(_) => "a dot stands between a service and its endpoint: users.get",
            Self::Unknown(_) | Self::NoEndpoint(..) => "name one that the list has",
            Self::Cycle(_) => "let one of them be called by a service of its own: a request in a cycle of bounded workers waits for itself",
            Self::Unreachable(_) => "let something call it, or the workload ask it, or take it out",
            Self::KeysWithoutStore(_) => "write stores: true, or take keys out",
            Self::Empty => "give one: services: [Service(name: \"gateway\", work: Exponential(\"1ms\"))]",
        }
    }
}

/// What a call leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The place of the service.
    pub service: u16,
    /// The place of its endpoint.
    pub endpoint: u16,
    /// Whether the caller can do without.
    pub optional: bool,
    /// How it is called.
    pub policy: Policy,
}

/// Services that fit together, and the requests of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    services: Vec<Service>,
    /// Of each service, the routes of its calls, in order over endpoints and steps.
    routes: Vec<Vec<Route>>,
    /// The route of clients' requests.
    root: Route,
    /// Of each service, the index of the node of its first instance.
    first: Vec<u32>,
    has_deadlines: bool,
}

impl Graph {
    /// Services that clients ask by this call.
    ///
    /// # Errors
    /// All that is wrong with them. What is wrong with the call of the clients has neither a service nor a call.
    pub fn new(services: Vec<Service>, root: &Call) -> Result<Arc<Self>, Vec<Flaw>> {
        let mut flaws = Vec::new();
        if services.is_empty() {
            return Err(vec![Flaw { service: None, call: None, what: Wrong::Empty }]);
        }
        named(&services, &mut flaws);
        let mut graph = DiGraph::<(), ()>::with_capacity(services.len(), 0);
        for _ in &services {
            graph.add_node(());
        }
        let mut routes = Vec::new();
        for (place, service) in services.iter().enumerate() {
            let mut own = Vec::new();
            for (number, call) in service.calls().enumerate() {
                match route(&services, call) {
                    Ok(route) => {
                        graph.add_edge(NodeIndex::new(place), NodeIndex::new(usize::from(route.service)), ());
                        own.push(route);
                    }
                    Err(what) => flaws.push(Flaw { service: Some(place), call: Some(number), what }),
                }
            }
            routes.push(own);
        }
        let root = route(&services, root).map_err(|what| flaws.push(Flaw { service: None, call: None, what })).ok();
        cycles(&services, &graph, &mut flaws);
        let Some(root) = root.filter(|_| flaws.is_empty()) else { return Err(flaws) };
        unreachable(&services, &graph, &root, &mut flaws);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let mut nodes = 0;
        let first = services.iter().map(|service| (nodes, nodes += service.instances).0).collect();
        let has_deadlines = routes.iter().flatten().chain([&root]).any(|route| route.policy.deadline.is_some());
        Ok(Arc::new(Self { services, routes, root, first, has_deadlines }))
    }

    /// The services, as they were given.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service at this place.
    pub fn service(&self, place: u16) -> &Service {
        &self.services[usize::from(place)]
    }

    /// The routes of the calls of the service at this place.
    pub fn routes(&self, place: u16) -> &[Route] {
        &self.routes[usize::from(place)]
    }

    /// The route of clients' requests.
    pub fn root(&self) -> &Route {
        &self.root
    }

    /// Whether any call has a deadline.
    pub fn has_deadlines(&self) -> bool {
        self.has_deadlines
    }

    /// How many instances all services have together.
    pub fn nodes(&self) -> u32 {
        self.services.iter().map(|service| service.instances).sum()
    }

    /// The node of an instance.
    pub fn node(&self, service: u16, instance: u32) -> NodeId {
        NodeId::server(self.first[usize::from(service)] + instance)
    }

    /// The service that runs on a server, and which of its instances.
    pub fn at(&self, node: NodeId) -> (u16, u32) {
        let index = node.index() as u32;
        let service = self.first.partition_point(|first| *first <= index).saturating_sub(1);
        (service as u16, index - self.first[service])
    }
}

impl Service {
    /// Its calls, in order over endpoints and steps.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.endpoints.iter().flat_map(|endpoint| endpoint.steps.iter().flatten())
    }

    /// The number of the first call of each step of this endpoint, and how many calls the step has.
    pub(super) fn steps(&self, endpoint: u16) -> Vec<(u16, u16)> {
        let endpoint = usize::from(endpoint);
        let mut first = self.endpoints[..endpoint].iter().flat_map(|before| &before.steps).map(Vec::len).sum::<usize>();
        let steps = self.endpoints[endpoint].steps.iter();
        steps.map(|step| ((first as u16, step.len() as u16), first += step.len()).0).collect()
    }
}

fn named(services: &[Service], flaws: &mut Vec<Flaw>) {
    for (place, service) in services.iter().enumerate() {
        let mut flaw = |what| flaws.push(Flaw { service: Some(place), call: None, what });
        if services[..place].iter().any(|other| other.name == service.name) {
            flaw(Wrong::NameTaken(service.name.clone()));
        }
        if service.keys.is_some() && !service.stores {
            flaw(Wrong::KeysWithoutStore(service.name.clone()));
        }
        let names = [&service.name].into_iter().chain(service.endpoints.iter().map(|endpoint| &endpoint.name));
        names.filter(|name| name.contains('.')).for_each(|name| flaw(Wrong::Dotted(name.clone())));
        for (number, endpoint) in service.endpoints.iter().enumerate() {
            if service.endpoints[..number].iter().any(|other| other.name == endpoint.name) {
                flaw(Wrong::NameTaken(format!("{}.{}", service.name, endpoint.name)));
            }
        }
    }
}

fn route(services: &[Service], Call { to, optional, policy }: &Call) -> Result<Route, Wrong> {
    let (name, endpoint) = to.split_once('.').unwrap_or((to, ""));
    let place = services.iter().position(|service| service.name == name).ok_or_else(|| Wrong::Unknown(name.to_owned()))?;
    let endpoints = &services[place].endpoints;
    let found = endpoints.iter().position(|known| known.name == endpoint || endpoint.is_empty() && endpoints.len() == 1);
    let found = found.ok_or_else(|| Wrong::NoEndpoint(name.to_owned(), endpoint.to_owned()))?;
    Ok(Route { service: place as u16, endpoint: found as u16, optional: *optional, policy: policy.clone() })
}

fn cycles(services: &[Service], graph: &DiGraph<(), ()>, flaws: &mut Vec<Flaw>) {
    for component in tarjan_scc(graph) {
        let Some(start) = component.iter().copied().min() else { continue };
        let back = graph.neighbors(start).filter(|next| component.contains(next)).filter_map(|next| {
            let is_back = |node| node == start;
            astar(graph, next, is_back, |_| 1, |_| 0).map(|(_, path)| path)
        });
        if let Some(path) = back.min_by_key(Vec::len) {
            let names = [start].into_iter().chain(path).map(|node| services[node.index()].name.clone()).collect();
            flaws.push(Flaw { service: Some(start.index()), call: None, what: Wrong::Cycle(names) });
        }
    }
}

fn unreachable(services: &[Service], graph: &DiGraph<(), ()>, root: &Route, flaws: &mut Vec<Flaw>) {
    let mut walk = Dfs::new(graph, NodeIndex::new(usize::from(root.service)));
    let mut reached = vec![false; services.len()];
    while let Some(node) = walk.next(graph) {
        reached[node.index()] = true;
    }
    for (place, service) in services.iter().enumerate().filter(|(place, _)| !reached[*place]) {
        flaws.push(Flaw { service: Some(place), call: None, what: Wrong::Unreachable(service.name.clone()) });
    }
}
