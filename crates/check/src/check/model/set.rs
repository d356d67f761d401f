//! A set: add an element, remove it, ask for it. Each element is judged apart.

use std::fmt;
use std::hash::Hash;

use rustc_hash::{FxBuildHasher, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{Key, Model, Next, Role};

/// What is asked of a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SetOp<V = i64> {
    /// Let it contain this.
    Add(V),
    /// Let it not contain this.
    Remove(V),
    /// Does it contain this?
    Contains(V),
}

impl<V> SetOp<V> {
    /// The element that it touches.
    pub const fn element(&self) -> &V {
        match self {
            Self::Add(element) | Self::Remove(element) | Self::Contains(element) => element,
        }
    }
}

/// What a set answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SetResult {
    /// It was done, and nothing is said of what was there before.
    Done,
    /// Whether the element was there before.
    Was(bool),
}

impl<V: fmt::Debug> fmt::Display for SetOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(element) => write!(f, "add {element:?}"),
            Self::Remove(element) => write!(f, "remove {element:?}"),
            Self::Contains(element) => write!(f, "contains {element:?}"),
        }
    }
}

impl fmt::Display for SetResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Was(true) => "it was there",
            Self::Was(false) => "it was not there",
        })
    }
}

/// What a set can contain.
pub trait Element: Clone + Eq + Hash + fmt::Debug {
    /// The element as the checker names it.
    fn as_key(&self) -> Key<'_>;
}

impl Element for u64 {
    fn as_key(&self) -> Key<'_> {
        Key::Number(*self)
    }
}

impl Element for i64 {
    fn as_key(&self) -> Key<'_> {
        Key::Signed(*self)
    }
}

impl Element for String {
    fn as_key(&self) -> Key<'_> {
        Key::Text(self)
    }
}

/// A set, of which each element is judged apart.
#[derive(Clone, Debug)]
pub struct Set<V = i64> {
    initial: FxHashSet<V>,
}

impl<V> Set<V> {
    /// The empty set.
    pub const fn empty() -> Self {
        Self { initial: FxHashSet::with_hasher(FxBuildHasher) }
    }
}

impl<V: Element> Set<V> {
    /// A set that starts with these.
    pub fn holding(elements: impl IntoIterator<Item = V>) -> Self {
        Self { initial: elements.into_iter().collect() }
    }

    /// The state in which the element of this operation is there, or is not.
    fn state(&self, op: &SetOp<V>, there: bool) -> bool {
        there != self.initial.contains(op.element())
    }
}

impl<V: Element> Model for Set<V> {
    /// Whether the element has come or gone since the start: elements share the state in which they start.
    type State = bool;
    type Op = SetOp<V>;
    type Ret = SetResult;

    fn initial(&self) -> bool {
        false
    }

    fn step(&self, state: &bool, op: &SetOp<V>, ret: Option<&SetResult>) -> Next<bool> {
        match (op, ret) {
            (SetOp::Contains(_), Some(SetResult::Done)) => return Next::Illegal,
            (_, Some(SetResult::Was(was))) if self.state(op, *was) != *state => return Next::Illegal,
            _ => {}
        }
        match op {
            SetOp::Add(_) => Next::One(self.state(op, true)),
            SetOp::Remove(_) => Next::One(self.state(op, false)),
            SetOp::Contains(_) => Next::Same,
        }
    }

    fn key<'a>(&self, op: &'a SetOp<V>) -> Key<'a> {
        op.element().as_key()
    }

    fn role(&self, op: &SetOp<V>, ret: Option<&SetResult>) -> Role<bool> {
        let leaves = match op {
            SetOp::Add(_) => self.state(op, true),
            SetOp::Remove(_) => self.state(op, false),
            SetOp::Contains(_) => {
                return match ret {
                    None => Role::Observer,
                    Some(SetResult::Was(was)) => Role::Read(self.state(op, *was)),
                    Some(SetResult::Done) => Role::Other,
                };
            }
        };
        match ret {
            None | Some(SetResult::Done) => Role::Write(leaves),
            Some(SetResult::Was(was)) if self.state(op, *was) == leaves => Role::Read(leaves),
            Some(SetResult::Was(was)) => Role::Exchange { from: self.state(op, *was), to: leaves },
        }
    }

    fn leads(&self, state: &bool, op: &SetOp<V>, ret: &SetResult) -> bool {
        // There are neither updates nor others that are legal.
        self.step(state, op, Some(ret)).is_legal()
    }

    fn describe(&self, op: &SetOp<V>, ret: Option<&SetResult>) -> String {
        let told = match (op, ret) {
            (_, None) => "?",
            (_, Some(SetResult::Done)) => return op.to_string(),
            (SetOp::Add(_), Some(SetResult::Was(true))) => "was there already",
            (SetOp::Add(_), Some(SetResult::Was(false))) => "added",
            (SetOp::Remove(_), Some(SetResult::Was(true))) => "removed",
            (SetOp::Remove(_), Some(SetResult::Was(false))) => "was not there",
            (SetOp::Contains(_), Some(SetResult::Was(true))) => "yes",
            (SetOp::Contains(_), Some(SetResult::Was(false))) => "no",
        };
        format!("{op} → {told}")
    }

    fn describe_state(&self, state: &bool) -> String {
        match (self.initial.is_empty(), *state) {
            (true, true) => "it is there".to_owned(),
            (true, false) => "it is not there".to_owned(),
            (false, true) => "it has come or gone since the start".to_owned(),
            (false, false) => "it is as at the start".to_owned(),
        }
    }

    fn expected(&self, state: &bool, op: &SetOp<V>) -> String {
        let element = op.element();
        if self.state(op, true) == *state { format!("{element:?} was there") } else { format!("{element:?} was not there") }
    }
}
