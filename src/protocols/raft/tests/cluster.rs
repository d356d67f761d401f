//! A cluster in which nothing happens by itself, with a judge that sees every record.

use std::collections::{BTreeSet, VecDeque};

use super::super::properties::RaftJudge;
use super::super::{Config, KvReply, Message, Note, Raft, Timer, store};
use crate::base::{Change, ClientId, Duration, Fate, Incarnation, KindDigest, KvOp, MessageId, NodeId, Stream, Time};
use crate::check::{PropertyReport, Verdict};
use crate::process::{Buffer, Context, Effect, Files, Message as _, Process, Release, SyncToken, Write};
use crate::trace::{Event, Judge, Record, Vocabulary};

/// What the records of these tests speak of.
pub(super) struct Words;

impl Vocabulary for Words {
    type Message = Message;
    type Note = Note;
    type Client = ();
    type ClientNote = ();
}

/// The server that people call by this number, from 1.
pub(super) fn n(number: u32) -> NodeId {
    NodeId::server(number - 1)
}

pub(super) const CLIENT: NodeId = NodeId::client(0);
pub(super) const SESSION: ClientId = ClientId::new(0);

pub(super) struct Cluster {
    config: Config,
    hosts: Vec<Host>,
    /// Messages under way, oldest first.
    pub(super) network: VecDeque<(NodeId, NodeId, Message)>,
    /// What clients were told.
    pub(super) answers: Vec<(u64, KvReply)>,
    pub(super) marks: BTreeSet<&'static str>,
    judge: RaftJudge,
    records: u64,
    at: Time,
}

struct Host {
    process: Option<Raft>,
    random: Stream,
    incarnation: u32,
    next_sync: u64,
    timers: BTreeSet<Timer>,
    /// The file as it would be with all that was written.
    file: Vec<u8>,
    /// How much of it is durable.
    durable: usize,
    writes: u64,
    synced: u64,
    held: Vec<(NodeId, Message)>,
    syncs: Vec<SyncToken>,
}

impl Cluster {
    pub(super) fn boot(config: Config, seed: u64) -> Self {
        let key = crate::base::RunKey::from_seed(seed);
        let host = |server: u64| Host {
            process: None,
            random: key.stream("node", server),
            incarnation: 0,
            next_sync: 0,
            timers: BTreeSet::new(),
            file: Vec::new(),
            durable: 0,
            writes: 0,
            synced: 0,
            held: Vec::new(),
            syncs: Vec::new(),
        };
        let members = config.members.clone();
        let mut cluster = Self {
            hosts: (0..members.len() as u64).map(host).collect(),
            judge: RaftJudge::new(members.len()),
            config,
            network: VecDeque::new(),
            answers: Vec::new(),
            marks: BTreeSet::new(),
            records: 0,
            at: Time::ZERO,
        };
        members.into_iter().for_each(|node| cluster.restart(node));
        cluster
    }

    /// The server, which is up.
    pub(super) fn server(&self, node: NodeId) -> &Raft {
        self.hosts[node.index()].process.as_ref().expect("the test asks only servers that are up")
    }

    pub(super) fn members(&self) -> &[NodeId] {
        &self.config.members
    }

    pub(super) fn is_up(&self, node: NodeId) -> bool {
        self.hosts[node.index()].process.is_some()
    }

    pub(super) fn timers(&self, node: NodeId) -> &BTreeSet<Timer> {
        &self.hosts[node.index()].timers
    }

    pub(super) fn reports(&self) -> Vec<PropertyReport> {
        Judge::<Words>::reports(&self.judge)
    }

    /// The violated properties, a line each.
    pub(super) fn violations(&self) -> String {
        let violated = self.reports().into_iter().filter(|report| report.verdict == Verdict::Violated);
        violated.map(|report| format!("{}: {}\n", report.name, report.reason())).collect()
    }

    /// Boots a server that is down.
    pub(super) fn restart(&mut self, node: NodeId) {
        let host = &mut self.hosts[node.index()];
        assert!(host.process.is_none());
        host.incarnation += 1;
        (host.next_sync, host.writes, host.synced) = (0, 0, 0);
        let file = host.file.clone();
        let incarnation = Incarnation(host.incarnation);
        self.record(Event::Boot { node, incarnation, files: &[(store::FILE, &file)] });
        let mut files = Files::new();
        files.insert(store::FILE, file);
        let (mut buffer, config) = (Buffer::default(), self.config.clone());
        let host = &mut self.hosts[node.index()];
        let mut context = Context::new(node, Default::default(), &mut host.random, &mut host.next_sync, &mut buffer);
        host.process = Some(Raft::boot(&config, &files, &mut context));
        self.carry_out(node, buffer);
    }

    /// Crashes a server; so many bytes of what was not synced are on disk all the same.
    pub(super) fn crash(&mut self, node: NodeId, keep: usize) {
        let host = &mut self.hosts[node.index()];
        host.process = None;
        host.timers.clear();
        host.held.clear();
        host.syncs.clear();
        let unsynced = host.file.len() - host.durable;
        host.durable += keep.min(unsynced);
        host.file.truncate(host.durable);
        self.record(Event::Crash { node, unsynced: unsynced as u64, kept: keep.min(unsynced) as u64 });
    }

    /// Makes all writes of a server durable.
    pub(super) fn sync(&mut self, node: NodeId) {
        let host = &mut self.hosts[node.index()];
        if host.process.is_none() {
            return;
        }
        host.durable = host.file.len();
        let (through, held, syncs) = (host.writes, std::mem::take(&mut host.held), std::mem::take(&mut host.syncs));
        if host.synced < through {
            host.synced = through;
            self.record(Event::Synced { node, through });
        }
        for (to, message) in held {
            self.leave(node, to, message);
        }
        for token in syncs {
            self.step(node, |server, context| server.on_synced(token, context));
        }
    }

    pub(super) fn fire(&mut self, node: NodeId, timer: Timer) {
        if self.hosts[node.index()].timers.remove(&timer) {
            self.step(node, |server, context| server.on_timer(timer, context));
        }
    }

    /// Delivers the message at this place of the network.
    pub(super) fn deliver(&mut self, place: usize) {
        let Some((from, to, message)) = self.network.remove(place) else { return };
        if to.is_client() {
            if let Message::Answer { number, reply, .. } = message {
                self.answers.push((number, reply));
            }
        } else if self.is_up(to) {
            self.step(to, |server, context| server.on_message(from, message, context));
        }
    }

    /// A client's message reaches a server.
    pub(super) fn ask(&mut self, node: NodeId, message: Message) {
        if self.is_up(node) {
            self.step(node, |server, context| server.on_message(CLIENT, message, context));
        }
    }

    pub(super) fn open(&mut self, node: NodeId) {
        self.ask(node, Message::Open { session: SESSION });
    }

    pub(super) fn request(&mut self, node: NodeId, number: u64, operation: KvOp) {
        self.ask(node, Message::Request { session: SESSION, number, operation });
    }

    /// Lets these servers talk, and the clients hear, until all is quiet; what others send or are sent is lost.
    pub(super) fn talk(&mut self, among: &[u32]) {
        self.talk_only(among, <Message>::kinds());
    }

    /// The same, for messages of these kinds; others are lost.
    pub(super) fn talk_only(&mut self, among: &[u32], kinds: &[&str]) {
        while self.exchange(among, kinds) {}
    }

    /// Lets these servers talk for so many messages; all others, and what is then under way, are lost.
    pub(super) fn talk_for(&mut self, among: &[u32], messages: usize) {
        let quiet = (0..messages).any(|_| !self.exchange(among, <Message>::kinds()));
        if !quiet {
            self.network.clear();
        }
    }

    /// Delivers the oldest message of these kinds among these servers, and drops those of others. Says whether there was one.
    fn exchange(&mut self, among: &[u32], kinds: &[&str]) -> bool {
        among.iter().for_each(|server| self.sync(n(*server)));
        let heard = |node: &NodeId| node.is_client() || among.iter().any(|server| n(*server) == *node);
        self.network.retain(|(from, to, message)| heard(from) && heard(to) && kinds.contains(&message.kind().name));
        let any = !self.network.is_empty();
        self.deliver(0);
        any
    }

    /// Makes a server the leader by the votes of these, and loses all that it sends as such.
    pub(super) fn elect(&mut self, node: NodeId, by: &[u32]) {
        self.fire(node, Timer::Election);
        self.talk_only(by, &["RequestVote", "Vote"]);
        assert_eq!(self.role(node), "Leader");
    }

    pub(super) fn role(&self, node: NodeId) -> &'static str {
        self.server(node).role().expect("Raft always has a role").role.name
    }

    /// The terms of a server's log, in order.
    pub(super) fn terms(&self, node: NodeId) -> Vec<u64> {
        self.server(node).log().slice(1, usize::MAX).iter().map(|entry| entry.term.0).collect()
    }

    fn step(&mut self, node: NodeId, handler: impl FnOnce(&mut Raft, &mut Context<'_, Raft>)) {
        self.at += Duration::from_millis(1);
        let mut buffer = Buffer::default();
        let host = &mut self.hosts[node.index()];
        let mut context = Context::new(node, Default::default(), &mut host.random, &mut host.next_sync, &mut buffer);
        handler(host.process.as_mut().expect("only servers that are up take steps"), &mut context);
        self.carry_out(node, buffer);
    }

    fn carry_out(&mut self, node: NodeId, mut buffer: Buffer<Message, Timer, Note>) {
        let (effects, bytes) = buffer.split();
        for effect in effects {
            let host = &mut self.hosts[node.index()];
            match effect {
                Effect::Send { to, message, release: Release::Durable } if host.synced < host.writes => host.held.push((to, message)),
                Effect::Send { to, message, .. } => self.leave(node, to, message),
                Effect::SetTimer(timer, _) => drop(host.timers.insert(timer)),
                Effect::CancelTimer(timer) => drop(host.timers.remove(&timer)),
                Effect::Write(file, write) => {
                    assert_eq!(file, store::FILE);
                    host.writes += 1;
                    let write_number = host.writes;
                    let change = match write {
                        Write::Append(range) => {
                            host.file.extend_from_slice(&bytes[range.clone()]);
                            Change::Append(&bytes[range])
                        }
                        Write::Truncate(length) => {
                            host.file.truncate(length as usize);
                            host.durable = host.durable.min(length as usize);
                            Change::Truncate(length)
                        }
                        Write::At(..) => panic!("Raft's file is only appended to"),
                    };
                    self.record(Event::Write { node, write: write_number, file: store::FILE, change });
                }
                Effect::Sync(token) => host.syncs.push(token),
                Effect::Note { note, .. } => self.record(Event::Note { node, note: &note }),
                Effect::Sometimes(mark) => {
                    assert!(<Raft>::MARKS.iter().any(|known| known.name == mark));
                    self.marks.insert(mark);
                }
                Effect::Restart(_) => panic!("Raft starts no node anew"),
            }
        }
    }

    fn leave(&mut self, from: NodeId, to: NodeId, message: Message) {
        let id = MessageId { from, to, kind: KindDigest::of(message.kind().name), count: 1 };
        self.record(Event::Send { id, fate: Fate::Deliver(Duration::ZERO), message: &message });
        self.network.push_back((from, to, message));
    }

    fn record(&mut self, event: Event<'_, Words>) {
        let record = Record { number: self.records, at: self.at, event: &event };
        self.records += 1;
        self.judge.observe(&record);
    }
}
