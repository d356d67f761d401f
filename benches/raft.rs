//! Wall time of one simulated minute of a five-node Raft, and ten-second seeds per second on one core, unjudged and with every property
//! checked. `cargo bench --bench raft`.
//!
//! Five servers, latency of 1 to 5 ms, a client write each 10 ms, the leader crashes each 10 s: the run of which the table in
//! docs/benchmarks.md has other simulators' figures.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "nobody calls a benchmark")]

use std::time::Instant;

use stormglass::base::{Duration, DurationRange, Rate, Time};
use stormglass::environment::{Latency, LinkModel};
use stormglass::fault::{Fault, FaultPlan, FaultStep, Target};
use stormglass::systems::kv::KvWorkload;
use stormglass::systems::{RaftKv, RaftKvConfig, System};
use stormglass::workload::{Mix, Pace};
use stormglass::world::{Conditions, Outcome, World};

fn config() -> RaftKvConfig {
    let workload = KvWorkload {
        clients: 1,
        mix: Mix { read: 0, write: 1, cas: 0 },
        pace: Pace::Open(Rate::per_second(100).expect("a rate")),
        ..KvWorkload::default()
    };
    RaftKvConfig { workload, ..RaftKvConfig::default() }
}

fn run(seed: u64, length: Duration, judged: bool) -> Outcome {
    let config = config();
    let crash = Fault::Crash { node: Target::Role("Leader"), down: Some(DurationRange::from(Duration::from_secs(1))) };
    let crashes = (1..=length.as_nanos() / 10_000_000_000)
        .map(|nth| FaultStep::At(Time::ZERO + (Duration::from_secs(10) * nth - Duration::from_secs(5)), crash.clone()));
    let conditions = Conditions {
        link: LinkModel::reliable(Latency::Uniform("1ms..5ms".parse().expect("a range"))),
        faults: FaultPlan { steps: crashes.collect() },
        duration: length,
        settle: Duration::ZERO,
        ..Conditions::default()
    };
    let judges = if judged { RaftKv::judges(&config) } else { vec![] };
    let run = World::run(RaftKv::nodes(&config, None).under(conditions), seed, judges, vec![]);
    if judged {
        let found = RaftKv::judge_history(&config, &run.history, 1_000_000);
        assert!(found.iter().all(|property| property.verdict == stormglass::check::Verdict::Holds), "{found:?}");
    }
    run.outcome
}

fn main() {
    let mut minutes: Vec<f64> = (0..5)
        .map(|seed| {
            let start = Instant::now();
            let outcome = run(seed, Duration::from_secs(60), false);
            assert!(outcome.operations.completed > 5_000, "{:?}", outcome.operations);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    minutes.sort_by(f64::total_cmp);
    println!("one simulated minute: {:.1} ms (median of 5)", minutes[2]);
    for (label, judged) in [("unjudged", false), ("every property", true)] {
        let seeds = 300;
        let start = Instant::now();
        let mut events = 0;
        for seed in 0..seeds {
            events += run(seed, Duration::from_secs(10), judged).events;
        }
        let elapsed = start.elapsed().as_secs_f64();
        println!(
            "{label}: {:.0} ten-second seeds a second, {} events a seed, {:.1} ns an event",
            seeds as f64 / elapsed,
            events / seeds,
            elapsed * 1e9 / events as f64
        );
    }
}
