//! What a source reads of its partition, and how far it is.

use super::event::{END, Event, NO_WATERMARK};
use super::input::Input;
use crate::base::{Duration, LocalTime};

/// A partition that is read.
#[derive(Debug)]
pub(super) struct Reader {
    input: Input,
    stage: usize,
    partition: u32,
    /// How many events there are in all.
    count: u64,
    /// The word that the partition is made of.
    word: u64,
    /// When it began, by the clock of its node.
    born: LocalTime,
    /// How many events were told.
    pub(super) offset: u64,
    /// The time of the newest of them.
    pub(super) newest: i64,
}

impl Reader {
    /// A partition, of so many.
    pub(super) fn new(input: &Input, (stage, partition, of): (usize, u32, u32), (word, born): (u64, LocalTime)) -> Self {
        let count = input.count(partition, of);
        Self { input: input.clone(), stage, partition, count, word, born, offset: 0, newest: NO_WATERMARK }
    }

    /// How many events have come by now.
    pub(super) fn come(&self, now: LocalTime) -> u64 {
        self.input.come(now.since(self.born)).min(self.count)
    }

    /// How long it takes until the next event comes, if one does.
    pub(super) fn next_in(&self, now: LocalTime) -> Option<Duration> {
        let comes = Duration::from_nanos(self.input.comes(self.offset).cast_unsigned());
        (self.offset < self.count).then(|| comes.saturating_sub(now.since(self.born)))
    }

    /// The next event.
    pub(super) fn read(&mut self) -> Event {
        let event = self.input.event(self.stage, self.partition, self.word, self.offset);
        self.offset += 1;
        self.newest = self.newest.max(event.time);
        event
    }

    /// The watermark of what was read.
    pub(super) fn watermark(&self) -> i64 {
        self.input.watermark(self.newest, self.offset == self.count && self.count > 0)
    }

    /// Whether all is read: of a partition that is silent, nothing is to be.
    pub(super) fn is_done(&self) -> bool {
        self.offset == self.count
    }

    /// Whether no more will ever come, and all know.
    pub(super) fn has_ended(&self) -> bool {
        self.watermark() == END
    }

    /// After how long without an event it is idle, if it ever is.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.input.idle.filter(|_| !self.has_ended())
    }

    /// How many events are still to be read.
    pub(super) fn left(&self) -> u64 {
        self.count - self.offset
    }
}
