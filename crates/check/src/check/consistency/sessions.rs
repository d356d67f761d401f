//! Causal consistency and the session guarantees, in one pass over what each session did and saw.
//!
//! Each guarantee says what an access knows of. Reading a write makes its session know what the write knew; what a session knows of
//! when it reads a register must not be newer than what it reads. That orders the writes; a cycle is a violation.

use super::clocks::{self, Precedence, VectorClock};
use super::encoding::{self, EncodedHistory, KeyAccess, Refusal, Session, last_up_to};
use super::{Guarantee, GuaranteeReport, ObservableSubject, describe, rules};
use crate::check::verdict::{Fact, Verdict};

/// Judges one of the guarantees from causal consistency downwards.
pub(super) fn check(subject: &dyn ObservableSubject, guarantee: Guarantee) -> GuaranteeReport {
    let say = |index: usize| describe(subject, index);
    let report = |verdict, why, states| GuaranteeReport { guarantee, verdict, why, states };
    let encoded = match encoding::encode(subject) {
        Ok(encoded) => encoded,
        Err(Refusal::Unclear(why)) => return report(Verdict::Unknown, vec![why], 0),
        Err(Refusal::Wrong(index)) => return report(Verdict::Violated, vec![rules::NEVER_WRITTEN.with("reader", say(index))], 0),
    };
    let violated = |why| report(Verdict::Violated, why, encoded.count);
    match Pass::new(&encoded, guarantee).run() {
        Ok(precedence) => match precedence.cycle() {
            Some(cycle) => {
                let write = |write: u32| say(encoded.writes[write as usize].index);
                let older = |(from, edge): &(u32, clocks::Edge)| {
                    rules::OLDER.with("older", write(*from)).with("newer", write(edge.to)).with("shown", say(edge.reason))
                };
                violated(cycle.iter().map(older).collect())
            }
            None if encoded.ambiguous && guarantee < Guarantee::MonotonicReads => {
                report(Verdict::Unknown, vec![rules::ADDED_TWICE.broken()], encoded.count)
            }
            None => GuaranteeReport::holds(guarantee, encoded.count),
        },
        Err(Missed::Older { read, known }) => violated(vec![rules::MISSED.with("reader", say(read)).with("known", say(known))]),
        Err(Missed::Cycle(reads)) => {
            let readers = Fact::All(reads.into_iter().map(say).collect());
            violated(vec![rules::CIRCULAR.with("readers", readers)])
        }
    }
}

/// What shows at once that a guarantee is broken.
enum Missed {
    /// A read of less than its session knew of, by this operation.
    Older { read: usize, known: usize },
    /// Reads that wait for one another.
    Cycle(Vec<usize>),
}

/// The walk through all sessions.
struct Pass<'a> {
    encoded: &'a EncodedHistory,
    guarantee: Guarantee,
    /// How far each session is, and what it knows there.
    at: Vec<usize>,
    knows: Vec<VectorClock>,
    started: Vec<bool>,
    /// What the readers of a write get to know; nothing while its session is not there yet.
    tells: Vec<Option<VectorClock>>,
    precedence: Precedence,
}

impl<'a> Pass<'a> {
    fn new(encoded: &'a EncodedHistory, guarantee: Guarantee) -> Self {
        let sessions = encoded.sessions.len();
        let mut pass = Self {
            encoded,
            guarantee,
            at: vec![0; sessions],
            knows: vec![VectorClock::zero(sessions); sessions],
            started: vec![false; sessions],
            tells: vec![None; encoded.writes.len()],
            precedence: Precedence::new(encoded.writes.len()),
        };
        if guarantee == Guarantee::MonotonicWrites {
            // What a write tells depends on nothing that was read: on the writes of its client before it.
            for (write, known) in encoded.writes.iter().enumerate() {
                let mut clock = VectorClock::zero(sessions);
                clock.raise(known.session as usize, known.place);
                if let Some((session, places)) = encoded.sessions[known.session as usize].follows {
                    clock.raise(session, places);
                }
                pass.tells[write] = Some(clock);
            }
        }
        pass
    }

    fn run(mut self) -> Result<Precedence, Missed> {
        loop {
            let mut moved = false;
            for session in 0..self.encoded.sessions.len() {
                moved |= self.advance(session)?;
            }
            if !moved {
                break;
            }
        }
        let waiting = self.encoded.sessions.iter().zip(&self.at).filter_map(|(session, at)| session.accesses.get(*at));
        let waiting: Vec<usize> = waiting.map(|placed| placed.index).collect();
        if waiting.is_empty() { Ok(self.precedence) } else { Err(Missed::Cycle(waiting)) }
    }

    /// Goes on with one session as far as nothing is missing. Says whether it moved.
    fn advance(&mut self, session: usize) -> Result<bool, Missed> {
        if !self.started[session] {
            if let Some((other, places)) = self.encoded.sessions[session].follows {
                if self.at[other] < places as usize {
                    return Ok(false);
                }
                self.inherit(session, other, places);
            }
            self.started[session] = true;
        }
        let start = self.at[session];
        while let Some(placed) = self.encoded.sessions[session].accesses.get(self.at[session]) {
            let place = self.at[session] as u32 + 1;
            let ready = match &placed.access {
                KeyAccess::Write { write } => {
                    self.write(session, place, placed.key, *write, placed.index);
                    true
                }
                KeyAccess::Read { value } => self.read(session, place, placed.key, *value, placed.index)?,
                KeyAccess::Members { values } => self.members(session, place, placed.key, values, placed.index)?,
            };
            if !ready {
                break;
            }
            self.at[session] += 1;
        }
        Ok(self.at[session] > start)
    }

    /// One that follows part of another session knows what was known there.
    fn inherit(&mut self, session: usize, other: usize, places: u32) {
        // That session may have gone on, and know more by now.
        let mut clock = VectorClock::zero(self.encoded.sessions.len());
        for placed in &self.encoded.sessions[other].accesses[..places as usize] {
            let told = match &placed.access {
                KeyAccess::Read { value: Some(value) } => self.encoded.writer(*value).into_iter().collect(),
                KeyAccess::Members { values } => values.iter().filter_map(|value| self.encoded.writer(*value)).collect(),
                KeyAccess::Read { value: None } | KeyAccess::Write { .. } => Vec::new(),
            };
            told.into_iter().filter_map(|write| self.tells[write as usize].as_ref()).for_each(|told| clock.join(told));
        }
        // Under monotonic writes, what its client wrote is known to it only if it was read.
        if self.guarantee != Guarantee::MonotonicWrites {
            clock.raise(other, places);
        }
        self.knows[session] = clock;
    }

    fn write(&mut self, session: usize, place: u32, key: u32, write: u32, index: usize) {
        use Guarantee::{Causal, MonotonicWrites, WritesFollowReads};
        match self.guarantee {
            Causal => {
                for (other, known) in self.knows[session].known() {
                    // All agree on one order of all writes, whatever their key.
                    if let Some(earlier) = last_up_to(&self.encoded.sessions[other].all_writes, known) {
                        self.precedence.add(earlier, write, index);
                    }
                }
                self.knows[session].raise(session, place);
                self.tells[write as usize] = Some(self.knows[session].clone());
            }
            MonotonicWrites => {
                for (other, known) in self.own(session, place) {
                    if let Some(earlier) = last_up_to(self.encoded.sessions[other].writes(key), known) {
                        self.precedence.add(earlier, write, index);
                    }
                }
            }
            WritesFollowReads => {
                for (other, known) in self.knows[session].known() {
                    if let Some(earlier) =
                        last_up_to(self.encoded.sessions[other].reads(key), known).and_then(|seen| self.encoded.writer(seen))
                    {
                        self.precedence.add(earlier, write, index);
                    }
                }
                self.tells[write as usize] = Some(self.knows[session].clone());
            }
            _ => {}
        }
    }

    /// Takes in what these writes tell; says whether all of them are there.
    fn learn(&mut self, session: usize, writes: &[u32]) -> bool {
        if self.guarantee >= Guarantee::MonotonicReads {
            return true;
        }
        if writes.iter().any(|write| self.tells[*write as usize].is_none()) {
            return false;
        }
        for write in writes {
            if let Some(told) = &self.tells[*write as usize] {
                self.knows[session].join(told);
            }
        }
        true
    }

    fn read(&mut self, session: usize, place: u32, key: u32, value: Option<u32>, index: usize) -> Result<bool, Missed> {
        let seen = value.and_then(|value| self.encoded.writer(value));
        if !self.learn(session, seen.as_slice()) {
            return Ok(false);
        }
        for known in self.known_writes(session, place, key) {
            match seen {
                Some(seen) => self.precedence.add(known, seen, index),
                None => return Err(Missed::Older { read: index, known: self.encoded.writes[known as usize].index }),
            }
        }
        self.keep(session, place);
        Ok(true)
    }

    /// What has been read is known from now on.
    fn keep(&mut self, session: usize, place: u32) {
        if matches!(self.guarantee, Guarantee::Causal | Guarantee::WritesFollowReads | Guarantee::MonotonicReads) {
            self.knows[session].raise(session, place);
        }
    }

    /// The newest writes on a key that a session knows of, as far as each other session tells.
    fn known_writes(&self, session: usize, place: u32, key: u32) -> Vec<u32> {
        let sessions = &self.encoded.sessions;
        let read = |session: &Session, known| last_up_to(session.reads(key), known).and_then(|seen| self.encoded.writer(seen));
        match self.guarantee {
            Guarantee::Causal | Guarantee::MonotonicWrites => {
                self.knows[session].known().filter_map(|(other, known)| last_up_to(sessions[other].writes(key), known)).collect()
            }
            Guarantee::WritesFollowReads | Guarantee::MonotonicReads => {
                self.knows[session].known().filter_map(|(other, known)| read(&sessions[other], known)).collect()
            }
            // Nothing says in which order they were, so each of them must be older than what is seen.
            _ => self.own(session, place).flat_map(|(own, before)| up_to(sessions[own].writes(key), before)).collect(),
        }
    }

    /// What its client did before this: in which sessions, up to which place.
    fn own(&self, session: usize, place: u32) -> impl Iterator<Item = (usize, u32)> + use<> {
        self.encoded.sessions[session].follows.into_iter().chain([(session, place - 1)])
    }

    fn members(&mut self, session: usize, place: u32, key: u32, values: &[u32], index: usize) -> Result<bool, Missed> {
        let writes: Vec<u32> = values.iter().filter_map(|value| self.encoded.writer(*value)).collect();
        if !self.learn(session, &writes) {
            return Ok(false);
        }
        let missing = |value: &u32| values.binary_search(value).is_err();
        let encoded = self.encoded;
        let added = |session: &Session, known: u32| {
            let adds = session.writes(key).iter().take_while(move |(at, _)| *at <= known);
            adds.map(|(_, write)| encoded.writes[*write as usize]).find(|write| missing(&write.value)).map(|write| write.index)
        };
        let seen = |session: &Session, known: u32| {
            let (_, at) = session.members(key).iter().take_while(|(at, _)| *at <= known).last()?;
            let placed = &session.accesses[*at as usize];
            let KeyAccess::Members { values } = &placed.access else { return None };
            values.iter().any(missing).then_some(placed.index)
        };
        let sessions = &encoded.sessions;
        let missed = match self.guarantee {
            Guarantee::Causal | Guarantee::MonotonicWrites => {
                self.knows[session].known().find_map(|(other, known)| added(&sessions[other], known))
            }
            Guarantee::WritesFollowReads | Guarantee::MonotonicReads => {
                self.knows[session].known().find_map(|(other, known)| seen(&sessions[other], known))
            }
            _ => self.own(session, place).find_map(|(own, before)| added(&sessions[own], before)),
        };
        if let Some(known) = missed {
            return Err(Missed::Older { read: index, known });
        }
        self.keep(session, place);
        Ok(true)
    }
}

/// All of these at this place or before it.
fn up_to(placed: &[(u32, u32)], place: u32) -> impl Iterator<Item = u32> + '_ {
    placed.iter().take_while(move |(at, _)| *at <= place).map(|(_, what)| *what)
}
