//! `run`: one run, judged.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure, reason};
use super::files::{Draft, Output};
use super::followed::Followed;
use super::histories::HistoryFile;
use super::input::{self, Input};
use super::save::Folder;
use super::workers::SecondRun;
use super::{Format, Session, files, panics};
use crate::base::Duration;
use crate::check::model::ModelName;
use crate::check::recorded::streams;
use crate::check::recorded::transactions::TransactionModel;
use crate::check::{Difference, PropertyReport, Verdict};
use crate::explore::causes::Causes;
use crate::explore::story::Story;
use crate::explore::{self, DETERMINISTIC};
use crate::report::{
    Findings, Html, Invocation, Render, Report, RunDetails, RunReport, StoryReport, Subject, TraceWriter, metrics_csv, opening,
    openmetrics, quote,
};
use crate::scenario::{Expected, Scenario};
use crate::systems::{Collecting, Watch};
use crate::trace::{Listener, Recording, Sink};
use crate::world::{Outcome, Stray};

/// How often a sample of metrics is taken, unless it is said; and how many there may be.
const EVERY: Duration = Duration::from_secs(1);
const SAMPLES_MOST: u64 = 1_000_000;

/// Of a run with more events no story is told: it would be kept in memory as a whole.
const EVENTS_TOLD: u64 = 500_000;

#[derive(Args)]
pub(super) struct Arguments {
    /// The seed; without it the scenario's own, or a fresh one
    #[arg(long, value_name = "N", value_parser = input::seed)]
    seed: Option<u64>,
    /// Tell in full how a violation came about, with a diagram
    #[arg(long)]
    story: bool,
    /// Run twice, in two processes, and name the first record that differs
    #[arg(long)]
    verify: bool,
    /// End with 0 if the scenario's outcome came true, even if that is a violation
    #[arg(long)]
    as_meant: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write every record to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write the requests of the run, with their causes over nodes, as OTLP JSON, which Jaeger opens
    #[arg(long, value_name = "FILE.json", conflicts_with = "verify")]
    spans: Option<PathBuf>,
    /// Write notes, marks, operations and faults to this file, as JSON lines with virtual time, node and span
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "verify")]
    log: Option<PathBuf>,
    /// Write what clients saw to this file, for check: x.edn as EDN, x.jsonl as JSON lines
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    history: Option<PathBuf>,
    /// Write what the run measures over time to this file, for Prometheus and such: x.om as OpenMetrics, x.csv as CSV
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    metrics: Option<PathBuf>,
    /// How often a sample is taken, in the run's own time; without it, each second
    #[arg(long, value_name = "LENGTH", value_parser = input::length, requires = "metrics")]
    every: Option<Duration>,
    /// Write the verdict on a page of its own; what the clients of a key-value system saw is drawn there
    #[arg(long, value_name = "FILE.html", conflicts_with = "verify")]
    report: Option<PathBuf>,
    /// If it fails, save that in this folder, as a file that runs again
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let (case, called) = arguments.input.load_case(session)?;
    let scenario = case.scenario();
    let called = Invocation { as_meant: arguments.as_meant, ..called };
    let subject = Subject::of(scenario);
    arguments.sane(scenario)?;
    let seed = arguments.seed.or(case.seed()).unwrap_or_else(input::fresh_seed);
    let RunFiles { trace, history, metrics, page, followed } = arguments.open()?;
    let save = arguments.save.as_ref().map(|path| Folder::open(path, scenario)).transpose()?;
    if arguments.format == Format::Text {
        let note = arguments.history.as_ref().zip(scenario.spelled()).map(|(file, model)| history_note(file, model, session, &called));
        let opening = opening(&subject, &format!("seed {seed}"), session.console.color) + &note.unwrap_or_default();
        session.console.print(&(opening + "\n"))?;
    }
    let run = |watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let (mut recording, mut listener) = (Recording::default(), Listener::default());
    let mut whereabouts = listener.sink();
    let (mut drawn, mut entries, mut collected) = (None, Vec::new(), None);
    let mut trace = trace.map(TraceWriter::new);
    let mut sinks: Vec<&mut dyn Sink> = trace.iter_mut().map(|trace| trace as &mut dyn Sink).collect();
    if followed.is_wanted() {
        sinks.extend([&mut recording as &mut dyn Sink, &mut whereabouts]);
    }
    let mut outcome = if arguments.verify {
        verify(scenario, seed, sinks, &run)?
    } else {
        let (drawing, history) = (page.is_some().then_some(&mut drawn), history.is_some().then_some(&mut entries));
        let every = arguments.every.unwrap_or(EVERY);
        let metrics = metrics.is_some().then_some(Collecting { every, into: &mut collected });
        let watch = Watch { sinks, drawing, history, metrics, ..Watch::default() };
        if followed.is_wanted() { listener.listen(|| run(watch)) } else { run(watch) }
    };
    if !arguments.verify {
        // Some checks are for some workloads only: who asks for more is told of those, too.
        outcome.strays.retain(|stray| !matches!(stray, Stray::Check { .. }));
    }
    let traced = trace.map_or(Ok(()), TraceWriter::finish);
    let findings = |outcome: &Outcome| Findings::default().among_others(&called, case.failure(), outcome.verdict());
    let details = page.is_some().then(|| RunDetails::of(&run, &outcome, findings(&outcome)));
    let story = arguments.tell(scenario, &outcome, session);
    let report = RunReport {
        subject,
        outcome: &outcome,
        called: &called,
        drawing: drawn.as_ref(),
        story: story.as_ref(),
        details: details.as_ref(),
    };
    session.print(arguments.format, &Report::Run(report))?;
    session.tell_of_failure(arguments.format, case.failure(), &outcome)?;
    if let Some(folder) = save {
        let same = case.failure().and_then(|saved| explore::violated_as(&outcome, saved.fingerprint));
        let failed = same.or(explore::first_violated(&outcome));
        folder.save(&outcome, failed.map(|failed| (failed, explore::fingerprint(failed))))?;
    }
    if let (Some(draft), Some(path)) = (page, &arguments.report) {
        draft.fill(path, &Html.render(&Report::Run(report)))?;
    }
    if let Some(history) = history {
        history.write(entries)?;
    }
    followed.write(&recording, &listener.said(), &subject, seed)?;
    if let (Some(draft), Some(path), Some(collected)) = (metrics, &arguments.metrics, collected) {
        draft.fill(path, &if is_csv(path) { metrics_csv(&collected) } else { openmetrics(&collected) })?;
    }
    match (traced, &arguments.trace) {
        (Err(error), Some(path)) => Err(Failure::file("write", path, &error)),
        _ => Ok(Exit::from(outcome.verdict()).as_meant(report.meant())),
    }
}

/// Runs, holds what became of it against a second run in another process, and adds a verdict on that. Only where the two differ are they
/// run again and held against each other record by record, which takes several times as long.
fn verify(scenario: &Scenario, seed: u64, sinks: Vec<&mut dyn Sink>, run: &dyn Fn(Watch<'_>) -> Outcome) -> Result<Outcome, Failure> {
    let started = |second: io::Result<SecondRun>| {
        second.map_err(|error| Failure::new(Exit::File, &format!("cannot start a second process: {}", reason(&error))))
    };
    let mut second = started(SecondRun::start(scenario, seed))?;
    let mut outcome = run(Watch { sinks, ..Watch::default() });
    let report = if second.ends_like(&outcome) {
        PropertyReport::holds(&DETERMINISTIC)
    } else {
        let mut second = started(SecondRun::closely(scenario, seed))?;
        let again = explore::verify(Vec::new(), run, &mut second);
        let found = again.properties.into_iter().find(|report| report.name == DETERMINISTIC.name && report.verdict == Verdict::Violated);
        found.unwrap_or_else(|| PropertyReport::violated(&DETERMINISTIC, outcome.sim_time, Difference::AtTimes))
    };
    outcome.properties.push(report);
    Ok(outcome)
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// The files that a run writes.
struct RunFiles {
    trace: Option<Output>,
    history: Option<HistoryFile>,
    metrics: Option<Draft>,
    page: Option<Draft>,
    followed: Followed,
}

impl Arguments {
    /// Refuses what the system cannot do.
    fn sane(&self, scenario: &Scenario) -> Result<(), Failure> {
        let run = scenario.conditions.duration + scenario.conditions.settle;
        if let Some(every) = self.every.filter(|every| run.as_nanos() / every.as_nanos() > SAMPLES_MOST) {
            return Err(Failure::new(Exit::Usage, &format!("--every {every}: more than {SAMPLES_MOST} samples in a run of {run}")));
        }
        if self.history.is_none() || scenario.spelled().is_some() {
            return Ok(());
        }
        let system = scenario.system();
        let message =
            format!("{system} has no notation for what its clients see: --history is for systems that have one, see System::spelling");
        Err(Failure::new(Exit::Usage, &message))
    }

    /// How the violation came about, if anything is violated and the format tells of it: for that the run is replayed.
    fn tell(&self, scenario: &Scenario, outcome: &Outcome, session: &Session<'_>) -> Option<StoryReport> {
        let is_told = matches!(self.format, Format::Text | Format::Json) || self.report.is_some();
        let width = session.console.width.unwrap_or(StoryReport::WIDTH);
        is_told.then(|| tell(scenario, outcome, self.story, width)).flatten()
    }

    /// Opens all files, before the run.
    fn open(&self) -> Result<RunFiles, Failure> {
        let scenario = &self.input.file;
        let outputs = [&self.trace, &self.history, &self.metrics, &self.report, &self.spans, &self.log];
        files::distinct(&outputs.map(Option::as_ref))?;
        let followed = Followed::open(self.spans.as_ref(), self.log.as_ref(), scenario)?;
        let history = self.history.as_ref().map(|path| HistoryFile::open(path, scenario)).transpose()?;
        let metrics = self.metrics.as_ref().map(|path| files::draft(path, "scenario", &[scenario])).transpose()?;
        let page = self.report.as_ref().map(|path| files::draft(path, "scenario", &[scenario])).transpose()?;
        let trace = self.trace.as_ref().map(|path| files::create(path, scenario)).transpose()?;
        Ok(RunFiles { trace, history, metrics, page, followed })
    }
}

/// How the violation came about, if anything is violated: for that the run is replayed.
pub(super) fn tell(scenario: &Scenario, outcome: &Outcome, full: bool, width: usize) -> Option<StoryReport> {
    if outcome.verdict() != Verdict::Violated || outcome.events > EVENTS_TOLD {
        return None;
    }
    let mut recording = Recording::default();
    let watch = Watch { sinks: vec![&mut recording], ..Watch::default() };
    let again = panics::watched(|| scenario.run_watched(outcome.seed, watch));
    // A run that is not the same again has no story.
    if again.digest != outcome.digest {
        return None;
    }
    let wanted = if let Expected::Violates(property) = scenario.expected { Some(property) } else { None };
    let story = Story::of(&again, wanted, &recording, &Causes::of(&recording))?;
    Some(StoryReport { story, recording, full, width })
}

/// What can be done with the history.
fn history_note(file: &Path, model: &str, session: &Session<'_>, called: &Invocation) -> String {
    let is_own = || session.registry.models().iter().any(|own| own.name == model);
    let is_known = TransactionModel::named(model).is_some() || model == streams::MODEL || model.parse::<ModelName>().is_ok() || is_own();
    let file = file.display().to_string();
    if is_known {
        format!("history for {} check {} --model {model}\n", quote(&called.program), quote(&file))
    } else {
        format!("history of {model}, which no model of check judges, in {file}\n")
    }
}
