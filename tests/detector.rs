//! The scenarios of failure detectors: what they show holds, what they plant is found, decoys raise nothing, and a seed means what it
//! meant.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use expect_test::{Expect, expect};
use stormglass::base::Duration;
use stormglass::check::{Cell, Table, Verdict};
use stormglass::explore::{Summary, Sweep};
use stormglass::protocols::detector::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/detector")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("the scenario is there")
}

fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn scenario(name: &str) -> Scenario {
    read(&text(name))
}

/// Those that are swept, and run in every test: all but the large ones.
const SMALL: [&str; 4] = ["heartbeat.ron", "phi-accrual.ron", "swim.ron", "storm.ron"];

/// Sweeps on two threads, and shows each outcome.
fn sweep(scenario: &Scenario, seeds: u64, see: &(dyn Fn(&Outcome) + Sync)) -> Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        see(&outcome);
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, keep_going: true, cancel: &AtomicBool::new(false) };
    sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had")
}

fn all_hold(name: &str, seeds: u64) {
    let scenario = scenario(name);
    assert_eq!(scenario.expected, Expected::Holds, "{name}");
    let summary = sweep(&scenario, seeds, &|outcome| {
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(outcome));
    });
    let count = |mark: &str| summary.sometimes.iter().find(|seen| seen.name == mark).map_or(0, |seen| seen.count);
    let unseen: Vec<_> = scenario.expect.iter().filter(|mark| count(mark) == 0).collect();
    assert!(unseen.is_empty(), "{name}: {unseen:?} not seen in {seeds} seeds");
}

#[test]
fn every_scenario_holds() {
    SMALL.iter().for_each(|name| all_hold(name, 4));
}

#[test]
#[ignore = "several minutes: cargo test --release --test detector -- --ignored"]
fn thousands_hold() {
    SMALL.iter().for_each(|name| all_hold(name, 1_000));
}

/// Whether a planted bug is caught by its own property on this seed.
fn is_caught(planted: &Scenario, property: &str, seed: u64) -> bool {
    let outcome = planted.run(seed);
    outcome.properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

fn each_mutant(seeds: u64, sound_seeds: u64) {
    assert!(MUTANTS.len() >= 12);
    for mutant in MUTANTS {
        let name = format!("bugs/{}.ron", mutant.name.trim_start_matches("detector/"));
        let planted = scenario(&name);
        assert_eq!((planted.mutant, planted.expected), (Some(mutant.name), Expected::Violates(mutant.property)), "{name}");
        let found = (0..seeds).find(|seed| is_caught(&planted, mutant.property, *seed));
        assert!(found.is_some(), "{name} violates {} within {seeds} seeds", mutant.property);
        let sound = planted.without_mutant();
        sweep(&sound, sound_seeds, &|outcome| {
            assert_eq!(outcome.verdict(), Verdict::Holds, "{name}: {}", sound.describe_failure(outcome));
        });
    }
}

/// Each planted bug is caught by the property that is named for it, and without the bug all of them hold.
#[test]
fn each_planted_bug_is_caught_and_nothing_without_it() {
    each_mutant(20, 5);
}

#[test]
#[ignore = "several minutes: cargo test --release --test detector -- --ignored"]
fn nothing_is_found_where_nothing_is_planted() {
    each_mutant(200, 200);
}

fn decoys_raise_nothing(seeds: u64) {
    assert!(DECOYS.len() >= 3);
    for decoy in DECOYS {
        let mut storm = scenario("storm.ron");
        storm.mutant = Some(decoy.name);
        sweep(&storm, seeds, &|outcome| {
            assert_eq!(outcome.verdict(), Verdict::Holds, "{}: {}", decoy.name, storm.describe_failure(outcome));
        });
        let sound = scenario("storm.ron").run(1).digest;
        assert_ne!(storm.run(1).digest, sound, "{} makes a difference", decoy.name);
    }
}

#[test]
fn decoys_raise_no_alarm() {
    decoys_raise_nothing(3);
}

#[test]
#[ignore = "several minutes: cargo test --release --test detector -- --ignored"]
fn decoys_raise_no_alarm_on_hundreds_of_seeds() {
    decoys_raise_nothing(300);
}
