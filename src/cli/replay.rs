//! `replay`: a run, record by record.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::exit::{Exit, Failure};
use super::files::{self, Draft};
use super::input::{self, Input};
use super::step::{self, Stepper};
use super::workers::named_records;
use super::{Format, Session, console, panics};
use crate::base::{Duration, NodeId, Time};
use crate::explore::causes::Causes;
use crate::explore::{Again, first_violated, nodes_at};
use crate::misspelling::nearest;
use crate::report::{CauseWords, Export, Filter, ReplayWriter, Report, RunReport, Subject, nodes_text, opening};
use crate::scenario::Scenario;
use crate::systems::Watch;
use crate::trace::{Recording, Sink, UntypedRecord};
use crate::world::{Outcome, Stray};

#[derive(Args)]
pub(super) struct Arguments {
    /// The seed; without it the scenario's own
    #[arg(long, value_name = "N", value_parser = input::seed)]
    seed: Option<u64>,
    /// Show nothing before this time, such as 2.5s
    #[arg(long, value_name = "T", value_parser = time)]
    from: Option<Time>,
    /// Show nothing after this time
    #[arg(long, value_name = "T", value_parser = time)]
    until: Option<Time>,
    /// Show only what concerns this node, such as n2 or c1; may be repeated. Faults are shown all the same
    #[arg(long, value_name = "NODE", value_parser = NodeId::from_str)]
    node: Vec<NodeId>,
    /// Show only messages of this kind, or records of this sort (timer, write, note, fault, …); may be repeated
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Show only records whose line has this text, in capitals or not
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    grep: String,
    /// Show below each record what it came of (←) and what came of it (→); the run is shown once it is over
    #[arg(long)]
    causes: bool,
    /// Write the run for another tool, by the name of the file: x.shiviz or x.log for ShiViz, x.json for Perfetto
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Show only what surrounds this time, or the violation: violation, 2.5s
    #[arg(long, value_name = "violation|T", conflicts_with_all = ["from", "until"])]
    around: Option<Around>,
    /// Show how every node stands at this time: role, timers, clock, disk, what is under way
    #[arg(long, value_name = "T", value_parser = time, conflicts_with_all = ["from", "until", "around", "kind", "step"])]
    at: Option<Time>,
    /// Go through it by hand, event by event, forward and back; needs a terminal
    #[arg(long)]
    step: bool,
    /// Show messages, timers and notes whole, on a terminal too
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    input: Input,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let (case, called) = arguments.input.load_case(session)?;
    let scenario = case.scenario();
    let no_seed = || Failure::new(Exit::Usage, "which run? The scenario names no seed: add --seed N");
    let seed = arguments.seed.or(case.seed()).ok_or_else(no_seed)?;
    let mut filter = arguments.filter(scenario)?;
    let export = arguments.export.as_ref().map(|path| Exporting::open(path, &arguments.input.file)).transpose()?;
    if arguments.step {
        step::needs_terminal()?;
    }
    let subject = Subject::of(scenario);
    let color = session.console.color;
    session.console.print(&(opening(&subject, &format!("seed {seed}"), color) + "\n"))?;
    let width = session.console.width.filter(|_| !arguments.full);
    let again = |watch: Watch<'_>| panics::watched(|| scenario.run_watched(seed, watch));
    if let Some(at) = arguments.at {
        return arguments.stand(at, &again, width, session);
    }
    if let Some(around) = arguments.around {
        filter = around.narrow(filter, &again, seed)?;
    }
    if arguments.step {
        step::by_hand(&mut Stepper::new(&again, filter, width, color), session)?;
        return Ok(Exit::Held);
    }
    // Line by line: what was done can be read while it is still judged.
    let named = named_records(scenario, seed);
    let mut writer = ReplayWriter::new(io::stdout().lock(), filter, width, color).marking(named);
    let mut recording = Recording::default();
    let mut outcome = arguments.shown(&again, &mut writer, &mut recording);
    outcome.strays.retain(|stray| !matches!(stray, Stray::Check { .. }));
    match writer.finish() {
        Ok(0) => session.console.print("  no record is like that\n\n")?,
        Ok(_) => session.console.print("\n")?,
        // A reader that has closed the other end wants no more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(outcome.verdict().into()),
        Err(error) => console::unless_closed(Err(error))?,
    }
    if let Some(export) = export {
        export.write(&recording)?;
    }
    let report = RunReport { subject, outcome: &outcome, called: &called, drawing: None, story: None, details: None };
    session.print(Format::Text, &Report::Run(report))?;
    session.tell_of_failure(Format::Text, case.failure(), &outcome)?;
    Ok(outcome.verdict().into())
}

/// What to show the surroundings of.
#[derive(Clone, Copy, Debug)]
enum Around {
    Violation,
    Time(Time),
}

impl FromStr for Around {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "violation" { Ok(Self::Violation) } else { time(text).map(Self::Time) }
    }
}

/// How many records are shown before what they surround, and how many after.
const BEFORE: usize = 60;
const AFTER: usize = 10;

impl Around {
    /// Only the records that come shortly before, and a few that come after.
    fn narrow(self, filter: Filter, again: Again<'_>, seed: u64) -> Result<Filter, Failure> {
        let mut shown = Shown { filter, records: Vec::new() };
        let outcome = again(Watch { sinks: vec![&mut shown], ..Watch::default() });
        let at = match self {
            Self::Time(at) => at,
            Self::Violation => first_violated(&outcome)
                .map(|report| report.at.unwrap_or(outcome.sim_time))
                .ok_or_else(|| Failure::new(Exit::Usage, &format!("--around violation: under seed {seed} nothing is violated")))?,
        };
        let Shown { filter, records } = shown;
        let end = records.partition_point(|(_, when)| *when <= at);
        let number = |place: usize| records.get(place).map(|(number, _)| *number);
        let first = number(end.saturating_sub(BEFORE)).unwrap_or(0);
        let last = number((end + AFTER).saturating_sub(1).min(records.len().saturating_sub(1))).unwrap_or(0);
        Ok(Filter { numbers: first..=last, ..filter })
    }
}

/// The records that pass a filter: their numbers, and when they were.
struct Shown {
    filter: Filter,
    records: Vec<(u64, Time)>,
}

impl Sink for Shown {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if self.filter.admits(entry) {
            self.records.push((entry.number, entry.at));
        }
    }
}

/// A file for another tool that the run is to be written to.
struct Exporting {
    path: PathBuf,
    format: Export,
    draft: Draft,
}

impl Exporting {
    /// Opens the file, before the run.
    fn open(path: &Path, scenario: &Path) -> Result<Self, Failure> {
        let format = Export::of(path).map_err(|problem| Failure::new(Exit::Usage, &format!("--export {problem}")))?;
        Ok(Self { path: path.to_owned(), format, draft: files::draft(path, "scenario", &[scenario])? })
    }

    fn write(self, recording: &Recording) -> Result<(), Failure> {
        self.draft.fill(&self.path, &self.format.text(recording, &Causes::of(recording)))
    }
}

impl Arguments {
    /// Shows the run, and keeps it where that is asked for. Causes are told when all of them are known.
    fn shown<W: Write>(&self, again: Again<'_>, writer: &mut ReplayWriter<W>, recording: &mut Recording) -> Outcome {
        if !self.causes {
            let mut sinks: Vec<&mut dyn Sink> = vec![writer];
            if self.export.is_some() {
                sinks.push(recording);
            }
            return again(Watch { sinks, ..Watch::default() });
        }
        let outcome = again(Watch { sinks: vec![&mut *recording], ..Watch::default() });
        let (recording, causes) = (&*recording, Causes::of(recording));
        let words = CauseWords { recording, causes: &causes };
        recording.records().iter().for_each(|record| writer.show(&record.entry(), || words.lines(record.number)));
        outcome
    }

    /// Shows how nodes stand at this time.
    fn stand(&self, at: Time, again: Again<'_>, width: Option<usize>, session: &Session<'_>) -> Result<Exit, Failure> {
        let (found, outcome) = nodes_at(again, at);
        let end = outcome.sim_time;
        let Some((moment, views)) = found else {
            return Err(Failure::new(Exit::Usage, &format!("--at {at}: the run ends at {end}")));
        };
        let views: Vec<_> = views.into_iter().filter(|view| self.node.is_empty() || self.node.contains(&view.node)).collect();
        let over = if at > end { format!(", where it ended at {end}") } else { String::new() };
        let head = format!("  at {at}, after {} records{over}\n\n", moment.records.1);
        session.console.print(&(head + &nodes_text(&views, None, width, session.console.color)))?;
        Ok(outcome.verdict().into())
    }

    /// What to show. Nodes and kinds must exist: a misspelling would show nothing and say nothing.
    fn filter(&self, scenario: &Scenario) -> Result<Filter, Failure> {
        let (from, until) = (self.from.unwrap_or(Time::ZERO), self.until.unwrap_or(Time::MAX));
        if from > until {
            return Err(Failure::new(Exit::Usage, &format!("--from {from} --until {until}: the range is empty")));
        }
        for node in &self.node {
            check_node(*node, scenario)?;
        }
        for kind in &self.kind {
            check_kind(kind, scenario)?;
        }
        Ok(Filter { from, until, nodes: self.node.clone(), kinds: self.kind.clone(), text: self.grep.clone(), ..Filter::default() })
    }
}

fn check_node(node: NodeId, scenario: &Scenario) -> Result<(), Failure> {
    let population = scenario.roster().population;
    let (count, letter) = if node.is_client() { (population.clients, 'c') } else { (population.servers, 'n') };
    if node.index() < count as usize {
        return Ok(());
    }
    let known = if count == 0 { "there are none of these".to_owned() } else { format!("the last is {letter}{count}") };
    Err(Failure::new(Exit::Usage, &format!("--node {node}: there is no such node; {known}")))
}

fn check_kind(kind: &str, scenario: &Scenario) -> Result<(), Failure> {
    let known: Vec<&str> = scenario.roster().kinds.iter().chain(UntypedRecord::SORTS).copied().collect();
    if known.contains(&kind) {
        return Ok(());
    }
    let hint = nearest(kind, known.iter().copied()).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Err(Failure::new(Exit::Usage, &format!("--kind {kind}: {hint}known are {}", known.join(", "))))
}

/// A time on the command line: `2.5s`.
fn time(text: &str) -> Result<Time, String> {
    let since_start: Duration = text.parse().map_err(|error| format!("{error}"))?;
    Ok(Time::ZERO + since_start)
}
