//! How an agent holds a lease.

use super::super::{Attached, Key, LeaseId, Message, Operation, mark};
use super::{Agent, AgentTimer, Context, News, Registered};
use crate::base::{ClientId, Duration, LocalTime, NodeId};

/// The lease that an agent holds, or wants.
#[derive(Debug)]
pub(super) struct Holding {
    /// The name under which it holds: one for each of its lives.
    holder: ClientId,
    is_wanted: bool,
    held: Option<Held>,
    /// Whether it waits for a lease to end that it does not keep alive.
    is_abandoned: bool,
    /// Through which revision it knows which instances have ceased to go with its lease.
    knows: u64,
    /// Since when an answer to a keep-alive is awaited that tells whether what is registered is so still.
    confirms: Option<LocalTime>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    lease: LeaseId,
    /// Until when it certainly lasts, by this clock.
    until: LocalTime,
    /// Whether it is known that it lasts. Of one that it had before it only knows that it was there.
    is_certain: bool,
    /// Whether a keep-alive is not answered yet.
    is_asked: bool,
}

impl Holding {
    pub(super) fn new(holder: ClientId) -> Self {
        Self { holder, is_wanted: false, held: None, is_abandoned: false, knows: 0, confirms: None }
    }

    pub(super) fn lease(&self) -> Option<LeaseId> {
        self.held.filter(|held| held.is_certain).map(|held| held.lease)
    }
}

impl Agent {
    /// Holds a lease from now on: asks for one, keeps it alive, and asks for another when it is lost.
    pub fn hold(&mut self, context: &mut Context<'_>) {
        if !self.holding.is_wanted {
            self.holding.is_wanted = true;
            self.want(context);
        }
    }

    /// Holds no lease any more: gives back what it has.
    pub fn let_go(&mut self, context: &mut Context<'_>) {
        self.holding.is_wanted = false;
        if let Some(Held { lease, .. }) = self.holding.held {
            self.drop_lease(context);
            self.ask(Operation::Revoke { lease }, context);
        }
    }

    /// Holds its lease no longer and does not give it back, like one that has died: it is not kept alive, and ends with all that goes with
    /// it. The next lease it asks for when this one is over by its own clock.
    pub fn abandon(&mut self, context: &mut Context<'_>) {
        if let Some(Held { until, .. }) = self.holding.held {
            self.drop_lease(context);
            self.holding.is_abandoned = true;
            context.set_timer(AgentTimer::LeaseOver, until.since(context.now()));
        }
    }

    /// The lease that it holds, and until when that certainly lasts by its own clock, but for what that clock runs slower than the
    /// servers': a lease alone is no lock, for its holder may stand still past it.
    pub fn lease(&self) -> Option<(LeaseId, LocalTime)> {
        self.holding.held.filter(|held| held.is_certain).map(|held| (held.lease, held.until))
    }

    /// Whether it wants a lease, and has none.
    pub fn lacks_lease(&self) -> bool {
        self.holding.is_wanted && self.holding.lease().is_none()
    }

    /// Asks at once, and not when its lease is to be kept alive next, whether what it has registered is so still.
    pub fn confirm(&mut self, context: &mut Context<'_>) {
        if self.holding.held.is_some() {
            self.holding.confirms = Some(context.now());
            self.keep_alive(context);
        }
    }

    /// Whether it has asked for that, and has no answer.
    pub fn is_confirming(&self) -> bool {
        self.holding.confirms.is_some()
    }

    fn want(&mut self, context: &mut Context<'_>) {
        let Holding { holder, .. } = self.holding;
        self.ask(Operation::Grant { holder, length: self.config.lease }, context);
    }

    /// The lease lasts from when it was asked for, at least.
    pub(super) fn on_granted(&mut self, lease: LeaseId, began: LocalTime, context: &mut Context<'_>) {
        if self.holding.is_wanted {
            self.holding.held = Some(Held { lease, until: began + self.config.lease, is_certain: true, is_asked: false });
            self.news.push(News::Held(lease));
            self.await_end(context);
            context.set_timer(AgentTimer::KeepAlive, self.pace());
        }
    }

    /// It has a lease that it does not know of, or has given up: how long that lasts, the leader tells.
    pub(super) fn on_exists(&mut self, lease: LeaseId, context: &mut Context<'_>) {
        if self.holding.is_wanted {
            let until = context.now() + self.config.lease;
            self.holding.held = Some(Held { lease, until, is_certain: false, is_asked: false });
            self.await_end(context);
            self.keep_alive(context);
        }
    }

    /// What was asked for it asks for again. A lease that may have been given back must have been, before it is granted another: else it
    /// would be told that it has this one, and lose it.
    pub(super) fn not_done(&mut self, operation: &Operation, context: &mut Context<'_>) {
        match operation {
            Operation::Grant { .. } if self.holding.is_wanted && self.holding.held.is_none() => self.want(context),
            Operation::Revoke { .. } => self.requests.queue_first(*operation),
            _ => {}
        }
    }

    fn pace(&self) -> Duration {
        Duration::from_nanos(self.config.keep_alive.as_nanos() / u64::from(self.config.rules.keep_alives()))
    }

    fn await_end(&self, context: &mut Context<'_>) {
        if let Some(held) = self.holding.held {
            context.set_timer(AgentTimer::LeaseOver, held.until.since(context.now()));
        }
    }

    pub(super) fn keep_alive(&mut self, context: &mut Context<'_>) {
        context.set_timer(AgentTimer::KeepAlive, self.pace());
        self.send_keep_alive(context);
    }

    fn send_keep_alive(&mut self, context: &mut Context<'_>) {
        let Some(held) = &mut self.holding.held else { return };
        held.is_asked = true;
        let (lease, knows) = (held.lease, self.holding.knows);
        context.send(self.requests.best(), Message::KeepAlive { lease, asked: context.now(), knows });
        context.set_timer(AgentTimer::KeepAliveOverdue, self.config.request_timeout);
    }

    /// No answer came: another server may lead.
    pub(super) fn keep_alive_again(&mut self, context: &mut Context<'_>) {
        if self.holding.held.is_some_and(|held| held.is_asked) {
            self.requests.failed(self.requests.best());
            self.send_keep_alive(context);
        }
    }

    /// What the leader says counts from when it was asked.
    pub(super) fn on_kept_alive(&mut self, from: NodeId, lease: LeaseId, asked: LocalTime, remaining: Duration, context: &mut Context<'_>) {
        let Some(held) = self.holding.held.as_mut().filter(|held| held.lease == lease) else { return };
        let until = asked + remaining;
        held.until = if held.is_certain { held.until.max(until) } else { until };
        held.is_asked = false;
        self.holding.confirms = self.holding.confirms.filter(|since| asked < *since);
        if !std::mem::replace(&mut held.is_certain, true) {
            self.news.push(News::Held(lease));
        }
        self.requests.answered(from);
        context.cancel_timer(AgentTimer::KeepAliveOverdue);
        self.await_end(context);
    }

    /// These instances go with the lease, and others that did have ceased to. What was registered since is not among them.
    pub(super) fn on_attached(&mut self, lease: LeaseId, attached: &Attached) {
        let Attached { revision, instances } = attached;
        self.holding.knows = self.holding.knows.max(*revision);
        let is_gone = |key: &Key, registered: &Registered| {
            registered.lease == Some(lease) && registered.created <= *revision && !instances.contains(&(*key, registered.created))
        };
        let gone = self.registered.iter().filter(|(key, registered)| is_gone(key, registered)).map(|(key, _)| *key);
        for key in gone.collect::<Vec<_>>() {
            self.registered.remove(&key);
            self.news.push(News::Deregistered(key));
        }
    }

    /// The server that was asked does not lead.
    pub(super) fn on_elsewhere(&mut self, from: NodeId, hint: Option<NodeId>, context: &mut Context<'_>) {
        let asks_on = self.requests.redirected(from, hint);
        if self.holding.held.is_some_and(|held| held.is_asked) {
            if asks_on {
                self.send_keep_alive(context);
            } else {
                let pause = context.random().within(self.config.pause);
                context.set_timer(AgentTimer::KeepAliveOverdue, pause);
            }
        }
    }

    pub(super) fn on_lapsed(&mut self, lease: LeaseId, context: &mut Context<'_>) {
        if self.holding.held.is_some_and(|held| held.lease == lease) {
            self.lose(context);
        }
    }

    pub(super) fn on_lease_over(&mut self, context: &mut Context<'_>) {
        if std::mem::take(&mut self.holding.is_abandoned) && self.holding.is_wanted {
            self.want(context);
        } else if self.holding.held.is_some_and(|held| held.until <= context.now()) {
            self.lose(context);
        }
    }

    fn lose(&mut self, context: &mut Context<'_>) {
        context.sometimes(mark::LEASE_LOST);
        self.drop_lease(context);
        if self.holding.is_wanted {
            self.want(context);
        }
    }

    fn drop_lease(&mut self, context: &mut Context<'_>) {
        if let Some(Held { lease, is_certain, .. }) = self.holding.held.take() {
            self.registered.retain(|_, registered| registered.lease != Some(lease));
            self.holding.confirms = None;
            if is_certain {
                self.news.push(News::Lost(lease));
            }
            context.cancel_timer(AgentTimer::KeepAlive);
            context.cancel_timer(AgentTimer::KeepAliveOverdue);
            context.cancel_timer(AgentTimer::LeaseOver);
        }
    }
}
