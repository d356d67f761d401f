//! What runs measure agrees with an independent count, changes nothing, and can be read by others; alerts fire when they must.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};
use stormglass::base::{Duration, Fate, Metric, NodeId, Time};
use stormglass::check::Verdict;
use stormglass::metrics::{Collected, Series};
use stormglass::notation::Form;
use stormglass::process::{Context, Files, Message, NoNote, Process};
use stormglass::report::openmetrics;
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Collecting, Nodes, Population, Registry, System, Watch, Written};
use stormglass::trace::Recording;
use stormglass::workload::NoClient;
use stormglass::world::{Cluster, Outcome};

use super::trials::{read, scenario};

/// Scenarios of every kind of system, as short as shows what they measure.
const MEASURED: [(&str, &str); 10] = [
    ("raft/every-fault.ron", "8s"),
    ("commit/storm.ron", "5s"),
    ("commit/over-raft-storm.ron", "4s"),
    ("detector/storm.ron", "20s"),
    ("service/storm.ron", "5s"),
    ("service/retries-storm.ron", "8s"),
    ("broker/storm.ron", "4s"),
    ("queue/storm.ron", "4s"),
    ("bus/storm.ron", "4s"),
    ("lock/storm.ron", "5s"),
];

fn shortened(name: &str, duration: &str) -> Scenario {
    let mut scenario = scenario(name);
    scenario.conditions.duration = duration.parse().expect("a length");
    scenario.requirements.clear();
    scenario.expect.clear();
    scenario
}

fn collected(scenario: &Scenario, seed: u64, every: Duration) -> (Outcome, Collected, Recording) {
    let (mut recording, mut collected) = (Recording::default(), None);
    let metrics = Some(Collecting { every, into: &mut collected });
    let outcome = scenario.run_watched(seed, Watch { sinks: vec![&mut recording], metrics, ..Watch::default() });
    (outcome, collected.expect("it was asked for"), recording)
}

fn last(collected: &Collected, series: &Series) -> f64 {
    collected.numbers(series).last().map_or(0.0, |(_, number)| *number)
}

/// The last value of a series; nothing has come of one that there is not.
fn total(collected: &Collected, metric: &str, labels: &[&str]) -> u64 {
    let series = collected.family(metric).and_then(|family| family.find(labels));
    series.map_or(0, |series| last(collected, series) as u64)
}

/// The last values of all series of a metric, added up.
fn sum(collected: &Collected, metric: &str) -> u64 {
    let series = collected.family(metric).map_or(&[][..], |family| &family.series);
    series.iter().map(|series| last(collected, series) as u64).sum()
}

/// What the records of a run come to, counted one by one: by metric, node or kind, and what else tells series apart.
fn counted(recording: &Recording) -> BTreeMap<(&'static str, String, &'static str), u64> {
    let mut counts = BTreeMap::new();
    let mut count = |metric, of: String, more, by| *counts.entry((metric, of, more)).or_default() += by;
    for record in recording.records() {
        let kind = || record.message.map(|(_, kind)| kind.name.to_owned()).unwrap_or_default();
        let node = || record.node.map(|node| node.to_string()).unwrap_or_default();
        match (record.sort, record.fate) {
            ("send", Some(fate)) => {
                count("messages_sent", kind(), "", 1);
                match fate {
                    Fate::Deliver(_) => {}
                    Fate::Duplicate(..) => count("messages_duplicated", kind(), "", 1),
                    Fate::Lost(loss) => {
                        let cause = format!("{loss:?}").to_lowercase();
                        let known = ["chance", "partition", "fault", "override"].into_iter().find(|known| *known == cause);
                        count("messages_lost", kind(), known.expect("there are four ways to lose a message"), 1);
                    }
                }
            }
            ("deliver", _) => count("messages_delivered", kind(), "", 1),
            ("discard", _) => count("messages_lost", kind(), "down", 1),
            ("timer", _) => count("timers_fired", node(), "", 1),
            ("write", _) => {
                count("writes", node(), "", 1);
                count("write_bytes", node(), "", record.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
            }
            ("synced", _) => count("syncs", node(), "", 1),
            ("boot", _) => count("boots", node(), "", 1),
            ("crash", _) => count("crashes", node(), "", 1),
            ("mark", _) => count("marks", record.name.as_deref().unwrap_or_default().to_owned(), "", 1),
            _ => {}
        }
    }
    counts
}

#[test]
fn what_is_measured_agrees_with_the_trace_and_with_what_the_run_reports() {
    for (name, duration) in MEASURED {
        let scenario = shortened(name, duration);
        let (outcome, collected, recording) = collected(&scenario, 3, Duration::from_secs(1));
        assert_eq!(outcome.digest, scenario.run(3).digest, "{name}: measuring changes nothing");
        for ((metric, of, more), expected) in counted(&recording) {
            let labels: Vec<&str> = [of.as_str(), more].into_iter().filter(|label| !label.is_empty()).collect();
            assert_eq!(total(&collected, metric, &labels), expected, "{name}: {metric} of {labels:?}");
        }
        let messages = outcome.messages;
        let sums = ["messages_sent", "messages_delivered", "messages_lost", "messages_duplicated"].map(|metric| sum(&collected, metric));
        assert_eq!(sums, [messages.sent, messages.delivered, messages.dropped, messages.duplicated], "{name}");
        assert_eq!(sum(&collected, "events"), outcome.events, "{name}");
        assert_eq!(sum(&collected, "operations_invoked"), outcome.operations.invoked, "{name}");
        let ended: u64 = ["done", "failed", "unknown"].into_iter().map(|outcome| total(&collected, "operations", &[outcome])).sum();
        assert!(ended <= outcome.operations.invoked, "{name}");
        assert_eq!(sum(&collected, "operations"), ended, "{name}");
        // What a later life of a client finds on its disk had no end when it happened.
        assert!(total(&collected, "operations", &["done"]) <= outcome.operations.completed, "{name}");
        let struck: u64 = outcome.faults.iter().map(|fault| fault.strikes).sum();
        assert_eq!(sum(&collected, "faults_struck"), struck, "{name}");
        assert_eq!(sum(&collected, "faults_in_force"), 0, "{name}: all faults are over in the end");
    }
}

#[test]
fn each_sample_has_what_has_happened_by_then() {
    let (_, collected, recording) = collected(&shortened("raft/every-fault.ron", "6s"), 1, Duration::from_millis(250));
    let end = *collected.times.last().expect("the end is a sample");
    let regular = (0_u64..).map(|sample| Time::ZERO + Duration::from_millis(250) * sample).take_while(|at| *at < end);
    let times: Vec<Time> = regular.chain([end]).collect();
    assert_eq!(collected.times, times);
    let sent = |until: Time| recording.records().iter().filter(|record| record.sort == "send" && record.at <= until).count() as f64;
    let family = collected.family("messages_sent").expect("messages are sent");
    let mut sums: BTreeMap<Time, f64> = BTreeMap::new();
    for (at, number) in family.series.iter().flat_map(|series| collected.numbers(series)) {
        *sums.entry(at).or_default() += number;
    }
    for (at, sum) in sums {
        assert_eq!(sum, sent(at), "by {at}");
    }
}

#[test]
fn a_failover_shows_in_roles_and_terms() {
    let (_, collected, recording) = collected(&shortened("raft/leader-crash.ron", "6s"), 1, Duration::from_millis(100));
    let leaders = collected.family("role_holders").and_then(|family| family.find(&["Leader"])).expect("Raft has leaders");
    let leaders = collected.numbers(leaders);
    let crash = recording.records().iter().find(|record| record.sort == "crash").expect("the leader crashes").at;
    let after = |length| crash + Duration::from_millis(length);
    assert!(leaders.iter().any(|(at, count)| *at < crash && *count == 1.0), "there is a leader before");
    assert!(leaders.iter().any(|(at, count)| (crash..after(200)).contains(at) && *count == 0.0), "there is none once it has crashed");
    assert_eq!(leaders.last().map(|(_, count)| *count), Some(1.0), "there is one again");
    let term = |series: &Series| last(&collected, series);
    let terms = collected.family("raft_term").expect("Raft has terms");
    assert!(terms.series.iter().all(|series| term(series) >= 2.0), "all have learnt of the new term");
}

/// Says hello to its neighbour, again and again, and measures that.
struct Greeter {
    neighbour: NodeId,
    heard: u64,
}

const GREETINGS: Metric = Metric::counter("greetings", "", "Greetings that have come in.").by(&["manner"]);
const HEARD: Metric = Metric::gauge("heard", "", "Greetings heard since the start.");
const PAUSES: Metric = Metric::histogram("pause_seconds", "seconds", "How long it is from one greeting to the next.");

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Hello;
impl Message for Hello {}

impl Process for Greeter {
    type Config = NodeId;
    type Message = Hello;
    type Timer = ();
    type Note = NoNote;

    const METRICS: &'static [Metric] = &[GREETINGS, HEARD, PAUSES];

    fn boot(neighbour: &NodeId, _: &Files, context: &mut Context<'_, Self>) -> Self {
        context.set_timer((), Duration::from_millis(100));
        Self { neighbour: *neighbour, heard: 0 }
    }

    fn on_message(&mut self, _: NodeId, Hello: Hello, context: &mut Context<'_, Self>) {
        self.heard += 1;
        // Not one effect, however much is measured.
        for manner in ["kind", "kind", "cool"] {
            context.count(GREETINGS.with(&[manner]), 1);
        }
        context.gauge(HEARD, self.heard);
        context.observe(PAUSES, Duration::from_millis(100));
    }

    fn on_timer(&mut self, (): (), context: &mut Context<'_, Self>) {
        context.send(self.neighbour, Hello);
        context.set_timer((), Duration::from_millis(100));
    }
}

/// Two greeters.
struct Greeters;

impl Cluster for Greeters {
    type Message = Hello;
    type Operation = NoNote;
    type Response = NoNote;
    type Server = Greeter;
    type Client = NoClient<Hello>;
}

impl System for Greeters {
    const NAME: &'static str = "Greeters";
    const ABOUT: &'static str = "two servers that greet each other";
    type Config = ();

    fn decode(system: Form<'_>, _: Option<Form<'_>>) -> Option<()> {
        system.fields()?.finish();
        Some(())
    }

    fn write(_: &()) -> Written {
        Written { system: "Greeters()".to_owned(), workload: None }
    }

    fn population(_: &()) -> Population {
        Population { servers: 2, clients: 0 }
    }

    fn nodes(_: &(), _: &[&'static str]) -> Nodes<Self> {
        Nodes { servers: vec![NodeId::server(1), NodeId::server(0)], clients: vec![] }
    }
}

#[test]
fn what_processes_measure_is_collected_and_is_no_effect() {
    let text = r#"Scenario(name: "greetings", system: Greeters(), duration: "5s", settle: "0s", budget: (effects: 2))"#;
    let scenario = Scenario::from_ron(text, &Registry::new().with::<Greeters>()).expect("a valid scenario");
    let (outcome, collected, _) = collected(&scenario, 1, Duration::from_secs(1));
    assert_eq!((outcome.verdict(), outcome.digest), (Verdict::Holds, scenario.run(1).digest));
    let heard = total(&collected, "messages_delivered", &["message"]) / 2;
    assert!(heard > 40, "{heard}");
    for node in ["n1", "n2"] {
        assert_eq!(total(&collected, "heard", &[node]), heard, "{node}");
        assert_eq!(total(&collected, "greetings", &[node, "kind"]), 2 * heard, "{node}");
        assert_eq!(total(&collected, "greetings", &[node, "cool"]), heard, "{node}");
        assert_eq!(total(&collected, "pause_seconds", &[node]), heard, "{node}");
    }
    let pauses = collected.family("pause_seconds").expect("pauses are measured");
    let medians: Vec<u64> = collected.spreads(&pauses.series[0]).filter_map(|(_, spread)| spread.quantile(1, 2)).collect();
    assert!(medians.iter().all(|median| median.abs_diff(100_000_000) <= 100_000), "{medians:?}");
}

/// Whether it is on the path, or where `PROMTOOL` says.
fn promtool() -> Option<PathBuf> {
    let named = std::env::var_os("PROMTOOL").map_or_else(|| PathBuf::from("promtool"), PathBuf::from);
    Command::new(&named).arg("--version").output().ok().filter(|output| output.status.success()).map(|_| named)
}

/// Debian has it in the package `prometheus`. Where it is not there, this says so and looks at nothing.
#[test]
fn promtool_reads_what_is_written() {
    let Some(promtool) = promtool() else {
        return println!("skipped: there is no promtool, which the package prometheus has; PROMTOOL names it where it is not on the path");
    };
    let folder = tempfile::tempdir().expect("a folder can be had");
    for (name, duration) in MEASURED {
        let (_, collected, _) = collected(&shortened(name, duration), 3, Duration::from_secs(1));
        let (file, blocks) = (folder.path().join("metrics.om"), folder.path().join("blocks"));
        std::fs::write(&file, openmetrics(&collected)).expect("it can be written");
        let output = Command::new(&promtool).args(["tsdb", "create-blocks-from", "openmetrics"]).args([&file, &blocks]).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        // A database is dumped only where it has a log of what comes in.
        std::fs::create_dir(blocks.join("wal")).expect("it can be made");
        let dump = Command::new(&promtool).args(["tsdb", "dump"]).arg(&blocks).output().expect("it runs");
        let dump = String::from_utf8(dump.stdout).expect("text");
        let sent: f64 = dump.lines().filter(|line| line.contains("messages_sent_total")).filter_map(last_of).sum();
        let samples: f64 = collected
            .family("messages_sent")
            .map_or(0.0, |family| family.series.iter().flat_map(|series| collected.numbers(series)).map(|(_, number)| number).sum());
        assert_eq!(sent, samples, "{name}: all samples are read as they were written");
        std::fs::remove_dir_all(&blocks).expect("it can be removed");
    }
}

/// The value of a sample: `{__name__="…"} 12 3000`.
fn last_of(line: &str) -> Option<f64> {
    let (_, values) = line.rsplit_once('}')?;
    values.split_whitespace().next()?.parse().ok()
}

#[test]
fn an_alert_that_must_fire_and_does_not_is_a_violation() {
    let watched = |alert: &str, demand: &str| {
        read(&format!(
            r#"Scenario(name: "watched", system: Services(services: [Service(name: "api", workers: 4, work: Exponential("10ms"))]),
                workload: (to: "api", arrivals: Poisson("300/s"), timeout: "200ms", retry: (attempts: 5, backoff: Constant("10ms"))),
                faults: [At("5s", Pause(node: n1, lasting: "1s"))], duration: "30s", settle: "0s",
                alerts: [(name: "errors", when: {alert}, for: "5s")], require: [{demand}])"#
        ))
    };
    let storm = r#"Above(Rate("errors"), "5%")"#;
    let verdicts = |alert, demand, property: &str| {
        let outcome = watched(alert, demand).run(1);
        outcome.properties.iter().find(|report| report.name == property).map(|report| report.verdict)
    };
    assert_eq!(verdicts(storm, r#"Fires(alert: "errors", within: "15s")"#, "alert-fires"), Some(Verdict::Holds));
    assert_eq!(verdicts(storm, r#"Fires("errors")"#, "alert-fires"), Some(Verdict::Holds));
    assert_eq!(verdicts(storm, r#"Silent("errors")"#, "alert-silent"), Some(Verdict::Violated));
    assert_eq!(verdicts(storm, r#"Fires(alert: "errors", within: "2s")"#, "alert-fires"), Some(Verdict::Violated), "it takes longer");
    assert_eq!(verdicts(storm, r#"Fires(alert: "errors", within: "90s")"#, "alert-fires"), Some(Verdict::Holds));
    let never = r#"Above(Rate("errors"), "1")"#;
    assert_eq!(verdicts(never, r#"Fires("errors")"#, "alert-fires"), Some(Verdict::Violated));
    assert_eq!(verdicts(never, r#"Fires(alert: "errors", within: "90s")"#, "alert-fires"), Some(Verdict::Unknown));
    assert_eq!(verdicts(never, r#"Silent("errors")"#, "alert-silent"), Some(Verdict::Holds));
    let slow = r#"Above(Quantile("operation_seconds"), "500ms")"#;
    assert_eq!(verdicts(slow, r#"Fires("errors")"#, "alert-fires"), Some(Verdict::Holds));
    let long = r#"Above(Most("queue_length{service=api}"), 100)"#;
    assert_eq!(verdicts(long, r#"Fires("errors")"#, "alert-fires"), Some(Verdict::Holds));
    let nothing = r#"Above(Value("queue_length{service=apy}"), 100)"#;
    assert_eq!(verdicts(nothing, r#"Silent("errors")"#, "alert-silent"), Some(Verdict::Unknown), "there is no such service");
    let idle = r#"Below(Rate("operations_invoked"), "100/s")"#;
    assert_eq!(verdicts(idle, r#"Silent("errors")"#, "alert-silent"), Some(Verdict::Holds));
}

/// Of the scenarios that show alerts each seed tells the same.
#[test]
fn alerts_fire_where_they_must_and_there_alone() {
    let shown = [
        ("service/alert-retries-storm.ron", "alert-fires", Verdict::Holds),
        ("service/alert-retries-budget.ron", "alert-silent", Verdict::Holds),
        ("service/alert-of-answers.ron", "alert-fires", Verdict::Violated),
        ("raft/alert-no-majority.ron", "alert-fires", Verdict::Holds),
        ("raft/alert-failover.ron", "alert-silent", Verdict::Holds),
    ];
    for (name, property, verdict) in shown {
        let scenario = scenario(name);
        for seed in 0..3 {
            let outcome = scenario.run(seed);
            let found = outcome.properties.iter().find(|report| report.name == property).map(|report| report.verdict);
            assert_eq!(found, Some(verdict), "{name}, seed {seed}");
            let meant = match scenario.expected {
                Expected::Holds => outcome.verdict() == Verdict::Holds,
                Expected::Violates(property) => outcome.violates(property),
            };
            assert!(meant, "{name}, seed {seed}: {}", scenario.describe_failure(&outcome));
        }
    }
}
