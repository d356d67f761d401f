//! Ten-second seeds of a five-node Raft, unjudged and with every property checked, linearizability included, beside a minimal Raft on a
//! bare loop and on simcore (crates.io): CPU time, and instructions where valgrind is installed. `cargo bench --bench compare`.
//!
//! simcore is built into a folder of its own under `target`, from crates.io, when this is run; where that cannot be done, its row is left
//! out, and the bench says so. Rounds of all contestants take turns, so that a noisy neighbour harms all alike. Compare ratios.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "it runs itself under valgrind, and builds what it compares with")]

mod support {
    pub(crate) mod callgrind;
    pub(crate) mod cluster;
    pub(crate) mod measure;
}
mod yardstick {
    pub(crate) mod heap;
    pub(crate) mod raft;
}

use std::path::{Path, PathBuf};
use std::process::Command;

use stormglass::base::Duration;
use support::callgrind::instructions;
use support::cluster;
use support::measure::{cpu, median};

const ROUNDS: usize = 9;
/// How long the runs are whose instructions are counted, in simulated seconds, and how many seeds of them are run: the figure is that of
/// the seeds by which the second run has more, so that start and end of a process do not count.
const COUNTED_SECONDS: u64 = 10;
const COUNTED_SEEDS: [u64; 2] = [5, 25];

/// Answered writes and handled events of so many seeds, and the CPU seconds they took.
#[derive(Clone, Copy, Default)]
struct Done {
    writes: u64,
    events: u64,
    cpu: f64,
}

struct Contestant {
    name: &'static str,
    runs: Runs,
}

/// Where a contestant runs.
enum Runs {
    /// Here: a seed of so many simulated seconds, and its writes and events.
    Here(fn(seed: u64, seconds: u64) -> (u64, u64)),
    /// In this program, which takes the number of seeds and of seconds.
    There(PathBuf),
}

fn contestants() -> Vec<Contestant> {
    let mut all = vec![
        Contestant { name: "bare loop", runs: Runs::Here(yardstick::raft::run) },
        Contestant { name: "unjudged", runs: Runs::Here(|seed, seconds| simulate(seed, seconds, false)) },
        Contestant { name: "every property", runs: Runs::Here(|seed, seconds| simulate(seed, seconds, true)) },
    ];
    match build("simcore") {
        Some(program) => all.push(Contestant { name: "simcore", runs: Runs::There(program) }),
        None => println!("simcore could not be built: its row is left out"),
    }
    all
}

fn simulate(seed: u64, seconds: u64, judged: bool) -> (u64, u64) {
    let outcome = cluster::run(seed, 1, Duration::from_secs(seconds), judged);
    (outcome.operations.completed, outcome.events)
}

/// Builds the minimal Raft on another simulator.
fn build(peer: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/peers").join(peer);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--quiet", "--locked", "--manifest-path"])
        .arg(root.join("benches/peers").join(peer).join("Cargo.toml"));
    let built = cargo.arg("--target-dir").arg(&target).status().is_ok_and(|status| status.success());
    built.then(|| target.join("release").join(format!("raft-on-{peer}")))
}

impl Contestant {
    fn run(&self, seeds: u64, seconds: u64) -> Done {
        match &self.runs {
            Runs::Here(run) => {
                let (cpu, (writes, events)) = cpu(|| {
                    let runs = (0..seeds).map(|seed| run(seed, seconds));
                    runs.fold((0, 0), |(writes, events), one| (writes + one.0, events + one.1))
                });
                Done { writes, events, cpu }
            }
            Runs::There(program) => {
                let output = Command::new(program).args([seeds.to_string(), seconds.to_string()]).output().expect("it was built");
                let told = String::from_utf8_lossy(&output.stdout);
                let figures: Vec<f64> = told.split_whitespace().map(|word| word.parse().expect("a number")).collect();
                Done { cpu: figures[0], writes: figures[1] as u64, events: figures[2] as u64 }
            }
        }
    }

    /// How many instructions a seed takes; nothing if that cannot be counted.
    fn instructions(&self) -> Option<f64> {
        let [few, many] = COUNTED_SEEDS.map(|seeds| match &self.runs {
            Runs::Here(_) => instructions(&std::env::current_exe().ok()?, &[self.name, &seeds.to_string()]),
            Runs::There(program) => instructions(program, &[&seeds.to_string(), &COUNTED_SECONDS.to_string()]),
        });
        let [seeds, more] = COUNTED_SEEDS;
        Some((many?.1 - few?.1) as f64 / (more - seeds) as f64)
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [name, seeds] = &words[..] {
        let all = [("bare loop", None), ("unjudged", Some(false)), ("every property", Some(true))];
        let (_, judged) = all.into_iter().find(|(known, _)| known == name).expect("one of the contestants");
        for seed in 0..seeds.parse().expect("a number of seeds") {
            judged.map_or_else(|| yardstick::raft::run(seed, COUNTED_SECONDS), |judged| simulate(seed, COUNTED_SECONDS, judged));
        }
        return;
    }
    let contestants = contestants();
    compare(&contestants, "ten simulated seconds", 10, 40);
    compare(&contestants, "one simulated minute", 60, 5);
    count(&contestants);
}

/// Prints a row for each contestant. CPU time; medians of rounds of so many seeds.
fn compare(contestants: &[Contestant], length: &str, seconds: u64, seeds: u64) {
    println!("\n{length:<24}{:>10}{:>12}{:>10}{:>10}{:>12}{:>8}", "ms", "seeds/s", "writes", "events", "ns/event", "ratio");
    let mut times = vec![Vec::new(); contestants.len()];
    let mut done = vec![Done::default(); contestants.len()];
    for _ in 0..ROUNDS {
        for ((contestant, times), done) in contestants.iter().zip(&mut times).zip(&mut done) {
            *done = contestant.run(seeds, seconds);
            times.push(done.cpu / seeds as f64);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    for ((contestant, time), Done { writes, events, .. }) in contestants.iter().zip(&medians).zip(done) {
        let (writes, events) = (writes / seeds, events / seeds);
        // A contestant that answers much less than a write each 10 ms does not do the work.
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

/// Prints how many instructions a seed takes.
fn count(contestants: &[Contestant]) {
    println!("\n{:<24}{:>20}{:>8}", "ten simulated seconds", "10⁶ instructions", "ratio");
    let counts: Vec<Option<f64>> = contestants.iter().map(Contestant::instructions).collect();
    let Some(Some(bare)) = counts.first().copied() else { return println!("no instructions were counted: is valgrind installed?") };
    for (contestant, count) in contestants.iter().zip(counts) {
        let count = count.unwrap_or(f64::NAN);
        println!("{:<24}{:>20.1}{:>8.2}", contestant.name, count / 1e6, count / bare);
    }
}
