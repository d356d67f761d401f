//! The server: what it holds, and what goes where.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use serde::Serialize;

use super::super::manager::Manager;
use super::super::participant::on_disk;
use super::super::recovering::Recovering;
use super::super::{Cause, Decision, Epoch, HeldLock, Note, TxnId, mark, role};
use super::coordinator::Coordination;
use super::log::{self, FILE, Record};
use super::participant::{Branch, Ended};
use super::{Config, Message};
use crate::base::{ClientId, NodeId, SortedMap};
use crate::process::{self, Claim, Files, Mark, Process, Role, SyncToken};

pub(super) type Context<'a> = process::Context<'a, TwoPhase>;

/// A server of a transactional store, coordinator and participant at once.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    pub(super) config: Rc<Config>,
    pub(super) epoch: Epoch,
    recovering: Recovering<Message>,
    // As a coordinator.
    /// How many transactions began in this life.
    pub(super) begun: u64,
    /// The last request of each session that was taken in.
    pub(super) sessions: SortedMap<ClientId, u64>,
    pub(super) coordinated: SortedMap<TxnId, Coordination>,
    // As a participant.
    pub(super) manager: Manager,
    /// Those of which this server waits for the decision.
    pub(super) branches: SortedMap<TxnId, Branch>,
    /// What became of those that have ended here. Nothing that arrives late may begin one of these again.
    pub(super) ended: BTreeMap<TxnId, Ended>,
    /// What goes on when a sync completes.
    pub(super) syncs: SortedMap<SyncToken, Durable>,
}

/// Something that became durable.
#[derive(Clone, Copy, Debug)]
pub(super) enum Durable {
    /// A coordinator's decision to commit.
    Commit(TxnId),
    /// The commit of the only participant.
    OnePhase(TxnId),
}

/// A server's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// As a coordinator: something was not answered yet.
    Coordinate(TxnId),
    /// As a participant: was not asked to vote for a long time.
    Abandon(TxnId),
    /// As a participant: has not heard the decision for a long time.
    Doubt(TxnId),
}

impl Process for TwoPhase {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const ROLES: &'static [Role] = role::ALL;
    const MARKS: &'static [Mark] = mark::ALL;

    fn boot(config: &Config, disk: &Files, context: &mut Context<'_>) -> Self {
        let recovered = log::recover(disk);
        let epoch = config.rules.next_epoch(recovered.epoch);
        context.append_record(FILE, &Record::Booted { epoch });
        let mut manager = Manager::new(config.locking);
        recovered.changes.iter().for_each(|writes| manager.replay(writes));
        let mut server = Self {
            config: Rc::new(config.clone()),
            epoch,
            recovering: Recovering::until(context.sync()),
            begun: 0,
            sessions: recovered.sessions,
            coordinated: SortedMap::new(),
            manager,
            branches: SortedMap::new(),
            ended: recovered.ended.into_iter().map(|(txn, decision)| (txn, Ended::from(decision))).collect(),
            syncs: SortedMap::new(),
        };
        for txn in recovered.alone {
            // Of what was written no other server was told before it was durable; a crash can make it so.
            context.note(Note::Decided { txn, decision: Decision::Commit, cause: Cause::AllVotedYes });
            context.note(Note::Learned { txn, decision: Decision::Commit });
        }
        server.recover_branches(recovered.prepared, context);
        server.recover_coordinated(recovered.coordinated, context);
        server
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_>) {
        let Some(message) = self.recovering.admit(from, message) else { return };
        if from.is_client() != matches!(message, Message::Request { .. }) {
            return;
        }
        match message {
            Message::Request { session, number, transaction } => self.on_request(from, session, number, transaction, context),
            Message::Worked { txn, epoch, seen, writes } => self.on_worked(from, txn, epoch, seen, writes, context),
            Message::Vote { txn, vote } => self.on_vote(from, txn, vote, context),
            Message::Committed { txn } => self.on_committed(from, txn, context),
            Message::Ack { txn } => self.on_ack(from, txn, context),
            Message::Inquire { txn } if txn.coordinator == context.me() => self.on_inquiry(from, txn, context),
            Message::Work { age, acts } => self.on_work(age, acts, context),
            Message::Prepare { txn, worked_in, writers, sole } => self.on_prepare(txn, worked_in, &writers, sole, context),
            Message::Decide { txn, decision } => self.on_decide(from, txn, decision, context),
            Message::Inquire { txn } => self.on_peer_inquiry(from, txn, context),
            Message::Answer { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_>) {
        match timer {
            Timer::Coordinate(txn) => self.coordinate(txn, context),
            Timer::Abandon(txn) => self.abandon(txn, context),
            Timer::Doubt(txn) => self.doubt(txn, context),
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_>) {
        for (from, message) in self.recovering.synced(token) {
            self.on_message(from, message, context);
        }
        match self.syncs.remove(&token) {
            Some(Durable::Commit(txn)) => self.commit(txn, context),
            Some(Durable::OnePhase(txn)) => self.commit_alone(txn, context),
            None => {}
        }
    }

    fn role(&self) -> Option<Claim> {
        let collecting = self.coordinated.values().filter(|coordination| coordination.is_collecting()).count();
        let doubtful = self.branches.len();
        role::claim(collecting, doubtful)
    }

    fn status(&self) -> String {
        let ended = self.ended.values().filter(|ended| **ended == Ended::Committed).count();
        let coordinated = self.coordinated.len();
        let (doubtful, locked) = (self.branches.len(), self.manager.locked());
        format!("in life {}, coordinates {coordinated}, in doubt of {doubtful}, {locked} keys locked, {ended} committed", self.epoch.0)
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        disk.read(FILE)?;
        let found = log::recover(disk);
        let ended = found.ended.iter().map(|(txn, decision)| (txn, *decision));
        Some(on_disk(found.epoch.unwrap_or_default(), found.prepared.keys(), ended))
    }
}

/// What those who run a server may ask it.
impl TwoPhase {
    /// The transactions of which it waits for the decision.
    pub fn in_doubt(&self) -> impl Iterator<Item = TxnId> {
        self.branches.keys().copied()
    }

    /// The transactions that it coordinates and has not forgotten.
    pub fn coordinates(&self) -> impl Iterator<Item = TxnId> {
        self.coordinated.keys().copied()
    }

    /// The values and locks.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// What it must still bring to an end, in words.
    pub fn unsettled(&self) -> Option<String> {
        let count = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("one transaction {what}")),
            count => Some(format!("{count} transactions {what}")),
        };
        let undecided = self.coordinated.values().filter(|coordination| !coordination.is_decided()).count();
        let unheard = self.coordinated.len() - undecided;
        let working = self.manager.under_way() - self.branches.len();
        let parts = [
            count(self.branches.len(), "in doubt"),
            count(undecided, "undecided"),
            count(unheard, "decided and not acknowledged by all"),
            count(working, "at work"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    pub(super) fn home(&self, key: u64) -> NodeId {
        self.config.members[(key % self.config.members.len() as u64) as usize]
    }

    pub(super) fn acknowledges(&self, decision: Decision) -> bool {
        self.config.rules.acknowledges(self.config.variant, decision)
    }

    pub(super) fn held(&self, txn: TxnId) -> Vec<HeldLock> {
        self.manager.held(txn)
    }
}
