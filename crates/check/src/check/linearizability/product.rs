//! A model whose parts are not judged apart.

use rustc_hash::FxHashMap;

use super::partition::KeyEvents;
use crate::check::model::{Key, Model, Next, Role};

/// All keys of a model as one object.
pub(super) struct ProductModel<'a, M> {
    model: &'a M,
    places: FxHashMap<Key<'a>, usize>,
}

impl<'a, M: Model> ProductModel<'a, M> {
    pub(super) fn new(model: &'a M, shares: &[(Key<'a>, KeyEvents)]) -> Self {
        Self { model, places: shares.iter().enumerate().map(|(place, (key, _))| (*key, place)).collect() }
    }
}

impl<M: Model> Model for ProductModel<'_, M> {
    type State = Vec<M::State>;
    type Op = M::Op;
    type Ret = M::Ret;

    fn initial(&self) -> Self::State {
        vec![self.model.initial(); self.places.len()]
    }

    fn step(&self, states: &Self::State, op: &M::Op, ret: Option<&M::Ret>) -> Next<Self::State> {
        let place = self.places[&self.model.key(op)];
        let with = |state| {
            let mut states = states.clone();
            states[place] = state;
            states
        };
        match self.model.step(&states[place], op, ret) {
            Next::Illegal => Next::Illegal,
            Next::Same => Next::Same,
            Next::One(state) => Next::One(with(state)),
            Next::Any(next) => Next::Any(next.into_iter().map(with).collect()),
        }
    }

    fn role(&self, op: &M::Op, ret: Option<&M::Ret>) -> Role<Self::State> {
        match self.model.role(op, ret) {
            Role::Observer | Role::Read(_) => Role::Observer,
            // What leaves one state of its key leaves many of the whole.
            Role::Write(_) | Role::Update => Role::Update,
            Role::Swap(_) | Role::Exchange { .. } | Role::Other => Role::Other,
        }
    }

    fn describe(&self, op: &M::Op, ret: Option<&M::Ret>) -> String {
        self.model.describe(op, ret)
    }

    fn expected(&self, states: &Self::State, op: &M::Op) -> String {
        self.model.expected(&states[self.places[&self.model.key(op)]], op)
    }
}
