//! A server of Raft within a server that does more: it keeps what all have decided, and says when its server begins to lead, and when it
//! leads no more.

use serde::Serialize;

use super::{Config, Message, Raft, StateMachine};
use crate::base::NodeId;
use crate::process::{Context, Embeds, Files, SyncToken};

/// A server of Raft within a server of this kind.
#[derive(Clone, Debug)]
pub struct Hosted<S: StateMachine> {
    raft: Raft<S>,
    leads: bool,
}

/// The timers of a server that has one of its own besides those of Raft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Timer {
    /// One of Raft's.
    Raft(super::Timer),
    /// Time to look for what is due.
    Tick,
}

/// What has become of a server's leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It leads, and knows all that was decided before.
    TookOver,
    /// It leads no more.
    SteppedDown,
}

impl<S: StateMachine> Hosted<S> {
    /// Boots it, with its files on the disk of the server around.
    pub fn boot<P: Embeds<Raft<S>>>(config: &Config<S>, disk: &Files, context: &mut Context<'_, P>) -> Self {
        Self { raft: P::boot_inner(config, disk, context), leads: false }
    }

    /// A message of another server of Raft.
    pub fn on_message<P: Embeds<Raft<S>>>(
        &mut self,
        from: NodeId,
        message: Message<S::Operation, S::Response>,
        context: &mut Context<'_, P>,
    ) {
        context.embed(|context| crate::process::Process::on_message(&mut self.raft, from, message, context));
    }

    /// One of its timers.
    pub fn on_timer<P: Embeds<Raft<S>>>(&mut self, timer: super::Timer, context: &mut Context<'_, P>) {
        context.embed(|context| crate::process::Process::on_timer(&mut self.raft, timer, context));
    }

    /// A sync is through, which may be one of its own.
    pub fn on_synced<P: Embeds<Raft<S>>>(&mut self, token: SyncToken, context: &mut Context<'_, P>) {
        context.embed(|context| crate::process::Process::on_synced(&mut self.raft, token, context));
    }

    /// Has all decide on an operation, if this server leads: see [`Raft::propose_internal`].
    pub fn propose<P: Embeds<Raft<S>>>(&mut self, operation: S::Operation, context: &mut Context<'_, P>) {
        context.embed(|context| self.raft.propose_internal(operation, context));
    }

    /// What was decided since this was last asked: see [`StateMachine::Output`].
    pub fn take_outputs(&mut self) -> Vec<S::Output> {
        self.raft.take_outputs()
    }

    /// What has become of its leadership since this was last asked. A leader that does not know yet all that was decided before does not
    /// lead here.
    pub fn turn(&mut self) -> Option<Turn> {
        let leads = self.raft.next_round().is_some();
        let turn = if leads { Turn::TookOver } else { Turn::SteppedDown };
        (std::mem::replace(&mut self.leads, leads) != leads).then_some(turn)
    }

    /// The machine, as all that was decided has made it.
    pub fn machine(&self) -> &S {
        self.raft.machine()
    }

    /// The server of Raft.
    pub fn raft(&self) -> &Raft<S> {
        &self.raft
    }

    /// The same, to ask it for proof that it leads.
    pub fn raft_mut(&mut self) -> &mut Raft<S> {
        &mut self.raft
    }
}
