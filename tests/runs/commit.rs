//! The scenarios of two-phase commit: what they show holds, what they plant is found, what is odd and right is left alone, and a seed
//! means what it meant.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stormglass::check::Verdict;
use stormglass::explore::{Summary, Sweep, Until};
use stormglass::protocols::commit::two_phase::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::trace::{Cell, Table};
use stormglass::world::Outcome;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/commit")
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

/// The scenario with some of its values set.
fn varied(name: &str, values: &[(&str, &str)]) -> Scenario {
    let text =
        values.iter().fold(text(name), |text, (path, value)| stormglass::notation::set(&text, path, value).expect("the file has it"));
    read(&text)
}

/// The scenarios of two-phase commit itself.
fn scenarios(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("a file").path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "ron"))
        .filter(|file| fs::read_to_string(file).is_ok_and(|text| text.contains("system: TwoPhase(")))
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
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

fn every_mark_is_seen(summary: &Summary) {
    let unseen: Vec<_> = summary.sometimes.iter().filter(|mark| mark.count == 0).map(|mark| mark.name).collect();
    assert_eq!(unseen, [""; 0], "every mark is seen");
}

/// Every scenario that is to hold does, on a few seeds; each with its own, so that none hides behind another's luck.
#[test]
fn every_scenario_holds() {
    // What that one shows is that the protocol is wrong: commit_relatives.rs looks after it.
    for name in scenarios(&folder()).into_iter().filter(|name| name != "three-phase-partition.ron") {
        let scenario = scenario(&name);
        assert_eq!(scenario.expected, Expected::Holds, "{name}");
        for seed in 0..5 {
            scenario.assert_holds(seed);
        }
    }
}

#[test]
fn storms_hold_and_every_mark_is_seen() {
    every_mark_is_seen(&all_hold(&scenario("storm.ron"), 40));
}

/// In every variant, with either way of locking, and with coordinators alone to ask.
#[test]
fn every_variant_holds_in_a_storm() {
    for variant in ["PresumedNothing", "PresumedAbort", "PresumedCommit"] {
        for locking in ["WaitDie", "WoundWait"] {
            for cooperative in ["true", "false"] {
                let values = [("system.variant", variant), ("system.locking", locking), ("system.cooperative", cooperative)];
                all_hold(&varied("storm.ron", &values), 3);
            }
        }
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs commit:: -- --ignored"]
fn thousands_of_storms_hold() {
    every_mark_is_seen(&all_hold(&scenario("storm.ron"), 1_000));
    for variant in ["PresumedNothing", "PresumedCommit"] {
        for locking in ["WaitDie", "WoundWait"] {
            all_hold(&varied("storm.ron", &[("system.variant", variant), ("system.locking", locking)]), 300);
        }
    }
}

fn violates(scenario: &Scenario, seed: u64, property: &str) -> bool {
    let outcome = scenario.run(seed);
    outcome.properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same.
#[test]
fn each_planted_bug_is_caught() {
    let mut names: Vec<String> = MUTANTS.iter().map(|mutant| mutant.name.replace("commit/", "") + ".ron").collect();
    names.sort();
    assert_eq!(scenarios(&folder().join("bugs")), names);
    for mutant in MUTANTS {
        let property = mutant.property.expect("a mutant is caught by a property");
        let planted = scenario(&format!("bugs/{}.ron", mutant.name.replace("commit/", "")));
        assert_eq!(planted.expected, Expected::Violates(property), "{}", mutant.name);
        assert!((0..200).any(|seed| violates(&planted, seed, property)), "{} violates {}", mutant.name, property);
    }
}

/// Without the bug, its scenario holds: what was caught was the bug.
#[test]
fn nothing_is_caught_without_the_bugs() {
    for name in scenarios(&folder().join("bugs")) {
        all_hold(&scenario(&format!("bugs/{name}")).without_mutants(), 5);
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs commit:: -- --ignored"]
fn nothing_is_caught_without_the_bugs_in_many_seeds() {
    for name in scenarios(&folder().join("bugs")) {
        all_hold(&scenario(&format!("bugs/{name}")).without_mutants(), 200);
    }
}

fn with_decoy(decoy: &'static str) -> Scenario {
    let mut scenario = scenario("storm.ron");
    scenario.mutants = vec![decoy];
    scenario
}

/// What is odd and right raises no alarm, and is odd indeed: the run is another.
#[test]
fn decoys_are_left_alone() {
    assert!(DECOYS.len() >= 3);
    let plain = scenario("storm.ron").run(0).digest;
    for decoy in DECOYS {
        let scenario = with_decoy(decoy.name);
        assert_ne!(scenario.run(0).digest, plain, "{}", decoy.name);
        all_hold(&scenario, 4);
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs commit:: -- --ignored"]
fn decoys_are_left_alone_in_many_seeds() {
    for decoy in DECOYS {
        all_hold(&with_decoy(decoy.name), 200);
    }
}

fn longest_doubt(outcome: &Outcome) -> u64 {
    let table: &Table = outcome.tables.iter().find(|table| table.title == "Blocking").expect("every run has it");
    let row = table.rows.iter().find(|row| row.name == "participants in doubt").expect("every run has it");
    match row.cells[3] {
        Cell::Length(length) => length.as_nanos(),
        _ => 0,
    }
}

/// The report on blocking shows what it is for: nobody stays in doubt where nothing goes wrong; coordinators that cannot be reached block
/// others, and asking those others helps.
#[test]
fn blocking_is_measured() {
    let median = |scenario: &Scenario| {
        let mut longest: Vec<u64> = (0..15).map(|seed| longest_doubt(&scenario.run(seed))).collect();
        longest.sort_unstable();
        longest[longest.len() / 2]
    };
    let calm = median(&scenario("bank.ron"));
    let asking = median(&scenario("in-doubt.ron"));
    assert!(calm < 100_000_000, "{calm}");
    assert!(asking > 10 * calm, "{asking} against {calm}");
}

/// What struck, given in place of the plan, repeats the run; so does the scenario that is written out with it.
#[test]
fn what_struck_repeats_a_storm() {
    let scenario = scenario("storm.ron");
    for seed in 0..5 {
        let outcome = scenario.run(seed);
        let explicit = scenario.clone().with_faults(outcome.struck.clone());
        assert_eq!(explicit.run(seed).digest, outcome.digest);
        let written = Scenario::from_ron(&explicit.to_ron(), &Registry::standard()).expect("what is written can be read");
        assert_eq!(written.run(seed).digest, outcome.digest);
    }
}
