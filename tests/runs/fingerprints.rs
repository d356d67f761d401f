//! One bug has one fingerprint: whatever else it leads to from seed to seed, and different from that of another bug.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stormglass::explore::{Bucket, Sweep, Until};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

/// Planted bugs that violate several properties, in other combinations from seed to seed.
const BUGS: [&str; 7] = [
    "raft/bugs/forgets-vote",
    "commit/bugs/acks-before-durable",
    "commit/bugs/announces-before-durable",
    "commit/bugs/forgets-locks",
    "commit/bugs/ignores-restart",
    "commit/bugs/one-phase-for-many",
    "commit/bugs/yes-before-durable",
];

fn failures(bug: &str, seeds: u64) -> Vec<Bucket> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(bug).with_extension("ron");
    let text = fs::read_to_string(path).expect("the scenario is there");
    let scenario = Scenario::from_ron(&text, &Registry::standard()).expect("a scenario");
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    sweep.run(&|seed| scenario.run(seed), &mut |_| ControlFlow::Continue(())).expect("threads can be had").failures
}

#[test]
fn one_bug_has_one_fingerprint_and_two_have_two() {
    let mut known = BTreeMap::new();
    for bug in BUGS {
        let failures = failures(bug, 20);
        let [failure] = &failures[..] else { panic!("{bug} has not one fingerprint, but: {failures:#?}") };
        assert!(failure.count > 5, "{bug} is seldom found: {failure:?}");
        assert_eq!(known.insert(failure.fingerprint, bug), None, "{bug} has the fingerprint of another");
    }
}

#[test]
fn what_follows_from_a_violation_is_listed_with_its_first_seed() {
    let failures = failures("raft/bugs/forgets-vote", 20);
    let listed: Vec<_> = failures[0].besides.iter().map(|besides| (besides.property, besides.first_seed)).collect();
    assert!(listed.contains(&("election-safety", 2)), "{listed:?}");
    assert_eq!(failures[0].property, "persist-before-answer");
    assert!(failures[0].besides.iter().all(|besides| besides.count < failures[0].count));
}
