//! Registers that are read and written together.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::register::show;
use super::{Model, Next, Role, tree_bytes};

/// One of the things that are done at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterAct<K, V> {
    /// What does this register hold?
    Read(K),
    /// Let this register hold this.
    Write(K, V),
}

/// Registers, of which any number are read and written at once, one act after another. What is asked are these acts; the answer is what
/// each read saw, in their order.
#[derive(Clone, Debug)]
pub struct MultiRegister<K, V> {
    initial: BTreeMap<K, V>,
}

impl<K: Ord, V> MultiRegister<K, V> {
    /// Registers that hold these, and nothing where none is given.
    pub const fn holding(initial: BTreeMap<K, V>) -> Self {
        Self { initial }
    }
}

impl<K: Clone + Ord + Hash + fmt::Debug, V: Clone + Eq + Hash + fmt::Debug> Model for MultiRegister<K, V> {
    /// What registers hold that hold something.
    type State = BTreeMap<K, V>;
    type Op = Vec<RegisterAct<K, V>>;
    type Ret = Vec<Option<V>>;

    fn initial(&self) -> BTreeMap<K, V> {
        self.initial.clone()
    }

    fn step(&self, held: &BTreeMap<K, V>, acts: &Self::Op, seen: Option<&Vec<Option<V>>>) -> Next<BTreeMap<K, V>> {
        let mut seen = seen.map(|seen| seen.iter());
        let mut after = held.clone();
        for act in acts {
            match act {
                RegisterAct::Write(key, value) => _ = after.insert(key.clone(), value.clone()),
                RegisterAct::Read(key) => {
                    let seen = seen.as_mut().map(Iterator::next);
                    if seen.is_some_and(|seen| seen.map(Option::as_ref) != Some(after.get(key))) {
                        return Next::Illegal;
                    }
                }
            }
        }
        match seen {
            Some(more) if !more.as_slice().is_empty() => Next::Illegal,
            _ if after == *held => Next::Same,
            _ => Next::One(after),
        }
    }

    fn role(&self, acts: &Self::Op, seen: Option<&Vec<Option<V>>>) -> Role<BTreeMap<K, V>> {
        let reads = acts.iter().filter(|act| matches!(act, RegisterAct::Read(_))).count();
        match seen {
            _ if reads == acts.len() => Role::Observer,
            None => Role::Update,
            Some(seen) if reads == 0 && seen.is_empty() => Role::Update,
            Some(_) => Role::Other,
        }
    }

    fn state_bytes(&self, held: &BTreeMap<K, V>) -> usize {
        tree_bytes::<(K, V)>(held.len())
    }

    fn describe(&self, acts: &Self::Op, seen: Option<&Vec<Option<V>>>) -> String {
        let mut answers = seen.map(|seen| seen.iter());
        let told = acts.iter().map(|act| match act {
            RegisterAct::Write(key, value) => format!("write {key:?} = {value:?}"),
            RegisterAct::Read(key) => match answers.as_mut().and_then(Iterator::next) {
                Some(seen) => format!("read {key:?} → {}", show(seen)),
                None => format!("read {key:?} → ?"),
            },
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn kind(&self, acts: &Self::Op) -> String {
        let writes = acts.iter().any(|act| matches!(act, RegisterAct::Write(..)));
        if writes { "transaction" } else { "read" }.to_owned()
    }

    fn describe_state(&self, held: &BTreeMap<K, V>) -> String {
        let held: Vec<String> = held.iter().map(|(key, value)| format!("{key:?} = {value:?}")).collect();
        format!("holds {}", if held.is_empty() { "nothing".to_owned() } else { held.join(", ") })
    }

    fn expected(&self, held: &BTreeMap<K, V>, acts: &Self::Op) -> String {
        let read = acts.iter().filter_map(|act| if let RegisterAct::Read(key) = act { Some(key) } else { None });
        let values: Vec<String> = read.map(|key| format!("{key:?} = {}", show(&held.get(key).cloned()))).collect();
        format!("before it, only {} could have been read", values.join(", "))
    }
}
