//! Queues that hand out their items in any order: O(n log n) if no value is put in twice. Else it is [searched](super::matching) which of
//! equal values is which.
//!
//! Values have nothing to do with one another: each needs to be put in before it is taken out. An operation that found the queue empty
//! needs a gap in which no value is there for certain; such a gap cuts the history in two, and each value is put in and taken out on one
//! side of it.

use std::hash::Hash;

use super::matching::{self, Takes};
use super::pool::{Pool, gather};
use super::queue::room;
use super::{Gap, KeyHistory, Opinion, PoolEffect};

/// Judges such a queue.
pub(in crate::check) fn judge<'a, V: Hash + Eq + 'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    effect: impl Fn(&'a O, Option<&'a R>) -> PoolEffect<'a, V>,
) -> Opinion {
    let end = history.end();
    let judge = |pool: &Pool<'a, V>| room(pool, end).map_or_else(|opinion| opinion, |empties| Opinion::Order(order(pool, &empties)));
    gather(&history.spans(), end, effect).map_or_else(|opinion| opinion, |pool| matching::judge(pool, end, Takes::First, &judge))
}

/// An order: by gap and side, and in each what is put in, what is taken out, and, behind the cut, what finds nothing.
fn order<V>(pool: &Pool<'_, V>, empties: &[(Gap, usize)]) -> Vec<(usize, Gap)> {
    let mut cuts: Vec<Gap> = empties.iter().map(|(gap, _)| *gap).collect();
    cuts.dedup();
    let mut line: Vec<(Gap, usize, u8, usize)> = Vec::new();
    for item in &pool.items {
        let side = cuts.partition_point(|cut| *cut <= item.put.until.min(item.took.until));
        let put = side.checked_sub(1).map_or(0, |before| cuts[before]).max(item.put.from);
        line.push((put, side, 1, item.put.span));
        if item.taken {
            line.push((put.max(item.took.from), side, 2, item.took.span));
        }
    }
    line.extend(empties.iter().map(|(gap, span)| (*gap, cuts.partition_point(|cut| cut <= gap), 0, *span)));
    line.sort_unstable();
    line.into_iter().map(|(gap, _, _, span)| (span, gap)).collect()
}
