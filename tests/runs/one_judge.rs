//! There is one judge: what a run says of what its clients saw, `check` says of the history that the run wrote.
//!
//! A sample of seeds; more are judged by `cargo test --release --test runs one_judge -- --ignored`.

use std::fs;
use std::path::{Path, PathBuf};

use stormglass::base::Duration;
use stormglass::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use stormglass::check::{CheckError, CheckOptions, Explanation, Verdict, run_check};
use stormglass::history::formats::{self, Format};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};

/// All scenario files below this folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.into_iter().flat_map(inside).filter(|file| file.extension().is_some_and(|ending| ending == "ron")).collect()
}

/// Judges these seeds of each scenario twice, and counts how many of them hold, are violated, and are unknown.
fn judged_twice(seeds: std::ops::Range<u64>, longest: Duration) -> [usize; 3] {
    let mut counts = [0; 3];
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")) {
        let text = fs::read_to_string(&file).expect("a scenario");
        let mut scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
        scenario.conditions.duration = scenario.conditions.duration.min(longest);
        let Some(model) = scenario.spelled() else { continue };
        for seed in seeds.clone() {
            let mut entries = Vec::new();
            let outcome = scenario.run_watched(seed, Watch { history: Some(&mut entries), ..Watch::default() });
            let mut written = Vec::new();
            formats::write(entries, Format::Json, &mut written).expect("a history can be written");
            let (property, verdict) = match TransactionModel::named(model) {
                Some(model) => {
                    let found = check_text(&written[..], &FileOptions::new(model)).expect("a history");
                    ("isolation", found.verdict)
                }
                None => match run_check(&written[..], model, &CheckOptions::default()) {
                    Ok(found) => ("linearizability", found.verdict),
                    // What has only a total to keep, no model of files judges.
                    Err(CheckError::UnknownModel(_)) => continue,
                    Err(error) => panic!("{} {seed}: {error}", file.display()),
                },
            };
            let report = outcome.properties.iter().find(|report| report.name == property);
            let report = report.unwrap_or_else(|| panic!("{} {seed}: no {property}", file.display()));
            assert_eq!(report.verdict, verdict, "{} {seed}: {:?}", file.display(), report.explanation);
            counts[[Verdict::Holds, Verdict::Violated, Verdict::Unknown].iter().position(|known| *known == verdict).expect("one")] += 1;
        }
    }
    counts
}

#[test]
fn a_run_and_a_check_of_its_history_agree() {
    let [holds, violated, unknown] = judged_twice(1..3, Duration::from_secs(3));
    println!("{holds} hold, {violated} are violated, {unknown} are unknown");
    assert!(holds > 20 && violated > 0, "{holds} hold, {violated} are violated");
}

#[test]
#[ignore = "takes minutes"]
fn many_runs_and_checks_of_their_histories_agree() {
    println!("{:?} hold, are violated, are unknown", judged_twice(1..100, Duration::from_secs(20)));
}

/// Where no operation takes effect, nothing was judged.
#[test]
fn what_nobody_saw_is_unknown() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/raft/partition-halves.ron");
    let text = fs::read_to_string(&file).expect("a scenario");
    let mut scenario = Scenario::from_ron(&text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let verdict = |scenario: &Scenario| {
        let report = scenario.run(1).properties.into_iter().find(|report| report.name == "linearizability").expect("it is judged");
        (report.verdict, report.explanation)
    };
    assert_eq!(verdict(&scenario).0, Verdict::Holds);
    // No leader is elected in so short a time.
    (scenario.conditions.duration, scenario.conditions.settle) = (Duration::from_millis(20), Duration::ZERO);
    let (unknown, why) = verdict(&scenario);
    let Some(Explanation::Rule(why)) = why else { panic!("{unknown}: {why:?}") };
    assert_eq!((unknown, why.rule.id), (Verdict::Unknown, "nothing-judged"));
}
