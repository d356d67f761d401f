//! Whether there is an order of the versions of each key under which a level holds, where what was seen does not show one.
//!
//! Of each two writers of a key, one comes first: that is an assumption, and dependencies follow from it. The search assumes what the order
//! that it has at the moment suggests, transaction by transaction; where that closes a cycle, it learns that not all that was assumed for
//! the cycle can be, and goes back. This is the polygraph of C. Papadimitriou (1979), solved as in Cobra (C. Tan and others, 2020) and
//! PolySI (K. Huang and others, 2023): by clauses (J. Marques-Silva and K. Sakallah, *GRASP*, 1999) that are learned from cycles. Only
//! neighbours in the order need be ordered: what follows for others then follows from that. So the search takes hardly more than one
//! assumption for each write where the history holds.
//!
//! Serializability is a graph of transactions without cycles. Of snapshot isolation it is a graph of beginnings and commits: what depends
//! on another begins after that has committed, and what missed a write began before that was committed (A. Cerone and A. Gotsman, 2018).
//! For parallel snapshot isolation no single anti-dependency may close a cycle of others.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::acyclic::{Acyclic, Link, arrange};
use super::cycles::{ALL, DATA, SESSION};
use super::graph::{Dependency, Graph, Why};
use super::transactions::Transactions;
use crate::check::verdict::{Fate, Level};

/// The writers of one key of which it is not known who wrote first, and who read what they wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Unordered {
    pub(super) key: u32,
    /// In order of their numbers.
    pub(super) writers: Vec<u32>,
    /// Writers and readers.
    pub(super) readers: Vec<(u32, u32)>,
}

/// What the search works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    pub(super) transactions: &'a Transactions,
    pub(super) graph: &'a Graph,
    /// Nodes from here on stand between ends and later beginnings.
    pub(super) chain: u32,
    pub(super) unordered: &'a [Unordered],
}

/// What came of a search.
#[derive(Debug)]
pub(super) enum Found {
    /// There is such an order.
    Order,
    /// There is none, as these assumptions show.
    None(Vec<Pair>),
    /// The budget ended first.
    Unknown,
}

/// Which cycles a level forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All.
    Serial,
    /// Those in which no two anti-dependencies come in a row.
    Snapshot,
    /// Those with at most one anti-dependency.
    Parallel,
}

impl Shape {
    /// That of a level, and the kinds of dependencies that count.
    pub(super) const fn of(level: Level) -> Option<(Self, u32)> {
        match level {
            Level::StrictSerializable => Some((Self::Serial, ALL)),
            Level::StrongSessionSerializable => Some((Self::Serial, SESSION)),
            Level::Serializable => Some((Self::Serial, DATA)),
            Level::StrongSnapshotIsolation => Some((Self::Snapshot, ALL)),
            Level::StrongSessionSnapshotIsolation => Some((Self::Snapshot, SESSION)),
            Level::SnapshotIsolation => Some((Self::Snapshot, DATA)),
            Level::ParallelSnapshotIsolation => Some((Self::Parallel, DATA)),
            Level::ReadCommitted | Level::ReadUncommitted => None,
        }
    }
}

/// Two writers of a key, the one with the lower number first: by the place of the key among those that are unordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pair {
    pub(super) place: u32,
    pub(super) low: u32,
    pub(super) high: u32,
}

/// A pair by its number, and which of the two comes first: even if it is the lower one.
pub(super) type Literal = u32;

/// The dependencies that are known, with those of what is assumed.
#[derive(Debug)]
pub(super) struct Assumptions<'a> {
    problem: Problem<'a>,
    shape: Shape,
    pub(super) order: Acyclic,
    pub(super) pairs: Vec<Pair>,
    numbers: FxHashMap<Pair, u32>,
    /// Of parallel snapshot isolation, the anti-dependencies that the order does not keep to, each with how many links there were with it.
    misses: Vec<(Link, usize)>,
    looked_at: usize,
    /// Nodes that had to move since this was looked at last, each with the place that it had.
    moved: Vec<(u32, u32)>,
}

impl<'a> Assumptions<'a> {
    /// Nothing is assumed yet. None if there is a cycle already.
    pub(super) fn new(problem: Problem<'a>, shape: Shape, kinds: u32) -> Option<Self> {
        let nodes = problem.graph.nodes();
        let (mut known, mut misses) = (Vec::new(), Vec::new());
        let places = Places { shape, nodes, count: problem.transactions.len() as u32, chain: problem.chain };
        for from in 0..nodes {
            for (to, why) in problem.graph.leaving(from) {
                if why.kind() != Dependency::Via && kinds & why.kind().bit() == 0 {
                    continue;
                }
                let link = places.link(from, *to, *why, None);
                if shape == Shape::Parallel && link.is_miss() { misses.push(link) } else { known.push(link) }
            }
        }
        let mut ranks = problem.ranks();
        ranks.resize(nodes as usize, 0);
        if shape == Shape::Snapshot {
            let inside = |node| Link { from: node, to: node + nodes, why: None, assumed: None, dropped: false };
            known.extend((0..places.count).map(inside));
            ranks.extend_from_within(..);
        }
        if !misses.is_empty() {
            // Where they need not be kept to, they show all the same how the transactions came.
            let all: Vec<Link> = known.iter().chain(&misses).copied().collect();
            for (place, node) in (0..).zip(arrange(&all, &ranks).0) {
                ranks[node as usize] = place;
            }
        }
        let order = Acyclic::new(known, &ranks)?;
        let (pairs, numbers) = (Vec::new(), FxHashMap::default());
        let mut assumptions = Self { problem, shape, order, pairs, numbers, misses: Vec::new(), looked_at: 0, moved: Vec::new() };
        for miss in misses {
            if assumptions.insert(miss).is_err() {
                assumptions.misses.push((miss, assumptions.order.len()));
            }
        }
        assumptions.moved.clear();
        Some(assumptions)
    }

    fn places(&self) -> Places {
        let Problem { graph, chain, .. } = self.problem;
        Places { shape: self.shape, nodes: graph.nodes(), count: self.problem.transactions.len() as u32, chain }
    }

    /// That of two writers of a key this one comes first.
    pub(super) fn literal(&mut self, place: u32, first: u32, second: u32) -> Literal {
        let pair = Pair { place, low: first.min(second), high: first.max(second) };
        let next = self.pairs.len() as u32;
        let number = *self.numbers.entry(pair).or_insert(next);
        if number == next {
            self.pairs.push(pair);
        }
        number * 2 + u32::from(first > second)
    }

    pub(super) fn writers(&self, literal: Literal) -> (u32, u32) {
        let Pair { low, high, .. } = self.pairs[(literal / 2) as usize];
        if literal.is_multiple_of(2) { (low, high) } else { (high, low) }
    }

    /// What there is now, to go [back](Self::go_back) to.
    pub(super) const fn mark(&self) -> usize {
        self.order.len()
    }

    pub(super) fn go_back(&mut self, mark: usize) {
        self.order.go_back(mark);
        self.misses.retain(|(_, length)| *length <= mark);
    }

    /// Assumes this.
    ///
    /// # Errors
    /// If that closes a cycle: the links of it. What was assumed is then to be taken back.
    pub(super) fn assume(&mut self, literal: Literal) -> Result<(), Vec<Link>> {
        let (first, second) = self.writers(literal);
        let unordered = &self.problem.unordered[self.pairs[(literal / 2) as usize].place as usize];
        let places = self.places();
        let link = |from, kind| places.link(from, second, Why::new(kind, unordered.key), Some(literal));
        self.insert(link(first, Dependency::WriteWrite))?;
        let from = unordered.readers.partition_point(|(writer, _)| *writer < first);
        for (_, reader) in unordered.readers[from..].iter().take_while(|(writer, _)| *writer == first) {
            if *reader != second {
                self.insert(link(*reader, Dependency::ReadWrite))?;
            }
        }
        Ok(())
    }

    fn insert(&mut self, link: Link) -> Result<(), Vec<Link>> {
        loop {
            let way = match self.order.insert(link) {
                Ok(moved) => {
                    self.moved.extend(moved);
                    return Ok(());
                }
                Err(way) => way,
            };
            let mut misses = way.iter().copied().filter(|link| self.order.link(*link).is_miss());
            let (first, second) = (misses.next(), misses.next());
            match (self.shape, first) {
                (Shape::Parallel, Some(_)) if link.is_miss() => {
                    self.misses.push((link, self.order.len()));
                    return Ok(());
                }
                (Shape::Parallel, Some(first)) if second.is_some() => {
                    self.order.drop(first);
                    self.misses.push((self.order.link(first), first as usize + 1));
                }
                _ => return Err(self.cycle(link, &way)),
            }
        }
    }

    fn cycle(&self, link: Link, way: &[u32]) -> Vec<Link> {
        [link].into_iter().chain(way.iter().map(|link| self.order.link(*link))).collect()
    }

    /// A cycle that one of the anti-dependencies closes that are kept out of the graph.
    pub(super) fn missed(&mut self) -> Option<Vec<Link>> {
        let count = self.misses.len();
        (0..count).find_map(|_| {
            // It goes on where it was when it is asked again.
            self.looked_at = (self.looked_at + 1) % count;
            let (miss, _) = self.misses[self.looked_at];
            self.order.steps += 1;
            let way = self.order.path(miss.to, miss.from)?;
            Some(self.cycle(miss, &way))
        })
    }

    /// The dependencies of a cycle: each between two transactions.
    pub(super) fn dependencies(&self, cycle: &[Link]) -> Vec<(u32, Why)> {
        let places = self.places();
        let mut steps: Vec<(u32, Why)> = Vec::new();
        // It begins where a transaction is left for another one.
        let is_start = |link: &Link| link.why.is_some_and(|why| why.kind() != Dependency::Via);
        let start = cycle.iter().position(is_start).unwrap_or(0);
        let links = cycle[start..].iter().chain(&cycle[..start]);
        for link in links {
            match link.why {
                Some(why) if why.kind() != Dependency::Via => steps.push((places.transaction(link.from), why)),
                _ => {}
            }
        }
        steps
    }
}

/// Where transactions and helpers stand as nodes.
#[derive(Clone, Copy, Debug)]
struct Places {
    shape: Shape,
    nodes: u32,
    count: u32,
    chain: u32,
}

impl Places {
    const fn commit(self, node: u32) -> u32 {
        if matches!(self.shape, Shape::Snapshot) && node < self.count { node + self.nodes } else { node }
    }

    const fn transaction(self, node: u32) -> u32 {
        if node >= self.nodes { node - self.nodes } else { node }
    }

    /// What misses a write began before that was committed; all else is there before the other begins.
    const fn link(self, from: u32, to: u32, why: Why, assumed: Option<Literal>) -> Link {
        let kind = why.kind();
        let out = if kind.is_miss() { from } else { self.commit(from) };
        // From between those who read a version and those who wrote over it.
        let to_commit = kind.is_miss() || matches!(kind, Dependency::Via) && from < self.chain;
        Link { from: out, to: if to_commit { self.commit(to) } else { to }, why: Some(why), assumed, dropped: false }
    }
}

impl Problem<'_> {
    /// By when each transaction had taken effect: what the order begins with.
    fn ranks(&self) -> Vec<u64> {
        let rank = |entry: &super::transactions::Entry| match entry.fate {
            Fate::Committed => entry.ended.as_nanos(),
            Fate::Aborted | Fate::Unknown => u64::MAX,
        };
        let entries = &self.transactions.entries;
        let mut ranks: Vec<u64> = entries.iter().map(rank).collect();
        for (writer, reader) in self.unordered.iter().flat_map(|unordered| &unordered.readers) {
            let end = rank(&entries[*reader as usize]);
            let known = &mut ranks[*writer as usize];
            *known = (*known).min(end);
        }
        ranks
    }
}

/// Assumptions of which one must hold, and what it was learned from.
#[derive(Debug)]
struct Clause {
    literals: Vec<Literal>,
    /// The numbers of other clauses; none for what a cycle shows.
    because: Vec<u32>,
}

/// How many decisions may be lost to go back to where something was learned.
const LOST: u32 = 32;

/// No clause.
const NO_CLAUSE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, Default)]
struct Assigned {
    literal: Literal,
    level: u32,
    reason: u32,
}

/// A search for an order.
pub(super) struct Search<'a> {
    assumptions: Assumptions<'a>,
    /// For each transaction, the places of the unordered keys that it writes.
    writes: FxHashMap<u32, Vec<u32>>,
    /// The writers of each key, by their places in the order.
    rows: Vec<BTreeSet<(u32, u32)>>,
    /// If so, only these are to be ordered.
    only: Option<&'a [Pair]>,
    clauses: Vec<Clause>,
    /// For each literal, the clauses that watch whether it becomes false.
    watches: Vec<Vec<u32>>,
    /// For each pair, what is assumed of it.
    assigned: Vec<Option<Assigned>>,
    trail: Vec<Literal>,
    /// For each of the trail that is in the graph, what the graph was before.
    marks: Vec<usize>,
    /// How long the trail was before each decision.
    decisions: Vec<usize>,
    /// How far in the order all neighbours are assumed.
    next: u32,
    steps: u64,
}

impl<'a> Search<'a> {
    /// None if there is a cycle without any assumption.
    pub(super) fn new(problem: Problem<'a>, shape: Shape, kinds: u32, only: Option<&'a [Pair]>) -> Option<Self> {
        let assumptions = Assumptions::new(problem, shape, kinds)?;
        let mut writes: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut rows = Vec::new();
        for (place, unordered) in problem.unordered.iter().enumerate() {
            let commit = |writer: u32| assumptions.order.place(assumptions.places().commit(writer));
            rows.push(unordered.writers.iter().map(|writer| (commit(*writer), *writer)).collect());
            unordered.writers.iter().for_each(|writer| writes.entry(*writer).or_default().push(place as u32));
        }
        Some(Self {
            assumptions,
            writes,
            rows,
            only,
            clauses: Vec::new(),
            watches: Vec::new(),
            assigned: Vec::new(),
            trail: Vec::new(),
            marks: Vec::new(),
            decisions: Vec::new(),
            next: 0,
            steps: 0,
        })
    }

    /// How many steps it took.
    pub(super) const fn steps(&self) -> u64 {
        self.steps + self.assumptions.order.steps
    }

    pub(super) fn run(&mut self, budget: u64) -> Found {
        loop {
            let conflict = self.propagate().or_else(|| {
                let is_due = self.decisions.len().is_multiple_of(LOST as usize);
                let cycle = if is_due { self.assumptions.missed() } else { None };
                cycle.map(|cycle| self.lemma(&cycle))
            });
            let conflict = match conflict {
                Some(conflict) => conflict,
                None if self.steps() > budget => return Found::Unknown,
                None => match self.choose() {
                    Some(literal) => {
                        self.decisions.push(self.trail.len());
                        self.assign(literal, self.decisions.len() as u32, NO_CLAUSE);
                        continue;
                    }
                    None => match self.assumptions.missed() {
                        Some(cycle) => self.lemma(&cycle),
                        None => return Found::Order,
                    },
                },
            };
            if !self.learn(conflict) {
                return Found::None(self.core(conflict));
            }
            if self.steps() > budget {
                return Found::Unknown;
            }
        }
    }

    /// The next two neighbours of which nothing is assumed, as they stand.
    fn choose(&mut self) -> Option<Literal> {
        if let Some(only) = self.only {
            return only.iter().find_map(|pair| {
                let literal = self.literal(pair.place, pair.low, pair.high);
                let place = |writer| self.assumptions.order.place(self.assumptions.places().commit(writer));
                let in_order = place(pair.low) < place(pair.high);
                self.assigned[(literal / 2) as usize].is_none().then_some(if in_order { literal } else { literal + 1 })
            });
        }
        while let Some(node) = self.assumptions.order.at(self.next) {
            self.steps += 1;
            let places = self.assumptions.places();
            let writer = places.transaction(node);
            let keys = if places.commit(writer) == node { self.writes.get(&writer).map_or(0, Vec::len) } else { 0 };
            for number in 0..keys {
                let place = self.writes[&writer][number];
                let before = self.rows[place as usize].range(..(self.next, 0)).next_back();
                let Some((_, before)) = before.copied() else { continue };
                let literal = self.literal(place, before, writer);
                if self.assigned[(literal / 2) as usize].is_none() {
                    return Some(literal);
                }
            }
            self.next += 1;
        }
        None
    }

    fn literal(&mut self, place: u32, first: u32, second: u32) -> Literal {
        let literal = self.assumptions.literal(place, first, second);
        let pairs = self.assumptions.pairs.len();
        self.assigned.resize(pairs, None);
        self.watches.resize(pairs * 2, Vec::new());
        literal
    }

    /// Whether this is assumed, or its contrary.
    fn value(&self, literal: Literal) -> Option<bool> {
        self.assigned[(literal / 2) as usize].map(|assigned| assigned.literal == literal)
    }

    fn assign(&mut self, literal: Literal, level: u32, reason: u32) {
        self.assigned[(literal / 2) as usize] = Some(Assigned { literal, level, reason });
        self.trail.push(literal);
    }

    /// What follows from all that is assumed. A clause that cannot hold, if there is one.
    fn propagate(&mut self) -> Option<u32> {
        while let Some(literal) = self.trail.get(self.marks.len()).copied() {
            self.marks.push(self.assumptions.mark());
            if let Some(conflict) = self.clauses_without(literal ^ 1) {
                return Some(conflict);
            }
            let assumed = self.assumptions.assume(literal);
            self.keep_rows();
            if let Err(cycle) = assumed {
                return Some(self.lemma(&cycle));
            }
        }
        None
    }

    /// Looks at the clauses that watch a literal which has become false.
    fn clauses_without(&mut self, gone: Literal) -> Option<u32> {
        let mut watching = std::mem::take(&mut self.watches[gone as usize]);
        let mut conflict = None;
        watching.retain(|number| {
            if conflict.is_some() {
                return true;
            }
            let assigned = &self.assigned;
            let literals = &mut self.clauses[*number as usize].literals;
            if literals[0] == gone {
                literals.swap(0, 1);
            }
            let is_false = |literal: &Literal| assigned[(*literal / 2) as usize].is_some_and(|assigned| assigned.literal != *literal);
            self.steps += literals.len() as u64;
            let first = literals[0];
            if self.assigned[(first / 2) as usize].is_some_and(|assigned| assigned.literal == first) {
                return true;
            }
            if let Some(other) = (2..literals.len()).find(|place| !is_false(&literals[*place])) {
                literals.swap(1, other);
                self.watches[literals[1] as usize].push(*number);
                return false;
            }
            if is_false(&first) {
                conflict = Some(*number);
            } else {
                let level = |literal: &Literal| assigned[(*literal / 2) as usize].map_or(0, |assigned| assigned.level);
                let level = literals[1..].iter().map(level).max().unwrap_or(0);
                self.assigned[(first / 2) as usize] = Some(Assigned { literal: first, level, reason: *number });
                self.trail.push(first);
            }
            true
        });
        self.watches[gone as usize].append(&mut watching);
        conflict
    }

    /// Brings the rows up to date after nodes moved.
    fn keep_rows(&mut self) {
        let moved = std::mem::take(&mut self.assumptions.moved);
        let places = self.assumptions.places();
        for is_back in [false, true] {
            for (node, had) in &moved {
                self.next = self.next.min(*had);
                let writer = places.transaction(*node);
                let keys = if places.commit(writer) == *node { self.writes.get(&writer) } else { None };
                for key in keys.into_iter().flatten() {
                    let row = &mut self.rows[*key as usize];
                    let _ = if is_back { row.insert((self.assumptions.order.place(*node), writer)) } else { row.remove(&(*had, writer)) };
                }
            }
        }
    }

    /// Not all can be that was assumed for this cycle.
    fn lemma(&mut self, cycle: &[Link]) -> u32 {
        let mut literals: Vec<Literal> = cycle.iter().filter_map(|link| link.assumed).map(|literal| literal ^ 1).collect();
        literals.sort_unstable();
        literals.dedup();
        self.clauses.push(Clause { literals, because: Vec::new() });
        self.clauses.len() as u32 - 1
    }

    fn level(&self, literal: Literal) -> u32 {
        self.assigned[(literal / 2) as usize].map_or(0, |assigned| assigned.level)
    }

    /// Learns from a clause that cannot hold what is to be assumed otherwise, and goes back so far. Fails if nothing was decided that the
    /// clause depends on.
    fn learn(&mut self, conflict: u32) -> bool {
        let highest = self.clauses[conflict as usize].literals.iter().map(|literal| self.level(*literal)).max().unwrap_or(0);
        if highest == 0 {
            return false;
        }
        self.go_back(highest as usize);
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut learned: Vec<Literal> = vec![0];
        let mut because = vec![conflict];
        let (mut open, mut place, mut clause) = (0, self.trail.len(), conflict);
        loop {
            self.steps += self.clauses[clause as usize].literals.len() as u64;
            for literal in &self.clauses[clause as usize].literals {
                let level = self.level(*literal);
                if level == 0 || self.value(*literal) == Some(true) || !seen.insert(*literal / 2) {
                    continue;
                }
                if level == highest { open += 1 } else { learned.push(*literal) }
            }
            // The last assumed of those that are open.
            let last = loop {
                place -= 1;
                let literal = self.trail[place];
                if self.level(literal) == highest && seen.contains(&(literal / 2)) {
                    break literal;
                }
            };
            open -= 1;
            if open == 0 {
                learned[0] = last ^ 1;
                break;
            }
            clause = self.assigned[(last / 2) as usize].map_or(NO_CLAUSE, |assigned| assigned.reason);
            because.push(clause);
        }
        // The one that was assumed last of the others is watched, too.
        if let Some(second) = (1..learned.len()).max_by_key(|place| self.level(learned[*place])) {
            learned.swap(1, second);
        }
        let level = learned.get(1).map_or(0, |literal| self.level(*literal));
        // To lose many decisions costs more than it brings (A. Nadel and V. Ryvchin, 2018).
        self.go_back(if highest - level > LOST { highest - 1 } else { level } as usize);
        let number = self.clauses.len() as u32;
        if learned.len() > 1 {
            learned[..2].iter().for_each(|literal| self.watches[*literal as usize].push(number));
        }
        let first = learned[0];
        self.clauses.push(Clause { literals: learned, because });
        self.assign(first, level, number);
        true
    }

    /// Takes back what was assumed since so many decisions, but for what does not depend on them.
    fn go_back(&mut self, level: usize) {
        let Some(length) = self.decisions.get(level).copied() else { return };
        self.decisions.truncate(level);
        if let Some(mark) = self.marks.get(length) {
            self.assumptions.go_back(*mark);
            self.marks.truncate(length);
        }
        let places = self.assumptions.places();
        for literal in self.trail.split_off(length) {
            self.steps += 1;
            if self.level(literal) as usize <= level {
                self.trail.push(literal);
                continue;
            }
            self.assigned[(literal / 2) as usize] = None;
            let (first, second) = self.assumptions.writers(literal);
            let place = |writer| self.assumptions.order.place(places.commit(writer));
            self.next = self.next.min(place(first)).min(place(second));
        }
    }

    /// The pairs of all cycles from which follows that this clause cannot hold, and that nothing can be decided otherwise.
    fn core(&self, conflict: u32) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut open = vec![conflict];
        while let Some(number) = open.pop() {
            if !seen.insert(number) {
                continue;
            }
            let clause = &self.clauses[number as usize];
            open.extend(&clause.because);
            // What is never otherwise was left out of what was learned.
            let settled = clause.literals.iter().filter_map(|literal| self.assigned[(*literal / 2) as usize]);
            open.extend(settled.filter(|assigned| assigned.level == 0 && assigned.reason != NO_CLAUSE).map(|assigned| assigned.reason));
            if clause.because.is_empty() {
                pairs.extend(clause.literals.iter().map(|literal| self.assumptions.pairs[(*literal / 2) as usize]));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
