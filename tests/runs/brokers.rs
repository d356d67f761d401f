//! The scenarios of a broker: practices with and without, storms, what they plant is found, and what is odd and right is left alone.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stormglass::check::Verdict;
use stormglass::explore::{Summary, Sweep, Until};
use stormglass::protocols::broker::{DECOYS, MUTANTS, Mutant};
use stormglass::scenario::{Expectation, Expected, Scenario};
use stormglass::systems::Registry;

const STORMS: [&str; 2] = ["storm.ron", "page-cache-storm.ron"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/broker")
}

fn scenario(name: &str) -> Scenario {
    let text = fs::read_to_string(folder().join(name)).expect("the scenario is there");
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// All but the storms and the bugs.
fn practices() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the folder is there").map(|file| file.expect("a file").file_name());
    let mut names: Vec<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".ron") && !STORMS.contains(&name.as_str()));
    names.sort();
    names
}

/// `broker/hears-zombies` is shown by `bugs/hears-zombies.ron`.
fn planted(mutant: &Mutant) -> Scenario {
    let (_, name) = mutant.name.split_once('/').expect("a name of two parts");
    scenario(&format!("bugs/{name}.ron"))
}

/// Sweeps on two threads; all seeds must hold.
fn all_hold(scenario: &Scenario, seeds: u64) -> Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(&outcome));
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had")
}

fn violates(scenario: &Scenario, seed: u64, property: &str) -> bool {
    scenario.run(seed).properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

/// What a file says of itself is so: of a pair, one holds and the other shows what is lost without the practice.
fn is_as_meant(name: &str, seeds: u64) {
    let scenario = scenario(name);
    match scenario.expected {
        Expected::Holds => drop(all_hold(&scenario, seeds)),
        Expected::Violates(property) => {
            assert!((0..seeds.max(20)).any(|seed| violates(&scenario, seed, property)), "{name} violates {property}");
        }
    }
}

#[test]
fn every_scenario_of_a_broker_is_as_it_says() {
    practices().iter().for_each(|name| is_as_meant(name, 2));
}

#[test]
fn storms_over_a_broker_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 2)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_planted_bug_of_a_broker_is_caught() {
    assert!(MUTANTS.len() >= 12 && DECOYS.len() >= 4);
    for mutant in MUTANTS {
        let (planted, property) = (planted(mutant), mutant.property.expect("a mutant is caught by a property"));
        assert_eq!(planted.expected, Expected::Violates(property), "{}", mutant.name);
        assert!((0..200).any(|seed| violates(&planted, seed, property)), "{} violates {property}", mutant.name);
        all_hold(&planted.without_mutants(), 1);
    }
}

/// What is odd and right raises no alarm, and is odd indeed: some run is another.
#[test]
fn decoys_of_a_broker_are_left_alone() {
    for decoy in DECOYS {
        let plain = scenario("storm.ron");
        let mut odd = scenario("storm.ron");
        odd.mutants = vec![decoy.name];
        assert!((0..20).any(|seed| plain.run(seed).digest != odd.run(seed).digest), "{} is never odd", decoy.name);
        all_hold(&odd, 1);
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn a_thousand_storms_over_a_broker_hold_and_every_expected_mark_is_seen() {
    for name in STORMS {
        let scenario = scenario(name);
        let summary = all_hold(&scenario, 1_000);
        let seen = |mark: &str| summary.sometimes.iter().any(|found| found.name == mark && found.count > 0);
        let unseen: Vec<_> =
            scenario.expect.iter().filter(|wanted| matches!(wanted, Expectation::Sometimes(mark) if !seen(mark))).collect();
        assert!(unseen.is_empty(), "{name}: every expected mark is seen, but for {unseen:?}");
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn pairs_of_a_broker_differ_and_sound_scenarios_and_decoys_hold_in_many_seeds() {
    practices().iter().for_each(|name| is_as_meant(name, 200));
    MUTANTS.iter().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), 200)));
    for decoy in DECOYS {
        let mut odd = scenario("storm.ron");
        odd.mutants = vec![decoy.name];
        all_hold(&odd, 200);
    }
}
