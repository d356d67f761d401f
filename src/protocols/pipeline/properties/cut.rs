//! Whether a checkpoint is a consistent cut (Chandy and Lamport 1985): in each channel, what was received before it was sent before it, and
//! as barriers close channels, the other way round.

use std::collections::BTreeMap;

use super::super::{Cut, Plan, Position};
use crate::base::NodeId;
use crate::check::{Broken, Rule};

static NOT_SAVED: Rule = Rule::new("not-saved", "checkpoint {checkpoint} is complete, and {node} has not saved it");
static NOT_CONSISTENT: Rule = Rule::new(
    "not-consistent",
    "in checkpoint {checkpoint}, {node} has received {received} events from {sender}, which had sent {sent} before it",
);
static OTHER_EVENTS: Rule =
    Rule::new("other-events", "in checkpoint {checkpoint}, {node} has received other events from {sender} than were sent before it");

/// What subtasks have saved of checkpoints that were not complete yet.
#[derive(Debug, Default)]
pub(super) struct Cuts(BTreeMap<u64, BTreeMap<NodeId, Cut>>);

impl Cuts {
    pub(super) fn saved(&mut self, node: NodeId, cut: &Cut) {
        self.0.entry(cut.checkpoint).or_default().insert(node, cut.clone());
    }

    /// A checkpoint is complete.
    pub(super) fn complete(&mut self, checkpoint: u64, plan: &Plan) -> Option<Broken> {
        let later = self.0.split_off(&(checkpoint + 1));
        let cuts = std::mem::replace(&mut self.0, later).remove(&checkpoint).unwrap_or_default();
        let of = |rule: &'static Rule| rule.with("checkpoint", checkpoint);
        let nodes = (1..plan.nodes()).map(NodeId::server);
        if let Some(node) = nodes.into_iter().find(|node| !cuts.contains_key(node)) {
            return Some(of(&NOT_SAVED).with("node", node));
        }
        for (sender, cut) in &cuts {
            for (edge, node, sent) in &cut.sent {
                let received = cuts.get(node).and_then(|cut| received_from(cut, *edge, *sender)).unwrap_or_default();
                let told = |broken: Broken| broken.with("node", *node).with("sender", *sender);
                if sent.events != received.events {
                    let broken = told(of(&NOT_CONSISTENT)).with("received", received.events).with("sent", sent.events);
                    return Some(broken);
                }
                if *sent != received {
                    return Some(told(of(&OTHER_EVENTS)));
                }
            }
        }
        None
    }
}

fn received_from(cut: &Cut, edge: u16, sender: NodeId) -> Option<Position> {
    cut.received.iter().find(|(name, from, _)| (*name, *from) == (edge, sender)).map(|(.., position)| *position)
}
