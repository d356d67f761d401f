//! A stack: last in, first out.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};
use crate::check::monitor::{self, KeyHistory, Opinion, PoolEffect};

/// What is asked of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StackOp<V = i64> {
    /// Put this on top.
    Push(V),
    /// Take out the item that was put in last.
    Pop,
}

/// What a stack answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StackResult<V = i64> {
    /// It was put in.
    Pushed,
    /// This was taken out.
    Item(V),
    /// There was nothing to take out.
    Empty,
}

impl<V: fmt::Debug> fmt::Display for StackOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(item) => write!(f, "push {item:?}"),
            Self::Pop => write!(f, "pop"),
        }
    }
}

impl<V: fmt::Debug> fmt::Display for StackResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pushed => write!(f, "pushed"),
            Self::Item(item) => write!(f, "{item:?}"),
            Self::Empty => write!(f, "empty"),
        }
    }
}

/// A stack that starts empty and never fills up.
#[derive(Clone, Debug)]
pub struct Stack<V = i64> {
    items: PhantomData<fn(V)>,
}

impl<V> Stack<V> {
    /// The empty stack.
    pub const fn empty() -> Self {
        Self { items: PhantomData }
    }
}

impl<V: Clone + Eq + Hash + fmt::Debug> Model for Stack<V> {
    /// The topmost item last.
    type State = Vec<V>;
    type Op = StackOp<V>;
    type Ret = StackResult<V>;

    fn initial(&self) -> Vec<V> {
        Vec::new()
    }

    fn step(&self, items: &Vec<V>, op: &StackOp<V>, ret: Option<&StackResult<V>>) -> Next<Vec<V>> {
        use StackResult::{Empty, Item, Pushed};
        match (op, ret, items.last()) {
            (StackOp::Push(item), None | Some(Pushed), _) => {
                let mut items = items.clone();
                items.push(item.clone());
                Next::One(items)
            }
            (StackOp::Pop, Some(Empty), None) => Next::Same,
            (StackOp::Pop, ret, Some(top)) if ret.is_none_or(|ret| matches!(ret, Item(item) if item == top)) => {
                let mut items = items.clone();
                items.pop();
                Next::One(items)
            }
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &StackOp<V>, ret: Option<&StackResult<V>>) -> Role<Vec<V>> {
        match (op, ret) {
            (StackOp::Push(_), None | Some(StackResult::Pushed)) => Role::Update,
            (StackOp::Pop, Some(StackResult::Empty)) => Role::Read(Vec::new()),
            _ => Role::Other,
        }
    }

    fn state_bytes(&self, items: &Vec<V>) -> usize {
        items.capacity() * size_of::<V>()
    }

    fn monitor(&self, history: &KeyHistory<'_, StackOp<V>, StackResult<V>>) -> Opinion {
        monitor::stack::judge(history, |op, ret| match (op, ret) {
            (StackOp::Push(item), None | Some(StackResult::Pushed)) => PoolEffect::Put(item),
            (StackOp::Pop, Some(StackResult::Item(item))) => PoolEffect::Took(item),
            (StackOp::Pop, Some(StackResult::Empty)) => PoolEffect::Empty,
            (StackOp::Pop, None) => PoolEffect::TookUnknown,
            _ => PoolEffect::Other,
        })
    }

    fn item(&self, op: &StackOp<V>, ret: Option<&StackResult<V>>) -> Option<StackOp<V>> {
        match (op, ret) {
            (StackOp::Push(item), _) | (StackOp::Pop, Some(StackResult::Item(item))) => Some(StackOp::Push(item.clone())),
            _ => None,
        }
    }

    fn describe(&self, op: &StackOp<V>, ret: Option<&StackResult<V>>) -> String {
        match ret {
            None => format!("{op} → ?"),
            Some(StackResult::Pushed) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
        }
    }

    fn expected(&self, items: &Vec<V>, op: &StackOp<V>) -> String {
        match (op, items.last()) {
            (StackOp::Push(_), _) => "it could only have been put in".to_owned(),
            (StackOp::Pop, Some(top)) => format!("only {top:?} could have been taken out"),
            (StackOp::Pop, None) => "it was empty".to_owned(),
        }
    }
}
