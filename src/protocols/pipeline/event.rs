//! What goes through a pipeline: events, and what is told between them.

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// An event: of the input, or a result of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Event {
    /// What it came of: a place of the input, or what it was computed from. No two at one place of the graph have the same.
    pub id: u64,
    /// Its key.
    pub key: i64,
    /// Its value.
    pub value: i64,
    /// When it happened: its event time, in nanoseconds.
    pub time: i64,
    /// How many events of the input it was computed from, with all repeats.
    pub weight: u32,
    /// The how-many-th result for its id it is, from 0: a window with allowed lateness has several.
    pub pane: u32,
    /// Whether it stands for one that came too late for a window, and was not counted in it.
    pub late: bool,
}

/// One thing in a channel. All but events count for nothing where credits are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Element {
    /// An event.
    Event(Event),
    /// No event with this time, or an earlier one, comes after.
    Watermark(i64),
    /// Nothing comes for a while: watermarks need not wait.
    Idle,
    /// All before belongs to this checkpoint, and nothing after does.
    Barrier {
        /// Which.
        checkpoint: u64,
        /// The last one that is complete.
        completed: u64,
    },
}

/// The watermark before anything is known.
pub(super) const NO_WATERMARK: i64 = i64::MIN;
/// The watermark once all has come.
pub(super) const END: i64 = i64::MAX;

/// The id of what these words say it came of.
pub(super) fn id_of(words: &[u64]) -> u64 {
    let mut digest = Digest::new();
    words.iter().for_each(|word| digest.word(*word));
    digest.finish()
}

/// The id of what a stage computes for a key, from what begins at this time.
pub(super) fn id_of_result(stage: usize, key: i64, start: i64) -> u64 {
    id_of(&[1, stage as u64, key.cast_unsigned(), start.cast_unsigned()])
}

/// The id of what stands for an event that came too late for the window that begins at this time.
pub(super) fn id_of_late(stage: usize, event: u64, start: i64) -> u64 {
    id_of(&[2, stage as u64, event, start.cast_unsigned()])
}

/// The id of a pair that a stage joins.
pub(super) fn id_of_pair(stage: usize, left: u64, right: u64) -> u64 {
    id_of(&[3, stage as u64, left, right])
}

/// The id that an event has behind a union, by the input through which it came.
pub(super) fn id_of_union(stage: usize, port: usize, event: u64) -> u64 {
    id_of(&[4, stage as u64, port as u64, event])
}
