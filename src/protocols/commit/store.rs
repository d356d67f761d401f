//! The values of one server, and what acts do to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::locks::Mode;
use crate::base::{Act, Digest, Seen, SortedMap};

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A list, oldest first.
    List(Vec<i64>),
}

/// What a transaction leaves in the keys that it changed, by key.
pub type Writes = BTreeMap<u64, Value>;

/// Keys and values. A key that was never touched has none.
#[derive(Clone, Debug, Default)]
pub struct Store(BTreeMap<u64, Value>);

/// What a transaction has done on one server, before another can see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// What its reads saw, in the order of its acts.
    pub seen: Vec<Seen>,
    /// What it changes.
    pub writes: Writes,
}

/// A number would have fallen below zero: the transaction must abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdrawn {
    /// Of which key.
    pub key: u64,
}

impl Store {
    /// Carries acts out on a workspace of their own; the store stays as it is. An act sees what those before it did. A key that holds a
    /// list counts as the number zero, and one that holds a number as the empty list.
    pub fn execute(&self, acts: &[Act]) -> Result<Workspace, Overdrawn> {
        let mut work = Workspace::default();
        for act in acts {
            let key = act.key();
            let value = work.writes.get(&key).or_else(|| self.0.get(&key));
            let new = match (act, value) {
                (Act::Read { .. }, value) => {
                    work.seen.push(seen(value));
                    continue;
                }
                (Act::Write { value, .. }, _) => Value::Number(*value),
                (Act::Append { value, .. }, Some(Value::List(list))) => {
                    let mut list = list.clone();
                    list.push(*value);
                    Value::List(list)
                }
                (Act::Append { value, .. }, _) => Value::List(vec![*value]),
                (Act::Add { amount, .. }, value) => {
                    let number = if let Some(Value::Number(number)) = value { *number } else { 0 };
                    match number.checked_add(*amount).filter(|sum| *sum >= 0) {
                        Some(sum) => Value::Number(sum),
                        None => return Err(Overdrawn { key }),
                    }
                }
            };
            work.writes.insert(key, new);
        }
        Ok(work)
    }

    /// Makes what a transaction changed visible.
    pub fn apply(&mut self, writes: &Writes) {
        for (key, value) in writes {
            self.0.insert(*key, value.clone());
        }
    }

    /// What a key holds.
    pub fn get(&self, key: u64) -> Option<&Value> {
        self.0.get(&key)
    }

    /// A digest of all keys and values.
    pub fn digest(&self) -> u64 {
        Digest::of(&self.0)
    }
}

/// The locks that acts need, by key: exclusive where anything is changed.
pub fn locks_of(acts: &[Act]) -> SortedMap<u64, Mode> {
    let mut locks = SortedMap::new();
    for act in acts {
        let mode = if act.is_read() { Mode::Shared } else { Mode::Exclusive };
        let held = locks.entry(act.key()).or_insert(mode);
        *held = mode.max(*held);
    }
    locks
}

fn seen(value: Option<&Value>) -> Seen {
    match value {
        None => Seen::Empty,
        Some(Value::Number(number)) => Seen::Number(*number),
        Some(Value::List(list)) => Seen::List(list.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_see_what_came_before_and_nobody_else_does() {
        let mut store = Store::default();
        let acts = [
            Act::Read { key: 1 },
            Act::Add { key: 1, amount: 5 },
            Act::Read { key: 1 },
            Act::Append { key: 2, value: 7 },
            Act::Append { key: 2, value: 8 },
            Act::Read { key: 2 },
            Act::Write { key: 3, value: -4 },
        ];
        let work = store.execute(&acts).expect("nothing is overdrawn");
        assert_eq!(work.seen, [Seen::Empty, Seen::Number(5), Seen::List(vec![7, 8])]);
        assert_eq!(store.get(1), None);
        store.apply(&work.writes);
        assert_eq!(store.get(3), Some(&Value::Number(-4)));
        assert_eq!(store.execute(&[Act::Add { key: 1, amount: -6 }]), Err(Overdrawn { key: 1 }));
        assert_eq!(store.execute(&[Act::Add { key: 1, amount: i64::MAX - 4 }]), Err(Overdrawn { key: 1 }), "nothing wraps around");
    }

    #[test]
    fn a_key_is_locked_as_its_strongest_act_needs() {
        let acts = [Act::Add { key: 1, amount: 1 }, Act::Read { key: 1 }, Act::Read { key: 2 }];
        assert_eq!(locks_of(&acts).into_iter().collect::<Vec<_>>(), [(1, Mode::Exclusive), (2, Mode::Shared)]);
    }
}
