//! What the systems that store keys and values share: their clients, their part of a scenario's `workload`, and the judging of what the
//! clients saw. A protocol that implements [`KeyValue`] becomes a system as [`Kv`].
//!
//! ```ron
//! workload: (
//!     clients: 5, keys: 4, choice: Zipf("0.99"), mix: (read: 5, write: 4, cas: 1),
//!     rate: "100/s",                      // open loop; or think: "0s..10ms" for a closed one
//!     request_timeout: "250ms", operation_timeout: "2s", pause: "10ms..50ms", sessions: 64,
//! )
//! ```

use std::fmt::{Debug, Write as _};
use std::marker::PhantomData;

use super::{Check, Mutant, Nodes, Population, System, Written};
use crate::base::{DurationRange, Fields, Form, KvOp, KvResponse, Rate};
use crate::check::model::registers::Registers;
use crate::check::{Judge, PropertyKind, PropertyReport, linearizability};
use crate::history::History;
use crate::process::{Process, Service};
use crate::workload::{Client, ClientConfig, KeyChoice, KvGenerator, KvLoad, Mix, Pace, Patience};
use crate::world::Cluster;

/// The property that the clients' history is judged by.
pub const LINEARIZABILITY: Check = Check {
    name: "linearizability",
    kind: PropertyKind::Always,
    about: "what the clients saw can be put in one order, each operation between its invocation and its completion, that a single copy of \
            each key would have answered the same (Herlihy and Wing, 1990)",
};

/// The workload of a key-value system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvWorkload {
    /// How many clients there are.
    pub clients: u32,
    /// How many keys they use.
    pub keys: u32,
    /// How they choose among them.
    pub choice: KeyChoice,
    /// What they do.
    pub mix: Mix,
    /// When they do it.
    pub pace: Pace,
    /// How long they wait.
    pub patience: Patience,
    /// How many operations a client may have under way.
    pub sessions: u32,
}

impl Default for KvWorkload {
    /// Three clients that do a hundred operations a second on four keys.
    fn default() -> Self {
        Self {
            clients: 3,
            keys: 4,
            choice: KeyChoice::Uniform,
            mix: Mix { read: 5, write: 4, cas: 1 },
            pace: Pace::Open(Rate::per_second(100).expect("a hundred is a rate")),
            patience: Patience::default(),
            sessions: 64,
        }
    }
}

impl KvWorkload {
    /// The most clients and the most keys.
    const MOST: u32 = 100_000;

    /// Reads the workload: the usual one where there is none. `cas` says whether clients may compare and set.
    pub fn decode(form: Option<Form<'_>>, cas: bool) -> Option<Self> {
        let usual = Self::default();
        let usual = if cas { usual } else { Self { mix: Mix { read: 1, write: 1, cas: 0 }, ..usual } };
        let Some(form) = form else { return Some(usual) };
        let mut fields = form.fields()?;
        let clients = fields.read_or("clients", usual.clients, |form| form.count(1..=Self::MOST));
        let keys = fields.read_or("keys", usual.keys, |form| form.count(1..=Self::MOST));
        let choice = fields.read_or("choice", usual.choice, key_choice);
        let mix = fields.read_or("mix", usual.mix, |form| mix(form, cas));
        let pace = pace(fields.take("rate"), fields.take("think"), usual.pace);
        let request_timeout = fields.take("request_timeout");
        let operation_timeout = fields.take("operation_timeout");
        let pause = fields.read_or("pause", usual.patience.pause, positive_range);
        let sessions = fields.read_or("sessions", usual.sessions, |form| form.count(1..=4096));
        fields.finish();

        let patience = Patience {
            request_timeout: request_timeout.and_then(Form::duration_positive).unwrap_or(usual.patience.request_timeout),
            operation_timeout: operation_timeout.and_then(Form::duration_positive).unwrap_or(usual.patience.operation_timeout),
            pause,
        };
        if patience.request_timeout > patience.operation_timeout
            && let Some(form) = request_timeout.or(operation_timeout)
        {
            let (request, operation) = (patience.request_timeout, patience.operation_timeout);
            form.report(
                form.problem(format!("a request is given {request}, longer than the whole operation, {operation}"))
                    .help("make request_timeout shorter than operation_timeout"),
            );
        }
        if let Err(why) = KvLoad::new(keys, choice, mix) {
            form.report(form.problem(why.to_string()));
        }
        Some(Self { clients, keys, choice, mix, pace: pace.unwrap_or(usual.pace), patience, sessions })
    }

    /// Writes the workload as [`decode`](Self::decode) reads it.
    pub fn write(&self) -> String {
        let Self { clients, keys, mix, patience, sessions, .. } = self;
        let mut text = format!("(clients: {clients}, keys: {keys}");
        if let KeyChoice::Zipf(skew) = self.choice {
            let _ = write!(text, ", choice: Zipf(\"{skew}\")");
        }
        let _ = write!(text, ", mix: (read: {}, write: {}, cas: {})", mix.read, mix.write, mix.cas);
        let _ = match self.pace {
            Pace::Open(rate) => write!(text, ", rate: \"{rate}\""),
            Pace::Closed { think } => write!(text, ", think: \"{think}\""),
        };
        if *patience != Patience::default() {
            let Patience { request_timeout, operation_timeout, pause } = patience;
            let _ =
                write!(text, ", request_timeout: \"{request_timeout}\", operation_timeout: \"{operation_timeout}\", pause: \"{pause}\"");
        }
        let _ = write!(text, ", sessions: {sessions})");
        text
    }

    /// What each client is built from, for a cluster of this many servers.
    ///
    /// # Panics
    /// If the workload was not decoded but made with no keys or nothing to do.
    pub fn configs(&self, servers: u32) -> Vec<ClientConfig<KvLoad>> {
        let generator = KvLoad::new(self.keys, self.choice, self.mix).expect("a workload has keys and something to do");
        let config = ClientConfig {
            servers,
            clients: self.clients,
            pace: self.pace,
            patience: self.patience,
            sessions_max: self.sessions,
            generator,
        };
        vec![config; self.clients as usize]
    }
}

fn key_choice(form: Form<'_>) -> Option<KeyChoice> {
    match form.variant("a choice of keys", &["Uniform", "Zipf"])? {
        "Zipf" => {
            let [skew] = form.arguments(["the skew, like \"0.99\""])?;
            skew.from_text("a skew, like \"0.99\"").map(KeyChoice::Zipf)
        }
        _ => Some(KeyChoice::Uniform),
    }
}

fn mix(form: Form<'_>, cas: bool) -> Option<Mix> {
    let mut fields = form.fields()?;
    let part = |form: Form<'_>| form.count(0..=1_000_000_u32);
    let read = fields.read_or("read", 0, part);
    let write = fields.read_or("write", 0, part);
    let swap = if cas { fields.read_or("cas", 0, part) } else { fields.read_or("cas", 0, no_cas) };
    fields.finish();
    if read == 0 && write == 0 && swap == 0 {
        form.report(form.problem("nothing to do: all parts of the mix are zero").help("for example (read: 5, write: 4)"));
        return None;
    }
    Some(Mix { read, write, cas: swap })
}

fn no_cas(form: Form<'_>) -> Option<u32> {
    let parts = form.count(0..=1_000_000_u32)?;
    if parts > 0 {
        form.report(form.problem("this system has no compare-and-set").help("leave cas out"));
        return None;
    }
    Some(0)
}

fn pace(rate: Option<Form<'_>>, think: Option<Form<'_>>, usual: Pace) -> Option<Pace> {
    match (rate, think) {
        (Some(rate), None) => rate.from_text("a rate, like \"100/s\"").map(Pace::Open),
        (None, Some(think)) => think.duration_range().map(|think| Pace::Closed { think }),
        (None, None) => Some(usual),
        (Some(_), Some(think)) => {
            think.report(think.problem("both a rate and a time to think").help(
                "an open loop has a rate: operations come however slow the answers are; a closed loop has a time to think after each answer",
            ));
            None
        }
    }
}

fn positive_range(form: Form<'_>) -> Option<DurationRange> {
    let range = form.duration_range()?;
    if range.high().is_zero() {
        form.report(form.mismatch("a length above zero"));
        return None;
    }
    Some(range)
}

/// A protocol that stores keys and values. [`Kv`] makes a system of it: with clients, a workload, and a judge of linearizability.
pub trait KeyValue: Service<Operation = KvOp, Response = KvResponse> {
    /// Its name in a scenario: `RaftKv`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;
    /// Whether clients may compare and set.
    const CAS: bool = true;

    /// What runs on servers.
    type Server: Process<Message = Self::Message, Config: Clone>;
    /// Its own fields in a scenario, apart from `nodes`.
    type Settings: Clone + Debug + Send + Sync + 'static;

    /// Reads its own fields, and reports every problem that it finds. Where it can go on after a problem it does, with the usual value, so
    /// that the rest of the file is read too; what has problems is never run.
    fn read(fields: &mut Fields<'_>) -> Option<Self::Settings>;

    /// Its own fields, by name, as [`read`](Self::read) reads them.
    fn write(settings: &Self::Settings) -> Vec<(&'static str, String)>;

    /// What each of this many servers is built from, with this planted bug if one is named.
    fn server(settings: &Self::Settings, servers: u32, mutant: Option<&'static str>) -> <Self::Server as Process>::Config;

    /// Its planted bugs.
    fn mutants() -> &'static [Mutant] {
        &[]
    }

    /// The properties of its own that its judges report on, next to linearizability.
    fn checks() -> Vec<Check> {
        Vec::new()
    }

    /// Those who watch a run of this many servers.
    fn judges(servers: u32) -> Vec<Box<dyn Judge<Kv<Self>>>>
    where
        Self: Sized,
    {
        let _ = servers;
        Vec::new()
    }

    /// A digest of the state that all servers must agree on in the end: see [`Cluster::fingerprint`].
    fn fingerprint(server: &Self::Server) -> Option<u64> {
        let _ = server;
        None
    }
}

/// A key-value protocol as a system, with clients that use it.
pub struct Kv<P>(PhantomData<P>);

/// A key-value system's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvConfig<T> {
    /// How many servers there are.
    pub nodes: u32,
    /// What the protocol has fields for.
    pub settings: T,
    /// What the clients do.
    pub workload: KvWorkload,
}

impl<P: KeyValue> Cluster for Kv<P> {
    type Message = P::Message;
    type Operation = KvOp;
    type Response = KvResponse;
    type Server = P::Server;
    type Client = Client<P, KvGenerator>;

    fn fingerprint(server: &P::Server) -> Option<u64> {
        P::fingerprint(server)
    }
}

/// How many servers there are if a scenario does not say, and how many there may be.
const NODES: (u32, std::ops::RangeInclusive<u32>) = (5, 1..=1000);

impl<P: KeyValue> System for Kv<P> {
    const NAME: &'static str = P::NAME;
    const ABOUT: &'static str = P::ABOUT;

    type Config = KvConfig<P::Settings>;

    fn checks() -> Vec<Check> {
        [LINEARIZABILITY].into_iter().chain(P::checks()).collect()
    }

    fn mutants() -> &'static [Mutant] {
        P::mutants()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        let workload = KvWorkload::decode(workload, P::CAS);
        let mut fields = system.fields()?;
        let nodes = fields.read_or("nodes", NODES.0, |form| form.count(NODES.1));
        let settings = P::read(&mut fields);
        fields.finish();
        Some(KvConfig { nodes, settings: settings?, workload: workload? })
    }

    fn write(config: &Self::Config) -> Written {
        let own = P::write(&config.settings).into_iter().map(|(name, value)| format!(", {name}: {value}"));
        let fields: String = own.collect();
        Written { system: format!("{}(nodes: {}{fields})", P::NAME, config.nodes), workload: Some(config.workload.write()) }
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: config.nodes, clients: config.workload.clients }
    }

    fn nodes(config: &Self::Config, mutant: Option<&'static str>) -> Nodes<Self> {
        let server = P::server(&config.settings, config.nodes, mutant);
        Nodes { servers: vec![server; config.nodes as usize], clients: config.workload.configs(config.nodes) }
    }

    fn judges(config: &Self::Config) -> Vec<Box<dyn Judge<Self>>> {
        P::judges(config.nodes)
    }

    fn online_judges(_: &Self::Config) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(linearizability::Online::new(Registers::empty()))]
    }

    fn judge_history(_: &Self::Config, history: &History<KvOp, KvResponse>, states: u64) -> Vec<PropertyReport> {
        vec![judge(history, states)]
    }
}

/// Judges what the clients of a key-value system saw, exploring at most about this many states.
pub fn judge(history: &History<KvOp, KvResponse>, states: u64) -> PropertyReport {
    linearizability::judge(LINEARIZABILITY.name, &Registers::empty(), history, states)
}
