//! What is right is blamed by no judge: planted bugs that are set aside, and servers that are gone for good. What is expected is seen.

use std::fs;
use std::path::{Path, PathBuf};

use stormglass::check::Verdict;
use stormglass::explore::{Sweep, Until};
use stormglass::scenario::{Expectation, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All scenarios below this folder, by their paths.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(scenarios(&path));
        } else if path.extension().is_some_and(|extension| extension == "ron") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn all() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&folder).expect("below it").to_string_lossy().replace('\\', "/");
        (name, read(&fs::read_to_string(path).expect("a file of text")))
    };
    scenarios(&folder).into_iter().map(named).collect()
}

/// Those of planted bugs.
fn planted() -> impl Iterator<Item = (String, Scenario)> {
    all().into_iter().filter(|(name, _)| name.contains("/bugs/"))
}

fn sweep(scenario: &Scenario, start: u64, seeds: u64, see: &(dyn Fn(&Outcome) + Sync)) -> stormglass::explore::Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        see(&outcome);
        outcome
    };
    let never = std::sync::atomic::AtomicBool::new(false);
    let sweep = Sweep { start, seeds, jobs: 2, until: Until::Done, cancel: &never };
    sweep.run(&run, &mut |_| std::ops::ControlFlow::Continue(())).expect("threads can be had")
}

fn holds_without_its_bug(name: &str, scenario: Scenario, start: u64, seeds: u64) {
    assert!(!scenario.mutants.is_empty(), "{name} plants a bug");
    let sound = scenario.without_mutants();
    sweep(&sound, start, seeds, &|outcome| {
        assert_eq!(outcome.verdict(), Verdict::Holds, "{name}: {}", sound.describe_failure(outcome));
    });
}

/// So many seeds, ten at a time, until all that is expected was seen.
fn is_seen(name: &str, scenario: &Scenario, seeds: u64) {
    let mut missed: Vec<Expectation> = scenario.expect.clone();
    for start in (0..seeds).step_by(10) {
        if missed.is_empty() {
            return;
        }
        let summary = sweep(scenario, start, 10.min(seeds - start), &|_| {});
        missed = summary.never_seen(&missed).into_iter().cloned().collect();
    }
    assert!(missed.is_empty(), "{name}: {missed:?} not seen in {seeds} seeds");
}

/// Runs of these take seconds.
fn is_slow(name: &str) -> bool {
    name.starts_with("raft-group/") || name.contains("swim-10000")
}

/// A sample: another seed of each.
#[test]
fn planted_bugs_that_are_set_aside_raise_no_alarm() {
    for (seed, (name, scenario)) in (0..).zip(planted()).filter(|(_, (name, _))| !is_slow(name)) {
        holds_without_its_bug(&name, scenario, seed, 1);
    }
}

/// A sample: those that show it soon.
#[test]
fn what_planted_bugs_expect_is_seen() {
    for (name, scenario) in planted().filter(|(name, _)| name.starts_with("detector/") || name.starts_with("three-phase/")) {
        is_seen(&name, &scenario, 10);
    }
}

#[test]
#[ignore = "an hour: cargo test --release --test runs sound:: -- --ignored"]
fn no_planted_bug_that_is_set_aside_raises_an_alarm_in_200_seeds() {
    planted().for_each(|(name, scenario)| holds_without_its_bug(&name, scenario, 0, 200));
}

#[test]
#[ignore = "minutes: cargo test --release --test runs sound:: -- --ignored"]
fn all_that_is_expected_is_seen_in_200_seeds() {
    all().into_iter().for_each(|(name, scenario)| is_seen(&name, &scenario, 200));
}

/// No judge blames a server that is gone for good, nor what waits for it; but progress may. The first seeds of two-phase commit,
/// three-phase commit and Paxos Commit were blamed once.
#[test]
fn what_is_destroyed_is_not_blamed() {
    for (system, seeds) in [
        ("RaftKv(nodes: 5)", [0, 1]),
        ("TwoPhase(nodes: 5)", [8, 11]),
        ("ThreePhase(nodes: 5)", [1, 8]),
        ("PaxosCommit(nodes: 5, acceptors: 3)", [11, 12]),
        ("TwoPhaseOverRaft(groups: 3, replicas: 3)", [0, 1]),
    ] {
        let scenario = read(&format!(
            r#"Scenario(
                name: "gone for good", system: {system}, workload: (clients: 3, rate: "60/s", request_timeout: "1s", operation_timeout: "2s"),
                faults: [At("1s", Destroy(node: Any)), Every("500ms..1500ms", Crash(node: Any, down: "50ms..300ms"))],
                duration: "8s", settle: "15s",
            )"#
        ));
        for seed in seeds {
            let outcome = scenario.run(seed);
            let blamed = outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated && report.name != "progress");
            assert_eq!(blamed.count(), 0, "{system}: {}", scenario.describe_failure(&outcome));
        }
    }
}

/// A participant that a peer has told to abort says no to work that comes late: the coordinator may abort for that.
#[test]
fn a_no_to_late_work_is_a_reason_to_abort() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/commit/bugs/unwritten-abort.ron");
    read(&fs::read_to_string(path).expect("the scenario is there")).without_mutants().assert_holds(239);
}
