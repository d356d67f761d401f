//! What watchers see, and what answers with an age show.

use std::collections::BTreeMap;

use super::super::{AgentNote, Change, Key, Listing};
use super::leases::Leases;
use super::truth::Truth;
use super::{AGE_BOUNDS, CACHE_BOUND, Demands, REGISTERED_FOUND, WATCH_EXACT, before, rules};
use crate::base::{Duration, NodeId, Time};
use crate::check::{Fact, Rule, Sighting, Violations};

/// Who has seen what.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// By node and directory.
    watching: BTreeMap<(NodeId, u32), Watching>,
    /// What instances believe: they are registered, since this revision.
    believed: BTreeMap<NodeId, (Key, u64)>,
    /// Which registrations a server has ended, and when that was first applied.
    deregistered: BTreeMap<(Key, u64), Time>,
}

/// What one has seen of a directory.
#[derive(Clone, Copy, Debug)]
struct Watching {
    /// How many of its changes.
    place: usize,
    /// Through which revision.
    seen: u64,
    /// Whether it was told that changes are forgotten.
    may_list: bool,
}

impl Watches {
    pub(super) fn client_note(
        &mut self,
        now: Sighting,
        node: NodeId,
        note: &AgentNote,
        truth: &Truth,
        demands: &Demands,
        found: &mut Violations,
    ) {
        match note {
            AgentNote::Listed { directory, listing } => self.listed(now, node, *directory, listing, truth, found),
            AgentNote::Compacted { directory, .. } => {
                if let Some(watching) = self.watching.get_mut(&(node, *directory)) {
                    watching.may_list = true;
                }
            }
            AgentNote::Saw(change) => self.saw(now, node, change, truth, found),
            AgentNote::Looked { directory, listing, age } => {
                if let Some(age) = age {
                    Shown { node, directory: *directory, listing, age: *age }.judge(now, truth, demands, found);
                }
                if let Some(most) = demands.cache_max
                    && let Some((missing, seen)) = truth.missing(*directory, listing.revision, before(now.at, most))
                {
                    let broken = rules::CACHE_TOO_OLD.with("node", node).with("directory", Fact::Count(u64::from(*directory)));
                    let broken = broken.with("revision", Fact::Index(listing.revision)).with("missing", told(missing));
                    found.add(&CACHE_BOUND, now, broken.with("since", seen.at).with("most", most).on([seen.record]));
                }
            }
            AgentNote::Shown { directory, listing, age } => {
                Shown { node, directory: *directory, listing, age: *age }.judge(now, truth, demands, found);
            }
            AgentNote::Registered { key, created } => drop(self.believed.insert(node, (*key, *created))),
            AgentNote::Unregistered { .. } => drop(self.believed.remove(&node)),
            AgentNote::Health { .. } => {}
        }
    }

    pub(super) fn crashed(&mut self, node: NodeId) {
        self.watching.retain(|(watcher, _), _| *watcher != node);
        self.believed.remove(&node);
    }

    pub(super) fn deregistered(&mut self, at: Time, key: Key, created: u64) {
        self.deregistered.entry((key, created)).or_insert(at);
    }

    fn listed(&mut self, now: Sighting, node: NodeId, directory: u32, listing: &Listing, truth: &Truth, found: &mut Violations) {
        let broken = |rule: &'static Rule| {
            rule.with("node", node).with("directory", Fact::Count(u64::from(directory))).with("revision", Fact::Index(listing.revision))
        };
        if let Some(watching) = self.watching.get(&(node, directory)) {
            if listing.revision < watching.seen {
                found.add(&WATCH_EXACT, now, broken(&rules::WENT_BACK).with("seen", Fact::Index(watching.seen)));
            } else if !watching.may_list {
                found.add(&WATCH_EXACT, now, broken(&rules::LISTED_UNASKED).with("seen", Fact::Index(watching.seen)));
            }
        }
        if !truth.was(directory, listing) {
            found.add(&WATCH_EXACT, now, broken(&rules::NEVER_HELD));
        }
        let place = truth.directory(directory).map_or(0, |known| known.place_after(listing.revision));
        self.watching.insert((node, directory), Watching { place, seen: listing.revision, may_list: false });
    }

    fn saw(&mut self, now: Sighting, node: NodeId, change: &Change, truth: &Truth, found: &mut Violations) {
        let directory = change.key.directory;
        let Some(watching) = self.watching.get_mut(&(node, directory)) else { return };
        let changes = truth.directory(directory).map_or(&[][..], |known| &known.changes);
        let broken = |rule: &'static Rule| rule.with("node", node).with("change", told(change));
        match changes[watching.place.min(changes.len())..].iter().position(|(known, _)| known == change) {
            Some(0) => watching.place += 1,
            Some(skipped) => {
                let (missing, seen) = &changes[watching.place];
                found.add(&WATCH_EXACT, now, broken(&rules::SKIPPED).with("missing", told(missing)).on([seen.record]));
                watching.place += skipped + 1;
            }
            None if changes.iter().any(|(known, _)| known == change) => {
                found.add(&WATCH_EXACT, now, broken(&rules::REPEATED).with("seen", Fact::Index(watching.seen)));
            }
            None => found.add(&WATCH_EXACT, now, broken(&rules::NEVER_WAS)),
        }
        watching.seen = watching.seen.max(change.revision);
    }

    pub(super) fn finish(&self, at: Time, disturbed: Time, leases: &Leases, truth: &Truth, demands: &Demands, found: &mut Violations) {
        for (node, (key, created)) in &self.believed {
            let is_there = truth.now().get(key).is_some_and(|item| item.created >= *created && super::node_of(item) == Some(*node));
            // The next answer to a keep-alive tells it.
            let is_told_soon =
                self.deregistered.get(&(*key, *created)).is_some_and(|gone| *gone + demands.keep_alive + demands.slack() > at);
            if !is_there && !is_told_soon && !leases.is_sick(*node) {
                let broken = |rule: &'static Rule| rule.with("node", *node).with("service", Fact::Count(u64::from(key.directory)));
                let broken = match truth.end_of(*key) {
                    Some((end, seen)) => {
                        let broken = broken(&rules::GONE).with("revision", Fact::Index(end.revision));
                        broken.with("since", seen.at).on([seen.record])
                    }
                    None => broken(&rules::NOT_FOUND).on([]),
                };
                found.add_at(&REGISTERED_FOUND, at, broken);
            }
        }
        // A renewal finds out what was lost; one more may be lost itself.
        let lag = demands.progress * 6 + demands.slack();
        let by = before(at, lag);
        if disturbed > by {
            return;
        }
        for ((node, directory), watching) in &self.watching {
            let missing = truth.directory(*directory).and_then(|known| known.changes.get(watching.place));
            if let Some((missing, seen)) = missing.filter(|(_, seen)| seen.at <= by) {
                let broken = rules::LAGS.with("node", *node).with("directory", Fact::Count(u64::from(*directory)));
                found.add_at(&REGISTERED_FOUND, at, broken.with("missing", told(missing)).with("since", seen.at).on([seen.record]));
            }
        }
    }
}

/// Someone is shown what a directory held so long ago at most.
pub(super) struct Shown<'a> {
    pub(super) node: NodeId,
    pub(super) directory: u32,
    pub(super) listing: &'a Listing,
    pub(super) age: Duration,
}

impl Shown<'_> {
    pub(super) fn judge(&self, now: Sighting, truth: &Truth, demands: &Demands, found: &mut Violations) {
        let Self { node, directory, listing, age } = *self;
        let broken = |rule: &'static Rule| {
            rule.with("node", node).with("directory", Fact::Count(u64::from(directory))).with("revision", Fact::Index(listing.revision))
        };
        if !truth.was(directory, listing) {
            found.add(&AGE_BOUNDS, now, broken(&rules::ANSWER_NEVER_HELD));
        }
        let as_of = before(now.at, age + demands.drift(age));
        if let Some((missing, seen)) = truth.missing(directory, listing.revision, as_of) {
            let broken = broken(&rules::OLDER_THAN_TOLD).with("age", age).with("missing", told(missing));
            found.add(&AGE_BOUNDS, now, broken.with("since", seen.at).on([seen.record]));
        }
    }
}

/// A change in words.
fn told(change: &Change) -> String {
    match change.item {
        Some(item) => format!("{} in service {} at revision {}", item.value, change.key.directory, change.revision),
        None => format!("the end of name {} in service {} at revision {}", change.key.name, change.key.directory, change.revision),
    }
}
