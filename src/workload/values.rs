//! Values that no two operations of a run share.

use crate::base::OperationId;

/// Since one start, a client sets fewer values than this.
const PER_LIFE: u64 = 1_000_000_000;

/// A value that no other operation sets: the `place`-th of at most `places` that this operation sets, from 0.
///
/// It depends on the operation alone. A count comes first, its client's number last: one digit for each of the first nine clients, and for
/// the others their digits, how many these are, and a zero. So `73` is set by the seventh operation of `c3`, and `71220` by that of `c12`.
pub(super) fn value(id: OperationId, place: u64, places: u64) -> u64 {
    let count = (u64::from(id.nth) - 1) * places + place + 1;
    let count = u64::from(id.life).wrapping_mul(PER_LIFE).wrapping_add(count);
    let client = u64::from(id.client) + 1;
    let digits = client.ilog10() + 1;
    let named = count.wrapping_mul(10_u64.pow(digits)).wrapping_add(client);
    if digits == 1 { named } else { named.wrapping_mul(10).wrapping_add(u64::from(digits)).wrapping_mul(10) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn values_name_their_operation() {
        let of = |client, life, nth| value(OperationId { client, life, nth }, 0, 1);
        assert_eq!([of(2, 0, 1), of(2, 0, 7), of(8, 0, 7), of(11, 0, 7)], [13, 73, 79, 71_220]);
        assert_eq!(of(2, 3, 1), 30_000_000_013);
        assert_eq!(value(OperationId { client: 0, life: 0, nth: 3 }, 1, 2), 61);
    }

    #[test]
    fn no_two_are_alike() {
        let mut seen = BTreeSet::new();
        for client in (0..200).chain([998, 999, 1_000, 12_345]) {
            for nth in 1..200 {
                for place in 0..3 {
                    assert!(seen.insert(value(OperationId { client, life: 0, nth }, place, 3)), "c{client}#{nth}, {place}");
                }
            }
        }
    }
}
