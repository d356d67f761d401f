//! The scenarios of locks and elections: practices with and without, storms, what they plant is found, and what is odd and right is left
//! alone.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stormglass::base::{NodeId, Time};
use stormglass::check::Verdict;
use stormglass::explore::{Summary, Sweep, Until};
use stormglass::process::Either;
use stormglass::protocols::lock::{Mutant, session, ttl};
use stormglass::protocols::{raft, registry};
use stormglass::scenario::{Expectation, Expected, Scenario};
use stormglass::systems::{Lock, LockConfig, LockSettings, LockWork, Registry, System as _};
use stormglass::trace::{Event, Record};
use stormglass::world::{Conditions, World};

/// The storms, each of the system whose mutants and decoys it is tried with.
const STORMS: [&str; 6] = [
    "lock/storm.ron",
    "lock/redlock-storm.ron",
    "lock/sessions-storm.ron",
    "lock/unfenced-storm.ron",
    "election/storm.ron",
    "election/unfenced-storm.ron",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn scenario(name: &str) -> Scenario {
    let text = fs::read_to_string(folder().join(name)).expect("the scenario is there");
    Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The scenarios in this folder.
fn scenarios(within: &str) -> Vec<String> {
    let files = fs::read_dir(folder().join(within)).expect("the folder is there").map(|file| file.expect("a file").file_name());
    let mut names: Vec<String> = files.map(|name| format!("{within}/{}", name.to_string_lossy())).collect();
    names.retain(|name| name.ends_with(".ron"));
    names.sort();
    names
}

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    ttl::MUTANTS.iter().chain(session::MUTANTS)
}

fn decoys() -> impl Iterator<Item = &'static Mutant> {
    ttl::DECOYS.iter().chain(session::DECOYS)
}

/// `lock/wakes-the-herd` is shown by `lock/bugs/wakes-the-herd.ron`.
fn planted(mutant: &Mutant) -> Scenario {
    let (protocol, name) = mutant.name.split_once('/').expect("a name of two parts");
    scenario(&format!("{protocol}/bugs/{name}.ron"))
}

/// Sweeps on two threads; all seeds must hold.
fn all_hold(scenario: &Scenario, seeds: u64) -> Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}", scenario.describe_failure(&outcome));
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had")
}

fn violates(scenario: &Scenario, seed: u64, property: &str) -> bool {
    scenario.run(seed).properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated)
}

/// What a file says of itself is so: of a pair, one holds and the other shows what is lost without the practice.
fn is_as_meant(name: &str, seeds: u64) {
    let scenario = scenario(name);
    match scenario.expected {
        Expected::Holds => drop(all_hold(&scenario, seeds)),
        Expected::Violates(property) => {
            assert!((0..seeds.max(20)).any(|seed| violates(&scenario, seed, property)), "{name} violates {property}");
        }
    }
}

#[test]
fn every_scenario_of_a_lock_is_as_it_says() {
    scenarios("lock").iter().filter(|name| !STORMS.contains(&name.as_str())).for_each(|name| is_as_meant(name, 2));
}

#[test]
fn every_scenario_of_an_election_is_as_it_says() {
    scenarios("election").iter().filter(|name| !STORMS.contains(&name.as_str())).for_each(|name| is_as_meant(name, 2));
}

#[test]
fn storms_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 2)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_planted_bug_is_caught() {
    assert!(mutants().count() >= 10 && decoys().count() >= 4);
    for mutant in mutants() {
        let (planted, property) = (planted(mutant), mutant.property.expect("a mutant is caught by a property"));
        assert_eq!(planted.expected, Expected::Violates(property), "{}", mutant.name);
        assert!((0..200).any(|seed| violates(&planted, seed, property)), "{} violates {property}", mutant.name);
        all_hold(&planted.without_mutants(), 1);
    }
}

/// A scenario with this variant planted.
fn with_variant(storm: &str, variant: &'static str) -> Option<Scenario> {
    let mut scenario = scenario(storm);
    let registry = Registry::standard();
    let system = registry.find(scenario.system()).expect("a system that is known");
    scenario.mutants = vec![variant];
    system.mutants().iter().any(|known| known.name == variant).then_some(scenario)
}

/// What is odd and right raises no alarm, and is odd indeed: some run is another.
#[test]
fn decoys_are_left_alone() {
    for decoy in decoys() {
        let storms: Vec<(Scenario, Scenario)> =
            STORMS.iter().filter_map(|storm| Some((scenario(storm), with_variant(storm, decoy.name)?))).collect();
        assert!(storms.iter().any(|(plain, odd)| plain.run(0).digest != odd.run(0).digest), "{}", decoy.name);
        storms.iter().for_each(|(_, odd)| drop(all_hold(odd, 1)));
    }
}

fn lock() -> LockConfig<LockSettings> {
    LockConfig { sessions: Default::default(), own: LockSettings::default(), work: LockWork::default() }
}

/// What stands beneath a lock is judged with it: of a bug in the registry, planted where none is asked for, `lease-kept` tells.
#[test]
fn a_bug_in_the_registry_beneath_is_caught() {
    let text = r#"Scenario(
        name: "leaders crash beneath a lock",
        system: Lock(),
        network: (latency: Uniform("1ms", "5ms")),
        faults: [Every("12s..20s", Crash(node: Leader, down: "1s..2s"))],
        duration: "60s",
        settle: "30s",
    )"#;
    let conditions = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}")).conditions;
    let config = lock();
    let violated = |mutants: &[&str]| {
        let mut nodes = Lock::nodes(&config, &[]);
        for server in &mut nodes.servers {
            if let Either::First(server) = server {
                server.rules = registry::rules_of(mutants);
            }
        }
        let outcome = World::run(nodes.under(conditions.clone()), 1, Lock::judges(&config, &conditions), vec![]).outcome;
        let violated = outcome.properties.iter().filter(|found| found.verdict == Verdict::Violated);
        violated.map(|found| found.name).collect::<Vec<_>>()
    };
    assert_eq!(violated(&[]), [""; 0]);
    assert!(violated(&["registry/counts-as-a-follower"]).contains(&"lease-kept"));
}

/// So is a bug in Raft: of two leaders of one term, told in its words, `election-safety` tells.
#[test]
fn two_leaders_beneath_a_lock_are_caught() {
    let (config, conditions) = (lock(), Conditions::default());
    let judged = |terms: [u64; 2]| {
        let mut judges = Lock::judges(&config, &conditions);
        for (number, term) in terms.into_iter().enumerate() {
            let note =
                Either::First(registry::Note::Raft(raft::Note::BecameLeader { term: raft::Term(term), last: raft::EntryId::default() }));
            let event: Event<'_, Lock> = Event::Note { node: NodeId::server(number as u32), note: &note };
            let record = Record { number: number as u64, at: Time::from_nanos(number as u64), event: &event };
            judges.iter_mut().for_each(|judge| judge.observe(&record));
        }
        let reports = judges.iter().flat_map(|judge| judge.reports()).collect::<Vec<_>>();
        reports.into_iter().find(|report| report.name == "election-safety").map(|report| report.verdict)
    };
    assert_eq!(judged([1, 2]), Some(Verdict::Holds));
    assert_eq!(judged([1, 1]), Some(Verdict::Violated));
}

/// Where the mutants are found in storms, too: the median of nine starts, a hundred seeds apart; more than a hundred is told as never.
#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored --nocapture"]
fn mutants_are_found_in_storms() {
    for mutant in mutants() {
        let property = mutant.property.expect("a mutant is caught by a property");
        for storm in STORMS {
            let Some(storm_of_it) = with_variant(storm, mutant.name) else { continue };
            let found =
                |start: u64| (0..100).find(|seed| violates(&storm_of_it, start * 100 + seed, property)).map_or(101, |seed| seed + 1);
            let mut took: Vec<u64> = (0..9).map(found).collect();
            took.sort_unstable();
            println!("{} | {storm} | {property} | {} | {}", mutant.name, took[4], took[8]);
        }
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored"]
fn a_thousand_storms_hold_and_every_expected_mark_is_seen() {
    for name in STORMS {
        let scenario = scenario(name);
        let summary = all_hold(&scenario, 1_000);
        let seen = |mark: &str| summary.sometimes.iter().any(|found| found.name == mark && found.count > 0);
        let unseen: Vec<_> =
            scenario.expect.iter().filter(|wanted| matches!(wanted, Expectation::Sometimes(mark) if !seen(mark))).collect();
        assert!(unseen.is_empty(), "{name}: every expected mark is seen, but for {unseen:?}");
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored"]
fn pairs_differ_in_many_seeds() {
    for folder in ["lock", "election"] {
        scenarios(folder).iter().filter(|name| !STORMS.contains(&name.as_str())).for_each(|name| is_as_meant(name, 200));
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored"]
fn decoys_and_sound_scenarios_hold_in_many_seeds() {
    mutants().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), 200)));
    for decoy in decoys() {
        STORMS.iter().filter_map(|storm| with_variant(storm, decoy.name)).for_each(|odd| drop(all_hold(&odd, 200)));
    }
}
