//! Recorded histories as commands take them, a file or standard input, and what is wrong with their lines; and as `run` writes them.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure};
use super::files::{Draft, shown};
use super::{Session, files};
use crate::history::formats::{self, Entry, Format, Problems};
use crate::report::problems_text;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A history that is being read, with a bar that shows on a terminal how far that is.
pub(super) struct HistoryReader {
    input: Box<dyn Read>,
    bar: ProgressBar,
    next: &'static str,
    /// Whether it is a file, and not a pipe or the like.
    lasting: bool,
}

impl HistoryReader {
    /// Opens a file, or standard input for `-`. When all is read, the bar says what comes next.
    pub(super) fn open(path: &Path, next: &'static str) -> Result<Self, Failure> {
        let failed = |error: io::Error| failure(path, &error);
        if path.as_os_str() == STANDARD_INPUT {
            return Ok(Self { input: Box::new(io::stdin()), bar: bar(None), next, lasting: false });
        }
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        Ok(Self { input: Box::new(file), bar: bar(length), next, lasting: length.is_some() })
    }

    /// Opens a file again, from its beginning, with the same bar.
    pub(super) fn again(path: &Path, next: &'static str, bar: &ProgressBar) -> io::Result<Self> {
        let input = Box::new(File::open(path)?);
        bar.disable_steady_tick();
        bar.set_style(style(bar.length()));
        bar.set_position(0);
        Ok(Self { input, bar: bar.clone(), next, lasting: true })
    }

    /// Whether it can be read more than once.
    pub(super) const fn can_be_opened_again(&self) -> bool {
        self.lasting
    }

    /// The bar, to take it away at the end.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }
}

impl Read for HistoryReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.bar.inc(length as u64);
        if length == 0 && !buffer.is_empty() {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                self.bar.set_style(style);
            }
            self.bar.set_message(self.next);
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        Ok(length)
    }
}

/// Shows how much is read, on standard error, if that is a terminal.
fn bar(length: Option<u64>) -> ProgressBar {
    length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style(length))
}

fn style(length: Option<u64>) -> ProgressStyle {
    let style = match length {
        Some(_) => ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes} read"),
        None => ProgressStyle::with_template("{spinner} {bytes} read"),
    };
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A history that cannot be read.
pub(super) fn failure(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::IsADirectory => Failure::new(Exit::File, &format!("{} is a directory, not a history", shown(path))),
        _ => Failure::file("read", Path::new(&name(path)), error),
    }
}

/// What messages call the file.
pub(super) fn name(path: &Path) -> String {
    if path.as_os_str() == STANDARD_INPUT { "standard input".to_owned() } else { path.display().to_string() }
}

/// All that is wrong with the lines of a file.
pub(super) fn invalid(path: &Path, problems: &Problems, session: &Session<'_>) -> Failure {
    Failure { exit: Exit::Invalid, text: problems_text(&name(path), problems, session.console.error_color) }
}

/// A file that a history is to be written to.
pub(super) struct HistoryFile {
    path: PathBuf,
    format: Format,
    draft: Draft,
}

impl HistoryFile {
    /// Opens it before the run. Its name says which format it has.
    pub(super) fn open(path: &Path, scenario: &Path) -> Result<Self, Failure> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let format = match extension.as_deref() {
            Some("edn") => Format::Edn,
            Some("jsonl" | "ndjson" | "json") => Format::Json,
            _ => {
                let (path, edn, json) = (shown(path), path.with_extension("edn"), path.with_extension("jsonl"));
                let (edn, json) = (shown(&edn), shown(&json));
                return Err(Failure::new(
                    Exit::Usage,
                    &format!("--history {path}: the name says no format: {edn} is EDN, {json} is JSON lines"),
                ));
            }
        };
        Ok(Self { draft: files::draft(path, "scenario", &[scenario])?, path: path.to_owned(), format })
    }

    /// Writes it, and lets the file appear.
    pub(super) fn write(mut self, entries: Vec<Entry>) -> Result<(), Failure> {
        let written = formats::write(entries, self.format, BufWriter::new(&mut self.draft));
        let written = written.map_err(|error| Failure::file("write", &self.path, &error))?;
        match written.problems.shown().first() {
            Some(problem) => Err(Failure::new(Exit::File, &format!("cannot write {}: {}", shown(&self.path), problem.message))),
            None => self.draft.finish(),
        }
    }
}

/// A format on the command line.
pub(super) fn format(text: &str) -> Result<Format, String> {
    match text {
        "jsonl" => Ok(Format::Json),
        other => other.parse().map_err(|error: crate::history::formats::ParseFormatError| error.to_string()),
    }
}
