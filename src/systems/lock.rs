//! `Lock` and `Election`: locks over the sessions of a registry, and an election as a lock with a term.
//!
//! ```ron
//! system: Lock(servers: 3, lease: "2s", keep_alive: "600ms", lock_delay: "0s", readers: "1/3"),
//! workload: (clients: 5, locks: 2, accesses: 3, work: "10ms..50ms"),
//! ```

use std::sync::Arc;

use super::lock_work::{LockWork, length_range, less};
use super::probes::{OF_RAFT, RaftProbe};
use super::raft_kv::{ELECTION_TIMEOUT, timeouts_fit};
use super::registry::lease_fits;
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, Metric, NodeId, Ratio};
use crate::check::Property;
use crate::environment::Latency;
use crate::history;
use crate::metrics::Probe;
use crate::notation::{
    Chance, Count, Flag, Form, Given, Length, LengthRange, OneOf, PartsPerMillion, PositiveLength, Setting, Settings, Timed, Timing,
    joined, settings,
};
use crate::process::Either;
use crate::protocols::lock::properties::{
    Again, AgainJudge, HAD_AGAIN, LockJudge, Locking, OBSERVED_FORWARD, OF_ELECTIONS, OF_QUEUES, PROPERTIES, QueueJudge, Queueing,
};
use crate::protocols::lock::session::{self, Message, Observing, Seat, Session, SessionConfig};
use crate::protocols::lock::ttl::allowance;
use crate::protocols::lock::{self, Accessed, HolderNote, Job, Resource, ResourceConfig, Worked, Worker};
use crate::protocols::raft;
use crate::protocols::registry::properties::{BENEATH, BeneathJudge, Demands, OverRegistry};
use crate::protocols::registry::{self, AgentConfig, Note};
use crate::trace::Judge;
use crate::world::{Cluster, Conditions};

/// Locks over a registry, and clients that work under them.
#[derive(Clone, Copy, Debug)]
pub struct Lock;

/// An election over a registry, and candidates that act while they lead.
#[derive(Clone, Copy, Debug)]
pub struct Election;

/// The part of a scenario of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockConfig<T> {
    /// The registry, and the sessions.
    pub sessions: Sessions,
    /// What the one has for itself.
    pub own: T,
    /// What clients do.
    pub work: LockWork,
}

settings! {
    /// What both have fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Sessions {
        /// How many servers the registry has: the first nodes; the one after them is what is guarded.
        servers: u32 = 3, Count(1..=9);
        /// How long a server waits for a leader before it campaigns: drawn anew each time.
        election_timeout: DurationRange = registry::Config::of(3).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often a leader shows that it lives: shorter than every election timeout.
        heartbeat: Duration = registry::Config::of(3).heartbeat, PositiveLength;
        /// How long a lease lasts that is not kept alive.
        lease: Duration = Duration::from_secs(10), PositiveLength;
        /// How often a lease is kept alive: a third of it leaves room for two that are lost.
        keep_alive: Duration = lease / 3, PositiveLength;
        /// How long one server is given to answer, before another is asked.
        answer: Duration = Duration::from_millis(250), Timed(PositiveLength, &[Timing::Answer]);
        /// How far two clocks may drift apart, for all that clients know: they take a lease to be shorter by so much.
        drift: u32 = 10_000, PartsPerMillion;
        /// How long who is first waits if the last holder did not release the lock.
        lock_delay: Duration = Duration::ZERO, Length;
        /// Whether one that waits wakes when the one before it in the queue goes; else all wake whenever any goes.
        one_wakeup: bool = true, Flag;
        /// Whether what is guarded turns away accesses whose fencing token, or term, is not the highest it has seen.
        fencing: bool = true, Flag;
    }
}

settings! {
    /// What `Lock` has fields for besides.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LockSettings {
        /// Whether a client waits for its turn; else it gives its job up if the lock is not free.
        waits: bool = true, Flag;
        /// How many of the jobs only read, and share their lock with others that do.
        readers: Ratio = Ratio::NEVER, Chance;
    }
}

settings! {
    /// What `Election` has fields for besides.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ElectionSettings {
        /// How all clients observe who leads.
        observe: Observe = Observe::Watch, OneOf("a way of observing", &OBSERVE);
        /// How often they ask, if they do.
        observe_every: Duration = Duration::from_millis(250), PositiveLength;
        /// Whether a leader that is done resigns; else it lets its lease run out.
        resigns: bool = true, Flag;
    }
}

/// How it is observed who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// Not at all.
    Off,
    /// By a watch of the queue.
    Watch,
    /// By questions to any server.
    Ask,
}

const OBSERVE: [(&str, &str, Observe); 3] = [
    ("Off", "Not at all.", Observe::Off),
    ("Watch", "Each client watches the queue: what it sees goes forward.", Observe::Watch),
    ("Ask", "Each client asks now and then, any server, which may lag behind the last one that it asked.", Observe::Ask),
];

impl ElectionSettings {
    fn observing(&self) -> Observing {
        match self.observe {
            Observe::Off => Observing::Off,
            Observe::Watch => Observing::Watching,
            Observe::Ask => Observing::Asking(self.observe_every),
        }
    }
}

/// How clients are that get locks of one kind.
struct Habits {
    waits: bool,
    readers: Ratio,
    observes: Observing,
    resigns: bool,
}

impl Sessions {
    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        timeouts_fit(self.election_timeout, self.heartbeat, given);
        lease_fits(self.lease, self.keep_alive, self.heartbeat, given);
    }

    /// Those of these properties that are judged: whether locks are had again only where links lose so little that one can say.
    fn judged(&self, properties: Vec<Property>, conditions: &Conditions) -> Vec<Property> {
        let is_judged = |property: &Property| property.name != HAD_AGAIN.name || self.again(conditions).is_some();
        properties.into_iter().filter(is_judged).collect()
    }

    /// The judges of what both are: of the properties of queues, these are asked for.
    fn judges<C: Cluster + Queueing<Client = history::Event<Job, Worked>>>(
        &self,
        asked: &[Property],
        conditions: &Conditions,
    ) -> Vec<Box<dyn Judge<C>>> {
        let registry = registry::Config::of(self.servers);
        let demands = Demands {
            drift_ppm: conditions.clocks.drift_ppm,
            lease: self.lease,
            keep_alive: self.keep_alive,
            lasting: false,
            tick: registry.tick,
            election_max: self.election_timeout.high(),
            progress: registry.progress,
            sick_max: None,
            cache_max: None,
        };
        let beneath = BeneathJudge::new(self.servers, demands);
        let mut judges: Vec<Box<dyn Judge<C>>> = vec![Box::new(LockJudge::new()), Box::new(QueueJudge::new(asked)), Box::new(beneath)];
        judges.extend(self.again(conditions).map(|bounds| Box::new(AgainJudge::new(bounds)) as Box<dyn Judge<C>>));
        judges
    }

    fn resource(&self) -> NodeId {
        NodeId::server(self.servers)
    }

    /// Within which time a lock is had again when no fault is in force; nothing where links lose so much that none could say.
    fn again(&self, conditions: &Conditions) -> Option<Again> {
        let links = || conditions.links.iter().map(|(_, _, link)| link).chain([&conditions.link]);
        if links().any(|link| link.loss.strikes(u64::MAX / 10)) {
            return None;
        }
        let slowest = links().map(|link| longest(&link.latency)).max().unwrap_or_default() + longest(&conditions.disk.sync);
        let slack = self.answer * 10 + self.election_timeout.high() * 4 + slowest * 20 + Duration::from_secs(1);
        let drift = allowance(self.lease, conditions.clocks.drift_ppm * 2);
        Some(Again {
            lease: self.lease + drift,
            lock_delay: self.lock_delay + allowance(self.lock_delay, conditions.clocks.drift_ppm),
            slack,
        })
    }

    /// Within which time a lock is had again, if that is judged.
    fn promises(&self, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        self.again(conditions).map(|Again { lease, lock_delay, slack }| (HAD_AGAIN.name, lease + lock_delay + slack)).into_iter().collect()
    }

    fn nodes<C>(&self, habits: Habits, work: &LockWork, mutants: &[&'static str]) -> Nodes<C>
    where
        C: Cluster<Server = Either<Seat, Resource<Message>>, Client = Worker<Session>>,
    {
        let rules = lock::rules_of(mutants);
        let Self { servers, election_timeout, heartbeat, lease, keep_alive, answer, drift, lock_delay, one_wakeup, fencing } = *self;
        let server = registry::Config { election_timeout, heartbeat, ..registry::Config::of(servers) };
        let agent = AgentConfig {
            servers,
            lease,
            keep_alive,
            request_timeout: answer,
            // What is asked for is asked for until it is done: what may yet take effect could not be taken back.
            operation_timeout: crate::notation::LONGEST,
            pause: length_range("10ms..50ms"),
            renew: Duration::from_secs(1),
            resumes: true,
            report: None,
            rules: Arc::clone(&server.rules),
        };
        let Habits { waits, readers, observes, resigns } = habits;
        let keeper = SessionConfig { agent, drift, one_wakeup, waits, lock_delay, observes, resigns, rules: Arc::clone(&rules) };
        let clients = work.workers(self.resource(), readers, keeper, &rules);
        let mut nodes = vec![Either::First(server); servers as usize];
        nodes.push(Either::Second(ResourceConfig { fencing, rules }));
        Nodes { servers: nodes, clients }
    }
}

/// How long what takes so long takes at most, but for once in a blue moon.
fn longest(latency: &Latency) -> Duration {
    match *latency {
        Latency::Constant(length) => length,
        Latency::Uniform(range) => range.high(),
        Latency::Exponential { low, mean } => low + mean * 20,
    }
}

/// Reads the part of a scenario of either.
fn decode<T: Settings>(system: Form<'_>, workload: Option<Form<'_>>) -> Option<LockConfig<T>> {
    let work = LockWork::of(workload);
    let mut fields = system.fields()?;
    let (sessions, given) = Sessions::read(&mut fields);
    sessions.fits(&given);
    if let Some((work, asked)) = &work {
        work.fits(("lease", less(sessions.lease, sessions.drift)), asked.as_ref(), &given);
    }
    let (own, _) = T::read(&mut fields);
    fields.finish();
    Some(LockConfig { sessions, own, work: work?.0 })
}

fn write<T: Settings>(name: &str, config: &LockConfig<T>) -> Written {
    let own = joined([config.sessions.written(), config.own.written()]);
    Written { system: format!("{name}({own})"), workload: Some(format!("({})", config.work.written())) }
}

fn declared<T: Settings>(name: &'static str) -> Vec<(&'static str, Vec<Setting>)> {
    vec![(name, [Sessions::declared(), T::declared()].concat()), ("workload", LockWork::declared())]
}

macro_rules! over_a_registry {
    ($System:ident) => {
        impl Cluster for $System {
            type Message = Message;
            type Operation = Job;
            type Response = Worked;
            type Server = Either<Seat, Resource<Message>>;
            type Client = Worker<Session>;

            fn fingerprint(server: &Self::Server) -> Option<u64> {
                match server {
                    Either::First(seat) => Some(seat.server().raft().fingerprint()),
                    Either::Second(_) => None,
                }
            }

            fn unsettled(server: &Self::Server) -> Option<String> {
                match server {
                    Either::First(seat) => seat.server().unsettled(),
                    Either::Second(_) => None,
                }
            }
        }

        impl Locking for $System {
            fn accessed(note: &Either<Note, Accessed>) -> Option<Accessed> {
                match note {
                    Either::First(_) => None,
                    Either::Second(accessed) => Some(*accessed),
                }
            }

            fn said(note: &HolderNote) -> Option<HolderNote> {
                Some(*note)
            }
        }

        impl OverRegistry for $System {
            fn of_registry(message: &Message) -> Option<&registry::Message> {
                match message {
                    Message::Registry(message) => Some(message),
                    _ => None,
                }
            }

            fn by_registry(note: &Either<Note, Accessed>) -> Option<&Note> {
                match note {
                    Either::First(note) => Some(note),
                    Either::Second(_) => None,
                }
            }
        }

        impl Queueing for $System {}
    };
}

over_a_registry!(Lock);
over_a_registry!(Election);

/// The properties of locks and of their queues, these, and those of what they stand on.
fn properties(besides: &[Property]) -> Vec<Property> {
    PROPERTIES.into_iter().chain(OF_QUEUES).chain(besides.iter().copied()).chain([HAD_AGAIN]).chain(BENEATH).collect()
}

/// What a note says of Raft: one of a server of the registry.
fn raft_note(note: &Either<Note, Accessed>) -> Option<&raft::Note> {
    if let Either::First(Note::Raft(note)) = note { Some(note) } else { None }
}

/// The mutants whose names begin so, and the decoys.
fn mutants(of: &str) -> Vec<Mutant> {
    Mutant::list(&[session::MUTANTS, session::DECOYS]).into_iter().filter(|mutant| mutant.name.starts_with(of)).collect()
}

impl System for Lock {
    const NAME: &'static str = "Lock";
    const ABOUT: &'static str = "locks over the sessions of a registry that Raft replicates, with queues, fencing tokens and readers that \
                                 share them, and clients that work at what the locks guard";

    const LAST_SERVER: Option<&'static str> = Some("resource");

    type Config = LockConfig<LockSettings>;

    fn properties() -> Vec<Property> {
        properties(&[])
    }

    fn judged(config: &Self::Config, conditions: &Conditions) -> Vec<Property> {
        config.sessions.judged(Self::properties(), conditions)
    }

    fn mutants() -> Vec<Mutant> {
        mutants("lock/")
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        decode(system, workload)
    }

    fn write(config: &Self::Config) -> Written {
        write(Self::NAME, config)
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        declared::<LockSettings>(Self::NAME)
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: config.sessions.servers + 1, clients: config.work.clients }
    }

    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self> {
        let LockSettings { waits, readers } = config.own;
        let habits = Habits { waits, readers, observes: Observing::Off, resigns: true };
        config.sessions.nodes(habits, &config.work, mutants)
    }

    fn promises(config: &Self::Config, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        config.sessions.promises(conditions)
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_workers())
    }

    fn metrics() -> Vec<Metric> {
        OF_RAFT.to_vec()
    }

    fn probes(_: &Self::Config) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(RaftProbe::new(raft_note))]
    }

    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        config.sessions.judges(&Self::judged(config, conditions), conditions)
    }
}

impl System for Election {
    const NAME: &'static str = "Election";
    const ABOUT: &'static str = "leader election over the sessions of a registry: a lock whose fencing token is the term, and whose queue is \
                                 observed";

    const LAST_SERVER: Option<&'static str> = Some("resource");

    type Config = LockConfig<ElectionSettings>;

    fn properties() -> Vec<Property> {
        properties(&OF_ELECTIONS)
    }

    fn judged(config: &Self::Config, conditions: &Conditions) -> Vec<Property> {
        let observes = |property: &Property| config.own.observe != Observe::Off || property.name != OBSERVED_FORWARD.name;
        config.sessions.judged(Self::properties(), conditions).into_iter().filter(observes).collect()
    }

    fn mutants() -> Vec<Mutant> {
        mutants("election/")
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<Self::Config> {
        decode(system, workload)
    }

    fn write(config: &Self::Config) -> Written {
        write(Self::NAME, config)
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        declared::<ElectionSettings>(Self::NAME)
    }

    fn population(config: &Self::Config) -> Population {
        Population { servers: config.sessions.servers + 1, clients: config.work.clients }
    }

    fn nodes(config: &Self::Config, mutants: &[&'static str]) -> Nodes<Self> {
        let habits = Habits { waits: true, readers: Ratio::NEVER, observes: config.own.observing(), resigns: config.own.resigns };
        config.sessions.nodes(habits, &config.work, mutants)
    }

    fn promises(config: &Self::Config, conditions: &Conditions) -> Vec<(&'static str, Duration)> {
        config.sessions.promises(conditions)
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_workers())
    }

    fn metrics() -> Vec<Metric> {
        OF_RAFT.to_vec()
    }

    fn probes(_: &Self::Config) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(RaftProbe::new(raft_note))]
    }

    fn judges(config: &Self::Config, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        config.sessions.judges(&Self::judged(config, conditions), conditions)
    }
}
