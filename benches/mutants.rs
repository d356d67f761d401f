//! How many seeds it takes to find each planted bug, and whether any decoy raises an alarm. `cargo bench --bench mutants [WORD…]`, where
//! words pick those whose name or file has one of them.
//!
//! Every mutant is hunted with its own scenario, which is a file under a folder `bugs`, from several starts: seeds are run one after the
//! other until the property that is named for the mutant is violated. So it is in every storm of the same system: `storm.ron` and all that
//! have the word in their name in the folder above `bugs`. Every decoy runs with all scenarios of its system that hold. Prints the
//! tables that are in docs/mutants.md; ends with exit code 1 if a mutant was not found or a decoy raised an alarm.

#![allow(missing_docs, reason = "nobody calls a benchmark")]
#![allow(clippy::disallowed_methods, reason = "it reads its arguments and the folder of scenarios")]

mod support {
    pub(crate) mod files;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stormglass::check::Verdict;
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Population, Registry};
use stormglass::world::Outcome;
use support::files::find;

/// From how many starts a mutant is hunted, and how far they are apart: also how many seeds a hunt may take.
const STARTS: u64 = 9;
const APART: u64 = 1_000;
/// How many seeds of a storm a hunt may take.
const STORM_SEEDS: u64 = 200;
/// How many seeds each decoy runs with each scenario.
const SEEDS: u64 = 100;
/// Scenarios with more nodes than this are too large to be run so often.
const NODES_MOST: u32 = 1000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let registry = Registry::standard();
    let mut files = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut files);
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let (bugs, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
        files.iter().partition(|file| file.parent().is_some_and(|parent| parent.ends_with("bugs")));
    let bugs: Vec<&PathBuf> = bugs.into_iter().filter(|file| wanted(&file.to_string_lossy())).collect();
    println!("| mutant | caught by | median seeds | most of {STARTS} starts | |\n| --- | --- | ---: | ---: | --- |");
    let hunted = bugs.iter().map(|file| hunt(file, &registry)).filter(|found| !found).count();
    let unhunted = without_scenario(&files, &registry);
    for mutant in &unhunted {
        println!("no scenario hunts {mutant}");
    }
    println!("\n| mutant | caught by | in the storm | median seeds | most of {STARTS} starts |\n| --- | --- | --- | ---: | ---: |");
    bugs.iter().for_each(|file| hunt_in_storms(file, &others, &registry));
    let alarms = decoys(&others, &registry, &wanted);
    if hunted + unhunted.len() + alarms == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(file: &Path, registry: &Registry) -> Scenario {
    let text = fs::read_to_string(file).expect("the file is there");
    Scenario::from_ron(&text, registry).unwrap_or_else(|problems| panic!("{}: {problems}", file.display()))
}

/// Prints the row of one mutant; returns whether it was found from every start.
fn hunt(file: &Path, registry: &Registry) -> bool {
    let scenario = read(file, registry);
    let ([mutant], Expected::Violates(property)) = (&scenario.mutants[..], scenario.expected) else {
        println!("{} plants no bug that a property is named for", file.display());
        return false;
    };
    let hunts: Vec<Option<(u64, u64)>> = (0..STARTS).map(|start| seeds_until(&scenario, property, start * APART, APART)).collect();
    let mut seeds: Vec<u64> = hunts.iter().map(|hunt| hunt.map_or(APART, |(seeds, _)| seeds)).collect();
    seeds.sort_unstable();
    let missed = hunts.iter().filter(|hunt| hunt.is_none()).count();
    let earlier = hunts.iter().flatten().map(|(_, earlier)| earlier).sum::<u64>();
    let (median, worst) = (seeds[seeds.len() / 2], seeds[seeds.len() - 1]);
    let note = match (missed, earlier) {
        (0, 0) => String::new(),
        (0, earlier) => format!("seeds in which only others were violated: {earlier}"),
        (missed, _) => format!("not found from {missed} of {STARTS} starts"),
    };
    println!("| `{mutant}` | {property} | {median} | {worst} | {note} |");
    missed == 0
}

/// Prints in which of the storms beside the folder of bugs a mutant is found first, and how many seeds that takes; or in which of them it
/// is not. Only those count that are of the mutant's system.
fn hunt_in_storms(file: &Path, others: &[&PathBuf], registry: &Registry) {
    let scenario = read(file, registry);
    let ([mutant], Expected::Violates(property)) = (&scenario.mutants[..], scenario.expected) else { return };
    let folder = file.parent().and_then(Path::parent);
    let is_storm = |file: &Path| file.parent() == folder && file.file_stem().is_some_and(|stem| stem.to_string_lossy().contains("storm"));
    let storms = others.iter().filter(|file| is_storm(file)).map(|file| (file, read(file, registry)));
    let storms: Vec<_> = storms.filter(|(_, storm)| storm.system() == scenario.system() && storm.expected == Expected::Holds).collect();
    let hunts = storms.iter().map(|(file, storm)| (hunt_in_storm(&planted(storm, mutant), property), name(file)));
    let Some(((median, most), storm)) = hunts.min() else { return };
    let told = |seeds: u64| if seeds > STORM_SEEDS { format!("over {STORM_SEEDS}") } else { seeds.to_string() };
    let storm = if median > STORM_SEEDS { format!("{} storms", storms.len()) } else { format!("`{storm}`") };
    println!("| `{mutant}` | {property} | {storm} | {} | {} |", told(median), told(most));
}

/// How many seeds of a storm it takes: the median of all starts, and the most; one more than a hunt may take if it was not found.
fn hunt_in_storm(storm: &Scenario, property: &str) -> (u64, u64) {
    const MISSED: u64 = STORM_SEEDS + 1;
    let mut seeds = Vec::new();
    for start in 0..STARTS {
        seeds.push(seeds_until(storm, property, start * APART, STORM_SEEDS).map_or(MISSED, |(seeds, _)| seeds));
        // The median is known where most have missed.
        if seeds.iter().filter(|seeds| **seeds == MISSED).count() as u64 > STARTS / 2 {
            return (MISSED, MISSED);
        }
    }
    seeds.sort_unstable();
    (seeds[seeds.len() / 2], seeds[seeds.len() - 1])
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// How many seeds it takes from this one until the property is violated, of so many at most, and in how many of them only others were.
fn seeds_until(scenario: &Scenario, property: &str, start: u64, most: u64) -> Option<(u64, u64)> {
    let mut earlier = 0;
    for seed in start..start + most {
        let outcome = scenario.run(seed);
        if outcome.properties.iter().any(|found| found.name == property && found.verdict == Verdict::Violated) {
            return Some((seed - start + 1, earlier));
        }
        earlier += u64::from(outcome.verdict() == Verdict::Violated);
    }
    None
}

/// The mutants that no file hunts.
fn without_scenario(files: &[PathBuf], registry: &Registry) -> Vec<&'static str> {
    let hunted: BTreeSet<&str> = files.iter().flat_map(|file| read(file, registry).mutants).collect();
    let all = registry.systems().flat_map(|system| system.mutants()).filter(|mutant| !mutant.is_decoy());
    all.map(|mutant| mutant.name).filter(|name| !hunted.contains(name)).collect()
}

/// Runs each decoy with the scenarios of its system; returns how many raised an alarm.
fn decoys(files: &[&PathBuf], registry: &Registry, wanted: &dyn Fn(&str) -> bool) -> usize {
    println!("\n| decoy | | scenarios | seeds | |\n| --- | --- | --- | --- | --- |");
    let mut alarms = 0;
    for system in registry.systems() {
        let scenarios = files.iter().map(|file| read(file, registry));
        let fits = |scenario: &Scenario| {
            let Population { servers, clients } = scenario.roster().population;
            scenario.system() == system.name() && scenario.expected == Expected::Holds && servers + clients <= NODES_MOST
        };
        let scenarios: Vec<Scenario> = scenarios.filter(fits).collect();
        for decoy in system.mutants().iter().filter(|mutant| mutant.is_decoy() && wanted(mutant.name)) {
            let odd = scenarios.iter().map(|scenario| planted(scenario, decoy.name));
            let raised: Vec<String> =
                odd.flat_map(|scenario| (0..SEEDS).filter_map(move |seed| alarm(&scenario, &scenario.run(seed)))).collect();
            let told = raised.first().map_or_else(|| "no alarm".to_owned(), Clone::clone);
            println!("| `{}` | decoy | {} scenarios | {SEEDS} seeds each | {told} |", decoy.name, scenarios.len());
            alarms += usize::from(!raised.is_empty());
        }
    }
    alarms
}

fn planted(scenario: &Scenario, name: &'static str) -> Scenario {
    let mut planted = scenario.clone();
    planted.mutants = vec![name];
    planted
}

fn alarm(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    let raised = outcome.properties.iter().find(|property| property.verdict != Verdict::Holds)?;
    Some(format!("{} {} at seed {} of \"{}\"", raised.name, raised.verdict, outcome.seed, scenario.name))
}
