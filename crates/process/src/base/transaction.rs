//! The operations of a transactional store: the one vocabulary that protocols, workloads and judges share.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a transaction does to one key. A key holds a number or a list of numbers, whichever it is used as; an untouched one is empty, and
/// counts as the number zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Act {
    /// See what is there.
    Read {
        /// Which key.
        key: u64,
    },
    /// Put this number there, whatever was there.
    Write {
        /// Which key.
        key: u64,
        /// The number.
        value: i64,
    },
    /// Put this number behind the last of the list.
    Append {
        /// Which key.
        key: u64,
        /// The number.
        value: i64,
    },
    /// Change the number that is there by this much. The transaction must abort if the number would fall below zero.
    Add {
        /// Which key.
        key: u64,
        /// By how much, up or down.
        amount: i64,
    },
}

impl Act {
    /// The key it is about.
    #[inline]
    pub const fn key(&self) -> u64 {
        match self {
            Self::Read { key } | Self::Write { key, .. } | Self::Append { key, .. } | Self::Add { key, .. } => *key,
        }
    }

    /// Whether it changes nothing.
    #[inline]
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

/// Acts that take effect together or not at all, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transaction {
    /// What it does.
    pub acts: Vec<Act>,
}

/// What a read saw.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Seen {
    /// The key was never touched.
    Empty,
    /// The key's number.
    Number(i64),
    /// The key's list, oldest first.
    List(Vec<i64>),
}

/// What a transaction that committed tells its client. One that aborted tells nothing: it took no effect, and never will.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Committed {
    /// What its reads saw, in order: one for each [`Act::Read`].
    pub seen: Vec<Seen>,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { key } => write!(f, "read k{key}"),
            Self::Write { key, value } => write!(f, "write k{key} = {value}"),
            Self::Append { key, value } => write!(f, "append {value} to k{key}"),
            Self::Add { key, amount } => write!(f, "add {amount:+} to k{key}"),
        }
    }
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.acts.is_empty() {
            return f.write_str("nothing");
        }
        for (place, act) in self.acts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{act}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing"),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(numbers) => write!(f, "{numbers:?}"),
        }
    }
}

impl fmt::Display for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("committed")?;
        for (place, seen) in self.seen.iter().enumerate() {
            let lead = if place == 0 { ", saw " } else { ", " };
            write!(f, "{lead}{seen}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_reads_as_a_sentence() {
        let acts = vec![Act::Read { key: 1 }, Act::Append { key: 2, value: 7 }, Act::Add { key: 3, amount: -5 }];
        assert_eq!(Transaction { acts }.to_string(), "read k1, append 7 to k2, add -5 to k3");
        let seen = vec![Seen::List(vec![1, 2]), Seen::Empty];
        assert_eq!(Committed { seen }.to_string(), "committed, saw [1, 2], nothing");
    }
}
