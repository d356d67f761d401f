//! The smallest part of a violated history that is still wrong.
//!
//! Four steps make a history smaller: dropping a read, a whole key, or all operations on one item of a container, and taking the outcome of
//! an update for unknown. Each of them only allows more orders: an order of the larger history gives one of the smaller. So if the smaller
//! one is violated, the larger one is, and a [`Core`] is violated on its own. It is *1-minimal*: one more step of any kind, and what is
//! left has an order.
//!
//! Groups come first: keys if only together they are violated, and the items of a container. A few are looked for that are violated by
//! themselves, those next to the operation that [`diagnose`](super::diagnose) names, and then as many of them as can be are dropped.
//!
//! Of what is left, a core is grown first, and then shrunk. It begins with one operation, that same one; all others are dropped or taken
//! for unknown. An order that there still is shows what it gets wrong, and some of that is added, until there is no order. So what is
//! searched stays small however long the history is.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::allowance::Allowance;
use super::diagnosis::suspect;
use crate::base::{Time, sort_by_key, sort_by_numbers};
use crate::check::linearizability::encoding::{KindId, StateId};
use crate::check::linearizability::report::{Judgement, Violation, explanation_budget};
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::{Judged, Numbered, NumberedHistory, Subject};
use crate::check::model::{Model, Next, Role};
use crate::history::History;

/// The smallest part found of one key's operations that has no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// The key, as the model names it; of all those involved, if only together they are violated.
    pub key: String,
    /// The operations that count as recorded, by their indices in the history, in the order of their invocation.
    pub operations: Vec<usize>,
    /// The updates of which nothing is assumed but that they were invoked: each may take effect at any later time, or never. Those that
    /// could change nothing for [`Core::operations`] are left out.
    pub open: Vec<usize>,
    /// The operation whose completion no order of all operations passes, as [`diagnose`](super::diagnose) names it. It need not be in the
    /// core.
    pub suspect: usize,
    /// How many operations there were to begin with.
    pub among: usize,
    /// Whether one step more of any kind is known to leave an order. If not, the budget ended first.
    pub minimal: bool,
    /// How many states were explored in finding it, and operations looked at.
    pub states: u64,
}

/// What one question may cost. A part for which it is too little counts as having an order.
const QUESTION: u64 = 50_000;
/// Parts of so few operations are shrunk in several ways, for the smallest outcome.
const FEW: usize = 300;
/// Of so few, the smallest part is looked for.
const EXACT: usize = 40;

/// Finds the core of a violation, within the [`explanation_budget`].
pub fn shrink<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> Core {
    let allowance = Allowance::new(explanation_budget(history.len()), None);
    let core = shrink_subject(&Judged { model, history }, violation, &allowance);
    Core { states: allowance.spent(), ..core }
}

/// As [`shrink`], within this allowance.
pub(in crate::check) fn shrink_subject(subject: &dyn Subject, violation: &Violation, allowance: &Allowance) -> Core {
    let suspect = allowance.share(allowance.left() / 2, |allowance| suspect(subject, violation, allowance));
    shrink_from(&subject.numbered(), violation, suspect, allowance)
}

/// As [`shrink`], where it is known which operation no order passes.
pub(super) fn shrink_from(model: &Numbered<'_>, violation: &Violation, suspect: usize, allowance: &Allowance) -> Core {
    let mut shrinker = Shrinker::new(model, violation, allowance);
    let found = shrinker.run(suspect);
    Core {
        states: allowance.spent(),
        suspect,
        key: violation.key.clone(),
        open: shrinker.open(&found.kept),
        among: violation.operations.len(),
        operations: found.kept,
        minimal: found.minimal,
    }
}

impl Core {
    /// The core as a history of its own: its operations as they are, and the open ones with unknown outcome. It is violated.
    pub fn sub_history<'h, M: Model>(&self, history: &'h History<M::Op, M::Ret>) -> SubHistory<'h, M> {
        SubHistory::new(history, &self.operations, &self.open)
    }
}

struct Shrinker<'h, 'o> {
    model: &'h Numbered<'o>,
    history: &'h NumberedHistory,
    /// All updates that may have taken effect, with what they do if their outcome is unknown.
    updates: Vec<(usize, Role<StateId>)>,
    /// All operations that are known to have taken effect.
    done: Vec<usize>,
    /// Whether several keys are in question.
    across_keys: bool,
    allowance: &'h Allowance,
    /// Whether it is not known of a group that it cannot be dropped.
    unsure: bool,
}

/// What is known of a part.
enum Trial {
    Violated,
    /// It holds, in this order.
    Order(Vec<usize>),
    Unknown,
}

/// A part that has no order.
#[derive(Clone, Debug)]
struct Violating {
    kept: Vec<usize>,
    minimal: bool,
}

/// What is tried first.
#[derive(Clone, Copy, Debug)]
enum Preference {
    Latest,
    Earliest,
    Updates,
    Reads,
}

/// Updates with what they do if their outcome is unknown, and operations that are known to have taken effect.
type Members<'a> = (&'a [(usize, Role<StateId>)], &'a [usize]);

impl<'h, 'o> Shrinker<'h, 'o> {
    fn new(model: &'h Numbered<'o>, violation: &Violation, allowance: &'h Allowance) -> Self {
        let history = &model.history;
        let operations = history.operations();
        let done = violation.operations.iter().copied().filter(|index| operations[*index].result().is_some()).collect();
        let updates = violation.operations.iter().filter_map(|index| {
            let operation = &operations[*index];
            let reads = model.role(&operation.op, operation.result()).effect() == Role::Observer;
            (!reads).then(|| (*index, model.role(&operation.op, None).effect()))
        });
        Self {
            model,
            history,
            updates: updates.filter(|(_, role)| *role != Role::Observer).collect(),
            done,
            across_keys: violation.across_keys,
            allowance,
            unsure: false,
        }
    }

    fn run(&mut self, suspect: usize) -> Violating {
        let operations = self.history.operations();
        let last = operations[suspect].completed;
        self.drop_groups(suspect);
        // What is left may be violated without it.
        let latest = self.done.iter().copied().max_by_key(|index| (operations[*index].completed, *index));
        let suspect = latest.filter(|_| !self.done.contains(&suspect)).unwrap_or(suspect);
        // With the completion at which the last order dies, all is lost: what completes later need not count.
        let mut prefix = self.done.clone();
        prefix.retain(|index| operations[*index].completed <= last);
        if !matches!(self.ask(&prefix), Trial::Violated) {
            prefix.clone_from(&self.done);
        }
        let grown = if self.across_keys { prefix.clone() } else { self.grow(suspect, &prefix) };
        let mut best = self.reduce(grown.clone(), Preference::Latest);
        let others =
            [(&grown, Preference::Earliest), (&prefix, Preference::Updates), (&prefix, Preference::Reads), (&prefix, Preference::Earliest)];
        for (start, preference) in others {
            if best.kept.len() > 2 && start.len() <= FEW {
                let other = self.reduce(start.clone(), preference);
                if self.cost(&other) < self.cost(&best) {
                    best = other;
                }
            }
        }
        if self.done.len() <= EXACT {
            best = self.fewest(&self.done, best);
        }
        Violating { minimal: best.minimal && !self.unsure, ..best }
    }

    /// The smallest part there is, if it is smaller than this one.
    ///
    /// All that is not in a part that has an order, and could be added to none without losing it, is a set from which every core has an
    /// operation. So the smallest choice out of all such sets that are known is tried: it is a core, or shows one more set.
    fn fewest(&self, prefix: &[usize], best: Violating) -> Violating {
        let chosen = |mask: u64| prefix.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1).map(|(_, index)| *index).collect();
        let mut sets: Vec<u64> = Vec::new();
        let half = self.allowance.left() / 2;
        while self.allowance.left() > half {
            let Some(choice) = smallest_choice(&sets, 0, best.kept.len() as u32) else { break };
            let kept: Vec<usize> = chosen(choice);
            if matches!(self.ask(&kept), Trial::Violated) {
                return self.reduce(kept, Preference::Latest);
            }
            let mask = self.fill(choice, (0, prefix.len()), &chosen);
            let missing = !mask & (u64::MAX >> (64 - prefix.len()));
            if missing == 0 {
                break;
            }
            sets.push(missing);
        }
        best
    }

    /// Adds each of these places that can be without losing the order, as if they were tried one by one.
    fn fill(&self, mask: u64, (from, to): (usize, usize), chosen: &dyn Fn(u64) -> Vec<usize>) -> u64 {
        let filled = mask | (u64::MAX >> (64 - (to - from))) << from;
        if filled == mask || !matches!(self.ask(&chosen(filled)), Trial::Violated) {
            return filled;
        }
        if to - from == 1 {
            return mask;
        }
        let middle = from.midpoint(to);
        self.fill(self.fill(mask, (from, middle), chosen), (middle, to), chosen)
    }

    /// Fewest operations, then fewest clients.
    fn cost(&self, found: &Violating) -> (bool, usize, usize) {
        let clients: BTreeSet<_> = found.kept.iter().map(|index| self.history.operations()[*index].client).collect();
        (!found.minimal, found.kept.len(), clients.len())
    }

    /// Whether there is an order if only these count.
    fn ask(&self, kept: &[usize]) -> Trial {
        if self.allowance.left() == 0 {
            return Trial::Unknown;
        }
        let open = self.open(kept);
        let part: SubHistory<'_, Numbered<'_>> = SubHistory::new(self.history, kept, &open);
        let borrowed = if self.across_keys { Borrowed::new(self.model) } else { Borrowed::pruned(self.model, self.history, kept, &open) };
        let report = self.allowance.judge(&Judged { model: &borrowed, history: &part.history }, QUESTION);
        self.allowance.spend(self.updates.len() as u64 / 4);
        match report.judgement {
            Judgement::Violated { .. } => Trial::Violated,
            Judgement::Holds { witness } => Trial::Order(witness.into_iter().map(|index| part.indices[index]).collect()),
            Judgement::Unknown { .. } => Trial::Unknown,
        }
    }

    /// What an operation can be dropped with: all else on its key, or on its item of a container.
    fn group(&self, index: usize) -> Option<u32> {
        let operation = &self.history.operations()[index];
        if self.across_keys { Some(self.model.part(operation.op) as u32) } else { self.model.item(operation) }
    }

    /// Whole groups that can be dropped are.
    fn drop_groups(&mut self, suspect: usize) {
        let mut groups = self.nearest_groups(suspect);
        let (updates, done) = (self.updates.clone(), self.done.clone());
        let mut count = 1;
        while count < groups.len() && !matches!(self.ask_groups(&groups[..count], (&updates, &done)), Trial::Violated) {
            count *= 2;
        }
        groups.truncate(count);
        // The farthest are tried first.
        groups.reverse();
        let mut step = groups.len().div_ceil(2);
        while step > 0 {
            let mut from = 0;
            while from < groups.len() {
                let fewer = [&groups[..from], &groups[groups.len().min(from + step)..]].concat();
                match self.ask_groups(&fewer, (&updates, &done)) {
                    Trial::Violated => {
                        groups = fewer;
                        continue;
                    }
                    Trial::Order(_) => {}
                    Trial::Unknown => self.unsure |= step == 1,
                }
                from += step;
            }
            step /= 2;
        }
        self.keep_groups(&groups, (&updates, &done));
    }

    /// The groups, those first that lie next to the group of this operation.
    fn nearest_groups(&self, suspect: usize) -> Vec<u32> {
        let own = self.group(suspect);
        let mut members: Vec<usize> = self.done.iter().copied().chain(self.updates.iter().map(|(index, _)| *index)).collect();
        members.sort_unstable();
        members.dedup();
        let centres: Vec<usize> =
            members.iter().copied().filter(|index| *index == suspect || own.is_some() && self.group(*index) == own).collect();
        let mut distances: FxHashMap<u32, usize> = FxHashMap::default();
        for index in members {
            let after = centres.partition_point(|centre| *centre < index);
            let near = centres[after.saturating_sub(1)..].iter().take(2).map(|centre| centre.abs_diff(index)).min().unwrap_or_default();
            if let Some(group) = self.group(index) {
                distances.entry(group).and_modify(|least| *least = near.min(*least)).or_insert(near);
            }
        }
        let mut groups: Vec<u32> = distances.keys().copied().collect();
        sort_by_key(&mut groups, |group| (distances[group], *group));
        groups
    }

    /// Whether there is an order of what is in no group and in these, of all that there was.
    fn ask_groups(&mut self, groups: &[u32], all: Members<'_>) -> Trial {
        self.keep_groups(groups, all);
        self.ask(&self.done)
    }

    fn keep_groups(&mut self, groups: &[u32], (updates, done): Members<'_>) {
        let groups: FxHashSet<u32> = groups.iter().copied().collect();
        let kept = |index: usize| self.group(index).is_none_or(|group| groups.contains(&group));
        let updates = updates.iter().filter(|(index, _)| kept(*index)).cloned().collect();
        let done = done.iter().copied().filter(|index| kept(*index)).collect();
        (self.updates, self.done) = (updates, done);
    }

    /// Adds to the suspect what an order gets wrong, until there is none.
    fn grow(&self, suspect: usize, prefix: &[usize]) -> Vec<usize> {
        let operations = self.history.operations();
        let mut recent: Vec<usize> = prefix.to_vec();
        sort_by_numbers(&mut recent, |index| (operations[*index].completed.map_or(0, Time::as_nanos), *index as u64));
        let mut kept = BTreeSet::from([suspect]);
        for round in 0.. {
            let list: Vec<usize> = kept.iter().copied().collect();
            let order = match self.ask(&list) {
                Trial::Violated => return list,
                Trial::Order(order) => order,
                Trial::Unknown => Vec::new(),
            };
            if list.len() >= prefix.len() {
                break;
            }
            let room = 1_usize << (round / 2).min(30);
            let misplaced = self.misplaced(&order, &kept);
            let missing: Vec<usize> = recent.iter().rev().copied().filter(|index| !kept.contains(index)).take(room).collect();
            kept.extend(misplaced.into_iter().rev().chain(missing).take(room));
        }
        prefix.to_vec()
    }

    /// Operations that count as open, and take effect in this order later than they really can have.
    fn misplaced(&self, order: &[usize], kept: &BTreeSet<usize>) -> Vec<usize> {
        let mut latest = Time::ZERO;
        let mut late = Vec::new();
        for index in order {
            let operation = &self.history.operations()[*index];
            let over = operation.result().and(operation.completed);
            if over.is_some_and(|completed| completed < latest) && !kept.contains(index) {
                late.push(*index);
            }
            latest = latest.max(operation.invoked);
        }
        late
    }

    /// Takes steps as long as there is no order, in the order of the preference, until none is left.
    fn reduce(&self, kept: Vec<usize>, preference: Preference) -> Violating {
        let tried = self.sorted(&kept, preference);
        let mut found = Violating { kept, minimal: true };
        self.drop_each(&mut found, &tried, &Trial::Unknown);
        found
    }

    /// Drops each of these that can be, as if they were tried one by one: what cannot be dropped cannot be with others either, nor when
    /// less is left. `all` is what is known of dropping all of them. Whether all are dropped.
    fn drop_each(&self, found: &mut Violating, tried: &[usize], all: &Trial) -> bool {
        let mut all = all;
        let asked;
        if matches!(all, Trial::Unknown) {
            let dropped: FxHashSet<usize> = tried.iter().copied().collect();
            let fewer: Vec<usize> = found.kept.iter().copied().filter(|index| !dropped.contains(index)).collect();
            asked = self.ask(&fewer);
            all = &asked;
            if matches!(all, Trial::Violated) {
                found.kept = fewer;
                return true;
            }
        }
        match tried.split_at_checked(tried.len() / 2) {
            _ if self.allowance.left() == 0 => found.minimal = false,
            Some((first, second)) if !first.is_empty() => {
                // If the first half is dropped, dropping the second as well is to drop all.
                let halved = self.drop_each(found, first, &Trial::Unknown);
                self.drop_each(found, second, if halved { all } else { &Trial::Unknown });
            }
            _ => found.minimal &= matches!(all, Trial::Order(_)),
        }
        false
    }

    fn sorted(&self, kept: &[usize], preference: Preference) -> Vec<usize> {
        let mut tried = kept.to_vec();
        let updates = |index: &usize| self.updates.binary_search_by_key(index, |(update, _)| *update).is_ok();
        match preference {
            Preference::Latest => tried.reverse(),
            Preference::Earliest => {}
            Preference::Updates => sort_by_numbers(&mut tried, |index| (u64::from(!updates(index)), 0)),
            Preference::Reads => sort_by_numbers(&mut tried, |index| (u64::from(updates(index)), u64::MAX - *index as u64)),
        }
        tried
    }

    /// The updates that do not count as recorded and could still change something for these operations.
    ///
    /// An update that leaves a state in which nothing that matters is possible takes effect in vain: whatever comes next must be possible
    /// in every state and hide it. And of many alike, no order needs more than there are operations to need them; the oldest serve best.
    /// One that was invoked after all that counts had completed comes too late.
    fn open(&self, kept: &[usize]) -> Vec<usize> {
        let operations = self.history.operations();
        let last = kept.iter().filter_map(|index| operations[*index].completed).max().unwrap_or(Time::ZERO);
        let counts = |index: usize| kept.binary_search(&index).is_ok();
        let open: Vec<&(usize, Role<StateId>)> =
            self.updates.iter().filter(|(index, _)| !counts(*index) && operations[*index].invoked <= last).collect();
        let relevance = Relevance::new(self, kept, &open);
        let needs = kept.len() + open.iter().filter(|(_, role)| !matches!(role, Role::Write(_))).count();
        let mut alike: FxHashMap<KindId, (usize, Time)> = FxHashMap::default();
        let mut matters = |index: usize, role: &Role<StateId>| {
            let operation = &operations[index];
            relevance.matters(role) && {
                let (count, latest) = alike.entry(operation.op).or_default();
                *count += 1;
                // At one instant, a client's own doings tell alike operations apart: all of that instant are taken.
                let early = *count <= needs || operation.invoked <= *latest;
                *latest = if early { operation.invoked } else { *latest };
                early || !matches!(role, Role::Write(_))
            }
        };
        open.iter().filter(|(index, role)| matters(*index, role)).map(|(index, _)| *index).collect()
    }
}

/// The fewest places, `taken` among them, that have one from each of these sets; nothing if it takes `limit` or more.
fn smallest_choice(sets: &[u64], taken: u64, limit: u32) -> Option<u64> {
    if taken.count_ones() >= limit {
        return None;
    }
    let missed = sets.iter().filter(|set| **set & taken == 0).min_by_key(|set| set.count_ones());
    let Some(mut missed) = missed.copied() else { return Some(taken) };
    let mut best = None;
    let mut limit = limit;
    while missed != 0 {
        let place = missed & missed.wrapping_neg();
        missed ^= place;
        if let Some(choice) = smallest_choice(sets, taken | place, limit) {
            limit = choice.count_ones();
            best = Some(choice);
        }
    }
    best
}

/// Conclusion out what matters is not worth more comparisons than this.
const COMPARED: usize = 4_000_000;

/// Which states matter.
enum Relevance {
    /// Any might.
    All,
    /// Those in which one of these is possible: they are all that an open write or swap may leave.
    Some(FxHashMap<StateId, bool>),
}

impl Relevance {
    fn new(shrinker: &Shrinker<'_, '_>, kept: &[usize], open: &[&(usize, Role<StateId>)]) -> Self {
        let operations = shrinker.history.operations();
        let model = shrinker.model;
        // What those that count need of the state before them. Two that are alike need the same.
        let mut needs = Vec::new();
        for index in kept {
            let operation = &operations[*index];
            match model.role(&operation.op, operation.result()).effect() {
                Role::Observer | Role::Swap(_) => needs.push(operation),
                // What it makes of a state depends on the state; whether an operation can see the difference, `leads` tells.
                Role::Write(_) | Role::Update => {}
                Role::Read(_) | Role::Exchange { .. } | Role::Other => return Self::All,
            }
        }
        if open.iter().any(|(_, role)| *role == Role::Other) {
            return Self::All;
        }
        if needs.len().saturating_mul(open.len()) > COMPARED {
            return Self::All;
        }
        let mut states: FxHashMap<StateId, bool> = FxHashMap::default();
        for (_, role) in open {
            if let Some(state) = role.leaves() {
                states.entry(*state).or_insert_with(|| {
                    needs.iter().any(|operation| operation.result().is_some_and(|result| model.leads(state, &operation.op, result)))
                });
            }
        }
        // A swap that matters makes the states matter that it starts from. Updates on the preference could make any state one of those.
        let swaps: Vec<&(usize, Role<StateId>)> =
            open.iter().copied().filter(|(_, role)| matches!(role, Role::Swap(_) | Role::Exchange { .. })).collect();
        let grows = kept.iter().any(|index| model.role(&operations[*index].op, operations[*index].result()) == Role::Update)
            || open.iter().any(|(_, role)| *role == Role::Update);
        let mut todo: Vec<StateId> = states.iter().filter(|(_, matters)| **matters).map(|(state, _)| *state).collect();
        while let Some(target) = todo.pop() {
            for (index, _) in swaps.iter().filter(|(_, role)| role.leaves() == Some(&target)) {
                if grows {
                    return Self::All;
                }
                for (state, matters) in &mut states {
                    let moved = !matches!(model.step(state, &operations[*index].op, None), Next::Illegal | Next::Same);
                    if moved && !*matters {
                        *matters = true;
                        todo.push(*state);
                    }
                }
            }
        }
        Self::Some(states)
    }

    fn matters(&self, role: &Role<StateId>) -> bool {
        match (self, role.leaves()) {
            (Self::Some(states), Some(state)) => states.get(state).copied().unwrap_or(true),
            _ => true,
        }
    }
}
