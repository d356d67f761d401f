//! A file of rows, read line by line.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read as _};

use super::{RowsHeader, WrittenRow};
use crate::explore::{Row, Seeds};

/// No line of such a file is as long as this.
const LONGEST: u64 = 256 << 20;

/// What each header begins with.
const BEGINNING: &[u8] = b"{\"schema\":";

/// Reads a file of rows from its beginning: first the header, then row by row. Of a file that is cut off anywhere it reads what is whole.
pub struct RowsReader<R> {
    lines: R,
    /// The line that was read last, with its end.
    line: Vec<u8>,
    /// How many whole lines there were, and how many bytes they have.
    number: u64,
    whole: u64,
    /// The seeds whose rows are still to come.
    seeds: Seeds,
}

/// Why a file of rows cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum RowsError {
    /// The reader failed.
    Io(io::Error),
    /// A line is not what it must be.
    Malformed {
        /// Its number, from 1 on.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Malformed { line, why } => write!(f, "line {line}: {why}"),
        }
    }
}

impl Error for RowsError {}

impl<R: BufRead> RowsReader<R> {
    /// Reads the header. There is none if the file ends before it is whole.
    ///
    /// # Errors
    /// If the reader fails, or if something else than a header stands there.
    pub fn open(lines: R) -> Result<(Self, Option<RowsHeader>), RowsError> {
        let mut reader = Self { lines, line: Vec::new(), number: 0, whole: 0, seeds: Seeds { start: 0, count: 0 } };
        if reader.next_line()? {
            let header = RowsHeader::read(&reader.line).map_err(|why| reader.malformed(why))?;
            reader.seeds = header.part();
            return Ok((reader, Some(header)));
        }
        let length = reader.line.len().min(BEGINNING.len());
        if reader.line[..length] != BEGINNING[..length] {
            return Err(reader.malformed("there is no header: it is no file of rows".to_owned()));
        }
        Ok((reader, None))
    }

    /// The next row, with its line; nothing if the file ends, be it in the middle of a line.
    ///
    /// # Errors
    /// If the reader fails, if the line is no row, or not that of the next seed.
    pub fn next_row(&mut self) -> Result<Option<(Row, &[u8])>, RowsError> {
        if !self.next_line()? {
            return Ok(None);
        }
        let read = serde_json::from_slice::<WrittenRow<'_>>(&self.line).map_err(|error| error.to_string());
        let row = read.and_then(WrittenRow::into_row).map_err(|why| self.malformed(why))?;
        if self.seeds.count == 0 {
            return Err(self.malformed(format!("a row of seed {} stands behind the last one that there can be", row.seed)));
        }
        if row.seed != self.seeds.start {
            return Err(self.malformed(format!("the row of seed {} stands where that of seed {} is due", row.seed, self.seeds.start)));
        }
        self.seeds = self.seeds.after(1);
        Ok(Some((row, &self.line)))
    }

    /// How many bytes the lines have that were read, up to here.
    pub const fn whole(&self) -> u64 {
        self.whole
    }

    /// No further row may come.
    pub const fn end(&mut self) {
        self.seeds.count = 0;
    }

    /// Reads a line, and says whether it is whole.
    fn next_line(&mut self) -> Result<bool, RowsError> {
        self.line.clear();
        let read = (&mut self.lines).take(LONGEST + 1).read_until(b'\n', &mut self.line);
        read.map_err(RowsError::Io)?;
        if self.line.len() as u64 > LONGEST {
            self.number += 1;
            return Err(self.malformed("it is longer than 256 MiB: no row is".to_owned()));
        }
        let is_whole = self.line.ends_with(b"\n");
        if is_whole {
            self.number += 1;
            self.whole += self.line.len() as u64;
        }
        Ok(is_whole)
    }

    /// The line that was read last is not what it must be.
    fn malformed(&self, why: String) -> RowsError {
        RowsError::Malformed { line: self.number.max(1), why }
    }
}
