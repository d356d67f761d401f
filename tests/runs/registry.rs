//! The scenarios of the registry: what they show holds, each half of a pair differs from the other, what they plant is found, decoys raise
//! nothing.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stormglass::check::Verdict;
use stormglass::explore::{Summary, Sweep, Until};
use stormglass::protocols::registry::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/registry")
}

fn scenario(name: &str) -> Scenario {
    let text = fs::read_to_string(folder().join(name)).expect("the scenario is there");
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Sweeps on two threads, and shows each outcome.
fn sweep(scenario: &Scenario, seeds: u64, see: &(dyn Fn(&Outcome) + Sync)) -> Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        see(&outcome);
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had")
}

fn all_hold(scenario: &Scenario, name: &str, seeds: u64) -> Summary {
    sweep(scenario, seeds, &|outcome| {
        assert_eq!(outcome.verdict(), Verdict::Holds, "{name}: {}", scenario.describe_failure(outcome));
    })
}

/// Those that show how it is when all is done as it should be.
const HOLD: [&str; 7] = [
    "calm.ron",
    "reports.ron",
    "keep-alive-at-a-third.ron",
    "watch-from-a-revision.ron",
    "cache-with-a-watch.ron",
    "checks-on.ron",
    "storm.ron",
];

/// The other halves of pairs: a practice that is left out, and what that costs.
const COST: [&str; 4] = ["keep-alive-at-the-last-moment.ron", "watch-from-now.ron", "cache-without-a-watch.ron", "checks-off.ron"];

#[test]
fn every_scenario_shows_what_it_says() {
    for name in HOLD {
        let scenario = scenario(name);
        assert_eq!(scenario.expected, Expected::Holds, "{name}");
        all_hold(&scenario, name, 4);
    }
    for name in COST {
        let scenario = scenario(name);
        let Expected::Violates(property) = scenario.expected else { panic!("{name} shows what is lost") };
        assert!((0..10).any(|seed| violates(&scenario, property, seed)), "{name} violates {property}");
    }
}

/// A keep-alive is seconds under way when its sender crashes: the lease lasts from when it comes, and nothing is amiss.
#[test]
fn what_the_dead_had_sent_is_not_held_against_the_registry() {
    let text = r#"Scenario(
        name: "a keep-alive that is late, and its sender dead",
        system: Registry(nodes: 3, lease: "4s", keep_alive: "500ms"),
        network: (latency: Uniform("1ms", "5ms")),
        workload: (clients: 4, services: 2, think: "50ms..200ms", mix: (list: 1)),
        faults: [At("5s", Delay(by: "3500ms", node: c1, lasting: "1s")), At("6100ms", Crash(node: c1, down: "12s"))],
        duration: "20s",
        settle: "20s",
    )"#;
    let late = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    all_hold(&late, "a late keep-alive", 3);
}

/// A thousand seeds of the storm hold, and pass every place that it expects.
/// `cargo test --release --test runs registry:: -- --ignored` runs it, or `stormglass sweep scenarios/registry/storm.ron --seeds 1000`.
#[test]
#[ignore = "a few minutes: cargo test --release --test runs registry:: -- --ignored"]
fn a_thousand_storms_hold() {
    let storm = scenario("storm.ron");
    let summary = all_hold(&storm, "storm.ron", 1_000);
    let unseen = summary.never_seen(&storm.expect);
    assert!(unseen.is_empty(), "{unseen:?} not seen");
}

fn violates(scenario: &Scenario, property: &str, seed: u64) -> bool {
    let outcome = scenario.run(seed);
    outcome.properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

fn each_mutant(seeds: u64, sound_seeds: u64) {
    assert!(MUTANTS.len() >= 12);
    for mutant in MUTANTS {
        let property = mutant.property.expect("a mutant is caught by a property");
        let name = format!("bugs/{}.ron", mutant.name.trim_start_matches("registry/"));
        let planted = scenario(&name);
        assert_eq!((&planted.mutants[..], planted.expected), (&[mutant.name][..], Expected::Violates(property)), "{name}");
        assert!((0..seeds).any(|seed| violates(&planted, property, seed)), "{name} violates {property} within {seeds} seeds");
        all_hold(&planted.without_mutants(), &name, sound_seeds);
    }
}

/// Each planted bug is caught by the property that is named for it, and without the bug all of them hold.
#[test]
fn each_planted_bug_is_caught_and_nothing_without_it() {
    each_mutant(60, 1);
}

#[test]
#[ignore = "a few minutes: cargo test --release --test runs registry:: -- --ignored"]
fn nothing_is_found_where_nothing_is_planted() {
    each_mutant(200, 200);
}

fn decoys_raise_nothing(seeds: u64) {
    assert!(DECOYS.len() >= 4);
    // In a storm few ends of leases wait long to be committed; here they do.
    let sound = [scenario("storm.ron"), scenario("bugs/ends-the-next-grant.ron").without_mutants()];
    for decoy in DECOYS {
        let differs = sound.iter().any(|sound| {
            let mut odd = sound.clone();
            odd.mutants = vec![decoy.name];
            all_hold(&odd, decoy.name, seeds);
            (0..seeds).any(|seed| odd.run(seed).digest != sound.run(seed).digest)
        });
        assert!(differs, "{} makes a difference", decoy.name);
    }
}

#[test]
fn decoys_raise_no_alarm() {
    decoys_raise_nothing(3);
}

#[test]
#[ignore = "a few minutes: cargo test --release --test runs registry:: -- --ignored"]
fn decoys_raise_no_alarm_on_hundreds_of_seeds() {
    decoys_raise_nothing(300);
}
