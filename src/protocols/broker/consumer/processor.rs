//! A processor: a member of a group that makes other messages of those it polls, and says with these how far it is.
//!
//! In a transaction, what it sends and how far it is take effect together (consume, transform, produce; KIP-98, §Use of the API). A
//! processor that stands still may be given up, and another has its partition: what the first then does must have no effect.

use super::{Asks, Batch, Client, ClientTimer, Consumer, GROUP, Step};
use crate::base::{ClientId, Holder, Shown, StreamAct, StreamOp, StreamRecord, Streamed, Tenure};
use crate::history::Outcome;
use crate::process::Context;
use crate::protocols::broker::transaction::{Identity, Progress, Send, Transaction};
use crate::protocols::broker::{Message, Refusal, Request};

/// How a processor works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processing {
    /// Whether it has transactions.
    pub transactional: bool,
    /// How it is told that another has its partition.
    pub fencing: Fencing,
}

/// What keeps a processor from acting for a partition that another has by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fencing {
    /// It says in which generation of the group it has processed something (KIP-447).
    Generation,
    /// Each partition has a transactional id, whose epoch grows when a processor begins with it: the way before KIP-447.
    Epoch,
    /// Nothing does.
    Off,
}

/// What it has besides what a consumer has.
#[derive(Debug, Default)]
pub(super) struct Processor {
    identities: Vec<(ClientId, Identity)>,
    /// Partitions of which it knows where it goes on.
    ready: Vec<u32>,
}

/// What it must know before it polls a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preparing {
    /// Its epoch, as it begins with this transactional id.
    Epoch(ClientId),
    /// Where it goes on.
    Offset,
}

/// The session of a transactional id that is a partition's: no client lives so often.
const OF_PARTITIONS: u32 = u32::MAX;

impl Processor {
    /// It has another part: what it knew of its partitions means nothing any more.
    pub(super) fn rejoined(&mut self, processing: Processing) {
        self.ready.clear();
        if processing.fencing == Fencing::Epoch {
            self.identities.clear();
        }
    }

    fn identity(&mut self, processing: Processing, session: ClientId, partition: u32) -> &mut Identity {
        let producer = match processing.fencing {
            Fencing::Epoch => ClientId { client: partition, session: OF_PARTITIONS },
            Fencing::Generation | Fencing::Off if processing.transactional => ClientId::new(session.client),
            Fencing::Generation | Fencing::Off => session,
        };
        let place = self.identities.iter().position(|(of, _)| *of == producer).unwrap_or_else(|| {
            self.identities.push((producer, Identity::new(producer, processing.transactional)));
            self.identities.len() - 1
        });
        &mut self.identities[place].1
    }
}

impl Consumer {
    fn processing(client: &Client) -> Option<Processing> {
        Self::consuming(client).processing
    }

    /// Whether it makes other messages of those it polls.
    pub(in crate::protocols::broker) fn is_processor(client: &Client) -> bool {
        Self::processing(client).is_some()
    }

    /// Whether it must learn something before it polls this partition: then it asks for that.
    pub(super) fn prepares(&mut self, client: &mut Client, partition: u32, context: &mut Context<'_, Client>) -> bool {
        let Some(processing) = Self::processing(client) else { return false };
        if self.processor.ready.contains(&partition) {
            return false;
        }
        // What it has left open is aborted first: else it would wait for itself.
        let (producer, epoch) = self.processor.identity(processing, client.session(context), partition).acting();
        let what = if epoch.is_none() { Preparing::Epoch(producer) } else { Preparing::Offset };
        let asks = Asks { nth: client.next(), until: context.now() + client.config.patience, partition };
        self.step = Step::Prepares(asks, what);
        self.ask(client, context);
        true
    }

    /// What it asks so that it can poll.
    pub(super) fn preparation(asks: Asks, what: Preparing, client: &Client, session: ClientId) -> (u32, Message) {
        let layout = &client.config.layout;
        let request = Request { client: session, nth: asks.nth, part: 2 };
        match what {
            Preparing::Epoch(producer) => (layout.of_transactions(), Message::Begin { request, producer }),
            Preparing::Offset => (layout.of_group(), Message::Offset { request, partition: asks.partition }),
        }
    }

    /// It was told what it must know: its epoch, or where it goes on.
    pub(super) fn on_prepared(
        &mut self,
        client: &mut Client,
        request: Request,
        result: Result<u64, Refusal>,
        context: &mut Context<'_, Client>,
    ) {
        let Step::Prepares(asks, what) = &self.step else { return };
        let (asks, what) = (*asks, *what);
        let Some(processing) = Self::processing(client).filter(|_| asks.nth == request.nth && request.part == 2) else { return };
        let told = match result {
            Ok(told) => told,
            Err(refusal) => {
                if let Refusal::NotLeader(leader) = refusal {
                    let (asked, _) = Self::preparation(asks, what, client, request.client);
                    client.learn(asked, leader);
                }
                self.refused = true;
                return context.set_timer(ClientTimer::Again, super::PAUSE);
            }
        };
        context.cancel_timer(ClientTimer::Again);
        self.step = Step::Idle;
        if self.positions.contains_key(&asks.partition) {
            match what {
                Preparing::Epoch(_) => {
                    let session = client.session(context);
                    self.processor.identity(processing, session, asks.partition).enter(u32::try_from(told).ok());
                    self.prepares(client, asks.partition, context);
                    return;
                }
                Preparing::Offset => {
                    self.positions.insert(asks.partition, told);
                    self.processor.ready.push(asks.partition);
                }
            }
        }
        self.go_on(client, context);
    }

    /// It has processed what it polled, and sends what it made of it.
    pub(super) fn transact(&mut self, client: &mut Client, batch: Batch, context: &mut Context<'_, Client>) {
        let Some(processing) = Self::processing(client) else { return };
        let layout = std::sync::Arc::clone(&client.config.layout);
        let sends: Vec<Send> = batch.records.iter().map(|(_, value)| Send::new(layout.output_of(*value), *value)).collect();
        let key = u64::from(batch.partition);
        let takes = batch.records.iter().map(|(offset, value)| StreamAct::Take { key, offset: *offset, value: *value });
        let mut acts: Vec<StreamAct> = takes.collect();
        acts.extend(sends.iter().map(|send| StreamAct::Send { key: u64::from(send.partition), value: send.value }));
        let nth = client.invoke(StreamOp::Acts(acts), context);
        let generation = batch.generation.filter(|_| processing.fencing == Fencing::Generation);
        let processed = Some((batch.partition, batch.next, generation));
        let mut transaction = Transaction::new(nth, context.now() + client.config.patience, sends, processed, false);
        let session = client.session(context);
        let own = self.processor.identity(processing, session, batch.partition);
        transaction.start(own, client, context);
        self.step = Step::Transacts(Box::new(transaction), batch);
    }

    /// A step of the transaction that is under way, if one is.
    pub(super) fn in_transaction(
        &mut self,
        client: &mut Client,
        context: &mut Context<'_, Client>,
        step: impl FnOnce(&mut Transaction, &mut Identity, &mut Client, &mut Context<'_, Client>) -> Progress,
    ) {
        let Some(processing) = Self::processing(client) else { return };
        let Step::Transacts(mut transaction, batch) = std::mem::take(&mut self.step) else { return };
        let session = client.session(context);
        let own = self.processor.identity(processing, session, batch.partition);
        let (producer, epoch) = own.acting();
        match step(&mut transaction, own, client, context) {
            Progress::GoesOn => self.step = Step::Transacts(transaction, batch),
            Progress::Done(sent) => {
                let record = |(offset, value): &(u64, i64)| StreamRecord { offset: Some(*offset), value: *value };
                let took = batch.records.iter().map(|taken| Shown::Polled(vec![(u64::from(batch.partition), vec![record(taken)])]));
                let shown = took.chain(sent).collect();
                let mut tenures = Vec::new();
                if processing.fencing == Fencing::Generation {
                    tenures.push(Tenure { of: Holder::Group(GROUP), number: u64::from(batch.generation.unwrap_or(0)) });
                }
                tenures.extend(epoch.filter(|_| processing.transactional).map(|epoch| epoch_of(producer, epoch)));
                let rebalanced = std::mem::take(&mut self.rebalanced);
                let gone = std::mem::take(&mut self.gone);
                self.end(Outcome::Done(Streamed { shown, rebalanced, tenures, gone }), client, context);
            }
            ended => {
                self.processor.ready.retain(|ready| *ready != batch.partition);
                let outcome = if ended == Progress::Failed { Outcome::Failed } else { Outcome::Unknown };
                self.end(outcome, client, context);
            }
        }
    }
}

/// In which epoch of a producer something was done.
pub(in crate::protocols::broker) fn epoch_of(producer: ClientId, epoch: u32) -> Tenure {
    let id = u64::from(producer.client) << 32 | u64::from(producer.session);
    Tenure { of: Holder::Producer(id), number: u64::from(epoch) }
}
