//! Operations on a key-value store.

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::values::value;
use super::{Generator, KeyChoice, LoadError, Turn};
use crate::base::{KvOp, KvResponse, OperationId, SortedMap, Stream};
use crate::process::NoNote;

/// How often each kind of operation is chosen: so many parts of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Reads.
    pub read: u32,
    /// Writes.
    pub write: u32,
    /// Compare-and-sets.
    pub cas: u32,
}

impl Mix {
    fn total(self) -> u64 {
        u64::from(self.read) + u64::from(self.write) + u64::from(self.cas)
    }
}

/// What a [`KvGenerator`] is built from: keys, how they are chosen, what is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvLoad {
    keys: Keys,
    mix: Mix,
}

impl KvLoad {
    /// Operations on the keys from 0 to below `keys`.
    pub fn new(keys: u32, choice: KeyChoice, mix: Mix) -> Result<Self, LoadError> {
        let keys = Keys::new(keys, choice)?;
        if mix.total() == 0 {
            return Err(LoadError::NoOperations);
        }
        Ok(Self { keys, mix })
    }
}

/// Reads, writes and compare-and-sets.
///
/// No two operations of a run set the same value, so that a value read tells who wrote it: the last digits name the client, those before
/// them the operation. A compare-and-set expects the value that its client last saw.
#[derive(Clone, Debug)]
pub struct KvGenerator {
    load: KvLoad,
    /// What the client last saw of each key.
    seen: SortedMap<u64, Option<u64>>,
}

impl Generator<KvOp, KvResponse> for KvGenerator {
    type Config = KvLoad;
    type Note = NoNote;

    fn new(load: &KvLoad) -> Self {
        Self { load: load.clone(), seen: SortedMap::new() }
    }

    fn next(&mut self, id: OperationId, random: &mut Stream, _: &mut Turn<NoNote>) -> KvOp {
        let Mix { read, write, .. } = self.load.mix;
        let (read, write) = (u64::from(read), u64::from(write));
        let part = random.below(self.load.mix.total());
        let key = self.load.keys.draw(random);
        if part < read {
            KvOp::Read { key }
        } else if part < read + write {
            KvOp::Write { key, value: value(id, 0, 1) }
        } else {
            KvOp::Cas { key, expected: self.seen.get(&key).copied().flatten(), value: value(id, 0, 1) }
        }
    }

    fn saw(&mut self, operation: &KvOp, response: &KvResponse, _: &mut Turn<NoNote>) {
        let now = match (operation, response) {
            (_, KvResponse::Value(found) | KvResponse::Mismatch(found)) => *found,
            (KvOp::Write { value, .. } | KvOp::Cas { value, .. }, KvResponse::Written | KvResponse::Swapped) => Some(*value),
            (KvOp::Read { .. }, KvResponse::Written | KvResponse::Swapped) => return,
        };
        self.seen.insert(operation.key(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{LocalTime, RunKey};

    const MIX: Mix = Mix { read: 5, write: 4, cas: 1 };

    fn generator(keys: u32, choice: KeyChoice, mix: Mix) -> KvGenerator {
        let load = KvLoad::new(keys, choice, mix).unwrap();
        KvGenerator::new(&load)
    }

    /// Operations of the third client.
    fn id(nth: u32) -> OperationId {
        OperationId { client: 2, life: 0, nth }
    }

    fn turn() -> Turn<NoNote> {
        Turn::at(LocalTime::default())
    }

    fn random() -> Stream {
        RunKey::from_seed(1).stream("test", 0)
    }

    #[test]
    fn the_mix_is_kept() {
        let (mut generator, mut random) = (generator(4, KeyChoice::Uniform, MIX), random());
        let (mut kinds, mut keys) = ([0_u32; 3], [0_u32; 4]);
        for nth in 1..=10_000 {
            let operation = generator.next(id(nth), &mut random, &mut turn());
            keys[operation.key() as usize] += 1;
            kinds[match operation {
                KvOp::Read { .. } => 0,
                KvOp::Write { .. } => 1,
                KvOp::Cas { .. } => 2,
            }] += 1;
        }
        assert!(kinds.iter().zip([5_000, 4_000, 1_000]).all(|(count, expected)| count.abs_diff(expected) < 200), "{kinds:?}");
        assert!(keys.iter().all(|count| count.abs_diff(2_500) < 200), "{keys:?}");
    }

    #[test]
    fn a_skewed_choice_has_a_hottest_key() {
        let (mut generator, mut random) = (generator(1_000, KeyChoice::Zipf("0.99".parse().unwrap()), MIX), random());
        let hottest = (1..=10_000).filter(|nth| generator.next(id(*nth), &mut random, &mut turn()).key() == 0).count();
        // The sum of k^-0.99 for k from 1 to 1,000 is 7.729: key 0 gets 12.9 of 100 operations.
        assert!((1_190..1_400).contains(&hottest), "{hottest}");
    }

    #[test]
    fn a_compare_and_set_expects_what_was_seen() {
        let mut generator = generator(1, KeyChoice::Uniform, Mix { read: 0, write: 0, cas: 1 });
        let mut nth = 0;
        let mut next = |seen: Option<KvResponse>| {
            nth += 1;
            let operation = generator.next(id(nth), &mut random(), &mut turn());
            if let Some(response) = seen {
                generator.saw(&operation, &response, &mut turn());
            }
            operation.to_string()
        };
        assert_eq!(next(None), "cas k0 nothing → 13");
        assert_eq!(next(Some(KvResponse::Mismatch(Some(42)))), "cas k0 nothing → 23");
        assert_eq!(next(Some(KvResponse::Swapped)), "cas k0 42 → 33");
        assert_eq!(next(None), "cas k0 33 → 43");
    }

    #[test]
    fn impossible_loads_are_refused() {
        let nothing = Mix { read: 0, write: 0, cas: 0 };
        let zipf = KeyChoice::Zipf("1".parse().unwrap());
        assert_eq!(KvLoad::new(0, KeyChoice::Uniform, MIX), Err(LoadError::NoKeys));
        assert_eq!(KvLoad::new(1, KeyChoice::Uniform, nothing), Err(LoadError::NoOperations));
        assert_eq!(KvLoad::new(KeyChoice::SKEWED_KEYS_MAX + 1, zipf, MIX), Err(LoadError::TooManyKeys));
    }
}
