//! A disk of named byte files, with writes in flight.

use std::collections::VecDeque;

use crate::base::{Change, scale};

/// Named files. A write cannot be read until it is durable: a process remembers what it wrote, and reads only when it boots.
///
/// Writes reach the disk in order. A crash therefore leaves a prefix of those that were not synced: whole writes, and perhaps a part of
/// one.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// What is durable, by name. A disk has few files: a list is faster than a map.
    files: Vec<(String, Vec<u8>)>,
    /// How long each file is when all unsynced writes are done, and all of them together.
    lengths: Vec<u64>,
    size: u64,
    unsynced: VecDeque<Unsynced>,
    /// The bytes of the unsynced writes, in order, after so many that are applied.
    bytes: Vec<u8>,
    applied: usize,
    /// How many writes were made since the node booted.
    written: u64,
}

#[derive(Clone, Debug)]
struct Unsynced {
    file: usize,
    kind: WriteKind,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
enum WriteKind {
    Append,
    At(u64),
    Truncate(u64),
}

/// What a crash left of the unsynced writes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// How much was unsynced.
    pub unsynced: u64,
    /// How much of that, from the first byte on, is on disk all the same.
    pub kept: u64,
}

impl Disk {
    /// Takes a write into the cache, and returns its number in this incarnation, from 1; nothing if the disk would have to hold more than
    /// `most` bytes.
    #[inline]
    pub fn write(&mut self, most: u64, file: &str, change: Change<'_>) -> Option<u64> {
        let file = self.place_of(file);
        (self.size_with(file, change) <= most).then(|| self.write_at(file, change))
    }

    fn write_at(&mut self, file: usize, change: Change<'_>) -> u64 {
        let (kind, bytes) = match change {
            Change::Append(bytes) => (WriteKind::Append, bytes),
            Change::At(offset, bytes) => (WriteKind::At(offset), bytes),
            Change::Truncate(length) => (WriteKind::Truncate(length), &[][..]),
        };
        let length = length_after(self.lengths[file], change);
        self.size = self.size - self.lengths[file] + length;
        self.lengths[file] = length;
        self.bytes.extend_from_slice(bytes);
        self.unsynced.push_back(Unsynced { file, kind, length: bytes.len() });
        self.written += 1;
        self.written
    }

    /// How many bytes the disk has to hold if this is written, too: those of its files as they then are to be, or those of the writes that
    /// are not synced, if these are more.
    #[inline]
    fn size_with(&self, file: usize, change: Change<'_>) -> u64 {
        let length = self.lengths[file];
        let added = match change {
            Change::Append(bytes) | Change::At(_, bytes) => bytes.len() as u64,
            Change::Truncate(_) => 0,
        };
        (self.size - length).saturating_add(length_after(length, change)).max(self.bytes.len() as u64 + added)
    }

    /// How many writes were made in this incarnation.
    #[inline]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// How many of the writes of this incarnation are durable.
    #[inline]
    pub fn durable(&self) -> u64 {
        self.written - self.unsynced.len() as u64
    }

    /// Makes all writes up to this number durable.
    pub fn synced(&mut self, through: u64) {
        while self.durable() < through && self.apply_first(u64::MAX) > 0 {}
        debug_assert!(self.durable() >= through.min(self.written), "what was synced is durable");
    }

    /// Loses the unsynced writes, but for a prefix that the uniformly drawn `word` decides: none of them, as often as not, or else any
    /// number of bytes. The next incarnation counts its writes afresh.
    pub fn crash(&mut self, word: u64) -> Remains {
        let unsynced = self.unsynced.iter().map(|write| (write.length as u64).max(1)).sum();
        let kept = if word & 1 == 0 { 0 } else { scale(word, unsynced + 1) };
        let mut left = kept;
        while left > 0 {
            left -= self.apply_first(left);
        }
        self.unsynced.clear();
        self.bytes.clear();
        self.applied = 0;
        self.written = 0;
        self.lengths = self.files.iter().map(|(_, content)| content.len() as u64).collect();
        self.size = self.lengths.iter().sum();
        debug_assert!(kept <= unsynced, "a crash leaves a prefix");
        Remains { unsynced, kept }
    }

    /// How many bytes of writes to this file are not synced.
    pub fn unsynced(&self, name: &str) -> u64 {
        let place = self.files.iter().position(|(known, _)| known == name);
        self.unsynced.iter().filter(|write| Some(write.file) == place).map(|write| write.length as u64).sum()
    }

    /// The durable files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// What holds between any two calls; it costs a constant.
    pub(crate) fn invariants(&self) {
        assert!(self.unsynced.len() as u64 <= self.written, "no more is durable than was written");
        assert!(self.applied <= self.bytes.len(), "what is applied is a prefix of what was written");
        match self.unsynced.front() {
            Some(write) => assert!(self.applied + write.length <= self.bytes.len(), "the bytes of the first unsynced write are there"),
            None => assert!(self.bytes.is_empty(), "no bytes are kept of what is durable"),
        }
    }

    /// Carries out the first unsynced write, or what fits into this weight of it; returns the weight used, zero if there was none.
    fn apply_first(&mut self, weight: u64) -> u64 {
        let Some(write) = self.unsynced.pop_front() else { return 0 };
        let end = self.applied + write.length;
        let bytes = &self.bytes[self.applied..end];
        let change = match write.kind {
            WriteKind::Append => Change::Append(bytes),
            WriteKind::At(offset) => Change::At(offset, bytes),
            WriteKind::Truncate(length) => Change::Truncate(length),
        };
        let used = change.weight().min(weight);
        if let Some(part) = change.torn(used) {
            part.apply(&mut self.files[write.file].1);
        }
        self.applied = end;
        // Not before there is less to move up than to drop.
        if self.applied > self.bytes.len() / 2 {
            self.bytes.drain(..self.applied);
            self.applied = 0;
        }
        used
    }

    #[inline]
    fn place_of(&mut self, name: &str) -> usize {
        match self.files.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None => {
                self.files.push((name.to_owned(), Vec::new()));
                self.lengths.push(0);
                self.files.len() - 1
            }
        }
    }
}

/// How long a file of this length is after the change.
fn length_after(length: u64, change: Change<'_>) -> u64 {
    match change {
        Change::Append(bytes) => length.saturating_add(bytes.len() as u64),
        Change::At(offset, bytes) => length.max(offset.saturating_add(bytes.len() as u64)),
        Change::Truncate(length) => length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn content(disk: &Disk) -> Vec<u8> {
        disk.files().next().map_or(vec![], |(_, content)| content.to_vec())
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let mut disk = Disk::default();
        disk.write(u64::MAX, "log", Change::Append(b"one"));
        let through = disk.written();
        disk.write(u64::MAX, "log", Change::Append(b"two"));
        disk.synced(through);
        assert_eq!((disk.durable(), disk.written()), (1, 2));
        assert_eq!(disk.crash(0), Remains { unsynced: 3, kept: 0 });
        assert_eq!(content(&disk), b"one");
    }

    #[test]
    fn a_crash_keeps_any_prefix_and_nothing_else() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..500_u64 {
            let mut disk = Disk::default();
            disk.write(u64::MAX, "log", Change::Append(b"abc"));
            disk.write(u64::MAX, "log", Change::Truncate(1));
            disk.write(u64::MAX, "log", Change::At(2, b"xy"));
            disk.crash(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            seen.insert(content(&disk));
        }
        let all: Vec<&[u8]> = vec![b"", b"a", b"a\0x", b"a\0xy", b"ab", b"abc"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
    }

    #[test]
    fn what_is_written_is_weighed_before_it_is() {
        let mut disk = Disk::default();
        let [log, meta] = ["log", "meta"].map(|name| disk.place_of(name));
        assert_eq!(disk.size_with(log, Change::At(1 << 50, b"x")), (1 << 50) + 1);
        assert_eq!(disk.size_with(log, Change::At(u64::MAX, b"x")), u64::MAX);
        disk.write(u64::MAX, "log", Change::Append(b"abc"));
        disk.write(u64::MAX, "meta", Change::Append(b"d"));
        assert_eq!(disk.size_with(log, Change::Truncate(1)), 4, "four bytes are not synced");
        disk.synced(2);
        assert_eq!(disk.size_with(log, Change::Truncate(1)), 2);
        assert_eq!(disk.size_with(log, Change::At(0, b"xy")), 4);
        disk.write(u64::MAX, "log", Change::Truncate(1 << 20));
        assert_eq!(disk.size_with(meta, Change::Append(b"")), (1 << 20) + 1);
        disk.crash(0);
        assert_eq!(disk.size_with(meta, Change::Append(b"")), 4, "what a crash lost weighs nothing");
    }

    proptest! {
        /// Whatever is written and synced, a disk holds what its synced writes make of an empty one, one after the other.
        #[test]
        fn durable_content_is_that_of_the_synced_writes(
            writes in prop::collection::vec((0..3_u8, 0..6_u64, prop::collection::vec(any::<u8>(), 0..4)), 0..20),
            through in 0..25_u64,
        ) {
            let change = |(kind, place, bytes): &(u8, u64, Vec<u8>)| match kind {
                0 => (WriteKind::Append, bytes.clone()),
                1 => (WriteKind::At(*place), bytes.clone()),
                _ => (WriteKind::Truncate(*place), vec![]),
            };
            let mut disk = Disk::default();
            let mut plain = Vec::new();
            for (place, write) in writes.iter().enumerate() {
                let (kind, bytes) = change(write);
                let change = match kind {
                    WriteKind::Append => Change::Append(&bytes),
                    WriteKind::At(offset) => Change::At(offset, &bytes),
                    WriteKind::Truncate(length) => Change::Truncate(length),
                };
                disk.write(u64::MAX, "file", change);
                if (place as u64) < through {
                    change.apply(&mut plain);
                }
            }
            disk.synced(through.min(disk.written()));
            prop_assert_eq!(content(&disk), plain);
        }
    }
}
