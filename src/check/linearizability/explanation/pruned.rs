//! A model in which no open update takes effect in vain.

use crate::check::linearizability::sub_history::Borrowed;
use crate::check::model::{Key, Model, Next, Role};
use crate::check::monitor::{self, Opinion};
use crate::history::History;

/// [`Borrowed`], for parts of a history in which open updates are many: none of them takes effect in vain.
///
/// An open update that leaves a state from which nothing that counts can be reached, but over a write that hides it all, could as well not
/// have taken effect. So it is illegal here, and no search has to follow it.
pub(super) struct Pruned<'h, M: Model> {
    borrowed: Borrowed<'h, M>,
    /// All that was seen and counts; nothing if that does not tell what is in vain.
    seen: Option<Vec<(&'h M::Op, &'h M::Ret)>>,
}

impl<'h, M: Model> Pruned<'h, M> {
    /// For a part of this history in which these count, and these are open, all of one key.
    pub(super) fn new(model: &'h M, history: &'h History<M::Op, M::Ret>, kept: &[usize], open: &[usize]) -> Self {
        let mut seen = Some(Vec::new());
        for index in kept {
            let operation = &history.operations()[*index];
            match (model.role(&operation.op, operation.result()), operation.result(), &mut seen) {
                (Role::Write(_) | Role::Update, ..) => {}
                (Role::Observer | Role::Swap(_), Some(result), Some(seen)) => seen.push((&operation.op, result)),
                _ => seen = None,
            }
        }
        // An open swap might find what an update left, and nobody saw.
        let plain = |index: &usize| matches!(model.role(&history.operations()[*index].op, None), Role::Write(_) | Role::Update);
        Self { borrowed: Borrowed(model), seen: seen.filter(|_| open.iter().all(plain)) }
    }

    /// [`Borrowed`] and no more, for parts of several keys.
    pub(super) const fn nothing(model: &'h M) -> Self {
        Self { borrowed: Borrowed(model), seen: None }
    }

    fn spares(&self, op: &'h M::Op) -> bool {
        self.seen.is_some() && self.borrowed.0.role(op, None) == Role::Update
    }
}

impl<'h, M: Model> Model for Pruned<'h, M>
where
    M::Op: 'h,
    M::Ret: 'h,
{
    type State = M::State;
    type Op = &'h M::Op;
    type Ret = &'h M::Ret;

    fn initial(&self) -> M::State {
        self.borrowed.initial()
    }

    fn step(&self, state: &M::State, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> Next<M::State> {
        let next = self.borrowed.step(state, op, ret);
        match (&next, &self.seen) {
            (Next::One(left), Some(seen)) if ret.is_none() && self.spares(op) => {
                let leads = seen.iter().any(|(seen, result)| self.borrowed.0.leads(left, seen, result));
                if leads { next } else { Next::Illegal }
            }
            _ => next,
        }
    }

    fn key<'a>(&self, op: &'a &'h M::Op) -> Key<'a> {
        self.borrowed.key(op)
    }

    fn role(&self, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> Role<M::State> {
        // One that is illegal where it would be in vain is no less blind: whoever hides it could go without it.
        self.borrowed.role(op, ret)
    }

    fn leads(&self, state: &M::State, op: &&'h M::Op, ret: &&'h M::Ret) -> bool {
        self.borrowed.leads(state, op, ret)
    }

    fn monitor(&self, part: &monitor::Part<'_, &'h M::Op, &'h M::Ret>) -> Opinion {
        self.borrowed.monitor(part)
    }

    fn describe(&self, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> String {
        self.borrowed.describe(op, ret)
    }

    fn describe_state(&self, state: &M::State) -> String {
        self.borrowed.describe_state(state)
    }

    fn expected(&self, state: &M::State, op: &&'h M::Op) -> String {
        self.borrowed.expected(state, op)
    }
}
