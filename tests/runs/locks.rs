//! The scenarios of locks and elections: practices with and without, storms, what they plant is found, and what is odd and right is left
//! alone.

use stormglass::base::{NodeId, Time};
use stormglass::check::Verdict;
use stormglass::process::Either;
use stormglass::protocols::lock::{Mutant, session, ttl};
use stormglass::protocols::{raft, registry};
use stormglass::scenario::Scenario;
use stormglass::systems::{Lock, LockConfig, LockSettings, LockWork, Registry, System as _};
use stormglass::trace::{Event, Record};
use stormglass::world::{Conditions, World};

use crate::trials::{self, Shows, all_hold, all_hold_and_see, each_mutant, is_as_meant, others, planted, read, scenario, violates};

/// The storms, each of the system whose mutants and decoys it is tried with.
const STORMS: [&str; 6] = [
    "lock/storm.ron",
    "lock/redlock-storm.ron",
    "lock/sessions-storm.ron",
    "lock/unfenced-storm.ron",
    "election/storm.ron",
    "election/unfenced-storm.ron",
];

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    ttl::MUTANTS.iter().chain(session::MUTANTS)
}

fn decoys() -> impl Iterator<Item = &'static Mutant> {
    ttl::DECOYS.iter().chain(session::DECOYS)
}

#[test]
fn every_scenario_of_a_lock_is_as_it_says() {
    others("lock", &STORMS).iter().for_each(|name| is_as_meant(name, 2, Shows::Sometimes));
}

#[test]
fn every_scenario_of_an_election_is_as_it_says() {
    others("election", &STORMS).iter().for_each(|name| is_as_meant(name, 2, Shows::Sometimes));
}

#[test]
fn storms_hold() {
    STORMS.iter().for_each(|name| drop(all_hold(&scenario(name), 2)));
}

/// Each planted bug is caught by the property that is named for it, and its scenario names the same; without it, its scenario holds.
#[test]
fn each_planted_bug_is_caught() {
    assert!(mutants().count() >= 10 && decoys().count() >= 4);
    each_mutant(mutants(), 200, 1);
}

/// A storm with this variant planted, if it is one of its system.
fn with_variant(storm: &str, variant: &'static str) -> Option<Scenario> {
    let scenario = trials::with_variant(storm, variant);
    let registry = Registry::standard();
    let system = registry.find(scenario.system()).expect("a system that is known");
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
    let conditions = read(text).conditions;
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

/// Settings that leave no room for anything are refused, with the place, the reason and a way out.
#[test]
fn settings_under_which_nothing_could_be_done_are_refused() {
    for (system, workload, place, reason, help) in [
        (r#"Registry(lease: "10ms")"#, "", r#""10ms""#, "a lease of 10ms is over by the next heartbeat, 50ms", "make the lease ten times"),
        (r#"Lock(lease: "50ms")"#, "", r#""50ms""#, "a lease of 50ms is over by the next heartbeat, 50ms", "make the lease ten times"),
        (r#"Lock(lease: "1s", keep_alive: "1s")"#, "", r#""1s""#, "is kept alive every 1s, when it is over", "make keep_alive a third"),
        (
            r#"Election(lease: "1s")"#,
            r#"guard: "1s""#,
            r#"guard: "1s""#,
            "with 1s or less left of its lease, and it lasts 990ms",
            "make guard shorter",
        ),
        (r#"TtlLock(ttl: "100ms", answer: "10ms")"#, "", r#"ttl: "100ms""#, "with 100ms or less left", "make guard shorter than ttl"),
        (r#"TtlLock(servers: 1, ttl: "1s")"#, r#"guard: "990ms""#, r#"guard: "990ms""#, "it lasts 990ms", "make guard shorter than ttl"),
    ] {
        let text = format!("Scenario(name: \"no room\", system: {system}, workload: ({workload}))");
        let refused = Scenario::from_ron(&text, &Registry::standard()).expect_err(system);
        assert!([place, reason, help, "^^^"].iter().all(|part| refused.contains(part)), "{system}: {refused}");
    }
    for (system, workload) in
        [("Lock", r#"looks: false, guard: "60min""#), ("TtlLock", r#"guard: "9800ms""#), ("Registry", r#"clients: 3"#)]
    {
        let text = format!("Scenario(name: \"room\", system: {system}(), workload: ({workload}))");
        read(&text);
    }
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
                |start: u64| (0..100).find(|seed| violates(&storm_of_it, property, start * 100 + seed)).map_or(101, |seed| seed + 1);
            let mut took: Vec<u64> = (0..9).map(found).collect();
            took.sort_unstable();
            println!("{} | {storm} | {property} | {} | {}", mutant.name, took[4], took[8]);
        }
    }
}

#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored"]
fn a_thousand_storms_hold_and_every_expected_mark_is_seen() {
    STORMS.iter().for_each(|name| all_hold_and_see(name, 1_000));
}

#[test]
#[ignore = "minutes: cargo test --release --test runs locks:: -- --ignored"]
fn pairs_differ_in_many_seeds() {
    for folder in ["lock", "election"] {
        others(folder, &STORMS).iter().for_each(|name| is_as_meant(name, 200, Shows::Sometimes));
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
