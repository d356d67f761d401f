//! The operations of a key-value store of registers: the one vocabulary that protocols, workloads and models share.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a client asks of a key-value store. Keys and values are numbers; a key that was never written has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KvOp {
    /// The value of a key.
    Read {
        /// Which key.
        key: u64,
    },
    /// Set a key to a value.
    Write {
        /// Which key.
        key: u64,
        /// To what.
        value: u64,
    },
    /// Compare and set: set a key to a value if it has the expected one.
    Cas {
        /// Which key.
        key: u64,
        /// The value it must have; none if it must never have been written.
        expected: Option<u64>,
        /// The value it gets.
        value: u64,
    },
}

impl KvOp {
    /// The key it is about.
    #[inline]
    pub const fn key(&self) -> u64 {
        match self {
            Self::Read { key } | Self::Write { key, .. } | Self::Cas { key, .. } => *key,
        }
    }

    /// Whether it can change nothing.
    #[inline]
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

/// What a key-value store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KvResponse {
    /// The value read; none if the key was never written.
    Value(Option<u64>),
    /// The value is set.
    Written,
    /// The value was the expected one and is replaced.
    Swapped,
    /// The value was another, this one, and is unchanged. A completed result, not a failure.
    Mismatch(Option<u64>),
}

/// How people write a value that may be absent.
struct Shown(Option<u64>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for KvOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { key } => write!(f, "read k{key}"),
            Self::Write { key, value } => write!(f, "write k{key} = {value}"),
            Self::Cas { key, expected, value } => write!(f, "cas k{key} {} → {value}", Shown(*expected)),
        }
    }
}

impl fmt::Display for KvResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{}", Shown(*value)),
            Self::Written => f.write_str("written"),
            Self::Swapped => f.write_str("swapped"),
            Self::Mismatch(value) => write!(f, "mismatch: was {}", Shown(*value)),
        }
    }
}
