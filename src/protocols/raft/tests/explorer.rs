//! Random clusters: anything may happen at any time, and the properties hold; with a broken rule, they do not.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Config, Correct, MUTANTS, Message, Mutant, Rules, Timer, mark, rules_of};
use super::cluster::{Cluster, SESSION, n};
use crate::base::{KvOp, RunKey, Stream};
use crate::check::{PropertyReport, Verdict};
use crate::process::Mark;

/// Something that may happen next. Numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The message at this place arrives: mostly one of the oldest.
    Deliver(usize),
    /// The message at this place is lost.
    Lose(usize),
    /// The message at this place will arrive once more.
    Duplicate(usize),
    /// All that this server wrote is durable.
    Sync(u32),
    /// A timer fires, if it is set.
    Fire(u32, Timer),
    /// A server crashes, and so many bytes of what it did not sync are left.
    Crash(u32, usize),
    /// A server that is down boots.
    Restart(u32),
    /// A client asks this server for something.
    Ask(u32, KvOp),
}

fn take(cluster: &mut Cluster, step: Step, numbers: &mut u64) {
    let servers = cluster.members().len() as u32;
    let server = |number: u32| n(number % servers + 1);
    let under_way = cluster.network.len();
    match step {
        Step::Deliver(place) if under_way > 0 => cluster.deliver(place % under_way),
        Step::Lose(place) if under_way > 0 => drop(cluster.network.remove(place % under_way)),
        Step::Duplicate(place) if under_way > 0 => {
            let copy = cluster.network[place % under_way].clone();
            cluster.network.push_back(copy);
        }
        Step::Sync(number) => cluster.sync(server(number)),
        Step::Fire(number, timer) if cluster.timers(server(number)).contains(&timer) => cluster.fire(server(number), timer),
        Step::Crash(number, keep) if cluster.is_up(server(number)) => cluster.crash(server(number), keep),
        Step::Restart(number) if !cluster.is_up(server(number)) => cluster.restart(server(number)),
        Step::Ask(number, operation) => {
            // Key 0 stands for the opening of the session, or for a retry.
            let (retry, opening) = (operation.key() == 0, *numbers == 0 || operation == KvOp::Write { key: 0, value: 0 });
            *numbers += u64::from(!retry || *numbers == 0);
            let message = if opening {
                Message::Open { session: SESSION }
            } else {
                Message::Request { session: SESSION, number: *numbers, operation }
            };
            cluster.ask(server(number), message);
        }
        _ => {}
    }
}

/// Heals everything, and demands that all converge.
fn settle(cluster: &mut Cluster) {
    let all: Vec<u32> = (1..=cluster.members().len() as u32).collect();
    for number in &all {
        if !cluster.is_up(n(*number)) {
            cluster.restart(n(*number));
        }
    }
    cluster.talk(&all);
    let state = |cluster: &Cluster, number: &u32| {
        let server = cluster.server(n(*number));
        (server.applied(), server.log().last_index(), server.fingerprint())
    };
    let converged = |cluster: &Cluster| {
        let (applied, last, fingerprint) = state(cluster, &1);
        applied == last && all.iter().all(|number| state(cluster, number) == (applied, last, fingerprint))
    };
    // Each may have to try twice: a candidate in an old term learns of the new one by trying.
    for number in all.iter().cycle().take(3 * all.len()) {
        cluster.fire(n(*number), Timer::Election);
        cluster.talk(&all);
        for leader in all.iter().cycle().take(3 * all.len()) {
            cluster.fire(n(*leader), Timer::Heartbeat);
            cluster.talk(&all);
        }
        if converged(cluster) {
            return;
        }
    }
    panic!("they do not converge: {:?}", all.iter().map(|number| state(cluster, number)).collect::<Vec<_>>());
}

fn operation() -> impl Strategy<Value = KvOp> {
    (0..3_u64, 0..9_u64, any::<bool>()).prop_map(|(key, value, read)| if read { KvOp::Read { key } } else { KvOp::Write { key, value } })
}

fn step() -> impl Strategy<Value = Step> {
    let place = prop_oneof![6 => 0..3_usize, 1 => 0..100_usize];
    let server = 0..5_u32;
    let timer = prop_oneof![1 => Just(Timer::Election), 3 => Just(Timer::Heartbeat)];
    prop_oneof![
        40 => place.clone().prop_map(Step::Deliver),
        4 => place.clone().prop_map(Step::Lose),
        2 => place.prop_map(Step::Duplicate),
        20 => server.clone().prop_map(Step::Sync),
        6 => (server.clone(), timer).prop_map(|(server, timer)| Step::Fire(server, timer)),
        2 => (server.clone(), 0..200_usize).prop_map(|(server, keep)| Step::Crash(server, keep)),
        5 => server.clone().prop_map(Step::Restart),
        8 => (server, operation()).prop_map(|(server, operation)| Step::Ask(server, operation)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn correct_clusters_are_safe_and_converge(
        servers in prop_oneof![Just(1_u32), Just(2), Just(3), Just(5)],
        batch_max in 1..4_usize,
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 0..800),
    ) {
        let mut cluster = Cluster::boot(Config { batch_max, ..Config::of(servers) }, seed);
        let mut numbers = 0;
        for step in steps {
            take(&mut cluster, step, &mut numbers);
        }
        settle(&mut cluster);
        prop_assert_eq!(cluster.violations(), "");
    }
}

/// A long random run. How often what happens is by these weights, in the order of [`Step`].
fn storm(rules: Arc<dyn Rules>, weights: &[u64; 8], seed: u64, steps: usize) -> Cluster {
    let mut cluster = Cluster::boot(Config { batch_max: 1, rules, ..Config::of(3 + 2 * (seed % 2) as u32) }, seed);
    let mut random = RunKey::from_seed(seed).stream("storm", 0);
    let mut numbers = 0;
    for _ in 0..steps {
        let step = some_step(&mut random, weights);
        take(&mut cluster, step, &mut numbers);
    }
    cluster
}

fn some_step(random: &mut Stream, weights: &[u64; 8]) -> Step {
    let (server, place) = (random.below(5) as u32, random.below(4) as usize);
    let mut point = random.below(weights.iter().sum());
    let falls_here = |weight: &u64| {
        let here = point < *weight;
        point = point.wrapping_sub(*weight);
        here
    };
    match weights.iter().position(falls_here) {
        Some(0) => Step::Deliver(place),
        Some(1) => Step::Lose(place),
        Some(2) => Step::Duplicate(place),
        Some(3) => Step::Sync(server),
        Some(4) => Step::Fire(server, if random.below(3) == 0 { Timer::Election } else { Timer::Heartbeat }),
        Some(5) => Step::Crash(server, random.below(100) as usize),
        Some(6) => Step::Restart(server),
        _ => Step::Ask(server, KvOp::Write { key: random.below(3), value: place as u64 }),
    }
}

/// Weather in which clusters get something done.
const GUSTY: [u64; 8] = [110, 14, 2, 50, 9, 3, 8, 8];
/// Weather in which they seldom do, and crash with much unsynced.
const WILD: [u64; 8] = [110, 5, 2, 15, 30, 10, 30, 4];

/// Scene after scene, some of the servers talk among themselves for a while; what is then under way is lost. Between scenes, servers crash.
fn intrigue(rules: Arc<dyn Rules>, seed: u64, scenes: usize) -> Cluster {
    let mut cluster = Cluster::boot(Config { batch_max: 1, rules, ..Config::of(5) }, seed);
    let mut random = RunKey::from_seed(seed).stream("intrigue", 0);
    let mut numbers = 0;
    for _ in 0..scenes {
        let mut all = [1, 2, 3, 4, 5];
        random.shuffle(&mut all);
        let present = &all[..1 + random.below(5) as usize];
        for server in present {
            if !cluster.is_up(n(*server)) {
                cluster.restart(n(*server));
            }
            take(&mut cluster, Step::Fire(server - 1, Timer::Heartbeat), &mut numbers);
        }
        if random.below(2) == 0 {
            cluster.fire(n(present[0]), Timer::Election);
        }
        if random.below(3) == 0 {
            take(&mut cluster, Step::Ask(present[0] - 1, KvOp::Write { key: 1, value: 1 }), &mut numbers);
        }
        let length = random.below(20) as usize;
        cluster.talk_for(present, length);
        if random.below(2) == 0 && cluster.is_up(n(all[0])) {
            cluster.crash(n(all[0]), 0);
        }
    }
    cluster
}

/// How many of these runs violate this property.
fn caught(mutant: &Mutant, seeds: u64, run: impl Fn(u64) -> Cluster) -> usize {
    let violates = |report: PropertyReport| Some(report.name) == mutant.property && report.verdict == Verdict::Violated;
    (0..seeds).filter(|seed| run(*seed).reports().into_iter().any(violates)).count()
}

#[test]
fn storms_are_weathered() {
    let mut marks = std::collections::BTreeSet::new();
    for seed in 0..100 {
        for weather in [&GUSTY, &WILD] {
            let mut cluster = storm(Arc::new(Correct), weather, seed, 2_000);
            settle(&mut cluster);
            assert_eq!(cluster.violations(), "", "seed {seed}");
            marks.append(&mut cluster.marks);
        }
        let mut cluster = intrigue(Arc::new(Correct), seed, 100);
        settle(&mut cluster);
        assert_eq!(cluster.violations(), "", "seed {seed}");
    }
    let of_writes = |mark: &&Mark| !mark.name.starts_with("read ");
    let missed: Vec<_> = mark::ALL.iter().filter(of_writes).filter(|mark| !marks.contains(mark.name)).collect();
    assert!(missed.is_empty(), "never seen: {missed:?}");
}

#[test]
fn a_storm_finds_the_forgotten_vote() {
    let mutant = &MUTANTS[0];
    let caught = caught(mutant, 200, |seed| storm(rules_of(&[mutant.name]), &WILD, seed, 1_000));
    assert!(caught >= 5, "{caught} of 200");
}

#[test]
fn an_intrigue_finds_the_old_term_committed() {
    let mutant = &MUTANTS[1];
    let caught = caught(mutant, 200, |seed| intrigue(rules_of(&[mutant.name]), seed, 400));
    assert!(caught >= 3, "{caught} of 200");
}
