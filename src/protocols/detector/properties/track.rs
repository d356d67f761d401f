//! The quality of service of one detector, as Chen, Toueg and Aguilera define it (IEEE Trans. Computers 51(5), 2002, §2), measured
//! against what in truth happened.
//!
//! A *mistake* begins when a living node becomes suspected. Runs of trust and suspicion are cut where watcher or watched crash: a mistake
//! that a crash ends has no length of its own, and a suspicion that outlives the crash of its node is no mistake but a slow return.
//! Only pairs with a transition are kept.

use rustc_hash::FxHashMap;

use super::super::Observers;
use super::truth::{Blame, Truth};
use crate::base::{Duration, NodeId, Time};
use crate::check::Sighting;
use crate::trace::Cell;

/// All pairs of one detector, and what was measured of them.
#[derive(Debug)]
pub(super) struct Track {
    nodes: u32,
    observers: Observers,
    /// Whether a node whose disk stalls has failed, as far as this detector goes.
    watches_work: bool,
    warm_up: Time,
    // Found by key, never walked: order does not show.
    pairs: FxHashMap<u64, Pair>,
    suspected: u64,
    pub(super) detections: Vec<Duration>,
    /// The longest of these: when the crash was, and when the suspicion began.
    pub(super) slowest: Option<(Duration, Sighting, Sighting)>,
    /// Crashes that an undisturbed watcher had not noticed when they were over, with how long they had lasted.
    pub(super) undetected: Vec<Undetected>,
    /// Watchers of a crash that were themselves disturbed.
    pub(super) disturbed: u64,
    /// From each crash until its last undisturbed watcher knew.
    pub(super) last_observers: Vec<Duration>,
    pub(super) mistakes: [u64; 5],
    /// Of these, those while the two could reach each other, by the records in which they began.
    pub(super) linked_mistakes: Vec<u64>,
    /// Mistakes whose end was seen: when each began, and when it ended.
    pub(super) ended: Vec<(Sighting, Sighting)>,
    /// Mistakes whose end was not seen.
    pub(super) endless: u64,
    wrong: u128,
    watched: u128,
    watching: u64,
    living: u128,
    up: u64,
    integrated: Time,
    pub(super) returns: Vec<Duration>,
    pub(super) grays: Vec<Duration>,
    pub(super) grays_missed: Vec<Undetected>,
    /// When a living node was last wrongly suspected, or a crashed one that stays down trusted.
    pub(super) last_wrong: Option<Late>,
    pub(super) last_trust: Option<Late>,
}

/// A suspicion or a trust that was wrong at that time: whose, of which node, and in which record began what it goes against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    pub(super) by: NodeId,
    pub(super) of: NodeId,
    pub(super) at: Sighting,
    pub(super) began: u64,
}

/// What was not noticed: by whom, of whom, since when, for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undetected {
    pub(super) by: NodeId,
    pub(super) of: NodeId,
    pub(super) since: Sighting,
    pub(super) length: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    suspected: bool,
    since: Sighting,
    /// Whether the suspicion is a mistake that goes on, or one that was right and should have ended.
    kind: Suspicion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suspicion {
    Right,
    Mistake { linked: bool },
    Return { since: Time },
}

impl Track {
    pub(super) fn new(nodes: u32, observers: Observers, watches_work: bool, warm_up: Time) -> Self {
        Self {
            nodes,
            observers,
            watches_work,
            warm_up,
            pairs: FxHashMap::default(),
            suspected: 0,
            detections: vec![],
            slowest: None,
            undetected: vec![],
            disturbed: 0,
            last_observers: vec![],
            mistakes: [0; 5],
            linked_mistakes: vec![],
            ended: vec![],
            endless: 0,
            wrong: 0,
            watched: 0,
            watching: u64::from(nodes) * u64::from(observers.count(nodes)),
            living: 0,
            up: u64::from(nodes),
            integrated: warm_up,
            returns: vec![],
            grays: vec![],
            grays_missed: vec![],
            last_wrong: None,
            last_trust: None,
        }
    }

    fn key(by: NodeId, of: NodeId) -> u64 {
        u64::from(by.raw()) << 32 | u64::from(of.raw())
    }

    /// Who watches this node.
    pub(super) fn watchers(&self, of: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let (nodes, index) = (self.nodes, of.index() as u32);
        (1..=self.observers.count(nodes)).map(move |behind| NodeId::server((index + nodes - behind) % nodes))
    }

    fn watched_by(&self, by: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let (nodes, index) = (self.nodes, by.index() as u32);
        (1..=self.observers.count(nodes)).map(move |ahead| NodeId::server((index + ahead) % nodes))
    }

    pub(super) fn is_suspected(&self, by: NodeId, of: NodeId) -> bool {
        self.pairs.get(&Self::key(by, of)).is_some_and(|pair| pair.suspected)
    }

    /// One node begins or ceases to suspect another.
    pub(super) fn said(&mut self, now: Sighting, by: NodeId, of: NodeId, suspected: bool, truth: &Truth) {
        let key = Self::key(by, of);
        let before = self.pairs.get(&key).copied();
        if before.is_some_and(|pair| pair.suspected) == suspected {
            return;
        }
        if suspected {
            self.suspected += 1;
            let kind = self.begins(now, by, of, truth);
            self.pairs.insert(key, Pair { suspected, since: now, kind });
        } else if let Some(pair) = before {
            self.suspected -= 1;
            self.pairs.remove(&key);
            self.ends(now, by, of, pair, truth);
        }
    }

    fn begins(&mut self, Sighting { record, at }: Sighting, by: NodeId, of: NodeId, truth: &Truth) -> Suspicion {
        let node = truth.node(of);
        if !node.up {
            return Suspicion::Right;
        }
        if let Some((_, since)) = node.stalled
            && self.watches_work
        {
            self.grays.push(at.since(since.at));
            return Suspicion::Right;
        }
        let linked = truth.linked(by, of);
        if at >= self.warm_up {
            self.mistakes[truth.cause(at, by, of) as usize] += 1;
            self.linked_mistakes.extend(linked.then_some(record));
        }
        Suspicion::Mistake { linked }
    }

    fn ends(&mut self, now: Sighting, by: NodeId, of: NodeId, pair: Pair, truth: &Truth) {
        let (at, since) = (now.at, pair.since.at);
        let late = |began: Sighting| Some(Late { by, of, at: now, began: began.record });
        match pair.kind {
            Suspicion::Mistake { linked } => {
                if since >= self.warm_up {
                    self.ended.push((pair.since, now));
                    self.count_wrong(at, since, linked);
                }
                self.last_wrong = late(pair.since);
            }
            Suspicion::Return { since } => {
                self.returns.push(at.since(since));
                self.last_wrong = late(pair.since);
            }
            Suspicion::Right if !truth.node(of).up => self.last_trust = late(truth.node(of).since),
            Suspicion::Right => {}
        }
    }

    fn count_wrong(&mut self, at: Time, since: Time, linked: bool) {
        if linked {
            self.wrong += u128::from(at.since(since).as_nanos());
        }
    }

    /// A node crashed: mistakes about it and its own are cut, and what it held is forgotten.
    pub(super) fn down(&mut self, at: Time, node: NodeId, truth: &Truth) {
        for by in self.watchers(node).collect::<Vec<_>>() {
            if let Some(pair) = self.pairs.get(&Self::key(by, node)).copied() {
                self.cut(at, pair);
                self.pairs.insert(Self::key(by, node), Pair { kind: Suspicion::Right, ..pair });
            }
        }
        if self.suspected > 0 {
            for of in self.watched_by(node).collect::<Vec<_>>() {
                if let Some(pair) = self.pairs.remove(&Self::key(node, of)) {
                    self.suspected -= u64::from(pair.suspected);
                    self.cut(at, pair);
                }
            }
        }
        self.recount(at, truth);
    }

    fn cut(&mut self, at: Time, pair: Pair) {
        if let Suspicion::Mistake { linked } = pair.kind
            && pair.since.at >= self.warm_up
        {
            self.endless += 1;
            self.count_wrong(at, pair.since.at, linked);
        }
    }

    /// A crash is over, or the run is: who noticed it, and when.
    pub(super) fn crash_over(&mut self, at: Time, node: NodeId, crashed: Sighting, truth: &Truth) {
        let mut last = Some(None);
        for by in self.watchers(node).collect::<Vec<_>>() {
            let watcher = truth.node(by);
            if !watcher.up || watcher.paused || watcher.clear_since > crashed.at {
                self.disturbed += 1;
                continue;
            }
            let pair = self.pairs.get(&Self::key(by, node)).filter(|pair| pair.suspected);
            match pair {
                Some(pair) => {
                    let took = pair.since.at.since(crashed.at);
                    self.detections.push(took);
                    self.slowest = self.slowest.max(Some((took, crashed, pair.since)));
                    last = last.map(|last: Option<Duration>| last.max(Some(took)));
                }
                None => {
                    last = None;
                    self.undetected.push(Undetected { by, of: node, since: crashed, length: at.since(crashed.at) });
                }
            }
        }
        self.last_observers.extend(last.flatten());
    }

    /// A node is up again: from now on its suspicion is a return that takes its time.
    pub(super) fn up(&mut self, at: Time, node: NodeId, truth: &Truth) {
        for by in self.watchers(node).collect::<Vec<_>>() {
            if let Some(pair) = self.pairs.get_mut(&Self::key(by, node)) {
                pair.kind = Suspicion::Return { since: at };
            }
        }
        self.recount(at, truth);
    }

    /// A disk works again: who had noticed that it did not.
    pub(super) fn freed(&mut self, at: Time, node: NodeId, stalled: Sighting, truth: &Truth) {
        let state = truth.node(node);
        if !state.up || state.clear_since > stalled.at {
            return;
        }
        for by in self.watchers(node).collect::<Vec<_>>() {
            let watcher = truth.node(by);
            let undisturbed = watcher.up && !watcher.paused && watcher.clear_since <= stalled.at;
            if undisturbed && !self.is_suspected(by, node) {
                self.grays_missed.push(Undetected { by, of: node, since: stalled, length: at.since(stalled.at) });
            }
            if let Some(pair) = self.pairs.get_mut(&Self::key(by, node))
                && pair.kind == Suspicion::Right
            {
                pair.kind = Suspicion::Return { since: at };
            }
        }
    }

    /// How many pairs there are of which both live and reach each other, from now on.
    pub(super) fn recount(&mut self, at: Time, truth: &Truth) {
        self.integrate(at);
        self.up = truth.nodes.iter().filter(|node| node.up).count() as u64;
        let by_hand = || {
            let mut count = 0;
            for by in (0..self.nodes).map(NodeId::server).filter(|by| truth.node(*by).up) {
                count += self.watched_by(by).filter(|of| truth.node(*of).up && truth.linked(by, *of)).count() as u64;
            }
            count
        };
        self.watching = match self.observers {
            Observers::All if !truth.is_cut() => self.up * self.up.saturating_sub(1),
            _ => by_hand(),
        };
    }

    fn integrate(&mut self, at: Time) {
        let nanos = u128::from(at.since(self.integrated).as_nanos());
        self.watched += nanos * u128::from(self.watching);
        self.living += nanos * u128::from(self.up);
        self.integrated = self.integrated.max(at);
    }

    /// Closes the books: what is still going on, as if it ended now.
    pub(super) fn close(&mut self, truth: &Truth) {
        let at = truth.now;
        self.integrate(at);
        for (index, node) in truth.nodes.iter().enumerate() {
            let of = NodeId::server(index as u32);
            if !node.up {
                self.crash_over(at, of, node.since, truth);
            }
        }
        let mut suspected: Vec<(u64, Pair)> = self.pairs.iter().map(|(key, pair)| (*key, *pair)).collect();
        suspected.sort_unstable_by_key(|(key, _)| *key);
        for (key, pair) in suspected {
            self.cut(at, pair);
            if pair.kind != Suspicion::Right {
                let (by, of) = (NodeId::server((key >> 32) as u32), NodeId::server(key as u32));
                let Sighting { record, .. } = pair.since;
                self.last_wrong = Some(Late { by, of, at: Sighting { record, at }, began: record });
            }
        }
    }

    /// T_MR: the mean time between mistakes of one pair, over all pairs; nothing without mistakes.
    pub(super) fn recurrence(&self) -> Option<Duration> {
        let mistakes = self.linked_mistakes.len() as u128;
        (mistakes > 0).then(|| Duration::from_nanos(u64::try_from(self.watched / mistakes).unwrap_or(u64::MAX)))
    }

    /// T_M: the mean length of a mistake whose end was seen.
    pub(super) fn duration(&self) -> Option<Duration> {
        let count = self.ended.len() as u64;
        (count > 0).then(|| self.ended.iter().map(|(began, ended)| ended.at.since(began.at)).sum::<Duration>() / count)
    }

    /// P_A: the part of the time that a pair watches and is not mistaken in.
    pub(super) fn accuracy(&self) -> Cell {
        if self.watched == 0 { Cell::Empty } else { Cell::Share(1.0 - self.wrong as f64 / self.watched as f64) }
    }

    pub(super) fn of_cause(&self, cause: Blame) -> Cell {
        Cell::Count(self.mistakes[cause as usize])
    }

    /// Mistakes of a node while it could reach whom it was mistaken in, per hour of its life.
    pub(super) fn per_node_hour(&self) -> Cell {
        if self.living == 0 {
            return Cell::Empty;
        };
        Cell::Number(self.linked_mistakes.len() as f64 * 3.6e12 / self.living as f64)
    }

    /// So many, per node that lives and second.
    pub(super) fn per_node_second(&self, count: u64) -> Cell {
        if self.living == 0 { Cell::Empty } else { Cell::Number(count as f64 * 1e9 / self.living as f64) }
    }
}
