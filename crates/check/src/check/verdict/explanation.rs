//! Why a property is violated, or unknown: as data, with no layout. What people read is made of it by `stormglass::report`.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::anomaly::{Doubt, Finding};
use super::counterexample::Linearizability;
use super::rule::Broken;
use super::trouble::{Difference, Panic, Pending, Spin};

/// Why a property is violated, or why it is not known whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Explanation {
    /// A history that is not linearizable, or could not be judged.
    Linearizability(Box<Linearizability>),
    /// Transactions that were not kept apart.
    Isolation(Box<Finding>),
    /// Why it is not known whether transactions were kept apart.
    Doubt(Box<Doubt>),
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
    /// What another process explained.
    #[serde(untagged)]
    Told(Box<Told>),
}

/// An explanation out of another process: its data as they serialise, and the words that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The data, as JSON.
    pub data: serde_json::Value,
    /// The words.
    pub text: String,
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.data.serialize(serializer)
    }
}

/// Words as the one field of an object.
fn words<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("Text", 1)?;
    object.serialize_field("text", text)?;
    object.end()
}

from! { Explanation:
    Linearizability => |found| Self::Linearizability(Box::new(found));
    Finding => |finding| Self::Isolation(Box::new(finding));
    Doubt => |doubt| Self::Doubt(Box::new(doubt));
    Broken => |broken| Self::Rule(Box::new(broken));
    Panic => |panic| Self::Panic(Box::new(panic));
    Spin => |spin| Self::Spin(Box::new(spin));
    Pending => |pending| Self::Pending(Box::new(pending));
    Difference => |difference| Self::Difference(Box::new(difference));
    Told => |told| Self::Told(Box::new(told));
    String => Self::Text;
    &str => |text: &str| Self::Text(text.to_owned());
}
