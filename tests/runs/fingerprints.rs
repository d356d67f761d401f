//! One bug has one fingerprint: whatever else it leads to from seed to seed, and different from that of another bug.

use std::collections::{BTreeMap, BTreeSet};
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

/// Planted bugs that break properties which are not each other's consequence, and of which either may be violated first.
///
/// What a server decides against its own word is *no-reversal* (AC2), against that of another *agreement* (AC1): which it is depends on who
/// is asked first. A participant that aborts alone breaks the third, where the others find somebody to abort with. Whoever unlocks by a
/// value that all share lets another in, whose token is no greater, or whose accesses come in between: whichever happens first. What a
/// broker lost or decided twice is seen by a judge of its logs at once, or only in the histories of clients.
const SEVERAL: [(&str, &[&str]); 20] = [
    ("broker/bugs/acks-before-in-sync", &["inconsistent-offsets", "nonmonotonic-send", "lost-write", "unseen"]),
    ("broker/bugs/acks-what-it-knows", &["inconsistent-offsets", "nonmonotonic-send", "lost-write", "unseen"]),
    ("broker/bugs/compacts-for-the-aborted", &["cleaned-as-allowed", "unseen"]),
    ("broker/bugs/cuts-to-its-watermark", &["committed-kept", "unseen"]),
    ("broker/bugs/drops-tombstones-early", &["cleaned-as-allowed", "unseen"]),
    ("broker/bugs/ends-before-decided", &["poll-skip", "int-poll-skip"]),
    ("broker/bugs/ends-what-comes-next", &["poll-skip", "int-poll-skip", "unseen", "aborted-read"]),
    ("broker/bugs/forgets-its-life", &["committed-kept", "unseen"]),
    ("broker/bugs/forgets-what-was-decided", &["progress", "unseen"]),
    ("broker/bugs/hears-zombie-producers", &["producer-fenced", "unseen"]),
    ("broker/bugs/keeps-what-it-coordinated", &["progress", "unseen"]),
    ("broker/bugs/keeps-the-producers-epoch", &["poll-skip", "unseen", "aborted-read"]),
    ("broker/bugs/sends-before-it-adds", &["aborted-read", "unseen"]),
    ("broker/bugs/shrinks-by-itself", &["committed-kept", "unseen"]),
    ("bus/bugs/accepts-before-durable", &["inconsistent-offsets", "nonmonotonic-send", "lost-write"]),
    ("bus/bugs/sends-ahead", &["poll-skip", "nonmonotonic-poll"]),
    ("commit/bugs/timeout-is-abort", &["agreement", "no-reversal"]),
    ("lock/bugs/one-value-for-all", &["mutual-exclusion", "tokens-grow"]),
    ("paxos-commit/bugs/forgets-promise", &["agreement", "no-reversal"]),
    ("three-phase/bugs/terminates-after-crash", &["agreement", "no-reversal", "no-abort-after-yes"]),
];

fn scenario(bug: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(bug).with_extension("ron");
    let text = fs::read_to_string(path).expect("the scenario is there");
    Scenario::from_ron(&text, &Registry::standard()).expect("a scenario")
}

fn failures(bug: &str, seeds: u64) -> Vec<Bucket> {
    sweep(&scenario(bug), 0, seeds)
}

fn sweep(scenario: &Scenario, start: u64, seeds: u64) -> Vec<Bucket> {
    let sweep = Sweep { start, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
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

/// All scenarios of planted bugs, by the names of their files.
fn all_bugs() -> Vec<String> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let names = |folder: &Path| fs::read_dir(folder).into_iter().flatten().map(|file| file.expect("a file").path()).collect::<Vec<_>>();
    let bugs = names(&scenarios).into_iter().flat_map(|protocol| names(&protocol.join("bugs")));
    let name = |path: &Path| path.strip_prefix(&scenarios).expect("it is in there").with_extension("").to_str().map(str::to_owned);
    let mut bugs: Vec<String> = bugs.filter_map(|path| name(&path)).collect();
    bugs.sort();
    bugs
}

/// Of each a few seeds, up to the first violation: whatever the seed, that is the same.
#[test]
fn every_planted_bug_has_one_fingerprint() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for bug in all_bugs() {
        let mut scenario = scenario(&bug);
        scenario.conditions.stop_at_violation = true;
        // Groups of Raft take long for a seed, and all have one rule to break.
        let seeds = if bug.starts_with("raft-group/") { 2 } else { 8 };
        let failures = sweep(&scenario, 0, seeds);
        let found: Vec<&str> = failures.iter().map(|failure| failure.property).collect();
        let several = SEVERAL.iter().find(|(name, _)| *name == bug).map(|(_, properties)| *properties);
        let is_right = several.map_or(found.len() <= 1, |known| {
            found.iter().all(|property| known.contains(property)) && found.len() == BTreeSet::from_iter(&found).len()
        });
        if !is_right {
            wrong.push(format!("{bug}: {failures:#?}"));
        }
        seen += usize::from(!found.is_empty());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 70, "of all only {seen} are found");
}

#[test]
fn what_follows_from_a_violation_is_listed_with_its_first_seed() {
    let failures = failures("raft/bugs/forgets-vote", 20);
    let listed: Vec<_> = failures[0].besides.iter().map(|besides| (besides.property, besides.first_seed)).collect();
    assert!(listed.contains(&("election-safety", 6)), "{listed:?}");
    assert_eq!(failures[0].property, "persist-before-answer");
    assert!(failures[0].besides.iter().all(|besides| besides.count < failures[0].count));
}
