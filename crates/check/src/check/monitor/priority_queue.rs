//! Priority queues: O(n log n) if no value is put in twice. Else it is [searched](super::matching) which of equal values is which.
//!
//! A value can be taken out in a gap in which no smaller one is there for certain. That is also enough: of the smaller values that are
//! there then, each can be taken out before, if it was certainly put in before, or else put in after; none of them notices, as they are
//! there for a shorter time. Greater ones do not matter. An operation that finds nothing is like one that takes out the greatest value of
//! all.

use crate::base::sort_by_numbers;
use std::hash::Hash;

use super::matching::{self, Takes};
use super::pool::{Item, Pool, gather};
use super::trees::Remaining;
use super::{Gap, KeyHistory, Opinion, PoolEffect};

/// Judges a priority queue, from which the least value goes first.
pub(in crate::check) fn judge<'a, V: Hash + Ord + 'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    effect: impl Fn(&'a O, Option<&'a R>) -> PoolEffect<'a, V>,
) -> Opinion {
    let end = history.end();
    let judge = |pool: &Pool<'a, V>| opinion(pool, end);
    gather(&history.spans(), end, effect).map_or_else(|opinion| opinion, |pool| matching::judge(pool, end, Takes::First, &judge))
}

/// The same, once all values are told apart.
fn opinion<V: Ord>(pool: &Pool<'_, V>, end: Gap) -> Opinion {
    if !pool.unknown.is_empty() {
        return Opinion::Unfit;
    }
    let mut items: Vec<&Item<'_, V>> = pool.items.iter().collect();
    items.sort_by(|a, b| a.value.cmp(b.value));
    let mut free = Remaining::new(end as usize + 1);
    // In each gap: what was there goes out, smaller ones first, along with what comes and goes at once; then nothing is there; then what
    // stays comes in. So things are sorted by gap, and then by this.
    let mut whole: Vec<(Gap, u8, usize)> = Vec::new();
    for equal in items.chunk_by(|a, b| a.value == b.value) {
        for Item { put, took, taken, .. } in equal {
            let gap = free.from(put.from.max(took.from) as usize) as Gap;
            if gap > took.until {
                return Opinion::Violated;
            }
            let in_at = put.until.min(gap);
            whole.push((in_at, if in_at == gap { OUT } else { IN }, put.span));
            if *taken {
                whole.push((gap, OUT, took.span));
            }
        }
        // Equal values are not in each other's way.
        for (after, before) in equal.iter().map(|item| item.core()).filter(|(after, before)| after + 1 < *before) {
            free.remove_all(after as usize + 1..before as usize);
        }
    }
    for empty in &pool.empties {
        let gap = free.from(empty.from as usize) as Gap;
        if gap > empty.until {
            return Opinion::Violated;
        }
        whole.push((gap, NOTHING, empty.span));
    }
    // Stable: smaller values first.
    sort_by_numbers(&mut whole, |(gap, when, _)| ((*gap).into(), u64::from(*when)));
    Opinion::Order(whole.into_iter().map(|(gap, _, span)| (span, gap)).collect())
}

const OUT: u8 = 0;
const NOTHING: u8 = 1;
const IN: u8 = 2;
