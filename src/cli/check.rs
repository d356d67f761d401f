//! `check`: recorded histories, judged.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::histories::{self, Recording};
use super::{Format, Session};
use crate::base::nearest;
use crate::check::guarantee::Guarantee;
use crate::check::intake::IntakeError;
use crate::check::model::ModelName;
use crate::check::{CheckError, CheckOptions, CheckReport, run_check};
use crate::history::formats::{self, Value};

#[derive(Args)]
pub(super) struct Arguments {
    /// Histories: EDN, Jepsen's log or JSON lines, compressed by gzip or not; - for standard input
    #[arg(value_name = "HISTORY", required = true)]
    files: Vec<PathBuf>,
    /// What the object is: register, cas-register, kv, …; `list models` shows all
    #[arg(long, value_name = "MODEL", value_parser = model)]
    model: ModelName,
    /// The format of the histories: edn, log or json; without it, what each seems to be
    #[arg(long, value_name = "FORMAT", value_parser = histories::format)]
    input_format: Option<formats::Format>,
    /// What the history is to keep: linearizable, sequential, causal, …; `list guarantees` shows all.
    /// With `strongest`, each is judged
    #[arg(long, value_name = "GUARANTEE", default_value = "linearizable", value_parser = asked)]
    guarantee: Asked,
    /// What the object holds at first, as EDN; without it, nothing
    #[arg(long, value_name = "VALUE", value_parser = initial)]
    initial: Option<Value>,
    /// Take a compare-and-set that failed for one that saw another value; without this it is left out
    #[arg(long)]
    observe_failed_cas: bool,
    /// How many states may be explored; without it, four million and twenty for each operation
    #[arg(long, value_name = "STATES")]
    budget: Option<u64>,
    /// If it holds, show the order that explains it
    #[arg(long)]
    witness: bool,
    /// Explain every key that is violated, not only the one with the smallest explanation
    #[arg(long)]
    full: bool,
    /// How the verdict is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the history is asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    One(Guarantee),
    Strongest,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    arguments.sane()?;
    if let [file] = arguments.files.as_slice() {
        let report = arguments.judge(file, session)?;
        session.console.print(&match arguments.format {
            Format::Text if arguments.full => report.full_text(),
            Format::Text => report.text(),
            Format::Json => format!("{}\n", report.json()),
        })?;
        return Ok(report.verdict.into());
    }
    let mut worst = Exit::Held;
    for file in &arguments.files {
        let exit = match arguments.judge(file, session) {
            Ok(report) => {
                session.console.print(&arguments.line(file, &report))?;
                report.verdict.into()
            }
            Err(failure) if matches!(failure.exit, Exit::File | Exit::Invalid) => {
                session.console.complain(&failure.text);
                failure.exit
            }
            Err(failure) => return Err(failure),
        };
        worst = worse(worst, exit);
    }
    Ok(worst)
}

impl Arguments {
    /// Refuses what makes no sense together.
    fn sane(&self) -> Result<(), Failure> {
        let usage = |message: &str| Err(Failure::new(Exit::Usage, message));
        match self.guarantee {
            Asked::One(guarantee) if guarantee != Guarantee::Linearizable && self.witness => {
                usage("--witness shows an order only for --guarantee linearizable")
            }
            _ if self.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 => usage("standard input can be read only once"),
            _ => Ok(()),
        }
    }

    fn judge(&self, file: &Path, session: &Session<'_>) -> Result<CheckReport, Failure> {
        let recording = Recording::open(file, "judging")?;
        let bar = recording.bar();
        let report = run_check(recording, self.model.name(), &self.options());
        bar.finish_and_clear();
        report.map_err(|error| match error {
            CheckError::Intake(IntakeError::Lines(problems)) => histories::invalid(file, &problems, session),
            CheckError::Intake(IntakeError::Io(error)) => histories::failure(file, &error),
            CheckError::Initial(message) => Failure::new(Exit::Usage, &format!("--initial: {message}")),
            CheckError::UnknownModel(error) => Failure::new(Exit::Usage, &error.to_string()),
        })
    }

    fn options(&self) -> CheckOptions {
        CheckOptions {
            format: self.input_format,
            initial: self.initial.clone(),
            observe_failures: self.observe_failed_cas,
            budget: self.budget,
            witness: self.witness,
            guarantee: match self.guarantee {
                Asked::One(guarantee) => guarantee,
                Asked::Strongest => Guarantee::Linearizable,
            },
            strongest: matches!(self.guarantee, Asked::Strongest),
            view: false,
        }
    }

    /// One of several files on a line.
    fn line(&self, file: &Path, report: &CheckReport) -> String {
        let name = histories::name(file);
        match self.format {
            Format::Text => format!("{name}: {}\n", report.headline()),
            Format::Json => {
                let mut object = json!({ "file": name });
                if let (Some(object), serde_json::Value::Object(report)) = (object.as_object_mut(), report.json()) {
                    object.extend(report);
                }
                format!("{object}\n")
            }
        }
    }
}

/// Where several apply, the one that says most of what is not known, or wrong.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| [Exit::Held, Exit::Unknown, Exit::Violated, Exit::Invalid, Exit::File].iter().position(|known| *known == exit);
    if rank(other) > rank(one) { other } else { one }
}

fn model(text: &str) -> Result<ModelName, String> {
    text.parse().map_err(|error: crate::check::model::UnknownModel| error.to_string())
}

fn asked(text: &str) -> Result<Asked, String> {
    const STRONGEST: &str = "strongest";
    if text == STRONGEST {
        return Ok(Asked::Strongest);
    }
    Guarantee::named(text).map(Asked::One).ok_or_else(|| {
        let names = || Guarantee::ALL.map(Guarantee::name).into_iter().chain([STRONGEST]);
        match nearest(text, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("expected one of {}", names().collect::<Vec<_>>().join(", ")),
        }
    })
}

fn initial(text: &str) -> Result<Value, String> {
    text.parse().map_err(|error: formats::ParseValueError| error.to_string())
}
