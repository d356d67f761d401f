//! Why a property is violated, or unknown: as data, with no layout. What people read is made of it by [`report`](crate::report).

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::isolation;
use super::linearizability::Linearizability;
use super::rule::Broken;
use super::trouble::{Difference, Panic, Pending, Spin};

/// Why a property is violated, or why nobody knows whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Explanation {
    /// A history that is not linearizable, or could not be judged.
    Linearizability(Box<Linearizability>),
    /// Transactions that were not kept apart.
    Isolation(Box<isolation::Finding>),
    /// Why it is not known whether transactions were kept apart.
    Doubt(Box<isolation::Doubt>),
    /// A rule of a protocol or of the world that was broken, with the facts.
    Rule(Box<Broken>),
    /// A panic of a node's code.
    Panic(Box<Panic>),
    /// A run that spins.
    Spin(Box<Spin>),
    /// What is still to come to pass.
    Pending(Box<Pending>),
    /// Two runs of one seed that differ.
    Difference(Box<Difference>),
    /// Words, where a judge has nothing but words.
    #[serde(serialize_with = "words")]
    Text(String),
}

/// Words as the one field of an object.
fn words<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Text", 1)?;
    object.serialize_field("text", text)?;
    object.end()
}

impl From<String> for Explanation {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Explanation {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Broken> for Explanation {
    fn from(broken: Broken) -> Self {
        Self::Rule(Box::new(broken))
    }
}

impl From<Linearizability> for Explanation {
    fn from(found: Linearizability) -> Self {
        Self::Linearizability(Box::new(found))
    }
}

impl From<isolation::Finding> for Explanation {
    fn from(finding: isolation::Finding) -> Self {
        Self::Isolation(Box::new(finding))
    }
}

impl From<Panic> for Explanation {
    fn from(panic: Panic) -> Self {
        Self::Panic(Box::new(panic))
    }
}

impl From<Spin> for Explanation {
    fn from(spin: Spin) -> Self {
        Self::Spin(Box::new(spin))
    }
}

impl From<Pending> for Explanation {
    fn from(pending: Pending) -> Self {
        Self::Pending(Box::new(pending))
    }
}

impl From<Difference> for Explanation {
    fn from(difference: Difference) -> Self {
        Self::Difference(Box::new(difference))
    }
}

impl From<isolation::Doubt> for Explanation {
    fn from(doubt: isolation::Doubt) -> Self {
        Self::Doubt(Box::new(doubt))
    }
}

/// Long texts lose their middle.
pub(crate) fn shorten(text: &str, longest: usize) -> String {
    let length = text.chars().count();
    if length <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest / 2).collect();
    let tail: String = text.chars().skip(length - longest / 2).collect();
    format!("{head}…{tail}")
}

/// The data in a line, for tests of judges.
#[cfg(test)]
pub(crate) fn told(report: &super::PropertyReport) -> String {
    match &report.explanation {
        None => String::new(),
        Some(Explanation::Text(text)) => text.clone(),
        Some(Explanation::Rule(broken)) => {
            let facts: String = broken.facts.iter().map(|(name, fact)| format!(" {name}={fact}")).collect();
            broken.rule.id.to_owned() + &facts
        }
        Some(other) => format!("{other:?}"),
    }
}
