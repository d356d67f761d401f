//! `convert`: a recorded history in another format.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::console::unless_closed;
use super::exit::{Exit, Failure};
use super::histories::{self, HistoryReader};
use super::{Session, files};
use crate::history::formats::{Converted, Entries, Format, convert};

#[derive(Args)]
pub(super) struct Arguments {
    /// A history; - for standard input
    #[arg(value_name = "HISTORY")]
    file: PathBuf,
    /// The format to write: edn, log or json
    #[arg(long, value_name = "FORMAT", value_parser = histories::format)]
    to: Format,
    /// The format of the history: edn, log or json; without it, what it seems to be
    #[arg(long, value_name = "FORMAT", value_parser = histories::format)]
    input_format: Option<Format>,
    /// Write to this file, which appears when it is whole; without it, to standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    // The file is opened before the history is read, which may take long.
    let draft = arguments.out.as_ref().map(|path| files::draft(path, "history", &[&arguments.file])).transpose()?;
    let recording = HistoryReader::open(&arguments.file, "writing")?;
    let bar = recording.bar();
    let entries = Entries::open(recording, arguments.input_format).map_err(|error| histories::failure(&arguments.file, &error))?;
    let mut failed = None;
    let converted = |entries, output: &mut dyn Write, failed| convert(entries, arguments.to, BufWriter::new(Noting { output, failed }));
    match (draft, &arguments.out) {
        (Some(mut draft), Some(path)) => {
            let converted = converted(entries, &mut draft, &mut failed);
            bar.finish_and_clear();
            done(converted, &arguments.file, failed.map(|error| Failure::file("write", path, &error)), session)?;
            draft.finish()?;
        }
        _ => {
            let converted = converted(entries, &mut io::stdout().lock(), &mut failed);
            bar.finish_and_clear();
            match failed.map(|error| unless_closed(Err(error))) {
                // The reader wants no more.
                Some(Ok(())) => {}
                failed => done(converted, &arguments.file, failed.and_then(Result::err), session)?,
            }
        }
    }
    Ok(Exit::Held)
}

/// What became of it.
fn done(converted: io::Result<Converted>, file: &Path, not_written: Option<Failure>, session: &Session<'_>) -> Result<(), Failure> {
    match (converted, not_written) {
        (_, Some(failure)) => Err(failure),
        (Err(error), None) => Err(histories::failure(file, &error)),
        (Ok(Converted { problems, .. }), None) if !problems.is_empty() => Err(histories::invalid(file, &problems, session)),
        (Ok(_), None) => Ok(()),
    }
}

/// Notes that writing failed, to tell it from reading.
struct Noting<'f, W> {
    output: W,
    failed: &'f mut Option<io::Error>,
}

impl<W: Write> Noting<'_, W> {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            *self.failed = Some(error);
            kind.into()
        })
    }
}

impl<W: Write> Write for Noting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.output.flush();
        self.noted(flushed)
    }
}
