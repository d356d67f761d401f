//! `sweep`: many seeds.

mod auto;
mod progress;
mod rows;

use std::io::{self, Write as _};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::exit::{Exit, Failure, reason};
use super::files::Output;
use super::input::{self, Input};
use super::save::{Folder, tell_standing};
use super::workers::Crew;
use super::{Format, Session, interrupt};
use crate::base;
use crate::explore::{Ended, Row, Seeds, Summary, Sweep, Until};
use crate::report::{Invocation, Report, RowsHeader, Subject, SweepReport, opening};
use crate::scenario::Scenario;
use auto::WhichShard;

pub(super) use progress::Progress;
pub(super) use rows::{line, open as open_rows, unreadable};

#[derive(Args)]
pub(super) struct Arguments {
    /// How many seeds
    #[arg(long, value_name = "N", value_parser = count)]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value = "0", value_parser = input::seed)]
    start: u64,
    /// How many worker processes; without it, one for each core
    #[arg(long, value_name = "N", value_parser = workers)]
    jobs: Option<u16>,
    /// How long a seed may take, by the clock on the wall, before its worker is ended and the seed told as unknown
    #[arg(long, value_name = "T", default_value = "10min", value_parser = wall_time)]
    stall: Duration,
    /// Write a row for every seed to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on where the rows in the file end
    #[arg(long, requires = "out")]
    resume: bool,
    /// Run this part of the seeds: shard I of N, or the one that the environment names; `merge` puts shards together
    #[arg(long, value_name = "I/N|auto")]
    shard: Option<WhichShard>,
    /// Run each seed twice, in two processes, and compare
    #[arg(long)]
    verify: bool,
    /// Go on after a violation
    #[arg(long)]
    keep_going: bool,
    /// End with 0 if the scenario's outcome came true: at the first seed that violates what it means to
    #[arg(long)]
    as_meant: bool,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Save each failure in this folder, as a file that runs again
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, &message);
    let whole = Seeds { start: arguments.start, count: arguments.seeds };
    if arguments.start.checked_add(arguments.seeds - 1).is_none() {
        return Err(usage(format!("--start and --seeds lead beyond the last seed, {}", u64::MAX)));
    }
    let shard = arguments.shard.map(|which| which.resolve().map_err(|why| usage(format!("--shard auto: {why}")))).transpose()?;
    let (scenario, called) = arguments.input.load(session)?;
    let called = Invocation { as_meant: arguments.as_meant, keep_going: arguments.keep_going, ..called };
    let header = RowsHeader::new(&scenario, &called, whole, shard, arguments.verify);
    let (subject, part) = (Subject::of(&scenario), header.part());
    let until = header.until(subject.expected);
    let mut receiver = Receiver::new(part);
    let mut summary = Summary::of(part.count);
    receiver.save = arguments.save.as_ref().map(|path| Folder::open(path, &scenario)).transpose()?;
    if let Some(path) = &arguments.out {
        let mut there = |row: &Row| {
            summary.add(row);
            if until.is_last(row) {
                summary.ended = Ended::Violated;
            }
            receiver.keep(row)
        };
        let out = rows::open(path, &arguments.input.file, (&header, until), arguments.resume, &mut there)?;
        receiver.out = Some(out);
    }
    if arguments.format == Format::Text {
        session.console.print(&(opening(&subject, &seeds_in_words(&header), session.console.color) + "\n"))?;
    }
    if summary.seeds > 0 {
        session.console.complain(&format!("{} of {} seeds have a row already\n", summary.seeds, part.count));
    }
    let summary = arguments.run(&scenario, (part, until), summary, &mut receiver)?;
    receiver.tell_standings(&summary);
    let report = SweepReport { shard, ..SweepReport::of(subject, part.start, &summary, &called) };
    session.print(arguments.format, &Report::Sweep(report))?;
    match (receiver.written, &arguments.out) {
        (Err(error), Some(path)) => Err(Failure::file("write", path, &error)),
        _ => receiver.saved.and(Ok(exit(&report).as_meant(report.meant()))),
    }
}

/// Which seeds are run, in words.
fn seeds_in_words(header: &RowsHeader) -> String {
    let part = header.part();
    let seeds = match part.last() {
        None => "no seed".to_owned(),
        Some(last) if part.count == 1 => format!("seed {last}"),
        Some(last) => format!("seeds {} to {last}", part.start),
    };
    header.shard.map_or_else(|| seeds.clone(), |shard| format!("{seeds} · shard {} of {}", shard.index(), shard.count()))
}

impl Arguments {
    fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.jobs.map_or_else(cores, usize::from)
    }

    /// Runs those of these seeds that have no row yet. What comes of it is added to the summary.
    fn run(
        &self,
        scenario: &Scenario,
        (part, until): (Seeds, Until),
        summary: Summary,
        receiver: &mut Receiver<'_>,
    ) -> Result<Summary, Failure> {
        let Seeds { start, count: seeds } = part.after(summary.seeds);
        if seeds == 0 || summary.ended == Ended::Violated {
            return Ok(summary);
        }
        receiver.progress.begin();
        let cancel = interrupt::heed();
        let sweep = Sweep { start, seeds, jobs: self.jobs(), until, cancel };
        let crew = Crew::new(scenario, self.stall, self.verify, cancel);
        let run = |crew: Crew<'_>| sweep.go_on(summary, &|claims| crew.work(claims), &mut |row| receiver.take(row));
        let summary = crew.and_then(run);
        receiver.progress.finish();
        summary.map_err(|error| Failure::new(Exit::File, &format!("cannot start a worker process: {}", reason(&error))))
    }
}

/// Where rows go.
struct Receiver<'a> {
    out: Option<Output>,
    save: Option<Folder<'a>>,
    /// The failures that were saved, each with its fingerprint.
    kept: Vec<(PathBuf, u64)>,
    part: Seeds,
    progress: Progress,
    written: io::Result<()>,
    saved: Result<(), Failure>,
}

impl Receiver<'_> {
    fn new(part: Seeds) -> Self {
        let progress = Progress::new(part.count);
        Self { out: None, save: None, kept: Vec::new(), part, progress, written: Ok(()), saved: Ok(()) }
    }

    /// Takes the next row, and says whether the sweep may go on. It is written whole, and at once: whatever ends the sweep, the file ends
    /// with a line.
    fn take(&mut self, row: &Row) -> ControlFlow<()> {
        if let Some(out) = &mut self.out {
            self.written = line(row).map_err(io::Error::from).and_then(|line| out.write_all(line.as_bytes()));
        }
        self.saved = self.keep(row);
        if self.written.is_ok() && self.saved.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Counts a row, and saves what failed.
    fn keep(&mut self, row: &Row) -> Result<(), Failure> {
        self.progress.count(row);
        if let (Some(folder), Ok(outcome)) = (&self.save, &row.result) {
            let failed = row.first_violated().zip(row.fingerprint);
            self.kept.extend(folder.save(outcome, failed)?.zip(row.fingerprint));
        }
        Ok(())
    }

    /// Adds to each failure that was saved where it stands in the sweep.
    fn tell_standings(&mut self, summary: &Summary) {
        let mut standings = self.kept.iter().filter_map(|(path, print)| Some((path, summary.standing(self.part.start, *print)?)));
        if self.saved.is_ok() {
            self.saved = standings.try_for_each(|(path, standing)| tell_standing(path, standing));
        }
    }
}

/// A number of seeds on the command line.
fn count(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("expected a whole number from 1 to {}", u64::MAX))
}

/// A length of wall time on the command line.
fn wall_time(text: &str) -> Result<Duration, String> {
    let length: base::Duration = text.parse().map_err(|error| format!("{error}"))?;
    if length.is_zero() { Err("expected some time".to_owned()) } else { Ok(Duration::from_nanos(length.as_nanos())) }
}

/// A number of worker processes on the command line.
fn workers(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|count| (1..=1024).contains(count)).ok_or_else(|| "expected a whole number from 1 to 1024".to_owned())
}

/// Where several apply, the first.
pub(super) fn exit(report: &SweepReport<'_>) -> Exit {
    let summary = report.summary;
    if summary.ended == Ended::Cancelled {
        Exit::Interrupted
    } else if summary.defects > 0 {
        Exit::Defect
    } else if summary.violated > 0 {
        Exit::Violated
    } else if !report.never_seen().is_empty() {
        Exit::NeverSeen
    } else if summary.unknown > 0 {
        Exit::Unknown
    } else {
        Exit::Held
    }
}
