//! Who uses the bus: publishers, and subscribers that process what they get.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Delivery, Item, Message, Order, Rules, mark};
use crate::base::{ClientId, Duration, DurationRange, NodeId, OperationId, Shown, Stream, StreamAct, StreamOp, StreamRecord, Streamed};
use crate::history::{Event, Outcome};
use crate::process::{ClientProcess, Context, Files, Mark, Process, SyncToken};

/// A publisher or a subscriber.
///
/// To publish is a send of the history; at most once it is of *unknown* outcome if it was not answered in time. A subscriber invokes one
/// poll after another: each ends with a message, once that is processed, or with none, once it has waited for long.
#[derive(Debug)]
pub struct Party {
    config: PartyConfig,
    life: u32,
    /// That it has started once more is on its way to disk.
    numbered: Option<SyncToken>,
    /// How many operations it has begun.
    begun: u32,
    open: Option<StreamOp>,
    /// How often what is open was asked for.
    attempt: u32,
    quiet: bool,
    /// How many polls since have shown nothing.
    in_vain: u32,
    /// What it has been given and has not begun.
    inbox: VecDeque<Item>,
    /// What it processes, and whether that is on its way to disk, before or after.
    at_work: Option<(Item, Option<SyncToken>)>,
    /// What it has had: in which log, at which offset.
    had: BTreeSet<(u64, u64)>,
    is_subscribed: bool,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct PartyConfig {
    /// How often a message comes.
    pub delivery: Delivery,
    /// In which order messages come.
    pub order: Order,
    /// In which order they are to come: the logs of the history have it.
    pub held_to: Order,
    /// How many topics there are.
    pub topics: u64,
    /// How many keys each topic has.
    pub keys: u64,
    /// How long it waits for an answer of the bus.
    pub answer: Duration,
    /// What it does.
    pub role: Role,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

impl PartyConfig {
    /// Whether that a message is processed, and that it was had, are one write.
    fn takes_when_processed(&self) -> bool {
        self.delivery == Delivery::ExactlyOnce && !self.rules.acknowledges_first(true)
    }

    /// The log in which a message has its order.
    fn log(&self, item: &Item) -> u64 {
        self.order.log((item.topic, item.key), self.keys)
    }

    /// A poll that has shown this message.
    fn shown(&self, item: &Item) -> Outcome<Streamed> {
        let record = StreamRecord { offset: Some(item.offset), value: item.value };
        let log = self.held_to.log((item.topic, item.key), self.keys);
        Outcome::Done(vec![Shown::Polled(vec![(log, vec![record])])].into())
    }
}

/// What a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It publishes.
    Publisher(Publishing),
    /// It subscribes.
    Subscriber(Subscribing),
}

/// How a publisher publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// How long it thinks between two messages.
    pub think: DurationRange,
}

/// How a subscriber goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribing {
    /// How long it processes a message.
    pub work: DurationRange,
    /// How long it waits for a message until a poll shows none.
    pub wait: Duration,
}

/// A timer of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum PartyTimer {
    /// The next message is due.
    Due,
    /// The bus has not answered in time.
    Overdue,
    /// A message is processed.
    Worked,
    /// No message has come for so long.
    Nothing,
}

/// What random words are for.
const THINK: u64 = 1;
const MESSAGE: u64 = 2;
const WORK: u64 = 3;

/// A byte for each start. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const LIVES: &str = "lives";
/// What a subscriber has had, as records.
const HAD: &str = "had";

/// A record of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Had {
    /// The message.
    item: Item,
    /// The poll that is to show it.
    poll: OperationId,
}

const BUS: NodeId = NodeId::server(0);
/// How many polls in a row must show nothing until all is quiet.
const QUIET: u32 = 3;

impl Party {
    fn session(&self, context: &Context<'_, Self>) -> ClientId {
        ClientId { client: context.me().index() as u32, session: self.life }
    }

    fn id(&self, context: &Context<'_, Self>) -> OperationId {
        OperationId { client: context.me().index() as u32, life: self.life, nth: self.begun }
    }

    fn drawn(&self, purpose: u64, context: &mut Context<'_, Self>) -> Stream {
        let id = self.id(context).word();
        context.random().fork(purpose, id)
    }

    fn invoke(&mut self, op: StreamOp, context: &mut Context<'_, Self>) {
        self.attempt = 0;
        context.note(Event::Invoke { client: self.session(context), id: self.id(context), op: op.clone() });
        self.open = Some(op);
    }

    fn ended(&self, outcome: Outcome<Streamed>, context: &Context<'_, Self>) -> Event<StreamOp, Streamed> {
        Event::Complete { client: self.session(context), outcome }
    }

    fn complete(&mut self, outcome: Outcome<Streamed>, context: &mut Context<'_, Self>) {
        let event = self.ended(outcome, context);
        context.note(event);
        self.open = None;
    }

    /// Begins what comes next.
    fn go_on(&mut self, context: &mut Context<'_, Self>) {
        self.begun += 1;
        match self.config.role {
            Role::Publisher(_) if self.quiet => {}
            Role::Publisher(Publishing { think }) => {
                let after = self.drawn(THINK, context).within(think);
                context.set_timer(PartyTimer::Due, after);
            }
            Role::Subscriber(_) if !self.is_subscribed => {
                self.invoke(StreamOp::Subscribe { group: Some(context.me().index() as u64), keys: self.logs() }, context);
                self.ask(context);
            }
            Role::Subscriber(_) if self.quiet && self.in_vain >= QUIET && self.inbox.is_empty() => {}
            Role::Subscriber(_) => self.poll(context),
        }
    }

    fn topics(&self) -> Vec<u64> {
        (0..self.config.topics).collect()
    }

    /// The logs in which messages have their order, as the history knows them.
    fn logs(&self) -> Vec<u64> {
        let PartyConfig { held_to, topics, keys, .. } = self.config;
        (0..held_to.log((topics, 0), keys)).collect()
    }

    fn poll(&mut self, context: &mut Context<'_, Self>) {
        let Role::Subscriber(Subscribing { wait, .. }) = self.config.role else { return };
        self.invoke(StreamOp::Acts(vec![StreamAct::Poll]), context);
        context.set_timer(PartyTimer::Nothing, wait);
        self.begin_work(context);
    }

    fn publish(&mut self, context: &mut Context<'_, Self>) {
        let (topic, key) = self.destination(context);
        let key = self.config.held_to.log((topic, key), self.config.keys);
        let value = (context.me().index() as i64 + 1) * 100_000_000 + i64::from(self.life) * 100_000 + i64::from(self.begun);
        self.invoke(StreamOp::Acts(vec![StreamAct::Send { key, value }]), context);
        self.ask(context);
    }

    /// The topic and the key of the message that it publishes.
    fn destination(&self, context: &mut Context<'_, Self>) -> (u64, u64) {
        let mut drawn = self.drawn(MESSAGE, context);
        (drawn.below(self.config.topics), drawn.below(self.config.keys))
    }

    /// Asks the bus for what is open.
    fn ask(&mut self, context: &mut Context<'_, Self>) {
        let id = self.id(context);
        let id = OperationId { nth: self.config.rules.named(id.nth, self.attempt), ..id };
        match &self.open {
            Some(StreamOp::Acts(acts)) => {
                let Some(StreamAct::Send { value, .. }) = acts.first() else { return };
                let (topic, key) = self.destination(context);
                context.send(BUS, Message::Publish { id, topic, key, value: *value });
            }
            Some(StreamOp::Subscribe { .. }) => context.send(BUS, Message::Subscribe { topics: self.topics() }),
            _ => return,
        }
        self.attempt += 1;
        context.set_timer(PartyTimer::Overdue, self.config.answer);
    }

    fn on_overdue(&mut self, context: &mut Context<'_, Self>) {
        if matches!(self.open, Some(StreamOp::Acts(_))) && !self.config.delivery.again() {
            self.complete(Outcome::Unknown, context);
            return self.go_on(context);
        }
        context.sometimes(mark::PUBLISHED_AGAIN);
        self.ask(context);
    }

    fn on_accepted(&mut self, id: OperationId, offset: Option<u64>, context: &mut Context<'_, Self>) {
        let sends = matches!(&self.open, Some(StreamOp::Acts(acts)) if acts.first() != Some(&StreamAct::Poll));
        let nth = self.config.rules.named(self.begun, self.attempt.saturating_sub(1));
        if sends && id == (OperationId { nth, ..self.id(context) }) {
            context.cancel_timer(PartyTimer::Overdue);
            self.complete(Outcome::Done(vec![Shown::Sent(offset)].into()), context);
            self.go_on(context);
        }
    }

    fn on_subscribed(&mut self, context: &mut Context<'_, Self>) {
        if matches!(self.open, Some(StreamOp::Subscribe { .. })) {
            self.is_subscribed = true;
            context.cancel_timer(PartyTimer::Overdue);
            self.complete(Outcome::Done(Streamed::default()), context);
            self.go_on(context);
        }
    }

    fn on_deliver(&mut self, item: Item, context: &mut Context<'_, Self>) {
        let is_known = self.inbox.contains(&item) || self.at_work.is_some_and(|(under_way, _)| under_way == item);
        if self.drops(item, context) || is_known {
            return;
        }
        self.inbox.push_back(item);
        if self.open.is_none() && self.numbered.is_none() && self.is_subscribed {
            self.begun += 1;
            self.poll(context);
        } else {
            self.begin_work(context);
        }
    }

    /// Acknowledges what it has had before, and does not process it again. Where messages come in order, that is so of all before it:
    ///
    /// 1. A delivery is late. The bus crashes, drops the message from a full buffer, and delivers the next one, which is processed.
    /// 2. The late delivery comes.
    fn drops(&self, item: Item, context: &mut Context<'_, Self>) -> bool {
        let Item { topic, offset, .. } = item;
        let PartyConfig { delivery, order, ref rules, .. } = self.config;
        let log = self.config.log(&item);
        let is_past = || order != Order::No && !rules.goes_back() && self.had.range((log, offset)..=(log, u64::MAX)).next().is_some();
        let drops = !rules.processes_again(delivery.once()) && (self.had.contains(&(log, offset)) || is_past());
        if drops {
            context.sometimes(mark::HAD_BEFORE);
            context.send_when_durable(BUS, Message::Taken { topic, offset });
        }
        drops
    }

    /// Begins to process the next message, if a poll waits for one.
    fn begin_work(&mut self, context: &mut Context<'_, Self>) {
        if self.at_work.is_some() || self.open != Some(StreamOp::Acts(vec![StreamAct::Poll])) {
            return;
        }
        let Some(item) = self.next(context) else { return };
        context.cancel_timer(PartyTimer::Nothing);
        if self.config.rules.acknowledges_first(self.config.delivery.again()) {
            let token = self.take(item, context);
            self.at_work = Some((item, Some(token)));
        } else {
            self.at_work = Some((item, None));
            self.work(context);
        }
    }

    fn next(&mut self, context: &mut Context<'_, Self>) -> Option<Item> {
        while let Some(item) = self.inbox.pop_front() {
            if !self.drops(item, context) {
                return Some(item);
            }
        }
        None
    }

    /// Writes down that it has had a message, and acknowledges that.
    fn take(&mut self, item: Item, context: &mut Context<'_, Self>) -> SyncToken {
        let Item { topic, offset, .. } = item;
        self.had.insert((self.config.log(&item), offset));
        context.append_record(HAD, &Had { item, poll: self.id(context) });
        context.send_when_durable(BUS, Message::Taken { topic, offset });
        context.sync()
    }

    fn work(&mut self, context: &mut Context<'_, Self>) {
        let Role::Subscriber(Subscribing { work, .. }) = self.config.role else { return };
        let length = self.drawn(WORK, context).within(work);
        context.set_timer(PartyTimer::Worked, length);
    }

    fn on_worked(&mut self, context: &mut Context<'_, Self>) {
        let Some((item, _)) = self.at_work else { return };
        let outcome = self.config.shown(&item);
        self.in_vain = 0;
        if self.config.takes_when_processed() {
            // What it does, and that it has done it, are written down together.
            let token = self.take(item, context);
            let event = self.ended(outcome, context);
            context.note_when_durable(event);
            self.at_work = Some((item, Some(token)));
        } else {
            self.complete(outcome, context);
            if !self.config.rules.acknowledges_first(self.config.delivery.again()) {
                context.send(BUS, Message::Taken { topic: item.topic, offset: item.offset });
            }
            self.at_work = None;
            self.go_on(context);
        }
    }
}

impl Process for Party {
    type Config = PartyConfig;
    type Message = Message;
    type Timer = PartyTimer;
    type Note = Event<StreamOp, Streamed>;

    const MARKS: &'static [Mark] = mark::OF_PARTIES;

    fn boot(config: &PartyConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u32;
        context.append(LIVES, b".");
        let known: Vec<Had> = if config.rules.knows_had_after_restart() { disk.records(HAD).collect() } else { Vec::new() };
        // What it was to say when that is on disk went with the crash, if the write was on disk already and its sync not over.
        if let Some(Had { item, poll }) = known.last()
            && config.takes_when_processed()
        {
            let client = ClientId { client: poll.client, session: poll.life };
            context.note(Event::Recover { client, id: *poll, outcome: config.shown(item) });
        }
        Self {
            config: config.clone(),
            life,
            numbered: Some(context.sync()),
            begun: 0,
            open: None,
            attempt: 0,
            quiet: false,
            in_vain: 0,
            inbox: VecDeque::new(),
            at_work: None,
            had: known.iter().map(|Had { item, .. }| (config.log(item), item.offset)).collect(),
            is_subscribed: false,
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Accepted { id, offset } => self.on_accepted(id, offset, context),
            Message::Subscribed => self.on_subscribed(context),
            Message::Deliver(item) => self.on_deliver(item, context),
            Message::Disconnected => self.is_subscribed = false,
            Message::Publish { .. } | Message::Subscribe { .. } | Message::Taken { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: PartyTimer, context: &mut Context<'_, Self>) {
        match timer {
            PartyTimer::Due => self.publish(context),
            PartyTimer::Overdue => self.on_overdue(context),
            PartyTimer::Worked => self.on_worked(context),
            PartyTimer::Nothing => {
                self.in_vain += u32::from(self.quiet);
                self.complete(Outcome::Done(vec![Shown::Polled(Vec::new())].into()), context);
                // If it was cut off and does not know, this has it subscribed again.
                context.send(BUS, Message::Subscribe { topics: self.topics() });
                self.go_on(context);
            }
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        if self.numbered.take_if(|awaited| *awaited == token).is_some() {
            return self.go_on(context);
        }
        let Some((_, awaited)) = self.at_work else { return };
        if awaited != Some(token) {
            return;
        }
        if self.config.rules.acknowledges_first(self.config.delivery.again()) {
            self.work(context);
        } else {
            (self.at_work, self.open) = (None, None);
            self.go_on(context);
        }
    }

    fn status(&self) -> String {
        match (&self.open, &self.at_work) {
            (_, Some((item, _))) => format!("processes {} of topic {}", item.value, item.topic),
            (Some(op), None) => op.to_string(),
            (None, None) => "idle".to_owned(),
        }
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}

impl ClientProcess for Party {
    fn quiesce(&mut self, context: &mut Context<'_, Self>) {
        self.quiet = true;
        context.cancel_timer(PartyTimer::Due);
    }

    fn under_way(&self) -> usize {
        let polls_on = matches!(self.config.role, Role::Subscriber(_)) && self.quiet && self.in_vain < QUIET;
        usize::from(self.open.is_some() || !self.inbox.is_empty() || polls_on)
    }
}
