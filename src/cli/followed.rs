//! Files in which requests are followed through a run: their spans, and a log.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::files::{self, Draft};
use crate::explore::spans::Spans;
use crate::report::{Subject, write_log, write_spans};
use crate::trace::{Recording, Said};

/// The files, each if it is asked for.
pub(super) struct Followed {
    spans: Option<(PathBuf, Draft)>,
    log: Option<(PathBuf, Draft)>,
}

impl Followed {
    /// Opens both, before the run.
    pub(super) fn open(spans: Option<&PathBuf>, log: Option<&PathBuf>, scenario: &Path) -> Result<Self, Failure> {
        let open = |path: &PathBuf| Ok((path.clone(), files::draft(path, "scenario", &[scenario])?));
        Ok(Self { spans: spans.map(open).transpose()?, log: log.map(open).transpose()? })
    }

    /// Whether the run must be kept, and what nodes say be heard.
    pub(super) const fn is_wanted(&self) -> bool {
        self.spans.is_some() || self.log.is_some()
    }

    /// Writes both.
    pub(super) fn write(self, recording: &Recording, said: &[Said], subject: &Subject<'_>, seed: u64) -> Result<(), Failure> {
        if !self.is_wanted() {
            return Ok(());
        }
        let mut spans = Spans::of(recording, seed);
        spans.say(said);
        if let Some((path, draft)) = self.spans {
            fill(&path, draft, |file| write_spans(file, &spans, subject, seed))?;
        }
        if let Some((path, draft)) = self.log {
            fill(&path, draft, |file| write_log(file, recording, &spans, said))?;
        }
        Ok(())
    }
}

/// Writes all of it, and lets the file appear.
fn fill(path: &Path, mut draft: Draft, write: impl FnOnce(&mut BufWriter<&mut Draft>) -> io::Result<()>) -> Result<(), Failure> {
    let mut file = BufWriter::new(&mut draft);
    write(&mut file).map_err(|error| Failure::file("write", path, &error))?;
    drop(file);
    draft.finish()
}
