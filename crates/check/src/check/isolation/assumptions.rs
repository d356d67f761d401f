//! What may be assumed where what was seen does not show it, and the dependencies that follow.
//!
//! Of two writers of a key, one came first; of a register to which one value was written more than once, a read saw what one of them wrote.
//! With both, whoever read a version missed the next one.

use rustc_hash::FxHashMap;

use super::acyclic::{Acyclic, Link, UNASSUMED, arrange};
use super::cycles::{ALL, DATA, FLOW, SESSION};
use super::graph::{Dependency, Graph, Why};
use super::transactions::{Entry, Transactions};
use crate::check::verdict::{Fate, Level};

/// The writers of one key of which it is not known who wrote first, and who read what they wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Unordered {
    pub(super) key: u32,
    /// In order of their numbers.
    pub(super) writers: Vec<u32>,
    /// Writers and readers.
    pub(super) readers: Vec<(u32, u32)>,
    /// Reads of which it is not known who wrote what they saw.
    pub(super) choices: Vec<Choice>,
}

/// A read of which it is not known who wrote what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) reader: u32,
    /// Who may have, two at least: transactions, or [`INITIAL`].
    pub(super) sources: Vec<u32>,
}

/// Who wrote what was there at first.
pub(super) const INITIAL: u32 = u32::MAX;

/// What the search works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    pub(super) transactions: &'a Transactions,
    pub(super) graph: &'a Graph,
    /// Nodes from here on stand between ends and later beginnings.
    pub(super) chain: u32,
    pub(super) unordered: &'a [Unordered],
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
            Level::ReadCommitted => Some((Self::Serial, FLOW)),
            Level::ReadUncommitted => None,
        }
    }
}

/// Something to be decided. Keys go by their places among those that are unordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Question {
    /// Who of two writers came first.
    Order { place: u32, low: u32, high: u32 },
    /// What a read saw, by its place among the choices of the key.
    Source { place: u32, choice: u32 },
}

/// What may be so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Variable {
    /// That of two writers the one with the lower number came first.
    Order { place: u32, low: u32, high: u32 },
    /// That a read saw what this one wrote.
    Source { place: u32, choice: u32, source: u32 },
}

/// A variable by its number, and whether it is so: even if it is.
pub(super) type Literal = u32;

/// What a literal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The one wrote before the other.
    Order { place: u32, first: u32, second: u32 },
    /// This read saw what that one wrote, or did not.
    Source { place: u32, reader: u32, source: u32, is_so: bool },
}

/// What there was at some moment, to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    links: usize,
    held: usize,
}

/// The dependencies that are known, with those of what is assumed.
#[derive(Debug)]
pub(super) struct Assumptions<'a> {
    problem: Problem<'a>,
    shape: Shape,
    kinds: u32,
    pub(super) order: Acyclic,
    variables: Vec<Variable>,
    numbers: FxHashMap<Variable, u32>,
    /// Of parallel snapshot isolation, the anti-dependencies that the order does not keep to, each with what there was with it.
    misses: Vec<(Link, Mark)>,
    looked_at: usize,
    /// Nodes that had to move since this was looked at last, each with the place that it had.
    pub(super) moved: Vec<(u32, u32)>,
    /// By key and writer, of keys with choices: who is assumed to have written later, and to have read it; each with its literal.
    later: FxHashMap<(u32, u32), Vec<(u32, Literal)>>,
    read_by: FxHashMap<(u32, u32), Vec<(u32, Literal)>>,
    /// Where something was put into these two, the newest last.
    held: Vec<(bool, (u32, u32))>,
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
                let link = places.link(from, *to, *why, [UNASSUMED; 2]);
                if shape == Shape::Parallel && link.is_miss() { misses.push(link) } else { known.push(link) }
            }
        }
        let mut ranks = problem.ranks();
        ranks.resize(nodes as usize, 0);
        if shape == Shape::Snapshot {
            let inside = |node| Link { from: node, to: node + nodes, why: None, assumed: [UNASSUMED; 2], dropped: false };
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
        let mut assumptions = Self {
            problem,
            shape,
            kinds,
            order: Acyclic::new(known, &ranks)?,
            variables: Vec::new(),
            numbers: FxHashMap::default(),
            misses: Vec::new(),
            looked_at: 0,
            moved: Vec::new(),
            later: FxHashMap::default(),
            read_by: FxHashMap::default(),
            held: Vec::new(),
        };
        for miss in misses {
            if assumptions.insert(miss).is_err() {
                assumptions.misses.push((miss, assumptions.mark()));
            }
        }
        assumptions.moved.clear();
        Some(assumptions)
    }

    pub(super) fn places(&self) -> Places {
        let Problem { graph, chain, .. } = self.problem;
        Places { shape: self.shape, nodes: graph.nodes(), count: self.problem.transactions.len() as u32, chain }
    }

    fn number(&mut self, variable: Variable) -> u32 {
        let next = self.variables.len() as u32;
        let number = *self.numbers.entry(variable).or_insert(next);
        if number == next {
            self.variables.push(variable);
        }
        number
    }

    /// That of two writers of a key this one comes first.
    pub(super) fn ordered(&mut self, place: u32, first: u32, second: u32) -> Literal {
        let variable = Variable::Order { place, low: first.min(second), high: first.max(second) };
        self.number(variable) * 2 + u32::from(first > second)
    }

    /// That a read saw what this one wrote.
    pub(super) fn source(&mut self, place: u32, choice: u32, source: u32) -> Literal {
        self.number(Variable::Source { place, choice, source }) * 2
    }

    /// All answers, of which one is right.
    pub(super) fn answers(&mut self, question: Question) -> Vec<Literal> {
        match question {
            Question::Order { place, low, high } => vec![self.ordered(place, low, high), self.ordered(place, high, low)],
            Question::Source { place, choice } => {
                let sources = &self.problem.unordered[place as usize].choices[choice as usize].sources;
                sources.iter().map(|source| self.source(place, choice, *source)).collect()
            }
        }
    }

    /// What each read saw of which that is not known.
    pub(super) fn choices(&self) -> Vec<Question> {
        let of = |(place, unordered): (u32, &Unordered)| {
            (0..unordered.choices.len() as u32).map(move |choice| Question::Source { place, choice })
        };
        (0..).zip(self.problem.unordered).flat_map(of).collect()
    }

    /// How many variables there are.
    pub(super) const fn variables(&self) -> usize {
        self.variables.len()
    }

    /// What it answers.
    pub(super) fn question(&self, literal: Literal) -> Question {
        match self.variables[(literal / 2) as usize] {
            Variable::Order { place, low, high } => Question::Order { place, low, high },
            Variable::Source { place, choice, .. } => Question::Source { place, choice },
        }
    }

    pub(super) fn said(&self, literal: Literal) -> Said {
        let is_so = literal.is_multiple_of(2);
        match self.variables[(literal / 2) as usize] {
            Variable::Order { place, low, high } if is_so => Said::Order { place, first: low, second: high },
            Variable::Order { place, low, high } => Said::Order { place, first: high, second: low },
            Variable::Source { place, choice, source } => {
                let reader = self.problem.unordered[place as usize].choices[choice as usize].reader;
                Said::Source { place, reader, source, is_so }
            }
        }
    }

    /// What there is now, to go [back](Self::go_back) to.
    pub(super) const fn mark(&self) -> Mark {
        Mark { links: self.order.len(), held: self.held.len() }
    }

    pub(super) fn go_back(&mut self, mark: Mark) {
        self.order.go_back(mark.links);
        self.misses.retain(|(_, with)| with.links <= mark.links && with.held <= mark.held);
        for (is_later, of) in self.held.drain(mark.held..).rev() {
            let held = if is_later { &mut self.later } else { &mut self.read_by };
            held.get_mut(&of).map(Vec::pop);
        }
    }

    /// Assumes this.
    ///
    /// # Errors
    /// If that closes a cycle: the links of it. What was assumed is then to be taken back.
    pub(super) fn assume(&mut self, literal: Literal) -> Result<(), Vec<Link>> {
        match self.said(literal) {
            Said::Order { place, first, second } => self.assume_order(literal, place, first, second),
            Said::Source { place, reader, source, is_so: true } => self.assume_source(literal, place, reader, source),
            Said::Source { is_so: false, .. } => Ok(()),
        }
    }

    fn assume_order(&mut self, literal: Literal, place: u32, first: u32, second: u32) -> Result<(), Vec<Link>> {
        let unordered = &self.problem.unordered[place as usize];
        let why = |kind| Why::new(kind, unordered.key);
        self.insert(self.places().link(first, second, why(Dependency::WriteWrite), [literal, UNASSUMED]))?;
        let from = unordered.readers.partition_point(|(writer, _)| *writer < first);
        for (_, reader) in unordered.readers[from..].iter().take_while(|(writer, _)| *writer == first) {
            self.missed_by(*reader, second, unordered.key, [literal, UNASSUMED])?;
        }
        if !unordered.choices.is_empty() {
            self.hold(true, (place, first), (second, literal));
            for number in 0..self.read_by.get(&(place, first)).map_or(0, Vec::len) {
                let (reader, source) = self.read_by[&(place, first)][number];
                self.missed_by(reader, second, unordered.key, [literal, source])?;
            }
        }
        Ok(())
    }

    fn assume_source(&mut self, literal: Literal, place: u32, reader: u32, source: u32) -> Result<(), Vec<Link>> {
        let unordered = &self.problem.unordered[place as usize];
        if source == INITIAL {
            // So that what is missed goes with it, where it comes with no link.
            self.hold(false, (place, source), (reader, literal));
            return unordered.writers.iter().try_for_each(|writer| self.missed_by(reader, *writer, unordered.key, [literal, UNASSUMED]));
        }
        let why = Why::new(Dependency::WriteRead, unordered.key);
        self.insert(self.places().link(source, reader, why, [literal, UNASSUMED]))?;
        self.hold(false, (place, source), (reader, literal));
        for number in 0..self.later.get(&(place, source)).map_or(0, Vec::len) {
            let (second, order) = self.later[&(place, source)][number];
            self.missed_by(reader, second, unordered.key, [literal, order])?;
        }
        Ok(())
    }

    fn hold(&mut self, is_later: bool, of: (u32, u32), what: (u32, Literal)) {
        let held = if is_later { &mut self.later } else { &mut self.read_by };
        held.entry(of).or_default().push(what);
        self.held.push((is_later, of));
    }

    /// The reader of a version missed what this one wrote, unless that was itself.
    fn missed_by(&mut self, reader: u32, writer: u32, key: u32, assumed: [Literal; 2]) -> Result<(), Vec<Link>> {
        if reader == writer || self.kinds & Dependency::ReadWrite.bit() == 0 {
            return Ok(());
        }
        self.insert(self.places().link(reader, writer, Why::new(Dependency::ReadWrite, key), assumed))
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
                    self.misses.push((link, self.mark()));
                    return Ok(());
                }
                (Shape::Parallel, Some(first)) if second.is_some() => {
                    self.order.drop(first);
                    self.misses.push((self.order.link(first), Mark { links: first as usize + 1, held: 0 }));
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

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let variable = size_of::<Variable>() * 3 + 2 * size_of::<u32>();
        let held = size_of::<(bool, (u32, u32))>() + 2 * size_of::<(u32, Literal)>();
        self.order.bytes() + self.variables.len() * variable + self.misses.len() * size_of::<(Link, Mark)>() + self.held.len() * held
    }
}

/// Where transactions and helpers stand as nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    shape: Shape,
    nodes: u32,
    count: u32,
    chain: u32,
}

impl Places {
    pub(super) const fn commit(self, node: u32) -> u32 {
        if matches!(self.shape, Shape::Snapshot) && node < self.count { node + self.nodes } else { node }
    }

    pub(super) const fn transaction(self, node: u32) -> u32 {
        if node >= self.nodes { node - self.nodes } else { node }
    }

    /// What misses a write began before that was committed; all else is there before the other begins.
    const fn link(self, from: u32, to: u32, why: Why, assumed: [Literal; 2]) -> Link {
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
        let rank = |entry: &Entry| match entry.fate {
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
