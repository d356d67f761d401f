//! `Detectors`: failure detectors, one or several at once on every node.
//!
//! ```ron
//! system: Detectors(
//!     nodes: 10,
//!     detectors: [
//!         Heartbeat(interval: "1s", timeout: "2500ms", missed: 1, of: 1, style: Push, observers: All, watch: Node),
//!         Freshness(interval: "1s", margin: "1s", window: 32),
//!         PhiAccrual(law: Akka, threshold: "8"),
//!         Swim(suspicion_mult: 4, lifeguard: true, requires: (detection: "30s")),
//!     ],
//!     worker: "100ms",
//! )
//! ```
//!
//! All detectors of a node see the same faults, at the same moments: one truth to compare them by. They do not disturb each other: each has
//! kinds of messages of its own, and the fate of a message depends on no other's.

use super::probes::{OF_DETECTORS, SuspicionProbe};
use super::{Mutant, Nodes, Population, System, Written};
use crate::base::{Duration, Metric};
use crate::check::Property;
use crate::metrics::Probe;
use crate::notation::{
    Count, CountUpTo, Fields, Flag, Form, Length, Maybe, OneOf, Parsed, PositiveLength, Record, Required, Setting, Settings, Text, Timed,
    Timing, Variant, Within, codecs, in_quotes, joined, settings,
};
use crate::process::NoNote;
use crate::protocols::detector::properties::{self, Bounds, DetectorJudge, Observations, Subject};
use crate::protocols::detector::{
    self, DetectorGroup, DetectorGroupConfig, DetectorGroupMessage, HeartbeatConfig, Law, Level, Message, Method, Note, Observers, Phi,
    Style, SwimConfig, Watch, WorkerConfig,
};
use crate::trace::Judge;
use crate::workload::NoClient;
use crate::world::{Cluster, Conditions};
use std::str::FromStr;

/// Failure detectors, compared on the same nodes.
#[derive(Clone, Copy, Debug)]
pub struct Detectors;

/// Its part of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorsConfig {
    /// How many nodes there are.
    pub nodes: u32,
    /// The detectors that each of them carries.
    pub detectors: Vec<Chosen>,
    /// How often the worker of each node works, if it has one.
    pub worker: Option<Duration>,
    /// For how long mistakes do not count at the start.
    pub warm_up: Duration,
}

/// A detector that a scenario has chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// What it is called in reports.
    pub name: String,
    /// How it detects.
    pub method: Method,
    /// What is required of it.
    pub bounds: Bounds,
}

impl Chosen {
    /// Reads a detector: `Heartbeat(…)`, `Freshness(…)`, `PhiAccrual(…)` or `Swim(…)`.
    pub fn read(form: Form<'_>) -> Option<Self> {
        let kind = form.variant_of("a detector", &DETECTORS)?.name;
        let mut fields = form.fields()?;
        let (Named { name }, _) = Named::read(&mut fields);
        let method =
            if kind == "Swim" { Method::Swim(read_swim(&mut fields)) } else { Method::Heartbeat(read_heartbeat(kind, &mut fields)) };
        let (Bounded { requires: Requirements { detection, recurrence, duration, doubts } }, _) = Bounded::read(&mut fields);
        fields.finish();
        let bounds = Bounds { detection, recurrence, duration, doubts };
        Some(Self { name: name.unwrap_or_else(|| kind.to_owned()), method, bounds })
    }

    /// Writes it as [`read`](Self::read) reads it.
    pub fn write(&self) -> String {
        let (kind, own) = match &self.method {
            Method::Heartbeat(heartbeat) => write_heartbeat(heartbeat),
            Method::Swim(swim) => ("Swim", swim.written()),
        };
        let Bounds { detection, recurrence, duration, doubts } = self.bounds;
        let bounds = Bounded { requires: Requirements { detection, recurrence, duration, doubts } };
        format!("{kind}({})", joined([Named { name: Some(self.name.clone()) }.written(), own, bounds.written()]))
    }

    /// What the judges know of it.
    pub fn subject(&self) -> Subject {
        let (observers, watches_work, doubts) = match &self.method {
            Method::Heartbeat(heartbeat) => (heartbeat.observers, heartbeat.watch == Watch::Work, false),
            Method::Swim(_) => (Observers::All, false, true),
        };
        Subject { name: self.name.clone(), observers, watches_work, doubts, bounds: self.bounds }
    }

    /// Of how many pairs of nodes one keeps track of the other all the time. With Swim it does so only of those that are in doubt.
    fn pairs(&self, nodes: u32) -> u64 {
        match &self.method {
            Method::Heartbeat(heartbeat) => u64::from(nodes) * u64::from(heartbeat.observers.count(nodes)),
            Method::Swim(_) => 0,
        }
    }

    /// What a node's detector is built from.
    pub fn config(&self, nodes: u32, slot: u8, mutants: &[&'static str]) -> detector::Config {
        detector::Config { nodes, slot, method: self.method, rules: detector::rules_of(mutants) }
    }
}

settings! {
    /// What all detectors by heartbeats have fields for.
    struct Beats {
        /// How often heartbeats come.
        interval: Duration = HeartbeatConfig::default().interval, PositiveLength;
        /// Whether they are sent unasked, or asked for.
        style: Style = HeartbeatConfig::default().style, OneOf("a style of heartbeats", &STYLES);
        /// Who watches whom.
        observers: Observers = HeartbeatConfig::default().observers, Ring;
        /// What counts as a sign of life: each heartbeat, or only one that tells of progress of the node's worker.
        watch: Watch = HeartbeatConfig::default().watch, OneOf("a sign of life", &WATCHED);
    }
}

settings! {
    /// `Heartbeat`: so many missed of the last so many are a failure.
    struct Timeouts {
        /// For how long no heartbeat comes until one is missed; another one with each further interval.
        timeout: Duration = Duration::from_millis(2500), Timed(PositiveLength, SILENCE);
        /// Of how many heartbeats those that are missed are counted.
        of: u32 = 1, Count(1..=32);
        /// How many missed are a failure, at most `of`.
        missed: u32 = 1, CountUpTo(1..=of, "of");
    }
}

/// What the timeout of a detector by heartbeats is for.
const SILENCE: &[Timing] = &[Timing::Misses { every: "interval", missed: "missed", asked: ("style", "Ping") }];

settings! {
    /// `Freshness`: freshness points after the expected arrival.
    struct FreshnessPoints {
        /// How long after the expected arrival, or the next sending, a heartbeat is overdue.
        margin: Duration = Duration::from_secs(1), PositiveLength;
        /// From how many arrivals the next one is estimated.
        window: u32 = 32, Count(1..=100_000);
        /// Whether clocks agree: freshness points then follow the sending, and nothing is estimated.
        synchronised: bool = false, Flag;
    }
}

settings! {
    /// `PhiAccrual`: an accrued level of suspicion. The law brings the defaults of its inventors, here those of Akka.
    struct Accrual {
        /// The distribution that intervals are taken to have, with the guards of its inventors.
        law: Law = Law::Logistic, OneOf("a law", &LAWS);
        /// The level from which on a node is suspected.
        threshold: Thousandths = Thousandths(usual(law).threshold), Parsed("a level of suspicion, like \"8\"");
        /// How many intervals the distribution is fitted to.
        window: u32 = usual(law).window, Count(2..=100_000);
        /// What the standard deviation is taken to be at least.
        deviation_min: Duration = usual(law).deviation_min, Length;
        /// What is added to the mean: how long heartbeats may stay out for no bad reason.
        pause: Duration = usual(law).pause, Length;
        /// Longer intervals are not learned from; with "0s", all are.
        interval_max: Duration = usual(law).interval_max.unwrap_or_default(), Length;
        /// A watcher that stood still itself for longer suspects no member for as long; with "0s", it does.
        local_pause_max: Duration = usual(law).local_pause_max.unwrap_or_default(), Length;
    }
}

settings! {
    /// What a detector is called.
    struct Named {
        /// What the detector is called in reports; without a name, as what it is.
        name: Option<String> = None, Maybe(Text);
    }
}

settings! {
    /// What a detector is held against.
    struct Bounded {
        /// What is required of the detector.
        requires: Requirements = Requirements::default(), Record::like("(detection: \"30s\")");
    }
}

settings! {
    /// What is required of a detector. Each need not be given.
    #[derive(Clone)]
    struct Requirements {
        /// At most: from a crash to the beginning of a suspicion that lasts until the node is back, of each undisturbed watcher.
        detection: Option<Duration> = None, Maybe(Bound);
        /// At least: the mean time between mistakes of a pair.
        recurrence: Option<Duration> = None, Maybe(Bound);
        /// At most: the mean length of a mistake.
        duration: Option<Duration> = None, Maybe(Bound);
        /// At least: the mean time between doubts of a pair about a living node, where the detector doubts before it convicts.
        doubts: Option<Duration> = None, Maybe(Bound);
    }
}

codecs! {
    /// What a mean is held against: a length above zero that may be longer than any run.
    Bound: Duration = Form::duration_positive, in_quotes, "a length above zero", like "\"30s\"";
    /// `All`, or `Ring(2)`.
    Ring: Observers = observers, |observers| format!("{observers:?}"),
        "`All`, or `Ring(2)`: the nodes form a ring, and each watches so many that follow it, from 1 to 1000",
        within Within::OneOf("who watches whom", RINGS.to_vec());
}

/// The detectors that there are.
pub(super) const DETECTORS: [Variant; 4] = [
    Variant::new(
        "Heartbeat",
        "A node is suspected when so many of its last heartbeats are missed.",
        "Heartbeat(interval: \"1s\", timeout: \"2500ms\")",
    )
    .with(detector::<Beats, Timeouts>),
    Variant::new(
        "Freshness",
        "A node is suspected when no heartbeat has come by its freshness point: a margin after the expected arrival \
        (Chen, Toueg and Aguilera).",
        "Freshness(interval: \"1s\", margin: \"1s\", window: 32)",
    )
    .with(detector::<Beats, FreshnessPoints>),
    Variant::new(
        "PhiAccrual",
        "A node is suspected from a level of suspicion on that grows while no heartbeat comes (Hayashibara et al.).",
        "PhiAccrual(law: Akka, threshold: \"8\")",
    )
    .with(detector::<Beats, Accrual>),
    Variant::new(
        "Swim",
        "Nodes probe each other in turn, ask others to try, and pass on whom they suspect: SWIM, with Lifeguard.",
        "Swim(suspicion_mult: 4, lifeguard: true)",
    )
    .with(detector::<Guarded, SwimConfig>),
];

/// What a detector has fields for.
fn detector<A: Settings, B: Settings>() -> Vec<Setting> {
    [Named::declared(), A::declared(), B::declared(), Bounded::declared()].concat()
}

const STYLES: [(&str, &str, Style); 2] = [
    ("Push", "A node sends its heartbeats unasked.", Style::Push),
    ("Ping", "A node is asked for each heartbeat by those who watch it.", Style::Ping),
];

const WATCHED: [(&str, &str, Watch); 2] = [
    ("Node", "Each heartbeat is a sign of life.", Watch::Node),
    ("Work", "Only a heartbeat that tells of progress of the node's worker is a sign of life: this sees gray failures.", Watch::Work),
];

const RINGS: [Variant; 2] = [
    Variant::new("All", "Every node watches every other.", "observers: All"),
    Variant::new("Ring", "The nodes form a ring, and each watches so many that follow it, from 1 to 1000.", "observers: Ring(2)"),
];

const LAWS: [(&str, &str, Law); 3] = [
    ("Akka", "The normal distribution, its tail approximated by a logistic function, with Akka's guards.", Law::Logistic),
    ("Cassandra", "The exponential distribution, with Cassandra's guards.", Law::Exponential),
    ("Normal", "The normal distribution, as published (Hayashibara et al.).", Law::Normal),
];

fn usual(law: Law) -> Phi {
    match law {
        Law::Logistic => Phi::akka(),
        Law::Exponential => Phi::cassandra(),
        Law::Normal => Phi::hayashibara(),
    }
}

fn read_heartbeat(kind: &str, fields: &mut Fields<'_>) -> HeartbeatConfig {
    let (Beats { interval, style, observers, watch }, _) = Beats::read(fields);
    let level = match kind {
        "Heartbeat" => {
            let (Timeouts { timeout, of, missed }, _) = Timeouts::read(fields);
            Level::Timeout { timeout, missed, of }
        }
        "Freshness" => match FreshnessPoints::read(fields).0 {
            FreshnessPoints { margin, synchronised: true, .. } => Level::Synchronised { margin },
            FreshnessPoints { margin, window, .. } => Level::Expected { margin, window },
        },
        _ => {
            let (Accrual { law, threshold, window, deviation_min, pause, interval_max, local_pause_max }, _) = Accrual::read(fields);
            let some = |length: Duration| (!length.is_zero()).then_some(length);
            let (interval_max, local_pause_max) = (some(interval_max), some(local_pause_max));
            let mut phi = Phi::of(law, threshold.0);
            (phi.window, phi.deviation_min, phi.pause) = (window, deviation_min, pause);
            (phi.interval_max, phi.local_pause_max) = (interval_max, local_pause_max);
            Level::Phi(phi)
        }
    };
    HeartbeatConfig { interval, style, observers, watch, level }
}

fn write_heartbeat(&HeartbeatConfig { interval, style, observers, watch, level }: &HeartbeatConfig) -> (&'static str, String) {
    let (kind, own) = match level {
        Level::Timeout { timeout, missed, of } => ("Heartbeat", Timeouts { timeout, of, missed }.written()),
        Level::Expected { margin, window } => ("Freshness", FreshnessPoints { margin, window, synchronised: false }.written()),
        Level::Synchronised { margin } => {
            ("Freshness", FreshnessPoints { margin, synchronised: true, ..FreshnessPoints::default() }.written())
        }
        Level::Phi(Phi { law, threshold, window, deviation_min, pause, interval_max, local_pause_max, .. }) => {
            let (threshold, none) = (Thousandths(threshold), |length: Option<Duration>| length.unwrap_or_default());
            let (interval_max, local_pause_max) = (none(interval_max), none(local_pause_max));
            ("PhiAccrual", Accrual { law, threshold, window, deviation_min, pause, interval_max, local_pause_max }.written())
        }
    };
    (kind, joined([Beats { interval, style, observers, watch }.written(), own]))
}

fn observers(form: Form<'_>) -> Option<Observers> {
    match form.variant_of("who watches whom", &RINGS)?.name {
        "Ring" => {
            let [count] = form.arguments(["how many each node watches"])?;
            count.count(1..=1000).map(Observers::Ring)
        }
        _ => form.arguments([]).map(|[]| Observers::All),
    }
}

/// A number with up to three digits after the point.
#[derive(Clone, Copy, PartialEq)]
struct Thousandths(u32);

impl FromStr for Thousandths {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 3 || !digits(whole) || !digits(part) {
            return Err("expected a number with up to three digits after the point");
        }
        let number: u32 = format!("{whole}{part:0<3}").parse().map_err(|_| "too large")?;
        if (100..=100_000).contains(&number) { Ok(Self(number)) } else { Err("expected a level between 0.1 and 100") }
    }
}

impl std::fmt::Display for Thousandths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

settings! {
    /// Which defaults SWIM has.
    struct Guarded {
        /// Whether the other fields are by default those of Lifeguard, or those of SWIM with suspicion as published in 2002.
        lifeguard: bool = true, Flag;
    }
}

/// Reads the fields of SWIM; `lifeguard` chooses between two sets of defaults.
fn read_swim(fields: &mut Fields<'_>) -> SwimConfig {
    let usual = SwimConfig::default();
    let (Guarded { lifeguard }, _) = Guarded::read(fields);
    let usual = if lifeguard { usual } else { usual.without_lifeguard() };
    let (swim, given) = SwimConfig::read_over(fields, Some(&usual));
    let SwimConfig { probe_interval, probe_timeout, .. } = swim;
    if probe_timeout >= probe_interval
        && let Some(form) = given.complain(&["probe_timeout", "probe_interval"])
    {
        form.report(
            form.problem(format!("a probe is given {probe_timeout}, no less than the interval between probes, {probe_interval}"))
                .label("no other member would have time to try")
                .help("make probe_timeout about half of probe_interval"),
        );
    }
    swim
}

settings! {
    /// What the system of detectors has fields for.
    struct Group {
        /// How many nodes there are.
        nodes: u32 = 5, Count(NODES);
        /// How often the worker of each node works; none has one by default.
        worker: Option<Duration> = None, Maybe(PositiveLength);
        /// For how long mistakes do not count at the start.
        warm_up: Duration = Duration::from_secs(5), Length;
        /// The detectors that each node carries: see their own fields.
        detectors: Option<Vec<Chosen>> = None, Required(Carried);
    }
}

codecs! {
    /// The detectors of a node.
    Carried: Vec<Chosen> = carried, write_carried, "a list of detectors, like `[Heartbeat(timeout: \"3s\"), Swim()]`",
        within Within::OneOf("a detector", DETECTORS.to_vec()).each();
}

fn carried(form: Form<'_>) -> Option<Vec<Chosen>> {
    let detectors = form.list(Chosen::read)?;
    if detectors.is_empty() || detectors.len() > usize::from(Message::SLOTS) {
        let most = Message::SLOTS;
        form.report(form.problem(format!("a node carries between 1 and {most} detectors; found {}", detectors.len())));
        return None;
    }
    Some(named_apart(detectors))
}

fn write_carried(detectors: &[Chosen]) -> String {
    let detectors: String = detectors.iter().map(|detector| format!("\n            {},", detector.write())).collect();
    format!("[{detectors}\n        ]")
}

/// How many pairs of nodes there may be of which one keeps track of the other's heartbeats, and about how many bytes that takes of each,
/// with its timer, while its window is empty.
const PAIRS_MOST: u64 = 10_000_000;
const PAIR_BYTES: u64 = 256;

/// How many nodes there may be.
pub(super) const NODES: std::ops::RangeInclusive<u32> = 2..=100_000;

impl Cluster for Detectors {
    type Message = DetectorGroupMessage;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = DetectorGroup;
    type Client = NoClient<DetectorGroupMessage>;
}

impl Observations for Detectors {
    fn detection(note: &Note) -> Option<Note> {
        Some(*note)
    }

    #[inline]
    fn traffic(message: &DetectorGroupMessage) -> Option<(u8, u64)> {
        let DetectorGroupMessage::Detector(message) = message else { return None };
        Some((message.slot, properties::bytes_of(message)))
    }
}

impl System for Detectors {
    const NAME: &'static str = "Detectors";
    const ABOUT: &'static str = "failure detectors, one or several at once on every node, compared by their quality of service: heartbeats with \
                                 timeouts or freshness points, φ-accrual, and SWIM with Lifeguard";

    type Config = DetectorsConfig;

    fn properties() -> Vec<Property> {
        properties::PROPERTIES.to_vec()
    }

    fn mutants() -> Vec<Mutant> {
        [mutants(&properties::PROPERTIES), Mutant::list(&[detector::DECOYS])].concat()
    }

    fn decode(system: Form<'_>, workload: Option<Form<'_>>) -> Option<DetectorsConfig> {
        no_workload(workload);
        let mut fields = system.fields()?;
        let (Group { nodes, worker, warm_up, detectors }, _) = Group::read(&mut fields);
        fields.finish();
        let detectors = detectors?;
        if worker.is_none() && detectors.iter().any(|detector| detector.subject().watches_work) {
            system.report(
                system.problem("a detector watches the work of nodes that have no worker").help("give the nodes one: worker: \"100ms\""),
            );
        }
        let pairs: u64 = detectors.iter().map(|detector| detector.pairs(nodes)).sum();
        if pairs > PAIRS_MOST {
            let memory = pairs * PAIR_BYTES / (1 << 30);
            let problem = system.problem(format!("{pairs} pairs of nodes of which one watches the other: about {memory} GiB of memory"));
            system.report(problem.help("let each node watch fewer, like observers: Ring(100), or let them use Swim"));
        }
        Some(DetectorsConfig { nodes, detectors, worker, warm_up })
    }

    fn write(config: &DetectorsConfig) -> Written {
        let DetectorsConfig { nodes, worker, warm_up, detectors } = config.clone();
        let group = Group { nodes, worker, warm_up, detectors: Some(detectors) };
        Written { system: format!("Detectors({})", group.written()), workload: None }
    }

    fn settings() -> Vec<(&'static str, Vec<Setting>)> {
        vec![(Self::NAME, Group::declared())]
    }

    fn population(config: &DetectorsConfig) -> Population {
        Population { servers: config.nodes, clients: 0 }
    }

    fn nodes(config: &DetectorsConfig, mutants: &[&'static str]) -> Nodes<Self> {
        let detectors = config.detectors.iter().zip(0..).map(|(detector, slot)| detector.config(config.nodes, slot, mutants));
        let worker = config.worker.map(|every| WorkerConfig { every });
        let server = DetectorGroupConfig { nodes: config.nodes, detectors: detectors.collect(), worker };
        Nodes { servers: vec![server; config.nodes as usize], clients: vec![] }
    }

    fn metrics() -> Vec<Metric> {
        OF_DETECTORS.to_vec()
    }

    fn probes(config: &DetectorsConfig) -> Vec<Box<dyn Probe<Self>>> {
        vec![Box::new(SuspicionProbe::new(config.detectors.iter().map(|detector| detector.name.clone()).collect()))]
    }

    fn judges(config: &DetectorsConfig, _: &Conditions) -> Vec<Box<dyn Judge<Self>>> {
        let subjects = config.detectors.iter().map(Chosen::subject).collect();
        vec![Box::new(DetectorJudge::new(config.nodes, subjects, config.warm_up))]
    }
}

/// Detectors of one name are told apart by a number.
fn named_apart(mut detectors: Vec<Chosen>) -> Vec<Chosen> {
    for place in 1..detectors.len() {
        let (before, rest) = detectors.split_at_mut(place);
        let own = rest[0].name.clone();
        let mut number = 2;
        while before.iter().any(|other| other.name == rest[0].name) {
            rest[0].name = format!("{own} {number}");
            number += 1;
        }
    }
    detectors
}

/// These systems have no clients, and so no workload.
pub(super) fn no_workload(workload: Option<Form<'_>>) {
    if let Some(form) = workload {
        form.report(form.problem("this system has no clients, and no workload").help("leave workload out"));
    }
}

/// The mutants that one of these properties must catch, as scenarios name them.
pub(super) fn mutants(properties: &[Property]) -> Vec<Mutant> {
    let caught = |mutant: &Mutant| properties.iter().any(|property| Some(property.name) == mutant.property);
    Mutant::list(&[detector::MUTANTS]).into_iter().filter(caught).collect()
}
