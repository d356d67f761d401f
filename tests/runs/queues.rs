//! The scenarios of work queues: calm, storms, with a practice and without; what they plant is found, and what is odd and right is left
//! alone.

use stormglass::protocols::queue::{DECOYS, MUTANTS, Mutant};
use stormglass::scenario::{Expected, Scenario};

use super::trials::{all_hold, all_hold_and_see, each_mutant, others, planted, scenario, violates};

const STORMS: [&str; 3] = ["queue/storm.ron", "queue/storm-on-one-node.ron", "queue/storm-of-rejects.ron"];

/// A scenario with this variant planted.
fn with(variant: &Mutant, name: &str) -> Scenario {
    let mut scenario = scenario(name);
    scenario.mutants = vec![variant.name];
    scenario
}

fn is_as_meant(name: &str, seeds: u64) {
    let scenario = scenario(name);
    match scenario.expected {
        Expected::Holds => drop(all_hold(&scenario, seeds)),
        Expected::Violates(property) => assert!((0..seeds).all(|seed| violates(&scenario, property, seed)), "{name} violates {property}"),
    }
}

#[test]
fn every_scenario_of_a_queue_is_as_it_says() {
    others("queue", &STORMS).iter().for_each(|name| is_as_meant(name, 1));
}

#[test]
fn storms_over_a_queue_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 1)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_bug_planted_in_a_queue_is_caught() {
    assert!(MUTANTS.len() >= 8 && DECOYS.len() >= 3);
    each_mutant(MUTANTS, 200, 1);
}

/// What is odd and right raises no alarm, and is odd indeed: some run is another.
#[test]
fn decoys_of_a_queue_are_left_alone() {
    for decoy in DECOYS {
        let plain = scenario("queue/storm.ron");
        let odd = with(decoy, "queue/storm.ron");
        assert_ne!(plain.run(0).digest, odd.run(0).digest, "{}", decoy.name);
        all_hold(&odd, 1);
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs queues:: -- --ignored"]
fn a_thousand_storms_over_a_queue_hold_and_every_expected_mark_is_seen() {
    STORMS.iter().for_each(|name| all_hold_and_see(name, 1_000));
}

#[test]
#[ignore = "minutes: cargo test --release --test runs queues:: -- --ignored"]
fn scenarios_and_decoys_of_a_queue_are_as_they_say_in_many_seeds() {
    others("queue", &STORMS).iter().for_each(|name| is_as_meant(name, 200));
    MUTANTS.iter().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), 200)));
    for decoy in DECOYS {
        STORMS.iter().for_each(|storm| drop(all_hold(&with(decoy, storm), 200)));
    }
}
