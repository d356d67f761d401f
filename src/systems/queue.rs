//! `Queue`: a work queue, on one node or replicated by Raft, publishers and consumers.
//!
//! ```ron
//! system: Queue(nodes: 3, deduplicate: true, delivery_limit: 3, dead_letters: true, ttl: "5s"),
//! workload: (publishers: 2, consumers: 3, confirms: true, acknowledge: Manual, prefetch: 5, promise: AtLeastOnce),
//! ```

use super::lock_work::length_range;
use super::probes::{OF_RAFT, RaftProbe};
use super::raft_kv::{ELECTION_TIMEOUT, timeouts_fit};
use super::{Mutant, Nodes, Population, Scripting, System, Written};
use crate::base::{Duration, DurationRange, Metric, Ratio, Shown, SortedMap, StreamOp, Streamed};
use crate::check::recorded::streams::spelling;
use crate::check::streams::{Demands, Promise, StreamAnomaly, judge};
use crate::check::{Budget, Property, PropertyReport, Verdict};
use crate::history::formats::Spelling;
use crate::history::{History, Operation};
use crate::metrics::Probe;
use crate::notation::{
    Chance, Count, Flag, Form, Given, LengthRange, Maybe, OneOf, PositiveLength, Setting, Settings, Timed, Timing, settings,
};
use crate::protocols::queue::properties::{self, Limits, QueueJudge};
use crate::protocols::queue::{
    self, Acknowledge, Client, ClientConfig, Consuming, Message, Policy, Publishing, Role, Server, ServerConfig, Settlement, Source,
};
use crate::protocols::raft;
use crate::trace::Judge;
use crate::world::{Cluster, Conditions, Reached};

/// A work queue, and those who use it.
#[derive(Clone, Copy, Debug)]
pub struct Queue;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// The queue.
    pub settings: QueueSettings,
    /// Who uses it.
    pub work: QueueWork,
}

static ACKNOWLEDGES: [(&str, &str, Acknowledge); 2] = [
    ("Manual", "When its consumer has processed it.", Acknowledge::Manual),
    ("Auto", "When it is sent to its consumer.", Acknowledge::Auto),
];

static FAILURES: [(&str, &str, Settlement); 2] =
    [("Requeue", "It goes back to its place in the queue.", Settlement::Requeue), ("Reject", "It is a dead letter.", Settlement::Reject)];

static PROMISES: [(&str, &str, Promise); 3] = [
    ("AtMostOnce", "No message comes twice; one may be lost.", Promise::AtMostOnce),
    ("AtLeastOnce", "No message that was confirmed is lost; one may come twice.", Promise::AtLeastOnce),
    ("ExactlyOnce", "No message that was confirmed is lost, and none comes twice.", Promise::ExactlyOnce),
];

settings! {
    /// What a queue has fields for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct QueueSettings {
        /// How many servers there are. One is a queue on one node; with three or more it is replicated by Raft (a quorum queue).
        nodes: u32 = 3, Count(1..=99);
        /// How long a server waits for a leader before it campaigns: drawn anew each time.
        election_timeout: DurationRange = <raft::Config>::of(1).election_timeout, Timed(LengthRange, ELECTION_TIMEOUT);
        /// How often a leader shows that it lives: shorter than every election timeout.
        heartbeat: Duration = <raft::Config>::of(1).heartbeat, PositiveLength;
        /// How many log entries one message carries at most.
        batch: u32 = <raft::Config>::of(1).batch_max as u32, Count(1..=100_000);
        /// Whether a message is put in once that is published again under its id.
        deduplicate: bool = true, Flag;
        /// How long a message may wait in the queue until it expires (`x-message-ttl`). Without it, for ever.
        ttl: Option<Duration> = None, Maybe(PositiveLength);
        /// How often a message may come back to the queue; the next time it is a dead letter (`delivery-limit`). Without it, without end.
        delivery_limit: Option<u32> = None, Maybe(Count(1..=1_000_000));
        /// Whether there is a queue of dead letters: of messages that expired, were rejected, or came back too often. Else they are
        /// dropped.
        dead_letters: bool = true, Flag;
        /// After which silence a consumer is gone, and what it holds goes back to the queue.
        session: Duration = Duration::from_millis(600), PositiveLength;
        /// How often a leader looks for silent consumers and expired messages.
        tick: Duration = Duration::from_millis(100), PositiveLength;
    }
}

settings! {
    /// Publishers and consumers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct QueueWork {
        /// How many clients publish: the first ones.
        publishers: u32 = 2, Count(1..=1000);
        /// How many clients consume: those after them.
        consumers: u32 = 2, Count(1..=1000);
        /// How many consume dead letters: the last ones.
        dead_letter_consumers: u32 = 1, Count(0..=1000);
        /// Whether a publisher waits for the confirm of its message, and publishes again if none comes in time; else it takes a message
        /// that it has sent to be in the queue.
        confirms: bool = true, Flag;
        /// When a message counts as taken.
        acknowledge: Acknowledge = Acknowledge::Manual, OneOf("when a message counts as taken", &ACKNOWLEDGES);
        /// How many messages a consumer may hold that it has not settled (`basic.qos`). Without it, any number.
        prefetch: Option<u32> = None, Maybe(Count(1..=65_535));
        /// How long a publisher thinks between two messages.
        think: DurationRange = length_range("0ms..50ms"), LengthRange;
        /// How long a consumer processes a message.
        work: DurationRange = length_range("1ms..10ms"), LengthRange;
        /// How long the last of the consumers does, if it is slower than the others.
        slow: Option<DurationRange> = None, Maybe(LengthRange);
        /// The chance that no consumer can process a message.
        poison: Ratio = Ratio::NEVER, Chance;
        /// The chance that a consumer fails to process a message that it could.
        flaky: Ratio = Ratio::NEVER, Chance;
        /// What a consumer does with a message that it fails to process.
        failed: Settlement = Settlement::Requeue, OneOf("what becomes of a message", &FAILURES);
        /// How often a consumer tells the queue that it is there.
        beat: Duration = Duration::from_millis(150), PositiveLength;
        /// How long the queue is given to answer, before a client asks again.
        request_timeout: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
        /// How long a consumer waits for a message until its poll shows none.
        wait: Duration = Duration::from_millis(500), PositiveLength;
        /// What the queue is held to.
        promise: Promise = Promise::AtLeastOnce, OneOf("a promise", &PROMISES);
    }
}

/// The anomalies that a queue can show. Its clients are told no offsets, and competing consumers have no order among them: that of the
/// queue is judged where messages are given out.
const ANOMALIES: [StreamAnomaly; 3] = [StreamAnomaly::GarbageRead, StreamAnomaly::Redelivery, StreamAnomaly::Unseen];

/// Whether all clients have come to rest: no operation is open, and no consumer found anything when it polled last. Before that, what was
/// not seen may be held by a consumer.
fn is_at_rest(history: &History<StreamOp, Streamed>) -> bool {
    let last: SortedMap<u32, &Operation<StreamOp, Streamed>> =
        history.operations().iter().map(|operation| (operation.client.client, operation)).collect();
    let rests = |operation: &Operation<StreamOp, Streamed>| match (operation.op.name(), operation.result()) {
        ("poll", Some(Streamed { shown, .. })) => shown.iter().all(|shown| matches!(shown, Shown::Polled(batches) if batches.is_empty())),
        (name, result) => name == "send" && result.is_some(),
    };
    last.into_values().all(rests)
}

impl QueueSettings {
    fn policy(&self) -> Policy {
        let Self { ttl, delivery_limit, dead_letters, deduplicate, .. } = *self;
        Policy { ttl, delivery_limit, dead_letters, deduplicate }
    }

    fn server(&self, mutants: &[&'static str]) -> ServerConfig {
        ServerConfig {
            servers: self.nodes,
            election_timeout: self.election_timeout,
            heartbeat: self.heartbeat,
            batch: self.batch,
            tick: self.tick,
            session: self.session,
            policy: self.policy(),
            rules: queue::rules_of(mutants),
        }
    }
}

impl QueueWork {
    /// Reports a consumer that is taken to be gone between two of its messages.
    fn fits(&self, session: Duration, given: &Given<'_>) {
        if self.beat >= session
            && let Some(form) = given.complain(&["beat"])
        {
            let problem = format!("a consumer that tells every {} that it is there is gone after a silence of {session}", self.beat);
            form.report(form.problem(problem).help("make it a third of session, or less"));
        }
    }

    fn clients(&self) -> u32 {
        self.publishers + self.consumers + self.dead_letter_consumers
    }
}

impl QueueConfig {
    /// What is demanded of what clients see. Of dead letters that no client consumes it is not known what became of them; those that are
    /// dropped are lost.
    fn demands(&self) -> Demands {
        let Self { settings, work } = self;
        let dies = settings.ttl.is_some() || settings.delivery_limit.is_some() || work.failed == Settlement::Reject;
        let is_unseen = settings.dead_letters && work.dead_letter_consumers == 0;
        Demands { ordered: false, forgets: dies && is_unseen, ..Demands::of(work.promise) }
    }

    fn limits(&self, conditions: &Conditions) -> Limits {
        Limits { policy: self.settings.policy(), clocks: conditions.clocks_apart(), tick: self.settings.tick }
    }

    fn clients(&self, mutants: &[&'static str]) -> Vec<ClientConfig> {
        let Self { settings, work } = self;
        let rules = queue::rules_of(mutants);
        let client = |role| ClientConfig { servers: settings.nodes, answer: work.request_timeout, role, rules: rules.clone() };
        let publishing = Publishing { confirms: work.confirms, think: Some(work.think), poison: work.poison };
        let consuming = |source, length| Consuming {
            source,
            prefetch: work.prefetch,
            acknowledge: work.acknowledge,
            failed: work.failed,
            flaky: work.flaky,
            work: length,
            wait: work.wait,
            beat: work.beat,
        };
        let consumer = |nth| {
            let length = work.slow.filter(|_| nth + 1 == work.consumers).unwrap_or(work.work);
            client(Role::Consumer(consuming(Source::Work, length)))
        };
        let dead = (0..work.dead_letter_consumers).map(|_| client(Role::Consumer(consuming(Source::DeadLetters, work.work))));
        let publishers = (0..work.publishers).map(|_| client(Role::Publisher(publishing)));
        publishers.chain((0..work.consumers).map(consumer)).chain(dead).collect()
    }
}

impl Cluster for Queue {
    type Message = Message;
    type Operation = StreamOp;
    type Response = Streamed;
    type Server = Server;
    type Client = Client;

    fn fingerprint(server: &Server) -> Option<u64> {
        Some(server.raft().fingerprint())
    }

    fn reached(server: &Server) -> Option<Reached> {
        Some(Reached { count: server.raft().applied(), of: "applied entries" })
    }

    fn unsettled(server: &Server) -> Option<String> {
        server.unsettled()
    }
}

impl System for Queue {
    const NAME: &'static str = "Queue";
    const ABOUT: &'static str = "a work queue on one node, or replicated by Raft: publisher confirms, prefetch, acknowledgement, requeue, \
                                 redelivery, dead letters, time to live; publishers and consumers that compete";

    type Config = QueueConfig;

    fn properties() -> Vec<Property> {
        ANOMALIES.into_iter().map(|anomaly| *anomaly.property()).chain(properties::PROPERTIES).collect()
    }

    fn mutants() -> Vec<Mutant> {
        Mutant::list(&[queue::MUTANTS, queue::DECOYS])
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<QueueConfig> {
        let mut fields = system.fields()?;
        let (settings, given) = QueueSettings::read(&mut fields);
        timeouts_fit(settings.election_timeout, settings.heartbeat, &given);
        fields.finish();
        let Some(form) = workload else { return Some(QueueConfig { settings, work: QueueWork::default() }) };
        let mut fields = form.fields()?;
        let (work, given) = QueueWork::read(&mut fields);
        work.fits(settings.session, &given);
        fields.finish();
        Some(QueueConfig { settings, work })
    }

    fn write(config: &QueueConfig) -> Written {
        let workload = Some(format!("({})", config.work.written()));
        Written { system: format!("{}({})", Self::NAME, config.settings.written()), workload }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, QueueSettings::declared()), ("workload", QueueWork::declared())]
    }

    fn population(config: &QueueConfig) -> Population {
        Population { servers: config.settings.nodes, clients: config.work.clients() }
    }

    fn nodes(config: &QueueConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let servers = vec![config.settings.server(mutants); config.settings.nodes as usize];
        Nodes { servers, clients: config.clients(mutants) }
    }

    fn judged(config: &QueueConfig, conditions: &Conditions) -> Vec<Property> {
        let (demands, limits) = (config.demands(), config.limits(conditions));
        let forbidden = ANOMALIES.into_iter().filter(|anomaly| demands.forbid(*anomaly)).map(|anomaly| *anomaly.property());
        forbidden.chain(properties::PROPERTIES.into_iter().filter(|property| limits.asks_for(property))).collect()
    }

    fn metrics() -> Vec<Metric> {
        OF_RAFT.to_vec()
    }

    fn probes(_: &QueueConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(RaftProbe::new(|note: &queue::Note| if let queue::Note::Raft(note) = note { Some(note) } else { None }))]
    }

    fn judges(config: &QueueConfig, conditions: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        vec![Box::new(QueueJudge::new(config.settings.nodes, config.limits(conditions)))]
    }

    fn judge_history(config: &QueueConfig, history: &History<StreamOp, Streamed>, _: Budget) -> Vec<PropertyReport> {
        let mut reports = judge(config.demands(), history);
        reports.retain(|report| ANOMALIES.iter().any(|anomaly| anomaly.name() == report.name));
        let is_early = |report: &PropertyReport| report.name == StreamAnomaly::Unseen.name() && report.verdict == Verdict::Violated;
        if let Some(unseen) = reports.iter_mut().find(|report| is_early(report))
            && !is_at_rest(history)
        {
            *unseen = PropertyReport { verdict: Verdict::Unknown, ..PropertyReport::holds(StreamAnomaly::Unseen.property()) };
        }
        reports
    }

    fn scripting() -> Option<Scripting<Self>> {
        Some(Scripting::of_steps())
    }

    fn spelling(_: &QueueConfig) -> Option<Spelling<StreamOp, Streamed>> {
        Some(spelling())
    }
}
