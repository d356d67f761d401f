//! What is wrong with a file.

use std::fmt;

use crate::base::printable;
use std::io;

use serde::Serialize;

use crate::misspelling::nearest;

/// One thing that is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, counted from one.
    pub line: u64,
    /// The character within the line, counted from one, if one is to blame.
    pub column: Option<u64>,
    /// What is wrong, and what was expected.
    pub message: String,
    /// What to try instead, if that is known.
    pub help: Option<String>,
    /// The line, or the part of it that matters.
    pub excerpt: String,
    /// The character of the excerpt, counted from zero, that is to blame.
    pub mark: Option<usize>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.message)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

/// What is wrong with an entry, and what to try instead.
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Wrong {
    /// A word is none of those that are known.
    pub(crate) fn unknown<'k>(word: &str, known: impl IntoIterator<Item = &'k str>, message: String) -> Self {
        Self { message, help: nearest(word, known).map(|near| format!("did you mean {near}?")) }
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self { message, help: None }
    }
}

/// How many problems are kept. The others are counted.
pub const PROBLEMS_SHOWN: usize = 20;

/// All that is wrong with a file: the first [`PROBLEMS_SHOWN`], and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    shown: Vec<Problem>,
    count: u64,
}

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.shown.len() < PROBLEMS_SHOWN {
            self.shown.push(problem);
        }
    }

    /// The first ones.
    pub fn shown(&self) -> &[Problem] {
        &self.shown
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How many there are besides the first ones.
    pub fn left_out(&self) -> u64 {
        self.count - self.shown.len() as u64
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A line for each problem, the excerpt below it, and how many more there are.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.shown {
            writeln!(f, "{problem}")?;
            if !problem.excerpt.is_empty() {
                writeln!(f, "    {}", problem.excerpt)?;
            }
        }
        match self.left_out() {
            0 => Ok(()),
            1 => writeln!(f, "and one more line like these"),
            more => writeln!(f, "and {more} more lines like these"),
        }
    }
}

impl std::error::Error for Problems {}

/// Why an entry could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// A line is wrong; reading goes on behind it.
    Line(Problem),
    /// The file itself could not be read; there is nothing behind it.
    Io(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(problem) => problem.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

/// How many characters of a line are shown.
const EXCERPT: usize = 100;
/// How many of them at most stand before the one that is to blame.
const BEFORE: usize = EXCERPT * 2 / 3;
/// What stands for the rest.
const CUT: char = '…';

/// The part of a line around this byte, without control characters.
pub(super) fn excerpt(line: &str, at: usize) -> String {
    let line = line.trim_end();
    let before = line.get(..at).map_or(0, |before| before.chars().count());
    let skipped = before.saturating_sub(BEFORE);
    let mut text = String::new();
    if skipped > 0 {
        text.push(CUT);
    }
    let shown: String = line.chars().skip(skipped).take(EXCERPT).map(|char| if char == '\t' { ' ' } else { char }).collect();
    text += &printable(&shown);
    if line.chars().count() > skipped + EXCERPT {
        text.push(CUT);
    }
    text.trim_end().to_owned()
}

/// The character of the [`excerpt`] that stands for this byte.
pub(super) fn mark(line: &str, at: usize) -> Option<usize> {
    let before = line.get(..at)?.chars().count();
    let skipped = before.saturating_sub(BEFORE);
    Some(before - skipped + usize::from(skipped > 0))
}
