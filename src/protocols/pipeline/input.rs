//! The input: what each partition of a source has, made up of one word, the same as often as it is read.

use crate::base::{Duration, Ratio, RunKey, scale};

use super::event::{END, Event, NO_WATERMARK, id_of};

/// What a source reads, and what it says of the order in which it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// How many events each partition has.
    pub events: u64,
    /// How long after one event the next one comes.
    pub gap: Duration,
    /// How many keys there are.
    pub keys: u32,
    /// By how much an event can be older than when it comes.
    pub disorder: Duration,
    /// How often an event is much older than that.
    pub stray: Ratio,
    /// By how much it is then.
    pub stray_by: Duration,
    /// How many partitions, the last ones, have nothing at all and do not end.
    pub silent: u32,
    /// By how much an event is taken to be older than the newest before it at most: watermarks lag so far behind.
    pub bound: Duration,
    /// After how long without an event a partition is idle; nothing if it never is.
    pub idle: Option<Duration>,
}

impl Default for Input {
    /// A thousand events, each a hundredth of a second after the one before, in disorder by less than a tenth.
    fn default() -> Self {
        let millis = Duration::from_millis;
        let (gap, disorder, bound) = (millis(10), millis(50), millis(50));
        let (stray, stray_by) = (Ratio::NEVER, Duration::from_secs(1));
        Self { events: 1000, gap, keys: 8, disorder, stray, stray_by, silent: 0, bound, idle: None }
    }
}

/// What random words are for.
const KEY: u64 = 1;
const VALUE: u64 = 2;
const AGE: u64 = 3;
const STRAYS: u64 = 4;
/// Values are below this, and not below zero.
const VALUES: u64 = 1000;

impl Input {
    /// Whether the partition of this number, of so many, is silent.
    pub fn is_silent(&self, partition: u32, of: u32) -> bool {
        partition + self.silent >= of
    }

    /// How many events the partition of this number has, of so many partitions.
    pub fn count(&self, partition: u32, of: u32) -> u64 {
        if self.is_silent(partition, of) { 0 } else { self.events }
    }

    /// The event at this place of a partition. The stage and the partition tell its id; the word is what the partition was made of.
    pub fn event(&self, stage: usize, partition: u32, word: u64, offset: u64) -> Event {
        let key = RunKey::from_seed(word);
        let comes = self.comes(offset);
        let strays = self.stray.strikes(key.word(STRAYS, offset));
        let age = if strays { self.stray_by.as_nanos() } else { scale(key.word(AGE, offset), self.disorder.as_nanos() + 1) };
        Event {
            id: id_of(&[0, stage as u64, u64::from(partition), offset]),
            key: scale(key.word(KEY, offset), u64::from(self.keys)).cast_signed(),
            value: scale(key.word(VALUE, offset), VALUES).cast_signed(),
            time: comes.saturating_sub_unsigned(age),
            weight: 1,
            pane: 0,
            late: false,
        }
    }

    /// When the event at this place comes, in nanoseconds after the partition began.
    pub fn comes(&self, offset: u64) -> i64 {
        i64::try_from(self.gap.as_nanos().saturating_mul(offset)).unwrap_or(i64::MAX)
    }

    /// How many events have come so long after the partition began.
    pub fn come(&self, since: Duration) -> u64 {
        since.as_nanos() / self.gap.as_nanos().max(1) + 1
    }

    /// The watermark once so many events were read, of which the newest has this time.
    pub fn watermark(&self, newest: i64, is_all: bool) -> i64 {
        if is_all {
            return END;
        }
        if newest == NO_WATERMARK {
            return NO_WATERMARK;
        }
        newest.saturating_sub_unsigned(self.bound.as_nanos()).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_more_out_of_order_than_said_is_never_behind_the_watermark() {
        let input = Input::default();
        let mut newest = NO_WATERMARK;
        for offset in 0..input.events {
            let event = input.event(0, 0, 7, offset);
            assert!(event.time > input.watermark(newest, false), "{event:?}");
            newest = newest.max(event.time);
        }
        assert_eq!(input.watermark(newest, true), END);
    }

    #[test]
    fn a_partition_is_the_same_as_often_as_it_is_read() {
        let input = Input::default();
        let read = |word| (0..300).map(|offset| input.event(0, 1, word, offset)).collect::<Vec<_>>();
        assert_eq!(read(3), read(3));
        assert_ne!(read(3), read(4));
    }

    #[test]
    fn events_come_one_after_another() {
        let input = Input::default();
        assert_eq!((input.come(Duration::ZERO), input.come(Duration::from_millis(19)), input.comes(2)), (1, 2, 20_000_000));
    }
}
