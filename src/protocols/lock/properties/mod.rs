//! What must hold of locks, judged where it matters: at the resource, and by the tokens.
//!
//! That two clients *believe* to hold a lock is no offence: no protocol can rule that out. What counts is what they do at the resource. By
//! the accesses that took effect there, each grant has a turn, from its first access to its last, and turns of one lock must not overlap;
//! where grants come with tokens, they must come in the order of their tokens. That is the model of a fenced lock
//! ([`FencedLock`](crate::check::model::fenced_lock::FencedLock)), of which the first access of a grant acquires and the last one
//! releases; a test compares the two.

mod again;
mod queue;
mod rules;
#[cfg(test)]
mod tests;

pub use again::{Again, AgainJudge, HAD_AGAIN};
pub use queue::{GRANTED_IN_ORDER, OBSERVED_FORWARD, OF_ELECTIONS, OF_QUEUES, ONE_LEADER, ONE_WAKEUP, QueueJudge, Queueing};

use super::{Accessed, Grant, HolderNote};
use crate::base::{Duration, NodeId, SortedMap, Time};
use crate::check::{Property, PropertyReport, Sighting, Violations};
use crate::protocols::commit::locks::Mode;
use crate::trace::{Cell, Event, Judge, Record, Sort, Sorts, Table, Vocabulary};

/// What happens at the resource.
pub const MUTUAL_EXCLUSION: Property = Property::always(
    "mutual-exclusion",
    "at what a lock guards, the accesses of one holder do not come between those of another, nor after those of a later one",
);

/// What happens to tokens.
pub const TOKENS_GROW: Property = Property::always(
    "tokens-grow",
    "the fencing token of each grant of a lock is greater than that of every grant that was held before it was asked for",
);

/// Both, in this order.
pub const PROPERTIES: [Property; 2] = [MUTUAL_EXCLUSION, TOKENS_GROW];

/// A system in which workers get locks.
pub trait Locking: Vocabulary {
    /// What this note of a server says of an access.
    fn accessed(note: &Self::Note) -> Option<Accessed>;

    /// What this note of a client says of a lock.
    fn said(note: &Self::ClientNote) -> Option<HolderNote>;
}

/// Judges locks.
#[derive(Debug, Default)]
pub struct LockJudge {
    violations: Violations,
    /// By lock.
    turns: SortedMap<u32, Turns>,
    tokens: SortedMap<u32, Tokens>,
    measured: Measured,
}

/// What happened under one lock at the resource.
#[derive(Debug, Default)]
struct Turns {
    /// Of each grant, its latest access.
    seen: SortedMap<Grant, Sighting>,
    all: Latest,
    exclusive: Latest,
}

/// Accesses in some modes.
#[derive(Debug, Default)]
struct Latest {
    /// The latest of all, and the latest by another grant than that one's.
    latest: Option<(Grant, Sighting)>,
    other: Option<(Grant, Sighting)>,
    /// That with the highest token.
    highest: Option<(u64, Grant, Sighting)>,
}

impl Latest {
    /// The latest by another grant than this.
    fn but(&self, grant: Grant) -> Option<(Grant, Sighting)> {
        if self.latest.is_some_and(|(latest, _)| latest != grant) { self.latest } else { self.other }
    }

    fn add(&mut self, now: Sighting, grant: Grant, token: Option<u64>) {
        (self.other, self.latest) = (self.but(grant), Some((grant, now)));
        if let Some(token) = token
            && self.highest.is_none_or(|(highest, ..)| token >= highest)
        {
            self.highest = Some((token, grant, now));
        }
    }
}

/// The tokens of one lock.
#[derive(Debug, Default)]
struct Tokens {
    /// By grant: when it was asked for, and the highest token that had been held then.
    asked: SortedMap<Grant, (Sighting, Option<(u64, Grant)>)>,
    highest: Option<(u64, Grant)>,
}

/// What is neither good nor bad.
#[derive(Debug, Default)]
struct Measured {
    held: u64,
    why: SortedMap<&'static str, u64>,
    waits: Vec<Duration>,
    /// By lock and grant: who believes to hold it, since when.
    beliefs: SortedMap<(u32, Grant), Time>,
    shared_beliefs: u64,
    accesses: u64,
    /// By lock: whose holder has crashed, when.
    orphaned: SortedMap<u32, Time>,
    recovered: Vec<Duration>,
}

impl LockJudge {
    /// Judges locks of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An access took effect.
    fn accessed(&mut self, now: Sighting, Accessed { lock, grant, mode, token, .. }: Accessed) {
        self.measured.accesses += 1;
        let turns = self.turns.entry(lock).or_default();
        let before = turns.seen.insert(grant, now);
        // Those who share a lock do not mind each other.
        let against = if mode == Mode::Shared { &turns.exclusive } else { &turns.all };
        if let (Some(first), Some((by, between))) = (before, against.but(grant))
            && between > first
        {
            let broken = rules::INTERLEAVED.with("client", client(grant)).with("lock", u64::from(lock)).with("grant", grant.to_string());
            let broken = broken.with("other", client(by)).with("by", by.to_string()).seen("first", first).seen("between", between);
            self.violations.add(&MUTUAL_EXCLUSION, now, broken);
        }
        if let (Some(token), Some((highest, by, before))) = (token, against.highest)
            && token < highest
        {
            let broken = rules::OVERTAKEN.with("client", client(grant)).with("lock", u64::from(lock)).with("token", token);
            let broken = broken.with("other", client(by)).with("highest", highest).seen("before", before);
            self.violations.add(&MUTUAL_EXCLUSION, now, broken);
        }
        turns.all.add(now, grant, token);
        if mode == Mode::Exclusive {
            turns.exclusive.add(now, grant, token);
        }
    }

    fn said(&mut self, now: Sighting, note: HolderNote) {
        match note {
            HolderNote::Asks { lock, grant } => {
                let tokens = self.tokens.entry(lock).or_default();
                tokens.asked.insert(grant, (now, tokens.highest));
            }
            HolderNote::Holds { lock, grant, token, .. } => self.holds(now, lock, grant, token),
            HolderNote::Leaves { lock, grant, why } => {
                *self.measured.why.entry(why).or_default() += 1;
                self.measured.beliefs.remove(&(lock, grant));
            }
            HolderNote::Wakes { .. } | HolderNote::Observes { .. } => {}
        }
    }

    fn holds(&mut self, now: Sighting, lock: u32, grant: Grant, token: Option<u64>) {
        let tokens = self.tokens.entry(lock).or_default();
        let asked = tokens.asked.remove(&grant);
        if let (Some(token), Some((since, Some((highest, other))))) = (token, asked)
            && token <= highest
        {
            let broken = rules::TOKEN_SMALL.with("client", client(grant)).with("lock", u64::from(lock)).with("token", token);
            let broken = broken.with("other", client(other)).with("highest", highest).seen("since", since);
            self.violations.add_at(&TOKENS_GROW, now.at, broken.on([now.record]));
        }
        if let Some(token) = token
            && tokens.highest.is_none_or(|(highest, _)| token > highest)
        {
            tokens.highest = Some((token, grant));
        }
        self.measured.held += 1;
        if let Some((since, _)) = asked {
            self.measured.waits.push(now.at.since(since.at));
        }
        self.measured.shared_beliefs += u64::from(self.measured.beliefs.keys().any(|(other, _)| *other == lock));
        self.measured.beliefs.insert((lock, grant), now.at);
        if let Some(since) = self.measured.orphaned.remove(&lock) {
            self.measured.recovered.push(now.at.since(since));
        }
    }

    /// A client has crashed, and with it goes what it believed.
    fn crashed(&mut self, now: Sighting, node: NodeId) {
        let lost: Vec<(u32, Grant)> = self.measured.beliefs.keys().filter(|(_, grant)| client(*grant) == node).copied().collect();
        for (lock, grant) in lost {
            self.measured.beliefs.remove(&(lock, grant));
            self.measured.orphaned.insert(lock, now.at);
        }
    }
}

/// The client of a grant.
fn client(grant: Grant) -> NodeId {
    NodeId::client(grant.0.client)
}

impl<V: Locking> Judge<V> for LockJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let now = record.sighting();
        match record.event {
            Event::Note { note, .. } => {
                if let Some(accessed) = V::accessed(note) {
                    self.accessed(now, accessed);
                }
            }
            Event::ClientNote { note, .. } => {
                if let Some(note) = V::said(note) {
                    self.said(now, note);
                }
            }
            Event::Crash { node, .. } if node.is_client() => self.crashed(now, *node),
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Note, Sort::Crash])
    }

    fn violated(&self) -> bool {
        !self.violations.is_empty()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.violations.reports(&PROPERTIES)
    }

    fn tables(&self) -> Vec<Table> {
        let Measured { held, why, waits, shared_beliefs, accesses, recovered, .. } = &self.measured;
        let columns = ["held", "done", "ended", "lost", "fenced", "accesses", "believed by two", "wait, median", "wait, 99%", "recovered"];
        let mut table = Table::new("locks", &columns);
        let count = |of: &str| Cell::Count(why.get(of).copied().unwrap_or(0));
        let quantile = |of: &[Duration], parts, whole| Cell::quantile(&mut of.to_vec(), parts, whole);
        let cells = vec![
            Cell::Count(*held),
            count("done"),
            count("ended"),
            count("lost"),
            count("fenced"),
            Cell::Count(*accesses),
            Cell::Count(*shared_beliefs),
            quantile(waits, 1, 2),
            quantile(waits, 99, 100),
            quantile(recovered, 1, 1),
        ];
        table.row("locks", cells);
        vec![table]
    }
}
