//! The second run of `--verify`, in a worker.

use std::io;

use super::message::{Answer, Closeness, Sent, everything};
use super::worker::{Heard, Surroundings, Worker};
use crate::check::Difference;
use crate::explore::{Recorded, Row, Twin};
use crate::scenario::Scenario;
use crate::world::Outcome;

/// A run of a seed in other surroundings.
pub(in crate::cli) struct SecondRun {
    worker: Worker,
    /// What became of it, once it has ended; nothing at all if its process died.
    ended: Option<Option<Sent<'static>>>,
}

impl SecondRun {
    /// Starts one of which is told what became of it.
    pub(in crate::cli) fn start(scenario: &Scenario, seed: u64) -> io::Result<Self> {
        Self::watched(scenario, seed, Closeness::Outcome)
    }

    /// Starts one of which each record is told, in words: it takes several times as long.
    pub(in crate::cli) fn closely(scenario: &Scenario, seed: u64) -> io::Result<Self> {
        Self::watched(scenario, seed, Closeness::Records)
    }

    fn watched(scenario: &Scenario, seed: u64, closeness: Closeness) -> io::Result<Self> {
        let mut worker = Worker::start(scenario, Surroundings::Other)?;
        worker.run([seed], closeness, true);
        Ok(Self { worker, ended: None })
    }

    /// Waits for its end; whether all that became of it is as it was with the first.
    pub(in crate::cli) fn ends_like(&mut self, first: &Outcome) -> bool {
        while self.next().is_some() {}
        matches!(&self.ended, Some(Some(second)) if second.everything == Some(everything(first)))
    }
}

impl Twin for SecondRun {
    fn next(&mut self) -> Option<Recorded> {
        while self.ended.is_none() {
            match self.worker.hear() {
                Heard::Answer(Answer::Record { digest, at, line }) => return Some(Recorded { digest, at, line }),
                Heard::Answer(Answer::Ended(sent)) => self.ended = Some(Some(*sent)),
                Heard::Answer(Answer::Ready | Answer::Step(_)) | Heard::Nothing => {}
                Heard::Gone => self.ended = Some(None),
            }
        }
        None
    }

    fn differs(&mut self, first: &Outcome) -> Option<Difference> {
        let second = self.ended.take().flatten();
        if second.as_ref().is_some_and(|second| second.everything == Some(everything(first))) {
            return None;
        }
        let row = Row::new(first.seed, Ok(first.clone()));
        Some(second.and_then(|second| Sent::of(&row, false).judged_differently(&second)).map_or(Difference::Counts, Difference::Judged))
    }
}
