//! That a shrunk failure is the one that was shrunk: two bugs are planted, a seed fails by one of them, and what is left of the run must
//! fail with that one alone, and no more so without it.
//!
//! 500 trials, and as many of a bug that nobody knows, in about an hour: `cargo test --release --test runs slippage:: -- --ignored
//! --nocapture`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use stormglass::check::Verdict;
use stormglass::explore::shrink::Shrink;
use stormglass::explore::{Row, fingerprint};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};

/// What became of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trial {
    /// What is left fails with the one bug alone, and holds without it.
    Held,
    /// The same, but the other bug shows itself there, too, in its own way.
    BothShow,
    /// What is left is not the failure that was shrunk.
    Slipped,
}

/// A scenario, its own mutant, and another one of the same system.
type Pair = (Scenario, &'static str, &'static str);

/// All of them.
fn pairs() -> Vec<Pair> {
    let registry = Registry::standard();
    let mut pairs = Vec::new();
    for system in registry.systems() {
        let bugs: Vec<&'static str> = system.mutants().iter().filter(|mutant| !mutant.is_decoy()).map(|mutant| mutant.name).collect();
        for one in &bugs {
            let (protocol, name) = one.split_once('/').expect("a protocol and a name");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{protocol}/bugs/{name}.ron"));
            let text = fs::read_to_string(path).expect("each mutant has a scenario");
            let scenario = Scenario::from_ron(&text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
            let fits = scenario.system() == system.name() && scenario.roster().population.servers <= 20;
            pairs.extend(bugs.iter().filter(|other| fits && *other != one).map(|other| (scenario.clone(), *one, *other)));
        }
    }
    pairs
}

/// The same with these bugs planted.
fn with(scenario: &Scenario, mutants: &[&'static str]) -> Scenario {
    let mut planted = scenario.clone();
    planted.mutants = mutants.to_vec();
    planted
}

/// Whether a run fails in this way, and whether it fails at all.
fn fails(scenario: &Scenario, seed: u64, target: u64) -> (bool, bool) {
    let outcome = scenario.run(seed);
    let mut violated = outcome.properties.iter().filter(|report| report.verdict == Verdict::Violated);
    (violated.any(|report| fingerprint(report) == target), outcome.verdict() == Verdict::Violated)
}

/// A seed from here on under which both bugs are planted and the first one alone makes it fail, in the way that it fails with both.
fn seed_of(scenario: &Scenario, one: &'static str, other: &'static str, start: u64) -> Option<(u64, u64)> {
    (start..start + 10).find_map(|seed| {
        let both = Row::new(seed, Ok(with(scenario, &[one, other]).run(seed))).fingerprint?;
        let alone = Row::new(seed, Ok(with(scenario, &[one]).run(seed))).fingerprint;
        (alone == Some(both) && !fails(&with(scenario, &[other]), seed, both).0).then_some((seed, both))
    })
}

/// Shrinks one failure of two bugs, and looks at what is left. Nothing, if the first bug shows under none of a few seeds.
fn trial((scenario, one, other): &Pair, start: u64, runs: u64, mends: bool) -> Option<(Trial, bool)> {
    let (seed, target) = seed_of(scenario, one, other, start)?;
    let (registry, cancel) = (Registry::standard(), AtomicBool::new(false));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 2, runs, cancel: &cancel, mends, run: &run };
    let left = shrink.shrink_as(Some(target), &with(scenario, &[one, other]), seed, &mut |_| {}).expect("it fails");
    let (alone, _) = fails(&with(&left.scenario, &[one]), left.seed, target);
    let (mended, otherwise) = fails(&with(&left.scenario, &[other]), left.seed, target);
    let came = match (alone && !mended, otherwise) {
        (true, false) => Trial::Held,
        (true, true) => Trial::BothShow,
        (false, _) => Trial::Slipped,
    };
    if came == Trial::Slipped && mends {
        println!("slipped: {one} with {other}, seed {seed}: alone {alone}, mended {mended}\n{}", left.scenario.to_ron());
    }
    Some((came, left.finished))
}

/// So many trials: of each pair in turn, but spread so that any number of them is a fair sample. Of a few runs each, those that were
/// finished are counted, too.
fn trials(pairs: &[Pair], count: usize, runs: u64, mends: bool) -> BTreeMap<Trial, usize> {
    let (mut counts, mut finished) = (BTreeMap::new(), 0);
    // A step that has no divisor in common with the number of pairs meets them all.
    let step = (pairs.len() * 382 / 1000..).find(|step| gcd(*step, pairs.len()) == 1).expect("the next prime is one");
    let rounds = (0..100).flat_map(|round| (0..pairs.len()).map(move |place| (round * 10, &pairs[place * step % pairs.len()])));
    for (told, (came, is_finished)) in rounds.filter_map(|(start, pair)| trial(pair, start, runs, mends)).take(count).enumerate() {
        *counts.entry(came).or_default() += 1;
        finished += usize::from(is_finished);
        if told % 25 == 24 || told + 1 == count {
            println!("{} trials, up to {runs} runs each, {finished} finished: {counts:?}", told + 1);
        }
    }
    counts
}

const fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn ten_do_not_slip() {
    let few: Vec<Pair> = pairs().into_iter().filter(|(_, one, _)| one.starts_with("commit/")).step_by(23).collect();
    let counts = trials(&few, 10, 120, true);
    assert_eq!((counts.values().sum::<usize>(), counts.get(&Trial::Slipped)), (10, None));
}

#[test]
#[ignore = "an hour: cargo test --release --test runs slippage:: -- --ignored --nocapture"]
fn five_hundred_do_not_slip() {
    let counts = trials(&pairs(), 500, RUNS, true);
    assert_eq!((counts.values().sum::<usize>(), counts.get(&Trial::Slipped)), (500, None));
}

#[test]
#[ignore = "an hour: cargo test --release --test runs slippage:: -- --ignored --nocapture"]
fn of_bugs_that_nobody_knows_few_slip() {
    let counts = trials(&pairs(), 500, RUNS, false);
    let slipped = counts.get(&Trial::Slipped).copied().unwrap_or(0);
    assert_eq!(counts.values().sum::<usize>(), 500);
    assert!(slipped < 100, "{slipped} of 500 slipped");
}

/// How many runs a trial may take, of those that take thousands of seeds.
const RUNS: u64 = 1_500;
