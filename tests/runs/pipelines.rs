//! The scenarios of pipelines: calm, storms, pairs with and without a practice; what they plant is found, and what is odd and right is left
//! alone.

use std::sync::Arc;

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::protocols::pipeline::properties::{Demands, Promise};
use stormglass::protocols::pipeline::{
    Barriers, DECOYS, Does, Flow, Fold, Function, Graph, Input, MUTANTS, Mutant, Own, Plan, Predicate, Recovery, Restart, Sink, Stage,
};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Pipeline, PipelineConfig, System};
use stormglass::world::{Conditions, World};

use super::trials::{all_hold, all_hold_and_see, each_mutant, others, planted, scenario, violates};

const STORMS: [&str; 4] =
    ["pipeline/storm.ron", "pipeline/storm-of-regions.ron", "pipeline/storm-at-least-once.ron", "pipeline/storm-at-most-once.ron"];

/// A scenario with this variant planted.
fn with(variant: &Mutant, name: &str) -> Scenario {
    let mut scenario = scenario(name);
    scenario.mutants = vec![variant.name];
    scenario
}

/// It holds in so many seeds; or violates what it says in one of the first, as not each crash strikes where it matters.
fn is_as_meant(name: &str, seeds: u64) {
    let scenario = scenario(name);
    match scenario.expected {
        Expected::Holds => drop(all_hold(&scenario, seeds)),
        Expected::Violates(property) => assert!((0..20).any(|seed| violates(&scenario, property, seed)), "{name} violates {property}"),
    }
}

#[test]
fn every_scenario_of_a_pipeline_is_as_it_says() {
    others("pipeline", &STORMS).iter().for_each(|name| is_as_meant(name, 1));
}

#[test]
fn storms_over_a_pipeline_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 2)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_bug_planted_in_a_pipeline_is_caught() {
    assert!(MUTANTS.len() >= 8 && DECOYS.len() >= 3);
    each_mutant(MUTANTS, 200, 1);
}

/// What is odd and right raises no alarm, and is odd indeed: some run is another.
#[test]
fn decoys_of_a_pipeline_are_left_alone() {
    for decoy in DECOYS {
        let name = "pipeline/storm-of-regions.ron";
        let (plain, odd) = (scenario(name), with(decoy, name));
        assert_ne!(plain.run(0).digest, odd.run(0).digest, "{}", decoy.name);
        all_hold(&odd, 1);
    }
}

/// In the library stages compute what closures say, and the judge evaluates the same.
#[test]
fn stages_compute_what_closures_say() {
    let stage = |name: &str, from: &[&str], does| {
        let from = from.iter().map(|name| (*name).to_owned()).collect();
        Stage { name: name.to_owned(), from, parallelism: 2, work: Duration::ZERO.into(), does }
    };
    let stages = vec![
        stage("in", &[], Does::Source(Input { events: 100, ..Input::default() })),
        stage("squares", &["in"], Does::Map(Function::Own(Own::new("square", |_, value| value * value)))),
        stage("odd", &["squares"], Does::Filter(Predicate::Own(Own::new("odd", |key, value| (key + value) % 2 == 1)))),
        stage("by-digit", &["odd"], Does::KeyBy(Function::Own(Own::new("digit", |_, value| value % 10)))),
        stage("bits", &["by-digit"], Does::Aggregate(Fold::Own(Own::new("or", |left, right| left | right)))),
        stage("out", &["bits"], Does::Sink(Sink::Idempotent)),
    ];
    let millis = Duration::from_millis;
    let flow = Flow {
        buffer: 8,
        credits: true,
        barriers: Barriers::Aligned,
        checkpoint: millis(200),
        abandon: millis(2000),
        restart: Restart::Region,
        recovery: Recovery::Replay,
        answer: millis(100),
        linger: millis(5),
    };
    let plan = Arc::new(Plan { graph: Graph::new(stages).expect("a graph without flaws"), flow });
    let config = PipelineConfig { plan, demands: Demands { promise: Promise::ExactlyOnce, none_late: true } };
    let conditions = Conditions { duration: Duration::from_secs(2), settle: Duration::from_secs(10), ..Conditions::default() };
    let judges = Pipeline::judges(&config, &conditions);
    let run = World::run(Pipeline::nodes(&config, &[]).under(conditions), 1, judges, vec![]);
    assert_eq!(run.outcome.verdict(), Verdict::Holds, "{:?}", run.outcome.properties);
}

#[test]
#[ignore = "minutes: cargo test --release --test runs pipelines:: -- --ignored"]
fn a_thousand_storms_over_a_pipeline_hold_and_every_expected_mark_is_seen() {
    STORMS.iter().for_each(|name| all_hold_and_see(name, 1_000));
}

#[test]
#[ignore = "minutes: cargo test --release --test runs pipelines:: -- --ignored"]
fn scenarios_and_decoys_of_a_pipeline_are_as_they_say_in_many_seeds() {
    others("pipeline", &STORMS).iter().for_each(|name| is_as_meant(name, 200));
    MUTANTS.iter().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), 200)));
    for decoy in DECOYS {
        STORMS.iter().for_each(|storm| drop(all_hold(&with(decoy, storm), 200)));
    }
}
