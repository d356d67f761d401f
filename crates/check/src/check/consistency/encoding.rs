//! A history as sessions of reads and writes, in numbers.

use rustc_hash::{FxHashMap, FxHashSet};

use super::observable::Observed;
use super::{ObservableSubject, ObservedEffect, describe, rules};
use crate::base::ClientId;
use crate::check::model::Key;
use crate::check::verdict::{Broken, Fact};
use crate::history::Outcome;

/// Why a history cannot be encoded.
pub(super) enum Refusal {
    /// Nothing can be said of it, for this reason.
    Unclear(Broken),
    /// This operation saw what no operation wrote.
    Wrong(usize),
}

/// One thing that a session did.
#[derive(Clone, Debug)]
pub(super) enum KeyAccess {
    /// It wrote to a register, or added to a set.
    Write { write: u32 },
    /// It read this value of a register, or what was there at first.
    Read { value: Option<u32> },
    /// It read a set of these, in order.
    Members { values: Vec<u32> },
}

/// An access with the operation that it is part of, and the key.
#[derive(Clone, Debug)]
pub(super) struct SessionAccess {
    pub(super) index: usize,
    pub(super) key: u32,
    pub(super) access: KeyAccess,
}

/// Something written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub(super) index: usize,
    pub(super) session: u32,
    /// How many accesses of its session there are up to this one.
    pub(super) place: u32,
    pub(super) value: u32,
}

/// What one client did, in order. An operation of unknown outcome that was seen is a session of its own: nothing waits for it.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) accesses: Vec<SessionAccess>,
    /// The session of its client, and how many of its accesses come before this.
    pub(super) follows: Option<(usize, u32)>,
    /// All writes, by their place.
    pub(super) all_writes: Vec<(u32, u32)>,
    writes: FxHashMap<u32, Vec<(u32, u32)>>,
    reads: FxHashMap<u32, Vec<(u32, u32)>>,
    members: FxHashMap<u32, Vec<(u32, u32)>>,
}

impl Session {
    /// The writes to a key, by their place.
    pub(super) fn writes(&self, key: u32) -> &[(u32, u32)] {
        self.writes.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The values read of a register, by place.
    pub(super) fn reads(&self, key: u32) -> &[(u32, u32)] {
        self.reads.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The reads of a set, by place: which accesses they are.
    pub(super) fn members(&self, key: u32) -> &[(u32, u32)] {
        self.members.get(&key).map_or(&[], Vec::as_slice)
    }
}

/// The last of these at this place or before it.
pub(super) fn last_up_to(placed: &[(u32, u32)], place: u32) -> Option<u32> {
    let count = placed.partition_point(|(at, _)| *at <= place);
    count.checked_sub(1).map(|last| placed[last].1)
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct EncodedHistory {
    pub(super) sessions: Vec<Session>,
    pub(super) writes: Vec<Write>,
    /// For each value, the write that it came from, if that is known.
    writers: Vec<Option<u32>>,
    /// Whether an element was added more than once.
    pub(super) ambiguous: bool,
    pub(super) count: u64,
}

impl EncodedHistory {
    /// The write that a value came from.
    pub(super) fn writer(&self, value: u32) -> Option<u32> {
        self.writers[value as usize]
    }
}

/// What of unknown outcome may turn out to have taken effect.
struct Pending {
    index: usize,
    key: u32,
    effect: ObservedEffect<u32>,
    session: usize,
    follows: u32,
}

struct Encoder {
    encoded: EncodedHistory,
    values: FxHashMap<(u32, u32), u32>,
    at_first: Option<u32>,
    /// Values that were seen, and those that are elements.
    seen: FxHashSet<u32>,
    elements: FxHashSet<u32>,
    /// The operation that saw each value first.
    seers: Vec<(u32, Seer)>,
    /// An operation that saw nothing where something had been from the start.
    emptied: Vec<Seer>,
    /// Whether what is added is of unknown outcome, and taken to have taken effect since what it wrote was seen.
    assumed: bool,
}

/// Who saw something.
#[derive(Clone, Copy)]
struct Seer {
    index: usize,
    /// See [`Encoder::assumed`].
    assumed: bool,
}

/// A history in numbers.
pub(super) fn encode(subject: &dyn ObservableSubject) -> Result<EncodedHistory, Refusal> {
    let Observed { at_first, effects } = subject.observed();
    let mut encoder = Encoder {
        encoded: EncodedHistory::default(),
        values: FxHashMap::default(),
        at_first,
        seen: FxHashSet::default(),
        elements: FxHashSet::default(),
        seers: Vec::new(),
        emptied: Vec::new(),
        assumed: false,
    };
    let mut keys: FxHashMap<Key<'_>, u32> = FxHashMap::default();
    let mut clients: FxHashMap<ClientId, usize> = FxHashMap::default();
    let mut pending = Vec::new();
    let timeline = subject.timeline();
    for (index, effect) in effects.into_iter().enumerate() {
        let outcome = timeline.outcome(index);
        if outcome == Outcome::Failed || effect == ObservedEffect::Nothing {
            continue;
        }
        if effect == ObservedEffect::Unclear {
            return Err(Refusal::Unclear(rules::UNOBSERVABLE.with("operation", describe(subject, index))));
        }
        let count = keys.len() as u32;
        let key = *keys.entry(subject.key(index)).or_insert(count);
        let session = *clients.entry(timeline.client(index)).or_insert_with(|| encoder.session(None));
        if outcome == Outcome::Unknown {
            let follows = encoder.encoded.sessions[session].accesses.len() as u32;
            pending.push(Pending { index, key, effect, session, follows });
        } else {
            encoder.add(session, index, key, effect);
        }
    }
    encoder.assumed = true;
    encoder.take_effect(pending);
    encoder.finish(subject)
}

impl Encoder {
    fn session(&mut self, follows: Option<(usize, u32)>) -> usize {
        self.encoded.sessions.push(Session { follows, ..Session::default() });
        self.encoded.sessions.len() - 1
    }

    /// What of unknown outcome was seen took effect, and so saw what it saw.
    fn take_effect(&mut self, mut pending: Vec<Pending>) {
        loop {
            let before = pending.len();
            let mut left = Vec::new();
            for one in pending {
                let written = match &one.effect {
                    ObservedEffect::Write(value) | ObservedEffect::Swap { new: value, .. } | ObservedEffect::Add(value) => {
                        self.values.get(&(one.key, *value))
                    }
                    _ => None,
                };
                if written.is_some_and(|value| self.seen.contains(value)) {
                    let session = self.session(Some((one.session, one.follows)));
                    self.add(session, one.index, one.key, one.effect);
                } else {
                    left.push(one);
                }
            }
            if left.len() == before {
                return;
            }
            pending = left;
        }
    }

    fn value(&mut self, key: u32, value: u32) -> u32 {
        let count = self.values.len() as u32;
        *self.values.entry((key, value)).or_insert(count)
    }

    fn saw(&mut self, index: usize, key: u32, value: u32) -> u32 {
        let value = self.value(key, value);
        // What is known to have taken effect is added first.
        if self.seen.insert(value) {
            self.seers.push((value, Seer { index, assumed: self.assumed }));
        }
        value
    }

    fn read(&mut self, index: usize, key: u32, seen: Option<u32>) -> KeyAccess {
        if seen == self.at_first {
            return KeyAccess::Read { value: None };
        }
        if seen.is_none() {
            self.emptied.push(Seer { index, assumed: self.assumed });
        }
        KeyAccess::Read { value: seen.map(|value| self.saw(index, key, value)) }
    }

    fn add(&mut self, session: usize, index: usize, key: u32, effect: ObservedEffect<u32>) {
        match effect {
            ObservedEffect::Write(value) => self.write(session, index, key, value),
            ObservedEffect::Add(value) => {
                let element = self.value(key, value);
                self.elements.insert(element);
                self.write(session, index, key, value);
            }
            ObservedEffect::Read(seen) => {
                let access = self.read(index, key, seen);
                self.push(session, index, key, access);
            }
            ObservedEffect::Swap { seen, new } => {
                let access = self.read(index, key, seen);
                self.push(session, index, key, access);
                self.write(session, index, key, new);
            }
            ObservedEffect::Members(seen) => {
                let mut values: Vec<u32> = seen.into_iter().map(|value| self.saw(index, key, value)).collect();
                values.sort_unstable();
                values.dedup();
                self.push(session, index, key, KeyAccess::Members { values });
            }
            ObservedEffect::Nothing | ObservedEffect::Unclear => {}
        }
    }

    fn write(&mut self, session: usize, index: usize, key: u32, value: u32) {
        let value = self.value(key, value);
        let write = self.encoded.writes.len() as u32;
        let place = self.encoded.sessions[session].accesses.len() as u32 + 1;
        self.encoded.writes.push(Write { index, session: session as u32, place, value });
        self.push(session, index, key, KeyAccess::Write { write });
    }

    fn push(&mut self, session: usize, index: usize, key: u32, access: KeyAccess) {
        self.encoded.count += 1;
        let session = &mut self.encoded.sessions[session];
        let place = session.accesses.len() as u32 + 1;
        match &access {
            KeyAccess::Write { write } => {
                session.all_writes.push((place, *write));
                session.writes.entry(key).or_default().push((place, *write));
            }
            KeyAccess::Read { value: Some(value) } => session.reads.entry(key).or_default().push((place, *value)),
            KeyAccess::Read { value: None } => {}
            KeyAccess::Members { .. } => session.members.entry(key).or_default().push((place, place - 1)),
        }
        session.accesses.push(SessionAccess { index, key, access });
    }

    /// Finds out which operation wrote what.
    fn finish(mut self, subject: &dyn ObservableSubject) -> Result<EncodedHistory, Refusal> {
        let mut writers: Vec<Option<u32>> = vec![None; self.values.len()];
        let mut twice = vec![false; self.values.len()];
        for (number, write) in self.encoded.writes.iter().enumerate() {
            twice[write.value as usize] |= writers[write.value as usize].replace(number as u32).is_some();
        }
        let sourceless = self.seers.iter().filter(|(value, _)| writers[*value as usize].is_none()).map(|(_, seer)| seer);
        let wrong: Vec<&Seer> = self.emptied.iter().chain(sourceless).collect();
        if let Some(seer) = wrong.iter().find(|seer| !seer.assumed) {
            return Err(Refusal::Wrong(seer.index));
        }
        let mut repeated: Vec<(u32, u32)> = Vec::new();
        for ((_, value), number) in &self.values {
            let element = self.elements.contains(number);
            let initial = !element && self.at_first == Some(*value) && writers[*number as usize].is_some();
            if twice[*number as usize] && element {
                self.encoded.ambiguous = true;
                writers[*number as usize] = None;
            } else if twice[*number as usize] || initial {
                repeated.push((*value, *number));
            }
        }
        if let Some((value, _)) = repeated.iter().min_by_key(|(_, number)| *number) {
            return Err(Refusal::Unclear(rules::REPEATED.with("value", Fact::Value(subject.value(*value)))));
        }
        // Each value has one writer: what is taken to have taken effect has.
        if let Some(seer) = wrong.first() {
            return Err(Refusal::Wrong(seer.index));
        }
        self.encoded.writers = writers;
        Ok(self.encoded)
    }
}
