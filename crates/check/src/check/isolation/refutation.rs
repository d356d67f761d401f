//! Why no order of versions will do, in few words: cases, each with a cycle. One of two writers comes first, a read saw what one of some
//! wrote, and whichever it is, it is wrong.

use std::cmp::Reverse;

use super::acyclic::Link;
use super::assumptions::{Assumptions, Literal, Problem, Question, Said, Shape};
use super::cycles::{DATA, FLOW, SESSION, name};
use super::evidence::Evidence;
use super::graph::Why;
use super::ordering::{Found, Search};
use super::transactions::Transactions;
use crate::check::verdict::{Anomaly, Budget, Fate, Finding, LeftOut, Level, Phenomenon, Scope};

/// How many steps may be spent on a short explanation.
const BUDGET: u64 = 20_000_000;

/// How many questions are tried one by one whether the rest will do, and how often something is assumed in search of cases.
const QUESTIONS: usize = 64;
const TRIALS: usize = 4_096;

/// One case, and the cycle that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// What is supposed, of these keys.
    pub(super) assumed: Vec<(u32, Said)>,
    /// Transactions, each with why it comes before the next.
    pub(super) cycle: Vec<(u32, Why)>,
}

/// What shows that no order will do, as no answers to these questions will. `bytes` bounds each search for fewer of them.
pub(super) fn finding(problem: Problem<'_>, shape: Shape, kinds: u32, questions: Vec<Question>, bytes: u64) -> Finding {
    let evidence = Evidence::new(problem.transactions);
    let questions = shrink(problem, shape, kinds, questions, bytes);
    match cases(problem, shape, kinds, &questions) {
        Some(cases) => evidence.cases(together(cases.iter().map(|case| name(&case.cycle))), &cases),
        None => {
            let mut keys: Vec<u32> = Vec::new();
            let mut who: Vec<u32> = Vec::new();
            for question in &questions {
                let (place, parts) = match *question {
                    Question::Order { place, low, high } => (place, [low, high]),
                    Question::Source { place, choice } => {
                        let reader = problem.unordered[place as usize].choices[choice as usize].reader;
                        (place, [reader; 2])
                    }
                };
                keys.push(problem.unordered[place as usize].key);
                who.extend(parts);
            }
            evidence.no_order(widest(shape, kinds), keys, who)
        }
    }
}

/// What shows that a level is not kept, as no order of a few transactions will do. Versions of these keys cannot be told apart.
pub(super) fn by_all_orders(transactions: &Transactions, level: Level, keys: &[(u32, LeftOut)]) -> Finding {
    let anomaly = Shape::of(level).map_or(Anomaly::data(Phenomenon::CircularFlow), |(shape, kinds)| widest(shape, kinds));
    let counts = |place: &u32| transactions.entries[*place as usize].fate != Fate::Aborted;
    let who = (0..transactions.len() as u32).filter(counts).collect();
    Evidence::new(transactions).no_order_of_few(anomaly, keys.iter().map(|(key, _)| *key).collect(), who)
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
        Shape::Serial if kinds == FLOW => Phenomenon::CircularFlow,
        Shape::Serial => Phenomenon::AntiDependency,
        Shape::Snapshot => Phenomenon::Nonadjacent,
        Shape::Parallel => Phenomenon::ReadSkew,
    };
    let scope = match kinds {
        FLOW | DATA => Scope::Data,
        SESSION => Scope::Process,
        _ => Scope::RealTime,
    };
    Anomaly { phenomenon, scope }
}

/// The cases that show that no order will do, as no answers to these questions do. None if there are too many.
fn cases(problem: Problem<'_>, shape: Shape, kinds: u32, questions: &[Question]) -> Option<Vec<Case>> {
    let mut cases = Cases { assumptions: Assumptions::new(problem, shape, kinds)?, trials: TRIALS };
    let tree = cases.refute(questions)?;
    let mut found = Vec::new();
    cases.list(problem, &tree, &mut Vec::new(), &mut found);
    Some(found)
}

/// As few of the questions as will do.
fn shrink(problem: Problem<'_>, shape: Shape, kinds: u32, mut questions: Vec<Question>, bytes: u64) -> Vec<Question> {
    let mut left = BUDGET;
    let mut core = |questions: &[Question]| {
        let mut search = Search::new(problem, shape, kinds, Some(questions))?;
        let found = search.run(Budget { states: Some(left), bytes: Some(bytes) });
        left = left.saturating_sub(search.steps() + u64::from(problem.graph.nodes()));
        if let Found::None(core) = found { Some(core) } else { None }
    };
    while let Some(fewer) = core(&questions).filter(|fewer| fewer.len() < questions.len()) {
        questions = fewer;
    }
    let mut place = 0;
    while questions.len() <= QUESTIONS && place < questions.len() {
        let without: Vec<Question> =
            questions.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, question)| *question).collect();
        match core(&without) {
            Some(fewer) => (questions, place) = (fewer, 0),
            None => place += 1,
        }
    }
    questions
}

/// What shows that nothing can be.
#[derive(Debug)]
enum Tree {
    Cycle(Vec<Link>),
    /// If this is so, or that, or …
    Split(Vec<(Literal, Tree)>),
}

impl Tree {
    /// Whether it needs this.
    fn assumes(&self, literal: Literal) -> bool {
        match self {
            Self::Cycle(links) => links.iter().any(|link| link.assumed.contains(&literal)),
            Self::Split(cases) => cases.iter().any(|(_, case)| case.assumes(literal)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Cycle(links) => links.len(),
            Self::Split(cases) => cases.iter().map(|(_, case)| case.size()).sum(),
        }
    }
}

/// An answer to a question, and the cycle to which it leads at once, if to any.
type Answered = (Literal, Option<Tree>);

struct Cases<'a> {
    assumptions: Assumptions<'a>,
    trials: usize,
}

impl Cases<'_> {
    /// Shows that these cannot be answered, whatever is assumed.
    fn refute(&mut self, open: &[Question]) -> Option<Tree> {
        // What leads to a cycle at once in all cases is best, and then what does in all but few.
        let mut best: Option<(usize, Question, Vec<Answered>)> = None;
        for question in open {
            let answers = self.assumptions.answers(*question).into_iter();
            let cycles: Vec<Answered> = answers.map(|answer| (answer, self.cycle(answer))).collect();
            let found = cycles.iter().filter_map(|(_, cycle)| cycle.as_ref());
            let size = found.clone().map(Tree::size).sum::<usize>();
            let cost = if size == 0 { usize::MAX } else { size + (cycles.len() - found.count()) * 1_000_000 };
            if best.as_ref().is_none_or(|(known, ..)| cost < *known) {
                best = Some((cost, *question, cycles));
            }
        }
        let (_, question, cycles) = best?;
        let rest: Vec<Question> = open.iter().copied().filter(|other| *other != question).collect();
        let mut cases = Vec::new();
        for (literal, cycle) in cycles {
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
            cases.push((literal, case));
        }
        Some(Tree::Split(cases))
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
                    let said = self.assumptions.said(*literal);
                    let (Said::Order { place, .. } | Said::Source { place, .. }) = said;
                    (problem.unordered[place as usize].key, said)
                };
                found.push(Case { assumed: assumed.iter().map(told).collect(), cycle: self.assumptions.dependencies(links) });
            }
            Tree::Split(cases) => {
                for (literal, case) in cases {
                    assumed.push(*literal);
                    self.list(problem, case, assumed, found);
                    assumed.pop();
                }
            }
        }
    }
}
