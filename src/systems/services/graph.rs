//! How services are written: `Service(name: "users", instances: 2, work: Exponential("2ms"))`.

use std::sync::Arc;

use super::guards::{CacheFields, CallFields, Guard, Switch};
use super::lengths::Lengths;
use crate::base::{Duration, Rate, Ratio};
use crate::diagnostic::suggestion;
use crate::notation::{
    Chance, Codec as _, Count, Fields, Flag, Form, Length, Maybe, OneOf, Parsed, PositiveLength, Record, Required, Setting, Settings, Text,
    Variant, Within, codec, codecs, joined, settings,
};
use crate::policies::SettingError;
use crate::policies::limiter::{AimdSettings, Concurrency, ConcurrencySettings, TokenBucketSettings};
use crate::policies::queue::{CoDelSettings, Discipline, Queue, QueueSettings, WhenFull};
use crate::policies::sampler::Distribution;
use crate::protocols::services::{Call, Does, Endpoint, Flaw, Graph, Registering, RegistrySettings, Service, Unlike, Wrong};

settings! {
    /// `Service`: what runs, and how often.
    struct ServiceFields {
        /// What the service is called; no other is called so.
        name: Option<String> = None, Required(Text);
        /// How many instances it has, each on a node of its own.
        instances: u32 = 1, Count(1..=10_000);
        /// How many requests an instance works on at once.
        workers: u32 = 1, Count(1..=1_000_000);
        /// Whether a worker is held while the calls of its request are under way, as a thread is that waits. Else it is free when its own
        /// work is done.
        holds: bool = true, Flag;
        /// Where requests wait for a worker.
        queue: QueueFields = QueueFields::default(), Record::like("(bound: 100, discipline: Fifo)");
        /// Whether each request has an effect on what the service stores. It is answered when that is on disk. Of several instances each
        /// stores what the ids of calls assign to it, and is asked for that alone.
        stores: bool = false, Flag;
        /// For how long it is remembered under its idempotency key what was answered to a request, so that one that comes again has no
        /// effect. A request that comes later than that is a new one: callers try none again once half of that time has passed.
        keys: Option<Duration> = None, Maybe(PositiveLength);
        /// Of a store: how much there is of each item. Each effect takes one, and undoing it gives one back; a request that finds none
        /// fails.
        stock: Option<u32> = None, Maybe(Count(1..));
        /// Of a store: whether each item is there from the beginning. Else it is only when it has been written.
        filled: bool = true, Flag;
        /// How many requests an instance works on at once at most: a limit that gives way where requests take long (AIMD), or a fixed one.
        limit: Option<LimitFields> = None, Switch::like("(initial: 10, most: 100, timeout: \"100ms\")");
        /// How many requests an instance takes a second or minute (a token bucket); the others are turned away.
        rate: Option<Rate> = None, Maybe(Parsed("a rate, like \"100/s\""));
        /// With a rate: how many may come at once.
        burst: u32 = 10, Count(1..);
        /// Endpoints with work and calls of their own, in place of `work`, `fails` and `calls`.
        endpoints: Vec<Endpoint> = Vec::new(), Endpoints;
        /// The registry where instances register: callers know those that it lists. Without it, all know all instances from the beginning.
        registry: Option<String> = None, Maybe(Text);
        /// With a registry: how often an instance says that it is there.
        heartbeat: Duration = Duration::from_secs(1), PositiveLength;
        /// Instances that are unlike the others: slower, failing more often, or heavier.
        unlike: Vec<Unlike> = Vec::new(), Unlikes;
    }
}

settings! {
    /// An instance that is unlike the others.
    struct UnlikeFields {
        /// Which, counted from 1.
        instance: u32 = 1, Count(1..=10_000);
        /// How long its work takes, in percent of that of the others.
        work_percent: u32 = 100, Count(0..=1_000_000);
        /// How often its work fails. Without it, as often as that of the others.
        fails: Option<Ratio> = None, Maybe(Chance);
        /// How much it is to get, beside the others, which weigh 1, by a balance that weighs.
        weight: u32 = 1, Count(0..=1_000_000);
        /// From when on its work is unlike.
        from: Duration = Duration::ZERO, Length;
        /// For how long. Without it, for good.
        lasting: Option<Duration> = None, Maybe(PositiveLength);
    }
}

const UNLIKE: Record<UnlikeFields> = Record::like("(instance: 1, work_percent: 1000)");

codecs! {
    /// Instances that are unlike the others.
    Unlikes: Vec<Unlike> = |form: Form<'_>| form.list(|form| UNLIKE.read(form).map(Into::into)), unlikes_written,
        "a list of instances, like `[(instance: 1, work_percent: 1000)]`", within Within::Fields(UnlikeFields::declared()).each();
}

impl From<UnlikeFields> for Unlike {
    fn from(UnlikeFields { instance, work_percent, fails, weight, from, lasting }: UnlikeFields) -> Self {
        Self { instance, work_percent, fails, weight, from, lasting }
    }
}

fn unlikes_written(all: &[Unlike]) -> String {
    let one = |unlike: &Unlike| {
        let Unlike { instance, work_percent, fails, weight, from, lasting } = *unlike;
        UNLIKE.write_whole(&UnlikeFields { instance, work_percent, fails, weight, from, lasting })
    };
    if all.is_empty() { String::new() } else { format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(", ")) }
}

settings! {
    /// `Registry`.
    struct RegistryFields {
        /// What the registry is called.
        name: Option<String> = None, Required(Text);
        /// How many instances it has, each on a node of its own. Instances of services register at each, and callers ask them in turn.
        instances: u32 = 1, Count(1..=100);
        /// How long an instance is listed after it was heard of last. A registry that starts says nothing for as long: it has not heard of
        /// all.
        lease: Duration = Duration::from_secs(3), PositiveLength;
    }
}

settings! {
    /// `Proxy`: what it is. What it calls, and how, stands beside it.
    struct ProxyFields {
        /// What the proxy is called.
        name: Option<String> = None, Required(Text);
        /// How many instances it has, each on a node of its own.
        instances: u32 = 1, Count(1..=10_000);
        /// How long it takes to pass a request on.
        work: Distribution = Distribution::Constant(Duration::ZERO), Lengths;
    }
}

settings! {
    /// A limit on how many requests are worked on at once.
    #[derive(Clone, Debug)]
    pub(super) struct LimitFields {
        /// How many at first; and always, where no `timeout` is given.
        initial: u32 = 10, Count(1..);
        /// How many at least.
        least: u32 = 1, Count(1..);
        /// How many at most.
        most: u32 = 1000, Count(1..);
        /// A request that takes longer, or fails, makes the limit smaller. Without it, the limit stays as it is.
        timeout: Option<Duration> = None, Maybe(PositiveLength);
    }
}

impl Guard for LimitFields {
    fn check(&self) -> Result<(), SettingError> {
        Concurrency::new(&self.clone().into()).map(drop)
    }
}

impl From<LimitFields> for ConcurrencySettings {
    fn from(LimitFields { initial, least, most, timeout }: LimitFields) -> Self {
        match timeout {
            Some(timeout) => Self::Aimd(AimdSettings { initial, least, most, timeout, ..AimdSettings::default() }),
            None => Self::Fixed(initial),
        }
    }
}

impl LimitFields {
    /// The fields that say this; nothing of a limit that they cannot say.
    fn of(settings: &ConcurrencySettings) -> Option<Self> {
        match *settings {
            ConcurrencySettings::Fixed(initial) => Some(Self { initial, ..Self::default() }),
            ConcurrencySettings::Aimd(AimdSettings { initial, least, most, timeout, .. }) => {
                Some(Self { initial, least, most, timeout: Some(timeout) })
            }
            ConcurrencySettings::Vegas(_) => None,
        }
    }
}

settings! {
    /// What is done for a request.
    struct WorkFields {
        /// How long the own work on a request takes, before its calls.
        work: Distribution = Distribution::Constant(Duration::ZERO), Lengths;
        /// How often that fails.
        fails: Ratio = Ratio::NEVER, Chance;
        /// What a request does to what the service stores.
        does: Does = Does::Writes, OneOf("what a request does", &DOES);
        /// Whether the effects of its calls belong together: all of them happen, or none. Its calls have an `undo` then, and where one
        /// fails for good, those that were begun are undone (a saga). Of several instances each has the part of the calls that falls to it.
        atomic: bool = false, Flag;
        /// How many of the requests are wrong themselves: they fail however often they are tried, and are not tried again.
        rejects: Ratio = Ratio::NEVER, Chance;
        /// The calls that are made then, one after the other; those of a `Parallel` at once.
        calls: Vec<Vec<Call>> = Vec::new(), Calls;
    }
}

settings! {
    /// `Endpoint`: its name. What is done for a request stands beside it.
    struct EndpointName {
        /// What the endpoint is called: `get`, to be called as `users.get`.
        name: Option<String> = None, Required(Text);
    }
}

settings! {
    /// A queue.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct QueueFields {
        /// How many requests wait at most; without it, any number.
        bound: Option<u32> = None, Maybe(Count(0..));
        /// Which request is taken next.
        discipline: Order = Order::Fifo, OneOf("a discipline", &ORDERS);
        /// With `AdaptiveLifo`: above how many the last is taken first.
        above: u32 = 100, Count(0..);
        /// What becomes of a request that finds the queue full.
        when_full: WhenFull = WhenFull::Refuse, OneOf("what is done", &WHEN_FULL);
        /// CoDel: how long requests may wait, before some are dropped. Without it, none is.
        codel: Option<Duration> = None, Maybe(PositiveLength);
        /// CoDel: for how long all must have waited longer than that.
        interval: Duration = Duration::from_millis(100), PositiveLength;
        /// Whether a request is dropped in the queue when its deadline has passed.
        drop_expired: bool = true, Flag;
    }
}

static DOES: [(&str, &str, Does); 3] = [
    ("Writes", "Where the service stores, it has an effect.", Does::Writes),
    ("Reads", "It has no effect, and its answer tells what there is under its item: how often that was changed.", Does::Reads),
    (
        "Undoes",
        "It undoes the effect of a call, which is refused from then on if it comes later. It is what an `undo` names.",
        Does::Undoes,
    ),
];

/// Which request is taken next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Fifo,
    Lifo,
    AdaptiveLifo,
    Priority,
}

static ORDERS: [(&str, &str, Order); 4] = [
    ("Fifo", "The one that has waited longest.", Order::Fifo),
    ("Lifo", "The one that came last.", Order::Lifo),
    ("AdaptiveLifo", "The one that has waited longest, and while many wait the one that came last.", Order::AdaptiveLifo),
    ("Priority", "The most important one; of equals the one that has waited longest.", Order::Priority),
];

static WHEN_FULL: [(&str, &str, WhenFull); 2] = [
    ("Refuse", "It is refused.", WhenFull::Refuse),
    ("ShedLowest", "The least important one that waits goes for it, if that is less important.", WhenFull::ShedLowest),
];

impl From<QueueFields> for QueueSettings {
    fn from(QueueFields { bound, discipline, above, when_full, codel, interval, drop_expired }: QueueFields) -> Self {
        let discipline = match discipline {
            Order::Fifo => Discipline::Fifo,
            Order::Lifo => Discipline::Lifo,
            Order::AdaptiveLifo => Discipline::AdaptiveLifo { above },
            Order::Priority => Discipline::Priority,
        };
        let codel = codel.map(|target| CoDelSettings { target, interval });
        Self { bound, discipline, when_full, codel, drop_expired }
    }
}

impl From<QueueSettings> for QueueFields {
    fn from(QueueSettings { bound, discipline, when_full, codel, drop_expired }: QueueSettings) -> Self {
        let usual = Self::default();
        let (discipline, above) = match discipline {
            Discipline::Fifo => (Order::Fifo, usual.above),
            Discipline::Lifo => (Order::Lifo, usual.above),
            Discipline::AdaptiveLifo { above } => (Order::AdaptiveLifo, above),
            Discipline::Priority => (Order::Priority, usual.above),
        };
        let interval = codel.map_or(usual.interval, |codel| codel.interval);
        Self { bound, discipline, above, when_full, codel: codel.map(|codel| codel.target), interval, drop_expired }
    }
}

codecs! {
    /// Services.
    pub(super) Services: Vec<Service> = |form: Form<'_>| form.list(service), all_written,
        "a list of services, like `[Service(name: \"gateway\", work: Exponential(\"1ms\"))]`",
        within Within::OneOf("a service", SERVICES.to_vec()).each();
}

struct Endpoints;
codec!(Endpoints: Vec<Endpoint> = |_: &Self, form: Form<'_>| form.list(endpoint), endpoints_written,
    "a list of endpoints, like `[Endpoint(name: \"get\", work: Exponential(\"1ms\"))]`", Some("one, for all requests");
    within Within::OneOf("an endpoint", ENDPOINTS.to_vec()).each());

/// Calls.
struct Calls;
codec!(Calls: Vec<Vec<Call>> = |_: &Self, form: Form<'_>| form.list(step), calls_written,
    "a list of calls, like `[Call(to: \"users\"), Parallel([Call(to: \"orders\"), Call(to: \"offers\", optional: true)])]`", Some("none");
    within Within::OneOf("a call", STEPS.to_vec()).each(); like "[Call(to: \"users\")]");

const SERVICES: [Variant; 3] = [
    Variant::new("Service", "A service.", "Service(name: \"users\", instances: 2, workers: 4, work: Exponential(\"2ms\"))").with(of_services),
    Variant::new(
        "Proxy",
        "A service that passes requests on: it balances for its callers, who ask it as they would ask the service, and is a node that can fail.",
        "Proxy(name: \"proxy\", to: \"users\", balance: LeastRequests)",
    )
    .with(of_proxies),
    Variant::new(
        "Registry",
        "No service, but a list of the instances of others, which it has heard of within a lease.",
        "Registry(name: \"registry\", lease: \"3s\")",
    )
    .with(RegistryFields::declared),
];

const ENDPOINTS: [Variant; 1] =
    [Variant::new("Endpoint", "What can be asked of a service.", "Endpoint(name: \"get\", work: Exponential(\"1ms\"))").with(of_endpoints)];

const STEPS: [Variant; 2] = [
    Variant::new("Call", "A call of another service.", "Call(to: \"users\", timeout: \"50ms\")").with(of_calls),
    Variant::new("Parallel", "Calls that are made at once.", "Parallel([Call(to: \"orders\"), Call(to: \"offers\", optional: true)])"),
];

settings! {
    /// `Call`: what is called. How it is called stands beside it.
    struct Target {
        /// What is called: a service, or an endpoint of one, as in `users.get`.
        to: Option<String> = None, Required(Text);
        /// Whether the caller does without if the call fails: its answer is degraded then, and still a success.
        optional: bool = false, Flag;
        /// How answers are kept by the instance that calls, in memory.
        cache: Option<CacheFields> = None, Switch::like("(ttl: \"10s\")");
        /// What undoes the call, of an endpoint that is `atomic`: an endpoint of the same service that `does: Undoes`. It is called until
        /// it succeeds.
        undo: Option<String> = None, Maybe(Text);
    }
}

fn of_services() -> Vec<Setting> {
    [ServiceFields::declared(), WorkFields::declared()].concat()
}

fn of_proxies() -> Vec<Setting> {
    [ProxyFields::declared(), Target::declared(), CallFields::declared()].concat()
}

fn of_endpoints() -> Vec<Setting> {
    [EndpointName::declared(), WorkFields::declared()].concat()
}

fn of_calls() -> Vec<Setting> {
    [Target::declared(), CallFields::declared()].concat()
}

fn service(form: Form<'_>) -> Option<Service> {
    match form.variant_of("a service", &SERVICES)?.name {
        "Proxy" => return proxy(form),
        "Registry" => return registry(form),
        _ => {}
    }
    let mut fields = form.fields()?;
    let (own, given) = ServiceFields::read(&mut fields);
    let (work, work_given) = WorkFields::read(&mut fields);
    fields.finish();
    let ServiceFields { name, instances, workers, holds, queue, stores, keys, stock, filled, limit, rate, burst, mut endpoints, .. } = own;
    let (registry, heartbeat, unlike) = (own.registry, own.heartbeat, own.unlike);
    if endpoints.is_empty() {
        endpoints.push(work.endpoint(String::new()));
    } else if let Some(form) = ["work", "fails", "rejects", "does", "atomic", "calls"].iter().find_map(|name| work_given.form(name)) {
        form.report(form.problem("endpoints have work and calls of their own").help("put it into the endpoints that it is meant for"));
        return None;
    }
    let queue = QueueSettings::from(queue);
    if let Err(error) = Queue::<()>::new(&queue) {
        let form = given.form("queue").unwrap_or(form);
        form.report(form.problem("there is no such queue").label(error.to_string()));
        return None;
    }
    let (limit, rate) = (limit.map(Into::into), rate.map(|rate| TokenBucketSettings { rate, burst }));
    let registers = registry.map(|registry| Registering { registry, every: heartbeat });
    let service = plain(name?, instances, endpoints);
    Some(Service { workers, queue, holds, stores, keys, stock, filled, limit, rate, registers, unlike, ..service })
}

impl WorkFields {
    fn endpoint(self, name: String) -> Endpoint {
        let Self { work, fails, rejects, does, atomic, calls: steps } = self;
        Endpoint { name, work, fails, rejects, does, atomic, steps }
    }
}

/// A service with these endpoints and nothing that is unusual.
fn plain(name: String, instances: u32, endpoints: Vec<Endpoint>) -> Service {
    Service {
        name,
        instances,
        workers: 1,
        queue: QueueFields::default().into(),
        holds: true,
        stores: false,
        keys: None,
        stock: None,
        filled: true,
        limit: None,
        rate: None,
        endpoints,
        registers: None,
        registry: None,
        unlike: Vec::new(),
    }
}

/// A proxy is a service with one call, which holds no worker.
fn proxy(form: Form<'_>) -> Option<Service> {
    let mut fields = form.fields()?;
    let (ProxyFields { name, instances, work }, _) = ProxyFields::read(&mut fields);
    let call = called(&mut fields);
    fields.finish();
    let call = call?;
    let endpoint = WorkFields { work, calls: vec![vec![call]], ..WorkFields::default() }.endpoint(String::new());
    Some(Service { workers: PASSED_AT_ONCE, holds: false, ..plain(name?, instances, vec![endpoint]) })
}

/// How many requests a proxy passes on at once: any number.
const PASSED_AT_ONCE: u32 = 1_000_000;

fn registry(form: Form<'_>) -> Option<Service> {
    let mut fields = form.fields()?;
    let (RegistryFields { name, instances, lease }, _) = RegistryFields::read(&mut fields);
    fields.finish();
    Some(Service { registry: Some(RegistrySettings { lease }), ..plain(name?, instances, Vec::new()) })
}

fn endpoint(form: Form<'_>) -> Option<Endpoint> {
    form.variant_of("an endpoint", &ENDPOINTS)?;
    let mut fields = form.fields()?;
    let (EndpointName { name }, _) = EndpointName::read(&mut fields);
    let (work, _) = WorkFields::read(&mut fields);
    fields.finish();
    Some(work.endpoint(name?))
}

fn step(form: Form<'_>) -> Option<Vec<Call>> {
    if form.variant_of("a call", &STEPS)?.name == "Call" {
        return call(form).map(|call| vec![call]);
    }
    let [calls] = form.arguments(["a list of calls"])?;
    calls.list(|form| {
        form.variant_of("a call", &STEPS[..1])?;
        call(form)
    })
}

fn call(form: Form<'_>) -> Option<Call> {
    let mut fields = form.fields()?;
    let call = called(&mut fields);
    fields.finish();
    call
}

/// The call that these fields describe.
fn called(fields: &mut Fields<'_>) -> Option<Call> {
    let (Target { to, optional, cache, undo }, _) = Target::read(fields);
    let policy = CallFields::policy(fields);
    Some(Call { to: to?, optional, policy: policy?, cache: cache.map(Into::into), undo })
}

/// The graph of these services, which clients ask by these calls; what is wrong is reported at its place.
pub(super) fn fit(services: Vec<Service>, roots: &[Call], all: Form<'_>, to: &[Form<'_>]) -> Option<Arc<Graph>> {
    let flaws = match Graph::new(services.clone(), roots) {
        Ok(graph) => return Some(graph),
        Err(flaws) => flaws,
    };
    let forms = all.list(Some).unwrap_or_default();
    let names: Vec<String> = services.iter().map(|service| service.name.clone()).collect();
    for Flaw { service, call, what } in flaws {
        let place = match (service, call) {
            (None, _) if what == Wrong::Empty => all,
            (None, call) => to.get(call.unwrap_or_default()).copied().unwrap_or(all),
            (Some(service), None) => {
                let field = match what {
                    Wrong::NoRegistry(_) | Wrong::StoreRegisters(_) => "registry",
                    Wrong::NoInstance(..) => "unlike",
                    _ => "name",
                };
                forms.get(service).and_then(|form| form.fields()?.take(field)).unwrap_or(all)
            }
            (Some(service), Some(call)) => forms.get(service).and_then(|form| call_form(*form, call)).unwrap_or(all),
        };
        let problem = place.problem(what.message());
        place.report(match &what {
            Wrong::Unknown(name) => problem.help(suggestion(name, &names.iter().map(String::as_str).collect::<Vec<_>>())),
            Wrong::NoEndpoint(name, endpoint) => {
                let known = services.iter().find(|service| service.name == *name).map(|service| &service.endpoints);
                let known: Vec<&str> =
                    known.into_iter().flatten().map(|endpoint| endpoint.name.as_str()).filter(|name| !name.is_empty()).collect();
                problem.help(if known.is_empty() { "it has one endpoint, without a name".to_owned() } else { suggestion(endpoint, &known) })
            }
            what => problem.help(what.help()),
        });
    }
    None
}

/// Where the calls of a service stand; a proxy is one call itself.
fn calls_of(form: Form<'_>) -> Option<Form<'_>> {
    form.fields()?.take("calls")
}

/// Where the n-th call of a service says what it calls, counted over endpoints and steps.
fn call_form(service: Form<'_>, number: usize) -> Option<Form<'_>> {
    if service.name() == Some("Proxy") {
        return service.fields()?.take("to");
    }
    let mut lists: Vec<Form<'_>> = calls_of(service).into_iter().collect();
    let endpoints = service.fields().and_then(|mut fields| fields.take("endpoints")?.list(Some));
    lists.extend(endpoints.unwrap_or_default().into_iter().filter_map(calls_of));
    let mut calls = Vec::new();
    for step in lists.into_iter().filter_map(|list| list.list(Some)).flatten() {
        if step.name() == Some("Parallel") {
            calls.extend(step.arguments(["a list of calls"]).and_then(|[list]| list.list(Some)).unwrap_or_default());
        } else {
            calls.push(step);
        }
    }
    calls.get(number)?.fields()?.take("to")
}

fn all_written(services: &[Service]) -> String {
    let services: String = services.iter().map(|service| format!("\n            {},", service_written(service))).collect();
    format!("[{services}\n        ]")
}

fn service_written(service: &Service) -> String {
    let Service { name, instances, workers, queue, holds, stores, keys, stock, filled, limit, rate, endpoints, .. } = service.clone();
    if let Some(RegistrySettings { lease }) = service.registry {
        return format!("Registry({})", RegistryFields { name: Some(name), instances, lease }.unusual(None));
    }
    let (endpoints, only) = match &endpoints[..] {
        [only] if only.name.is_empty() => (Vec::new(), work_written(only)),
        _ => (endpoints, String::new()),
    };
    let usual = ServiceFields::default();
    let (rate, burst) = rate.map_or((None, usual.burst), |bucket| (Some(bucket.rate), bucket.burst));
    let limit = limit.as_ref().and_then(LimitFields::of);
    let heartbeat = service.registers.as_ref().map_or(usual.heartbeat, |registering| registering.every);
    let registry = service.registers.as_ref().map(|registering| registering.registry.clone());
    let own = ServiceFields {
        name: Some(name),
        instances,
        workers,
        holds,
        queue: queue.into(),
        stores,
        keys,
        stock,
        filled,
        limit,
        rate,
        burst,
        endpoints,
        registry,
        heartbeat,
        unlike: service.unlike.clone(),
    };
    format!("Service({})", joined([own.unusual(None), only]))
}

fn work_written(endpoint: &Endpoint) -> String {
    let Endpoint { work, fails, rejects, does, atomic, steps: calls, .. } = endpoint.clone();
    WorkFields { work, fails, rejects, does, atomic, calls }.unusual(None)
}

fn endpoints_written(endpoints: &[Endpoint]) -> String {
    if endpoints.is_empty() {
        return String::new();
    }
    let one = |endpoint: &Endpoint| {
        let name = EndpointName { name: Some(endpoint.name.clone()) }.written();
        format!("Endpoint({})", joined([name, work_written(endpoint)]))
    };
    format!("[{}]", endpoints.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn calls_written(steps: &[Vec<Call>]) -> String {
    let call = |Call { to, optional, policy, cache, undo }: &Call| {
        let (to, optional, cache) = (Some(to.clone()), *optional, cache.map(Into::into));
        let target = Target { to, optional, cache, undo: undo.clone() }.unusual(None);
        format!("Call({})", joined([target, CallFields::from(policy.clone()).unusual(None)]))
    };
    let step = |step: &Vec<Call>| match &step[..] {
        [only] => call(only),
        several => format!("Parallel([{}])", several.iter().map(call).collect::<Vec<_>>().join(", ")),
    };
    if steps.is_empty() { String::new() } else { format!("[{}]", steps.iter().map(step).collect::<Vec<_>>().join(", ")) }
}
