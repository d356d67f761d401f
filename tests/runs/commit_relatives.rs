//! The relatives of two-phase commit: what their scenarios show holds, and what is planted in them is found.

use std::fs;
use std::path::{Path, PathBuf};

use stormglass::check::Verdict;
use stormglass::fault::FaultPlan;
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/commit")
}

fn scenario(name: &str) -> Scenario {
    let text = fs::read_to_string(folder().join(name)).expect("the scenario is there");
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn violates(outcome: &Outcome, property: &str) -> bool {
    outcome.properties.iter().any(|report| report.name == property && report.verdict == Verdict::Violated)
}

/// Each seed holds, and all together pass every place but these.
fn holds(name: &str, seeds: u64, never: &[&str]) {
    let scenario = scenario(name);
    assert_eq!(scenario.expected, Expected::Holds, "{name}");
    let outcomes: Vec<Outcome> = (0..seeds).map(|seed| scenario.run(seed)).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(outcome));
        assert!(outcome.operations.completed > 100, "{name} does something under seed {}: {:?}", outcome.seed, outcome.operations);
    }
    let seen = |name: &str| outcomes.iter().flat_map(|outcome| &outcome.sometimes).any(|mark| mark.name == name && mark.count > 0);
    let unseen: Vec<_> = outcomes[0].sometimes.iter().map(|mark| mark.name).filter(|name| !seen(name)).collect();
    assert_eq!(unseen, never, "every other mark is seen in {seeds} seeds of {name}");
}

#[test]
fn paxos_commit_holds_in_a_storm() {
    holds("paxos-commit.ron", 20, &[]);
}

/// The planted bug is caught within 200 seeds by the property that is named for it; without it, the same seeds hold.
fn is_caught(name: &str) {
    let mut planted = scenario(&format!("../{name}.ron"));
    let Expected::Violates(property) = planted.expected else { panic!("{name} names the property that catches it") };
    let seed = (0..200).find(|seed| violates(&planted.run(*seed), property));
    let seed = seed.unwrap_or_else(|| panic!("{name} violates {property} within 200 seeds"));
    planted.mutants.clear();
    for seed in [seed, seed + 1, seed + 2] {
        planted.assert_holds(seed);
    }
}

#[test]
fn the_planted_bugs_of_paxos_commit_are_caught() {
    for name in ["proposes-prepared", "proposes-oldest", "forgets-promise", "votes-early"] {
        is_caught(&format!("paxos-commit/bugs/{name}"));
    }
}

#[test]
fn three_phase_commit_holds_while_the_network_is_whole() {
    // Where no message is lost, nobody who is there is uncertain while others have pre-committed.
    holds("three-phase.ron", 60, &["pre-commit sent again"]);
}

/// The protocol is wrong in a network that falls apart, and the scenario holds without the partitions.
#[test]
fn three_phase_commit_is_wrong_in_a_network_that_falls_apart() {
    let mut parted = scenario("three-phase-partition.ron");
    assert_eq!(parted.expected, Expected::Violates("agreement"));
    assert!((0..100).any(|seed| violates(&parted.run(seed), "agreement")), "within 100 seeds");
    parted.conditions.faults = FaultPlan::default();
    for seed in 0..20 {
        parted.assert_holds(seed);
    }
}

#[test]
fn the_planted_bugs_of_three_phase_commit_are_caught() {
    is_caught("three-phase/bugs/terminates-after-crash");
    is_caught("three-phase/bugs/votes-early");
}
