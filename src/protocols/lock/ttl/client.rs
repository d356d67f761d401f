//! A client of locks with a time to live: gets one from a majority of servers, extends it, and gives it back.

use std::sync::Arc;

use serde::Serialize;

use super::super::{Grant, HolderNote, Keeper, Lease, Rules, Turn, Wanted, Worker};
use super::{Message, allowance};
use crate::base::{Duration, DurationRange, LocalTime, NodeId, OperationId, SortedSet};
use crate::history::Noted;
use crate::process::{Context, Files, Mark};

/// How a worker gets and keeps such a lock.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    life: u32,
    /// How many times it has asked for a lock.
    asked: u32,
    wanted: Option<Wanted>,
    state: State,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How many lock servers there are: the first nodes.
    pub servers: u32,
    /// How long a lock lives.
    pub ttl: Duration,
    /// How far two clocks may drift apart, in parts per million, for all that the client knows.
    pub drift: u32,
    /// How long the servers are given to answer.
    pub answer: Duration,
    /// How long it waits before it tries again.
    pub retry: DurationRange,
    /// How often it extends what it has; nothing if it does not.
    pub extend: Option<Duration>,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Servers are being asked to set a lock to this value.
    Asking(Grant, Round),
    /// It was not to be had, and will be asked for again.
    Pausing,
    /// It is held, and perhaps being extended: the n-th time.
    Holding(Grant, u32, Round),
}

/// The servers are asked for something, all at once.
#[derive(Debug)]
struct Round {
    begun: LocalTime,
    granted: SortedSet<NodeId>,
    refused: SortedSet<NodeId>,
}

/// What its timers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ClientTimer {
    /// Too few servers have answered in time.
    TooFew,
    /// To try again.
    Again,
    /// To extend the lease.
    Extend,
}

const SPLIT: Mark = Mark::new("votes split", "A client was granted a lock by some servers, and by too few.");
const TOO_LATE: Mark = Mark::new("granted too late", "A lock was granted when its lease was as good as over.");
const EXTENDED: Mark = Mark::new("lease extended", "A lease was extended.");

impl Round {
    fn begin(now: LocalTime) -> Self {
        Self { begun: now, granted: SortedSet::new(), refused: SortedSet::new() }
    }

    /// Whether a quorum can no longer be had.
    fn is_lost(&self, servers: u32, quorum: u32) -> bool {
        self.refused.len() as u32 + quorum > servers
    }
}

impl Client {
    fn servers(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.config.servers).map(NodeId::server)
    }

    fn quorum(&self) -> u32 {
        self.config.rules.quorum(self.config.servers)
    }

    fn ask(&mut self, context: &mut Context<'_, Worker<Self>>) {
        let Some(Wanted { lock, .. }) = self.wanted else { return };
        self.asked += 1;
        context.note(Noted::Own(HolderNote::Asks { lock, grant: self.named(self.asked, context) }));
        let value = self.named(self.config.rules.named(self.asked), context);
        for server in self.servers() {
            for _ in 0..self.config.rules.asks() {
                context.send(server, Message::Lock { lock, grant: value, ttl: self.config.ttl, asked: context.now() });
            }
        }
        context.set_timer(ClientTimer::TooFew.into(), self.config.answer);
        self.state = State::Asking(value, Round::begin(context.now()));
    }

    /// Its n-th attempt.
    fn named(&self, nth: u32, context: &Context<'_, Worker<Self>>) -> Grant {
        Grant(OperationId { client: context.me().index() as u32, life: self.life, nth })
    }

    fn on_locked(&mut self, from: NodeId, value: Grant, token: Option<u64>, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        let quorum = self.quorum();
        let State::Asking(asked, round) = &mut self.state else { return None };
        if *asked != value || !round.granted.insert(from) || (round.granted.len() as u32) < quorum {
            return None;
        }
        let now = context.now();
        let until = self.config.rules.lease_begins(round.begun, now) + self.lasts();
        if now >= until {
            context.sometimes(TOO_LATE);
            return self.fail(context);
        }
        context.cancel_timer(ClientTimer::TooFew.into());
        self.state = State::Holding(value, 0, Round::begin(now));
        if let Some(extend) = self.config.extend {
            context.set_timer(ClientTimer::Extend.into(), extend);
        }
        Some(Turn::Gained(Lease { grant: self.named(self.asked, context), token, until }))
    }

    /// For how long a lease is good, from when it was asked for.
    fn lasts(&self) -> Duration {
        self.config.ttl.saturating_sub(allowance(self.config.ttl, self.config.drift))
    }

    fn on_held(&mut self, from: NodeId, grant: Grant, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        let quorum = self.quorum();
        let State::Asking(asked, round) = &mut self.state else { return None };
        if *asked != grant {
            return None;
        }
        round.refused.insert(from);
        if round.is_lost(self.config.servers, quorum) { self.fail(context) } else { None }
    }

    /// The lock is not to be had, this time.
    fn fail(&mut self, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        if let State::Asking(_, Round { granted, .. }) = &self.state
            && !granted.is_empty()
        {
            context.sometimes(SPLIT);
        }
        self.unlock(context);
        context.cancel_timer(ClientTimer::TooFew.into());
        let wanted = self.wanted.as_mut()?;
        if context.now() >= wanted.until {
            (self.wanted, self.state) = (None, State::Idle);
            return Some(Turn::Missed);
        }
        context.set_timer(ClientTimer::Again.into(), wanted.random.within(self.config.retry));
        self.state = State::Pausing;
        None
    }

    fn unlock(&self, context: &mut Context<'_, Worker<Self>>) {
        if let (Some(Wanted { lock, .. }), State::Asking(grant, _) | State::Holding(grant, ..)) = (&self.wanted, &self.state) {
            for server in self.servers() {
                for _ in 0..self.config.rules.unlocks() {
                    context.send(server, Message::Unlock { lock: *lock, grant: *grant });
                }
            }
        }
    }

    fn extend(&mut self, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        let (ttl, every) = (self.config.ttl, self.config.extend?);
        let (Some(Wanted { lock, .. }), State::Holding(grant, nth, _)) = (&self.wanted, &self.state) else { return None };
        let (lock, grant, nth) = (*lock, *grant, nth + 1);
        for server in self.servers() {
            context.send(server, Message::Extend { lock, grant, ttl, nth });
        }
        context.set_timer(ClientTimer::Extend.into(), every);
        self.state = State::Holding(grant, nth, Round::begin(context.now()));
        self.is_extended(0, context)
    }

    fn on_extended(
        &mut self,
        from: NodeId,
        (grant, nth): (Grant, u32),
        done: bool,
        context: &mut Context<'_, Worker<Self>>,
    ) -> Option<Turn> {
        let quorum = self.quorum();
        let State::Holding(held, asked, round) = &mut self.state else { return None };
        if (*held, *asked) != (grant, nth) {
            return None;
        }
        if !done {
            round.refused.insert(from);
            return round.is_lost(self.config.servers, quorum).then_some(Turn::Lost);
        }
        let is_new = round.granted.insert(from);
        let granted = round.granted.len() as u32;
        if is_new { self.is_extended(granted, context) } else { None }
    }

    fn is_extended(&self, granted: u32, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        let State::Holding(_, _, Round { begun, .. }) = &self.state else { return None };
        if !self.config.rules.is_extended(granted, self.quorum()) {
            return None;
        }
        context.sometimes(EXTENDED);
        Some(Turn::Extended(*begun + self.lasts()))
    }
}

impl From<ClientTimer> for super::super::WorkerTimer<ClientTimer> {
    fn from(timer: ClientTimer) -> Self {
        Self::Keeper(timer)
    }
}

impl Keeper for Client {
    type Config = ClientConfig;
    type Message = Message;
    type Timer = ClientTimer;

    const MARKS: &'static [Mark] = &[SPLIT, TOO_LATE, EXTENDED];

    fn boot(config: &ClientConfig, life: u32, _: &Files, _: &mut Context<'_, Worker<Self>>) -> Self {
        Self { config: config.clone(), life, asked: 0, wanted: None, state: State::Idle }
    }

    fn acquire(&mut self, wanted: Wanted, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        self.wanted = Some(wanted);
        self.ask(context);
        None
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        match message {
            Message::Locked { grant, token } => self.on_locked(from, grant, token, context),
            Message::Held { grant } => self.on_held(from, grant, context),
            Message::Extended { grant, nth, done } => self.on_extended(from, (grant, nth), done, context),
            Message::Lock { .. } | Message::Extend { .. } | Message::Unlock { .. } | Message::Access(_) | Message::Answered(_) => None,
        }
    }

    fn on_timer(&mut self, timer: ClientTimer, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        match timer {
            ClientTimer::TooFew => self.fail(context),
            ClientTimer::Again => {
                self.ask(context);
                None
            }
            ClientTimer::Extend => self.extend(context),
        }
    }

    fn release(&mut self, context: &mut Context<'_, Worker<Self>>) {
        self.unlock(context);
        context.cancel_timer(ClientTimer::Extend.into());
        (self.wanted, self.state) = (None, State::Idle);
    }

    fn status(&self) -> String {
        match &self.state {
            State::Idle => "idle".to_owned(),
            State::Asking(grant, round) => format!("asks as {grant}, granted by {}", round.granted.len()),
            State::Pausing => "pauses".to_owned(),
            State::Holding(grant, ..) => format!("holds {grant}"),
        }
    }
}
