//! A model seen as a machine of small numbers: states and kinds of operation are interned, transitions are remembered.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::check::model::{Model, Next, Role};
use crate::check::monitor::{self, Gap, Opinion, Span};
use crate::history::{History, Timeline};

/// The number of an interned state.
pub(super) type StateId = u32;
/// The number of a kind: an operation together with its result. Operations of one kind are alike.
pub(super) type KindId = u32;

const NONE: u32 = u32::MAX;

/// The state in which the object begins.
pub(super) const INITIAL: StateId = 0;

/// A state that nobody will see before it is overwritten, whatever it is.
pub(super) const HIDDEN: StateId = NONE - 2;

/// What comes of applying a kind in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Illegal,
    To(StateId),
    /// Several states may follow: these places among the choices, see [`Steps::choice`].
    Choice {
        start: u32,
        end: u32,
    },
}

/// A role, with its state interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Observer,
    Write(StateId),
    Swap(StateId),
    Update,
    Other,
}

impl Part {
    /// The one state that it leaves where it changes anything.
    pub(super) const fn leaves(self) -> Option<StateId> {
        match self {
            Self::Write(state) | Self::Swap(state) => Some(state),
            Self::Observer | Self::Update | Self::Other => None,
        }
    }

    /// Whether it is legal whatever came before, so that nobody can tell that it was overwritten at once.
    pub(super) const fn is_blind(self) -> bool {
        matches!(self, Self::Write(_) | Self::Update)
    }
}

/// What is known of a model, in numbers alone.
#[derive(Default)]
pub(super) struct Table {
    parts: Vec<Part>,
    /// For each kind, the one state in which it is legal, if the model names it.
    needs: Vec<StateId>,
    choices: Vec<StateId>,
    /// Transitions by state and kind, while they are few.
    memo: Vec<u32>,
}

/// Beyond this many kinds, asking the model again is cheaper than remembering.
const MEMO_KINDS: usize = 256;
const MEMO_SIZE: usize = 1 << 21;
const MEMO_ILLEGAL: u32 = NONE - 1;

impl Table {
    pub(super) fn part(&self, kind: KindId) -> Part {
        self.parts[kind as usize]
    }

    /// The one state in which this kind is legal, if the model names it.
    pub(super) fn needs(&self, kind: KindId) -> Option<StateId> {
        Some(self.needs[kind as usize]).filter(|state| *state != NONE)
    }

    pub(super) fn kinds(&self) -> std::ops::Range<KindId> {
        0..self.parts.len() as KindId
    }

    /// One past the last state that kinds name.
    pub(super) fn named(&self) -> usize {
        let left = self.parts.iter().filter_map(|part| part.leaves());
        let needed = self.needs.iter().copied().filter(|state| *state != NONE);
        left.chain(needed).max().unwrap_or(INITIAL) as usize + 1
    }

    /// Whether no kind changes the state in a way of its own: each leaves one state, or what it found.
    pub(super) fn is_plain(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part, Part::Update | Part::Other))
    }

    fn memo_place(&mut self, state: StateId, kind: KindId) -> Option<usize> {
        let width = self.parts.len();
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

/// Who knows what is not in the table.
trait Oracle {
    fn step(&mut self, state: StateId, kind: KindId, choices: &mut Vec<StateId>) -> Step;
    fn leads(&self, state: StateId, kind: KindId) -> bool;
}

/// What the search needs of a model, whichever it is: one copy of the code serves all.
pub(super) struct Steps<'t> {
    table: &'t mut Table,
    oracle: &'t mut dyn Oracle,
}

impl Steps<'_> {
    pub(super) fn table(&self) -> &Table {
        self.table
    }

    #[inline]
    pub(super) fn part(&self, kind: KindId) -> Part {
        self.table.part(kind)
    }

    #[inline]
    pub(super) fn step(&mut self, state: StateId, kind: KindId) -> Step {
        let part = self.table.parts[kind as usize];
        if let Part::Write(next) = part {
            return Step::To(next);
        }
        let needs = self.table.needs[kind as usize];
        if needs != NONE {
            return if needs == state { Step::To(part.leaves().unwrap_or(state)) } else { Step::Illegal };
        }
        if state == HIDDEN {
            return if part == Part::Update { Step::To(HIDDEN) } else { Step::Illegal };
        }
        let Some(place) = self.table.memo_place(state, kind) else { return self.oracle.step(state, kind, &mut self.table.choices) };
        match self.table.memo[place] {
            NONE => {
                let step = self.oracle.step(state, kind, &mut self.table.choices);
                self.table.memo[place] = match step {
                    Step::Illegal => MEMO_ILLEGAL,
                    Step::To(next) => next,
                    Step::Choice { .. } => NONE,
                };
                step
            }
            MEMO_ILLEGAL => Step::Illegal,
            next => Step::To(next),
        }
    }

    pub(super) fn choice(&self, place: u32) -> StateId {
        self.table.choices[place as usize]
    }

    /// [`Model::leads`], for a kind with a result.
    #[inline]
    pub(super) fn leads(&self, state: StateId, kind: KindId) -> bool {
        if self.table.needs[kind as usize] == state || state == HIDDEN {
            return state != HIDDEN;
        }
        self.oracle.leads(state, kind)
    }
}

/// A history and its model, whichever they are.
pub(super) trait Object {
    fn timeline(&self) -> &dyn Timeline;
    fn table(&self) -> &Table;
    /// What the search needs.
    fn steps(&mut self) -> Steps<'_>;
    /// The kind of an operation of the history.
    fn kind(&mut self, index: u32) -> KindId;
    /// What the model's own algorithm says of these operations, by kind and gaps.
    fn monitor(&self, spans: &dyn Fn() -> Vec<(KindId, Gap, Option<Gap>)>, end: Gap) -> Opinion;
    /// What an operation of the history could have returned in this state, in the model's words.
    fn expected(&self, state: StateId, index: u32) -> String;
}

/// The state that operations leave, one after the other; where one may leave several, it leaves the first. Nothing if that is illegal.
pub(super) fn replay(object: &mut dyn Object, order: &[usize]) -> Option<StateId> {
    let mut state = INITIAL;
    for index in order {
        let kind = object.kind(*index as u32);
        let mut steps = object.steps();
        state = match steps.step(state, kind) {
            Step::Illegal => return None,
            Step::To(next) => next,
            Step::Choice { start, .. } => steps.choice(start),
        };
    }
    Some(state)
}

/// A model and a history, with the values that numbers stand for.
pub(super) struct Machine<'a, M: Model> {
    values: Values<'a, M>,
    history: &'a History<M::Op, M::Ret>,
    table: Table,
}

struct Values<'a, M: Model> {
    model: &'a M,
    states: Interner<M::State>,
    kinds: Interner<(&'a M::Op, Option<&'a M::Ret>)>,
}

impl<'a, M: Model> Machine<'a, M> {
    pub(super) fn new(model: &'a M, history: &'a History<M::Op, M::Ret>) -> Self {
        let mut states = Interner::new();
        states.intern(model.initial());
        Self { values: Values { model, states, kinds: Interner::new() }, history, table: Table::default() }
    }

    pub(super) fn state(&self, state: StateId) -> &M::State {
        self.values.states.get(state)
    }

    /// The number of this state.
    pub(super) fn state_id(&mut self, state: M::State) -> StateId {
        self.values.states.intern(state)
    }
}

impl<M: Model> Object for Machine<'_, M> {
    fn timeline(&self) -> &dyn Timeline {
        self.history
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn steps(&mut self) -> Steps<'_> {
        Steps { table: &mut self.table, oracle: &mut self.values }
    }

    fn kind(&mut self, index: u32) -> KindId {
        let operation = &self.history.operations()[index as usize];
        let Values { model, states, kinds } = &mut self.values;
        let kind = kinds.intern((&operation.op, operation.result()));
        if kind as usize == self.table.parts.len() {
            let (part, needs) = match model.role(&operation.op, operation.result()) {
                Role::Observer => (Part::Observer, NONE),
                Role::Read(state) => (Part::Observer, states.intern(state)),
                Role::Write(state) => (Part::Write(states.intern(state)), NONE),
                Role::Swap(state) => (Part::Swap(states.intern(state)), NONE),
                Role::Exchange { from, to } => {
                    let from = states.intern(from);
                    (Part::Swap(states.intern(to)), from)
                }
                Role::Update => (Part::Update, NONE),
                Role::Other => (Part::Other, NONE),
            };
            self.table.parts.push(part);
            self.table.needs.push(needs);
        }
        kind
    }

    fn monitor(&self, spans: &dyn Fn() -> Vec<(KindId, Gap, Option<Gap>)>, end: Gap) -> Opinion {
        let lay_out = || {
            let span = |(kind, from, until)| {
                let (op, ret) = *self.values.kinds.get(kind);
                Span { op, ret, from, until }
            };
            spans().into_iter().map(span).collect()
        };
        self.values.model.monitor(&monitor::Part::new(&lay_out, end))
    }

    fn expected(&self, state: StateId, index: u32) -> String {
        self.values.model.expected(self.state(state), &self.history.operations()[index as usize].op)
    }
}

impl<M: Model> Oracle for Values<'_, M> {
    fn step(&mut self, state: StateId, kind: KindId, choices: &mut Vec<StateId>) -> Step {
        let (op, ret) = *self.kinds.get(kind);
        match self.model.step(self.states.get(state), op, ret) {
            Next::Illegal => Step::Illegal,
            Next::Same => Step::To(state),
            Next::One(next) => Step::To(self.states.intern(next)),
            Next::Any(mut next) if next.len() == 1 => Step::To(self.states.intern(next.remove(0))),
            Next::Any(next) if next.is_empty() => Step::Illegal,
            Next::Any(next) => {
                let start = choices.len() as u32;
                choices.extend(next.into_iter().map(|state| self.states.intern(state)));
                Step::Choice { start, end: choices.len() as u32 }
            }
        }
    }

    fn leads(&self, state: StateId, kind: KindId) -> bool {
        let (op, ret) = *self.kinds.get(kind);
        ret.is_none_or(|ret| self.model.leads(self.states.get(state), op, ret))
    }
}

/// Equal values get equal numbers, counted from zero in order of appearance.
#[derive(Debug)]
pub(super) struct Interner<T> {
    items: Vec<T>,
    /// Places in `items`, found by hash with linear probing; empty while there are so few that looking at each is quicker.
    table: Vec<u32>,
}

const FEW: usize = 8;

impl<T: Hash + Eq> Interner<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), table: Vec::new() }
    }

    pub(super) fn get(&self, id: u32) -> &T {
        &self.items[id as usize]
    }

    pub(super) fn intern(&mut self, item: T) -> u32 {
        if self.table.is_empty() {
            if let Some(found) = self.items.iter().position(|known| *known == item) {
                return found as u32;
            }
        } else {
            let mut place = self.home(&item);
            while self.table[place] != NONE {
                let found = self.table[place];
                if self.items[found as usize] == item {
                    return found;
                }
                place = (place + 1) & (self.table.len() - 1);
            }
            self.table[place] = self.items.len() as u32;
        }
        let id = self.items.len() as u32;
        self.items.push(item);
        if self.items.len() > FEW && self.items.len() * 2 > self.table.len() {
            self.grow();
        }
        id
    }

    fn home(&self, item: &T) -> usize {
        let mut hasher = FxHasher::default();
        item.hash(&mut hasher);
        hasher.finish() as usize & (self.table.len() - 1)
    }

    fn grow(&mut self) {
        self.table = vec![NONE; (self.items.len() * 4).next_power_of_two()];
        for id in 0..self.items.len() {
            let mut place = self.home(&self.items[id]);
            while self.table[place] != NONE {
                place = (place + 1) & (self.table.len() - 1);
            }
            self.table[place] = id as u32;
        }
    }
}
