//! Systems of any service: clients with the traffic that all workloads have, whatever they ask for. A protocol that implements [`Serves`]
//! becomes a system as [`Served`]; `examples/lock_service.rs` is a whole one.
//!
//! ```ron
//! workload: (
//!     clients: 5,
//!     rate: "100/s",                      // open loop; or think: "0s..10ms" for a closed one
//!     request_timeout: "250ms", operation_timeout: "2s", pause: "10ms..50ms", sessions: 64,
//!     // and what the service's own load has fields for
//! )
//! ```

use std::fmt::Debug;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

pub use super::load::Traffic;
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::check::{Budget, Drawing, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::notation::{Form, Given, Setting, Settings, joined};
use crate::process::{Process, Service};
use crate::trace::Judge;
use crate::workload::{Client, Generator};
use crate::world::{Cluster, Conditions, Reached};

/// A protocol that serves clients, whatever they ask for. [`Served`] makes a system of it: with clients, and a workload that says how many
/// they are, when they ask and how long they wait.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::base::{ClientId, NodeId, OperationId, Stream};
/// # use stormglass::process::{Context, Files, Message, NoNote, Process, Reply, Service};
/// # use stormglass::scenario::Scenario;
/// # use stormglass::systems::Registry;
/// # use stormglass::systems::service::{Served, Serves};
/// # use stormglass::workload::{Generator, Turn};
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # enum Talk { Ping(ClientId, u64), Pong(ClientId, u64) }
/// # impl Message for Talk {}
/// # struct Server;
/// # impl Process for Server {
/// #     type Config = ();
/// #     type Message = Talk;
/// #     type Timer = ();
/// #     type Note = NoNote;
/// #     fn boot(_: &(), _: &Files, _: &mut Context<'_, Self>) -> Self { Self }
/// #     fn on_message(&mut self, from: NodeId, message: Talk, context: &mut Context<'_, Self>) {
/// #         if let Talk::Ping(session, number) = message { context.send(from, Talk::Pong(session, number)) }
/// #     }
/// #     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// # }
/// # struct Pings;
/// # impl Generator<String, String> for Pings {
/// #     type Config = ();
/// #     type Note = NoNote;
/// #     fn new((): &()) -> Self { Self }
/// #     fn next(&mut self, _: OperationId, _: &mut Stream, _: &mut Turn<NoNote>) -> String { "ping".to_owned() }
/// # }
/// # struct Echo;
/// # impl Service for Echo {
/// #     type Message = Talk;
/// #     type Operation = String;
/// #     type Response = String;
/// #     fn request(session: ClientId, number: u64, _: &String) -> Talk { Talk::Ping(session, number) }
/// #     fn reply(message: Talk) -> Option<(ClientId, u64, Reply<String>)> {
/// #         let Talk::Pong(session, number) = message else { return None };
/// #         Some((session, number, Reply::Done("pong".to_owned())))
/// #     }
/// # }
/// impl Serves for Echo {
///     const NAME: &'static str = "Echo";
///     const ABOUT: &'static str = "servers that answer";
///     type Server = Server;
///     type Settings = ();
///     type Generator = Pings;
///     type Load = ();
///
///     fn servers(_: &(), _: &[&'static str]) -> Vec<()> {
///         vec![(); 3]
///     }
/// }
///
/// let text = r#"Scenario(name: "calm", system: Echo(), workload: (clients: 2, think: "10ms"), duration: "1s")"#;
/// let calm = Scenario::from_ron(text, &Registry::new().with::<Served<Echo>>()).expect("a valid scenario");
/// calm.assert_holds(1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service that a scenario can name",
    label = "`Served` makes no system of this",
    note = "implement `Service`, whose operations derive `Deserialize`, and then `Serves`: what runs on servers, what is set, what clients do, and what judges it"
)]
pub trait Serves: Service<Operation: DeserializeOwned> {
    /// Its name in a scenario: `LockService`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;

    /// What runs on servers.
    type Server: Process<Message = Self::Message>;
    /// Its own fields in a scenario, as [`settings!`](crate::settings) declares them; `()` if it has none.
    type Settings: Settings + Clone + Debug + Send + Sync + 'static;
    /// What chooses the operations of a client.
    type Generator: Generator<Self::Operation, Self::Response, Config = Self::Load>;
    /// The fields that its `workload` has next to those of all; `()` if there are none.
    type Load: Settings + Default + Clone + Debug + Send + Sync + 'static;

    /// Reports what does not fit together among its own fields.
    fn fits(settings: &Self::Settings, given: &Given<'_>) {
        let _ = (settings, given);
    }

    /// What each server is built from, with this planted bug if one is named. There is one at least.
    fn servers(settings: &Self::Settings, mutants: &[&'static str]) -> Vec<<Self::Server as Process>::Config>;

    /// How many of the servers, from the first on, take requests: all, unless the protocol says otherwise.
    fn fronts(settings: &Self::Settings) -> u32 {
        Self::servers(settings, &[]).len() as u32
    }

    /// Its planted bugs and its decoys.
    fn mutants() -> Vec<Mutant> {
        Vec::new()
    }

    /// The properties that its judges report on.
    fn properties() -> Vec<Property> {
        Vec::new()
    }

    /// The judges of a run under these conditions.
    fn judges(settings: &Self::Settings, conditions: &Conditions) -> Vec<Box<dyn Judge<Served<Self>>>>
    where
        Self: Sized,
    {
        let _ = (settings, conditions);
        Vec::new()
    }

    /// Judges what the clients saw, spending no more than this, and lays it out to be drawn if it can be.
    fn judge_history(
        settings: &Self::Settings,
        history: &History<Self::Operation, Self::Response>,
        budget: Budget,
    ) -> (Vec<PropertyReport>, Option<Drawing>) {
        let _ = (settings, history, budget);
        (Vec::new(), None)
    }

    /// How what the clients saw is written down: see [`System::spelling`].
    fn spelling() -> Option<Spelling<Self::Operation, Self::Response>> {
        None
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

    /// What it must still bring to an end before the run has settled, in words: see [`Cluster::unsettled`].
    fn unsettled(server: &Self::Server) -> Option<String> {
        let _ = server;
        None
    }
}

/// A service as a system, with clients that use it.
pub struct Served<P>(PhantomData<P>);

/// A service's part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedConfig<T, L> {
    /// What the protocol has fields for.
    pub settings: T,
    /// Who the clients are, and when they ask.
    pub traffic: Traffic,
    /// What they do.
    pub load: L,
}

impl<P: Serves> Cluster for Served<P> {
    type Message = P::Message;
    type Operation = P::Operation;
    type Response = P::Response;
    type Server = P::Server;
    type Client = Client<P, P::Generator>;

    fn fingerprint(server: &P::Server) -> Option<u64> {
        P::fingerprint(server)
    }

    fn reached(server: &P::Server) -> Option<Reached> {
        P::reached(server)
    }

    fn unsettled(server: &P::Server) -> Option<String> {
        P::unsettled(server)
    }
}

impl<P: Serves> System for Served<P> {
    const NAME: &'static str = P::NAME;
    const ABOUT: &'static str = P::ABOUT;

    type Config = ServedConfig<P::Settings, P::Load>;

    fn properties() -> Vec<Property> {
        P::properties()
    }

    fn mutants() -> Vec<Mutant> {
        P::mutants()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        let (mut traffic, mut load) = (Traffic::default(), P::Load::default());
        let mut is_readable = true;
        if let Some(form) = workload {
            match form.fields() {
                Some(mut fields) => {
                    let (read, given) = Traffic::read(&mut fields);
                    read.fits(&given);
                    traffic = read;
                    (load, _) = P::Load::read(&mut fields);
                    fields.finish();
                }
                None => is_readable = false,
            }
        }
        let mut fields = system.fields()?;
        let (settings, given) = P::Settings::read(&mut fields);
        P::fits(&settings, &given);
        fields.finish();
        is_readable.then_some(ServedConfig { settings, traffic, load })
    }

    fn write(config: &Self::Config) -> Written {
        let workload = joined([config.traffic.written(), config.load.written()]);
        Written { system: format!("{}({})", P::NAME, config.settings.written()), workload: Some(format!("({workload})")) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(P::NAME, P::Settings::declared()), ("workload", [Traffic::declared(), P::Load::declared()].concat())]
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: P::servers(&config.settings, &[]).len() as u32, clients: config.traffic.clients }
    }

    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self> {
        let clients = config.traffic.configs(P::fronts(&config.settings), config.load.clone());
        Nodes { servers: P::servers(&config.settings, mutants), clients }
    }

    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        P::judges(&config.settings, conditions)
    }

    fn judge_history(config: &Self::Config, history: &History<P::Operation, P::Response>, budget: Budget) -> Vec<PropertyReport> {
        P::judge_history(&config.settings, history, budget).0
    }

    fn judge_and_draw(
        config: &Self::Config,
        history: &History<P::Operation, P::Response>,
        budget: Budget,
    ) -> (Vec<PropertyReport>, Option<Drawing>) {
        P::judge_history(&config.settings, history, budget)
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_clients())
    }

    fn spelling(_: &Self::Config) -> Option<Spelling<P::Operation, P::Response>> {
        P::spelling()
    }
}
