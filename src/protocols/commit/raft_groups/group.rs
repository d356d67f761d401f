//! The state machine of a group: what its servers agree on. It is participant for the group's keys, and coordinator of the transactions
//! whose first key is one of these.
//!
//! It sends nothing. What its leader is to do, and what is to be noted, are its outputs, which each server takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::super::locks::Policy;
use super::super::manager::{Happening, Manager, Refusal};
use super::super::part::{Part, divide};
use super::super::{Age, Cause, Decision, Epoch, Note, TxnId, Vote, mark};
use super::{Operation, Rules};
use crate::base::{Act, ClientId, Committed, Digest, NodeId, Seen, SortedMap, Transaction};
use crate::process::Mark;
use crate::process::Reply;
use crate::protocols::raft;

/// What a group knows. Its servers all go through the same states.
#[derive(Clone, Debug)]
pub struct Group {
    name: NodeId,
    groups: u32,
    rules: Arc<dyn Rules>,
    manager: Manager,
    sessions: SortedMap<ClientId, Session>,
    /// How many transactions it has begun to coordinate.
    begun: u64,
    coordinated: SortedMap<TxnId, Coordination>,
    /// How transactions ended here that it takes part in.
    ended: BTreeMap<TxnId, Decision>,
    /// How many notes were made so far.
    notes: u64,
    /// What the operation under way has to say.
    tray: Vec<News>,
}

/// Something that servers are to do about a change.
#[derive(Clone, Debug)]
pub enum News {
    /// Say this. All servers of a group say the same, numbered from 1.
    Note(u64, Note),
    /// Say that this place was passed.
    Mark(Mark),
    /// A transaction is to be coordinated.
    Began(TxnId),
    /// The group has voted.
    Voted(TxnId),
    /// The group has decided, as the coordinator.
    Decided(TxnId),
    /// The group knows the decision, as a participant.
    Learned(TxnId),
}

/// A client's session: the last operation, which transaction that is, and what came of it.
#[derive(Clone, Debug, Serialize)]
struct Session {
    number: u64,
    answer: Option<Reply<Committed>>,
}

/// A transaction that the group coordinates.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Coordination {
    pub(super) age: Age,
    pub(super) session: ClientId,
    pub(super) number: u64,
    parts: SortedMap<NodeId, Part>,
    /// How many reads there are.
    reads: usize,
    pub(super) decision: Option<Decision>,
}

impl Coordination {
    /// Who takes part.
    pub(super) fn participants(&self) -> impl Iterator<Item = NodeId> {
        self.parts.keys().copied()
    }

    /// What a participant is to do.
    pub(super) fn acts(&self, participant: NodeId) -> Vec<Act> {
        self.parts.get(&participant).map(|part| part.acts.clone()).unwrap_or_default()
    }
}

impl raft::StateMachine for Group {
    type Operation = Operation;
    type Response = ();
    type Output = News;

    fn execute(&mut self, operation: &Operation, changes: &mut Digest, outputs: &mut Vec<News>) {
        changes.word(Digest::of(operation));
        match operation {
            Operation::Begin { session, number, began, transaction } => {
                let txn = TxnId { coordinator: self.name, epoch: Epoch(1), number: self.begun + 1 };
                self.begin(*session, *number, Age { began: *began, txn }, transaction);
            }
            Operation::Prepare { age, acts } => self.prepare(*age, acts.clone()),
            Operation::Decide { txn, decision, cause, seen } => self.decide(*txn, *decision, *cause, seen),
            Operation::Learn { txn, decision } => self.learn(*txn, *decision),
            Operation::Forget { txn } => self.forget(*txn),
        }
        changes.word(self.notes);
        outputs.append(&mut self.tray);
    }

    fn query(&self, _: &Operation) {}

    fn fingerprint(&self) -> u64 {
        Digest::of(&(self.manager.store().digest(), &self.ended.iter().collect::<Vec<_>>(), self.begun, self.notes))
    }
}

/// What servers ask.
impl Group {
    /// A group that knows nothing, one of so many.
    pub(super) fn new(name: NodeId, groups: u32, rules: Arc<dyn Rules>) -> Self {
        Self {
            name,
            groups,
            rules,
            // Locks are taken in the same step in which a group votes. Under wound-wait an older transaction could then wait for a younger
            // one that has voted here, and that one for the older elsewhere. Under wait-die the old wait for the young alone.
            manager: Manager::new(Policy::WaitDie),
            sessions: SortedMap::new(),
            begun: 0,
            coordinated: SortedMap::new(),
            ended: BTreeMap::new(),
            notes: 0,
            tray: Vec::new(),
        }
    }

    /// On which group a key lies.
    fn home(&self, key: u64) -> NodeId {
        NodeId::server((key % u64::from(self.groups)) as u32)
    }

    /// Which group coordinates a transaction: that of its first key. A retry finds the same, whichever server is asked.
    pub(super) fn coordinator(&self, transaction: &Transaction) -> NodeId {
        self.home(transaction.acts.first().map_or(0, Act::key))
    }

    /// The last operation of a session that was taken in, and what came of it.
    pub(super) fn last_answer(&self, session: ClientId) -> Option<(u64, Option<&Reply<Committed>>)> {
        self.sessions.get(&session).map(|session| (session.number, session.answer.as_ref()))
    }

    /// The transactions that it coordinates and has not forgotten.
    pub(super) fn coordinated(&self) -> &SortedMap<TxnId, Coordination> {
        &self.coordinated
    }

    /// What the group votes, and what its reads saw; nothing before it has voted, and nothing after a commit.
    pub(super) fn vote(&self, txn: TxnId) -> Option<(Vote, Vec<Seen>)> {
        match self.ended.get(&txn) {
            Some(Decision::Abort) => Some((Vote::No, Vec::new())),
            Some(Decision::Commit) => None,
            None => Some((Vote::Yes, self.manager.seen(txn)?.to_vec())),
        }
    }

    /// How a transaction ended here.
    pub(super) fn ended(&self, txn: TxnId) -> Option<Decision> {
        self.ended.get(&txn).copied()
    }

    /// Whether the group has begun its part of a transaction, or has ended it.
    pub(super) fn knows(&self, txn: TxnId) -> bool {
        self.ended.contains_key(&txn) || self.manager.knows(txn)
    }

    /// The values and locks.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// How many transactions are undecided, of those that it coordinates.
    pub fn undecided(&self) -> usize {
        self.coordinated.values().filter(|coordination| coordination.decision.is_none()).count()
    }

    /// How many transactions are decided and not acknowledged by all.
    pub fn unheard(&self) -> usize {
        self.coordinated.len() - self.undecided()
    }
}

/// As the coordinator.
impl Group {
    fn begin(&mut self, session: ClientId, number: u64, age: Age, transaction: &Transaction) {
        if self.sessions.get(&session).is_some_and(|last| number <= last.number) {
            return self.tray.push(News::Mark(mark::REQUEST_REPEATED));
        }
        self.sessions.insert(session, Session { number, answer: None });
        self.begun += 1;
        let (parts, reads) = divide(&transaction.acts, |key| self.home(key));
        let txn = age.txn;
        self.note(Note::Began { txn, participants: parts.keys().copied().collect() });
        let own = parts.get(&self.name).map(|part| part.acts.clone());
        let empty = parts.is_empty();
        self.coordinated.insert(txn, Coordination { age, session, number, parts, reads, decision: None });
        self.tray.push(News::Began(txn));
        if let Some(acts) = own {
            self.prepare(age, acts);
        } else if empty {
            self.decide(txn, Decision::Commit, Cause::AllVotedYes, &[]);
        }
    }

    /// The first decision stands.
    ///
    /// 1. A leader has all votes, and puts its commit into the log.
    /// 2. It crashes. The next leader has that entry and does not know yet that it is committed: the transaction is undecided, and late.
    /// 3. It puts an abort into the log.
    /// 4. Both are committed, in this order, and all servers find the same one first.
    fn decide(&mut self, txn: TxnId, decision: Decision, cause: Cause, seen: &[(NodeId, Vec<Seen>)]) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        if coordination.decision.is_some_and(|first| first == decision || self.rules.first_decision_stands()) {
            return self.tray.push(News::Mark(super::mark::DECISION_FENCED));
        }
        coordination.decision = Some(decision);
        let (session, number) = (coordination.session, coordination.number);
        let reply = match decision {
            Decision::Commit => Reply::Done(Committed { seen: self.seen_by_all(txn, seen) }),
            Decision::Abort => Reply::Refused,
        };
        if let Some(known) = self.sessions.get_mut(&session).filter(|known| known.number == number) {
            known.answer = Some(reply);
        }
        match cause {
            Cause::VotedNo(from) => self.note(Note::Heard { txn, from, vote: Vote::No }),
            Cause::AllVotedYes => {
                for from in self.coordinated[&txn].participants().collect::<Vec<_>>() {
                    self.note(Note::Heard { txn, from, vote: Vote::Yes });
                }
            }
            Cause::Timeout | Cause::Recovery => {}
        }
        self.note(Note::Decided { txn, decision, cause });
        self.note(Note::Told { txn, decision });
        self.tray.push(News::Decided(txn));
        if self.coordinated[&txn].parts.contains_key(&self.name) {
            self.learn(txn, decision);
        }
    }

    /// What all reads saw, in the order of the acts.
    fn seen_by_all(&self, txn: TxnId, seen: &[(NodeId, Vec<Seen>)]) -> Vec<Seen> {
        let coordination = &self.coordinated[&txn];
        let mut all = vec![Seen::Empty; coordination.reads];
        let own = self.manager.seen(txn).map(|seen| (self.name, seen));
        for (node, seen) in seen.iter().map(|(node, seen)| (*node, &seen[..])).chain(own) {
            let reads = coordination.parts.get(&node).map_or(&[][..], |part| &part.reads);
            for (place, seen) in reads.iter().zip(seen) {
                all[*place] = seen.clone();
            }
        }
        all
    }

    fn forget(&mut self, txn: TxnId) {
        if self.coordinated.remove(&txn).is_some() {
            self.note(Note::Forgot { txn, presumed: Decision::Abort });
        }
    }
}

/// As a participant.
impl Group {
    fn prepare(&mut self, age: Age, acts: Vec<Act>) {
        if self.knows(age.txn) {
            return self.tray.push(News::Mark(mark::LATE_FENCED));
        }
        let news = self.manager.begin(age, acts);
        self.pass_on(news);
    }

    fn pass_on(&mut self, news: Vec<Happening>) {
        for happening in news {
            match happening {
                Happening::Locked(txn, lock) => self.note(Note::Locked { txn, lock }),
                Happening::Waits(_) => self.tray.push(News::Mark(mark::WAITED)),
                Happening::Executed(txn) => self.voted(txn, Vote::Yes),
                Happening::Refused(txn, why) => {
                    if why == Refusal::GaveWay {
                        self.tray.push(News::Mark(mark::DEADLOCK_AVOIDED));
                    }
                    self.ended.insert(txn, Decision::Abort);
                    self.voted(txn, Vote::No);
                }
                Happening::Released { txn, shared_only } => self.note(Note::Released { txn, shared_only }),
            }
        }
    }

    /// The group has voted. Its own *no* decides what it coordinates, and so does its *yes* if no other group takes part.
    fn voted(&mut self, txn: TxnId, vote: Vote) {
        if vote == Vote::Yes {
            self.manager.prepare(txn);
        }
        self.note(Note::Voted { txn, vote });
        self.tray.push(News::Voted(txn));
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        match vote {
            Vote::No => self.decide(txn, Decision::Abort, Cause::VotedNo(self.name), &[]),
            Vote::Yes | Vote::ReadOnly if coordination.parts.len() == 1 => {
                self.tray.push(News::Mark(mark::ONE_PHASE));
                self.decide(txn, Decision::Commit, Cause::AllVotedYes, &[]);
            }
            Vote::Yes | Vote::ReadOnly => {}
        }
    }

    fn learn(&mut self, txn: TxnId, decision: Decision) {
        let stands = |first: &Decision| *first == decision || self.rules.first_decision_stands();
        if !self.ended.get(&txn).is_some_and(stands) {
            self.note(Note::Learned { txn, decision });
            // Of what was never prepared nothing may be prepared from now on.
            self.ended.insert(txn, decision);
            let news = self.manager.end(txn, decision);
            self.pass_on(news);
        }
        self.tray.push(News::Learned(txn));
    }

    fn note(&mut self, note: Note) {
        self.notes += 1;
        self.tray.push(News::Note(self.notes, note));
    }
}
