//! A store of keys and values: read, write, append, compare and set, delete.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::register::show;
use super::{Key, Model, Next, Role};

/// What is asked of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KvOp<K = u64, V = u64> {
    /// What does the key hold?
    Read {
        /// Where.
        key: K,
    },
    /// Let the key hold this.
    Write {
        /// Where.
        key: K,
        /// What.
        value: V,
    },
    /// Put this behind what the key holds.
    Append {
        /// Where.
        key: K,
        /// What.
        value: V,
    },
    /// If the key holds what is expected, let it hold something new.
    Cas {
        /// Where.
        key: K,
        /// What it has to hold; nothing means that the key has to be missing.
        expect: Option<V>,
        /// What it is to hold then.
        new: V,
    },
    /// Let the key hold nothing.
    Delete {
        /// Where.
        key: K,
    },
}

impl<K, V> KvOp<K, V> {
    /// The key that it touches.
    pub const fn key(&self) -> &K {
        match self {
            Self::Read { key } | Self::Write { key, .. } | Self::Append { key, .. } | Self::Cas { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KvResult<V = u64> {
    /// The key holds this; nothing if it is missing.
    Value(Option<V>),
    /// It was written, appended to or deleted.
    Written,
    /// It held what was expected, and holds the new value now.
    Swapped,
    /// It did not hold what was expected, but this.
    Mismatch(Option<V>),
}

/// What a key is made of.
pub trait KvKey: Eq + Hash + fmt::Debug {
    /// The key as the checker names it.
    fn as_key(&self) -> Key<'_>;
}

impl KvKey for u64 {
    fn as_key(&self) -> Key<'_> {
        Key::Number(*self)
    }
}

impl KvKey for String {
    fn as_key(&self) -> Key<'_> {
        Key::Text(self)
    }
}

/// What a key can hold.
pub trait KvValue: Clone + Eq + Hash + fmt::Debug {
    /// Whether values of this type can be appended to.
    const APPENDS: bool = false;

    /// This value with another one behind it; nothing if values of this type are not appended to.
    fn appended(&self, tail: &Self) -> Option<Self> {
        let _ = tail;
        None
    }

    /// The values, one behind the other, of which this is made by appending, if only these can have been appended and that is certain.
    fn pieces(&self, appended: &[&Self]) -> Option<Vec<String>> {
        let _ = appended;
        None
    }

    /// How many bytes it holds besides those of its own type.
    fn bytes(&self) -> usize {
        0
    }

    /// Whether appending alone could make one out of the other.
    fn grows_into(from: Option<&Self>, into: Option<&Self>) -> bool {
        from == into
    }
}

impl KvValue for u64 {}

/// The texts of which this one is made by putting these one behind the other; nothing if it is not, or if one begins with another, so that
/// there may be several ways. A letter is told apart from letters.
pub(in crate::check) fn pieces<'t>(text: &'t str, appended: &[&str]) -> Option<Vec<&'t str>> {
    let mut known: Vec<&str> = appended.iter().copied().filter(|text| !text.is_empty()).collect();
    known.sort_unstable();
    known.dedup();
    if known.windows(2).any(|pair| pair[1].starts_with(pair[0])) {
        return None;
    }
    let (mut rest, mut pieces) = (text, Vec::new());
    while let Some(letter) = rest.chars().next() {
        let alone = known.iter().all(|known| known.chars().count() == 1).then_some(letter.len_utf8());
        let piece = known.iter().find(|known| rest.starts_with(**known)).map(|known| known.len()).or(alone)?;
        pieces.push(&rest[..piece]);
        rest = &rest[piece..];
    }
    Some(pieces)
}

impl KvValue for String {
    const APPENDS: bool = true;

    fn appended(&self, tail: &Self) -> Option<Self> {
        let mut text = Self::with_capacity(self.len() + tail.len());
        text.push_str(self);
        text.push_str(tail);
        Some(text)
    }

    fn pieces(&self, appended: &[&Self]) -> Option<Vec<String>> {
        let pieces = pieces(self, &appended.iter().map(|text| text.as_str()).collect::<Vec<_>>())?;
        Some(pieces.into_iter().map(|piece| format!("{piece:?}")).collect())
    }

    fn bytes(&self) -> usize {
        self.capacity()
    }

    fn grows_into(from: Option<&Self>, into: Option<&Self>) -> bool {
        match (from, into) {
            (None, _) => true,
            (Some(from), Some(into)) => into.starts_with(from.as_str()),
            (Some(_), None) => false,
        }
    }
}

/// A store in which every key starts with the same value, or missing.
#[derive(Clone, Debug)]
pub struct Kv<K = u64, V = u64> {
    initial: Option<V>,
    keys: PhantomData<fn(K)>,
}

impl<K, V> Kv<K, V> {
    /// A store in which every key is missing.
    pub const fn empty() -> Self {
        Self { initial: None, keys: PhantomData }
    }

    /// A store in which every key starts with this value.
    pub const fn holding(value: V) -> Self {
        Self { initial: Some(value), keys: PhantomData }
    }
}

/// How many pieces of a kind are told.
const PIECES: usize = 4;

/// As in: `it holds one "a" more than was appended, and one "b" fewer`.
fn in_words(differences: &[(i64, &String, &str)]) -> Option<String> {
    let told = |(place, (count, piece, how)): (usize, &(i64, &String, &str))| {
        let count = if *count == 1 { "one".to_owned() } else { count.to_string() };
        format!("{count} {piece} {how}{}", if place == 0 { " than was appended" } else { "" })
    };
    let mut parts: Vec<String> = differences.iter().take(PIECES).enumerate().map(told).collect();
    if differences.len() > PIECES {
        parts.push("more of that kind".to_owned());
    }
    (!parts.is_empty()).then(|| format!("it holds {}", parts.join(", and ")))
}

impl<K: KvKey, V: KvValue> Model for Kv<K, V> {
    type State = Option<V>;
    type Op = KvOp<K, V>;
    type Ret = KvResult<V>;

    fn initial(&self) -> Option<V> {
        self.initial.clone()
    }

    fn step(&self, held: &Option<V>, op: &KvOp<K, V>, ret: Option<&KvResult<V>>) -> Next<Option<V>> {
        use KvResult::{Mismatch, Swapped, Value, Written};
        match (op, ret) {
            (KvOp::Read { .. }, None) => Next::Same,
            (KvOp::Read { .. }, Some(Value(read))) if read == held => Next::Same,
            (KvOp::Write { value, .. }, None | Some(Written)) => Next::One(Some(value.clone())),
            (KvOp::Delete { .. }, None | Some(Written)) => Next::One(None),
            (KvOp::Append { value, .. }, None | Some(Written)) if V::APPENDS => match held {
                None => Next::One(Some(value.clone())),
                Some(held) => held.appended(value).map_or(Next::Illegal, |text| Next::One(Some(text))),
            },
            (KvOp::Cas { expect, new, .. }, None | Some(Swapped)) if expect == held => Next::One(Some(new.clone())),
            (KvOp::Cas { expect, .. }, Some(Mismatch(found))) if found == held && expect != held => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn key<'a>(&self, op: &'a KvOp<K, V>) -> Key<'a> {
        op.key().as_key()
    }

    fn role(&self, op: &KvOp<K, V>, ret: Option<&KvResult<V>>) -> Role<Option<V>> {
        match (op, ret) {
            (KvOp::Read { .. }, Some(KvResult::Value(seen))) => Role::Read(seen.clone()),
            (KvOp::Cas { expect, .. }, Some(KvResult::Mismatch(found))) if found != expect => Role::Read(found.clone()),
            (KvOp::Read { .. }, _) => Role::Observer,
            (KvOp::Write { value, .. }, None | Some(KvResult::Written)) => Role::Write(Some(value.clone())),
            (KvOp::Delete { .. }, None | Some(KvResult::Written)) => Role::Write(None),
            (KvOp::Append { .. }, None | Some(KvResult::Written)) if V::APPENDS => Role::Update,
            (KvOp::Cas { expect, new, .. }, None | Some(KvResult::Swapped)) => {
                Role::Exchange { from: expect.clone(), to: Some(new.clone()) }
            }
            _ => Role::Other,
        }
    }

    fn leads(&self, held: &Option<V>, op: &KvOp<K, V>, ret: &KvResult<V>) -> bool {
        match (op, ret) {
            (KvOp::Read { .. }, KvResult::Value(seen)) | (KvOp::Cas { .. }, KvResult::Mismatch(seen)) => {
                V::grows_into(held.as_ref(), seen.as_ref())
            }
            _ => true,
        }
    }

    /// A read of what is only appended to, against what was appended.
    fn excess(&self, op: &KvOp<K, V>, ret: &KvResult<V>, others: &[(&KvOp<K, V>, bool)]) -> Option<String> {
        let (KvOp::Read { .. }, KvResult::Value(Some(seen))) = (op, ret) else { return None };
        let mut appended = Vec::new();
        for (other, before) in others {
            match other {
                KvOp::Append { value, .. } => appended.push((value, *before)),
                KvOp::Read { .. } => {}
                KvOp::Write { .. } | KvOp::Cas { .. } | KvOp::Delete { .. } => return None,
            }
        }
        let values: Vec<&V> = self.initial.iter().chain(appended.iter().map(|(value, _)| *value)).collect();
        // How often each piece was seen, may have been appended, and must have been.
        let mut counts: BTreeMap<String, [i64; 3]> = BTreeMap::new();
        seen.pieces(&values)?.into_iter().for_each(|piece| counts.entry(piece).or_default()[0] += 1);
        let initial = self.initial.as_ref().map_or(Some(Vec::new()), |initial| initial.pieces(&values))?;
        let appended = appended.into_iter().map(|(value, before)| (format!("{value:?}"), before));
        for (piece, before) in initial.into_iter().map(|piece| (piece, true)).chain(appended) {
            let count = counts.entry(piece).or_default();
            count[1] += 1;
            count[2] += i64::from(before);
        }
        let more = counts.iter().filter(|(_, [seen, may, _])| seen > may).map(|(piece, [seen, may, _])| (seen - may, piece, "more"));
        let fewer = counts.iter().filter(|(_, [seen, _, must])| seen < must).map(|(piece, [seen, _, must])| (must - seen, piece, "fewer"));
        in_words(&more.chain(fewer).collect::<Vec<_>>())
    }

    fn state_bytes(&self, held: &Option<V>) -> usize {
        held.as_ref().map_or(0, KvValue::bytes)
    }

    fn describe(&self, op: &KvOp<K, V>, ret: Option<&KvResult<V>>) -> String {
        let key = op.key().as_key();
        let asked = match op {
            KvOp::Read { .. } => format!("read {key}"),
            KvOp::Write { value, .. } => format!("write {key} = {value:?}"),
            KvOp::Append { value, .. } => format!("append {key} + {value:?}"),
            KvOp::Cas { expect, new, .. } => format!("cas {key}: {} to {new:?}", show(expect)),
            KvOp::Delete { .. } => format!("delete {key}"),
        };
        match ret {
            None => format!("{asked} → ?"),
            Some(KvResult::Value(value)) => format!("{asked} → {}", show(value)),
            Some(KvResult::Mismatch(found)) => format!("{asked} → found {}", show(found)),
            Some(KvResult::Written | KvResult::Swapped) => asked,
        }
    }

    fn describe_state(&self, held: &Option<V>) -> String {
        format!("holds {}", show(held))
    }

    fn expected(&self, held: &Option<V>, op: &KvOp<K, V>) -> String {
        match op {
            KvOp::Read { .. } => format!("only {} could have been read", show(held)),
            KvOp::Cas { expect, .. } if expect == held => "it held what was expected: only a swap was possible".to_owned(),
            KvOp::Cas { .. } => format!("it held {}: only a mismatch that found it was possible", show(held)),
            KvOp::Write { .. } | KvOp::Append { .. } | KvOp::Delete { .. } => "it could only have been written".to_owned(),
        }
    }
}
