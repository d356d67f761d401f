//! Entries out, in any format.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::clock::Clock;
use super::entry::{Entry, EntryKind, Process};
use super::json::{Header, Line};
use super::problem::{Problem, Problems, ReadError};
use super::read::{Entries, Format};
use super::value::Value;
use crate::base::sort_by_numbers;

/// Writes entries one after another.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    format: Format,
}

impl<W: Write> Writer<W> {
    /// A writer of this format. It writes small pieces: give it a buffer.
    ///
    /// # Errors
    /// If nothing can be written.
    pub fn new(mut output: W, format: Format) -> io::Result<Self> {
        if format == Format::Json {
            serde_json::to_writer(&mut output, &Header::new())?;
            output.write_all(b"\n")?;
        }
        Ok(Self { output, format })
    }

    /// Writes one more.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        match self.format {
            Format::Edn => writeln!(self.output, "{}", Map(entry)),
            Format::Log => writeln!(self.output, "INFO  jepsen.util - {}", Logged(entry)),
            Format::Json => {
                serde_json::to_writer(&mut self.output, &Line(entry))?;
                self.output.write_all(b"\n")
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// How many entries were written.
    pub entries: u64,
    /// What could not be read, and was left out.
    pub problems: Problems,
}

/// Writes these entries in this format, so that they mean the same there. Lines that are wrong are left out, and told.
///
/// Only in our own lines of JSON can it be said that the order of two events is not known: by equal times. In other formats an
/// operation that begins at the instant at which another ends is written before that end; where even this would say too much, the line is
/// one that is wrong. What comes from a format in which the order of lines counts gets times that tell this order.
///
/// # Errors
/// If something cannot be read or written.
pub fn convert(entries: Entries<'_>, to: Format, output: impl Write) -> io::Result<Converted> {
    let from = entries.format();
    let mut clock = Clock::new(from);
    let mut instants = Instants::new(from, to, output)?;
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(ReadError::Line(problem)) => {
                instants.converted.problems.push(problem);
                continue;
            }
            Err(ReadError::Io(error)) => return Err(error),
        };
        let at = clock.tell(&entry);
        if let Err(message) = clock.in_order(&entry) {
            instants.converted.problems.push(wrong(&entry, message));
            continue;
        }
        if from != Format::Json && to == Format::Json {
            entry.time = entry.time.map(|_| at);
        }
        instants.push(at, entry)?;
    }
    instants.finish()
}

/// Writes entries in the order of their times, of which equal ones mean that their order is not known: as [`convert`] does.
///
/// # Errors
/// If something cannot be written.
pub fn write(entries: impl IntoIterator<Item = Entry>, to: Format, output: impl Write) -> io::Result<Converted> {
    let mut instants = Instants::new(Format::Json, to, output)?;
    for entry in entries {
        instants.push(entry.time.unwrap_or(0), entry)?;
    }
    instants.finish()
}

/// Writes instant by instant.
struct Instants<W> {
    writer: Writer<W>,
    /// Whether that two things happened at one instant cannot be said any more.
    ties_are_lost: bool,
    /// What happened at the last instant, and may have to be put in order.
    instant: Vec<Entry>,
    now: Option<u64>,
    converted: Converted,
}

impl<W: Write> Instants<W> {
    fn new(from: Format, to: Format, output: W) -> io::Result<Self> {
        let ties_are_lost = from == Format::Json && to != Format::Json;
        Ok(Self { writer: Writer::new(output, to)?, ties_are_lost, instant: Vec::new(), now: None, converted: Converted::default() })
    }

    fn push(&mut self, at: u64, entry: Entry) -> io::Result<()> {
        if self.now != Some(at) {
            self.write()?;
            self.now = Some(at);
        }
        self.instant.push(entry);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Converted> {
        self.write()?;
        self.writer.finish()?;
        Ok(self.converted)
    }

    /// Writes what happened at one instant.
    fn write(&mut self) -> io::Result<()> {
        if self.ties_are_lost
            && self.instant.len() > 1
            && let Err(problem) = line_up(&mut self.instant)
        {
            self.converted.problems.push(problem);
        }
        for entry in self.instant.drain(..) {
            self.writer.write(&entry)?;
            self.converted.entries += 1;
        }
        Ok(())
    }
}

/// Puts what happened at one instant in an order that says no more: what begins comes before what ends. One client's own order stays.
fn line_up(instant: &mut [Entry]) -> Result<(), Problem> {
    let begins = |entry: &Entry| entry.kind == EntryKind::Invoke;
    let alone = instant.iter().all(|entry| entry.process == instant[0].process);
    if alone || instant.iter().all(begins) || !instant.iter().any(begins) {
        return Ok(());
    }
    let again = instant
        .iter()
        .enumerate()
        .find(|(place, entry)| begins(entry) && instant[..*place].iter().any(|other| other.process == entry.process && !begins(other)));
    if let Some((_, entry)) = again {
        let message = "its process ends one thing and begins another while others begin or end something at the same time: \
                       only json can say that nobody knows which came first"
            .to_owned();
        return Err(wrong(entry, message));
    }
    sort_by_numbers(instant, |entry| (u64::from(!begins(entry)), 0));
    Ok(())
}

fn wrong(entry: &Entry, message: String) -> Problem {
    Problem { line: entry.line, column: None, message, help: None, excerpt: Map(entry).to_string().chars().take(100).collect(), mark: None }
}

struct Who<'e>(&'e Process);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Process::Client(number) => write!(f, "{number}"),
            Process::Other(name) => write!(f, ":{name}"),
            Process::Unnamed => f.write_str("nil"),
        }
    }
}

struct Map<'e>(&'e Entry);

impl fmt::Display for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0;
        f.write_char('{')?;
        if entry.process != Process::Unnamed {
            write!(f, ":process {}, ", Who(&entry.process))?;
        }
        write!(f, ":type :{}", entry.kind)?;
        if let Some(name) = &entry.f {
            write!(f, ", :f :{name}")?;
        }
        if let Some(key) = &entry.key {
            write!(f, ", :key {key}")?;
        }
        write!(f, ", :value {}", entry.value)?;
        if let Some(time) = entry.time {
            write!(f, ", :time {time}")?;
        }
        for (name, value) in &entry.rest {
            write!(f, ", :{name} {value}")?;
        }
        f.write_str("}")
    }
}

/// The part of a log line behind the logger's.
struct Logged<'e>(&'e Entry);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0;
        write!(f, "{}\t:{}\t", Who(&entry.process), entry.kind)?;
        match &entry.f {
            Some(name) => write!(f, ":{name}\t")?,
            None => f.write_str("nil\t")?,
        }
        match &entry.key {
            Some(key) => write!(f, "{}", Value::Vector(vec![key.clone(), entry.value.clone()]))?,
            None => write!(f, "{}", entry.value)?,
        }
        match entry.rest.iter().find(|(name, _)| name.as_str() == "error") {
            Some((_, error)) => write!(f, "\t{error}"),
            None => Ok(()),
        }
    }
}
