//! A registry of instances: a node that lists those that it has heard of within a lease.

use super::agenda::{Agenda, Alarm};
use super::graph::RegistrySettings;
use super::instance::Instance;
use super::mark;
use super::message::Message;
use super::rules::Rules;
use crate::base::{Duration, LocalTime, NodeId, SortedMap};
use crate::process::Context;

/// What a registry knows, in memory alone: what starts anew has heard of no instance, and says nothing until a lease has passed.
#[derive(Debug)]
pub(super) struct Registry {
    lease: Duration,
    started: LocalTime,
    /// Until when each instance of each service is listed.
    leases: SortedMap<(u16, u32), LocalTime>,
    /// Who is told of changes: of each place where something is called, which service that is.
    watchers: SortedMap<(NodeId, u16), u16>,
}

impl Registry {
    /// One that starts now.
    pub(super) fn new(settings: RegistrySettings, now: LocalTime) -> Self {
        Self { lease: settings.lease, started: now, leases: SortedMap::new(), watchers: SortedMap::new() }
    }

    /// How many instances it lists.
    pub(super) fn len(&self) -> usize {
        self.leases.iter().count()
    }

    /// An instance is there.
    pub(super) fn register(&mut self, of: (u16, u32), agenda: &mut Agenda, rules: &dyn Rules, context: &mut Context<'_, Instance>) {
        let until = context.now() + self.lease;
        agenda.set(until, Alarm::Expire, context);
        if self.leases.insert(of, until).is_none() {
            self.tell(of.0, rules, context);
        }
    }

    /// Leases may have ended.
    pub(super) fn expire(&mut self, rules: &dyn Rules, context: &mut Context<'_, Instance>) {
        let now = context.now();
        let ended: Vec<(u16, u32)> = self.leases.iter().filter(|(_, until)| !rules.is_listed(**until > now)).map(|(of, _)| *of).collect();
        for of in ended {
            self.leases.remove(&of);
            context.sometimes(mark::LEASE_ENDED);
            self.tell(of.0, rules, context);
        }
    }

    /// Somebody asks who is there.
    pub(super) fn look_up(
        &mut self,
        (from, site): (NodeId, u16),
        service: u16,
        watch: bool,
        rules: &dyn Rules,
        context: &mut Context<'_, Instance>,
    ) {
        if watch {
            self.watchers.insert((from, site), service);
        }
        if let Some(list) = self.list(service, rules, context.now()) {
            context.send(from, Message::Listed { site, at: context.now(), instances: list });
        }
    }

    /// Tells those who watch a service.
    fn tell(&self, service: u16, rules: &dyn Rules, context: &mut Context<'_, Instance>) {
        let Some(list) = self.list(service, rules, context.now()) else { return };
        for ((node, site), _) in self.watchers.iter().filter(|(_, watched)| **watched == service) {
            context.send(*node, Message::Listed { site: *site, at: context.now(), instances: list.clone() });
        }
    }

    /// Who is there; nothing while not all can have been heard of.
    fn list(&self, service: u16, rules: &dyn Rules, now: LocalTime) -> Option<Vec<u32>> {
        let has_heard_of_all = now.since(self.started) >= self.lease;
        let list = || self.leases.keys().filter(|(of, _)| *of == service).map(|(_, instance)| *instance).collect();
        rules.tells_instances(has_heard_of_all).then(list)
    }
}
