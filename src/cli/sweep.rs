//! `sweep`: many seeds.

use std::io::{self, Write};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure, reason};
use super::files::Output;
use super::input::{self, Input};
use super::save::{Folder, tell_standing};
use super::workers::Crew;
use super::{Format, Session, files, interrupt};
use crate::base;
use crate::explore::{Ended, Row, Summary, Sweep, Until};
use crate::report::{Invocation, Report, Subject, SweepReport, opening, row_json};
use crate::scenario::Expected;

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
    let Some(last) = arguments.start.checked_add(arguments.seeds - 1) else {
        return Err(Failure::new(Exit::Usage, &format!("--start and --seeds lead beyond the last seed, {}", u64::MAX)));
    };
    let (scenario, called) = arguments.input.load(session)?;
    let called = Invocation { as_meant: arguments.as_meant, keep_going: arguments.keep_going, ..called };
    let subject = Subject::of(&scenario);
    let mut out = match &arguments.out {
        Some(path) => Some(files::create(path, &arguments.input.file)?),
        None => None,
    };
    if arguments.format == Format::Text {
        let seeds = if last == arguments.start { format!("seed {last}") } else { format!("seeds {} to {last}", arguments.start) };
        session.console.print(&(opening(&subject, &seeds, session.console.color) + "\n"))?;
    }
    let bar = progress_bar(arguments.seeds);
    let save = arguments.save.as_ref().map(|path| Folder::open(path, &scenario)).transpose()?;
    let (mut written, mut saved, mut kept) = (Ok(()), Ok(()), Vec::new());
    let mut each = |row: &Row| {
        bar.inc(1);
        written = write_row(out.as_mut(), row);
        let failed = row.first_violated().zip(row.fingerprint);
        saved = save.iter().zip(&row.result).try_for_each(|(folder, outcome)| {
            kept.extend(folder.save(outcome, failed)?.zip(row.fingerprint));
            Ok(())
        });
        if written.is_ok() && saved.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let cancel = interrupt::heed();
    let (start, seeds, jobs, until) = (arguments.start, arguments.seeds, arguments.jobs(), arguments.until(subject.expected));
    let sweep = Sweep { start, seeds, jobs, until, cancel };
    let crew = Crew::new(&scenario, arguments.stall, arguments.verify, cancel);
    let summary = crew.and_then(|crew| sweep.run_elsewhere(&|seed, is_needless| crew.run(seed, is_needless), &mut each));
    bar.finish_and_clear();
    let summary = summary.map_err(|error| Failure::new(Exit::File, &format!("cannot start a worker process: {}", reason(&error))))?;
    let mut standing = kept.iter().filter_map(|(path, fingerprint)| Some((path, summary.standing(start, *fingerprint)?)));
    let saved = saved.and_then(|()| standing.try_for_each(|(path, standing)| tell_standing(path, standing)));
    let report = SweepReport { subject, start, summary: &summary, called: &called };
    session.print(arguments.format, &Report::Sweep(report))?;
    match (written, &arguments.out) {
        (Err(error), Some(path)) => Err(Failure::file("write", path, &error)),
        _ => saved.and(Ok(exit(&summary, &subject).as_meant(report.meant()))),
    }
}

impl Arguments {
    fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.jobs.map_or_else(cores, usize::from)
    }

    /// What ends the sweep early. If what the scenario means came true, there is nothing to go on for.
    fn until(&self, expected: Expected) -> Until {
        match expected {
            _ if !self.keep_going => Until::Violated,
            Expected::Violates(property) if self.as_meant => Until::Violates(property),
            _ => Until::Done,
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

/// A row is written whole, and at once: whatever ends the sweep, the file ends with a line.
fn write_row(out: Option<&mut Output>, row: &Row) -> io::Result<()> {
    match out {
        Some(file) => file.write_all(format!("{}\n", row_json(row)).as_bytes()),
        None => Ok(()),
    }
}

/// Shows how far the sweep is, on standard error, if that is a terminal.
fn progress_bar(seeds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} seeds, {eta} to go");
    let bar = ProgressBar::new(seeds);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Where several apply, the first.
fn exit(summary: &Summary, subject: &Subject<'_>) -> Exit {
    if summary.ended == Ended::Cancelled {
        Exit::Interrupted
    } else if summary.defects > 0 {
        Exit::Defect
    } else if summary.violated > 0 {
        Exit::Violated
    } else if !summary.never_seen(subject.expect).is_empty() {
        Exit::NeverSeen
    } else if summary.unknown > 0 {
        Exit::Unknown
    } else {
        Exit::Held
    }
}
