//! Who uses the bus: publishers, and subscribers that process what they get.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Delivery, Item, Message, Order, Rules, mark};
use crate::base::{ClientId, Duration, DurationRange, NodeId, OperationId, Shown, StreamAct, StreamOp, StreamRecord, Streamed};
use crate::history::{Event, Outcome};
use crate::process::{ClientProcess, Context, Files, Mark, Misfit, Process, Steps, SyncToken, TakesSteps};

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
    /// How many operations of its own it has begun, or planned.
    begun: u32,
    open: Option<StreamOp>,
    /// If it publishes: what is open, and what it was handed.
    publication: Option<Publication>,
    steps: Steps<BusStep>,
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

/// What a publisher does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BusStep {
    /// It publishes a message, and waits for the answer.
    Publish {
        /// To this topic, from 0.
        topic: u64,
        /// With this key, from 0.
        #[serde(default)]
        key: u64,
    },
}

/// A message that a publisher publishes.
#[derive(Clone, Copy, Debug)]
struct Publication {
    id: OperationId,
    /// Whether it was handed: then it was none of its own, after which the next of these is due.
    is_handed: bool,
    topic: u64,
    key: u64,
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
    /// How long it thinks between two messages of its own; without it, it publishes only what it is handed.
    pub think: Option<DurationRange>,
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartyTimer {
    /// This message is due.
    Due(OperationId),
    /// The bus has not answered in time.
    Overdue,
    /// A message is processed.
    Worked,
    /// No message has come for so long.
    Nothing,
}

/// Which message is due is not shown, nor written, with the timer, but with what is published.
impl Debug for PartyTimer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for PartyTimer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match self {
            Self::Due(_) => 0,
            Self::Overdue => 1,
            Self::Worked => 2,
            Self::Nothing => 3,
        };
        serializer.serialize_unit_variant("PartyTimer", number, self.name())
    }
}

impl PartyTimer {
    fn name(self) -> &'static str {
        match self {
            Self::Due(_) => "Due",
            Self::Overdue => "Overdue",
            Self::Worked => "Worked",
            Self::Nothing => "Nothing",
        }
    }
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

    fn invoke(&mut self, id: OperationId, op: StreamOp, context: &mut Context<'_, Self>) {
        self.attempt = 0;
        context.note(Event::Invoke { client: self.session(context), id, op: op.clone() });
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
        match self.config.role {
            Role::Publisher(publishing) => self.go_on_publishing(publishing, context),
            Role::Subscriber(_) if !self.is_subscribed => {
                self.begun += 1;
                let subscribe = StreamOp::Subscribe { group: Some(context.me().index() as u64), keys: self.logs() };
                self.invoke(self.id(context), subscribe, context);
                self.ask(context);
            }
            Role::Subscriber(_) => {
                self.begun += 1;
                if !self.quiet || self.in_vain < QUIET || !self.inbox.is_empty() {
                    self.poll(context);
                }
            }
        }
    }

    /// Plans the next message of its own, if what is over was one, and publishes what waits.
    fn go_on_publishing(&mut self, Publishing { think }: Publishing, context: &mut Context<'_, Self>) {
        let was_handed = self.publication.take().is_some_and(|publication| publication.is_handed);
        if let (Some(think), false, false) = (think, was_handed, self.quiet) {
            self.begun += 1;
            let next = self.id(context);
            let after = context.random().fork(THINK, next.word()).within(think);
            context.set_timer(PartyTimer::Due(next), after);
        }
        self.publish_next(context);
    }

    /// Publishes the message that has waited longest, if none is on its way.
    fn publish_next(&mut self, context: &mut Context<'_, Self>) {
        if self.numbered.is_none()
            && self.open.is_none()
            && let Some(next) = self.steps.next_waiting()
        {
            self.publish(next, context);
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
        self.invoke(self.id(context), StreamOp::Acts(vec![StreamAct::Poll]), context);
        context.set_timer(PartyTimer::Nothing, wait);
        self.begin_work(context);
    }

    fn publish(&mut self, id: OperationId, context: &mut Context<'_, Self>) {
        let PartyConfig { topics, keys, held_to, .. } = self.config;
        let is_handed = self.steps.is_handed(id);
        let mut drawn = context.random().fork(MESSAGE, id.word());
        let made_up = || BusStep::Publish { topic: drawn.below(topics), key: drawn.below(keys) };
        let BusStep::Publish { topic, key } = self.steps.begin(id, context.now(), made_up);
        self.publication = Some(Publication { id, is_handed, topic, key });
        let send = StreamAct::Send { key: held_to.log((topic, key), keys), value: id.value() };
        self.invoke(id, StreamOp::Acts(vec![send]), context);
        self.ask(context);
    }

    /// The id by which the bus knows a message at this attempt.
    fn named(&self, id: OperationId, attempt: u32) -> OperationId {
        OperationId { nth: self.config.rules.named(id.nth, attempt), ..id }
    }

    /// Asks the bus for what is open.
    fn ask(&mut self, context: &mut Context<'_, Self>) {
        match (&self.open, self.publication) {
            (Some(StreamOp::Acts(_)), Some(Publication { id, topic, key, .. })) => {
                context.send(BUS, Message::Publish { id: self.named(id, self.attempt), topic, key, value: id.value() });
            }
            (Some(StreamOp::Subscribe { .. }), _) => context.send(BUS, Message::Subscribe { topics: self.topics() }),
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
        let asked = self.publication.map(|publication| self.named(publication.id, self.attempt.saturating_sub(1)));
        if asked == Some(id) {
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
        let poll = self.id(context).word();
        let length = context.random().fork(WORK, poll).within(work);
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
            publication: None,
            steps: Steps::default(),
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
            PartyTimer::Due(message) => {
                self.steps.wait(message);
                self.publish_next(context);
            }
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
        self.steps.clear();
        context.cancel_timer(PartyTimer::Due(self.id(context)));
    }

    fn under_way(&self) -> usize {
        let polls_on = matches!(self.config.role, Role::Subscriber(_)) && self.quiet && self.in_vain < QUIET;
        usize::from(self.open.is_some() || !self.inbox.is_empty() || polls_on)
    }
}

impl TakesSteps for Party {
    type Step = BusStep;

    fn steps(&self) -> &Steps<BusStep> {
        &self.steps
    }

    fn steps_mut(&mut self) -> &mut Steps<BusStep> {
        &mut self.steps
    }

    fn due(step: OperationId) -> PartyTimer {
        PartyTimer::Due(step)
    }

    fn is_due(timer: &PartyTimer) -> Option<OperationId> {
        if let PartyTimer::Due(step) = timer { Some(*step) } else { None }
    }

    fn only_handed(config: &mut PartyConfig) {
        if let Role::Publisher(publishing) = &mut config.role {
            publishing.think = None;
        }
    }

    fn fits(config: &PartyConfig, BusStep::Publish { topic, key }: &BusStep) -> Result<(), Misfit> {
        if let Role::Subscriber(_) = config.role {
            return Err(Misfit {
                problem: "this client subscribes, and publishes nothing".to_owned(),
                help: "the first clients publish; subscribers take what comes, by themselves".to_owned(),
            });
        }
        Misfit::below("topic", *topic, config.topics)?;
        Misfit::below("key", *key, config.keys)
    }
}
