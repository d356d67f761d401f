//! `curve`: how the figures of a scenario go with its values.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::Session;
use super::exit::{Exit, Failure};
use super::files::{self, shown};
use super::input::{Input, SetArgument};
use super::measure::{Many, Rows};
use super::sweep::Progress;
use crate::check::Verdict;
use crate::explore::why::Share;
use crate::explore::{Axis, Ended, Figure, Row, Seeds, Thresholds, Tick, figures};
use crate::report::{Curve, CurvePoint, Invocation, Subject, curve_csv, curve_svg, curve_text, opening, thresholds_text};
use crate::scenario::Scenario;

#[derive(Args)]
pub(super) struct Arguments {
    /// A value of the scenario, and what it goes over: workload.arrivals[0]=100/s..2000/s, network.loss=0..10%, system.nodes=3..9; or the
    /// values themselves: workload.balance=Random|RoundRobin. A second one makes a curve for each of its values
    #[arg(long = "vary", value_name = "PATH=FROM..TO", required = true)]
    axes: Vec<VaryArgument>,
    /// How many values of each are tried
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    steps: u32,
    /// Each value is so many times the one before, instead of so much above it
    #[arg(long)]
    geometric: bool,
    /// How many seeds each is run with
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    #[command(flatten)]
    many: Many,
    /// A figure to tell of, like `requests of clients/all/mean`; may be repeated. Without it, a few
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// Find from which value on this property holds no more, by bisection, in place of trying all
    #[arg(long, value_name = "PROPERTY", conflicts_with_all = ["steps", "geometric", "metrics", "csv", "svg"])]
    find: Option<String>,
    /// Write all figures to this file, a line for each value
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw them into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Keep the rows of all seeds in this folder: a file for each value, as `sweep --out` writes it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on where the rows in the folder end
    #[arg(long, requires = "out")]
    resume: bool,
    /// A scenario file
    #[arg(value_name = "SCENARIO")]
    file: PathBuf,
    /// Set a value of the scenario, such as system.nodes=7; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<SetArgument>,
}

/// `workload.arrivals[0]=100/s..2000/s`.
#[derive(Clone, Debug)]
struct VaryArgument {
    path: String,
    axis: Axis,
}

impl FromStr for VaryArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, axis) = text.split_once('=').ok_or("expected PATH=FROM..TO, like workload.arrivals[0]=100/s..2000/s")?;
        Ok(Self { path: path.trim().to_owned(), axis: axis.parse()? })
    }
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    if arguments.axes.len() > 2 {
        return Err(Failure::new(Exit::Usage, "--vary can be given twice at most: one value along the curve, and one for each curve"));
    }
    let part = arguments.many.seeds(arguments.seeds)?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("write", folder, &error))?;
    }
    let (scenario, _) = Input::with(&arguments.file, &arguments.settings).load(session)?;
    let seeds = format!("seeds {} to {}, each with every value", part.start, part.start + (part.count - 1));
    session.console.print(&(opening(&Subject::of(&scenario), &seeds, session.console.color) + "\n"))?;
    match &arguments.find {
        Some(property) => arguments.find(property, part, session),
        None => arguments.draw(part, session),
    }
}

/// What became of the seeds at one value.
#[derive(Default)]
struct Measured {
    figures: Vec<Vec<Figure>>,
    violated: u64,
    /// Of a property that is looked for: in how many seeds it held.
    holds: u64,
    judged: u64,
}

impl Arguments {
    /// Runs all seeds at these values, one for each axis.
    fn measure(
        &self,
        ticks: &[&Tick],
        part: Seeds,
        (property, progress): (Option<&str>, &Progress),
        session: &Session<'_>,
    ) -> Result<(Measured, Ended), Failure> {
        let mut settings = self.settings.clone();
        settings.extend(self.axes.iter().zip(ticks).map(|(vary, tick)| SetArgument::new(&vary.path, &tick.text)));
        let (scenario, called): (Scenario, Invocation) = Input::with(&self.file, &settings).load(session)?;
        let path = self.out.as_ref().map(|folder| folder.join(format!("{}.jsonl", file_name(ticks))));
        let rows = path.as_deref().map(|path| Rows { path, resume: self.resume && path.exists(), called: &called });
        let (mut measured, mut unknown) = (Measured::default(), None);
        let mut take = |row: &Row| {
            let Ok(outcome) = &row.result else { return };
            measured.violated += u64::from(row.verdict() == Some(Verdict::Violated));
            if let Some(property) = property {
                match outcome.properties.iter().find(|report| report.name == property).map(|report| report.verdict) {
                    Some(Verdict::Unknown) => {}
                    Some(verdict) => {
                        measured.holds += u64::from(verdict == Verdict::Holds);
                        measured.judged += 1;
                    }
                    None => unknown = Some(outcome.properties.iter().map(|report| report.name).collect::<Vec<_>>().join(", ")),
                }
            }
            measured.figures.push(figures(outcome));
        };
        let ended = self.many.run(&scenario, part, rows, progress, &mut take)?;
        match (unknown, property) {
            (Some(known), Some(property)) => {
                let message = format!("this scenario is not judged by a property `{property}`; it is by {known}");
                Err(Failure::new(Exit::Usage, &message))
            }
            _ => Ok((measured, ended)),
        }
    }

    /// Runs all values, and tells of them.
    fn draw(&self, part: Seeds, session: &Session<'_>) -> Result<Exit, Failure> {
        let along = self.axes[0].axis.ticks(self.steps, self.geometric);
        let curves = self.axes.get(1).map_or_else(Vec::new, |vary| vary.axis.ticks(self.steps, self.geometric));
        let others: Vec<Option<&Tick>> = if curves.is_empty() { vec![None] } else { curves.iter().map(Some).collect() };
        let files = [&self.csv, &self.svg].map(|path| path.as_ref().map(|path| files::draft(path, "scenario", &[&self.file])));
        let [csv, svg] = files.map(Option::transpose);
        let (csv, svg) = (csv?, svg?);
        let progress = Progress::new(along.len() as u64 * others.len() as u64 * part.count);
        progress.begin();
        let mut points = Vec::new();
        let mut is_over = false;
        'all: for other in others {
            for tick in &along {
                let ticks: Vec<&Tick> = [tick].into_iter().chain(other).collect();
                let (measured, ended) = self.measure(&ticks, part, (None, &progress), session)?;
                if ended == Ended::Cancelled {
                    is_over = true;
                    break 'all;
                }
                points.push(CurvePoint::new(ticks.into_iter().cloned().collect(), &measured.figures, measured.violated));
            }
        }
        progress.finish();
        let paths = self.axes.iter().map(|vary| vary.path.clone()).collect();
        let curve =
            Curve { title: self.file.display().to_string(), paths, points, axis: self.axes[0].axis.clone(), geometric: self.geometric };
        let known = curve.names();
        if let Some(unknown) = self.metrics.iter().find(|metric| !known.contains(&metric.as_str())) {
            return Err(Failure::new(Exit::Usage, &format!("no figure is called `{unknown}`: {}", known.join(", "))));
        }
        let wanted = if self.metrics.is_empty() { curve.usual() } else { self.metrics.clone() };
        session.console.print(&curve_text(&curve, &wanted, session.console.color))?;
        if is_over {
            session.console.complain("stopped: what is told is of the values before; no file is written\n");
            return Ok(Exit::Interrupted);
        }
        for (draft, path, text) in [(csv, &self.csv, curve_csv(&curve)), (svg, &self.svg, curve_svg(&curve, &wanted))] {
            if let (Some(mut draft), Some(path)) = (draft, path) {
                use std::io::Write as _;
                draft.write_all(text.as_bytes()).map_err(|error| Failure::file("write", path, &error))?;
                draft.finish()?;
                session.console.print(&format!("  {} is written\n", shown(path)))?;
            }
        }
        Ok(Exit::Held)
    }

    /// Brackets the values at which a property stops to hold.
    fn find(&self, property: &str, part: Seeds, session: &Session<'_>) -> Result<Exit, Failure> {
        let [vary] = &self.axes[..] else {
            return Err(Failure::new(Exit::Usage, "--find goes along one value: give --vary once"));
        };
        let property = kebab(property);
        let progress = Progress::new(part.count);
        let mut is_over = false;
        let found = Thresholds::find(&vary.axis, |tick| {
            let (measured, ended) = self.measure(&[tick], part, (Some(&property), &progress), session).map_err(Some)?;
            if ended == Ended::Cancelled {
                is_over = true;
                return Err(None);
            }
            Ok(Share { failed: measured.holds, of: measured.judged })
        });
        progress.finish();
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Failure::new(Exit::Usage, "--find needs two ends to look between: FROM..TO")),
            Err(None) => {
                session.console.complain("stopped: no threshold is found yet; with --out and --resume it goes on from there\n");
                return Ok(Exit::Interrupted);
            }
            Err(Some(failure)) => return Err(failure),
        };
        session.console.print(&thresholds_text(&found, (&vary.path, &property), session.console.color))?;
        Ok(Exit::Held)
    }
}

/// `Recovers` is the property `recovers`, `OneLeader` would be `one-leader`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// The name of the file of rows for these values: no other ones have it.
fn file_name(ticks: &[&Tick]) -> String {
    let letter = |letter: char| match letter {
        '/' => "-per-".to_owned(),
        '%' => "-percent".to_owned(),
        letter if letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_') => letter.to_string(),
        other => format!("_{:x}_", u32::from(other)),
    };
    let texts: Vec<String> = ticks.iter().map(|tick| tick.text.chars().map(letter).collect()).collect();
    texts.join("+")
}
