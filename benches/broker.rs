//! What a message through a broker of three replicas costs, beside a commit of one entry by a Raft of three: instructions, counted by
//! valgrind's callgrind, which must be installed. `cargo bench --bench broker`.
//!
//! Both under the same loads: a client that has one message, or entry, under way at a time, and eight clients that have all they may.
//! Everything is in it that a run is made of: clients, network, disks that are synced before anything is answered, history, digest and all
//! judges. A message is through when it is acknowledged; that a consumer polls it and processes it is in the figure, too, and with a group
//! that it says so, which is one more entry to replicate. The figure is the difference of two lengths of a run over the difference of what
//! was done in them, so that neither start nor end counts.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "it runs itself under valgrind")]

mod support {
    pub(crate) mod callgrind;
}

use std::process::ExitCode;

use stormglass::base::{Duration, DurationRange, StreamAct, StreamOp};
use stormglass::check::Verdict;
use stormglass::environment::{Latency, LinkModel};
use stormglass::history::{History, Outcome};
use stormglass::systems::kv::{Access, KvWorkload, Traffic};
use stormglass::systems::{Broker, BrokerConfig, BrokerSettings, BrokerWork, Flushing, RaftKv, RaftKvConfig, System};
use stormglass::workload::Mix;
use stormglass::world::{Conditions, World};
use support::callgrind::instructions as instructions_of;

/// The two lengths, in simulated seconds.
const LENGTHS: [u64; 2] = [10, 30];
/// How many times as much as a commit a message may cost.
const AIM: f64 = 1.5;

/// A load: how many clients there are, how many messages a producer has under way, and how long a client thinks.
struct Load {
    name: &'static str,
    clients: u32,
    batch: u32,
    think: Duration,
    /// Whether the consumer is a group, which says how far it is: that is one more entry to replicate, for what it polled at once.
    group: bool,
}

const LOADS: [Load; 4] = [
    Load { name: "one at a time, consumed by a group", clients: 1, batch: 1, think: Duration::from_millis(10), group: true },
    Load { name: "one at a time", clients: 1, batch: 1, think: Duration::from_millis(10), group: false },
    Load { name: "busy, consumed by a group", clients: 8, batch: 5, think: Duration::ZERO, group: true },
    Load { name: "busy", clients: 8, batch: 5, think: Duration::ZERO, group: false },
];

/// Runs a load for so many seconds; returns how many entries were committed, or messages acknowledged.
type Run = fn(load: &Load, seconds: u64) -> u64;

const CONTESTANTS: [(&str, Run); 2] = [("raft", commits), ("broker", messages)];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [contestant, load, seconds] = &words[..] {
        let run = CONTESTANTS.iter().find(|(name, _)| name == contestant).expect("one of the contestants").1;
        let load = LOADS.iter().find(|known| known.name == load).expect("one of the loads");
        println!("{}", run(load, seconds.parse().expect("a number of seconds")));
        return ExitCode::SUCCESS;
    }
    println!("{:<36}{:>16}{:>18}{:>8}", "load", "Raft commit", "broker message", "ratio");
    for load in &LOADS {
        let figures = CONTESTANTS.map(|(name, _)| instructions(name, load));
        let [Some(raft), Some(broker)] = figures else {
            eprintln!("no instructions were counted: is valgrind installed?");
            return ExitCode::FAILURE;
        };
        println!("{:<36}{raft:>16.0}{broker:>18.0}{:>8.2}", load.name, broker / raft);
    }
    println!("aim: {AIM}");
    ExitCode::SUCCESS
}

/// How many instructions one commit or message takes; nothing if that cannot be counted.
fn instructions(contestant: &str, load: &Load) -> Option<f64> {
    let [short, long] = LENGTHS.map(|seconds| counted(contestant, load, seconds));
    let ((few, short), (many, long)) = (short?, long?);
    Some((long - short) as f64 / (many - few) as f64)
}

/// How much was done in so many seconds, and how many instructions that took.
fn counted(contestant: &str, load: &Load, seconds: u64) -> Option<(u64, u64)> {
    let (told, collected) = instructions_of(&std::env::current_exe().ok()?, &[contestant, load.name, &seconds.to_string()])?;
    Some((told.parse().ok()?, collected))
}

fn conditions(seconds: u64) -> Conditions {
    Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..5ms".parse().expect("a range"))),
        duration: Duration::from_secs(seconds),
        settle: Duration::from_secs(10),
        ..Conditions::default()
    }
}

/// A run with all its judges, which must hold.
fn history<S: System>(config: &S::Config, seconds: u64) -> History<S::Operation, S::Response> {
    let conditions = conditions(seconds);
    let judges = S::judges(config, &conditions);
    let run = World::run(S::nodes(config, &[]).under(conditions), 1, judges, vec![]);
    let found = S::judge_history(config, &run.history, 10_000_000.into());
    assert!(found.iter().all(|property| property.verdict == Verdict::Holds), "{found:?}");
    assert_eq!(run.outcome.verdict(), Verdict::Holds);
    run.history
}

fn commits(load: &Load, seconds: u64) -> u64 {
    let traffic = Traffic { clients: load.clients, think: Some(load.think.into()), rate: None, ..Traffic::default() };
    let access = Access { mix: Mix { read: 0, write: 1, cas: 0 }, ..Access::default() };
    let config = RaftKvConfig { nodes: 3, workload: KvWorkload { traffic, access }, ..RaftKvConfig::default() };
    let history = history::<RaftKv>(&config, seconds);
    history.operations().iter().filter(|operation| matches!(operation.outcome, Outcome::Done(_))).count() as u64
}

fn messages(load: &Load, seconds: u64) -> u64 {
    let settings = BrokerSettings { partitions: 1, flush: Flushing::Always, ..BrokerSettings::default() };
    let think = DurationRange::from(load.think);
    let work = BrokerWork { producers: load.clients, consumers: 1, batch: load.batch, think, group: load.group, ..BrokerWork::default() };
    let history = history::<Broker>(&BrokerConfig { settings, work }, seconds);
    let acknowledged = history.operations().iter().filter(|operation| matches!(operation.outcome, Outcome::Done(_)));
    let sends = |op: &StreamOp| match op {
        StreamOp::Acts(acts) => acts.iter().filter(|act| matches!(act, StreamAct::Send { .. })).count(),
        _ => 0,
    };
    acknowledged.map(|operation| sends(&operation.op)).sum::<usize>() as u64
}
