//! A queue that hands out its items in any order.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::queue::{self, QueueOp, QueueResult};
use super::{Model, Next, Role, list, tree_bytes};
use crate::check::monitor::{self, KeyHistory, Opinion};

/// A queue that starts empty, never fills up, and hands out any of its items.
#[derive(Clone, Debug)]
pub struct UnorderedQueue<V = i64> {
    items: PhantomData<fn(V)>,
}

impl<V> UnorderedQueue<V> {
    /// The empty queue.
    pub const fn empty() -> Self {
        Self { items: PhantomData }
    }
}

impl<V: Clone + Ord + Hash + fmt::Debug> UnorderedQueue<V> {
    /// What is left without one of these.
    fn without(items: &BTreeMap<V, u64>, item: &V) -> Option<BTreeMap<V, u64>> {
        let mut left = items.clone();
        match left.get_mut(item)? {
            1 => _ = left.remove(item),
            count => *count -= 1,
        }
        Some(left)
    }
}

impl<V: Clone + Ord + Hash + fmt::Debug> Model for UnorderedQueue<V> {
    /// How often each item is there.
    type State = BTreeMap<V, u64>;
    type Op = QueueOp<V>;
    type Ret = QueueResult<V>;

    fn initial(&self) -> BTreeMap<V, u64> {
        BTreeMap::new()
    }

    fn step(&self, items: &BTreeMap<V, u64>, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Next<BTreeMap<V, u64>> {
        use QueueResult::{Empty, Enqueued, Item};
        match (op, ret) {
            (QueueOp::Enqueue(item), None | Some(Enqueued)) => {
                let mut items = items.clone();
                *items.entry(item.clone()).or_default() += 1;
                Next::One(items)
            }
            (QueueOp::Dequeue, Some(Empty)) if items.is_empty() => Next::Same,
            (QueueOp::Dequeue, Some(Item(item))) => Self::without(items, item).map_or(Next::Illegal, Next::One),
            (QueueOp::Dequeue, None) => Next::Any(items.keys().filter_map(|item| Self::without(items, item)).collect()),
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Role<BTreeMap<V, u64>> {
        match (op, ret) {
            (QueueOp::Enqueue(_), None | Some(QueueResult::Enqueued)) => Role::Update,
            (QueueOp::Dequeue, Some(QueueResult::Empty)) => Role::Read(BTreeMap::new()),
            _ => Role::Other,
        }
    }

    fn state_bytes(&self, items: &BTreeMap<V, u64>) -> usize {
        tree_bytes::<(V, u64)>(items.len())
    }

    fn monitor(&self, history: &KeyHistory<'_, QueueOp<V>, QueueResult<V>>) -> Opinion {
        monitor::unordered_queue::judge(history, queue::pool_effect)
    }

    fn item(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> Option<QueueOp<V>> {
        queue::item(op, ret)
    }

    fn describe(&self, op: &QueueOp<V>, ret: Option<&QueueResult<V>>) -> String {
        queue::describe(op, ret)
    }

    fn describe_state(&self, items: &BTreeMap<V, u64>) -> String {
        format!("holds {}", list('{', items.iter().flat_map(|(item, count)| (0..*count).map(move |_| item)), '}'))
    }

    fn expected(&self, items: &BTreeMap<V, u64>, op: &QueueOp<V>) -> String {
        match op {
            QueueOp::Enqueue(_) => "it could only have been put in".to_owned(),
            QueueOp::Dequeue if items.is_empty() => "it was empty".to_owned(),
            QueueOp::Dequeue => format!("only one of {} could have been taken out", list('{', items.keys(), '}')),
        }
    }
}
