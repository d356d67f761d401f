//! Seeds of which no file has a row.

use crate::explore::{Seeds, Shard};
use crate::report::Missing;

/// A range of seeds, with both ends.
pub(super) fn gap(first: u128, last: u128) -> (u64, u64) {
    let seed = |seed: u128| u64::try_from(seed).unwrap_or(u64::MAX);
    (seed(first), seed(last))
}

/// These gaps, which are in the order of their seeds, each divided by the shards that they belong to, if there are so many.
pub(super) fn by_shard(gaps: &[(u64, u64)], whole: Seeds, shards: Option<u64>) -> Vec<Missing> {
    let Some(count) = shards else {
        return gaps.iter().map(|(first, last)| Missing { first: *first, last: *last, shard: None }).collect();
    };
    let parts = (1..=count).filter_map(|index| {
        let shard = Shard::new(index, count)?;
        let part = shard.of(whole);
        Some((shard, part.start, part.last()?))
    });
    let missing_of = |(shard, start, end): (Shard, u64, u64)| {
        let from = gaps.partition_point(|(_, last)| *last < start);
        let within = gaps[from..].iter().take_while(move |(first, _)| *first <= end);
        within.map(move |(first, last)| Missing { first: start.max(*first), last: end.min(*last), shard: Some(shard) })
    };
    parts.flat_map(missing_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_divided_by_shards() {
        let whole = Seeds { start: 100, count: 40 };
        let found = |gaps: &[(u64, u64)], shards| -> Vec<String> {
            let shown = |Missing { first, last, shard }: &Missing| {
                format!("{first}-{last} {}", shard.map_or_else(|| "?".to_owned(), |shard| shard.to_string()))
            };
            by_shard(gaps, whole, shards).iter().map(shown).collect()
        };
        assert_eq!(found(&[(105, 112), (130, 139)], None), ["105-112 ?", "130-139 ?"]);
        assert_eq!(found(&[(105, 112), (130, 139)], Some(4)), ["105-109 1/4", "110-112 2/4", "130-139 4/4"]);
        assert_eq!(
            found(&[(105, 105), (107, 107), (110, 139)], Some(4)),
            ["105-105 1/4", "107-107 1/4", "110-119 2/4", "120-129 3/4", "130-139 4/4"]
        );
        assert_eq!(found(&[], Some(4)), Vec::<String>::new());
    }
}
