//! The story of what shrinking leaves of every mutant's failure: short, and with the bug in it. docs/stories.md has the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::AtomicBool;

use stormglass::explore::causes::Causes;
use stormglass::explore::shrink::Shrink;
use stormglass::explore::story::{Story, StoryStep, What};
use stormglass::report::{StoryReport, shrunk_ron};
use stormglass::scenario::{Expected, Scenario};
use stormglass::systems::{Registry, Watch};
use stormglass::trace::{OwnedRecord, Recording};

use crate::smallest::{all, by_mutant, root};

/// Where that lies which shrinking left of the failure of each mutant, as far as it came to an end soon.
const SHRUNK: &str = "tests/runs/shrunk";
/// How many runs that may take.
const RUNS: u64 = 100_000;

/// What shrinking left of each, or else the smallest that was found by hand.
fn small() -> BTreeMap<String, (&'static str, Scenario)> {
    let by_hand = all().into_iter().map(|(mutant, scenario)| (mutant, ("hand", scenario)));
    by_hand.chain(by_mutant(SHRUNK).into_iter().map(|(mutant, scenario)| (mutant, ("shrink", scenario)))).collect()
}

/// Shrinks the first failure of the scenario of each mutant that has a file anew. With ONLY=bus/ it does so for all mutants whose names
/// begin so. With UPDATE_EXPECT=1 it writes what is left, and takes away the files of those that do not come to an end any more, or whose
/// story does not tell of the bug.
#[test]
#[ignore = "twenty minutes of CPU: cargo test --release --test runs what_shrinking_leaves -- --ignored"]
fn what_shrinking_leaves_is_what_the_files_have() {
    let (registry, never) = (Registry::standard(), AtomicBool::new(false));
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
    let shrink = Shrink { registry: &registry, jobs: 1, runs: RUNS, cancel: &never, mends: true, run: &run };
    let only = std::env::var_os("ONLY").map(|only| only.to_string_lossy().into_owned()).unwrap_or_default();
    let updates = std::env::var_os("UPDATE_EXPECT").is_some();
    let mutants = registry.systems().flat_map(|system| system.mutants()).filter(|mutant| !mutant.is_decoy());
    let mut differ = Vec::new();
    for mutant in mutants.map(|mutant| mutant.name).filter(|name| name.starts_with(&only)).collect::<BTreeSet<_>>() {
        let (protocol, name) = mutant.split_once('/').expect("a protocol and a name");
        let file = root().join(SHRUNK).join(protocol).join(format!("{name}.ron"));
        if only.is_empty() && !file.exists() {
            continue;
        }
        let bug = fs::read_to_string(root().join(format!("scenarios/{protocol}/bugs/{name}.ron"))).expect("each has a scenario");
        let scenario = Scenario::from_ron(&bug, &registry).unwrap_or_else(|problems| panic!("{problems}"));
        let Expected::Violates(property) = scenario.expected else { panic!("{mutant}: it is meant to show a violation") };
        let seed = (0..1_000).find(|seed| scenario.run(*seed).violates(property)).expect("one of the first shows it");
        let shrunk = shrink.shrink(&scenario, seed, &mut |_| {}).expect("it fails");
        // What is left may have no story that tells of the bug: then it has no file.
        let text = shrunk.finished.then(|| shrunk_ron(&shrunk)).filter(|text| {
            let read = Scenario::from_ron(text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
            row(mutant, "shrink", &read).is_ok()
        });
        let known = fs::read_to_string(&file).ok();
        match text {
            text if text == known => {}
            text if !updates => {
                let what = |text: &Option<String>| if text.is_some() { "a file" } else { "no file" };
                differ.push(format!("{mutant}: there is {}, and shrinking gives {}", what(&known), what(&text)));
            }
            Some(text) => {
                fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
                fs::write(file, text).expect("it can be written");
            }
            None => fs::remove_file(file).expect("it can be removed"),
        }
    }
    assert!(differ.is_empty(), "UPDATE_EXPECT=1 writes these anew:\n{}", differ.join("\n"));
}

/// The story of the violation that the scenario means to show; nothing if no record is named that it could end with.
fn story(mutant: &str, scenario: &Scenario) -> Option<(Story, Recording, String)> {
    let (Expected::Violates(property), Some(seed)) = (scenario.expected, scenario.seed) else {
        panic!("{mutant} means to show a violation")
    };
    let (outcome, recording) = scenario.run_recorded(seed);
    let story = Story::of(&outcome, Some(property), &recording, &Causes::of(&recording))?;
    assert_eq!(story.property, property, "{mutant}");
    let violated = outcome.properties.iter().find(|report| report.name == property).expect("it is reported");
    let report = StoryReport { story, recording, full: false, width: StoryReport::WIDTH };
    let last = report.lines(violated).pop().expect("it has an end").clauses.join(": ");
    Some((report.story, report.recording, last))
}

/// The first record that is not as it is without the planted bug: where that shows.
fn first_difference(planted: &Recording, scenario: &Scenario) -> Option<OwnedRecord> {
    let (_, sound) = scenario.clone().without_mutants().run_recorded(scenario.seed?);
    let differs = |(one, other): &(&OwnedRecord, &OwnedRecord)| one.digest != other.digest;
    let pairs = planted.records().iter().zip(sound.records());
    // Where one run has no more records, the other goes on.
    pairs.clone().find(differs).map(|(one, _)| one.clone()).or_else(|| planted.records().get(sound.records().len()).cloned())
}

/// Whether the step has the record, or the node's step in which it was.
fn has(step: &StoryStep, record: &OwnedRecord) -> bool {
    !matches!(step.what, What::Violated) && step.records.iter().any(|number| *number == record.number || record.cause == Some(*number))
}

/// The row of a mutant: how long the story is, where the bug shows first, and what the story ends with. Why it has none, if its story does
/// not tell of the bug.
fn row(mutant: &str, by: &str, scenario: &Scenario) -> Result<String, String> {
    let (story, recording, end) = story(mutant, scenario).ok_or_else(|| format!("{mutant}: it has no story"))?;
    assert!(story.steps.len() <= Story::STEPS_MAX, "{mutant}: {} steps", story.steps.len());
    assert!(story.steps.iter().map(|step| step.at).is_sorted(), "{mutant}: not in the order of time");
    let first = first_difference(&recording, scenario).ok_or_else(|| format!("{mutant} changes nothing"))?;
    let shows = story.steps.iter().position(|step| has(step, &first)).map(|place| format!("step {}", place + 1));
    let named = story.steps.iter().position(|step| step.named && !matches!(step.what, What::Violated));
    let where_named = named.map(|place| format!("named in step {}", place + 1));
    let shows = shows.or(where_named).ok_or_else(|| format!("{mutant}: its story does not tell of it"))?;
    let words = first.line(80).to_string().replace('|', "\\|");
    let end = end.trim_start_matches("✗ ").replace(" is violated: ", ": ").replace('|', "\\|");
    Ok(format!(
        "| `{mutant}` | {by} | {} | `{}` | {shows} | {end} |",
        story.steps.len(),
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    ))
}

/// A row for each mutant that has a file.
fn rows() -> Vec<String> {
    let row =
        |(mutant, (by, scenario)): (String, (&str, Scenario))| row(&mutant, by, &scenario).unwrap_or_else(|problem| panic!("{problem}"));
    small().into_iter().map(row).collect()
}

/// A step may end in a word that is longer than its line; nothing else passes the end of the line, and without colour there is none.
#[test]
fn stories_fit_their_lines() {
    for (mutant, (_, scenario)) in small().into_iter().step_by(4) {
        let (Expected::Violates(property), Some(seed)) = (scenario.expected, scenario.seed) else {
            panic!("{mutant} means to show a violation")
        };
        let (outcome, recording) = scenario.run_recorded(seed);
        let story = Story::of(&outcome, Some(property), &recording, &Causes::of(&recording)).expect("it is violated");
        let violated = outcome.properties.iter().find(|report| report.name == property).expect("it is reported");
        let mut report = StoryReport { story, recording, full: true, width: 0 };
        for width in [80, 120] {
            report.width = width;
            let text = report.text(violated, false);
            for line in text.lines() {
                let words = line.split_whitespace().count();
                assert!(line.chars().count() <= width || words == 1, "{mutant}, {width} columns: {line}");
            }
            assert!(!text.contains('\u{1b}') && report.text(violated, true).contains('\u{1b}'));
            assert!(text.contains('═') || report.story.nodes().len() == 1, "{mutant}: {text}");
            assert!(text.lines().last().is_some_and(|line| line.contains(property)), "{mutant}: {text}");
        }
    }
}

#[test]
fn every_story_is_short_and_has_the_bug_in_it() {
    let path = root().join("docs/stories.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (told, rows): (Vec<&str>, Vec<String>) = (page.lines().filter(|line| line.starts_with("| `")).collect(), rows());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let rest = page.lines().filter(|line| !line.starts_with("| `"));
        let fresh = rest.flat_map(|line| {
            let more = if line.starts_with("| ---") { rows.clone() } else { Vec::new() };
            [line.to_owned()].into_iter().chain(more)
        });
        fs::write(&path, fresh.collect::<Vec<_>>().join("\n") + "\n").expect("the page can be written");
        return;
    }
    assert_eq!(told, rows, "docs/stories.md: UPDATE_EXPECT=1 writes it anew");
}
