//! `--save DIR`: what failed, as files that run again.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::{files, interrupt};
use crate::check::PropertyReport;
use crate::notation::Settings as _;
use crate::scenario::{self, Scenario, Standing};
use crate::world::Outcome;

/// A folder that failures go into.
pub(super) struct Folder<'a> {
    path: &'a Path,
    scenario: &'a Scenario,
}

impl<'a> Folder<'a> {
    /// Makes the folder if it is not there: before the long run that may fill it.
    pub(super) fn open(path: &'a Path, scenario: &'a Scenario) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| Failure::file("make", path, &error))?;
        Ok(Self { path, scenario })
    }

    /// Saves this run, if it fails by this property, with this fingerprint, in a file that is named by the property and the seed, and says
    /// in which. It appears when it is whole, and never in place of another; one that says the same is left.
    pub(super) fn save(&self, outcome: &Outcome, failed: Option<(&PropertyReport, u64)>) -> Result<Option<PathBuf>, Failure> {
        let Some((violated, fingerprint)) = failed else { return Ok(None) };
        let failure = scenario::Failure::new(self.scenario, outcome, fingerprint);
        let at = violated.at.map(|at| format!(" at {at}")).unwrap_or_default();
        let text = format!("// {} is violated{at}.\n{}", violated.name, failure.to_ron());
        let name = format!("{}-{}", file_name(violated.name), outcome.seed);
        let mut number = 1;
        loop {
            let path = self.path.join(if number == 1 { format!("{name}.ron") } else { format!("{name}-{number}.ron") });
            let is_there = fs::read_to_string(&path).is_ok_and(|known| own(&known) == own(&text));
            if is_there || appear(self.path, &path, &text).map_err(|error| Failure::file("write", &path, &error))? {
                return Ok(Some(path));
            }
            number += 1;
        }
    }
}

/// Adds to a failure that was saved where it stands in the sweep that met it.
pub(super) fn tell_standing(path: &Path, standing: Standing) -> Result<(), Failure> {
    let told = || {
        let text = format!("{}    sweep: ({}),\n)\n", own(&fs::read_to_string(path)?), standing.written());
        let mut draft = files::draft_in(path.parent().unwrap_or(Path::new(".")))?;
        draft.write_all(text.as_bytes())?;
        let _hold = interrupt::hold();
        let place = draft.path().to_owned();
        draft.persist(path).map_err(|error| error.error)?;
        interrupt::keep(&place);
        Ok(())
    };
    told().map_err(|error| Failure::file("write", path, &error))
}

/// What such a file says of the failure itself: all but how often a sweep met it.
fn own(text: &str) -> &str {
    let end = text.find("\n    sweep: (").map(|end| end + 1);
    end.or(text.rfind(")\n")).map_or(text, |end| &text[..end])
}

/// Lets a file appear that is whole; says no if there is one already.
fn appear(folder: &Path, path: &Path, text: &str) -> io::Result<bool> {
    let mut draft = files::draft_in(folder)?;
    let written = draft.write_all(text.as_bytes());
    let _hold = interrupt::hold();
    let place = draft.path().to_owned();
    let kept = written.and_then(|()| match draft.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    });
    interrupt::keep(&place);
    kept
}

/// A property as the name of a file has it.
fn file_name(property: &str) -> String {
    property.chars().map(|letter| if letter.is_alphanumeric() || letter == '-' || letter == '_' { letter } else { '-' }).collect()
}
