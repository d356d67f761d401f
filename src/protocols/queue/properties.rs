//! What must hold of a queue besides what it promises of its messages: judged by what its servers say that they have applied, against a
//! queue of the judge's own that knows no more than which messages are ready, held and dead.
//!
//! [`PROPERTIES`] says what each demands; [those of Raft](crate::protocols::raft::properties::PROPERTIES) are judged besides.

use std::collections::{BTreeMap, BTreeSet};

use super::{Acknowledge, Death, Delivery, Message, Note, Operation, Output, Policy, RaftMessage, Source};
use crate::base::{Duration, OperationId, StreamOp, Streamed, Time};
use crate::check::{Broken, Property, PropertyReport, Rule, Sighting, Violations};
use crate::history;
use crate::protocols::raft;
use crate::protocols::raft::properties::{RaftJudge, observe_within};
use crate::trace::{Event, Judge, Record, Vocabulary};

/// The properties, in the order in which they are reported.
pub const PROPERTIES: [Property; OWN.len() + 7] = {
    let mut all = [QUEUE_ORDER; OWN.len() + 7];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < OWN.len() { OWN[place] } else { raft::properties::PROPERTIES[place - OWN.len()] };
        place += 1;
    }
    all
};

const OWN: [Property; 8] =
    [QUEUE_ORDER, PREFETCH_KEPT, SETTLED_BY_HOLDER, REDELIVERED_MARKED, DIES_ONCE, DELIVERY_LIMIT_KEPT, EXPIRES_IN_TIME, ENQUEUED_ONCE];

const QUEUE_ORDER: Property =
    Property::always("queue-order", "the message that is given out is the first that waits; one that comes back has its place again");
const PREFETCH_KEPT: Property =
    Property::always("prefetch-kept", "no consumer holds more messages that it has not settled than its prefetch allows");
const SETTLED_BY_HOLDER: Property =
    Property::always("settled-by-holder", "a message is settled only by the consumer that holds it, and by the delivery that it was");
const REDELIVERED_MARKED: Property =
    Property::always("redelivered-marked", "a message that was given out before is marked as redelivered when it is sent again");
const DIES_ONCE: Property = Property::always("dies-once", "no message becomes a dead letter twice");
const DELIVERY_LIMIT_KEPT: Property =
    Property::always("delivery-limit-kept", "no message is given out more often than once and as often as it may come back");
const EXPIRES_IN_TIME: Property = Property::always(
    "expires-in-time",
    "no message expires before its time to live is over, counted from when its publisher began; and none is given out later than that, \
     counted from when it was put in, twice the tick and a second, or that second after a disturbance: a fault, the end of one, a change of \
     leader. To both, what two clocks differ at most is added",
);
const ENQUEUED_ONCE: Property =
    Property::always("enqueued-once", "where messages are told apart by their ids, none is put in twice that was published again");

static OVERTAKEN: Rule =
    Rule::new("overtaken", "the message at {position} was given out when the one at {first} waited, which is before it");
static NOT_READY: Rule = Rule::new("not-ready", "the message at {position} was given out, which did not wait");
static TOO_MANY: Rule = Rule::new("too-many", "consumer {consumer} holds {count} messages, and may hold {most}");
static NOT_HELD: Rule = Rule::new(
    "not-held",
    "consumer {consumer} settled its delivery {tag}, and that settled the message at {position}, which is not that one",
);
static UNMARKED: Rule =
    Rule::new("unmarked", "the message at {position} was sent to consumer {consumer} unmarked, though it was given out before");
static DIED_AGAIN: Rule = Rule::new("died-again", "the message at {position} became a dead letter a second time");
static TOO_OFTEN: Rule =
    Rule::new("too-often", "the message at {position} was given out for the {count}. time, and may come back {most} times");
static TOO_EARLY: Rule =
    Rule::new("too-early", "the message at {position} expired {age} after its publisher began to publish it, and may live for {ttl}");
static TOO_LATE: Rule = Rule::new("too-late", "the message at {position} was given out {age} after it was put in, and may live for {ttl}");
static ENQUEUED_AGAIN: Rule =
    Rule::new("enqueued-again", "the message that was published as {id} was put in at {first}, and at {position} again");

/// What is demanded of a queue, by its settings.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What is done with messages that consumers do not just take.
    pub policy: Policy,
    /// What two clocks of the run differ at most.
    pub clocks: Duration,
    /// How often a leader looks for what is due.
    pub tick: Duration,
}

impl Limits {
    /// Whether the property is judged: not without the setting that demands it.
    pub fn asks_for(&self, property: &Property) -> bool {
        let Policy { ttl, delivery_limit, deduplicate, .. } = self.policy;
        (property.name != EXPIRES_IN_TIME.name || ttl.is_some())
            && (property.name != DELIVERY_LIMIT_KEPT.name || delivery_limit.is_some())
            && (property.name != ENQUEUED_ONCE.name || deduplicate)
    }

    /// What is allowed for messages, entries and looks at what is due.
    fn slack(&self) -> Duration {
        self.tick * 2 + Duration::from_secs(1)
    }
}

/// Judges a queue by its [`PROPERTIES`].
#[derive(Debug)]
pub struct QueueJudge {
    limits: Limits,
    raft: RaftJudge<Operation>,
    /// The number of the last output that was told.
    told: u64,
    model: Model,
    /// When each message was first published, by its id.
    published: BTreeMap<OperationId, Time>,
    /// When something last kept the queue from what it should do in time.
    disturbed: Time,
    found: Violations,
}

/// The messages of a queue, as the judge has them.
#[derive(Debug, Default)]
struct Model {
    /// Those that wait: of which queue, at which place of it, and which.
    ready: BTreeSet<(Source, u64, u64)>,
    /// The place of each dead letter.
    places: BTreeMap<u64, u64>,
    /// What each delivery is of that is not settled.
    held: BTreeMap<(OperationId, u64), (Source, u64)>,
    /// How many each consumer may hold.
    prefetch: BTreeMap<OperationId, Option<u32>>,
    /// How often each message was given out.
    given_out: BTreeMap<(Source, u64), u32>,
    /// The deliveries of messages that were given out before.
    again: BTreeSet<(OperationId, u64)>,
    dead: BTreeSet<u64>,
    /// When each message was put in.
    enqueued: BTreeMap<u64, Time>,
    /// Where each was put in first.
    positions: BTreeMap<OperationId, u64>,
}

impl Model {
    fn place(&self, source: Source, position: u64) -> u64 {
        match source {
            Source::Work => position,
            Source::DeadLetters => self.places.get(&position).copied().unwrap_or_default(),
        }
    }

    fn put(&mut self, source: Source, position: u64) {
        self.ready.insert((source, self.place(source, position), position));
    }

    /// The first that waits in this queue.
    fn first(&self, source: Source) -> Option<u64> {
        self.ready.range((source, 0, 0)..=(source, u64::MAX, u64::MAX)).next().map(|(_, _, position)| *position)
    }

    fn held_by(&self, consumer: OperationId) -> usize {
        self.held.range((consumer, 0)..=(consumer, u64::MAX)).count()
    }
}

fn raft_message(message: &Message) -> Option<&RaftMessage> {
    if let Message::Raft(message) = message { Some(message) } else { None }
}

fn raft_note(note: &Note) -> Option<&raft::Note> {
    if let Note::Raft(note) = note { Some(note) } else { None }
}

type Within = raft::properties::Within<Operation, ()>;

impl<V> Judge<V> for QueueJudge
where
    V: Vocabulary<Message = Message, Note = Note, Client = history::Event<StreamOp, Streamed>>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        observe_within(&mut self.raft, record, raft_message, raft_note);
        let now = record.sighting();
        match record.event {
            Event::Send { message: Message::Deliver(delivery), .. } => self.sent(now, delivery),
            Event::Note { note: Note::TookOver, .. }
            | Event::Strike { .. }
            | Event::Lift { .. }
            | Event::Settle
            | Event::Boot { .. }
            | Event::Crash { .. }
            | Event::Pause { .. }
            | Event::Resume { .. } => self.disturbed = now.at,
            // All servers tell alike, and tell again when they start: what was told once, was.
            Event::Note { note: Note::Applied { number, output }, .. } if *number == self.told + 1 => {
                self.told = *number;
                self.applied(now, *output);
            }
            Event::Client { event: history::Event::Invoke { id, .. }, .. } => {
                self.published.entry(*id).or_insert(now.at);
            }
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        !self.found.is_empty() || Judge::<Within>::violated(&self.raft)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let own: Vec<Property> = OWN.into_iter().filter(|property| self.limits.asks_for(property)).collect();
        self.found.reports(&own).into_iter().chain(Judge::<Within>::reports(&self.raft)).collect()
    }
}

impl QueueJudge {
    /// A judge of a queue on so many servers.
    pub fn new(servers: u32, limits: Limits) -> Self {
        Self {
            limits,
            raft: RaftJudge::new(servers as usize),
            told: 0,
            model: Model::default(),
            published: BTreeMap::new(),
            disturbed: Time::ZERO,
            found: Violations::default(),
        }
    }

    fn applied(&mut self, now: Sighting, output: Output) {
        match output {
            Output::Enqueued { id, position } => self.enqueued(now, id, position),
            Output::Subscribed { consumer, prefetch } => {
                self.model.prefetch.insert(consumer, prefetch);
            }
            Output::Cancelled { consumer } => self.model.held.retain(|(holder, _), _| *holder != consumer),
            Output::Assigned { consumer, tag, source, position, acknowledge, .. } => {
                self.assigned(now, (consumer, tag), (source, position), acknowledge);
            }
            Output::Settled { consumer, tag, position } => self.settled(now, consumer, tag, position),
            Output::Returned { source, position } => self.model.put(source, position),
            Output::Died { position, id, death } => self.died(now, position, id, death),
            Output::Buried { position } => {
                let place = self.model.places.len() as u64;
                self.model.places.insert(position, place);
                self.model.put(Source::DeadLetters, position);
            }
            Output::Repeated { .. } | Output::Refused { .. } | Output::NotHeld { .. } => {}
        }
    }

    fn enqueued(&mut self, now: Sighting, id: OperationId, position: u64) {
        self.model.put(Source::Work, position);
        self.model.enqueued.insert(position, now.at);
        let first = *self.model.positions.entry(id).or_insert(position);
        if first != position && self.limits.policy.deduplicate {
            let broken = ENQUEUED_AGAIN.with("id", id.to_string()).with("first", first).with("position", position);
            self.found.add(&ENQUEUED_ONCE, now, broken);
        }
    }

    fn assigned(&mut self, now: Sighting, delivery: (OperationId, u64), message: (Source, u64), acknowledge: Acknowledge) {
        let ((consumer, _), (source, position)) = (delivery, message);
        match self.model.first(source) {
            Some(first) if first == position => {}
            Some(first) => self.found.add(&QUEUE_ORDER, now, OVERTAKEN.with("position", position).with("first", first)),
            None => self.found.add(&QUEUE_ORDER, now, NOT_READY.with("position", position)),
        }
        let place = self.model.place(source, position);
        self.model.ready.remove(&(source, place, position));
        let count = self.model.given_out.entry(message).or_default();
        *count += 1;
        let count = *count;
        if count > 1 {
            self.model.again.insert(delivery);
        }
        if let Some(most) = self.limits.policy.delivery_limit.filter(|most| source == Source::Work && count > most + 1) {
            let broken = TOO_OFTEN.with("position", position).with("count", u64::from(count)).with("most", u64::from(most));
            self.found.add(&DELIVERY_LIMIT_KEPT, now, broken);
        }
        if source == Source::Work {
            self.judge_age(now, position);
        }
        if acknowledge == Acknowledge::Auto {
            return;
        }
        self.model.held.insert(delivery, message);
        let held = self.model.held_by(consumer);
        if let Some(most) = self.model.prefetch.get(&consumer).copied().flatten().filter(|most| held > *most as usize) {
            let broken = TOO_MANY.with("consumer", consumer.to_string()).with("count", held as u64).with("most", u64::from(most));
            self.found.add(&PREFETCH_KEPT, now, broken);
        }
    }

    /// Whether a message was given out when it should have expired.
    fn judge_age(&mut self, now: Sighting, position: u64) {
        let (Some(ttl), Some(enqueued)) = (self.limits.policy.ttl, self.model.enqueued.get(&position)) else { return };
        let due = (*enqueued + ttl + self.limits.clocks).max(self.disturbed) + self.limits.slack();
        if due < now.at {
            let broken = TOO_LATE.with("position", position).with("age", now.at.since(*enqueued)).with("ttl", ttl);
            self.found.add(&EXPIRES_IN_TIME, now, broken);
        }
    }

    fn settled(&mut self, now: Sighting, consumer: OperationId, tag: u64, position: u64) {
        let named = self.model.held.get(&(consumer, tag)).copied();
        if named.is_some_and(|(_, held)| held == position) {
            self.model.held.remove(&(consumer, tag));
            return;
        }
        let broken = NOT_HELD.with("consumer", consumer.to_string()).with("tag", tag).with("position", position);
        self.found.add(&SETTLED_BY_HOLDER, now, broken);
        self.model.held.retain(|_, (_, held)| *held != position);
    }

    fn died(&mut self, now: Sighting, position: u64, id: OperationId, death: Death) {
        self.model.ready.remove(&(Source::Work, position, position));
        // A dead letter that is rejected as such is gone.
        let is_buried = self.model.places.contains_key(&position) && death == Death::Rejected;
        if !self.model.dead.insert(position) && !is_buried {
            self.found.add(&DIES_ONCE, now, DIED_AGAIN.with("position", position));
        }
        if let (Death::Expired, Some(ttl), Some(began)) = (death, self.limits.policy.ttl, self.published.get(&id)) {
            let age = now.at.since(*began);
            if age + self.limits.clocks < ttl {
                let broken = TOO_EARLY.with("position", position).with("age", age).with("ttl", ttl);
                self.found.add(&EXPIRES_IN_TIME, now, broken);
            }
        }
    }

    /// A server sends a delivery: a second one of a message is marked, whichever server sends it.
    fn sent(&mut self, now: Sighting, delivery: &Delivery) {
        let Delivery { consumer, tag, position, redelivered, .. } = *delivery;
        if !redelivered && self.model.again.contains(&(consumer, tag)) {
            let broken: Broken = UNMARKED.with("position", position).with("consumer", consumer.to_string());
            self.found.add(&REDELIVERED_MARKED, now, broken);
        }
    }
}
