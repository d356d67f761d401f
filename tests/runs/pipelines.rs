//! The scenarios of pipelines: calm, storms, pairs with and without a practice; what they plant is found, and what is odd and right is left
//! alone.

use std::sync::Arc;

use stormglass::base::Duration;
use stormglass::check::Verdict;
use stormglass::protocols::pipeline::properties::{Demands, Promise};
use stormglass::protocols::pipeline::{
    Barriers, DECOYS, Does, Flow, Fold, Function, Graph, Input, MUTANTS, Own, Plan, Predicate, Recovery, Restart, Rules, Sink, Stage,
};
use stormglass::systems::{Pipeline, PipelineConfig, System};
use stormglass::world::{Conditions, World};

use super::trials::{Family, Shows};

const FAMILY: Family<&dyn Rules> = Family {
    folder: "pipeline",
    storms: &["pipeline/storm-of-regions.ron", "pipeline/storm.ron", "pipeline/storm-at-least-once.ron", "pipeline/storm-at-most-once.ron"],
    mutants: MUTANTS,
    decoys: DECOYS,
    shows: Shows::Sometimes,
};

#[test]
fn every_scenario_of_a_pipeline_is_as_it_says() {
    FAMILY.is_as_meant(1);
}

#[test]
fn storms_over_a_pipeline_hold() {
    FAMILY.storms_hold(2);
}

#[test]
fn each_bug_planted_in_a_pipeline_is_caught() {
    FAMILY.each_mutant_is_caught(8, 3);
}

#[test]
fn decoys_of_a_pipeline_are_left_alone() {
    FAMILY.decoys_are_left_alone();
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
    FAMILY.a_thousand_storms_hold();
}

#[test]
#[ignore = "minutes: cargo test --release --test runs pipelines:: -- --ignored"]
fn scenarios_and_decoys_of_a_pipeline_are_as_they_say_in_many_seeds() {
    FAMILY.is_sound_in(200);
}
