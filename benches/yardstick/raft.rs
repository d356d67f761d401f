//! A minimal Raft: what one writes in an afternoon to measure nothing but Raft. No disk, no sessions, no history, no digest, no
//! identities; state survives a crash because nothing takes it away. It runs on a bare loop, or on whatever else is an [`Agenda`].

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use serde::Serialize;

use super::heap::{Heap, mix};

pub(crate) const SERVERS: u32 = 5;
/// The one client comes after the servers, and after it who strikes.
pub(crate) const CLIENT: u32 = SERVERS;
pub(crate) const NEMESIS: u32 = CLIENT + 1;
const BATCH: usize = 4;
const MS: u64 = 1_000_000;

#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Entry {
    term: u64,
    value: u64,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) enum Message {
    Append { term: u64, previous: u64, previous_term: u64, commit: u64, entries: [Entry; BATCH], count: u32 },
    Appended { term: u64, matched: Option<u64>, length: u64 },
    AskVote { term: u64, last: u64, last_term: u64 },
    Vote { term: u64, granted: bool },
    Write { value: u64 },
    Written { value: u64 },
    Redirect { value: u64, leader: Option<u32> },
}

#[derive(Clone, Copy, Serialize)]
pub(crate) enum Event {
    Deliver { from: u32, to: u32, message: Message },
    Wake { node: u32, life: u32 },
    Due,
    Overdue { value: u64, asked: u32 },
    Crash,
    Restart { node: u32 },
}

impl Event {
    /// Whose it is.
    #[allow(dead_code, reason = "the bare loop hands all events to one cluster")]
    pub(crate) fn node(&self) -> u32 {
        match *self {
            Self::Deliver { to, .. } => to,
            Self::Wake { node, .. } | Self::Restart { node } => node,
            Self::Due | Self::Overdue { .. } => CLIENT,
            Self::Crash => NEMESIS,
        }
    }
}

/// What is to come.
pub(crate) trait Agenda {
    /// Nanoseconds since the beginning.
    fn now(&self) -> u64;

    /// Has this happen after so many nanoseconds.
    fn schedule(&mut self, after: u64, event: Event);

    /// Counts a message: how many there were.
    fn count(&mut self) -> u64;

    fn send(&mut self, from: u32, to: u32, message: Message) {
        let delay = MS + ((u128::from(mix(self.count())) * u128::from(4 * MS + 1)) >> 64) as u64;
        self.schedule(delay, Event::Deliver { from, to, message });
    }
}

/// A bare loop: events in slots, their keys in the heap.
#[derive(Default)]
struct Bare {
    heap: Heap,
    slots: Vec<Event>,
    free: Vec<u32>,
    sequence: u64,
    now: u64,
    sent: u64,
}

impl Agenda for Bare {
    fn now(&self) -> u64 {
        self.now
    }

    fn schedule(&mut self, after: u64, event: Event) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = event;
                slot
            }
            None => {
                self.slots.push(event);
                self.slots.len() as u32 - 1
            }
        };
        self.sequence += 1;
        self.heap.push((u128::from(self.now + after) << 64) | (u128::from(self.sequence) << 24) | u128::from(slot));
    }

    fn count(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }
}

impl Bare {
    fn next(&mut self) -> Option<Event> {
        let key = self.heap.pop()?;
        self.now = (key >> 64) as u64;
        let slot = (key & 0xff_ffff) as u32;
        self.free.push(slot);
        Some(self.slots[slot as usize])
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Follower,
    Candidate,
    Leader,
}

struct Server {
    me: u32,
    random: ChaCha8Rng,
    up: bool,
    life: u32,
    role: Role,
    leader: Option<u32>,
    term: u64,
    vote: Option<u32>,
    votes: u32,
    log: Vec<Entry>,
    commit: u64,
    applied: u64,
    state: u64,
    deadline: u64,
    next: [u64; SERVERS as usize],
    matched: [u64; SERVERS as usize],
}

impl Server {
    fn new(me: u32, seed: u64) -> Self {
        Self {
            me,
            random: ChaCha8Rng::seed_from_u64(seed << 8 | u64::from(me)),
            up: true,
            life: 0,
            role: Role::Follower,
            leader: None,
            term: 0,
            vote: None,
            votes: 0,
            log: Vec::new(),
            commit: 0,
            applied: 0,
            state: 0,
            deadline: 0,
            next: [1; SERVERS as usize],
            matched: [0; SERVERS as usize],
        }
    }

    fn term_at(&self, index: u64) -> u64 {
        if index == 0 { 0 } else { self.log[index as usize - 1].term }
    }

    fn last(&self) -> u64 {
        self.log.len() as u64
    }

    fn await_leader(&mut self, now: u64) {
        self.deadline = now + 150 * MS + self.random.next_u64() % (150 * MS);
    }

    fn boot(&mut self, agenda: &mut impl Agenda) {
        (self.up, self.role, self.leader, self.commit, self.applied, self.state) = (true, Role::Follower, None, 0, 0, 0);
        self.life += 1;
        self.await_leader(agenda.now());
        agenda.schedule(self.deadline - agenda.now(), Event::Wake { node: self.me, life: self.life });
    }

    /// The one wake-up under way: fires if the deadline has come, else waits on.
    fn wake(&mut self, agenda: &mut impl Agenda) {
        if agenda.now() >= self.deadline {
            match self.role {
                Role::Leader => {
                    (0..SERVERS).for_each(|to| self.replicate(to, agenda));
                    self.deadline = agenda.now() + 50 * MS;
                }
                _ => self.campaign(agenda),
            }
        }
        agenda.schedule(self.deadline - agenda.now(), Event::Wake { node: self.me, life: self.life });
    }

    fn campaign(&mut self, agenda: &mut impl Agenda) {
        (self.role, self.term, self.vote, self.votes) = (Role::Candidate, self.term + 1, Some(self.me), 1);
        self.await_leader(agenda.now());
        let ask = Message::AskVote { term: self.term, last: self.last(), last_term: self.term_at(self.last()) };
        (0..SERVERS).filter(|to| *to != self.me).for_each(|to| agenda.send(self.me, to, ask));
    }

    fn observe(&mut self, term: u64, now: u64) {
        if term > self.term {
            if self.role == Role::Leader {
                self.await_leader(now);
            }
            (self.term, self.vote, self.role, self.leader) = (term, None, Role::Follower, None);
        }
    }

    fn replicate(&mut self, to: u32, agenda: &mut impl Agenda) {
        if to == self.me {
            return;
        }
        let previous = self.next[to as usize] - 1;
        let new = &self.log[previous as usize..];
        let count = new.len().min(BATCH);
        let mut entries = [Entry::default(); BATCH];
        entries[..count].copy_from_slice(&new[..count]);
        let previous_term = self.term_at(previous);
        let commit = self.commit;
        agenda.send(self.me, to, Message::Append { term: self.term, previous, previous_term, commit, entries, count: count as u32 });
    }

    fn apply(&mut self) {
        while self.applied < self.commit {
            self.state = self.state.wrapping_add(self.log[self.applied as usize].value);
            self.applied += 1;
        }
    }

    fn receive(&mut self, from: u32, message: Message, agenda: &mut impl Agenda) {
        match message {
            Message::Append { term, previous, previous_term, commit, entries, count } => {
                self.observe(term, agenda.now());
                let mut matched = None;
                if term == self.term {
                    (self.role, self.leader) = (Role::Follower, Some(from));
                    self.await_leader(agenda.now());
                    if previous <= self.last() && self.term_at(previous) == previous_term {
                        for (entry, index) in entries[..count as usize].iter().zip(previous..) {
                            if self.log.get(index as usize).is_none_or(|own| own.term != entry.term) {
                                self.log.truncate(index as usize);
                                self.log.push(*entry);
                            }
                        }
                        let through = previous + u64::from(count);
                        matched = Some(through);
                        self.commit = self.commit.max(commit.min(through));
                        self.apply();
                    }
                }
                agenda.send(self.me, from, Message::Appended { term: self.term, matched, length: self.last() });
            }
            Message::Appended { term, matched, length } => {
                self.observe(term, agenda.now());
                if self.role == Role::Leader && term == self.term {
                    self.on_appended(from, matched, length, agenda);
                }
            }
            Message::AskVote { term, last, last_term } => {
                self.observe(term, agenda.now());
                let own = (self.term_at(self.last()), self.last());
                let granted = term == self.term && self.vote.is_none_or(|vote| vote == from) && (last_term, last) >= own;
                if granted {
                    self.vote = Some(from);
                    self.await_leader(agenda.now());
                }
                agenda.send(self.me, from, Message::Vote { term: self.term, granted });
            }
            Message::Vote { term, granted } => {
                self.observe(term, agenda.now());
                if granted && term == self.term && self.role == Role::Candidate {
                    self.votes += 1;
                    if self.votes > SERVERS / 2 {
                        self.lead(agenda);
                    }
                }
            }
            Message::Write { value } if self.role == Role::Leader => {
                self.log.push(Entry { term: self.term, value });
                (0..SERVERS).for_each(|to| self.replicate(to, agenda));
                self.deadline = agenda.now() + 50 * MS;
            }
            Message::Write { value } => agenda.send(self.me, from, Message::Redirect { value, leader: self.leader }),
            Message::Written { .. } | Message::Redirect { .. } => {}
        }
    }

    fn lead(&mut self, agenda: &mut impl Agenda) {
        (self.role, self.leader, self.deadline) = (Role::Leader, Some(self.me), agenda.now() + 50 * MS);
        self.next = [self.last() + 1; SERVERS as usize];
        self.matched = [0; SERVERS as usize];
        self.log.push(Entry { term: self.term, value: 0 });
        (0..SERVERS).for_each(|to| self.replicate(to, agenda));
        agenda.schedule(50 * MS, Event::Wake { node: self.me, life: self.life });
    }

    fn on_appended(&mut self, from: u32, matched: Option<u64>, length: u64, agenda: &mut impl Agenda) {
        let follower = from as usize;
        let Some(through) = matched else {
            self.next[follower] = (self.next[follower] - 1).min(length + 1).max(self.matched[follower] + 1);
            return;
        };
        self.matched[follower] = self.matched[follower].max(through);
        self.next[follower] = self.matched[follower] + 1;
        self.matched[self.me as usize] = self.last();
        let mut sorted = self.matched;
        sorted.sort_unstable();
        let majority = sorted[SERVERS as usize / 2];
        if majority > self.commit && self.term_at(majority) == self.term {
            for index in self.commit..majority {
                let value = self.log[index as usize].value;
                if value != 0 {
                    agenda.send(self.me, CLIENT, Message::Written { value });
                }
            }
            self.commit = majority;
            self.apply();
        }
    }
}

/// What one client does: a write each 10 ms on average, asked again of the next server when no answer comes.
struct Client {
    random: ChaCha8Rng,
    best: u32,
    last: u64,
    pending: Vec<u64>,
    written: u64,
}

impl Client {
    fn due(&mut self, agenda: &mut impl Agenda) {
        // The gaps are even rather than exponential: their mean is what counts.
        agenda.schedule(self.random.next_u64() % (20 * MS), Event::Due);
        self.last += 1;
        self.pending.push(self.last);
        self.ask(self.last, agenda);
    }

    fn ask(&self, value: u64, agenda: &mut impl Agenda) {
        agenda.send(CLIENT, self.best, Message::Write { value });
        agenda.schedule(250 * MS, Event::Overdue { value, asked: self.best });
    }

    fn receive(&mut self, from: u32, message: Message, agenda: &mut impl Agenda) {
        match message {
            Message::Written { value } => {
                if let Some(place) = self.pending.iter().position(|pending| *pending == value) {
                    self.pending.swap_remove(place);
                    self.written += 1;
                }
                self.best = from;
            }
            Message::Redirect { value, leader: Some(leader) } if self.pending.contains(&value) => {
                self.best = leader;
                agenda.send(CLIENT, leader, Message::Write { value });
            }
            _ => {}
        }
    }

    fn overdue(&mut self, value: u64, asked: u32, agenda: &mut impl Agenda) {
        if self.pending.contains(&value) {
            if self.best == asked {
                self.best = (self.best + 1) % SERVERS;
            }
            self.ask(value, agenda);
        }
    }
}

/// Five servers and a client.
pub(crate) struct Cluster {
    servers: Vec<Server>,
    client: Client,
}

impl Cluster {
    /// Starts them: latency of 1 to 5 ms, a write each 10 ms, the leader crashes in the middle of each 10 s.
    pub(crate) fn start(seed: u64, seconds: u64, agenda: &mut impl Agenda) -> Self {
        let mut servers: Vec<Server> = (0..SERVERS).map(|me| Server::new(me, seed)).collect();
        let random = ChaCha8Rng::seed_from_u64(seed << 8 | u64::from(CLIENT));
        let client = Client { random, best: 0, last: 0, pending: Vec::new(), written: 0 };
        servers.iter_mut().for_each(|server| server.boot(agenda));
        (0..seconds / 10).for_each(|nth| agenda.schedule((10 * nth + 5) * 1_000 * MS, Event::Crash));
        agenda.schedule(0, Event::Due);
        Self { servers, client }
    }

    /// How many writes were answered.
    pub(crate) fn written(&self) -> u64 {
        self.client.written
    }

    pub(crate) fn handle(&mut self, event: Event, agenda: &mut impl Agenda) {
        let Self { servers, client } = self;
        match event {
            Event::Deliver { from, to: CLIENT, message } => client.receive(from, message, agenda),
            Event::Deliver { from, to, message } if servers[to as usize].up => servers[to as usize].receive(from, message, agenda),
            Event::Deliver { .. } => {}
            Event::Wake { node, life } if servers[node as usize].up && servers[node as usize].life == life => {
                servers[node as usize].wake(agenda);
            }
            Event::Wake { .. } => {}
            Event::Due => client.due(agenda),
            Event::Overdue { value, asked } => client.overdue(value, asked, agenda),
            Event::Crash => {
                let leads = |server: &&mut Server| server.up && server.role == Role::Leader;
                if let Some(leader) = servers.iter_mut().filter(leads).max_by_key(|server| server.term) {
                    leader.up = false;
                    agenda.schedule(1_000 * MS, Event::Restart { node: leader.me });
                }
            }
            Event::Restart { node } => servers[node as usize].boot(agenda),
        }
    }
}

/// Runs them on the bare loop. Returns how many writes were answered, and how many events that took.
#[allow(dead_code, reason = "another loop runs them itself")]
pub(crate) fn run(seed: u64, seconds: u64) -> (u64, u64) {
    let mut agenda = Bare { sent: seed << 32, ..Bare::default() };
    let mut cluster = Cluster::start(seed, seconds, &mut agenda);
    let mut events = 0;
    while let Some(event) = agenda.next() {
        if agenda.now > seconds * 1_000 * MS {
            break;
        }
        events += 1;
        cluster.handle(event, &mut agenda);
    }
    (cluster.written(), events)
}
