//! The scenarios of work queues: calm, storms, with a practice and without; what they plant is found, and what is odd and right is left
//! alone.

use stormglass::protocols::queue::{DECOYS, MUTANTS, Rules};

use super::trials::{Family, Shows};

const FAMILY: Family<&dyn Rules> = Family {
    folder: "queue",
    storms: &["queue/storm.ron", "queue/storm-on-one-node.ron", "queue/storm-of-rejects.ron"],
    mutants: MUTANTS,
    decoys: DECOYS,
    shows: Shows::Always,
};

#[test]
fn every_scenario_of_a_queue_is_as_it_says() {
    FAMILY.is_as_meant(1);
}

#[test]
fn storms_over_a_queue_hold() {
    FAMILY.storms_hold(1);
}

#[test]
fn each_bug_planted_in_a_queue_is_caught() {
    FAMILY.each_mutant_is_caught(8, 3);
}

#[test]
fn decoys_of_a_queue_are_left_alone() {
    FAMILY.decoys_are_left_alone();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs queues:: -- --ignored"]
fn a_thousand_storms_over_a_queue_hold_and_every_expected_mark_is_seen() {
    FAMILY.a_thousand_storms_hold();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs queues:: -- --ignored"]
fn scenarios_and_decoys_of_a_queue_are_as_they_say_in_many_seeds() {
    FAMILY.is_sound_in(200);
}
