//! Whether there is an order of the versions of each key under which a level holds, where what was seen does not show one.
//!
//! Of each two writers of a key, one comes first: that is an assumption, and dependencies follow from it. The search assumes what the order
//! that it has at the moment suggests, transaction by transaction; where that closes a cycle, it learns that not all that was assumed for
//! the cycle can be, and goes back. This is the polygraph of C. Papadimitriou (1979), solved as in Cobra (C. Tan and others, 2020) and
//! PolySI (K. Huang and others, 2023): by clauses (J. Marques-Silva and K. Sakallah, *GRASP*, 1999) that are learned from cycles. Only
//! neighbours in the order need be ordered: what follows for others then follows from that. So the search takes hardly more than one
//! assumption for each write where the history holds. Where a register had one value more than once, whose a read saw is decided in the
//! same way.
//!
//! Serializability is a graph of transactions without cycles. Of snapshot isolation it is a graph of beginnings and commits: what depends
//! on another begins after that has committed, and what missed a write began before that was committed (A. Cerone and A. Gotsman, 2018).
//! For parallel snapshot isolation no single anti-dependency may close a cycle of others.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::acyclic::{Link, UNASSUMED};
use super::assumptions::{Assumptions, Choice, INITIAL, Literal, Mark, Problem, Question, Said, Shape};
use crate::check::verdict::Budget;

/// What came of a search.
#[derive(Debug)]
pub(super) enum Found {
    /// There is such an order.
    Order,
    /// There is none, as these questions show: no answers to them will do.
    None(Vec<Question>),
    /// The budget ended first; if that was the one of bytes, with how many were held.
    Unknown(Option<u64>),
}

/// Assumptions of which one must hold, and what it was learned from.
#[derive(Debug)]
struct Clause {
    literals: Vec<Literal>,
    /// The numbers of other clauses; none for what a cycle shows, and for all answers to a question.
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
    /// For each transaction, its reads of which it is not known what they saw.
    reads: FxHashMap<u32, Vec<Question>>,
    /// The writers of each key, by their places in the order.
    rows: Vec<BTreeSet<(u32, u32)>>,
    /// If so, only these are to be answered.
    only: Option<&'a [Question]>,
    clauses: Vec<Clause>,
    /// How many literals and numbers the clauses have.
    length: usize,
    /// For each literal, the clauses that watch whether it becomes false.
    watches: Vec<Vec<u32>>,
    /// For each pair, what is assumed of it.
    assigned: Vec<Option<Assigned>>,
    trail: Vec<Literal>,
    /// For each of the trail that is in the graph, what the graph was before.
    marks: Vec<Mark>,
    /// How long the trail was before each decision.
    decisions: Vec<usize>,
    /// How far in the order all neighbours are assumed.
    next: u32,
    steps: u64,
}

impl<'a> Search<'a> {
    /// None if there is a cycle without any assumption.
    pub(super) fn new(problem: Problem<'a>, shape: Shape, kinds: u32, only: Option<&'a [Question]>) -> Option<Self> {
        let assumptions = Assumptions::new(problem, shape, kinds)?;
        let mut writes: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut reads: FxHashMap<u32, Vec<Question>> = FxHashMap::default();
        let mut rows = Vec::new();
        for (place, unordered) in (0..).zip(problem.unordered) {
            let commit = |writer: u32| assumptions.order.place(assumptions.places().commit(writer));
            rows.push(unordered.writers.iter().map(|writer| (commit(*writer), *writer)).collect());
            unordered.writers.iter().for_each(|writer| writes.entry(*writer).or_default().push(place));
            for (choice, Choice { reader, .. }) in (0..).zip(&unordered.choices) {
                reads.entry(*reader).or_default().push(Question::Source { place, choice });
            }
        }
        Some(Self {
            assumptions,
            writes,
            reads,
            rows,
            only,
            clauses: Vec::new(),
            length: 0,
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

    /// How many bytes it holds, by its own tables.
    fn bytes(&self) -> u64 {
        let variable = size_of::<Option<Assigned>>() + 2 * size_of::<Vec<u32>>() + size_of::<Literal>() + size_of::<Mark>();
        let clause = size_of::<Clause>() + 2 * size_of::<u32>();
        let own = self.assigned.len() * variable + self.clauses.len() * clause + self.length * size_of::<u32>();
        (self.assumptions.bytes() + own) as u64
    }

    /// Whether more is spent than may be; if it is bytes, how many are held.
    fn is_spent(&self, budget: Budget) -> Option<Option<u64>> {
        let bytes = Some(self.bytes()).filter(|held| budget.bytes.is_some_and(|bytes| *held > bytes));
        (bytes.is_some() || budget.states.is_some_and(|states| self.steps() > states)).then_some(bytes)
    }

    pub(super) fn run(&mut self, budget: Budget) -> Found {
        if let Err(held) = self.ask_all(budget) {
            return Found::Unknown(Some(held));
        }
        loop {
            let conflict = self.propagate().or_else(|| {
                let is_due = self.decisions.len().is_multiple_of(LOST as usize);
                let cycle = if is_due { self.assumptions.missed() } else { None };
                cycle.map(|cycle| self.lemma(&cycle))
            });
            let conflict = match (conflict, self.is_spent(budget)) {
                (Some(conflict), _) => conflict,
                (None, Some(held)) => return Found::Unknown(held),
                (None, None) => match self.choose() {
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
            if let Some(held) = self.is_spent(budget) {
                return Found::Unknown(held);
            }
        }
    }

    /// A clause for each read of which it is not known what it saw: one of those who may have written that did.
    ///
    /// # Errors
    /// If they take more bytes than there may be: how many are held by then.
    fn ask_all(&mut self, budget: Budget) -> Result<(), u64> {
        let all = self.assumptions.choices();
        for question in self.only.map_or(all, <[Question]>::to_vec) {
            if matches!(question, Question::Source { .. }) {
                let literals = self.answers(question);
                let number = self.clauses.len() as u32;
                literals[..2].iter().for_each(|literal| self.watches[*literal as usize].push(number));
                self.add(Clause { literals, because: Vec::new() });
            }
            if let Some(Some(held)) = self.is_spent(budget) {
                return Err(held);
            }
        }
        Ok(())
    }

    fn add(&mut self, clause: Clause) -> u32 {
        self.length += clause.literals.len() + clause.because.len();
        self.clauses.push(clause);
        self.clauses.len() as u32 - 1
    }

    /// What to assume next, as things stand: of a read, what it saw, and of two neighbours, who came first.
    fn choose(&mut self) -> Option<Literal> {
        if let Some(only) = self.only {
            return only.iter().find_map(|question| self.answer(*question));
        }
        while let Some(node) = self.assumptions.order.at(self.next) {
            self.steps += 1;
            for number in 0..self.reads.get(&node).map_or(0, Vec::len) {
                let question = self.reads[&node][number];
                if let Some(literal) = self.answer(question) {
                    return Some(literal);
                }
            }
            let places = self.assumptions.places();
            let writer = places.transaction(node);
            let keys = if places.commit(writer) == node { self.writes.get(&writer).map_or(0, Vec::len) } else { 0 };
            for number in 0..keys {
                let place = self.writes[&writer][number];
                let before = self.rows[place as usize].range(..(self.next, 0)).next_back();
                let Some((_, before)) = before.copied() else { continue };
                let literal = self.assumptions.ordered(place, before, writer);
                self.make_room();
                if self.value(literal).is_none() {
                    return Some(literal);
                }
            }
            self.next += 1;
        }
        None
    }

    /// An answer to this, as things stand, if there is none: of those who may have written what was read, the last before the read.
    fn answer(&mut self, question: Question) -> Option<Literal> {
        let answers = self.answers(question);
        self.steps += answers.len() as u64;
        match question {
            Question::Order { low, high, .. } => {
                let place = |writer| self.assumptions.order.place(self.assumptions.places().commit(writer));
                let answer = answers[usize::from(place(low) > place(high))];
                self.value(answer).is_none().then_some(answer)
            }
            Question::Source { .. } => {
                if answers.iter().any(|answer| self.value(*answer) == Some(true)) {
                    return None;
                }
                let order = &self.assumptions.order;
                let rank = |answer: &Literal| match self.assumptions.said(*answer) {
                    Said::Source { source: INITIAL, .. } | Said::Order { .. } => (false, 0),
                    Said::Source { reader, source, .. } => {
                        let (read, wrote) = (order.place(reader), order.place(self.assumptions.places().commit(source)));
                        if wrote < read { (false, wrote + 1) } else { (true, u32::MAX - wrote) }
                    }
                };
                // Of those before, the last; else, of those behind, the first.
                let open = answers.iter().filter(|answer| self.value(**answer).is_none());
                open.max_by_key(|answer| {
                    let (behind, place) = rank(answer);
                    (!behind, place)
                })
                .copied()
            }
        }
    }

    fn answers(&mut self, question: Question) -> Vec<Literal> {
        let answers = self.assumptions.answers(question);
        self.make_room();
        answers
    }

    /// For variables that are new.
    fn make_room(&mut self) {
        let variables = self.assumptions.variables();
        self.assigned.resize(variables, None);
        self.watches.resize_with(variables * 2, Vec::new);
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
        let assumed = cycle.iter().flat_map(|link| link.assumed).filter(|literal| *literal != UNASSUMED);
        let mut literals: Vec<Literal> = assumed.map(|literal| literal ^ 1).collect();
        literals.sort_unstable();
        literals.dedup();
        self.add(Clause { literals, because: Vec::new() })
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
        self.add(Clause { literals: learned, because });
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
            let order = &self.assumptions.order;
            self.next = match self.assumptions.said(literal) {
                Said::Order { first, second, .. } => {
                    self.next.min(order.place(places.commit(first))).min(order.place(places.commit(second)))
                }
                Said::Source { reader, .. } => self.next.min(order.place(reader)),
            };
        }
    }

    /// The questions of all cycles from which follows that this clause cannot hold, and that nothing can be decided otherwise.
    fn core(&self, conflict: u32) -> Vec<Question> {
        let mut questions: Vec<Question> = Vec::new();
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
                questions.extend(clause.literals.iter().map(|literal| self.assumptions.question(*literal)));
            }
        }
        questions.sort_unstable();
        questions.dedup();
        questions
    }
}
