//! Transactions of several acts on several keys.

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::values::value;
use super::{KeyChoice, LoadError};
use crate::base::{Act, OperationId, Stream, Transaction};

/// Transactions of one act or several; each act reads a key or changes it, and no two changes of a run set or append the same value, so
/// that a value read tells who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed {
    keys: Keys,
    acts: u32,
    mix: MixedMix,
    change: MixedChange,
}

/// How often each kind of act is chosen: so many parts of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedMix {
    /// Reads.
    pub read: u32,
    /// Changes.
    pub change: u32,
}

/// How keys are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MixedChange {
    /// They hold lists, and numbers are appended: a list read tells the order of all that were.
    Append,
    /// They hold numbers, and others are put in their place. Each is read before it is replaced: a value read tells which one it follows.
    Write,
}

impl Mixed {
    /// Transactions of 1 to `acts` acts on the keys from 0 to below `keys`.
    pub fn new(keys: u32, choice: KeyChoice, acts: u32, mix: MixedMix, change: MixedChange) -> Result<Self, LoadError> {
        let keys = Keys::new(keys, choice)?;
        if acts == 0 {
            return Err(LoadError::NoActs);
        }
        if mix.read == 0 && mix.change == 0 {
            return Err(LoadError::NoOperations);
        }
        Ok(Self { keys, acts, mix, change })
    }

    /// How many keys there are.
    pub fn keys(&self) -> u32 {
        self.keys.count()
    }

    /// How they are chosen.
    pub fn choice(&self) -> KeyChoice {
        self.keys.choice()
    }

    /// How many acts a transaction has at most.
    pub fn acts(&self) -> u32 {
        self.acts
    }

    /// What they do.
    pub fn mix(&self) -> MixedMix {
        self.mix
    }

    /// How keys are changed.
    pub fn change(&self) -> MixedChange {
        self.change
    }

    /// The transaction with this identity.
    pub(super) fn next(&self, id: OperationId, random: &mut Stream) -> Transaction {
        let mut acts = Vec::new();
        for place in 0..=random.below(u64::from(self.acts)) {
            let act = self.act(value(id, place, u64::from(self.acts)) as i64, random);
            if let Act::Write { key, .. } = act {
                // Without it, nothing would tell which of two values came first.
                acts.push(Act::Read { key });
            }
            acts.push(act);
        }
        Transaction { acts }
    }

    fn act(&self, value: i64, random: &mut Stream) -> Act {
        let MixedMix { read, change } = self.mix;
        let part = random.below(u64::from(read) + u64::from(change));
        let key = self.keys.draw(random);
        match self.change {
            _ if part < u64::from(read) => Act::Read { key },
            MixedChange::Append => Act::Append { key, value },
            MixedChange::Write => Act::Write { key, value },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::RunKey;

    const MIX: MixedMix = MixedMix { read: 3, change: 1 };

    fn mixed(change: MixedChange) -> Mixed {
        Mixed::new(4, KeyChoice::Uniform, 3, MIX, change).unwrap()
    }

    #[test]
    fn lengths_keys_and_kinds_are_drawn_as_told() {
        let (mixed, mut random) = (mixed(MixedChange::Append), RunKey::from_seed(1).stream("test", 0));
        let (mut lengths, mut keys, mut reads) = ([0_u32; 3], [0_u32; 4], 0_u32);
        for nth in 1..=1_000 {
            let Transaction { acts } = mixed.next(OperationId { client: 0, life: 0, nth }, &mut random);
            lengths[acts.len() - 1] += 1;
            acts.iter().for_each(|act| keys[act.key() as usize] += 1);
            reads += acts.iter().filter(|act| act.is_read()).count() as u32;
            assert!(acts.iter().all(|act| matches!(act, Act::Read { .. } | Act::Append { .. })));
        }
        // Two acts to a transaction, on average.
        assert!(lengths.iter().all(|count| count.abs_diff(333) < 60), "{lengths:?}");
        assert!(keys.iter().all(|count| count.abs_diff(500) < 80), "{keys:?}");
        assert!(reads.abs_diff(1_500) < 100, "{reads}");
    }

    #[test]
    fn no_value_is_set_twice() {
        let mut random = RunKey::from_seed(1).stream("test", 0);
        let mut values = BTreeSet::new();
        for client in 0..2 {
            let mixed = mixed(MixedChange::Write);
            for Transaction { acts } in (1..=1_000).map(|nth| mixed.next(OperationId { client, life: 0, nth }, &mut random)) {
                for (place, act) in acts.iter().enumerate() {
                    if let Act::Write { key, value } = *act {
                        assert!(value > 0 && values.insert(value), "{value} is set twice");
                        assert_eq!(acts[place - 1], Act::Read { key }, "it is read before");
                    }
                }
            }
        }
        assert!(values.len() > 500);
    }

    #[test]
    fn impossible_loads_are_refused() {
        let new = |keys, acts, mix| Mixed::new(keys, KeyChoice::Uniform, acts, mix, MixedChange::Write);
        assert_eq!(new(0, 1, MIX), Err(LoadError::NoKeys));
        assert_eq!(new(1, 0, MIX), Err(LoadError::NoActs));
        assert_eq!(new(1, 1, MixedMix { read: 0, change: 0 }), Err(LoadError::NoOperations));
    }
}
