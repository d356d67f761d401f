//! Who watches what, on one server. All of it is lost with the server: who watches finds out, and asks another.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::base::{Duration, LocalTime, NodeId};

/// Those who watch.
#[derive(Clone, Debug)]
pub(super) struct Watchers {
    /// After how long a watcher that was told nothing is told that nothing has happened.
    every: Duration,
    /// By directory and node.
    all: BTreeMap<Place, Watcher>,
    /// When to look at each of them next: not after the time at which something is due, and most often long before it, for what is heard
    /// and told meanwhile does not move it.
    looks: BinaryHeap<Reverse<(LocalTime, Place)>>,
}

/// What is watched, and by whom.
type Place = (u32, NodeId);

/// How many times as long as nothing is told a watcher may be silent, before it is taken to be gone.
const PATIENCE: u64 = 6;

/// One who watches a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    /// It was sent all changes through this revision.
    pub(super) seen: u64,
    /// When it last said that it watches.
    heard: LocalTime,
    /// When it was last told something.
    pub(super) told: LocalTime,
    /// When to look at it next: what else waits for it in the queue is outdated.
    look: LocalTime,
}

impl Watchers {
    /// No client watches yet.
    pub(super) fn new(every: Duration) -> Self {
        Self { every, all: BTreeMap::new(), looks: BinaryHeap::new() }
    }

    /// A client watches, and was just sent all through this revision.
    pub(super) fn hear(&mut self, directory: u32, client: NodeId, seen: u64, now: LocalTime) {
        let place = (directory, client);
        let look = self.all.get(&place).map(|known| known.look);
        let watcher = Watcher { seen, heard: now, told: now, look: look.unwrap_or(now + self.every) };
        self.all.insert(place, watcher);
        if look.is_none() {
            self.looks.push(Reverse((watcher.look, place)));
        }
    }

    /// A client watches this no longer.
    pub(super) fn forget(&mut self, directory: u32, client: NodeId) {
        self.all.remove(&(directory, client));
    }

    /// Those who watch a directory.
    pub(super) fn of(&mut self, directory: u32) -> impl Iterator<Item = (NodeId, &mut Watcher)> {
        let range = (directory, NodeId::server(0))..=(directory, NodeId::client(u32::MAX >> 1));
        self.all.range_mut(range).map(|((_, node), watcher)| (*node, watcher))
    }

    /// Forgets those who have not said for too long that they watch, and tells those who were told nothing for so long, and have seen no
    /// more than there is through this revision, what they have seen: in their order. From now on they have seen all through this revision.
    pub(super) fn overdue(&mut self, now: LocalTime, through: u64) -> Vec<(u32, NodeId, u64)> {
        let mut places = Vec::new();
        while let Some(Reverse((look, place))) = self.looks.peek().copied().filter(|Reverse((look, _))| *look <= now) {
            self.looks.pop();
            if self.all.get(&place).is_some_and(|watcher| watcher.look == look) {
                places.push(place);
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut overdue = Vec::new();
        for place in places {
            let Some(watcher) = self.all.get_mut(&place) else { continue };
            if now.since(watcher.heard) > self.every * PATIENCE {
                self.all.remove(&place);
                continue;
            }
            if now.since(watcher.told) >= self.every && watcher.seen <= through {
                overdue.push((place.0, place.1, watcher.seen));
                (watcher.seen, watcher.told) = (through, now);
            }
            let gone = watcher.heard + self.every * PATIENCE + Duration::from_nanos(1);
            watcher.look = (watcher.told + self.every).min(gone);
            self.looks.push(Reverse((watcher.look, place)));
        }
        overdue
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RunKey;

    fn at(seconds: u64) -> LocalTime {
        LocalTime::from_nanos(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn who_is_told_nothing_is_told_so_and_who_is_silent_is_forgotten() {
        let mut watchers = Watchers::new(Duration::from_secs(2));
        let (one, other) = (NodeId::client(0), NodeId::client(1));
        watchers.hear(5, other, 3, at(0));
        watchers.hear(5, one, 9, at(0));
        assert_eq!(watchers.overdue(at(1), 7), []);
        assert_eq!(watchers.overdue(at(2), 7), [(5, other, 3)], "the other has seen more than there is");
        assert_eq!(watchers.overdue(at(3), 9), [(5, one, 9)]);
        watchers.hear(5, one, 9, at(12));
        assert_eq!((watchers.overdue(at(12), 9), watchers.count()), (vec![(5, other, 7)], 2));
        assert_eq!((watchers.overdue(at(13), 9), watchers.count()), (vec![], 1), "silent for six times as long");
    }

    /// Against one that looks at all of them each time.
    #[test]
    fn looks_that_are_put_off_find_the_same() {
        let every = Duration::from_secs(3);
        let mut random = RunKey::from_seed(1).stream("watchers", 0);
        let mut watchers = Watchers::new(every);
        let mut plain: BTreeMap<Place, (u64, LocalTime, LocalTime)> = BTreeMap::new();
        let mut told = 0;
        for second in 0..4_000 {
            let (now, place, seen) = (at(second), (random.below(3) as u32, NodeId::client(random.below(4) as u32)), random.below(9));
            match random.below(12) {
                0 => {
                    watchers.forget(place.0, place.1);
                    plain.remove(&place);
                }
                1 => {
                    watchers.hear(place.0, place.1, seen, now);
                    plain.insert(place, (seen, now, now));
                }
                2 => {
                    for (_, watcher) in watchers.of(place.0) {
                        (watcher.seen, watcher.told) = (5, now);
                    }
                    plain.iter_mut().filter(|((directory, _), _)| *directory == place.0).for_each(|(_, (seen, _, told))| {
                        (*seen, *told) = (5, now);
                    });
                }
                _ => {}
            }
            plain.retain(|_, (_, heard, _)| now.since(*heard) <= every * PATIENCE);
            let mut expected = Vec::new();
            for ((directory, node), (seen, _, told)) in &mut plain {
                if now.since(*told) >= every && *seen <= 6 {
                    expected.push((*directory, *node, *seen));
                    (*seen, *told) = (6, now);
                }
            }
            told += expected.len();
            assert_eq!((watchers.overdue(now, 6), watchers.count()), (expected, plain.len()), "at second {second}");
        }
        assert!(told > 500, "{told}");
    }
}
