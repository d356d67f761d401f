//! A set that only grows: add an element, read all.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role, list, tree_bytes};
use crate::check::monitor::grow_set::{Growth, judge};
use crate::check::monitor::{KeyHistory, Opinion};

/// What is asked of a set that only grows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GrowSetOp<V = i64> {
    /// Let it contain this.
    Add(V),
    /// What does it contain?
    Read,
}

/// What such a set answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "V: Ord + Deserialize<'de>"))]
pub enum GrowSetResult<V = i64> {
    /// It was added.
    Added,
    /// It contains these.
    Elements(BTreeSet<V>),
    /// It contains these, some of which more than once: no set does.
    Repeated(Vec<V>),
}

impl<V: fmt::Debug> fmt::Display for GrowSetOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(element) => write!(f, "add {element:?}"),
            Self::Read => write!(f, "read"),
        }
    }
}

impl<V: fmt::Debug> fmt::Display for GrowSetResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added => write!(f, "added"),
            Self::Elements(elements) => write!(f, "{}", list('{', elements, '}')),
            Self::Repeated(elements) => write!(f, "{}, with repetitions", list('[', elements, ']')),
        }
    }
}

/// A set that starts empty and only grows.
#[derive(Clone, Debug)]
pub struct GrowSet<V = i64> {
    elements: PhantomData<fn(V)>,
}

impl<V> GrowSet<V> {
    /// The empty set.
    pub const fn empty() -> Self {
        Self { elements: PhantomData }
    }
}

impl<V: Clone + Ord + Hash + fmt::Debug> Model for GrowSet<V> {
    type State = BTreeSet<V>;
    type Op = GrowSetOp<V>;
    type Ret = GrowSetResult<V>;

    fn initial(&self) -> BTreeSet<V> {
        BTreeSet::new()
    }

    fn step(&self, held: &BTreeSet<V>, op: &GrowSetOp<V>, ret: Option<&GrowSetResult<V>>) -> Next<BTreeSet<V>> {
        match (op, ret) {
            (GrowSetOp::Add(element), None | Some(GrowSetResult::Added)) if held.contains(element) => Next::Same,
            (GrowSetOp::Add(element), None | Some(GrowSetResult::Added)) => {
                let mut held = held.clone();
                held.insert(element.clone());
                Next::One(held)
            }
            (GrowSetOp::Read, None) => Next::Same,
            (GrowSetOp::Read, Some(GrowSetResult::Elements(read))) if read == held => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &GrowSetOp<V>, ret: Option<&GrowSetResult<V>>) -> Role<BTreeSet<V>> {
        match (op, ret) {
            (GrowSetOp::Add(_), None | Some(GrowSetResult::Added)) => Role::Update,
            // Not `Role::Read`: the checker would keep a copy of every set that was read.
            (GrowSetOp::Read, None | Some(GrowSetResult::Elements(_))) => Role::Observer,
            _ => Role::Other,
        }
    }

    fn leads(&self, held: &BTreeSet<V>, _: &GrowSetOp<V>, ret: &GrowSetResult<V>) -> bool {
        match ret {
            GrowSetResult::Elements(read) => held.is_subset(read),
            GrowSetResult::Added => true,
            GrowSetResult::Repeated(_) => false,
        }
    }

    fn state_bytes(&self, elements: &BTreeSet<V>) -> usize {
        tree_bytes::<V>(elements.len())
    }

    fn monitor(&self, history: &KeyHistory<'_, GrowSetOp<V>, GrowSetResult<V>>) -> Opinion {
        judge(history, |op, ret| match (op, ret) {
            (GrowSetOp::Add(element), None | Some(GrowSetResult::Added)) => Growth::Add(element),
            (GrowSetOp::Read, Some(GrowSetResult::Elements(read))) => Growth::Read(read),
            (GrowSetOp::Read, Some(GrowSetResult::Repeated(_))) => Growth::Never,
            _ => Growth::Other,
        })
    }

    fn describe(&self, op: &GrowSetOp<V>, ret: Option<&GrowSetResult<V>>) -> String {
        match ret {
            None => format!("{op} → ?"),
            Some(GrowSetResult::Added) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
        }
    }

    fn expected(&self, held: &BTreeSet<V>, op: &GrowSetOp<V>) -> String {
        match op {
            GrowSetOp::Add(_) => "it could only have been added".to_owned(),
            GrowSetOp::Read => format!("only {} could have been read", list('{', held, '}')),
        }
    }
}
