//! What shrinking makes of every planted bug. `cargo bench --bench shrink [WORD…]`, where words pick those whose file has one of them.
//!
//! Each scenario of a mutant is run under one seed after the other until the property that is named for the mutant is violated; that run
//! is shrunk, on one thread. Prints the table that is in docs/shrinking.md: how large the run was and is, by how many runs and how much
//! processor time, and how that compares with the smallest that was found by hand. Ends with exit code 1 if a mutant was not found, or what
//! was found does not hold without the mutant, is left to chance, or becomes something else when it is shrunk again.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "it reads its arguments and the folder of scenarios")]

mod support {
    pub(crate) mod files;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use cpu_time::ProcessTime;
use stormglass::check::Verdict;
use stormglass::environment::{Latency, LinkModel};
use stormglass::explore::shrink::{Extent, Shrink, Shrunk};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Registry, Watch};
use stormglass::world::Conditions;
use support::files::find;

/// How many seeds are looked at for the first failure.
const SEEDS: u64 = 1_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (registry, mut files) = (Registry::standard(), Vec::new());
    find(&root.join("scenarios"), &mut files);
    let is_bug = |file: &&PathBuf| file.parent().is_some_and(|parent| parent.ends_with("bugs"));
    let is_wanted = |file: &&PathBuf| words.is_empty() || words.iter().any(|word| file.to_string_lossy().contains(word.as_str()));
    let by_hand = by_hand(&fs::read_to_string(root.join("docs/smallest-by-hand.md")).unwrap_or_default());
    println!("| mutant | seed | faults | operations | fates | nodes | time | events | runs | CPU | by hand | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut told = Tally::default();
    let mut failed = 0;
    for file in files.iter().filter(is_bug).filter(is_wanted) {
        failed += usize::from(!row(file, &registry, &by_hand, &mut told));
    }
    told.print();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Of each mutant the faults, operations and fates of the smallest that was found by hand, together.
fn by_hand(document: &str) -> BTreeMap<String, u64> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?.to_owned(), cells.get(7)?.parse().ok()?))
    };
    document.lines().filter_map(row).collect()
}

/// What all rows come to.
#[derive(Default)]
struct Tally {
    faults: Vec<u64>,
    operations: Vec<u64>,
    /// How much larger than by hand, in hundredths.
    ratios: Vec<u64>,
}

impl Tally {
    fn print(mut self) {
        for (what, numbers) in [("faults", &mut self.faults), ("operations", &mut self.operations), ("% of by hand", &mut self.ratios)] {
            numbers.sort_unstable();
            if let (Some(most), false) = (numbers.last(), numbers.is_empty()) {
                println!("{what}: median {}, most {most}", numbers[numbers.len() / 2]);
            }
        }
    }
}

/// Prints the row of one scenario; returns whether all is as it should be.
fn row(file: &Path, registry: &Registry, by_hand: &BTreeMap<String, u64>, tally: &mut Tally) -> bool {
    let text = fs::read_to_string(file).expect("the file is there");
    let scenario = Scenario::from_ron(&text, registry).unwrap_or_else(|problems| panic!("{}: {problems}", file.display()));
    let ([mutant], Expected::Violates(property)) = (&scenario.mutants[..], scenario.expected) else { return true };
    let Some(seed) = (0..SEEDS).find(|seed| scenario.run(*seed).violates(property)) else {
        println!("| `{mutant}` | not found in {SEEDS} seeds |");
        return false;
    };
    let (never, start) = (AtomicBool::new(false), ProcessTime::now());
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry, jobs: 1, runs: u64::MAX, cancel: &never, mends: true, run: &run };
    let Ok(Shrunk { scenario, text, seed: small, before, after, runs, .. }) = shrink.shrink(&scenario, seed, &mut |_| {}) else {
        println!("| `{mutant}` | the run of seed {seed} does not fail again |");
        return false;
    };
    let took = start.elapsed();
    let holds = scenario.clone().without_mutants().run(small).verdict() != Verdict::Violated;
    let stays = shrink.shrink(&scenario, small, &mut |_| {}).is_ok_and(|again| again.text == text);
    let wrong: String = [
        (!holds, ", violated without the mutant, too"),
        (!stays, ", becomes something else when it is shrunk again"),
        (!is_calm(&scenario), ", left to chance"),
    ]
    .iter()
    .filter_map(|(applies, words)| applies.then_some(*words))
    .collect();
    if std::env::var("SHRUNK").is_ok() {
        println!("{text}");
    }
    let sum = after.faults as u64 + after.operations + after.fates as u64;
    let hand = by_hand.get(*mutant);
    let ratio = hand.map(|hand| sum * 100 / hand.max(&1));
    tally.faults.push(after.faults as u64);
    tally.operations.push(after.operations);
    tally.ratios.extend(ratio);
    let nodes = |extent: &Extent| extent.servers + extent.clients;
    println!(
        "| `{mutant}` | {seed} | {} → {} | {} → {} | {} → {} | {} → {} | {} → {} | {} → {} | {runs} | {:.1} s | {} | {}{} |",
        before.faults,
        after.faults,
        before.operations,
        after.operations,
        before.fates,
        after.fates,
        nodes(&before),
        nodes(&after),
        before.time,
        after.time,
        before.events,
        after.events,
        took.as_secs_f64(),
        hand.map_or_else(|| "–".to_owned(), u64::to_string),
        ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{}.{:02}×", ratio / 100, ratio % 100)),
        wrong,
    );
    wrong.is_empty()
}

/// Whether neither links nor disks of a scenario draw anything.
fn is_calm(scenario: &Scenario) -> bool {
    let Conditions { link, links, disk, .. } = &scenario.conditions;
    let constant = |latency| matches!(latency, Latency::Constant(_));
    *link == LinkModel::reliable(link.latency) && constant(link.latency) && links.is_empty() && constant(disk.sync)
}
