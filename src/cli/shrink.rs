//! `shrink`: a failing run, cut down to the few things that matter.

use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure};
use super::input::{self, Input};
use super::save::Folder;
use super::{Format, Session, files, interrupt, page, panics};
use crate::base::Time;
use crate::check::Verdict;
use crate::explore::shrink::{Other, Shrink, Smaller};
use crate::explore::{NoOutcome, Row, violated_as};
use crate::report::{Findings, ShrunkFiles, Subject, changed, opening, shrinking_line, shrunk_ron, shrunk_text};
use crate::scenario::Scenario;
use crate::systems::Watch;
use crate::world::Outcome;

#[derive(Args)]
pub(super) struct Arguments {
    /// The seed of the run that fails; without it the scenario's own
    #[arg(long, value_name = "N", value_parser = input::seed)]
    seed: Option<u64>,
    /// Write the shrunk scenario to this file; without it, it is printed
    #[arg(long, value_name = "FILE.ron")]
    out: Option<PathBuf>,
    /// Save the shrunk failure and others that are met in this folder, as files that run again
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Write a page about the shrunk failure: what happened, the run as a drawing, what it takes
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// How many runs it may take
    #[arg(long, value_name = "N", default_value = "200000", value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many threads; without it, one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let (case, called) = arguments.input.load_case(session)?;
    let scenario = case.scenario();
    let no_seed = || Failure::new(Exit::Usage, "which run? The scenario names no seed: add --seed N");
    let seed = arguments.seed.or(case.seed()).ok_or_else(no_seed)?;
    let draft = arguments.out.as_ref().map(|path| files::draft(path, "scenario", &[&arguments.input.file])).transpose()?;
    files::distinct(&[arguments.out.as_ref(), arguments.report.as_ref()])?;
    let page = arguments.report.as_ref().map(|path| files::draft(path, "scenario", &[&arguments.input.file])).transpose()?;
    session.console.print(&(opening(&Subject::of(scenario), &format!("seed {seed}"), session.console.color) + "\n"))?;
    arguments.save.as_ref().map(|path| Folder::open(path, scenario)).transpose()?;
    let cancel = interrupt::heed_saying("stopping: the smallest so far is written");
    let jobs = arguments.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from);
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let shrink = Shrink { registry: session.registry, jobs, runs: arguments.runs, cancel, mends: true, run: &run };
    let target = case.failure().map(|saved| saved.fingerprint);
    if let Some(saved) = case.failure() {
        let outcome = run(scenario, seed, Watch::default());
        if violated_as(&outcome, saved.fingerprint).is_none() {
            let why = changed(saved, &outcome).unwrap_or_default();
            return Err(Failure::new(Exit::Usage, &format!("there is nothing to shrink: {why}")));
        }
        session.tell_of_failure(Format::Text, Some(saved), &outcome)?;
    }
    let bar = progress();
    let shrunk = shrink.shrink_as(target, scenario, seed, &mut |smaller| {
        bar.set_message(shrinking_line(smaller));
        let (text, out) = (unfinished(smaller), arguments.out.clone());
        interrupt::do_last(Some(Box::new(move || write_last(&text, out.as_deref()))));
    });
    interrupt::do_last(None);
    bar.finish_and_clear();
    let shrunk = match shrunk {
        Ok(shrunk) => shrunk,
        Err(row) => return Err(nothing_fails(&row, "shrink")),
    };
    // First the files: whatever becomes of the terminal, they are there. What cannot be written is printed.
    let mut files = ShrunkFiles::default();
    let written = draft.zip(arguments.out.as_ref()).map_or(Ok(()), |(draft, path)| {
        draft.fill(path, &shrunk_ron(&shrunk))?;
        files.out = Some(path.clone());
        Ok(())
    });
    let saved = arguments.save.as_ref().map_or(Ok(()), |folder| {
        files.saved = save(folder, &shrunk.scenario, &shrunk.outcome, shrunk.fingerprint)?;
        for Other { scenario, seed, fingerprint, .. } in &shrunk.others {
            files.others.push(save(folder, scenario, &run(scenario, *seed, Watch::default()), *fingerprint)?);
        }
        Ok(())
    });
    let reported = page.zip(arguments.report.as_deref()).map_or(Ok(()), |page| {
        let findings = Findings::of_shrunk(&shrunk).among_others(&called, case.failure(), Verdict::Violated);
        page::write(page, (&shrunk.scenario, shrunk.seed), &page::called_with(&called, files.out.as_deref()), findings)
    });
    session.console.print(&shrunk_text(&shrunk, &called, &files, session.console.color))?;
    written.and(saved).and(reported)?;
    let is_interrupted = cancel.load(std::sync::atomic::Ordering::Relaxed);
    Ok(if is_interrupted { Exit::Interrupted } else { Exit::Held })
}

/// The smallest so far as a file.
fn unfinished(smaller: &Smaller<'_>) -> String {
    let mut scenario = smaller.scenario.clone();
    scenario.seed = Some(smaller.seed);
    format!("// It is not finished: it was interrupted, and could be smaller.\n{}", scenario.to_ron())
}

/// Writes this where what is shrunk was to be written; what cannot be written is printed.
fn write_last(text: &str, out: Option<&Path>) {
    let written = out.map(|path| files::draft(path, "scenario", &[] as &[&Path])?.fill(path, text));
    if !matches!(written, Some(Ok(()))) {
        // The process ends in any case.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
}

/// Saves a run that fails in this way.
fn save(folder: &Path, scenario: &Scenario, outcome: &Outcome, fingerprint: u64) -> Result<Option<PathBuf>, Failure> {
    let failed = violated_as(outcome, fingerprint).map(|violated| (violated, fingerprint));
    Folder::open(folder, scenario)?.save(outcome, failed)
}

/// What there is to shrink or to explain, if the run does not fail.
pub(super) fn nothing_fails(row: &Row, what: &str) -> Failure {
    match &row.result {
        Err(NoOutcome::Stalled) => Failure::new(Exit::Unknown, &format!("seed {} gave no answer in time", row.seed)),
        Err(NoOutcome::Defect(defect)) => {
            Failure::new(Exit::Defect, &format!("seed {}: a defect in Stormglass itself: {}", row.seed, defect.message))
        }
        Ok(outcome) => {
            let (exit, came) = match outcome.verdict() {
                Verdict::Unknown => (Exit::Unknown, "is unknown, and violates nothing"),
                _ => (Exit::Usage, "holds"),
            };
            let time = outcome.sim_time.since(Time::ZERO);
            let message =
                format!("there is nothing to {what}: under seed {} the scenario {came} ({} events, {time})", row.seed, outcome.events);
            Failure::new(exit, &message)
        }
    }
}

/// Shows what is left, on standard error, if that is a terminal; what takes long is seen to go on.
pub(super) fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    match ProgressStyle::with_template("{spinner} {msg} · {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
