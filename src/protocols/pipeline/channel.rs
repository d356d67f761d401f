//! Channels: in order and without gaps over a network that loses, repeats and reorders; the receiver grants credits, one for each event
//! that it has room for (Flink's credit-based flow control).
//!
//! A channel is numbered anew in each *epoch*, which begins when its receiver is restored: what was under way before is of no account. The
//! limit that a receiver tells is a count from the beginning of the epoch, so that none is lost for good with a message, and none counts
//! twice. A sender that waits for a higher one asks for it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Rules;
use super::event::{Element, Event};
use super::message::Message;
use crate::base::NodeId;

/// How many events have passed, and what their ids come to: the same at both ends for the same events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// How many.
    pub events: u64,
    /// The sum of their ids.
    pub ids: u64,
}

impl Position {
    fn pass(&mut self, event: &Event) {
        self.events += 1;
        self.ids = self.ids.wrapping_add(event.id);
    }
}

/// How many events one message carries at most.
const BATCH: usize = 512;

/// The end of a channel that sends.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) to: NodeId,
    edge: u16,
    epoch: u64,
    /// What is to be sent; where it is kept for a receiver that is restored alone, also what was sent since the last complete checkpoint.
    log: VecDeque<Element>,
    /// How much of the log was sent.
    next: usize,
    /// How many events were not.
    queued: usize,
    /// Whether what was sent is kept, and the checkpoint with the barrier of which it begins.
    kept_from: Option<u64>,
    sent: u64,
    /// How many events may be sent in this epoch; nothing if any number may.
    limit: Option<u64>,
    seq: u64,
    unacknowledged: VecDeque<(u64, Vec<Element>)>,
    /// Whether nothing was heard since the last time that something could have been sent again.
    is_silent: bool,
    pub(super) position: Position,
}

impl Outgoing {
    /// A channel with this limit at first. Of one that `keeps` all since the last complete checkpoint, the receiver can be restored alone.
    pub(super) fn new(to: NodeId, edge: u16, limit: Option<u64>, keeps: bool) -> Self {
        Self {
            to,
            edge,
            epoch: 0,
            log: VecDeque::new(),
            next: 0,
            queued: 0,
            kept_from: keeps.then_some(0),
            sent: 0,
            limit,
            seq: 0,
            unacknowledged: VecDeque::new(),
            is_silent: false,
            position: Position::default(),
        }
    }

    /// Begins anew in this epoch, empty, as it was at this checkpoint.
    pub(super) fn restore(&mut self, epoch: u64, limit: Option<u64>, checkpoint: u64, position: Position) {
        let kept_from = self.kept_from.map(|_| checkpoint);
        *self = Self { epoch, position, kept_from, ..Self::new(self.to, self.edge, limit, false) };
    }

    /// Begins anew in this epoch with all that it has kept since this checkpoint: its receiver is restored to that.
    pub(super) fn rewind(&mut self, epoch: u64, limit: Option<u64>, checkpoint: u64) {
        self.trim(checkpoint);
        let log = std::mem::take(&mut self.log);
        let queued = log.iter().filter(|element| matches!(element, Element::Event(_))).count();
        let (kept_from, position) = (self.kept_from, self.position);
        *self = Self { epoch, log, queued, kept_from, position, ..Self::new(self.to, self.edge, limit, false) };
    }

    /// This checkpoint is complete: what came before is needed no longer.
    pub(super) fn trim(&mut self, completed: u64) {
        let Some(kept_from) = self.kept_from.as_mut().filter(|from| **from < completed) else { return };
        let is_it = |element: &Element| matches!(element, Element::Barrier { checkpoint, .. } if *checkpoint == completed);
        let Some(place) = self.log.iter().position(is_it) else { return };
        if place < self.next {
            *kept_from = completed;
            self.log.drain(..=place);
            self.next -= place + 1;
        }
    }

    /// How many events wait to be sent.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether something waits to be sent, or to be acknowledged.
    pub(super) fn is_under_way(&self) -> bool {
        self.next < self.log.len() || !self.unacknowledged.is_empty()
    }

    pub(super) fn push(&mut self, element: Element) {
        if let Element::Event(event) = &element {
            self.position.pass(event);
            self.queued += 1;
        }
        // A later watermark says all that one says which still waits.
        if let (Element::Watermark(_), Some(last @ Element::Watermark(_))) = (element, self.log.range_mut(self.next..).next_back()) {
            *last = element;
        } else {
            self.log.push_back(element);
        }
    }

    /// The next message, as far as credits allow.
    pub(super) fn message(&mut self, rules: &dyn Rules) -> Option<Message> {
        let mut elements = Vec::new();
        let mut events = 0;
        while let Some(element) = self.log.get(self.next).copied() {
            if matches!(element, Element::Event(_)) {
                if events == BATCH || self.limit.is_some_and(|limit| !rules.may_send(self.sent, limit)) {
                    break;
                }
                (events, self.sent, self.queued) = (events + 1, self.sent + 1, self.queued - 1);
            }
            elements.push(element);
            if self.kept_from.is_some() {
                self.next += 1;
            } else {
                self.log.pop_front();
            }
        }
        if elements.is_empty() {
            return None;
        }
        let seq = self.seq;
        self.seq += 1;
        self.unacknowledged.push_back((seq, elements.clone()));
        Some(Message::Data { edge: self.edge, epoch: self.epoch, seq, elements })
    }

    /// The receiver has all messages before `next`, and room for events up to this limit.
    pub(super) fn acknowledged(&mut self, epoch: u64, next: u64, limit: u64) {
        if epoch != self.epoch {
            return;
        }
        while self.unacknowledged.front().is_some_and(|(seq, _)| *seq < next) {
            self.unacknowledged.pop_front();
            self.is_silent = false;
        }
        if let Some(known) = &mut self.limit {
            *known = limit.max(*known);
        }
    }

    /// What is to be sent again, as nothing was heard for a while; or the question for a higher limit.
    pub(super) fn again(&mut self, rules: &dyn Rules) -> Vec<Message> {
        if !self.is_under_way() || !std::mem::replace(&mut self.is_silent, true) {
            return Vec::new();
        }
        let (edge, epoch) = (self.edge, self.epoch);
        if self.unacknowledged.is_empty() {
            return if rules.asks_for_credit() { vec![Message::Probe { edge, epoch }] } else { Vec::new() };
        }
        let data = |(seq, elements): &(u64, Vec<Element>)| Message::Data { edge, epoch, seq: *seq, elements: elements.clone() };
        self.unacknowledged.iter().map(data).collect()
    }
}

/// The end of a channel that receives.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) from: NodeId,
    pub(super) edge: u16,
    /// Through which input of the stage it comes.
    pub(super) port: usize,
    pub(super) epoch: u64,
    next: u64,
    /// What came before something that is missing.
    early: BTreeMap<u64, Vec<Element>>,
    queue: VecDeque<Element>,
    /// How many events it holds.
    held: usize,
    /// How many it has held at most, of those that were told.
    most: usize,
    taken: u64,
    /// The limit that was told last.
    told: u64,
    must_answer: bool,
    pub(super) position: Position,
}

impl Incoming {
    pub(super) fn new(from: NodeId, edge: u16, port: usize) -> Self {
        Self {
            from,
            edge,
            port,
            epoch: 0,
            next: 0,
            early: BTreeMap::new(),
            queue: VecDeque::new(),
            held: 0,
            most: 0,
            taken: 0,
            told: 0,
            must_answer: false,
            position: Position::default(),
        }
    }

    /// Begins anew in this epoch, empty, as it was at a checkpoint.
    pub(super) fn restore(&mut self, epoch: u64, buffer: u64, position: Position) {
        let most = self.most;
        *self = Self { epoch, position, most, told: buffer, ..Self::new(self.from, self.edge, self.port) };
    }

    pub(super) fn receive(&mut self, seq: u64, elements: Vec<Element>) {
        self.must_answer = true;
        if seq < self.next || self.early.contains_key(&seq) {
            return;
        }
        self.held += elements.iter().filter(|element| matches!(element, Element::Event(_))).count();
        self.early.insert(seq, elements);
        while let Some(elements) = self.early.remove(&self.next) {
            self.next += 1;
            self.queue.extend(elements);
        }
    }

    /// The sender asks where it stands.
    pub(super) fn asked(&mut self) {
        self.must_answer = true;
    }

    /// How many events it holds, if that is more than ever before.
    pub(super) fn grown(&mut self) -> Option<usize> {
        (self.held > self.most).then(|| {
            self.most = self.held;
            self.held
        })
    }

    /// Whether nothing is there to be taken.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn take(&mut self) -> Option<Element> {
        let element = self.queue.pop_front()?;
        if let Element::Event(event) = &element {
            self.position.pass(event);
            (self.held, self.taken) = (self.held - 1, self.taken + 1);
        }
        Some(element)
    }

    /// What the sender is to be told, if anything: that messages have come, or that there is room again for half a buffer, or all.
    pub(super) fn answer(&mut self, buffer: u64) -> Option<Message> {
        let limit = self.taken + buffer;
        let has_room = limit - self.told >= buffer.div_ceil(2) || self.held == 0 && limit > self.told;
        if !std::mem::take(&mut self.must_answer) && !has_room {
            return None;
        }
        self.told = limit;
        Some(Message::Ack { edge: self.edge, epoch: self.epoch, next: self.next, limit })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocols::pipeline::Correct;

    fn event(id: u64) -> Element {
        Element::Event(Event { id, key: 0, value: 0, time: 0, weight: 1, pane: 0, late: false })
    }

    fn deliver(message: Message, from: &mut Outgoing, to: &mut Incoming) {
        match message {
            Message::Data { seq, elements, .. } => to.receive(seq, elements),
            Message::Probe { .. } => to.asked(),
            Message::Ack { epoch, next, limit, .. } => from.acknowledged(epoch, next, limit),
            _ => {}
        }
    }

    proptest! {
        /// Over a network that loses, repeats and reorders, all comes once, in order; the receiver never holds more than its bound, and no
        /// credit is lost for good.
        #[test]
        fn what_is_sent_comes_once_and_in_order(buffer in 1..6_u64, choices in prop::collection::vec(0..8_u8, 0..400)) {
            let (one, other) = (NodeId::server(1), NodeId::server(2));
            let (mut from, mut to) = (Outgoing::new(other, 0, Some(buffer), false), Incoming::new(one, 0, 0));
            from.restore(1, Some(buffer), 0, Position::default());
            to.restore(1, buffer, Position::default());
            let (mut under_way, mut came, mut pushed) = (Vec::new(), Vec::new(), 0_u64);
            // At last nothing is lost, and more arrives than is sent again: what piled up is delivered, too.
            let lossless = std::iter::repeat_n([0, 1].into_iter().chain([3; 20]).chain([5, 3, 3, 6]), 400).flatten();
            for choice in choices.iter().copied().chain(lossless) {
                match choice {
                    0 if pushed < 100 => {
                        from.push(event(pushed));
                        pushed += 1;
                    }
                    1 => under_way.extend(from.message(&Correct)),
                    2 => drop(under_way.pop()),
                    3 if !under_way.is_empty() => deliver(under_way.remove(0), &mut from, &mut to),
                    4 => {
                        if let Some(last) = under_way.pop() {
                            under_way.push(last.clone());
                            deliver(last, &mut from, &mut to);
                        }
                    }
                    5 => {
                        came.extend(to.take());
                        under_way.extend(to.answer(buffer));
                    }
                    6 => under_way.extend(from.again(&Correct)),
                    _ => {}
                }
                prop_assert!(to.held as u64 <= buffer, "{} events of {buffer}", to.held);
            }
            prop_assert_eq!(came, (0..pushed).map(event).collect::<Vec<_>>());
            prop_assert_eq!(from.position, to.position);
        }
    }

    #[test]
    fn a_receiver_that_is_restored_alone_gets_all_since_the_checkpoint() {
        let mut from = Outgoing::new(NodeId::server(1), 0, None, true);
        let barrier = |checkpoint| Element::Barrier { checkpoint, completed: checkpoint - 1 };
        [event(1), barrier(1), event(2), barrier(2), event(3)].into_iter().for_each(|element| from.push(element));
        drop(from.message(&Correct));
        from.trim(1);
        from.push(event(4));
        from.rewind(5, None, 1);
        let Some(Message::Data { epoch, seq, elements, .. }) = from.message(&Correct) else { panic!("there is something to send") };
        assert_eq!((epoch, seq, elements), (5, 0, vec![event(2), barrier(2), event(3), event(4)]));
        assert_eq!(from.position.events, 4, "what is sent again counts once");
    }
}
