//! What a log tells of transactions: which are open in it, which have ended, and how.
//!
//! A transaction is open in a partition from its first entry there to its marker. Consumers that read what is committed stop before the
//! first that is open (the *last stable offset*), and leave out what lies in one that was aborted (KIP-98, §Data Path).

use serde::{Deserialize, Serialize};

use super::{Marker, Rules};
use crate::base::{ClientId, SortedMap};

/// The transactions of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    /// Of each producer with an open one, where it begins.
    open: SortedMap<ClientId, u64>,
    /// Those that have ended, in the order of their markers.
    ended: Vec<Ended>,
    /// Of each producer, its last marker and where that is.
    markers: SortedMap<ClientId, (Marker, u64)>,
}

/// A transaction that has ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    producer: ClientId,
    first: u64,
    marker: u64,
    commits: bool,
}

/// A transaction that was aborted: nothing of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aborted {
    /// Whose.
    pub producer: ClientId,
    /// Where its first entry is.
    pub first: u64,
    /// Where its marker is.
    pub marker: u64,
}

impl Transactions {
    /// An entry of a producer's transaction came at this offset.
    pub(super) fn add(&mut self, producer: ClientId, offset: u64) {
        self.open.entry(producer).or_insert(offset);
    }

    /// A marker came at this offset.
    pub(super) fn end(&mut self, marker: Marker, offset: u64) {
        let Marker { producer, commits, .. } = marker;
        if let Some(first) = self.open.remove(&producer) {
            self.ended.push(Ended { producer, first, marker: offset, commits });
        }
        self.markers.insert(producer, (marker, offset));
    }

    /// Forgets those that were over before this offset: no log has anything of them any more.
    pub(super) fn forget_before(&mut self, offset: u64) {
        self.ended.retain(|ended| ended.marker >= offset);
    }

    /// Whether a producer has one open.
    pub(super) fn is_open(&self, producer: ClientId) -> bool {
        self.open.contains_key(&producer)
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// A producer's last marker, and where it is.
    pub(super) fn last_marker(&self, producer: ClientId) -> Option<(Marker, u64)> {
        self.markers.get(&producer).copied()
    }

    /// The last stable offset of a log of which this is committed: where the first transaction begins whose marker is not.
    pub(super) fn stable(&self, high: u64, rules: &dyn Rules) -> u64 {
        let ending = self.ended.iter().rev().take_while(|ended| !rules.is_ended(ended.marker < high)).map(|ended| ended.first);
        self.open.values().copied().chain(ending).fold(high, u64::min)
    }

    /// What was aborted of what lies between these offsets.
    pub(super) fn aborted(&self, from: u64, to: u64) -> Vec<Aborted> {
        let behind = self.ended.partition_point(|ended| ended.marker < from);
        let aborted = self.ended[behind..].iter().filter(|ended| !ended.commits && ended.first < to);
        aborted.map(|Ended { producer, first, marker, .. }| Aborted { producer: *producer, first: *first, marker: *marker }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;

    #[test]
    fn what_is_stable_ends_where_the_first_open_transaction_begins() {
        let [one, two] = [0, 1].map(ClientId::new);
        let marker = |producer, commits| Marker { producer, epoch: 1, commits, coordinator: 1 };
        let mut log = Transactions::default();
        log.add(one, 3);
        log.add(two, 4);
        log.add(one, 5);
        assert_eq!((log.stable(2, &Correct), log.stable(6, &Correct)), (2, 3));
        log.end(marker(one, false), 6);
        assert_eq!((log.stable(6, &Correct), log.stable(7, &Correct)), (3, 4), "a marker counts once it is committed");
        log.end(marker(two, true), 7);
        assert_eq!((log.stable(8, &Correct), log.is_open(two)), (8, false));
        let aborted = Aborted { producer: one, first: 3, marker: 6 };
        assert_eq!((log.aborted(0, 8), log.aborted(5, 6), log.aborted(7, 8)), (vec![aborted], vec![aborted], vec![]));
    }
}
