//! What a request costs through services. `cargo bench --bench services`; with `-- happysimulator` beside that simulator, which is
//! installed from PyPI into a folder of its own under `target` (Python 3.13 or later must be there).
//!
//! 1. A request through one queue and one worker, beside a message of gossiping nodes, in one process: at most 8 times as much.
//! 2. Ten million requests of an M/M/4: CPU seconds, and the most memory that was held, beside a tenth of them.
//! 3. A hundred services of ten instances for a simulated minute, at 10,000 requests a second of five calls each.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]

mod support {
    pub(crate) mod measure;
    pub(crate) mod village;
}

use std::path::Path;
use std::process::Command;

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::environment::{Latency, LinkModel};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::world::{Conditions, Setup, World};
use support::measure::{cpu, median, peak_mebibytes};
use support::village::{Mood, Village};

const ROUNDS: usize = 7;
/// Requests of the short rows.
const REQUESTS: u64 = 1_000_000;
/// The package on PyPI whose module is called happysimulator.
const HAPPYSIMULATOR: &str = "happysim==0.2.5";

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    if let Some(run) = RUNS.iter().find(|run| run.name == word) {
        let (seconds, requests) = cpu(|| completed(&(run.text)()));
        println!("{requests} {seconds} {}", peak_mebibytes());
        return;
    }
    beside_gossip();
    println!("\n{:<48}{:>12}{:>8}{:>10}{:>10}", "", "requests", "CPU s", "ns each", "peak MiB");
    for run in RUNS {
        let (requests, seconds, peak) = alone(run.name);
        println!("{:<48}{requests:>12}{seconds:>8.2}{:>10.0}{peak:>10.1}", run.name, seconds * 1e9 / requests);
    }
    if word == "happysimulator" {
        beside_happysimulator();
    }
}

/// A run that is measured in a process of its own.
struct Run {
    name: &'static str,
    text: fn() -> String,
}

const RUNS: &[Run] = &[
    Run { name: "M/M/4, a tenth", text: || queue(4, 1_000_000) },
    Run { name: "M/M/4", text: || queue(4, 10_000_000) },
    Run { name: "a hundred services, a minute", text: a_hundred_services },
];

/// The requests, the CPU seconds and the most memory of a run, in a process of its own.
fn alone(name: &str) -> (f64, f64, f64) {
    let me = std::env::current_exe().expect("a process can be started again");
    let output = Command::new(me).arg(name).output().expect("it was started once");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    let mut figures = told.split_whitespace().map(|word| word.parse().expect("a number"));
    let mut next = || figures.next().expect("three figures");
    (next(), next(), next())
}

/// So many requests to a queue before so many workers, nine tenths of whose time is taken.
fn queue(workers: u32, requests: u64) -> String {
    let rate = 900 * workers;
    format!(
        r#"Scenario(name: "a queue", system: Services(services: [Service(name: "desk", workers: {workers}, work: Exponential("1ms"))]),
            workload: (to: "desk", arrivals: Poisson("{rate}/s")), network: (latency: Constant("100us")),
            duration: "{}ms")"#,
        requests * 1000 / u64::from(rate),
    )
}

/// Twenty services that clients ask, at random, and eighty behind them: each request makes five calls, one after the other.
fn a_hundred_services() -> String {
    let (fronts, behind) = (20, 80);
    let mut services = String::new();
    let mut others = String::new();
    for front in 0..fronts {
        let calls: String = (0..5).map(|call| format!("Call(to: \"s{}\"), ", (front * 4 + call) % behind)).collect();
        services += &format!("Service(name: \"f{front}\", instances: 10, workers: 100, work: Exponential(\"100us\"), calls: [{calls}]),\n");
        if front > 0 {
            others += &format!("(to: \"f{front}\", share: \"1/{fronts}\"), ");
        }
    }
    for service in 0..behind {
        services += &format!("Service(name: \"s{service}\", instances: 10, workers: 4, work: Exponential(\"5ms\")),\n");
    }
    format!(
        r#"Scenario(name: "a hundred services", system: Services(services: [{services}]),
            workload: (to: "f0", mix: [{others}], arrivals: Poisson("10000/s")), network: (latency: Constant("100us")), duration: "60s")"#
    )
}

/// Nanoseconds of CPU time a message of gossiping nodes takes, and a request through one queue and one worker.
fn beside_gossip() {
    let (mut messages, mut requests) = (Vec::new(), Vec::new());
    let one = queue(1, REQUESTS);
    for _ in 0..ROUNDS {
        messages.push(gossip(REQUESTS) / REQUESTS as f64);
        let (seconds, completed) = cpu(|| completed(&one));
        requests.push(seconds / completed as f64);
    }
    let (message, request) = (median(messages) * 1e9, median(requests) * 1e9);
    println!(
        "a message of five gossiping nodes {message:.0} ns, a request through one queue {request:.0} ns: {:.1} times",
        request / message
    );
}

/// Seconds of CPU time that so many messages take.
fn gossip(messages: u64) -> f64 {
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..10ms".parse().expect("a range"))),
        duration: Duration::from_secs(1_000_000),
        settle: Duration::ZERO,
        events: messages,
        ..Conditions::default()
    };
    let setup = Setup::<Village> { servers: vec![Mood::Talkative(5); 5], clients: vec![], conditions, script: None };
    cpu(|| World::run(setup, 1, vec![], vec![])).0
}

/// The same M/M/4 here and there.
fn beside_happysimulator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/happysimulator");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3.13".to_owned());
    run(Command::new(python).args(["-m", "venv"]).arg(&folder));
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", HAPPYSIMULATOR]));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/yardstick/four_workers.py");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let told = run(Command::new(folder.join("bin/python")).arg(&script).args(["3600", "50"]));
        let figures: Vec<f64> = told.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        theirs.push(figures[1] / figures[0]);
        let (requests, seconds, _) = alone(RUNS[0].name);
        ours.push(seconds / requests);
    }
    let (theirs, ours) = (median(theirs) * 1e9, median(ours) * 1e9);
    println!("\nM/M/4: a request takes {theirs:.0} ns in {HAPPYSIMULATOR}, {ours:.0} ns here: {:.0} times as fast", theirs / ours);
}

/// What a command says that must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; set PYTHON to a Python of at least 3.13"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// How many requests of clients a run has completed.
fn completed(text: &str) -> u64 {
    let mut scenario = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.conditions.events = u64::MAX;
    let outcome = scenario.run(1);
    assert_eq!(outcome.verdict(), Verdict::Holds);
    outcome.operations.completed
}
