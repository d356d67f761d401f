//! The scenarios of a broker: practices with and without, storms, what they plant is found, and what is odd and right is left alone.

use stormglass::protocols::broker::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};

use super::trials::{all_hold, all_hold_and_see, each_mutant, others, planted, scenario, violates};

const STORMS: [&str; 3] = ["broker/storm.ron", "broker/page-cache-storm.ron", "broker/transactions-storm.ron"];

/// What a file says of itself is so: of a pair, one holds and the other shows what is lost without the practice.
fn is_as_meant(name: &str, seeds: u64) {
    let scenario = scenario(name);
    match scenario.expected {
        Expected::Holds => drop(all_hold(&scenario, seeds)),
        Expected::Violates(property) => {
            assert!((0..seeds.max(20)).any(|seed| violates(&scenario, property, seed)), "{name} violates {property}");
        }
    }
}

#[test]
fn every_scenario_of_a_broker_is_as_it_says() {
    others("broker", &STORMS).iter().for_each(|name| is_as_meant(name, 2));
}

#[test]
fn storms_over_a_broker_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 2)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_planted_bug_of_a_broker_is_caught() {
    assert!(MUTANTS.len() >= 30 && DECOYS.len() >= 8);
    each_mutant(MUTANTS, 200, 1);
}

/// What is odd and right raises no alarm, and is odd indeed: some run is another, of one of the storms with all faults.
#[test]
fn decoys_of_a_broker_are_left_alone() {
    for decoy in DECOYS {
        let is_odd = |(plain, odd): &(Scenario, Scenario)| (0..20).any(|seed| plain.run(seed).digest != odd.run(seed).digest);
        let storms = odd_storms(decoy.name);
        assert!(storms.iter().any(is_odd), "{} is never odd", decoy.name);
        storms.iter().for_each(|(_, odd)| drop(all_hold(odd, 1)));
    }
}

/// The storms with all faults, as they are and with this planted.
fn odd_storms(name: &'static str) -> Vec<(Scenario, Scenario)> {
    let with = |storm: &&str| {
        let mut odd = scenario(storm);
        odd.mutants = vec![name];
        (scenario(storm), odd)
    };
    ["broker/storm.ron", "broker/transactions-storm.ron"].iter().map(with).collect()
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn a_thousand_storms_over_a_broker_hold_and_every_expected_mark_is_seen() {
    STORMS.iter().for_each(|name| all_hold_and_see(name, 1_000));
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn pairs_of_a_broker_differ_and_sound_scenarios_and_decoys_hold_in_many_seeds() {
    others("broker", &STORMS).iter().for_each(|name| is_as_meant(name, 200));
    MUTANTS.iter().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), 200)));
    for decoy in DECOYS {
        odd_storms(decoy.name).iter().for_each(|(_, odd)| drop(all_hold(odd, 200)));
    }
}
