//! The state machine: the messages of the queue, its consumers, and what each of them holds.
//!
//! It knows no time but that of its entries: that a consumer is silent, or a message has expired, is for a leader to find, and to put into
//! the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use super::{Acknowledge, Body, Change, Operation, Policy, Rules, Settlement, Source};
use crate::base::{Digest, LocalTime, OperationId, SortedMap};
use crate::protocols::raft;

/// What a queue holds. Its servers all go through the same states.
#[derive(Clone, Debug)]
pub struct Contents {
    policy: Policy,
    rules: Arc<dyn Rules>,
    /// The latest time of an entry.
    now: LocalTime,
    /// The position of each message by its id, where they are told by it.
    published: BTreeMap<OperationId, u64>,
    work: Queue,
    dead_letters: Queue,
    consumers: SortedMap<OperationId, Consumer>,
    /// The last subscription of each client.
    latest: SortedMap<u32, OperationId>,
    /// How many outputs there were.
    outputs: u64,
}

/// Messages in their places, and those who take them in turn.
#[derive(Clone, Debug, Default, Serialize)]
struct Queue {
    /// The place that comes next.
    next: u64,
    ready: BTreeMap<u64, Item>,
    turns: VecDeque<OperationId>,
}

/// A message in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Item {
    id: OperationId,
    /// Which place it got when it was published.
    position: u64,
    body: Body,
    expires: Option<LocalTime>,
    /// How often it was given out.
    deliveries: u32,
    /// How often it came back.
    returns: u32,
}

#[derive(Clone, Debug, Serialize)]
struct Consumer {
    source: Source,
    prefetch: Option<u32>,
    acknowledge: Acknowledge,
    /// How many messages it was given.
    tags: u64,
    /// What it was given and has not settled, and the place of that.
    held: BTreeMap<u64, (u64, Item)>,
}

/// Why a message is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Death {
    /// A consumer rejected it.
    Rejected,
    /// It was in the queue for too long.
    Expired,
    /// It came back too often.
    DeliveryLimit,
}

/// What has happened to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Output {
    /// A message was put in.
    Enqueued {
        /// Its id.
        id: OperationId,
        /// Its position.
        position: u64,
    },
    /// A message was published that is known by its id.
    Repeated {
        /// Its id.
        id: OperationId,
        /// The position that it got.
        position: u64,
    },
    /// A consumer may take messages.
    Subscribed {
        /// Which.
        consumer: OperationId,
        /// How many it may hold.
        prefetch: Option<u32>,
    },
    /// A subscription that has ended does not begin anew.
    Refused {
        /// Of which consumer.
        consumer: OperationId,
    },
    /// A consumer is gone. What it held comes back: that follows.
    Cancelled {
        /// Which.
        consumer: OperationId,
    },
    /// A consumer was given a message.
    Assigned {
        /// Which consumer.
        consumer: OperationId,
        /// The number of the delivery.
        tag: u64,
        /// From which queue.
        source: Source,
        /// The position of the message.
        position: u64,
        /// The message.
        body: Body,
        /// Whether it is marked as redelivered.
        redelivered: bool,
        /// When it counts as taken.
        acknowledge: Acknowledge,
    },
    /// A consumer is done with a delivery.
    Settled {
        /// Who said so.
        consumer: OperationId,
        /// Which delivery it named.
        tag: u64,
        /// The position of the message that was settled.
        position: u64,
    },
    /// A consumer said that it is done with a delivery that it does not hold: it was done with it before, or the delivery is another's.
    NotHeld {
        /// Which consumer.
        consumer: OperationId,
        /// Which delivery.
        tag: u64,
    },
    /// A message is back in the queue.
    Returned {
        /// Which.
        source: Source,
        /// The position of the message.
        position: u64,
    },
    /// A message is a dead letter: it left the queue.
    Died {
        /// The position of the message.
        position: u64,
        /// Its id.
        id: OperationId,
        /// Why.
        death: Death,
    },
    /// A message is in the queue of dead letters.
    Buried {
        /// The position that it had.
        position: u64,
    },
}

impl raft::StateMachine for Contents {
    type Operation = Operation;
    type Response = ();
    /// Outputs are numbered from 1: on each server, and in each of its lives, the same has the same number.
    type Output = (u64, Output);

    fn execute(&mut self, operation: &Operation, changes: &mut Digest, outputs: &mut Vec<(u64, Output)>) {
        changes.word(Digest::of(operation));
        self.now = self.now.max(operation.at);
        let mut told = Vec::new();
        match operation.change {
            Change::Publish { id, body } => self.publish(id, body, &mut told),
            Change::Subscribe { consumer, source, prefetch, acknowledge } => {
                self.subscribe(consumer, (source, prefetch, acknowledge), &mut told);
            }
            Change::Cancel { consumer } => self.cancel(consumer, &mut told),
            Change::Settle { consumer, tag, settlement } => self.settle((consumer, tag), settlement, &mut told),
            Change::Expire => {}
        }
        self.expire(&mut told);
        self.assign(Source::Work, &mut told);
        self.assign(Source::DeadLetters, &mut told);
        for output in told {
            self.outputs += 1;
            outputs.push((self.outputs, output));
        }
        changes.word(self.outputs);
    }

    fn query(&self, _: &Operation) {}

    fn fingerprint(&self) -> u64 {
        let published: Vec<_> = self.published.iter().collect();
        let consumers: Vec<_> = self.consumers.iter().collect();
        let latest: Vec<_> = self.latest.iter().collect();
        Digest::of(&(self.now, published, &self.work, &self.dead_letters, consumers, latest, self.outputs))
    }
}

/// What a server asks.
impl Contents {
    /// An empty queue.
    pub fn new(policy: Policy, rules: Arc<dyn Rules>) -> Self {
        Self {
            policy,
            rules,
            now: LocalTime::from_nanos(i64::MIN),
            published: BTreeMap::new(),
            work: Queue::default(),
            dead_letters: Queue::default(),
            consumers: SortedMap::new(),
            latest: SortedMap::new(),
            outputs: 0,
        }
    }

    /// All consumers.
    pub fn consumers(&self) -> impl Iterator<Item = OperationId> + '_ {
        self.consumers.keys().copied()
    }

    /// Whether this consumer may take messages.
    pub fn knows(&self, consumer: OperationId) -> bool {
        self.consumers.get(&consumer).is_some()
    }

    /// Who holds this delivery of a consumer: that consumer, if it does.
    pub fn holder(&self, consumer: OperationId, tag: u64) -> Option<OperationId> {
        let holds = |(id, known): &(&OperationId, &Consumer)| self.rules.is_of(consumer, **id) && known.held.contains_key(&tag);
        self.consumers.iter().rev().find(holds).map(|(id, _)| *id)
    }

    /// What a consumer holds behind this delivery, as it was given out.
    pub fn held_after(&self, consumer: OperationId, tag: u64) -> Vec<Output> {
        let Some(known) = self.consumers.get(&consumer) else { return Vec::new() };
        let behind = known.held.range(tag.saturating_add(1)..);
        behind.map(|(tag, (_, item))| self.assigned(consumer, known, *tag, item)).collect()
    }

    /// When the first message expires that waits in the queue.
    pub fn expires(&self) -> Option<LocalTime> {
        self.work.ready.values().next().and_then(|item| item.expires)
    }

    /// How many messages wait to be given out, or to be settled, that someone consumes.
    pub fn left(&self) -> usize {
        let waiting = |queue: &Queue| if queue.turns.is_empty() { 0 } else { queue.ready.len() };
        let held: usize = self.consumers.values().map(|consumer| consumer.held.len()).sum();
        self.work.ready.len() + waiting(&self.dead_letters) + held
    }

    /// Messages ready, messages held, dead letters.
    pub fn counts(&self) -> (usize, usize, usize) {
        let held = self.consumers.values().map(|consumer| consumer.held.len()).sum();
        (self.work.ready.len(), held, self.dead_letters.ready.len())
    }
}

/// Publishers.
impl Contents {
    fn publish(&mut self, id: OperationId, body: Body, told: &mut Vec<Output>) {
        if self.policy.deduplicate {
            if let Some(position) = self.published.get(&id).copied() {
                return told.push(Output::Repeated { id, position });
            }
            self.published.insert(id, self.work.next);
        }
        let expires = self.policy.ttl.map(|ttl| self.now + ttl);
        let position = self.work.next;
        self.put(Source::Work, Item { id, position, body, expires, deliveries: 0, returns: 0 });
        told.push(Output::Enqueued { id, position });
    }

    /// Puts a message behind all others.
    fn put(&mut self, source: Source, item: Item) {
        let queue = self.queue(source);
        let place = queue.next;
        queue.next += 1;
        queue.ready.insert(place, item);
    }

    fn queue(&mut self, source: Source) -> &mut Queue {
        match source {
            Source::Work => &mut self.work,
            Source::DeadLetters => &mut self.dead_letters,
        }
    }
}

/// Consumers.
impl Contents {
    /// A subscription has one life.
    ///
    /// 1. A client subscribes, gets no answer, and subscribes again. The first request arrives, and it is given deliveries 1 and 2.
    /// 2. It is silent for too long, and is cancelled: what it was given goes to others.
    /// 3. The second request arrives. If it made that consumer anew, its deliveries would be numbered from 1 again, and the client would
    ///    take them for those that it has had.
    fn subscribe(&mut self, consumer: OperationId, wish: (Source, Option<u32>, Acknowledge), told: &mut Vec<Output>) {
        let (source, prefetch, acknowledge) = wish;
        if !self.knows(consumer) {
            let latest = self.latest.get(&consumer.client).copied();
            if latest.is_some_and(|latest| latest >= consumer) && !self.rules.revives() {
                return told.push(Output::Refused { consumer });
            }
            self.latest.insert(consumer.client, latest.map_or(consumer, |latest| latest.max(consumer)));
            self.consumers.insert(consumer, Consumer { source, prefetch, acknowledge, tags: 0, held: BTreeMap::new() });
            self.queue(source).turns.push_back(consumer);
        }
        told.push(Output::Subscribed { consumer, prefetch });
    }

    fn cancel(&mut self, consumer: OperationId, told: &mut Vec<Output>) {
        let Some(gone) = self.consumers.remove(&consumer) else { return };
        self.queue(gone.source).turns.retain(|waiting| *waiting != consumer);
        told.push(Output::Cancelled { consumer });
        if self.rules.returns_of_the_gone() {
            let counts = self.rules.counts_return_of_the_gone();
            gone.held.into_values().for_each(|(place, item)| self.put_back(gone.source, (place, item), counts, told));
        }
    }

    /// A delivery is known by its consumer and its number. A number alone, each subscription has.
    ///
    /// 1. A consumer is given delivery 1, and goes silent. It is cancelled, and subscribes anew.
    /// 2. It is given another message, which is delivery 1 of this subscription.
    /// 3. What it had to say of the first one arrives: that is no longer held, and the other is not processed yet.
    fn settle(&mut self, (consumer, tag): (OperationId, u64), settlement: Settlement, told: &mut Vec<Output>) {
        let Some(holder) = self.holder(consumer, tag) else { return told.push(Output::NotHeld { consumer, tag }) };
        let Some(known) = self.consumers.get_mut(&holder) else { return };
        let source = known.source;
        let mut settled: Vec<u64> = known.held.range(..=tag).map(|(held, _)| *held).collect();
        settled.retain(|held| self.rules.settles(tag, *held));
        let settled: Vec<(u64, Item)> = settled.iter().filter_map(|held| known.held.remove(held)).collect();
        for (place, item) in settled {
            told.push(Output::Settled { consumer, tag, position: item.position });
            match settlement {
                Settlement::Ack => {}
                Settlement::Requeue => self.put_back(source, (place, item), true, told),
                Settlement::Reject => self.bury(source, item, Death::Rejected, told),
            }
        }
    }

    /// Puts a message back into its place, if it may come back.
    fn put_back(&mut self, source: Source, (place, mut item): (u64, Item), counts: bool, told: &mut Vec<Output>) {
        item.returns += u32::from(counts);
        if source == Source::Work && self.policy.delivery_limit.is_some_and(|most| item.returns > most) {
            return self.bury(source, item, Death::DeliveryLimit, told);
        }
        if self.rules.goes_back_to_its_place() {
            self.queue(source).ready.insert(place, item);
        } else {
            self.put(source, item);
        }
        told.push(Output::Returned { source, position: item.position });
    }

    /// Gives consumers in turn what comes next, as long as one has room.
    fn assign(&mut self, source: Source, told: &mut Vec<Output>) {
        while !self.queue(source).ready.is_empty() {
            let Some(consumer) = self.whose_turn(source) else { return };
            let Some((place, mut item)) = self.queue(source).ready.pop_first() else { return };
            let Some(known) = self.consumers.get(&consumer) else { return };
            let tag = known.tags + 1;
            told.push(self.assigned(consumer, known, tag, &item));
            item.deliveries += 1;
            if let Some(known) = self.consumers.get_mut(&consumer) {
                known.tags = tag;
                if known.acknowledge == Acknowledge::Manual {
                    known.held.insert(tag, (place, item));
                }
            }
        }
    }

    /// The next consumer that has room, which comes last after that.
    fn whose_turn(&mut self, source: Source) -> Option<OperationId> {
        let Self { consumers, rules, .. } = self;
        let room = |consumer: &OperationId| {
            let known = consumers.get(consumer)?;
            known.prefetch.is_none_or(|most| rules.has_room(known.held.len(), most as usize)).then_some(known.held.len())
        };
        let turns = match source {
            Source::Work => &mut self.work.turns,
            Source::DeadLetters => &mut self.dead_letters.turns,
        };
        let with_room = turns.iter().enumerate().filter_map(|(turn, consumer)| Some((turn, room(consumer)?)));
        let (turn, _) = if rules.takes_turns() { with_room.min() } else { with_room.min_by_key(|(turn, held)| (*held, *turn)) }?;
        let consumer = turns.remove(turn)?;
        turns.push_back(consumer);
        Some(consumer)
    }

    /// What is told of a delivery. One that is still held was given out as often before as it came back.
    fn assigned(&self, consumer: OperationId, known: &Consumer, tag: u64, item: &Item) -> Output {
        let before = if known.held.contains_key(&tag) { item.deliveries - 1 } else { item.deliveries };
        let (source, acknowledge) = (known.source, known.acknowledge);
        let redelivered = self.rules.is_marked(before > 0);
        Output::Assigned { consumer, tag, source, position: item.position, body: item.body, redelivered, acknowledge }
    }
}

/// Dead letters.
impl Contents {
    fn expire(&mut self, told: &mut Vec<Output>) {
        while self.expires().is_some_and(|expires| expires <= self.now)
            && let Some((_, item)) = self.work.ready.pop_first()
        {
            self.bury(Source::Work, item, Death::Expired, told);
        }
    }

    /// A dead letter has no second death: one that is rejected as such is gone.
    fn bury(&mut self, source: Source, item: Item, death: Death, told: &mut Vec<Output>) {
        told.push(Output::Died { position: item.position, id: item.id, death });
        if self.policy.dead_letters && source == Source::Work {
            let to = self.rules.dead_letters_go_to();
            self.put(to, Item { expires: None, deliveries: 0, returns: 0, ..item });
            told.push(Output::Buried { position: item.position });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;
    use crate::base::{ClientId, Duration};
    use crate::protocols::raft::StateMachine;

    const CONSUMERS: [OperationId; 2] = [OperationId::new(ClientId::new(8), 1), OperationId::new(ClientId::new(9), 1)];

    struct Bench {
        contents: Contents,
        outputs: Vec<(u64, Output)>,
        now: i64,
    }

    impl Bench {
        /// A queue of this policy, of which each consumer may hold so many messages.
        fn new(policy: Policy, prefetch: u32, consumers: usize) -> Self {
            let mut bench = Self { contents: Contents::new(policy, Arc::new(Correct)), outputs: Vec::new(), now: 0 };
            for consumer in &CONSUMERS[..consumers] {
                bench.subscribe(*consumer, Source::Work, prefetch);
            }
            bench
        }

        /// Applies an entry a second later, and says what came of it.
        fn apply(&mut self, change: Change) -> Vec<Output> {
            let before = self.outputs.len();
            self.now += 1_000_000_000;
            let operation = Operation { at: LocalTime::from_nanos(self.now), change };
            self.contents.execute(&operation, &mut Digest::new(), &mut self.outputs);
            self.outputs[before..].iter().map(|(_, output)| *output).collect()
        }

        fn subscribe(&mut self, consumer: OperationId, source: Source, prefetch: u32) -> Vec<Output> {
            self.apply(Change::Subscribe { consumer, source, prefetch: Some(prefetch), acknowledge: Acknowledge::Manual })
        }

        fn publish(&mut self, nth: u32) -> Vec<Output> {
            let id = OperationId::new(ClientId::new(0), nth);
            self.apply(Change::Publish { id, body: Body { value: i64::from(nth), is_poison: false } })
        }

        fn settle(&mut self, consumer: OperationId, tag: u64, settlement: Settlement) -> Vec<Output> {
            self.apply(Change::Settle { consumer, tag, settlement })
        }
    }

    /// What was given out: to which consumer, as which delivery, from which place, and whether it is marked.
    fn given(outputs: &[Output]) -> Vec<(OperationId, u64, u64, bool)> {
        let given = |output: &Output| match *output {
            Output::Assigned { consumer, tag, position, redelivered, .. } => Some((consumer, tag, position, redelivered)),
            _ => None,
        };
        outputs.iter().filter_map(given).collect()
    }

    #[test]
    fn consumers_take_turns_and_hold_no_more_than_they_may() {
        let mut bench = Bench::new(Policy::default(), 1, 2);
        let [first, second] = CONSUMERS;
        assert_eq!(given(&bench.publish(1)), [(first, 1, 0, false)]);
        assert_eq!(given(&bench.publish(2)), [(second, 1, 1, false)]);
        assert_eq!(given(&bench.publish(3)), []);
        assert_eq!(given(&bench.settle(second, 1, Settlement::Ack)), [(second, 2, 2, false)]);
        assert_eq!(bench.contents.counts(), (0, 2, 0));
    }

    #[test]
    fn what_is_requeued_has_its_place_again_and_is_marked() {
        let mut bench = Bench::new(Policy::default(), 1, 1);
        let [first, second] = CONSUMERS;
        (1..=3).for_each(|nth| drop(bench.publish(nth)));
        assert_eq!(given(&bench.settle(first, 1, Settlement::Requeue)), [(first, 2, 0, true)]);
        bench.subscribe(second, Source::Work, 1);
        let outputs = bench.apply(Change::Cancel { consumer: first });
        assert_eq!(outputs, [Output::Cancelled { consumer: first }, Output::Returned { source: Source::Work, position: 0 }]);
        assert_eq!(given(&bench.settle(second, 1, Settlement::Ack)), [(second, 2, 0, true)]);
    }

    #[test]
    fn what_one_subscription_has_to_say_is_not_about_another() {
        let mut bench = Bench::new(Policy::default(), 1, 1);
        let [first, second] = CONSUMERS;
        (1..=2).for_each(|nth| drop(bench.publish(nth)));
        bench.apply(Change::Cancel { consumer: first });
        bench.subscribe(second, Source::Work, 1);
        assert_eq!(bench.settle(first, 1, Settlement::Ack), [Output::NotHeld { consumer: first, tag: 1 }]);
        assert_eq!(bench.contents.holder(second, 1), Some(second));
        assert_eq!(bench.contents.held_after(second, 0).len(), 1);
    }

    #[test]
    fn a_subscription_that_has_ended_does_not_begin_anew() {
        let mut bench = Bench::new(Policy::default(), 1, 1);
        let [consumer, _] = CONSUMERS;
        bench.apply(Change::Cancel { consumer });
        assert_eq!(bench.subscribe(consumer, Source::Work, 1), [Output::Refused { consumer }]);
        let next = OperationId { nth: consumer.nth + 1, ..consumer };
        assert_eq!(bench.subscribe(next, Source::Work, 1), [Output::Subscribed { consumer: next, prefetch: Some(1) }]);
    }

    #[test]
    fn what_comes_back_too_often_is_a_dead_letter_once() {
        let policy = Policy { delivery_limit: Some(1), dead_letters: true, ..Policy::default() };
        let mut bench = Bench::new(policy, 1, 1);
        let [consumer, mourner] = CONSUMERS;
        bench.subscribe(mourner, Source::DeadLetters, 1);
        bench.publish(1);
        assert_eq!(given(&bench.settle(consumer, 1, Settlement::Requeue)), [(consumer, 2, 0, true)]);
        let outputs = bench.settle(consumer, 2, Settlement::Requeue);
        assert!(outputs.contains(&Output::Buried { position: 0 }));
        assert_eq!(given(&outputs), [(mourner, 1, 0, false)]);
        let outputs = bench.settle(mourner, 1, Settlement::Requeue);
        assert_eq!(given(&outputs), [(mourner, 2, 0, true)], "a dead letter has no limit");
    }

    #[test]
    fn what_waits_for_too_long_expires_and_what_is_held_does_not() {
        let ttl = Some(Duration::from_millis(1_500));
        let mut bench = Bench::new(Policy { ttl, ..Policy::default() }, 1, 1);
        (1..=2).for_each(|nth| drop(bench.publish(nth)));
        assert_eq!(bench.apply(Change::Expire), []);
        assert_eq!(bench.apply(Change::Expire).len(), 1, "the second one, which waits");
        assert_eq!(bench.contents.counts(), (0, 1, 0), "and it is dropped");
        assert_eq!(given(&bench.settle(CONSUMERS[0], 1, Settlement::Requeue)), [], "the first has expired when it comes back");
    }

    #[test]
    fn a_message_is_known_by_its_id() {
        let mut bench = Bench::new(Policy { deduplicate: true, ..Policy::default() }, 1, 1);
        let id = OperationId::new(ClientId::new(0), 1);
        bench.publish(1);
        assert_eq!(bench.publish(1), [Output::Repeated { id, position: 0 }]);
        let numbers: Vec<u64> = bench.outputs.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}
