//! What operations in files show to the weaker guarantees.

use super::collections::Shared;
use super::{Answer, Item, Store};
use crate::check::consistency::{Observable, ObservedEffect};
use crate::check::model::Model;
use crate::check::model::bank::Bank;
use crate::check::model::counter::Counter;
use crate::check::model::fenced_lock::FencedLock;
use crate::check::model::kv::{KvOp, KvResult};
use crate::check::model::lock::Lock;
use crate::check::model::log::Log;
use crate::check::model::multi_register::MultiRegister;
use crate::check::model::priority_queue::PriorityQueue;
use crate::check::model::queue::Queue;
use crate::check::model::set::Set;
use crate::check::model::stack::Stack;
use crate::check::model::unique_ids::UniqueIds;
use crate::check::model::unordered_queue::UnorderedQueue;
use crate::history::formats::Value;

impl Observable for Store {
    type Value = Value;

    fn at_first(&self) -> Option<Value> {
        self.initial()
    }

    fn observed_effect(&self, op: &KvOp<String, Value>, ret: Option<&Answer>) -> ObservedEffect<Value> {
        match (op, ret) {
            (KvOp::Read { .. }, Some(Answer::Known(KvResult::Value(seen)))) => ObservedEffect::Read(seen.clone()),
            (KvOp::Cas { .. }, Some(Answer::Known(KvResult::Mismatch(seen)))) => ObservedEffect::Read(seen.clone()),
            (KvOp::Read { .. }, None) | (KvOp::Cas { .. }, Some(Answer::Differed)) => ObservedEffect::Nothing,
            (KvOp::Write { value, .. }, _) => ObservedEffect::Write(value.clone()),
            (KvOp::Cas { expect, new, .. }, None | Some(Answer::Known(KvResult::Swapped))) => {
                ObservedEffect::Swap { seen: expect.clone(), new: new.clone() }
            }
            _ => ObservedEffect::Unclear,
        }
    }
}

/// Objects of which nothing weaker than sequential consistency is told.
macro_rules! unclear {
    ($($model:ty),*) => { $(impl Observable for $model { type Value = Value; })* };
}

unclear!(Bank<Value>, MultiRegister<Value, Value>, UniqueIds<Value>, UnorderedQueue<Shared>);
unclear!(Counter, Set<Item>, Queue<Shared>, Stack<Shared>, PriorityQueue<Shared>, Lock<Value>, FencedLock<Value>, Log<Value>);
