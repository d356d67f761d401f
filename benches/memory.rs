//! Memory and start of runs that should need little of either. `cargo bench --bench memory`.
//!
//! Without clients there is no history, and memory must not grow with simulated time. Each row is measured in a process of its own, as the
//! most memory that this ever held.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads what the system says of its process")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod support {
    pub(crate) mod cluster;
    pub(crate) mod measure;
    pub(crate) mod village;
}

use std::process::Command;

use stormglass::base::Duration;
use stormglass::world::{Conditions, Setup, World};
use support::cluster;
use support::measure::{cpu, peak_mebibytes};
use support::village::{Mood, Village};

const ROWS: [(&str, fn()); 5] = [
    ("nothing", || ()),
    ("Raft without clients, 1 simulated minute", || raft(1, 0)),
    ("Raft without clients, 10 simulated minutes", || raft(10, 0)),
    ("Raft with a write each 10 ms, 10 minutes", || raft(10, 1)),
    ("100,000 idle nodes start", idle),
];

fn main() {
    let row = std::env::args().nth(1).and_then(|argument| argument.parse::<usize>().ok());
    if let Some((_, work)) = row.and_then(|row| ROWS.get(row)) {
        let (seconds, ()) = cpu(work);
        println!("{:>10.1} {:>10.1}", seconds * 1e3, peak_mebibytes());
        return;
    }
    println!("{:<46} {:>10} {:>10}", "", "CPU ms", "peak MiB");
    for (number, (name, _)) in ROWS.iter().enumerate() {
        let program = std::env::current_exe().expect("the path of this benchmark");
        let output = Command::new(program).arg(number.to_string()).output().expect("this benchmark runs again");
        print!("{name:<46} {}", String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn raft(minutes: u64, clients: u32) {
    let outcome = cluster::run(1, clients, Duration::from_secs(60 * minutes), false);
    assert!(outcome.events > 1_000 * minutes);
}

fn idle() {
    let conditions = Conditions { settle: Duration::ZERO, ..Conditions::default() };
    let setup = Setup::<Village> { servers: vec![Mood::Silent; 100_000], clients: vec![], conditions, script: None };
    let run = World::run(setup, 1, vec![], vec![]);
    assert_eq!(run.outcome.messages.sent, 0);
}
