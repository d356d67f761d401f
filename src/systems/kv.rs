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

pub use super::load::Traffic;
use super::load::{Choice, MOST, Mixed, PARTS};
use super::{Mutant, Nodes, Population, Scripting, System, Written, spelling};
use crate::base::{KvOp, KvResponse, Metric};
use crate::check::linearizability::{self, LINEARIZABILITY};
use crate::check::model::registers::Registers;
use crate::check::{Budget, Drawing, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::metrics::Probe;
use crate::notation::{Count, Form, Given, Setting, Settings, joined, settings};
use crate::process::{Process, Service};
use crate::trace::Judge;
use crate::workload::{Client, ClientConfig, KeyChoice, KvGenerator, KvLoad, Mix};
use crate::world::{Cluster, Conditions, Reached};

/// The workload of a key-value system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvWorkload {
    /// Who the clients are, and when they ask.
    pub traffic: Traffic,
    /// What they ask for.
    pub access: Access,
}

settings! {
    /// What clients do with which keys.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Access {
        /// How many keys the clients use.
        keys: u32 = 4, Count(1..=MOST);
        /// How they choose among them.
        choice: KeyChoice = KeyChoice::Uniform, Choice;
        /// So many parts reads, writes, compare-and-sets; one left out is 0, not all may be.
        mix: Mix = Mix { read: 5, write: 4, cas: 1 }, Mixed::<Parts>::like("(read: 5, write: 4)");
    }
}

impl KvWorkload {
    /// Reads the workload: the usual one where there is none. `cas` says whether clients may compare and set.
    pub fn decode(form: Option<Form<'_>>, cas: bool) -> Option<Self> {
        let usual = Self::usual(cas);
        let Some(form) = form else { return Some(usual) };
        let mut fields = form.fields()?;
        let (traffic, given) = Traffic::read(&mut fields);
        traffic.fits(&given);
        let (access, given) = Access::read_over(&mut fields, Some(&usual.access));
        fields.finish();

        if access.mix.cas > 0
            && !cas
            && let Some(mix) = given.form("mix")
        {
            let part = mix.fields().and_then(|mut fields| fields.take("cas")).unwrap_or(mix);
            part.report(part.problem("this system has no compare-and-set").help("leave cas out"));
        }
        if let Err(why) = KvLoad::new(access.keys, access.choice, access.mix) {
            form.report(form.problem(why.to_string()));
        }
        Some(Self { traffic, access })
    }

    /// What clients do if nothing is said.
    fn usual(cas: bool) -> Self {
        let usual = Self::default();
        if cas { usual } else { Self { access: Access { mix: Mix { read: 1, write: 1, cas: 0 }, ..usual.access }, ..usual } }
    }

    /// Writes the workload as [`decode`](Self::decode) reads it.
    pub fn write(&self) -> String {
        format!("({}, {})", self.traffic.written(), self.access.written())
    }

    /// What there is to set.
    pub fn declared() -> Vec<Setting> {
        [Traffic::declared(), Access::declared()].concat()
    }

    /// What each client is built from, for a cluster of this many servers.
    ///
    /// # Panics
    /// If the workload was not decoded but made with no keys or nothing to do.
    pub fn configs(&self, servers: u32) -> Vec<ClientConfig<KvLoad>> {
        let Access { keys, choice, mix } = self.access;
        self.traffic.configs(servers, KvLoad::new(keys, choice, mix).expect("a workload has keys and something to do"))
    }
}

settings! {
    /// What clients do with a key.
    struct Parts {
        /// How many parts of the operations read a key.
        read: u32 = 0, PARTS;
        /// How many parts write one.
        write: u32 = 0, PARTS;
        /// How many parts compare a key with what they expect, and set it if that is there.
        cas: u32 = 0, PARTS;
    }
}

impl From<Mix> for Parts {
    fn from(Mix { read, write, cas }: Mix) -> Self {
        Self { read, write, cas }
    }
}

impl From<Parts> for Mix {
    fn from(Parts { read, write, cas }: Parts) -> Self {
        Self { read, write, cas }
    }
}

/// A protocol that stores keys and values. [`Kv`] makes a system of it: with clients, a workload, and a judge of linearizability.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::base::{ClientId, KvOp, KvResponse, NodeId};
/// # use stormglass::process::{Context, Files, Message, NoNote, Process, Reply, Service};
/// # use stormglass::scenario::Scenario;
/// # use stormglass::systems::Registry;
/// # use stormglass::systems::kv::{KeyValue, Kv};
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # enum Talk { Ask(ClientId, u64, KvOp), Answer(ClientId, u64, Reply<KvResponse>) }
/// # impl Message for Talk {}
/// # struct Server(BTreeMap<u64, u64>);
/// # impl Process for Server {
/// #     type Config = ();
/// #     type Message = Talk;
/// #     type Timer = ();
/// #     type Note = NoNote;
/// #     fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self { Self(BTreeMap::new()) }
/// #     fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
/// #         let Talk::Ask(session, number, operation) = message else { return };
/// #         let reply = match operation {
/// #             _ if context.me() != NodeId::server(0) => Reply::Redirect(Some(NodeId::server(0))),
/// #             KvOp::Read { key } => Reply::Done(KvResponse::Value(self.0.get(&key).copied())),
/// #             KvOp::Write { key, value } => { self.0.insert(key, value); Reply::Done(KvResponse::Written) }
/// #             KvOp::Cas { .. } => Reply::Refused,
/// #         };
/// #         context.send(from, Talk::Answer(session, number, reply));
/// #     }
/// #     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// # }
/// # struct InMemory;
/// # impl Service for InMemory {
/// #     type Message = Talk;
/// #     type Operation = KvOp;
/// #     type Response = KvResponse;
/// #     const RETRY: bool = false;
/// #     fn request(session: ClientId, number: u64, operation: &KvOp) -> Talk { Talk::Ask(session, number, *operation) }
/// #     fn reply(message: Talk) -> Option<(ClientId, u64, Reply<KvResponse>)> {
/// #         let Talk::Answer(session, number, reply) = message else { return None };
/// #         Some((session, number, reply))
/// #     }
/// # }
/// impl KeyValue for InMemory {
///     const NAME: &'static str = "InMemory";
///     const ABOUT: &'static str = "a store in the memory of the first server";
///     const CAS: bool = false;
///     type Server = Server;
///     type Settings = ();
///
///     fn server(_: &(), _: u32, _: &[&'static str]) {}
/// }
///
/// let calm = Scenario::from_ron(r#"Scenario(name: "calm", system: InMemory(nodes: 2))"#, &Registry::new().with::<Kv<InMemory>>());
/// calm.expect("a valid scenario").assert_holds(1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store keys and values",
    label = "`Kv` makes no system of this",
    note = "implement `Service` with `Operation = KvOp` and `Response = KvResponse`, and then `KeyValue`; other operations are for `Serves` and `Served`"
)]
pub trait KeyValue: Service<Operation = KvOp, Response = KvResponse> {
    /// Its name in a scenario: `RaftKv`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;
    /// Whether clients may compare and set.
    const CAS: bool = true;

    /// What runs on servers.
    type Server: Process<Message = Self::Message, Config: Clone>;
    /// Its own fields in a scenario, apart from `nodes`, as [`settings!`](crate::settings) declares them.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;

    /// Reports what does not fit together among its own fields.
    fn fits(settings: &Self::Settings, given: &Given<'_>) {
        let _ = (settings, given);
    }

    /// What each of this many servers is built from, with this planted bug if one is named.
    fn server(settings: &Self::Settings, servers: u32, mutants: &[&'static str]) -> <Self::Server as Process>::Config;

    /// Its planted bugs and its decoys.
    fn mutants() -> Vec<Mutant> {
        Vec::new()
    }

    /// The properties of its own that its judges report on, next to linearizability.
    fn properties() -> Vec<Property> {
        Vec::new()
    }

    /// The judges of a run of this many servers, with these settings, under these conditions.
    fn judges(settings: &Self::Settings, servers: u32, conditions: &Conditions) -> Vec<Box<dyn Judge<Kv<Self>>>>
    where
        Self: Sized,
    {
        let _ = (settings, servers, conditions);
        Vec::new()
    }

    /// What its runs measure besides what all do.
    fn metrics() -> Vec<Metric> {
        Vec::new()
    }

    /// What measures that.
    fn probes(settings: &Self::Settings) -> Vec<Box<dyn Probe<Kv<Self>>>>
    where
        Self: Sized,
    {
        let _ = settings;
        Vec::new()
    }

    /// A digest of the state that all servers must agree on in the end: see [`Cluster::fingerprint`].
    fn fingerprint(server: &Self::Server) -> Option<u64> {
        let _ = server;
        None
    }

    /// How far the server has come on the way to that state: see [`Cluster::reached`].
    fn reached(server: &Self::Server) -> Option<Reached> {
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

    fn reached(server: &P::Server) -> Option<Reached> {
        P::reached(server)
    }
}

settings! {
    /// What all key-value systems have a field for.
    struct Servers {
        /// How many servers there are.
        nodes: u32 = 5, Count(1..=1000);
    }
}

impl<P: KeyValue> System for Kv<P> {
    const NAME: &'static str = P::NAME;
    const ABOUT: &'static str = P::ABOUT;

    type Config = KvConfig<P::Settings>;

    fn properties() -> Vec<Property> {
        [LINEARIZABILITY].into_iter().chain(P::properties()).collect()
    }

    fn mutants() -> Vec<Mutant> {
        P::mutants()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        let workload = KvWorkload::decode(workload, P::CAS);
        let mut fields = system.fields()?;
        let (Servers { nodes }, _) = Servers::read(&mut fields);
        let (settings, given) = P::Settings::read(&mut fields);
        P::fits(&settings, &given);
        fields.finish();
        Some(KvConfig { nodes, settings, workload: workload? })
    }

    fn write(config: &Self::Config) -> Written {
        let fields = joined([Servers { nodes: config.nodes }.written(), config.settings.written()]);
        Written { system: format!("{}({fields})", P::NAME), workload: Some(config.workload.write()) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(P::NAME, [Servers::declared(), P::Settings::declared()].concat()), ("workload", KvWorkload::declared())]
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: config.nodes, clients: config.workload.traffic.clients }
    }

    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self> {
        let server = P::server(&config.settings, config.nodes, mutants);
        Nodes { servers: vec![server; config.nodes as usize], clients: config.workload.configs(config.nodes) }
    }

    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        P::judges(&config.settings, config.nodes, conditions)
    }

    fn metrics() -> Vec<Metric> {
        P::metrics()
    }

    fn probes(config: &Self::Config) -> Vec<Box<dyn Probe<Self>>> {
        P::probes(&config.settings)
    }

    fn online_judges(_: &Self::Config) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(linearizability::Online::new(Registers::empty()))]
    }

    fn judge_history(_: &Self::Config, history: &History<KvOp, KvResponse>, budget: Budget) -> Vec<PropertyReport> {
        vec![judge(history, budget)]
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_clients())
    }

    fn spelling(_: &Self::Config) -> Option<Spelling<KvOp, KvResponse>> {
        Some(spelling::kv())
    }

    fn judge_and_draw(_: &Self::Config, history: &History<KvOp, KvResponse>, budget: Budget) -> (Vec<PropertyReport>, Option<Drawing>) {
        let (report, drawing) = linearizability::judge_and_draw(&LINEARIZABILITY, &Registers::empty(), history, budget);
        (vec![report], Some(drawing))
    }
}

/// Judges what the clients of a key-value system saw, spending no more than about this.
pub fn judge(history: &History<KvOp, KvResponse>, budget: impl Into<Budget>) -> PropertyReport {
    linearizability::judge(&LINEARIZABILITY, &Registers::empty(), history, budget)
}
