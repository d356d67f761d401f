//! A producer: it sends a few messages at once, and sends again what is not answered.

use super::client::{Client, ClientTimer};
use super::consumer::epoch_of;
use super::transaction::{self, Identity, Progress, Transaction};
use super::{Acks, Message, Refusal, Request, Sequenced, mark};
use crate::base::{ClientId, Duration, LocalTime, Ratio, Shown, SortedMap, StreamAct, StreamOp, Streamed};
use crate::history::Outcome;
use crate::process::Context;

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
}

/// A producer.
#[derive(Debug, Default)]
pub(super) struct Producer {
    epoch: u32,
    /// By partition: the next number.
    next: SortedMap<u32, u32>,
    /// How many values it has made.
    values: u32,
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

impl Producer {
    fn producing(client: &Client) -> Producing {
        match client.config.role {
            super::ClientRole::Produces(producing) => producing,
            super::ClientRole::Consumes(_) => {
                Producing { acks: Acks::All, idempotent: true, retries: true, batch: 1, transactions: None, tombstones: Ratio::NEVER }
            }
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.sending.is_some() || self.transaction.is_some()
    }

    pub(super) fn begin(&mut self, client: &mut Client, context: &mut Context<'_, Client>) {
        let producing = Self::producing(client);
        if let Some(aborts) = producing.transactions {
            return self.begin_transaction(client, aborts, context);
        }
        let mut random = client.drawn(2, context);
        let session = client.session(context);
        let mut sends = Vec::new();
        for _ in 0..producing.batch {
            let partition = random.below(u64::from(client.config.layout.partitions)) as u32;
            let next = self.next.entry(partition).or_insert(0);
            let by = producing.idempotent.then_some(Sequenced { producer: session, epoch: self.epoch, sequence: *next });
            *next += 1;
            let is_tombstone = producing.tombstones != Ratio::NEVER && random.chance(producing.tombstones);
            let value = self.value(session, is_tombstone);
            sends.push(Send { partition, value, by, sent: None, awaited: false });
        }
        let act = |send: &Send| StreamAct::Send { key: u64::from(send.partition), value: send.value };
        let nth = client.invoke(StreamOp::Acts(sends.iter().map(act).collect()), context);
        self.sending = Some(Sending { nth, until: context.now() + client.config.patience, sends });
        self.send(client, context);
        if producing.acks == Acks::None {
            if let Some(sending) = &mut self.sending {
                sending.sends.iter_mut().for_each(|send| send.sent = Some(None));
            }
            self.end_if_done(client, context);
        }
    }

    /// A value that was never sent; negative, if it is that of a tombstone.
    fn value(&mut self, session: ClientId, is_tombstone: bool) -> i64 {
        self.values += 1;
        let value = (i64::from(session.client) * LIVES + i64::from(session.session)) * VALUES + i64::from(self.values);
        if is_tombstone { -value } else { value }
    }

    /// Begins an operation that is a transaction.
    fn begin_transaction(&mut self, client: &mut Client, aborts: Ratio, context: &mut Context<'_, Client>) {
        let (producing, session) = (Self::producing(client), client.session(context));
        let mut random = client.drawn(2, context);
        let mut partition = || random.below(u64::from(client.config.layout.partitions)) as u32;
        let partitions: Vec<u32> = (0..producing.batch).map(|_| partition()).collect();
        let aborts = random.chance(aborts);
        let mut is_tombstone = || producing.tombstones != Ratio::NEVER && random.chance(producing.tombstones);
        let send = |partition| transaction::Send::new(partition, self.value(session, is_tombstone()));
        let sends: Vec<_> = partitions.into_iter().map(send).collect();
        let act = |send: &transaction::Send| StreamAct::Send { key: u64::from(send.partition), value: send.value };
        let nth = client.invoke(StreamOp::Acts(sends.iter().map(act).collect()), context);
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
        if !client.quiet {
            client.think(context);
        }
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
