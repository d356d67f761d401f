//! Judging a file: what the command `check` does, without the command.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Read};

use serde_json::{Value as Json, json};

use super::Verdict;
use super::guarantee::{self, Guarantee, GuaranteeReport, Observable};
use super::intake::{
    Counters, Dialect, FencedLocks, GrowSets, IntakeError, Locks, Logs, PriorityQueues, Queues, Recorded, Registers, Sets, Stacks,
    StoreDialect,
};
use super::linearizability::{self, Conviction, Judgement, Report, Violation, default_budget, shorten};
use super::model::{Key, Model, ModelName, UnknownModel};
use super::stream::{self, Facts, Taken};
use super::view::{View, named};
use crate::base::{ClientId, Time};
use crate::history::Outcome;
use crate::history::formats::{Entries, Format, Value};

/// The version of the JSON of a [`CheckReport`]. Fields may be added under one version; none changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// How a file is to be judged.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The format of the file; by default, whichever it seems to have.
    pub format: Option<Format>,
    /// What the object holds at first; by default, nothing.
    pub initial: Option<Value>,
    /// Whether a failed compare-and-set counts as having seen another value than it expected. By default, it is dropped.
    pub observe_failures: bool,
    /// How many states may be explored; by default, [`default_budget`].
    pub budget: Option<u64>,
    /// Whether the order that shows that a history holds is wanted.
    pub witness: bool,
    /// What the history is to keep.
    pub guarantee: Guarantee,
    /// Whether the weaker guarantees are to be judged, too, to tell the strongest that holds.
    pub strongest: bool,
    /// Whether all is wanted that a drawing needs.
    pub view: bool,
    /// How many events a file may have to be judged as a whole by [`run_check_again`]; by default, a million or so.
    pub whole: Option<u64>,
}

/// How many events a file may have to be judged as a whole.
const WHOLE: u64 = 1 << 20;

impl CheckOptions {
    /// How many events a file may have that can be read again. A longer one is judged while it is read, unless more is asked of it than can
    /// be known then.
    fn whole(&self) -> u64 {
        let plain = self.guarantee == Guarantee::Linearizable && !self.strongest && !self.witness && !self.view && self.budget.is_none();
        if plain { self.whole.unwrap_or(WHOLE) } else { u64::MAX }
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub enum CheckError {
    /// No model has this name.
    UnknownModel(UnknownModel),
    /// The object cannot hold this at first; why not.
    Initial(String),
    /// The file cannot be read, or lines of it are wrong.
    Intake(IntakeError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel(error) => error.fmt(f),
            Self::Initial(message) => f.write_str(message),
            Self::Intake(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CheckError {}

/// What came of judging a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The model.
    pub model: &'static str,
    /// The format of the file.
    pub format: Format,
    /// How many events it has.
    pub entries: u64,
    /// How many operations.
    pub operations: usize,
    /// Of how many of these nobody knows whether they took effect.
    pub unknown: usize,
    /// How many are known not to have.
    pub failed: usize,
    /// How many clients did them.
    pub clients: usize,
    /// What was asked for.
    pub guarantee: Guarantee,
    /// The answer.
    pub verdict: Verdict,
    /// What became of each guarantee that was judged, but for linearizability alone.
    pub guarantees: Vec<GuaranteeReport>,
    /// For each of these, the lines on which the operations begin that show what became of it.
    pub lines: Vec<Vec<u64>>,
    /// How many states were explored in finding it.
    pub states: u64,
    /// Every key that is not linearizable, if that was asked for.
    pub findings: Vec<Finding>,
    /// Every key for which the budget was too small.
    pub undecided: Vec<UndecidedKey>,
    /// An order that shows that the history holds, if it was asked for.
    pub witness: Option<Vec<WitnessStep>>,
    /// What a drawing needs, if it was asked for.
    pub view: Option<View>,
}

/// One key that is violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key; nothing if the object has none.
    pub key: Option<String>,
    /// The line on which the operation ends that no order of all operations passes: with it ends the shortest violated prefix of the file.
    pub line: u64,
    /// The core: these operations are enough to see that the history is violated. Those that are open among them are not assumed to have
    /// taken effect.
    pub core: Vec<CoreLine>,
    /// Whether without any one of the operations that are not open there would be an order.
    pub minimal: bool,
    /// What would have been legal at the end of each of the longest orders.
    pub expected: Vec<String>,
    /// All that in words, with a drawing.
    pub text: String,
}

/// One operation of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreLine {
    /// Who did it, as the file has it.
    pub process: u32,
    /// What it was, and what came back, in words.
    pub text: String,
    /// The line on which it begins.
    pub begins: u64,
    /// The line on which it ends.
    pub ends: Option<u64>,
    /// Whether nothing is assumed of it but that it began.
    pub open: bool,
    /// Whether it is the one that fits in no order.
    pub stuck: bool,
}

/// One key about which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndecidedKey {
    /// The key; nothing if the object has none.
    pub key: Option<String>,
    /// How many states were explored.
    pub states: u64,
    /// The line of the operation that the search got to.
    pub line: Option<u64>,
    /// How many operations on the key were under way there.
    pub open: usize,
    /// How many operations on the key that began before have an unknown outcome.
    pub unknown: usize,
    /// Whether more is open or unknown at once than any search holds.
    pub too_wide: bool,
}

/// One step of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessStep {
    /// Who did it, as the file has it.
    pub process: u32,
    /// The line on which it begins.
    pub line: u64,
    /// What it was, in words.
    pub text: String,
}

/// Judges what this reads by the model of this name.
///
/// ```
/// use stormglass::check::{CheckOptions, Verdict, run_check};
///
/// let log = "\
/// INFO  jepsen.util - 0 :invoke :write 4
/// INFO  jepsen.util - 0 :ok :write 4
/// INFO  jepsen.util - 1 :invoke :read nil
/// INFO  jepsen.util - 1 :ok :read 3
/// ";
/// let report = run_check(log.as_bytes(), "cas-register", &CheckOptions::default())?;
/// assert_eq!(report.verdict, Verdict::Violated);
/// assert_eq!(report.findings[0].line, 4);
/// print!("{}", report.text());
/// # Ok::<(), stormglass::check::CheckError>(())
/// ```
///
/// # Errors
/// If there is no such model, if the input cannot be read, or if lines of it are wrong: then all of them are told.
pub fn run_check(input: impl Read, model: &str, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    let mut input = Some(input);
    let mut once = || input.take().map(|input| Box::new(input) as Box<dyn Read + '_>).ok_or_else(|| io::ErrorKind::Unsupported.into());
    choose(&mut once, model, &CheckOptions { whole: Some(u64::MAX), ..options.clone() })
}

/// Like [`run_check`], for what can be opened again, and so need not be held in memory.
///
/// What has more than a million events is judged while it is read: memory is bounded by how many operations are
/// open at once and how many are of unknown outcome, and not by the length. If it is violated, the keys concerned are read again, to say
/// why. It is read as a whole all the same where more is asked for: a witness, a drawing, another guarantee, a budget of its own.
///
/// # Errors
/// If there is no such model, if the input cannot be opened or read, or if lines of it are wrong: then all of them are told.
pub fn run_check_again<R: Read>(
    mut open: impl FnMut() -> io::Result<R>,
    model: &str,
    options: &CheckOptions,
) -> Result<CheckReport, CheckError> {
    let mut again = || open().map(|input| Box::new(input) as Box<dyn Read + '_>);
    choose(&mut again, model, options)
}

/// Opens what is to be read.
type Opening<'o, 'r> = &'o mut dyn FnMut() -> io::Result<Box<dyn Read + 'r>>;

fn choose(open: Opening<'_, '_>, model: &str, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    let name: ModelName = model.parse().map_err(CheckError::UnknownModel)?;
    let initial = options.initial.clone().filter(|value| !value.is_nil());
    let counted = match (name, &initial) {
        (ModelName::Register | ModelName::CasRegister | ModelName::Kv, _) | (_, None) => 0,
        (ModelName::Counter, Some(Value::Int(count))) => *count,
        (ModelName::Counter, Some(other)) => {
            return Err(CheckError::Initial(format!("a counter shows a whole number at first, not {other}")));
        }
        _ => return Err(CheckError::Initial(format!("a {name} starts empty: it cannot be given an initial value"))),
    };
    match name {
        ModelName::Register | ModelName::CasRegister => run(name, Registers { initial, plain: name == ModelName::Register }, open, options),
        ModelName::Kv => run(name, StoreDialect::new(initial), open, options),
        ModelName::Counter => run(name, Counters { initial: counted }, open, options),
        ModelName::Set => run(name, Sets, open, options),
        ModelName::GrowSet => run(name, GrowSets, open, options),
        ModelName::Queue => run(name, Queues, open, options),
        ModelName::Stack => run(name, Stacks, open, options),
        ModelName::PriorityQueue => run(name, PriorityQueues, open, options),
        ModelName::Lock => run(name, Locks, open, options),
        ModelName::FencedLock => run(name, FencedLocks, open, options),
        ModelName::Log => run(name, Logs, open, options),
    }
}

/// Reads a file in these words, and judges it.
fn run<D>(name: ModelName, dialect: D, open: Opening<'_, '_>, options: &CheckOptions) -> Result<CheckReport, CheckError>
where
    D: Dialect<Model: Observable<Op: Clone>> + Clone,
{
    let failed = |error| CheckError::Intake(IntakeError::Io(error));
    let mut entries = || Entries::open(open()?, options.format);
    let mut whole = options.whole();
    loop {
        let taken =
            stream::read(dialect.clone(), entries().map_err(failed)?, whole, options.observe_failures).map_err(CheckError::Intake)?;
        let findings = match taken {
            Taken::Whole(model, recorded) => return Ok(judge(name.name(), &model, &recorded, options)),
            Taken::Streamed(findings) => findings,
        };
        let report = CheckReport { states: findings.states, ..CheckReport::new(name.name(), findings.facts.clone(), options.guarantee) };
        match findings.verdict {
            Verdict::Holds => return Ok(CheckReport { verdict: Verdict::Holds, ..report }),
            Verdict::Violated => {
                let closer = findings.look_closer(entries().map_err(failed)?, options.observe_failures).map_err(CheckError::Intake)?;
                let looked = judge(name.name(), &closer.model, &closer.recorded, options);
                return Ok(convicted(report, looked, &closer.lines));
            }
            // Whoever sees all of it at once can tell more often.
            Verdict::Unknown => whole = u64::MAX,
        }
    }
}

/// The report on a violated file, with what a closer look at its violated keys has shown. For each of them, there is the line with which it
/// is violated.
fn convicted(report: CheckReport, looked: CheckReport, lines: &BTreeMap<String, u64>) -> CheckReport {
    let mut findings = looked.findings;
    for (key, line) in lines {
        // The closer look may end with its budget.
        if findings.iter().all(|finding| finding.key != named(key)) {
            let text = format!("{key}: what ends on line {line} fits in no order; the budget ended before it was known why\n");
            let key = named(key);
            findings.push(Finding { key, line: *line, core: Vec::new(), minimal: false, expected: Vec::new(), text });
        }
    }
    CheckReport { verdict: Verdict::Violated, findings, ..report }
}

/// Judges a recorded history.
fn judge<M: Observable>(name: &'static str, model: &M, recorded: &Recorded<M::Op, M::Ret>, options: &CheckOptions) -> CheckReport {
    let history = &recorded.history;
    let told = Told { model, recorded };
    let mut report = CheckReport::new(name, Facts::of(recorded), options.guarantee);
    let budget = options.budget.unwrap_or_else(|| default_budget(history.len()));
    if options.strongest {
        report.guarantees = guarantee::check_all(model, history, Some(budget));
    } else if options.guarantee != Guarantee::Linearizable {
        report.guarantees.push(guarantee::check(model, history, options.guarantee, budget));
    }
    if let Some(asked) = report.guarantees.iter().find(|asked| asked.guarantee == options.guarantee) {
        report.verdict = asked.verdict;
        report.states = asked.states;
    }
    if options.guarantee == Guarantee::Linearizable {
        let found = linearizability::check_within(model, history, budget);
        report.verdict = found.verdict();
        report.states = found.states;
        let convictions: Vec<(&Violation, Conviction)> =
            found.violations().iter().map(|violation| (violation, Conviction::new(model, history, violation))).collect();
        report.findings = convictions.iter().map(|(violation, conviction)| told.finding(violation, conviction)).collect();
        report.undecided = told.undecided(&found);
        report.witness = told.witness(&found).filter(|_| options.witness);
        report.view = options.view.then(|| View::new(model, name, history, &found, &convictions, Some(&recorded.lines)));
    }
    report.lines = told.guarantee_lines(&report.guarantees);
    report
}

/// How a client of a file is called.
fn process(client: ClientId) -> String {
    format!("p{}", client.client)
}

/// What a report says of operations.
struct Told<'a, M: Model> {
    model: &'a M,
    recorded: &'a Recorded<M::Op, M::Ret>,
}

impl<M: Model> Told<'_, M> {
    fn finding(&self, violation: &Violation, conviction: &Conviction) -> Finding {
        let history = &self.recorded.history;
        let stuck = conviction.diagnosis.operation;
        let blamed = self.recorded.lines[conviction.core.suspect];
        let core = conviction.shown().into_iter().map(|index| {
            let operation = &history.operations()[index];
            let open = conviction.core.operations.binary_search(&index).is_err();
            CoreLine {
                process: operation.client.client,
                text: self.model.describe(&operation.op, operation.result().filter(|_| !open)),
                begins: self.recorded.lines[index].0,
                ends: self.recorded.lines[index].1,
                open,
                stuck: index == stuck,
            }
        });
        Finding {
            key: named(&violation.key),
            line: blamed.1.unwrap_or(blamed.0),
            core: core.collect(),
            minimal: conviction.core.minimal,
            expected: conviction.diagnosis.attempts.iter().map(|attempt| attempt.expected.clone()).collect(),
            text: conviction.explain_as(self.model, history, process, |index| self.lines(index)),
        }
    }

    fn guarantee_lines(&self, guarantees: &[GuaranteeReport]) -> Vec<Vec<u64>> {
        let lines = |report: &GuaranteeReport| report.operations.iter().map(|index| self.recorded.lines[*index].0).collect();
        guarantees.iter().map(lines).collect()
    }

    fn lines(&self, index: usize) -> String {
        match self.recorded.lines[index] {
            (begins, Some(ends)) => format!("lines {begins} to {ends}"),
            (begins, None) => format!("from line {begins}"),
        }
    }

    fn undecided(&self, report: &Report) -> Vec<UndecidedKey> {
        let (Judgement::Violated { undecided, .. } | Judgement::Unknown { undecided }) = &report.judgement else { return Vec::new() };
        let line = |index: usize| self.recorded.lines[index].1.unwrap_or(self.recorded.lines[index].0);
        let each = undecided.iter().map(|undecided| {
            let (open, unknown) = undecided.operation.map_or((0, 0), |index| self.crowd(index));
            UndecidedKey {
                key: named(&undecided.key),
                states: undecided.states,
                line: undecided.operation.map(line),
                open,
                unknown,
                too_wide: undecided.too_wide,
            }
        });
        each.collect()
    }

    /// How many operations on its key were under way when this one ended, and how many begun before have an unknown outcome.
    fn crowd(&self, index: usize) -> (usize, usize) {
        let operations = self.recorded.history.operations();
        let key = self.model.key(&operations[index].op);
        let end = operations[index].completed.unwrap_or(Time::MAX);
        let begun = operations.iter().filter(|other| self.model.key(&other.op) == key && other.invoked <= end);
        let (mut open, mut unknown) = (0, 0);
        for other in begun {
            match other.outcome {
                Outcome::Unknown => unknown += 1,
                Outcome::Done(_) if other.completed.is_none_or(|completed| completed >= end) => open += 1,
                Outcome::Done(_) | Outcome::Failed => {}
            }
        }
        (open, unknown)
    }

    fn witness(&self, report: &Report) -> Option<Vec<WitnessStep>> {
        let Judgement::Holds { witness } = &report.judgement else { return None };
        let step = |index: &usize| {
            let operation = &self.recorded.history.operations()[*index];
            WitnessStep {
                process: operation.client.client,
                line: self.recorded.lines[*index].0,
                text: self.model.describe(&operation.op, operation.result()),
            }
        };
        Some(witness.iter().map(step).collect())
    }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let ending = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{ending}")
}

impl CheckReport {
    /// Nothing is known yet.
    fn new(model: &'static str, facts: Facts, guarantee: Guarantee) -> Self {
        let Facts { format, entries, operations, unknown, failed, clients } = facts;
        Self {
            model,
            format,
            entries,
            operations,
            unknown,
            failed,
            clients,
            guarantee,
            verdict: Verdict::Unknown,
            guarantees: Vec::new(),
            lines: Vec::new(),
            states: 0,
            findings: Vec::new(),
            undecided: Vec::new(),
            witness: None,
            view: None,
        }
    }

    /// As people read it, on a screen: the verdict first, then why. Of several keys that are violated, the one with the smallest core is
    /// explained, and the others are told on a line each.
    pub fn text(&self) -> String {
        let mut text = self.summary();
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| {
            let counted = finding.core.iter().filter(|line| !line.open).count();
            let stuck = finding.core.iter().find(|line| line.stuck).map(|line| line.begins);
            (finding.core.is_empty(), counted, stuck, finding.line)
        });
        if let Some((first, others)) = findings.split_first() {
            let _ = write!(text, "\n{}", first.text);
            if !others.is_empty() {
                let _ = writeln!(text, "\n{} violated as well:", if others.len() == 1 { "one more key is" } else { "other keys are" });
            }
            for other in others {
                let _ = writeln!(text, "  {}", other.line());
            }
        }
        self.rest(&mut text);
        text
    }

    /// [`CheckReport::text`] with every violated key explained in full.
    pub fn full_text(&self) -> String {
        let mut text = self.summary();
        for finding in &self.findings {
            let _ = write!(text, "\n{}", finding.text);
        }
        self.rest(&mut text);
        text
    }

    fn summary(&self) -> String {
        let [operations, outcomes, format, states] = self.facts();
        format!("{}\n  {operations}: {outcomes} · {format} · {states}\n", self.headline())
    }

    /// What was judged: how many operations and processes, what became of them, the format, the states.
    pub fn facts(&self) -> [String; 4] {
        [
            format!("{} by {}", counted(self.operations as u64, "operation"), counted(self.clients as u64, "process")),
            format!("{} failed, {} of unknown outcome", self.failed, self.unknown),
            self.format.to_string(),
            format!("{} explored", counted(self.states, "state")),
        ]
    }

    fn rest(&self, text: &mut String) {
        const SHOWN: usize = 10;
        if !self.undecided.is_empty() {
            text.push('\n');
        }
        for undecided in self.undecided.iter().take(SHOWN) {
            let _ = writeln!(text, "  {}", undecided.text());
        }
        if self.undecided.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more", self.undecided.len() - SHOWN);
        }
        let mut help: Vec<&str> = self.undecided.iter().map(UndecidedKey::help).collect();
        help.sort_unstable();
        help.dedup();
        for help in help {
            let _ = writeln!(text, "  {help}");
        }
        self.guarantees_text(text);
        if self.witness.is_some() {
            text.push_str("\nan order that explains every answer:\n");
        }
        for (place, step) in self.witness.iter().flatten().enumerate() {
            let _ = writeln!(text, "{:>7}. p{} {}  (line {})", place + 1, step.process, step.text, step.line);
        }
    }

    fn guarantees_text(&self, text: &mut String) {
        if self.guarantees.is_empty() {
            return;
        }
        text.push('\n');
        for (report, lines) in self.guarantees.iter().zip(&self.lines) {
            let _ = write!(text, "  {:<20} {}", report.guarantee, report.verdict);
            if !report.why.is_empty() {
                let _ = write!(text, ": {}", report.why);
            }
            if !lines.is_empty() && lines.len() <= 10 {
                let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
                let _ = write!(text, " (see line{} {})", if lines.len() == 1 { "" } else { "s" }, lines.join(", "));
            }
            text.push('\n');
        }
        if self.guarantees.len() > 1 {
            let strongest: Vec<&str> = guarantee::strongest(&self.guarantees).into_iter().map(Guarantee::name).collect();
            let unknown = self.guarantees.iter().any(|report| report.verdict == Verdict::Unknown);
            let strongest = match (strongest.is_empty(), unknown) {
                (true, true) => "none is known to".to_owned(),
                (true, false) => "none".to_owned(),
                (false, _) => strongest.join(" and "),
            };
            let _ = writeln!(text, "  the strongest that holds: {strongest}");
        }
    }

    /// The verdict in a line, without its end.
    pub fn headline(&self) -> String {
        let guarantee = self.guarantee;
        if guarantee != Guarantee::Linearizable {
            let (verdict, model) = (self.verdict, self.model);
            return match verdict {
                Verdict::Holds => format!("{verdict}: {model} keeps the guarantee {guarantee}"),
                Verdict::Violated => format!("{verdict}: {model} does not keep the guarantee {guarantee}"),
                Verdict::Unknown => format!("{verdict}: whether {model} keeps the guarantee {guarantee}"),
            };
        }
        let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        match self.verdict {
            Verdict::Holds => format!("holds: {} is linearizable", self.model),
            Verdict::Violated if self.findings.iter().all(|finding| finding.key.is_none()) => {
                format!("violated: {} is not linearizable", self.model)
            }
            Verdict::Violated => format!("violated: {} is not linearizable on {}", self.model, keys(self.findings.len())),
            Verdict::Unknown if self.undecided.iter().all(|undecided| undecided.key.is_none()) => {
                format!("unknown: the search ended before it was decided whether {} is linearizable", self.model)
            }
            Verdict::Unknown => {
                format!("unknown: the search ended before {} of {} could be judged", keys(self.undecided.len()), self.model)
            }
        }
    }

    /// As one JSON object, of the version [`SCHEMA`].
    pub fn json(&self) -> Json {
        let findings: Vec<Json> = self.findings.iter().map(Finding::json).collect();
        let undecided: Vec<Json> = self
            .undecided
            .iter()
            .map(|key| {
                json!({
                    "key": key.key,
                    "states": key.states,
                    "line": key.line,
                    "open": key.open,
                    "unknown": key.unknown,
                    "too_wide": key.too_wide,
                    "help": key.help(),
                })
            })
            .collect();
        let witness = self.witness.as_ref().map(|witness| {
            let steps = witness.iter().map(|step| json!({"process": step.process, "line": step.line, "text": step.text}));
            steps.collect::<Vec<Json>>()
        });
        let guarantees: Vec<Json> = self
            .guarantees
            .iter()
            .zip(&self.lines)
            .map(|(report, lines)| {
                json!({
                    "guarantee": report.guarantee.name(),
                    "verdict": report.verdict,
                    "why": report.why,
                    "lines": lines,
                    "states": report.states,
                })
            })
            .collect();
        let strongest: Vec<&str> = guarantee::strongest(&self.guarantees).into_iter().map(Guarantee::name).collect();
        json!({
            "schema": SCHEMA,
            "model": self.model,
            "format": self.format.name(),
            "guarantee": self.guarantee.name(),
            "verdict": self.verdict,
            "events": self.entries,
            "operations": self.operations,
            "clients": self.clients,
            "failed": self.failed,
            "unknown": self.unknown,
            "states": self.states,
            "violations": findings,
            "undecided": undecided,
            "witness": witness,
            "guarantees": guarantees,
            "strongest": if self.guarantees.len() > 1 { json!(strongest) } else { Json::Null },
        })
    }
}

impl Finding {
    /// In a line: the key, how small the core is, and what fits in no order.
    pub fn line(&self) -> String {
        let key = self.key.as_ref().map_or_else(|| Key::Whole.to_string(), |key| format!("key {key}"));
        let stuck = self.core.iter().find(|line| line.stuck);
        let stuck = stuck.map(|line| format!("p{} {} fits in no order, line {}", line.process, shorten(&line.text, 60), line.begins));
        let counted = self.core.iter().filter(|line| !line.open).count();
        let enough = if counted == 1 { "1 operation is enough".to_owned() } else { format!("{counted} operations are enough") };
        format!("{key}: {} ({enough})", stuck.unwrap_or_default())
    }

    fn json(&self) -> Json {
        let core: Vec<Json> = self
            .core
            .iter()
            .map(|line| {
                json!({
                    "process": line.process,
                    "text": line.text,
                    "lines": [line.begins, line.ends],
                    "open": line.open,
                    "stuck": line.stuck,
                })
            })
            .collect();
        json!({
            "key": self.key,
            "line": self.line,
            "core": core,
            "minimal": self.minimal,
            "expected": self.expected,
            "text": self.text,
        })
    }
}

impl UndecidedKey {
    fn text(&self) -> String {
        let key = self.key.as_ref().map_or_else(|| Key::Whole.to_string(), |key| format!("key {key}"));
        let states = counted(self.states, "state");
        let place = self.line.map(|line| {
            let Self { open, unknown, .. } = self;
            format!("; it got as far as line {line}, with {open} operations under way and {unknown} of unknown outcome before")
        });
        format!("{key}: {states} explored{}", place.unwrap_or_default())
    }

    /// What would help.
    pub const fn help(&self) -> &'static str {
        if self.too_wide {
            "more is open or unknown at once than can be searched: fewer clients or longer timeouts would help"
        } else {
            "a larger budget would help; so would fewer operations at once, or fewer of unknown outcome"
        }
    }
}
