//! The scenarios of the registry: what they show holds, each half of a pair differs from the other, what they plant is found, decoys raise
//! nothing.

use stormglass::protocols::registry::{DECOYS, MUTANTS};
use stormglass::scenario::{Expected, Scenario};

use crate::trials::{all_hold, all_hold_and_see, each_mutant, read, violates};

fn scenario(name: &str) -> Scenario {
    crate::trials::scenario(&format!("registry/{name}"))
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
        all_hold(&scenario, 4);
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
    all_hold(&read(text), 3);
}

/// A protocol of one's own around the client: it holds, and what is planted beneath it is found by its own property.
#[test]
fn the_example_of_a_client_holds_and_its_bug_is_found() {
    let registry = crate::registry_client::registry();
    let text = include_str!("../../examples/registry_client.ron");
    let mut scenario = Scenario::from_ron(text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
    let summary = all_hold(&scenario, 10);
    assert!(summary.never_seen(&scenario.expect).is_empty());
    scenario.mutants = vec!["registry/forgets-the-silent"];
    assert!((0..20).any(|seed| violates(&scenario, "no-ghosts", seed)), "ghosts are greeted");
}

/// A thousand seeds of the storm hold, and pass every place that it expects.
/// `cargo test --release --test runs registry:: -- --ignored` runs it, or `stormglass sweep scenarios/registry/storm.ron --seeds 1000`.
#[test]
#[ignore = "a few minutes: cargo test --release --test runs registry:: -- --ignored"]
fn a_thousand_storms_hold() {
    all_hold_and_see("registry/storm.ron", 1_000);
}

/// Each planted bug is caught by the property that is named for it, and without the bug all of them hold.
#[test]
fn each_planted_bug_is_caught_and_nothing_without_it() {
    assert!(MUTANTS.len() >= 12);
    each_mutant(MUTANTS, 60, 1);
}

#[test]
#[ignore = "a few minutes: cargo test --release --test runs registry:: -- --ignored"]
fn nothing_is_found_where_nothing_is_planted() {
    each_mutant(MUTANTS, 200, 200);
}

fn decoys_raise_nothing(seeds: u64) {
    assert!(DECOYS.len() >= 4);
    // In a storm few ends of leases wait long to be committed; here they do.
    let sound = [scenario("storm.ron"), scenario("bugs/ends-the-next-grant.ron").without_mutants()];
    for decoy in DECOYS {
        let differs = sound.iter().any(|sound| {
            let mut odd = sound.clone();
            odd.mutants = vec![decoy.name];
            all_hold(&odd, seeds);
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
