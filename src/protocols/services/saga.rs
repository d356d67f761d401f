//! Sagas: endpoints whose calls have their effects together or not at all, without locks. After Garcia-Molina and Salem, *Sagas*, SIGMOD
//! 1987.
//!
//! The steps of a saga are ordinary calls, each with another one that undoes it. Where one fails for good, those that were begun are undone
//! (compensated), the last one first, each until that has succeeded (backward recovery). One that was begun may have had its effect or
//! not, or have it later, so that a compensation stands for both: what it undoes is refused from then on. Others see what is undone later:
//! sagas are not isolated.
//!
//! What is to be undone must be known after a crash: a saga is on disk before its first call is sent, and when it is over. One that a crash
//! has left open is undone. A request that comes again is told what became of its saga, and none has two.

use rustc_hash::FxHashMap;

use super::agenda::Alarm;
use super::caller::Wanted;
use super::instance::{For, Instance, id_of_call};
use super::mark;
use super::message::{Answer, Request};
use crate::base::Duration;
use crate::process::{Context, Files};

/// The file of sagas.
pub(super) const FILE: &str = "sagas";

/// The sagas of an instance.
#[derive(Default)]
pub(super) struct Sagas {
    /// It is looked up alone, never walked.
    known: FxHashMap<u64, State>,
    undoing: Vec<Option<Undo>>,
    free: Vec<u32>,
}

/// How far a saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has begun.
    Begun,
    /// All of it is done.
    Done,
    /// All that was done of it is undone.
    Undone,
}

/// What is on disk of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The id of the call that it is.
    pub(super) id: u64,
    pub(super) item: Option<u32>,
    pub(super) endpoint: u16,
    pub(super) state: State,
}

/// A saga that is undone.
struct Undo {
    saga: Entry,
    /// The calls that are to be undone, the next one last.
    left: Vec<u16>,
    /// How often in a row that has failed.
    failed: u32,
}

/// What makes the id of a compensation of the id of what it undoes.
const UNDO: u16 = u16::MAX;

impl Sagas {
    /// How many are being undone.
    pub(super) fn undoing(&self) -> usize {
        self.undoing.len() - self.free.len()
    }
}

impl Instance {
    /// What is on disk of sagas: those that are open are undone.
    pub(super) fn resume_sagas(&mut self, disk: &Files, context: &mut Context<'_, Self>) {
        let mut open = Vec::new();
        let bytes = disk.read(FILE).unwrap_or_default();
        for record in bytes.chunks_exact(Entry::LENGTH) {
            let entry = Entry::read(record);
            self.sagas.known.insert(entry.id, entry.state);
            open.retain(|other: &Entry| other.id != entry.id);
            if entry.state == State::Begun {
                open.push(entry);
            }
        }
        if !bytes.len().is_multiple_of(Entry::LENGTH) {
            context.truncate(FILE, (bytes.len() / Entry::LENGTH * Entry::LENGTH) as u64);
        }
        for saga in open {
            if !self.rules.resumes_sagas() {
                self.log_saga(Entry { state: State::Undone, ..saga }, context);
                continue;
            }
            context.sometimes(mark::SAGA_RESUMED);
            let last = self.endpoints[usize::from(saga.endpoint)].steps.len();
            self.undo(saga, last, context);
        }
    }

    /// A request comes for a saga: what became of it; nothing if it is new, and begins.
    pub(super) fn begin_saga(
        &mut self,
        &Request { call: id, item, endpoint, .. }: &Request,
        context: &mut Context<'_, Self>,
    ) -> Option<Answer> {
        match self.sagas.known.get(&id) {
            Some(State::Begun) => Some(Answer::InFlight),
            Some(State::Done) => Some(Answer::Done),
            Some(State::Undone) => Some(Answer::CallFailed),
            None => {
                self.log_saga(Entry { id, item, endpoint, state: State::Begun }, context);
                None
            }
        }
    }

    /// All calls of a saga have succeeded; or one has not, when so many of its steps had been begun.
    pub(super) fn end_saga(&mut self, request: &Request, succeeded: bool, steps: usize, context: &mut Context<'_, Self>) {
        let Request { call: id, item, endpoint, .. } = *request;
        let saga = Entry { id, item, endpoint, state: State::Done };
        if succeeded {
            return self.log_saga(saga, context);
        }
        context.sometimes(mark::UNDOES);
        self.undo(saga, steps, context);
    }

    fn log_saga(&mut self, entry: Entry, context: &mut Context<'_, Self>) {
        self.sagas.known.insert(entry.id, entry.state);
        context.append(FILE, &entry.record());
        context.sync();
    }

    fn undo(&mut self, saga: Entry, steps: usize, context: &mut Context<'_, Self>) {
        let routes = self.graph.routes(self.service);
        let begun = self.endpoints[usize::from(saga.endpoint)].steps.iter().take(steps);
        let mut left: Vec<u16> = begun.flat_map(|(first, count)| *first..first + count).collect();
        left.retain(|call| routes[usize::from(*call)].undo.is_some());
        let count = left.len();
        left = (0..).zip(left).filter(|(place, _)| self.rules.compensates(count - 1 - place)).map(|(_, call)| call).collect();
        let undo = Undo { saga, left, failed: 0 };
        let place = match self.sagas.free.pop() {
            Some(place) => {
                self.sagas.undoing[place as usize] = Some(undo);
                place
            }
            None => {
                self.sagas.undoing.push(Some(undo));
                self.sagas.undoing.len() as u32 - 1
            }
        };
        self.compensate(place, context);
    }

    /// Undoes the next call of a saga, if there is one.
    pub(super) fn compensate(&mut self, place: u32, context: &mut Context<'_, Self>) {
        let Some(Undo { saga, left, .. }) = &self.sagas.undoing[place as usize] else { return };
        let (saga, routes) = (*saga, self.graph.routes(self.service));
        let Some((call, undo)) = left.last().and_then(|call| Some((*call, routes[usize::from(*call)].undo?))) else {
            self.sagas.undoing[place as usize] = None;
            self.sagas.free.push(place);
            return self.log_saga(Entry { state: State::Undone, ..saga }, context);
        };
        let step = id_of_call(saga.id, call);
        let root = id_of_call(step, UNDO);
        let wanted =
            Wanted { root, call: step, priority: u8::MAX, deadline: None, due: context.now(), item: saga.item, when_durable: true };
        self.caller.begin(undo, For::Undo { place }, wanted, context);
    }

    /// A compensation has ended.
    pub(super) fn compensated(&mut self, place: u32, succeeded: bool, context: &mut Context<'_, Self>) {
        /// How long to wait after a compensation that was not answered with success, and how often that doubles.
        const PAUSE: Duration = Duration::from_millis(20);
        const DOUBLES: u32 = 5;

        let Some(undo) = &mut self.sagas.undoing[place as usize] else { return };
        if succeeded || !self.rules.compensates_again() {
            undo.left.pop();
            undo.failed = 0;
            return self.compensate(place, context);
        }
        context.sometimes(mark::UNDOES_AGAIN);
        let pause = PAUSE * (1 << undo.failed.min(DOUBLES));
        undo.failed += 1;
        self.caller.agenda.set(context.now() + pause, Alarm::Undo(place), context);
    }
}

impl Entry {
    /// How many bytes one takes on disk.
    pub(super) const LENGTH: usize = 16;

    /// What these bytes say, as many as a record has.
    pub(super) fn read(record: &[u8]) -> Self {
        let bytes: [u8; Self::LENGTH] = record.try_into().expect("a record is as long");
        let [.., i0, i1, i2, i3, e0, e1, state, _] = bytes;
        let id = u64::from_le_bytes(bytes[..8].try_into().expect("these are eight"));
        let item = u32::from_le_bytes([i0, i1, i2, i3]);
        let state = match state {
            0 => State::Begun,
            1 => State::Done,
            _ => State::Undone,
        };
        Self { id, item: (item != u32::MAX).then_some(item), endpoint: u16::from_le_bytes([e0, e1]), state }
    }

    fn record(self) -> Vec<u8> {
        let Self { id, item, endpoint, state } = self;
        let mut record = id.to_le_bytes().to_vec();
        record.extend(item.unwrap_or(u32::MAX).to_le_bytes());
        record.extend(endpoint.to_le_bytes());
        record.extend([state as u8, 0]);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_disk_of_a_saga_is_read_again() {
        for state in [State::Begun, State::Done, State::Undone] {
            for item in [None, Some(0), Some(77)] {
                let entry = Entry { id: 0x0102_0304_0506_0708, item, endpoint: 300, state };
                assert_eq!(Entry::read(&entry.record()), entry);
            }
        }
    }
}
