//! The bus itself: a journal of what was published, and a buffer for each subscriber.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Delivery, Full, Item, Message, Order, Rules, mark};
use crate::base::{Duration, NodeId, OperationId, SortedMap};
use crate::process::{Context, Files, Mark, Process, SyncToken};

/// The bus.
#[derive(Debug)]
pub struct Bus {
    config: BusConfig,
    /// Of each topic, the offset that comes next.
    next: SortedMap<u64, u64>,
    /// Which place each message has by its id.
    known: BTreeMap<OperationId, u64>,
    /// What is on its way to disk.
    unsynced: VecDeque<(SyncToken, Step)>,
    subscribers: SortedMap<u32, Subscriber>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// How often a message comes.
    pub delivery: Delivery,
    /// In which order a subscriber gets messages.
    pub order: Order,
    /// How many messages the buffer of a subscriber holds; nothing if it has no bound.
    pub buffer: Option<u32>,
    /// What happens where there is no room.
    pub full: Full,
    /// How long it waits until it takes a message for lost that was not acknowledged.
    pub answer: Duration,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// What is done once it is on disk.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A message is passed on.
    PassOn(Item),
    /// A subscriber is done with a message.
    Settle(u32, u64, u64),
}

#[derive(Debug, Default)]
struct Subscriber {
    /// Of each of its topics, the first message that it gets: what was taken in before it subscribed may be on its way to disk still.
    from: SortedMap<u64, u64>,
    /// What is to come, in order.
    queue: VecDeque<Item>,
    /// What it was given and has not acknowledged.
    given: Vec<Item>,
}

impl Subscriber {
    fn gets(&self, item: &Item) -> bool {
        self.from.get(&item.topic).is_some_and(|from| *from <= item.offset)
    }

    /// Takes the first message out of the buffer that may be given now: of each key one at a time, if each waits for the one before it.
    fn next(&mut self, waits_for_its_key: bool) -> Option<Item> {
        let given = &self.given;
        let is_free = |item: &Item| !waits_for_its_key || given.iter().all(|other| (other.topic, other.key) != (item.topic, item.key));
        let place = self.queue.iter().position(is_free)?;
        self.queue.remove(place)
    }
}

/// What the bus writes down.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Line {
    Accepted(Item),
    Subscribed(u32, Vec<u64>),
    Disconnected(u32),
    /// A subscriber is done with a message: has acknowledged it, or is not to get it any more.
    Settled(u32, u64, u64),
}

/// How many messages are in the buffer of a subscriber that has a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// Whose.
    pub subscriber: NodeId,
    /// How many.
    pub count: u64,
    /// How many it may hold.
    pub bound: u64,
}

/// A timer of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum BusTimer {
    /// This subscriber has not acknowledged in time.
    Overdue(u32),
}

const JOURNAL: &str = "journal";

impl Bus {
    fn recall(&mut self, line: Line) {
        match line {
            Line::Accepted(item) => {
                self.next.insert(item.topic, item.offset + self.config.rules.step());
                if self.config.rules.knows_ids_after_restart() {
                    self.known.insert(item.id, item.offset);
                }
                self.subscribers.values_mut().filter(|to| to.gets(&item)).for_each(|to| to.queue.push_back(item));
            }
            Line::Subscribed(who, topics) => self.subscribe(who, &topics),
            Line::Disconnected(who) => drop(self.subscribers.remove(&who)),
            Line::Settled(who, topic, offset) => {
                if let Some(subscriber) = self.subscribers.get_mut(&who) {
                    subscriber.queue.retain(|item| (item.topic, item.offset) != (topic, offset));
                }
            }
        }
    }

    fn write(context: &mut Context<'_, Self>, line: &Line) {
        context.append_record(JOURNAL, line);
    }

    fn on_publish(&mut self, from: NodeId, id: OperationId, (topic, key, value): (u64, u64, i64), context: &mut Context<'_, Self>) {
        let rules = Arc::clone(&self.config.rules);
        if let Some(offset) = self.known.get(&id).copied()
            && !rules.takes_in_again(self.config.delivery.once())
        {
            context.sometimes(mark::REPEATED);
            return context.send_when_durable(from, Message::Accepted { id, offset: Some(offset) });
        }
        if self.config.full == Full::Block && self.subscribers.iter().any(|(who, to)| to.from.get(&topic).is_some() && !self.has_room(*who))
        {
            context.sometimes(mark::BLOCKED);
            if rules.accepts_blocked() {
                context.send(from, Message::Accepted { id, offset: None });
            }
            return;
        }
        let next = self.next.entry(topic).or_insert(0);
        let item = Item { topic, key, offset: *next, value, id };
        *next += rules.step();
        self.known.insert(id, item.offset);
        Self::write(context, &Line::Accepted(item));
        for _ in 0..rules.acceptances() {
            let accepted = Message::Accepted { id, offset: Some(item.offset) };
            if rules.accepts_when_durable() {
                context.send_when_durable(from, accepted);
            } else {
                context.send(from, accepted);
            }
        }
        if rules.delivers_when_durable() {
            let token = context.sync();
            self.unsynced.push_back((token, Step::PassOn(item)));
        } else {
            self.pass_on(item, context);
        }
    }

    /// How many messages the buffer of a subscriber holds, and those that are on their way there.
    fn holds(&self, who: u32) -> usize {
        let Some(subscriber) = self.subscribers.get(&who) else { return 0 };
        let coming = self.unsynced.iter().filter(|(_, step)| matches!(step, Step::PassOn(item) if subscriber.gets(item)));
        subscriber.queue.len() + coming.count()
    }

    fn has_room(&self, who: u32) -> bool {
        self.config.buffer.is_none_or(|bound| self.config.rules.has_room(self.holds(who), bound as usize))
    }

    fn pass_on(&mut self, item: Item, context: &mut Context<'_, Self>) {
        let whose: Vec<u32> = self.subscribers.iter().filter(|(_, to)| to.gets(&item)).map(|(who, _)| *who).collect();
        for who in whose {
            self.put(who, item, context);
            self.deliver(who, context);
        }
    }

    /// Puts a message into the buffer of a subscriber, and what is too much there out of it.
    fn put(&mut self, who: u32, item: Item, context: &mut Context<'_, Self>) {
        let Some(subscriber) = self.subscribers.get_mut(&who) else { return };
        subscriber.queue.push_back(item);
        let Some(bound) = self.config.buffer else { return };
        self.make_room(who, bound as usize, context);
        if let Some(subscriber) = self.subscribers.get(&who) {
            let count = subscriber.queue.len() as u64;
            context.note(Holds { subscriber: NodeId::client(who), count, bound: u64::from(bound) });
        }
    }

    /// Takes out of the buffer of a subscriber what is more than this. Where publishers are blocked there was room for all of it.
    fn make_room(&mut self, who: u32, most: usize, context: &mut Context<'_, Self>) {
        while let Some(subscriber) = self.subscribers.get_mut(&who)
            && self.config.full != Full::Block
            && !subscriber.queue.is_empty()
            && !self.config.rules.has_room(subscriber.queue.len() - 1, most)
        {
            let gone = match self.config.full {
                Full::DropOldest => subscriber.queue.pop_front(),
                Full::DropNewest | Full::Block => subscriber.queue.pop_back(),
                Full::Disconnect => None,
            };
            if let Some(Item { topic, offset, .. }) = gone {
                context.sometimes(mark::DROPPED);
                Self::write(context, &Line::Settled(who, topic, offset));
            } else {
                context.sometimes(mark::DISCONNECTED);
                self.subscribers.remove(&who);
                Self::write(context, &Line::Disconnected(who));
                context.cancel_timer(BusTimer::Overdue(who));
                context.send_when_durable(NodeId::client(who), Message::Disconnected);
            }
        }
    }

    /// Gives a subscriber what comes next, if it may have more.
    fn deliver(&mut self, who: u32, context: &mut Context<'_, Self>) {
        let BusConfig { delivery, order, ref rules, .. } = self.config;
        let (window, waits) = (rules.window(order), rules.waits_for_its_key(order));
        let Some(subscriber) = self.subscribers.get_mut(&who) else { return };
        let mut is_new = false;
        while subscriber.given.len() < window {
            let Some(item) = subscriber.next(waits) else { break };
            subscriber.given.push(item);
            is_new = true;
            if !delivery.again() {
                Self::write(context, &Line::Settled(who, item.topic, item.offset));
            }
            Self::give(who, item, self.config.rules.as_ref(), context);
        }
        if is_new {
            context.set_timer(BusTimer::Overdue(who), self.config.answer);
        }
    }

    fn give(who: u32, item: Item, rules: &dyn Rules, context: &mut Context<'_, Self>) {
        for _ in 0..rules.deliveries() {
            if rules.delivers_when_durable() {
                context.send_when_durable(NodeId::client(who), Message::Deliver(item));
            } else {
                context.send(NodeId::client(who), Message::Deliver(item));
            }
        }
    }

    /// A subscriber is done with a message.
    fn settle(&mut self, (who, topic, offset): (u32, u64, u64), context: &mut Context<'_, Self>) {
        let Some(subscriber) = self.subscribers.get_mut(&who) else { return };
        subscriber.given.retain(|item| (item.topic, item.offset) != (topic, offset));
        if subscriber.given.is_empty() {
            context.cancel_timer(BusTimer::Overdue(who));
        }
        self.deliver(who, context);
    }

    fn on_taken(&mut self, (who, topic, offset): (u32, u64, u64), context: &mut Context<'_, Self>) {
        let is_given = |to: &Subscriber| to.given.iter().any(|item| (item.topic, item.offset) == (topic, offset));
        if !self.subscribers.get(&who).is_some_and(is_given) {
            return;
        }
        if !self.config.delivery.again() {
            return self.settle((who, topic, offset), context);
        }
        Self::write(context, &Line::Settled(who, topic, offset));
        let token = context.sync();
        self.unsynced.push_back((token, Step::Settle(who, topic, offset)));
    }

    fn subscribe(&mut self, who: u32, topics: &[u64]) {
        let from = topics.iter().map(|topic| (*topic, self.next.get(topic).copied().unwrap_or_default())).collect();
        self.subscribers.insert(who, Subscriber { from, ..Subscriber::default() });
    }

    fn on_subscribe(&mut self, from: NodeId, topics: Vec<u64>, context: &mut Context<'_, Self>) {
        let who = from.index() as u32;
        if !self.subscribers.contains_key(&who) {
            self.subscribe(who, &topics);
            Self::write(context, &Line::Subscribed(who, topics));
        }
        context.send_when_durable(from, Message::Subscribed);
    }

    /// What is still to be delivered, in words.
    pub fn unsettled(&self) -> Option<String> {
        let left: usize = self.subscribers.values().map(|to| to.queue.len() + to.given.len()).sum();
        (left + self.unsynced.len() > 0).then(|| format!("{left} messages to deliver"))
    }
}

impl Process for Bus {
    type Config = BusConfig;
    type Message = Message;
    type Timer = BusTimer;
    type Note = Holds;

    const MARKS: &'static [Mark] = mark::OF_THE_BUS;

    fn boot(config: &BusConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let (config, known, unsynced) = (config.clone(), BTreeMap::new(), VecDeque::new());
        let mut bus = Self { config, next: SortedMap::new(), known, unsynced, subscribers: SortedMap::new() };
        disk.records(JOURNAL).for_each(|line| bus.recall(line));
        let all: Vec<u32> = bus.subscribers.keys().copied().collect();
        let given = bus.config.rules.window(bus.config.order);
        for who in all {
            // What it was given when the bus crashed is in its buffer again, and so is what was on its way there.
            if let Some(bound) = bus.config.buffer {
                bus.make_room(who, bound as usize + given, context);
            }
            bus.deliver(who, context);
        }
        bus
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Publish { id, topic, key, value } => self.on_publish(from, id, (topic, key, value), context),
            Message::Subscribe { topics } => self.on_subscribe(from, topics, context),
            Message::Taken { topic, offset } => self.on_taken((from.index() as u32, topic, offset), context),
            Message::Accepted { .. } | Message::Subscribed | Message::Deliver(_) | Message::Disconnected => {}
        }
    }

    fn on_timer(&mut self, BusTimer::Overdue(who): BusTimer, context: &mut Context<'_, Self>) {
        let Some(subscriber) = self.subscribers.get_mut(&who) else { return };
        let given = subscriber.given.clone();
        if self.config.rules.delivers_again(self.config.delivery.again()) {
            context.sometimes(mark::DELIVERED_AGAIN);
            given.into_iter().for_each(|item| Self::give(who, item, self.config.rules.as_ref(), context));
            context.set_timer(BusTimer::Overdue(who), self.config.answer);
        } else {
            context.sometimes(mark::GIVEN_UP);
            subscriber.given.clear();
            self.deliver(who, context);
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        while self.unsynced.front().is_some_and(|(awaited, _)| *awaited <= token) {
            let Some((_, step)) = self.unsynced.pop_front() else { break };
            match step {
                Step::PassOn(item) => self.pass_on(item, context),
                Step::Settle(who, topic, offset) => self.settle((who, topic, offset), context),
            }
        }
    }

    fn status(&self) -> String {
        let to: Vec<String> =
            self.subscribers.iter().map(|(who, to)| format!("{}: {} + {}", NodeId::client(*who), to.given.len(), to.queue.len())).collect();
        format!("bus, {}", if to.is_empty() { "no subscriber".to_owned() } else { to.join(", ") })
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
