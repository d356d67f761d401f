//! `run`: one run, judged.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::input::{self, Input};
use super::{Format, Session, files, panics};
use crate::explore;
use crate::report::{Invocation, Subject, TraceWriter, opening, run_json, run_text};
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
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let scenario = arguments.input.load(session)?;
    let called = arguments.input.invocation(session);
    let subject = Subject::of(&scenario);
    let seed = arguments.seed.or(scenario.seed).unwrap_or_else(input::fresh_seed);
    let mut trace = match &arguments.trace {
        Some(path) => Some(TraceWriter::new(files::create(path, &arguments.input.file)?)),
        None => None,
    };
    if arguments.format == Format::Text {
        session.console.print(&(opening(&subject, &format!("seed {seed}"), session.console.color) + "\n"))?;
    }
    let run = |watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    let sinks: Vec<&mut dyn Sink> = trace.iter_mut().map(|trace| trace as &mut dyn Sink).collect();
    let outcome = if arguments.verify { explore::verify(sinks, run) } else { run(Watch { sinks, ..Watch::default() }) };
    let written = trace.map_or(Ok(()), TraceWriter::finish);
    show(&subject, &outcome, &called, arguments.format, session)?;
    match (written, &arguments.trace) {
        (Err(error), Some(path)) => Err(Failure::file("write", path, &error)),
        _ => Ok(outcome.verdict().into()),
    }
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
