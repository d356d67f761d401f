//! An order of versions where none can be told: a guess. If nothing is wrong under it, that is a proof.
//!
//! Transactions are put in a row, each as soon as all that must come before it is there, and it writes over nothing that another has yet
//! to read. Of several the one that ended first is taken; where there is a cycle, too. Versions then have the order of their writers.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::{Dependency, Graph};
use super::transactions::{ObservedAct, Transactions};
use crate::base::Time;
use crate::check::verdict::Fate;

/// How often for each transaction, all in all, one may be made to wait. Beyond that the guess is as good as lost.
const PATIENCE: u64 = 50;

/// Which dependencies a guess keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The kinds of edges.
    pub(super) kinds: u32,
    /// Whether each version is there without a break from its first to its last use: so it is if real time is kept.
    pub(super) timed: bool,
}

/// One version of a key: the last that a transaction wrote there.
#[derive(Clone, Copy, Debug)]
struct Version {
    key: u32,
    value: i64,
    writer: u32,
    /// How many reads of it are to come.
    pending: u32,
    /// When one of the transactions that wrote and read it ended first, and when one began last.
    first_end: Time,
    last_begin: Time,
}

/// The same transactions, with an order given for every key that has none.
pub(super) fn with_orders(transactions: &Transactions, committed: &[bool], graph: &Graph, rules: Rules) -> Transactions {
    let mut row = Row::new(transactions, committed, rules);
    let order = row.build(graph);
    let mut guessed = transactions.clone();
    let mut listed: FxHashSet<(u32, i64)> = FxHashSet::default();
    for (key, known) in (0..).zip(&transactions.keys) {
        listed.extend(known.longest.iter().map(|value| (key, *value)));
    }
    for known in &mut guessed.keys {
        known.given |= !known.odd;
    }
    for act in order.into_iter().flat_map(|place| transactions.acts_of(place)) {
        let ObservedAct::Append { key, value } = *act else { continue };
        if !listed.contains(&(key, value)) && !transactions.keys[key as usize].given {
            guessed.keys[key as usize].longest.push(value);
        }
    }
    for (key, versions) in row.orders {
        if !transactions.keys[key as usize].given {
            let value = |version: &usize| row.versions[*version].value;
            guessed.keys[key as usize].longest = versions.iter().map(value).collect();
        }
    }
    guessed
}

struct Row<'a> {
    transactions: &'a Transactions,
    committed: &'a [bool],
    rules: Rules,
    versions: Vec<Version>,
    /// Versions by key and value.
    places: FxHashMap<(u32, i64), usize>,
    /// When each transaction had taken effect at the latest.
    ends: Vec<Time>,
    /// The versions that each register held so far, in order.
    orders: FxHashMap<u32, Vec<usize>>,
    /// For each key the versions to come, by the first end.
    coming: FxHashMap<u32, BTreeSet<(Time, usize)>>,
    /// The transactions that wait until something happens to a key.
    waiting: FxHashMap<u32, BTreeSet<u32>>,
}

impl<'a> Row<'a> {
    fn new(transactions: &'a Transactions, committed: &'a [bool], rules: Rules) -> Self {
        let known_end = |place: usize| match transactions.entries[place].fate {
            Fate::Committed => transactions.entries[place].ended,
            Fate::Aborted | Fate::Unknown => Time::MAX,
        };
        let mut row = Self {
            transactions,
            committed,
            rules,
            versions: Vec::new(),
            places: FxHashMap::default(),
            ends: (0..transactions.len()).map(known_end).collect(),
            orders: FxHashMap::default(),
            coming: FxHashMap::default(),
            waiting: FxHashMap::default(),
        };
        for writer in (0..transactions.len() as u32).filter(|place| committed[*place as usize]) {
            let acts = transactions.acts_of(writer);
            for (place, act) in acts.iter().enumerate() {
                let ObservedAct::Write { key, value } = *act else { continue };
                let is_last =
                    !acts[place + 1..].iter().any(|later| matches!(later, ObservedAct::Write { key: other, .. } if *other == key));
                if is_last {
                    row.places.insert((key, value), row.versions.len());
                    let (first_end, last_begin) = (row.ends[writer as usize], transactions.entries[writer as usize].began);
                    row.versions.push(Version { key, value, writer, pending: 0, first_end, last_begin });
                }
            }
        }
        row.read();
        row
    }

    /// Counts the reads of each version.
    fn read(&mut self) {
        for (place, entry) in self.transactions.entries.iter().enumerate() {
            for act in self.transactions.acts_of(place as u32) {
                if let Some(version) = self.seen(place as u32, *act) {
                    let version = &mut self.versions[version];
                    version.pending += 1;
                    version.first_end = version.first_end.min(entry.ended);
                    version.last_begin = version.last_begin.max(entry.began);
                    let end = &mut self.ends[version.writer as usize];
                    *end = (*end).min(entry.ended);
                }
            }
        }
        for (place, version) in self.versions.iter_mut().enumerate() {
            version.first_end = version.first_end.min(self.ends[version.writer as usize]);
            self.coming.entry(version.key).or_default().insert((version.first_end, place));
        }
    }

    /// The version of another one that this act saw.
    fn seen(&self, reader: u32, act: ObservedAct) -> Option<usize> {
        let ObservedAct::Number { key, value } = act else { return None };
        self.places.get(&(key, value)).copied().filter(|version| self.versions[*version].writer != reader)
    }

    /// The version that this act wrote.
    fn written(&self, act: ObservedAct) -> Option<usize> {
        let ObservedAct::Write { key, value } = act else { return None };
        self.places.get(&(key, value)).copied()
    }

    fn build(&mut self, graph: &Graph) -> Vec<u32> {
        let count = self.transactions.len() as u32;
        let allowed = |kind: Dependency| kind == Dependency::Via || self.rules.kinds & kind.bit() != 0;
        let mut before = vec![0_u32; graph.nodes() as usize];
        for node in 0..graph.nodes() {
            graph.leaving(node).iter().filter(|(_, why)| allowed(why.kind())).for_each(|(to, _)| before[*to as usize] += 1);
        }
        let rank = |row: &Self, node: u32| if node < count { row.ends[node as usize] } else { Time::ZERO };
        let mut ready: BinaryHeap<Reverse<(Time, u32)>> = BinaryHeap::new();
        ready.extend((0..graph.nodes()).filter(|node| before[*node as usize] == 0).map(|node| Reverse((rank(self, node), node))));
        let kinds = self.rules.kinds;
        let mut order = Vec::with_capacity(count as usize);
        let mut by_end: Vec<u32> = (0..count).collect();
        by_end.sort_by_key(|node| Reverse((self.ends[*node as usize], *node)));
        let mut out = vec![false; graph.nodes() as usize];
        let mut patience = PATIENCE * (u64::from(count) + 100);
        loop {
            let node = match ready.pop() {
                Some(Reverse((_, node))) => {
                    if node < count
                        && !out[node as usize]
                        && self.committed[node as usize]
                        && patience > 0
                        && let Some(key) = self.obstacle(node)
                    {
                        patience -= 1 + self.waiting.get(&key).map_or(0, |waiting| waiting.len() as u64).min(patience - 1);
                        self.waiting.entry(key).or_default().insert(node);
                        continue;
                    }
                    node
                }
                // All wait for each other, or there is a cycle.
                None => match self.force().or_else(|| std::iter::from_fn(|| by_end.pop()).find(|node| !out[*node as usize])) {
                    Some(node) => node,
                    None => return order,
                },
            };
            if std::mem::replace(&mut out[node as usize], true) {
                continue;
            }
            if node < count && self.committed[node as usize] {
                order.push(node);
                let freed = self.take_effect(node);
                ready.extend(freed.into_iter().map(|node| Reverse((rank(self, node), node))));
            }
            for (to, why) in graph.leaving(node) {
                if why.kind() == Dependency::Via || kinds & why.kind().bit() != 0 {
                    before[*to as usize] -= 1;
                    if before[*to as usize] == 0 {
                        ready.push(Reverse((rank(self, *to), *to)));
                    }
                }
            }
        }
    }

    /// The key for which a transaction must wait.
    fn obstacle(&self, transaction: u32) -> Option<u32> {
        let mut writes = self.transactions.acts_of(transaction).iter().filter_map(|act| self.written(*act));
        let stands_in_the_way = |version: &usize| {
            let Version { key, last_begin, .. } = self.versions[*version];
            let first = self.coming.get(&key).and_then(|coming| coming.iter().find(|(_, other)| other != version));
            self.is_pending(transaction, key) || self.rules.timed && first.is_some_and(|(first_end, _)| *first_end < last_begin)
        };
        writes.find(stands_in_the_way).map(|version| self.versions[version].key)
    }

    /// Whether another transaction has yet to read what a key holds.
    fn is_pending(&self, transaction: u32, key: u32) -> bool {
        let Some(current) = self.orders.get(&key).and_then(|order| order.last()).copied() else { return false };
        let acts = self.transactions.acts_of(transaction).iter();
        let own = acts.filter(|act| self.seen(transaction, **act) == Some(current)).count() as u32;
        self.versions[current].pending > own
    }

    /// What a transaction changes, and which others need no longer wait for that. A version that would be in the way of transactions which
    /// have yet to read the one before is put behind that, as if it had been written earlier.
    fn take_effect(&mut self, transaction: u32) -> Vec<u32> {
        let mut freed = Vec::new();
        for act in self.transactions.acts_of(transaction) {
            if let Some(version) = self.seen(transaction, *act) {
                self.versions[version].pending -= 1;
            }
            if let Some(version) = self.written(*act) {
                let Version { key, first_end, .. } = self.versions[version];
                let is_late = self.is_pending(transaction, key);
                let order = self.orders.entry(key).or_default();
                order.insert(order.len() - usize::from(is_late), version);
                if let Some(coming) = self.coming.get_mut(&key) {
                    coming.remove(&(first_end, version));
                }
            }
            freed.extend(self.waiting.remove(&act.key()).into_iter().flatten());
        }
        freed
    }

    /// Of the transactions that wait, the first that waits for a reader; failing that, the first of all.
    fn force(&mut self) -> Option<u32> {
        let late = |node: u32| {
            let mut writes = self.transactions.acts_of(node).iter().filter_map(|act| self.written(*act));
            writes.any(|version| self.is_pending(node, self.versions[version].key))
        };
        let first = self.waiting.values().flatten().copied().min_by_key(|node| (!late(*node), self.ends[*node as usize], *node))?;
        for waiting in self.waiting.values_mut() {
            waiting.remove(&first);
        }
        Some(first)
    }
}
