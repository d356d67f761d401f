//! Why there is no order: how far the longest ones reach, and what stopped each.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::allowance::Allowance;
use super::prefix::{OTHERS, Prefix, shortest_violated};
use crate::base::{sort_by, sort_by_numbers};
use crate::check::linearizability::encoding::{
    Completed, Encoding, INITIAL, InternedRole, NONE, Object, StateId, Ties, Transition, Transitions, encode,
};
use crate::check::linearizability::partition::{KeyEvents, whole};
use crate::check::linearizability::portfolio::EncodedKey;
use crate::check::linearizability::product::ProductModel;
use crate::check::linearizability::report::{Violation, explanation_budget};
use crate::check::linearizability::subject::{Judged, Subject};
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
    /// The operations that were open with it and are not role of the longest order.
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

/// How many attempts are kept.
const ATTEMPTS: usize = 6;
/// How many states are looked at that open operations lead to from the ends of orders. Of the many that very many open updates lead to,
/// only the nearest would be shown.
const CLOSURE: usize = 128;

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

/// Finds out why a key is violated, within the [`explanation_budget`]. Explores again, so that a verdict alone costs nothing extra.
pub fn diagnose<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> Diagnosis {
    diagnose_subject(&Judged { model, history }, violation, &Allowance::new(explanation_budget(history.len()), None))
}

/// As [`diagnose`].
pub(super) fn diagnose_subject(subject: &dyn Subject, violation: &Violation, allowance: &Allowance) -> Diagnosis {
    encoded(subject, violation, &mut |key| find(key, violation, allowance))
}

/// Only the [operation](Diagnosis::operation) whose completion no order passes.
pub(super) fn suspect(subject: &dyn Subject, violation: &Violation, allowance: &Allowance) -> usize {
    encoded(subject, violation, &mut |mut key| {
        let prefix = shortest_violated(&mut key, violation.completions as u32, 0, allowance);
        stuck(&key.encoding, &prefix).index as usize
    })
}

/// Has a violated key looked at.
fn encoded<T>(subject: &dyn Subject, violation: &Violation, look: &mut dyn FnMut(EncodedKey<'_>) -> T) -> T {
    let timeline = subject.timeline();
    if violation.across_keys {
        let numbered = subject.numbered();
        let product = ProductModel::new(&numbered);
        return look(encode_key(Judged { model: &product, history: &numbered.history }.object(), &whole(timeline)));
    }
    let mut ours = vec![false; timeline.len()];
    violation.operations.iter().for_each(|index| ours[*index] = true);
    let completed = |index: &usize| ours[*index] && timeline.is_done(*index);
    let completions = timeline.completions().iter().enumerate().filter(|(_, index)| completed(index));
    let events = KeyEvents {
        operations: violation.operations.iter().map(|index| *index as u32).collect(),
        completions: completions.map(|(rank, index)| (*index as u32, rank as u32)).collect(),
    };
    look(encode_key(subject.object(), &events))
}

fn encode_key<'o>(mut object: Box<dyn Object + 'o>, events: &KeyEvents) -> EncodedKey<'o> {
    let length = object.timeline().len();
    let encoding = encode(&mut *object, events, Ties::Concurrent, &mut vec![0; length]);
    EncodedKey { encoding, object }
}

/// The operation whose completion ends the prefix.
fn stuck(encoding: &Encoding, prefix: &Prefix) -> Completed {
    encoding.completed[encoding.returns[prefix.limit as usize - 1] as usize]
}

fn find(mut key: EncodedKey<'_>, violation: &Violation, allowance: &Allowance) -> Diagnosis {
    let prefix = shortest_violated(&mut key, violation.completions as u32, OTHERS, allowance);
    let event = prefix.limit - 1;
    let EncodedKey { encoding, mut object } = key;
    let stuck = stuck(&encoding, &prefix);
    let attempts = attempts(&encoding, &mut *object, &prefix, &stuck);
    let mut unplaced: Vec<usize> = open_at(&encoding, event).map(|open| open.index as usize).collect();
    let placed = placed_of(unplaced.iter().copied(), attempts.first().map(|attempt| attempt.order.as_slice()).unwrap_or_default());
    unplaced.retain(|index| *index != stuck.index as usize && !placed.contains(index));
    let sources = sources(&encoding, &mut object.transitions(), event, &stuck);
    let sourceless =
        object.table().is_plain() && sources.is_empty() && object.transitions().step(INITIAL, stuck.kind) == Transition::Illegal;
    let (key, operation) = (violation.key.clone(), stuck.index as usize);
    Diagnosis { key, sourceless, operation, shortest: prefix.shortest, unplaced, sources, attempts }
}

/// The longest orders, one for each thing that the stuck operation could have returned instead.
fn attempts(encoding: &Encoding, object: &mut dyn Object, prefix: &Prefix, stuck: &Completed) -> Vec<Attempt> {
    let longest = &prefix.longest;
    let room = (CLOSURE / longest.len().max(1)).max(1);
    let mut reached: BTreeMap<StateId, Reached> = BTreeMap::new();
    for (number, (end, before)) in longest.iter().enumerate() {
        for (state, after) in closure(encoding, &mut object.transitions(), *end, prefix.limit - 1, stuck, before, room) {
            let length = before.len() + after.len();
            let known = reached.entry(state).or_insert_with(|| Reached { length: 0, number, after: Vec::new() });
            if length > known.length {
                *known = Reached { length, number, after };
            }
        }
    }
    let mut reached: Vec<(StateId, Reached)> = reached.into_iter().collect();
    sort_by(&mut reached, |(_, a), (_, b)| b.length.cmp(&a.length).then_with(|| a.order(longest).cmp(b.order(longest))));
    let mut attempts: Vec<Attempt> = Vec::new();
    for (state, found) in &reached {
        let expected = object.expected(*state, stuck.kind);
        if attempts.len() < ATTEMPTS && attempts.iter().all(|known| known.expected != expected) {
            attempts.push(Attempt { order: found.order(longest).copied().collect(), expected });
        }
    }
    attempts
}

/// The operations that are open before this return.
fn open_at(encoding: &Encoding, event: u32) -> impl Iterator<Item = &Completed> {
    encoding.completed[..encoding.opened[event as usize] as usize].iter().filter(move |open| open.returns >= event)
}

/// Those of a few operations that are in an order.
fn placed_of(few: impl Iterator<Item = usize>, order: &[usize]) -> FxHashSet<usize> {
    let few: FxHashSet<usize> = few.collect();
    order.iter().copied().filter(|index| few.contains(index)).collect()
}

/// The last operations, at most two, that could have left a state in which this one is legal.
fn sources(encoding: &Encoding, transitions: &mut Transitions<'_>, event: u32, stuck: &Completed) -> Vec<usize> {
    let known = encoding.completed[..encoding.opened[event as usize] as usize].iter().map(|completed| (completed.index, completed.kind));
    let unknown = encoding.indeterminate.iter().filter(|open| open.from <= event).map(|open| (open.index, open.kind));
    let mut fitting: Vec<usize> = known
        .chain(unknown)
        .filter(|(index, kind)| {
            let left = transitions.role(*kind).leaves();
            *index != stuck.index && left.is_some_and(|left| transitions.step(left, stuck.kind) != Transition::Illegal)
        })
        .map(|(index, _)| index as usize)
        .collect();
    fitting.sort_unstable();
    fitting.split_off(fitting.len().saturating_sub(2))
}

/// The states that open operations can lead to from the end of an order, with the operations that do, in each of which `stuck` is illegal;
/// no more than `room`, the nearest.
fn closure(
    encoding: &Encoding,
    transitions: &mut Transitions<'_>,
    end: StateId,
    event: u32,
    stuck: &Completed,
    placed: &[usize],
    room: usize,
) -> Vec<(u32, Vec<usize>)> {
    let known = open_at(encoding, event)
        .filter(|open| !open.tied && transitions.role(open.kind) != InternedRole::Observer)
        .map(|open| (open.index, open.kind, open.returns));
    let unknown = encoding.indeterminate.iter().filter(|open| open.from <= event && open.after == NONE);
    let unknown = unknown.map(|open| (open.index, open.kind, u32::MAX));
    let mut open: Vec<(u32, u32, u32)> = known.chain(unknown).filter(|(index, ..)| *index != stuck.index).collect();
    let placed = placed_of(open.iter().map(|(index, ..)| *index as usize), placed);
    open.retain(|(index, ..)| !placed.contains(&(*index as usize)));
    // Those that are known to have taken effect first, in the order of their returns.
    sort_by_numbers(&mut open, |(index, _, returns)| ((*returns).into(), (*index).into()));
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
            while let Some((left, more)) = transitions.branch(state, *kind, branch) {
                // Breadth first, so that the shortest path to each state is kept.
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
const TAIL: usize = 5;
/// How many operations matter most.
const DRAWN: usize = 10;

impl Diagnosis {
    /// The operations that matter most, at most ten, in the order of their invocation: the one that does not fit, what it may have seen,
    /// what was open with it, and the end of the longest order.
    pub fn core(&self) -> Vec<usize> {
        let mut core = vec![self.operation];
        let tail = self.attempts.iter().flat_map(|attempt| attempt.order.last()).chain(self.sources.iter());
        let order = self.attempts.first().into_iter().flat_map(|attempt| attempt.order.iter().rev().take(TAIL));
        for index in tail.chain(&self.unplaced).chain(order) {
            if core.len() < DRAWN && !core.contains(index) {
                core.push(*index);
            }
        }
        core.sort_unstable();
        core
    }
}
