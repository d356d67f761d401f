//! Failures that were saved, run again by tests.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::command::{as_file, quote};
use super::saved::changed;
use crate::base::SortedMap;
use crate::check::Verdict;
use crate::diagnostic::{Diagnostics, Source};
use crate::scenario::{Case, Scenario};
use crate::systems::Registry;

/// Failures that were saved by `--save DIR`, as a test: what was mended stays mended.
///
/// ```no_run
/// use stormglass::report::Regressions;
///
/// // In a test, with #[test] here.
/// fn what_was_mended_stays_mended() {
///     Regressions::replay("regressions");
/// }
/// # what_was_mended_stays_mended();
/// ```
#[derive(Debug)]
pub struct Regressions(());

/// Where [`Scenario::assert_holds`] looks for failures of its scenario, in the folder of the package that is tested.
pub(super) const FOLDER: &str = "stormglass-regressions";

impl Regressions {
    /// Runs every failure in this folder again, each file whose name ends in `.ron`, under its own seed. The path is one within the package
    /// that is tested. Files of systems that do not come with Stormglass are for [`replay_with`](Self::replay_with).
    ///
    /// # Panics
    /// If any does not hold, or cannot be read, or if there is none: with what is violated, whether it is the same failure still, and the
    /// command that shows it.
    #[track_caller]
    pub fn replay(folder: impl AsRef<Path>) {
        Self::replay_with(folder, &Registry::standard());
    }

    /// The same for the systems of this registry.
    ///
    /// # Panics
    /// As [`replay`](Self::replay) does.
    #[track_caller]
    pub fn replay_with(folder: impl AsRef<Path>, registry: &Registry) {
        let folder = folder.as_ref();
        let found = files(folder).map(|files| fails(&files, registry, &|_| true));
        let why = match found {
            Err(error) => Some(format!("{} cannot be read: {error}", folder.display())),
            Ok(Ran { count: 0, .. }) => Some(format!("there is no failure in {}", folder.display())),
            Ok(ran) => ran.told(folder),
        };
        assert!(why.is_none(), "{}", why.unwrap_or_default());
    }
}

/// What of a scenario's own failures does not hold, in the folder that has its name by convention; they run once in a process.
pub(super) fn own(scenario: &Scenario) -> Option<String> {
    static TOLD: Mutex<SortedMap<(String, &str), Option<String>>> = Mutex::new(SortedMap::new());
    let key = (scenario.name.clone(), scenario.system());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let run = || {
        let folder = Path::new(FOLDER);
        let is_own = |case: &Scenario| case.name == scenario.name;
        fails(&files(folder).ok()?, &scenario.registry(), &is_own).told(folder)
    };
    told.entry(key).or_insert_with(run).clone()
}

/// The files of failures in a folder, in the order of their names.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().filter(|path| path.extension() == Some(OsStr::new("ron"))).collect();
    files.sort();
    Ok(files)
}

/// What became of failures that ran again.
struct Ran {
    count: usize,
    /// Of each that does not hold, why.
    fails: Vec<String>,
}

impl Ran {
    /// What does not hold, if anything does not.
    fn told(&self, folder: &Path) -> Option<String> {
        let (count, fails) = (self.count, self.fails.len());
        let told = || format!("{fails} of {count} failures in {} are not mended:\n\n{}", folder.display(), self.fails.join("\n"));
        (fails > 0).then(told)
    }
}

/// The text of a file that a scenario names.
fn beside(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// Runs those that are wanted, of systems that are known.
fn fails(files: &[PathBuf], registry: &Registry, is_wanted: &dyn Fn(&Scenario) -> bool) -> Ran {
    let mut ran = Ran { count: 0, fails: Vec::new() };
    for file in files {
        let name = file.display().to_string();
        let Ok(text) = fs::read_to_string(file) else {
            ran.count += 1;
            ran.fails.push(format!("{name} cannot be read\n"));
            continue;
        };
        let (source, problems) = (Source::new(name, text).with_files(beside), Diagnostics::new());
        let case = Case::parse(&source, registry, &problems);
        match &case {
            Some(case) if !is_wanted(case.scenario()) => continue,
            Some(case) => ran.fails.extend(fails_still(&source.name, case)),
            None => ran.fails.push(problems.render(&source, false)),
        }
        ran.count += 1;
    }
    ran
}

/// What does not hold of one, and the command that shows it.
fn fails_still(file: &str, case: &Case) -> Option<String> {
    let scenario = case.scenario();
    let Some(seed) = case.seed() else { return Some(format!("{file} names no seed\n")) };
    let outcome = scenario.run(seed);
    if outcome.verdict() == Verdict::Holds {
        return None;
    }
    let changed = case.failure().and_then(|saved| changed(saved, &outcome)).unwrap_or_else(|| "it is as it was saved".to_owned());
    let program = if Registry::standard().find(scenario.system()).is_some() { "stormglass" } else { "YOUR-PROGRAM" };
    let (verdict, command) = (scenario.told(&outcome), quote(&as_file(file)).into_owned());
    Some(format!("{file}: {verdict}  {changed}\n  {program} replay {command} --seed {seed}\n"))
}
