//! Consumers: they take messages, process them one after another, and settle each.

use std::collections::BTreeMap;

use super::client::{Client, ClientTimer, Context, KEY, QUIET, Role, WORK};
use super::{Acknowledge, Delivery, Message, Settlement, Source, mark};
use crate::base::{Duration, DurationRange, OperationId, Ratio, Shown, Stream, StreamAct, StreamOp, StreamRecord, Streamed};
use crate::history::Outcome;

/// How a consumer goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consuming {
    /// From which queue.
    pub source: Source,
    /// How many messages it may hold that it has not settled.
    pub prefetch: Option<u32>,
    /// When a message counts as taken.
    pub acknowledge: Acknowledge,
    /// What it does with a message that it fails to process.
    pub failed: Settlement,
    /// The chance that it fails to process a message that it could.
    pub flaky: Ratio,
    /// How long it processes a message.
    pub work: DurationRange,
    /// How long it waits for a message until a poll shows none.
    pub wait: Duration,
    /// How often it says that it is there.
    pub beat: Duration,
}

/// What a consumer knows of its subscription and of what it was given.
#[derive(Debug, Default)]
pub(super) struct Consumer {
    /// Its id, which is that of its subscription.
    id: Option<OperationId>,
    pub(super) is_subscribed: bool,
    /// What it was given and has not begun, by the number of the delivery.
    inbox: BTreeMap<u64, Delivery>,
    /// The number of the delivery that it begins next: they come as over one connection, in their order.
    next: u64,
    at_work: Option<Delivery>,
    /// What it has settled, and does not know that the queue knows.
    unsettled: BTreeMap<u64, Settlement>,
    /// Whether the leader has answered since it was last told that the consumer is there.
    was_heard: bool,
    /// How many polls in a row have shown nothing since all is quiet.
    in_vain: u32,
}

impl Consumer {
    pub(super) fn settled(&mut self, consumer: OperationId, tag: u64) {
        if self.id == Some(consumer) {
            self.unsettled.remove(&tag);
            self.was_heard = true;
        }
    }

    pub(super) fn heard_of(&mut self, consumer: OperationId) {
        self.was_heard |= self.id == Some(consumer);
    }

    pub(super) fn at_work(&self) -> Option<i64> {
        self.at_work.map(|delivery| delivery.value)
    }

    /// Whether there is something yet that it must do.
    pub(super) fn has_work(&self, quiet: bool) -> bool {
        !self.inbox.is_empty() || self.at_work.is_some() || !self.unsettled.is_empty() || quiet && self.in_vain < QUIET
    }

    /// The number of the last delivery up to which it has had all.
    fn through(&self) -> u64 {
        let ahead = self.inbox.keys().zip(self.next..).take_while(|(tag, expected)| **tag == *expected);
        (self.next - 1) + ahead.count() as u64
    }
}

/// Its subscription.
impl Client {
    pub(super) fn consume(&mut self, consuming: Consuming, context: &mut Context<'_>) {
        if !self.consumer.is_subscribed {
            self.subscribe(context);
        } else if !self.quiet || self.consumer.in_vain < QUIET || !self.consumer.inbox.is_empty() {
            self.poll(consuming, context);
        }
    }

    /// Subscribes as a consumer that is new to the queue: what the one before was given is others' now.
    fn subscribe(&mut self, context: &mut Context<'_>) {
        let in_vain = self.consumer.in_vain;
        self.consumer = Consumer { id: Some(self.id(context)), next: 1, in_vain, ..Consumer::default() };
        self.invoke(self.id(context), StreamOp::Subscribe { group: Some(0), keys: vec![KEY] }, context);
        self.ask(context);
    }

    pub(super) fn subscription(&self, consuming: Consuming, context: &Context<'_>) -> Message {
        let Consuming { source, prefetch, acknowledge, .. } = consuming;
        Message::Subscribe { consumer: self.consumer.id.unwrap_or(self.id(context)), source, prefetch, acknowledge }
    }

    pub(super) fn on_subscribed(&mut self, consumer: OperationId, context: &mut Context<'_>) {
        let Role::Consumer(Consuming { beat, .. }) = self.config.role else { return };
        if matches!(self.open, Some(StreamOp::Subscribe { .. })) && self.consumer.id == Some(consumer) {
            (self.consumer.is_subscribed, self.consumer.was_heard) = (true, true);
            context.cancel_timer(ClientTimer::Overdue);
            context.set_timer(ClientTimer::Beat, beat);
            self.complete(Outcome::Done(Streamed::default()), context);
            self.go_on(context);
        }
    }

    /// It is not a consumer any more. What it works at it brings to an end, and settles in vain.
    pub(super) fn on_gone(&mut self, consumer: OperationId, context: &mut Context<'_>) {
        if self.consumer.id != Some(consumer) {
            return;
        }
        context.sometimes(mark::SUBSCRIBED_ANEW);
        self.consumer.is_subscribed = false;
        self.consumer.inbox.clear();
        self.consumer.unsettled.clear();
        context.cancel_timer(ClientTimer::Beat);
        if self.consumer.at_work.is_none() {
            let outcome = match &self.open {
                Some(StreamOp::Acts(_)) => Some(Outcome::Done(vec![Shown::Polled(Vec::new())].into())),
                Some(_) => Some(Outcome::Unknown),
                None => None,
            };
            context.cancel_timer(ClientTimer::Nothing);
            context.cancel_timer(ClientTimer::Overdue);
            if let Some(outcome) = outcome {
                self.complete(outcome, context);
            }
            self.go_on(context);
        }
    }

    /// Says that the consumer is there, what it has had, and once more what it has settled and was not answered.
    pub(super) fn beat(&mut self, consuming: Consuming, context: &mut Context<'_>) {
        let Some(consumer) = self.consumer.id.filter(|_| self.consumer.is_subscribed) else { return };
        if !std::mem::take(&mut self.consumer.was_heard) {
            self.seek();
        }
        self.tell(Message::Beat { consumer, through: self.consumer.through() }, context);
        for (tag, settlement) in &self.consumer.unsettled {
            self.tell(Message::Settle { consumer, tag: *tag, settlement: *settlement }, context);
        }
        context.set_timer(ClientTimer::Beat, consuming.beat);
    }
}

/// What it is given.
impl Client {
    fn poll(&mut self, consuming: Consuming, context: &mut Context<'_>) {
        self.invoke(self.id(context), StreamOp::Acts(vec![StreamAct::Poll]), context);
        context.set_timer(ClientTimer::Nothing, consuming.wait);
        self.begin_work(consuming, context);
    }

    pub(super) fn on_nothing(&mut self, context: &mut Context<'_>) {
        self.consumer.in_vain += u32::from(self.quiet);
        self.complete(Outcome::Done(vec![Shown::Polled(Vec::new())].into()), context);
        self.go_on(context);
    }

    pub(super) fn on_deliver(&mut self, delivery: Delivery, context: &mut Context<'_>) {
        let Role::Consumer(consuming) = self.config.role else { return };
        let Some(id) = self.consumer.id.filter(|id| *id == delivery.consumer) else { return };
        self.consumer.heard_of(id);
        if delivery.tag < self.consumer.next || self.consumer.inbox.insert(delivery.tag, delivery).is_some() {
            return context.sometimes(mark::DELIVERED_TWICE);
        }
        if self.open.is_none() && self.consumer.is_subscribed && self.consumer.at_work.is_none() {
            self.begun += 1;
            self.poll(consuming, context);
        } else {
            self.begin_work(consuming, context);
        }
    }

    /// Begins to process the next message, if a poll waits for one. What was sent and counts as taken is not sent again if it is lost:
    /// where that is so, nothing is waited for.
    fn begin_work(&mut self, consuming: Consuming, context: &mut Context<'_>) {
        let is_polling = self.open.as_ref().is_some_and(|op| !op.acts().is_empty());
        if !is_polling || !self.consumer.is_subscribed || self.consumer.at_work.is_some() {
            return;
        }
        let waits = consuming.acknowledge == Acknowledge::Manual;
        let Some(first) = self.consumer.inbox.first_entry().filter(|first| !waits || *first.key() == self.consumer.next) else { return };
        let delivery = first.remove();
        self.consumer.next = delivery.tag + 1;
        self.consumer.at_work = Some(delivery);
        context.cancel_timer(ClientTimer::Nothing);
        if self.config.rules.acknowledges_first() {
            self.settle(delivery, Settlement::Ack, context);
        }
        let length = self.drawn_for(delivery, context).within(consuming.work);
        context.set_timer(ClientTimer::Worked, length);
    }

    fn drawn_for(&self, Delivery { consumer, tag, .. }: Delivery, context: &mut Context<'_>) -> Stream {
        self.drawn(WORK, consumer.word(), context).fork(WORK, tag)
    }

    pub(super) fn on_worked(&mut self, consuming: Consuming, context: &mut Context<'_>) {
        let Some(delivery) = self.consumer.at_work.take() else { return };
        let mut drawn = self.drawn_for(delivery, context);
        drawn.within(consuming.work);
        let fails = consuming.source == Source::Work && (delivery.is_poison || drawn.chance(consuming.flaky));
        if !fails {
            self.consumer.in_vain = 0;
            let record = StreamRecord { offset: None, value: delivery.value };
            self.complete(Outcome::Done(vec![Shown::Polled(vec![(KEY, vec![record])])].into()), context);
            self.settle(delivery, Settlement::Ack, context);
            return self.go_on(context);
        }
        self.settle(delivery, consuming.failed, context);
        if self.consumer.is_subscribed {
            context.set_timer(ClientTimer::Nothing, consuming.wait);
            self.begin_work(consuming, context);
        } else {
            self.complete(Outcome::Done(vec![Shown::Polled(Vec::new())].into()), context);
            self.go_on(context);
        }
    }

    fn settle(&mut self, delivery: Delivery, settlement: Settlement, context: &mut Context<'_>) {
        let Role::Consumer(Consuming { acknowledge: Acknowledge::Manual, .. }) = self.config.role else { return };
        let Delivery { consumer, tag, .. } = delivery;
        if self.consumer.is_subscribed && self.consumer.id == Some(consumer) {
            self.consumer.unsettled.entry(tag).or_insert(settlement);
        }
        self.tell(Message::Settle { consumer, tag, settlement }, context);
    }
}
