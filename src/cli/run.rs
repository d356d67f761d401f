//! `run`: one run, judged.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::files::Draft;
use super::input::{self, Input};
use super::{Format, Session, files, panics};
use crate::check::{Verdict, View};
use crate::explore;
use crate::report::{Invocation, PageText, Subject, TraceWriter, opening, page, run_json, run_text};
use crate::systems::Watch;
use crate::trace::Sink;
use crate::world::Outcome;

#[derive(Args)]
pub(super) struct Arguments {
    /// The seed; without it the scenario's own, or a fresh one
    #[arg(long, value_name = "N", value_parser = input::seed)]
    seed: Option<u64>,
    /// Run twice, and name the first record that differs
    #[arg(long)]
    verify: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write every record to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Draw what the clients of a key-value system saw, on a page of its own
    #[arg(long, value_name = "FILE.html", conflicts_with = "verify")]
    report: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let scenario = arguments.input.load(session)?;
    let called = arguments.input.invocation(session);
    let subject = Subject::of(&scenario);
    if arguments.report.is_some() && !scenario.draws() {
        let message = format!("{} has no history that can be drawn: --report is for key-value systems", subject.system);
        return Err(Failure::new(Exit::Usage, &message));
    }
    let seed = arguments.seed.or(scenario.seed).unwrap_or_else(input::fresh_seed);
    let mut trace = match &arguments.trace {
        Some(path) => Some(TraceWriter::new(files::create(path, &arguments.input.file)?)),
        None => None,
    };
    let draft = arguments.report.as_ref().map(|path| files::draft(path, std::slice::from_ref(&arguments.input.file))).transpose()?;
    if arguments.format == Format::Text {
        session.console.print(&(opening(&subject, &format!("seed {seed}"), session.console.color) + "\n"))?;
    }
    let run = |watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let mut view = None;
    let drawing = draft.is_some().then_some(&mut view);
    let sinks: Vec<&mut dyn Sink> = trace.iter_mut().map(|trace| trace as &mut dyn Sink).collect();
    let outcome = if arguments.verify { explore::verify(sinks, run) } else { run(Watch { sinks, drawing, ..Watch::default() }) };
    let written = trace.map_or(Ok(()), TraceWriter::finish);
    show(&subject, &outcome, &called, arguments.format, session)?;
    if let (Some(draft), Some(path), Some(view)) = (draft, &arguments.report, &view) {
        let text = run_text(&subject, &outcome, &called, false);
        draw(draft, path, &subject, &format!("seed {seed}"), &text, view)?;
    }
    match (written, &arguments.trace) {
        (Err(error), Some(path)) => Err(Failure::file("write", path, &error)),
        _ => Ok(outcome.verdict().into()),
    }
}

/// Writes the page.
fn draw(mut draft: Draft, path: &Path, subject: &Subject<'_>, seed: &str, text: &str, view: &View) -> Result<(), Failure> {
    let (verdict, headline) = match (&view.witness, view.scenes.is_empty()) {
        (Some(_), _) => (Verdict::Holds, "what clients saw is linearizable"),
        (None, false) => (Verdict::Violated, "what clients saw is not linearizable"),
        (None, true) => (Verdict::Unknown, "whether what clients saw is linearizable"),
    };
    let facts = [subject.system.to_owned(), seed.to_owned()];
    let text = PageText { verdict, headline, source: subject.name, facts: &facts, text, client: "c", first: 1 };
    draft.write_all(page(&text, view).as_bytes()).map_err(|error| Failure::file("write", path, &error))?;
    draft.finish()
}

/// Prints what became of the run.
pub(super) fn show(
    subject: &Subject<'_>,
    outcome: &Outcome,
    called: &Invocation,
    format: Format,
    session: &Session<'_>,
) -> Result<(), Failure> {
    match format {
        Format::Text => session.console.print(&run_text(subject, outcome, called, session.console.color)),
        Format::Json => session.console.print(&format!("{}\n", run_json(subject, outcome, called))),
    }
}
