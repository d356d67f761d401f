//! A judged history for those who draw it: no types of a model, only words and places.

use std::collections::BTreeMap;
use std::ops::Range;

use super::linearizability::{Diagnosis, Ending, Examined, Found, Judgement, Lines, named};
use super::model::{Key, Model};
use crate::base::Time;
use crate::history::History;

/// All that a drawing of a judged history needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What the object is.
    pub model: String,
    /// All operations, in the order of their invocation. Everything here that speaks of an operation by number means its index in this
    /// list.
    pub operations: Vec<ViewedOperation>,
    /// Every violation that was found.
    pub scenes: Vec<Scene>,
    /// If it holds, an order that shows it.
    pub witness: Option<ViewedOrder>,
    /// The furthest operations that an unfinished search got to.
    pub furthest: Vec<usize>,
}

/// One operation in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewedOperation {
    /// Who did it.
    pub client: u32,
    /// What it is about; nothing if the object has no parts.
    pub key: Option<String>,
    /// What was asked for and what came back.
    pub text: String,
    /// When it was invoked.
    pub invoked: Time,
    /// When it completed; nothing if it never did, or with unknown outcome.
    pub completed: Option<Time>,
    /// How it ended.
    pub ending: Ending,
    /// The lines of its file on which it begins and ends, if it comes from one.
    pub lines: Option<(u64, Option<u64>)>,
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The key; nothing if the object has none.
    pub key: Option<String>,
    /// All operations in question.
    pub operations: Vec<usize>,
    /// Those that are enough: see [`Core`](super::linearizability::Core).
    pub core: Vec<usize>,
    /// Whether without any one of these there would be an order.
    pub minimal: bool,
    /// The longest orders of the core, and of the updates of which nothing is assumed. None passes the operation that is stuck.
    pub small: Attempts,
    /// The longest orders of all operations in question.
    pub whole: Attempts,
}

/// Orders that cannot be extended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// The operation whose completion none of them passes.
    pub stuck: usize,
    /// The orders, the longest first, with what would have been legal next.
    pub orders: Vec<(ViewedOrder, String)>,
}

/// An order of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewedOrder {
    /// The operations.
    pub operations: Vec<usize>,
    /// The first one behind which the state is told.
    pub from: usize,
    /// The states behind that one and those that follow it; of an order that is not long, behind all.
    pub states: Vec<String>,
}

/// How much of a text is kept.
const TEXT: usize = 160;
const STATE: usize = 80;
/// How many states of an order are told: at the end of one that cannot be extended, at the beginning of one that is whole.
const LAST: usize = 2_000;
const FIRST: usize = 20_000;

impl View {
    /// What is to be drawn of this history, of which that was found, and these are the lines of its file. `name` says what the object is.
    pub(super) fn new<M: Model>(model: &M, name: &str, history: &History<M::Op, M::Ret>, examined: &Examined, lines: Lines<'_>) -> Self {
        let operations = history.operations().iter().enumerate().map(|(index, operation)| {
            let ending = Ending::from(&operation.outcome);
            ViewedOperation {
                client: operation.client.client,
                key: named(&model.key(&operation.op).to_string()),
                text: shorten(&model.describe(&operation.op, operation.result()), TEXT),
                invoked: operation.invoked,
                completed: operation.completed.filter(|_| ending != Ending::Unknown),
                ending,
                lines: lines.map(|lines| lines[index]),
            }
        });
        let scene = |(Found { whole, core, diagnosis }, operations): (&Found, &Vec<usize>)| Scene {
            key: named(&core.key),
            operations: operations.clone(),
            core: core.operations.clone(),
            minimal: core.minimal,
            small: attempts(model, history, diagnosis, &|index| core.operations.binary_search(&index).is_ok()),
            whole: attempts(model, history, whole, &|_| true),
        };
        let each = examined.report.violations().iter().map(|violation| &violation.operations);
        let (witness, furthest) = match &examined.report.judgement {
            Judgement::Holds { witness } => (Some(follow(model, history, witness, 0..FIRST, &|_| true)), Vec::new()),
            Judgement::Violated { .. } => (None, Vec::new()),
            Judgement::Unknown { undecided } => (None, undecided.iter().filter_map(|undecided| undecided.operation).collect()),
        };
        Self {
            model: name.to_owned(),
            operations: operations.collect(),
            scenes: examined.findings.iter().zip(each).map(scene).collect(),
            witness,
            furthest,
        }
    }
}

fn attempts<M: Model>(model: &M, history: &History<M::Op, M::Ret>, diagnosis: &Diagnosis, counts: &dyn Fn(usize) -> bool) -> Attempts {
    let orders = diagnosis.attempts.iter().map(|attempt| {
        let told = attempt.order.len().saturating_sub(LAST)..attempt.order.len();
        (follow(model, history, &attempt.order, told, counts), shorten(&attempt.expected, TEXT))
    });
    Attempts { stuck: diagnosis.operation, orders: orders.collect() }
}

/// An order with the states that it leads through, as far as they are to be told. Of operations that do not count nothing is assumed but
/// that they took effect.
fn follow<M: Model>(
    model: &M,
    history: &History<M::Op, M::Ret>,
    order: &[usize],
    told: Range<usize>,
    counts: &dyn Fn(usize) -> bool,
) -> ViewedOrder {
    let mut states: BTreeMap<Key<'_>, Vec<M::State>> = BTreeMap::new();
    let mut texts = Vec::new();
    for (place, index) in order.iter().enumerate().take(told.end) {
        let operation = &history.operations()[*index];
        let result = operation.result().filter(|_| counts(*index));
        let current = states.entry(model.key(&operation.op)).or_insert_with(|| vec![model.initial()]);
        let mut next = Vec::new();
        for state in current.iter().flat_map(|state| model.step(state, &operation.op, result).states(state)) {
            if !next.contains(&state) {
                next.push(state);
            }
        }
        *current = next;
        if told.contains(&place) {
            let each: Vec<String> = current.iter().take(3).map(|state| model.describe_state(state)).collect();
            texts.push(shorten(&each.join(", or "), STATE));
        }
    }
    ViewedOrder { operations: order.to_vec(), from: told.start, states: texts }
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
