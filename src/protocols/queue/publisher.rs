//! Publishers: with confirms, or without.

use serde::{Deserialize, Serialize};

use super::client::{Client, ClientTimer, Context, KEY, MESSAGE, THINK};
use super::{Body, Message};
use crate::base::{DurationRange, OperationId, Ratio, Shown, StreamAct, StreamOp};
use crate::history::Outcome;

/// How a publisher publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// Whether it waits until the queue has its message, and publishes again if it is not told so in time; else it takes it to be there.
    pub confirms: bool,
    /// How long it thinks between two messages of its own; without it, it publishes only what it is handed.
    pub think: Option<DurationRange>,
    /// The chance that no consumer can process a message.
    pub poison: Ratio,
}

/// What a publisher does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum QueueStep {
    /// It publishes a message, and waits for the confirm if it wants one.
    Publish {
        /// Whether no consumer can process it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        poison: bool,
    },
}

/// A message that a publisher publishes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publication {
    id: OperationId,
    /// Whether it was handed: then it was none of its own, after which the next of these is due.
    is_handed: bool,
    is_poison: bool,
}

impl Publication {
    /// What is told the queue: at each attempt the same.
    pub(super) fn message(self) -> Message {
        let Self { id, is_poison, .. } = self;
        Message::Publish { id, body: Body { value: id.value(), is_poison } }
    }
}

impl Client {
    /// Plans the next message of its own, if what is over was one, and publishes what waits.
    pub(super) fn go_on_publishing(&mut self, publishing: Publishing, context: &mut Context<'_>) {
        let was_handed = self.publication.take().is_some_and(|publication| publication.is_handed);
        if let (Some(think), false, false) = (publishing.think, was_handed, self.quiet) {
            self.begun += 1;
            let next = self.id(context);
            let after = self.drawn(THINK, next.word(), context).within(think);
            context.set_timer(ClientTimer::Due(next), after);
        }
        self.publish_next(publishing, context);
    }

    /// Publishes the message that has waited longest, if none is on its way.
    pub(super) fn publish_next(&mut self, publishing: Publishing, context: &mut Context<'_>) {
        if self.is_free()
            && let Some(next) = self.steps.next_waiting()
        {
            self.publish(next, publishing, context);
        }
    }

    fn publish(&mut self, id: OperationId, publishing: Publishing, context: &mut Context<'_>) {
        let is_handed = self.steps.is_handed(id);
        let mut drawn = self.drawn(MESSAGE, id.word(), context);
        let made_up = || QueueStep::Publish { poison: drawn.chance(publishing.poison) };
        let QueueStep::Publish { poison: is_poison } = self.steps.begin(id, context.now(), made_up);
        let publication = Publication { id, is_handed, is_poison };
        self.publication = Some(publication);
        self.invoke(id, StreamOp::Acts(vec![StreamAct::Send { key: KEY, value: id.value() }]), context);
        if publishing.confirms {
            return self.ask(context);
        }
        self.tell(publication.message(), context);
        self.complete(Outcome::Done(vec![Shown::Sent(None)].into()), context);
        self.go_on(context);
    }

    pub(super) fn on_confirm(&mut self, id: OperationId, context: &mut Context<'_>) {
        if self.open.is_some() && self.publication.is_some_and(|publication| publication.id == id) {
            context.cancel_timer(ClientTimer::Overdue);
            self.complete(Outcome::Done(vec![Shown::Sent(None)].into()), context);
            self.go_on(context);
        }
    }
}
