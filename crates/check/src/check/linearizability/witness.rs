//! A few simple lines by which a verdict of *holds* can be checked. They share nothing with the search but the model.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::{ClientId, Time};
use crate::check::model::{Key, Model};
use crate::history::{History, Outcome};

/// Why an order is no witness. Operations are named by their index in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAWitness {
    /// There is no such operation, or it is there twice.
    Repeated(usize),
    /// It is known to have taken effect, and is not there.
    LeftOut(usize),
    /// It is known not to have taken effect, and is there.
    Failed(usize),
    /// It stands before something that was over before it began.
    TooEarly(usize),
    /// The object could not have answered what it answered.
    Illegal(usize),
}

impl fmt::Display for NotAWitness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated(index) => write!(f, "operation {index} takes effect twice, or does not exist"),
            Self::LeftOut(index) => write!(f, "operation {index} is left out"),
            Self::Failed(index) => write!(f, "operation {index} failed, but takes effect"),
            Self::TooEarly(index) => write!(f, "operation {index} stands before one that precedes it"),
            Self::Illegal(index) => write!(f, "operation {index} is illegal in its place"),
        }
    }
}

impl std::error::Error for NotAWitness {}

/// Verifies that this is an order of everything known to have taken effect, and of some operations of unknown outcome, that keeps to what
/// precedes what, and in which a sequential object gives the recorded answers. Takes time in proportion to the length of the history.
///
/// # Errors
/// If it is not, with the first operation that shows it.
pub fn verify<M: Model>(model: &M, history: &History<M::Op, M::Ret>, witness: &[usize]) -> Result<(), NotAWitness> {
    let operations = history.operations();
    let mut placed = vec![false; operations.len()];
    for index in witness {
        let place = placed.get_mut(*index).ok_or(NotAWitness::Repeated(*index))?;
        if std::mem::replace(place, true) {
            return Err(NotAWitness::Repeated(*index));
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        match &operation.outcome {
            Outcome::Done(_) if !placed[index] => return Err(NotAWitness::LeftOut(index)),
            Outcome::Failed if placed[index] => return Err(NotAWitness::Failed(index)),
            _ => {}
        }
    }
    // From the end on: of all that stand behind, the first completion, and for each client the first operation.
    let mut first = Time::MAX;
    let mut clients: BTreeMap<ClientId, usize> = BTreeMap::new();
    for index in witness.iter().rev() {
        let operation = &operations[*index];
        if first < operation.invoked || clients.get(&operation.client).is_some_and(|behind| behind < index) {
            return Err(NotAWitness::TooEarly(*index));
        }
        if let (Outcome::Done(_), Some(completed)) = (&operation.outcome, operation.completed) {
            first = first.min(completed);
            let behind = clients.entry(operation.client).or_insert(*index);
            *behind = (*behind).min(*index);
        }
    }
    // A nondeterministic object may be in one of several states.
    let mut states: BTreeMap<Key<'_>, Vec<M::State>> = BTreeMap::new();
    for index in witness {
        let operation = &operations[*index];
        let states = states.entry(model.key(&operation.op)).or_insert_with(|| vec![model.initial()]);
        let mut next = Vec::new();
        for state in states.iter().flat_map(|state| model.step(state, &operation.op, operation.result()).states(state)) {
            if !next.contains(&state) {
                next.push(state);
            }
        }
        *states = next;
        if states.is_empty() {
            return Err(NotAWitness::Illegal(*index));
        }
    }
    Ok(())
}
