//! What a command and its workers say to each other: a line of JSON each.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{Digest, Duration, NodeId, Time};
use crate::check::{Difference, Explanation, Property, PropertyKind, PropertyReport, Told, Verdict};
use crate::explore::{Defect, Row};
use crate::fault::FaultPlan;
use crate::report::explanation_text;
use crate::trace::{Cell, Table, TableRow};
use crate::world::{FaultCount, MarkCount, Messages, Operations, Outcome, StepCount};

/// What a worker is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Take this scenario from now on: its name and its text.
    Scenario(String, String),
    /// Run this seed.
    Run { seed: u64, watch: Closeness },
}

/// How much a worker tells of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Closeness {
    /// What became of it.
    Outcome,
    /// Before that, each step that a node takes, before it is taken; and without judges, if it is not to be judged.
    Steps { judged: bool },
    /// Before that, each record.
    Records,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It has read the scenario.
    Ready,
    /// A node takes a step.
    Step(Step),
    /// Something was recorded.
    Record { digest: u64, at: Time, line: String },
    /// The run is over.
    Ended(Box<Sent>),
}

/// A step that a node is about to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) node: NodeId,
    pub(super) at: Time,
    pub(super) digest: u64,
    pub(super) doing: Handler,
}

/// What the step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Handler {
    Booting,
    Handling { kind: String, count: u64, from: NodeId },
    Fired(String),
    Synced,
    Waking,
}

/// What became of a seed, on its way between two processes. What struck, and which fixed fates met no message, stay behind: no sweep asks
/// for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sent {
    seed: u64,
    result: Result<SentOutcome, String>,
    fingerprint: Option<u64>,
    /// A digest of all that the outcome has.
    pub(super) everything: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SentOutcome {
    digest: u64,
    events: u64,
    messages: Messages,
    sim_time: Time,
    operations: Operations,
    properties: Vec<SentReport>,
    tables: Vec<SentTable>,
    sometimes: Vec<(String, u64)>,
    faults: Vec<(String, u64, u64)>,
    steps: Vec<(String, u64, u64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SentReport {
    name: String,
    eventually: bool,
    /// How bad it is: 0 if it holds, 1 if that is unknown, 2 if it is violated.
    verdict: u8,
    /// Why, as data and in words.
    why: Option<(Value, String)>,
    at: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SentTable {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<SentCell>)>,
}

/// A cell; numbers with a point go as their bits, so that each arrives as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum SentCell {
    Empty,
    Text(String),
    Count(u64),
    Number(u64),
    Length(u64),
    Share(u64),
}

const VERDICTS: [Verdict; 3] = [Verdict::Holds, Verdict::Unknown, Verdict::Violated];

/// A digest of all that an outcome has, in whatever process it was made.
pub(super) fn everything(outcome: &Outcome) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(format!("{outcome:?}").as_bytes());
    digest.finish()
}

impl Sent {
    /// Why this run and the other, of the same seed, are not the same, if they are not.
    pub(super) fn differs(&self, other: &Self) -> Option<Explanation> {
        if self.everything == other.everything && self.result.is_ok() == other.result.is_ok() {
            return None;
        }
        let digest = |sent: &Self| sent.result.as_ref().ok().map(|outcome| outcome.digest);
        Some(match self.judged_differently(other) {
            _ if digest(self) != digest(other) => "two runs of this seed differ: run --verify shows where".into(),
            Some(property) => Difference::Judged(property).into(),
            None => Difference::Counts.into(),
        })
    }

    /// The first property that the other reports otherwise.
    pub(super) fn judged_differently(&self, other: &Self) -> Option<&'static str> {
        let (Ok(outcome), Ok(other)) = (&self.result, &other.result) else { return None };
        let differing = outcome.properties.iter().zip(&other.properties).find(|(report, other)| report != other);
        differing.map(|(report, _)| name_of(report.name.clone()))
    }
}

impl From<Row> for Sent {
    fn from(Row { seed, result, fingerprint }: Row) -> Self {
        let everything = result.as_ref().map_or(0, everything);
        Self { seed, result: result.map(SentOutcome::from).map_err(|defect| defect.message), fingerprint, everything }
    }
}

impl From<Sent> for Row {
    fn from(Sent { seed, result, fingerprint, .. }: Sent) -> Self {
        let result = result.map(|outcome| outcome.arrived(seed)).map_err(|message| Defect { message });
        Self { seed, result, fingerprint }
    }
}

impl From<Outcome> for SentOutcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            digest: outcome.digest,
            events: outcome.events,
            messages: outcome.messages,
            sim_time: outcome.sim_time,
            operations: outcome.operations,
            properties: outcome.properties.into_iter().map(SentReport::from).collect(),
            tables: outcome.tables.into_iter().map(SentTable::from).collect(),
            sometimes: outcome.sometimes.into_iter().map(|mark| (mark.name.to_owned(), mark.count)).collect(),
            faults: outcome.faults.into_iter().map(|fault| (fault.kind.to_owned(), fault.strikes, fault.bites)).collect(),
            steps: outcome.steps.into_iter().map(|step| (step.step, step.strikes, step.bites)).collect(),
        }
    }
}

impl SentOutcome {
    fn arrived(self, seed: u64) -> Outcome {
        Outcome {
            seed,
            digest: self.digest,
            events: self.events,
            messages: self.messages,
            sim_time: self.sim_time,
            operations: self.operations,
            properties: self.properties.into_iter().map(SentReport::arrived).collect(),
            tables: self.tables.into_iter().map(SentTable::arrived).collect(),
            sometimes: self.sometimes.into_iter().map(|(name, count)| MarkCount { name: name_of(name), count }).collect(),
            faults: self.faults.into_iter().map(|(kind, strikes, bites)| FaultCount { kind: name_of(kind), strikes, bites }).collect(),
            steps: self.steps.into_iter().map(|(step, strikes, bites)| StepCount { step, strikes, bites }).collect(),
            fates: Default::default(),
            scripted: Default::default(),
            strays: Vec::new(),
            struck: FaultPlan::default(),
        }
    }
}

impl From<PropertyReport> for SentReport {
    fn from(report: PropertyReport) -> Self {
        let why = report.explanation.map(|why| {
            let data = serde_json::to_value(&why).unwrap_or_default();
            (data, explanation_text(&why))
        });
        let eventually = report.kind == PropertyKind::Eventually;
        Self { name: report.name.to_owned(), eventually, verdict: report.verdict as u8, why, at: report.at }
    }
}

impl SentReport {
    fn arrived(self) -> PropertyReport {
        let name = name_of(self.name);
        let property = if self.eventually { Property::eventually(name, "") } else { Property::always(name, "") };
        let verdict = VERDICTS[usize::from(self.verdict).min(2)];
        let report = PropertyReport { verdict, at: self.at, ..PropertyReport::holds(&property) };
        match self.why {
            Some((data, text)) => report.explained(Told { data, text }),
            None => report,
        }
    }
}

impl From<Table> for SentTable {
    fn from(Table { title, columns, rows }: Table) -> Self {
        let rows = rows.into_iter().map(|row| (row.name, row.cells.into_iter().map(SentCell::from).collect()));
        Self { title, columns: columns.into_iter().map(str::to_owned).collect(), rows: rows.collect() }
    }
}

impl SentTable {
    fn arrived(self) -> Table {
        let row = |(name, cells): (String, Vec<SentCell>)| TableRow { name, cells: cells.into_iter().map(SentCell::arrived).collect() };
        let columns = self.columns.into_iter().map(name_of).collect();
        Table { title: self.title, columns, rows: self.rows.into_iter().map(row).collect() }
    }
}

impl From<Cell> for SentCell {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Empty => Self::Empty,
            Cell::Text(text) => Self::Text(text),
            Cell::Count(count) => Self::Count(count),
            Cell::Number(number) => Self::Number(number.to_bits()),
            Cell::Length(length) => Self::Length(length.as_nanos()),
            Cell::Share(share) => Self::Share(share.to_bits()),
        }
    }
}

impl SentCell {
    fn arrived(self) -> Cell {
        match self {
            Self::Empty => Cell::Empty,
            Self::Text(text) => Cell::Text(text),
            Self::Count(count) => Cell::Count(count),
            Self::Number(bits) => Cell::Number(f64::from_bits(bits)),
            Self::Length(nanos) => Cell::Length(Duration::from_nanos(nanos)),
            Self::Share(bits) => Cell::Share(f64::from_bits(bits)),
        }
    }
}

/// The name, for the rest of the process. A program has few names: each is kept once.
pub(super) fn name_of(text: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text.as_str()) {
        return known;
    }
    let name: &'static str = text.leak();
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::samples::{outcome, unknown, violated};

    /// What arrives is what was sent, through JSON, but for what stays behind; and it is explained in the same words and by the same data.
    #[test]
    fn a_row_arrives_as_it_was_sent() {
        let mut measured = outcome(9);
        let mut table = Table::new("delays", &["count", "share", "length", "number"]);
        let numbers = vec![Cell::Count(u64::MAX), Cell::Share(0.1 + 0.2), Cell::Length(Duration::from_nanos(7)), Cell::Number(1e-300)];
        table.row("n1", numbers);
        table.row("n2", vec![Cell::Empty, Cell::Text("none".to_owned()), Cell::Empty, Cell::Empty]);
        measured.tables.push(table);
        measured.steps.push(StepCount { step: "storm".to_owned(), strikes: 2, bites: 1 });
        for result in [Ok(measured), Ok(violated(7, "a", "n1 and n2\nboth")), Ok(unknown(8)), Err(Defect { message: "oh".to_owned() })] {
            let row = Row::new(7, result);
            let line = serde_json::to_string(&Sent::from(row.clone())).unwrap();
            assert!(!line.contains('\n'));
            let arrived = Row::from(serde_json::from_str::<Sent>(&line).unwrap());
            assert_eq!(crate::report::row_json(&arrived), crate::report::row_json(&row));
            assert_eq!(arrived.verdict(), row.verdict());
            let (Ok(sent), Ok(arrived)) = (row.result, arrived.result) else { continue };
            assert_eq!(arrived.tables, sent.tables);
            assert_eq!(arrived.steps, sent.steps);
            for (sent, arrived) in sent.properties.iter().zip(&arrived.properties) {
                assert_eq!(serde_json::to_value(arrived).unwrap(), serde_json::to_value(sent).unwrap());
                assert_eq!(arrived.explanation.as_ref().map(explanation_text), sent.explanation.as_ref().map(explanation_text));
            }
        }
    }

    #[test]
    fn a_name_is_kept_once() {
        assert!(std::ptr::eq(name_of("storm".to_owned()), name_of("storm".to_owned())));
    }
}
