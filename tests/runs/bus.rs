//! The scenarios of the event bus: calm, storms, what a slow subscriber does; what they plant is found, and what is odd and right is left
//! alone.

use stormglass::protocols::bus::{DECOYS, MUTANTS, Rules};

use super::trials::{Family, Shows};

const FAMILY: Family<&dyn Rules> = Family {
    folder: "bus",
    storms: &[
        "bus/storm.ron",
        "bus/storm-at-least-once.ron",
        "bus/storm-at-most-once.ron",
        "bus/storm-of-buffers.ron",
        "bus/storm-by-key.ron",
    ],
    mutants: MUTANTS,
    decoys: DECOYS,
    shows: Shows::Always,
};

#[test]
fn every_scenario_of_a_bus_is_as_it_says() {
    FAMILY.is_as_meant(1);
}

#[test]
fn storms_over_a_bus_hold() {
    FAMILY.storms_hold(2);
}

#[test]
fn each_bug_planted_in_a_bus_is_caught() {
    FAMILY.each_mutant_is_caught(6, 2);
}

#[test]
fn decoys_of_a_bus_are_left_alone() {
    FAMILY.decoys_are_left_alone();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs bus:: -- --ignored"]
fn a_thousand_storms_over_a_bus_hold_and_every_expected_mark_is_seen() {
    FAMILY.a_thousand_storms_hold();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs bus:: -- --ignored"]
fn scenarios_and_decoys_of_a_bus_are_as_they_say_in_many_seeds() {
    FAMILY.is_sound_in(200);
}
