//! As of when a server's state is known to be current.
//!
//! 1. A server asks its leader, at a time by its own clock, how far the log is committed.
//! 2. The leader answers when a majority has confirmed that it led still after it was asked.
//! 3. What was decided before the server asked is committed up to that index at most: once it has applied as much, it knows all of it.

use std::collections::VecDeque;

use crate::base::{Duration, LocalTime};

/// What a server knows of its own age.
#[derive(Clone, Debug, Default)]
pub(super) struct Freshness {
    as_of: Option<LocalTime>,
    /// When it asked, and what it must have applied.
    awaited: VecDeque<(LocalTime, u64)>,
    /// When it asked last.
    asked: Option<LocalTime>,
}

/// How many answers may wait for the log.
const AWAITED_MOST: usize = 16;

impl Freshness {
    /// Whether it is time to ask (again). If so, it is asked now.
    pub(super) fn asks(&mut self, now: LocalTime, every: Duration) -> bool {
        let due = self.asked.is_none_or(|asked| now.since(asked) >= every);
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// What was asked then is answered: this must be applied.
    pub(super) fn answered(&mut self, asked: LocalTime, index: u64) {
        if self.awaited.len() == AWAITED_MOST {
            self.awaited.pop_back();
        }
        self.awaited.push_back((asked, index));
    }

    /// So much is applied.
    pub(super) fn applied(&mut self, index: u64) {
        while let Some((asked, _)) = self.awaited.front().filter(|(_, needed)| *needed <= index) {
            self.as_of = self.as_of.max(Some(*asked));
            self.awaited.pop_front();
        }
    }

    /// How long ago the state was certainly current; nothing if that was never known.
    pub(super) fn age(&self, now: LocalTime) -> Option<Duration> {
        self.as_of.map(|as_of| now.since(as_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_its_entries_are_applied() {
        let at = LocalTime::from_nanos;
        let mut freshness = Freshness::default();
        assert!(freshness.asks(at(0), Duration::from_nanos(5)) && !freshness.asks(at(4), Duration::from_nanos(5)));
        freshness.answered(at(0), 7);
        freshness.applied(6);
        assert_eq!(freshness.age(at(9)), None);
        freshness.applied(7);
        assert_eq!(freshness.age(at(9)), Some(Duration::from_nanos(9)));
    }
}
