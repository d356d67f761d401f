//! The reference checker: tries every order. Obviously right, and hopeless beyond a dozen operations.

use std::collections::BTreeMap;

use crate::check::model::{Key, Model};
use crate::history::{History, Outcome};

/// Whether the history is linearizable, found by trying every order.
pub fn is_linearizable<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> bool {
    let left: Vec<usize> = (0..history.len()).filter(|index| history.operations()[*index].outcome != Outcome::Failed).collect();
    extends(model, history, &left, &BTreeMap::new())
}

/// Whether the operations that are left can be ordered from these states on.
fn extends<M: Model>(model: &M, history: &History<M::Op, M::Ret>, left: &[usize], states: &BTreeMap<Key<'_>, M::State>) -> bool {
    let operation = |index: usize| &history.operations()[index];
    left.iter().all(|index| operation(*index).outcome == Outcome::Unknown)
        || left.iter().any(|index| {
            let (op, ret) = (&operation(*index).op, operation(*index).result());
            let others: Vec<usize> = left.iter().copied().filter(|other| other != index).collect();
            let state = states.get(&model.key(op)).cloned().unwrap_or_else(|| model.initial());
            !others.iter().any(|other| history.precedes(*other, *index))
                && model.step(&state, op, ret).states(&state).into_iter().any(|next| {
                    let mut states = states.clone();
                    states.insert(model.key(op), next);
                    extends(model, history, &others, &states)
                })
        })
}
