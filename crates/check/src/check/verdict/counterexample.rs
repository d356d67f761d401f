//! Why a history is not linearizable, as data.

use serde::Serialize;

use crate::base::{ClientId, Time};
use crate::history::Outcome;

/// Why a history is not linearizable, or why that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Linearizability {
    /// Of every violated key, why it is.
    pub violations: Vec<Counterexample>,
    /// The keys for which the budget was too small.
    pub undecided: Vec<UndecidedKey>,
}

/// Operations of one key that have no order, and how far the longest orders get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterexample {
    /// The key; nothing if the object has none.
    pub key: Option<String>,
    /// What the model calls what has a key: `key`, `service`.
    pub part: &'static str,
    /// When the operation completes that no order of all operations passes: with it ends the shortest violated prefix of the history.
    /// Nothing if its file does not say.
    #[serde(rename = "at_ns")]
    pub at: Option<Time>,
    /// The line of its file on which it does.
    pub line: Option<u64>,
    /// How many operations on the key there are.
    pub among: usize,
    /// How many of them are the core: enough to see that there is no order.
    pub needed: usize,
    /// Whether without any one of the core there would be an order. If not, the budget of the explanation ended first.
    pub minimal: bool,
    /// How many states were explored to explain it, and operations looked at: those of the verdict not among them.
    pub states: u64,
    /// The core, and the open operations that the attempts use, in the order of their invocation; of a core that is very large, what
    /// matters most. Places in this list stand for them below. It is empty if the budget ended before it was known why, or none was given.
    pub operations: Vec<DescribedOperation>,
    /// The one that fits in no order.
    pub stuck: Option<usize>,
    /// What kind of operation that is, in the model's word: `read`.
    pub kind: Option<String>,
    /// What was wrong with what it saw.
    pub saw: Saw,
    /// What it saw more or less of than can have been there, in the model's words.
    pub excess: Option<String>,
    /// Those to be shown first: at most ten, in their order.
    pub foremost: Vec<usize>,
    /// The longest orders, with what would have been legal next.
    pub attempts: Vec<CoreOrder>,
    /// Whether the stuck one saw what nothing could have left: neither any operation nor the initial state.
    pub sourceless: bool,
}

/// What was wrong with what an operation saw that fits in no order.
///
/// Its *source* is the last operation that could have left what it saw, or else the initial state. It *missed* the updates that completed
/// before it began and do not all come before the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Saw {
    /// Neither any operation nor the initial state could have left it.
    NeverWritten,
    /// It was written over, and another operation saw something of what it missed.
    Older,
    /// It was written over, though by nothing that any operation ever saw: what it missed was acknowledged, and then gone.
    Lost,
    /// None of these is known: it saw no whole state, as an enqueue does not, or missed nothing by itself.
    Other,
}

/// An operation in the model's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DescribedOperation {
    /// Its place in the history.
    pub index: usize,
    /// Who did it.
    #[serde(skip)]
    pub client: ClientId,
    /// What that client is called, in the run or in the file.
    #[serde(rename = "client")]
    pub who: String,
    /// What was asked for and, unless it is open, what came back; in the model's words.
    pub text: String,
    /// From its invocation to its completion, to be drawn. Of a file without times these are none: they only keep the order of its lines.
    #[serde(skip)]
    pub interval: (Time, Option<Time>),
    /// When it was invoked; nothing if its file does not say.
    #[serde(rename = "invoked_ns")]
    pub invoked: Option<Time>,
    /// When it completed; nothing if its file does not say, if it never did, or with unknown outcome.
    #[serde(rename = "completed_ns")]
    pub completed: Option<Time>,
    /// How it ended.
    pub ending: Ending,
    /// The lines of its file on which it begins and ends, if it comes from one.
    pub lines: Option<(u64, Option<u64>)>,
    /// Whether nothing is assumed of it but that it began: it may take effect at any later time, or never.
    pub open: bool,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It took effect.
    Done,
    /// It certainly did not.
    Failed,
    /// That is not known.
    Unknown,
}

impl<R> From<&Outcome<R>> for Ending {
    fn from(outcome: &Outcome<R>) -> Self {
        match outcome {
            Outcome::Done(_) => Self::Done,
            Outcome::Failed => Self::Failed,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

/// An order that cannot be extended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoreOrder {
    /// How many operations at its beginning are left out here.
    pub skipped: usize,
    /// The operations that follow them.
    pub order: Vec<usize>,
    /// What state each of these leaves, or which of several, in the model's words. It is empty if the order is very long.
    pub states: Vec<String>,
    /// What would have been legal next, in the model's words.
    pub expected: String,
}

/// One key about which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UndecidedKey {
    /// The key; nothing if the object has none.
    pub key: Option<String>,
    /// What the model calls what has a key.
    pub part: &'static str,
    /// How many states were explored.
    pub states: u64,
    /// How many bytes of search state were held, if that was too much for some search.
    pub bytes: Option<u64>,
    /// When the operation completes that the search got to; nothing if its file does not say.
    #[serde(rename = "at_ns")]
    pub at: Option<Time>,
    /// The line of its file on which it does.
    pub line: Option<u64>,
    /// How many operations on the key were under way there.
    pub open: usize,
    /// How many operations on the key that began before have an unknown outcome.
    pub unknown: usize,
    /// Whether more is open or unknown at once than any search holds.
    pub too_wide: bool,
}
