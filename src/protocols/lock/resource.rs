//! What a lock guards: a store that holders write to, and that checks their tokens or does not.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Access, Accessed, Answered, AtResource, Grant, Rules, Speaks, mark};
use crate::base::{NodeId, SortedMap};
use crate::process::{Context, Files, Mark, Process};
use crate::protocols::commit::locks::Mode;

/// The resource that locks guard, on a node of its own. It writes down each access before it says that it took effect.
///
/// An access that it was told of before is answered again and takes effect once; so does one that a client's later ones have overtaken.
#[derive(Debug)]
pub struct Resource<M> {
    fencing: bool,
    rules: Arc<dyn Rules>,
    /// By lock: the highest tokens that came with accesses.
    highest: SortedMap<u32, Highest>,
    /// By client: the latest access of its latest grant.
    latest: SortedMap<u32, (Grant, u32)>,
    message: PhantomData<M>,
}

/// The highest tokens of a lock.
#[derive(Clone, Copy, Debug, Default)]
struct Highest {
    of_all: u64,
    exclusive: u64,
}

impl Highest {
    /// The one that an access in this mode must not be below: those who share a lock do not go by each other.
    fn for_mode(self, mode: Mode) -> u64 {
        if mode == Mode::Shared { self.exclusive } else { self.of_all }
    }
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ResourceConfig {
    /// Whether it turns accesses away whose token is not the highest that it has seen.
    pub fencing: bool,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// Each access that took effect, as a record.
const ACCESSES: &str = "accesses";

impl<M: Speaks> Resource<M> {
    fn on_access(&mut self, from: NodeId, access: Access, context: &mut Context<'_, Self>) {
        let Access { lock, grant, mode, token, nth } = access;
        let done = self.latest.get(&grant.0.client).is_some_and(|latest| (grant, nth) <= *latest);
        if done {
            context.sometimes(mark::REPEATED);
            return Self::answer(from, Answered { grant, nth, fenced: None }, context);
        }
        let highest = self.highest.get(&lock).copied().unwrap_or_default().for_mode(mode);
        if let Some(token) = token
            && self.fencing
            && !self.rules.lets_through(token, highest)
        {
            context.sometimes(mark::FENCED);
            return context.send(from, AtResource::Answered(Answered { grant, nth, fenced: Some(highest) }).into());
        }
        self.take_in(access);
        context.append_record(ACCESSES, &access);
        context.note_when_durable(Accessed { lock, grant, mode, token, nth });
        Self::answer(from, Answered { grant, nth, fenced: None }, context);
    }

    fn take_in(&mut self, Access { lock, grant, mode, token, nth }: Access) {
        self.latest.insert(grant.0.client, (grant, nth));
        if let Some(token) = token {
            let highest = self.highest.entry(lock).or_default();
            highest.of_all = highest.of_all.max(token);
            if mode == Mode::Exclusive {
                highest.exclusive = highest.exclusive.max(token);
            }
        }
    }

    fn answer(to: NodeId, answer: Answered, context: &mut Context<'_, Self>) {
        context.send_when_durable(to, AtResource::Answered(answer).into());
    }
}

impl<M: Speaks> Process for Resource<M> {
    type Config = ResourceConfig;
    type Message = M;
    type Timer = ();
    type Note = Accessed;

    const MARKS: &'static [Mark] = mark::OF_RESOURCES;

    fn boot(config: &ResourceConfig, disk: &Files, _: &mut Context<'_, Self>) -> Self {
        let ResourceConfig { fencing, rules } = config.clone();
        let mut resource = Self { fencing, rules, highest: SortedMap::new(), latest: SortedMap::new(), message: PhantomData };
        disk.records(ACCESSES).for_each(|access| resource.take_in(access));
        let rules = Arc::clone(&resource.rules);
        let recall = |written| rules.fence_after_restart(written);
        for highest in resource.highest.values_mut() {
            *highest = Highest { of_all: recall(highest.of_all), exclusive: recall(highest.exclusive) };
        }
        resource
    }

    fn on_message(&mut self, from: NodeId, message: M, context: &mut Context<'_, Self>) {
        if let Ok(AtResource::Access(access)) = message.at_resource() {
            self.on_access(from, access, context);
        }
    }

    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}

    fn status(&self) -> String {
        let highest: Vec<String> = self.highest.iter().map(|(lock, highest)| format!("lock {lock}: token {}", highest.of_all)).collect();
        format!("resource, {}", if highest.is_empty() { "no token seen".to_owned() } else { highest.join(", ") })
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }
}
