//! The Raft server: what it does on each message, timer and completed sync.

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::flush::Flushes;
use super::leader::{Leader, Read};
use super::message::{AppendResult, Command, Entries, Entry, EntryId, Message, Term};
use super::replica::{Outcome, Replica};
use super::{Config, KvState, Log, Note, Operation, StateMachine, mark, store};
use crate::base::{ClientId, Digest, NodeId};
use crate::process::{self, Claim, Files, Mark, Process, Release, Reply, Role, SyncToken};

type Context<'a, S> = process::Context<'a, Raft<S>>;

/// A server of a replicated state machine: of a key-value store, unless said otherwise.
#[derive(Clone, Debug)]
pub struct Raft<S: StateMachine = KvState> {
    config: Rc<Config<S>>,
    /// The other members.
    peers: Rc<[NodeId]>,
    // Figure 2, persistent state: here as the disk will have it once it has caught up.
    term: Term,
    vote: Option<NodeId>,
    log: Log<S::Operation>,
    // Figure 2, volatile state.
    commit: u64,
    replica: Replica<S>,
    standing: ServerState<S::Operation>,
    flushes: Flushes,
    /// Room to encode records in.
    scratch: Vec<u8>,
}

/// What a server is in its term, and what goes with that.
#[derive(Clone, Debug)]
enum ServerState<O> {
    Follower { leader: Option<NodeId> },
    Candidate { votes: Vec<NodeId> },
    Leader(Box<Leader<O>>),
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// Nothing was heard of a leader, and no election was won, for a whole timeout.
    Election,
    /// A leader is to show that it lives.
    Heartbeat,
}

/// One of the rounds of messages that a leader sends to all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Round {
    /// In which term.
    pub term: Term,
    /// Which of that term, from 1.
    pub number: u64,
}

/// Whom a broadcast goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those who can be sent entries now.
    Ready,
    /// All; those who cannot be sent entries now are sent none.
    All,
}

const LEADER: Role = Role::new("Leader", "It was elected in its term, and replicates its log to all others.");
const CANDIDATE: Role = Role::new("Candidate", "It has heard of no leader for too long, and asks for votes so as to lead.");
const FOLLOWER: Role = Role::new("Follower", "It votes, and takes what the leader of its term replicates.");

impl<S: StateMachine> Process for Raft<S> {
    type Config = Config<S>;
    type Message = Message<S::Operation, S::Response>;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = &[LEADER, CANDIDATE, FOLLOWER];
    const MARKS: &'static [Mark] = mark::ALL;

    fn boot(config: &Config<S>, disk: &Files, context: &mut Context<'_, S>) -> Self {
        let file = disk.read(store::FILE).unwrap_or_default();
        let recovered = store::recover(file);
        if recovered.length < file.len() {
            context.truncate(store::FILE, recovered.length as u64);
        }
        let last = recovered.log.last();
        context.note(Note::Recovered { term: recovered.term, vote: recovered.vote, last });
        let me = context.me();
        let server = Self {
            config: Rc::new(config.clone()),
            peers: config.members.iter().copied().filter(|member| *member != me).collect(),
            term: recovered.term,
            vote: recovered.vote,
            log: recovered.log,
            commit: 0,
            replica: Replica::new(config.machine.clone()),
            standing: ServerState::Follower { leader: None },
            flushes: Flushes::new(last.index),
            scratch: Vec::new(),
        };
        server.await_leader(context);
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message<S::Operation, S::Response>, context: &mut Context<'_, S>) {
        match message {
            Message::AppendEntries { .. } | Message::AppendReply { .. } | Message::RequestVote { .. } | Message::Vote { .. }
                if !self.peers.contains(&from) => {}
            Message::AppendEntries { term, previous, entries, commit, round } => {
                let result = self.on_append(from, term, previous, &entries, commit, context);
                if let Some(result) = result {
                    let reply = Message::AppendReply { term: self.term, round, result };
                    context.release(self.config.rules.release_of_append(), from, reply);
                }
            }
            Message::AppendReply { term, round, result } => self.on_append_reply(from, term, round, result, context),
            Message::RequestVote { term, last } => self.on_request_vote(from, term, last, context),
            Message::Vote { term, granted } => self.on_vote(from, term, granted, context),
            Message::Open { session } => self.on_open(from, session, context),
            Message::Request { session, number, operation } => self.on_request(from, session, number, operation, context),
            Message::Answer { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, S>) {
        match timer {
            Timer::Election => self.campaign(context),
            Timer::Heartbeat => self.beat(context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, S>) {
        if let Some(term) = self.flushes.completed(token) {
            self.count_vote(context.me(), term, context);
        }
        self.advance_commit(context);
    }

    fn role(&self) -> Option<Claim> {
        let role = match self.standing {
            ServerState::Leader(_) => LEADER,
            ServerState::Candidate { .. } => CANDIDATE,
            ServerState::Follower { .. } => FOLLOWER,
        };
        Some(role.ranked(self.term.0))
    }

    fn status(&self) -> String {
        let standing = match &self.standing {
            ServerState::Leader(leader) => {
                format!("leader of term {}, {} reads wait", self.term, leader.readers.len() + leader.early_readers.len())
            }
            ServerState::Candidate { votes } => format!("candidate for term {}, {} of {} votes", self.term, votes.len(), self.quorum()),
            ServerState::Follower { leader: Some(leader) } => format!("follows {leader} in term {}", self.term),
            ServerState::Follower { leader: None } => format!("knows no leader in term {}", self.term),
        };
        format!("{standing}, applied {} of {}", self.replica.applied(), self.log.last_index())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        let found = store::recover::<S::Operation>(disk.read(store::FILE)?);
        let vote = found.vote.map_or_else(|| "no vote".to_owned(), |vote| format!("vote for {vote}"));
        let last = found.log.last();
        let log = if last.index == 0 { "no entries".to_owned() } else { format!("entries to {} (term {})", last.index, last.term) };
        Some(format!("term {}, {vote}, {log}", found.term))
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        (file == store::FILE).then(|| store::words::<S::Operation>(bytes)).flatten()
    }
}

/// What those who run a server may ask it.
impl<S: StateMachine> Raft<S> {
    /// A digest of the applied state and the index through which it is applied: equal in servers that have converged.
    pub fn fingerprint(&self) -> u64 {
        self.replica.fingerprint()
    }

    /// The index through which the log is applied.
    pub fn applied(&self) -> u64 {
        self.replica.applied()
    }

    /// The current term.
    pub fn term(&self) -> Term {
        self.term
    }

    /// The machine, as the entries applied so far have made it.
    pub fn machine(&self) -> &S {
        self.replica.machine()
    }

    /// What the machine has said to its server since this was last asked: see [`StateMachine::Output`].
    pub fn take_outputs(&mut self) -> Vec<S::Output> {
        self.replica.take_outputs()
    }

    /// Whether this server believes that it leads.
    pub fn leads(&self) -> bool {
        matches!(self.standing, ServerState::Leader(_))
    }

    /// Which of the other servers it believes to lead.
    pub fn follows(&self) -> Option<NodeId> {
        if let ServerState::Follower { leader } = self.standing { leader } else { None }
    }

    /// The log.
    pub fn log(&self) -> &Log<S::Operation> {
        &self.log
    }
}

/// Terms and elections (paper §5.1, §5.2, §5.4.1).
impl<S: StateMachine> Raft<S> {
    /// Sets the time after which this server tries to become the leader.
    fn await_leader(&self, context: &mut Context<'_, S>) {
        let timeout = context.random().within(self.config.election_timeout);
        context.set_timer(Timer::Election, timeout);
    }

    /// Takes a term over if it is higher than one's own, and follows in it.
    fn observe(&mut self, term: Term, context: &mut Context<'_, S>) {
        if term > self.term {
            self.follow(context);
            (self.term, self.vote) = (term, None);
            context.note(Note::TermChanged { term });
            self.persist_vote(context);
        }
    }

    /// Becomes a follower of a leader yet unknown.
    fn follow(&mut self, context: &mut Context<'_, S>) {
        let before = std::mem::replace(&mut self.standing, ServerState::Follower { leader: None });
        if let ServerState::Leader(books) = before {
            context.note(Note::SteppedDown { term: self.term });
            context.sometimes(mark::LEADER_DEPOSED);
            context.cancel_timer(Timer::Heartbeat);
            self.await_leader(context);
            dismiss_readers(*books, context);
        }
    }

    fn campaign(&mut self, context: &mut Context<'_, S>) {
        match self.standing {
            ServerState::Leader(_) => return,
            ServerState::Candidate { .. } => context.sometimes(mark::ELECTION_WITHOUT_WINNER),
            ServerState::Follower { .. } => {}
        }
        let (me, rules) = (context.me(), Arc::clone(&self.config.rules));
        (self.term, self.vote) = (self.term.next(), rules.vote_of_candidate(me));
        self.standing = ServerState::Candidate { votes: Vec::with_capacity(self.quorum()) };
        context.note(Note::Voted { term: self.term, candidate: me });
        self.persist_vote(context);
        self.await_leader(context);
        // The sync comes before the requests, so that they wait for this one and start no other.
        let own_vote_counts = rules.release_of_vote() == Release::Now;
        if !own_vote_counts {
            self.flushes.await_vote(context.sync(), self.term);
        }
        let request = Message::RequestVote { term: self.term, last: self.log.last() };
        for peer in self.peers.iter() {
            context.release(rules.release_of_vote(), *peer, request.clone());
        }
        if own_vote_counts {
            self.count_vote(me, self.term, context);
        }
    }

    fn on_request_vote(&mut self, candidate: NodeId, term: Term, last: EntryId, context: &mut Context<'_, S>) {
        self.observe(term, context);
        let granted = term == self.term && self.grants(candidate, last, context);
        if granted {
            if self.vote != Some(candidate) {
                self.vote = Some(candidate);
                context.note(Note::Voted { term, candidate });
                self.persist_vote(context);
            }
            self.await_leader(context);
        }
        context.release(self.config.rules.release_of_vote(), candidate, Message::Vote { term: self.term, granted });
    }

    fn grants(&self, candidate: NodeId, last: EntryId, context: &mut Context<'_, S>) -> bool {
        let rules = &self.config.rules;
        let up_to_date = rules.is_up_to_date(last, self.log.last());
        let granted = rules.may_grant_vote(self.vote, candidate, up_to_date);
        if !granted {
            context.sometimes(if up_to_date { mark::REFUSED_VOTE_GIVEN } else { mark::REFUSED_LOG_BEHIND });
        }
        granted
    }

    fn on_vote(&mut self, voter: NodeId, term: Term, granted: bool, context: &mut Context<'_, S>) {
        self.observe(term, context);
        if granted {
            self.count_vote(voter, term, context);
        }
    }

    fn count_vote(&mut self, voter: NodeId, given_in: Term, context: &mut Context<'_, S>) {
        let (rules, quorum) = (&self.config.rules, self.quorum());
        let ServerState::Candidate { votes } = &mut self.standing else { return };
        if rules.counts_vote(given_in, self.term) && rules.counts_voter(votes.contains(&voter)) {
            votes.push(voter);
            if votes.len() >= quorum {
                self.lead(context);
            }
        }
    }

    fn lead(&mut self, context: &mut Context<'_, S>) {
        let last = self.log.last();
        self.standing = ServerState::Leader(Box::new(Leader::new(self.peers.len(), last.index)));
        context.note(Note::BecameLeader { term: self.term, last });
        context.sometimes(mark::LEADER_ELECTED);
        // Every leader begins with a no-op of its own, so that a log with entries had a leader before.
        if last != EntryId::ZERO {
            context.sometimes(mark::LEADER_LOST);
        }
        context.cancel_timer(Timer::Election);
        self.append(Command::Noop, context);
        self.beat(context);
    }

    fn quorum(&self) -> usize {
        self.config.rules.quorum(self.config.members.len())
    }

    fn persist_vote(&mut self, context: &mut Context<'_, S>) {
        self.scratch.clear();
        store::encode_vote(self.term, self.vote, &mut self.scratch);
        context.append(store::FILE, &self.scratch);
    }
}

/// Log replication, seen by the leader (paper §5.3, §5.4.2).
impl<S: StateMachine> Raft<S> {
    fn beat(&mut self, context: &mut Context<'_, S>) {
        self.broadcast(Reach::All, context);
    }

    /// Appends a command to the leader's own log, and returns its index. The disk works while the followers are told.
    fn append(&mut self, command: Command<S::Operation>, context: &mut Context<'_, S>) -> u64 {
        let id = EntryId { term: self.term, index: self.log.last_index() + 1 };
        context.note(Note::Appended { id, digest: Digest::of(&command) });
        self.scratch.clear();
        store::encode_entry(id, &command, &mut self.scratch);
        self.log.push(Entry { term: self.term, command });
        context.append(store::FILE, &self.scratch);
        self.flushes.await_log(context.sync(), id.index);
        id.index
    }

    /// Starts the next round: sends followers what they lack. The next heartbeat is due when all have heard nothing for a while (figure 2,
    /// leaders: "repeat during idle periods").
    fn broadcast(&mut self, reach: Reach, context: &mut Context<'_, S>) {
        let ServerState::Leader(leader) = &mut self.standing else { return };
        leader.round += 1;
        let batch = self.config.batch_max;
        if reach == Reach::All || leader.followers.iter().all(|progress| progress.may_send(batch)) {
            context.set_timer(Timer::Heartbeat, self.config.heartbeat);
        }
        // Most followers lack the same: what is sent to one is shared with the next.
        let (mut shared_from, mut shared) = (0, Entries::none());
        for (progress, peer) in leader.followers.iter_mut().zip(self.peers.iter()) {
            let entries = if !progress.may_send(batch) {
                if reach == Reach::Ready {
                    continue;
                }
                Entries::none()
            } else if progress.next > self.log.last_index() {
                Entries::none()
            } else {
                if shared_from != progress.next {
                    (shared_from, shared) = (progress.next, self.log.slice(progress.next, batch).into());
                }
                shared.clone()
            };
            let previous = self.log.id(progress.next.saturating_sub(1)).unwrap_or_default();
            progress.sent(entries.len());
            let message = Message::AppendEntries { term: self.term, previous, entries, commit: self.commit, round: leader.round };
            context.send(*peer, message);
        }
        self.advance_reads(context);
    }

    /// Sends one follower what it lacks, outside of a round: as much as may be under way.
    fn send_next(&mut self, follower: usize, context: &mut Context<'_, S>) {
        let ServerState::Leader(leader) = &mut self.standing else { return };
        let progress = &mut leader.followers[follower];
        let batch = self.config.batch_max;
        while progress.next <= self.log.last_index() && progress.may_send(batch) {
            let entries: Entries<_> = self.log.slice(progress.next, batch).into();
            let previous = self.log.id(progress.next.saturating_sub(1)).unwrap_or_default();
            progress.sent(entries.len());
            let message = Message::AppendEntries { term: self.term, previous, entries, commit: self.commit, round: leader.round };
            context.send(self.peers[follower], message);
        }
    }

    fn on_append_reply(&mut self, from: NodeId, term: Term, round: u64, result: AppendResult, context: &mut Context<'_, S>) {
        self.observe(term, context);
        let Some(follower) = self.peers.iter().position(|peer| *peer == from) else { return };
        let ServerState::Leader(leader) = &mut self.standing else { return };
        // What was answered to this server as the leader of an earlier term says nothing of this one.
        if term < self.term {
            return;
        }
        let progress = &mut leader.followers[follower];
        // A stale message is answered in the follower's own term. The round may then be one of this server's before it crashed and was
        // elected again: it proves nothing of the present leadership, whose rounds are counted afresh.
        if !matches!(result, AppendResult::Stale) {
            progress.answered = progress.answered.max(round);
        }
        match result {
            AppendResult::Stale => {}
            AppendResult::Matched { through } => {
                progress.matched(through, &*self.config.rules);
                let news = progress.matched > self.commit;
                self.send_next(follower, context);
                if news {
                    self.advance_commit(context);
                }
            }
            AppendResult::Mismatch { previous, conflict } => {
                if progress.mismatched(previous, conflict, &self.log) {
                    self.send_next(follower, context);
                }
            }
        }
        self.advance_reads(context);
    }

    /// Commits what a quorum has, the leader counting its own disk (paper §5.4.2).
    fn advance_commit(&mut self, context: &mut Context<'_, S>) {
        let (rules, quorum) = (&self.config.rules, self.quorum());
        let ServerState::Leader(leader) = &mut self.standing else { return };
        let own = rules.counts_itself(self.log.last_index(), self.flushes.flushed());
        let replicated = leader.replicated(own, quorum);
        if replicated <= self.commit {
            return;
        }
        let term_at = |index| self.log.id(index).map(|id| id.term);
        // Terms never fall along a log: if this entry is of an earlier term, so are all before it.
        if term_at(replicated).is_some_and(|term| rules.may_commit(term, self.term)) {
            if term_at(self.commit + 1) < Some(self.term) {
                context.sometimes(mark::OLD_TERM_COMMITTED);
            }
            self.commit = replicated;
            self.apply_committed(context);
            self.admit_early_readers(context);
        }
    }

    fn apply_committed(&mut self, context: &mut Context<'_, S>) {
        let before = self.replica.applied();
        while self.replica.applied() < self.commit {
            let Some(entry) = self.log.entry(self.replica.applied() + 1) else { break };
            let outcome = self.replica.apply(&entry.command, &*self.config.rules);
            if let Some(outcome) = outcome {
                self.answer_writer(outcome, context);
            }
        }
        let through = self.replica.applied();
        if through > before {
            context.note(Note::Applied { through, term: self.term, state: self.replica.digest() });
        }
    }

    fn answer_writer(&mut self, outcome: Outcome<S::Response>, context: &mut Context<'_, S>) {
        if let ServerState::Leader(leader) = &mut self.standing
            && let Some(client) = leader.writer(self.replica.applied())
        {
            if outcome.repeated {
                context.sometimes(mark::REPEATED_ENTRY_SKIPPED);
            }
            answer(client, outcome.session, outcome.number, outcome.reply, context);
        }
    }
}

/// Log replication, seen by a follower (paper §5.3).
impl<S: StateMachine> Raft<S> {
    fn on_append(
        &mut self,
        leader: NodeId,
        term: Term,
        previous: EntryId,
        entries: &[Entry<S::Operation>],
        commit: u64,
        context: &mut Context<'_, S>,
    ) -> Option<AppendResult> {
        if term < self.term {
            return Some(AppendResult::Stale);
        }
        self.observe(term, context);
        if let ServerState::Leader(_) = self.standing {
            // Two leaders in one term: only a broken rule makes them. Each goes on, for the judges to see.
            return None;
        }
        self.standing = ServerState::Follower { leader: Some(leader) };
        self.await_leader(context);
        if !self.log.contains(previous) {
            return Some(AppendResult::Mismatch { previous: previous.index, conflict: self.conflict_at(previous.index) });
        }
        self.take_over(previous.index, entries, context);
        let matched = previous.index + entries.len() as u64;
        self.commit = self.config.rules.commit_after_append(self.commit, commit, matched, self.log.last_index());
        self.apply_committed(context);
        Some(AppendResult::Matched { through: matched })
    }

    /// What a leader is told to go back by: this server's first entry of the term it has at the index, or where its log ends.
    fn conflict_at(&self, index: u64) -> EntryId {
        match self.log.id(index) {
            Some(own) => EntryId { term: own.term, index: self.log.first_of(own.term) },
            None => EntryId { term: Term(0), index: self.log.last_index() + 1 },
        }
    }

    /// Makes the log continue after `previous` as the leader's does, and writes down what is new.
    fn take_over(&mut self, previous: u64, entries: &[Entry<S::Operation>], context: &mut Context<'_, S>) {
        let Some(first_new) = self.first_new(previous, entries) else { return };
        let before = previous + first_new as u64;
        if before < self.log.last_index() {
            self.log.truncate(before);
            self.flushes.truncated(before);
            context.note(Note::Truncated { last: before });
            context.sometimes(mark::CONFLICT_REPAIRED);
        }
        self.scratch.clear();
        for entry in &entries[first_new..] {
            let id = self.log.push(entry.clone());
            context.note(Note::Appended { id, digest: Digest::of(&entry.command) });
            store::encode_entry(id, &entry.command, &mut self.scratch);
        }
        context.append(store::FILE, &self.scratch);
    }

    /// Which of the entries is the first that the log lacks or has another in its place. What it has already stays: a message may be late,
    /// and know less than the log.
    fn first_new(&self, previous: u64, entries: &[Entry<S::Operation>]) -> Option<usize> {
        (previous + 1..).zip(entries).position(|(index, entry)| match self.log.entry(index) {
            Some(own) => self.config.rules.truncates_on(own.term, entry.term),
            None => true,
        })
    }
}

/// Clients (paper §8, thesis chapter 6).
impl<S: StateMachine> Raft<S> {
    fn on_open(&mut self, client: NodeId, session: ClientId, context: &mut Context<'_, S>) {
        if self.replica.knows(session) {
            // It is open for ever, whichever server leads.
            answer(client, session, 0, Reply::Opened, context);
        } else {
            self.propose(client, session, 0, Command::Open { session }, context);
        }
    }

    fn on_request(&mut self, client: NodeId, session: ClientId, number: u64, operation: S::Operation, context: &mut Context<'_, S>) {
        match self.replica.last_answer(session) {
            Some((last, response)) if self.config.rules.is_repeated(number, last) => {
                // The client has moved on from operations before its last: it no longer waits for those answers.
                if number == last {
                    context.sometimes(mark::RETRY_ANSWERED);
                    answer(client, session, number, Reply::Done(response.clone()), context);
                }
            }
            _ if operation.is_read() => self.read(Read { round: 0, index: 0, client, session, number, operation }, context),
            _ => self.propose(client, session, number, Command::Apply { session, number, operation }, context),
        }
    }

    /// Appends a client's command if this server leads; else tells who does.
    fn propose(&mut self, client: NodeId, session: ClientId, number: u64, command: Command<S::Operation>, context: &mut Context<'_, S>) {
        if let Some(leader) = self.redirection() {
            return answer(client, session, number, Reply::Redirect(leader), context);
        }
        let index = self.append(command, context);
        if let ServerState::Leader(leader) = &mut self.standing {
            leader.writers.push_back((index, client));
        }
        self.broadcast(Reach::Ready, context);
    }

    /// Appends an operation of the servers' own if this one leads; nothing happens if it does not. It may be lost yet, or be in the log
    /// twice if it was asked for again: what must happen once is the machine's to know.
    pub fn propose_internal(&mut self, operation: S::Operation, context: &mut Context<'_, S>) {
        if self.leads() {
            self.append(Command::Internal { operation }, context);
            self.broadcast(Reach::Ready, context);
        }
    }

    /// The round of messages that would prove that this server leads *now*: one that is yet to be sent (thesis §6.4). Nothing unless it
    /// leads, and has committed an entry of its own term, so that its machine knows all that was decided before.
    ///
    /// Heartbeats are rounds, too: who has time waits for the next one, until [`proven`](Self::proven) says that it is proof.
    pub fn next_round(&self) -> Option<Round> {
        let ServerState::Leader(leader) = &self.standing else { return None };
        let last_committed = self.log.id(self.commit).unwrap_or_default().term;
        let may = self.config.rules.may_take_read_index(last_committed, self.term);
        may.then(|| Round { term: self.term, number: self.config.rules.round_of_read(leader.round) })
    }

    /// The last round that a majority has answered: whoever leads another term was elected after it was sent. Nothing unless this server
    /// leads.
    pub fn proven(&mut self) -> Option<Round> {
        let quorum = self.quorum();
        let ServerState::Leader(leader) = &mut self.standing else { return None };
        Some(Round { term: self.term, number: leader.confirmed(quorum) })
    }

    /// To whom clients are sent, unless this server leads.
    fn redirection(&self) -> Option<Option<NodeId>> {
        match self.standing {
            ServerState::Leader(_) => None,
            ServerState::Candidate { .. } => Some(None),
            ServerState::Follower { leader } => Some(leader),
        }
    }

    /// Takes a read in (thesis §6.4): its index is the commit index, and a round sent from now on must prove that this is still the leader.
    fn read(&mut self, read: Read<S::Operation>, context: &mut Context<'_, S>) {
        if let Some(leader) = self.redirection() {
            return answer(read.client, read.session, read.number, Reply::Redirect(leader), context);
        }
        let (rules, quorum) = (&self.config.rules, self.quorum());
        let ServerState::Leader(leader) = &mut self.standing else { return };
        let last_committed = self.log.id(self.commit).unwrap_or_default().term;
        if !rules.may_take_read_index(last_committed, self.term) {
            context.sometimes(mark::READ_BEFORE_COMMIT);
            leader.early_readers.push(read);
            return;
        }
        let under_way = leader.confirmed(quorum) < leader.round;
        leader.readers.push_back(Read { round: rules.round_of_read(leader.round), index: self.commit, ..read });
        if under_way {
            // One round at a time: all that arrive meanwhile share the next.
            context.sometimes(mark::READ_WAITED);
            self.advance_reads(context);
        } else {
            self.broadcast(Reach::All, context);
        }
    }

    /// Takes in the reads that came before this leader had committed anything.
    fn admit_early_readers(&mut self, context: &mut Context<'_, S>) {
        if let ServerState::Leader(leader) = &mut self.standing {
            for read in std::mem::take(&mut leader.early_readers) {
                self.read(read, context);
            }
        }
    }

    /// Answers the reads whose round is confirmed, and starts the next round if any wait for it.
    fn advance_reads(&mut self, context: &mut Context<'_, S>) {
        let (rules, quorum) = (&self.config.rules, self.quorum());
        let ServerState::Leader(leader) = &mut self.standing else { return };
        if leader.readers.is_empty() {
            return;
        }
        let confirmed = leader.confirmed(quorum);
        while let Some(read) = leader.readers.front()
            && rules.may_serve_read(read.round, confirmed)
            && read.index <= self.replica.applied()
        {
            let known = self.replica.knows(read.session);
            let reply = if known { Reply::Done(self.replica.machine().query(&read.operation)) } else { Reply::Refused };
            answer(read.client, read.session, read.number, reply, context);
            leader.readers.pop_front();
        }
        if confirmed == leader.round && !leader.readers.is_empty() {
            self.broadcast(Reach::All, context);
        }
    }
}

fn answer<S: StateMachine>(client: NodeId, session: ClientId, number: u64, reply: Reply<S::Response>, context: &mut Context<'_, S>) {
    context.send(client, Message::Answer { session, number, reply });
}

/// Sends the readers of a deposed leader elsewhere. Its writers are told nothing: their entries may be committed yet.
fn dismiss_readers<S: StateMachine>(books: Leader<S::Operation>, context: &mut Context<'_, S>) {
    for read in books.readers.into_iter().chain(books.early_readers) {
        context.sometimes(mark::READ_REDIRECTED);
        answer(read.client, read.session, read.number, Reply::Redirect(None), context);
    }
}
