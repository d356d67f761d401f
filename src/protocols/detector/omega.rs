//! Ω: a leader for all nodes, elected by a failure detector.
//!
//! The leader is the first node that is not suspected. Over a detector that in the end suspects all crashed nodes and no others (◇P), in
//! the end all nodes follow the same living leader, which is what consensus needs (Chandra, Hadzilacos and Toueg, *The Weakest Failure
//! Detector for Solving Consensus*, J. ACM 43(4), 1996). Until then there may be several leaders, or a dead one: Ω promises no safety.

use serde::Serialize;

use std::fmt::Debug;
use std::sync::Arc;

use super::{Config, Detector, Message, Note, Rules, Timer, mark};
use crate::base::NodeId;
use crate::process::{Claim, Context, Embeds, Files, Mark, Process, Role, SyncToken};

/// A node that follows a leader, elected by the detector beneath it.
#[derive(Debug)]
pub struct Omega {
    detector: Detector,
    rules: Arc<dyn Rules>,
    me: NodeId,
    nodes: u32,
    leader: NodeId,
    /// What the detector had changed when the leader was looked for last.
    changes: u64,
}

/// What a node says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum OmegaNote {
    /// What its detector says.
    Detector(Note),
    /// It follows this leader from now on.
    Follows(NodeId),
}

pub(super) const NEW_LEADER: Mark = Mark::new("another leader", "A leader is elected that another had been before.");

const LEADER: Role = Role::new("Leader", "It suspects all nodes before it, and so leads, as far as it knows.");

static MARKS: [Mark; mark::ALL.len() + 1] = mark::and(&[NEW_LEADER]);

impl Omega {
    /// Whom it follows.
    pub fn leader(&self) -> NodeId {
        self.leader
    }

    /// The detector beneath.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Who leads, as far as the detector knows: the first node that is not suspected. A node never suspects itself.
    fn elect(&mut self, context: &mut Context<'_, Self>) {
        if self.detector.changes() == self.changes {
            return;
        }
        self.changes = self.detector.changes();
        let mut nodes = (0..self.nodes).map(NodeId::server);
        let leader = nodes.find(|node| *node == self.me || self.rules.may_lead(self.detector.suspects(*node))).unwrap_or(self.me);
        if leader != self.leader {
            self.leader = leader;
            context.sometimes(NEW_LEADER);
            context.note(OmegaNote::Follows(leader));
        }
    }
}

impl Embeds<Detector> for Omega {
    const SCOPE: &'static str = "detector";

    fn wrap_message(message: Message) -> Message {
        message
    }

    fn wrap_timer(timer: Timer) -> Timer {
        timer
    }

    fn wrap_note(note: Note) -> Option<OmegaNote> {
        Some(OmegaNote::Detector(note))
    }
}

impl Process for Omega {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Note = OmegaNote;

    const ROLES: &'static [Role] = &[LEADER];
    const MARKS: &'static [Mark] = &MARKS;

    fn boot(config: &Config, files: &Files, context: &mut Context<'_, Self>) -> Self {
        let detector = Self::boot_inner(config, files, context);
        let leader = NodeId::server(0);
        context.note(OmegaNote::Follows(leader));
        let changes = detector.changes();
        Self { detector, rules: Arc::clone(&config.rules), me: context.me(), nodes: config.nodes, leader, changes }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        context.embed(|context| self.detector.on_message(from, message, context));
        self.elect(context);
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        context.embed(|context| self.detector.on_timer(timer, context));
        self.elect(context);
    }

    fn on_synced(&mut self, _: SyncToken, _: &mut Context<'_, Self>) {}

    fn role(&self) -> Option<Claim> {
        (self.leader == self.me).then_some(LEADER.ranked(0))
    }

    fn status(&self) -> String {
        format!("follows {}, {}", self.leader, self.detector.status())
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
