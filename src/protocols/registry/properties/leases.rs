//! When leases end, and what goes with them: not before a holder was told, and not long after its node is dead.

use std::collections::BTreeMap;

use super::super::{AgentNote, Ending, Item, Key, LeaseId, Message, Operation, Response};
use super::truth::Truth;
use super::{DEAD_GONE, Demands, LEASE_KEPT, LEASE_LASTS, SICK_GONE, node_of, rules};
use crate::base::{ClientId, Duration, NodeId, Time};
use crate::check::{Fact, Sighting, Violations};
use crate::history;

/// What is known of leases, and of the nodes of instances.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// Until when each holder was told that its lease lasts, and when it was told so.
    told: BTreeMap<LeaseId, (Time, Sighting)>,
    /// Which leases have expired, and when that was first applied.
    expired: BTreeMap<LeaseId, Sighting>,
    /// When the grant of each lease was first applied.
    granted: BTreeMap<LeaseId, Time>,
    /// When each client asked for a lease last.
    asked: BTreeMap<ClientId, Time>,
    /// When nodes crashed last.
    crashed: BTreeMap<NodeId, Time>,
    /// When nodes of instances crashed, and at which revision.
    dead: Vec<(NodeId, Time, u64)>,
    /// When a keep-alive of each lease last came to a server.
    kept: BTreeMap<LeaseId, Time>,
    /// Since when instances are not well, and when a server last heard that they were: what was under way then is heard yet.
    sick: BTreeMap<NodeId, Time>,
    looked: Time,
}

impl Leases {
    pub(super) fn granted(&mut self, at: Time, lease: LeaseId) {
        self.granted.entry(lease).or_insert(at);
    }

    /// A holder is told at this moment that its lease lasts for so long yet.
    pub(super) fn told(&mut self, now: Sighting, lease: LeaseId, remaining: Duration, demands: &Demands, found: &mut Violations) {
        self.promised(now, lease, now.at + remaining, demands, found);
    }

    fn promised(&mut self, now: Sighting, lease: LeaseId, until: Time, demands: &Demands, found: &mut Violations) {
        let until = super::before(until, demands.drift(demands.lease));
        let told = self.told.entry(lease).or_insert((until, now));
        if told.0 < until {
            *told = (until, now);
        }
        if let Some(expired) = self.expired.get(&lease).filter(|expired| expired.at < until) {
            let broken = rules::TOLD_TOO_MUCH.with("lease", lease.to_string()).with("at", expired.at).with("until", until);
            found.add(&LEASE_KEPT, now, broken.on([expired.record]));
        }
    }

    /// A lease has ended, says a server that has applied that.
    pub(super) fn ended(&mut self, now: Sighting, lease: LeaseId, ending: Ending, demands: &Demands, found: &mut Violations) {
        if ending != Ending::Expired || self.expired.contains_key(&lease) {
            return;
        }
        self.expired.insert(lease, now);
        let node = NodeId::client(lease.holder.client);
        if demands.lasting && self.crashed.get(&node) <= self.granted.get(&lease) {
            let broken = rules::EXPIRED_ALIVE.with("lease", lease.to_string()).with("at", now.at).with("node", node);
            found.add(&LEASE_LASTS, now, broken);
        }
        if let Some((until, told)) = self.told.get(&lease).filter(|(until, _)| now.at < *until) {
            let broken = rules::ENDED_EARLY.with("lease", lease.to_string()).with("at", now.at);
            found.add(&LEASE_KEPT, now, broken.with("told", told.at).with("until", *until).on([told.record]));
        }
    }

    /// A client asks for a lease, or is told that it has one: for its length from when it asked.
    pub(super) fn client(&mut self, now: Sighting, event: &history::Event<Operation, Response>, demands: &Demands, found: &mut Violations) {
        match event {
            history::Event::Invoke { client, op: Operation::Grant { .. }, .. } => drop(self.asked.insert(*client, now.at)),
            history::Event::Complete { client, outcome: history::Outcome::Done(Response::Granted(lease)) } => {
                if let Some(asked) = self.asked.get(client).copied() {
                    self.promised(now, *lease, asked + demands.lease, demands, found);
                }
            }
            _ => {}
        }
    }

    /// A server gets a message.
    pub(super) fn delivered(&mut self, at: Time, from: NodeId, message: &Message) {
        match message {
            Message::KeepAlive { lease, .. } => drop(self.kept.insert(*lease, at)),
            Message::Report { is_well: true, .. } => {
                if let Some(since) = self.sick.get_mut(&from) {
                    *since = at;
                }
            }
            _ => {}
        }
    }

    /// Whether an instance is not well.
    pub(super) fn is_sick(&self, node: NodeId) -> bool {
        self.sick.contains_key(&node)
    }

    pub(super) fn client_note(&mut self, at: Time, node: NodeId, note: &AgentNote) {
        if let AgentNote::Health { is_well } = note {
            if *is_well {
                self.sick.remove(&node);
            } else {
                self.sick.insert(node, at);
            }
        }
    }

    /// The node of instances crashed, at this revision. Whatever it was, it starts anew as one that is well.
    pub(super) fn crashed(&mut self, at: Time, node: NodeId, revision: u64) {
        self.crashed.insert(node, at);
        self.dead.push((node, at, revision));
        self.sick.remove(&node);
    }

    /// Whether it is time to look for what is overdue.
    pub(super) fn is_due(&mut self, at: Time, every: Duration) -> bool {
        let due = self.looked + every <= at;
        if due {
            self.looked = at;
        }
        due
    }

    pub(super) fn look(&mut self, now: Sighting, disturbed: Time, truth: &Truth, demands: &Demands, found: &mut Violations) {
        let overdue = |since: Time, bound: Duration| since.max(disturbed) + bound < now.at;
        let Self { dead, kept, granted, sick, .. } = self;
        // What the dead had sent may have come after their end.
        let heard = |lease: Option<LeaseId>| lease.and_then(|lease| kept.get(&lease).max(granted.get(&lease))).copied().unwrap_or_default();
        let bound = demands.dead_max();
        dead.retain(|(node, died, revision)| {
            let of_it = |(_, item): &(&Key, &Item)| node_of(item) == Some(*node) && item.created <= *revision;
            let Some((key, item)) = truth.now().iter().find(of_it) else { return !overdue(*died, bound) };
            let is_overdue = overdue((*died).max(heard(item.lease)), bound);
            if is_overdue {
                let broken = rules::DEAD_STAYS.with("service", Fact::Count(u64::from(key.directory))).with("node", *node);
                found.add(&DEAD_GONE, now, broken.with("at", now.at).with("since", *died).with("bound", bound));
            }
            !is_overdue
        });
        let Some(bound) = demands.sick_gone() else { return };
        for (node, since) in sick.iter().filter(|(_, since)| overdue(**since, bound)) {
            let first_seen = |item: &Item, key: &Key| {
                let changes = &truth.directory(key.directory)?.changes;
                changes.iter().find(|(change, _)| change.revision == item.created && change.key == *key).map(|(_, seen)| seen.at)
            };
            let of_it =
                |(key, item): &(&Key, &Item)| node_of(item) == Some(*node) && first_seen(item, key).is_some_and(|at| overdue(at, bound));
            if let Some((key, _)) = truth.now().iter().find(of_it) {
                let broken = rules::SICK_STAYS.with("service", Fact::Count(u64::from(key.directory))).with("node", *node);
                found.add(&SICK_GONE, now, broken.with("at", now.at).with("since", *since).with("bound", bound));
            }
        }
    }
}
