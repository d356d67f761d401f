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

use std::fmt::Debug;
use std::marker::PhantomData;

use super::load::{self, MOST, Traffic, key_choice, part};
use super::{Check, Decoy, Mutant, Nodes, Population, System, Written, spelling};
use crate::base::{Fields, Form, KvOp, KvResponse};
use crate::check::model::registers::Registers;
use crate::check::{Judge, PropertyKind, PropertyReport, View, linearizability};
use crate::history::History;
use crate::history::formats::Spelling;
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
        let Traffic { pace, patience, sessions } = Traffic::default();
        Self { clients: 3, keys: 4, choice: KeyChoice::Uniform, mix: Mix { read: 5, write: 4, cas: 1 }, pace, patience, sessions }
    }
}

impl KvWorkload {
    /// Reads the workload: the usual one where there is none. `cas` says whether clients may compare and set.
    pub fn decode(form: Option<Form<'_>>, cas: bool) -> Option<Self> {
        let usual = Self::default();
        let usual = if cas { usual } else { Self { mix: Mix { read: 1, write: 1, cas: 0 }, ..usual } };
        let Some(form) = form else { return Some(usual) };
        let mut fields = form.fields()?;
        let clients = fields.read_or("clients", usual.clients, |form| form.count(1..=MOST));
        let keys = fields.read_or("keys", usual.keys, |form| form.count(1..=MOST));
        let choice = fields.read_or("choice", usual.choice, key_choice);
        let mix = fields.read_or("mix", usual.mix, |form| mix(form, cas));
        let Traffic { pace, patience, sessions } = Traffic::decode(&mut fields);
        fields.finish();

        if let Err(why) = KvLoad::new(keys, choice, mix) {
            form.report(form.problem(why.to_string()));
        }
        Some(Self { clients, keys, choice, mix, pace, patience, sessions })
    }

    /// Writes the workload as [`decode`](Self::decode) reads it.
    pub fn write(&self) -> String {
        let Self { clients, keys, choice, mix: Mix { read, write, cas }, .. } = *self;
        let (choice, traffic) = (load::write_choice(choice), self.traffic().write());
        format!("(clients: {clients}, keys: {keys}{choice}, mix: (read: {read}, write: {write}, cas: {cas}), {traffic})")
    }

    /// What each client is built from, for a cluster of this many servers.
    ///
    /// # Panics
    /// If the workload was not decoded but made with no keys or nothing to do.
    pub fn configs(&self, servers: u32) -> Vec<ClientConfig<KvLoad>> {
        let generator = KvLoad::new(self.keys, self.choice, self.mix).expect("a workload has keys and something to do");
        self.traffic().configs(servers, self.clients, generator)
    }

    fn traffic(&self) -> Traffic {
        Traffic { pace: self.pace, patience: self.patience, sessions: self.sessions }
    }
}

fn mix(form: Form<'_>, cas: bool) -> Option<Mix> {
    let mut fields = form.fields()?;
    let read = fields.read_or("read", 0, part);
    let write = fields.read_or("write", 0, part);
    let swap = if cas { fields.read_or("cas", 0, part) } else { fields.read_or("cas", 0, no_cas) };
    fields.finish();
    if read == 0 && write == 0 && swap == 0 {
        load::nothing_to_do(form, "(read: 5, write: 4)");
        return None;
    }
    Some(Mix { read, write, cas: swap })
}

fn no_cas(form: Form<'_>) -> Option<u32> {
    let parts = part(form)?;
    if parts > 0 {
        form.report(form.problem("this system has no compare-and-set").help("leave cas out"));
        return None;
    }
    Some(0)
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

    /// Its decoys.
    fn decoys() -> &'static [Decoy] {
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

    fn decoys() -> &'static [Decoy] {
        P::decoys()
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

    fn spelling(_: &Self::Config) -> Option<Spelling<KvOp, KvResponse>> {
        Some(spelling::kv())
    }

    fn judge_and_draw(_: &Self::Config, history: &History<KvOp, KvResponse>, states: u64) -> (Vec<PropertyReport>, Option<View>) {
        let (report, view) = linearizability::judge_and_draw(LINEARIZABILITY.name, &Registers::empty(), "kv", history, states);
        (vec![report], Some(view))
    }
}

/// Judges what the clients of a key-value system saw, exploring at most about this many states.
pub fn judge(history: &History<KvOp, KvResponse>, states: u64) -> PropertyReport {
    linearizability::judge(LINEARIZABILITY.name, &Registers::empty(), history, states)
}
