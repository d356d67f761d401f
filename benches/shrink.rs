//! What shrinking makes of every planted bug. `cargo bench --bench shrink -- [--runs N] [--jobs N] [WORD…]`, where words pick those whose
//! file has one of them.
//!
//! Each scenario of a mutant is run under one seed after the other until the property that is named for the mutant is violated; that run
//! is shrunk, on one thread, in at most N runs (200,000, as the command has it). Each mutant has a process of its own, as many at a time
//! as `--jobs` says (2), and its row has the processor time of that alone. Prints the table that is in docs/shrinking.md: how large the
//! run was and is, by how many runs and how much processor time, and how that compares with the smallest that was found by hand. What was
//! at its end by then is shrunk again, in as many runs.
//!
//! Ends with exit code 1 if a mutant was not found, or what was found does not fail in the same way as it is written or does not hold
//! without the mutant; or, of what came to its end, is left to chance, or becomes something else when it is shrunk again. With `SHRUNK`
//! set, what is left is printed, too, to standard error.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "it reads the folder of scenarios, and runs itself for each of them")]

mod support {
    pub(crate) mod files;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

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

/// What is asked for.
struct Asked {
    words: Vec<String>,
    /// How many runs a mutant may take, and what is left of it when it is shrunk again.
    runs: u64,
    /// How many mutants are shrunk at a time.
    jobs: usize,
    /// The scenario whose row is wanted, and nothing else: so this program runs itself.
    row: Option<PathBuf>,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self { words: Vec::new(), runs: 200_000, jobs: 2, row: None };
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|word| word.parse().ok()).filter(|number| *number > 0);
            match word.as_str() {
                "--runs" => asked.runs = number().ok_or("--runs takes a number of runs, such as 20000")?,
                "--jobs" => {
                    let jobs = number().and_then(|number| usize::try_from(number).ok());
                    asked.jobs = jobs.ok_or("--jobs takes a number of mutants, such as 2")?;
                }
                "--row" => asked.row = Some(words.next().ok_or("--row takes a file")?.into()),
                // Cargo says so.
                "--bench" => {}
                option if option.starts_with("--") => return Err(format!("there is no {option}, only --runs N and --jobs N")),
                _ => asked.words.push(word),
            }
        }
        Ok(asked)
    }

    fn wants(&self, file: &Path) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| file.to_string_lossy().contains(word.as_str()))
    }
}

fn main() -> ExitCode {
    let asked = match Asked::read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let is_well = match &asked.row {
        Some(file) => row(file, asked.runs),
        None => table(&asked),
    };
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the rows of all mutants that are asked for, in the order of their files; returns whether all is as it should be.
fn table(asked: &Asked) -> bool {
    let (mut files, next) = (Vec::new(), AtomicUsize::new(0));
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut files);
    files.retain(|file| file.parent().is_some_and(|parent| parent.ends_with("bugs")) && asked.wants(file));
    println!("| mutant | seed | faults | operations | fates | nodes | time | events | runs | CPU | by hand | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    let (mut told, mut is_well) = (Tally::default(), true);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..asked.jobs {
            let (sender, files, next) = (sender.clone(), &files, &next);
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(place) else { break };
                    let _ = sender.send((place, elsewhere(file, asked.runs)));
                }
            });
        }
        drop(sender);
        let (mut done, mut printed) = (BTreeMap::new(), 0);
        for (place, ended) in receiver {
            done.insert(place, ended);
            while let Some((row, fine)) = done.remove(&printed) {
                print!("{row}");
                told.add(&row);
                is_well &= fine;
                printed += 1;
            }
        }
    });
    told.print();
    is_well
}

/// The row of one scenario, by a process of its own, and whether all is as it should be.
fn elsewhere(file: &Path, runs: u64) -> (String, bool) {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--runs", &runs.to_string(), "--row"]).arg(file).stderr(Stdio::inherit());
    let output = command.output().expect("it runs itself");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
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
    /// How many have at most three faults and five operations.
    few: usize,
    stopped: usize,
}

impl Tally {
    /// Counts a row, as it is printed.
    fn add(&mut self, row: &str) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let after = |place: usize| cells.get(place)?.split(" → ").nth(1)?.parse().ok();
        let (Some(faults), Some(operations), Some(fates)) = (after(3), after(4), after(5)) else { return };
        self.faults.push(faults);
        self.operations.push(operations);
        self.few += usize::from(faults <= 3 && operations <= 5);
        self.stopped += usize::from(row.contains(STOPPED));
        let by_hand = cells.get(11).and_then(|cell| cell.parse().ok());
        self.ratios.extend(by_hand.map(|hand| ratio(faults + operations + fates, hand)));
    }

    fn print(mut self) {
        println!("{} of {} have at most 3 faults and 5 operations, {} were stopped", self.few, self.faults.len(), self.stopped);
        for (what, numbers) in [("faults", &mut self.faults), ("operations", &mut self.operations), ("% of by hand", &mut self.ratios)] {
            numbers.sort_unstable();
            if let (Some(most), false) = (numbers.last(), numbers.is_empty()) {
                println!("{what}: median {}, most {most}", numbers[numbers.len() / 2]);
            }
        }
    }
}

/// What a row says of what could be smaller.
const STOPPED: &str = "stopped";

/// How much larger than by hand, in hundredths.
const fn ratio(sum: u64, hand: u64) -> u64 {
    sum * 100 / if hand == 0 { 1 } else { hand }
}

/// Prints the row of one scenario; returns whether all is as it should be.
fn row(file: &Path, runs: u64) -> bool {
    let (registry, text) = (Registry::standard(), fs::read_to_string(file).expect("the file is there"));
    let scenario = Scenario::from_ron(&text, &registry).unwrap_or_else(|problems| panic!("{}: {problems}", file.display()));
    let ([mutant], Expected::Violates(property)) = (&scenario.mutants[..], scenario.expected) else { return true };
    let Some(seed) = (0..SEEDS).find(|seed| scenario.run(*seed).violates(property)) else {
        println!("| `{mutant}` | not found in {SEEDS} seeds |");
        return false;
    };
    let (never, start) = (AtomicBool::new(false), ProcessTime::now());
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 1, runs, cancel: &never, mends: true, run: &run };
    let Ok(shrunk) = shrink.shrink(&scenario, seed, &mut |_| {}) else {
        println!("| `{mutant}` | the run of seed {seed} does not fail again |");
        return false;
    };
    let took = start.elapsed().as_secs_f64();
    if std::env::var_os("SHRUNK").is_some() {
        eprintln!("{}", shrunk.text);
    }
    let wrong = wrong(&shrink, &shrunk, property);
    let Shrunk { before, after, runs, finished, .. } = shrunk;
    let by_hand = by_hand(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/smallest-by-hand.md")).unwrap_or_default());
    let hand = by_hand.get(*mutant);
    let ratio = hand.map(|hand| ratio(after.faults as u64 + after.operations + after.fates as u64, *hand));
    let ratio = ratio.map(|ratio| format!("{}.{:02}×", ratio / 100, ratio % 100));
    let remarks = [ratio, (!finished).then(|| STOPPED.to_owned())].into_iter().flatten().chain(wrong.iter().map(|&words| words.to_owned()));
    let nodes = |extent: &Extent| extent.servers + extent.clients;
    println!(
        "| `{mutant}` | {seed} | {} → {} | {} → {} | {} → {} | {} → {} | {} → {} | {} → {} | {runs} | {took:.1} s | {} | {} |",
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
        hand.map_or_else(|| "–".to_owned(), u64::to_string),
        remarks.collect::<Vec<_>>().join(", "),
    );
    wrong.is_empty()
}

/// What is not as it should be of what was found. What was stopped may yet become calmer, and smaller when it is shrunk again.
fn wrong(shrink: &Shrink<'_>, shrunk: &Shrunk, property: &str) -> Vec<&'static str> {
    let Shrunk { text, seed, finished, .. } = shrunk;
    let Ok(read) = Scenario::from_ron(text, shrink.registry) else { return vec!["cannot be read again"] };
    let fails = read.run(*seed).violates(property);
    let holds = read.clone().without_mutants().run(*seed).verdict() != Verdict::Violated;
    let stays = !finished || shrink.shrink(&read, *seed, &mut |_| {}).is_ok_and(|again| again.text == *text);
    let is_calm = !finished || is_calm(&read);
    let remarks = [
        (fails, "does not fail in the same way as it is written"),
        (holds, "violated without the mutant, too"),
        (stays, "becomes something else when it is shrunk again"),
        (is_calm, "left to chance"),
    ];
    remarks.into_iter().filter_map(|(is_well, words)| (!is_well).then_some(words)).collect()
}

/// Whether neither links nor disks of a scenario draw anything.
fn is_calm(scenario: &Scenario) -> bool {
    let Conditions { link, links, disk, .. } = &scenario.conditions;
    let constant = |latency| matches!(latency, Latency::Constant(_));
    *link == LinkModel::reliable(link.latency) && constant(link.latency) && links.is_empty() && constant(disk.sync)
}
