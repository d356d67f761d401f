//! The history key by key. What operations on different keys do does not depend on one another, and linearizability is local: a history
//! is linearizable if and only if its part on each key is (Herlihy and Wing, section 3.1).

use rustc_hash::FxHashMap;

use crate::check::model::{Key, Model};
use crate::history::{History, Outcome, Timeline};

/// One key's events.
#[derive(Default)]
pub(in crate::check) struct KeyEvents {
    /// Operations that may have taken effect, in order of invocation.
    pub(super) operations: Vec<u32>,
    /// Those known to have, in order of completion, with their rank among all completions.
    pub(super) completions: Vec<(u32, u32)>,
}

/// The history key by key, in order of first appearance.
pub(super) fn partition<'a, M: Model>(model: &M, history: &'a History<M::Op, M::Ret>) -> Vec<(Key<'a>, KeyEvents)> {
    let mut keys: Vec<(Key<'a>, KeyEvents)> = Vec::new();
    let mut known: FxHashMap<Key<'a>, u32> = FxHashMap::default();
    let mut owner = Vec::with_capacity(history.len());
    for (index, operation) in history.operations().iter().enumerate() {
        let key = model.key(&operation.op);
        let place = match keys.first() {
            Some((first, _)) if *first == key => 0,
            None => {
                keys.push((key, KeyEvents::default()));
                0
            }
            Some(_) => *known.entry(key).or_insert_with(|| {
                keys.push((key, KeyEvents::default()));
                keys.len() as u32 - 1
            }),
        };
        owner.push(place);
        if operation.outcome != Outcome::Failed {
            keys[place as usize].1.operations.push(index as u32);
        }
    }
    for (rank, index) in history.completions().iter().enumerate() {
        if matches!(history.operations()[*index].outcome, Outcome::Done(_)) {
            keys[owner[*index] as usize].1.completions.push((*index as u32, rank as u32));
        }
    }
    keys
}

/// The whole history as if it were of one key.
pub(super) fn whole(timeline: &dyn Timeline) -> KeyEvents {
    let completions = timeline.completions().iter().enumerate();
    KeyEvents {
        operations: (0..timeline.len() as u32).filter(|index| timeline.outcome(*index as usize) != Outcome::Failed).collect(),
        completions: completions.filter(|(_, index)| timeline.is_done(**index)).map(|(rank, index)| (*index as u32, rank as u32)).collect(),
    }
}
