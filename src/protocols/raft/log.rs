//! The log as a server holds it in memory.

use std::fmt::Display;

use super::{Entry, EntryId, Term};
use crate::base::KvOp;

/// Entries in order; the first has index 1.
///
/// Only this type knows that no prefix is ever discarded: snapshots, when they come, change it here.
#[derive(Clone, Debug)]
pub struct Log<O: Display = KvOp> {
    entries: Vec<Entry<O>>,
}

impl<O: Display> Default for Log<O> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<O: Display> Log<O> {
    /// The index of the last entry; zero if there is none.
    #[inline]
    pub fn last_index(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The last entry's name.
    #[inline]
    pub fn last(&self) -> EntryId {
        self.id(self.last_index()).unwrap_or_default()
    }

    /// The entry at this index.
    #[inline]
    pub fn entry(&self, index: u64) -> Option<&Entry<O>> {
        self.entries.get(usize::try_from(index.checked_sub(1)?).ok()?)
    }

    /// The name of the entry at this index, or of the place before the first.
    #[inline]
    pub fn id(&self, index: u64) -> Option<EntryId> {
        if index == 0 { Some(EntryId::ZERO) } else { self.entry(index).map(|entry| EntryId { term: entry.term, index }) }
    }

    /// Whether the log has this very entry; every log has the place before the first.
    #[inline]
    pub fn contains(&self, id: EntryId) -> bool {
        self.id(id.index) == Some(id)
    }

    /// At most `count` entries from this index on.
    #[inline]
    pub fn slice(&self, from: u64, count: usize) -> &[Entry<O>] {
        let start = (from.saturating_sub(1) as usize).min(self.entries.len());
        let end = start.saturating_add(count).min(self.entries.len());
        &self.entries[start..end]
    }

    /// The index of the first entry of this term or a later one; terms never fall along a log.
    pub fn first_of(&self, term: Term) -> u64 {
        self.entries.partition_point(|entry| entry.term < term) as u64 + 1
    }

    /// The index of the last entry of this very term, if there is one.
    pub fn last_of(&self, term: Term) -> Option<u64> {
        let index = self.entries.partition_point(|entry| entry.term <= term) as u64;
        (index > 0 && self.entry(index)?.term == term).then_some(index)
    }

    /// Puts an entry at the end and returns its name.
    #[inline]
    pub fn push(&mut self, entry: Entry<O>) -> EntryId {
        let term = entry.term;
        self.entries.push(entry);
        EntryId { term, index: self.last_index() }
    }

    /// Drops all entries after this index.
    pub fn truncate(&mut self, last: u64) {
        self.entries.truncate(last as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Command;
    use super::*;

    fn log(terms: &[u64]) -> Log {
        Log { entries: terms.iter().map(|term| Entry { term: Term(*term), command: Command::Noop }).collect() }
    }

    #[test]
    fn terms_are_found() {
        let log = log(&[1, 1, 3, 3, 3, 5]);
        let found: Vec<_> = (0..7).map(|term| (log.first_of(Term(term)), log.last_of(Term(term)))).collect();
        assert_eq!(found, [(1, None), (1, Some(2)), (3, None), (3, Some(5)), (6, None), (6, Some(6)), (7, None)]);
    }

    #[test]
    fn ends_are_safe() {
        let log = log(&[1, 2]);
        assert_eq!(log.entry(0), None);
        assert_eq!(log.id(0), Some(EntryId::ZERO));
        assert_eq!(log.id(3), None);
        assert_eq!(log.slice(0, 9).len(), 2);
        assert_eq!(log.slice(2, 9).len(), 1);
        assert!(log.slice(9, 9).is_empty());
        assert!(log.contains(EntryId::ZERO));
        assert!(!log.contains(EntryId { term: Term(1), index: 2 }));
        assert_eq!(<Log>::default().last(), EntryId::ZERO);
    }
}
