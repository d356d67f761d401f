//! A model whose parts are not judged apart.

use super::encoding::{KindId, StateId};
use super::subject::Numbered;
use crate::check::model::{Model, Next, Role};

/// All keys of a model as one object: the state of each.
pub(super) struct ProductModel<'a, 'o> {
    model: &'a Numbered<'o>,
}

impl<'a, 'o> ProductModel<'a, 'o> {
    pub(super) const fn new(model: &'a Numbered<'o>) -> Self {
        Self { model }
    }
}

impl Model for ProductModel<'_, '_> {
    type State = Vec<StateId>;
    type Op = KindId;
    type Ret = KindId;

    fn initial(&self) -> Vec<StateId> {
        vec![self.model.initial(); self.model.parts]
    }

    fn step(&self, states: &Vec<StateId>, op: &KindId, ret: Option<&KindId>) -> Next<Vec<StateId>> {
        let part = self.model.part(*op);
        let with = |state| {
            let mut states = states.clone();
            states[part] = state;
            states
        };
        match self.model.step(&states[part], op, ret) {
            Next::Illegal => Next::Illegal,
            Next::Same => Next::Same,
            Next::One(state) => Next::One(with(state)),
            Next::Any(next) => Next::Any(next.into_iter().map(with).collect()),
        }
    }

    fn role(&self, op: &KindId, ret: Option<&KindId>) -> Role<Vec<StateId>> {
        match self.model.role(op, ret) {
            Role::Observer | Role::Read(_) => Role::Observer,
            // What leaves one state of its key leaves many of the whole.
            Role::Write(_) | Role::Update => Role::Update,
            Role::Swap(_) | Role::Exchange { .. } | Role::Other => Role::Other,
        }
    }

    fn state_bytes(&self, states: &Vec<StateId>) -> usize {
        size_of_val(states.as_slice())
    }

    fn expected(&self, states: &Vec<StateId>, op: &KindId) -> String {
        self.model.expected(&states[self.model.part(*op)], op)
    }
}
