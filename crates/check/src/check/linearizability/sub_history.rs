//! Parts of a history, without copying its operations.

use rustc_hash::FxHashMap;

use crate::base::{ClientId, Time, sort_by_numbers};
use crate::check::model::{Key, Model, Next, Role};
use crate::check::monitor::{self, Opinion, Span};
use crate::history::{History, Outcome};

/// A model whose operations and results are borrowed from somewhere: that of a [`SubHistory`].
#[derive(Debug)]
pub struct Borrowed<'h, M: Model> {
    model: &'h M,
    /// All that was seen and counts, if updates of unknown outcome must not take effect in vain.
    seen: Option<Vec<(&'h M::Op, &'h M::Ret)>>,
}

impl<'h, M: Model> Borrowed<'h, M> {
    /// The same model, but for the borrowing.
    pub const fn new(model: &'h M) -> Self {
        Self { model, seen: None }
    }

    /// For the part of this history in which the operations `kept` are as they were and those in `open` are of unknown outcome, all of one
    /// key. No open update takes effect in vain.
    ///
    /// An open update that leaves a state from which nothing that counts can be reached, but over a write that hides it all, could as well
    /// not have taken effect. So it is illegal here, and no search has to follow it.
    pub(super) fn pruned(model: &'h M, history: &'h History<M::Op, M::Ret>, kept: &[usize], open: &[usize]) -> Self {
        let mut seen = Some(Vec::new());
        for index in kept {
            let operation = &history.operations()[*index];
            match (model.role(&operation.op, operation.result()), operation.result(), &mut seen) {
                (Role::Write(_) | Role::Update, ..) => {}
                (Role::Observer | Role::Swap(_), Some(result), Some(seen)) => seen.push((&operation.op, result)),
                _ => seen = None,
            }
        }
        // An open swap might find what an update left that no operation saw.
        let plain = |index: &usize| matches!(model.role(&history.operations()[*index].op, None), Role::Write(_) | Role::Update);
        Self { model, seen: seen.filter(|_| open.iter().all(plain)) }
    }
}

impl<'h, M: Model> Model for Borrowed<'h, M>
where
    M::Op: 'h,
    M::Ret: 'h,
{
    type State = M::State;
    type Op = &'h M::Op;
    type Ret = &'h M::Ret;

    fn initial(&self) -> M::State {
        self.model.initial()
    }

    fn step(&self, state: &M::State, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> Next<M::State> {
        let next = self.model.step(state, op, ret.copied());
        match (&next, &self.seen) {
            (Next::One(left), Some(seen)) if ret.is_none() && self.model.role(op, None) == Role::Update => {
                let leads = seen.iter().any(|(seen, result)| self.model.leads(left, seen, result));
                if leads { next } else { Next::Illegal }
            }
            _ => next,
        }
    }

    fn key<'a>(&self, op: &'a &'h M::Op) -> Key<'a> {
        self.model.key(op)
    }

    fn part_noun(&self) -> &'static str {
        self.model.part_noun()
    }

    fn role(&self, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> Role<M::State> {
        // One that is illegal where it would be in vain is no less blind: a write that hides it could go without it.
        self.model.role(op, ret.copied())
    }

    fn leads(&self, state: &M::State, op: &&'h M::Op, ret: &&'h M::Ret) -> bool {
        self.model.leads(state, op, ret)
    }

    fn state_bytes(&self, state: &M::State) -> usize {
        self.model.state_bytes(state)
    }

    fn monitor(&self, history: &monitor::KeyHistory<'_, &'h M::Op, &'h M::Ret>) -> Opinion {
        let span =
            |span: Span<'_, &'h M::Op, &'h M::Ret>| Span { op: *span.op, ret: span.ret.copied(), from: span.from, until: span.until };
        let lay_out = || history.spans().into_iter().map(span).collect();
        self.model.monitor(&monitor::KeyHistory::new(&lay_out, history.end()))
    }

    fn describe(&self, op: &&'h M::Op, ret: Option<&&'h M::Ret>) -> String {
        self.model.describe(op, ret.copied())
    }

    fn describe_state(&self, state: &M::State) -> String {
        self.model.describe_state(state)
    }

    fn expected(&self, state: &M::State, op: &&'h M::Op) -> String {
        self.model.expected(state, op)
    }
}

/// A part of a history, judged by [`Borrowed`].
#[derive(Clone, Debug)]
pub struct SubHistory<'h, M: Model> {
    /// The part.
    pub history: History<&'h M::Op, &'h M::Ret>,
    /// For each of its operations, its index in the history that it is a part of.
    pub indices: Vec<usize>,
}

impl<'h, M: Model> SubHistory<'h, M> {
    /// The part of the history in which the operations `kept` are as they were, and those in `open` are of unknown outcome. Each index is
    /// there once, and both are in order.
    ///
    /// # Panics
    /// If an operation does not exist, or is there twice and so would overlap itself.
    pub fn new(history: &'h History<M::Op, M::Ret>, kept: &[usize], open: &[usize]) -> Self {
        let operations = history.operations();
        let mut completions: Vec<usize> = kept.to_vec();
        sort_by_numbers(&mut completions, |index| (operations[*index].completed.map_or(0, Time::as_nanos), *index as u64));
        let mut completions = completions.into_iter().peekable();
        let mut maker = Maker { history, part: History::new(), busy: FxHashMap::default() };
        let mut indices = Vec::with_capacity(kept.len() + open.len());
        let (mut kept, mut open) = (kept.iter().peekable(), open.iter().peekable());
        loop {
            let as_it_was = match (kept.peek(), open.peek()) {
                (Some(one), Some(other)) => one < other,
                (one, None) => one.is_some(),
                (None, Some(_)) => false,
            };
            let Some(index) = (if as_it_was { kept.next() } else { open.next() }).copied() else { break };
            let operation = &operations[index];
            while let Some(over) = completions.next_if(|over| operations[*over].completed < Some(operation.invoked)) {
                maker.complete(over);
            }
            // At the same instant, each client still does one thing after the other.
            if let Some(own) = maker.busy.get(&operation.client).copied() {
                maker.complete(own);
            }
            maker.invoke(index, as_it_was);
            indices.push(index);
        }
        completions.for_each(|over| maker.complete(over));
        Self { history: maker.part, indices }
    }
}

struct Maker<'h, O, R> {
    history: &'h History<O, R>,
    part: History<&'h O, &'h R>,
    busy: FxHashMap<ClientId, usize>,
}

const WELL_FORMED: &str = "a part of a well-formed history is well-formed";

impl<O, R> Maker<'_, O, R> {
    fn invoke(&mut self, index: usize, as_it_was: bool) {
        let operation = &self.history.operations()[index];
        self.part.invoke(operation.invoked, operation.client, &operation.op).expect(WELL_FORMED);
        if as_it_was {
            self.busy.insert(operation.client, index);
        } else {
            self.part.complete(operation.invoked, operation.client, Outcome::Unknown).expect(WELL_FORMED);
        }
    }

    fn complete(&mut self, index: usize) {
        let operation = &self.history.operations()[index];
        if self.busy.get(&operation.client) != Some(&index) {
            return;
        }
        self.busy.remove(&operation.client);
        let outcome = match &operation.outcome {
            Outcome::Done(result) => Outcome::Done(result),
            Outcome::Failed => Outcome::Failed,
            Outcome::Unknown => Outcome::Unknown,
        };
        let at = operation.completed.unwrap_or(operation.invoked);
        self.part.complete(at, operation.client, outcome).expect(WELL_FORMED);
    }
}
