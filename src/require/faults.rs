//! When faults last, as the records of a run tell.

use crate::base::{Duration, NodeId, Time};
use crate::fault::Strike;
use crate::trace::{Event, Record, Sort, Sorts, Vocabulary};

/// The faults that last, and when the last one ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// How many have struck: the next one has this number.
    struck: u32,
    open: Vec<Open>,
    /// When the last of those that are over ended.
    ended: Option<Time>,
}

/// A fault that lasts.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Its number among all that struck.
    number: u32,
    kind: &'static str,
    lasts: Lasts,
}

/// Until what a fault lasts, besides the end of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    /// Until it is lifted or healed.
    Healed,
    /// Until it is lifted.
    Lifted,
    /// Until this node starts.
    Boots(NodeId),
    /// Until this node goes on, or starts.
    Resumes(NodeId),
}

/// What a record changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Nothing,
    /// A fault strikes, and lasts.
    Begins,
    /// All faults that lasted are over.
    Over,
}

impl Faults {
    /// The records that tell of them.
    pub(crate) const WANTS: Sorts = Sorts::of(&[Sort::Fault, Sort::Lift, Sort::Boot, Sort::Resume, Sort::Settle]);

    /// The kind of each that lasts now.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &'static str> {
        self.open.iter().map(|open| open.kind)
    }

    /// Whether one lasts now.
    pub(super) fn lasts(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether what was due then and is seen now was, somewhere between, within so long of a fault.
    pub(super) fn touch(&self, due: Time, after: Duration) -> bool {
        self.lasts() || self.ended.is_some_and(|ended| ended + after >= due)
    }

    pub(crate) fn see<V: Vocabulary>(&mut self, record: &Record<'_, V>) -> Turn {
        let before = self.open.len();
        match record.event {
            Event::Strike { strike } => return self.strike(strike, record.at),
            Event::Lift { strike } => {
                self.open.retain(|open| open.number != *strike || matches!(open.lasts, Lasts::Boots(_) | Lasts::Resumes(_)))
            }
            Event::Boot { node, .. } => self.open.retain(|open| open.lasts != Lasts::Boots(*node) && open.lasts != Lasts::Resumes(*node)),
            Event::Resume { node } => self.open.retain(|open| open.lasts != Lasts::Resumes(*node)),
            // Nodes that are down or paused go on a nanosecond later.
            Event::Settle => self.open.clear(),
            _ => return Turn::Nothing,
        }
        self.closed(before, record.at)
    }

    fn strike(&mut self, strike: &Strike, at: Time) -> Turn {
        let (number, before) = (self.struck, self.open.len());
        self.struck += 1;
        let lasts = match strike {
            Strike::Partition { .. } | Strike::Lose { .. } | Strike::Duplicate { .. } | Strike::Delay { .. } | Strike::Reorder { .. } => {
                Lasts::Healed
            }
            Strike::Crash { node, .. } => Lasts::Boots(*node),
            Strike::Pause { node, .. } => Lasts::Resumes(*node),
            Strike::StallDisk { .. } => Lasts::Lifted,
            // It is over at once: the others must do without the node.
            Strike::Destroy { .. } => {
                self.ended = Some(at);
                return if self.lasts() { Turn::Begins } else { Turn::Over };
            }
            Strike::Heal => {
                self.open.retain(|open| open.lasts != Lasts::Healed);
                return self.closed(before, at);
            }
            Strike::Restart { .. } | Strike::Resume { .. } => return Turn::Nothing,
        };
        self.open.push(Open { number, kind: strike.name(), lasts });
        Turn::Begins
    }

    fn closed(&mut self, before: usize, at: Time) -> Turn {
        if self.open.len() == before {
            return Turn::Nothing;
        }
        self.ended = Some(at);
        if self.lasts() { Turn::Nothing } else { Turn::Over }
    }
}
