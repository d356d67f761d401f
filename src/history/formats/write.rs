//! Entries out, in any format.

use std::fmt;
use std::io::{self, Write};

use super::entry::{Entry, Process};
use super::json::{Header, Line};
use super::problem::{Problems, ReadError};
use super::read::{Entries, Format};
use super::value::Value;

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

/// Writes these entries in this format. Lines that are wrong are left out, and told.
///
/// # Errors
/// If something cannot be read or written.
pub fn convert(entries: Entries<'_>, to: Format, output: impl Write) -> io::Result<Converted> {
    let mut converted = Converted::default();
    let mut writer = Writer::new(output, to)?;
    for entry in entries {
        match entry {
            Ok(entry) => {
                writer.write(&entry)?;
                converted.entries += 1;
            }
            Err(ReadError::Line(problem)) => converted.problems.push(problem),
            Err(ReadError::Io(error)) => return Err(error),
        }
    }
    writer.finish()?;
    Ok(converted)
}

struct Who<'e>(&'e Process);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Process::Client(number) => write!(f, "{number}"),
            Process::Other(name) => write!(f, ":{name}"),
        }
    }
}

struct Map<'e>(&'e Entry);

impl fmt::Display for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.0;
        write!(f, "{{:process {}, :type :{}, :f :{}", Who(&entry.process), entry.kind, entry.f)?;
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
        write!(f, "{}\t:{}\t:{}\t", Who(&entry.process), entry.kind, entry.f)?;
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
