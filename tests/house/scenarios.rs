//! The scenarios: each says what it shows, and each mutant has one of its name; the smallest of some were found by hand.

use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::scenario::Scenario;
use stormglass::systems::Registry;

use crate::rust::code_of;
use crate::{File, demand_none, files};

#[test]
fn every_scenario_says_what_it_shows() {
    demand_none(&files(&["scenarios"], ".ron").iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn nothing_is_advised_about_a_scenario() {
    let registry = Registry::standard();
    let advice = |scenario: File| {
        let (source, problems) = (Source::new(scenario.path, scenario.text), Diagnostics::new());
        let _ = Scenario::parse(&source, &registry, &problems);
        let told = problems.render(&source, false);
        (!told.is_empty()).then_some(told)
    };
    demand_none(&files(&["scenarios"], ".ron").into_iter().filter_map(advice).collect::<Vec<_>>());
}

#[test]
fn every_mutant_has_a_scenario() {
    let scenarios: Vec<String> = files(&["scenarios"], ".ron").into_iter().map(|scenario| scenario.path).collect();
    let tables = files(&["src/protocols"], "/mutants.rs");
    let mutants = tables.iter().flat_map(mutants_in);
    let missing = mutants.filter(|mutant| !scenarios.contains(&scenario_of(mutant)));
    demand_none(&missing.map(|mutant| format!("the mutant `{mutant}` needs {}", scenario_of(&mutant))).collect::<Vec<_>>());
}

/// `raft/forgets-vote` is shown by `scenarios/raft/bugs/forgets-vote.ron`.
fn scenario_of(mutant: &str) -> String {
    let (protocol, name) = mutant.split_once('/').unwrap_or(("", mutant));
    format!("scenarios/{protocol}/bugs/{name}.ron")
}

/// Where the smallest failing runs lie that were found by hand: docs/smallest-by-hand.md.
const SMALLEST: &str = "scenarios/smallest/";

/// The smallest run that shows `raft/forgets-vote` is `scenarios/smallest/raft/forgets-vote.ron`.
fn smallest_of(mutant: &str) -> String {
    format!("{SMALLEST}{mutant}.ron")
}

fn complaints(scenario: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    let says = scenario.text.strip_prefix("//").and_then(|text| text.lines().next()).is_some_and(|line| !line.trim().is_empty());
    if !says {
        complaints.push(scenario.complaint(1, "begin with a `//` comment that says what the scenario shows"));
    }
    let mutant = mutant_of(scenario);
    let is_bug = scenario.path.contains("/bugs/");
    let is_smallest = scenario.path.starts_with(SMALLEST);
    match &mutant {
        Some(mutant) if is_smallest && smallest_of(mutant) != scenario.path => {
            complaints.push(scenario.complaint(1, format_args!("the smallest run of the mutant `{mutant}` is {}", smallest_of(mutant))));
        }
        Some(mutant) if is_bug && scenario_of(mutant) != scenario.path => {
            complaints.push(scenario.complaint(1, format_args!("the scenario of the mutant `{mutant}` is {}", scenario_of(mutant))));
        }
        None if is_bug || is_smallest => complaints.push(scenario.complaint(1, "a scenario among the bugs names its mutant")),
        Some(mutant) if !is_bug && !is_smallest => {
            complaints.push(scenario.complaint(1, format_args!("a scenario with a mutant lies among the bugs: {}", scenario_of(mutant))));
        }
        _ => {}
    }
    complaints
}

/// What the field `mutant` says. Comments and strings of a scenario are those of Rust.
fn mutant_of(scenario: &File) -> Option<String> {
    let code = code_of(&scenario.text);
    let name = code.match_indices("mutant").find_map(|(place, word)| {
        let value = place + word.len() + code[place + word.len()..].find('"')? + 1;
        code[place + word.len()..value].trim_start().starts_with(':').then_some(value)
    })?;
    // Code keeps the number of characters but not that of bytes.
    let start = code[..name].chars().count();
    Some(scenario.text.chars().skip(start).take_while(|character| *character != '"').collect())
}

/// The names that a protocol's table of mutants gives.
fn mutants_in(table: &File) -> Vec<String> {
    let names = table.text.lines().filter_map(|line| line.trim_start().strip_prefix("name: \"")?.split('"').next());
    names.filter(|name| name.contains('/')).map(str::to_owned).collect()
}

#[test]
fn planted_faults_are_found() {
    for (path, text) in [
        ("scenarios/raft/quiet.ron", "Scenario(name: \"quiet\")"),
        ("scenarios/raft/quiet.ron", "//\nScenario(name: \"quiet\")"),
        ("scenarios/raft/bugs/forgets-vote.ron", "// Shows it.\nScenario(mutant: \"raft/commits-old-term\")"),
        ("scenarios/raft/bugs/forgets-vote.ron", "// The mutant: \"raft/forgets-vote\".\nScenario()"),
        ("scenarios/raft/forgets-vote.ron", "// Shows it.\nScenario(mutant: \"raft/forgets-vote\")"),
        ("scenarios/smallest/raft/forgets-vote.ron", "// Shows it.\nScenario(mutant: \"raft/commits-old-term\")"),
        ("scenarios/smallest/raft/forgets-vote.ron", "// Shows it.\nScenario()"),
    ] {
        assert_eq!(complaints(&File::planted(path, text)).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("scenarios/raft/quiet.ron", "// Nothing happens.\nScenario(name: \"the mutant is out\")"),
        ("scenarios/smallest/raft/forgets-vote.ron", "// Shows it.\nScenario(mutant: \"raft/forgets-vote\")"),
        ("scenarios/raft/bugs/forgets-vote.ron", "// Zwölf… shows it.\nScenario(name: \"é\", mutant: \"raft/forgets-vote\")"),
    ] {
        assert_eq!(complaints(&File::planted(path, text)), Vec::<String>::new(), "{path}: {text}");
    }
    let table = File::planted("src/protocols/raft/mutants.rs", "    Mutant {\n        name: \"raft/forgets-vote\",\n");
    assert_eq!(mutants_in(&table), ["raft/forgets-vote"]);
}
