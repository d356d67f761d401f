//! A queue: first in, first out.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};
use crate::check::monitor::{self, KeyHistory, Opinion, PoolEffect};

/// What is asked of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueOp<V = i64> {
    /// Put this behind all others.
    Enqueue(V),
    /// Take out the item that was put in first.
    Dequeue,
}

/// What a queue answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueResult<V = i64> {
    /// It was put in.
    Enqueued,
    /// This was taken out.
    Item(V),
    /// There was nothing to take out.
    Empty,
}

impl<V: fmt::Debug> fmt::Display for QueueOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueue(item) => write!(f, "enqueue {item:?}"),
            Self::Dequeue => write!(f, "dequeue"),
        }
    }
}

impl<V: fmt::Debug> fmt::Display for QueueResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueued => write!(f, "enqueued"),
            Self::Item(item) => write!(f, "{item:?}"),
            Self::Empty => write!(f, "empty"),
        }
    }
}

/// A queue that starts empty and never fills up.
#[derive(Clone, Debug)]
pub struct Queue<V = i64> {
    items: PhantomData<fn(V)>,
}

impl<V> Queue<V> {
    /// The empty queue.
    pub const fn empty() -> Self {
        Self { items: PhantomData }
    }
}

impl<V: Clone + Eq + Hash + fmt::Debug> Model for Queue<V> {
    /// The oldest item first.
    type State = VecDeque<V>;
    type Op = QueueOp<V>;
    type Ret = QueueResult<V>;

    fn initial(&self) -> VecDeque<V> {
        VecDeque::new()
    }

    fn step(&self, items: &VecDeque<V>, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Next<VecDeque<V>> {
        use QueueResult::{Empty, Enqueued, Item};
        match (op, ret, items.front()) {
            (QueueOp::Enqueue(item), None | Some(Enqueued), _) => {
                let mut items = items.clone();
                items.push_back(item.clone());
                Next::One(items)
            }
            (QueueOp::Dequeue, Some(Empty), None) => Next::Same,
            (QueueOp::Dequeue, ret, Some(first)) if ret.is_none_or(|ret| matches!(ret, Item(item) if item == first)) => {
                let mut items = items.clone();
                items.pop_front();
                Next::One(items)
            }
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Role<VecDeque<V>> {
        match (op, ret) {
            (QueueOp::Enqueue(_), None | Some(QueueResult::Enqueued)) => Role::Update,
            (QueueOp::Dequeue, Some(QueueResult::Empty)) => Role::Read(VecDeque::new()),
            _ => Role::Other,
        }
    }

    fn state_bytes(&self, items: &VecDeque<V>) -> usize {
        items.capacity() * size_of::<V>()
    }

    fn monitor(&self, history: &KeyHistory<'_, QueueOp<V>, QueueResult<V>>) -> Opinion {
        monitor::queue::judge(history, pool_effect)
    }

    fn item(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Option<QueueOp<V>> {
        item(op, ret)
    }

    fn describe(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> String {
        describe(op, ret)
    }

    fn expected(&self, items: &VecDeque<V>, op: &QueueOp<V>) -> String {
        match (op, items.front()) {
            (QueueOp::Enqueue(_), _) => "it could only have been put in".to_owned(),
            (QueueOp::Dequeue, Some(first)) => format!("only {first:?} could have been taken out"),
            (QueueOp::Dequeue, None) => "it was empty".to_owned(),
        }
    }
}

/// What it does to the items, for a monitor.
pub(super) fn pool_effect<'a, V>(op: &'a QueueOp<V>, ret: Option<&'a QueueResult<V>>) -> PoolEffect<'a, V> {
    match (op, ret) {
        (QueueOp::Enqueue(item), None | Some(QueueResult::Enqueued)) => PoolEffect::Put(item),
        (QueueOp::Dequeue, Some(QueueResult::Item(item))) => PoolEffect::Took(item),
        (QueueOp::Dequeue, Some(QueueResult::Empty)) => PoolEffect::Empty,
        (QueueOp::Dequeue, None) => PoolEffect::TookUnknown,
        _ => PoolEffect::Other,
    }
}

/// What puts in the item that an operation is about.
pub(super) fn item<V: Clone>(op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Option<QueueOp<V>> {
    match (op, ret) {
        (QueueOp::Enqueue(item), _) | (QueueOp::Dequeue, Some(QueueResult::Item(item))) => Some(QueueOp::Enqueue(item.clone())),
        _ => None,
    }
}

/// An operation on a queue in words.
pub(super) fn describe<V: fmt::Debug>(op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> String {
    match ret {
        None => format!("{op} → ?"),
        Some(QueueResult::Enqueued) => op.to_string(),
        Some(ret) => format!("{op} → {ret}"),
    }
}
