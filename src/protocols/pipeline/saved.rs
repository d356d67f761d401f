//! What a subtask keeps of itself in checkpoints: in two files, of which one holds the last complete checkpoint while the other is written.

use serde::{Deserialize, Serialize};

use super::channel::Position;
use super::event::NO_WATERMARK;
use super::operator::State;
use super::watermark::Watermarks;
use crate::process::{FileName, Files};

/// A subtask in a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) checkpoint: u64,
    pub(super) state: State,
    pub(super) watermarks: Watermarks,
    /// The watermark that was told.
    pub(super) told: i64,
    /// Of a source: how many events were told, and the time of the newest.
    pub(super) offset: u64,
    pub(super) newest: i64,
    /// Where each channel stands.
    pub(super) sent: Vec<Position>,
    pub(super) received: Vec<Position>,
    /// Of a sink: the transactions that are staged.
    pub(super) staged: Vec<(u64, u64)>,
}

impl Saved {
    /// A subtask with so many channels to which nothing has come.
    pub(super) fn nothing(state: State, incoming: usize, outgoing: usize) -> Self {
        Self {
            checkpoint: 0,
            state,
            watermarks: Watermarks::new(incoming),
            told: NO_WATERMARK,
            offset: 0,
            newest: NO_WATERMARK,
            sent: vec![Position::default(); outgoing],
            received: vec![Position::default(); incoming],
            staged: Vec::new(),
        }
    }
}

/// The two.
#[derive(Debug)]
pub(super) struct Slots([Option<Saved>; 2]);

const FILES: [FileName; 2] = [FileName::Borrowed("checkpoint-a"), FileName::Borrowed("checkpoint-b")];

impl Slots {
    /// What is on disk. One that a crash has torn is not there.
    pub(super) fn read(disk: &Files) -> Self {
        Self(FILES.map(|file| disk.records(&file).last()))
    }

    /// That of a checkpoint, if it is there.
    pub(super) fn of(&self, checkpoint: u64) -> Option<&Saved> {
        self.0.iter().flatten().find(|saved| saved.checkpoint == checkpoint)
    }

    /// Holds one more, in place of the one that is not of the last complete checkpoint; says in which file it is to be written.
    pub(super) fn hold(&mut self, saved: Saved, completed: u64) -> FileName {
        let is_needed = |slot: &Option<Saved>| slot.as_ref().is_some_and(|saved| saved.checkpoint == completed);
        let place = usize::from(is_needed(&self.0[0]));
        self.0[place] = Some(saved);
        FILES[place].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complete_one_is_never_written_over() {
        let mut slots = Slots([None, None]);
        let saved = |checkpoint| Saved { checkpoint, ..Saved::nothing(State::Nothing, 1, 1) };
        let files: Vec<FileName> = [(1, 0), (2, 1), (3, 1), (4, 3)].map(|(next, completed)| slots.hold(saved(next), completed)).into();
        assert_eq!(files, [FILES[0].clone(), FILES[1].clone(), FILES[1].clone(), FILES[0].clone()]);
        assert!(slots.of(3).is_some() && slots.of(4).is_some() && slots.of(1).is_none());
    }
}
