//! The mathematics of majorities.

/// How many of this many members are a majority.
pub(super) const fn majority(members: usize) -> usize {
    members / 2 + 1
}

/// The greatest number that at least `quorum` of these reach; zero if there are too few. Reorders them.
pub(super) fn reached(values: &mut [u64], quorum: usize) -> u64 {
    match values.len().checked_sub(quorum) {
        Some(place) if quorum > 0 => {
            values.sort_unstable();
            values[place]
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn majorities() {
        assert_eq!((1..=7).map(majority).collect::<Vec<_>>(), [1, 2, 2, 3, 3, 4, 4]);
    }

    proptest! {
        /// Against the definition.
        #[test]
        fn reached_is_the_greatest_that_a_quorum_reaches(mut values in proptest::collection::vec(0_u64..9, 0..8), quorum in 1_usize..9) {
            let by_definition = (0..9).rev().find(|n| values.iter().filter(|value| *value >= n).count() >= quorum).unwrap_or(0);
            prop_assert_eq!(reached(&mut values, quorum), by_definition);
        }
    }
}
