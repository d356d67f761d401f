//! How an agent watches directories, and keeps a cache of each.
//!
//! It knows through which revision it has seen all changes. What a server sends it says after which revision it follows: if that is later,
//! something was lost on the way, and the agent asks again from where it was, that server or another. So it sees every change once, in
//! order, without a gap.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::super::{Change, Health, Instance, Item, Listing, Message, mark};
use super::{Agent, AgentTimer, Context, News};
use crate::base::{Duration, LocalTime, NodeId, Stream};

/// A directory that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    server: NodeId,
    /// Through which revision all changes were seen.
    seen: Option<u64>,
    /// Whether a list is asked for: at the beginning, or since changes are forgotten.
    lists: bool,
    items: BTreeMap<u32, Item>,
    /// When it was last said that it is watched.
    asked: LocalTime,
    /// When the server was last heard.
    heard: LocalTime,
    /// As of when the cache is known to be current.
    as_of: Option<LocalTime>,
}

/// What is known of a directory that is watched.
#[derive(Clone, Copy, Debug)]
pub struct Cache<'a> {
    /// Through which revision all changes are known.
    pub revision: u64,
    /// What it holds, by name.
    pub items: &'a BTreeMap<u32, Item>,
    /// How long ago this was certainly all; nothing if that is not known.
    pub age: Option<Duration>,
}

impl Cache<'_> {
    /// One of its instances, drawn by their weights; of those that are critical none.
    pub fn choose(&self, random: &mut Stream) -> Option<Instance> {
        let instances =
            || self.items.values().filter_map(|item| item.value.instance()).filter(|instance| instance.health != Health::Critical);
        let all: u64 = instances().map(|instance| u64::from(instance.weight)).sum();
        let mut part = if all == 0 { return None } else { random.below(all) };
        instances().find(|instance| {
            let is_it = part < u64::from(instance.weight);
            part = part.saturating_sub(u64::from(instance.weight));
            is_it
        })
    }
}

impl Agent {
    /// Watches a directory from now on. [`News::Listed`] says what it holds, and [`News::Changed`] what changes.
    pub fn watch(&mut self, directory: u32, context: &mut Context<'_>) {
        let server = NodeId::server((context.me().index() as u32 + directory) % self.config.servers);
        let now = context.now();
        let watch = Watch { server, seen: None, lists: true, items: BTreeMap::new(), asked: now, heard: now, as_of: None };
        self.watches.insert(directory, watch);
        self.say_watch(directory, context);
    }

    /// Watches a directory no longer.
    pub fn unwatch(&mut self, directory: u32, context: &mut Context<'_>) {
        self.watches.remove(&directory);
        context.cancel_timer(AgentTimer::Watch(directory));
    }

    /// What is known of a directory that is watched; nothing before it was listed.
    pub fn cache(&self, directory: u32, now: LocalTime) -> Option<Cache<'_>> {
        let watch = self.watches.get(&directory)?;
        Some(Cache { revision: watch.seen?, items: &watch.items, age: watch.as_of.map(|as_of| now.since(as_of)) })
    }

    /// Through which revision all changes of a directory are known; nothing before it was listed.
    pub fn revision(&self, directory: u32) -> Option<u64> {
        self.watches.get(&directory).filter(|watch| !watch.lists)?.seen
    }

    fn say_watch(&mut self, directory: u32, context: &mut Context<'_>) {
        let Some(watch) = self.watches.get_mut(&directory) else { return };
        watch.asked = context.now();
        let seen = watch.seen.filter(|_| !watch.lists);
        context.send(watch.server, Message::Watch { directory, asked: watch.asked, seen });
        context.set_timer(AgentTimer::Watch(directory), self.config.renew);
    }

    /// Says again that the directory is watched; to another server, if this one is silent.
    pub(super) fn renew(&mut self, directory: u32, context: &mut Context<'_>) {
        let (now, after) = (context.now(), |server| self.requests.after(server));
        let Some(watch) = self.watches.get_mut(&directory) else { return };
        if now.since(watch.heard) >= self.config.renew {
            watch.server = after(watch.server);
            watch.lists |= !self.config.resumes;
        }
        self.say_watch(directory, context);
    }

    pub(super) fn on_listing(
        &mut self,
        directory: u32,
        asked: LocalTime,
        age: Option<Duration>,
        listing: Listing,
        context: &mut Context<'_>,
    ) {
        let refuses = self.config.rules.refuses_older_lists();
        let Some(watch) = self.watches.get_mut(&directory) else { return };
        watch.heard = context.now();
        let is_older = watch.seen.is_some_and(|seen| listing.revision < seen);
        if is_older && refuses {
            // The next renewal asks again: by then the server may have caught up.
            return context.sometimes(mark::OLDER_LIST_REFUSED);
        }
        if !watch.lists && !is_older {
            return;
        }
        if watch.seen.is_some() {
            context.sometimes(mark::LISTED_ANEW);
        }
        (watch.lists, watch.seen) = (false, Some(listing.revision));
        watch.items = listing.items.iter().copied().collect();
        watch.as_of = age.map(|age| before(asked, age));
        self.news.push(News::Listed(directory, listing));
    }

    /// These are all changes of the directory in a range of revisions.
    pub(super) fn on_changes(
        &mut self,
        directory: u32,
        asked: Option<LocalTime>,
        age: Option<Duration>,
        range: RangeInclusive<u64>,
        changes: &[Change],
        context: &mut Context<'_>,
    ) {
        let (now, rules) = (context.now(), &self.config.rules);
        let Some(watch) = self.watches.get_mut(&directory) else { return };
        watch.heard = now;
        let Some(seen) = watch.seen.filter(|_| !watch.lists) else { return };
        if *range.start() > seen && rules.minds_gaps() {
            context.sometimes(mark::GAP_FOUND);
            if now.since(watch.asked) >= self.config.request_timeout {
                self.say_watch(directory, context);
            }
            return;
        }
        for change in changes {
            if change.revision <= seen && rules.passes_over_repeats() {
                context.sometimes(mark::REPEAT_PASSED_OVER);
                continue;
            }
            match change.item {
                Some(item) => drop(watch.items.insert(change.key.name, item)),
                None => drop(watch.items.remove(&change.key.name)),
            }
            self.news.push(News::Changed(*change));
        }
        watch.seen = Some(seen.max(*range.end()));
        // Who answers a question knew at least what it knew when that was asked, but for its age.
        if let (Some(asked), Some(age)) = (asked, age) {
            watch.as_of = watch.as_of.max(Some(before(asked, age)));
        }
    }

    /// Changes that were not seen are forgotten: what there is must be listed anew.
    pub(super) fn on_compacted(&mut self, directory: u32, through: u64, context: &mut Context<'_>) {
        let Some(watch) = self.watches.get_mut(&directory) else { return };
        watch.heard = context.now();
        if watch.seen.is_some_and(|seen| seen < through) && !watch.lists {
            watch.lists = true;
            self.news.push(News::Compacted(directory, through));
            self.say_watch(directory, context);
        }
    }
}

/// So long before.
fn before(time: LocalTime, by: Duration) -> LocalTime {
    LocalTime::from_nanos(time.as_nanos().saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::super::super::Value;
    use super::*;

    #[test]
    fn instances_are_chosen_by_their_weights() {
        let instance = |node, weight, health| {
            let value = Value::Instance(Instance { node: NodeId::client(node), weight, metadata: 0, health });
            (node, Item { value, created: 1, modified: 1, lease: None })
        };
        let items = BTreeMap::from([
            instance(0, 1, Health::Passing),
            instance(1, 0, Health::Passing),
            instance(2, 3, Health::Warning),
            instance(3, 9, Health::Critical),
        ]);
        let chosen = |items: &BTreeMap<u32, Item>, word: u64| {
            Cache { revision: 1, items, age: None }.choose(&mut Stream::scripted([word])).map(|instance| instance.node.index())
        };
        let quarter = u64::MAX / 4;
        let all: Vec<_> = (0..4).map(|part| chosen(&items, part * quarter + quarter / 2)).collect();
        assert_eq!(all, [Some(0), Some(2), Some(2), Some(2)]);
        assert_eq!(chosen(&BTreeMap::from([instance(3, 9, Health::Critical)]), 0), None);
    }
}
