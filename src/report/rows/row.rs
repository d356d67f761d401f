//! A row of a sweep as it is written: a JSON object from which it can be read again.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::hex::Hex;
use super::name_of;
use crate::base::Time;
use crate::check::{Explanation, Property, PropertyKind, PropertyReport, Told, Verdict};
use crate::explore::{Defect, NoOutcome, Row};
use crate::fault::FaultPlan;
use crate::report::explanation_text;
use crate::trace::{Table, TableRow};
use crate::world::{FaultCount, MarkCount, Messages, Operations, Outcome, StepCount};

/// A row of a sweep as it stands in a line of its file, and as a worker process sends it: a JSON object, whose schema is
/// `docs/schemas/row.json`.
///
/// All that a [`Summary`](crate::explore::Summary) asks for is in it: a row that is read counts as the one that was written did. Left out
/// are what struck, what became of fixed fates and of operations that were written down, and strays. Of an explanation that is read there
/// are its data and its words ([`Told`]).
///
/// ```
/// use stormglass::explore::{Defect, Row};
/// use stormglass::report::WrittenRow;
///
/// let row = Row::new(7, Err(Defect { message: "a judge panicked".to_owned() }.into()));
/// let line = serde_json::to_string(&WrittenRow::of(&row)).unwrap();
/// let read: WrittenRow<'_> = serde_json::from_str(&line).unwrap();
/// assert_eq!(read.into_row(), Ok(row));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrittenRow<'a> {
    seed: u64,
    verdict: Came,
    digest: Option<Hex>,
    fingerprint: Option<Hex>,
    violated: Vec<Cow<'a, str>>,
    events: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages: Option<Messages>,
    sim_time_ns: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operations: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    history: Option<Operations>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Vec<WrittenProperty<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tables: Option<Vec<WrittenTable<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sometimes: Option<Vec<WrittenMark<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faults: Option<Vec<WrittenFault<'a>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<WrittenStep<'a>>>,
    /// What Stormglass said when it failed itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    /// Whether there was no answer in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stalled: bool,
}

/// The verdict, or that there is none because Stormglass failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Came {
    Holds,
    Unknown,
    Violated,
    Defect,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WrittenProperty<'a> {
    name: Cow<'a, str>,
    kind: PropertyKind,
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    explanation: Option<Data<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ns: Option<Time>,
    /// The explanation in words, without its last line break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

/// The data of an explanation: of one that was made in this process, or as they were read.
#[derive(Clone, Debug)]
enum Data<'a> {
    Made(&'a Explanation),
    Read(Box<Value>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WrittenTable<'a> {
    title: Cow<'a, str>,
    columns: Vec<Cow<'a, str>>,
    rows: Cow<'a, [TableRow]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WrittenMark<'a> {
    name: Cow<'a, str>,
    count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WrittenFault<'a> {
    kind: Cow<'a, str>,
    strikes: u64,
    bites: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WrittenStep<'a> {
    step: Cow<'a, str>,
    strikes: u64,
    bites: u64,
}

impl<'a> WrittenRow<'a> {
    /// The row as it is written.
    pub fn of(row: &'a Row) -> Self {
        let written = Self {
            seed: row.seed,
            verdict: row.verdict().map_or(Came::Defect, Came::from),
            digest: None,
            fingerprint: row.fingerprint.map(Hex),
            violated: row.violated().map(|property| property.name.into()).collect(),
            events: None,
            messages: None,
            sim_time_ns: None,
            operations: None,
            history: None,
            properties: None,
            tables: None,
            sometimes: None,
            faults: None,
            steps: None,
            message: None,
            stalled: false,
        };
        match &row.result {
            Ok(outcome) => written.with(outcome),
            Err(NoOutcome::Defect(defect)) => Self { message: Some((&*defect.message).into()), ..written },
            Err(NoOutcome::Stalled) => Self { stalled: true, ..written },
        }
    }

    fn with(self, outcome: &'a Outcome) -> Self {
        let marks = outcome.sometimes.iter().map(|mark| WrittenMark { name: mark.name.into(), count: mark.count });
        let faults = outcome.faults.iter().map(|FaultCount { kind, strikes, bites }| WrittenFault {
            kind: (*kind).into(),
            strikes: *strikes,
            bites: *bites,
        });
        let steps = outcome.steps.iter().map(|StepCount { step, strikes, bites }| WrittenStep {
            step: step.into(),
            strikes: *strikes,
            bites: *bites,
        });
        Self {
            digest: Some(Hex(outcome.digest)),
            events: Some(outcome.events),
            messages: Some(outcome.messages),
            sim_time_ns: Some(outcome.sim_time),
            operations: Some(outcome.operations.completed),
            history: Some(outcome.operations),
            properties: Some(outcome.properties.iter().map(WrittenProperty::of).collect()),
            tables: Some(outcome.tables.iter().map(WrittenTable::of).collect()),
            sometimes: Some(marks.collect()),
            faults: Some(faults.collect()),
            steps: Some(steps.collect()),
            ..self
        }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The digest of the run; none if there was no answer.
    pub fn digest(&self) -> Option<u64> {
        self.digest.map(|Hex(digest)| digest)
    }

    /// The first property of which the other row reports something else.
    pub fn judged_differently(&self, other: &WrittenRow<'_>) -> Option<&'static str> {
        let (properties, others) = (self.properties.iter().flatten(), other.properties.iter().flatten());
        properties.zip(others).find(|(property, other)| property != other).map(|(property, _)| name_of(&property.name))
    }

    /// The row that was written.
    ///
    /// # Errors
    /// If it is not one that [`of`](Self::of) makes: what is missing, or does not agree.
    pub fn into_row(self) -> Result<Row, String> {
        let (seed, verdict, fingerprint) = (self.seed, self.verdict, self.fingerprint.map(|Hex(print)| print));
        let result = match (self.message, self.stalled) {
            (Some(message), _) => Err(NoOutcome::Defect(Defect { message: message.into_owned() })),
            (None, true) => Err(NoOutcome::Stalled),
            (None, false) => {
                let missing = |field: &str| format!("no `{field}`");
                Ok(Outcome {
                    seed,
                    digest: self.digest.ok_or_else(|| missing("digest"))?.0,
                    events: self.events.ok_or_else(|| missing("events"))?,
                    messages: self.messages.ok_or_else(|| missing("messages"))?,
                    sim_time: self.sim_time_ns.ok_or_else(|| missing("sim_time_ns"))?,
                    operations: self.history.ok_or_else(|| missing("history"))?,
                    properties: each(self.properties, "properties", WrittenProperty::read)?,
                    tables: each(self.tables, "tables", WrittenTable::read)?,
                    sometimes: each(self.sometimes, "sometimes", |mark| MarkCount { name: name_of(&mark.name), count: mark.count })?,
                    faults: each(self.faults, "faults", |WrittenFault { kind, strikes, bites }| FaultCount {
                        kind: name_of(&kind),
                        strikes,
                        bites,
                    })?,
                    steps: each(self.steps, "steps", |WrittenStep { step, strikes, bites }| StepCount {
                        step: step.into_owned(),
                        strikes,
                        bites,
                    })?,
                    fates: Default::default(),
                    scripted: Default::default(),
                    strays: Vec::new(),
                    struck: FaultPlan::default(),
                })
            }
        };
        let row = Row { seed, result, fingerprint };
        let agrees = row.verdict().map_or(Came::Defect, Came::from) == verdict;
        if agrees { Ok(row) } else { Err("`verdict` is not that of `properties`".to_owned()) }
    }
}

/// Reads each of a list that must be there.
fn each<W, T>(list: Option<Vec<W>>, field: &str, read: impl FnMut(W) -> T) -> Result<Vec<T>, String> {
    Ok(list.ok_or_else(|| format!("no `{field}`"))?.into_iter().map(read).collect())
}

impl From<Verdict> for Came {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Holds => Self::Holds,
            Verdict::Unknown => Self::Unknown,
            Verdict::Violated => Self::Violated,
        }
    }
}

impl<'a> WrittenProperty<'a> {
    fn of(report: &'a PropertyReport) -> Self {
        let words = |explanation: &Explanation| {
            let mut text = explanation_text(explanation);
            text.truncate(text.strip_suffix('\n').map_or(text.len(), str::len));
            text
        };
        Self {
            name: report.name.into(),
            kind: report.kind,
            verdict: report.verdict,
            explanation: report.explanation.as_ref().map(Data::Made),
            at_ns: report.at,
            detail: report.explanation.as_ref().map(|explanation| words(explanation).into()),
        }
    }

    fn read(self) -> PropertyReport {
        let name = name_of(&self.name);
        let property = match self.kind {
            PropertyKind::Always => Property::always(name, ""),
            PropertyKind::Eventually => Property::eventually(name, ""),
        };
        let text = self.detail.unwrap_or_default().into_owned();
        let explanation = self.explanation.map(|data| Told { data: data.into_value(), text }.into());
        PropertyReport { verdict: self.verdict, at: self.at_ns, explanation, ..PropertyReport::holds(&property) }
    }
}

impl Data<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Made(explanation) => serde_json::to_value(explanation).unwrap_or_default(),
            Self::Read(value) => *value,
        }
    }
}

impl PartialEq for Data<'_> {
    /// What is written of both is the same.
    fn eq(&self, other: &Self) -> bool {
        self.clone().into_value() == other.clone().into_value()
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Made(explanation) => explanation.serialize(serializer),
            Self::Read(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Data<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::Read(Box::new(value)))
    }
}

impl<'a> WrittenTable<'a> {
    fn of(table: &'a Table) -> Self {
        let columns = table.columns.iter().map(|column| (*column).into()).collect();
        Self { title: (&*table.title).into(), columns, rows: (&*table.rows).into() }
    }

    fn read(self) -> Table {
        let columns = self.columns.iter().map(|column| name_of(column)).collect();
        Table { title: self.title.into_owned(), columns, rows: self.rows.into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;
    use crate::check::{Pending, Rule};
    use crate::explore::samples::{outcome, unknown, violated};
    use crate::trace::Cell;

    /// Rows with all that a row can have.
    fn rows() -> Vec<Row> {
        let mut measured = outcome(9);
        let mut table = Table::new("delays", &["count", "share", "length", "number"]);
        let numbers = vec![Cell::Count(u64::MAX), Cell::Share(0.1 + 0.2), Cell::Length(Duration::from_nanos(7)), Cell::Number(1e-300)];
        table.row("n1", numbers);
        table.row("n2", vec![Cell::Empty, Cell::Text("none".to_owned()), Cell::Share(1.0), Cell::Number(-3.0)]);
        measured.tables.push(table);
        measured.steps.push(StepCount { step: "storm".to_owned(), strikes: 2, bites: 1 });
        static RULE: Rule = Rule::new("two-leaders", "{count} lead");
        let mut explained = violated(7, "a", "n1 and n2\nboth");
        let rule = RULE.with("count", crate::check::Fact::Count(2));
        explained.properties.push(PropertyReport::violated(&Property::eventually("b", ""), Time::from_nanos(5), rule));
        explained.properties.push(PropertyReport::holds(&Property::always("c", "")).explained(Pending::default()));
        let defect = NoOutcome::Defect(Defect { message: "oh".to_owned() });
        [Ok(measured), Ok(explained), Ok(unknown(8)), Err(defect), Err(NoOutcome::Stalled)].map(|result| Row::new(7, result)).into()
    }

    fn line(row: &Row) -> String {
        serde_json::to_string(&WrittenRow::of(row)).unwrap()
    }

    /// What is read is what was written, but for what stays behind; it is written again as it was, and explained in the same words.
    #[test]
    fn a_row_is_read_as_it_was_written() {
        for row in rows() {
            let written = line(&row);
            assert!(!written.contains('\n'));
            let read = serde_json::from_str::<WrittenRow<'_>>(&written).unwrap();
            assert_eq!(read, WrittenRow::of(&row));
            let read = read.into_row().unwrap();
            assert_eq!(line(&read), written);
            assert_eq!((read.verdict(), read.fingerprint), (row.verdict(), row.fingerprint));
            let (Ok(read), Ok(row)) = (read.result, row.result) else { continue };
            assert_eq!((&read.tables, &read.steps, &read.sometimes, &read.faults), (&row.tables, &row.steps, &row.sometimes, &row.faults));
            for (read, made) in read.properties.iter().zip(&row.properties) {
                assert_eq!(serde_json::to_value(read).unwrap(), serde_json::to_value(made).unwrap());
                assert_eq!(read.explanation.as_ref().map(explanation_text), made.explanation.as_ref().map(explanation_text));
            }
        }
    }

    #[test]
    fn what_is_no_row_is_told() {
        let row = &line(&rows()[0]);
        for (from, to, told) in [
            ("\"verdict\":\"holds\"", "\"verdict\":\"violated\"", "`verdict` is not that of `properties`"),
            ("\"steps\":", "\"stops\":", "no `steps`"),
            ("\"digest\":\"", "\"digest\":\"0", "expected sixteen hexadecimal digits at line 1"),
            ("\"digest\":\"1", "\"digest\":\"+", "expected sixteen hexadecimal digits at line 1"),
            ("\"seed\":7", "\"seed\":-7", "invalid value: integer `-7`, expected u64"),
        ] {
            assert!(row.contains(from), "{from}");
            let read = serde_json::from_str::<WrittenRow<'_>>(&row.replacen(from, to, 1)).map_err(|error| error.to_string());
            let found = read.and_then(WrittenRow::into_row).unwrap_err();
            assert!(found.starts_with(told), "{found}");
        }
    }
}
