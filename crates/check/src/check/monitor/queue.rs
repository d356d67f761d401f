//! Queues: O(n log n) if no value is put in twice. Else it is [searched](super::matching) which of equal values is which.
//!
//! Values leave in the order in which they came. So one value comes *before* another if it was put in, or taken out, or even taken out
//! before the other was put in, by an operation that precedes the other's. If every value left has one before it that is left too, there
//! is no order. And if one never runs out of values that have none before them, they come in the order in which they were chosen: each is
//! put in, and taken out, in the first gap in which it and those before it can be.
//!
//! An operation that found the queue empty needs a gap in which no value is there for certain. Such a gap cuts the history in two: each
//! value can be put in and taken out on one side of it.

use crate::base::sort_by_numbers;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::Hash;

use super::matching::{self, Takes};
use super::pool::{Interval, Item, Pool, gather};
use super::{Gap, KeyHistory, Opinion, PoolEffect};

/// Judges a queue.
pub(in crate::check) fn judge<'a, V: Hash + Eq + 'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    effect: impl Fn(&'a O, Option<&'a R>) -> PoolEffect<'a, V>,
) -> Opinion {
    let end = history.end();
    let judge = |pool: &Pool<'a, V>| match room(pool, end) {
        Ok(empties) => order(pool, &empties, end).map_or(Opinion::Violated, Opinion::Order),
        Err(opinion) => opinion,
    };
    gather(&history.spans(), end, effect).map_or_else(|opinion| opinion, |pool| matching::judge(pool, end, Takes::First, &judge))
}

/// Gaps, each with the operation that found nothing in it.
type Room = Vec<(Gap, usize)>;

/// For each operation that found nothing where that is possible; or what is known without an order.
pub(super) fn room<V>(pool: &Pool<'_, V>, end: Gap) -> Result<Room, Opinion> {
    // Which of the unknown would have to have emptied the queue?
    if !pool.unknown.is_empty() && !pool.empties.is_empty() {
        return Err(Opinion::Unfit);
    }
    find_room(pool, end).ok_or(Opinion::Violated)
}

/// For each operation that found nothing, the first gap in which that is possible; in the order of the gaps.
pub(super) fn find_room<V>(pool: &Pool<'_, V>, end: Gap) -> Option<Room> {
    if pool.empties.is_empty() {
        return Some(Vec::new());
    }
    let free = free_gaps(pool.items.iter().map(Item::core), end);
    let room = pool.empties.iter().map(|empty| {
        let gap = *free.get(free.partition_point(|gap| *gap < empty.from))?;
        (gap <= empty.until).then_some((gap, empty.span))
    });
    let mut room: Vec<(Gap, usize)> = room.collect::<Option<_>>()?;
    room.sort_unstable();
    Some(room)
}

/// The gaps that lie strictly between no two of these.
pub(super) fn free_gaps(cores: impl Iterator<Item = (Gap, Gap)>, end: Gap) -> Vec<Gap> {
    let mut change = vec![0_i32; end as usize + 2];
    for (after, before) in cores.filter(|(after, before)| after + 1 < *before) {
        change[after as usize + 1] += 1;
        change[before as usize] -= 1;
    }
    let mut covered = 0;
    let counted = (0..=end).filter(|gap| {
        covered += change[*gap as usize];
        covered == 0
    });
    counted.collect()
}

/// An order, if there is one.
fn order<V>(pool: &Pool<'_, V>, empties: &[(Gap, usize)], end: Gap) -> Option<Vec<(usize, Gap)>> {
    let mut cuts: Vec<Gap> = empties.iter().map(|(gap, _)| *gap).collect();
    cuts.dedup();
    // The side of each cut on which a value is: behind as many as can be.
    let mut sides: Vec<Vec<&Item<'_, V>>> = vec![Vec::new(); cuts.len() + 1];
    for item in &pool.items {
        sides[cuts.partition_point(|cut| *cut <= item.put.until.min(item.took.until))].push(item);
    }
    let mut unknown: Vec<&Interval> = pool.unknown.iter().collect();
    sort_by_numbers(&mut unknown, |interval| (interval.from.into(), interval.span as u64));
    let mut empties = empties.iter().peekable();
    let mut whole = Vec::new();
    for (side, items) in sides.iter().enumerate() {
        let start = if side == 0 { 0 } else { cuts[side - 1] };
        while let Some((gap, span)) = empties.next_if(|(gap, _)| side > 0 && *gap == start) {
            whole.push((*span, *gap));
        }
        whole.extend(Side::new(items, start, end).order(&unknown)?);
    }
    Some(whole)
}

/// Values between two cuts.
struct Side<'a, 'v, V> {
    items: &'a [&'a Item<'v, V>],
    start: Gap,
    end: Gap,
    left: Vec<bool>,
    /// Values by when they can be put in first, by when they must have been, and by when they must have been taken out.
    by_from: Vec<usize>,
    by_put: Vec<usize>,
    by_took: Vec<usize>,
}

impl<'a, 'v, V> Side<'a, 'v, V> {
    fn new(items: &'a [&'a Item<'v, V>], start: Gap, end: Gap) -> Self {
        let sorted = |key: fn(&Item<'v, V>) -> Gap| {
            let mut places: Vec<usize> = (0..items.len()).collect();
            sort_by_numbers(&mut places, |place| (key(items[*place]).into(), 0));
            places
        };
        Self {
            items,
            start,
            end,
            left: vec![true; items.len()],
            by_from: sorted(|item| item.put.from),
            by_put: sorted(|item| item.put.until),
            by_took: sorted(|item| item.took.until),
        }
    }

    /// Takes out the values one by one. An operation of which it is not known what it took is put to use only where it must be.
    fn order(mut self, unknown: &[&Interval]) -> Option<Vec<(usize, Gap)>> {
        let (mut put, mut took, mut ready, mut used) = (0, 0, 0, 0);
        let (mut latest_put, mut latest_took) = (self.start, self.start);
        let mut candidates: BinaryHeap<Reverse<(Gap, usize)>> = BinaryHeap::new();
        let (mut puts, mut takes) = (Vec::new(), Vec::new());
        for _ in 0..self.items.len() {
            let first_put = first_left(&self.left, &self.by_put, &mut put)?;
            let first_took = first_left(&self.left, &self.by_took, &mut took)?;
            let (must_put, must_take) = (self.items[first_put].put.until, self.items[first_took].took.until);
            let bound = must_put.min(must_take);
            while let Some(place) = self.by_from.get(ready).filter(|place| self.items[**place].put.from <= bound) {
                candidates.push(Reverse((self.items[*place].took.from, *place)));
                ready += 1;
            }
            while candidates.peek().is_some_and(|Reverse((_, place))| !self.left[*place]) {
                candidates.pop();
            }
            let fitting = candidates.peek().filter(|Reverse((from, _))| *from <= must_take).map(|Reverse((_, place))| *place);
            let (place, taker) = match fitting {
                Some(place) => (place, self.items[place].taken.then(|| self.items[place].took)),
                None => {
                    // The value that was certainly put in first has to go; if no operation is known to have taken it, one of unknown
                    // outcome did.
                    let item = self.items[first_put];
                    let taker = unknown.get(used).filter(|interval| interval.from <= must_take);
                    let taker = taker.filter(|_| !item.taken && item.put.from <= must_take)?;
                    used += 1;
                    (first_put, Some(**taker))
                }
            };
            self.left[place] = false;
            let item = self.items[place];
            latest_put = latest_put.max(item.put.from);
            puts.push((item.put.span, latest_put));
            if let Some(taker) = taker {
                latest_took = latest_took.max(latest_put).max(taker.from);
                takes.push((taker.span, latest_took));
            } else {
                // It is never taken out, so nothing behind it is, before the end.
                latest_took = self.end;
            }
        }
        Some(merge(puts, takes))
    }
}

/// The first value in this order that is left, from `next` on.
fn first_left(left: &[bool], order: &[usize], next: &mut usize) -> Option<usize> {
    while order.get(*next).is_some_and(|place| !left[*place]) {
        *next += 1;
    }
    order.get(*next).copied()
}

/// Both in one order: in each gap, what is put in goes first.
fn merge(puts: Vec<(usize, Gap)>, takes: Vec<(usize, Gap)>) -> Vec<(usize, Gap)> {
    let mut whole = Vec::with_capacity(puts.len() + takes.len());
    let mut takes = takes.into_iter().peekable();
    for put in puts {
        while let Some(take) = takes.next_if(|(_, gap)| *gap < put.1) {
            whole.push(take);
        }
        whole.push(put);
    }
    whole.extend(takes);
    whole
}
