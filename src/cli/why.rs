//! `why`: what brings a failure about.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::exit::{Exit, Failure};
use super::input::{self, Input};
use super::shrink::{nothing_fails, progress};
use super::{Format, Session, files, interrupt, page, panics};
use crate::check::Verdict;
use crate::explore::violated_as;
use crate::explore::why::{Ask, Phase};
use crate::report::{Findings, StoryReport, Subject, changed, opening, shrinking_line, why_json, why_text};
use crate::scenario::Scenario;
use crate::systems::Watch;

#[derive(Args)]
pub(super) struct Arguments {
    /// The seed of the run that fails; without it the scenario's own
    #[arg(long, value_name = "N", value_parser = input::seed)]
    seed: Option<u64>,
    /// How many runs it may take, those of shrinking among them
    #[arg(long, value_name = "N", default_value = "50000", value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// How many threads; without it, one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Write a page about it: what happened, the run as a drawing, what brings the failure about
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Told,
    #[command(flatten)]
    input: Input,
}

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Told {
    // For people.
    #[default]
    Text,
    // For programs: one object, versioned.
    Json,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let (case, called) = arguments.input.load_case(session)?;
    let scenario = case.scenario();
    let no_seed = || Failure::new(Exit::Usage, "which run? The scenario names no seed: add --seed N");
    let seed = arguments.seed.or(case.seed()).ok_or_else(no_seed)?;
    let page = arguments.report.as_ref().map(|path| files::draft(path, "scenario", &[&arguments.input.file])).transpose()?;
    let is_text = arguments.format == Told::Text;
    if is_text {
        session.console.print(&(opening(&Subject::of(scenario), &format!("seed {seed}"), session.console.color) + "\n"))?;
    }
    let cancel = interrupt::heed_saying("stopping: what is known by now is told");
    let jobs = arguments.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from);
    let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let target = case.failure().map(|saved| saved.fingerprint);
    if let Some(saved) = case.failure() {
        let outcome = run(scenario, seed, Watch::default());
        if violated_as(&outcome, saved.fingerprint).is_none() {
            let why = changed(saved, &outcome).unwrap_or_default();
            return Err(Failure::new(Exit::Usage, &format!("there is nothing to explain: {why}")));
        }
        session.tell_of_failure(if is_text { Format::Text } else { Format::Json }, Some(saved), &outcome)?;
    }
    let bar = progress();
    let ask = Ask { registry: session.registry, jobs, runs: arguments.runs, cancel, run: &run };
    let why = ask.why(target, scenario, seed, &mut |stage| show(&bar, stage, session));
    bar.finish_and_clear();
    let why = why.map_err(|row| nothing_fails(&row, "explain"))?;
    let reported = page.zip(arguments.report.as_deref()).map_or(Ok(()), |page| {
        let findings = Findings::of_why(&why).among_others(&called, case.failure(), Verdict::Violated);
        let called = if why.shrunk.is_some() { page::called_with(&called, None) } else { called.clone() };
        page::write(page, (&why.scenario, why.seed), &called, findings)
    });
    session.console.print(&match arguments.format {
        Told::Text => why_text(&why, &called, session.console.width.unwrap_or(StoryReport::WIDTH), session.console.color),
        Told::Json => format!("{}\n", why_json(&why)),
    })?;
    reported?;
    Ok(if cancel.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Held })
}

fn show(bar: &ProgressBar, stage: &Phase<'_>, session: &Session<'_>) {
    match stage {
        Phase::ShrinksFirst => session.console.complain("not all of its faults and operations are written down: it is shrunk first\n"),
        Phase::Shrinks(smaller) => bar.set_message(shrinking_line(smaller)),
        Phase::Asks(what, runs) => bar.set_message(format!("{what} · {runs} runs")),
    }
}
