//! What every family of scenarios is tried with: that what should hold holds, and that each planted bug is caught by the property that is
//! named for it.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use stormglass::check::Verdict;
use stormglass::explore::{Summary, Sweep, Until};
use stormglass::process::Mutant;
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;
use stormglass::world::Outcome;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The file of a scenario, such as `lock/storm.ron`.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn read(text: &str) -> Scenario {
    Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn scenario(name: &str) -> Scenario {
    read(&text(name))
}

/// Sweeps on two threads, and shows each outcome.
pub(crate) fn sweep(scenario: &Scenario, seeds: u64, see: &(dyn Fn(&Outcome) + Sync)) -> Summary {
    let run = |seed| {
        let outcome = scenario.run(seed);
        see(&outcome);
        outcome
    };
    let sweep = Sweep { start: 0, seeds, jobs: 2, until: Until::Done, cancel: &AtomicBool::new(false) };
    sweep.run(&run, &mut |_| ControlFlow::Continue(())).expect("threads can be had")
}

/// All of these seeds hold.
pub(crate) fn all_hold(scenario: &Scenario, seeds: u64) -> Summary {
    sweep(scenario, seeds, &|outcome| {
        assert_eq!(outcome.verdict(), Verdict::Holds, "{}: {}", scenario.name, scenario.describe_failure(outcome));
    })
}

/// All of these seeds hold, and every mark is seen that is expected.
pub(crate) fn all_hold_and_see(name: &str, seeds: u64) {
    let scenario = scenario(name);
    assert_eq!(scenario.expected, Expected::Holds, "{name}");
    let summary = all_hold(&scenario, seeds);
    let unseen = summary.never_seen(&scenario.expect);
    assert!(unseen.is_empty(), "{name}: {unseen:?} not seen in {seeds} seeds");
}

pub(crate) fn violates(scenario: &Scenario, property: &str, seed: u64) -> bool {
    scenario.run(seed).violates(property)
}

/// Each planted bug is caught within so many seeds by the property that is named for it: `lock/wakes-the-herd` in
/// `lock/bugs/wakes-the-herd.ron`. Without it so many seeds hold.
pub(crate) fn each_mutant<R: 'static>(mutants: impl IntoIterator<Item = &'static Mutant<R>>, seeds: u64, sound_seeds: u64) {
    for mutant in mutants {
        let property = mutant.property.expect("a mutant is caught by a property");
        let planted = planted(mutant);
        assert_eq!((&planted.mutants[..], planted.expected), (&[mutant.name][..], Expected::Violates(property)), "{}", mutant.name);
        assert!((0..seeds).any(|seed| violates(&planted, property, seed)), "{} violates {property} within {seeds} seeds", mutant.name);
        all_hold(&planted.without_mutants(), sound_seeds);
    }
}

/// The scenario that shows a mutant.
pub(crate) fn planted<R>(mutant: &Mutant<R>) -> Scenario {
    let (protocol, name) = mutant.name.split_once('/').expect("a name of two parts");
    scenario(&format!("{protocol}/bugs/{name}.ron"))
}

/// The scenarios in a folder, without those under `bugs` and these.
pub(crate) fn others(family: &str, but: &[&str]) -> Vec<String> {
    let files = fs::read_dir(folder().join(family)).expect("the folder is there").map(|file| file.expect("a file").file_name());
    let mut names: Vec<String> = files.map(|name| format!("{family}/{}", name.to_string_lossy())).collect();
    names.retain(|name| name.ends_with(".ron") && !but.contains(&name.as_str()));
    names.sort();
    names
}
