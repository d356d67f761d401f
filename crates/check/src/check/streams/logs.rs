//! What is known of each key's log, and of which attempts sent and polled each message.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::Attempt;
use super::anomaly::{Demands, Promise};
use crate::base::StreamRecord;
use crate::check::verdict::Fate;

/// A message: its key and its value.
pub(super) type Message = (u64, i64);

/// Some in order, each once, of which there is one mostly.
pub(super) type Few<T> = SmallVec<[T; 1]>;

/// All that the attempts say of logs and messages.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// Of each key, at which offset which messages were seen.
    pub(super) keys: BTreeMap<u64, BTreeMap<u64, Few<i64>>>,
    /// Of each message, the attempts that sent it, and at which offset, if that is known.
    pub(super) writers: FxHashMap<Message, Few<(usize, Option<u64>)>>,
    /// Of each message, the attempts that polled it, whatever became of them.
    pub(super) readers: FxHashMap<Message, Few<usize>>,
    /// Messages of which several sends may have taken effect: that one was polled says of none that it did.
    ambiguous: FxHashSet<Message>,
    /// Of each message, its offsets.
    places: FxHashMap<Message, Few<u64>>,
    /// If logs are compacted: how many keys their messages have.
    compacts: Option<u32>,
    /// Then, of each log and each key of its messages, where the last of them lies.
    last_of: FxHashMap<(u64, u64), u64>,
}

impl Logs {
    /// What is shown by these attempts, of a broker of which this is demanded.
    ///
    /// What a poll has shown is there, whatever became of the poll. What was sent is there if it was acknowledged or polled. Of a
    /// transaction it is enough that one of its messages was polled.
    pub(super) fn of(attempts: &[Attempt], demands: Demands) -> Self {
        let Demands { promise, compacts, .. } = demands;
        let sends = attempts.iter().map(|attempt| attempt.sends().count()).sum();
        let mut logs = Self { compacts, ..Self::default() };
        logs.writers.reserve(sends);
        logs.readers.reserve(sends);
        logs.places.reserve(sends);
        for (index, attempt) in attempts.iter().enumerate() {
            for (key, StreamRecord { offset, value }) in attempt.polled() {
                logs.readers.entry((key, value)).or_default().push(index);
                logs.place(key, offset, value);
            }
            for (key, value, offset) in attempt.sends() {
                logs.writers.entry((key, value)).or_default().push((index, offset));
            }
        }
        let may_have = |(writer, _): &&(usize, Option<u64>)| attempts[*writer].fate != Fate::Aborted;
        let several = logs.writers.iter().filter(|(_, writers)| writers.iter().filter(may_have).nth(1).is_some());
        logs.ambiguous = several.map(|(message, _)| *message).collect();
        for attempt in attempts {
            let is_whole = promise == Promise::ExactlyOnce && logs.was_polled_itself(attempt);
            for (key, value, offset) in attempt.sends() {
                let is_there = match attempt.fate {
                    Fate::Committed => true,
                    Fate::Aborted => false,
                    Fate::Unknown => is_whole || logs.readers.contains_key(&(key, value)),
                };
                if is_there {
                    logs.place(key, offset, value);
                }
            }
        }
        logs
    }

    fn place(&mut self, key: u64, offset: Option<u64>, value: i64) {
        if let Some(offset) = offset {
            insert(self.keys.entry(key).or_default().entry(offset).or_default(), value);
            insert(self.places.entry((key, value)).or_default(), offset);
            if let Some(keys) = self.compacts {
                let last = self.last_of.entry((key, key_of(value, keys))).or_insert(offset);
                *last = offset.max(*last);
            }
        }
    }

    /// Whether something was polled that this sent, and nothing else.
    fn was_polled_itself(&self, attempt: &Attempt) -> bool {
        let itself = |message: Message| self.readers.contains_key(&message) && !self.ambiguous.contains(&message);
        attempt.sends().any(|(key, value, _)| itself((key, value)))
    }

    /// Whether what this attempt polled may count as delivered: it took effect, or it is a transaction of which a message was polled.
    pub(super) fn may_deliver(&self, attempt: &Attempt, promise: Promise) -> bool {
        match attempt.fate {
            Fate::Committed => true,
            Fate::Aborted => false,
            Fate::Unknown => promise == Promise::ExactlyOnce && self.was_polled(attempt),
        }
    }

    /// Whether something was polled that this sent.
    fn was_polled(&self, attempt: &Attempt) -> bool {
        attempt.sends().any(|(key, value, _)| self.readers.contains_key(&(key, value)))
    }

    /// Whether this attempt to send is known to have taken effect: it was acknowledged, or it is a transaction of which a message was
    /// polled.
    pub(super) fn is_certain(&self, attempt: &Attempt, promise: Promise) -> bool {
        match attempt.fate {
            Fate::Committed => true,
            Fate::Aborted => false,
            Fate::Unknown => promise == Promise::ExactlyOnce && self.was_polled_itself(attempt),
        }
    }

    /// The attempt that sent a message, if there is but one that may have, and it is known to have taken effect.
    pub(super) fn sole_writer(&self, attempts: &[Attempt], promise: Promise, message: Message) -> Option<usize> {
        let mut writers = self.writers.get(&message)?.iter().filter(|(writer, _)| attempts[*writer].fate != Fate::Aborted);
        let (writer, _) = writers.next().filter(|_| writers.next().is_none())?;
        self.is_certain(&attempts[*writer], promise).then_some(*writer)
    }

    /// The offsets of a message, in order.
    pub(super) fn offsets(&self, message: Message) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.places.get(&message).into_iter().flatten().copied()
    }

    /// The messages that are there more than once, in order.
    pub(super) fn repeated(&self) -> Vec<Message> {
        let mut repeated: Vec<Message> = self.places.iter().filter(|(_, offsets)| offsets.len() > 1).map(|(message, _)| *message).collect();
        repeated.sort_unstable();
        repeated
    }

    /// The offset of a record: as it says itself, or that of its message, if that has one only.
    pub(super) fn position(&self, key: u64, record: StreamRecord) -> Option<u64> {
        record.offset.or_else(|| {
            let mut offsets = self.offsets((key, record.value));
            offsets.next().filter(|_| offsets.next().is_none())
        })
    }

    /// Whether compaction may have removed this message, which lies there.
    pub(super) fn may_be_compacted(&self, key: u64, value: i64, offset: u64) -> bool {
        let Some(keys) = self.compacts else { return false };
        value < 0 || self.last_of.get(&(key, key_of(value, keys))).is_some_and(|last| offset < *last)
    }

    /// The first message that lies between these two offsets of a key and not at one of those that are left out, and where.
    pub(super) fn between(&self, key: u64, after: u64, before: u64, left_out: impl Fn(u64) -> bool) -> Option<(u64, i64)> {
        let log = self.keys.get(&key)?;
        let mut behind = log.range(after.checked_add(1)?..).take_while(|(offset, _)| **offset < before);
        let compacted = |offset: u64, values: &Few<i64>| values.iter().all(|value| self.may_be_compacted(key, *value, offset));
        let (offset, values) = behind.find(|(offset, values)| !left_out(**offset) && !compacted(**offset, values))?;
        values.first().map(|value| (*offset, *value))
    }
}

/// Puts one where it belongs, if it is not there.
fn insert<T: Ord>(few: &mut Few<T>, item: T) {
    if let Err(place) = few.binary_search(&item) {
        few.insert(place, item);
    }
}

/// The key of a message, of so many.
fn key_of(value: i64, keys: u32) -> u64 {
    value.unsigned_abs() % u64::from(keys.max(1))
}
