//! What a judge may say: verdicts, and reports on properties.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Broken, Explanation, Fact, Rule, Sighting};
use crate::base::Time;

/// What a judge found. Unknown is never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The property held, as far as this run went.
    Holds,
    /// A budget ended before the answer was known.
    Unknown,
    /// The property was violated.
    Violated,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::Unknown => "unknown",
            Self::Violated => "violated",
        })
    }
}

impl Verdict {
    /// Both together: the worse of the two.
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// What a property demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropertyKind {
    /// That something bad never happens.
    Always,
    /// That something good happens in the end.
    Eventually,
}

/// A property that is judged: declared once, beside its judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name: `election-safety`.
    pub name: &'static str,
    /// What it demands.
    pub kind: PropertyKind,
    /// What it says, in a sentence.
    pub about: &'static str,
}

impl Property {
    /// Something bad that never happens.
    pub const fn always(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: PropertyKind::Always, about }
    }

    /// Something good that happens in the end.
    pub const fn eventually(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: PropertyKind::Eventually, about }
    }
}

/// What became of one property in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PropertyReport {
    /// Its name: `election-safety`.
    pub name: &'static str,
    /// What it demands.
    pub kind: PropertyKind,
    /// Whether it held.
    pub verdict: Verdict,
    /// Why; nothing where there is nothing to say.
    pub explanation: Option<Explanation>,
    /// When it was violated first, if it was and if that can be told.
    #[serde(rename = "at_ns")]
    pub at: Option<Time>,
}

impl PropertyReport {
    /// A property that held.
    pub fn holds(property: &Property) -> Self {
        Self { name: property.name, kind: property.kind, verdict: Verdict::Holds, explanation: None, at: None }
    }

    /// A property that was violated.
    pub fn violated(property: &Property, at: Time, explanation: impl Into<Explanation>) -> Self {
        Self { verdict: Verdict::Violated, at: Some(at), ..Self::holds(property).explained(explanation) }
    }

    /// If it holds of a history of so many operations, of which none is known to have taken effect, that says nothing: it is unknown.
    pub fn judged_nothing(&mut self, operations: usize) {
        static NOTHING_JUDGED: Rule =
            Rule::new("nothing-judged", "nothing was judged: no operation is known to have taken effect, of {operations} in all");
        if self.verdict == Verdict::Holds {
            self.verdict = Verdict::Unknown;
            self.explanation = Some(NOTHING_JUDGED.with("operations", Fact::Count(operations as u64)).into());
        }
    }

    /// Why, in a line of data: `rule-id fact=value … #record …`. For tests of judges; what people read is made by reports.
    pub fn reason(&self) -> String {
        match &self.explanation {
            None => String::new(),
            Some(Explanation::Text(text)) => text.clone(),
            Some(Explanation::Rule(broken)) => {
                let facts: String = broken.facts.iter().map(|(name, fact)| format!(" {name}={fact}")).collect();
                let records: String = broken.records.iter().map(|number| format!(" #{number}")).collect();
                broken.rule.id.to_owned() + &facts + &records
            }
            Some(other) => format!("{other:?}"),
        }
    }

    /// The same, for this reason.
    #[must_use]
    pub fn explained(self, explanation: impl Into<Explanation>) -> Self {
        Self { explanation: Some(explanation.into()), ..self }
    }
}

/// The first violation of each property, as a judge finds them.
#[derive(Clone, Debug, Default)]
pub struct Violations(Vec<PropertyReport>);

impl Violations {
    /// Notes that the property was violated, unless it was before, by what is seen now: a record that it rests on, and of which the time is
    /// the fact `at`.
    #[cold]
    pub fn add(&mut self, property: &Property, now: Sighting, broken: Broken) {
        self.add_at(property, now.at, broken.seen("at", now));
    }

    /// Notes that the property was violated, unless it was before, where that is no matter of one record: at the end of a run, say.
    pub fn add_at(&mut self, property: &Property, at: Time, broken: Broken) {
        if self.of(property).is_none() {
            self.0.push(PropertyReport::violated(property, at, broken));
        }
    }

    /// Whether nothing was violated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A report on each of these properties, in their order.
    pub fn reports(&self, properties: &[Property]) -> Vec<PropertyReport> {
        let report = |property| self.of(property).cloned().unwrap_or_else(|| PropertyReport::holds(property));
        properties.iter().map(report).collect()
    }

    fn of(&self, property: &Property) -> Option<&PropertyReport> {
        self.0.iter().find(|report| report.name == property.name)
    }
}
