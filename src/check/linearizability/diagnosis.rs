//! Why there is no order: how far the longest ones reach, and what stopped each.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::joint::Joint;
use super::machine::{INITIAL, Machine, Object, Part, StateId, Step, Steps, replay};
use super::monitors;
use super::plan::{NONE, Plan, Planned, Share, Ties};
use super::relaxed::{Finding, Relaxed};
use super::search::{End, Order, Progress, branch_of};
use super::{AnySearch, Violation, default_budget, partition, whole};
use crate::check::model::Model;
use crate::history::History;

/// Why the operations on one key have no order.
///
/// Up to some completion, all is well: there are orders, of all that completed before it and of some that were still open. None of them
/// can be extended to that completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The key, as the model names it.
    pub key: String,
    /// The operation whose completion no order passes: with its completion ends the shortest prefix of the history that is violated. Of
    /// the operations open then, any may have taken effect, but only with the result that they later returned.
    pub operation: usize,
    /// Whether the prefix is known to be the shortest. If not, the budget ended first.
    pub shortest: bool,
    /// Longest orders, each with what it would have allowed the operation to return; the longest first.
    pub attempts: Vec<Attempt>,
    /// The operations that were open with it and are not part of the longest order.
    pub unplaced: Vec<usize>,
    /// The last operations that could have left what it saw, at most two.
    pub sources: Vec<usize>,
    /// Whether it saw what nothing could have left: neither any operation nor the initial state.
    pub sourceless: bool,
}

/// An order that cannot be extended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The operations, by their indices in the history.
    pub order: Vec<usize>,
    /// What would have been legal next, in the model's words.
    pub expected: String,
}

/// How long one way to search has its turn at first.
const TURN: u64 = 4096;
/// How many more, after the first longest order, to find others.
const MORE: u64 = 10_000;
/// How long to search for longest orders where one is known without.
const MONITORED: u64 = 200_000;
/// How many attempts are kept.
const ATTEMPTS: usize = 6;
/// How many states are looked at that open operations lead to from the ends of orders. Of the many that very many open updates lead to,
/// only the nearest would be told.
const CLOSURE: usize = 128;

/// How many steps of ways may be walked again.
const WALKED: usize = 1 << 20;

/// How a state was reached: from the end of the longest order of this number, by these operations.
struct Reached {
    length: usize,
    number: usize,
    after: Vec<usize>,
}

impl Reached {
    fn order<'a>(&'a self, longest: &'a [(StateId, Vec<usize>)]) -> impl Iterator<Item = &'a usize> {
        longest[self.number].1.iter().chain(&self.after)
    }
}

/// Finds out why a key is violated. Explores again, so that a verdict alone costs nothing extra.
pub fn diagnose<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> Diagnosis {
    if violation.joint {
        let joint = Joint::new(model, &partition(model, history));
        return find(&mut Machine::new(&joint, history), violation, &whole(history));
    }
    let mut ours = vec![false; history.len()];
    violation.operations.iter().for_each(|index| ours[*index] = true);
    let completed = |index: &usize| ours[*index] && history.operations()[*index].result().is_some();
    let completions = history.completions().iter().enumerate().filter(|(_, index)| completed(index));
    let share = Share {
        operations: violation.operations.iter().map(|index| *index as u32).collect(),
        completions: completions.map(|(rank, index)| (*index as u32, rank as u32)).collect(),
    };
    find(&mut Machine::new(model, history), violation, &share)
}

fn find(object: &mut dyn Object, violation: &Violation, share: &Share) -> Diagnosis {
    let length = object.timeline().len();
    let plan = Plan::new(object, share, Ties::Concurrent, &mut vec![0; length]);
    let mut limit = violation.completions as u32;
    let mut budget = default_budget(length);
    let monitored = monitors::shortest(object, &plan, limit);
    if let Some(shortest) = &monitored {
        // A state is as large as what is counted of unknown outcomes.
        (limit, budget) = (shortest.limit, budget.min(MONITORED / (1 + plan.classes.len() as u64 / 64)));
    }
    // No order passes the first `limit` returns. Is there one for all but the last of them? If not, the search says where to ask next.
    let longest = loop {
        // A search cannot come to the end of what is longer than its budget.
        if monitored.is_some() && u64::from(limit) > budget {
            break Vec::new();
        }
        match beginning(object, &plan, limit - 1, &mut budget) {
            Beginning::Ordered(ends) => break ends,
            Beginning::Violated(horizon) => limit = horizon,
            Beginning::Unknown => break Vec::new(),
        }
    };
    let shortest = monitored.is_some() || !longest.is_empty();
    let longest = match monitored {
        Some(shortest) if longest.is_empty() => vec![(shortest.state, shortest.order)],
        _ => longest,
    };
    let stuck = plan.planned[plan.returns[limit as usize - 1] as usize];
    let mut attempts: Vec<Attempt> = Vec::new();
    let room = (CLOSURE / longest.len().max(1)).max(1);
    let mut reached: BTreeMap<StateId, Reached> = BTreeMap::new();
    for (number, (end, before)) in longest.iter().enumerate() {
        for (state, after) in closure(&plan, &mut object.steps(), *end, limit - 1, &stuck, before, room) {
            let length = before.len() + after.len();
            let known = reached.entry(state).or_insert_with(|| Reached { length: 0, number, after: Vec::new() });
            if length > known.length {
                *known = Reached { length, number, after };
            }
        }
    }
    let mut reached: Vec<(StateId, Reached)> = reached.into_iter().collect();
    reached.sort_by(|(_, a), (_, b)| b.length.cmp(&a.length).then_with(|| a.order(&longest).cmp(b.order(&longest))));
    for (state, way) in &reached {
        let expected = object.expected(*state, stuck.index);
        if attempts.len() < ATTEMPTS && attempts.iter().all(|known| known.expected != expected) {
            attempts.push(Attempt { order: way.order(&longest).copied().collect(), expected });
        }
    }
    let mut unplaced: Vec<usize> = open_at(&plan, limit - 1).map(|open| open.index as usize).collect();
    let placed = placed_of(unplaced.iter().copied(), attempts.first().map(|attempt| attempt.order.as_slice()).unwrap_or_default());
    unplaced.retain(|index| *index != stuck.index as usize && !placed.contains(index));
    let sources = sources(&plan, &mut object.steps(), limit - 1, &stuck);
    let sourceless = object.table().is_plain() && sources.is_empty() && object.steps().step(INITIAL, stuck.kind) == Step::Illegal;
    Diagnosis { key: violation.key.clone(), sourceless, operation: stuck.index as usize, shortest, unplaced, sources, attempts }
}

/// What is known of the first returns of a history.
enum Beginning {
    /// There are orders: these are some, each with the state that it leaves.
    Ordered(Vec<(StateId, Vec<usize>)>),
    /// There is none, not even of the first so many.
    Violated(u32),
    Unknown,
}

/// Looks for orders that pass the first `limit` returns, in two ways in turn, as the verdict was found.
fn beginning(object: &mut dyn Object, plan: &Plan, limit: u32, budget: &mut u64) -> Beginning {
    let mut exact = AnySearch::exact(plan, limit);
    exact.iter_mut().for_each(AnySearch::seek_ends);
    let mut relaxed: Option<Relaxed> = None;
    let mut allowance = TURN;
    while *budget > 0 && (exact.is_some() || relaxed.is_some()) {
        if let Some(search) = &mut exact {
            let before = search.states();
            let mut progress = Progress::Paused;
            while progress == Progress::Paused && search.ends().is_empty() && search.states() < before + allowance.min(*budget) {
                progress = search.run(plan, &mut object.steps(), TURN);
            }
            *budget = budget.saturating_sub(search.states() - before);
            if search.ends().is_empty() && progress == Progress::Exhausted {
                return Beginning::Violated(search.horizon());
            }
            if !search.ends().is_empty() {
                search.run(plan, &mut object.steps(), MORE);
                // To walk a way again takes as long as the way is.
                let ends: Vec<End> = search.ends().drain(..).take((WALKED / limit.max(1) as usize).max(1)).collect();
                let walked = ends.iter().map(|end| (end.state, indices(search.order_of(plan, &mut object.steps(), end))));
                return Beginning::Ordered(walked.collect());
            }
        }
        if allowance == TURN {
            relaxed = Relaxed::new(plan, object.table(), limit);
        }
        if let Some(search) = &mut relaxed {
            let before = search.states();
            let finding = search.run(plan, &mut object.steps(), allowance.min(*budget));
            *budget = budget.saturating_sub(search.states() - before);
            match finding {
                Finding::Order(order) => {
                    let order = indices(order);
                    if let Some(state) = replay(object, &order) {
                        return Beginning::Ordered(vec![(state, order)]);
                    }
                    relaxed = None;
                }
                Finding::Violated(horizon) => return Beginning::Violated(horizon),
                Finding::Paused => {}
            }
        }
        allowance = allowance.saturating_mul(4);
    }
    Beginning::Unknown
}

fn indices(order: Order) -> Vec<usize> {
    order.into_iter().map(|(index, _)| index as usize).collect()
}

/// The operations that are open before this return.
fn open_at(plan: &Plan, event: u32) -> impl Iterator<Item = &Planned> {
    plan.planned[..plan.opened[event as usize] as usize].iter().filter(move |open| open.returns >= event)
}

/// Those of a few operations that are in an order.
fn placed_of(few: impl Iterator<Item = usize>, order: &[usize]) -> FxHashSet<usize> {
    let few: FxHashSet<usize> = few.collect();
    order.iter().copied().filter(|index| few.contains(index)).collect()
}

/// The last operations, at most two, that could have left a state in which this one is legal.
fn sources(plan: &Plan, steps: &mut Steps<'_>, event: u32, stuck: &Planned) -> Vec<usize> {
    let known = plan.planned[..plan.opened[event as usize] as usize].iter().map(|planned| (planned.index, planned.kind));
    let unknown = plan.loose.iter().filter(|loose| loose.from <= event).map(|loose| (loose.index, loose.kind));
    let mut fitting: Vec<usize> = known
        .chain(unknown)
        .filter(|(index, kind)| {
            let left = steps.part(*kind).leaves();
            *index != stuck.index && left.is_some_and(|left| steps.step(left, stuck.kind) != Step::Illegal)
        })
        .map(|(index, _)| index as usize)
        .collect();
    fitting.sort_unstable();
    fitting.split_off(fitting.len().saturating_sub(2))
}

/// The states that open operations can lead to from the end of an order, with the operations that do, in each of which `stuck` is illegal;
/// no more than `room`, the nearest.
fn closure(
    plan: &Plan,
    steps: &mut Steps<'_>,
    end: StateId,
    event: u32,
    stuck: &Planned,
    placed: &[usize],
    room: usize,
) -> Vec<(u32, Vec<usize>)> {
    let known = open_at(plan, event)
        .filter(|open| !open.tied && steps.part(open.kind) != Part::Observer)
        .map(|open| (open.index, open.kind, open.returns));
    let unknown = plan.loose.iter().filter(|loose| loose.from <= event && loose.after == NONE);
    let unknown = unknown.map(|loose| (loose.index, loose.kind, u32::MAX));
    let mut open: Vec<(u32, u32, u32)> = known.chain(unknown).filter(|(index, ..)| *index != stuck.index).collect();
    let placed = placed_of(open.iter().map(|(index, ..)| *index as usize), placed);
    open.retain(|(index, ..)| !placed.contains(&(*index as usize)));
    // Those that are known to have taken effect first, in the order of their returns.
    open.sort_by_key(|(index, _, returns)| (*returns, *index));
    let mut found: Vec<(u32, Vec<usize>)> = vec![(end, Vec::new())];
    let mut known = FxHashSet::from_iter([end]);
    let mut next = 0;
    while next < found.len() {
        let (state, after) = found[next].clone();
        next += 1;
        for (index, kind, _) in &open {
            if found.len() >= room {
                return found;
            }
            if after.contains(&(*index as usize)) {
                continue;
            }
            let mut branch = 0;
            while let Some((left, more)) = branch_of(steps, state, *kind, branch) {
                // Breadth first, so that the shortest way to each state is kept.
                if known.insert(left) {
                    found.push((left, [after.as_slice(), &[*index as usize]].concat()));
                }
                branch += 1;
                if !more {
                    break;
                }
            }
        }
    }
    found
}

/// How many operations at the end of an order matter.
const TOLD: usize = 5;
/// How many operations matter most.
const DRAWN: usize = 10;

impl Diagnosis {
    /// The operations that matter most, at most ten, in the order of their invocation: the one that does not fit, what it may have seen,
    /// what was open with it, and the end of the longest order.
    pub fn core(&self) -> Vec<usize> {
        let mut core = vec![self.operation];
        let tail = self.attempts.iter().flat_map(|attempt| attempt.order.last()).chain(self.sources.iter());
        let order = self.attempts.first().into_iter().flat_map(|attempt| attempt.order.iter().rev().take(TOLD));
        for index in tail.chain(&self.unplaced).chain(order) {
            if core.len() < DRAWN && !core.contains(index) {
                core.push(*index);
            }
        }
        core.sort_unstable();
        core
    }
}
