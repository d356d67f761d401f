//! A consumer: it polls the partitions that it has, processes what it gets, and tells the group how far it is.

mod processor;

use super::client::{Client, ClientTimer};
use super::{Aborted, ClientRole, Message, Polled, Record, Refusal, Request, mark, transaction::Transaction};
use crate::base::{Duration, DurationRange, Holder, LocalTime, Shown, SortedMap, StreamAct, StreamOp, StreamRecord, Streamed, Tenure};
use crate::history::Outcome;
use crate::process::Context;

pub(super) use processor::epoch_of;
pub use processor::{Fencing, Processing};
use processor::{Preparing, Processor};

/// How a consumer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consuming {
    /// Whether it shares the partitions with the others of a group; else it has all, from the beginning.
    pub group: bool,
    /// When it says how far it is.
    pub commit: CommitTime,
    /// How long it processes what it has polled.
    pub work: DurationRange,
    /// How often it tells the group that it is there.
    pub heartbeat: Duration,
    /// Whether it reads only what is committed, of transactions.
    pub committed: bool,
    /// Where it goes on if what it wants is gone.
    pub reset: Reset,
    /// How it makes other messages of those it polls, if it does.
    pub processing: Option<Processing>,
}

/// When a member of a group says how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitTime {
    /// When it has polled messages, before it processes them.
    Before,
    /// When it has processed them.
    After,
}

/// Where a consumer goes on if what it wants is gone (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Where the partition begins.
    Earliest,
    /// Where it ends: what is there already is left out.
    Latest,
}

/// A consumer.
#[derive(Debug, Default)]
pub(super) struct Consumer {
    /// The generation whose part it has, if it is a member.
    generation: Option<u32>,
    /// Whether it waits for its part.
    joins: bool,
    /// Of each partition that it has: where it goes on.
    positions: SortedMap<u32, u64>,
    /// Of partitions of which it was told, since it last told, that what it wanted is gone: where each begins.
    gone: Vec<(u64, u64)>,
    /// Partitions that it was given, or that were taken from it, since it last told.
    rebalanced: Vec<u64>,
    has_subscribed: bool,
    /// Which it polled last.
    turn: usize,
    step: Step,
    /// Whether what it asks for was refused.
    refused: bool,
    processor: Processor,
    given: u64,
    /// Since it is to become quiet: since when, and how many polls of it were empty, one after another.
    quiet: Option<(LocalTime, usize)>,
}

/// What it is at.
#[derive(Debug, Default)]
enum Step {
    /// Nothing.
    #[default]
    Idle,
    /// It asks for what it must know before it can poll.
    Prepares(Asks, Preparing),
    /// It asks for messages.
    Polls(Asks),
    /// It says that it will have processed these, before it does.
    Announces(Asks, Batch),
    /// It processes these.
    Works(Batch),
    /// It says that it has.
    Commits(Asks, Batch),
    /// It sends what it made of these, and says that it has.
    Transacts(Box<Transaction>, Batch),
}

/// A request that is not answered.
#[derive(Clone, Copy, Debug)]
struct Asks {
    nth: u32,
    until: LocalTime,
    partition: u32,
}

/// Messages of a partition.
#[derive(Clone, Debug)]
struct Batch {
    partition: u32,
    generation: Option<u32>,
    records: Vec<(u64, i64)>,
    next: u64,
}

/// The group.
const GROUP: u64 = 0;

/// How long it waits before it asks again what was refused.
const PAUSE: Duration = Duration::from_millis(20);

impl Consumer {
    fn consuming(client: &Client) -> Consuming {
        match client.config.role {
            ClientRole::Consumes(consuming) => consuming,
            ClientRole::Produces(_) => unreachable!("a producer does not consume"),
        }
    }

    pub(super) fn given(&self) -> u64 {
        self.given
    }

    fn keys(&self) -> Vec<u64> {
        self.positions.keys().map(|partition| u64::from(*partition)).collect()
    }

    pub(super) fn start(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        if Self::consuming(client).group {
            return self.join(client, context);
        }
        self.positions = (0..client.config.layout.with_messages()).map(|partition| (partition, 0)).collect();
        client.invoke(StreamOp::Assign { keys: self.keys(), from_beginning: true }, context);
        client.complete(Outcome::Done(Streamed::default()), context);
        client.think(context);
    }

    /// From now on it polls only until there is nothing new.
    pub(super) fn quiesce(&mut self, _: &mut Client, context: &mut Context<'_, Client>) {
        self.quiet = Some((context.now(), 0));
    }

    /// Whether it is not yet quiet.
    pub(super) fn is_busy(&self) -> bool {
        !matches!(self.step, Step::Idle) || self.joins || !self.is_through()
    }

    /// Whether all that it polled was empty for a while.
    fn is_through(&self) -> bool {
        self.quiet.is_some_and(|(_, empty)| empty > 2 * self.positions.len())
    }

    // The group.

    fn join(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let taken = self.keys();
        self.rebalanced.extend(taken);
        self.positions.clear();
        (self.generation, self.joins) = (None, true);
        let member = client.session(context);
        context.send(client.leader(client.config.layout.of_group()), Message::Join { member });
        context.set_timer(ClientTimer::Beat, Self::consuming(client).heartbeat);
    }

    pub(super) fn beat(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let Some(generation) = self.generation else {
            return self.join(client, context);
        };
        let member = client.session(context);
        context.send(client.leader(client.config.layout.of_group()), Message::Beat { member, generation });
        context.set_timer(ClientTimer::Beat, Self::consuming(client).heartbeat);
    }

    fn on_joined(&mut self, client: &mut Client, generation: u32, assigned: Vec<(u32, u64)>, context: &mut Context<'_, Client>) {
        if self.generation.is_some_and(|known| known >= generation) {
            return;
        }
        let taken = self.keys();
        self.rebalanced.extend(taken);
        self.positions = assigned.into_iter().collect();
        let given = self.keys();
        self.rebalanced.extend(given);
        if let Some(processing) = Self::consuming(client).processing {
            self.processor.rejoined(processing);
        }
        (self.generation, self.joins) = (Some(generation), false);
        if let Some((_, empty)) = &mut self.quiet {
            *empty = 0;
        }
        if matches!(self.step, Step::Idle) {
            if !self.has_subscribed {
                self.has_subscribed = true;
                let keys = (0..u64::from(client.config.layout.partitions)).collect();
                client.invoke(StreamOp::Subscribe { group: Some(GROUP), keys }, context);
                client.complete(Outcome::Done(Streamed::default()), context);
            }
            client.think(context);
        }
    }

    // Polls.

    pub(super) fn begin(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        if !matches!(self.step, Step::Idle) {
            return;
        }
        if self.positions.is_empty() {
            // It has no part: it waits for one, and has nothing to look at when all is quiet.
            self.count_empty(client, context);
            return client.think(context);
        }
        self.turn = (self.turn + 1) % self.positions.len();
        let Some(partition) = self.positions.keys().nth(self.turn).copied() else { return };
        if self.prepares(client, partition, context) {
            return;
        }
        // A processor polls, and sends what it makes of it, in one operation: it can be told when it has polled.
        let is_processor = Self::is_processor(client);
        let nth = if is_processor { client.next() } else { client.invoke(StreamOp::Acts(vec![StreamAct::Poll]), context) };
        let asks = Asks { nth, until: context.now() + client.config.patience, partition };
        self.step = Step::Polls(asks);
        self.ask(client, context);
    }

    /// Sends what it asks for at present.
    fn ask(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        self.refused = false;
        let session = client.session(context);
        let request = |nth: u32, part: u32| Request { client: session, nth, part };
        let of_group = client.config.layout.of_group();
        match &self.step {
            Step::Prepares(asks, what) => {
                let (asked, message) = Self::preparation(*asks, *what, client, session);
                context.send(client.leader(asked), message);
            }
            Step::Polls(Asks { nth, partition, .. }) => {
                let Some(offset) = self.positions.get(partition).copied() else {
                    // It was taken away meanwhile.
                    return self.end(Outcome::Failed, client, context);
                };
                let committed = Self::consuming(client).committed;
                let message = Message::Poll { request: request(*nth, 0), partition: *partition, offset, committed };
                context.send(client.leader(*partition), message);
            }
            Step::Announces(Asks { nth, .. }, batch) | Step::Commits(Asks { nth, .. }, batch) => {
                let processed = (batch.partition, batch.next);
                let generation = Some(batch.generation.unwrap_or(0));
                let message = Message::Commit { request: request(*nth, 1), generation, processed, of: None };
                context.send(client.leader(of_group), message);
            }
            Step::Idle | Step::Works(_) | Step::Transacts(..) => return,
        }
        context.set_timer(ClientTimer::Again, client.config.request_timeout);
    }

    pub(super) fn again(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let of_group = client.config.layout.of_group();
        let (asks, partition) = match &self.step {
            Step::Transacts(..) => {
                return self.in_transaction(client, context, |transaction, own, client, context| transaction.again(own, client, context));
            }
            Step::Prepares(asks, what) => (*asks, Self::preparation(*asks, *what, client, client.session(context)).0),
            Step::Polls(asks) => (*asks, asks.partition),
            Step::Announces(asks, _) | Step::Commits(asks, _) => (*asks, of_group),
            Step::Idle | Step::Works(_) => return,
        };
        if context.now() >= asks.until {
            let outcome = if matches!(self.step, Step::Commits(..)) { Outcome::Unknown } else { Outcome::Failed };
            return self.end(outcome, client, context);
        }
        // Who has answered, and refused, has said whom to ask.
        if !std::mem::take(&mut self.refused) {
            client.learn(partition, None);
        }
        self.ask(client, context);
    }

    pub(super) fn on_message(&mut self, client: &mut Client, message: Message, context: &mut Context<'_, Client>) {
        let session = client.session(context);
        match message {
            message if matches!(self.step, Step::Transacts(..)) && Transaction::concerns(&message) => {
                self.in_transaction(client, context, |transaction, own, client, context| {
                    transaction.on_message(own, client, &message, context)
                });
            }
            Message::OffsetTold { request, result } if request.client == session => self.on_prepared(client, request, result, context),
            Message::Coordinated { request, result } if request.client == session => {
                self.on_prepared(client, request, result.map(u64::from), context);
            }
            Message::Polled { request, offset, result } if request.client == session => {
                self.on_polled(client, (request.nth, offset), result, context);
            }
            Message::CommitAnswered { request, refused } if request.client == session => {
                self.on_answered(client, request.nth, refused, context);
            }
            Message::Joined { member, generation, assigned } if member == session => self.on_joined(client, generation, assigned, context),
            Message::Rejoin { member, generation } if member == session && self.generation == Some(generation) => {
                self.join(client, context)
            }
            Message::Elsewhere { leader } => client.learn(client.config.layout.of_group(), leader),
            _ => {}
        }
    }

    fn on_polled(
        &mut self,
        client: &mut Client,
        (nth, offset): (u32, u64),
        result: Result<Polled, Refusal>,
        context: &mut Context<'_, Client>,
    ) {
        let Step::Polls(asks) = &self.step else { return };
        let asks = *asks;
        if asks.nth != nth {
            return;
        }
        let Polled { records, next, aborted } = match result {
            Ok(polled) => polled,
            Err(refusal) => {
                match refusal {
                    Refusal::NotLeader(leader) => client.learn(asks.partition, leader),
                    Refusal::OutOfRange { start, end } => self.reset(client, (asks.partition, offset), start, end, context),
                    _ => {}
                }
                self.refused = true;
                return context.set_timer(ClientTimer::Again, PAUSE);
            }
        };
        context.cancel_timer(ClientTimer::Again);
        let Some(position) = self.positions.get_mut(&asks.partition) else {
            return self.end(Outcome::Failed, client, context);
        };
        if *position != offset {
            // Meanwhile it was taken away and given again.
            return self.end(Outcome::Failed, client, context);
        }
        *position = next;
        let is_aborted = |record: &Record| {
            let within = |range: &Aborted| Some(range.producer) == record.of && (range.first..range.marker).contains(&record.offset);
            client.config.rules.leaves_out(aborted.iter().any(within))
        };
        let kept = records.iter().filter(|record| !is_aborted(record)).map(|record| (record.offset, record.value));
        let batch = Batch { partition: asks.partition, generation: self.generation, records: kept.collect(), next };
        let consuming = Self::consuming(client);
        let announces = consuming.group && client.config.rules.announces(consuming.commit == CommitTime::Before);
        if announces && !batch.records.is_empty() {
            self.step = Step::Announces(asks, batch);
            self.ask(client, context);
        } else {
            self.process(client, batch, context);
        }
    }

    /// What it wanted of a partition, from this offset on, is gone.
    fn reset(&mut self, client: &Client, (partition, asked): (u32, u64), start: u64, end: u64, context: &mut Context<'_, Client>) {
        let earliest = Self::consuming(client).reset == Reset::Earliest;
        let Some(position) = self.positions.get_mut(&partition).filter(|position| **position == asked) else { return };
        context.sometimes(mark::OUT_OF_RANGE);
        *position = client.config.rules.resets_to(start, end, earliest);
        self.gone.push((u64::from(partition), start));
        self.rebalanced.push(u64::from(partition));
    }

    /// Works on what it has polled.
    fn process(&mut self, client: &mut Client, batch: Batch, context: &mut Context<'_, Client>) {
        let takes = client.drawn(3, context).within(Self::consuming(client).work);
        let takes = if batch.records.is_empty() { Duration::from_nanos(0) } else { takes };
        self.step = Step::Works(batch);
        context.set_timer(ClientTimer::Worked, takes);
    }

    pub(super) fn worked(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let Step::Works(batch) = std::mem::take(&mut self.step) else { return };
        let is_processor = Self::is_processor(client);
        let records = batch.records.iter().map(|(offset, value)| StreamRecord { offset: Some(*offset), value: *value }).collect::<Vec<_>>();
        self.given += records.len() as u64;
        if records.is_empty() {
            self.count_empty(client, context);
        } else if let Some((_, empty)) = &mut self.quiet {
            *empty = 0;
        }
        if is_processor {
            if !records.is_empty() {
                return self.transact(client, batch, context);
            }
            client.invoke(StreamOp::Acts(vec![StreamAct::Poll]), context);
        }
        let shown = vec![Shown::Polled(vec![(u64::from(batch.partition), records)])];
        let rebalanced = std::mem::take(&mut self.rebalanced);
        let gone = std::mem::take(&mut self.gone);
        client.complete(Outcome::Done(Streamed { shown, rebalanced, gone, ..Streamed::default() }), context);
        let consuming = Self::consuming(client);
        let announced = client.config.rules.announces(consuming.commit == CommitTime::Before);
        if !consuming.group || announced || batch.records.is_empty() {
            return self.go_on(client, context);
        }
        let nth = client.invoke(StreamOp::Commit { offsets: vec![(u64::from(batch.partition), batch.next)] }, context);
        let asks = Asks { nth, until: context.now() + client.config.patience, partition: batch.partition };
        self.step = Step::Commits(asks, batch);
        self.ask(client, context);
    }

    fn count_empty(&mut self, client: &Client, context: &Context<'_, Client>) {
        if let Some((since, empty)) = &mut self.quiet
            && context.now() > *since + client.config.tail
        {
            *empty += 1;
        }
    }

    /// What came of what it said of how far it is.
    fn on_answered(&mut self, client: &mut Client, nth: u32, refused: Option<Refusal>, context: &mut Context<'_, Client>) {
        let (Step::Announces(asks, batch) | Step::Commits(asks, batch)) = &self.step else { return };
        if asks.nth != nth {
            return;
        }
        match refused {
            None => {
                let batch = batch.clone();
                context.cancel_timer(ClientTimer::Again);
                if matches!(self.step, Step::Announces(..)) {
                    return self.process(client, batch, context);
                }
                let number = u64::from(batch.generation.unwrap_or(0));
                let tenures = vec![Tenure { of: Holder::Group(GROUP), number }];
                self.end(Outcome::Done(Streamed { tenures, ..Streamed::default() }), client, context);
            }
            Some(Refusal::Fenced | Refusal::Rebalancing) => {
                self.end(Outcome::Failed, client, context);
                if !self.joins {
                    self.join(client, context);
                }
            }
            Some(refusal) => {
                if let Refusal::NotLeader(leader) = refusal {
                    client.learn(client.config.layout.of_group(), leader);
                }
                self.refused = true;
                context.set_timer(ClientTimer::Again, PAUSE);
            }
        }
    }

    fn end(&mut self, outcome: Outcome<Streamed>, client: &mut Client, context: &mut Context<'_, Client>) {
        context.cancel_timer(ClientTimer::Again);
        self.step = Step::Idle;
        client.complete(outcome, context);
        self.go_on(client, context);
    }

    fn go_on(&self, client: &mut Client, context: &mut Context<'_, Client>) {
        if !self.is_through() {
            client.think(context);
        }
    }

    pub(super) fn status(&self) -> String {
        let step = match &self.step {
            Step::Idle => "idle",
            Step::Prepares(..) => "asks where it goes on",
            Step::Polls(_) => "polls",
            Step::Announces(..) | Step::Commits(..) => "commits",
            Step::Works(_) => "processes",
            Step::Transacts(transaction, _) => transaction.status(),
        };
        let member = self.generation.map_or(String::new(), |generation| format!(", of generation {generation}"));
        format!("{step}{member}, has {} partitions", self.positions.len())
    }
}
