//! The key-value store that Raft replicates unless said otherwise.

use rustc_hash::FxHashMap;

use super::{Operation, StateMachine};
use crate::base::{Digest, KvOp, KvResponse};
use crate::process::NoNote;

/// Keys and values.
#[derive(Clone, Debug, Default)]
pub struct KvState(FxHashMap<u64, u64>);

impl StateMachine for KvState {
    type Operation = KvOp;
    type Response = KvResponse;
    type Output = NoNote;

    fn execute(&mut self, operation: &KvOp, changes: &mut Digest, _: &mut Vec<NoNote>) -> KvResponse {
        match *operation {
            KvOp::Read { .. } => self.query(operation),
            KvOp::Write { key, value } => {
                self.set(key, value, changes);
                KvResponse::Written
            }
            KvOp::Cas { key, expected, value } => {
                let found = self.0.get(&key).copied();
                if found == expected {
                    self.set(key, value, changes);
                    KvResponse::Swapped
                } else {
                    KvResponse::Mismatch(found)
                }
            }
        }
    }

    fn query(&self, operation: &KvOp) -> KvResponse {
        KvResponse::Value(self.0.get(&operation.key()).copied())
    }

    fn fingerprint(&self) -> u64 {
        // Hash maps have no order of their own that replicas could share.
        let mut values: Vec<_> = self.0.iter().collect();
        values.sort_unstable();
        Digest::of(&values)
    }
}

impl KvState {
    fn set(&mut self, key: u64, value: u64, changes: &mut Digest) {
        self.0.insert(key, value);
        changes.word(key);
        changes.word(value);
    }
}

impl Operation for KvOp {
    fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, value) = match self {
            Self::Read { .. } => (0, None),
            Self::Write { value, .. } => (1, Some(*value)),
            Self::Cas { expected: None, value, .. } => (2, Some(*value)),
            Self::Cas { expected: Some(_), value, .. } => (3, Some(*value)),
        };
        out.push(tag);
        out.extend_from_slice(&self.key().to_le_bytes());
        for number in value.into_iter().chain(if let Self::Cas { expected, .. } = self { *expected } else { None }) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let (words, []) = rest.as_chunks() else { return None };
        let word = |place: usize| words.get(place).map(|word| u64::from_le_bytes(*word));
        let key = word(0)?;
        match (tag, words.len()) {
            (0, 1) => Some(Self::Read { key }),
            (1, 2) => Some(Self::Write { key, value: word(1)? }),
            (2, 2) => Some(Self::Cas { key, value: word(1)?, expected: None }),
            (3, 3) => Some(Self::Cas { key, value: word(1)?, expected: Some(word(2)?) }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_do_as_they_say() {
        let mut state = KvState::default();
        let mut execute = |operation| state.execute(&operation, &mut Digest::new(), &mut Vec::new());
        let cas = |expected, value| KvOp::Cas { key: 1, expected, value };
        assert_eq!(execute(cas(Some(1), 2)), KvResponse::Mismatch(None));
        assert_eq!(execute(cas(None, 2)), KvResponse::Swapped);
        assert_eq!(execute(cas(None, 3)), KvResponse::Mismatch(Some(2)));
        assert_eq!(execute(KvOp::Write { key: 1, value: 4 }), KvResponse::Written);
        assert_eq!(execute(KvOp::Read { key: 1 }), KvResponse::Value(Some(4)));
    }
}
