//! A source of ids, none of which comes twice.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use super::{Model, Next, Role, tree_bytes};
use crate::base::sort_by_numbers;
use crate::check::monitor::{KeyHistory, Opinion};

/// What is asked of a source of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Generate;

/// A source of ids that has given none yet. Answers are ids.
#[derive(Clone, Debug)]
pub struct UniqueIds<V = i64> {
    ids: PhantomData<fn(V)>,
}

impl<V> UniqueIds<V> {
    /// A source that has given no id.
    pub const fn unused() -> Self {
        Self { ids: PhantomData }
    }
}

impl<V: Clone + Ord + Hash + fmt::Debug> Model for UniqueIds<V> {
    /// The ids that were given. Those of unknown outcome are none that were seen.
    type State = BTreeSet<V>;
    type Op = Generate;
    type Ret = V;

    fn initial(&self) -> BTreeSet<V> {
        BTreeSet::new()
    }

    fn step(&self, given: &BTreeSet<V>, _: &Generate, id: Option<&V>) -> Next<BTreeSet<V>> {
        match id {
            None => Next::Same,
            Some(id) if given.contains(id) => Next::Illegal,
            Some(id) => {
                let mut given = given.clone();
                given.insert(id.clone());
                Next::One(given)
            }
        }
    }

    fn role(&self, _: &Generate, id: Option<&V>) -> Role<BTreeSet<V>> {
        if id.is_none() { Role::Observer } else { Role::Other }
    }

    fn leads(&self, given: &BTreeSet<V>, _: &Generate, id: &V) -> bool {
        !given.contains(id)
    }

    fn state_bytes(&self, given: &BTreeSet<V>) -> usize {
        tree_bytes::<V>(given.len())
    }

    fn monitor(&self, history: &KeyHistory<'_, Generate, V>) -> Opinion {
        let mut seen = FxHashSet::default();
        let mut order = Vec::new();
        for (place, span) in history.spans().iter().enumerate() {
            // What need not have given its id did not.
            if let (Some(id), true) = (span.ret, span.until.is_some()) {
                if !seen.insert(id) {
                    return Opinion::Violated;
                }
                order.push((place, span.from));
            }
        }
        sort_by_numbers(&mut order, |(place, gap)| (u64::from(*gap), *place as u64));
        Opinion::Order(order)
    }

    fn describe(&self, _: &Generate, id: Option<&V>) -> String {
        id.map_or_else(|| "generate → ?".to_owned(), |id| format!("generate → {id:?}"))
    }

    fn describe_state(&self, given: &BTreeSet<V>) -> String {
        format!("has given {} ids", given.len())
    }

    fn expected(&self, _: &BTreeSet<V>, _: &Generate) -> String {
        "only an id could have come that had not come before".to_owned()
    }
}
