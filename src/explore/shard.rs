//! The seeds of a sweep, and its shards: parts of it that run on machines of their own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of seeds, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first.
    pub start: u64,
    /// How many there are. The last is not beyond the last number.
    pub count: u64,
}

/// One of several parts of a sweep, of which none has more seeds than another but for one.
///
/// ```
/// use stormglass::explore::{Seeds, Shard};
///
/// let shard: Shard = "2/3".parse().unwrap();
/// assert_eq!(shard.of(Seeds { start: 100, count: 10 }), Seeds { start: 103, count: 3 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Shard {
    index: u64,
    of: u64,
}

/// A shard that was read.
#[derive(Deserialize)]
struct Parts {
    index: u64,
    of: u64,
}

impl Seeds {
    /// The last of them; nothing if there are none.
    pub const fn last(self) -> Option<u64> {
        match self.count {
            0 => None,
            count => Some(self.start + (count - 1)),
        }
    }

    /// Those that are left when so many have been run.
    #[must_use]
    pub const fn after(self, done: u64) -> Self {
        // Behind the last of all numbers there is none, and none is asked for.
        Self { start: self.start.saturating_add(done), count: self.count.saturating_sub(done) }
    }
}

impl Shard {
    /// Into how many parts a sweep can be divided.
    pub const MOST: u64 = 1_000_000;

    /// The shard of this number, from 1 on, of so many; nothing if there is no such shard.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        ((1..=Self::MOST).contains(&of) && (1..=of).contains(&index)).then_some(Self { index, of })
    }

    /// Which it is, from 1 on.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many there are.
    pub const fn count(self) -> u64 {
        self.of
    }

    /// Its part of these seeds. All shards together have each seed once, in their order.
    #[must_use]
    pub fn of(self, seeds: Seeds) -> Seeds {
        let before = |shards: u64| {
            let seeds = u128::from(seeds.count) * u128::from(shards) / u128::from(self.of);
            // A part of the count is no larger than it.
            u64::try_from(seeds).unwrap_or(u64::MAX)
        };
        let (first, end) = (before(self.index - 1), before(self.index));
        Seeds { start: seeds.start.saturating_add(first), count: end - first }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
        let parts = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        parts
            .and_then(|(index, of)| Self::new(index, of))
            .ok_or_else(|| format!("expected I/N, like 2/8: the shard I, from 1 to N, of at most {}", Self::MOST))
    }
}

impl TryFrom<Parts> for Shard {
    type Error = String;

    fn try_from(Parts { index, of }: Parts) -> Result<Self, String> {
        Self::new(index, of).ok_or_else(|| format!("there is no shard {index} of {of}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shards_are_written_as_they_are_read() {
        for text in ["1/1", "3/8", "1000000/1000000"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in ["", "1", "0/3", "4/3", "1/0", "1/1000001", "+1/3", "1/3/3", "a/b", "1/ 3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        let shard = Shard::new(2, 7).unwrap();
        assert_eq!(serde_json::from_str::<Shard>(&serde_json::to_string(&shard).unwrap()).unwrap(), shard);
        assert!(serde_json::from_str::<Shard>(r#"{"index":8,"of":7}"#).is_err());
    }

    proptest! {
        /// One shard after the other has the seeds, each once, and no two differ by more than one.
        #[test]
        fn shards_have_each_seed_once(start in prop_oneof![0..1_000_u64, Just(u64::MAX - 5_000)], count in 0..5_000_u64, of in 1..200_u64) {
            let seeds = Seeds { start, count };
            let parts: Vec<Seeds> = (1..=of).map(|index| Shard::new(index, of).unwrap().of(seeds)).collect();
            let mut next = start;
            for part in &parts {
                prop_assert_eq!(part.start, next);
                next += part.count;
            }
            prop_assert_eq!(next, start + count);
            let sizes = || parts.iter().map(|part| part.count);
            prop_assert!(sizes().max().unwrap() - sizes().min().unwrap() <= 1);
        }
    }

    #[test]
    fn the_whole_of_all_numbers_is_divided() {
        let all = Seeds { start: 0, count: u64::MAX };
        assert_eq!(Shard::new(1_000_000, 1_000_000).unwrap().of(all).last(), Some(u64::MAX - 1));
        assert_eq!(Seeds { start: u64::MAX, count: 1 }.after(1), Seeds { start: u64::MAX, count: 0 });
    }
}
