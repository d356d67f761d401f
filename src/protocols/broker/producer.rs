//! A producer: it sends a few messages at once, and sends again what is not answered.

use serde::{Deserialize, Serialize};

use super::client::{Client, ClientTimer};
use super::consumer::epoch_of;
use super::transaction::{self, Identity, Progress, Transaction};
use super::{Acks, Layout, Message, Refusal, Request, Sequenced, mark};
use crate::base::{ClientId, Duration, LocalTime, OperationId, Ratio, Shown, SortedMap, Stream, StreamAct, StreamOp, Streamed};
use crate::history::Outcome;
use crate::process::{Context, Misfit};

/// How a producer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producing {
    /// Who must have a message.
    pub acks: Acks,
    /// Whether it numbers its messages, so that one that is sent again is appended once (`enable.idempotence`).
    pub idempotent: bool,
    /// Whether it sends again what is not answered in time.
    pub retries: bool,
    /// How many messages it has under way at once: those of one operation.
    pub batch: u32,
    /// Whether each operation is a transaction: then, how often one is aborted.
    pub transactions: Option<Ratio>,
    /// How often a message is a tombstone: it says that its key has none any more.
    pub tombstones: Ratio,
    /// Whether it sends only what it is handed.
    pub handed: bool,
}

/// What a producer does in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BrokerStep {
    /// It sends these messages at once.
    Send(Vec<Outgoing>),
    /// It sends these messages in a transaction.
    Transact {
        /// The messages.
        sends: Vec<Outgoing>,
        /// Whether it aborts the transaction in the end; else it commits it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        aborts: bool,
    },
}

/// A message that is sent. What it says, and so its key, follows from the identity of the step and the message's place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// To this partition, from 0.
    pub partition: u32,
    /// Whether it is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tombstone: bool,
}

impl Producing {
    /// What it does in a step of its own, with these random words.
    fn made_up(&self, partitions: u32, random: &mut Stream) -> BrokerStep {
        let partition = |random: &mut Stream| random.below(u64::from(partitions)) as u32;
        let is_tombstone = |random: &mut Stream| self.tombstones != Ratio::NEVER && random.chance(self.tombstones);
        let Some(aborts) = self.transactions else {
            let mut message = |_| Outgoing { partition: partition(random), tombstone: is_tombstone(random) };
            return BrokerStep::Send((0..self.batch).map(&mut message).collect());
        };
        let partitions: Vec<u32> = (0..self.batch).map(|_| partition(random)).collect();
        let aborts = random.chance(aborts);
        let message = |partition| Outgoing { partition, tombstone: is_tombstone(random) };
        BrokerStep::Transact { sends: partitions.into_iter().map(message).collect(), aborts }
    }

    /// Whether it can take this step.
    pub(super) fn fits(&self, layout: &Layout, step: &BrokerStep) -> Result<(), Misfit> {
        let misfit = |problem: String, help: &str| Err(Misfit { problem, help: help.to_owned() });
        let sends = match (step, self.transactions) {
            (BrokerStep::Send(sends), None) | (BrokerStep::Transact { sends, .. }, Some(_)) => sends,
            (BrokerStep::Send(_), Some(_)) => {
                return misfit("each operation of this producer is a transaction".to_owned(), "Transact(sends: […])");
            }
            (BrokerStep::Transact { .. }, None) => {
                return misfit("this producer has no transactions".to_owned(), "Send([…]), or transactions: true in the workload");
            }
        };
        if sends.is_empty() {
            return misfit("nothing is sent".to_owned(), "list a message, like (partition: 0)");
        }
        if sends.len() > self.batch as usize {
            let problem = format!("{} messages are more than this producer sends at once", sends.len());
            return misfit(problem, &format!("batch in the workload is {}", self.batch));
        }
        sends.iter().try_for_each(|send| Misfit::below("partition", u64::from(send.partition), u64::from(layout.partitions)))
    }
}

/// A producer.
#[derive(Debug, Default)]
pub(super) struct Producer {
    epoch: u32,
    /// By partition: the next number.
    next: SortedMap<u32, u32>,
    /// Whether the operation under way was handed: then it was none of its own, after which the next of these is due.
    is_handed: bool,
    sending: Option<Sending>,
    /// If it has transactions: as whom, and the one under way.
    identity: Option<Identity>,
    transaction: Option<Transaction>,
}

/// The operation under way.
#[derive(Debug)]
struct Sending {
    nth: u32,
    until: LocalTime,
    sends: Vec<Send>,
}

/// One of its messages.
#[derive(Debug)]
struct Send {
    partition: u32,
    value: i64,
    by: Option<Sequenced>,
    /// Once it is answered: where it is, if that is known.
    sent: Option<Option<u64>>,
    /// Whether its leader was asked and has not answered.
    awaited: bool,
}

/// How long it waits before it asks again what was refused.
const PAUSE: Duration = Duration::from_millis(20);

/// The values of a client begin at multiples of this.
const VALUES: i64 = 1_000_000;
/// So many lives of a client have values of their own.
const LIVES: i64 = 1_000;
/// What is written down with a number of its own has values of a life that none comes to, or beyond all of these.
const WRITTEN: i64 = LIVES - 1;
const BEYOND: i64 = 1 << 50;

impl Outgoing {
    /// A value that no other message has, of those that are sent in steps of at most so many; negative, if it is that of a tombstone.
    fn value(self, id: OperationId, place: u32, batch: u32) -> i64 {
        let within = |nth: u32| i64::from(nth) * i64::from(batch) + i64::from(place) + 1;
        let of_life = |life: i64| (i64::from(id.client) * LIVES + life) * VALUES;
        let value = match id.script_number().map(within) {
            Some(number) if number < VALUES => of_life(WRITTEN) + number,
            Some(number) => BEYOND + number,
            None => of_life(i64::from(id.life)) + within(id.nth.saturating_sub(1)),
        };
        if self.tombstone { -value } else { value }
    }
}

impl Producer {
    fn producing(client: &Client) -> Producing {
        match client.config.role {
            super::ClientRole::Produces(producing) => producing,
            super::ClientRole::Consumes(_) => {
                let (acks, tombstones) = (Acks::All, Ratio::NEVER);
                Producing { acks, idempotent: true, retries: true, batch: 1, transactions: None, tombstones, handed: true }
            }
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.sending.is_some() || self.transaction.is_some()
    }

    /// It has started.
    pub(super) fn start(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        client.think(context);
        self.begin_next(client, context);
    }

    /// Begins the operation that has waited longest, if none is under way.
    pub(super) fn begin_next(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        if client.is_free()
            && let Some(id) = client.steps.next_waiting()
        {
            self.begin(id, client, context);
        }
    }

    fn begin(&mut self, id: OperationId, client: &mut Client, context: &mut Context<'_, Client>) {
        let producing = Self::producing(client);
        let mut random = context.random().fork(2, id.word());
        self.is_handed = client.steps.is_handed(id);
        let partitions = client.config.layout.partitions;
        match client.steps.begin(id, context.now(), || producing.made_up(partitions, &mut random)) {
            BrokerStep::Send(messages) => self.begin_sending(id, &messages, client, context),
            BrokerStep::Transact { sends, aborts } => self.begin_transaction(id, &sends, aborts, client, context),
        }
    }

    fn begin_sending(&mut self, id: OperationId, messages: &[Outgoing], client: &mut Client, context: &mut Context<'_, Client>) {
        let (producing, session) = (Self::producing(client), client.session(context));
        let mut sends = Vec::new();
        for (message, place) in messages.iter().zip(0..) {
            let partition = message.partition;
            let next = self.next.entry(partition).or_insert(0);
            let by = producing.idempotent.then_some(Sequenced { producer: session, epoch: self.epoch, sequence: *next });
            *next += 1;
            sends.push(Send { partition, value: message.value(id, place, producing.batch), by, sent: None, awaited: false });
        }
        let act = |send: &Send| StreamAct::Send { key: u64::from(send.partition), value: send.value };
        let nth = client.invoke_as(id, self.is_handed, StreamOp::Acts(sends.iter().map(act).collect()), context);
        self.sending = Some(Sending { nth, until: context.now() + client.config.patience, sends });
        self.send(client, context);
        if producing.acks == Acks::None {
            if let Some(sending) = &mut self.sending {
                sending.sends.iter_mut().for_each(|send| send.sent = Some(None));
            }
            self.end_if_done(client, context);
        }
    }

    /// Begins an operation that is a transaction.
    fn begin_transaction(
        &mut self,
        id: OperationId,
        messages: &[Outgoing],
        aborts: bool,
        client: &mut Client,
        context: &mut Context<'_, Client>,
    ) {
        let (producing, session) = (Self::producing(client), client.session(context));
        let send =
            |(message, place): (&Outgoing, u32)| transaction::Send::new(message.partition, message.value(id, place, producing.batch));
        let sends: Vec<_> = messages.iter().zip(0..).map(send).collect();
        let act = |send: &transaction::Send| StreamAct::Send { key: u64::from(send.partition), value: send.value };
        let nth = client.invoke_as(id, self.is_handed, StreamOp::Acts(sends.iter().map(act).collect()), context);
        // Its life before the last start had the same id.
        let own = self.identity.get_or_insert_with(|| Identity::new(ClientId::new(session.client), true));
        let mut transaction = Transaction::new(nth, context.now() + client.config.patience, sends, None, aborts);
        transaction.start(own, client, context);
        self.transaction = Some(transaction);
    }

    /// A step of the transaction that is under way.
    fn in_transaction(
        &mut self,
        client: &mut Client,
        context: &mut Context<'_, Client>,
        step: impl FnOnce(&mut Transaction, &mut Identity, &mut Client, &mut Context<'_, Client>) -> Progress,
    ) {
        let (Some(transaction), Some(own)) = (&mut self.transaction, &mut self.identity) else { return };
        let (producer, epoch) = own.acting();
        let outcome = match step(transaction, own, client, context) {
            Progress::GoesOn => return,
            Progress::Done(shown) => {
                let tenures = epoch.map(|epoch| epoch_of(producer, epoch)).into_iter().collect();
                Outcome::Done(Streamed { shown, tenures, ..Streamed::default() })
            }
            Progress::Failed => Outcome::Failed,
            Progress::Unknown => Outcome::Unknown,
        };
        self.transaction = None;
        self.end(outcome, client, context);
    }

    /// Sends what is not answered.
    fn send(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let producing = Self::producing(client);
        let session = client.session(context);
        let Some(Sending { nth, sends, .. }) = &mut self.sending else { return };
        for (part, send) in sends.iter_mut().enumerate().filter(|(_, send)| send.sent.is_none()) {
            let request = Request { client: session, nth: *nth, part: part as u32 };
            let Send { partition, value, by, .. } = *send;
            let message = Message::Produce { request, partition, acks: producing.acks, value, by, transactional: false };
            for _ in 0..client.config.rules.copies(by.is_some()) {
                context.send(client.leader(partition), message.clone());
            }
            send.awaited = true;
        }
        context.set_timer(ClientTimer::Again, client.config.request_timeout);
    }

    pub(super) fn again(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        self.in_transaction(client, context, |transaction, own, client, context| transaction.again(own, client, context));
        let producing = Self::producing(client);
        let Some(sending) = &mut self.sending else { return };
        if context.now() >= sending.until || !producing.retries {
            return self.give_up(client, context);
        }
        context.sometimes(mark::RESENT);
        let silent = sending.sends.iter_mut().filter(|send| send.sent.is_none() && send.awaited);
        let partitions: crate::base::SortedSet<u32> = silent.map(|send| send.partition).collect();
        partitions.iter().for_each(|partition| client.learn(*partition, None));
        for send in sending.sends.iter_mut().filter(|send| send.sent.is_none()) {
            if let Some(by) = &mut send.by {
                let next = self.next.get(&send.partition).copied().unwrap_or(0);
                let number = client.config.rules.number_again(by.sequence, next);
                if number != by.sequence {
                    self.next.insert(send.partition, number + 1);
                }
                by.sequence = number;
            }
        }
        self.send(client, context);
    }

    fn give_up(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        context.sometimes(mark::GAVE_UP);
        if client.config.rules.begins_anew() {
            self.epoch += 1;
            self.next.clear();
        }
        self.end(Outcome::Unknown, client, context);
    }

    pub(super) fn on_message(&mut self, client: &mut Client, message: Message, context: &mut Context<'_, Client>) {
        self.in_transaction(client, context, |transaction, own, client, context| transaction.on_message(own, client, &message, context));
        if let Message::Produced { request, result } = message {
            self.on_produced(client, request, result, context);
        }
    }

    fn on_produced(
        &mut self,
        client: &mut Client,
        request: Request,
        result: Result<Option<u64>, Refusal>,
        context: &mut Context<'_, Client>,
    ) {
        let session = client.session(context);
        let Some(sending) = self.sending.as_mut().filter(|sending| (session, sending.nth) == (request.client, request.nth)) else { return };
        let Some(send) = sending.sends.get_mut(request.part as usize).filter(|send| send.sent.is_none()) else { return };
        match result {
            Ok(offset) => {
                send.sent = Some(offset);
                self.end_if_done(client, context);
            }
            Err(Refusal::Fenced) => self.give_up(client, context),
            Err(refusal) => {
                send.awaited = false;
                if let Refusal::NotLeader(leader) = refusal {
                    client.learn(send.partition, leader);
                }
                if Self::producing(client).retries {
                    context.set_timer(ClientTimer::Again, PAUSE);
                }
            }
        }
    }

    fn end_if_done(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let Some(sending) = &self.sending else { return };
        let sent: Vec<Shown> = sending.sends.iter().filter_map(|send| send.sent.map(Shown::Sent)).collect();
        if sent.len() == sending.sends.len() {
            self.end(Outcome::Done(Streamed::from(sent)), client, context);
        }
    }

    fn end(&mut self, outcome: Outcome<Streamed>, client: &mut Client, context: &mut Context<'_, Client>) {
        context.cancel_timer(ClientTimer::Again);
        self.sending = None;
        client.complete(outcome, context);
        if !client.quiet && !std::mem::take(&mut self.is_handed) {
            client.think(context);
        }
        self.begin_next(client, context);
    }

    pub(super) fn status(&self) -> String {
        if let Some(transaction) = &self.transaction {
            return transaction.status().to_owned();
        }
        let Some(sending) = &self.sending else { return "idle".to_owned() };
        let open = sending.sends.iter().filter(|send| send.sent.is_none()).count();
        format!("sends {open} of {}", sending.sends.len())
    }
}
