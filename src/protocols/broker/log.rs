//! A log, and what it tells of epochs and of producers.

use super::open::Transactions;
use super::sequences::Sequences;
use super::store::Change;
use super::{Content, Entry};

/// A log as it is in memory. Offsets have no gaps: an entry that compaction has emptied is there still.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// Where it begins: what was before that is gone.
    start: u64,
    /// The epoch of the last entry before that; 0 if there was none.
    before: u32,
    entries: Vec<Entry>,
    told: Told,
    /// What was told by entries that are gone.
    told_before: Told,
}

/// What entries tell of producers.
#[derive(Clone, Debug, Default)]
struct Told {
    sequences: Sequences,
    transactions: Transactions,
}

impl Log {
    /// The log that these changes lead to.
    pub(super) fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        let mut log = Self::default();
        for change in changes {
            match change {
                Change::Put(entry) => log.push(entry),
                Change::Cut(to) => log.cut(to),
                Change::Trim(to) => log.trim(to),
                Change::Empty(offsets) => log.empty(&offsets),
                Change::Restart(start, before) => log = Self { start, before, ..Self::default() },
            }
        }
        log
    }

    /// One that begins here, behind an entry of this epoch, and has nothing yet.
    pub(super) fn beginning(start: u64, before: u32) -> Self {
        Self { start, before, ..Self::default() }
    }

    /// Where it begins.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The offset that comes next.
    pub(super) fn end(&self) -> u64 {
        self.start + self.entries.len() as u64
    }

    /// The place of the first entry from this offset on.
    fn place(&self, offset: u64) -> usize {
        offset.saturating_sub(self.start) as usize
    }

    /// The entry at this offset.
    pub(super) fn get(&self, offset: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(offset.checked_sub(self.start)?).ok()?)
    }

    /// All entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries from one offset to before another.
    pub(super) fn between(&self, offset: u64, end: u64) -> &[Entry] {
        self.entries.get(self.place(offset)..self.place(end.min(self.end()))).unwrap_or_default()
    }

    /// The epoch of the last entry before this offset; 0 if there is none, or if that is gone.
    pub(super) fn epoch_before(&self, offset: u64) -> u32 {
        if offset < self.start {
            return 0;
        }
        let last = self.place(offset).min(self.entries.len());
        last.checked_sub(1).map_or(self.before, |place| self.entries[place].epoch)
    }

    /// The latest epoch up to this one that has entries, and the offset after the last of them: what a leader says of an epoch (KIP-101,
    /// as KIP-279 has mended it).
    pub(super) fn end_of(&self, epoch: u32) -> (u32, u64) {
        let end = self.start + self.entries.partition_point(|entry| entry.epoch <= epoch) as u64;
        (self.epoch_before(end), end)
    }

    /// The epochs of its entries, and where each ends.
    pub(super) fn epochs(&self) -> Vec<(u32, u64)> {
        let parts = self.entries.chunk_by(|one, next| one.epoch == next.epoch);
        parts.filter_map(|part| part.last().map(|last| (last.epoch, last.offset + 1))).collect()
    }

    /// What it knows of producers.
    pub(super) fn sequences(&self) -> &Sequences {
        &self.told.sequences
    }

    /// What it knows of transactions.
    pub(super) fn transactions(&self) -> &Transactions {
        &self.told.transactions
    }

    /// Forgets all that is known of producers.
    pub(super) fn forget_sequences(&mut self) {
        self.told.sequences = Sequences::default();
    }

    /// Forgets all that is known of transactions.
    pub(super) fn forget_transactions(&mut self) {
        self.told.transactions = Transactions::default();
    }

    /// Takes in the next entry. One that does not come next is left out.
    pub(super) fn push(&mut self, entry: Entry) {
        if entry.offset == self.end() {
            self.told.learn(&entry);
            self.entries.push(entry);
        }
    }

    /// Cuts all from this offset on. If that is before its beginning, nothing is left, and it begins at 0.
    pub(super) fn cut(&mut self, to: u64) {
        if to < self.start {
            *self = Self::default();
            return;
        }
        self.entries.truncate(self.place(to));
        self.told = self.told_before.clone();
        self.entries.iter().for_each(|entry| self.told.learn(entry));
    }

    /// Lets go of all before this offset.
    pub(super) fn trim(&mut self, to: u64) {
        let to = to.clamp(self.start, self.end());
        self.before = self.epoch_before(to);
        for entry in self.entries.drain(..(to - self.start) as usize) {
            self.told_before.learn(&entry);
        }
        self.start = to;
        self.told_before.transactions.forget_before(to);
        self.told.transactions.forget_before(to);
    }

    /// Empties the messages at these offsets.
    pub(super) fn empty(&mut self, offsets: &[u64]) {
        for offset in offsets.iter().filter_map(|offset| offset.checked_sub(self.start)) {
            if let Some(Entry { content, .. }) = self.entries.get_mut(offset as usize)
                && let Content::Message { by, transactional, .. } = *content
            {
                *content = Content::Empty { by, transactional };
            }
        }
    }
}

impl Told {
    fn learn(&mut self, entry: &Entry) {
        match &entry.content {
            Content::Message { by: Some(by), transactional, .. } | Content::Empty { by: Some(by), transactional } => {
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
            | Content::Empty { .. }
            | Content::Processed { .. }
            | Content::Generation { .. }
            | Content::Asked { .. }
            | Content::Stands(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Correct, Sequenced};
    use super::*;
    use crate::base::{ClientId, LocalTime};

    const PRODUCER: ClientId = ClientId::new(0);

    fn entry(offset: u64, epoch: u32) -> Entry {
        let by = Some(Sequenced { producer: PRODUCER, epoch: 0, sequence: offset as u32 });
        Entry { offset, epoch, at: LocalTime::default(), content: Content::Message { value: 1, by, transactional: false } }
    }

    fn log(epochs: &[u32]) -> Log {
        Log::of((0..).zip(epochs).map(|(offset, epoch)| Change::Put(entry(offset, *epoch))))
    }

    /// What it makes of the message that comes next, and of the last.
    fn knows(log: &Log) -> [super::super::sequences::Numbered; 2] {
        let by = |sequence| Sequenced { producer: PRODUCER, epoch: 0, sequence };
        [log.end(), log.end() - 1].map(|sequence| log.sequences().judge(by(sequence as u32), &Correct))
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let log = log(&[1, 1, 3, 3, 4]);
        let ends: Vec<(u32, u64)> = (0..6).map(|epoch| log.end_of(epoch)).collect();
        assert_eq!(ends, [(0, 0), (1, 2), (1, 2), (3, 4), (4, 5), (4, 5)]);
        assert_eq!((log.epoch_before(0), log.epoch_before(2), log.epoch_before(9)), (0, 1, 4));
    }

    #[test]
    fn what_is_gone_is_known_of_still() {
        let (whole, mut trimmed) = (log(&[1, 1, 3, 3, 4]), log(&[1, 1, 3, 3, 4]));
        trimmed.trim(3);
        assert_eq!((trimmed.start(), trimmed.end(), trimmed.get(2), trimmed.between(0, 9).len()), (3, 5, None, 2));
        let ends: Vec<(u32, u64)> = (2..6).map(|epoch| trimmed.end_of(epoch)).collect();
        assert_eq!(ends, [(3, 3), (3, 4), (4, 5), (4, 5)], "of epochs that are gone it tells where it begins");
        assert_eq!((trimmed.epoch_before(3), trimmed.epoch_before(4)), (3, 3));
        assert_eq!(knows(&trimmed), knows(&whole));
        trimmed.cut(3);
        assert_eq!((trimmed.start(), trimmed.end()), (3, 3));
        let cut = log(&[1, 1, 3]);
        assert_eq!(knows(&trimmed), knows(&cut));
        trimmed.cut(2);
        assert_eq!((trimmed.start(), trimmed.end()), (0, 0), "it begins anew");
    }

    #[test]
    fn what_is_emptied_tells_of_its_producer_still() {
        let (whole, mut emptied) = (log(&[1, 1, 1]), log(&[1, 1, 1]));
        emptied.empty(&[0, 2, 9]);
        let values = |log: &Log| log.entries().iter().filter(|entry| matches!(entry.content, Content::Message { .. })).count();
        assert_eq!((values(&whole), values(&emptied), knows(&emptied)), (3, 1, knows(&whole)));
        emptied.cut(3);
        assert_eq!(knows(&emptied), knows(&whole));
    }

    #[test]
    fn what_is_on_disk_is_the_same_log() {
        let puts = (0..5).map(|offset| Change::Put(entry(offset, 1)));
        let log = Log::of(puts.chain([Change::Empty(vec![1, 3]), Change::Trim(2), Change::Cut(4)]));
        assert_eq!((log.start(), log.end(), log.entries().len()), (2, 4, 2));
        let restarted = Log::of([Change::Put(entry(0, 1)), Change::Restart(7, 3), Change::Put(entry(7, 4))]);
        assert_eq!((restarted.start(), restarted.end(), restarted.epoch_before(7), restarted.epoch_before(8)), (7, 8, 3, 4));
    }
}
