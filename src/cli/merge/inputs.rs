//! The files that are merged, read at the same time in the order of their seeds.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::base::sort_by_key;
use crate::cli::exit::{Exit, Failure};
use crate::cli::files::shown;
use crate::cli::sweep::unreadable;
use crate::explore::Row;
use crate::report::{HeaderDifference, RowsHeader, RowsReader};

/// A row, and where it was found.
pub(super) struct Found<'a> {
    pub(super) row: Row,
    /// Its line, with its end.
    pub(super) line: Vec<u8>,
    pub(super) path: &'a Path,
}

/// Files of rows of one sweep, none of which is open. A file is read when its first seed is due: of shards that follow each other, one at
/// a time.
pub(super) struct Inputs<'a> {
    header: RowsHeader,
    /// Each with its first seed, in the order of these.
    files: VecDeque<(u64, &'a Path)>,
    first: &'a Path,
    shards: Option<u64>,
}

/// A file that is being read.
struct Open<'a> {
    reader: RowsReader<BufReader<File>>,
    path: &'a Path,
    /// Its next row, if there is one.
    next: Option<Found<'a>>,
}

impl<'a> Inputs<'a> {
    /// Reads the headers. A file that ends before its header does has no rows.
    ///
    /// # Errors
    /// If a file cannot be read, or is none of rows of this version, or of another sweep than the first.
    pub(super) fn open(paths: &'a [PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        let mut known: Option<(RowsHeader, &Path)> = None;
        let mut counts = Vec::new();
        for path in paths {
            let Some(header) = open(path)?.1 else { continue };
            files.push((header.part().start, path.as_path()));
            counts.push(header.shard.map(|shard| shard.count()));
            match &known {
                None if header.version != env!("CARGO_PKG_VERSION") => {
                    let (file, version) = (shown(path), &header.version);
                    let message = format!("{file} is of Stormglass {version}, and this is {}", env!("CARGO_PKG_VERSION"));
                    return Err(Failure::new(Exit::Invalid, &message));
                }
                None => known = Some((header, path)),
                Some((first, first_path)) => same(first, first_path, &header, path)?,
            }
        }
        let Some((header, first)) = known else {
            return Err(Failure::new(Exit::Invalid, "there is no row in any of the files: their sweeps have not begun"));
        };
        let shards = counts[0].filter(|first| counts.iter().all(|count| *count == Some(*first)));
        // Of files that begin with the same seed, the one that was given first stays the first.
        sort_by_key(&mut files, |(start, _)| *start);
        Ok(Self { header, files: files.into(), first, shards })
    }

    /// What the files have in common.
    pub(super) const fn header(&self) -> &RowsHeader {
        &self.header
    }

    /// The file that this was taken from.
    pub(super) const fn first_path(&self) -> &'a Path {
        self.first
    }

    /// How many shards the sweep has, if all files are shards of so many.
    pub(super) const fn shards(&self) -> Option<u64> {
        self.shards
    }

    /// Hands on all rows of each seed, in the order of the seeds, until that says that it was the last. Whether it did is returned.
    pub(super) fn each(mut self, take: &mut dyn FnMut(Vec<Found<'a>>) -> Result<bool, Failure>) -> Result<bool, Failure> {
        let mut reading: Vec<Open<'a>> = Vec::new();
        loop {
            let seed = reading.iter().filter_map(Open::seed).min();
            // One that begins later has no row of this seed.
            if let Some((start, path)) = self.files.front().copied()
                && seed.is_none_or(|seed| start <= seed)
            {
                self.files.pop_front();
                reading.push(Open::new(path)?);
                continue;
            }
            let Some(seed) = seed else { return Ok(false) };
            let mut found = Vec::new();
            for open in reading.iter_mut().filter(|open| open.seed() == Some(seed)) {
                found.extend(open.step()?);
            }
            reading.retain(|open| open.next.is_some());
            if take(found)? {
                return Ok(true);
            }
        }
    }
}

impl<'a> Open<'a> {
    fn new(path: &'a Path) -> Result<Self, Failure> {
        let mut open = Self { reader: open(path)?.0, path, next: None };
        open.step()?;
        Ok(open)
    }

    fn seed(&self) -> Option<u64> {
        self.next.as_ref().map(|found| found.row.seed)
    }

    /// Its next row; the one after it is read.
    fn step(&mut self) -> Result<Option<Found<'a>>, Failure> {
        let path = self.path;
        let read = self.reader.next_row().map_err(|error| unreadable(path, error))?;
        Ok(std::mem::replace(&mut self.next, read.map(|(row, line)| Found { row, line: line.to_vec(), path })))
    }
}

/// Opens a file, and reads its header.
fn open(path: &Path) -> Result<(RowsReader<BufReader<File>>, Option<RowsHeader>), Failure> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    RowsReader::open(BufReader::with_capacity(1 << 17, file)).map_err(|error| unreadable(path, error))
}

/// Refuses to merge rows of different sweeps.
fn same(first: &RowsHeader, first_path: &Path, header: &RowsHeader, path: &Path) -> Result<(), Failure> {
    let Some(HeaderDifference { field, one, other }) = first.differs(header) else { return Ok(()) };
    let (first, second) = (shown(first_path), shown(path));
    Err(Failure::new(
        Exit::Invalid,
        &format!("{first} and {second} are not of one sweep: {field} is {one} in the first, and {other} in the second"),
    ))
}
