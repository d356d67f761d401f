//! Histories made up, to test models and checkers on: linearizable by construction, or with one planted violation.
//!
//! Clients ask one operation after another of an object that is simulated by its [`Model`]. Each operation takes effect once, at some time
//! between its invocation and its completion, so there is an order. A [`Lie`] then breaks it in one place. Any model can be put to use here
//! that implements [`Sample`]: that says what clients ask, and what the object answers.
//!
//! ```
//! use stormglass_check::base::RunKey;
//! use stormglass_check::check::generate::{Lie, Planted, HistoryShape, generate};
//! use stormglass_check::check::model::queue::Queue;
//! use stormglass_check::check::{Verdict, linearizability};
//!
//! let (queue, key) = (Queue::empty(), RunKey::from_seed(1));
//! let made = generate(&queue, &HistoryShape::new(5, 100), key);
//! assert_eq!(linearizability::check(&queue, &made.history).verdict(), Verdict::Holds);
//!
//! let planted = Some(Planted { lie: Lie::Lost, after: 80 });
//! let made = generate(&queue, &HistoryShape { planted, ..HistoryShape::new(5, 100) }, key);
//! assert!(made.liar.is_some());
//! assert_eq!(linearizability::check(&queue, &made.history).verdict(), Verdict::Violated);
//! ```

mod samples;

use std::collections::BTreeMap;

use super::model::Model;
use crate::base::{ClientId, Ratio, RunKey, Stream, Time};
use crate::history::{History, Outcome};

/// A model that histories can be made up for.
pub trait Sample: Model<Op: Clone, Ret: Clone> {
    /// An operation that a client may ask for.
    fn sample(&self, random: &mut Stream, values: &mut Values) -> Self::Op;

    /// What the object may answer to it in this state: at least one answer, each legal there.
    fn answers(&self, state: &Self::State, op: &Self::Op) -> Vec<Self::Ret>;

    /// An answer that no operation of any sample could have caused; nothing if this operation has none such.
    fn impossible(&self, op: &Self::Op, values: &Values) -> Option<Self::Ret> {
        let _ = (op, values);
        None
    }
}

/// What a history is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryShape {
    /// How many clients there are; each does one operation at a time.
    pub clients: u32,
    /// How many operations they do together.
    pub operations: usize,
    /// How likely it is that a client does not learn an outcome. Half of these operations take effect while they are open; of the others,
    /// some do later and some never.
    pub unknown: Ratio,
    /// How many values there are to write, add or put in; with none, no value is used twice.
    pub values: Option<u64>,
    /// How many keys there are, for models that have keys.
    pub keys: u64,
    /// How likely an event happens at the same instant as the one before.
    pub ties: Ratio,
    /// A violation to plant.
    pub planted: Option<Planted>,
}

impl HistoryShape {
    /// So many clients and operations, every outcome known, each value used once, one key, no ties, no violation.
    pub const fn new(clients: u32, operations: usize) -> Self {
        Self { clients, operations, unknown: Ratio::NEVER, values: None, keys: 1, ties: Ratio::NEVER, planted: None }
    }
}

/// One violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planted {
    /// Of which kind.
    pub lie: Lie,
    /// Once so many operations were invoked.
    pub after: usize,
}

/// A kind of violation.
///
/// An impossible answer is a violation whatever else happens. The others are planted while nothing else is open. What is lost or stale is
/// a violation if every value is used once and every outcome known; otherwise other operations may happen to explain it. What happens
/// twice may be explained by operations that were open together earlier: two that were pushed at once may lie either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// An operation answers what nothing could have caused, in the midst of others.
    Impossible,
    /// An operation reports success and never takes effect; a later one shows it.
    Lost,
    /// An operation answers from the state before the last one.
    Stale,
    /// An operation takes effect twice; a later one shows it.
    Twice,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Impossible, Self::Lost, Self::Stale, Self::Twice];
}

/// A history made up.
#[derive(Clone, Debug)]
pub struct Made<O, R> {
    /// The history.
    pub history: History<O, R>,
    /// The index of the operation whose answer is wrong. Nothing if no violation was to be planted, or none of that kind could be: a
    /// register that is written twice looks as if it was written once.
    pub liar: Option<usize>,
}

/// Where samples get keys and values from.
#[derive(Clone, Debug)]
pub struct Values {
    few: Option<u64>,
    keys: u64,
    drawn: u64,
}

impl Values {
    /// What no sample ever draws, and what lies above.
    const NEVER: u64 = 1 << 40;
    /// How far back those drawn before are remembered.
    const RECENT: u64 = 16;

    /// A value to write: one of few, or one that was not drawn before.
    pub fn fresh(&mut self, random: &mut Stream) -> u64 {
        self.drawn += 1;
        self.few.map_or(self.drawn - 1, |few| random.below(few))
    }

    /// A value that may have been drawn lately: to ask for, or to expect.
    pub fn known(&self, random: &mut Stream) -> u64 {
        match self.few {
            Some(few) => random.below(few),
            None => self.drawn - random.below(Self::RECENT.min(self.drawn) + 1),
        }
    }

    /// Whether values are used more than once.
    pub const fn repeat(&self) -> bool {
        self.few.is_some()
    }

    /// A key.
    pub fn key(&self, random: &mut Stream) -> u64 {
        random.below(self.keys)
    }

    /// How many were drawn.
    pub const fn drawn(&self) -> u64 {
        self.drawn
    }

    /// A value that is never drawn.
    pub const fn never(&self) -> u64 {
        Self::NEVER
    }
}

/// Makes up a history. The same shape and key make the same history, everywhere.
///
/// # Panics
/// If the shape has no clients, no keys, or no values to choose from.
pub fn generate<M: Sample>(model: &M, shape: &HistoryShape, key: RunKey) -> Made<M::Op, M::Ret> {
    assert!(shape.clients > 0, "clients must do the operations");
    assert!(shape.keys > 0 && shape.values != Some(0), "there must be keys and values");
    let mut maker = Maker {
        model,
        shape,
        random: key.stream("generate", 0),
        values: Values { few: shape.values, keys: shape.keys, drawn: 0 },
        history: History::new(),
        clients: (0..shape.clients).map(|_| Client::Idle).collect(),
        objects: BTreeMap::new(),
        late: Vec::new(),
        now: 0,
        planted: shape.planted,
        liar: None,
    };
    maker.make();
    Made { history: maker.history, liar: maker.liar }
}

/// What a client is at.
enum Client<O, R> {
    Idle,
    /// Its operation, with its index, has not taken effect.
    Waiting(usize, O),
    /// Its operation ends like this.
    Answered(Outcome<R>),
}

struct Maker<'a, M: Sample> {
    model: &'a M,
    shape: &'a HistoryShape,
    random: Stream,
    values: Values,
    history: History<M::Op, M::Ret>,
    clients: Vec<Client<M::Op, M::Ret>>,
    /// The state of each key that was used.
    objects: BTreeMap<String, M::State>,
    /// Operations that clients gave up on, and that may take effect yet.
    late: Vec<M::Op>,
    now: u64,
    /// The violation to plant, until it is.
    planted: Option<Planted>,
    liar: Option<usize>,
}

impl<M: Sample> Maker<'_, M> {
    fn make(&mut self) {
        loop {
            let busy = self.clients.iter().any(|client| !matches!(client, Client::Idle));
            let due = self.planted.filter(|planted| planted.after <= self.history.len() && planted.lie != Lie::Impossible);
            match due {
                Some(planted) if !busy => {
                    self.planted = None;
                    self.plant(planted.lie);
                }
                _ if !busy && self.left() == 0 => return,
                // Before a lie is planted, all open operations end.
                _ => self.move_on(due.is_none()),
            }
        }
    }

    fn left(&self) -> usize {
        self.shape.operations.saturating_sub(self.history.len())
    }

    /// Some client does its next thing.
    fn move_on(&mut self, invoke: bool) {
        if !self.late.is_empty() && self.random.below(8) == 0 {
            let place = self.random.below(self.late.len() as u64) as usize;
            let op = self.late.swap_remove(place);
            let state = self.state(&op);
            let next = self.model.step(&state, &op, None).states(&state);
            if let Some(next) = self.random.choose(&next).cloned() {
                self.objects.insert(self.name(&op), next);
            }
        }
        let client = self.random.below(self.clients.len() as u64) as usize;
        self.clients[client] = match std::mem::replace(&mut self.clients[client], Client::Idle) {
            Client::Idle if invoke && self.left() > 0 => {
                let op = self.model.sample(&mut self.random, &mut self.values);
                Client::Waiting(self.invoke(client, &op), op)
            }
            Client::Idle => Client::Idle,
            Client::Waiting(_, op) => Client::Answered(self.end(&op)),
            Client::Answered(outcome) => {
                self.complete(client, outcome);
                Client::Idle
            }
        };
        if self.planted.is_some_and(|planted| planted.lie == Lie::Impossible && planted.after <= self.history.len()) {
            self.invent(client);
        }
    }

    /// If the client's operation has an impossible answer, gives it.
    fn invent(&mut self, client: usize) {
        if let Client::Waiting(index, op) = &self.clients[client]
            && let Some(answer) = self.model.impossible(op, &self.values)
        {
            self.liar = Some(*index);
            self.clients[client] = Client::Answered(Outcome::Done(answer));
            self.planted = None;
        }
    }

    /// The operation takes effect, or its client gives up on it.
    fn end(&mut self, op: &M::Op) -> Outcome<M::Ret> {
        if !self.random.chance(self.shape.unknown) {
            return Outcome::Done(self.apply(op));
        }
        match self.random.below(4) {
            0 => self.late.push(op.clone()),
            1 => {}
            _ => {
                self.apply(op);
            }
        }
        Outcome::Unknown
    }

    /// The operation takes effect and is answered.
    fn apply(&mut self, op: &M::Op) -> M::Ret {
        let state = self.state(op);
        let (ret, next) = self.answer(&state, op);
        self.objects.insert(self.name(op), next);
        ret
    }

    /// An answer in this state, and the state after.
    fn answer(&mut self, state: &M::State, op: &M::Op) -> (M::Ret, M::State) {
        let ret = self.random.choose(&self.model.answers(state, op)).expect("an object answers").clone();
        let next = self.model.step(state, op, Some(&ret)).states(state);
        let next = self.random.choose(&next).expect("what an object answers is legal").clone();
        (ret, next)
    }

    fn name(&self, op: &M::Op) -> String {
        self.model.key(op).to_string()
    }

    fn state(&self, op: &M::Op) -> M::State {
        self.objects.get(&self.name(op)).cloned().unwrap_or_else(|| self.model.initial())
    }

    /// One client does an operation and then another, alone, and the second shows that something is wrong with the first.
    fn plant(&mut self, lie: Lie) {
        const TRIES: usize = 100;
        if self.left() < 2 {
            return;
        }
        for _ in 0..TRIES {
            let first = self.model.sample(&mut self.random, &mut self.values);
            let before = self.state(&first);
            let (ret, after) = self.answer(&before, &first);
            let actual = match lie {
                Lie::Lost | Lie::Stale => before.clone(),
                Lie::Twice | Lie::Impossible => self.answer(&after, &first).1,
            };
            for _ in 0..TRIES {
                let second = self.model.sample(&mut self.random, &mut self.values);
                if self.model.key(&first) != self.model.key(&second) {
                    continue;
                }
                let (shown, next) = self.answer(&actual, &second);
                if self.model.step(&after, &second, Some(&shown)).is_legal() {
                    continue;
                }
                let client = self.random.below(self.clients.len() as u64) as usize;
                self.invoke(client, &first);
                self.complete(client, Outcome::Done(ret));
                self.invoke(client, &second);
                self.liar = Some(self.complete(client, Outcome::Done(shown)));
                let next = if lie == Lie::Stale { self.answer(&after, &second).1 } else { next };
                self.objects.insert(self.name(&first), next);
                return;
            }
        }
    }

    fn invoke(&mut self, client: usize, op: &M::Op) -> usize {
        let at = self.tick();
        self.history.invoke(at, ClientId::new(client as u32), op.clone()).expect("the client was idle")
    }

    fn complete(&mut self, client: usize, outcome: Outcome<M::Ret>) -> usize {
        let at = self.tick();
        self.history.complete(at, ClientId::new(client as u32), outcome).expect("the client was not idle")
    }

    fn tick(&mut self) -> Time {
        if !self.random.chance(self.shape.ties) {
            self.now += 1;
        }
        Time::from_nanos(self.now)
    }
}
