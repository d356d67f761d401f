//! SWIM on many nodes. `cargo bench --bench detector`.
//!
//! What a run of `scenarios/detector/swim-10000.ron` takes, judged: ten thousand nodes for five simulated minutes, of which a hundred
//! crash; and how many messages each node sends in groups of growing size, which must not grow with them. Each row is measured in a process
//! of its own, as the most memory that this ever held.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod support {
    pub(crate) mod measure;
}

use std::process::Command;

use stormglass::check::Verdict;
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use support::measure::{cpu, peak_mebibytes};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/detector/swim-10000.ron");

/// What is measured, and in a group of how many; none: the scenario as it is.
const ROWS: [(&str, Option<u32>); 5] = [
    ("10 nodes, no crash, 1 minute", Some(10)),
    ("100 nodes", Some(100)),
    ("1,000 nodes", Some(1_000)),
    ("10,000 nodes", Some(10_000)),
    ("10,000 nodes, 100 crashes, 5 minutes, judged", None),
];

fn main() {
    let row = std::env::args().nth(1).and_then(|argument| argument.parse::<usize>().ok());
    if let Some((_, nodes)) = row.and_then(|row| ROWS.get(row)) {
        measure(*nodes);
        return;
    }
    println!("{:<46} {:>10} {:>10} {:>14} {:>12}", "", "CPU s", "peak MiB", "messages", "/node/s");
    for (number, (name, _)) in ROWS.iter().enumerate() {
        let program = std::env::current_exe().expect("the path of this benchmark");
        let output = Command::new(program).arg(number.to_string()).output().expect("this benchmark runs again");
        print!("{name:<46} {}", String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn measure(nodes: Option<u32>) {
    let scenario = match nodes {
        Some(nodes) => calm(nodes),
        None => std::fs::read_to_string(FILE).expect("the scenario is there"),
    };
    let scenario = Scenario::from_ron(&scenario, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let (seconds, outcome) = cpu(|| scenario.run_watched(1, Watch { judged: nodes.is_none(), ..Watch::default() }));
    assert_eq!(outcome.verdict(), Verdict::Holds);
    let lived = f64::from(scenario.roster().population.servers) * outcome.sim_time.as_nanos() as f64 / 1e9;
    let sent = outcome.messages.sent;
    println!("{seconds:>10.1} {:>10.0} {sent:>14} {:>12.3}", peak_mebibytes(), sent as f64 / lived);
}

fn calm(nodes: u32) -> String {
    format!(
        r#"Scenario(
            name: "a group at rest",
            system: Detectors(nodes: {nodes}, detectors: [Swim(gossip_nodes: 0)]),
            network: (latency: Uniform("1ms", "20ms"), loss: "1/100"),
            duration: "60s",
            settle: "0s",
        )"#
    )
}
