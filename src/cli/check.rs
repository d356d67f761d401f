//! `check`: recorded histories, judged.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::histories::{self, HistoryReader};
use super::{Format, Session, files};
use crate::check::consistency::Guarantee;
use crate::check::isolation::Level;
use crate::check::model::{ModelName, UnknownModel};
use crate::check::recorded::transactions::{FileOptions, TransactionModel, check_text};
use crate::check::recorded::{ImportError, OwnModel, Reading, streams};
use crate::check::streams::{Demands, Promise};
use crate::check::{Budget, CheckError, CheckOptions, run_check, run_check_again};
use crate::history::formats::{self, Value};
use crate::misspelling::nearest;
use crate::report::{Found, HistoryReport, Html, Render, Report, Text, Unjudged, as_file, quote};

#[derive(Args)]
pub(super) struct Arguments {
    /// Histories: EDN, Jepsen's log or JSON lines, compressed by gzip or not; - for standard input
    #[arg(value_name = "HISTORY", required = true)]
    files: Vec<PathBuf>,
    /// What the object is: register, cas-register, kv, …, list-append or rw-register for transactions, or
    /// kafka for streams; `list models` shows all
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The format of the histories: edn, log or json; without it, what each seems to be
    #[arg(long, value_name = "FORMAT", value_parser = histories::format)]
    input_format: Option<formats::Format>,
    /// What the history is to keep: linearizable, sequential, causal, …; `list guarantees` shows all.
    /// With `strongest`, each is judged. Without it, linearizable
    #[arg(long, value_name = "GUARANTEE", value_parser = asked)]
    guarantee: Option<Asked>,
    /// How far transactions are to be kept apart: serializable, snapshot-isolation, …; `list levels` shows
    /// all. Without it, strict-serializable
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// How often a message of a stream is to come: at-most-once, at-least-once or exactly-once. Without it,
    /// exactly-once
    #[arg(long, value_name = "PROMISE", value_parser = promise)]
    promise: Option<Promise>,
    /// What the object holds at first, as EDN, and for transactions each key, as in `{:x 0 :y 0}`; without
    /// it, nothing
    #[arg(long, value_name = "VALUE", value_parser = initial, allow_hyphen_values = true)]
    initial: Option<Value>,
    /// It is not known what it holds at first: for registers and stores
    #[arg(long, conflicts_with = "initial")]
    initial_unknown: bool,
    /// What a read of nil saw: that there was nothing, or, if unknown, it saw nothing, as for Jepsen's
    /// registers
    #[arg(long, value_enum, value_name = "MEANING", default_value_t)]
    nil_reads: NilReads,
    /// Take a compare-and-set that failed for one that saw another value; without this it is left out
    #[arg(long)]
    observe_failed_cas: bool,
    /// How many states may be explored; without it, four million and twenty for each operation. For
    /// transactions: steps of each search; without it, twenty million
    #[arg(long, value_name = "STATES")]
    budget: Option<u64>,
    /// How much search state may be held at once, as in 512MiB; without it, 1GiB, or 4KiB for each operation
    /// if that is more
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
    /// If it holds, show the order that explains it
    #[arg(long)]
    witness: bool,
    /// Draw it on a page of its own, to be opened in a browser
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Explain every key that is violated, not only the one with the smallest explanation
    #[arg(long)]
    full: bool,
    /// Give the verdict alone, and by which line it is violated: an explanation may explore a million states
    /// and twenty for each operation besides
    #[arg(long, conflicts_with_all = ["full", "report"])]
    no_explain: bool,
    /// How the verdict is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a read of nil saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum NilReads {
    // Without sentences of their own: with them, the whole help has its long form.
    #[default]
    Nothing,
    Unknown,
}

/// What a history is of.
#[derive(Clone, Copy, Debug)]
enum Judged {
    Object(ModelName),
    /// Of a model that this program brings along.
    Own(OwnModel),
    Transactions(TransactionModel),
    Streams,
}

impl Judged {
    /// The model of this name: of this program first.
    fn named(text: &str, session: &Session<'_>) -> Result<Self, Failure> {
        if let Some(own) = session.registry.models().iter().find(|own| own.name == text) {
            return Ok(Self::Own(*own));
        }
        if let Some(model) = TransactionModel::named(text) {
            return Ok(Self::Transactions(model));
        }
        if text == streams::MODEL {
            return Ok(Self::Streams);
        }
        let own = session.registry.models().iter().map(|own| own.name);
        let others = TransactionModel::ALL.map(|(model, _)| model.name()).into_iter().chain([streams::MODEL]).chain(own);
        text.parse().map(Self::Object).map_err(|error: UnknownModel| {
            let message = match nearest(text, others) {
                Some(near) if error.nearest().is_none() => format!("no model is called `{text}`: did you mean `{near}`?"),
                _ => error.to_string(),
            };
            Failure::new(Exit::Usage, &format!("--model: {message}"))
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Object(model) => model.name(),
            Self::Own(model) => model.name,
            Self::Transactions(model) => model.name(),
            Self::Streams => streams::MODEL,
        }
    }
}

/// What the history is asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    One(Guarantee),
    Strongest,
}

pub(super) fn execute(arguments: &Arguments, session: &Session<'_>) -> Result<Exit, Failure> {
    let judged = Judged::named(&arguments.model, session)?;
    arguments.sane(judged)?;
    let one_of_several = arguments.files.len() > 1;
    // The file is opened before the history is read, which may take long.
    let draft = arguments.report.as_ref().map(|path| files::draft(path, "history", &arguments.files)).transpose()?;
    let printed_at_once = matches!(arguments.format, Format::Text | Format::Json);
    let mut worst = Exit::Held;
    let mut reports = Vec::new();
    for file in &arguments.files {
        let found = arguments.judge(file, judged)?;
        worst = worse(worst, exit(&found));
        let report = HistoryReport { file: histories::name(file), found, again: arguments.again(file, session), one_of_several };
        if printed_at_once {
            arguments.print(std::slice::from_ref(&report), session)?;
        }
        // Of many large histories nothing is kept that was printed.
        if !printed_at_once || draft.is_some() {
            reports.push(report);
        }
    }
    if !printed_at_once {
        session.print(arguments.format, &Report::Histories(&reports))?;
    }
    if let (Some(draft), Some(path)) = (draft, &arguments.report)
        && reports.iter().all(|report| report.found.is_ok())
    {
        draft.fill(path, &Html.render(&Report::Histories(&reports)))?;
    }
    Ok(worst)
}

impl Arguments {
    /// Refuses what makes no sense together.
    fn sane(&self, judged: Judged) -> Result<(), Failure> {
        let weaker = matches!(self.guarantee, Some(Asked::One(guarantee)) if guarantee != Guarantee::Linearizable);
        let of_objects = [
            ("--guarantee", self.guarantee.is_some()),
            ("--initial-unknown", self.initial_unknown),
            ("--no-explain", self.no_explain),
            ("--observe-failed-cas", self.observe_failed_cas),
            ("--witness", self.witness),
        ];
        let given = of_objects.into_iter().find(|(_, given)| *given);
        let inputs = self.files.iter().filter(|file| file.as_os_str() == "-").count();
        let of_streams = self.initial.is_some().then_some("--initial").or(self.budget.is_some().then_some("--budget"));
        let of_streams = of_streams.or(self.level.is_some().then_some("--level")).or(given.map(|(option, _)| option));
        let message = match (judged, given) {
            (Judged::Streams, _) if of_streams.is_some() => {
                format!("{} means nothing for streams; --promise says what to ask for", of_streams.unwrap_or_default())
            }
            (Judged::Object(_) | Judged::Own(_) | Judged::Transactions(_), _) if self.promise.is_some() => {
                format!("--promise is for streams, and {} is none", judged.name())
            }
            (Judged::Transactions(_), Some((option, _))) => {
                format!("{option} means nothing for transactions; --level says what to ask for")
            }
            (Judged::Object(_) | Judged::Own(_), _) if self.level.is_some() => {
                format!("--level is for transactions; a {} has a --guarantee", judged.name())
            }
            _ if weaker && self.witness => "--witness shows an order only for --guarantee linearizable".to_owned(),
            _ if weaker && self.report.is_some() => "--report draws only what is judged for --guarantee linearizable".to_owned(),
            _ if self.files.len() > 1 && self.report.is_some() => "--report draws one history: give only one".to_owned(),
            _ if inputs > 1 => "standard input can be read only once".to_owned(),
            _ => return Ok(()),
        };
        Err(Failure::new(Exit::Usage, &message))
    }

    fn judge(&self, file: &Path, judged: Judged) -> Result<Result<Found, Unjudged>, Failure> {
        let recording = match HistoryReader::open(file, "judging") {
            Ok(recording) => recording,
            Err(failure) => return Ok(Err(Unjudged::Unread(failure.text))),
        };
        let bar = recording.bar();
        let object = self.options();
        let found = match judged {
            Judged::Object(_) | Judged::Own(_) if recording.can_be_opened_again() => {
                let mut first = Some(recording);
                let open = || first.take().map_or_else(|| HistoryReader::again(file, "judging", &bar), Ok);
                let found = match judged {
                    Judged::Own(model) => model.check_again(open, &object),
                    _ => run_check_again(open, judged.name(), &object),
                };
                found.map(Box::new).map(Found::Object)
            }
            Judged::Object(model) => run_check(recording, model.name(), &object).map(Box::new).map(Found::Object),
            Judged::Own(model) => model.check(recording, &object).map(Box::new).map(Found::Object),
            Judged::Transactions(model) => {
                let level = self.level.unwrap_or(Level::StrictSerializable);
                let options = FileOptions {
                    format: self.input_format,
                    level,
                    budget: self.budget(),
                    initial: self.initial.clone(),
                    nil_reads_unknown: self.nil_reads == NilReads::Unknown,
                    model,
                };
                check_text(recording, &options).map(Box::new).map(Found::Transactions)
            }
            Judged::Streams => {
                let demands = Demands::of(self.promise.unwrap_or(Promise::ExactlyOnce));
                streams::check_text(recording, self.input_format, demands).map(Box::new).map(Found::Streams)
            }
        };
        bar.finish_and_clear();
        match found {
            Ok(found) => Ok(Ok(found)),
            Err(CheckError::Import(ImportError::Lines(problems))) => Ok(Err(Unjudged::Malformed(problems))),
            Err(CheckError::Import(ImportError::Io(error))) => Ok(Err(Unjudged::Unread(histories::failure(file, &error).text))),
            Err(CheckError::Initial(message)) => Err(Failure::new(Exit::Usage, &format!("--initial: {message}"))),
            Err(error) => Err(Failure::new(Exit::Usage, &error.to_string())),
        }
    }

    /// The command that judges this file again, alone.
    fn again(&self, file: &Path, session: &Session<'_>) -> String {
        let (path, model) = (file.display().to_string(), quote(&self.model));
        // What stands for standard input stays what it is.
        let path = if path == "-" { path.into() } else { as_file(&path) };
        let mut line = format!("{} check {} --model {model}", quote(&session.program), quote(&path));
        let guarantee = self.guarantee.map(|asked| match asked {
            Asked::One(guarantee) => guarantee.name(),
            Asked::Strongest => STRONGEST,
        });
        let options = [
            self.input_format.map(|format| format!("--input-format {}", format.name())),
            guarantee.map(|name| format!("--guarantee {name}")),
            self.level.map(|level| format!("--level {}", level.name())),
            self.promise.map(|promise| format!("--promise {promise}")),
            self.initial.as_ref().map(|value| format!("--initial {}", quote(&value.to_string()))),
            self.initial_unknown.then(|| "--initial-unknown".to_owned()),
            (self.nil_reads == NilReads::Unknown).then(|| "--nil-reads unknown".to_owned()),
            self.observe_failed_cas.then(|| "--observe-failed-cas".to_owned()),
            self.budget.map(|states| format!("--budget {states}")),
            self.memory.map(|bytes| format!("--memory {}", in_units(bytes))),
        ];
        options.into_iter().flatten().for_each(|option| line += &format!(" {option}"));
        line
    }

    const fn budget(&self) -> Budget {
        Budget { states: self.budget, bytes: self.memory }
    }

    fn options(&self) -> CheckOptions {
        CheckOptions {
            format: self.input_format,
            initial: self.initial.clone(),
            initial_unknown: self.initial_unknown,
            reading: Reading { observe_failures: self.observe_failed_cas, nil_reads_unknown: self.nil_reads == NilReads::Unknown },
            budget: self.budget(),
            explanation: self.no_explain.then_some(0),
            witness: self.witness,
            guarantee: match self.guarantee {
                Some(Asked::One(guarantee)) => guarantee,
                Some(Asked::Strongest) | None => Guarantee::Linearizable,
            },
            strongest: matches!(self.guarantee, Some(Asked::Strongest)),
            drawing: self.report.is_some(),
            ..CheckOptions::default()
        }
    }

    /// Prints a report. As text, why a history could not be judged goes to standard error.
    fn print(&self, histories: &[HistoryReport], session: &Session<'_>) -> Result<(), Failure> {
        let (report, console) = (Report::Histories(histories), &session.console);
        let text = |color| Text { color, full: self.full }.render(&report);
        match self.format {
            Format::Text if histories.iter().any(|history| history.found.is_err()) => {
                console.complain(&text(console.error_color));
                Ok(())
            }
            Format::Text => console.print(&text(console.color)),
            format => session.print(format, &report),
        }
    }
}

/// What the judging of one file ends with.
fn exit(found: &Result<Found, Unjudged>) -> Exit {
    match found {
        Ok(found) => found.verdict().into(),
        Err(Unjudged::Unread(_)) => Exit::File,
        Err(Unjudged::Malformed(_)) => Exit::Invalid,
    }
}

/// Where several apply, the one that says most of what is not known, or wrong.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| [Exit::Held, Exit::Unknown, Exit::Violated, Exit::Invalid, Exit::File].iter().position(|known| *known == exit);
    if rank(other) > rank(one) { other } else { one }
}

fn promise(text: &str) -> Result<Promise, String> {
    let names = || Promise::ALL.map(Promise::name);
    Promise::named(text).ok_or_else(|| match nearest(text, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("expected one of {}", names().join(", ")),
    })
}

fn level(text: &str) -> Result<Level, String> {
    let names = || Level::ALL.map(Level::name);
    Level::named(text).ok_or_else(|| match nearest(text, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("expected one of {}", names().join(", ")),
    })
}

/// The word for all guarantees, of which the strongest is wanted.
const STRONGEST: &str = "strongest";

fn asked(text: &str) -> Result<Asked, String> {
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

/// Units of memory, the largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A number of bytes, perhaps in units of 1024.
fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match UNITS.into_iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => Some(scale),
        None => unit.is_empty().then_some(1),
    };
    let bytes = scale.zip(number.parse::<u64>().ok()).and_then(|(scale, number)| number.checked_mul(scale));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size, as in 512MiB, 2GiB or 65536".to_owned())
}

/// The same, written in the largest unit of which it is a multiple.
fn in_units(bytes: u64) -> String {
    match UNITS.into_iter().find(|(_, scale)| bytes.is_multiple_of(*scale)) {
        Some((name, scale)) => format!("{}{name}", bytes / scale),
        None => bytes.to_string(),
    }
}

fn initial(text: &str) -> Result<Value, String> {
    text.parse().map_err(|error: formats::ParseValueError| error.to_string())
}
