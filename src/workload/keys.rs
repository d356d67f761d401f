//! Which keys operations are about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Skew;
use super::zipf::Zipf;
use crate::base::Stream;

/// How the keys of operations are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyChoice {
    /// Each key is as likely.
    Uniform,
    /// Zipf's law: key 0 is the hottest.
    Zipf(Skew),
}

impl KeyChoice {
    /// The most keys that a skewed choice takes.
    pub const SKEWED_KEYS_MAX: u32 = Zipf::RANKS_MAX;
}

/// The keys from 0 on, and the law by which they are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    count: u32,
    choice: KeyChoice,
    zipf: Option<Zipf>,
}

impl Keys {
    pub(super) fn new(count: u32, choice: KeyChoice) -> Result<Self, LoadError> {
        if count == 0 {
            return Err(LoadError::NoKeys);
        }
        let zipf = match choice {
            KeyChoice::Uniform => None,
            KeyChoice::Zipf(_) if count > KeyChoice::SKEWED_KEYS_MAX => return Err(LoadError::TooManyKeys),
            KeyChoice::Zipf(skew) => Some(Zipf::new(count, skew)),
        };
        Ok(Self { count, choice, zipf })
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn choice(&self) -> KeyChoice {
        self.choice
    }

    pub(super) fn draw(&self, random: &mut Stream) -> u64 {
        match &self.zipf {
            None => random.below(u64::from(self.count)),
            Some(zipf) => u64::from(zipf.draw(random)),
        }
    }
}

/// Why there can be no such load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no key to operate on.
    NoKeys,
    /// More keys than a skewed choice takes.
    TooManyKeys,
    /// All parts of the mix are zero.
    NoOperations,
    /// More accounts in a transfer than there are, or fewer than two.
    Parties,
    /// A transaction needs an act.
    NoActs,
    /// Accounts that begin empty allow no transfer.
    NoMoney,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeys => f.write_str("there is no key: at least one is needed"),
            Self::TooManyKeys => write!(f, "too many keys for a skewed choice: at most {}", KeyChoice::SKEWED_KEYS_MAX),
            Self::NoOperations => f.write_str("nothing to do: all parts of the mix are zero"),
            Self::Parties => f.write_str("a transfer takes two accounts at least, and at most all that there are"),
            Self::NoActs => f.write_str("a transaction does nothing: at least one act is needed"),
            Self::NoMoney => f.write_str("the accounts begin empty: nothing can be transferred"),
        }
    }
}

impl std::error::Error for LoadError {}
