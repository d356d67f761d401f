//! Judging a file: what the command `check` does, without the command.

use std::fmt;
use std::io::{self, Read};

use serde::Serialize;

use super::import::{ImportError, Reading, Recorded, Remarks};
use super::schema::{
    Banks, Counters, FencedLocks, GrowSets, IdSources, Item, Locks, Logs, MultiRegisters, ObjectSchema, ObjectsSchema, PriorityQueues,
    Queues, Registers, Schema, Sets, Stacks, StoreSchema, UnknownStartSchema, UnorderedQueues,
};
use super::streaming::{self, FileSummary, Reader, TypedReader};
use super::total_queue;
use crate::base::SortedMap;
use crate::check::consistency::{self, Guarantee, GuaranteeReport, Observable, ObservableSubject};
use crate::check::linearizability::Drawing;
use crate::check::linearizability::{
    Counterexample, Explainer, Judged, Judgement, Linearizability, Origin, Report, Subject, examine, explanation_budget, named,
};
use crate::check::model::total_queue::TotalQueue;
use crate::check::model::{ModelName, UnknownModel};
use crate::check::verdict::{Budget, Verdict};
use crate::history::formats::{Entries, Format, Value};

/// How a file is to be judged.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// The format of the file; by default, whichever it seems to have.
    pub format: Option<Format>,
    /// What the object holds at first; by default, nothing.
    pub initial: Option<Value>,
    /// Whether it is not known what it holds at first: for registers and stores.
    pub initial_unknown: bool,
    /// What completions are taken to show. By default, a compare-and-set that failed is dropped, and a read of nil saw that nothing was
    /// there.
    pub reading: Reading,
    /// What may be spent.
    pub budget: Budget,
    /// How many states may be explored besides to explain what is violated; with none, it is told by which completion, and no more. By
    /// default, [`explanation_budget`].
    pub explanation: Option<u64>,
    /// Whether the order that shows that a history holds is wanted.
    pub witness: bool,
    /// What the history is to keep.
    pub guarantee: Guarantee,
    /// Whether the weaker guarantees are to be judged, too, to tell the strongest that holds.
    pub strongest: bool,
    /// Whether all is wanted that a drawing needs.
    pub drawing: bool,
    /// How many events a file may have to be judged as a whole by [`run_check_again`]; by default, a million or so.
    pub whole: Option<u64>,
}

/// How many events a file may have to be judged as a whole.
const WHOLE: u64 = 1 << 20;

impl CheckOptions {
    /// How many events a file may have that can be read again. A longer one is judged while it is read, unless more is asked of it than can
    /// be known then.
    fn whole(&self) -> u64 {
        let plain = self.guarantee == Guarantee::Linearizable
            && !self.strongest
            && !self.witness
            && !self.drawing
            && self.budget == Budget::default();
        if plain { self.whole.unwrap_or(WHOLE) } else { u64::MAX }
    }
}

/// Why there is no verdict.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// No model has this name.
    UnknownModel(UnknownModel),
    /// The object cannot hold this at first; why not.
    Initial(String),
    /// Completions of this model cannot be read so; why not.
    Reading(String),
    /// The file cannot be read, or lines of it are wrong.
    Import(ImportError),
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownModel(error) => error.fmt(f),
            Self::Initial(message) | Self::Reading(message) => f.write_str(message),
            Self::Import(error) => error.fmt(f),
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
    /// What there is to say of the file besides what was done.
    pub remarks: Remarks,
    /// How many operations.
    pub operations: usize,
    /// Of how many of these it is not known whether they took effect.
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
    /// Every key that is not linearizable or could not be judged, if that was asked for.
    pub explanation: Linearizability,
    /// An order that shows that the history holds, if it was asked for.
    pub witness: Option<Vec<WitnessStep>>,
    /// What a drawing needs, if it was asked for.
    pub drawing: Option<Drawing>,
    /// What could not be judged, for which what would hold is unknown.
    pub caveat: Option<&'static str>,
}

/// One step of a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WitnessStep {
    /// Who did it, as the file has it.
    pub client: String,
    /// The line on which it begins.
    pub line: u64,
    /// What it was, in words.
    pub text: String,
}

/// Judges what this reads by the model of this name.
///
/// ```
/// use stormglass_check::check::{CheckOptions, Verdict, run_check};
///
/// let log = "\
/// INFO  jepsen.util - 0 :invoke :write 4
/// INFO  jepsen.util - 0 :ok :write 4
/// INFO  jepsen.util - 1 :invoke :read nil
/// INFO  jepsen.util - 1 :ok :read 3
/// ";
/// let report = run_check(log.as_bytes(), "cas-register", &CheckOptions::default())?;
/// assert_eq!(report.verdict, Verdict::Violated);
/// assert_eq!(report.explanation.violations[0].line, Some(4));
/// # Ok::<(), stormglass_check::check::CheckError>(())
/// ```
///
/// # Errors
/// If there is no such model, if the input cannot be read, or if lines of it are wrong: then all of them are told.
pub fn run_check(input: impl Read, model: &str, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    once(input, options, |open, options| choose(open, model, options))
}

/// Judges what can be read only once.
pub(super) fn once<T>(input: impl Read, options: &CheckOptions, judge: impl FnOnce(Opening<'_, '_>, &CheckOptions) -> T) -> T {
    let mut input = Some(input);
    let mut once = || input.take().map(|input| Box::new(input) as Box<dyn Read + '_>).ok_or_else(|| io::ErrorKind::Unsupported.into());
    judge(&mut once, &CheckOptions { whole: Some(u64::MAX), ..options.clone() })
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
pub(super) type Opening<'o, 'r> = &'o mut dyn FnMut() -> io::Result<Box<dyn Read + 'r>>;

fn choose(open: Opening<'_, '_>, model: &str, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    let name: ModelName = model.parse().map_err(CheckError::UnknownModel)?;
    let initial = options.initial.clone().filter(|value| !value.is_nil());
    let registers = matches!(name, ModelName::Register | ModelName::CasRegister | ModelName::Kv);
    if options.reading.nil_reads_unknown && !registers {
        return Err(CheckError::Reading(format!(
            "what a read of nil saw can be asked of registers and stores, and of transactions, not of a {name}"
        )));
    }
    if options.initial_unknown {
        return match name {
            _ if initial.is_some() => Err(CheckError::Initial("either it is known what is held at first, or it is not".to_owned())),
            ModelName::Register | ModelName::CasRegister => {
                let registers = Registers { initial: None, plain: name == ModelName::Register };
                run(name, UnknownStartSchema(registers), open, options)
            }
            ModelName::Kv => run(name, UnknownStartSchema(StoreSchema::new(None)), open, options),
            _ => {
                Err(CheckError::Initial(format!("what a {name} holds at first has to be known: only registers and stores can do without")))
            }
        };
    }
    match name {
        ModelName::Register | ModelName::CasRegister => run(name, Registers { initial, plain: name == ModelName::Register }, open, options),
        ModelName::Kv => run(name, StoreSchema::new(initial), open, options),
        ModelName::Counter => run_objects(name, Counters, open, options),
        ModelName::Set => run_objects(name, Sets::default(), open, options),
        ModelName::GrowSet => run_objects(name, GrowSets, open, options),
        ModelName::Queue => run_objects(name, Queues, open, options),
        ModelName::Stack => run_objects(name, Stacks, open, options),
        ModelName::PriorityQueue => run_objects(name, PriorityQueues, open, options),
        ModelName::Lock => run_objects(name, Locks, open, options),
        ModelName::FencedLock => run_objects(name, FencedLocks, open, options),
        ModelName::Log => run_objects(name, Logs, open, options),
        ModelName::UnorderedQueue => run_objects(name, UnorderedQueues, open, options),
        ModelName::TotalQueue => run_total_queue(open, options),
        ModelName::UniqueIds => run_objects(name, IdSources, open, options),
        ModelName::MultiRegister => run(name, MultiRegisters::new(initial.as_ref()).map_err(CheckError::Initial)?, open, options),
        ModelName::Bank => run(name, Banks::new(initial.as_ref()).map_err(CheckError::Initial)?, open, options),
    }
}

/// Reads a file of a queue that is emptied at the end, and judges it item by item.
fn run_total_queue(open: Opening<'_, '_>, options: &CheckOptions) -> Result<CheckReport, CheckError> {
    if options.guarantee != Guarantee::Linearizable || options.strongest {
        return Err(CheckError::Reading("a total-queue has one guarantee only: what goes in comes out".to_owned()));
    }
    let initial = match &options.initial {
        None | Some(Value::Nil) => &[][..],
        Some(value) => value.items().ok_or_else(|| CheckError::Initial(format!("expected items, as in [1 2], found {value}")))?,
    };
    let input = open().map_err(|error| CheckError::Import(ImportError::Io(error)))?;
    let (recorded, caveat) = total_queue::read(input, options.format, initial).map_err(CheckError::Import)?;
    let mut report = judge_recorded(ModelName::TotalQueue.name(), &TotalQueue::<Item>::empty(), &recorded, options);
    report.caveat = caveat.filter(|_| report.verdict == Verdict::Holds);
    if report.caveat.is_some() {
        (report.verdict, report.witness) = (Verdict::Unknown, None);
    }
    Ok(report)
}

/// Reads a file of objects, of which there may be several with keys, by this schema, and judges it.
fn run_objects<S>(name: ModelName, schema: S, open: Opening<'_, '_>, options: &CheckOptions) -> Result<CheckReport, CheckError>
where
    S: ObjectSchema<Model: Observable<Op: Clone> + Clone> + Clone,
{
    run_named_objects(name.name(), schema, open, options)
}

/// The same by a model of any name.
pub(super) fn run_named_objects<S>(
    name: &'static str,
    schema: S,
    open: Opening<'_, '_>,
    options: &CheckOptions,
) -> Result<CheckReport, CheckError>
where
    S: ObjectSchema<Model: Observable<Op: Clone> + Clone> + Clone,
{
    let schema = ObjectsSchema::new(schema, options.initial.as_ref()).map_err(CheckError::Initial)?;
    run_reader(name, &mut TypedReader::new(schema), open, options)
}

/// Reads a file of what starts as its schema says, by a model of any name.
pub(super) fn run_named<S>(name: &'static str, schema: S, open: Opening<'_, '_>, options: &CheckOptions) -> Result<CheckReport, CheckError>
where
    S: Schema<Model: Observable<Op: Clone>> + Clone,
{
    if options.initial_unknown || options.initial.is_some() {
        return Err(CheckError::Initial(format!("what a {name} holds at first is not to be said: the model knows it")));
    }
    run_reader(name, &mut TypedReader::new(schema), open, options)
}

fn run<S>(name: ModelName, schema: S, open: Opening<'_, '_>, options: &CheckOptions) -> Result<CheckReport, CheckError>
where
    S: Schema<Model: Observable<Op: Clone>> + Clone,
{
    run_reader(name.name(), &mut TypedReader::new(schema), open, options)
}

/// Reads a file and judges it.
fn run_reader(
    name: &'static str,
    reader: &mut dyn Reader,
    open: Opening<'_, '_>,
    options: &CheckOptions,
) -> Result<CheckReport, CheckError> {
    let mut entries = || {
        let opened = open().and_then(|input| Entries::open(input, options.format));
        opened.map_err(|error| CheckError::Import(ImportError::Io(error)))
    };
    let mut whole = options.whole();
    loop {
        let read = streaming::read(reader, entries()?, whole, options.reading).map_err(CheckError::Import)?;
        let Some(streamed) = read else { return Ok(reader.judge(name, options)) };
        let report = CheckReport { states: streamed.states, ..CheckReport::new(name, streamed.summary, options.guarantee) };
        match streamed.verdict {
            Verdict::Holds if report.nothing_judged() => return Ok(report),
            Verdict::Holds => return Ok(CheckReport { verdict: Verdict::Holds, ..report }),
            Verdict::Violated => {
                let lines = streaming::read_violated_keys(reader, entries()?, &streamed.violations, options.reading);
                let lines = lines.map_err(CheckError::Import)?;
                let violations = match options.explanation {
                    Some(0) => Vec::new(),
                    _ => reader.judge(name, options).explanation.violations,
                };
                return Ok(explained(report, violations, &lines));
            }
            // Judged as a whole, it can be decided more often.
            Verdict::Unknown => whole = u64::MAX,
        }
    }
}

/// What has a key in a file, whatever the model.
const KEY: &str = "key";

/// The report on a violated file, with what a closer look at its violated keys has shown. For each of them, there is the line with which it
/// is violated.
fn explained(report: CheckReport, mut violations: Vec<Counterexample>, lines: &SortedMap<String, u64>) -> CheckReport {
    for (key, line) in lines {
        // The closer look may end with its budget.
        if violations.iter().all(|violation| violation.key != named(key)) {
            violations.push(Counterexample::unexplained((KEY, named(key)), None, Some(*line)));
        }
    }
    CheckReport { verdict: Verdict::Violated, explanation: Linearizability { violations, undecided: Vec::new() }, ..report }
}

/// Judges a recorded history.
pub(super) fn judge_recorded<M>(name: &'static str, model: &M, recorded: &Recorded<M::Op, M::Ret>, options: &CheckOptions) -> CheckReport
where
    M: Observable,
{
    let Recorded { history, lines, remarks, format, names, .. } = recorded;
    let report = CheckReport::new(name, FileSummary::of(*format, *remarks, history), options.guarantee);
    judge(report, &Judged { model, history }, Origin { lines, names, timed: !remarks.untimed }, options)
}

/// Judges a history of this origin.
fn judge(mut report: CheckReport, subject: &dyn ObservableSubject, origin: Origin<'_>, options: &CheckOptions) -> CheckReport {
    let budget = options.budget;
    let explaining = options.explanation.unwrap_or_else(|| explanation_budget(subject.timeline().len()));
    if options.strongest {
        report.guarantees = consistency::check_all_of(subject, budget, explaining);
    } else if options.guarantee != Guarantee::Linearizable {
        report.guarantees.push(consistency::check_subject(subject, options.guarantee, budget, explaining));
    }
    if let Some(asked) = report.guarantees.iter().find(|asked| asked.guarantee == options.guarantee) {
        report.verdict = asked.verdict;
        report.states = asked.states;
    }
    if options.guarantee == Guarantee::Linearizable {
        let explainer = Explainer::new(subject, Some(origin));
        let examined = examine(&explainer, budget, explaining);
        report.verdict = examined.report.verdict();
        report.states = examined.report.states;
        report.witness = options.witness.then(|| witness(subject, origin, &examined.report)).flatten();
        report.drawing = options.drawing.then(|| Drawing::new(&explainer, &examined));
        report.explanation = examined.explanation;
    }
    report.lines = guarantee_lines(origin, &report.guarantees);
    if report.nothing_judged() {
        (report.verdict, report.witness) = (Verdict::Unknown, None);
        report.guarantees.iter_mut().for_each(|each| each.verdict = Verdict::Unknown);
    }
    report
}

/// For each of these, the lines on which the operations begin that show what became of it.
fn guarantee_lines(origin: Origin<'_>, guarantees: &[GuaranteeReport]) -> Vec<Vec<u64>> {
    let lines = |report: &GuaranteeReport| report.operations().iter().map(|index| origin.lines[*index].0).collect();
    guarantees.iter().map(lines).collect()
}

/// The order that shows that the history holds, in the model's words.
fn witness(subject: &dyn Subject, origin: Origin<'_>, report: &Report) -> Option<Vec<WitnessStep>> {
    let Judgement::Holds { witness } = &report.judgement else { return None };
    let step = |index: &usize| WitnessStep {
        client: origin.names.of(subject.timeline().client(*index)),
        line: origin.lines[*index].0,
        text: subject.describe(*index, false),
    };
    Some(witness.iter().map(step).collect())
}

impl CheckReport {
    /// Whether no operation is known to have taken effect. That such a history holds says nothing, so its verdict is unknown.
    pub const fn nothing_judged(&self) -> bool {
        self.unknown + self.failed == self.operations
    }

    /// Nothing is known yet.
    fn new(model: &'static str, summary: FileSummary, guarantee: Guarantee) -> Self {
        let FileSummary { format, remarks, operations, unknown, failed, clients } = summary;
        Self {
            model,
            format,
            remarks,
            operations,
            unknown,
            failed,
            clients,
            guarantee,
            verdict: Verdict::Unknown,
            guarantees: Vec::new(),
            lines: Vec::new(),
            states: 0,
            explanation: Linearizability::default(),
            witness: None,
            drawing: None,
            caveat: None,
        }
    }
}
