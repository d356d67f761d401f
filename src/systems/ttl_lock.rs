//! `TtlLock`: a lock with a time to live, on one server or on a majority of several.
//!
//! ```ron
//! system: TtlLock(servers: 5, ttl: "10s", drift: "10000ppm", extend: "3s"),
//! workload: (clients: 3, accesses: 3, work: "10ms..50ms"),
//! ```

use std::sync::Arc;

use super::lock_work::{LockWork, length_range, less};
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, NodeId, Ratio};
use crate::check::Property;
use crate::notation::{
    Count, Flag, Form, Given, LengthRange, Maybe, PartsPerMillion, PositiveLength, Setting, Settings, Timed, Timing, settings,
};
use crate::process::{Either, NoNote};
use crate::protocols::lock::properties::{LockJudge, Locking, PROPERTIES};
use crate::protocols::lock::ttl::{self, Message, Opening, Store, StoreConfig};
use crate::protocols::lock::{self, Accessed, HolderNote, Job, Resource, ResourceConfig, Worked, Worker};
use crate::trace::Judge;
use crate::world::{Cluster, Conditions};

/// Locks with a time to live, and clients that work under them.
#[derive(Clone, Copy, Debug)]
pub struct TtlLock;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtlLockConfig {
    /// The locks.
    pub settings: TtlLockSettings,
    /// What clients do.
    pub work: LockWork,
}

settings! {
    /// What a lock with a time to live has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TtlLockSettings {
        /// How many servers keep the lock: the first nodes; the one after them is what it guards. Several are Redlock.
        servers: u32 = 5, Count(1..=99);
        /// How long a lock lives that is not extended.
        ttl: Duration = Duration::from_secs(10), PositiveLength;
        /// How far two clocks may drift apart, for all that clients know: they take a lease to be shorter by so much.
        drift: u32 = 10_000, PartsPerMillion;
        /// How long the servers are given to answer, before a client takes it that the lock is not to be had.
        answer: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long a client waits before it tries again: each draws one, so that one is first.
        retry: DurationRange = length_range("0ms..400ms"), LengthRange;
        /// How often a holder extends its lease: a third of `ttl`, say. Without it, work that takes longer is lost.
        extend: Option<Duration> = None, Maybe(PositiveLength);
        /// Whether a server has on disk what it gives before it says so.
        durable: bool = true, Flag;
        /// Whether a server that has crashed gives no lock before all that it may have given has come to its end.
        delayed_restart: bool = false, Flag;
        /// Whether what is guarded turns away accesses whose fencing token is not the highest it has seen. Only one server gives tokens.
        fencing: bool = servers == 1, Flag;
    }
}

impl TtlLockSettings {
    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        if self.fencing
            && self.servers > 1
            && let Some(form) = given.complain(&["fencing", "servers"])
        {
            form.report(
                form.problem(format!("{} servers that know nothing of each other give no tokens to check", self.servers))
                    .help("leave fencing out, or let there be one server"),
            );
        }
        for (name, length) in [("answer", Some(self.answer)), ("extend", self.extend)] {
            if let Some(length) = length.filter(|length| *length >= self.ttl)
                && let Some(form) = given.complain(&[name, "ttl"])
            {
                form.report(
                    form.problem(format!("{name} is {length}, and a lock lives no longer than {}", self.ttl))
                        .help("make it shorter than ttl"),
                );
            }
        }
    }

    /// The node that the locks guard.
    fn resource(&self) -> NodeId {
        NodeId::server(self.servers)
    }
}

impl Cluster for TtlLock {
    type Message = Message;
    type Operation = Job;
    type Response = Worked;
    type Server = Either<Store, Resource<Message>>;
    type Client = Worker<ttl::Client>;
}

impl Locking for TtlLock {
    fn accessed(note: &Either<NoNote, Accessed>) -> Option<Accessed> {
        match note {
            Either::First(never) => match *never {},
            Either::Second(accessed) => Some(*accessed),
        }
    }

    fn said(note: &HolderNote) -> Option<HolderNote> {
        Some(*note)
    }
}

impl System for TtlLock {
    const NAME: &'static str = "TtlLock";
    const ABOUT: &'static str = "locks with a time to live, on one server or on a majority of several that know nothing of each other \
                                 (Redlock), and clients that work at what the locks guard";

    const LAST_SERVER: Option<&'static str> = Some("resource");

    type Config = TtlLockConfig;

    fn properties() -> Vec<Property> {
        PROPERTIES.to_vec()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[ttl::MUTANTS, ttl::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<TtlLockConfig> {
        let work = LockWork::of(workload);
        let mut fields = system.fields()?;
        let (settings, given) = TtlLockSettings::read(&mut fields);
        settings.fits(&given);
        if let Some((work, asked)) = &work {
            work.fits(("ttl", less(settings.ttl, settings.drift)), asked.as_ref(), &given);
        }
        fields.finish();
        Some(TtlLockConfig { settings, work: work?.0 })
    }

    fn write(config: &TtlLockConfig) -> Written {
        Written { system: format!("TtlLock({})", config.settings.written()), workload: Some(format!("({})", config.work.written())) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, TtlLockSettings::declared()), ("workload", LockWork::declared())]
    }

    fn population(config: &TtlLockConfig) -> Population {
        Population { servers: config.settings.servers + 1, clients: config.work.clients }
    }

    fn nodes(config: &TtlLockConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let TtlLockSettings { servers, ttl, drift, answer, retry, extend, durable, delayed_restart, fencing } = config.settings;
        let rules = lock::rules_of(mutants);
        let opening = if delayed_restart { Opening::Delayed } else { Opening::AtOnce };
        let store = StoreConfig { ttl, durable, opening, tokens: servers == 1, rules: Arc::clone(&rules) };
        let mut nodes = vec![Either::First(store); servers as usize];
        nodes.push(Either::Second(ResourceConfig { fencing, rules: Arc::clone(&rules) }));
        let keeper = ttl::ClientConfig { servers, ttl, drift, answer, retry, extend, rules: Arc::clone(&rules) };
        Nodes { servers: nodes, clients: config.work.workers(config.settings.resource(), Ratio::NEVER, keeper, &rules) }
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_workers())
    }

    fn judges(_: &TtlLockConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(LockJudge::new())]
    }
}
