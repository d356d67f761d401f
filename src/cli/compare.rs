//! `compare`: two scenarios, or two settings of one, on the same seeds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Session;
use super::exit::{Exit, Failure};
use super::input::{Input, SetArgument};
use super::measure::Many;
use super::sweep::Progress;
use crate::check::Verdict;
use crate::explore::{Ended, Figure, Row, compare, figures};
use crate::report::{ComparedReport, Invocation, Subject, as_file, compared_json, compared_text, opening};

#[derive(Args)]
pub(super) struct Arguments {
    /// How many seeds, each of which is run with both
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    #[command(flatten)]
    many: Many,
    /// A figure to tell of, whether it differs or not, like `requests of clients/all/mean`; may be repeated. Without it, all that differ
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    format: Told,
    /// The first scenario file
    #[arg(value_name = "SCENARIO")]
    file: PathBuf,
    /// The second; without it, the first one with what is set
    #[arg(value_name = "OTHER", required_unless_present = "settings")]
    other: Option<PathBuf>,
    /// Set a value, such as system.nodes=7, in both files; or, if there is but one, in its second variant; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<SetArgument>,
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

/// What became of a seed: its figures, and whether a property was violated. Nothing if it had no outcome.
type Measured = Option<(Vec<Figure>, bool)>;

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let part = arguments.many.seeds(arguments.seeds)?;
    let inputs = match &arguments.other {
        Some(other) => [&arguments.file, other].map(|file| Input::with(file, &arguments.settings)),
        None => [Input::of(&arguments.file), Input::with(&arguments.file, &arguments.settings)],
    };
    let (first, one) = inputs[0].load(session)?;
    let (second, other) = inputs[1].load(session)?;
    let names = [one, other].map(|called| name(&called));
    if arguments.format == Told::Text {
        let seeds = format!("seeds {} to {}, each with both", part.start, part.start + (part.count - 1));
        session.console.print(&(opening(&Subject::of(&first), &seeds, session.console.color) + "\n"))?;
    }
    let progress = Progress::new(2 * arguments.seeds);
    progress.begin();
    let mut measured = Vec::new();
    for scenario in [&first, &second] {
        let mut rows: Vec<Measured> = Vec::new();
        let mut take = |row: &Row| {
            let outcome = row.result.as_ref().ok();
            rows.push(outcome.map(|outcome| (figures(outcome), row.verdict() == Some(Verdict::Violated))));
        };
        if arguments.many.run(scenario, part, None, &progress, &mut take)? == Ended::Cancelled {
            progress.finish();
            session.console.complain("stopped: not all seeds have run with both, and nothing is compared\n");
            return Ok(Exit::Interrupted);
        }
        measured.push(rows);
    }
    progress.finish();
    let mut sides = measured.into_iter();
    let (ones, others) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
    let lost = ones.iter().zip(&others).filter(|(one, other)| one.is_none() || other.is_none()).count();
    if lost > 0 {
        session
            .console
            .complain(&format!("warning: {lost} of {} seeds gave no answer with one of the two; a sweep says why\n", arguments.seeds));
    }
    let pairs = ones.into_iter().zip(others).filter_map(|(one, other)| one.zip(other));
    let mut violated = [0; 2];
    let mut figures = Vec::new();
    for ((one, one_violated), (other, other_violated)) in pairs {
        violated[0] += u64::from(one_violated);
        violated[1] += u64::from(other_violated);
        figures.push([one, other]);
    }
    let comparison = compare(&figures);
    let known: Vec<&str> = comparison.figures.iter().map(|figure| figure.name.as_str()).collect();
    if let Some(unknown) = arguments.metrics.iter().find(|metric| !known.contains(&metric.as_str())) {
        return Err(Failure::new(Exit::Usage, &format!("no figure is called `{unknown}`: {}", known.join(", "))));
    }
    let variants = [names[0].as_str(), names[1].as_str()];
    let report = ComparedReport { variants, seeds: figures.len() as u64, violated, comparison: &comparison, wanted: &arguments.metrics };
    session.console.print(&match arguments.format {
        Told::Text => compared_text(&report, session.console.color),
        Told::Json => format!("{}\n", compared_json(&report)),
    })?;
    Ok(if lost > 0 { Exit::Unknown } else { Exit::Held })
}

/// A file, and what is set in it.
fn name(called: &Invocation) -> String {
    let set: String = called.settings.iter().map(|setting| format!(" --set {setting}")).collect();
    format!("{}{set}", as_file(&called.file))
}
