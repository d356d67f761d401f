//! A log, and what it tells of epochs and of producers.

use serde::{Deserialize, Serialize};

use super::open::Transactions;
use super::sequences::Sequences;
use super::{Content, Entry};

/// A log as it is in memory. Offsets have no gaps.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    sequences: Sequences,
    transactions: Transactions,
}

/// One change of a log, as it is written to disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// This came at the end.
    Put(Entry),
    /// All from this offset on went.
    Cut(u64),
}

impl Log {
    /// The log that these changes lead to.
    pub(super) fn of(lines: impl Iterator<Item = Line>) -> Self {
        let mut log = Self::default();
        for line in lines {
            match line {
                Line::Put(entry) => log.push(entry),
                Line::Cut(to) => log.cut(to),
            }
        }
        log
    }

    /// The offset that comes next.
    pub(super) fn end(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The entries from this offset on.
    pub(super) fn from(&self, offset: u64) -> &[Entry] {
        self.entries.get(offset as usize..).unwrap_or_default()
    }

    /// The entries from one offset to before another.
    pub(super) fn between(&self, offset: u64, end: u64) -> &[Entry] {
        self.entries.get(offset as usize..end.min(self.end()) as usize).unwrap_or_default()
    }

    /// The epoch of the last entry before this offset; 0 if there is none.
    pub(super) fn epoch_before(&self, offset: u64) -> u32 {
        let last = (offset as usize).min(self.entries.len());
        last.checked_sub(1).map_or(0, |place| self.entries[place].epoch)
    }

    /// The latest epoch up to this one that has entries, and the offset after the last of them: what a leader says of an epoch (KIP-101,
    /// as KIP-279 has mended it).
    pub(super) fn end_of(&self, epoch: u32) -> (u32, u64) {
        let end = self.entries.partition_point(|entry| entry.epoch <= epoch) as u64;
        (self.epoch_before(end), end)
    }

    /// The epochs of its entries, and where each ends.
    pub(super) fn epochs(&self) -> Vec<(u32, u64)> {
        let parts = self.entries.chunk_by(|one, next| one.epoch == next.epoch);
        parts.filter_map(|part| part.last().map(|last| (last.epoch, last.offset + 1))).collect()
    }

    /// What it knows of producers.
    pub(super) fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// What it knows of transactions.
    pub(super) fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// Forgets all that is known of producers.
    pub(super) fn forget_sequences(&mut self) {
        self.sequences = Sequences::default();
    }

    /// Forgets all that is known of transactions.
    pub(super) fn forget_transactions(&mut self) {
        self.transactions = Transactions::default();
    }

    /// Takes in the next entry. One that does not come next is left out.
    pub(super) fn push(&mut self, entry: Entry) {
        if entry.offset == self.end() {
            self.learn(&entry);
            self.entries.push(entry);
        }
    }

    /// What an entry tells of producers and of transactions.
    fn learn(&mut self, entry: &Entry) {
        match &entry.content {
            Content::Message { by: Some(by), transactional, .. } => {
                self.sequences.add(*by, entry.offset);
                if *transactional {
                    self.transactions.add(by.producer, entry.offset);
                }
            }
            Content::Processed { of: Some(of), .. } => {
                self.sequences.begin(of.producer, of.epoch);
                self.transactions.add(of.producer, entry.offset);
            }
            Content::Marker(marker) => {
                self.sequences.begin(marker.producer, marker.epoch);
                self.transactions.end(*marker, entry.offset);
            }
            Content::Message { .. }
            | Content::Processed { .. }
            | Content::Generation { .. }
            | Content::Asked { .. }
            | Content::Stands(_) => {}
        }
    }

    /// Cuts all from this offset on.
    pub(super) fn cut(&mut self, to: u64) {
        self.entries.truncate(to as usize);
        (self.sequences, self.transactions) = (Sequences::default(), Transactions::default());
        let entries = std::mem::take(&mut self.entries);
        entries.iter().for_each(|entry| self.learn(entry));
        self.entries = entries;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(epochs: &[u32]) -> Log {
        let content = Content::Generation { number: 0 };
        Log::of(epochs.iter().zip(0..).map(|(&epoch, offset)| Line::Put(Entry { offset, epoch, content: content.clone() })))
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let log = log(&[1, 1, 3, 3, 4]);
        let ends: Vec<(u32, u64)> = (0..6).map(|epoch| log.end_of(epoch)).collect();
        assert_eq!(ends, [(0, 0), (1, 2), (1, 2), (3, 4), (4, 5), (4, 5)]);
        assert_eq!((log.epoch_before(0), log.epoch_before(2), log.epoch_before(9)), (0, 1, 4));
    }
}
