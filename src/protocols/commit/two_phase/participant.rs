//! What a server does as a participant (BHG §7.3 and §7.4, R\* §2 and §3).

use std::sync::Arc;

use super::super::manager::{Happening, Prepared, Refusal};
use super::super::{Age, Decision, Epoch, Note, TxnId, Vote, mark};
use super::log::{FILE, Record};
use super::machine::{Context, Durable, Timer, TwoPhase};
use super::{Doubt, Message, Standing};
use crate::base::{Act, LocalTime, NodeId, SortedMap};
use crate::process::Release;

/// A transaction that a participant has prepared.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Which others may be in doubt; none where this participant decides.
    writers: Vec<NodeId>,
    /// Whether it was handed the decision, and its commit is on its way to disk.
    deciding: bool,
}

/// How a transaction ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Committed,
    Aborted,
    /// It had changed nothing: what was decided does not matter here, and is not known.
    Left,
}

impl From<Decision> for Ended {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Commit => Self::Committed,
            Decision::Abort => Self::Aborted,
        }
    }
}

/// The work.
impl TwoPhase {
    pub(super) fn on_work(&mut self, age: Age, acts: Vec<Act>, context: &mut Context<'_>) {
        let txn = age.txn;
        match self.ended.get(&txn) {
            Some(ended) => {
                context.sometimes(mark::LATE_FENCED);
                if *ended == Ended::Aborted {
                    context.send(txn.coordinator, Message::Vote { txn, vote: Vote::No });
                }
            }
            // It was asked twice: what is done is not done again.
            None if self.manager.knows(txn) => self.say_worked(txn, context),
            None => {
                context.set_timer(Timer::Abandon(txn), self.config.abandon_timeout);
                let news = self.manager.begin(age, acts);
                self.pass_on(news, context);
            }
        }
    }

    fn say_worked(&self, txn: TxnId, context: &mut Context<'_>) {
        let Some(work) = self.manager.work(txn) else { return };
        let worked = Message::Worked { txn, epoch: self.epoch, seen: work.seen.clone(), writes: !work.writes.is_empty() };
        context.send(txn.coordinator, worked);
    }

    /// Notes what came to pass, and tells whom it concerns.
    fn pass_on(&mut self, news: Vec<Happening>, context: &mut Context<'_>) {
        for happening in news {
            match happening {
                Happening::Locked(txn, lock) => context.note(Note::Locked { txn, lock }),
                Happening::Waits(_) => context.sometimes(mark::WAITED),
                Happening::Executed(txn) => {
                    self.say_worked(txn, context);
                    let reads_only = self.manager.work(txn).is_some_and(|work| work.writes.is_empty());
                    if reads_only && self.config.rules.unlocks_after_reading() {
                        let news = self.manager.release_shared(txn);
                        self.pass_on(news, context);
                    }
                }
                Happening::Refused(txn, why) => {
                    if why == Refusal::GaveWay {
                        context.sometimes(mark::DEADLOCK_AVOIDED);
                    }
                    self.refuse(txn, context);
                }
                Happening::Released { txn, shared_only } => context.note(Note::Released { txn, shared_only }),
            }
        }
    }

    /// Votes no: the transaction has aborted here, and may not begin again.
    fn refuse(&mut self, txn: TxnId, context: &mut Context<'_>) {
        self.abort_unasked(txn, context);
        context.send(txn.coordinator, Message::Vote { txn, vote: Vote::No });
    }

    fn abort_unasked(&mut self, txn: TxnId, context: &mut Context<'_>) {
        context.cancel_timer(Timer::Abandon(txn));
        context.note(Note::Voted { txn, vote: Vote::No });
        context.append_record(FILE, &Record::Learned { txn, decision: Decision::Abort });
        self.ended.insert(txn, Ended::Aborted);
        let news = self.manager.end(txn, Decision::Abort);
        self.pass_on(news, context);
    }

    /// The coordinator has not asked for the vote for a long time.
    pub(super) fn abandon(&mut self, txn: TxnId, context: &mut Context<'_>) {
        if self.manager.knows(txn) && !self.branches.contains_key(&txn) {
            context.sometimes(mark::ABANDONED);
            self.refuse(txn, context);
        }
    }
}

/// The first phase.
impl TwoPhase {
    pub(super) fn on_prepare(&mut self, txn: TxnId, worked_in: Epoch, writers: &[NodeId], sole: bool, context: &mut Context<'_>) {
        let vote = |vote| Message::Vote { txn, vote };
        match (self.branches.get(&txn), self.ended.get(&txn)) {
            // It was asked twice: the same vote.
            (Some(branch), _) if branch.deciding => {}
            (Some(_), _) => context.release(self.config.rules.release_of_yes(), txn.coordinator, vote(Vote::Yes)),
            (None, Some(Ended::Committed)) if sole => context.send_when_durable(txn.coordinator, Message::Committed { txn }),
            (None, Some(Ended::Committed)) => {}
            (None, Some(Ended::Left)) => context.send(txn.coordinator, vote(Vote::ReadOnly)),
            (None, Some(Ended::Aborted)) => self.prepare(txn, Standing::Aborted, writers, sole, context),
            (None, None) if self.manager.work(txn).is_some() && worked_in == self.epoch => {
                self.prepare(txn, Standing::Executed, writers, sole, context);
            }
            (None, None) => {
                if worked_in != self.epoch {
                    context.sometimes(mark::RESTART_NOTICED);
                }
                self.prepare(txn, Standing::Unknown, writers, sole, context);
            }
        }
    }

    fn prepare(&mut self, txn: TxnId, standing: Standing, writers: &[NodeId], sole: bool, context: &mut Context<'_>) {
        let rules = Arc::clone(&self.config.rules);
        if !rules.may_prepare(standing) || rules.refuses(txn) {
            return match standing {
                Standing::Aborted => {
                    context.sometimes(mark::LATE_FENCED);
                    context.send(txn.coordinator, Message::Vote { txn, vote: Vote::No });
                }
                Standing::Executed | Standing::Unknown => self.refuse(txn, context),
            };
        }
        if !self.manager.knows(txn) {
            // Only a broken rule prepares what was never done.
            let news = self.manager.begin(Age { began: LocalTime::default(), txn }, Vec::new());
            self.pass_on(news, context);
        }
        let reads_only = self.manager.work(txn).is_some_and(|work| work.writes.is_empty());
        if reads_only && rules.leaves_early() { self.leave(txn, context) } else { self.vote_yes(txn, writers, sole, context) }
    }

    /// Nothing was changed: whatever is decided, this participant is done.
    fn leave(&mut self, txn: TxnId, context: &mut Context<'_>) {
        context.cancel_timer(Timer::Abandon(txn));
        context.sometimes(mark::READ_ONLY);
        context.note(Note::Voted { txn, vote: Vote::ReadOnly });
        context.send(txn.coordinator, Message::Vote { txn, vote: Vote::ReadOnly });
        self.ended.insert(txn, Ended::Left);
        let news = self.manager.end(txn, Decision::Commit);
        self.pass_on(news, context);
    }

    fn vote_yes(&mut self, txn: TxnId, writers: &[NodeId], sole: bool, context: &mut Context<'_>) {
        let Some(prepared) = self.manager.prepare(txn) else { return };
        let rules = Arc::clone(&self.config.rules);
        context.cancel_timer(Timer::Abandon(txn));
        context.note(Note::Voted { txn, vote: Vote::Yes });
        self.branches.insert(txn, Branch { writers: writers.to_vec(), deciding: sole });
        if sole {
            context.sometimes(mark::ONE_PHASE);
            context.append_record(FILE, &Record::Committed { txn, writes: prepared.writes });
            match rules.release_of_one_phase() {
                Release::Durable => {
                    self.syncs.insert(context.sync(), Durable::OnePhase(txn));
                }
                Release::Now => self.commit_alone(txn, context),
            }
        } else {
            context.append_record(FILE, &Record::Prepared { writers: writers.to_vec(), prepared });
            context.release(rules.release_of_yes(), txn.coordinator, Message::Vote { txn, vote: Vote::Yes });
            context.set_timer(Timer::Doubt(txn), self.config.doubt_timeout);
            if rules.unlocks_reads_early() {
                let news = self.manager.release_shared(txn);
                self.pass_on(news, context);
            }
        }
    }

    /// This is the only participant, and its commit is durable.
    pub(super) fn commit_alone(&mut self, txn: TxnId, context: &mut Context<'_>) {
        if self.branches.remove(&txn).is_none() {
            return;
        }
        context.note(Note::Decided { txn, decision: Decision::Commit, cause: super::super::Cause::AllVotedYes });
        context.note(Note::Learned { txn, decision: Decision::Commit });
        context.send(txn.coordinator, Message::Committed { txn });
        self.ended.insert(txn, Ended::Committed);
        let news = self.manager.end(txn, Decision::Commit);
        self.pass_on(news, context);
    }
}

/// The second phase.
impl TwoPhase {
    pub(super) fn on_decide(&mut self, from: NodeId, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        if self.branches.get(&txn).is_some_and(|branch| !branch.deciding) {
            if from != txn.coordinator {
                context.sometimes(mark::COOPERATIVE);
            }
            self.learn(txn, decision, context);
        } else if self.branches.contains_key(&txn) || self.manager.knows(txn) && decision == Decision::Commit {
            // Who has not voted yes cannot be told to commit.
            return;
        } else if self.manager.knows(txn) {
            self.learn(txn, decision, context);
        } else if !self.ended.contains_key(&txn) && decision == Decision::Abort {
            // What was to be done comes later, perhaps: it shall find that it is too late.
            self.ended.insert(txn, Ended::Aborted);
        }
        if self.acknowledges(decision) {
            context.release(self.config.rules.release_of_ack(), txn.coordinator, Message::Ack { txn });
        }
    }

    fn learn(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        self.branches.remove(&txn);
        context.cancel_timer(Timer::Doubt(txn));
        context.cancel_timer(Timer::Abandon(txn));
        context.note(Note::Learned { txn, decision });
        context.append_record(FILE, &Record::Learned { txn, decision });
        self.ended.insert(txn, decision.into());
        let news = self.manager.end(txn, decision);
        self.pass_on(news, context);
    }
}

/// Doubt.
impl TwoPhase {
    /// The decision has not come for a long time.
    pub(super) fn doubt(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(branch) = self.branches.get(&txn).filter(|branch| !branch.deciding) else { return };
        match self.config.rules.in_doubt() {
            Doubt::Ask => {
                context.note(Note::Inquired { txn });
                context.sometimes(mark::IN_DOUBT);
                context.send(txn.coordinator, Message::Inquire { txn });
                let me = context.me();
                for peer in branch.writers.iter().filter(|peer| self.config.cooperative && ![me, txn.coordinator].contains(*peer)) {
                    context.send(*peer, Message::Inquire { txn });
                }
                context.set_timer(Timer::Doubt(txn), self.config.doubt_timeout);
            }
            Doubt::Wait => context.sometimes(mark::IN_DOUBT),
            Doubt::Abort => self.learn(txn, Decision::Abort, context),
        }
    }

    /// Another participant is in doubt (BHG §7.4).
    pub(super) fn on_peer_inquiry(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        let decide = |decision| Message::Decide { txn, decision };
        match self.ended.get(&txn) {
            Some(Ended::Committed) => context.send(from, decide(Decision::Commit)),
            // What was aborted without being asked may not be on disk yet.
            Some(Ended::Aborted) => context.send_when_durable(from, decide(Decision::Abort)),
            // Neither can help.
            Some(Ended::Left) => {}
            None if self.branches.contains_key(&txn) => {}
            None => {
                // 1. This participant has not voted, so none has committed.
                // 2. It says so, and the other aborts.
                // 3. The question for its vote arrives late: had it not aborted before it spoke, on its disk, it would vote yes.
                context.sometimes(mark::ABORTED_FOR_PEER);
                if self.config.rules.aborts_before_telling() {
                    self.refuse(txn, context);
                }
                context.send_when_durable(from, decide(Decision::Abort));
            }
        }
    }

    /// Takes up what was prepared before a crash.
    pub(super) fn recover_branches(&mut self, prepared: SortedMap<TxnId, (Vec<NodeId>, Prepared)>, context: &mut Context<'_>) {
        for (txn, (writers, mut prepared)) in prepared {
            if !self.config.rules.relocks() {
                prepared.locks.clear();
            }
            self.manager.restore(&prepared);
            self.branches.insert(txn, Branch { writers, deciding: false });
            context.sometimes(mark::IN_DOUBT_AFTER_CRASH);
            context.set_timer(Timer::Doubt(txn), self.config.doubt_timeout);
        }
        let in_doubt = self.branches.keys().map(|txn| (*txn, self.held(*txn))).collect();
        context.note(Note::Recovered { epoch: self.epoch, in_doubt });
    }
}
