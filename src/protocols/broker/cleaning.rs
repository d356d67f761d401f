//! What may leave a log: by retention, from its beginning; and by compaction, wherever a later message of the same key is.

use super::open::Transactions;
use super::{Content, Log, Rules};
use crate::base::{Duration, LocalTime, SortedMap, SortedSet};

/// What is done with messages that were there for long enough (`cleanup.policy`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaning {
    /// How long a message is kept, if not for ever.
    pub retention: Option<Duration>,
    /// How many messages are kept, if not all: the last so many of a partition.
    pub retention_messages: Option<u32>,
    /// If logs are compacted: how many keys the messages of a partition have.
    pub compacts: Option<u32>,
    /// How long a tombstone is kept once it is found to be the last of its key.
    pub delete_retention: Duration,
    /// How many entries a segment has.
    pub segment: u32,
    /// How often logs are cleaned.
    pub every: Duration,
}

/// The key of a message, of so many: what it says, but for the sign, tells.
pub(super) fn key_of(value: i64, keys: u32) -> u64 {
    value.unsigned_abs() % u64::from(keys.max(1))
}

/// Whether a message says that its key has none any more.
pub(super) fn is_tombstone(value: i64) -> bool {
    value < 0
}

impl Cleaning {
    /// The beginning of the last segment, which is written to: that is not cleaned.
    fn active(&self, log: &Log) -> u64 {
        let segment = u64::from(self.segment.max(1));
        log.end() / segment * segment
    }

    /// Where the log is to begin. Segments go as a whole, from the first on, and none with what is not settled: what is not committed may
    /// be cut yet, and what is of an open transaction may yet count.
    pub(super) fn begins(&self, log: &Log, settled: u64, now: LocalTime, rules: &dyn Rules) -> u64 {
        let (segment, active) = (u64::from(self.segment.max(1)), self.active(log));
        let mut start = log.start();
        loop {
            let end = (start / segment + 1) * segment;
            let Some(last) = log.get(end - 1).filter(|_| end <= active && rules.may_delete(end <= settled)) else { return start };
            let is_old = self.retention.is_some_and(|retention| now > last.at + retention);
            let is_too_much = self.retention_messages.is_some_and(|most| log.end() - end >= u64::from(most));
            if !is_old && !is_too_much {
                return start;
            }
            start = end;
        }
    }

    /// The messages that are to be emptied: those behind which one of the same key is that counts, and tombstones that were kept for long
    /// enough. `horizons` says since when each tombstone was seen to be the last of its key (KIP-534).
    pub(super) fn emptied(
        &self,
        log: &Log,
        settled: u64,
        now: LocalTime,
        horizons: &mut SortedMap<u64, LocalTime>,
        rules: &dyn Rules,
    ) -> Vec<u64> {
        let Some(keys) = self.compacts else { return Vec::new() };
        let end = rules.cleans_up_to(settled, log.end()).min(self.active(log));
        let transactions: &Transactions = log.transactions();
        let aborted = transactions.aborted(log.start(), end);
        let (mut superseded, mut emptied) = (SortedSet::new(), Vec::new());
        for entry in log.between(log.start(), end).iter().rev() {
            let Content::Message { value, by, transactional } = entry.content else { continue };
            let key = key_of(value, keys);
            let is_of = |range: &super::Aborted| {
                by.is_some_and(|by| by.producer == range.producer) && (range.first..range.marker).contains(&entry.offset)
            };
            if superseded.contains(&key) {
                emptied.push(entry.offset);
            } else if rules.supersedes(transactional && aborted.iter().any(is_of)) {
                superseded.insert(key);
                let since = is_tombstone(value).then(|| *horizons.entry(entry.offset).or_insert(now));
                if since.is_some_and(|since| rules.drops_tombstone(now > since + self.delete_retention)) {
                    emptied.push(entry.offset);
                }
            }
        }
        emptied.reverse();
        emptied.truncate(rules.empties_at_once());
        horizons.retain(|offset, _| !emptied.contains(offset));
        emptied
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::Change;
    use super::super::{Correct, Entry, Marker, Sequenced};
    use super::*;
    use crate::base::ClientId;

    fn cleaning() -> Cleaning {
        Cleaning {
            retention: None,
            retention_messages: None,
            compacts: Some(2),
            delete_retention: Duration::from_secs(1),
            segment: 2,
            every: Duration::from_millis(200),
        }
    }

    fn at(seconds: u64) -> LocalTime {
        LocalTime::default() + Duration::from_secs(seconds)
    }

    fn log(contents: impl IntoIterator<Item = Content>) -> Log {
        Log::of((0..).zip(contents).map(|(offset, content)| Change::Put(Entry { offset, epoch: 1, at: at(offset), content })))
    }

    fn message(value: i64) -> Content {
        Content::Message { value, by: None, transactional: false }
    }

    #[test]
    fn retention_deletes_whole_segments_that_are_settled() {
        let log = log((0..7).map(message));
        let by_time = Cleaning { retention: Some(Duration::from_secs(10)), ..cleaning() };
        let begins = |settled, seconds| by_time.begins(&log, settled, at(seconds), &Correct);
        assert_eq!([begins(7, 11), begins(7, 12), begins(7, 14), begins(7, 99)], [0, 2, 4, 6], "the last segment stays");
        assert_eq!([begins(3, 99), begins(1, 99)], [2, 0]);
        let by_count = Cleaning { retention_messages: Some(3), ..cleaning() };
        assert_eq!(by_count.begins(&log, 7, at(0), &Correct), 4);
    }

    #[test]
    fn compaction_keeps_the_last_of_each_key() {
        // Even values are of one key, odd ones of the other.
        let log = log([2, 4, 1, -6, 3, 8, 10].map(message));
        let mut horizons = SortedMap::new();
        let mut emptied = |settled, seconds| cleaning().emptied(&log, settled, at(seconds), &mut horizons, &Correct);
        assert_eq!(emptied(7, 0), [0, 1, 2, 3], "up to the last segment, in which 8 counts no less than 10");
        assert_eq!(emptied(4, 0), [0, 1], "1 is the last of its key, and so is the tombstone");
        assert_eq!(emptied(4, 1), [0, 1]);
        assert_eq!(emptied(4, 2), [0, 1, 3], "it was kept for its time");
    }

    #[test]
    fn what_was_aborted_supersedes_nothing() {
        let producer = ClientId::new(0);
        let by = |sequence| Some(Sequenced { producer, epoch: 0, sequence });
        let sent = |value, sequence| Content::Message { value, by: by(sequence), transactional: true };
        let marker = |commits| Content::Marker(Marker { producer, epoch: 1, commits, coordinator: 1 });
        for (commits, expected) in [(true, vec![0]), (false, vec![])] {
            let log = log([message(2), sent(4, 0), marker(commits), message(1), message(1)]);
            assert_eq!(cleaning().emptied(&log, 5, at(0), &mut SortedMap::new(), &Correct), expected, "committed: {commits}");
        }
    }
}
