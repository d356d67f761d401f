//! A model seen as a machine of small numbers: states and kinds of operation are interned, transitions are remembered.

use rustc_hash::FxHashMap;

use super::interner::Interner;
use crate::check::model::{Model, Next, Role};
use crate::check::monitor::{self, Gap, Opinion, Span};
use crate::history::{History, Timeline};

/// The number of an interned state.
pub(crate) type StateId = u32;
/// The number of a kind: an operation together with its result. Operations of one kind are alike.
pub(crate) type KindId = u32;

const NONE: u32 = u32::MAX;

/// The state in which the object begins.
pub(crate) const INITIAL: StateId = 0;

/// A state, any, that no operation will see before it is overwritten.
pub(crate) const HIDDEN: StateId = NONE - 2;

/// What comes of applying a kind in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Illegal,
    To(StateId),
    /// Several states may follow: these places among the choices, see [`Transitions::choice`].
    Choice {
        start: u32,
        end: u32,
    },
}

/// A role, with its state interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InternedRole {
    Observer,
    Write(StateId),
    Swap(StateId),
    Update,
    Other,
}

impl InternedRole {
    /// The one state that it leaves where it changes anything.
    pub(crate) const fn leaves(self) -> Option<StateId> {
        match self {
            Self::Write(state) | Self::Swap(state) => Some(state),
            Self::Observer | Self::Update | Self::Other => None,
        }
    }

    /// Whether it is legal whatever came before, so that it goes unnoticed if it is overwritten at once.
    pub(crate) const fn is_blind(self) -> bool {
        matches!(self, Self::Write(_) | Self::Update)
    }
}

/// What is known of a model, in numbers alone.
#[derive(Default)]
pub(crate) struct ModelTable {
    roles: Vec<InternedRole>,
    /// For each kind, the one state in which it is legal, if the model names it.
    needs: Vec<StateId>,
    choices: Vec<StateId>,
    /// Transitions by state and kind, while they are few.
    memo: Vec<u32>,
    /// How many bytes the states take.
    states: usize,
}

/// Beyond this many kinds, asking the model again is cheaper than remembering.
const MEMO_KINDS: usize = 256;
const MEMO_SIZE: usize = 1 << 21;
const MEMO_ILLEGAL: u32 = NONE - 1;

impl ModelTable {
    pub(crate) fn role(&self, kind: KindId) -> InternedRole {
        self.roles[kind as usize]
    }

    /// The one state in which this kind is legal, if the model names it.
    pub(crate) fn needs(&self, kind: KindId) -> Option<StateId> {
        Some(self.needs[kind as usize]).filter(|state| *state != NONE)
    }

    pub(crate) fn kinds(&self) -> std::ops::Range<KindId> {
        0..self.roles.len() as KindId
    }

    /// One past the last state that kinds name.
    pub(crate) fn named(&self) -> usize {
        let left = self.roles.iter().filter_map(|role| role.leaves());
        let needed = self.needs.iter().copied().filter(|state| *state != NONE);
        left.chain(needed).max().unwrap_or(INITIAL) as usize + 1
    }

    /// Whether no kind changes the state in a way of its own: each leaves one state, or what it found.
    pub(crate) fn is_plain(&self) -> bool {
        !self.roles.iter().any(|role| matches!(role, InternedRole::Update | InternedRole::Other))
    }

    /// How many bytes it takes, with the states.
    pub(crate) const fn bytes(&self) -> u64 {
        (self.states + (self.memo.capacity() + self.choices.capacity()) * size_of::<u32>()) as u64
    }

    fn memo_place(&mut self, state: StateId, kind: KindId) -> Option<usize> {
        let width = self.roles.len();
        if width > MEMO_KINDS {
            return None;
        }
        let place = state as usize * width + kind as usize;
        if place >= self.memo.len() {
            if place >= MEMO_SIZE {
                return None;
            }
            // Rows are added by the dozen, not one at a time.
            let rows = (state as usize + 1).next_multiple_of(8);
            self.memo.resize(rows * width, NONE);
        }
        Some(place)
    }
}

/// Knows what is not in the table.
trait Oracle {
    fn step(&mut self, state: StateId, kind: KindId, choices: &mut Vec<StateId>) -> Transition;
    fn leads(&self, state: StateId, kind: KindId) -> bool;
    /// How many bytes the states take that it knows.
    fn bytes(&self) -> usize;
}

/// What the search needs of a model, whichever it is: one copy of the code serves all.
pub(crate) struct Transitions<'t> {
    table: &'t mut ModelTable,
    oracle: &'t mut dyn Oracle,
}

impl Transitions<'_> {
    pub(crate) fn table(&self) -> &ModelTable {
        self.table
    }

    #[inline]
    pub(crate) fn role(&self, kind: KindId) -> InternedRole {
        self.table.role(kind)
    }

    #[inline]
    pub(crate) fn step(&mut self, state: StateId, kind: KindId) -> Transition {
        let role = self.table.roles[kind as usize];
        if let InternedRole::Write(next) = role {
            return Transition::To(next);
        }
        let needs = self.table.needs[kind as usize];
        if needs != NONE {
            return if needs == state { Transition::To(role.leaves().unwrap_or(state)) } else { Transition::Illegal };
        }
        if state == HIDDEN {
            return if role == InternedRole::Update { Transition::To(HIDDEN) } else { Transition::Illegal };
        }
        let Some(place) = self.table.memo_place(state, kind) else { return self.ask(state, kind) };
        match self.table.memo[place] {
            NONE => {
                let step = self.ask(state, kind);
                self.table.memo[place] = match step {
                    Transition::Illegal => MEMO_ILLEGAL,
                    Transition::To(next) => next,
                    Transition::Choice { .. } => NONE,
                };
                step
            }
            MEMO_ILLEGAL => Transition::Illegal,
            next => Transition::To(next),
        }
    }

    fn ask(&mut self, state: StateId, kind: KindId) -> Transition {
        let step = self.oracle.step(state, kind, &mut self.table.choices);
        self.table.states = self.oracle.bytes();
        step
    }

    /// The state that applying this kind leaves, of several the one with this number; and whether there are others to try.
    #[inline]
    pub(crate) fn branch(&mut self, state: StateId, kind: KindId, number: u32) -> Option<(StateId, bool)> {
        match self.step(state, kind) {
            Transition::Illegal => None,
            Transition::To(next) => (number == 0).then_some((next, false)),
            Transition::Choice { start, end } => (start + number < end).then(|| (self.choice(start + number), start + number + 1 < end)),
        }
    }

    pub(crate) fn choice(&self, place: u32) -> StateId {
        self.table.choices[place as usize]
    }

    /// [`Model::leads`], for a kind with a result.
    #[inline]
    pub(crate) fn leads(&self, state: StateId, kind: KindId) -> bool {
        if self.table.needs[kind as usize] == state || state == HIDDEN {
            return state != HIDDEN;
        }
        self.oracle.leads(state, kind)
    }
}

/// A history and its model, whichever they are.
pub(crate) trait Object {
    fn timeline(&self) -> &dyn Timeline;
    fn table(&self) -> &ModelTable;
    /// What the search needs.
    fn transitions(&mut self) -> Transitions<'_>;
    /// The kind of an operation of the history.
    fn kind(&mut self, index: u32) -> KindId;
    /// The kind that it would have, were its outcome unknown.
    fn open_kind(&mut self, index: u32) -> KindId;
    /// The state in which the history may begin, of several the one with this number.
    fn start(&mut self, number: usize) -> StateId;
    /// What the model's own algorithm says of these operations, by kind and gaps.
    fn monitor(&self, spans: &dyn Fn() -> Vec<(KindId, Gap, Option<Gap>)>, end: Gap) -> Opinion;
    /// For each kind, the number of the item that it is about: see [`Model::item`].
    fn items(&self) -> Vec<Option<u32>>;
    /// What an operation of this kind could have returned in this state, in the model's words.
    fn expected(&self, state: StateId, kind: KindId) -> String;
    /// A state in the model's words.
    fn describe_state(&self, state: StateId) -> String;
    /// How many bytes a state takes.
    fn state_bytes(&self, state: StateId) -> usize;
}

/// The state that operations leave, one after the other; where one may leave several, it leaves the first. Nothing if that is illegal.
pub(crate) fn replay(object: &mut dyn Object, order: &[usize]) -> Option<StateId> {
    let mut state = INITIAL;
    for index in order {
        let kind = object.kind(*index as u32);
        let mut transitions = object.transitions();
        state = match transitions.step(state, kind) {
            Transition::Illegal => return None,
            Transition::To(next) => next,
            Transition::Choice { start, .. } => transitions.choice(start),
        };
    }
    Some(state)
}

/// A model and a history, with the values that numbers stand for.
pub(crate) struct InternedModel<'a, M: Model> {
    values: Values<'a, M>,
    history: &'a History<M::Op, M::Ret>,
    starts: &'a [M::State],
    table: ModelTable,
}

struct Values<'a, M: Model> {
    model: &'a M,
    states: Interner<M::State>,
    kinds: Interner<(&'a M::Op, Option<&'a M::Ret>)>,
    /// How many bytes the states hold elsewhere.
    held: usize,
}

impl<M: Model> Values<'_, M> {
    fn number(&mut self, state: M::State) -> StateId {
        let known = self.states.len();
        let id = self.states.intern(state);
        if self.states.len() > known {
            self.held += self.model.state_bytes(self.states.get(id));
        }
        id
    }
}

impl<'a, M: Model> InternedModel<'a, M> {
    pub(crate) fn new(model: &'a M, history: &'a History<M::Op, M::Ret>) -> Self {
        Self::starting(&[], model, history)
    }

    /// Of a history that may begin in one of these states.
    pub(crate) fn starting(starts: &'a [M::State], model: &'a M, history: &'a History<M::Op, M::Ret>) -> Self {
        let mut values = Values { model, states: Interner::new(), kinds: Interner::new(), held: 0 };
        values.number(model.initial());
        Self { values, history, starts, table: ModelTable::default() }
    }

    pub(crate) fn state(&self, state: StateId) -> &M::State {
        self.values.states.get(state)
    }

    fn number(&mut self, op: &'a M::Op, ret: Option<&'a M::Ret>) -> KindId {
        let values = &mut self.values;
        let kind = values.kinds.intern((op, ret));
        if kind as usize == self.table.roles.len() {
            let (role, needs) = match values.model.role(op, ret) {
                Role::Observer => (InternedRole::Observer, NONE),
                Role::Read(state) => (InternedRole::Observer, values.number(state)),
                Role::Write(state) => (InternedRole::Write(values.number(state)), NONE),
                Role::Swap(state) => (InternedRole::Swap(values.number(state)), NONE),
                Role::Exchange { from, to } => {
                    let from = values.number(from);
                    (InternedRole::Swap(values.number(to)), from)
                }
                Role::Update => (InternedRole::Update, NONE),
                Role::Other => (InternedRole::Other, NONE),
            };
            self.table.roles.push(role);
            self.table.needs.push(needs);
        }
        kind
    }
}

impl<M: Model> Object for InternedModel<'_, M> {
    fn timeline(&self) -> &dyn Timeline {
        self.history
    }

    fn table(&self) -> &ModelTable {
        &self.table
    }

    fn transitions(&mut self) -> Transitions<'_> {
        Transitions { table: &mut self.table, oracle: &mut self.values }
    }

    fn kind(&mut self, index: u32) -> KindId {
        let operation = &self.history.operations()[index as usize];
        self.number(&operation.op, operation.result())
    }

    fn open_kind(&mut self, index: u32) -> KindId {
        self.number(&self.history.operations()[index as usize].op, None)
    }

    fn start(&mut self, number: usize) -> StateId {
        self.values.number(self.starts[number].clone())
    }

    fn monitor(&self, spans: &dyn Fn() -> Vec<(KindId, Gap, Option<Gap>)>, end: Gap) -> Opinion {
        let lay_out = || {
            let span = |(kind, from, until)| {
                let (op, ret) = *self.values.kinds.get(kind);
                Span { op, ret, from, until }
            };
            spans().into_iter().map(span).collect()
        };
        self.values.model.monitor(&monitor::KeyHistory::new(&lay_out, end))
    }

    fn items(&self) -> Vec<Option<u32>> {
        let mut numbers: FxHashMap<M::Op, u32> = FxHashMap::default();
        let mut number = |item| {
            let next = numbers.len() as u32;
            *numbers.entry(item).or_insert(next)
        };
        let kinds = self.table.kinds().map(|kind| self.values.kinds.get(kind));
        kinds.map(|(op, ret)| self.values.model.item(op, *ret).map(&mut number)).collect()
    }

    fn expected(&self, state: StateId, kind: KindId) -> String {
        self.values.model.expected(self.state(state), self.values.kinds.get(kind).0)
    }

    fn describe_state(&self, state: StateId) -> String {
        self.values.model.describe_state(self.state(state))
    }

    fn state_bytes(&self, state: StateId) -> usize {
        size_of::<M::State>() + self.values.model.state_bytes(self.state(state))
    }
}

impl<M: Model> Oracle for Values<'_, M> {
    fn step(&mut self, state: StateId, kind: KindId, choices: &mut Vec<StateId>) -> Transition {
        let (op, ret) = *self.kinds.get(kind);
        match self.model.step(self.states.get(state), op, ret) {
            Next::Illegal => Transition::Illegal,
            Next::Same => Transition::To(state),
            Next::One(next) => Transition::To(self.number(next)),
            Next::Any(mut next) if next.len() == 1 => Transition::To(self.number(next.remove(0))),
            Next::Any(next) if next.is_empty() => Transition::Illegal,
            Next::Any(next) => {
                let start = choices.len() as u32;
                choices.extend(next.into_iter().map(|state| self.number(state)));
                Transition::Choice { start, end: choices.len() as u32 }
            }
        }
    }

    fn leads(&self, state: StateId, kind: KindId) -> bool {
        let (op, ret) = *self.kinds.get(kind);
        ret.is_none_or(|ret| self.model.leads(self.states.get(state), op, ret))
    }

    fn bytes(&self) -> usize {
        self.states.bytes() + self.held
    }
}
