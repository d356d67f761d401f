//! The scenarios of failure detectors: what they show holds, what they plant is found, decoys raise nothing.

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::protocols::detector::{DECOYS, MUTANTS};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;
use stormglass::trace::{Cell, Table};
use stormglass::world::Outcome;

use crate::trials::{all_hold, all_hold_and_see, each_mutant, read};

fn text(name: &str) -> String {
    crate::trials::text(&format!("detector/{name}"))
}

fn scenario(name: &str) -> Scenario {
    read(&text(name))
}

/// Those that are swept, and run in every test: all but the long ones.
const SMALL: [&str; 6] = ["heartbeat.ron", "omega.ron", "phi-accrual.ron", "storm.ron", "supervisor.ron", "swim.ron"];

#[test]
fn every_scenario_holds() {
    SMALL.iter().for_each(|name| all_hold_and_see(&format!("detector/{name}"), 4));
}

#[test]
#[ignore = "several minutes: cargo test --release --test runs detector:: -- --ignored"]
fn thousands_hold() {
    SMALL.iter().for_each(|name| all_hold_and_see(&format!("detector/{name}"), 1_000));
}

/// Each planted bug is caught by the property that is named for it, and without the bug all of them hold.
#[test]
fn each_planted_bug_is_caught_and_nothing_without_it() {
    assert!(MUTANTS.len() >= 12);
    each_mutant(MUTANTS, 20, 5);
}

#[test]
#[ignore = "several minutes: cargo test --release --test runs detector:: -- --ignored"]
fn nothing_is_found_where_nothing_is_planted() {
    each_mutant(MUTANTS, 200, 200);
}

fn decoys_raise_nothing(seeds: u64) {
    assert!(DECOYS.len() >= 3);
    for decoy in DECOYS {
        let mut storm = scenario("storm.ron");
        storm.mutants = vec![decoy.name];
        all_hold(&storm, seeds);
        let sound = scenario("storm.ron").run(1).digest;
        assert_ne!(storm.run(1).digest, sound, "{} makes a difference", decoy.name);
    }
}

#[test]
fn decoys_raise_no_alarm() {
    decoys_raise_nothing(3);
}

#[test]
#[ignore = "several minutes: cargo test --release --test runs detector:: -- --ignored"]
fn decoys_raise_no_alarm_on_hundreds_of_seeds() {
    decoys_raise_nothing(300);
}

/// A run of these detectors, alone or together, in which one node is destroyed in a calm network.
fn calm(nodes: u32, detectors: &str) -> Scenario {
    read(&format!(
        r#"Scenario(
            name: "calm",
            system: Detectors(nodes: {nodes}, warm_up: "0s", detectors: [{detectors}]),
            network: (latency: Constant("1ms")),
            faults: [At("200500ms", Destroy(node: n3))],
            duration: "260s",
            settle: "60s",
        )"#
    ))
}

fn row<'a>(outcome: &'a Outcome, name: &str) -> &'a [Cell] {
    let table: &Table = outcome.tables.first().expect("a table");
    &table.rows.iter().find(|row| row.name == name).expect("a row of this name").cells
}

fn length(cell: &Cell) -> Duration {
    let Cell::Length(length) = cell else { panic!("{cell:?} is no length") };
    *length
}

/// In a group a detector does exactly what it does alone: its messages fare the same, and so do its verdicts.
#[test]
fn a_group_changes_nothing() {
    let storm = text("storm.ron");
    let (start, end) = (storm.find("detectors: [").expect("a list"), storm.find("    network:").expect("a network"));
    let alone = format!(
        r#"{}detectors: [Heartbeat(name: "push", interval: "500ms", timeout: "1300ms")]),
{}"#,
        &storm[..start],
        &storm[end..]
    );
    let alone = read(&unmarked(&alone));
    for seed in 0..3 {
        let (alone, group) = (alone.run(seed), scenario("storm.ron").run(seed));
        assert_eq!(alone.struck, group.struck, "the same faults");
        assert_eq!(row(&alone, "push"), row(&group, "push"), "seed {seed}");
    }
}

/// The scenario without what it expects to see.
fn unmarked(text: &str) -> String {
    let start = text.find("    expect:").expect("marks are expected");
    format!("{})", &text[..start])
}

/// Detection times are those that the published formulas and defaults come to. A node is destroyed half a second after its last heartbeat.
#[test]
fn detection_times_are_as_published() {
    let outcome = calm(
        5,
        r#"Heartbeat(timeout: "2500ms"), Freshness(margin: "1500ms"), PhiAccrual(name: "Akka", law: Akka),
           PhiAccrual(name: "Cassandra", law: Cassandra), PhiAccrual(name: "Normal", law: Normal, deviation_min: "100ms")"#,
    )
    .run(1);
    assert_eq!(outcome.verdict(), Verdict::Holds);
    // After the last arrival, which was 499 ms before the crash: the timeout; an interval and the margin; μ + 3 s + 5.226 σ, with σ at its
    // floor; 18.42 μ, where half an interval counts as the first of two hundred; μ + 5.612 σ.
    for (name, seconds, tolerance) in [
        ("Heartbeat", 2.5, 0.001),
        ("Freshness", 2.5, 0.001),
        ("Akka", 1.0 + 3.0 + 0.5226, 0.01),
        ("Cassandra", 18.42 * 199.5 / 200.0, 0.05),
        ("Normal", 1.5612, 0.01),
    ] {
        let took = length(&row(&outcome, name)[0]).as_nanos() as f64 / 1e9 + 0.499;
        assert!((took - seconds).abs() < tolerance, "{name}: {took} s, and {seconds} s by the formula");
    }
}

/// SWIM: a member is first probed e/(e − 1) = 1.58 periods after its crash in the mean, and suspected a period later; the suspicion then
/// lasts 4·max(1, log₁₀ n) periods where nobody delays the verdict.
#[test]
fn swim_detects_as_published() {
    let took: Vec<(f64, f64)> = (0..20)
        .map(|seed| {
            let outcome = calm(16, r#"Swim(lifeguard: false)"#).run(seed);
            let seconds = |name| length(&row(&outcome, name)[0]).as_nanos() as f64 / 1e9;
            (seconds("Swim, suspicions"), seconds("Swim"))
        })
        .collect();
    let mean = |figures: Vec<f64>| figures.iter().sum::<f64>() / figures.len() as f64;
    let (doubted, convicted) = (mean(took.iter().map(|took| took.0).collect()), mean(took.iter().map(|took| took.1).collect()));
    assert!((1.3..3.2).contains(&doubted), "suspected after {doubted} s");
    // 4 · log₁₀ 16 = 4.8 s from the suspicion to the verdict.
    assert!((convicted - doubted - 4.8).abs() < 0.6, "convicted {} s after that", convicted - doubted);
}

/// However large the group, a member sends about as many messages.
#[test]
fn the_cost_of_swim_does_not_grow() {
    let cost = |nodes| {
        let outcome = calm(nodes, "Swim(gossip_nodes: 0)").run(1);
        let Cell::Number(messages) = row(&outcome, "Swim")[17] else { panic!("a number") };
        messages
    };
    let (few, many) = (cost(10), cost(200));
    assert!((0.9..1.1).contains(&(many / few)), "{few} and {many} messages per node and second");
}

/// What struck, given in place of the plan, repeats the run; so does the scenario that is written out with it.
#[test]
fn what_struck_repeats_a_storm() {
    for name in ["storm.ron", "supervisor.ron"] {
        let scenario = scenario(name);
        for seed in 0..2 {
            let outcome = scenario.run(seed);
            let explicit = scenario.clone().with_faults(outcome.struck.clone());
            assert_eq!(explicit.run(seed).digest, outcome.digest);
            let written = Scenario::from_ron(&explicit.to_ron(), &Registry::standard()).expect("what is written can be read");
            assert_eq!(written.run(seed).digest, outcome.digest);
        }
    }
}

/// So many nodes that each watches all others take more memory than there is: that is said with its figure before the run. Those that watch
/// few do not.
#[test]
fn too_many_who_watch_each_other_are_refused() {
    let group = |detector: &str| format!("Scenario(name: \"many\", system: Detectors(nodes: 5000, detectors: [{detector}]))");
    let refused = Scenario::from_ron(&group("Heartbeat()"), &Registry::standard()).expect_err("it would take gigabytes");
    assert!(refused.contains("24995000 pairs of nodes of which one watches the other: about 5 GiB of memory"), "{refused}");
    assert!(refused.contains("observers: Ring(100)"), "{refused}");
    read(&group("Heartbeat(observers: Ring(100))"));
    read(&group("Swim()"));
}
