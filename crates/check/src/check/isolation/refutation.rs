//! Why no order of versions will do, in few words: cases, each with a cycle. One of two writers comes first, and either way is wrong.

use std::cmp::Reverse;

use super::acyclic::Link;
use super::cycles::{DATA, SESSION, name};
use super::evidence::Evidence;
use super::graph::Why;
use super::ordering::{Assumptions, Found, Literal, Pair, Problem, Search, Shape};
use crate::check::verdict::{Anomaly, Finding, Phenomenon, Scope};

/// How many steps may be spent on a short explanation.
const BUDGET: u64 = 20_000_000;

/// How many pairs are tried one by one whether the rest will do, and how often something is assumed in search of cases.
const PAIRS: usize = 64;
const TRIALS: usize = 4_096;

/// One case, and the cycle that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// For these keys it is assumed that the one wrote before the other.
    pub(super) assumed: Vec<(u32, u32, u32)>,
    /// Transactions, each with why it comes before the next.
    pub(super) cycle: Vec<(u32, Why)>,
}

/// What shows that no order will do, as none of these pairs will.
pub(super) fn finding(problem: Problem<'_>, shape: Shape, kinds: u32, pairs: Vec<Pair>) -> Finding {
    let evidence = Evidence::new(problem.transactions);
    let pairs = shrink(problem, shape, kinds, pairs);
    match cases(problem, shape, kinds, &pairs) {
        Some(cases) => evidence.cases(together(cases.iter().map(|case| name(&case.cycle))), &cases),
        None => {
            let named: Vec<_> = pairs.iter().map(|pair| (problem.unordered[pair.place as usize].key, pair.low, pair.high)).collect();
            evidence.no_order(widest(shape, kinds), &named)
        }
    }
}

/// What forbids each of these forbids this.
fn together(mut anomalies: impl Iterator<Item = Anomaly>) -> Anomaly {
    let first = anomalies.next().unwrap_or(Anomaly::data(Phenomenon::AntiDependency));
    anomalies.fold(first, |one, other| {
        let strength = |anomaly: Anomaly| Reverse(Anomaly::data(anomaly.phenomenon).weakest());
        let worst = if strength(other) > strength(one) { other } else { one };
        Anomaly { phenomenon: worst.phenomenon, scope: one.scope.max(other.scope) }
    })
}

/// The cycles of a level that is violated.
fn widest(shape: Shape, kinds: u32) -> Anomaly {
    let phenomenon = match shape {
        Shape::Serial => Phenomenon::AntiDependency,
        Shape::Snapshot => Phenomenon::Nonadjacent,
        Shape::Parallel => Phenomenon::ReadSkew,
    };
    let scope = match kinds {
        DATA => Scope::Data,
        SESSION => Scope::Process,
        _ => Scope::RealTime,
    };
    Anomaly { phenomenon, scope }
}

/// The cases that show that no order will do, as the order of these pairs does. None if there are too many.
fn cases(problem: Problem<'_>, shape: Shape, kinds: u32, pairs: &[Pair]) -> Option<Vec<Case>> {
    let mut cases = Cases { assumptions: Assumptions::new(problem, shape, kinds)?, trials: TRIALS };
    let open: Vec<Literal> = pairs.iter().map(|pair| cases.assumptions.literal(pair.place, pair.low, pair.high)).collect();
    let tree = cases.refute(&open)?;
    let mut found = Vec::new();
    cases.list(problem, &tree, &mut Vec::new(), &mut found);
    Some(found)
}

/// As few of the pairs as will do.
fn shrink(problem: Problem<'_>, shape: Shape, kinds: u32, mut pairs: Vec<Pair>) -> Vec<Pair> {
    let mut left = BUDGET;
    let mut core = |pairs: &[Pair]| {
        let mut search = Search::new(problem, shape, kinds, Some(pairs))?;
        let found = search.run(left);
        left = left.saturating_sub(search.steps() + u64::from(problem.graph.nodes()));
        if let Found::None(core) = found { Some(core) } else { None }
    };
    while let Some(fewer) = core(&pairs).filter(|fewer| fewer.len() < pairs.len()) {
        pairs = fewer;
    }
    let mut place = 0;
    while pairs.len() <= PAIRS && place < pairs.len() {
        let without: Vec<Pair> = pairs.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, pair)| *pair).collect();
        match core(&without) {
            Some(fewer) => (pairs, place) = (fewer, 0),
            None => place += 1,
        }
    }
    pairs
}

/// What shows that nothing can be.
#[derive(Debug)]
enum Tree {
    Cycle(Vec<Link>),
    /// If this is so, and if its contrary is.
    Split(Literal, Box<[Tree; 2]>),
}

impl Tree {
    /// Whether it needs this.
    fn assumes(&self, literal: Literal) -> bool {
        match self {
            Self::Cycle(links) => links.iter().any(|link| link.assumed == Some(literal)),
            Self::Split(_, cases) => cases.iter().any(|case| case.assumes(literal)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Cycle(links) => links.len(),
            Self::Split(_, cases) => cases.iter().map(Self::size).sum(),
        }
    }
}

struct Cases<'a> {
    assumptions: Assumptions<'a>,
    trials: usize,
}

impl Cases<'_> {
    /// Shows that these cannot be ordered, whatever is assumed of them.
    fn refute(&mut self, open: &[Literal]) -> Option<Tree> {
        // What leads to a cycle at once in both cases is best, and then what does in one.
        let mut best: Option<(usize, Literal, [Option<Tree>; 2])> = None;
        for literal in open {
            let cycles = [*literal, literal ^ 1].map(|literal| self.cycle(literal));
            let found = cycles.iter().flatten().count();
            let size = cycles.iter().flatten().map(Tree::size).sum::<usize>();
            let cost = if found == 0 { usize::MAX } else { size + (2 - found) * 1_000_000 };
            if best.as_ref().is_none_or(|(known, ..)| cost < *known) {
                best = Some((cost, *literal, cycles));
            }
        }
        let (_, literal, cycles) = best?;
        let rest: Vec<Literal> = open.iter().copied().filter(|other| *other != literal).collect();
        let mut cases = Vec::new();
        for (literal, cycle) in [literal, literal ^ 1].into_iter().zip(cycles) {
            let case = match cycle {
                Some(cycle) => cycle,
                None => {
                    let mark = self.assumptions.mark();
                    let assumed = self.assumptions.assume(literal);
                    let case = if assumed.is_ok() { self.refute(&rest) } else { None };
                    self.assumptions.go_back(mark);
                    case?
                }
            };
            if !case.assumes(literal) {
                return Some(case);
            }
            cases.push(case);
        }
        let cases: [Tree; 2] = cases.try_into().ok()?;
        Some(Tree::Split(literal, Box::new(cases)))
    }

    /// The cycle that there is at once if this is assumed.
    fn cycle(&mut self, literal: Literal) -> Option<Tree> {
        self.trials = self.trials.checked_sub(1)?;
        let mark = self.assumptions.mark();
        let assumed = self.assumptions.assume(literal).map(|()| self.assumptions.missed());
        self.assumptions.go_back(mark);
        match assumed {
            Ok(missed) => missed,
            Err(cycle) => Some(cycle),
        }
        .map(Tree::Cycle)
    }

    fn list(&self, problem: Problem<'_>, tree: &Tree, assumed: &mut Vec<Literal>, found: &mut Vec<Case>) {
        match tree {
            Tree::Cycle(links) => {
                let told = |literal: &Literal| {
                    let pair = self.assumptions.pairs[(*literal / 2) as usize];
                    let (first, second) = self.assumptions.writers(*literal);
                    (problem.unordered[pair.place as usize].key, first, second)
                };
                found.push(Case { assumed: assumed.iter().map(told).collect(), cycle: self.assumptions.dependencies(links) });
            }
            Tree::Split(literal, cases) => {
                for (literal, case) in [*literal, literal ^ 1].into_iter().zip(cases.iter()) {
                    assumed.push(literal);
                    self.list(problem, case, assumed, found);
                    assumed.pop();
                }
            }
        }
    }
}
