//! Publishers: with confirms, or without.

use super::client::{Client, ClientTimer, Context, KEY, MESSAGE, THINK};
use super::{Body, Message};
use crate::base::{DurationRange, OperationId, Ratio, Shown, StreamAct, StreamOp};
use crate::history::Outcome;

/// How a publisher publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// Whether it waits until the queue has its message, and publishes again if it is not told so in time; else it takes it to be there.
    pub confirms: bool,
    /// How long it thinks between two messages.
    pub think: DurationRange,
    /// The chance that no consumer can process a message.
    pub poison: Ratio,
}

impl Client {
    pub(super) fn think(&mut self, publishing: Publishing, context: &mut Context<'_>) {
        let id = self.id(context).word();
        let after = self.drawn(THINK, id, context).within(publishing.think);
        context.set_timer(ClientTimer::Due, after);
    }

    pub(super) fn publish(&mut self, publishing: Publishing, context: &mut Context<'_>) {
        let value = self.value(context);
        self.invoke(StreamOp::Acts(vec![StreamAct::Send { key: KEY, value }]), context);
        if publishing.confirms {
            return self.ask(context);
        }
        let publication = self.publication(publishing, context);
        self.tell(publication, context);
        self.complete(Outcome::Done(vec![Shown::Sent(None)].into()), context);
        self.go_on(context);
    }

    /// The message that is published: at each attempt the same.
    pub(super) fn publication(&self, publishing: Publishing, context: &mut Context<'_>) -> Message {
        let id = self.id(context);
        let is_poison = self.drawn(MESSAGE, id.word(), context).chance(publishing.poison);
        Message::Publish { id, body: Body { value: self.value(context), is_poison } }
    }

    pub(super) fn on_confirm(&mut self, id: OperationId, context: &mut Context<'_>) {
        if matches!(self.open, Some(StreamOp::Acts(_))) && id == self.id(context) {
            context.cancel_timer(ClientTimer::Overdue);
            self.complete(Outcome::Done(vec![Shown::Sent(None)].into()), context);
            self.go_on(context);
        }
    }
}
