//! In which order members are probed: a new permutation each round, of which no list is kept.
//!
//! SWIM §4.3 shuffles a list of all members. Ten thousand lists of ten thousand are too much to keep; a keyed permutation computes the
//! place it is asked for. It is a Feistel network of four rounds over the next even number of bits, walked until it lands within range.

use crate::base::RunKey;

/// Rounds of the network: a word is drawn for half a number and, in the lowest bits, such a step.
const STEPS: u64 = 4;
const STEP_BITS: u32 = 3;

const _: () = assert!(STEPS <= 1 << STEP_BITS && 32 / 2 + STEP_BITS <= u64::BITS, "a step and half a number do not overlap");

/// What comes at this place, from 0, in the order of this round. Over all places below `count`, each number below it comes once.
///
/// # Panics
/// If the place is not below the count.
pub(super) fn at(key: RunKey, round: u64, place: u32, count: u32) -> u32 {
    assert!(place < count, "a place lies within the round");
    let half = (32 - (count - 1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1_u32 << half) - 1;
    let mut number = place;
    loop {
        let (mut left, mut right) = (number >> half, number & mask);
        for step in 0..STEPS {
            let word = key.word(round, u64::from(right) << STEP_BITS | step);
            (left, right) = (right, (left ^ word as u32) & mask);
        }
        number = left << half | right;
        if number < count {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_is_a_permutation() {
        let key = RunKey::from_seed(7);
        for count in [1, 2, 3, 4, 5, 10, 16, 17, 100, 1000, 4097] {
            for round in 0..5 {
                let mut seen: Vec<u32> = (0..count).map(|place| at(key, round, place, count)).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..count).collect::<Vec<_>>());
            }
        }
    }

    /// Each member is first, and last, about as often as any other.
    #[test]
    fn rounds_differ() {
        let key = RunKey::from_seed(1);
        let mut first = [0; 10];
        (0..10_000).for_each(|round| first[at(key, round, 0, 10) as usize] += 1);
        assert!(first.iter().all(|count| (850..1150).contains(count)), "{first:?}");
    }
}
