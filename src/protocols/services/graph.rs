//! The graph of services: what each is made of, which calls which, and what is wrong with one that cannot run.

use std::sync::Arc;

use petgraph::algo::{astar, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;
use serde::Serialize;

use super::policy::Policy;
use crate::base::{Duration, LocalTime, NodeId, Ratio};
use crate::policies::cache::CacheSettings;
use crate::policies::credits::CreditSettings;
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
    /// How much there is of each item: so many requests to write it succeed, less what is undone; nothing if any number.
    pub stock: Option<u32>,
    /// Whether each item is there from the beginning, and not only when it has been written.
    pub filled: bool,
    /// How many requests an instance works on at once at most, as the limit has it just then; nothing if workers alone bound it.
    pub limit: Option<ConcurrencySettings>,
    /// How many requests an instance takes; nothing if any number.
    pub rate: Option<TokenBucketSettings>,
    /// What can be asked of it, one at least.
    pub endpoints: Vec<Endpoint>,
    /// Where its instances register, and how; nothing if all know them from the beginning.
    pub registers: Option<Registering>,
    /// That it is no service but a registry of the others' instances.
    pub registry: Option<RegistrySettings>,
    /// Instances that are unlike the others.
    pub unlike: Vec<Unlike>,
}

/// How instances register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registering {
    /// The name of the registry.
    pub registry: String,
    /// How often an instance says that it is there.
    pub every: Duration,
}

/// What a registry goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// How long an instance is listed after it was heard of last.
    pub lease: Duration,
}

/// An instance that is unlike the others of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlike {
    /// Which, counted from 1.
    pub instance: u32,
    /// How long its work takes, in percent of that of the others.
    pub work_percent: u32,
    /// How often its work fails; nothing if as often as that of the others.
    pub fails: Option<Ratio>,
    /// How much it is to get, beside the others, which weigh 1.
    pub weight: u32,
    /// From when on its work is unlike.
    pub from: Duration,
    /// For how long; nothing if for good.
    pub lasting: Option<Duration>,
}

impl Unlike {
    /// Whether its work is unlike that of the others now.
    pub(super) fn lasts(&self, now: LocalTime) -> bool {
        let began = LocalTime::from_nanos(0) + self.from;
        now >= began && self.lasting.is_none_or(|lasting| now < began + lasting)
    }
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
    /// What a request does to what the service stores.
    pub does: Does,
    /// Whether the effects of its calls belong together: all of them, or none.
    pub atomic: bool,
    /// How many of the requests are wrong themselves: they fail however often they are tried.
    pub rejects: Ratio,
    /// The calls that it makes then: those of a step at once, one step after the other.
    pub steps: Vec<Vec<Call>>,
}

/// What a request does to what a service stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Does {
    /// It has an effect.
    #[default]
    Writes,
    /// It has none, and tells what there is under its item.
    Reads,
    /// It undoes the effect that a call had: a compensation.
    Undoes,
}

impl Does {
    /// Whether it is what requests do as a rule.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::Writes
    }
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
    /// How its answers are kept by the instance that makes it; not at all without.
    pub cache: Option<CacheSettings>,
    /// What undoes it, where it is a step of a saga: an endpoint of the same service.
    pub undo: Option<String>,
}

impl Call {
    /// One that has nothing but this.
    pub fn new(to: String, policy: Policy) -> Self {
        Self { to, optional: false, policy, cache: None, undo: None }
    }
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
    /// It stores nothing, and has what only a store can have.
    NoStore(String),
    /// What this endpoint of a service does is not undone by a call.
    UndoesNothing(String, String),
    /// An endpoint whose calls belong together is one of a service that stores something itself.
    AtomicStore(String),
    /// A call is undone, and nothing demands that it be.
    UndoOutsideSaga(String),
    /// What is called does not read what is stored, and is cached.
    CachesWrites(String),
    /// It registers where there is no registry.
    NoRegistry(String),
    /// A registry of this name is called, or has clients.
    RegistryCalled(String),
    /// A store registers, whose instances are known by the keys that they have.
    StoreRegisters(String),
    /// It has no such instance.
    NoInstance(String, u32),
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
            Self::NoStore(name) => format!("`{name}` stores nothing that could be read, undone or used up"),
            Self::UndoesNothing(service, to) => format!("`{to}` does not undo what `{service}` has done"),
            Self::AtomicStore(name) => format!("`{name}` stores something, and has an endpoint that is atomic"),
            Self::UndoOutsideSaga(name) => format!("a call of `{name}` is to be undone, and its endpoint is not atomic"),
            Self::CachesWrites(to) => format!("answers of `{to}` are cached, which reads nothing"),
            Self::NoRegistry(name) => format!("there is no registry `{name}`"),
            Self::RegistryCalled(name) => format!("`{name}` is a registry, and serves no requests"),
            Self::StoreRegisters(name) => format!("`{name}` stores, and which of its instances is asked hangs on the key"),
            Self::NoInstance(name, instance) => format!("`{name}` has no instance {instance}"),
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
            Self::NoStore(_) => "write stores: true, or leave out what its endpoints do, and stock",
            Self::UndoesNothing(..) => "name an endpoint of the service that is called, with does: Undoes",
            Self::AtomicStore(_) => {
                "put what it stores into a service of its own: an orchestrator has a log of sagas on its disk, and nothing else"
            }
            Self::UndoOutsideSaga(_) => "write atomic: true for the endpoint, or take undo out",
            Self::CachesWrites(_) => "call an endpoint of a store with does: Reads, or a service that calls such a one",
            Self::NoRegistry(_) => "give one in the list of services: Registry(name: \"registry\", lease: \"3s\")",
            Self::RegistryCalled(_) => "call a service; callers find its instances in the registry where it is registered",
            Self::StoreRegisters(_) => "leave out where it is registered",
            Self::NoInstance(..) => "instances are counted from 1",
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
    /// What it does to what is stored there.
    pub does: Does,
    /// How its answers are kept.
    pub cache: Option<CacheSettings>,
    /// The route by which it is undone, in the list of its caller.
    pub undo: Option<u16>,
}

/// Services that fit together, and the requests of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    services: Vec<Service>,
    /// Of each service, the routes of its calls, in order over endpoints and steps, and then those by which they are undone.
    routes: Vec<Vec<Route>>,
    /// The routes of clients' requests.
    roots: Vec<Route>,
    /// Of each service, the index of the node of its first instance.
    first: Vec<u32>,
    has_deadlines: bool,
    has_items: bool,
    /// Of each service, the place of the registry that has its instances.
    registries: Vec<Option<u16>>,
    /// Of each service, whether callers ask its instances how loaded they are.
    probed: Vec<bool>,
}

impl Graph {
    /// Services that clients ask by these calls, one at least.
    ///
    /// # Errors
    /// All that is wrong with them. What is wrong with a call of the clients has no service.
    pub fn new(services: Vec<Service>, roots: &[Call]) -> Result<Arc<Self>, Vec<Flaw>> {
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
            undone(&services, place, &mut own, &mut flaws);
            routes.push(own);
        }
        let registries = registries(&services, &mut graph, &mut flaws);
        let mut asked = Vec::new();
        for (number, call) in roots.iter().enumerate() {
            match route(&services, call) {
                Ok(route) => asked.push(route),
                Err(what) => flaws.push(Flaw { service: None, call: Some(number), what }),
            }
        }
        cycles(&services, &graph, &mut flaws);
        if !flaws.is_empty() || asked.is_empty() {
            return Err(flaws);
        }
        unreachable(&services, &graph, &asked, &mut flaws);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let mut nodes = 0;
        let first = services.iter().map(|service| (nodes, nodes += service.instances).0).collect();
        let all = || routes.iter().flatten().chain(&asked);
        let has_deadlines = all().any(|route| route.policy.deadline.is_some());
        let has_items = services.iter().any(Service::has_items) || routes.iter().flatten().any(|route| route.cache.is_some());
        let is_probed = |place: usize| all().any(|route| usize::from(route.service) == place && route.policy.probes());
        let probed = (0..services.len()).map(is_probed).collect();
        Ok(Arc::new(Self { services, routes, roots: asked, first, has_deadlines, has_items, registries, probed }))
    }

    /// The services, as they were given.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service at this place.
    pub fn service(&self, place: u16) -> &Service {
        &self.services[usize::from(place)]
    }

    /// The routes of the calls of the service at this place, and then those by which they are undone.
    pub fn routes(&self, place: u16) -> &[Route] {
        &self.routes[usize::from(place)]
    }

    /// The route of clients' requests: of several the first.
    pub fn root(&self) -> &Route {
        &self.roots[0]
    }

    /// The routes of all that clients ask for, one at least.
    pub fn roots(&self) -> &[Route] {
        &self.roots
    }

    /// Whether requests are about items.
    pub fn has_items(&self) -> bool {
        self.has_items
    }

    /// The credits that a node needs for its call of this number.
    pub fn credits(&self, caller: NodeId, site: u16) -> Option<&CreditSettings> {
        let routes = if caller.is_client() { &self.roots } else { self.routes(self.at(caller).0) };
        routes.get(usize::from(site))?.policy.credits.as_ref()
    }

    /// How old what clients read may be at most, on account of the caches that lie between.
    pub fn staleness(&self) -> Duration {
        self.roots.iter().map(|route| self.staleness_of(None, route)).max().unwrap_or(Duration::ZERO)
    }

    /// How old what is read by a route may be that this service has; a client if none.
    fn staleness_of(&self, caller: Option<usize>, route: &Route) -> Duration {
        let kept = route.cache.filter(|_| !self.is_coherent(caller, route)).map_or(Duration::ZERO, |cache| {
            let used = cache.ttl + cache.stale.max(cache.stale_on_error);
            used.max(cache.negative.unwrap_or(Duration::ZERO))
        });
        let (first, count) = self.service(route.service).calls_of(route.endpoint);
        let behind = &self.routes(route.service)[first..first + count];
        let behind = behind.iter().map(|next| self.staleness_of(Some(usize::from(route.service)), next)).max();
        kept + behind.unwrap_or(Duration::ZERO)
    }

    /// Whether a cache before a route learns of every change: all of them go through the one instance that has it.
    fn is_coherent(&self, caller: Option<usize>, route: &Route) -> bool {
        let changes = |other: &Route| other.service == route.service && other.does != Does::Reads;
        let (Some(caller), true) = (caller, self.service(route.service).stores) else { return false };
        let elsewhere = self.routes.iter().enumerate().filter(|(place, _)| *place != caller).flat_map(|(_, routes)| routes);
        self.services[caller].instances == 1 && !elsewhere.chain(&self.roots).any(changes)
    }

    /// The places of the calls of an endpoint whose effects belong together.
    pub(super) fn effects_of(&self, service: u16, endpoint: u16) -> impl Iterator<Item = u16> {
        let (first, count) = self.service(service).calls_of(endpoint);
        let routes = &self.routes(service)[first..first + count];
        let has_effect = |route: &Route| !route.optional && route.does == Does::Writes && self.service(route.service).stores;
        (first as u16..).zip(routes).filter(move |(_, route)| has_effect(route)).map(|(call, _)| call)
    }

    /// Whether any call has a deadline.
    pub fn has_deadlines(&self) -> bool {
        self.has_deadlines
    }

    /// The place of the registry that has the instances of a service; nothing if all know them.
    pub fn registry_of(&self, place: u16) -> Option<u16> {
        self.registries[usize::from(place)]
    }

    /// Whether callers ask the instances of a service how loaded they are.
    pub(super) fn is_probed(&self, place: u16) -> bool {
        self.probed[usize::from(place)]
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

    /// Whether it knows items apart.
    pub fn has_items(&self) -> bool {
        self.stores && (self.stock.is_some() || self.endpoints.iter().any(|endpoint| endpoint.does != Does::Writes))
    }

    /// Whether one of its endpoints has calls whose effects belong together.
    pub fn is_orchestrator(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.atomic)
    }

    /// The number of the first call of this endpoint, and how many it has.
    fn calls_of(&self, endpoint: u16) -> (usize, usize) {
        let calls = |endpoint: &Endpoint| endpoint.steps.iter().map(Vec::len).sum::<usize>();
        let endpoint = usize::from(endpoint);
        (self.endpoints[..endpoint].iter().map(calls).sum(), calls(&self.endpoints[endpoint]))
    }

    /// The number of the first call of each step of this endpoint, and how many calls the step has.
    pub(super) fn steps(&self, endpoint: u16) -> Vec<(u16, u16)> {
        let (mut first, _) = self.calls_of(endpoint);
        let steps = self.endpoints[usize::from(endpoint)].steps.iter();
        steps.map(|step| ((first as u16, step.len() as u16), first += step.len()).0).collect()
    }
}

/// The registry of each service, which requests reach through what is registered there.
fn registries(services: &[Service], graph: &mut DiGraph<(), ()>, flaws: &mut Vec<Flaw>) -> Vec<Option<u16>> {
    let mut found = Vec::new();
    for (place, service) in services.iter().enumerate() {
        let registry = service.registers.as_ref().map(|registering| &registering.registry);
        let named = registry.map(|name| (name, services.iter().position(|other| other.registry.is_some() && other.name == *name)));
        let what = match named {
            Some((name, None)) => Some(Wrong::NoRegistry(name.clone())),
            Some(_) if service.stores => Some(Wrong::StoreRegisters(service.name.clone())),
            _ => None,
        };
        flaws.extend(what.map(|what| Flaw { service: Some(place), call: None, what }));
        let registry = named.and_then(|(_, registry)| registry);
        if let Some(registry) = registry {
            graph.add_edge(NodeIndex::new(place), NodeIndex::new(registry), ());
        }
        found.push(registry.map(|registry| registry as u16));
    }
    found
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
        if !service.stores && (service.stock.is_some() || service.endpoints.iter().any(|endpoint| endpoint.does != Does::Writes)) {
            flaw(Wrong::NoStore(service.name.clone()));
        }
        if service.stores && service.is_orchestrator() {
            flaw(Wrong::AtomicStore(service.name.clone()));
        }
        let odd = service.unlike.iter().find(|odd| !(1..=service.instances).contains(&odd.instance));
        odd.into_iter().for_each(|odd| flaw(Wrong::NoInstance(service.name.clone(), odd.instance)));
        let names = [&service.name].into_iter().chain(service.endpoints.iter().map(|endpoint| &endpoint.name));
        names.filter(|name| name.contains('.')).for_each(|name| flaw(Wrong::Dotted(name.clone())));
        for (number, endpoint) in service.endpoints.iter().enumerate() {
            if service.endpoints[..number].iter().any(|other| other.name == endpoint.name) {
                flaw(Wrong::NameTaken(format!("{}.{}", service.name, endpoint.name)));
            }
        }
    }
}

fn route(services: &[Service], call: &Call) -> Result<Route, Wrong> {
    let Call { to, optional, policy, cache, .. } = call;
    let (service, endpoint) = target(services, to)?;
    let does = services[service].endpoints[endpoint].does;
    if cache.is_some() && services[service].stores && does != Does::Reads {
        return Err(Wrong::CachesWrites(to.clone()));
    }
    let (service, endpoint) = (service as u16, endpoint as u16);
    Ok(Route { service, endpoint, optional: *optional, policy: policy.clone(), does, cache: *cache, undo: None })
}

/// The places of a service, and of an endpoint of it.
fn target(services: &[Service], to: &str) -> Result<(usize, usize), Wrong> {
    let (name, endpoint) = to.split_once('.').unwrap_or((to, ""));
    let place = services.iter().position(|service| service.name == name).ok_or_else(|| Wrong::Unknown(name.to_owned()))?;
    if services[place].registry.is_some() {
        return Err(Wrong::RegistryCalled(name.to_owned()));
    }
    let endpoints = &services[place].endpoints;
    let found = endpoints.iter().position(|known| known.name == endpoint || endpoint.is_empty() && endpoints.len() == 1);
    Ok((place, found.ok_or_else(|| Wrong::NoEndpoint(name.to_owned(), endpoint.to_owned()))?))
}

/// Adds the routes by which the calls of a service are undone to those of its calls.
fn undone(services: &[Service], place: usize, routes: &mut Vec<Route>, flaws: &mut Vec<Flaw>) {
    let of_endpoint = |endpoint: &Endpoint| vec![endpoint.atomic; endpoint.steps.iter().map(Vec::len).sum()];
    let atomic = services[place].endpoints.iter().flat_map(of_endpoint);
    for (number, (call, atomic)) in services[place].calls().zip(atomic).enumerate() {
        let (Some(undo), Some(of)) = (&call.undo, routes.get(number)) else { continue };
        let mut flaw = |what| flaws.push(Flaw { service: Some(place), call: Some(number), what });
        let called = &services[usize::from(of.service)].name;
        match target(services, undo) {
            Err(what) => flaw(what),
            Ok((service, endpoint)) if service != usize::from(of.service) || services[service].endpoints[endpoint].does != Does::Undoes => {
                flaw(Wrong::UndoesNothing(called.clone(), undo.clone()));
            }
            Ok(_) if !atomic => flaw(Wrong::UndoOutsideSaga(services[place].name.clone())),
            Ok((_, endpoint)) => {
                // It is tried until it succeeds: what guards a call, or bounds it, would only put that off.
                let timeout = of.policy.timeout.or(Some(UNDO_TIMEOUT));
                let policy = Policy { timeout, retry: of.policy.retry.clone(), balance: of.policy.balance.clone(), ..Policy::default() };
                let route = Route { endpoint: endpoint as u16, policy, does: Does::Undoes, cache: None, undo: None, ..of.clone() };
                let added = routes.len() as u16;
                routes[number].undo = Some(added);
                routes.push(route);
            }
        }
    }
}

/// After how long without an answer a compensation is tried again, where its call has no time-out.
const UNDO_TIMEOUT: Duration = Duration::from_secs(1);

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

fn unreachable(services: &[Service], graph: &DiGraph<(), ()>, roots: &[Route], flaws: &mut Vec<Flaw>) {
    let mut walk = Dfs::empty(graph);
    let mut reached = vec![false; services.len()];
    for root in roots {
        walk.move_to(NodeIndex::new(usize::from(root.service)));
        while let Some(node) = walk.next(graph) {
            reached[node.index()] = true;
        }
    }
    for (place, service) in services.iter().enumerate().filter(|(place, _)| !reached[*place]) {
        flaws.push(Flaw { service: Some(place), call: None, what: Wrong::Unreachable(service.name.clone()) });
    }
}
