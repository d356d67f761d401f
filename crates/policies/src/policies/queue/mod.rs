//! Queues of work that waits: bounded, in an order, and shedding what is too much, too late or of no use any more.
//!
//! A queue that is not bounded answers overload with a delay that grows without end: all work is done, and all of it too late. A bound
//! refuses early; CoDel keeps the delay short, whatever the bound; what is past its deadline is dropped before work on it begins; and
//! last in, first out serves some callers in time where first in, first out serves all of them too late (Maurer, *Fail at Scale*, ACM Queue
//! 13(8), 2015).
//!
//! ```
//! use stormglass_policies::policies::queue::{Popped, Pushed, Queue, QueueSettings, Waiting, WhenFull};
//! use stormglass_process::base::{Duration, LocalTime};
//!
//! let settings = QueueSettings { bound: Some(2), when_full: WhenFull::ShedLowest, ..QueueSettings::default() };
//! let mut queue = Queue::new(&settings).unwrap();
//! let at = LocalTime::from_nanos;
//! queue.push(at(0), Waiting { item: "report", priority: 1, deadline: None });
//! queue.push(at(1), Waiting { item: "payment", priority: 9, deadline: None });
//! let pushed = queue.push(at(2), Waiting { item: "order", priority: 5, deadline: None });
//! assert!(matches!(pushed, Pushed::Displaced { item: "report", .. }));
//! assert_eq!(queue.pop(at(3)), Some(Popped::Served { item: "payment", waited: Duration::from_nanos(2) }));
//! ```

mod codel;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use stormglass_process::base::{Duration, LocalTime};

pub use codel::{CoDel, CoDelSettings};

use super::SettingError;

/// Which of those that wait is served next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// First in, first out.
    Fifo,
    /// Last in, first out.
    Lifo,
    /// First in, first out while few wait; last in, first out while more than so many do.
    AdaptiveLifo {
        /// So many may wait before the newest goes first.
        above: u32,
    },
    /// The greatest priority first; first in, first out among equals.
    Priority,
}

/// What happens to one that comes when as many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    Refuse,
    /// The youngest of the lowest priority gives way, if that is lower than the newcomer's.
    ShedLowest,
}

/// How a queue is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How many may wait; any number without. With zero, nothing waits.
    pub bound: Option<u32>,
    /// Which is next.
    pub discipline: Discipline,
    /// What happens to one too many.
    pub when_full: WhenFull,
    /// Whether a queue that does not drain loses some of its items, and which.
    pub codel: Option<CoDelSettings>,
    /// Whether what is past its deadline is dropped rather than served.
    pub drop_expired: bool,
}

impl Default for QueueSettings {
    /// A hundred, first in, first out; one too many is refused, and what is past its deadline dropped.
    fn default() -> Self {
        Self { bound: Some(100), discipline: Discipline::Fifo, when_full: WhenFull::Refuse, codel: None, drop_expired: true }
    }
}

/// What comes to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<T> {
    /// What it is.
    pub item: T,
    /// How important it is: greater is more important.
    pub priority: u8,
    /// From when on it is of no use; never without.
    pub deadline: Option<LocalTime>,
}

/// Why an item was dropped that had been let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// CoDel: the queue does not drain.
    Delay,
    /// It was of no use any more.
    Deadline,
    /// One of a greater priority came when the queue was full.
    Priority,
}

/// What became of a newcomer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It waits.
    Queued,
    /// It was one too many.
    Refused(T),
    /// It waits, and another one gave way.
    Displaced {
        /// Which.
        item: T,
        /// Why that one.
        why: DropReason,
    },
}

/// What left the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Popped<T> {
    /// It is to be served now.
    Served {
        /// What it is.
        item: T,
        /// How long it waited.
        waited: Duration,
    },
    /// It is not to be served: the caller answers that it was dropped, and asks for the next.
    Dropped {
        /// What it is.
        item: T,
        /// How long it waited.
        waited: Duration,
        /// Why.
        why: DropReason,
    },
}

/// A queue of work that waits.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    settings: QueueSettings,
    codel: Option<CoDel>,
    /// By priority, the greatest first, where that is the order; one lane for all otherwise.
    lanes: Vec<Lane<T>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Lane<T> {
    priority: u8,
    /// The oldest first.
    entries: VecDeque<Entry<T>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    waiting: Waiting<T>,
    since: LocalTime,
}

impl<T> Entry<T> {
    fn is_past(&self, now: LocalTime) -> bool {
        self.waiting.deadline.is_some_and(|deadline| deadline <= now)
    }
}

impl<T> Queue<T> {
    /// An empty queue.
    ///
    /// # Errors
    /// As [`CoDel::new`].
    pub fn new(settings: &QueueSettings) -> Result<Self, SettingError> {
        let codel = settings.codel.map(CoDel::new).transpose()?;
        Ok(Self { settings: settings.clone(), codel, lanes: vec![], len: 0 })
    }

    /// How many wait.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One comes to wait. Where the queue is full, the oldest gives way if its deadline has passed; then the settings say what happens.
    pub fn push(&mut self, now: LocalTime, waiting: Waiting<T>) -> Pushed<T> {
        let is_full = self.settings.bound.is_some_and(|bound| self.len >= bound as usize);
        let given_way = if !is_full {
            None
        } else if let Some(given_way) = self.expired(now).or_else(|| self.lowest_below(waiting.priority)) {
            Some(given_way)
        } else {
            return Pushed::Refused(waiting.item);
        };
        self.enter(Entry { waiting, since: now });
        match given_way {
            Some((item, why)) => Pushed::Displaced { item, why },
            None => Pushed::Queued,
        }
    }

    /// The next one to leave; nothing if none waits. What is dropped is not served: ask again until one is.
    pub fn pop(&mut self, now: LocalTime) -> Option<Popped<T>> {
        let Some(entry) = self.take_next() else {
            if let Some(codel) = &mut self.codel {
                codel.emptied();
            }
            return None;
        };
        let waited = now.since(entry.since);
        let expires = self.settings.drop_expired && entry.is_past(now);
        let item = entry.waiting.item;
        if expires {
            return Some(Popped::Dropped { item, waited, why: DropReason::Deadline });
        }
        let left = self.len;
        if self.codel.as_mut().is_some_and(|codel| codel.drops(now, waited, left)) {
            return Some(Popped::Dropped { item, waited, why: DropReason::Delay });
        }
        Some(Popped::Served { item, waited })
    }

    /// Takes out the oldest of which this is true, as when its caller has gone.
    pub fn remove(&mut self, mut is_it: impl FnMut(&T) -> bool) -> Option<T> {
        let place = self.lanes.iter().enumerate().find_map(|(lane, waiting)| {
            let place = waiting.entries.iter().position(|entry| is_it(&entry.waiting.item))?;
            Some((lane, place))
        });
        let (lane, place) = place?;
        self.take(lane, place).map(|entry| entry.waiting.item)
    }

    /// Takes out all, as when the server stops; in the order of priority and age.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.len = 0;
        std::mem::take(&mut self.lanes).into_iter().flat_map(|lane| lane.entries).map(|entry| entry.waiting.item)
    }

    fn enter(&mut self, entry: Entry<T>) {
        let priority = if self.settings.discipline == Discipline::Priority { entry.waiting.priority } else { 0 };
        let place = self.lanes.partition_point(|lane| lane.priority > priority);
        if self.lanes.get(place).is_none_or(|lane| lane.priority != priority) {
            self.lanes.insert(place, Lane { priority, entries: VecDeque::new() });
        }
        self.lanes[place].entries.push_back(entry);
        self.len += 1;
    }

    fn take_next(&mut self) -> Option<Entry<T>> {
        let newest_first = match self.settings.discipline {
            Discipline::Fifo | Discipline::Priority => false,
            Discipline::Lifo => true,
            Discipline::AdaptiveLifo { above } => self.len > above as usize,
        };
        let lane = self.lanes.iter().position(|lane| !lane.entries.is_empty())?;
        let last = self.lanes[lane].entries.len() - 1;
        self.take(lane, if newest_first { last } else { 0 })
    }

    fn take(&mut self, lane: usize, place: usize) -> Option<Entry<T>> {
        let entry = self.lanes.get_mut(lane)?.entries.remove(place)?;
        self.len -= 1;
        Some(entry)
    }

    /// Of the lowest priority that has one, the oldest, if its deadline has passed.
    fn expired(&mut self, now: LocalTime) -> Option<(T, DropReason)> {
        if !self.settings.drop_expired {
            return None;
        }
        let lane = self.lanes.iter().rposition(|lane| lane.entries.front().is_some_and(|entry| entry.is_past(now)))?;
        self.take(lane, 0).map(|entry| (entry.waiting.item, DropReason::Deadline))
    }

    /// The youngest of the lowest priority, if that is below this one and such give way.
    fn lowest_below(&mut self, priority: u8) -> Option<(T, DropReason)> {
        if self.settings.when_full == WhenFull::Refuse {
            return None;
        }
        let lane = self.lanes.iter().rposition(|lane| !lane.entries.is_empty())?;
        let entries = self.lanes[lane].entries.iter().enumerate().rev();
        let (place, lowest) = entries.map(|(place, entry)| (place, entry.waiting.priority)).min_by_key(|(_, priority)| *priority)?;
        if lowest >= priority {
            return None;
        }
        self.take(lane, place).map(|entry| (entry.waiting.item, DropReason::Priority))
    }
}
