//! A model seen as a machine of small numbers: states and kinds of operation are interned, transitions are remembered.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::check::model::{Model, Next, Role};
use crate::history::History;

/// The number of an interned state.
pub(super) type StateId = u32;
/// The number of a kind: an operation together with its result. Operations of one kind are alike.
pub(super) type KindId = u32;

const NONE: u32 = u32::MAX;

/// A state that nobody will see before it is overwritten, whatever it is.
pub(super) const HIDDEN: StateId = NONE - 2;

/// What comes of applying a kind in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Illegal,
    To(StateId),
    /// Several states may follow: these places of [`Machine::choices`].
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

/// What the search needs of a model.
pub(super) trait Transitions {
    fn initial(&self) -> StateId;
    fn part(&self, kind: KindId) -> Part;
    fn step(&mut self, state: StateId, kind: KindId) -> Step;
    fn choice(&self, place: u32) -> StateId;
    /// [`Model::leads`], for a kind with a result.
    fn leads(&mut self, state: StateId, kind: KindId) -> bool;
}

pub(super) struct Machine<'a, M: Model> {
    model: &'a M,
    states: Interner<M::State>,
    kinds: Interner<(&'a M::Op, Option<&'a M::Ret>)>,
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

impl<'a, M: Model> Machine<'a, M> {
    pub(super) fn new(model: &'a M) -> Self {
        let mut states = Interner::new();
        states.intern(model.initial());
        Self { model, states, kinds: Interner::new(), parts: Vec::new(), needs: Vec::new(), choices: Vec::new(), memo: Vec::new() }
    }

    pub(super) fn kind(&mut self, op: &'a M::Op, ret: Option<&'a M::Ret>) -> KindId {
        let kind = self.kinds.intern((op, ret));
        if kind as usize == self.parts.len() {
            let (part, needs) = match self.model.role(op, ret) {
                Role::Observer => (Part::Observer, NONE),
                Role::Read(state) => (Part::Observer, self.states.intern(state)),
                Role::Write(state) => (Part::Write(self.states.intern(state)), NONE),
                Role::Swap(state) => (Part::Swap(self.states.intern(state)), NONE),
                Role::Exchange { from, to } => {
                    let from = self.states.intern(from);
                    (Part::Swap(self.states.intern(to)), from)
                }
                Role::Update => (Part::Update, NONE),
                Role::Other => (Part::Other, NONE),
            };
            self.parts.push(part);
            self.needs.push(needs);
        }
        kind
    }

    /// How many states are known.
    pub(super) fn states(&self) -> usize {
        self.states.len()
    }

    /// The one state in which this kind is legal, if the model names it.
    pub(super) fn needs(&self, kind: KindId) -> Option<StateId> {
        Some(self.needs[kind as usize]).filter(|state| *state != NONE)
    }

    /// What is asked and answered in this kind.
    pub(super) fn operation(&self, kind: KindId) -> (&'a M::Op, Option<&'a M::Ret>) {
        *self.kinds.get(kind)
    }

    /// The state that operations leave, one after the other; where one may leave several, it leaves the first. Nothing if that is illegal.
    pub(super) fn replay(&mut self, history: &'a History<M::Op, M::Ret>, order: &[usize]) -> Option<StateId> {
        let mut state = self.initial();
        for index in order {
            let operation = &history.operations()[*index];
            let kind = self.kind(&operation.op, operation.result());
            state = match self.step(state, kind) {
                Step::Illegal => return None,
                Step::To(next) => next,
                Step::Choice { start, .. } => self.choice(start),
            };
        }
        Some(state)
    }

    pub(super) fn kinds(&self) -> std::ops::Range<KindId> {
        0..self.parts.len() as KindId
    }

    pub(super) fn state(&self, state: StateId) -> &M::State {
        self.states.get(state)
    }

    /// The number of this state.
    pub(super) fn state_id(&mut self, state: M::State) -> StateId {
        self.states.intern(state)
    }

    fn memo_place(&mut self, state: StateId, kind: KindId) -> Option<usize> {
        let width = self.kinds.len();
        if width > MEMO_KINDS {
            return None;
        }
        let place = state as usize * width + kind as usize;
        if place >= self.memo.len() {
            if place >= MEMO_SIZE {
                return None;
            }
            // Rows are added by the dozen, not one at a time.
            let rows = self.states.len().min(MEMO_SIZE / width).max(state as usize + 1).next_multiple_of(8);
            self.memo.resize(rows * width, NONE);
        }
        Some(place)
    }

    fn ask(&mut self, state: StateId, kind: KindId) -> Step {
        let (op, ret) = *self.kinds.get(kind);
        match self.model.step(self.states.get(state), op, ret) {
            Next::Illegal => Step::Illegal,
            Next::Same => Step::To(state),
            Next::One(next) => Step::To(self.states.intern(next)),
            Next::Any(mut next) if next.len() == 1 => Step::To(self.states.intern(next.remove(0))),
            Next::Any(next) if next.is_empty() => Step::Illegal,
            Next::Any(next) => {
                let start = self.choices.len() as u32;
                for state in next {
                    let state = self.states.intern(state);
                    self.choices.push(state);
                }
                Step::Choice { start, end: self.choices.len() as u32 }
            }
        }
    }
}

impl<M: Model> Transitions for Machine<'_, M> {
    fn initial(&self) -> StateId {
        0
    }

    fn part(&self, kind: KindId) -> Part {
        self.parts[kind as usize]
    }

    #[inline]
    fn step(&mut self, state: StateId, kind: KindId) -> Step {
        let part = self.parts[kind as usize];
        if let Part::Write(next) = part {
            return Step::To(next);
        }
        let needs = self.needs[kind as usize];
        if needs != NONE {
            return if needs == state { Step::To(part.leaves().unwrap_or(state)) } else { Step::Illegal };
        }
        if state == HIDDEN {
            return if part == Part::Update { Step::To(HIDDEN) } else { Step::Illegal };
        }
        let Some(place) = self.memo_place(state, kind) else { return self.ask(state, kind) };
        match self.memo[place] {
            NONE => {
                let step = self.ask(state, kind);
                self.memo[place] = match step {
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

    fn choice(&self, place: u32) -> StateId {
        self.choices[place as usize]
    }

    fn leads(&mut self, state: StateId, kind: KindId) -> bool {
        if self.needs[kind as usize] == state || state == HIDDEN {
            return state != HIDDEN;
        }
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

    pub(super) fn len(&self) -> usize {
        self.items.len()
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
