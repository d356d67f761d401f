//! The server: Raft replicates the catalogue; while this server leads, it counts how long leases last and checks instances; and whether or
//! not it leads, it tells watchers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;

use super::checks::Checks;
use super::deadlines::Deadlines;
use super::freshness::Freshness;
use super::mutants::ServesUnproven;
use super::watchers::Watchers;
use super::{Catalogue, Change, Config, Ending, Health, Key, LeaseId, Listing, Message, Note, Operation, Output, RaftMessage, Value, mark};
use crate::base::{Duration, LocalTime, NodeId};
use crate::process::{self, Claim, Embeds, Files, Joined, Mark, Process, Role, SyncToken};
use crate::protocols::raft::{self, Hosted, Raft, Round, Turn};

type Context<'a> = process::Context<'a, Server>;

/// A server of a registry.
#[derive(Clone, Debug)]
pub struct Server {
    config: Rc<Config>,
    hosted: Hosted<Catalogue>,
    /// What it keeps while it leads.
    leading: Option<Leading>,
    /// When it applied the grant of each lease, and until when each lasts that it kept as a leader: what a new leader must not go by.
    hearsay: Hearsay,
    watchers: Watchers,
    freshness: Freshness,
}

/// What a leader keeps, and loses with the leadership.
#[derive(Clone, Debug, Default)]
struct Leading {
    deadlines: Deadlines,
    /// The leases whose end is proposed.
    ending: BTreeSet<LeaseId>,
    /// Who waits for proof that this server leads, with the time at which it asked.
    waiting: VecDeque<(Round, Waiting, LocalTime)>,
    checks: Checks,
}

/// One who waits for proof.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Holder(Holder),
    Server { server: NodeId, asked: LocalTime },
    Oneself,
}

/// A client that keeps its lease alive.
#[derive(Clone, Copy, Debug)]
struct Holder {
    client: NodeId,
    lease: LeaseId,
    asked: LocalTime,
    /// Through which revision it knows what has ceased to go with the lease.
    knows: u64,
}

#[derive(Clone, Debug, Default)]
struct Hearsay {
    granted: BTreeMap<LeaseId, LocalTime>,
    deadlines: Deadlines,
}

/// A server's timers.
pub type Timer = raft::HostedTimer;

static MARKS: Joined<Mark> = Joined::of(Mark::new("", ""), [mark::ALL, Raft::<Catalogue>::MARKS]);

impl Process for Server {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = Raft::<Catalogue>::ROLES;
    const MARKS: &'static [Mark] = MARKS.list();

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_>) -> Self {
        let raft = raft::Config {
            members: (0..config.servers).map(NodeId::server).collect(),
            election_timeout: config.election_timeout,
            heartbeat: config.heartbeat,
            batch_max: config.batch as usize,
            machine: Catalogue::new(config.history, Arc::clone(&config.rules)),
            rules: if config.rules.look_ups_need_proof() { Arc::new(raft::Correct) } else { Arc::new(ServesUnproven) },
        };
        let hosted = Hosted::boot(&raft, disk, context);
        context.set_timer(Timer::Tick, config.tick);
        Self {
            config: Rc::new(config.clone()),
            hosted,
            leading: None,
            hearsay: Hearsay::default(),
            watchers: Watchers::new(config.progress),
            freshness: Freshness::default(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        match message {
            Message::Raft(message) => self.hosted.on_message(from, message, context),
            Message::KeepAlive { lease, asked, knows } => self.on_keep_alive(Holder { client: from, lease, asked, knows }, context),
            Message::Watch { directory, asked, seen } => self.on_watch(from, directory, asked, seen, context),
            Message::Peek { number, asked, directory, age_max } => self.on_peek(from, (number, asked), directory, age_max, context),
            Message::HowFar { asked } => self.on_how_far(from, asked, context),
            Message::ThusFar { asked, index } => self.freshness.answered(asked, index),
            Message::Report { key, created, is_well } => self.on_report(from, key, created, is_well, context),
            Message::KeptAlive { .. }
            | Message::Lapsed { .. }
            | Message::Elsewhere { .. }
            | Message::Listing { .. }
            | Message::Changes { .. }
            | Message::Compacted { .. }
            | Message::Peeked { .. }
            | Message::Probe { .. } => {}
        }
        self.catch_up(context);
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Raft(timer) => self.hosted.on_timer(timer, context),
            Timer::Tick => self.tick(context),
        }
        self.catch_up(context);
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        self.hosted.on_synced(token, context);
        self.catch_up(context);
    }

    fn role(&self) -> Option<Claim> {
        self.raft().role()
    }

    fn status(&self) -> String {
        let (revision, watchers) = (self.catalogue().revision(), self.watchers.count());
        format!("{}; revision {revision}, {watchers} watch", self.raft().status())
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

impl Embeds<Raft<Catalogue>> for Server {
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

/// What may be asked of a server by what runs it.
impl Server {
    /// What the registry holds, as far as this server knows.
    pub fn catalogue(&self) -> &Catalogue {
        self.hosted.machine()
    }

    /// Its part of Raft.
    pub fn raft(&self) -> &Raft<Catalogue> {
        self.hosted.raft()
    }

    /// What it must still bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        let ending = self.leading.as_ref().map_or(0, |leading| leading.ending.len());
        (ending > 0).then(|| format!("{ending} leases whose end is proposed"))
    }
}

/// What was decided, and what follows from it here.
impl Server {
    fn catch_up(&mut self, context: &mut Context<'_>) {
        let outputs = self.hosted.take_outputs();
        let mut changes = Vec::new();
        for output in outputs {
            match output {
                Output::Granted(lease, length) => self.granted(lease, length, context),
                Output::Ended(lease, ending) => self.ended(lease, ending, context),
                Output::Changed(change) => changes.push(change),
                Output::Deregistered(key, created) => context.note(Note::Deregistered { key, created }),
            }
        }
        if !changes.is_empty() {
            self.changed(&changes, context);
        }
        match self.hosted.turn() {
            Some(Turn::TookOver) => self.take_over(context),
            Some(Turn::SteppedDown) => self.step_down(context),
            None => {}
        }
        self.serve(context);
        self.freshness.applied(self.raft().applied());
    }

    fn granted(&mut self, lease: LeaseId, length: Duration, context: &mut Context<'_>) {
        context.note(Note::Granted { lease, length });
        let now = context.now();
        self.hearsay.granted.entry(lease).or_insert(now);
        if let Some(leading) = &mut self.leading {
            leading.deadlines.extend(lease, now + length);
        }
    }

    fn ended(&mut self, lease: LeaseId, ending: Ending, context: &mut Context<'_>) {
        context.note(Note::Ended { lease, ending });
        self.hearsay.granted.remove(&lease);
        self.hearsay.deadlines.remove(lease);
        if let Some(leading) = &mut self.leading {
            leading.deadlines.remove(lease);
            leading.ending.remove(&lease);
            if ending == Ending::Expired {
                context.sometimes(mark::LEASE_EXPIRED);
            }
        }
    }

    fn changed(&mut self, changes: &[Change], context: &mut Context<'_>) {
        let now = context.now();
        for change in changes {
            context.note(Note::Changed(*change));
            if let (Some(leading), Some(checking)) = (&mut self.leading, &self.config.checking) {
                leading.checks.changed(change, now, checking.every);
            }
        }
        let directories: BTreeSet<u32> = changes.iter().map(|change| change.key.directory).collect();
        let (through, age) = (self.catalogue().revision(), self.age(context));
        for directory in directories {
            for (client, watcher) in self.watchers.of(directory) {
                let of_it = |change: &&Change| change.key.directory == directory && change.revision > watcher.seen;
                let changes: Vec<Change> = changes.iter().filter(of_it).copied().collect();
                if !changes.is_empty() {
                    let message = Message::Changes { directory, asked: None, age, after: watcher.seen, through, changes };
                    (watcher.seen, watcher.told) = (through, now);
                    for _ in 1..self.config.rules.sends() {
                        context.send(client, message.clone());
                    }
                    context.send(client, message);
                }
            }
        }
    }

    /// A new leader does not know when leases were kept alive last: each may have been in the moment before it was elected.
    fn take_over(&mut self, context: &mut Context<'_>) {
        context.note(Note::TookOver);
        let (now, rules) = (context.now(), &self.config.rules);
        let mut leading = Leading::default();
        let mut restarted = false;
        for (lease, length) in self.hosted.machine().leases().filter(|_| rules.looks_after_all()) {
            let granted = self.hearsay.granted.get(&lease).filter(|_| !rules.restarts_leases());
            let kept = self.hearsay.deadlines.until(lease).filter(|_| !rules.forgets_deadlines());
            leading.deadlines.extend(lease, kept.unwrap_or(*granted.unwrap_or(&now) + length));
            restarted = true;
        }
        if let Some(checking) = &self.config.checking {
            for (key, item) in self.hosted.machine().keys() {
                leading.checks.found(*key, item, now, checking.every);
            }
        }
        if restarted {
            context.sometimes(mark::LEASES_RESTARTED);
        }
        self.leading = Some(leading);
    }

    /// Those who wait for proof that this server leads will not get it.
    fn step_down(&mut self, context: &mut Context<'_>) {
        let Some(leading) = self.leading.take() else { return };
        let hint = self.raft().follows();
        for (_, waiting, _) in leading.waiting {
            if let Waiting::Holder(Holder { client, .. }) = waiting {
                context.sometimes(mark::KEEPER_DEPOSED);
                context.send(client, Message::Elsewhere { hint });
            }
        }
        self.hearsay.deadlines = leading.deadlines;
    }

    fn propose(&mut self, operation: Operation, context: &mut Context<'_>) {
        self.hosted.propose(operation, context);
    }
}

/// What must be proven: that this server leads.
impl Server {
    fn on_keep_alive(&mut self, holder: Holder, context: &mut Context<'_>) {
        let now = context.now();
        let Some(round) = self.raft().next_round().filter(|_| self.leading.is_some()) else {
            return context.send(holder.client, Message::Elsewhere { hint: self.raft().follows() });
        };
        let waiting = Waiting::Holder(holder);
        if self.config.rules.keep_alive_needs_proof() {
            self.wait(round, waiting, now);
        } else {
            self.grant_wish(waiting, now, context);
        }
    }

    fn on_how_far(&mut self, server: NodeId, asked: LocalTime, context: &mut Context<'_>) {
        let now = context.now();
        let Some(round) = self.raft().next_round().filter(|_| self.leading.is_some()) else { return };
        let waiting = if server == context.me() { Waiting::Oneself } else { Waiting::Server { server, asked } };
        if self.config.rules.age_needs_proof() {
            self.wait(round, waiting, now);
        } else {
            self.grant_wish(waiting, now, context);
        }
    }

    fn wait(&mut self, round: Round, waiting: Waiting, now: LocalTime) {
        if let Some(leading) = &mut self.leading {
            leading.waiting.push_back((round, waiting, now));
        }
    }

    /// Serves the requests whose proof has come.
    fn serve(&mut self, context: &mut Context<'_>) {
        let is_waiting = |leading: &Option<Leading>| leading.as_ref().is_some_and(|leading| !leading.waiting.is_empty());
        if !is_waiting(&self.leading) {
            return;
        }
        let Some(proven) = self.hosted.raft_mut().proven() else { return };
        while let Some(leading) = &mut self.leading
            && leading.waiting.front().is_some_and(|(round, ..)| *round <= proven)
            && let Some((_, waiting, came)) = leading.waiting.pop_front()
        {
            self.grant_wish(waiting, came, context);
        }
    }

    fn grant_wish(&mut self, waiting: Waiting, came: LocalTime, context: &mut Context<'_>) {
        match waiting {
            Waiting::Holder(holder) => self.keep_alive(holder, came, context),
            Waiting::Server { server, asked } => {
                context.send(server, Message::ThusFar { asked, index: self.raft().applied() });
            }
            Waiting::Oneself => self.freshness.answered(came, self.raft().applied()),
        }
    }

    /// A lease lasts by the time at which it was asked for, for which it is proven that this server led.
    ///
    /// 1. A keep-alive comes, and the leader sends a round, to prove itself.
    /// 2. A majority confirms. Right after, another is elected, and gives the lease its full length anew.
    /// 3. The old leader hears of the confirmations late, and answers. Counted from now, the lease would outlast what the new one gives.
    fn keep_alive(&mut self, holder: Holder, came: LocalTime, context: &mut Context<'_>) {
        let Holder { client, lease, asked, knows } = holder;
        let (now, rules) = (context.now(), Arc::clone(&self.config.rules));
        let length = self.hosted.machine().length(lease);
        let Some(leading) = &mut self.leading else { return };
        let ending = leading.ending.contains(&lease);
        let Some(length) = length.filter(|_| !ending || !rules.end_is_final()) else {
            if ending {
                context.sometimes(mark::KEPT_TOO_LATE);
            }
            return context.send(client, Message::Lapsed { lease });
        };
        let remaining = leading.deadlines.extend(lease, rules.extended(came, now, length)).since(now);
        if !remaining.is_zero() {
            let attached = if rules.tells_of_the_gone() { self.hosted.machine().attached_since(lease, knows) } else { None };
            context.send(client, Message::KeptAlive { lease, asked, remaining: rules.told_remaining(remaining), attached });
        }
    }
}

/// What is due.
impl Server {
    fn tick(&mut self, context: &mut Context<'_>) {
        context.set_timer(Timer::Tick, self.config.tick);
        self.expire(context);
        self.check(context);
        self.tell_progress(context);
        let now = context.now();
        if self.freshness.asks(now, self.config.refresh) {
            if self.leading.is_some() {
                self.on_how_far(context.me(), now, context);
            } else if let Some(leader) = self.raft().follows() {
                context.send(leader, Message::HowFar { asked: now });
            }
        }
    }

    fn expire(&mut self, context: &mut Context<'_>) {
        if self.config.rules.proposes_again() {
            for lease in self.leading.iter().flat_map(|leading| leading.ending.clone()).collect::<Vec<_>>() {
                self.propose(Operation::Expire { lease }, context);
            }
        }
        while let Some(leading) = &mut self.leading
            && let Some(lease) = leading.deadlines.take_overdue(context.now())
        {
            leading.ending.insert(lease);
            context.note(Note::Expires { lease });
            self.propose(Operation::Expire { lease }, context);
        }
    }

    fn check(&mut self, context: &mut Context<'_>) {
        let (Some(leading), Some(checking)) = (&mut self.leading, &self.config.checking) else { return };
        let (news, asked) = leading.checks.look(context.now(), checking, &*self.config.rules);
        for (node, key, created) in asked {
            context.send(node, Message::Probe { key, created });
        }
        for operation in news {
            match operation {
                Operation::Check { health: Health::Critical, .. } => context.sometimes(mark::CRITICAL),
                Operation::Deregister { key, created } => {
                    context.sometimes(mark::DEREGISTERED);
                    context.note(Note::Deregisters { key, created });
                }
                _ => {}
            }
            self.propose(operation, context);
        }
    }

    fn on_report(&mut self, from: NodeId, key: Key, created: u64, is_well: bool, context: &mut Context<'_>) {
        let is_of = |value: Value| matches!(value, Value::Instance(instance) if instance.node == from);
        let registered = self.hosted.machine().get(key).is_some_and(|item| is_of(item.value));
        match &mut self.leading {
            Some(leading) if registered => leading.checks.reported(key, created, is_well),
            Some(_) => {}
            None => context.send(from, Message::Elsewhere { hint: self.raft().follows() }),
        }
    }
}

/// Those who look without asking the leader.
impl Server {
    fn age(&self, context: &Context<'_>) -> Option<Duration> {
        self.freshness.age(context.now()).map(|age| self.config.rules.told_age(age))
    }

    fn on_peek(&mut self, client: NodeId, (number, asked): (u64, LocalTime), directory: u32, age_max: Duration, context: &mut Context<'_>) {
        let age = self.age(context).filter(|age| *age <= age_max);
        let listing = match age {
            Some(_) => self.catalogue().list(directory),
            None => {
                context.sometimes(mark::TOO_OLD);
                Listing { revision: self.catalogue().revision(), items: Vec::new() }
            }
        };
        context.send(client, Message::Peeked { number, asked, directory, age, listing });
    }

    fn on_watch(&mut self, client: NodeId, directory: u32, asked: LocalTime, seen: Option<u64>, context: &mut Context<'_>) {
        let (now, age, rules) = (context.now(), self.age(context), Arc::clone(&self.config.rules));
        let (revision, compacted) = (self.catalogue().revision(), self.catalogue().compacted());
        let goes_back = |seen: u64| seen > revision && !rules.refuses_older_lists();
        let Some(seen) = seen.filter(|seen| !goes_back(*seen)) else {
            self.watchers.hear(directory, client, revision, now);
            let listing = self.catalogue().list(directory);
            return context.send(client, Message::Listing { directory, asked, age, listing });
        };
        if seen > revision {
            // It will be told when this server has caught up.
            context.sometimes(mark::WATCHED_AHEAD);
            self.watchers.hear(directory, client, seen, now);
            let nothing = Message::Changes { directory, asked: Some(asked), age, after: seen, through: seen, changes: Vec::new() };
            return context.send(client, nothing);
        }
        let from = rules.resumes_after(seen, revision);
        let from = if rules.tells_of_compaction() { from } else { from.max(compacted) };
        let Some(changes) = self.catalogue().changes_after(directory, from) else {
            context.sometimes(mark::WATCH_COMPACTED);
            self.watchers.forget(directory, client);
            return context.send(client, Message::Compacted { directory, through: compacted });
        };
        if !changes.is_empty() {
            context.sometimes(mark::WATCH_RESUMED);
        }
        self.watchers.hear(directory, client, revision, now);
        context.send(client, Message::Changes { directory, asked: Some(asked), age, after: seen, through: revision, changes });
    }

    /// Those who watch where nothing happens are told that nothing did.
    fn tell_progress(&mut self, context: &mut Context<'_>) {
        let (now, age, through) = (context.now(), self.age(context), self.catalogue().revision());
        for (directory, client, after) in self.watchers.overdue(now, through) {
            context.send(client, Message::Changes { directory, asked: None, age, after, through, changes: Vec::new() });
        }
    }
}
