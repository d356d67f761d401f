//! What the registry held, revision by revision, as the first server that applied a change said it. That all servers say the same is Raft's
//! to keep, and that it is what clients asked for is for the judge of their order.

use std::collections::BTreeMap;

use super::super::{Change, Item, Key, Listing};
use crate::base::Time;
use crate::check::Sighting;

/// All changes, and what there is now.
#[derive(Debug, Default)]
pub(super) struct Truth {
    revision: u64,
    now: BTreeMap<Key, Item>,
    directories: BTreeMap<u32, Directory>,
}

/// The changes of a directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) changes: Vec<(Change, Sighting)>,
    /// What it held after so many changes: after none, after [`STRIDE`], and so on.
    kept: Vec<BTreeMap<u32, Item>>,
}

/// Of how many states one is kept.
const STRIDE: usize = 32;

impl Truth {
    /// A server says that it has applied a change. The first to say so is believed.
    pub(super) fn learn(&mut self, change: Change, now: Sighting) {
        let directory = self.directories.entry(change.key.directory).or_default();
        let same = |known: &&(Change, Sighting)| known.0.revision == change.revision && known.0.key == change.key;
        let of_revision = directory.changes.iter().rev().take_while(|(known, _)| known.revision >= change.revision);
        if change.revision < self.revision || of_revision.into_iter().any(|known| same(&known)) {
            return;
        }
        if directory.changes.len().is_multiple_of(STRIDE) {
            let state = directory.after(directory.changes.len());
            directory.kept.push(state);
        }
        directory.changes.push((change, now));
        self.revision = change.revision;
        match change.item {
            Some(item) => drop(self.now.insert(change.key, item)),
            None => drop(self.now.remove(&change.key)),
        }
    }

    /// The last revision.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// What there is.
    pub(super) fn now(&self) -> &BTreeMap<Key, Item> {
        &self.now
    }

    /// What is known of a directory.
    pub(super) fn directory(&self, directory: u32) -> Option<&Directory> {
        self.directories.get(&directory)
    }

    /// Whether a directory held this, at that revision.
    pub(super) fn was(&self, directory: u32, listing: &Listing) -> bool {
        let Some(known) = self.directories.get(&directory) else { return listing.items.is_empty() };
        let held = known.after(known.place_after(listing.revision));
        listing.revision <= self.revision && held.into_iter().eq(listing.items.iter().copied())
    }

    /// The last change of a key, if that is gone.
    pub(super) fn end_of(&self, key: Key) -> Option<&(Change, Sighting)> {
        let known = self.directories.get(&key.directory)?;
        known.changes.iter().rev().find(|(change, _)| change.key == key).filter(|(change, _)| change.item.is_none())
    }

    /// The first change of a directory after this revision, if it was applied by this time.
    pub(super) fn missing(&self, directory: u32, revision: u64, by: Time) -> Option<&(Change, Sighting)> {
        let known = self.directories.get(&directory)?;
        known.changes.get(known.place_after(revision)).filter(|(_, seen)| seen.at <= by)
    }
}

impl Directory {
    /// How many changes there were up to this revision.
    pub(super) fn place_after(&self, revision: u64) -> usize {
        self.changes.partition_point(|(change, _)| change.revision <= revision)
    }

    /// What it held after so many changes.
    fn after(&self, count: usize) -> BTreeMap<u32, Item> {
        let kept = (count / STRIDE).min(self.kept.len().saturating_sub(1));
        let mut state = self.kept.get(kept).cloned().unwrap_or_default();
        for (change, _) in &self.changes[(kept * STRIDE).min(count)..count] {
            match change.item {
                Some(item) => drop(state.insert(change.key.name, item)),
                None => drop(state.remove(&change.key.name)),
            }
        }
        state
    }
}
