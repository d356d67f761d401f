//! Who watches what, on one server. All of it is lost with the server: who watches finds out, and asks another.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Duration, LocalTime, NodeId};

/// Those who watch.
#[derive(Clone, Debug, Default)]
pub(super) struct Watchers {
    /// By directory and node.
    all: BTreeMap<(u32, NodeId), Watcher>,
}

/// One who watches a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    /// It was sent all changes through this revision.
    pub(super) seen: u64,
    /// When it last said that it watches.
    heard: LocalTime,
    /// When it was last told something.
    pub(super) told: LocalTime,
}

impl Watchers {
    /// A client watches, and was just sent all through this revision.
    pub(super) fn hear(&mut self, directory: u32, client: NodeId, seen: u64, now: LocalTime) {
        self.all.insert((directory, client), Watcher { seen, heard: now, told: now });
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

    /// All of them, without those who have not said for so long that they watch.
    pub(super) fn living(&mut self, now: LocalTime, patience: Duration) -> impl Iterator<Item = (u32, NodeId, &mut Watcher)> {
        let silent = |watcher: &Watcher| now.since(watcher.heard) > patience;
        let gone: BTreeSet<_> = self.all.iter().filter(|(_, watcher)| silent(watcher)).map(|(key, _)| *key).collect();
        for key in gone {
            self.all.remove(&key);
        }
        self.all.iter_mut().map(|((directory, node), watcher)| (*directory, *node, watcher))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }
}
