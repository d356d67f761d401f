//! An order of versions where none can be told: a guess, that proves what holds under it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rustc_hash::FxHashMap;

use super::transactions::{Fate, Step, Transactions};
use crate::base::Time;

/// One version of a key.
#[derive(Clone, Copy, Debug)]
struct Version {
    key: u32,
    value: i64,
    /// When somebody who wrote or read it first ended, and when one last began: it was there at some time between the two, whichever is
    /// first.
    first_end: u64,
    last_begin: u64,
    /// The value that its writer read before it.
    after: Option<i64>,
}

/// The same transactions, with an order given for every key that has none.
///
/// Under strict serializability each version is there without a break from its first to its last use, so that versions follow each other in
/// the order of the middle of those times (compare the zones of P. Gibbons and E. Korach, *Testing shared memories*, 1997). Where a
/// transaction read a version and then wrote the key, its own comes later.
pub(super) fn with_orders(transactions: &Transactions, committed: &[bool]) -> Transactions {
    let mut versions: Vec<Version> = Vec::new();
    let mut places: FxHashMap<(u32, i64), usize> = FxHashMap::default();
    for (place, entry) in transactions.entries.iter().enumerate().filter(|(place, _)| committed[*place]) {
        let steps = transactions.steps_of(place as u32);
        for (offset, step) in steps.iter().enumerate() {
            let (key, Some(value)) = (step.key(), step.written()) else { continue };
            let is_list = matches!(step, Step::Append { .. });
            if !is_list && steps[offset + 1..].iter().any(|later| later.key() == key && later.written().is_some()) {
                continue;
            }
            let after = steps[..offset].iter().find_map(|read| match read {
                Step::Number { key: other, value } if *other == key => Some(*value),
                _ => None,
            });
            let first_end = if entry.fate == Fate::Committed { entry.ended.as_nanos() } else { Time::MAX.as_nanos() };
            places.insert((key, value), versions.len());
            versions.push(Version { key, value, first_end, last_begin: entry.began.as_nanos(), after });
        }
    }
    for (place, entry) in transactions.entries.iter().enumerate() {
        for step in transactions.steps_of(place as u32) {
            if let Step::Number { key, value } = step
                && let Some(version) = places.get(&(*key, *value))
            {
                let version = &mut versions[*version];
                version.first_end = version.first_end.min(entry.ended.as_nanos());
                version.last_begin = version.last_begin.max(entry.began.as_nanos());
            }
        }
    }
    let mut by_key: BTreeMap<u32, Vec<Version>> = BTreeMap::new();
    for version in versions {
        by_key.entry(version.key).or_default().push(version);
    }
    let mut guessed = transactions.clone();
    for (key, versions) in by_key {
        let known = &mut guessed.keys[key as usize];
        if known.given || known.odd {
            continue;
        }
        let listed: rustc_hash::FxHashSet<i64> = known.longest.iter().copied().collect();
        let rest: Vec<Version> = versions.into_iter().filter(|version| !listed.contains(&version.value)).collect();
        known.longest.extend(in_order(&rest));
        known.given = true;
    }
    guessed
}

/// Those whose predecessors are out, the one with the earliest middle first.
fn in_order(versions: &[Version]) -> Vec<i64> {
    let places: FxHashMap<i64, usize> = versions.iter().enumerate().map(|(place, version)| (version.value, place)).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); versions.len()];
    let mut ready = BinaryHeap::new();
    // Unknown ends are late, but comparable.
    let middle = |version: &Version| u128::from(version.first_end) + u128::from(version.last_begin);
    let mut out = vec![false; versions.len()];
    for (place, version) in versions.iter().enumerate() {
        match version.after.and_then(|after| places.get(&after)).filter(|after| **after != place) {
            Some(after) => followers[*after].push(place),
            None => ready.push(Reverse((middle(version), place))),
        }
    }
    let mut order = Vec::with_capacity(versions.len());
    while let Some(Reverse((_, place))) = ready.pop() {
        out[place] = true;
        order.push(versions[place].value);
        ready.extend(followers[place].iter().map(|next| Reverse((middle(&versions[*next]), *next))));
    }
    // What follows itself in a circle comes last: no order is right.
    order.extend(versions.iter().zip(out).filter(|(_, out)| !out).map(|(version, _)| version.value));
    order
}
