//! What a server does as a coordinator (BHG §7.3, R\* §2 and §3).

use super::super::part::{Part, divide};
use super::super::{Age, Cause, Decision, Epoch, Note, TxnId, Vote, mark};
use super::log::{FILE, Record};
use super::machine::{Context, Durable, Timer, TwoPhase};
use super::{Message, Rules};
use crate::base::{ClientId, Committed, LocalTime, NodeId, Seen, SortedMap, SortedSet, Transaction};
use crate::process::{Release, Reply};

/// A transaction that a server coordinates.
#[derive(Clone, Debug)]
pub(super) struct Coordination {
    age: Age,
    /// The client that waits for the answer; none after a crash.
    client: Option<Client>,
    shares: SortedMap<NodeId, Share>,
    /// What its reads saw, in the order of its acts.
    seen: Vec<Seen>,
    phase: Phase,
    /// Since when, by the coordinator's clock.
    since: LocalTime,
}

#[derive(Clone, Copy, Debug)]
struct Client {
    node: NodeId,
    session: ClientId,
    number: u64,
}

/// One participant's share of it.
#[derive(Clone, Debug)]
struct Share {
    part: Part,
    /// Once it has done its work: in which life, and whether it changed anything.
    worked: Option<(Epoch, bool)>,
    vote: Option<Vote>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Not all participants have done their work.
    Working,
    /// Not all have voted.
    Collecting,
    /// The only participant was handed the decision.
    Delegated,
    /// The decision to commit is on its way to disk.
    Committing,
    /// Decided; these have not acknowledged it.
    Ending { decision: Decision, missing: SortedSet<NodeId>, resent: u32 },
}

impl Coordination {
    /// Whether votes were asked for and no decision is announced.
    pub(super) fn is_collecting(&self) -> bool {
        matches!(self.phase, Phase::Collecting | Phase::Committing)
    }

    /// Whether it is decided.
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. })
    }

    /// Those who have changed anything, and so may be in doubt.
    fn writers(&self, rules: &dyn Rules) -> Vec<NodeId> {
        let writes = |share: &Share| share.worked.is_some_and(|(_, writes)| writes || !rules.leaves_early());
        self.shares.iter().filter(|(_, share)| writes(share)).map(|(node, _)| *node).collect()
    }

    /// Those who are to hear of a decision: all who have not left by their vote.
    fn audience(&self) -> SortedSet<NodeId> {
        let stays = |share: &Share| !matches!(share.vote, Some(Vote::No | Vote::ReadOnly));
        self.shares.iter().filter(|(_, share)| stays(share)).map(|(node, _)| *node).collect()
    }
}

/// Clients.
impl TwoPhase {
    pub(super) fn on_request(&mut self, node: NodeId, session: ClientId, number: u64, transaction: Transaction, context: &mut Context<'_>) {
        if self.sessions.get(&session).is_some_and(|last| number <= *last) {
            // The network has doubled it. Its client asks once, and waits.
            return context.sometimes(mark::REQUEST_REPEATED);
        }
        self.sessions.insert(session, number);
        context.append_record(FILE, &Record::Accepted { session, number });
        self.begun += 1;
        let txn = TxnId { coordinator: context.me(), epoch: self.epoch, number: self.begun };
        let (parts, reads) = divide(&transaction.acts, |key| self.home(key));
        context.note(Note::Began { txn, participants: parts.keys().copied().collect() });
        let coordination = Coordination {
            age: Age { began: context.now(), txn },
            client: Some(Client { node, session, number }),
            shares: parts.into_iter().map(|(node, part)| (node, Share { part, worked: None, vote: None })).collect(),
            seen: vec![Seen::Empty; reads],
            phase: Phase::Working,
            since: context.now(),
        };
        self.coordinated.insert(txn, coordination);
        self.send_work(txn, context);
        self.collect_if_worked(txn, context);
    }

    /// Tells the client what became of its transaction. A request that was refused must never be taken in again, though the network
    /// doubles it and the server crashes: so the answer waits until that it was taken in is on disk.
    fn tell(&mut self, txn: TxnId, decision: Decision, when: Release, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        let Some(Client { node, session, number }) = coordination.client.take() else { return };
        let reply = match decision {
            Decision::Commit => Reply::Done(Committed { seen: std::mem::take(&mut coordination.seen) }),
            Decision::Abort => Reply::Refused,
        };
        context.note(Note::Told { txn, decision });
        context.release(when, node, Message::Answer { session, number, reply });
    }
}

/// The work, and the first phase.
impl TwoPhase {
    /// Asks those who have not done their work to do it.
    fn send_work(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        for (node, share) in coordination.shares.iter().filter(|(_, share)| share.worked.is_none()) {
            context.send(*node, Message::Work { age: coordination.age, acts: share.part.acts.clone() });
        }
        context.set_timer(Timer::Coordinate(txn), self.config.resend);
    }

    pub(super) fn on_worked(&mut self, from: NodeId, txn: TxnId, epoch: Epoch, seen: Vec<Seen>, writes: bool, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn).filter(|coordination| coordination.phase == Phase::Working) else { return };
        let Some(share) = coordination.shares.get_mut(&from) else { return };
        if share.worked.is_some() {
            return;
        }
        share.worked = Some((epoch, writes));
        for (place, seen) in share.part.reads.iter().zip(seen) {
            coordination.seen[*place] = seen;
        }
        self.collect_if_worked(txn, context);
    }

    fn collect_if_worked(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let rules = &*self.config.rules;
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        if !coordination.shares.values().all(|share| share.worked.is_some()) {
            return;
        }
        coordination.since = context.now();
        let writers = coordination.writers(rules);
        if rules.is_one_phase(coordination.shares.len()) {
            coordination.phase = Phase::Delegated;
        } else {
            coordination.phase = Phase::Collecting;
            if self.config.variant.logs_collecting() && !writers.is_empty() {
                context.append_record(FILE, &Record::Collecting { txn, writers });
            }
        }
        self.send_prepare(txn, context);
        self.decide_if_voted(txn, context);
    }

    /// Asks those for their vote who have not given it.
    fn send_prepare(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let rules = &*self.config.rules;
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        let sole = coordination.phase == Phase::Delegated;
        let writers = coordination.writers(rules);
        let logged = sole || self.config.variant.logs_collecting();
        let when = if logged { rules.release_of_prepare() } else { Release::Now };
        for (node, share) in coordination.shares.iter().filter(|(_, share)| share.vote.is_none()) {
            let Some((worked_in, _)) = share.worked else { continue };
            context.release(when, *node, Message::Prepare { txn, worked_in, writers: writers.clone(), sole });
        }
        context.set_timer(Timer::Coordinate(txn), self.config.resend);
    }

    pub(super) fn on_vote(&mut self, from: NodeId, txn: TxnId, vote: Vote, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        let Some(share) = coordination.shares.get_mut(&from) else { return };
        let asked = matches!(coordination.phase, Phase::Collecting | Phase::Delegated);
        // A participant may refuse at any time before it has voted.
        let counts = asked || (coordination.phase == Phase::Working && vote == Vote::No);
        if !counts || share.vote.is_some() {
            return;
        }
        share.vote = Some(vote);
        context.note(Note::Heard { txn, from, vote });
        if vote == Vote::No {
            self.abort(txn, Cause::VotedNo(from), context);
        } else {
            self.decide_if_voted(txn, context);
        }
    }

    /// The only participant has committed.
    pub(super) fn on_committed(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn).filter(|coordination| coordination.phase == Phase::Delegated) else {
            return;
        };
        if let Some(share) = coordination.shares.get_mut(&from) {
            share.vote = Some(Vote::Yes);
            self.decide_if_voted(txn, context);
        }
    }
}

/// The decision, and the second phase.
impl TwoPhase {
    fn decide_if_voted(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        if !coordination.shares.values().all(|share| share.vote.is_some_and(|vote| vote != Vote::No)) {
            return;
        }
        match coordination.phase {
            Phase::Delegated => {
                if coordination.audience().is_empty() {
                    context.note(Note::Decided { txn, decision: Decision::Commit, cause: Cause::AllVotedYes });
                }
                // Else it is decided already.
                self.tell(txn, Decision::Commit, Release::Now, context);
                self.drop_coordination(txn, context);
            }
            Phase::Collecting if coordination.audience().is_empty() => {
                // No participant has changed anything: none will ask.
                context.note(Note::Decided { txn, decision: Decision::Commit, cause: Cause::AllVotedYes });
                self.tell(txn, Decision::Commit, Release::Now, context);
                self.forget(txn, context);
            }
            Phase::Collecting => {
                let writers = coordination.writers(&*self.config.rules);
                coordination.phase = Phase::Committing;
                context.append_record(FILE, &Record::Decided { txn, decision: Decision::Commit, writers });
                match self.config.rules.release_of_commit() {
                    Release::Durable => {
                        self.syncs.insert(context.sync(), Durable::Commit(txn));
                    }
                    Release::Now => self.commit(txn, context),
                }
            }
            Phase::Working | Phase::Committing | Phase::Ending { .. } => {}
        }
    }

    /// The decision to commit is durable: announces it.
    pub(super) fn commit(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn).filter(|coordination| coordination.phase == Phase::Committing) else {
            return;
        };
        let audience = coordination.audience();
        context.note(Note::Decided { txn, decision: Decision::Commit, cause: Cause::AllVotedYes });
        self.tell(txn, Decision::Commit, Release::Now, context);
        self.end(txn, Decision::Commit, audience, context);
    }

    fn abort(&mut self, txn: TxnId, cause: Cause, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        let audience = coordination.audience();
        // Before votes were asked for no participant can be in doubt, nor can those who have changed nothing.
        let writers = match coordination.phase {
            Phase::Collecting => coordination.writers(&*self.config.rules),
            _ => Vec::new(),
        };
        context.note(Note::Decided { txn, decision: Decision::Abort, cause });
        if self.acknowledges(Decision::Abort) && !writers.is_empty() {
            context.append_record(FILE, &Record::Decided { txn, decision: Decision::Abort, writers: writers.clone() });
        }
        self.tell(txn, Decision::Abort, Release::Durable, context);
        if writers.is_empty() {
            self.announce(txn, Decision::Abort, &audience, context);
            self.forget(txn, context);
        } else {
            self.end(txn, Decision::Abort, audience, context);
        }
    }

    /// Announces a decision, and forgets it unless it must be acknowledged.
    fn end(&mut self, txn: TxnId, decision: Decision, audience: SortedSet<NodeId>, context: &mut Context<'_>) {
        self.announce(txn, decision, &audience, context);
        if self.acknowledges(decision) {
            let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
            coordination.phase = Phase::Ending { decision, missing: audience, resent: 0 };
            context.set_timer(Timer::Coordinate(txn), self.config.resend);
            self.forget_if_heard(txn, context);
        } else {
            self.forget(txn, context);
        }
    }

    fn announce(&self, txn: TxnId, decision: Decision, audience: &SortedSet<NodeId>, context: &mut Context<'_>) {
        let when = match decision {
            Decision::Commit => self.config.rules.release_of_commit(),
            Decision::Abort if self.acknowledges(decision) => Release::Durable,
            Decision::Abort => Release::Now,
        };
        for node in audience {
            for _ in 0..self.config.rules.copies_of_decision() {
                context.release(when, *node, Message::Decide { txn, decision });
            }
        }
    }

    pub(super) fn on_ack(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        if let Phase::Ending { missing, .. } = &mut coordination.phase {
            missing.remove(&from);
            self.forget_if_heard(txn, context);
        }
    }

    fn forget_if_heard(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        if let Phase::Ending { missing, resent, .. } = &coordination.phase
            && self.config.rules.may_forget(missing.len(), *resent)
        {
            context.append_record(FILE, &Record::End { txn });
            self.forget(txn, context);
        }
    }

    /// From now on, who asks is answered by presumption.
    fn forget(&mut self, txn: TxnId, context: &mut Context<'_>) {
        context.note(Note::Forgot { txn, presumed: self.config.variant.presumption() });
        self.drop_coordination(txn, context);
    }

    fn drop_coordination(&mut self, txn: TxnId, context: &mut Context<'_>) {
        self.coordinated.remove(&txn);
        context.cancel_timer(Timer::Coordinate(txn));
    }
}

/// What goes wrong: time passes, participants ask, and the coordinator comes back from a crash.
impl TwoPhase {
    /// Something is not answered yet: asks again, or aborts.
    pub(super) fn coordinate(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        let waited = context.now().since(coordination.since);
        let late = |delegated| self.config.rules.may_abort_late(delegated);
        match &mut coordination.phase {
            Phase::Working if waited >= self.config.work_timeout => self.abort(txn, Cause::Timeout, context),
            Phase::Working => self.send_work(txn, context),
            Phase::Collecting if waited >= self.config.vote_timeout => {
                context.sometimes(mark::VOTES_LATE);
                self.abort(txn, Cause::Timeout, context);
            }
            Phase::Delegated if waited >= self.config.vote_timeout && late(true) => self.abort(txn, Cause::Timeout, context),
            Phase::Collecting | Phase::Delegated => self.send_prepare(txn, context),
            Phase::Committing => {}
            Phase::Ending { decision, missing, resent } => {
                *resent += 1;
                let (decision, missing) = (*decision, missing.clone());
                context.sometimes(mark::RESENT);
                self.announce(txn, decision, &missing, context);
                context.set_timer(Timer::Coordinate(txn), self.config.resend);
                self.forget_if_heard(txn, context);
            }
        }
    }

    /// A participant in doubt asks.
    pub(super) fn on_inquiry(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        match self.coordinated.get(&txn).map(|coordination| &coordination.phase) {
            Some(Phase::Ending { decision, .. }) => {
                let decision = *decision;
                self.announce(txn, decision, &SortedSet::from([from]), context);
            }
            Some(_) => {}
            None => {
                let decision = self.config.variant.presumption();
                context.note(Note::Presumed { txn, decision });
                context.sometimes(mark::PRESUMED);
                self.announce(txn, decision, &SortedSet::from([from]), context);
            }
        }
    }

    /// Takes up what was coordinated before a crash: what was not decided is aborted, and who may not have heard a decision is told.
    pub(super) fn recover_coordinated(
        &mut self,
        coordinated: SortedMap<TxnId, (Vec<NodeId>, Option<Decision>)>,
        context: &mut Context<'_>,
    ) {
        for (txn, (writers, decided)) in coordinated {
            let decision = decided.unwrap_or(Decision::Abort);
            if !self.acknowledges(decision) {
                continue;
            }
            context.sometimes(mark::COORDINATOR_RECOVERED);
            if decided.is_none() {
                context.note(Note::Decided { txn, decision, cause: Cause::Recovery });
                context.append_record(FILE, &Record::Decided { txn, decision, writers: writers.clone() });
            }
            let coordination = Coordination {
                age: Age { began: context.now(), txn },
                client: None,
                shares: SortedMap::new(),
                seen: Vec::new(),
                phase: Phase::Working,
                since: context.now(),
            };
            self.coordinated.insert(txn, coordination);
            self.end(txn, decision, writers.into_iter().collect(), context);
        }
    }
}
