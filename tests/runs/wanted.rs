//! A judge says which records it wants: those that it does not get, where nothing else wants them, change nothing of what it reports.

use std::fs;
use std::path::{Path, PathBuf};

use stormglass::base::Duration;
use stormglass::diagnostic::{Diagnostics, Source};
use stormglass::scenario::Scenario;
use stormglass::systems::{Registry, Watch};
use stormglass::trace::{Sink, UntypedRecord};

/// It is shown every record: where it watches, judges are, too.
struct All;

impl Sink for All {
    fn record(&mut self, _: &UntypedRecord<'_>) {}
}

fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()) {
        if entry.is_dir() {
            scenarios(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "ron") {
            found.push(entry);
        }
    }
}

#[test]
fn judges_report_the_same_whatever_else_they_are_shown() {
    let (registry, mut files) = (Registry::standard(), Vec::new());
    scenarios(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut files);
    files.sort();
    assert!(files.len() > 200);
    let mut violated = 0;
    // A run whose records are shown is the one that is compared with: what no judge wants is shown to all.
    for file in files {
        let text = fs::read_to_string(&file).expect("the file can be read");
        let (source, problems) =
            (Source::new(file.display().to_string(), text).with_files(|path| fs::read_to_string(path)), Diagnostics::new());
        let scenario = Scenario::parse(&source, &registry, &problems);
        let mut scenario = scenario.unwrap_or_else(|| panic!("{}", problems.render(&source, false)));
        // The beginning of a run is enough, and many times quicker.
        scenario.conditions.duration = scenario.conditions.duration.min(Duration::from_secs(2));
        scenario.conditions.settle = scenario.conditions.settle.min(Duration::from_secs(2));
        let alone = scenario.run(0);
        let shown = scenario.run_watched(0, Watch { sinks: vec![&mut All], ..Watch::default() });
        assert_eq!(format!("{alone:?}"), format!("{shown:?}"), "{}", file.display());
        violated += usize::from(alone.violates("progress") || !alone.properties.iter().all(|report| report.at.is_none()));
    }
    assert!(violated > 50, "{violated} of these violate something so soon");
}
