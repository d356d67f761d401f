//! A judged history as a drawing needs it: no types of a model, only texts and indices.

use super::counterexample::{Examined, Explainer};
use crate::check::linearizability::report::Judgement;
use crate::check::verdict::DescribedOperation;

/// All that a drawing of a judged history needs besides the explanation, which says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// All operations, in the order of their invocation. Everything here that speaks of an operation by number means its index in this
    /// list, which is its index in the history.
    pub operations: Vec<DescribedOperation>,
    /// For each violation of the explanation, in its order, the operations on its key.
    pub concerned: Vec<Vec<usize>>,
    /// If it holds, an order that shows it: the operations, and the states behind the first of them.
    pub witness: Option<(Vec<usize>, Vec<String>)>,
    /// The furthest operations that an unfinished search got to.
    pub furthest: Vec<usize>,
}

/// Of a longer order only the beginning has its states told.
const WITNESS: usize = 20_000;

impl Drawing {
    /// What is to be drawn of this history, of which that was found.
    pub(in crate::check) fn new(explainer: &Explainer<'_>, examined: &Examined) -> Self {
        let (witness, furthest) = match &examined.report.judgement {
            Judgement::Holds { witness } => {
                let states = explainer.states(&witness[..witness.len().min(WITNESS)], 0, &|_| true);
                (Some((witness.clone(), states)), Vec::new())
            }
            Judgement::Violated { .. } => (None, Vec::new()),
            Judgement::Unknown { undecided } => (None, undecided.iter().filter_map(|undecided| undecided.operation).collect()),
        };
        Self {
            operations: (0..explainer.subject.timeline().len()).map(|index| explainer.describe(index, false)).collect(),
            concerned: examined.report.violations().iter().map(|violation| violation.operations.clone()).collect(),
            witness,
            furthest,
        }
    }
}
