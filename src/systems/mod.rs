//! What a scenario can name: protocol, workload and properties behind one trait, and the registry where their types are erased once.
//!
//! A user's own system implements [`System`], goes into a [`Registry`], and has every command and every judge that ours have.

mod broker;
mod broker_work;
mod bus;
mod detectors;
mod erased;
pub mod kv;
mod load;
mod lock;
mod lock_work;
mod monitor;
mod omega;
mod paxos_commit;
mod pipeline;
mod probes;
mod queue;
mod raft_kv;
mod registry;
mod scripting;
pub mod service;
mod services;
mod spelling;
mod supervisor;
mod three_phase;
pub mod transactional;
mod ttl_lock;
mod two_phase;
mod two_phase_over_raft;

use std::fmt::Debug;

use crate::base::{Duration, Metric};
use crate::check::linearizability::default_budget;
use crate::check::{Budget, Drawing, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::metrics::Probe;
use crate::notation::{Form, Setting};
use crate::process::ClientProcess;
pub use crate::process::Mutant;
use crate::require::{self, Meter, OfClients};
use crate::trace::Judge;
use crate::world::{Cluster, Conditions, Setup};

pub use broker::{Broker, BrokerConfig, BrokerSettings, Flushing};
pub use broker_work::BrokerWork;
pub use bus::{BusSettings, BusWork, EventBus, EventBusConfig};
pub use detectors::{Chosen, Detectors, DetectorsConfig};
pub use erased::{AnySystem, Asked, Collecting, Instance, Registry, Watch};
pub use lock::{Election, ElectionSettings, Lock, LockConfig, LockSettings, Observe};
pub use lock_work::LockWork;
pub use monitor::EVERY_RUN;
pub use omega::{Omega, OmegaConfig};
pub use paxos_commit::{PaxosCommit, PaxosCommitConfig, PaxosCommitSettings};
pub use pipeline::{Pipeline, PipelineConfig, PipelineSettings};
pub use queue::{Queue, QueueConfig, QueueSettings, QueueWork};
pub use raft_kv::{RaftKv, RaftKvConfig};
pub use registry::{RegistryConfig, RegistryStep, ServiceRegistry, Tenant, TenantConfig};
pub use scripting::{Operations, Scripting};
pub use services::{Services, ServicesConfig, ServicesSettings};
pub use supervisor::{Supervisor, SupervisorConfig};
pub use three_phase::{ThreePhase, ThreePhaseConfig, ThreePhaseSettings};
pub use ttl_lock::{TtlLock, TtlLockConfig, TtlLockSettings};
pub use two_phase::{TwoPhase, TwoPhaseConfig, TwoPhaseSettings};
pub use two_phase_over_raft::{TwoPhaseOverRaft, TwoPhaseOverRaftConfig, TwoPhaseOverRaftSettings};

/// A protocol with its workload and its properties: what `system: …` in a scenario names.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use stormglass::base::{Duration, NodeId};
/// # use stormglass::process::{self, Context, Files, NoNote, Process};
/// # use stormglass::workload::NoClient;
/// # use stormglass::world::Cluster;
/// # #[derive(Clone, Debug, Serialize, Deserialize)]
/// # struct Here;
/// # impl process::Message for Here {}
/// # struct Beacon;
/// # impl Process for Beacon {
/// #     type Config = NodeId;
/// #     type Message = Here;
/// #     type Timer = ();
/// #     type Note = NoNote;
/// #     fn boot(neighbour: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
/// #         context.send(*neighbour, Here);
/// #         Self
/// #     }
/// #     fn on_message(&mut self, _: NodeId, Here: Here, _: &mut Context<'_, Self>) {}
/// #     fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
/// # }
/// # /// Servers that tell each other that they are there; nobody asks them anything.
/// # struct Beacons;
///
/// # impl Cluster for Beacons {
/// #     type Message = Here;
/// #     type Operation = NoNote;
/// #     type Response = NoNote;
/// #     type Server = Beacon;
/// #     type Client = NoClient<Here>;
/// # }
/// use stormglass::notation::Form;
/// use stormglass::scenario::Scenario;
/// use stormglass::systems::{Nodes, Population, Registry, System, Written};
///
/// impl System for Beacons {
///     const NAME: &'static str = "Beacons";
///     const ABOUT: &'static str = "two servers that tell each other that they are there";
///     type Config = ();
///
///     fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<()> {
///         system.fields()?.finish();
///         Some(())
///     }
///
///     fn write(_: &()) -> Written {
///         Written { system: "Beacons()".to_owned(), workload: None }
///     }
///
///     fn population(_: &()) -> Population {
///         Population { servers: 2, clients: 0 }
///     }
///
///     fn nodes(_: &(), _: &[&'static str]) -> Nodes<Self> {
///         Nodes { servers: vec![NodeId::server(1), NodeId::server(0)], clients: vec![] }
///     }
/// }
///
/// let calm = Scenario::from_ron(r#"Scenario(name: "calm", system: Beacons())"#, &Registry::new().with::<Beacons>());
/// calm.expect("a valid scenario").assert_holds(1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no system that a scenario can name",
    label = "it does not go into a registry",
    note = "implement `System`; a `Service` with keys and values implements `KeyValue` and is a system as `Kv<…>`, one with transactions `Transactional`, as `Txn<…>`"
)]
pub trait System: Cluster + Sized {
    /// Its name in a scenario: `RaftKv`.
    const NAME: &'static str;
    /// What it is, in a sentence or two.
    const ABOUT: &'static str;

    /// Its own part of a scenario, decoded: the protocol's parameters and the workload's.
    type Config: Clone + Debug + Send + Sync + 'static;

    /// What the last of its servers is, if it serves something else than the others: it is told apart where nodes are counted.
    const LAST_SERVER: Option<&'static str> = None;

    /// The fields of its own part of a scenario that say how much there is to do, where no client brings that: shrinking makes their
    /// numbers smaller, as those of a workload.
    const LOAD: &'static [&'static str] = &[];

    /// The properties that its judges report on: a scenario can name each of them. One that only some workloads can show is reported on
    /// under those.
    fn properties() -> Vec<Property> {
        Vec::new()
    }

    /// Its planted bugs and its decoys.
    fn mutants() -> Vec<Mutant> {
        Vec::new()
    }

    /// Practices that scenarios show, each with and without.
    fn practices() -> &'static [Practice] {
        &[]
    }

    /// Reads its own part of a scenario: the value of `system`, and of `workload` if there is one. Reports every problem that it finds, and
    /// goes on with the usual value where it can, so that the rest of the file is read too; what has problems is never run.
    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config>;

    /// Writes its own part of a scenario so that [`decode`](Self::decode) reads the same back.
    fn write(config: &Self::Config) -> Written;

    /// The settings of its own part, as [`settings!`](crate::settings) declares them: those of each value by its name.
    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        Vec::new()
    }

    /// How many servers and clients there are.
    fn population(config: &Self::Config) -> Population;

    /// What runs on each server and client, with these of its [`mutants`](Self::mutants) planted: none, mostly.
    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self>;

    /// Those of the [`properties`](Self::properties) that are judged with these settings, under these conditions: a judge reports on no
    /// others, for it would have judged nothing.
    fn judged(config: &Self::Config, conditions: &Conditions) -> Vec<Property> {
        let _ = (config, conditions);
        Self::properties()
    }

    /// What these settings promise under these conditions: properties that are judged, each with the time within which something must come
    /// about.
    fn promises(config: &Self::Config, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        let _ = (config, conditions);
        Vec::new()
    }

    /// The judges of a run under these conditions.
    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let _ = (config, conditions);
        Vec::new()
    }

    /// The judges that also watch a run that is to stop at the first violation: they follow what clients see while it happens. What they
    /// find is found again, and reported, when the history is judged, so they need not report.
    fn online_judges(config: &Self::Config) -> Vec<Box<dyn Judge<Self>>> {
        let _ = config;
        Vec::new()
    }

    /// How many states the judging of a history of so many operations may explore, where the scenario does not say: as many as `check`
    /// explores for linearizability.
    fn states(config: &Self::Config, operations: usize) -> u64 {
        let _ = config;
        default_budget(operations)
    }

    /// Judges what the clients saw, spending no more than this. Where they saw nothing take effect, what is reported to hold is unknown all
    /// the same.
    fn judge_history(config: &Self::Config, history: &History<Self::Operation, Self::Response>, budget: Budget) -> Vec<PropertyReport> {
        let _ = (config, history, budget);
        Vec::new()
    }

    /// The properties that a scenario's `require` can demand of it: where it has clients, those of their requests.
    fn requirable() -> &'static [Property] {
        if Self::Client::INVOKES { require::OF_REQUESTS } else { &[] }
    }

    /// Whether it has services: see [`services`](Self::services).
    const HAS_SERVICES: bool = false;

    /// What its runs measure, besides what every run does and what its processes [declare](crate::process::Process::METRICS).
    fn metrics() -> Vec<Metric> {
        Vec::new()
    }

    /// What measures that in a run.
    fn probes(config: &Self::Config) -> Vec<Box<dyn Probe<Self>>> {
        let _ = config;
        Vec::new()
    }

    /// The names of its services, if it has some: requirements can name them.
    fn services(config: &Self::Config) -> Vec<String> {
        let _ = config;
        Vec::new()
    }

    /// What finds in records what requirements are about: the operations of its clients, by default.
    fn meter(config: &Self::Config) -> Box<dyn Meter<Self>> {
        let _ = config;
        Box::new(OfClients::default())
    }

    /// How its clients take operations that a scenario writes down: by default, they do not. Where they are
    /// [`Client`](crate::workload::Client)s and operations derive `Deserialize`, `Some(Scripting::of_clients())`; where they
    /// [take steps](crate::process::TakesSteps), `Some(Scripting::of_steps())`.
    fn scripting() -> Option<Scripting<Self>> {
        None
    }

    /// How what the clients saw is written down, for `check` and other checkers: by default, it is not.
    fn spelling(config: &Self::Config) -> Option<Spelling<Self::Operation, Self::Response>> {
        let _ = config;
        None
    }

    /// Judges what the clients saw, and lays it out to be drawn: by default, it cannot be. The reports are those of
    /// [`judge_history`](Self::judge_history).
    fn judge_and_draw(
        config: &Self::Config,
        history: &History<Self::Operation, Self::Response>,
        budget: Budget,
    ) -> (Vec<PropertyReport>, Option<Drawing>) {
        (Self::judge_history(config, history, budget), None)
    }
}

/// A practice, and a pair of scenarios that differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Practice {
    /// What the field calls it: `circuit-breaker`.
    pub name: &'static str,
    /// What is done, and what for, in a sentence or two.
    pub about: &'static str,
    /// The scenario that goes by it, and holds.
    pub with: &'static str,
    /// The one that does not, and violates what it says.
    pub without: &'static str,
}

/// What runs where.
pub struct Nodes<S: Cluster> {
    /// The servers' configurations, in order.
    pub servers: Vec<<S::Server as crate::process::Process>::Config>,
    /// The clients' configurations, in order.
    pub clients: Vec<<S::Client as crate::process::Process>::Config>,
}

impl<S: Cluster> Nodes<S> {
    /// A run of these nodes under these conditions.
    pub fn under(self, conditions: Conditions) -> Setup<S> {
        Setup { servers: self.servers, clients: self.clients, conditions, script: None }
    }
}

/// How many nodes a system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Servers: `n1`, `n2`, ….
    pub servers: u32,
    /// Clients: `c1`, `c2`, ….
    pub clients: u32,
}

/// A system's own part of a scenario, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The value of `system`.
    pub system: String,
    /// The value of `workload`, if there is one.
    pub workload: Option<String>,
}
