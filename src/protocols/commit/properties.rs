//! What must hold of atomic commit, whatever the protocol: judged from outside, by what servers say of themselves.
//!
//! [`PROPERTIES`] says what each demands. AC1 to AC5 are those of *Concurrency Control and Recovery in Database Systems* (Bernstein,
//! Hadzilacos and Goodman, 1987), §7.2. The judge also measures how long participants were in doubt, and keys locked.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::locks::Mode;
use super::{Cause, Decision, HeldLock, Note, TxnId, Vote};
use crate::base::{Duration, NodeId, SortedMap, SortedSet, Time};
use crate::check::{Broken, Fact, Property, PropertyReport, Rule, Sighting, Violations};
use crate::fault::Strike;
use crate::trace::{Cell, Event, Judge, Record, Table, Vocabulary};

/// The properties, in the order in which they are reported. Of two that are violated in one record the first counts as violated first: what
/// one server may not do comes before what follows from it among several.
pub const PROPERTIES: [Property; 12] = [
    NO_ABORT_AFTER_YES,
    AGREEMENT,
    NO_REVERSAL,
    COMMIT_NEEDS_ALL_YES,
    COMMIT_IF_ALL_YES,
    ALL_DECIDE,
    LOCKS_UNTIL_DECIDED,
    EXCLUSIVE_LOCKS,
    TWO_PHASE_LOCKING,
    DECISION_FINDABLE,
    UNIQUE_TRANSACTIONS,
    TOLD_WHAT_HAPPENED,
];

const AGREEMENT: Property = Property::always("agreement", "no two servers decide differently on a transaction (AC1)");
const NO_REVERSAL: Property = Property::always("no-reversal", "no server reverses its decision, not after a crash either (AC2)");
const COMMIT_NEEDS_ALL_YES: Property =
    Property::always("commit-needs-all-yes", "a transaction commits only if all participants have voted for it (AC3)");
const COMMIT_IF_ALL_YES: Property = Property::always("commit-if-all-yes", "a coordinator that has heard yes from all does not abort (AC4)");
const ALL_DECIDE: Property = Property::eventually(
    "all-decide",
    "when the faults are over, no participant stays in doubt, and no locks stay behind, but of what a server that is gone for good took part in (AC5)",
);
const NO_ABORT_AFTER_YES: Property =
    Property::always("no-abort-after-yes", "a participant that has voted yes aborts only when another server has decided so");
const LOCKS_UNTIL_DECIDED: Property = Property::always(
    "locks-until-decided",
    "a participant holds what it has locked until it has voted no, has left without writes, or knows the decision; over crashes, too",
);
const EXCLUSIVE_LOCKS: Property = Property::always("exclusive-locks", "no two transactions hold locks on a key that exclude each other");
const TWO_PHASE_LOCKING: Property =
    Property::always("two-phase-locking", "a transaction that commits takes no lock anywhere after it has given one up");
const DECISION_FINDABLE: Property = Property::always(
    "decision-findable",
    "a decision is not forgotten while a participant in doubt would be told the opposite, and none is told it",
);
const UNIQUE_TRANSACTIONS: Property = Property::always("unique-transactions", "no two transactions have one name");
const TOLD_WHAT_HAPPENED: Property = Property::always("told-what-happened", "what a client is told of its transaction is what was decided");

/// Judges servers of a commit protocol by the [`PROPERTIES`], and measures blocking.
#[derive(Debug, Default)]
pub struct CommitJudge {
    transactions: BTreeMap<TxnId, Txn>,
    /// Who holds what, by server and key.
    locks: BTreeMap<(NodeId, u64), SortedMap<TxnId, Holder>>,
    /// Of whom each server does not know the decision.
    doubts: SortedMap<NodeId, SortedSet<TxnId>>,
    /// How often each server has started.
    lives: SortedMap<NodeId, u64>,
    /// The servers that are down, and since when.
    down: SortedMap<NodeId, Time>,
    /// Those of them that nothing starts again.
    destroyed: SortedSet<NodeId>,
    settling: Option<Time>,
    now: Sighting,
    found: Violations,
    measured: Measured,
}

/// A lock that is held.
#[derive(Clone, Copy, Debug)]
struct Holder {
    mode: Mode,
    /// When it was taken, and in which record.
    taken: Sighting,
    /// For how long its server was down meanwhile, which does not count in what is measured.
    absence: Duration,
}

/// What is known of a transaction.
#[derive(Clone, Debug, Default)]
struct Txn {
    participants: Option<(Vec<NodeId>, Sighting)>,
    parties: SortedMap<NodeId, Party>,
    /// What the coordinator has heard, and in which record.
    heard: SortedMap<NodeId, (Vote, u64)>,
    /// The first word of a decision: whose, and when.
    decided: Option<(Decision, NodeId, Sighting)>,
    /// Whether a server was free to abort, and did.
    aborted: bool,
    /// What a participant that asks is told since the coordinator has forgotten it.
    forgotten: Option<(Decision, Sighting)>,
    told: Option<(Decision, Sighting)>,
}

/// What is known of a participant.
#[derive(Clone, Debug, Default)]
struct Party {
    vote: Option<Vote>,
    /// The record in which it last voted, or came back in doubt.
    voted: Option<u64>,
    /// Whether it ever voted no while its vote counted.
    refused: bool,
    /// Whether it said no after it had left, or before a crash: a coordinator that hears of that may abort.
    refused_late: bool,
    /// What it said was decided.
    said: Option<(Decision, Sighting)>,
    /// Whether it knows the decision: until a crash makes it forget.
    knows: bool,
    doubt: Option<Time>,
    /// Keys that it holds exclusively.
    exclusive: SortedSet<u64>,
    /// When a crash took its locks, if it has taken none since.
    lost: Option<Sighting>,
    /// In which life of the server it last took a lock.
    life: u64,
    /// The number of the record in which it took its last lock, and the key.
    last_lock: Option<(u64, u64)>,
    /// The number of the record in which it first gave locks up.
    first_release: Option<u64>,
}

impl Party {
    /// Whether it may have said no: it had not voted yes, or knew that the transaction is aborted, and was asked again.
    fn may_refuse(&self) -> bool {
        self.refused || self.refused_late || matches!(self.said, Some((Decision::Abort, _)))
    }
}

impl Txn {
    /// A participant that has voted yes and does not know the decision.
    fn doubtful(&self) -> Option<(NodeId, &Party)> {
        self.parties.iter().find(|(_, party)| party.vote == Some(Vote::Yes) && !party.knows).map(|(node, party)| (*node, party))
    }
}

#[derive(Debug, Default)]
struct Measured {
    began: u64,
    committed: u64,
    aborted: u64,
    inquiries: u64,
    presumed: u64,
    doubts: Vec<Duration>,
    /// How long keys were locked, and how long for those in doubt.
    locks: Vec<Duration>,
    locks_in_doubt: Vec<Duration>,
    /// The most keys that were locked at once for transactions in doubt.
    most_in_doubt: u64,
    /// How many are now.
    now_in_doubt: u64,
}

impl CommitJudge {
    /// A judge that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    #[cold]
    fn violated(&mut self, property: &Property, broken: Broken) {
        self.found.add(property, self.now, broken);
    }

    fn party(&mut self, txn: TxnId, node: NodeId) -> &mut Party {
        self.transactions.entry(txn).or_default().parties.entry(node).or_default()
    }

    fn noted(&mut self, node: NodeId, note: &Note) {
        match *note {
            Note::Recovered { ref in_doubt, .. } => self.recovered(node, in_doubt),
            Note::Began { txn, ref participants } => self.began(node, txn, participants),
            Note::Locked { txn, lock } => self.locked(node, txn, lock),
            Note::Released { txn, shared_only } => self.released(node, txn, shared_only),
            Note::Voted { txn, vote } => self.voted(node, txn, vote),
            Note::Heard { txn, from, vote } => {
                self.transactions.entry(txn).or_default().heard.insert(from, (vote, self.now.record));
            }
            Note::Decided { txn, decision, cause } => {
                self.decided(node, txn, decision, cause);
                self.said(node, txn, decision);
            }
            Note::Learned { txn, decision } => {
                self.learned(node, txn, decision);
                self.said(node, txn, decision);
            }
            Note::Inquired { .. } => self.measured.inquiries += 1,
            Note::Presumed { txn, decision } => self.presumed(node, txn, decision),
            Note::Forgot { txn, presumed } => self.forgot(node, txn, presumed),
            Note::Told { txn, decision } => self.told(node, txn, decision),
        }
    }

    fn began(&mut self, node: NodeId, txn: TxnId, participants: &[NodeId]) {
        self.measured.began += 1;
        let state = self.transactions.entry(txn).or_default();
        if let Some((_, since)) = state.participants {
            self.violated(&UNIQUE_TRANSACTIONS, broken(&rules::BEGAN_TWICE, node, txn).on([since.record]));
        } else {
            state.participants = Some((participants.to_vec(), self.now));
        }
    }
}

/// Votes and decisions.
impl CommitJudge {
    fn voted(&mut self, node: NodeId, txn: TxnId, vote: Vote) {
        let now = self.now;
        let party = self.party(txn, node);
        // A participant that has left without writes takes no further part, whatever it says when it is asked again after a crash.
        if party.vote == Some(Vote::ReadOnly) {
            party.refused_late |= vote == Vote::No;
            let state = self.transactions.entry(txn).or_default();
            state.aborted |= vote == Vote::No;
            return;
        }
        (party.vote, party.voted) = (Some(vote), Some(now.record));
        match vote {
            Vote::Yes => {
                if party.doubt.is_none() && !party.knows {
                    party.doubt = Some(now.at);
                    let keys = party.exclusive.len() as u64;
                    self.doubts.entry(node).or_default().insert(txn);
                    self.measured.now_in_doubt += keys;
                    self.measured.most_in_doubt = self.measured.most_in_doubt.max(self.measured.now_in_doubt);
                }
            }
            Vote::No => {
                party.refused = true;
                let state = self.transactions.entry(txn).or_default();
                state.aborted = true;
                if let Some((Decision::Commit, by, at)) = state.decided {
                    let broken = broken(&rules::REFUSED_AFTER_COMMIT, node, txn).with("by", by).seen("since", at);
                    self.violated(&COMMIT_NEEDS_ALL_YES, broken);
                }
            }
            Vote::ReadOnly => {}
        }
    }

    /// A coordinator, or the only participant, decided.
    fn decided(&mut self, node: NodeId, txn: TxnId, decision: Decision, cause: Cause) {
        if decision == Decision::Commit {
            return;
        }
        let state = self.transactions.entry(txn).or_default();
        state.aborted = true;
        let Some((participants, _)) = &state.participants else { return };
        let for_it = |node: &NodeId| matches!(state.heard.get(node), Some((Vote::Yes | Vote::ReadOnly, _)));
        // What a coordinator had heard it forgets in a crash.
        if cause != Cause::Recovery && !participants.is_empty() && participants.iter().all(for_it) {
            let heard: Vec<u64> = state.heard.values().map(|(_, record)| *record).collect();
            self.violated(&COMMIT_IF_ALL_YES, broken(&rules::ABORTED_THOUGH_ALL_YES, node, txn).on(heard));
        } else if let Cause::VotedNo(by) = cause
            && !state.parties.get(&by).is_some_and(Party::may_refuse)
        {
            let voted = state.parties.get(&by).and_then(|party| party.voted);
            self.violated(&COMMIT_IF_ALL_YES, broken(&rules::ABORTED_FOR_NO_NO, node, txn).with("by", by).on(voted));
        }
    }

    /// A participant knows the decision.
    fn learned(&mut self, node: NodeId, txn: TxnId, decision: Decision) {
        let party = self.party(txn, node);
        party.knows = true;
        let yes = party.voted.filter(|_| party.vote == Some(Vote::Yes));
        self.end_doubt(node, txn);
        let state = self.transactions.entry(txn).or_default();
        if decision == Decision::Abort && yes.is_some() && !state.aborted {
            self.violated(&NO_ABORT_AFTER_YES, broken(&rules::ABORTED_ALONE, node, txn).on(yes));
        }
    }

    /// A server says that this was decided.
    fn said(&mut self, node: NodeId, txn: TxnId, decision: Decision) {
        let now = self.now;
        let party = self.party(txn, node);
        let before = party.said.get_or_insert((decision, now)).to_owned();
        let state = self.transactions.entry(txn).or_default();
        let first = state.decided.is_none();
        let (other, by, at) = *state.decided.get_or_insert((decision, node, now));
        if before.0 != decision {
            let broken = broken(&rules::REVERSED, node, txn).with("before", before.0).seen("since", before.1);
            self.violated(&NO_REVERSAL, broken.with("decision", decision));
        } else if other != decision {
            let broken = broken(&rules::DISAGREE, node, txn).with("by", by).with("before", other).seen("since", at);
            self.violated(&AGREEMENT, broken.with("decision", decision));
        }
        if first {
            match decision {
                Decision::Commit => self.measured.committed += 1,
                Decision::Abort => self.measured.aborted += 1,
            }
            if decision == Decision::Commit {
                self.committed(node, txn);
            }
        }
        let state = self.transactions.entry(txn).or_default();
        if let Some((_, at)) = state.told.filter(|(told, _)| *told != decision) {
            let broken = broken(&rules::TOLD_THE_OPPOSITE, node, txn).with("decision", decision).on([at.record]);
            self.violated(&TOLD_WHAT_HAPPENED, broken);
        }
    }

    /// A transaction was committed: may it be?
    fn committed(&mut self, node: NodeId, txn: TxnId) {
        let Self { transactions, found, now, .. } = self;
        let Some(state) = transactions.get(&txn) else { return };
        for participant in state.participants.iter().flat_map(|(participants, _)| participants) {
            let party = state.parties.get(participant);
            let without = match party {
                Some(party) if party.refused => Some(&rules::COMMITTED_AGAINST),
                Some(Party { vote: Some(Vote::Yes | Vote::ReadOnly), .. }) => None,
                _ => Some(&rules::COMMITTED_WITHOUT),
            };
            let committed = |rule| broken(rule, node, txn).with("participant", *participant);
            if let Some(rule) = without {
                found.add(&COMMIT_NEEDS_ALL_YES, *now, committed(rule).on(party.and_then(|party| party.voted)));
            }
            if let Some(lost) = party.and_then(|party| party.lost) {
                found.add(&LOCKS_UNTIL_DECIDED, *now, committed(&rules::COMMITTED_UNLOCKED).seen("lost", lost));
            }
        }
        let parties = || state.parties.iter();
        let last_lock = parties().filter_map(|(node, party)| party.last_lock.map(|(number, key)| (number, key, node))).max();
        let first_release = parties().filter_map(|(node, party)| Some((party.first_release?, node))).min();
        if let (Some((lock, key, taken_by)), Some((release, given_by))) = (last_lock, first_release)
            && lock > release
        {
            let broken = broken(&rules::LOCKED_AFTER_RELEASE, *taken_by, txn).with("key", key_of(key));
            found.add(&TWO_PHASE_LOCKING, *now, broken.with("by", *given_by).on([release, lock]));
        }
    }

    fn presumed(&mut self, node: NodeId, txn: TxnId, decision: Decision) {
        self.measured.presumed += 1;
        let state = self.transactions.entry(txn).or_default();
        state.aborted |= decision == Decision::Abort;
        // A participant that knows better may be told anything: its question was late.
        if let Some((other, by, at)) = state.decided
            && other != decision
            && let Some((doubtful, party)) = state.doubtful()
        {
            let broken = broken(&rules::PRESUMED_THE_OPPOSITE, node, txn).with("decision", decision).with("by", by).with("before", other);
            let broken = broken.seen("since", at).with("doubtful", doubtful).on(party.voted);
            self.violated(&DECISION_FINDABLE, broken);
        }
    }

    fn forgot(&mut self, node: NodeId, txn: TxnId, presumed: Decision) {
        let state = self.transactions.entry(txn).or_default();
        state.forgotten = Some((presumed, self.now));
        let Some((decision, _, at)) = state.decided.filter(|(decision, ..)| *decision != presumed) else { return };
        if let Some((doubtful, party)) = state.doubtful() {
            let broken = broken(&rules::FORGOT_EARLY, node, txn).with("decision", decision).with("doubtful", doubtful);
            let broken = broken.on([at.record].into_iter().chain(party.voted));
            self.violated(&DECISION_FINDABLE, broken);
        }
    }

    fn told(&mut self, node: NodeId, txn: TxnId, decision: Decision) {
        let state = self.transactions.entry(txn).or_default();
        state.told = Some((decision, self.now));
        let fits = match decision {
            Decision::Commit => state.decided.is_some_and(|(decided, ..)| decided == Decision::Commit),
            Decision::Abort => state.decided.is_none_or(|(decided, ..)| decided == Decision::Abort),
        };
        let nothing_done = state.participants.as_ref().is_some_and(|(participants, _)| participants.is_empty());
        if !fits && !nothing_done {
            let decided = state.decided.map(|(_, _, at)| at.record);
            self.violated(&TOLD_WHAT_HAPPENED, broken(&rules::TOLD_WRONG, node, txn).with("decision", decision).on(decided));
        }
    }

    fn end_doubt(&mut self, node: NodeId, txn: TxnId) {
        let now = self.now.at;
        self.doubts.entry(node).or_default().remove(&txn);
        let party = self.party(txn, node);
        let Some(since) = party.doubt.take() else { return };
        let (length, keys) = (now.since(since), party.exclusive.len());
        self.measured.doubts.push(length);
        self.measured.locks_in_doubt.extend(std::iter::repeat_n(length, keys));
        self.measured.now_in_doubt = self.measured.now_in_doubt.saturating_sub(keys as u64);
    }
}

/// Locks.
impl CommitJudge {
    fn locked(&mut self, node: NodeId, txn: TxnId, lock: HeldLock) {
        let now = self.now;
        let holders = self.locks.entry((node, lock.key)).or_default();
        let against = holders.iter().find(|(other, held)| **other != txn && !held.mode.goes_with(lock.mode));
        if let Some((other, held)) = against {
            let broken = broken(&rules::BOTH_LOCKED, node, txn).with("key", key_of(lock.key)).with("mode", lock.mode);
            let broken = broken.with("other", *other).with("held", held.mode).seen("since", held.taken);
            self.found.add(&EXCLUSIVE_LOCKS, now, broken);
        }
        let held = holders.get(&txn).copied().unwrap_or(Holder { mode: lock.mode, taken: now, absence: Duration::ZERO });
        holders.insert(txn, Holder { mode: lock.mode, ..held });
        let life = self.lives.get(&node).copied().unwrap_or_default();
        let party = self.party(txn, node);
        // After a crash it begins anew. If it had said no, no coordinator can have heard it, or the transaction will not commit.
        if party.life != life && matches!(party.vote, None | Some(Vote::No)) {
            // That no may be on its way yet: a coordinator may abort for it.
            *party = Party { said: party.said, refused_late: party.refused || party.refused_late, ..Party::default() };
        }
        party.life = life;
        if lock.mode == Mode::Exclusive {
            party.exclusive.insert(lock.key);
        }
        // What is locked once more by one who has left is for nothing: the work has come twice, the second time after a crash.
        if party.vote.is_none() {
            party.lost = None;
            party.last_lock = Some((now.record, lock.key));
        }
    }

    fn released(&mut self, node: NodeId, txn: TxnId, shared_only: bool) {
        let now = self.now;
        let party = self.party(txn, node);
        let may = party.knows || matches!(party.vote, Some(Vote::No | Vote::ReadOnly));
        party.first_release.get_or_insert(now.record);
        if !shared_only {
            party.exclusive.clear();
            if !may {
                let since = party.last_lock.map(|(record, _)| record).into_iter().chain(party.voted);
                let broken = broken(&rules::RELEASED_EARLY, node, txn).on(since);
                self.violated(&LOCKS_UNTIL_DECIDED, broken);
            }
        }
        self.drop_locks(node, |other, mode| other == txn && (!shared_only || mode == Mode::Shared));
    }

    /// Takes locks of a server off the books, and measures how long they were held.
    fn drop_locks(&mut self, node: NodeId, which: impl Fn(TxnId, Mode) -> bool) {
        let now = self.now.at;
        for ((_, _), holders) in self.locks.range_mut((node, 0)..=(node, u64::MAX)) {
            let dropped = holders.extract_if(|txn, held| which(*txn, held.mode));
            self.measured.locks.extend(dropped.map(|(_, held)| now.since(held.taken.at + held.absence)));
        }
    }

    /// A crash takes the locks of all that had not voted yes.
    fn crashed(&mut self, node: NodeId) {
        let now = self.now;
        self.down.insert(node, now.at);
        let mut held = SortedSet::new();
        for holders in self.locks.range((node, 0)..=(node, u64::MAX)).map(|(_, holders)| holders) {
            held.extend(holders.keys().copied());
        }
        for txn in held {
            let party = self.party(txn, node);
            if party.vote.is_none() {
                party.lost = Some(now);
                party.exclusive.clear();
            }
        }
        let doubts = self.doubts.get(&node).cloned().unwrap_or_default();
        self.drop_locks(node, |txn, _| !doubts.contains(&txn));
    }

    /// No transaction waits for locks on a server that is down: what is measured is how long it was in doubt, and held locks, while it was
    /// up.
    fn pass_over_absence(&mut self, node: NodeId) {
        let Some(since) = self.down.remove(&node) else { return };
        let absence = self.now.at.since(since);
        for txn in self.doubts.get(&node).into_iter().flatten() {
            let party = self.transactions.get_mut(txn).and_then(|state| state.parties.get_mut(&node));
            if let Some(begun) = party.and_then(|party| party.doubt.as_mut()) {
                *begun += absence;
            }
        }
        for held in self.locks.range_mut((node, 0)..=(node, u64::MAX)).flat_map(|(_, holders)| holders.values_mut()) {
            held.absence += absence;
        }
    }

    /// A server came back: those in doubt are as they were, and votes that it does not know of were never given.
    fn recovered(&mut self, node: NodeId, in_doubt: &[(TxnId, Vec<HeldLock>)]) {
        let now = self.now;
        *self.lives.entry(node).or_default() += 1;
        self.pass_over_absence(node);
        let before = self.doubts.remove(&node).unwrap_or_default();
        for txn in before {
            if !in_doubt.iter().any(|(doubtful, _)| *doubtful == txn) {
                self.end_doubt(node, txn);
                let party = self.party(txn, node);
                let voted = party.voted;
                (party.vote, party.lost) = (None, Some(now));
                party.exclusive.clear();
                let state = &self.transactions[&txn];
                if let Some((Decision::Commit, by, at)) = state.decided {
                    let broken = broken(&rules::FORGOT_ITS_YES, node, txn).with("by", by).seen("since", at).on(voted);
                    self.violated(&COMMIT_NEEDS_ALL_YES, broken);
                }
            }
        }
        self.drop_locks(node, |txn, _| !in_doubt.iter().any(|(doubtful, _)| *doubtful == txn));
        for (txn, locks) in in_doubt {
            let exclusive: SortedSet<u64> = locks.iter().filter(|lock| lock.mode == Mode::Exclusive).map(|lock| lock.key).collect();
            for lock in locks {
                self.locks.entry((node, lock.key)).or_default().entry(*txn).or_insert(Holder {
                    mode: lock.mode,
                    taken: now,
                    absence: Duration::ZERO,
                });
            }
            let party = self.party(*txn, node);
            // A decision that it had heard and did not write down is one that it must hear again.
            party.knows = false;
            let voted = party.voted.replace(now.record);
            party.vote = Some(Vote::Yes);
            if party.doubt.is_none() {
                party.doubt = Some(now.at);
                self.measured.now_in_doubt += exclusive.len() as u64;
            }
            let party = self.party(*txn, node);
            let missing = party.exclusive.iter().find(|key| !exclusive.contains(*key)).copied();
            self.doubts.entry(node).or_default().insert(*txn);
            if let Some(key) = missing {
                let broken = broken(&rules::CAME_BACK_UNLOCKED, node, *txn).with("key", key_of(key)).on(voted);
                self.violated(&LOCKS_UNTIL_DECIDED, broken);
            }
            self.party(*txn, node).exclusive = exclusive;
            let state = &self.transactions[txn];
            if let (Some((decision, _, at)), Some((presumed, forgotten))) = (state.decided, state.forgotten)
                && decision != presumed
            {
                let broken = broken(&rules::IN_DOUBT_AGAIN, node, *txn).with("decision", decision).on([at.record, forgotten.record]);
                self.violated(&DECISION_FINDABLE, broken);
            }
        }
    }
}

impl<V: Vocabulary<Note = Note>> Judge<V> for CommitJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        self.now = record.sighting();
        match *record.event {
            Event::Note { node, note } => self.noted(node, note),
            Event::Crash { node, .. } if !node.is_client() => self.crashed(node),
            Event::Strike { strike: Strike::Destroy { node } } => drop(self.destroyed.insert(*node)),
            Event::Settle => self.settling = Some(record.at),
            _ => {}
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let mut found = self.found.clone();
        if let Some(detail) = self.left_behind() {
            found.add_at(&ALL_DECIDE, self.now.at, detail);
        }
        found.reports(&PROPERTIES)
    }

    fn tables(&self) -> Vec<Table> {
        let Measured { doubts, locks, locks_in_doubt, .. } = &self.measured;
        let mut blocking = Table::new("Blocking", &["count", "median", "p99", "max"]);
        let row = |lengths: &[Duration]| {
            let mut lengths = lengths.to_vec();
            vec![
                Cell::Count(lengths.len() as u64),
                Cell::median(&mut lengths),
                Cell::quantile(&mut lengths, 99, 100),
                Cell::quantile(&mut lengths, 1, 1),
            ]
        };
        let open = self.transactions.values().flat_map(|state| state.parties.values()).filter_map(|party| party.doubt);
        let all: Vec<Duration> = doubts.iter().copied().chain(open.map(|since| self.now.at.since(since))).collect();
        blocking.row("participants in doubt", row(&all));
        blocking.row("keys locked for writing, in doubt", row(locks_in_doubt));
        blocking.row("keys locked", row(locks));
        let mut transactions = Table::new("Transactions", &["count"]);
        for (name, count) in [
            ("begun", self.measured.began),
            ("committed", self.measured.committed),
            ("aborted", self.measured.aborted),
            ("inquiries of those in doubt", self.measured.inquiries),
            ("answers by presumption", self.measured.presumed),
            ("most keys locked for writing at once, in doubt", self.measured.most_in_doubt),
        ] {
            transactions.row(name, vec![Cell::Count(count)]);
        }
        vec![blocking, transactions]
    }
}

impl CommitJudge {
    /// What is left when the run is over and everything that can be has been healed.
    fn left_behind(&self) -> Option<Broken> {
        self.settling.filter(|settling| self.now.at > *settling)?;
        let doubts = self.doubts.iter().flat_map(|(node, doubts)| doubts.iter().map(|txn| (*node, *txn)));
        let mut doubts = doubts.filter(|(node, txn)| !self.is_excused(*node, *txn));
        if let Some((node, txn)) = doubts.next() {
            let voted = self.transactions[&txn].parties.get(&node).and_then(|party| party.voted);
            return Some(match doubts.count() {
                0 => broken(&rules::LEFT_IN_DOUBT, node, txn).on(voted),
                others => broken(&rules::SOME_LEFT_IN_DOUBT, node, txn).with("others", others).on(voted),
            });
        }
        let held = self.locks.iter().flat_map(|((node, key), holders)| holders.iter().map(|(txn, held)| (*node, *key, *txn, held)));
        let (node, key, txn, held) = held.into_iter().find(|(node, _, txn, _)| !self.is_excused(*node, *txn))?;
        Some(broken(&rules::LEFT_LOCKED, node, txn).with("key", key_of(key)).on([held.taken.record]))
    }

    /// Whether nothing is demanded of this server and transaction. AC5 is for failures that are repaired: not for what a server is needed
    /// for that is gone for good. (Whether the others can do without it is asked by progress.)
    fn is_excused(&self, node: NodeId, txn: TxnId) -> bool {
        let participants = self.transactions.get(&txn).and_then(|state| state.participants.as_ref());
        let needed = participants.into_iter().flat_map(|(nodes, _)| nodes).copied().chain([node, txn.coordinator]);
        needed.into_iter().any(|node| self.destroyed.contains(&node))
    }
}

/// What a server did to a transaction against this rule.
fn broken(rule: &'static Rule, node: NodeId, txn: TxnId) -> Broken {
    rule.with("node", node).with("txn", txn)
}

fn key_of(key: u64) -> Fact {
    Fact::Key(format!("k{key}"))
}

impl From<TxnId> for Fact {
    fn from(txn: TxnId) -> Self {
        Self::Transaction(txn.to_string())
    }
}

impl From<Decision> for Fact {
    fn from(decision: Decision) -> Self {
        Self::Decision(decision.name())
    }
}

impl From<Mode> for Fact {
    fn from(mode: Mode) -> Self {
        Self::Mode(mode.name())
    }
}
