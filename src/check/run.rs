//! Judging a file: what the command `check` does, without the command.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::io::Read;

use serde_json::{Value as Json, json};

use super::Verdict;
use super::guarantee::{self, Guarantee, GuaranteeReport, Observable};
use super::intake::{IntakeError, Recorded, Registers, StoreDialect, take_in};
use super::linearizability::{self, Conviction, Judgement, Report, Violation, default_budget};
use super::model::{Key, Model};
use crate::base::{ClientId, nearest};
use crate::history::Outcome;
use crate::history::formats::{Entries, Format, Value};

/// The version of the JSON of a [`CheckReport`]. Fields may be added under one version; none changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// The models that a file can be judged by: name, and what it is.
pub const MODELS: [(&str, &str); 3] = [
    ("register", "one register: read, write"),
    ("cas-register", "one register: read, write, compare and set"),
    ("kv", "a store of keys and values: get, put, append, cas, delete"),
];

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
}

/// Why there is no verdict.
#[derive(Debug)]
pub enum CheckError {
    /// No model has this name.
    UnknownModel(String),
    /// The file cannot be read, or lines of it are wrong.
    Intake(IntakeError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel(name) => {
                let names = MODELS.map(|(name, _)| name);
                write!(f, "there is no model {name:?}: there are {}", names.join(", "))?;
                nearest(name, names).map_or(Ok(()), |near| write!(f, " (did you mean {near}?)"))
            }
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
    let Some((name, _)) = MODELS.into_iter().find(|(name, _)| *name == model) else {
        return Err(CheckError::UnknownModel(model.to_owned()));
    };
    let io = |error| CheckError::Intake(IntakeError::Io(error));
    let entries = Entries::open(input, options.format).map_err(io)?;
    let initial = options.initial.clone().filter(|value| !value.is_nil());
    if name == "kv" {
        let (model, recorded) = take_in(StoreDialect::new(initial), entries, options.observe_failures).map_err(CheckError::Intake)?;
        return Ok(judge(name, &model, &recorded, options));
    }
    let dialect = Registers { initial, plain: name == "register" };
    let (model, recorded) = take_in(dialect, entries, options.observe_failures).map_err(CheckError::Intake)?;
    Ok(judge(name, &model, &recorded, options))
}

/// Judges a recorded history.
fn judge<M: Observable>(name: &'static str, model: &M, recorded: &Recorded<M::Op, M::Ret>, options: &CheckOptions) -> CheckReport {
    let history = &recorded.history;
    let told = Told { model, recorded };
    let outcomes = || history.operations().iter().map(|operation| &operation.outcome);
    let clients: BTreeSet<ClientId> = history.operations().iter().map(|operation| operation.client).collect();
    let mut report = CheckReport {
        model: name,
        format: recorded.format,
        entries: recorded.entries,
        operations: history.len(),
        unknown: outcomes().filter(|outcome| matches!(outcome, Outcome::Unknown)).count(),
        failed: outcomes().filter(|outcome| matches!(outcome, Outcome::Failed)).count(),
        clients: clients.len(),
        guarantee: options.guarantee,
        verdict: Verdict::Unknown,
        guarantees: Vec::new(),
        lines: Vec::new(),
        states: 0,
        findings: Vec::new(),
        undecided: Vec::new(),
        witness: None,
    };
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
        report.findings = found.violations().iter().map(|violation| told.finding(violation)).collect();
        report.undecided = told.undecided(&found);
        report.witness = told.witness(&found).filter(|_| options.witness);
    }
    report.lines = told.guarantee_lines(&report.guarantees);
    report
}

/// What a report says of operations.
struct Told<'a, M: Model> {
    model: &'a M,
    recorded: &'a Recorded<M::Op, M::Ret>,
}

impl<M: Model> Told<'_, M> {
    fn finding(&self, violation: &Violation) -> Finding {
        let history = &self.recorded.history;
        let conviction = Conviction::new(self.model, history, violation);
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
            key: key(&violation.key),
            line: blamed.1.unwrap_or(blamed.0),
            core: core.collect(),
            minimal: conviction.core.minimal,
            expected: conviction.diagnosis.attempts.iter().map(|attempt| attempt.expected.clone()).collect(),
            text: conviction.explain(self.model, history, |index| self.lines(index)),
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
        let each = undecided.iter().map(|undecided| UndecidedKey {
            key: key(&undecided.key),
            states: undecided.states,
            line: undecided.operation.map(line),
            too_wide: undecided.too_wide,
        });
        each.collect()
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

/// A key's name, if there are keys.
fn key(name: &str) -> Option<String> {
    (name != Key::Whole.to_string()).then(|| name.to_owned())
}

impl CheckReport {
    /// As people read it: the verdict first, then why.
    pub fn text(&self) -> String {
        let mut text = self.headline();
        let _ = writeln!(
            text,
            "  {} operations by {} clients, {} failed, {} of unknown outcome · {} · {} states explored",
            self.operations, self.clients, self.failed, self.unknown, self.format, self.states
        );
        for finding in &self.findings {
            let _ = write!(text, "\n{}", finding.text);
        }
        if !self.findings.is_empty() {
            text.push_str("\nclients are counted from one: c1 is process 0\n");
        }
        for undecided in &self.undecided {
            let _ = writeln!(text, "\n{}", undecided.text());
        }
        self.guarantees_text(&mut text);
        for (place, step) in self.witness.iter().flatten().enumerate() {
            let _ = writeln!(text, "{:>7}. process {} {}  (line {})", place + 1, step.process, step.text, step.line);
        }
        text
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
                let _ = write!(text, " (from lines {})", lines.join(", "));
            }
            text.push('\n');
        }
        if self.guarantees.len() > 1 {
            let strongest: Vec<&str> = guarantee::strongest(&self.guarantees).into_iter().map(Guarantee::name).collect();
            let strongest = if strongest.is_empty() { "none".to_owned() } else { strongest.join(" and ") };
            let _ = writeln!(text, "  the strongest that holds: {strongest}");
        }
    }

    fn headline(&self) -> String {
        let guarantee = self.guarantee;
        if guarantee != Guarantee::Linearizable {
            return format!("{}: {} with respect to {guarantee}\n", self.verdict, self.model);
        }
        let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        match self.verdict {
            Verdict::Holds => format!("holds: {} is linearizable\n", self.model),
            Verdict::Violated if self.findings.iter().all(|finding| finding.key.is_none()) => {
                format!("violated: {} is not linearizable\n", self.model)
            }
            Verdict::Violated => format!("violated: {} is not linearizable on {}\n", self.model, keys(self.findings.len())),
            Verdict::Unknown => format!("unknown: the budget ended before {} was decided\n", keys(self.undecided.len())),
        }
    }

    /// As one JSON object, of the version [`SCHEMA`].
    pub fn json(&self) -> Json {
        let findings: Vec<Json> = self.findings.iter().map(Finding::json).collect();
        let undecided: Vec<Json> = self
            .undecided
            .iter()
            .map(|key| json!({"key": key.key, "states": key.states, "line": key.line, "too_wide": key.too_wide, "help": key.help()}))
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
        let line = self.line.map(|line| format!(", the furthest at line {line}")).unwrap_or_default();
        format!("{key}: undecided after {} states{line}\n  {}", self.states, self.help())
    }

    /// What would help.
    pub const fn help(&self) -> &'static str {
        if self.too_wide {
            "more is open or unknown at once than can be searched: fewer clients or longer timeouts would help"
        } else {
            "a larger budget would help, or fewer operations at once, or fewer of unknown outcome"
        }
    }
}
