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

use super::{Mutant, Nodes, Population, System, Written};
use crate::base::{Duration, Fields, Form};
use crate::check::{Judge, Property};
use crate::process::NoNote;
use crate::protocols::detector::properties::{self, Bounds, DetectorJudge, Subject, Testimony};
use crate::protocols::detector::{
    self, Company, CompanyConfig, CompanyMessage, HeartbeatConfig, Law, Level, Message, Method, Note, Observers, Phi, Style, SwimConfig,
    Watch, WorkerConfig,
};
use crate::workload::Nobody;
use crate::world::Cluster;
use std::fmt::Write as _;
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
        let kind = form.variant("a detector", &["Heartbeat", "Freshness", "PhiAccrual", "Swim"])?;
        let mut fields = form.fields()?;
        let name = fields.read_or("name", kind.to_owned(), Form::text);
        let method = match kind {
            "Swim" => Some(Method::Swim(read_swim(&mut fields))),
            _ => read_heartbeat(kind, &mut fields).map(Method::Heartbeat),
        };
        let bounds = fields.read_or("requires", Bounds::default(), read_bounds);
        fields.finish();
        Some(Self { name, method: method?, bounds })
    }

    /// Writes it as [`read`](Self::read) reads it.
    pub fn write(&self) -> String {
        let mut text = match &self.method {
            Method::Heartbeat(heartbeat) => write_heartbeat(&self.name, heartbeat),
            Method::Swim(swim) => write_swim(&self.name, swim),
        };
        let Bounds { detection, recurrence, duration, doubts } = self.bounds;
        let bounds = [("detection", detection), ("recurrence", recurrence), ("duration", duration), ("doubts", doubts)];
        let given: Vec<String> = bounds.iter().filter_map(|(name, length)| length.map(|length| format!("{name}: \"{length}\""))).collect();
        if !given.is_empty() {
            let _ = write!(text, ", requires: ({})", given.join(", "));
        }
        text + ")"
    }

    /// What the judges are told of it.
    pub fn subject(&self) -> Subject {
        let (observers, watches_work, doubts) = match &self.method {
            Method::Heartbeat(heartbeat) => (heartbeat.observers, heartbeat.watch == Watch::Work, false),
            Method::Swim(_) => (Observers::All, false, true),
        };
        Subject { name: self.name.clone(), observers, watches_work, doubts, bounds: self.bounds }
    }

    /// What a node's detector is built from.
    pub fn config(&self, nodes: u32, slot: u8, mutant: Option<&'static str>) -> detector::Config {
        detector::Config { nodes, slot, method: self.method, rules: detector::rules_of(mutant) }
    }
}

fn read_heartbeat(kind: &str, fields: &mut Fields<'_>) -> Option<HeartbeatConfig> {
    let usual = HeartbeatConfig::default();
    let interval = fields.read_or("interval", usual.interval, Form::duration_positive);
    let style = fields.read_or("style", usual.style, |form| form.one_of("a style", &[("Push", Style::Push), ("Ping", Style::Ping)]));
    let observers = fields.read_or("observers", usual.observers, read_observers);
    let watch = fields.read_or("watch", usual.watch, |form| form.one_of("what to watch", &[("Node", Watch::Node), ("Work", Watch::Work)]));
    let level = match kind {
        "Heartbeat" => {
            let timeout = fields.read_or("timeout", Duration::from_millis(2500), Form::duration_positive);
            let of = fields.read_or("of", 1, |form| form.count(1..=32_u32));
            let missed = fields.read_or("missed", 1, |form| form.count(1..=of));
            Level::Timeout { timeout, missed, of }
        }
        "Freshness" => {
            let margin = fields.read_or("margin", Duration::from_secs(1), Form::duration_positive);
            let window = fields.read_or("window", 32, |form| form.count(1..=100_000_u32));
            if fields.read_or("synchronised", false, Form::boolean) {
                Level::Synchronised { margin }
            } else {
                Level::Expected { margin, window }
            }
        }
        _ => Level::Phi(read_phi(fields)),
    };
    Some(HeartbeatConfig { interval, style, observers, watch, level })
}

fn read_observers(form: Form<'_>) -> Option<Observers> {
    match form.variant("who watches whom", &["All", "Ring"])? {
        "Ring" => {
            let [count] = form.arguments(["how many each node watches"])?;
            count.count(1..=1000).map(Observers::Ring)
        }
        _ => form.arguments([]).map(|[]| Observers::All),
    }
}

fn read_phi(fields: &mut Fields<'_>) -> Phi {
    let laws = [("Akka", Phi::akka()), ("Cassandra", Phi::cassandra()), ("Normal", Phi::hayashibara())];
    let usual = fields.read_or("law", Phi::akka(), |form| form.one_of("a law", &laws));
    let threshold = fields.read_or("threshold", Thousandths(usual.threshold), |form| form.from_text("a level of suspicion, like \"8\""));
    let mut phi = usual.with_threshold(threshold.0);
    let none = |usual: Option<Duration>| usual.unwrap_or(Duration::ZERO);
    let some = |length: Duration| (!length.is_zero()).then_some(length);
    phi.window = fields.read_or("window", usual.window, |form| form.count(2..=100_000_u32));
    phi.deviation_min = fields.read_or("deviation_min", usual.deviation_min, Form::duration);
    phi.pause = fields.read_or("pause", usual.pause, Form::duration);
    phi.interval_max = some(fields.read_or("interval_max", none(usual.interval_max), Form::duration));
    phi.local_pause_max = some(fields.read_or("local_pause_max", none(usual.local_pause_max), Form::duration));
    phi
}

/// A number with up to three digits after the point.
#[derive(Clone, Copy)]
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

fn read_swim(fields: &mut Fields<'_>) -> SwimConfig {
    let usual = SwimConfig::default();
    let lifeguard = fields.read_or("lifeguard", true, Form::boolean);
    let usual = if lifeguard { usual } else { usual.without_lifeguard() };
    let (interval, timeout) = (fields.take("probe_interval"), fields.take("probe_timeout"));
    let probe_interval = interval.and_then(Form::duration_positive).unwrap_or(usual.probe_interval);
    let probe_timeout = timeout.and_then(Form::duration_positive).unwrap_or(usual.probe_timeout);
    if probe_timeout >= probe_interval {
        let form = timeout.or(interval).unwrap_or(fields.form());
        form.report(
            form.problem(format!("a probe is given {probe_timeout}, no less than the interval between probes, {probe_interval}"))
                .label("nobody else would have time to try")
                .help("make probe_timeout about half of probe_interval"),
        );
    }
    SwimConfig {
        probe_interval,
        probe_timeout,
        indirect_checks: fields.read_or("indirect_checks", usual.indirect_checks, |form| form.count(0..=100_u32)),
        retransmit_mult: fields.read_or("retransmit_mult", usual.retransmit_mult, |form| form.count(1..=100_u32)),
        suspicion_mult: fields.read_or("suspicion_mult", usual.suspicion_mult, |form| form.count(0..=100_u32)),
        suspicion_max_timeout_mult: fields
            .read_or("suspicion_max_timeout_mult", usual.suspicion_max_timeout_mult, |form| form.count(1..=100_u32)),
        awareness_max_multiplier: fields
            .read_or("awareness_max_multiplier", usual.awareness_max_multiplier, |form| form.count(1..=100_u32)),
        buddy: fields.read_or("buddy", usual.buddy, Form::boolean),
        gossip_interval: fields.read_or("gossip_interval", usual.gossip_interval, Form::duration_positive),
        gossip_nodes: fields.read_or("gossip_nodes", usual.gossip_nodes, |form| form.count(0..=100_u32)),
        gossip_to_the_dead: fields.read_or("gossip_to_the_dead", usual.gossip_to_the_dead, Form::duration),
        push_pull_interval: fields.read_or("push_pull_interval", usual.push_pull_interval, Form::duration),
        reconnect_interval: fields.read_or("reconnect_interval", usual.reconnect_interval, Form::duration),
        packet: fields.read_or("packet", usual.packet, |form| form.count(64..=65_507_u32)),
    }
}

fn read_bounds(form: Form<'_>) -> Option<Bounds> {
    let mut fields = form.fields()?;
    let mut bound = |name| fields.optional(name, Form::duration_positive);
    let bounds =
        Bounds { detection: bound("detection"), recurrence: bound("recurrence"), duration: bound("duration"), doubts: bound("doubts") };
    fields.finish();
    Some(bounds)
}

fn write_heartbeat(name: &str, config: &HeartbeatConfig) -> String {
    let HeartbeatConfig { interval, style, observers, watch, level } = config;
    let common = format!("name: {name:?}, interval: \"{interval}\", style: {style:?}, observers: {observers:?}, watch: {watch:?}");
    match level {
        Level::Timeout { timeout, missed, of } => format!("Heartbeat({common}, timeout: \"{timeout}\", missed: {missed}, of: {of}"),
        Level::Expected { margin, window } => format!("Freshness({common}, margin: \"{margin}\", window: {window}"),
        Level::Synchronised { margin } => format!("Freshness({common}, margin: \"{margin}\", synchronised: true"),
        Level::Phi(phi) => {
            let law = match phi.law {
                Law::Logistic => "Akka",
                Law::Exponential => "Cassandra",
                Law::Normal => "Normal",
            };
            let none = |length: Option<Duration>| length.unwrap_or(Duration::ZERO);
            format!(
                "PhiAccrual({common}, law: {law}, threshold: \"{}\", window: {}, deviation_min: \"{}\", pause: \"{}\", interval_max: \"{}\", \
                 local_pause_max: \"{}\"",
                Thousandths(phi.threshold),
                phi.window,
                phi.deviation_min,
                phi.pause,
                none(phi.interval_max),
                none(phi.local_pause_max),
            )
        }
    }
}

fn write_swim(name: &str, config: &SwimConfig) -> String {
    let SwimConfig {
        probe_interval,
        probe_timeout,
        indirect_checks,
        retransmit_mult,
        suspicion_mult,
        suspicion_max_timeout_mult,
        awareness_max_multiplier,
        buddy,
        gossip_interval,
        gossip_nodes,
        gossip_to_the_dead,
        push_pull_interval,
        reconnect_interval,
        packet,
    } = config;
    format!(
        "Swim(name: {name:?}, probe_interval: \"{probe_interval}\", probe_timeout: \"{probe_timeout}\", indirect_checks: {indirect_checks}, \
         retransmit_mult: {retransmit_mult}, suspicion_mult: {suspicion_mult}, suspicion_max_timeout_mult: {suspicion_max_timeout_mult}, \
         awareness_max_multiplier: {awareness_max_multiplier}, buddy: {buddy}, gossip_interval: \"{gossip_interval}\", \
         gossip_nodes: {gossip_nodes}, gossip_to_the_dead: \"{gossip_to_the_dead}\", push_pull_interval: \"{push_pull_interval}\", \
         reconnect_interval: \"{reconnect_interval}\", packet: {packet}"
    )
}

/// How many nodes there may be.
pub(super) const NODES: std::ops::RangeInclusive<u32> = 2..=100_000;

impl Cluster for Detectors {
    type Message = CompanyMessage;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Company;
    type Client = Nobody<CompanyMessage>;
}

impl Testimony for Detectors {
    fn detection(note: &Note) -> Option<Note> {
        Some(*note)
    }

    #[inline]
    fn traffic(message: &CompanyMessage) -> Option<(u8, u64)> {
        let CompanyMessage::Detector(message) = message else { return None };
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
        let nodes = fields.read_or("nodes", 5, |form| form.count(NODES));
        let detectors = fields.required("detectors", |form| {
            let detectors = form.list(Chosen::read)?;
            if detectors.is_empty() || detectors.len() > usize::from(Message::SLOTS) {
                let most = Message::SLOTS;
                form.report(form.problem(format!("a node carries between 1 and {most} detectors; found {}", detectors.len())));
                return None;
            }
            Some(named_apart(detectors))
        });
        let worker = fields.optional("worker", Form::duration_positive);
        let warm_up = fields.read_or("warm_up", Duration::from_secs(5), Form::duration);
        fields.finish();
        let detectors = detectors?;
        if worker.is_none() && detectors.iter().any(|detector| detector.subject().watches_work) {
            system.report(
                system.problem("a detector watches the work of nodes that have no worker").help("give the nodes one: worker: \"100ms\""),
            );
        }
        Some(DetectorsConfig { nodes, detectors, worker, warm_up })
    }

    fn write(config: &DetectorsConfig) -> Written {
        let detectors: String = config.detectors.iter().map(|detector| format!("\n            {},", detector.write())).collect();
        let worker = config.worker.map_or(String::new(), |every| format!(", worker: \"{every}\""));
        let DetectorsConfig { nodes, warm_up, .. } = config;
        let system = format!("Detectors(nodes: {nodes}{worker}, warm_up: \"{warm_up}\", detectors: [{detectors}\n        ])");
        Written { system, workload: None }
    }

    fn population(config: &DetectorsConfig) -> Population {
        Population { servers: config.nodes, clients: 0 }
    }

    fn nodes(config: &DetectorsConfig, mutant: Option<&'static str>) -> Nodes<Self> {
        let detectors = config.detectors.iter().zip(0..).map(|(detector, slot)| detector.config(config.nodes, slot, mutant));
        let worker = config.worker.map(|every| WorkerConfig { every });
        let server = CompanyConfig { nodes: config.nodes, detectors: detectors.collect(), worker };
        Nodes { servers: vec![server; config.nodes as usize], clients: vec![] }
    }

    fn judges(config: &DetectorsConfig) -> Vec<Box<dyn Judge<Self>>> {
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
