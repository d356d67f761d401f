//! Ten-second seeds of a five-node Raft per second of one core, unjudged and with every property checked, linearizability included, and
//! the time that one simulated minute takes; beside them a minimal Raft on a bare loop. `cargo bench --bench raft`.
//!
//! The run is the one of which docs/benchmarks.md has other simulators' figures. Rounds of all contestants take turns, so that a noisy
//! neighbour harms all alike. Compare ratios.

#![allow(missing_docs, reason = "nobody calls a benchmark")]

mod support {
    pub(crate) mod cluster;
    pub(crate) mod measure;
}
mod yardstick {
    pub(crate) mod heap;
    pub(crate) mod raft;
}

use stormglass::base::Duration;
use support::cluster;
use support::measure::{cpu, median};

const ROUNDS: usize = 9;

/// Answered writes and handled events.
struct Done {
    writes: u64,
    events: u64,
}

struct Contestant {
    name: &'static str,
    run: fn(seed: u64, seconds: u64) -> Done,
}

const CONTESTANTS: [Contestant; 3] = [
    Contestant {
        name: "bare loop",
        run: |seed, seconds| {
            let (writes, events) = yardstick::raft::run(seed, seconds);
            Done { writes, events }
        },
    },
    Contestant { name: "unjudged", run: |seed, seconds| simulate(seed, seconds, false) },
    Contestant { name: "every property", run: |seed, seconds| simulate(seed, seconds, true) },
];

fn simulate(seed: u64, seconds: u64, judged: bool) -> Done {
    let outcome = cluster::run(seed, 1, Duration::from_secs(seconds), judged);
    Done { writes: outcome.operations.completed, events: outcome.events }
}

fn main() {
    compare("ten simulated seconds", 10, 40);
    compare("one simulated minute", 60, 5);
}

/// Prints a row for each contestant. CPU time; medians of rounds of so many seeds.
fn compare(length: &str, seconds: u64, seeds: u64) {
    println!("\n{length:<24}{:>10}{:>12}{:>10}{:>10}{:>12}{:>8}", "ms", "seeds/s", "writes", "events", "ns/event", "ratio");
    let mut times = [const { Vec::new() }; CONTESTANTS.len()];
    let mut done = [const { Done { writes: 0, events: 0 } }; CONTESTANTS.len()];
    for _ in 0..ROUNDS {
        for ((contestant, times), done) in CONTESTANTS.iter().zip(&mut times).zip(&mut done) {
            let (seconds_taken, sum) = cpu(|| {
                (0..seeds).map(|seed| (contestant.run)(seed, seconds)).fold(Done { writes: 0, events: 0 }, |sum, one| Done {
                    writes: sum.writes + one.writes,
                    events: sum.events + one.events,
                })
            });
            times.push(seconds_taken / seeds as f64);
            *done = Done { writes: sum.writes / seeds, events: sum.events / seeds };
        }
    }
    let medians = times.map(median);
    for ((contestant, time), Done { writes, events }) in CONTESTANTS.iter().zip(medians).zip(done) {
        // Whoever answers much less than a write each 10 ms does not do the work.
        assert!(writes > seconds * 90, "{}: {writes} writes", contestant.name);
        println!(
            "{:<24}{:>10.2}{:>12.0}{writes:>10}{events:>10}{:>12.1}{:>8.2}",
            contestant.name,
            time * 1e3,
            1.0 / time,
            time * 1e9 / events as f64,
            time / medians[0]
        );
    }
}
