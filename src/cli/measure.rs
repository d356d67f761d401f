//! Runs whose figures are wanted: all seeds of a scenario, whatever they violate.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::exit::{Exit, Failure, reason};
use super::sweep::{Progress, line, open_rows};
use super::workers::Crew;
use super::{input, interrupt};
use crate::explore::{Ended, Row, Seeds, Summary, Sweep, Until};
use crate::report::{Invocation, RowsHeader};
use crate::scenario::Scenario;

/// Which seeds, and how many at a time.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Many {
    /// The first seed
    #[arg(long, value_name = "N", default_value = "0", value_parser = input::seed)]
    pub(super) start: u64,
    /// How many worker processes; without it, one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
}

/// Where rows go, and whether they go on where those end that are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub(super) path: &'a Path,
    pub(super) resume: bool,
    /// How the command would be called that sweeps these seeds.
    pub(super) called: &'a Invocation,
}

impl Many {
    /// The seeds.
    ///
    /// # Errors
    /// If they lead beyond the last one.
    pub(super) fn seeds(self, count: u64) -> Result<Seeds, Failure> {
        if self.start.checked_add(count - 1).is_none() {
            return Err(Failure::new(Exit::Usage, &format!("--start and --seeds lead beyond the last seed, {}", u64::MAX)));
        }
        Ok(Seeds { start: self.start, count })
    }

    /// Runs these seeds of a scenario, and hands over the row of each, in order. Says whether it came to the end.
    pub(super) fn run(
        self,
        scenario: &Scenario,
        seeds: Seeds,
        rows: Option<Rows<'_>>,
        progress: &Progress,
        each: &mut dyn FnMut(&Row),
    ) -> Result<Ended, Failure> {
        const STALL: Duration = Duration::from_secs(600);
        let (cancel, mut there) = (interrupt::heed(), 0);
        let mut out = match rows {
            None => None,
            Some(Rows { path, resume, called }) => {
                let called = Invocation { keep_going: true, ..called.clone() };
                let header = RowsHeader::new(scenario, &called, seeds, None, false);
                let mut known = |row: &Row| {
                    there += 1;
                    progress.step();
                    each(row);
                    Ok(())
                };
                Some((path, open_rows(path, Path::new(&called.file), (&header, Until::Done), resume, &mut known)?))
            }
        };
        let Seeds { start, count } = seeds.after(there);
        if count == 0 {
            return Ok(Ended::Complete);
        }
        let jobs = self.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from);
        let sweep = Sweep { start, seeds: count, jobs, until: Until::Done, cancel };
        let mut written = Ok(());
        let mut take = |row: &Row| {
            progress.step();
            each(row);
            if let Some((_, out)) = &mut out {
                use std::io::Write as _;
                written = line(row).map_err(std::io::Error::from).and_then(|line| out.write_all(line.as_bytes()));
            }
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let crew = Crew::new(scenario, STALL, false, cancel);
        let go = |crew: Crew<'_>| sweep.go_on(Summary::of(count), &|claims| crew.work(claims), &mut take);
        let summary = crew.and_then(go);
        let summary = summary.map_err(|error| Failure::new(Exit::File, &format!("cannot start a worker process: {}", reason(&error))))?;
        match (written, out) {
            (Err(error), Some((path, _))) => Err(Failure::file("write", path, &error)),
            _ => Ok(summary.ended),
        }
    }
}
