//! A broker: replicas of partitions, of which it leads some.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use super::group::Coordinator;
use super::leading::{Leading, Waiting};
use super::log::Log;
use super::sequences::Numbered;
use super::store::{self, Change};
use super::transacting::Asked;
use super::{Acks, Content, Entry, Flush, Layout, Message, Note, Polled, Record, Refusal, Request, Rules, Sequenced, Standing};
use super::{mark, transactions};
use crate::base::{LocalTime, NodeId, SortedMap};
use crate::process::{Claim, Context, Files, Mark, Process, Release, Role, SyncToken};

/// A broker.
#[derive(Debug)]
pub struct Broker {
    pub(super) config: BrokerConfig,
    pub(super) me: u32,
    life: u32,
    /// That it has started once more is on its way to disk.
    numbered: Option<SyncToken>,
    /// The version of all that it knows of partitions.
    version: u64,
    pub(super) replicas: SortedMap<u32, Replica>,
    /// While it leads the partition of the group.
    pub(super) group: Option<Coordinator>,
    /// While it leads the partition of the transactions' coordinator.
    pub(super) transactions: Option<transactions::Coordinator>,
    /// Who leads each partition, as far as it knows.
    pub(super) leaders: Vec<Option<u32>>,
    /// Syncs under way, and how long the logs were that they cover.
    syncs: Vec<(SyncToken, Vec<(u32, u64)>)>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// What all agree on.
    pub layout: Arc<Layout>,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// A replica of a partition.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) log: Log,
    /// Up to where its log is on disk, as far as it knows.
    pub(super) durable: u64,
    /// Up to where all is committed, as far as it knows.
    pub(super) high: u64,
    standing: Standing,
    /// Whether its log was found to differ from its leader's in this epoch.
    cut: bool,
    pub(super) leading: Option<Leading>,
    /// Since when each tombstone was seen to be the last of its key.
    pub(super) horizons: SortedMap<u64, LocalTime>,
}

/// A broker's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum BrokerTimer {
    /// It tells the controller that it is there, and looks who is in sync.
    Alive,
    /// It fetches a partition again.
    Fetch(u32),
    /// Its logs go to disk.
    Flush,
    /// Its logs are cleaned.
    Clean,
    /// It looks which members of the group are silent.
    Sessions,
    /// Who has not joined again is no member.
    Rebalance,
    /// It looks which transactions are open for too long, and which markers are missing.
    Transactions,
}

/// A byte for each start. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const LIVES: &str = "lives";

/// Most records are no longer than this.
const RECORD_BYTES: usize = 64;

/// So many entries are told at once.
const AT_ONCE: u64 = 50;

/// The broker that leads most.
pub const LEADER: Role = Role::new("Leader", "A broker that leads a partition; of several, the one that leads most.");

impl Replica {
    /// Who leads it.
    pub(super) fn leader(&self) -> Option<u32> {
        self.standing.leader
    }

    /// In which epoch.
    pub(super) fn epoch(&self) -> u32 {
        self.standing.epoch
    }
}

impl Broker {
    pub(super) fn always(&self) -> bool {
        self.config.layout.flush == Flush::Always
    }

    fn release(&self) -> Release {
        if self.always() { Release::Durable } else { Release::Now }
    }

    /// Appends what it leads: at which offset.
    pub(super) fn append(&mut self, partition: u32, content: Content, context: &mut Context<'_, Self>) -> u64 {
        let Some(replica) = self.replicas.get(&partition).filter(|replica| replica.leading.is_some()) else { return 0 };
        let entry = Entry { offset: replica.log.end(), epoch: replica.standing.epoch, at: context.now(), content };
        let offset = entry.offset;
        self.put(partition, vec![entry], context);
        self.tell_followers(partition, context);
        self.advance(partition, context);
        offset
    }

    /// Takes entries into a log and writes them down.
    fn put(&mut self, partition: u32, entries: Vec<Entry>, context: &mut Context<'_, Self>) {
        let always = self.always();
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        for entry in entries {
            let before = replica.log.epoch_before(entry.offset);
            Self::write(partition, &Change::Put(&entry), context);
            context.note(Note::Appended { partition, before, entry: entry.clone() });
            replica.log.push(entry);
        }
        if always {
            self.sync(context);
        }
    }

    /// The log of a partition as its disk has it, of which a torn tail is cut.
    fn recover(partition: u32, disk: &Files, context: &mut Context<'_, Self>) -> Log {
        let file = store::file(partition);
        let bytes = disk.read(&file).unwrap_or_default();
        let (changes, length) = store::read(bytes);
        if length < bytes.len() {
            context.truncate(file, length as u64);
        }
        Log::of(changes)
    }

    pub(super) fn write(partition: u32, change: &Change<&Entry>, context: &mut Context<'_, Self>) {
        let mut record = Vec::with_capacity(RECORD_BYTES);
        store::encode(change, &mut record);
        context.append(store::file(partition), &record);
    }

    pub(super) fn sync(&mut self, context: &mut Context<'_, Self>) {
        let ends = self.replicas.iter().map(|(partition, replica)| (*partition, replica.log.end())).collect();
        self.syncs.push((context.sync(), ends));
    }

    fn cut(&mut self, partition: u32, to: u64, context: &mut Context<'_, Self>) {
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        if to >= replica.log.end() {
            return;
        }
        // What is left of a log that is cut before its beginning is nothing.
        let to = if to < replica.log.start() { 0 } else { to };
        context.sometimes(mark::TRUNCATED);
        Self::write(partition, &Change::Cut(to), context);
        context.note(Note::Cut { partition, to });
        replica.log.cut(to);
        (replica.durable, replica.high) = (replica.durable.min(to), replica.high.min(to));
        self.covers_no_more_than(partition, to);
    }

    /// No sync that is under way covers more of a log than this.
    pub(super) fn covers_no_more_than(&mut self, partition: u32, end: u64) {
        let of_partition = self.syncs.iter_mut().flat_map(|(_, ends)| ends).filter(|(of, _)| *of == partition);
        of_partition.for_each(|(_, covered)| *covered = end.min(*covered));
    }

    /// Answers the followers that wait for more than they have been told.
    fn tell_followers(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let Some(Replica { log, high, standing, leading: Some(leading), .. }) = self.replicas.get_mut(&partition) else { return };
        for (follower, known) in leading.followers.iter_mut().filter(|(_, known)| known.waits) {
            known.waits = false;
            let entries = log.between(known.end, known.end + AT_ONCE).to_vec();
            let told = Message::Fetched { partition, epoch: standing.epoch, offset: known.end, entries, high: *high, start: log.start() };
            context.send(NodeId::server(*follower), told);
        }
    }

    /// Looks what is committed by now, and tells those who wait for it.
    pub(super) fn advance(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let (me, always) = (self.me, self.always());
        let BrokerConfig { layout, rules } = &self.config;
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let own = if always { replica.durable } else { replica.log.end() };
        let Some(leading) = &mut replica.leading else { return };
        let Some(high) = leading.committed(me, own, layout, &**rules).filter(|high| *high > replica.high) else { return };
        replica.high = high;
        context.note(Note::Advanced { partition, epoch: replica.standing.epoch, high });
        let (told, waiting) = std::mem::take(&mut leading.waiting).into_iter().partition(|(offset, _)| *offset < high);
        leading.waiting = waiting;
        let of_group = layout.of_group();
        for (offset, waiting) in told {
            match waiting {
                Waiting::Client(to, request) => self.tell_committed(partition, offset, (to, request), context),
                Waiting::Coordinator(to) => self.tell_marked(partition, offset, to, context),
            }
        }
        self.tell_followers(partition, context);
        match partition.cmp(&of_group) {
            Ordering::Less => {}
            Ordering::Equal => self.read_group(context),
            Ordering::Greater => self.read_transactions(context),
        }
    }

    fn tell_committed(&mut self, partition: u32, offset: u64, (to, request): (NodeId, Request), context: &mut Context<'_, Self>) {
        if partition != self.config.layout.of_group() {
            return context.send(to, Message::Produced { request, result: Ok(Some(offset)) });
        }
        let entry = self.replicas.get(&partition).and_then(|replica| replica.log.get(offset));
        match entry.map(|entry| &entry.content) {
            Some(Content::Processed { partition, offset, generation, of }) => {
                let told = of.is_none().then_some((*partition, *offset, *generation));
                self.tell_processed(told, (to, request), context);
            }
            Some(Content::Asked { partition }) => self.tell_offset(*partition, (to, request), context),
            _ => {}
        }
    }

    /// The controller has told how partitions stand.
    fn on_image(&mut self, version: u64, partitions: Vec<Standing>, context: &mut Context<'_, Self>) {
        if version < self.version {
            return;
        }
        self.version = version;
        self.leaders = partitions.iter().map(|standing| standing.leader).collect();
        for (partition, standing) in (0..).zip(partitions) {
            self.on_standing(partition, standing, context);
        }
    }

    fn on_standing(&mut self, partition: u32, standing: Standing, context: &mut Context<'_, Self>) {
        let (me, rules) = (self.me, Arc::clone(&self.config.rules));
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        if standing.version <= replica.standing.version {
            return;
        }
        let is_new = standing.epoch > replica.standing.epoch || standing.leader != replica.standing.leader;
        replica.standing = standing.clone();
        if !is_new {
            if let Some(leading) = &mut replica.leading {
                (leading.isr, leading.asked) = (standing.isr, None);
                self.advance(partition, context);
            }
            return;
        }
        let waiting = replica.leading.take().map(|leading| leading.waiting).unwrap_or_default();
        replica.cut = false;
        let refused = Refusal::NotLeader(standing.leader);
        for (_, waiting) in waiting {
            if let Waiting::Client(to, request) = waiting {
                Self::refuse(partition, to, request, refused, &self.config.layout, context);
            }
        }
        match partition.cmp(&self.config.layout.of_group()) {
            Ordering::Less => {}
            Ordering::Equal => self.group = None,
            Ordering::Greater => drop(self.transactions.take_if(|_| rules.unloads())),
        }
        if standing.leader == Some(me) {
            return self.lead(partition, standing, context);
        }
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        replica.leading = None;
        if standing.leader.is_some() {
            if let Some(to) = rules.cut_when_following(replica.high) {
                self.cut(partition, to, context);
            }
            self.fetch(partition, context);
        }
    }

    fn lead(&mut self, partition: u32, standing: Standing, context: &mut Context<'_, Self>) {
        let rules = Arc::clone(&self.config.rules);
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let end = replica.log.end();
        context.note(Note::Leads { partition, epoch: standing.epoch, end });
        if !rules.remembers_producers() {
            replica.log.forget_sequences();
        }
        if !rules.remembers_transactions() {
            replica.log.forget_transactions();
        }
        replica.leading = Some(Leading::new(standing.isr, end, context.now()));
        context.cancel_timer(BrokerTimer::Fetch(partition));
        match partition.cmp(&self.config.layout.of_group()) {
            Ordering::Less => {}
            Ordering::Equal => self.coordinate(context),
            Ordering::Greater => {
                self.coordinate_transactions(context);
                self.read_transactions(context);
            }
        }
        self.advance(partition, context);
    }

    fn refuse(partition: u32, to: NodeId, request: Request, refused: Refusal, layout: &Layout, context: &mut Context<'_, Self>) {
        let answer = if partition == layout.of_group() {
            Message::CommitAnswered { request, refused: Some(refused) }
        } else {
            Message::Produced { request, result: Err(refused) }
        };
        context.send(to, answer);
    }

    pub(super) fn fetch(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let (release, life) = (self.release(), self.life);
        let Some(replica) = self.replicas.get(&partition).filter(|replica| replica.leading.is_none()) else { return };
        let Standing { leader: Some(leader), epoch, .. } = replica.standing else { return };
        let offset = replica.log.end();
        let last = self.config.rules.compares(replica.cut).then(|| replica.log.epoch_before(offset));
        for _ in 0..self.config.rules.fetches() {
            context.release(release, NodeId::server(leader), Message::Fetch { partition, epoch, offset, last, life });
        }
        context.set_timer(BrokerTimer::Fetch(partition), self.config.layout.fetch);
    }

    fn on_fetch(
        &mut self,
        from: u32,
        (partition, epoch): (u32, u32),
        offset: u64,
        last: Option<u32>,
        life: u32,
        context: &mut Context<'_, Self>,
    ) {
        let now = context.now();
        let Some(replica) = self.replicas.get_mut(&partition).filter(|replica| replica.standing.epoch == epoch) else { return };
        let Some(leading) = &mut replica.leading else { return };
        let end = replica.log.end();
        if offset < replica.log.start() {
            return self.tell_behind(from, (partition, epoch), offset, context);
        }
        if offset > end || last.is_some_and(|last| last != replica.log.epoch_before(offset)) {
            let (of, end) = last.map_or((epoch, end), |last| replica.log.end_of(last));
            return context.send(NodeId::server(from), Message::Diverges { partition, epoch, asked: (offset, last), of, end });
        }
        leading.heard(from, life, offset, end, now);
        self.look_who_is_in_sync(partition, context);
        self.advance(partition, context);
        let Some(Replica { log, high, leading: Some(leading), .. }) = self.replicas.get_mut(&partition) else { return };
        if offset == end {
            // It is answered when there is more to tell.
            leading.followers.entry(from).or_insert_with(|| unreachable!("it was heard above")).waits = true;
            return;
        }
        let entries = log.between(offset, offset + AT_ONCE).to_vec();
        let start = log.start();
        context.send(NodeId::server(from), Message::Fetched { partition, epoch, offset, entries, high: *high, start });
    }

    fn on_fetched(
        &mut self,
        (partition, epoch): (u32, u32),
        offset: u64,
        entries: Vec<Entry>,
        (high, start): (u64, u64),
        context: &mut Context<'_, Self>,
    ) {
        let Some(replica) = self.replicas.get(&partition) else { return };
        if replica.standing.epoch != epoch || replica.leading.is_some() || replica.log.end() != offset {
            return;
        }
        if !entries.is_empty() {
            self.put(partition, entries, context);
        }
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        replica.high = replica.high.max(high.min(replica.log.end()));
        let start = start.min(replica.high);
        self.trim(partition, start, context);
        self.fetch(partition, context);
    }

    fn on_diverges(
        &mut self,
        (partition, epoch): (u32, u32),
        asked: (u64, Option<u32>),
        (of, end): (u32, u64),
        context: &mut Context<'_, Self>,
    ) {
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        // What is told of a log as it was is no reason to cut what has come since: the leader may count on that.
        let present = asked.0 == replica.log.end() && asked.1.is_none_or(|last| last == replica.log.epoch_before(asked.0));
        if replica.standing.epoch != epoch || replica.leading.is_some() || !self.config.rules.cuts_when_told(present) {
            return;
        }
        let to = self.config.rules.cut_at(end, replica.log.end_of(of).1);
        replica.cut = true;
        self.cut(partition, to, context);
        self.fetch(partition, context);
    }

    /// Asks the controller to take in, or out, whom it should.
    fn look_who_is_in_sync(&mut self, partition: u32, context: &mut Context<'_, Self>) {
        let (me, now) = ((self.me, self.life), context.now());
        let BrokerConfig { layout, rules } = &self.config;
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let Some(leading) = &mut replica.leading else { return };
        if leading.asked.as_ref().is_some_and(|(_, since)| now < *since + layout.beat) {
            return;
        }
        let Some(isr) = leading.should_be_in_sync(me, replica.high, now, layout, &**rules) else { return };
        let wanted: Vec<u32> = isr.iter().map(|(broker, _)| *broker).collect();
        match wanted.len().cmp(&leading.isr.len()) {
            Ordering::Less => context.sometimes(mark::SHRANK),
            Ordering::Greater => context.sometimes(mark::GREW),
            Ordering::Equal => {}
        }
        leading.ask(wanted, now, &**rules);
        let Standing { epoch, version, .. } = replica.standing;
        for controller in layout.controllers() {
            context.send(controller, Message::AlterIsr { partition, epoch, version, isr: isr.clone() });
        }
        self.advance(partition, context);
    }

    fn on_produce(
        &mut self,
        from: NodeId,
        request: Request,
        partition: u32,
        acks: Acks,
        content: Content,
        context: &mut Context<'_, Self>,
    ) {
        let rules = Arc::clone(&self.config.rules);
        let result = match self.take(partition, acks, content, &*rules, context) {
            Ok(Some((offset, again))) if acks == Acks::All => {
                let Some(replica) = self.replicas.get_mut(&partition) else { return };
                let committed = offset < replica.high;
                let answers = if again { rules.answers_again(committed) } else { rules.answers(committed) };
                if !answers {
                    if let Some(leading) = &mut replica.leading {
                        leading.waiting.push((offset, Waiting::Client(from, request)));
                    }
                    return;
                }
                Ok(Some(offset))
            }
            Ok(offset) => Ok(offset.map(|(offset, _)| offset)),
            Err(refusal) => Err(refusal),
        };
        if acks != Acks::None {
            context.release(self.release(), from, Message::Produced { request, result });
        }
    }

    /// Appends a message, if it may: at which offset, and whether it was there.
    fn take(
        &mut self,
        partition: u32,
        acks: Acks,
        content: Content,
        rules: &dyn Rules,
        context: &mut Context<'_, Self>,
    ) -> Result<Option<(u64, bool)>, Refusal> {
        let min_insync = self.config.layout.min_insync as usize;
        let replica = self.replicas.get(&partition).ok_or(Refusal::NotLeader(None))?;
        let leading = replica.leading.as_ref().ok_or(Refusal::NotLeader(replica.standing.leader))?;
        let by: Option<Sequenced> = if let Content::Message { by, .. } = &content { *by } else { None };
        match by.map_or(Numbered::Next, |by| replica.log.sequences().judge(by, rules)) {
            Numbered::Next => {}
            Numbered::Known(offset) => {
                context.sometimes(mark::REPEATED);
                return Ok(offset.map(|offset| (offset, true)));
            }
            Numbered::Early => {
                context.sometimes(mark::OUT_OF_ORDER);
                return Err(Refusal::OutOfOrder);
            }
            Numbered::Old if rules.refuses_old() => {
                context.sometimes(mark::OLD_EPOCH);
                return Err(Refusal::Fenced);
            }
            Numbered::Old => {}
        }
        if acks == Acks::All && rules.refuses(leading.isr.len() < min_insync) {
            context.sometimes(mark::NOT_ENOUGH);
            return Err(Refusal::NotEnough);
        }
        Ok(Some((self.append(partition, content, context), false)))
    }

    fn on_poll(&self, from: NodeId, request: Request, (partition, offset): (u32, u64), committed: bool, context: &mut Context<'_, Self>) {
        let result = match self.replicas.get(&partition) {
            Some(Replica { log, high, leading: Some(_), .. }) if offset < log.start() => {
                Err(Refusal::OutOfRange { start: log.start(), end: self.config.rules.readable(*high, log.end()) })
            }
            Some(Replica { log, high, leading: Some(_), .. }) => {
                let rules = &*self.config.rules;
                let readable = rules.readable(*high, log.end());
                let end = if committed { rules.readable_committed(log.transactions().stable(*high, rules), readable) } else { readable };
                let end = end.min(offset + AT_ONCE);
                let records = log.between(offset, end).iter().filter_map(|entry| match entry.content {
                    Content::Message { value, by, transactional } => {
                        let of = by.filter(|_| transactional).map(|by| by.producer);
                        Some(Record { offset: entry.offset, value, of })
                    }
                    _ => None,
                });
                let aborted = if committed { log.transactions().aborted(offset, end) } else { Vec::new() };
                Ok(Polled { records: records.collect(), next: end.max(offset), aborted })
            }
            replica => Err(Refusal::NotLeader(replica.and_then(|replica| replica.standing.leader))),
        };
        context.send(from, Message::Polled { request, offset, result });
    }

    pub(super) fn leader_of_group(&self) -> Option<u32> {
        self.replicas.get(&self.config.layout.of_group()).and_then(|replica| replica.standing.leader)
    }

    fn alive(&mut self, context: &mut Context<'_, Self>) {
        // It tells all controllers: the one that leads hears it.
        for controller in self.config.layout.controllers() {
            context.send(controller, Message::Alive { life: self.life, whole: self.always(), version: self.version });
        }
        context.set_timer(BrokerTimer::Alive, self.config.layout.beat);
        self.config.layout.all().for_each(|partition| self.look_who_is_in_sync(partition, context));
    }
}

impl Process for Broker {
    type Config = BrokerConfig;
    type Message = Message;
    type Timer = BrokerTimer;
    type Note = Note;

    const ROLES: &'static [Role] = &[LEADER];
    const MARKS: &'static [Mark] = mark::OF_BROKERS;

    fn boot(config: &BrokerConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let (layout, me) = (&config.layout, context.me().index() as u32);
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u32;
        context.append(LIVES, b".");
        let numbered = Some(context.sync());
        let mut replicas = SortedMap::new();
        for partition in layout.all().filter(|partition| layout.replicas_of(*partition).contains(&me)) {
            let log = Self::recover(partition, disk, context);
            let end = log.end();
            context.note(Note::Restored { partition, start: log.start(), epochs: log.epochs() });
            let standing = Standing { leader: None, epoch: 0, isr: Vec::new(), eligible: Vec::new(), version: 0 };
            // What is gone was committed.
            let high = log.start();
            let horizons = SortedMap::new();
            replicas.insert(partition, Replica { log, durable: end, high, standing, cut: false, leading: None, horizons });
        }
        if let Some(cleaning) = &layout.cleaning {
            context.set_timer(BrokerTimer::Clean, cleaning.every);
        }
        if let Flush::Every(length) = layout.flush {
            context.set_timer(BrokerTimer::Flush, length);
        }
        Self {
            config: config.clone(),
            me,
            life,
            numbered,
            version: 0,
            replicas,
            group: None,
            transactions: None,
            leaders: Vec::new(),
            syncs: Vec::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        let server = from.index() as u32;
        match message {
            Message::Image { life, version, partitions } if life == self.life => self.on_image(version, partitions, context),
            Message::Fetch { partition, epoch, offset, last, life } => {
                self.on_fetch(server, (partition, epoch), offset, last, life, context);
            }
            Message::Fetched { partition, epoch, offset, entries, high, start } => {
                self.on_fetched((partition, epoch), offset, entries, (high, start), context);
            }
            Message::Behind { partition, epoch, asked, start, before } => {
                self.on_behind((partition, epoch), asked, (start, before), context);
            }
            Message::Diverges { partition, epoch, asked, of, end } => self.on_diverges((partition, epoch), asked, (of, end), context),
            Message::Produce { request, partition, acks, value, by, transactional } => {
                self.on_produce(from, request, partition, acks, Content::Message { value, by, transactional }, context);
            }
            Message::Poll { request, partition, offset, committed } => {
                self.on_poll(from, request, (partition, offset), committed, context);
            }
            Message::Join { member } => self.on_join(from, member, context),
            Message::Beat { member, generation } => self.on_beat(from, member, generation, context),
            Message::Commit { request, generation, processed, of } => {
                self.on_commit(from, request, (generation, of), processed, context);
            }
            Message::Offset { request, partition } => self.on_offset(from, request, partition, context),
            Message::Begin { request, producer } => self.on_transaction(from, request, &Asked::Begin(producer), context),
            Message::AddPartitions { request, by, partitions } => {
                self.on_transaction(from, request, &Asked::Add(by, partitions), context);
            }
            Message::End { request, by, commits } => self.on_transaction(from, request, &Asked::End(by, commits), context),
            Message::WriteMarker { partition, marker } => self.on_marker(from, partition, marker, context),
            Message::MarkerWritten { partition, marker } => self.on_marked(partition, marker, context),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: BrokerTimer, context: &mut Context<'_, Self>) {
        match timer {
            BrokerTimer::Alive => self.alive(context),
            BrokerTimer::Fetch(partition) => self.fetch(partition, context),
            BrokerTimer::Flush => {
                self.sync(context);
                if let Flush::Every(length) = self.config.layout.flush {
                    context.set_timer(BrokerTimer::Flush, length);
                }
            }
            BrokerTimer::Clean => self.clean(context),
            BrokerTimer::Sessions => self.look_who_is_silent(context),
            BrokerTimer::Rebalance => self.begin_generation(context),
            BrokerTimer::Transactions => self.look_after_transactions(context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        if self.numbered.take_if(|awaited| *awaited == token).is_some() {
            self.alive(context);
        }
        let Some(place) = self.syncs.iter().position(|(awaited, _)| *awaited == token) else { return };
        let ends: Vec<(u32, u64)> = self.syncs.drain(..=place).flat_map(|(_, ends)| ends).collect();
        for (partition, end) in ends {
            if let Some(replica) = self.replicas.get_mut(&partition) {
                replica.durable = replica.durable.max(end);
            }
            self.advance(partition, context);
        }
    }

    fn role(&self) -> Option<Claim> {
        let leads = self.replicas.values().filter(|replica| replica.leading.is_some()).count();
        (leads > 0).then(|| LEADER.ranked(leads as u64))
    }

    fn status(&self) -> String {
        let told = |(partition, replica): (&u32, &Replica)| {
            let role = if replica.leading.is_some() { "leads" } else { "follows" };
            let (epoch, high, end) = (replica.standing.epoch, replica.high, replica.log.end());
            format!("{role} partition {partition} in epoch {epoch}, committed {high} of {end}")
        };
        self.replicas.iter().map(told).collect::<Vec<_>>().join("; ")
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_records(file: &str, bytes: &[u8]) -> Option<String> {
        file.starts_with("log-").then(|| store::words(bytes)).flatten()
    }
}
