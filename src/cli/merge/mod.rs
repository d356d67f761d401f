//! `merge`: the rows of shards, put together.

mod inputs;
mod missing;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::files::{self, Draft, shown};
use super::sweep::{exit, line};
use super::{Format, Session};
use crate::check::PropertyReport;
use crate::diagnostic::{Diagnostics, Source};
use crate::explore::{DETERMINISTIC, Ended, NoOutcome, Summary, Until, fingerprint};
use crate::report::{Report, RowsHeader, Subject, SweepReport, WrittenRow};
use crate::scenario::Scenario;
use inputs::{Found, Inputs};

#[derive(Args)]
pub(super) struct Arguments {
    /// Files of rows of one sweep, as `sweep --out` writes them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write all rows to this file, as one sweep would have: it appears when it is whole
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Of how many seeds with rows that differ it is told where they stand.
const TOLD: u64 = 5;

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let inputs = Inputs::open(&arguments.files)?;
    let header = inputs.header().clone().of_whole();
    let scenario = scenario(&header, inputs.first_path(), session)?;
    let (subject, called) = (Subject::of(&scenario), header.called(&session.program));
    let draft = arguments.out.as_ref().map(|path| files::draft(path, "file of rows", &arguments.files)).transpose()?;
    let mut merger = Merger {
        until: header.until(subject.expected),
        summary: Summary::of(header.seeds),
        out: arguments.out.as_deref().zip(draft),
        next: u128::from(header.start),
        gaps: Vec::new(),
        differing: 0,
        session,
    };
    merger.write(header.line().as_bytes())?;
    let shards = inputs.shards();
    let ended = inputs.each(&mut |found| merger.take(found))?;
    let Merger { mut summary, out, mut gaps, differing, next, .. } = merger;
    let end = u128::from(header.start) + u128::from(header.seeds);
    if !ended && next < end {
        gaps.push(missing::gap(next, end - 1));
    }
    summary.ended = match (gaps.is_empty(), ended) {
        (false, _) => Ended::Incomplete,
        (true, true) => Ended::Violated,
        (true, false) => Ended::Complete,
    };
    let missing = missing::by_shard(&gaps, header.whole(), shards);
    let report = SweepReport { missing: &missing, ..SweepReport::of(subject, header.start, &summary, &called) };
    let is_whole = missing.is_empty();
    match out {
        Some((_, draft)) if is_whole => draft.finish()?,
        Some((path, _)) => session.console.complain(&format!("{} is not written: seeds are missing\n", shown(path))),
        None => {}
    }
    session.print(arguments.format, &Report::Sweep(report))?;
    Ok(match exit(&report) {
        Exit::Held | Exit::Violated | Exit::NeverSeen | Exit::Unknown if differing > 0 => Exit::Violated,
        _ if !is_whole => Exit::Unknown,
        exit => exit.as_meant(report.meant()),
    })
}

/// The scenario out of the header.
fn scenario(header: &RowsHeader, path: &Path, session: &Session<'_>) -> Result<Scenario, Failure> {
    let source = Source::new(format!("the scenario in {}", path.display()), header.text.clone());
    let problems = Diagnostics::new();
    let read = Scenario::parse(&source, session.registry, &problems).filter(|_| !problems.has_errors());
    read.ok_or_else(|| Failure { exit: Exit::Invalid, text: problems.render(&source, session.console.error_color) })
}

/// Puts rows together, in the order of their seeds.
struct Merger<'a> {
    until: Until,
    summary: Summary,
    out: Option<(&'a Path, Draft)>,
    /// The seed that is due.
    next: u128,
    /// Ranges of seeds of which no file has a row.
    gaps: Vec<(u64, u64)>,
    /// Of how many seeds there are rows that differ.
    differing: u64,
    session: &'a Session<'a>,
}

impl Merger<'_> {
    /// Takes all rows of the next seed of which there is one, and says whether that ends the sweep.
    fn take(&mut self, found: Vec<Found<'_>>) -> Result<bool, Failure> {
        let mut found = found.into_iter();
        let Some(mut kept) = found.next() else { return Ok(false) };
        let mut differ = None;
        for other in found {
            let paths = (kept.path, other.path);
            if other.line != kept.line && reconcile(&mut kept, other) {
                differ = differ.or(Some(paths));
            }
        }
        if let Some((one, other)) = differ {
            self.differing += 1;
            if self.differing <= TOLD {
                let text = format!("error: the rows of seed {} in {} and {} differ\n", kept.row.seed, shown(one), shown(other));
                self.session.console.complain(&text);
            }
        }
        let seed = u128::from(kept.row.seed);
        if seed > self.next {
            self.gaps.push(missing::gap(self.next, seed - 1));
        }
        self.next = seed + 1;
        self.write(&kept.line)?;
        self.summary.add(&kept.row);
        Ok(self.until.is_last(&kept.row))
    }

    /// Where seeds are missing nothing is written that would seem whole.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.out {
            Some((path, draft)) if self.gaps.is_empty() => draft.write_all(bytes).map_err(|error| Failure::file("write", path, &error)),
            _ => Ok(()),
        }
    }
}

/// Makes one row of two of the same seed that are not the same, and says whether they contradict each other. What gave no answer in time
/// contradicts nothing, and an answer takes its place; where Stormglass failed in one of them, that is kept.
fn reconcile<'a>(kept: &mut Found<'a>, other: Found<'a>) -> bool {
    match (&kept.row.result, &other.row.result) {
        (Err(NoOutcome::Stalled), _) | (Ok(_), Err(NoOutcome::Defect(_))) => {
            *kept = other;
            false
        }
        (_, Err(_)) | (Err(NoOutcome::Defect(_)), Ok(_)) => false,
        (Ok(_), Ok(_)) => {
            contradict(kept, &other);
            true
        }
    }
}

/// Notes in a row that another one of the same seed is not the same.
fn contradict(kept: &mut Found<'_>, other: &Found<'_>) {
    let (mine, theirs) = (WrittenRow::of(&kept.row), WrittenRow::of(&other.row));
    let what = match mine.judged_differently(&theirs) {
        _ if mine.digest() != theirs.digest() => "their digests differ".to_owned(),
        Some(property) => format!("{property} is judged differently"),
        None => "what was counted differs".to_owned(),
    };
    let text = format!("two runs of this seed differ; {what}: {} and {}", shown(kept.path), shown(other.path));
    let Ok(outcome) = &mut kept.row.result else { return };
    outcome.properties.retain(|report| report.name != DETERMINISTIC.name);
    outcome.properties.push(PropertyReport::violated(&DETERMINISTIC, outcome.sim_time, text));
    let is_first = kept.row.first_violated().filter(|first| first.name == DETERMINISTIC.name).map(fingerprint);
    kept.row.fingerprint = is_first.or(kept.row.fingerprint);
    // Texts and numbers alone can always be written.
    kept.line = line(&kept.row).unwrap_or_default().into_bytes();
}
