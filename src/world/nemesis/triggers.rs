//! When triggers go off.

use super::super::setup::Cluster;
use crate::base::{KindDigest, MessageId, NodeId};
use crate::fault::{FaultPlan, Happening, Moment, Trigger};
use crate::trace::Event;

/// A trigger of a step of the plan.
pub(super) struct ArmedTrigger {
    step: u32,
    trigger: Trigger,
    /// The kind of message that it waits for.
    kind: Option<KindDigest>,
    seen: u32,
}

/// What set a trigger off: the node that it happened to, and the message, if it was one.
#[derive(Clone, Copy, Default)]
pub(super) struct Occasion {
    pub(super) node: Option<NodeId>,
    pub(super) message: Option<MessageId>,
}

impl ArmedTrigger {
    /// One for each step that waits for something.
    pub(super) fn all(plan: &FaultPlan) -> Vec<Self> {
        let watch = |step, trigger: &Trigger| {
            let kind = match &trigger.on {
                Happening::Sent { kind } | Happening::Delivered { kind } => Some(KindDigest::of(kind)),
                _ => None,
            };
            Self { step, trigger: trigger.clone(), kind, seen: 0 }
        };
        let moments = plan.steps().iter().map(|step| &step.moment).zip(0..);
        moments.filter_map(|(moment, step)| if let Moment::When { trigger } = moment { Some(watch(step, trigger)) } else { None }).collect()
    }

    /// Sees what happened; if that sets it off, returns its step and the occasion. It goes off once.
    pub(super) fn see<C: Cluster>(&mut self, event: &Event<'_, C>) -> Option<(u32, Occasion)> {
        if self.seen == self.trigger.nth {
            return None;
        }
        let occasion = self.occasion_in(event)?;
        if self.trigger.node.is_some_and(|node| occasion.node != Some(node)) {
            return None;
        }
        self.seen += 1;
        (self.seen == self.trigger.nth).then_some((self.step, occasion))
    }

    /// What happened, if this is what the trigger waits for.
    fn occasion_in<C: Cluster>(&self, event: &Event<'_, C>) -> Option<Occasion> {
        let message = |id: &MessageId, node| Some(Occasion { node: Some(node), message: Some(*id) });
        let subject = |node: &NodeId| Some(Occasion { node: Some(*node), message: None });
        match (&self.trigger.on, event) {
            (Happening::Sent { .. }, Event::Send { id, .. }) if self.kind == Some(id.kind) => message(id, id.from),
            (Happening::Delivered { .. }, Event::Deliver { id, .. }) if self.kind == Some(id.kind) => message(id, id.to),
            (Happening::Wrote { file: wanted }, Event::Write { node, file, .. }) if wanted.as_ref().is_none_or(|wanted| wanted == file) => {
                subject(node)
            }
            (Happening::Synced, Event::Synced { node, .. }) => subject(node),
            (Happening::Marked { mark: wanted }, Event::Mark { node, mark }) if wanted == mark => subject(node),
            (Happening::Crashed, Event::Crash { node, .. }) => subject(node),
            // A first boot is no restart.
            (Happening::Restarted, Event::Boot { node, incarnation, .. }) if incarnation.0 > 1 => subject(node),
            _ => None,
        }
    }
}
