//! The Paxos Commit server: what it does on each message, timer and completed sync.

use std::fmt::Debug;
use std::rc::Rc;

use serde::Serialize;

use super::super::participant::{News, Participant};
use super::super::pending::{Client, PendingTransaction};
use super::super::recovering::Recovering;
use super::super::{Age, Cause, Decision, Epoch, Note, TxnId, Vote, mark, role};
use super::Config;
use super::acceptor::Acceptor;
use super::leader::{Count, Proposal};
use super::message::{Accepted, Ballot, Message};
use crate::base::{Act, ClientId, LocalTime, NodeId, Seen, SortedMap, Transaction};
use crate::process::{self, Claim, Files, Mark, Process, Role, SyncToken};

type Context<'a> = process::Context<'a, PaxosCommit>;

/// A server of Paxos Commit: participant for its own keys, coordinator of what clients bring to it, acceptor if it is among the first, and
/// leader of what it is in doubt of.
#[derive(Clone, Debug)]
pub struct PaxosCommit {
    config: Rc<Config>,
    recovering: Recovering<Message>,
    participant: Participant,
    acceptor: Acceptor,
    coordinated: SortedMap<TxnId, Coordination>,
    counts: SortedMap<TxnId, Count>,
}

/// A transaction that this server coordinates.
#[derive(Clone, Debug)]
struct Coordination {
    pending: PendingTransaction,
    /// Whether the work is done and votes are asked for.
    asks: bool,
    began: LocalTime,
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// As a coordinator: something was not answered yet.
    Coordinate(TxnId),
    /// As a participant: was not asked to vote for a long time.
    Abandon(TxnId),
    /// No decision has come for a long time: take over.
    TakeOver(TxnId),
}

const TOOK_OVER: Mark = Mark::new("leader took over", "The *sometimes* marks of its own.");
const PREEMPTED: Mark = Mark::new("leader preempted", "A leader met a higher ballot and gave way.");
const PROPOSED_AGAIN: Mark = Mark::new("vote proposed again", "A leader proposed again a vote that may have been chosen.");
const SILENT_ABORTED: Mark =
    Mark::new("silent participant aborted", "A leader proposed no in the name of a participant that no answering acceptor had heard of.");

impl Process for PaxosCommit {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = role::ALL;
    const MARKS: &'static [Mark] = &[
        mark::WAITED,
        mark::DEADLOCK_AVOIDED,
        mark::IN_DOUBT,
        mark::IN_DOUBT_AFTER_CRASH,
        mark::VOTES_LATE,
        mark::ABANDONED,
        mark::LATE_FENCED,
        mark::RESTART_NOTICED,
        mark::REQUEST_REPEATED,
        TOOK_OVER,
        PREEMPTED,
        PROPOSED_AGAIN,
        SILENT_ABORTED,
    ];

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_>) -> Self {
        let participant = Participant::boot(config.locking, disk, context);
        let server = Self {
            config: Rc::new(config.clone()),
            recovering: Recovering::until(context.sync()),
            participant,
            acceptor: Acceptor::recover(disk),
            coordinated: SortedMap::new(),
            counts: SortedMap::new(),
        };
        for txn in server.participant.in_doubt() {
            server.wait_for_decision(txn, context);
        }
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        let Some(message) = self.recovering.admit(from, message) else { return };
        if from.is_client() != matches!(message, Message::Request { .. }) {
            return;
        }
        match message {
            Message::Request { session, number, transaction } => self.on_request(from, session, number, transaction, context),
            Message::Work { age, acts } => self.on_work(age, acts, context),
            Message::Worked { txn, epoch, seen } => self.on_worked(from, txn, epoch, seen, context),
            Message::Refused { txn } => self.on_refused(from, txn, context),
            Message::Prepare { txn, worked_in, participants } => self.on_prepare(txn, worked_in, &participants, context),
            Message::Phase1a { txn, ballot } => self.on_phase1a(from, txn, ballot, context),
            Message::Phase1b { txn, ballot, accepted } => self.on_phase1b(from, txn, ballot, accepted, context),
            Message::Phase2a { txn, ballot, votes } => self.on_phase2a(from, txn, ballot, votes, context),
            Message::Phase2b { txn, ballot, votes } => self.on_phase2b(from, txn, ballot, &votes, context),
            Message::Preempted { txn, ballot } => self.on_preempted(txn, ballot, context),
            Message::Decide { txn, decision } => self.on_decide(txn, decision, context),
            Message::Answer { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Coordinate(txn) => self.coordinate(txn, context),
            Timer::Abandon(txn) => {
                let news = self.participant.abandon(txn, context);
                self.tell_news(news, context);
            }
            Timer::TakeOver(txn) => self.take_over(txn, context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        for (from, message) in self.recovering.synced(token) {
            self.on_message(from, message, context);
        }
    }

    fn role(&self) -> Option<Claim> {
        let asking = self.coordinated.values().filter(|coordination| coordination.asks).count();
        let doubtful = self.participant.in_doubt().count();
        role::claim(asking, doubtful)
    }

    fn status(&self) -> String {
        self.participant.status(self.coordinated.len())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Some(format!("{}, as acceptor: {}", Participant::read_disk(disk)?, Acceptor::recover(disk)))
    }
}

/// What those who run a server may ask it.
impl PaxosCommit {
    /// What it must still bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        self.participant.unsettled(self.coordinated.len())
    }

    fn acceptors(&self) -> &[NodeId] {
        &self.config.members[..self.config.acceptors]
    }

    fn majority(&self) -> usize {
        self.config.rules.majority(self.config.acceptors)
    }

    fn wait_for_decision(&self, txn: TxnId, context: &mut Context<'_>) {
        let patience = context.random().within(self.config.takeover);
        context.set_timer(Timer::TakeOver(txn), patience);
    }
}

/// The coordinator: the work, and the questions for votes.
impl PaxosCommit {
    fn on_request(&mut self, node: NodeId, session: ClientId, number: u64, transaction: Transaction, context: &mut Context<'_>) {
        let client = Client { node, session, number };
        let Some(pending) = self.participant.accept(client, transaction, &self.config.members, context) else { return };
        let txn = pending.age().txn;
        self.coordinated.insert(txn, Coordination { pending, asks: false, began: context.now() });
        self.send_work(txn, context);
        self.ask_if_done(txn, context);
    }

    fn send_work(&self, txn: TxnId, context: &mut Context<'_>) {
        let Some(Coordination { pending, .. }) = self.coordinated.get(&txn) else { return };
        for (node, acts) in pending.missing() {
            context.send(node, Message::Work { age: pending.age(), acts: acts.to_vec() });
        }
        context.set_timer(Timer::Coordinate(txn), self.config.resend);
    }

    fn on_worked(&mut self, from: NodeId, txn: TxnId, epoch: Epoch, seen: Vec<Seen>, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn).filter(|coordination| !coordination.asks) else { return };
        coordination.pending.worked(from, epoch, seen);
        self.ask_if_done(txn, context);
    }

    /// All the work is done: from here on, only Paxos decides.
    fn ask_if_done(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn).filter(|coordination| coordination.pending.is_done()) else { return };
        coordination.asks = true;
        let participants = coordination.pending.participants();
        self.counts.insert(txn, Count::new(participants));
        self.send_prepare(txn, context);
        self.wait_for_decision(txn, context);
        self.decide_if_chosen(txn, context);
    }

    /// Asks those whose vote is not known. Were the request forgotten in a crash and doubled by the network, it would be carried out
    /// twice: so that it was taken in is durable before any participant votes.
    fn send_prepare(&self, txn: TxnId, context: &mut Context<'_>) {
        let (Some(coordination), Some(count)) = (self.coordinated.get(&txn), self.counts.get(&txn)) else { return };
        for (node, worked_in) in coordination.pending.worked_in() {
            if count.chosen(node, self.majority()).is_none() {
                context.send_when_durable(node, Message::Prepare { txn, worked_in, participants: count.participants.clone() });
            }
        }
        context.set_timer(Timer::Coordinate(txn), self.config.resend);
    }

    /// Repeats what was not answered. Work that is not done in time is given up: no participant has been asked for a vote yet.
    fn coordinate(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        if coordination.asks {
            self.send_prepare(txn, context);
        } else if context.now().since(coordination.began) < self.config.work_timeout {
            self.send_work(txn, context);
        } else {
            context.sometimes(mark::VOTES_LATE);
            self.abort_work(txn, Cause::Timeout, context);
        }
    }

    /// A participant has aborted. Once votes are asked for, it is its vote that counts.
    fn on_refused(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        if self.coordinated.get(&txn).is_some_and(|coordination| !coordination.asks) {
            self.abort_work(txn, Cause::VotedNo(from), context);
        }
    }

    fn abort_work(&mut self, txn: TxnId, cause: Cause, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get(&txn) else { return };
        let participants = coordination.pending.participants();
        context.note(Note::Decided { txn, decision: Decision::Abort, cause });
        for participant in participants {
            context.send(participant, Message::Decide { txn, decision: Decision::Abort });
        }
        self.answer(txn, Decision::Abort, context);
    }

    /// Tells the client what became of its transaction. A request that was refused must not be taken in again: so the answer waits until it
    /// is on disk that it was.
    fn answer(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.remove(&txn) else { return };
        context.cancel_timer(Timer::Coordinate(txn));
        context.note(Note::Told { txn, decision });
        let (Client { node, session, number }, reply) = coordination.pending.answer(decision);
        context.send_when_durable(node, Message::Answer { session, number, reply });
    }
}

/// The participant.
impl PaxosCommit {
    fn on_work(&mut self, age: Age, acts: Vec<Act>, context: &mut Context<'_>) {
        if !self.participant.works(age.txn) {
            context.set_timer(Timer::Abandon(age.txn), self.config.abandon_timeout);
        }
        let news = self.participant.work(age, acts, context);
        self.tell_news(news, context);
    }

    fn tell_news(&mut self, news: Vec<News>, context: &mut Context<'_>) {
        for news in news {
            match news {
                News::Worked(txn) => {
                    let seen = self.participant.seen(txn).unwrap_or_default().to_vec();
                    context.send(txn.coordinator, Message::Worked { txn, epoch: self.participant.epoch(), seen });
                }
                News::Refused(txn) => {
                    context.cancel_timer(Timer::Abandon(txn));
                    context.send(txn.coordinator, Message::Refused { txn });
                }
            }
        }
    }

    /// Votes, in ballot zero of its own instance. It never proposes anything else there, whatever crashes: so the vote is on disk first.
    fn on_prepare(&mut self, txn: TxnId, worked_in: Epoch, participants: &[NodeId], context: &mut Context<'_>) {
        let (vote, news) = self.participant.vote(txn, worked_in, participants, context);
        self.tell_news(news, context);
        let Some(vote) = vote else { return };
        context.cancel_timer(Timer::Abandon(txn));
        if vote == Vote::Yes && !self.counts.contains_key(&txn) {
            self.wait_for_decision(txn, context);
        }
        let propose = Message::Phase2a { txn, ballot: Ballot::ZERO, votes: vec![(context.me(), vote)] };
        for acceptor in self.acceptors().to_vec() {
            context.release(self.config.rules.release_of_vote(), acceptor, propose.clone());
        }
    }

    fn on_decide(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        self.counts.remove(&txn);
        context.cancel_timer(Timer::TakeOver(txn));
        context.cancel_timer(Timer::Abandon(txn));
        let news = self.participant.learn(txn, decision, context);
        self.tell_news(news, context);
        self.answer(txn, decision, context);
    }
}

/// The acceptor.
impl PaxosCommit {
    fn on_phase1a(&mut self, from: NodeId, txn: TxnId, ballot: Ballot, context: &mut Context<'_>) {
        let answer = match self.acceptor.promise(txn, ballot, context) {
            Ok(accepted) => Message::Phase1b { txn, ballot, accepted },
            Err(ballot) => Message::Preempted { txn, ballot },
        };
        context.release(self.config.rules.release_of_acceptor(), from, answer);
    }

    fn on_phase2a(&mut self, from: NodeId, txn: TxnId, ballot: Ballot, votes: Vec<(NodeId, Vote)>, context: &mut Context<'_>) {
        let leader = if ballot == Ballot::ZERO { txn.coordinator } else { from };
        match self.acceptor.accept(txn, ballot, &votes, context) {
            Ok(()) => context.release(self.config.rules.release_of_acceptor(), leader, Message::Phase2b { txn, ballot, votes }),
            Err(ballot) => context.send(leader, Message::Preempted { txn, ballot }),
        }
    }
}

/// The leader.
impl PaxosCommit {
    /// No decision has come: asks the acceptors what they know, in a ballot of its own.
    fn take_over(&mut self, txn: TxnId, context: &mut Context<'_>) {
        if let Some(participants) = self.participant.doubts(txn) {
            context.note(Note::Inquired { txn });
            context.sometimes(mark::IN_DOUBT);
            self.counts.entry(txn).or_insert_with(|| Count::new(participants.to_vec()));
        }
        let place = self.config.members.iter().position(|member| *member == context.me()).unwrap_or_default();
        let servers = self.config.members.len();
        let Some(count) = self.counts.get_mut(&txn) else { return };
        let ballot = count.begin(place, servers);
        context.sometimes(TOOK_OVER);
        for acceptor in self.acceptors() {
            context.send(*acceptor, Message::Phase1a { txn, ballot });
        }
        self.wait_for_decision(txn, context);
    }

    fn on_phase1b(&mut self, from: NodeId, txn: TxnId, ballot: Ballot, accepted: Vec<Accepted>, context: &mut Context<'_>) {
        let (majority, config) = (self.majority(), Rc::clone(&self.config));
        let Some(count) = self.counts.get_mut(&txn) else { return };
        let Some(Proposal { votes, free }) = count.promised(from, ballot, accepted, majority, &*config.rules) else { return };
        if free > 0 {
            context.sometimes(SILENT_ABORTED);
        }
        if free < votes.len() {
            context.sometimes(PROPOSED_AGAIN);
        }
        for acceptor in self.acceptors() {
            context.send(*acceptor, Message::Phase2a { txn, ballot, votes: votes.clone() });
        }
    }

    fn on_phase2b(&mut self, from: NodeId, txn: TxnId, ballot: Ballot, votes: &[(NodeId, Vote)], context: &mut Context<'_>) {
        let majority = self.majority();
        let Some(count) = self.counts.get_mut(&txn) else { return };
        let known: Vec<bool> = votes.iter().map(|(node, _)| count.chosen(*node, majority).is_some()).collect();
        count.accepted(from, ballot, votes);
        for ((node, _), known) in votes.iter().zip(known) {
            if let Some((_, vote)) = count.chosen(*node, majority).filter(|_| !known) {
                context.note(Note::Heard { txn, from: *node, vote });
            }
        }
        self.decide_if_chosen(txn, context);
    }

    fn on_preempted(&mut self, txn: TxnId, ballot: Ballot, context: &mut Context<'_>) {
        if let Some(count) = self.counts.get_mut(&txn) {
            if ballot > count.ballot {
                context.sometimes(PREEMPTED);
            }
            count.heard_of(ballot);
        }
    }

    /// What Paxos has chosen stays chosen: it can be announced at once.
    fn decide_if_chosen(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let majority = self.majority();
        let Some(count) = self.counts.get(&txn) else { return };
        let Some((decision, cause)) = count.decision(majority) else { return };
        let participants = count.participants.clone();
        context.note(Note::Decided { txn, decision, cause });
        let me = context.me();
        let others = participants.iter().copied().filter(|node| *node != txn.coordinator);
        for node in std::iter::once(txn.coordinator).chain(others).filter(|node| *node != me) {
            context.send(node, Message::Decide { txn, decision });
        }
        self.on_decide(txn, decision, context);
    }
}
