//! Which syncs of the disk a server waits for, and what each will have made durable.

use std::collections::VecDeque;

use super::Term;
use crate::process::SyncToken;

/// Syncs under way, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Flushes {
    under_way: VecDeque<(SyncToken, Awaited)>,
    flushed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Awaited {
    /// The vote that a candidate of this term gave itself.
    Vote(Term),
    /// The log through this index.
    Log(u64),
}

impl Flushes {
    /// A log that is durable through this index, and nothing under way.
    pub(super) fn new(flushed: u64) -> Self {
        Self { under_way: VecDeque::new(), flushed }
    }

    /// Through where the log is known to be durable. It may be so beyond.
    pub(super) fn flushed(&self) -> u64 {
        self.flushed
    }

    /// This sync covers the candidate's own vote.
    pub(super) fn await_vote(&mut self, token: SyncToken, term: Term) {
        self.under_way.push_back((token, Awaited::Vote(term)));
    }

    /// This sync covers the log through this index.
    pub(super) fn await_log(&mut self, token: SyncToken, index: u64) {
        self.under_way.push_back((token, Awaited::Log(index)));
    }

    /// The log was cut after this index.
    ///
    /// 1. The server appends entry 5 and starts a sync.
    /// 2. Another leader makes it cut its log after entry 3.
    /// 3. It leads again and appends another entry 5.
    /// 4. The first sync completes: of the log as it is now, it has made durable no more than 3.
    pub(super) fn truncated(&mut self, last: u64) {
        self.flushed = self.flushed.min(last);
        for (_, awaited) in &mut self.under_way {
            if let Awaited::Log(index) = awaited {
                *index = last.min(*index);
            }
        }
    }

    /// This sync, and so every earlier one, has completed. Returns the last term for which the server's own vote became durable by that.
    pub(super) fn completed(&mut self, token: SyncToken) -> Option<Term> {
        let mut vote = None;
        while let Some((_, awaited)) = self.under_way.front().filter(|(earlier, _)| *earlier <= token) {
            match awaited {
                Awaited::Vote(term) => vote = Some(*term),
                Awaited::Log(index) => self.flushed = self.flushed.max(*index),
            }
            self.under_way.pop_front();
        }
        vote
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_covers_earlier_ones() {
        let mut flushes = Flushes::new(2);
        flushes.await_vote(SyncToken(1), Term(3));
        flushes.await_log(SyncToken(2), 5);
        flushes.await_log(SyncToken(4), 6);
        assert_eq!(flushes.completed(SyncToken(0)), None);
        assert_eq!(flushes.completed(SyncToken(3)), Some(Term(3)));
        assert_eq!(flushes.flushed(), 5);
    }

    #[test]
    fn a_sync_from_before_a_cut_proves_nothing_after_it() {
        let mut flushes = Flushes::new(0);
        flushes.await_log(SyncToken(0), 5);
        flushes.truncated(3);
        flushes.await_log(SyncToken(1), 5);
        flushes.completed(SyncToken(0));
        assert_eq!(flushes.flushed(), 3);
        flushes.completed(SyncToken(1));
        assert_eq!(flushes.flushed(), 5);
    }
}
