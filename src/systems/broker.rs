//! `Broker`: partitions that are logs with replicas, as Kafka's.
//!
//! ```ron
//! system: Broker(brokers: 3, partitions: 2, replicas: 3, min_insync: 2, flush: Always),
//! workload: (producers: 2, consumers: 2, acks: All, group: true, promise: AtLeastOnce),
//! ```

use std::sync::Arc;

use super::broker_work::BrokerWork;
use super::probes::{LagProbe, OF_BROKERS, OF_RAFT, RaftProbe};
use super::raft_kv::{ELECTION_TIMEOUT, timeouts_fit};
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, Metric, StreamOp, Streamed};
use crate::check::streams::{self, Demands, StreamAnomaly};
use crate::check::{Budget, Property, PropertyReport};
use crate::history::History;
use crate::history::formats::Spelling;
use crate::metrics::Probe;
use crate::notation::{Count, Flag, Form, Given, LengthRange, Maybe, OneOf, PositiveLength, Setting, Settings, Timed, Timing, settings};
use crate::process::Either;
use crate::protocols::broker::properties::{Allowed, BrokerJudge, Brokering, COMMITTED_KEPT, OFFSETS_KEPT, PROPERTIES};
use crate::protocols::broker::{
    self, BrokerConfig as Server, Cleaning, Client, Controller, ControllerConfig, Flush, Layout, Message, Note,
};
use crate::protocols::raft;
use crate::trace::Judge;
use crate::world::{Cluster, Conditions, Reached};

/// A broker whose partitions are logs.
#[derive(Clone, Copy, Debug)]
pub struct Broker;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// The brokers.
    pub settings: BrokerSettings,
    /// What clients do.
    pub work: BrokerWork,
}

const FLUSH: OneOf<Flushing> = OneOf(
    "when a log is on disk",
    &[
        ("Never", "When the operating system likes: a crash may take all. Kafka's way, which relies on replication.", Flushing::Never),
        ("Regularly", "Every `flush_interval`.", Flushing::Regularly),
        ("Always", "Before anybody is told of it.", Flushing::Always),
    ],
);

/// When a log is on disk, as a scenario says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushing {
    /// When the operating system likes.
    Never,
    /// Every so often.
    Regularly,
    /// Before anybody is told of it.
    Always,
}

settings! {
    /// What a broker has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BrokerSettings {
        /// How many brokers there are: the first nodes; those after them are the controllers.
        brokers: u32 = 3, Count(1..=99);
        /// How many controllers there are. Several agree through Raft (KIP-500).
        controllers: u32 = 1, Count(1..=99);
        /// How many partitions producers send to. One more has what the group has processed.
        partitions: u32 = 2, Count(1..=99);
        /// How many brokers have each partition.
        replicas: u32 = 3, Count(1..=99);
        /// How many replicas must be in sync for a message that all must have (`min.insync.replicas`).
        min_insync: u32 = 2, Count(1..=99);
        /// Whether a replica may lead that is not in sync, if there is no other.
        unclean: bool = false, Flag;
        /// When a log is on disk.
        flush: Flushing = Flushing::Never, FLUSH;
        /// How often logs go to disk, if they do so regularly.
        flush_interval: Option<Duration> = None, Maybe(PositiveLength);
        /// How long a message is kept (`retention.ms`), since its leader appended it; without this or `retention_messages`, for ever.
        retention: Option<Duration> = None, Maybe(PositiveLength);
        /// How many messages of a partition are kept, of whatever age: the last ones (`retention.bytes`, in messages).
        retention_messages: Option<u32> = None, Maybe(Count(1..=1_000_000));
        /// Whether logs are compacted: of each key the last message stays (`cleanup.policy=compact`).
        compact: bool = false, Flag;
        /// How long a tombstone is kept that is the last of its key (`delete.retention.ms`).
        delete_retention: Duration = Duration::from_secs(1), PositiveLength;
        /// How many entries a segment has: the last one is not cleaned, and retention deletes whole ones (`segment.bytes`, in entries).
        segment: u32 = 10, Count(1..=1_000_000);
        /// How often logs are cleaned (`log.retention.check.interval.ms`, `log.cleaner.backoff.ms`).
        cleaning: Duration = Duration::from_millis(200), PositiveLength;
        /// How long a follower waits for an answer before it fetches again.
        fetch: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long a follower may lag and be in sync (`replica.lag.time.max.ms`).
        lag: Duration = Duration::from_millis(500), PositiveLength;
        /// How often a broker tells the controller that it is there.
        beat: Duration = Duration::from_millis(100), PositiveLength;
        /// After which silence the controller takes a broker to be gone (`broker.session.timeout.ms`).
        silence: Duration = Duration::from_millis(500), PositiveLength;
        /// How long a controller waits for the one that leads before it campaigns: drawn anew each time
        /// (`controller.quorum.election.timeout.ms`).
        election_timeout: DurationRange = <raft::Config>::of(1).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often the controller that leads shows the others that it lives: more often than every election timeout.
        heartbeat: Duration = <raft::Config>::of(1).heartbeat, PositiveLength;
        /// After which silence a member of the group is given up (`session.timeout.ms`).
        session: Duration = Duration::from_millis(600), PositiveLength;
        /// How long the members are given to join again (`rebalance.timeout.ms`).
        rebalance: Duration = Duration::from_millis(300), PositiveLength;
    }
}

impl BrokerConfig {
    /// What is demanded of what clients see.
    fn demands(&self) -> Demands {
        Demands { compacts: self.settings.compact.then(|| self.work.keys()), ..Demands::of(self.work.promise) }
    }
}

impl BrokerSettings {
    /// Reports what does not fit together.
    fn fits(&self, given: &Given<'_>) {
        timeouts_fit(self.election_timeout, self.heartbeat, given);
        for (name, count, of, most) in
            [("replicas", self.replicas, "brokers", self.brokers), ("min_insync", self.min_insync, "replicas", self.replicas)]
        {
            if count > most
                && let Some(form) = given.complain(&[name, of])
            {
                form.report(form.problem(format!("{name} is {count}, and {of} are {most}")).help(format!("let {name} be {most} or less")));
            }
        }
        if (self.flush == Flushing::Regularly) != self.flush_interval.is_some()
            && let Some(form) = given.complain(&["flush_interval", "flush"])
        {
            form.report(form.problem("flush: Regularly and flush_interval belong together").help("give both or neither"));
        }
    }

    /// What is done with messages that were there for long enough, if anything is.
    fn cleaning(&self, work: &BrokerWork) -> Option<Cleaning> {
        let Self { retention, retention_messages, compact, delete_retention, segment, cleaning, .. } = *self;
        let compacts = compact.then(|| work.keys());
        let is_cleaned = compact || retention.is_some() || retention_messages.is_some();
        is_cleaned.then_some(Cleaning { retention, retention_messages, compacts, delete_retention, segment, every: cleaning })
    }

    fn layout(&self, work: &BrokerWork) -> Layout {
        let Self { brokers, partitions, replicas, min_insync, unclean, flush, flush_interval, fetch, lag, beat, silence, .. } = *self;
        let Self { controllers, session, rebalance, .. } = *self;
        let cleaning = self.cleaning(work);
        let flush = match (flush, flush_interval) {
            (Flushing::Always, _) => Flush::Always,
            (Flushing::Regularly, Some(length)) => Flush::Every(length),
            _ => Flush::Never,
        };
        let (transactions, has_outputs) = (work.transaction_timeout(), work.processors > 0);
        Layout {
            brokers,
            controllers,
            partitions,
            replicas,
            min_insync,
            unclean,
            flush,
            fetch,
            lag,
            beat,
            silence,
            session,
            rebalance,
            transactions,
            cleaning,
            has_outputs,
        }
    }
}

impl Cluster for Broker {
    type Message = Message;
    type Operation = StreamOp;
    type Response = Streamed;
    type Server = Either<broker::Broker, Controller>;
    type Client = Client;

    fn fingerprint(server: &Self::Server) -> Option<u64> {
        if let Either::Second(controller) = server { Some(controller.raft().fingerprint()) } else { None }
    }

    fn reached(server: &Self::Server) -> Option<Reached> {
        let Either::Second(controller) = server else { return None };
        Some(Reached { count: controller.raft().applied(), of: "applied entries" })
    }

    fn unsettled(server: &Self::Server) -> Option<String> {
        match server {
            Either::First(broker) => broker.unsettled(),
            Either::Second(_) => None,
        }
    }
}

impl Brokering for Broker {
    fn said(note: &Either<Note, Note>) -> Option<&Note> {
        let (Either::First(note) | Either::Second(note)) = note;
        Some(note)
    }
}

/// What is judged of brokers under these settings: what may be lost by design is not.
fn of_brokers(settings: &BrokerSettings) -> Vec<Property> {
    let lost = |property: &Property| settings.unclean && [COMMITTED_KEPT, OFFSETS_KEPT].contains(property);
    PROPERTIES.into_iter().filter(|property| !lost(property)).collect()
}

/// What a note says of Raft: one of a controller.
fn raft_note(note: &Either<Note, Note>) -> Option<&raft::Note> {
    if let Either::Second(Note::Raft(note)) = note { Some(note) } else { None }
}

/// What is judged of controllers.
const OF_CONTROLLERS: [Property; raft::properties::PROPERTIES.len()] = raft::properties::PROPERTIES;

impl System for Broker {
    const NAME: &'static str = "Broker";
    const ABOUT: &'static str = "a broker whose partitions are logs with replicas, as Kafka's: in-sync sets, high watermarks, leader \
                                 epochs, producers that number their messages, and consumers that share partitions as a group";

    type Config = BrokerConfig;

    fn properties() -> Vec<Property> {
        // It isolates nothing that is sent: what depends on that is never asked for.
        let of_streams = StreamAnomaly::ALL.into_iter().filter(|anomaly| *anomaly != StreamAnomaly::WriteCycle);
        PROPERTIES.into_iter().chain(OF_CONTROLLERS).chain(of_streams.map(|anomaly| *anomaly.property())).collect()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[broker::MUTANTS, broker::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<BrokerConfig> {
        let work = BrokerWork::of(workload);
        let mut fields = system.fields()?;
        let (settings, given) = BrokerSettings::read(&mut fields);
        settings.fits(&given);
        fields.finish();
        Some(BrokerConfig { settings, work: work? })
    }

    fn write(config: &BrokerConfig) -> Written {
        Written { system: format!("Broker({})", config.settings.written()), workload: Some(format!("({})", config.work.written())) }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, BrokerSettings::declared()), ("workload", BrokerWork::declared())]
    }

    fn population(config: &BrokerConfig) -> Population {
        Population { servers: config.settings.brokers + config.settings.controllers, clients: config.work.clients() }
    }

    fn nodes(config: &BrokerConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let (layout, rules) = (Arc::new(config.settings.layout(&config.work)), broker::rules_of(mutants));
        let clients = config.work.configs(&layout, &rules);
        let server = Server { layout: Arc::clone(&layout), rules: Arc::clone(&rules) };
        let mut servers = vec![Either::First(server); config.settings.brokers as usize];
        let BrokerSettings { election_timeout, heartbeat, controllers, .. } = config.settings;
        let controller = Either::Second(ControllerConfig { layout, election_timeout, heartbeat, rules });
        servers.extend(vec![controller; controllers as usize]);
        Nodes { servers, clients }
    }

    fn judged(config: &BrokerConfig, _: &Conditions) -> Vec<Property> {
        let of_streams = config.demands().forbidden().map(|anomaly| *anomaly.property());
        of_brokers(&config.settings).into_iter().chain(OF_CONTROLLERS).chain(of_streams).collect()
    }

    fn metrics() -> Vec<Metric> {
        [OF_BROKERS, OF_RAFT].concat()
    }

    fn probes(_: &BrokerConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(LagProbe::new(<Self as Brokering>::said)), Box::new(RaftProbe::new(raft_note))]
    }

    fn judges(config: &BrokerConfig, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let BrokerSettings { brokers, controllers, .. } = config.settings;
        let allowed = Allowed { cleaning: config.settings.cleaning(&config.work), clocks: conditions.clocks_apart() };
        vec![Box::new(BrokerJudge::new(of_brokers(&config.settings), allowed, brokers, controllers))]
    }

    fn judge_history(config: &BrokerConfig, history: &History<StreamOp, Streamed>, _: Budget) -> Vec<PropertyReport> {
        streams::judge(config.demands(), history)
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_steps())
    }

    fn spelling(_: &BrokerConfig) -> Option<Spelling<StreamOp, Streamed>> {
        Some(crate::check::recorded::streams::spelling())
    }
}
