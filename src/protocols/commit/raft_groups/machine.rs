//! The server: one member of a group. Its Raft replicates the group; while it leads, it speaks for it.

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::super::{Age, Cause, Decision, Note as CommitNote, TxnId, Vote, mark as common};
use super::group::{Group, News};
use super::message::{Message, RaftMessage};
use super::{Config, Operation, mark};
use crate::base::{Act, ClientId, LocalTime, NodeId, Seen, SortedMap, SortedSet, Transaction};
use crate::process::{self, Claim, Embeds, Files, Mark, Process, Reply, Role, SyncToken};
use crate::protocols::raft::{self, Raft, StateMachine};

type Context<'a> = process::Context<'a, Member>;

/// A server of a transactional store on groups.
#[derive(Clone, Debug)]
pub struct Member {
    config: Rc<Config>,
    group: NodeId,
    raft: Raft<Group>,
    /// What it keeps while it leads.
    leading: Option<Leading>,
}

/// What a leader keeps, and loses with the leadership.
#[derive(Clone, Debug, Default)]
struct Leading {
    drives: SortedMap<TxnId, Drive>,
    /// What it has proposed and not seen applied: it is not proposed again.
    proposed: SortedSet<Proposed>,
    /// Who spoke last for another group.
    speakers: SortedMap<NodeId, NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Proposed {
    Begin(ClientId, u64),
    Prepare(TxnId),
    Decide(TxnId),
    Learn(TxnId),
    Forget(TxnId),
}

/// A transaction that a leader brings to its end.
#[derive(Clone, Debug)]
struct Drive {
    /// Since when this leader does, by its clock.
    since: LocalTime,
    /// What the reads of those saw that have voted yes.
    votes: SortedMap<NodeId, Vec<Seen>>,
    acks: SortedSet<NodeId>,
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// One of Raft's.
    Raft(raft::Timer),
    /// A transaction is to be looked after.
    Drive(TxnId),
}

/// What a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// As a server of Raft.
    Raft(raft::Note),
    /// As a replica of its group. All replicas say the same, numbered from 1, and say it again after each start.
    Group(u64, CommitNote),
}

/// Groups neither read through Raft nor have sessions in it.
const RAFT_MARKS: &[Mark] = raft::MARKS_OF_THE_LOG;

const fn marks() -> [Mark; mark::ALL.len() + RAFT_MARKS.len()] {
    let mut marks = [Mark::new("", ""); mark::ALL.len() + RAFT_MARKS.len()];
    let mut place = 0;
    while place < marks.len() {
        let own = mark::ALL.len();
        marks[place] = if place < own { mark::ALL[place] } else { RAFT_MARKS[place - own] };
        place += 1;
    }
    marks
}

impl Process for Member {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = Raft::<Group>::ROLES;
    const MARKS: &'static [Mark] = &marks();

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_>) -> Self {
        let group = config.group_of(context.me());
        let raft = raft::Config {
            members: config.members(group).collect(),
            election_timeout: config.election_timeout,
            heartbeat: config.heartbeat,
            machine: Group::new(group, config.groups, Arc::clone(&config.rules)),
            batch_max: config.batch as usize,
            rules: Arc::new(raft::Correct),
        };
        let raft = Self::boot_inner(&raft, disk, context);
        Self { config: Rc::new(config.clone()), group, raft, leading: None }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        if from.is_client() != matches!(message, Message::Transact { .. }) {
            return;
        }
        match message {
            Message::Raft(message) => context.embed(|context| self.raft.on_message(from, message, context)),
            Message::Transact { session, number, transaction } => self.on_request(from, session, number, transaction, context),
            Message::Told { .. } => {}
            message => self.on_word(from, message, context),
        }
        self.catch_up(context);
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Raft(timer) => context.embed(|context| self.raft.on_timer(timer, context)),
            Timer::Drive(txn) => self.drive(txn, context),
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        context.embed(|context| self.raft.on_synced(token, context));
        self.catch_up(context);
    }

    /// The best leader is the one with most to do: its crash leaves most undecided, or in doubt.
    fn role(&self) -> Option<Claim> {
        let busy = self.group().manager().under_way() + self.group().undecided();
        let claim = self.raft.role()?;
        Some(if self.raft.leads() { Claim { rank: busy as u64, ..claim } } else { claim })
    }

    fn status(&self) -> String {
        let group = self.group();
        let (under_way, locked) = (group.manager().under_way(), group.manager().locked());
        format!("of group {}, {}; {under_way} transactions under way, {locked} keys locked", self.group.index() + 1, self.raft.status())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        Self::read_inner_disk(disk)
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        Self::read_inner_records(file, bytes)
    }
}

impl Embeds<Raft<Group>> for Member {
    const SCOPE: &'static str = "raft";

    fn wrap_message(message: RaftMessage) -> Message {
        Message::Raft(message)
    }

    fn wrap_timer(timer: raft::Timer) -> Timer {
        Timer::Raft(timer)
    }

    fn wrap_note(note: raft::Note) -> Option<Note> {
        Some(Note::Raft(note))
    }
}

/// What those who run a server may ask it.
impl Member {
    /// What its group knows, as far as this server does.
    pub fn group(&self) -> &Group {
        self.raft.machine()
    }

    /// What its group must still bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        let group = self.group();
        let parts = [
            (group.manager().under_way(), "under way"),
            (group.undecided(), "undecided"),
            (group.unheard(), "decided and not acknowledged by all"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        (!parts.is_empty()).then(|| format!("transactions of group {}: {}", self.group.index() + 1, parts.join(", ")))
    }
}

/// The group, as this server leads or follows it.
impl Member {
    /// Passes on what has changed.
    fn catch_up(&mut self, context: &mut Context<'_>) {
        if self.raft.leads() != self.leading.is_some() {
            if self.raft.leads() { self.take_over(context) } else { self.step_down(context) }
        }
        loop {
            let news = self.raft.take_outputs();
            if news.is_empty() {
                return;
            }
            // First all that has happened is said: what a leader does about one change may rest on a later one.
            for news in &news {
                match news {
                    News::Note(place, note) => context.note(Note::Group(*place, note.clone())),
                    // A mark counts once, though all servers of the group pass it.
                    News::Mark(mark) if self.leading.is_some() => context.sometimes(*mark),
                    _ => {}
                }
            }
            for news in news {
                match news {
                    News::Note(..) | News::Mark(_) => {}
                    News::Began(txn) => self.look_after(txn, context),
                    News::Voted(txn) => self.on_voted(txn, context),
                    News::Decided(txn) => self.on_decided(txn, context),
                    News::Learned(txn) => self.acknowledge(txn, context),
                }
            }
        }
    }

    /// A new leader looks after all that the last one left. It may not know yet of the last entries that are committed: what it proposes
    /// about a transaction that they have changed is nothing.
    fn take_over(&mut self, context: &mut Context<'_>) {
        self.leading = Some(Leading::default());
        let left: Vec<TxnId> = self.group().coordinated().keys().copied().collect();
        if !left.is_empty() {
            context.sometimes(mark::TAKEN_OVER);
        }
        for txn in left {
            self.look_after(txn, context);
        }
    }

    fn step_down(&mut self, context: &mut Context<'_>) {
        for txn in self.leading.take().into_iter().flat_map(|leading| leading.drives.into_keys()) {
            context.cancel_timer(Timer::Drive(txn));
        }
    }

    /// Puts an operation into the log, unless this leader has done so.
    fn propose(&mut self, what: Proposed, operation: &Operation, context: &mut Context<'_>) {
        let Some(leading) = &mut self.leading else { return };
        if !leading.proposed.insert(what) {
            return;
        }
        for _ in 0..self.config.rules.proposals() {
            context.embed(|context| self.raft.propose_internal(operation.clone(), context));
        }
    }

    /// Says something to another group: to the one who spoke last for it, or to all.
    fn tell(&self, group: NodeId, message: &Message, context: &mut Context<'_>) {
        let Some(leading) = &self.leading else { return };
        match leading.speakers.get(&group).filter(|_| !self.config.rules.tells_all()) {
            Some(speaker) => context.send(*speaker, message.clone()),
            None => self.config.members(group).for_each(|member| context.send(member, message.clone())),
        }
    }
}

/// Clients.
impl Member {
    fn on_request(&mut self, client: NodeId, session: ClientId, number: u64, transaction: Transaction, context: &mut Context<'_>) {
        let group = self.group().coordinator(&transaction);
        let answer = |reply| Message::Told { session, number, reply };
        if group != self.group {
            context.sometimes(mark::SENT_ON);
            let known = self.leading.as_ref().and_then(|leading| leading.speakers.get(&group).copied());
            let hint = known.or_else(|| {
                let place = context.random().below(u64::from(self.config.replicas));
                self.config.members(group).nth(place as usize)
            });
            return context.send(client, answer(Reply::Redirect(hint)));
        }
        if self.leading.is_none() {
            return context.send(client, answer(Reply::Redirect(self.raft.follows())));
        }
        match self.group().last_answer(session) {
            // The client has moved on: it no longer waits for the answer.
            Some((last, _)) if number < last => {}
            Some((last, reply)) if number == last => {
                // What is under way is answered when it is decided.
                if let Some(reply) = reply {
                    context.send(client, answer(reply.clone()));
                }
            }
            _ => {
                let begin = Operation::Begin { session, number, began: context.now(), transaction };
                self.propose(Proposed::Begin(session, number), &begin, context);
            }
        }
    }

    /// The client of a transaction that is decided is told.
    fn answer(&self, session: ClientId, number: u64, context: &mut Context<'_>) {
        if let Some((last, Some(reply))) = self.group().last_answer(session)
            && last == number
        {
            context.send(NodeId::client(session.client), Message::Told { session, number, reply: reply.clone() });
        }
    }
}

/// As the leader of the coordinator.
impl Member {
    /// A transaction has begun, or is taken over.
    fn look_after(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(leading) = &mut self.leading else { return };
        let drive = Drive { since: context.now(), votes: SortedMap::new(), acks: SortedSet::new() };
        leading.drives.insert(txn, drive);
        if let Some(coordination) = self.group().coordinated().get(&txn) {
            let session = Proposed::Begin(coordination.session, coordination.number);
            self.done(session);
            self.press(txn, context);
        }
    }

    /// It takes long.
    fn drive(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.raft.machine().coordinated().get(&txn) else { return };
        let Some(leading) = &mut self.leading else { return };
        let Some(drive) = leading.drives.get(&txn) else { return };
        // The server that spoke last for a group that does not answer speaks for it no longer, perhaps.
        let silent = |group: &NodeId| match coordination.decision {
            None => !drive.votes.contains_key(group),
            Some(_) => !drive.acks.contains(group),
        };
        for group in coordination.participants().filter(silent) {
            leading.speakers.remove(&group);
        }
        let late = coordination.decision.is_none() && context.now().since(drive.since) >= self.config.vote_timeout;
        if late && !leading.proposed.contains(&Proposed::Decide(txn)) {
            context.sometimes(common::VOTES_LATE);
            self.decide(txn, Decision::Abort, Cause::Timeout, context);
        }
        context.sometimes(common::RESENT);
        self.press(txn, context);
    }

    /// Says to all participants what they have not answered.
    fn press(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.group().coordinated().get(&txn) else { return };
        let Some(drive) = self.leading.as_ref().and_then(|leading| leading.drives.get(&txn)) else { return };
        for group in coordination.participants().filter(|group| *group != self.group) {
            match coordination.decision {
                None if drive.votes.contains_key(&group) => {}
                None => self.tell(group, &Message::Prepare { age: coordination.age, acts: coordination.acts(group) }, context),
                Some(_) if drive.acks.contains(&group) => {}
                Some(decision) => self.tell(group, &Message::Decide { txn, decision }, context),
            }
        }
        context.set_timer(Timer::Drive(txn), self.config.resend);
        self.forget_if_heard(txn, context);
    }

    fn on_ballot(&mut self, from: NodeId, txn: TxnId, vote: Vote, seen: Vec<Seen>, context: &mut Context<'_>) {
        let undecided = self.group().coordinated().get(&txn).is_some_and(|coordination| coordination.decision.is_none());
        let Some(drive) = self.leading.as_mut().and_then(|leading| leading.drives.get_mut(&txn)).filter(|_| undecided) else { return };
        if vote == Vote::No {
            return self.decide(txn, Decision::Abort, Cause::VotedNo(from), context);
        }
        drive.votes.insert(from, seen);
        self.commit_if_voted(txn, context);
    }

    fn commit_if_voted(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(coordination) = self.group().coordinated().get(&txn) else { return };
        let Some(drive) = self.leading.as_ref().and_then(|leading| leading.drives.get(&txn)) else { return };
        let voted = |group: NodeId| match group == self.group {
            true => matches!(self.group().vote(txn), Some((Vote::Yes, _))),
            false => drive.votes.contains_key(&group),
        };
        if coordination.participants().all(voted) {
            self.decide(txn, Decision::Commit, Cause::AllVotedYes, context);
        }
    }

    /// Puts a decision into the log. The first one there stands.
    fn decide(&mut self, txn: TxnId, decision: Decision, cause: Cause, context: &mut Context<'_>) {
        let Some(leading) = self.leading.as_ref().filter(|leading| !leading.proposed.contains(&Proposed::Decide(txn))) else { return };
        let Some(drive) = leading.drives.get(&txn) else { return };
        let seen: Vec<_> = drive.votes.iter().map(|(group, seen)| (*group, seen.clone())).collect();
        let operation = Operation::Decide { txn, decision, cause, seen };
        let waits = match decision {
            Decision::Commit => self.config.rules.commit_waits(),
            Decision::Abort => self.config.rules.abort_waits() || cause != Cause::Timeout,
        };
        if !waits {
            self.announce_alone(txn, decision, context);
        }
        self.propose(Proposed::Decide(txn), &operation, context);
    }

    /// Announces a decision that the group does not have yet: only a broken rule leads here.
    fn announce_alone(&self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        let Some(coordination) = self.group().coordinated().get(&txn) else { return };
        for group in coordination.participants().filter(|group| *group != self.group) {
            self.tell(group, &Message::Decide { txn, decision }, context);
        }
    }

    /// The group has decided: all are told.
    fn on_decided(&mut self, txn: TxnId, context: &mut Context<'_>) {
        self.done(Proposed::Decide(txn));
        let Some(coordination) = self.group().coordinated().get(&txn).filter(|_| self.leading.is_some()) else { return };
        self.answer(coordination.session, coordination.number, context);
        self.press(txn, context);
    }

    fn on_ack(&mut self, from: NodeId, txn: TxnId, context: &mut Context<'_>) {
        if let Some(drive) = self.leading.as_mut().and_then(|leading| leading.drives.get_mut(&txn)) {
            drive.acks.insert(from);
            self.forget_if_heard(txn, context);
        }
    }

    fn forget_if_heard(&mut self, txn: TxnId, context: &mut Context<'_>) {
        let Some(drive) = self.leading.as_ref().and_then(|leading| leading.drives.get(&txn)) else { return };
        let Some(coordination) = self.group().coordinated().get(&txn).filter(|coordination| coordination.decision.is_some()) else {
            return;
        };
        if coordination.participants().all(|group| group == self.group || drive.acks.contains(&group)) {
            context.cancel_timer(Timer::Drive(txn));
            self.propose(Proposed::Forget(txn), &Operation::Forget { txn }, context);
        }
    }
}

/// As the leader of a participant.
impl Member {
    /// Another group says something.
    fn on_word(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        let group = self.config.group_of(from);
        let Some(leading) = &mut self.leading else { return };
        if group != self.group {
            leading.speakers.insert(group, from);
        }
        match message {
            Message::Prepare { age, acts } => self.on_prepare(age, acts, context),
            Message::Ballot { txn, vote, seen } => self.on_ballot(group, txn, vote, seen, context),
            Message::Decide { txn, decision } => self.on_decide(txn, decision, context),
            Message::Ack { txn } => self.on_ack(group, txn, context),
            Message::Raft(_) | Message::Transact { .. } | Message::Told { .. } => {}
        }
    }

    fn on_prepare(&mut self, age: Age, acts: Vec<Act>, context: &mut Context<'_>) {
        if self.group().knows(age.txn) {
            return self.say_vote(age.txn, context);
        }
        let operation = Operation::Prepare { age, acts };
        if !self.config.rules.yes_waits() {
            self.vote_alone(age.txn, &operation, context);
        }
        self.propose(Proposed::Prepare(age.txn), &operation, context);
    }

    /// Votes on what the group does not have yet: only a broken rule leads here.
    fn vote_alone(&self, txn: TxnId, operation: &Operation, context: &mut Context<'_>) {
        let mut ahead = self.group().clone();
        ahead.execute(operation, &mut crate::base::Digest::new(), &mut Vec::new());
        if let Some((vote, seen)) = ahead.vote(txn) {
            self.tell(txn.coordinator, &Message::Ballot { txn, vote, seen }, context);
        }
    }

    /// The group has voted.
    fn on_voted(&mut self, txn: TxnId, context: &mut Context<'_>) {
        self.done(Proposed::Prepare(txn));
        if txn.coordinator == self.group { self.commit_if_voted(txn, context) } else { self.say_vote(txn, context) }
    }

    fn say_vote(&self, txn: TxnId, context: &mut Context<'_>) {
        if let Some((vote, seen)) = self.group().vote(txn) {
            self.tell(txn.coordinator, &Message::Ballot { txn, vote, seen }, context);
        }
    }

    fn on_decide(&mut self, txn: TxnId, decision: Decision, context: &mut Context<'_>) {
        match self.group().ended(txn) {
            Some(ended) if ended == decision || self.config.rules.first_decision_stands() => {
                self.acknowledge(txn, context);
            }
            _ => self.propose(Proposed::Learn(txn), &Operation::Learn { txn, decision }, context),
        }
    }

    /// The group has learned a decision.
    fn acknowledge(&mut self, txn: TxnId, context: &mut Context<'_>) {
        self.done(Proposed::Learn(txn));
        if txn.coordinator != self.group {
            self.tell(txn.coordinator, &Message::Ack { txn }, context);
        }
    }

    /// What was proposed is applied.
    fn done(&mut self, what: Proposed) {
        if let Some(leading) = &mut self.leading {
            leading.proposed.remove(&what);
        }
    }
}
