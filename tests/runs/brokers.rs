//! The scenarios of a broker: practices with and without, storms, what they plant is found, and what is odd and right is left alone.

use stormglass::protocols::broker::{DECOYS, MUTANTS, Rules};

use super::trials::{Family, Shows};

const FAMILY: Family<&dyn Rules> = Family {
    folder: "broker",
    storms: &[
        "broker/storm.ron",
        "broker/transactions-storm.ron",
        "broker/page-cache-storm.ron",
        "broker/cleaning-storm.ron",
        "broker/controllers-storm.ron",
    ],
    mutants: MUTANTS,
    decoys: DECOYS,
    shows: Shows::Sometimes,
};

#[test]
fn every_scenario_of_a_broker_is_as_it_says() {
    FAMILY.is_as_meant(2);
}

#[test]
fn storms_over_a_broker_hold() {
    FAMILY.storms_hold(2);
}

#[test]
fn each_bug_planted_in_a_broker_is_caught() {
    FAMILY.each_mutant_is_caught(38, 9);
}

#[test]
fn decoys_of_a_broker_are_left_alone() {
    FAMILY.decoys_are_left_alone();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn a_thousand_storms_over_a_broker_hold_and_every_expected_mark_is_seen() {
    FAMILY.a_thousand_storms_hold();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs brokers:: -- --ignored"]
fn scenarios_and_decoys_of_a_broker_are_as_they_say_in_many_seeds() {
    FAMILY.is_sound_in(200);
}
