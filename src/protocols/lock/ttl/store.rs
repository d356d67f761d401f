//! A server that keeps locks with a time to live, and knows of no other server.

use std::fmt::Debug;
use std::sync::Arc;

use super::super::{Grant, Rules};
use super::Message;
use crate::base::{Duration, LocalTime, NodeId, SortedMap};
use crate::process::{Context, Files, Mark, NoNote, Process, Release, SyncToken};

/// A lock server.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    /// Why it gives no locks yet.
    closed: Option<Closed>,
    /// By lock: who has it, or had it last.
    locks: SortedMap<u32, Set>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// How long locks live.
    pub ttl: Duration,
    /// Whether what it gives is on disk before it says so: Redis with `appendfsync always`. Else it forgets all when it crashes.
    pub durable: bool,
    /// When it gives locks after a crash.
    pub opening: Opening,
    /// Whether each grant comes with a token.
    pub tokens: bool,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// When a server gives locks after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// At once.
    AtOnce,
    /// When all that it may have given before has come to its end: "delayed restarts" (Redlock).
    Delayed,
}

/// Why a server gives no locks yet.
#[derive(Debug)]
enum Closed {
    /// It starts for the first time, and that is on its way to disk.
    Starting(SyncToken),
    /// What it gave before may not have come to its end.
    Waiting,
}

/// What a lock was set to last.
#[derive(Clone, Copy, Debug)]
struct Set {
    grant: Grant,
    /// By its own clock; nothing if it was unlocked.
    expires: Option<LocalTime>,
    token: u64,
}

const REFUSED: Mark = Mark::new("lock refused", "A server refused a lock that another client had.");
const EXPIRED: Mark = Mark::new("lock expired", "A lock was given whose last holder had let its time to live run out.");
const LATE_UNLOCK: Mark = Mark::new("late unlock", "A server was to unlock what its asker had no longer.");
const CLOSED: Mark = Mark::new("restart delayed", "A server that had crashed gave no lock, since others may not have come to their end.");

/// That it has started once: only that there is anything counts.
const STARTED: &str = "started";
/// Each lock as it was set, as a record.
const LOCKS: &str = "locks";

impl Store {
    fn lock(&mut self, from: NodeId, (lock, grant): (u32, Grant), ttl: Duration, asked: LocalTime, context: &mut Context<'_, Self>) {
        let now = context.now();
        let last = self.locks.get(&lock).copied();
        let held = last.filter(|set| set.expires.is_some_and(|expires| now < expires));
        match held {
            Some(set) if set.grant == grant => self.told_locked(from, set, context),
            Some(_) => {
                context.sometimes(REFUSED);
                context.send(from, Message::Held { grant });
            }
            None => {
                if last.is_some_and(|set| set.expires.is_some()) {
                    context.sometimes(EXPIRED);
                }
                let token = last.map_or(0, |set| set.token) + self.config.rules.step();
                let expires = Some(self.config.rules.expires(asked, now, ttl));
                self.set(lock, Set { grant, expires, token }, context);
                self.told_locked(from, Set { grant, expires, token }, context);
            }
        }
    }

    fn told_locked(&self, to: NodeId, Set { grant, token, .. }: Set, context: &mut Context<'_, Self>) {
        let token = self.config.tokens.then_some(token);
        context.release(self.release(), to, Message::Locked { grant, token });
    }

    fn extend(&mut self, from: NodeId, (lock, grant): (u32, Grant), ttl: Duration, nth: u32, context: &mut Context<'_, Self>) {
        let now = context.now();
        let held = self.locks.get(&lock).copied().filter(|set| set.expires.is_some_and(|expires| now < expires));
        let own = held.filter(|set| self.config.rules.may_extend(set.grant == grant));
        if let Some(set) = own {
            self.set(lock, Set { expires: Some(now + ttl), ..set }, context);
        }
        context.release(self.release(), from, Message::Extended { grant, nth, done: own.is_some() });
    }

    fn unlock(&mut self, lock: u32, grant: Grant, context: &mut Context<'_, Self>) {
        let Some(set) = self.locks.get(&lock).copied().filter(|set| set.expires.is_some()) else { return };
        if set.grant != grant {
            context.sometimes(LATE_UNLOCK);
        }
        if self.config.rules.may_unlock(set.grant == grant) {
            self.set(lock, Set { expires: None, ..set }, context);
        }
    }

    fn set(&mut self, lock: u32, set: Set, context: &mut Context<'_, Self>) {
        self.locks.insert(lock, set);
        if self.config.durable {
            context.append_record(LOCKS, &(lock, set.grant, set.expires, set.token));
        }
    }

    fn release(&self) -> Release {
        if self.config.durable { Release::Durable } else { Release::Now }
    }
}

impl Process for Store {
    type Config = StoreConfig;
    type Message = Message;
    /// That it may give locks again.
    type Timer = ();
    type Note = NoNote;

    const MARKS: &'static [Mark] = &[REFUSED, EXPIRED, LATE_UNLOCK, CLOSED];

    fn boot(config: &StoreConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let mut locks = SortedMap::new();
        for (lock, grant, expires, token) in disk.records(LOCKS) {
            locks.insert(lock, Set { grant, expires, token });
        }
        locks.values_mut().for_each(|set: &mut Set| set.token = config.rules.token_after_restart(set.token));
        let closed = if disk.read(STARTED).is_none() {
            context.append(STARTED, b".");
            Some(Closed::Starting(context.sync()))
        } else if config.opening == Opening::Delayed {
            context.set_timer((), config.ttl);
            Some(Closed::Waiting)
        } else {
            None
        };
        Self { config: config.clone(), closed, locks }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        if let (Some(closed), Message::Lock { .. } | Message::Extend { .. }) = (&self.closed, &message) {
            if let Closed::Waiting = closed {
                context.sometimes(CLOSED);
            }
            return;
        }
        match message {
            Message::Lock { lock, grant, ttl, asked } => self.lock(from, (lock, grant), ttl, asked, context),
            Message::Extend { lock, grant, ttl, nth } => self.extend(from, (lock, grant), ttl, nth, context),
            Message::Unlock { lock, grant } => self.unlock(lock, grant, context),
            Message::Locked { .. } | Message::Held { .. } | Message::Extended { .. } | Message::Access(_) | Message::Answered(_) => {}
        }
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {
        self.closed = None;
    }

    fn on_synced(&mut self, token: SyncToken, _: &mut Context<'_, Self>) {
        self.closed.take_if(|closed| matches!(closed, Closed::Starting(awaited) if *awaited == token));
    }

    fn status(&self) -> String {
        let held = |(lock, set): (&u32, &Set)| set.expires.map(|expires| format!("lock {lock}: {} until {expires}", set.grant));
        let held: Vec<String> = self.locks.iter().filter_map(held).collect();
        let open = if self.closed.is_some() { "closed" } else { "open" };
        format!("{open}, {}", if held.is_empty() { "all free".to_owned() } else { held.join(", ") })
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
