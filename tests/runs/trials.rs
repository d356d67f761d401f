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

/// A scenario with this variant planted.
pub(crate) fn with_variant(name: &str, variant: &'static str) -> Scenario {
    let mut scenario = scenario(name);
    scenario.mutants = vec![variant];
    scenario
}

/// In which runs that goes wrong which a scenario says goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shows {
    /// In each.
    Always,
    /// In one of the first twenty at least, as not each crash strikes where it matters.
    Sometimes,
}

/// What a file says of itself is so: of a pair, one holds in so many seeds, and the other shows what is lost without the practice.
pub(crate) fn is_as_meant(name: &str, seeds: u64, shows: Shows) {
    let scenario = scenario(name);
    let Expected::Violates(property) = scenario.expected else { return drop(all_hold(&scenario, seeds)) };
    let is_shown = match shows {
        Shows::Always => (0..seeds).all(|seed| violates(&scenario, property, seed)),
        Shows::Sometimes => (0..20).any(|seed| violates(&scenario, property, seed)),
    };
    assert!(is_shown, "{name} violates {property}");
}

/// The scenarios of a system in a folder of their own, and what is planted in them.
pub(crate) struct Family<R: 'static> {
    pub(crate) folder: &'static str,
    /// Storms. The first one of them in which a decoy makes a difference is the one that the usual tests try it with.
    pub(crate) storms: &'static [&'static str],
    pub(crate) mutants: &'static [Mutant<R>],
    pub(crate) decoys: &'static [Mutant<R>],
    pub(crate) shows: Shows,
}

impl<R> Family<R> {
    /// All but storms and planted bugs are as they say.
    pub(crate) fn is_as_meant(&self, seeds: u64) {
        others(self.folder, self.storms).iter().for_each(|name| is_as_meant(name, seeds, self.shows));
    }

    pub(crate) fn storms_hold(&self, seeds: u64) {
        self.storms.iter().for_each(|name| drop(all_hold(&scenario(name), seeds)));
    }

    /// Storms hold in a thousand seeds, and every mark is seen that they expect.
    pub(crate) fn a_thousand_storms_hold(&self) {
        self.storms.iter().for_each(|name| all_hold_and_see(name, 1_000));
    }

    /// Each planted bug is caught, and nothing without it; there are so many of them, and so many decoys, at least.
    pub(crate) fn each_mutant_is_caught(&self, mutants: usize, decoys: usize) {
        assert!(self.mutants.len() >= mutants && self.decoys.len() >= decoys);
        each_mutant(self.mutants, 200, 1);
    }

    /// What is odd and right raises no alarm, and is odd indeed: some run is another.
    pub(crate) fn decoys_are_left_alone(&self) {
        for decoy in self.decoys {
            let is_odd = self.storms.iter().any(|storm| {
                let (plain, odd) = (scenario(storm), with_variant(storm, decoy.name));
                all_hold(&odd, 1);
                (0..20).any(|seed| plain.run(seed).digest != odd.run(seed).digest)
            });
            assert!(is_odd, "{} is never odd", decoy.name);
        }
    }

    /// All of it in many seeds: what scenarios say, what they say without the bug that is planted, and decoys in all storms.
    pub(crate) fn is_sound_in(&self, seeds: u64) {
        self.is_as_meant(seeds);
        self.mutants.iter().for_each(|mutant| drop(all_hold(&planted(mutant).without_mutants(), seeds)));
        for decoy in self.decoys {
            self.storms.iter().for_each(|storm| drop(all_hold(&with_variant(storm, decoy.name), seeds)));
        }
    }
}
