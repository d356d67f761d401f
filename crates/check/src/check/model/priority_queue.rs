//! A priority queue: the least item first.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};
use crate::check::monitor::{self, KeyHistory, Opinion, PoolEffect};

/// What is asked of a priority queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PriorityQueueOp<V = i64> {
    /// Put this in.
    Insert(V),
    /// Take out the least item.
    TakeLeast,
}

/// What a priority queue answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PriorityQueueResult<V = i64> {
    /// It was put in.
    Inserted,
    /// This was taken out.
    Item(V),
    /// There was nothing to take out.
    Empty,
}

impl<V: fmt::Debug> fmt::Display for PriorityQueueOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert(item) => write!(f, "insert {item:?}"),
            Self::TakeLeast => write!(f, "take least"),
        }
    }
}

impl<V: fmt::Debug> fmt::Display for PriorityQueueResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inserted => write!(f, "inserted"),
            Self::Item(item) => write!(f, "{item:?}"),
            Self::Empty => write!(f, "empty"),
        }
    }
}

/// A priority queue that starts empty and never fills up. Equal items are interchangeable.
#[derive(Clone, Debug)]
pub struct PriorityQueue<V = i64> {
    items: PhantomData<fn(V)>,
}

impl<V> PriorityQueue<V> {
    /// The empty priority queue.
    pub const fn empty() -> Self {
        Self { items: PhantomData }
    }
}

impl<V: Clone + Ord + Hash + fmt::Debug> Model for PriorityQueue<V> {
    /// In descending order.
    type State = Vec<V>;
    type Op = PriorityQueueOp<V>;
    type Ret = PriorityQueueResult<V>;

    fn initial(&self) -> Vec<V> {
        Vec::new()
    }

    fn step(&self, items: &Vec<V>, op: &PriorityQueueOp<V>, ret: Option<&PriorityQueueResult<V>>) -> Next<Vec<V>> {
        use PriorityQueueResult::{Empty, Inserted, Item};
        match (op, ret, items.last()) {
            (PriorityQueueOp::Insert(item), None | Some(Inserted), _) => {
                let mut items = items.clone();
                items.insert(items.partition_point(|other| other > item), item.clone());
                Next::One(items)
            }
            (PriorityQueueOp::TakeLeast, Some(Empty), None) => Next::Same,
            (PriorityQueueOp::TakeLeast, ret, Some(least)) if ret.is_none_or(|ret| matches!(ret, Item(item) if item == least)) => {
                let mut items = items.clone();
                items.pop();
                Next::One(items)
            }
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &PriorityQueueOp<V>, ret: Option<&PriorityQueueResult<V>>) -> Role<Vec<V>> {
        match (op, ret) {
            (PriorityQueueOp::Insert(_), None | Some(PriorityQueueResult::Inserted)) => Role::Update,
            (PriorityQueueOp::TakeLeast, Some(PriorityQueueResult::Empty)) => Role::Read(Vec::new()),
            _ => Role::Other,
        }
    }

    fn state_bytes(&self, items: &Vec<V>) -> usize {
        items.capacity() * size_of::<V>()
    }

    fn monitor(&self, history: &KeyHistory<'_, PriorityQueueOp<V>, PriorityQueueResult<V>>) -> Opinion {
        monitor::priority_queue::judge(history, |op, ret| match (op, ret) {
            (PriorityQueueOp::Insert(item), None | Some(PriorityQueueResult::Inserted)) => PoolEffect::Put(item),
            (PriorityQueueOp::TakeLeast, Some(PriorityQueueResult::Item(item))) => PoolEffect::Took(item),
            (PriorityQueueOp::TakeLeast, Some(PriorityQueueResult::Empty)) => PoolEffect::Empty,
            (PriorityQueueOp::TakeLeast, None) => PoolEffect::TookUnknown,
            _ => PoolEffect::Other,
        })
    }

    fn item(&self, op: &PriorityQueueOp<V>, ret: Option<&PriorityQueueResult<V>>) -> Option<PriorityQueueOp<V>> {
        match (op, ret) {
            (PriorityQueueOp::Insert(item), _) | (PriorityQueueOp::TakeLeast, Some(PriorityQueueResult::Item(item))) => {
                Some(PriorityQueueOp::Insert(item.clone()))
            }
            _ => None,
        }
    }

    fn describe(&self, op: &PriorityQueueOp<V>, ret: Option<&PriorityQueueResult<V>>) -> String {
        match ret {
            None => format!("{op} → ?"),
            Some(PriorityQueueResult::Inserted) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
        }
    }

    fn expected(&self, items: &Vec<V>, op: &PriorityQueueOp<V>) -> String {
        match (op, items.last()) {
            (PriorityQueueOp::Insert(_), _) => "it could only have been put in".to_owned(),
            (PriorityQueueOp::TakeLeast, Some(least)) => format!("only {least:?} could have been taken out"),
            (PriorityQueueOp::TakeLeast, None) => "it was empty".to_owned(),
        }
    }
}
