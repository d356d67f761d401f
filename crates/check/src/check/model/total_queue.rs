//! A queue that is emptied at the end: what goes in comes out, once.
//!
//! This asks less than a queue in any order does, and something else: an item may be overlooked for a while, but none may be lost by the
//! end. Items have nothing to do with one another, so each is judged apart.

use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::set::Element;
use super::{Key, Model, Next, Role};

/// What becomes of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TotalQueueOp<V = i64> {
    /// It is put in.
    Enqueue(V),
    /// It comes out.
    Dequeue(V),
    /// It is not there any more, when the queue was emptied.
    Gone(V),
}

impl<V> TotalQueueOp<V> {
    /// The item.
    pub const fn item(&self) -> &V {
        match self {
            Self::Enqueue(item) | Self::Dequeue(item) | Self::Gone(item) => item,
        }
    }
}

/// A queue that is empty at first. All operations answer only that they were done.
#[derive(Clone, Copy, Debug)]
pub struct TotalQueue<V = i64> {
    items: std::marker::PhantomData<fn(V)>,
}

impl<V> TotalQueue<V> {
    /// The empty queue.
    pub const fn empty() -> Self {
        Self { items: std::marker::PhantomData }
    }
}

impl<V: Element + fmt::Debug> Model for TotalQueue<V> {
    /// How often the item is there.
    type State = u64;
    type Op = TotalQueueOp<V>;
    type Ret = ();

    fn initial(&self) -> u64 {
        0
    }

    fn step(&self, count: &u64, op: &TotalQueueOp<V>, ret: Option<&()>) -> Next<u64> {
        match op {
            TotalQueueOp::Enqueue(_) => Next::One(count + 1),
            TotalQueueOp::Dequeue(_) if *count > 0 => Next::One(count - 1),
            TotalQueueOp::Gone(_) if *count == 0 => Next::Same,
            // It may not have come out.
            _ if ret.is_none() => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn key<'a>(&self, op: &'a TotalQueueOp<V>) -> Key<'a> {
        op.item().as_key()
    }

    fn role(&self, op: &TotalQueueOp<V>, ret: Option<&()>) -> Role<u64> {
        match (op, ret) {
            (TotalQueueOp::Enqueue(_), _) => Role::Update,
            (TotalQueueOp::Gone(_), Some(())) => Role::Read(0),
            (TotalQueueOp::Gone(_), None) => Role::Observer,
            (TotalQueueOp::Dequeue(_), _) => Role::Other,
        }
    }

    fn describe(&self, op: &TotalQueueOp<V>, ret: Option<&()>) -> String {
        match (op, ret) {
            (TotalQueueOp::Enqueue(item), _) => format!("enqueue {item:?}"),
            (TotalQueueOp::Dequeue(item), Some(())) => format!("dequeue → {item:?}"),
            (TotalQueueOp::Dequeue(item), None) => format!("dequeue → perhaps {item:?}"),
            (TotalQueueOp::Gone(item), _) => format!("emptied, {item:?} never came out"),
        }
    }

    fn kind(&self, op: &TotalQueueOp<V>) -> String {
        match op {
            TotalQueueOp::Enqueue(_) => "enqueue",
            TotalQueueOp::Dequeue(_) => "dequeue",
            TotalQueueOp::Gone(_) => "loss",
        }
        .to_owned()
    }

    fn describe_state(&self, count: &u64) -> String {
        match count {
            0 => "it is not there".to_owned(),
            1 => "it is there".to_owned(),
            count => format!("it is there {count} times"),
        }
    }

    fn expected(&self, count: &u64, op: &TotalQueueOp<V>) -> String {
        match op {
            TotalQueueOp::Enqueue(_) => "it could only have been put in".to_owned(),
            TotalQueueOp::Dequeue(_) => "it is a duplicate, or was made up: it never went in, or had come out as often as that".to_owned(),
            TotalQueueOp::Gone(_) => format!("it is lost: it went in {} more often than it came out", times(*count)),
        }
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
