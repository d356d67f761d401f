//! `--out` and `--resume`: the file of rows.

use std::io::{BufReader, Write as _};
use std::path::Path;

use crate::cli::exit::{Exit, Failure};
use crate::cli::files::{self, Output, shown};
use crate::explore::{Row, Until};
use crate::report::{HeaderDifference, RowsError, RowsHeader, RowsReader, WrittenRow};

/// Opens the file of rows of the sweep with this header. If it is to go on, each row that is there is handed on, in the order of the seeds;
/// what stands behind the last whole line is cut off. Else the file begins anew.
///
/// # Errors
/// If it cannot be read or written, if another process writes it, or if its rows are not of this sweep.
pub(in crate::cli) fn open(
    path: &Path,
    scenario: &Path,
    (header, until): (&RowsHeader, Until),
    resume: bool,
    each: &mut dyn FnMut(&Row) -> Result<(), Failure>,
) -> Result<Output, Failure> {
    let mut out = files::open_rows(path, scenario, resume)?;
    let whole = if resume { read(path, &out, (header, until), each)? } else { 0 };
    let begun = out.cut(whole).and_then(|()| if whole == 0 { out.write_all(header.line().as_bytes()) } else { Ok(()) });
    begun.map_err(|error| Failure::file("write", path, &error))?;
    Ok(out)
}

/// Reads what is there, and how many bytes its whole lines have.
fn read(
    path: &Path,
    out: &Output,
    (header, until): (&RowsHeader, Until),
    each: &mut dyn FnMut(&Row) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let failed = |error| unreadable(path, error);
    let (mut reader, found) = RowsReader::open(BufReader::with_capacity(1 << 20, out.file())).map_err(failed)?;
    let Some(found) = found else { return Ok(0) };
    if let Some(difference) = other_sweep(&found, header) {
        let HeaderDifference { field, one, other } = difference;
        let message = format!("{} has rows of another sweep: {field} is {one} there, and {other} here", shown(path));
        return Err(Failure::new(Exit::Invalid, &message));
    }
    while let Some((row, _)) = reader.next_row().map_err(failed)? {
        each(&row)?;
        if until.is_last(&row) {
            reader.end();
        }
    }
    Ok(reader.whole())
}

fn other_sweep(found: &RowsHeader, asked: &RowsHeader) -> Option<HeaderDifference> {
    let shard = |header: &RowsHeader| header.shard.map_or_else(|| "not given".to_owned(), |shard| shard.to_string());
    let shards = || (found.shard != asked.shard).then(|| HeaderDifference { field: "--shard", one: shard(found), other: shard(asked) });
    found.differs(asked).or_else(shards)
}

/// Why a file of rows cannot be read.
pub(in crate::cli) fn unreadable(path: &Path, error: RowsError) -> Failure {
    match error {
        RowsError::Io(error) => Failure::file("read", path, &error),
        RowsError::Malformed { line, why } => Failure::new(Exit::Invalid, &format!("{}:{line}: {why}", shown(path))),
    }
}

/// A row as a line of the file.
pub(in crate::cli) fn line(row: &Row) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(&WrittenRow::of(row))? + "\n")
}
