//! The smallest failing runs, found by hand: each shows its planted bug, holds without it, and is as docs/smallest-by-hand.md counts it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use stormglass::check::Verdict;
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::Registry;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of them, by the names of their mutants.
pub(crate) fn all() -> BTreeMap<String, Scenario> {
    by_mutant("scenarios/smallest")
}

/// The scenarios in the folders of this one, by the names of their mutants.
pub(crate) fn by_mutant(folder: &str) -> BTreeMap<String, Scenario> {
    let inside = |folder: PathBuf| fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = inside(root().join(folder)).flat_map(inside);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a file of text");
        let scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
        (scenario.mutants.concat(), scenario)
    };
    files.map(read).collect()
}

#[test]
fn each_shows_its_bug_and_holds_without_it() {
    for (mutant, scenario) in all() {
        let Expected::Violates(property) = scenario.expected else { panic!("{mutant}: it is meant to show a violation") };
        let seed = scenario.seed.expect("it names a seed");
        let outcome = scenario.run(seed);
        assert!(outcome.violates(property), "{mutant}: {property} is not violated");
        let sound = scenario.without_mutants();
        let outcome = sound.run(seed);
        assert_eq!(outcome.verdict(), Verdict::Holds, "{mutant}: {}", sound.describe_failure(&outcome));
    }
}

/// The rows of the table: mutant, property, faults, operations, fates, nodes, sum.
fn table() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/smallest-by-hand.md")).expect("the page is there");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('|').skip(1).take(7).map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

#[test]
fn the_table_says_what_the_files_say() {
    let mut told = Vec::new();
    for (mutant, scenario) in all() {
        let Expected::Violates(property) = scenario.expected else { panic!("{mutant}: it is meant to show a violation") };
        let (faults, fates) = (scenario.conditions.faults.steps().len(), scenario.conditions.fates.len());
        let nodes = scenario.roster().population.servers;
        let operations = table().iter().find(|row| row[0] == mutant).and_then(|row| row[3].parse().ok());
        let operations: usize = operations.unwrap_or_else(|| panic!("{mutant} is not in the table"));
        let counts = [faults, operations, fates, nodes as usize, faults + operations + fates].map(|count| count.to_string());
        told.push([vec![mutant, property.to_owned()], counts.to_vec()].concat());
    }
    assert_eq!(table(), told);
}
