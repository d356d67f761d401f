//! The three-phase commit server: what it does on each message, timer and completed sync.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::super::participant::{Ended, News, Participant, list};
use super::super::pending::{Client, PendingTransaction};
use super::super::recovering::Recovering;
use super::super::{Age, Cause, Decision, Epoch, Note, TxnId, Vote, mark, role};
use super::Config;
use super::message::{Message, Standing};
use crate::base::{Act, ClientId, NodeId, Seen, SortedMap, SortedSet, Transaction};
use crate::process::{self, Claim, Files, Mark, Process, Role, SyncToken};

type Context<'a> = process::Context<'a, ThreePhase>;

/// A server of three-phase commit: participant for its own keys, coordinator of what clients bring to it, and recovery coordinator of
/// what it is in doubt of.
#[derive(Clone, Debug)]
pub struct ThreePhase {
    config: Rc<Config>,
    recovering: Recovering<Message>,
    participant: Participant,
    coordinated: SortedMap<TxnId, Coordination>,
    /// What it has voted for and knows that all have.
    pre_committed: SortedSet<TxnId>,
    /// What it was in doubt of when it crashed.
    recovered: SortedSet<TxnId>,
    /// What it asks the others about.
    polls: SortedMap<TxnId, Poll>,
    /// Decisions of its own on their way to disk.
    deciding: SortedMap<SyncToken, (TxnId, Decision, Cause)>,
    /// Decisions of its own.
    decided: BTreeMap<TxnId, Decision>,
    /// Those that it found on its disk: a crash may have come before it had said what it decided.
    unsaid: SortedSet<TxnId>,
}

/// A transaction that this server coordinates.
#[derive(Clone, Debug)]
struct Coordination {
    pending: PendingTransaction,
    phase: Phase,
    /// Who has answered in this phase.
    answered: SortedSet<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not all participants have done their work.
    Working,
    /// Not all have voted.
    Voting,
    /// All have voted yes; not all know it.
    PreCommitting,
    /// The decision is on its way to disk.
    Deciding,
}

/// Where the others stand, as far as they have answered.
#[derive(Clone, Debug, Default)]
struct Poll {
    answers: SortedMap<NodeId, Standing>,
    /// Whether all that answered were told to pre-commit.
    pre_commits: bool,
}

impl Poll {
    fn who(&self, standing: Standing) -> Vec<NodeId> {
        self.answers.iter().filter(|(_, other)| **other == standing).map(|(node, _)| *node).collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Entry {
    PreCommitted { txn: TxnId },
    Decided { txn: TxnId, decision: Decision },
}

/// The name of the file: entries, a line of JSON each, only ever appended to.
const FILE: &str = "decisions";

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// As a coordinator: not all have answered.
    Coordinate(TxnId),
    /// As a participant: was not asked to vote for a long time.
    Abandon(TxnId),
    /// As a participant in doubt: has heard nothing for a long time.
    Doubt(TxnId),
    /// Who has not answered by now has crashed.
    Poll(TxnId),
}

const ELECTED: Mark = Mark::new("recovery coordinator elected", "The *sometimes* marks of its own.");
const PRE_COMMITS_AGAIN: Mark = Mark::new("pre-commit sent again", "A recovery coordinator repeated that all have voted yes.");
const ALL_UNCERTAIN: Mark = Mark::new("all uncertain, aborted", "No participant knew of a pre-commit, and the transaction was aborted.");
const WITHOUT_ANSWER: Mark =
    Mark::new("committed without an answer", "A coordinator committed though a participant had not acknowledged the pre-commit.");
const ALL_RECOVERED: Mark = Mark::new("decided after a total failure", "All had crashed, and decided when all were back.");
const TOLD: Mark = Mark::new("decision learned from another", "A participant learned the decision from another.");

impl Process for ThreePhase {
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
        ELECTED,
        PRE_COMMITS_AGAIN,
        ALL_UNCERTAIN,
        WITHOUT_ANSWER,
        ALL_RECOVERED,
        TOLD,
    ];

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_>) -> Self {
        let participant = Participant::boot(config.locking, disk, context);
        let mut server = Self {
            config: Rc::new(config.clone()),
            recovering: Recovering::over(),
            recovered: participant.in_doubt().collect(),
            participant,
            coordinated: SortedMap::new(),
            pre_committed: SortedSet::new(),
            polls: SortedMap::new(),
            deciding: SortedMap::new(),
            decided: BTreeMap::new(),
            unsaid: SortedSet::new(),
        };
        for entry in disk.records::<Entry>(FILE) {
            match entry {
                Entry::PreCommitted { txn } => {
                    server.pre_committed.insert(txn);
                }
                Entry::Decided { txn, decision } => {
                    server.decided.insert(txn, decision);
                    server.unsaid.insert(txn);
                }
            }
        }
        for txn in server.recovered.clone() {
            match server.own_decision(txn, context) {
                Some(decision) => server.learn(txn, decision, context),
                None => context.set_timer(Timer::Doubt(txn), server.config.answer_timeout),
            }
        }
        server.recovering = Recovering::until(context.sync());
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
            Message::Vote { txn, vote } => self.on_vote(from, txn, vote, context),
            Message::PreCommit { txn } => self.on_pre_commit(from, txn, context),
            Message::PreCommitted { txn } => self.on_pre_committed(from, txn, context),
            Message::Decide { txn, decision } => self.on_decide(txn, decision, context),
            Message::Ask { txn, terminates } => self.on_ask(from, txn, terminates, context),
            Message::Stand { txn, standing } => self.on_stand(from, txn, standing, context),
            Message::Answer { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Coordinate(txn) => self.on_silence(txn, context),
            Timer::Abandon(txn) => {
                let news = self.participant.abandon(txn, context);
                self.tell_news(news, context);
            }
            Timer::Doubt(txn) => self.ask(txn, context),
            Timer::Poll(txn) => self.on_polled(txn, context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        for (from, message) in self.recovering.synced(token) {
            self.on_message(from, message, context);
        }
        if let Some((txn, decision, cause)) = self.deciding.remove(&token) {
            self.announce(txn, decision, cause, context);
        }
    }

    fn role(&self) -> Option<Claim> {
        let asking = self.coordinated.values().filter(|coordination| coordination.phase != Phase::Working).count();
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
        let (mut pre_committed, mut decided) = (Vec::new(), Vec::new());
        for entry in disk.records::<Entry>(FILE) {
            match entry {
                Entry::PreCommitted { txn } => pre_committed.push(txn.to_string()),
                Entry::Decided { txn, decision } => decided.push(format!("{txn} {decision}")),
            }
        }
        let (pre_committed, decided) = (list(pre_committed.into_iter()), list(decided.into_iter()));
        Some(format!("{}, pre-committed {pre_committed}, decided {decided}", Participant::read_disk(disk)?))
    }
}

/// What those who run a server may ask it.
impl ThreePhase {
    /// What it must still bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        self.participant.unsettled(self.coordinated.len())
    }

    fn is_deciding(&self, txn: TxnId) -> bool {
        self.deciding.values().any(|(other, ..)| *other == txn)
    }
}

/// The coordinator.
impl ThreePhase {
    fn on_request(&mut self, node: NodeId, session: ClientId, number: u64, transaction: Transaction, context: &mut Context<'_>) {
        let client = Client { node, session, number };
        let Some(pending) = self.participant.accept(client, transaction, &self.config.members, context) else { return };
        let age = pending.age();
        let txn = age.txn;
        for (node, acts) in pending.missing() {
            context.send(node, Message::Work { age, acts: acts.to_vec() });
        }
        context.set_timer(Timer::Coordinate(txn), self.config.work_timeout);
        self.coordinated.insert(txn, Coordination { pending, phase: Phase::Working, answered: SortedSet::new() });
        self.vote_if_done(txn, context);
    }

    fn on_worked(&mut self, from: NodeId, txn: TxnId, epoch: Epoch, seen: Vec<Seen>, context: &mut Context<'_>) {
        let Some(coordination) = self.in_phase(txn, Phase::Working) else { return };
        coordination.pending.worked(from, epoch, seen);
        self.vote_if_done(txn, context);
    }

    /// All the work is done: asks for votes. Were the request forgotten in a crash and doubled by the network, it would be carried out
    /// twice: so that it was taken in is durable before any participant votes.
    fn vote_if_done(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.in_phase(txn, Phase::Working).filter(|coordination| coordination.pending.is_done()) else { return };
        coordination.phase = Phase::Voting;
        let participants = coordination.pending.participants();
        for (node, worked_in) in coordination.pending.worked_in() {
            context.send_when_durable(node, Message::Prepare { txn, worked_in, participants: participants.clone() });
        }
        context.set_timer(Timer::Coordinate(txn), self.config.answer_timeout);
        self.go_on_if_answered(txn, context);
    }

    fn on_vote(&mut self, from: NodeId, txn: TxnId, vote: Vote, context: &mut Context<'_>) {
        let Some(coordination) = self.in_phase(txn, Phase::Voting) else { return };
        coordination.answered.insert(from);
        context.note(Note::Heard { txn, from, vote });
        if vote == Vote::No {
            self.decide(txn, Decision::Abort, Cause::VotedNo(from), context);
        } else {
            self.go_on_if_answered(txn, context);
        }
    }

    fn on_refused(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        if self.in_phase(txn, Phase::Working).is_some() {
            self.decide(txn, Decision::Abort, Cause::VotedNo(from), context);
        }
    }

    fn on_pre_committed(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.in_phase(txn, Phase::PreCommitting) else { return };
        coordination.answered.insert(from);
        self.go_on_if_answered(txn, context);
    }

    fn go_on_if_answered(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.get_mut(&txn) else { return };
        let participants = coordination.pending.participants();
        if coordination.answered.len() < participants.len() {
            return;
        }
        match coordination.phase {
            Phase::Voting => {
                coordination.phase = Phase::PreCommitting;
                coordination.answered.clear();
                for participant in &participants {
                    context.send(*participant, Message::PreCommit { txn });
                }
                context.set_timer(Timer::Coordinate(txn), self.config.answer_timeout);
                self.go_on_if_answered(txn, context);
            }
            Phase::PreCommitting => self.decide(txn, Decision::Commit, Cause::AllVotedYes, context),
            Phase::Working | Phase::Deciding => {}
        }
    }

    /// Who has not answered has crashed. Before the votes that is a reason to abort; after them, none not to commit.
    fn on_silence(&mut self, txn: TxnId, context: &mut Context<'_>) {
        match self.coordinated.get(&txn).map(|coordination| coordination.phase) {
            Some(Phase::Working | Phase::Voting) => {
                context.sometimes(mark::VOTES_LATE);
                self.decide(txn, Decision::Abort, Cause::Timeout, context);
            }
            Some(Phase::PreCommitting) => {
                context.sometimes(WITHOUT_ANSWER);
                self.decide(txn, Decision::Commit, Cause::AllVotedYes, context);
            }
            Some(Phase::Deciding) | None => {}
        }
    }

    fn in_phase(&mut self, txn: TxnId, phase: Phase) -> Option<&mut Coordination> {
        self.coordinated.get_mut(&txn).filter(|coordination| coordination.phase == phase)
    }

    /// Tells the client what became of its transaction.
    fn answer(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        let Some(coordination) = self.coordinated.remove(&txn) else { return };
        context.cancel_timer(Timer::Coordinate(txn));
        context.note(Note::Told { txn, decision });
        let (Client { node, session, number }, reply) = coordination.pending.answer(decision);
        context.send_when_durable(node, Message::Answer { session, number, reply });
    }
}

/// Decisions.
impl ThreePhase {
    /// Decides, as the coordinator or in its place; others hear of it once it is on disk.
    fn decide(&mut self, txn: TxnId, decision: Decision, cause: Cause, context: &mut Context<'_>) {
        if self.is_deciding(txn) || self.decided.contains_key(&txn) {
            return;
        }
        if let Some(coordination) = self.coordinated.get_mut(&txn) {
            coordination.phase = Phase::Deciding;
        }
        context.append_record(FILE, &Entry::Decided { txn, decision });
        self.deciding.insert(context.sync(), (txn, decision, cause));
    }

    fn announce(&mut self, txn: TxnId, decision: Decision, cause: Cause, context: &mut Context<'_>) {
        self.decided.insert(txn, decision);
        context.note(Note::Decided { txn, decision, cause });
        let me = context.me();
        for node in self.members(txn).into_iter().filter(|node| *node != me) {
            context.send(node, Message::Decide { txn, decision });
        }
        self.on_decide(txn, decision, context);
    }

    /// What it has decided. A decision that was on its way to disk when the server crashed may have reached it, with nobody told: it is
    /// decided now.
    fn own_decision(&mut self, txn: TxnId, context: &mut Context<'_>) -> Option<Decision> {
        let decision = *self.decided.get(&txn)?;
        if self.unsaid.remove(&txn) {
            context.note(Note::Decided { txn, decision, cause: Cause::Recovery });
        }
        Some(decision)
    }

    /// All who take part, the coordinator among them.
    fn members(&self, txn: TxnId) -> SortedSet<NodeId> {
        let coordinated = self.coordinated.get(&txn).map(|coordination| coordination.pending.participants());
        let doubted = self.participant.doubts(txn).map(<[NodeId]>::to_vec);
        coordinated.or(doubted).into_iter().flatten().chain([txn.coordinator]).collect()
    }

    fn on_decide(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        self.learn(txn, decision, context);
        self.answer(txn, decision, context);
    }

    fn learn(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        self.polls.remove(&txn);
        self.pre_committed.remove(&txn);
        self.recovered.remove(&txn);
        for timer in [Timer::Doubt(txn), Timer::Poll(txn), Timer::Abandon(txn)] {
            context.cancel_timer(timer);
        }
        let news = self.participant.learn(txn, decision, context);
        self.tell_news(news, context);
    }
}

/// The participant.
impl ThreePhase {
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

    fn on_prepare(&mut self, txn: TxnId, worked_in: Epoch, participants: &[NodeId], context: &mut Context<'_>) {
        let (vote, news) = self.participant.vote(txn, worked_in, participants, context);
        self.tell_news(news, context);
        let Some(vote) = vote else { return };
        context.cancel_timer(Timer::Abandon(txn));
        if vote == Vote::Yes {
            self.wait(txn, context);
        }
        context.release(self.config.rules.release_of_vote(), txn.coordinator, Message::Vote { txn, vote });
    }

    /// Waits to hear more of a transaction in doubt: longer than the participants before it.
    fn wait(&self, txn: TxnId, context: &mut Context<'_>) {
        let place = self.participant.doubts(txn).into_iter().flatten().take_while(|node| **node != context.me()).count();
        context.set_timer(Timer::Doubt(txn), self.config.doubt_timeout + self.config.stagger * place as u64);
    }

    /// All have voted yes.
    fn on_pre_commit(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        if self.participant.doubts(txn).is_none() {
            return;
        }
        if self.pre_committed.insert(txn) {
            context.append_record(FILE, &Entry::PreCommitted { txn });
        }
        if !self.recovered.contains(&txn) {
            self.wait(txn, context);
        }
        context.send_when_durable(from, Message::PreCommitted { txn });
    }
}

/// Doubt: the termination protocol.
impl ThreePhase {
    /// Nothing was heard for too long: asks all where they stand.
    fn ask(&mut self, txn: TxnId, context: &mut Context<'_>) {
        if self.participant.doubts(txn).is_none() || self.is_deciding(txn) {
            return;
        }
        if self.coordinated.contains_key(&txn) {
            return self.wait(txn, context);
        }
        context.note(Note::Inquired { txn });
        context.sometimes(mark::IN_DOUBT);
        self.polls.insert(txn, Poll::default());
        let (me, terminates) = (context.me(), self.terminates(txn));
        for node in self.members(txn).into_iter().filter(|node| *node != me) {
            context.send(node, Message::Ask { txn, terminates });
        }
        context.set_timer(Timer::Poll(txn), self.config.answer_timeout);
    }

    /// Whether this server may decide with those that it reaches.
    fn terminates(&self, txn: TxnId) -> bool {
        !self.recovered.contains(&txn) || self.config.rules.terminates_after_crash()
    }

    fn on_ask(&mut self, from: NodeId, txn: TxnId, terminates: bool, context: &mut Context<'_>) {
        if let Some(standing) = self.standing(txn, context) {
            if terminates && matches!(standing, Standing::Uncertain | Standing::PreCommitted) && !self.polls.contains_key(&txn) {
                // Another server takes care of it: if that one crashes, too, there is time enough.
                self.wait(txn, context);
            }
            context.send_when_durable(from, Message::Stand { txn, standing });
        }
    }

    /// Where this server stands. What it has not voted on, it aborts.
    fn standing(&mut self, txn: TxnId, context: &mut Context<'_>) -> Option<Standing> {
        if let Some(decision) = self.own_decision(txn, context) {
            return Some(Standing::Decided(decision));
        }
        if self.coordinated.contains_key(&txn) {
            return Some(Standing::Coordinates);
        }
        if self.participant.doubts(txn).is_some() {
            let pre_committed = self.pre_committed.contains(&txn);
            return Some(match (self.terminates(txn), pre_committed) {
                (false, _) => Standing::Recovered { pre_committed },
                (true, true) => Standing::PreCommitted,
                (true, false) => Standing::Uncertain,
            });
        }
        match self.participant.ended(txn) {
            Some(Ended::Learned(decision)) => return Some(Standing::Decided(decision)),
            Some(Ended::Refused) => return Some(Standing::Decided(Decision::Abort)),
            None => {}
        }
        if txn.coordinator == context.me() {
            return Some(Standing::Forgotten);
        }
        // It has not voted, and never will.
        let (_, news) = self.participant.vote(txn, Epoch(0), &[], context);
        self.tell_news(news, context);
        Some(Standing::Decided(Decision::Abort))
    }

    fn on_stand(&mut self, from: NodeId, txn: TxnId, standing: Standing, context: &mut Context<'_>) {
        let Some(poll) = self.polls.get_mut(&txn) else { return };
        if let Standing::Decided(decision) = standing {
            context.sometimes(TOLD);
            return self.learn(txn, decision, context);
        }
        poll.answers.insert(from, standing);
    }

    /// Who has not answered by now has crashed.
    fn on_polled(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let (members, me) = (self.members(txn), context.me());
        let Some(poll) = self.polls.get(&txn) else { return };
        if !self.terminates(txn) {
            return self.on_recovered_polled(txn, &members, context);
        }
        if poll.pre_commits {
            self.polls.remove(&txn);
            return self.decide(txn, Decision::Commit, Cause::AllVotedYes, context);
        }
        let (uncertain, ahead) = (poll.who(Standing::Uncertain), poll.who(Standing::PreCommitted));
        let is_first = uncertain.iter().chain(&ahead).all(|node| me < *node);
        // The coordinator is at work, or a participant is there that comes first.
        if !is_first || !poll.who(Standing::Coordinates).is_empty() {
            self.polls.remove(&txn);
            return self.wait(txn, context);
        }
        context.sometimes(ELECTED);
        if ahead.is_empty() && !self.pre_committed.contains(&txn) {
            context.sometimes(ALL_UNCERTAIN);
            self.polls.remove(&txn);
            return self.decide(txn, Decision::Abort, Cause::Recovery, context);
        }
        if !uncertain.is_empty() {
            context.sometimes(PRE_COMMITS_AGAIN);
        }
        for node in uncertain {
            context.send(node, Message::PreCommit { txn });
        }
        if self.pre_committed.insert(txn) {
            context.append_record(FILE, &Entry::PreCommitted { txn });
        }
        if let Some(poll) = self.polls.get_mut(&txn) {
            poll.pre_commits = true;
        }
        context.set_timer(Timer::Poll(txn), self.config.answer_timeout);
    }

    /// A participant that has crashed in doubt waits to be told. If all have, and all are back, what their disks say is all that there is.
    fn on_recovered_polled(&mut self, txn: TxnId, members: &SortedSet<NodeId>, context: &mut Context<'_>) {
        let Some(poll) = self.polls.remove(&txn) else { return };
        let all_back = members
            .iter()
            .all(|node| *node == context.me() || matches!(poll.answers.get(node), Some(Standing::Recovered { .. } | Standing::Forgotten)));
        if !all_back {
            return context.set_timer(Timer::Doubt(txn), self.config.doubt_timeout);
        }
        context.sometimes(ALL_RECOVERED);
        let committing = poll.answers.values().any(|standing| *standing == Standing::Recovered { pre_committed: true });
        if committing || self.pre_committed.contains(&txn) {
            self.decide(txn, Decision::Commit, Cause::AllVotedYes, context);
        } else {
            self.decide(txn, Decision::Abort, Cause::Recovery, context);
        }
    }
}
