//! What a broker does for transactions: as their coordinator, and as the leader of a partition that has part of them.

use std::sync::Arc;

use super::leading::Waiting;
use super::server::{Broker, BrokerTimer, Replica};
use super::transactions::{Coordinator, Decision};
use super::{Content, Incarnated, Marker, Message, Note, Refusal, Request, Stands, TransactionPhase as Phase, mark};
use crate::base::{ClientId, NodeId};
use crate::process::Context;

/// What a producer asks of the coordinator.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// It begins.
    Begin(ClientId),
    /// These partitions are to be part of its transaction.
    Add(Incarnated, Vec<u32>),
    /// Its transaction is to be committed, or aborted.
    End(Incarnated, bool),
}

impl Broker {
    /// It leads the partition of the coordinator from now on.
    pub(super) fn coordinate_transactions(&mut self, context: &mut Context<'_, Self>) {
        let end = self.replicas.get(&self.config.layout.of_transactions()).map_or(0, |replica| replica.log.end());
        // It has forgotten what it knew when it led before: others have coordinated since.
        match &mut self.transactions {
            Some(kept) => kept.read = end,
            None => self.transactions = Some(Coordinator::default()),
        }
        context.set_timer(BrokerTimer::Transactions, self.config.layout.beat);
    }

    /// The coordinator, if it is one and has read all that those before it have written.
    fn loaded(&self) -> Result<&Coordinator, Refusal> {
        let Some(replica) = self.replicas.get(&self.config.layout.of_transactions()) else { return Err(Refusal::NotLeader(None)) };
        let Some(leading) = &replica.leading else { return Err(Refusal::NotLeader(replica.leader())) };
        let coordinator = self.transactions.as_ref().ok_or(Refusal::NotLeader(None))?;
        if replica.high < leading.began || coordinator.read < leading.began { Err(Refusal::Loading) } else { Ok(coordinator) }
    }

    pub(super) fn on_transaction(&mut self, from: NodeId, request: Request, asked: &Asked, context: &mut Context<'_, Self>) {
        let rules = Arc::clone(&self.config.rules);
        let decision = match (self.loaded(), asked) {
            (Err(refusal), _) => Decision::Tell(Err(refusal)),
            (Ok(known), Asked::Begin(producer)) => known.begin(*producer, &*rules),
            (Ok(known), Asked::Add(by, partitions)) => known.add(*by, partitions, &*rules),
            (Ok(known), Asked::End(by, commits)) => known.end(*by, *commits, &*rules),
        };
        if decision == Decision::Tell(Err(Refusal::Fenced)) {
            context.sometimes(mark::PRODUCER_FENCED);
        }
        match decision {
            Decision::Tell(result) => context.send(from, Message::Coordinated { request, result }),
            Decision::Change(stands) => {
                if rules.answers_end(false) && matches!(asked, Asked::End(..)) {
                    context.send(from, Message::Coordinated { request, result: Ok(stands.epoch) });
                }
                self.change(stands, Some((from, request)), context);
            }
            Decision::ChangeAndTell(stands, refusal) => {
                context.sometimes(mark::ABORTED_FOR_ANOTHER);
                self.change(stands, None, context);
                context.send(from, Message::Coordinated { request, result: Err(refusal) });
            }
        }
    }

    /// A producer is to stand so.
    fn change(&mut self, stands: Stands, asked: Option<(NodeId, Request)>, context: &mut Context<'_, Self>) {
        let partition = self.config.layout.of_transactions();
        let Some(offset) = self.replicas.get(&partition).map(|replica| replica.log.end()) else { return };
        let Some(known) = &mut self.transactions else { return };
        known.changes(&stands, offset, asked, context.now());
        let is_early = self.config.rules.marks(false);
        self.append(partition, Content::Stands(Box::new(stands.clone())), context);
        if is_early {
            self.send_markers(&stands, &stands.partitions, context);
        }
    }

    /// More of the coordinator's partition is committed.
    pub(super) fn read_transactions(&mut self, context: &mut Context<'_, Self>) {
        let partition = self.config.layout.of_transactions();
        // What those before it have decided it goes on with once it has read all.
        let is_loaded = self.loaded().is_ok();
        let (Some(known), Some(replica)) = (&mut self.transactions, self.replicas.get(&partition)) else { return };
        let changed = known.read(replica.log.between(known.read, replica.high), context.now());
        for (stands, asked) in changed {
            if let Some((to, request)) = asked {
                context.send(to, Message::Coordinated { request, result: Ok(stands.epoch) });
            }
            // What it has read of the past is over.
            let is_present = |known: &Coordinator| known.known.get(&stands.producer).is_some_and(|known| known.stands == stands);
            if !is_loaded || !self.transactions.as_ref().is_some_and(is_present) {
                continue;
            }
            if let Phase::Decided(commits) = stands.phase {
                context.sometimes(if commits { mark::COMMITTED } else { mark::ABORTED });
                self.send_markers(&stands, &stands.partitions, context);
            }
        }
    }

    /// Each of these partitions is to have the marker of a transaction that is decided.
    fn send_markers(&mut self, stands: &Stands, partitions: &[u32], context: &mut Context<'_, Self>) {
        let Phase::Decided(commits) = stands.phase else { return };
        let rules = Arc::clone(&self.config.rules);
        let coordinator = self.replicas.get(&self.config.layout.of_transactions()).map_or(0, |replica| replica.epoch());
        let marker = Marker { producer: stands.producer, epoch: stands.epoch, commits, coordinator };
        let (last, me) = (partitions.last().copied(), NodeId::server(self.me));
        for partition in partitions.iter().copied() {
            if !rules.marks_partition(commits, Some(partition) == last && partitions.len() > 1) {
                self.on_marked(partition, marker, context);
                continue;
            }
            let Some(leader) = self.leaders.get(partition as usize).copied().flatten() else { continue };
            for _ in 0..rules.markers() {
                if leader == self.me {
                    self.on_marker(me, partition, marker, context);
                } else {
                    context.send(NodeId::server(leader), Message::WriteMarker { partition, marker });
                }
            }
        }
    }

    /// The coordinator wants a transaction to end in a partition that this broker leads.
    pub(super) fn on_marker(&mut self, from: NodeId, partition: u32, marker: Marker, context: &mut Context<'_, Self>) {
        let rules = Arc::clone(&self.config.rules);
        let Some(replica) = self.replicas.get(&partition).filter(|replica| replica.leading.is_some()) else { return };
        let last = replica.log.transactions().last_marker(marker.producer);
        let is_old = replica.log.sequences().is_old(marker.producer, marker.epoch)
            || last.is_some_and(|(last, _)| last.coordinator > marker.coordinator);
        if !rules.heeds_marker(!is_old) {
            return context.sometimes(mark::OLD_MARKER);
        }
        // What is open in the epoch that it begins came after it: it is there, and comes once more.
        let is_open = replica.log.transactions().is_open(marker.producer);
        let there = last.filter(|(last, _)| last.epoch == marker.epoch && !(is_open && rules.ends_what_comes_next()));
        let (marker, offset) = match there {
            Some(there) => there,
            None => (marker, self.append(partition, Content::Marker(marker), context)),
        };
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        if offset < replica.high {
            self.tell_marker(partition, marker, from, context);
        } else if let Some(leading) = &mut replica.leading {
            leading.waiting.push((offset, Waiting::Coordinator(from)));
        }
    }

    /// A marker is committed.
    pub(super) fn tell_marked(&mut self, partition: u32, offset: u64, to: NodeId, context: &mut Context<'_, Self>) {
        let entry = self.replicas.get(&partition).and_then(|replica| replica.log.get(offset));
        if let Some(Content::Marker(marker)) = entry.map(|entry| &entry.content) {
            self.tell_marker(partition, *marker, to, context);
        }
    }

    fn tell_marker(&mut self, partition: u32, marker: Marker, to: NodeId, context: &mut Context<'_, Self>) {
        if to == NodeId::server(self.me) {
            self.on_marked(partition, marker, context);
        } else {
            context.send(to, Message::MarkerWritten { partition, marker });
        }
    }

    /// A partition has the marker of a transaction.
    pub(super) fn on_marked(&mut self, partition: u32, marker: Marker, context: &mut Context<'_, Self>) {
        if self.loaded().is_err() {
            return;
        }
        let Some(known) = &mut self.transactions else { return };
        if let Some(stands) = known.marked(marker.producer, marker.epoch, partition) {
            self.change(stands, None, context);
        }
    }

    /// Aborts what has been open for too long, and looks for markers that are missing.
    pub(super) fn look_after_transactions(&mut self, context: &mut Context<'_, Self>) {
        if self.transactions.is_none() {
            return;
        }
        context.set_timer(BrokerTimer::Transactions, self.config.layout.beat);
        let Ok(known) = self.loaded() else { return };
        let rules = Arc::clone(&self.config.rules);
        let unmarked = if rules.resumes() { known.unmarked() } else { Vec::new() };
        for stands in known.expired(context.now(), &self.config.layout, &*rules) {
            context.sometimes(mark::TIMED_OUT);
            self.change(stands, None, context);
        }
        for (stands, partitions) in unmarked {
            self.send_markers(&stands, &partitions, context);
        }
    }

    /// What keeps transactions open that this broker coordinates, or of which it leads a partition.
    pub fn unsettled(&self) -> Option<String> {
        let coordinated = self.loaded().map_or(0, Coordinator::open);
        let led = self.replicas.values().filter(|replica| replica.leading.is_some());
        let open: usize = led.map(|replica| replica.log.transactions().open()).sum();
        (coordinated + open > 0)
            .then(|| format!("{coordinated} transactions are not over, and {open} are open in partitions that it leads"))
    }

    /// A member asks up to where the group has processed a partition.
    pub(super) fn on_offset(&mut self, from: NodeId, request: Request, partition: u32, context: &mut Context<'_, Self>) {
        let refusal = match &self.group {
            None => Refusal::NotLeader(self.leader_of_group()),
            Some(_) if !self.has_loaded() => Refusal::Loading,
            Some(_) => {
                let of_group = self.config.layout.of_group();
                let place = self.append(of_group, Content::Asked { partition }, context);
                match self.replicas.get_mut(&of_group) {
                    Some(replica) if place < replica.high => self.tell_offset(partition, (from, request), context),
                    Some(Replica { leading: Some(leading), .. }) => leading.waiting.push((place, Waiting::Client(from, request))),
                    _ => {}
                }
                return;
            }
        };
        context.send(from, Message::OffsetTold { request, result: Err(refusal) });
    }

    /// That it was asked is committed: so it coordinates still, and has read all that counts.
    pub(super) fn tell_offset(&mut self, partition: u32, (to, request): (NodeId, Request), context: &mut Context<'_, Self>) {
        self.read_group(context);
        let Some(group) = &self.group else { return };
        let is_unstable = self.config.rules.waits_for_stable(group.is_pending(partition));
        let offset = group.processed.get(&partition).copied().unwrap_or(0);
        if is_unstable {
            context.sometimes(mark::UNSTABLE);
        } else {
            context.note(Note::Handed { partition, generation: group.generation, offset });
        }
        let result = if is_unstable { Err(Refusal::Unstable) } else { Ok(offset) };
        context.send(to, Message::OffsetTold { request, result });
    }
}
