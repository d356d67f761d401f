//! The command. [`main_with`] gives a program with its own systems the whole command line:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use stormglass::systems::Registry;
//!
//! fn main() -> ExitCode {
//!     stormglass::cli::main_with(Registry::new() /* .with::<MySystem>() */)
//! }
//! ```
//!
//! This is the only room that prints, exits, reads files, arguments, the environment and the wall clock, or sets hooks.

mod catalogue;
mod check;
mod compare;
mod console;
mod convert;
mod curve;
mod exit;
mod explain;
mod files;
mod followed;
mod histories;
mod input;
mod interrupt;
mod lint;
mod list;
mod measure;
mod merge;
mod new;
mod page;
mod panics;
mod replay;
mod run;
mod save;
mod shrink;
mod step;
mod sweep;
mod why;
mod workers;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::base::printable;
use crate::report::{GitHub, JUnit, Json, Render, Report, Text, changed, standing};
use crate::scenario;
use crate::systems::Registry;
use crate::world::Outcome;
use console::Console;
use exit::{Exit, Failure};

/// The command as this program was called, for systems out of this registry. Its exit code says what came of it: see [`run_from`].
pub fn main_with(registry: Registry) -> ExitCode {
    run_from(std::env::args_os(), &registry)
}

/// The command with these arguments, the first of them the name of the program.
///
/// Listens to Ctrl-C and takes over the report of panics, for the rest of the process. The exit code is 0 if all held, 1 if a property was
/// violated, 2 for a usage error, 3 for an invalid file, 4 if a budget ended first, 5 if a sweep never saw what it must, 70 for a defect of
/// Stormglass itself, 74 if a file could not be read or written, and 130 if it was interrupted.
///
/// `sweep` and `run --verify` start this program again as workers, with the arguments of the process and one variable more in its
/// environment. There this function runs seeds as it is told, and never returns: whatever a program does before it comes here, it does in
/// each of its workers, too.
pub fn run_from(arguments: impl IntoIterator<Item = impl Into<OsString>>, registry: &Registry) -> ExitCode {
    if workers::is_wanted() {
        return workers::serve(registry);
    }
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let program = program_name(&arguments);
    let command = match parse(&program, &arguments) {
        Ok(arguments) => arguments.command,
        Err(problem) => return complain_of(&problem, &program, &arguments),
    };
    interrupt::listen();
    panics::take_over();
    let session = Session { registry, program, console: Console::new() };
    session.execute(&command).into()
}

fn parse(program: &str, arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    parser(program).try_get_matches_from(arguments).and_then(|matches| Arguments::from_arg_matches(&matches))
}

/// Says what is wrong with the arguments, or the help that they ask for.
fn complain_of(problem: &clap::Error, program: &str, arguments: &[OsString]) -> ExitCode {
    // The complaint is of the arguments as they can be shown, for it repeats them.
    let shown: Vec<OsString> = arguments.iter().map(|argument| printable(&argument.to_string_lossy()).into_owned().into()).collect();
    let again = parse(program, &shown).err();
    let (text, console) = (again.as_ref().unwrap_or(problem).render(), Console::new());
    // If this cannot be printed, it cannot be reported either.
    let _ = if problem.use_stderr() {
        console.complain(&if console.error_color { text.ansi().to_string() } else { text.to_string() });
        Ok(())
    } else {
        console.print(&if console.color { text.ansi().to_string() } else { text.to_string() })
    };
    ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(Exit::Usage as u8))
}

#[derive(Parser)]
#[command(
    name = "stormglass",
    version = concat!("(Stormglass ", env!("CARGO_PKG_VERSION"), ")"),
    about = "Runs distributed systems in a deterministic simulation, under faults, and judges what their clients saw.",
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scenario once, and judge it
    Run(run::Arguments),
    /// Run many seeds of a scenario, on all cores
    Sweep(sweep::Arguments),
    /// Run two scenarios, or two settings of one, on the same seeds, and tell what differs
    Compare(compare::Arguments),
    /// Vary numbers of a scenario, and tell how its figures go with them, or from where on a property holds no more
    Curve(curve::Arguments),
    /// Put the rows of shards together, and judge the sweep that they are of
    Merge(merge::Arguments),
    /// Show a run record by record
    Replay(replay::Arguments),
    /// Cut a failing run down to the few things that matter
    Shrink(shrink::Arguments),
    /// Find out what brings a failure about
    Why(why::Arguments),
    /// Check scenario files without running them
    Lint(lint::Arguments),
    /// Judge a recorded history, of any origin
    Check(check::Arguments),
    /// Write a recorded history in another format
    Convert(convert::Arguments),
    /// List what there is: systems, faults, properties, mutants, decoys, models, guarantees, levels
    List(list::Arguments),
    /// Explain a system, a fault, a check, a mutant, a model, a mark, …
    Explain(explain::Arguments),
    /// Make a crate with a protocol, scenarios, a planted bug and tests, to begin with
    New(new::Arguments),
}

/// An example of each command, and where to read on.
const EXAMPLES: &[(&str, &str)] = &[
    ("run", "run scenarios/raft/leader-crash.ron --seed 7 --set duration=60s"),
    ("sweep", "sweep scenarios/raft/crash-storm.ron --seeds 1000 --keep-going --out rows.jsonl"),
    ("compare", "compare scenarios/service/two-queues.ron scenarios/service/one-queue.ron --seeds 20"),
    ("curve", "curve scenarios/service/four-workers.ron --vary 'workload.arrivals[0]=100/s..380/s' --steps 8 --seeds 5"),
    ("merge", "merge shard-*.jsonl --out rows.jsonl"),
    ("replay", "replay scenarios/raft/leader-crash.ron --seed 7 --from 2s --until 2.5s --node n2"),
    ("shrink", "shrink scenarios/raft/leader-crash.ron --seed 7 --out small.ron"),
    ("why", "why scenarios/smallest/raft/commits-old-term.ron"),
    ("lint", "lint scenarios/raft/*.ron"),
    ("check", "check history.edn --model cas-register --report why.html"),
    ("convert", "convert jepsen.log --to json -o history.jsonl"),
    ("list", "list mutants"),
    ("explain", "explain Partition"),
    ("new", "new my-protocol --path ../protocols"),
];

fn parser(program: &str) -> clap::Command {
    let mut parser = Arguments::command().display_name(program).after_help(format!("Example: {program} {}", EXAMPLES[0].1));
    for name in ["run", "replay", "shrink", "why"] {
        let either = |file: clap::Arg| file.value_name("FAILURE|SCENARIO").help("A scenario file, or a failure that was saved");
        parser = parser.mut_subcommand(name, |command| command.mut_arg("file", either));
    }
    for (name, example) in EXAMPLES {
        parser = parser.mut_subcommand(name, |command| command.after_help(format!("Example: {program} {example}")));
    }
    parser
}

/// What this program is called.
fn program_name(arguments: &[OsString]) -> String {
    let name = arguments.first().and_then(|path| Path::new(path).file_stem());
    name.map_or_else(|| "stormglass".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// How results are written.
// The values have no documentation of their own: it would stretch the help of every command over two pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    // For people.
    #[default]
    Text,
    // For programs: one object, versioned.
    Json,
    // For CI systems: XML.
    Junit,
    // For GitHub: annotations.
    Github,
}

/// What every command has at hand.
struct Session<'r> {
    registry: &'r Registry,
    program: String,
    console: Console,
}

impl Session<'_> {
    /// Prints a report in this format.
    fn print(&self, format: Format, report: &Report<'_>) -> Result<(), Failure> {
        self.console.print(&match format {
            Format::Text => Text { color: self.console.color, full: false }.render(report),
            Format::Json => Json.render(report),
            Format::Junit => JUnit.render(report),
            Format::Github => GitHub.render(report),
        })
    }

    /// Says where a failure that was saved stood in a sweep, and whether it is what it was, if something about it is not.
    fn tell_of_failure(&self, format: Format, saved: Option<&scenario::Failure>, outcome: &Outcome) -> Result<(), Failure> {
        let Some(saved) = saved else { return Ok(()) };
        let text = changed(saved, outcome).map(|line| format!("\n{line}\n")).unwrap_or_default();
        if format == Format::Text {
            let sweep = saved.sweep.as_ref().map(|sweep| format!("\n{}\n", standing(sweep)));
            return self.console.print(&(sweep.unwrap_or_default() + &text));
        }
        self.console.complain(&text);
        Ok(())
    }

    /// Carries the command out, and says what came of it. A panic is a defect.
    fn execute(&self, command: &Command) -> Exit {
        match catch_unwind(AssertUnwindSafe(|| self.dispatch(command))) {
            Ok(Ok(exit)) => exit,
            Ok(Err(failure)) => {
                self.console.complain(&failure.text);
                failure.exit
            }
            Err(panic) => {
                let message = panics::message(panic.as_ref());
                self.console.complain(&format!(
                    "error: a defect in Stormglass itself: {message}\nPlease report it, with the command line and the scenario.\n"
                ));
                Exit::Defect
            }
        }
    }

    fn dispatch(&self, command: &Command) -> Result<Exit, Failure> {
        match command {
            Command::Run(arguments) => run::execute(arguments, self),
            Command::Sweep(arguments) => sweep::execute(arguments, self),
            Command::Compare(arguments) => compare::execute(arguments, self),
            Command::Curve(arguments) => curve::execute(arguments, self),
            Command::Merge(arguments) => merge::execute(arguments, self),
            Command::Replay(arguments) => replay::execute(arguments, self),
            Command::Shrink(arguments) => shrink::execute(arguments, self),
            Command::Why(arguments) => why::execute(arguments, self),
            Command::Lint(arguments) => lint::execute(arguments, self),
            Command::Check(arguments) => check::execute(arguments, self),
            Command::Convert(arguments) => convert::execute(arguments, self),
            Command::List(arguments) => list::execute(arguments, self),
            Command::Explain(arguments) => explain::execute(arguments, self),
            Command::New(arguments) => new::execute(arguments, self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        parser("stormglass").debug_assert();
    }
}
