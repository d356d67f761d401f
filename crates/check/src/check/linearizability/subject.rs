//! What is judged, whichever its types: a history and the model that judges it. Of what is compiled once for each model, this is the top;
//! what explains, or judges weaker guarantees, sees numbers only.

use std::cell::RefCell;

use super::encoding::{INITIAL, InternedModel, InternedRole, KindId, Object, StateId, Transition};
use super::partition::{KeyEvents, partition};
use crate::check::model::{Key, Model, Next, Role};
use crate::check::monitor::{self, Opinion};
use crate::history::{History, Operation, Timeline};

/// A history and its model.
pub(in crate::check) trait Subject {
    fn timeline(&self) -> &dyn Timeline;
    /// The key of an operation.
    fn key(&self, index: usize) -> Key<'_>;
    /// What the model calls what has a key.
    fn part_noun(&self) -> &'static str;
    /// The history key by key.
    fn partition(&self) -> Vec<(Key<'_>, KeyEvents)>;
    /// What a search asks of the model, with nothing known of it yet.
    fn object(&self) -> Box<dyn Object + '_>;
    /// The same in numbers.
    fn numbered(&self) -> Numbered<'_>;
    /// An operation in words: with its result, or as if of unknown outcome.
    fn describe(&self, index: usize, open: bool) -> String;
    /// What kind of operation it is, in a word.
    fn word(&self, index: usize) -> String;
    /// What an operation saw more or less of than can have been there, if these others began before it ended: see [`Model::excess`].
    fn excess(&self, index: usize, others: &[(usize, bool)]) -> Option<String>;
}

/// A history and its model, of these types.
pub(in crate::check) struct Judged<'a, M: Model> {
    pub model: &'a M,
    pub history: &'a History<M::Op, M::Ret>,
}

impl<M: Model> Subject for Judged<'_, M> {
    fn timeline(&self) -> &dyn Timeline {
        self.history
    }

    fn key(&self, index: usize) -> Key<'_> {
        self.model.key(&self.history.operations()[index].op)
    }

    fn part_noun(&self) -> &'static str {
        self.model.part_noun()
    }

    fn partition(&self) -> Vec<(Key<'_>, KeyEvents)> {
        partition(self.model, self.history)
    }

    fn object(&self) -> Box<dyn Object + '_> {
        Box::new(InternedModel::new(self.model, self.history))
    }

    fn numbered(&self) -> Numbered<'_> {
        Numbered::new(self.object(), &self.partition(), &|op, result| self.history.with(op, result))
    }

    fn describe(&self, index: usize, open: bool) -> String {
        let operation = &self.history.operations()[index];
        self.model.describe(&operation.op, operation.result().filter(|_| !open))
    }

    fn word(&self, index: usize) -> String {
        self.model.kind(&self.history.operations()[index].op)
    }

    fn excess(&self, index: usize, others: &[(usize, bool)]) -> Option<String> {
        let operations = self.history.operations();
        let others: Vec<(&M::Op, bool)> = others.iter().map(|(other, before)| (&operations[*other].op, *before)).collect();
        self.model.excess(&operations[index].op, operations[index].result()?, &others)
    }
}

/// What is asked is the kind of an operation of unknown outcome, what is answered the kind of one with a result.
pub(in crate::check) type NumberedHistory = History<KindId, KindId>;

/// A history of numbers, and the model of numbers that judges it.
pub(in crate::check) struct Numbered<'a> {
    object: RefCell<Box<dyn Object + 'a>>,
    /// For each kind, its part: the number of its key.
    part_of: Vec<u32>,
    /// How many parts there are.
    pub(super) parts: usize,
    /// For each kind, the number of the item that it is about.
    items: Vec<Option<u32>>,
    pub history: NumberedHistory,
}

/// Makes a history of the same shape.
type Renumbering<'s> = &'s dyn Fn(&mut dyn FnMut(usize) -> KindId, &mut dyn FnMut(usize) -> KindId) -> NumberedHistory;

impl<'a> Numbered<'a> {
    /// Of an object of which nothing is known yet.
    pub(super) fn new(object: Box<dyn Object + 'a>, shares: &[(Key<'_>, KeyEvents)], shape: Renumbering<'_>) -> Self {
        let object = RefCell::new(object);
        let history = shape(&mut |index| object.borrow_mut().open_kind(index as u32), &mut |index| object.borrow_mut().kind(index as u32));
        let mut part_of = vec![0; object.borrow().table().kinds().len()];
        for (part, (_, events)) in shares.iter().enumerate() {
            for index in &events.operations {
                part_of[history.operations()[*index as usize].op as usize] = part as u32;
            }
        }
        let items = object.borrow().items();
        Self { object, part_of, parts: shares.len(), items, history }
    }

    /// The first so many states in which it may begin.
    pub(super) fn starts(&self, count: usize) -> Vec<StateId> {
        (0..count).map(|number| self.object.borrow_mut().start(number)).collect()
    }

    /// The item of a container that an operation is about, as far as its outcome is known.
    pub(super) fn item(&self, operation: &Operation<KindId, KindId>) -> Option<u32> {
        self.items[*operation.result().unwrap_or(&operation.op) as usize]
    }

    /// The same, as far as is known while it is open.
    pub(super) fn item_asked(&self, operation: &Operation<KindId, KindId>) -> Option<u32> {
        self.items[operation.op as usize]
    }

    /// How many bytes its states take.
    pub(in crate::check) fn bytes(&self) -> u64 {
        self.object.borrow().table().bytes()
    }

    /// The part that an operation touches.
    pub(super) fn part(&self, op: KindId) -> usize {
        self.part_of[op as usize] as usize
    }
}

impl Model for Numbered<'_> {
    type State = StateId;
    type Op = KindId;
    type Ret = KindId;

    fn initial(&self) -> StateId {
        INITIAL
    }

    fn step(&self, state: &StateId, op: &KindId, ret: Option<&KindId>) -> Next<StateId> {
        let mut object = self.object.borrow_mut();
        let mut transitions = object.transitions();
        match transitions.step(*state, *ret.unwrap_or(op)) {
            Transition::Illegal => Next::Illegal,
            Transition::To(next) if next == *state => Next::Same,
            Transition::To(next) => Next::One(next),
            Transition::Choice { start, end } => Next::Any((start..end).map(|place| transitions.choice(place)).collect()),
        }
    }

    fn key<'k>(&self, op: &'k KindId) -> Key<'k> {
        Key::Number(self.part(*op) as u64)
    }

    fn role(&self, op: &KindId, ret: Option<&KindId>) -> Role<StateId> {
        let object = self.object.borrow();
        let (table, kind) = (object.table(), *ret.unwrap_or(op));
        match (table.role(kind), table.needs(kind)) {
            (InternedRole::Observer, Some(state)) => Role::Read(state),
            (InternedRole::Observer, None) => Role::Observer,
            (InternedRole::Swap(to), Some(from)) => Role::Exchange { from, to },
            (InternedRole::Swap(to), None) => Role::Swap(to),
            (InternedRole::Write(to), _) => Role::Write(to),
            (InternedRole::Update, _) => Role::Update,
            (InternedRole::Other, _) => Role::Other,
        }
    }

    fn leads(&self, state: &StateId, _: &KindId, ret: &KindId) -> bool {
        self.object.borrow_mut().transitions().leads(*state, *ret)
    }

    /// What the number stands for is held here.
    fn state_bytes(&self, state: &StateId) -> usize {
        self.object.borrow().state_bytes(*state)
    }

    fn monitor(&self, history: &monitor::KeyHistory<'_, KindId, KindId>) -> Opinion {
        let spans = || history.spans().into_iter().map(|span| (*span.ret.unwrap_or(span.op), span.from, span.until)).collect();
        self.object.borrow().monitor(&spans, history.end())
    }

    fn describe_state(&self, state: &StateId) -> String {
        self.object.borrow().describe_state(*state)
    }

    fn expected(&self, state: &StateId, op: &KindId) -> String {
        self.object.borrow().expected(*state, *op)
    }
}
