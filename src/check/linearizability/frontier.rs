//! All configurations in which one object can be, while its history is made: see [`online`](super::online).

use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::FxHashSet;

use super::machine::{Interner, StateId};
use crate::check::model::{Model, Role};

const NONE: StateId = StateId::MAX;

/// What a completion leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    Violated,
    /// Too many configurations: this object is not followed any more.
    GivenUp,
}

/// What can be said of an operation whose answer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It changes nothing.
    Observer,
    /// It leaves one state, and its answer tells nothing: others may hide just before it.
    Write,
    /// It changes the state, and its answer tells nothing.
    Update,
    /// Its answer may tell where it took effect.
    Telling,
}

impl Sort {
    fn of<M: Model>(model: &M, op: &M::Op) -> Self {
        match model.role(op, None) {
            Role::Observer | Role::Read(_) => Self::Observer,
            Role::Write(_) if model.is_silent(op) => Self::Write,
            Role::Update if model.is_silent(op) => Self::Update,
            _ => Self::Telling,
        }
    }

    /// For one whose answer nobody will ever know.
    fn of_unknown<M: Model>(model: &M, op: &M::Op) -> Self {
        match model.role(op, None) {
            Role::Observer | Role::Read(_) => Self::Observer,
            Role::Write(_) => Self::Write,
            Role::Update => Self::Update,
            _ => Self::Telling,
        }
    }

    const fn is_silent(self) -> bool {
        matches!(self, Self::Write | Self::Update)
    }
}

/// An open operation.
#[derive(Debug)]
struct Call<O> {
    op: O,
    sort: Sort,
    /// How many operations had been invoked.
    since: u64,
}

/// Operations of unknown outcome that ask for the same.
#[derive(Debug)]
struct Class<O> {
    op: O,
    sort: Sort,
    count: u32,
    /// When the oldest was invoked.
    since: u64,
}

/// What became of an open operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Fate {
    /// There is none.
    Free,
    /// It has not taken effect; its answer tells nothing.
    Open,
    /// It need not take effect any more, though it still may: it could have, where nobody would have noticed.
    Covered,
    /// It has not taken effect, and has seen these states. Before the last write that hides what came before, and with which it was open,
    /// it may also have seen what others left that are still to take effect.
    Seeing { seen: BTreeSet<StateId>, hidden: u64 },
    /// It took effect in one state and left another. If its answer tells nothing, neither is remembered.
    Done { before: StateId, after: StateId },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Configuration {
    state: StateId,
    /// By slot.
    fates: Vec<Fate>,
    /// By class: how many took effect.
    used: Vec<u32>,
}

/// What is left to do in one configuration, while a completion is passed.
struct Node {
    configuration: Configuration,
    /// Whether the last to take effect was a write that need not have yet. Another write would hide it, and could go without it.
    unseen: bool,
}

#[derive(Debug)]
pub(super) struct Frontier<M: Model> {
    states: Interner<M::State>,
    /// How many states to know before those that nothing refers to are forgotten.
    full: usize,
    slots: Vec<Option<Call<M::Op>>>,
    classes: Vec<Class<M::Op>>,
    configurations: Vec<Configuration>,
    invoked: u64,
    explored: u64,
    given_up: bool,
}

/// How many configurations are compared with one another, to drop those that can do no more than others.
const COMPARED: usize = 256;
/// How many are kept.
const KEPT: usize = 1 << 16;
const FULL: usize = 256;

impl<M: Model> Frontier<M> {
    pub(super) fn new(model: &M) -> Self {
        let mut states = Interner::new();
        let state = states.intern(model.initial());
        Self {
            states,
            full: FULL,
            slots: Vec::new(),
            classes: Vec::new(),
            configurations: vec![Configuration { state, fates: Vec::new(), used: Vec::new() }],
            invoked: 0,
            explored: 0,
            given_up: false,
        }
    }

    pub(super) const fn states(&self) -> u64 {
        self.explored
    }

    pub(super) const fn len(&self) -> usize {
        self.configurations.len()
    }

    /// Opens an operation and says in which slot.
    pub(super) fn invoke(&mut self, model: &M, op: M::Op) -> usize {
        self.invoked += 1;
        let slot = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.configurations.iter_mut().for_each(|configuration| configuration.fates.push(Fate::Free));
            self.slots.len() - 1
        });
        let sort = Sort::of(model, &op);
        let mut configurations = std::mem::take(&mut self.configurations);
        for configuration in &mut configurations {
            let state = configuration.state;
            configuration.fates[slot] = match sort {
                Sort::Write | Sort::Update if self.next(model, state, &op, None).contains(&state) => Fate::Covered,
                Sort::Write | Sort::Update => Fate::Open,
                Sort::Observer | Sort::Telling => Fate::Seeing { seen: BTreeSet::from([state]), hidden: 0 },
            };
        }
        self.configurations = configurations;
        self.slots[slot] = Some(Call { op, sort, since: self.invoked });
        slot
    }

    /// The operation in this slot turns out not to have taken effect.
    pub(super) fn failed(&mut self, model: &M, slot: usize) -> Answer {
        let configurations = std::mem::take(&mut self.configurations);
        let without = configurations.into_iter().filter(|configuration| !matches!(configuration.fates[slot], Fate::Done { .. }));
        let without = without.map(|configuration| freed(configuration, slot)).collect();
        self.slots[slot] = None;
        self.settle(model, without)
    }

    /// Nobody will ever know what became of the operation in this slot.
    pub(super) fn unknown(&mut self, model: &M, slot: usize) -> Answer {
        let call = self.slots[slot].take().expect("what ends is open");
        let mut configurations = std::mem::take(&mut self.configurations);
        if call.sort != Sort::Observer {
            let class = self.classes.iter().position(|class| class.op == call.op).unwrap_or_else(|| {
                let sort = Sort::of_unknown(model, &call.op);
                self.classes.push(Class { op: call.op, sort, count: 0, since: call.since });
                configurations.iter_mut().for_each(|configuration| configuration.used.push(0));
                self.classes.len() - 1
            });
            let known = &mut self.classes[class];
            known.count += 1;
            known.since = known.since.min(call.since);
            for configuration in &mut configurations {
                configuration.used[class] += u32::from(matches!(configuration.fates[slot], Fate::Done { .. }));
            }
        }
        let without = configurations.into_iter().map(|configuration| freed(configuration, slot)).collect();
        self.settle(model, without)
    }

    /// The operation in this slot took effect and returned this. Explores at most about so many configurations.
    pub(super) fn done(&mut self, model: &M, slot: usize, ret: &M::Ret, budget: u64) -> Answer {
        let call = self.slots[slot].take().expect("what ends is open");
        let role = model.role(&call.op, Some(ret));
        let pure = matches!(role, Role::Observer | Role::Read(_));
        let returning = Returning { slot, op: &call.op, ret, pure, write: matches!(role, Role::Write(_)) };
        let end = self.explored.saturating_add(budget);
        let mut passed = BTreeSet::new();
        for configuration in std::mem::take(&mut self.configurations) {
            let mut over = false;
            match &configuration.fates[slot] {
                Fate::Free | Fate::Open => {}
                Fate::Covered => {
                    let mut configuration = freed(configuration.clone(), slot);
                    if let Role::Write(left) = &role {
                        let left = self.states.intern(left.clone());
                        show(&mut configuration, left, call.since);
                    }
                    passed.insert(configuration);
                }
                Fate::Done { before: NONE, .. } => {
                    passed.insert(freed(configuration.clone(), slot));
                    over = true;
                }
                Fate::Done { before, after } => {
                    if self.next(model, *before, &call.op, Some(ret)).contains(after) {
                        passed.insert(freed(configuration.clone(), slot));
                    }
                    over = true;
                }
                Fate::Seeing { seen, hidden } => {
                    if seen.iter().any(|state| self.next(model, *state, &call.op, Some(ret)).contains(state)) {
                        passed.insert(freed(configuration.clone(), slot));
                        over = pure;
                    } else if *hidden > 0 {
                        self.look_back(model, &configuration, *hidden, &returning, &mut passed);
                    }
                }
            }
            if !over {
                self.explore(model, configuration, &returning, end, &mut passed);
            }
        }
        if self.explored >= end || passed.len() > KEPT {
            self.given_up = true;
        }
        self.settle(model, passed.into_iter().collect())
    }

    /// Passes a return that saw what some other operation left just before the last write that hid it.
    fn look_back(
        &mut self,
        model: &M,
        configuration: &Configuration,
        hidden: u64,
        returning: &Returning<'_, M>,
        passed: &mut BTreeSet<Configuration>,
    ) {
        let slots = (0..self.slots.len()).filter_map(|slot| {
            let call = self.slots[slot].as_ref()?;
            let open = matches!(configuration.fates[slot], Fate::Open | Fate::Covered);
            (open && call.sort == Sort::Write && call.since <= hidden).then_some((&call.op, Some(slot), 0))
        });
        let classes = self.classes.iter().enumerate().filter_map(|(place, class)| {
            let left = configuration.used[place] < class.count;
            (left && class.sort == Sort::Write && class.since <= hidden).then_some((&class.op, None, place))
        });
        let mut found = Vec::new();
        for (op, slot, class) in slots.chain(classes) {
            let Role::Write(state) = model.role(op, None) else { continue };
            if model.step(&state, returning.op, Some(returning.ret)).states(&state).contains(&state) {
                found.push((state, slot, class));
            }
        }
        for (state, slot, class) in found {
            let state = self.states.intern(state);
            let mut next = freed(configuration.clone(), returning.slot);
            match slot {
                Some(slot) => next.fates[slot] = Fate::Done { before: NONE, after: NONE },
                None => next.used[class] += 1,
            }
            // Others that were open then saw it, too.
            show(&mut next, state, 0);
            passed.insert(next);
        }
    }

    /// Lets other operations take effect as far as the returning one may need it, and then that one.
    fn explore(
        &mut self,
        model: &M,
        configuration: Configuration,
        returning: &Returning<'_, M>,
        end: u64,
        passed: &mut BTreeSet<Configuration>,
    ) {
        let plain = |sort: Sort| matches!(sort, Sort::Write | Sort::Observer);
        // What a write hides that others left need not have been there, unless one of those tells of it.
        let direct = returning.write
            && self.slots.iter().flatten().all(|call| plain(call.sort))
            && self.classes.iter().all(|class| plain(class.sort));
        let mut known = FxHashSet::default();
        let mut todo = vec![Node { configuration: freed(configuration, returning.slot), unseen: false }];
        while let Some(Node { configuration, unseen }) = todo.pop() {
            if self.explored >= end {
                return;
            }
            self.explored += 1;
            let state = configuration.state;
            let mut stays = false;
            if !(unseen && returning.write) {
                for next in self.next(model, state, returning.op, Some(returning.ret)) {
                    stays |= next == state && returning.pure;
                    let mut configuration = configuration.clone();
                    self.land(model, &mut configuration, next, returning.write);
                    passed.insert(configuration);
                }
            }
            if stays || direct {
                continue;
            }
            let mut reached = Vec::new();
            for slot in 0..self.slots.len() {
                let Some(call) = &self.slots[slot] else { continue };
                let sort = call.sort;
                let over = matches!(configuration.fates[slot], Fate::Free | Fate::Done { .. });
                if over || sort == Sort::Observer || (unseen && sort == Sort::Write) {
                    continue;
                }
                let left = model.step(self.states.get(state), &call.op, None).states(self.states.get(state));
                for after in left {
                    let after = self.states.intern(after);
                    let fate =
                        if sort.is_silent() { Fate::Done { before: NONE, after: NONE } } else { Fate::Done { before: state, after } };
                    reached.push((after, sort, Some((slot, fate)), 0));
                }
            }
            for (place, class) in self.classes.iter().enumerate() {
                if configuration.used[place] == class.count || (unseen && class.sort == Sort::Write) {
                    continue;
                }
                for after in model.step(self.states.get(state), &class.op, None).states(self.states.get(state)) {
                    reached.push((self.states.intern(after), class.sort, None, place));
                }
            }
            for (after, sort, slot, class) in reached {
                if after == state {
                    continue;
                }
                let mut configuration = configuration.clone();
                match slot {
                    Some((slot, fate)) => configuration.fates[slot] = fate,
                    None => configuration.used[class] += 1,
                }
                self.land(model, &mut configuration, after, sort == Sort::Write);
                let unseen = sort == Sort::Write;
                if known.insert((configuration.clone(), unseen)) {
                    todo.push(Node { configuration, unseen });
                }
            }
        }
    }

    /// The object is in this state now: who is open sees it. A write covers what could have taken effect just before it.
    fn land(&mut self, model: &M, configuration: &mut Configuration, state: StateId, write: bool) {
        configuration.state = state;
        for (slot, fate) in configuration.fates.iter_mut().enumerate() {
            match fate {
                Fate::Open if write => *fate = Fate::Covered,
                Fate::Open => {
                    let here = self.states.get(state);
                    let call = self.slots[slot].as_ref().expect("what has a fate is open");
                    if model.step(here, &call.op, None).states(here).contains(here) {
                        *fate = Fate::Covered;
                    }
                }
                Fate::Seeing { seen, hidden } => {
                    seen.insert(state);
                    if write {
                        *hidden = self.invoked;
                    }
                }
                Fate::Free | Fate::Covered | Fate::Done { .. } => {}
            }
        }
    }

    fn next(&mut self, model: &M, state: StateId, op: &M::Op, ret: Option<&M::Ret>) -> Vec<StateId> {
        let here = self.states.get(state);
        let next = model.step(here, op, ret).states(here);
        next.into_iter().map(|state| self.states.intern(state)).collect()
    }

    /// These are left: drops those that can do no more than others, and forgets states that are gone.
    fn settle(&mut self, model: &M, mut left: Vec<Configuration>) -> Answer {
        if self.given_up {
            // What is open still has to be accounted for.
            left.truncate(1);
            if left.is_empty() {
                let state = self.states.intern(model.initial());
                left.push(Configuration { state, fates: vec![Fate::Free; self.slots.len()], used: vec![0; self.classes.len()] });
            }
            self.configurations = left;
            return Answer::GivenUp;
        }
        if left.len() <= COMPARED {
            let mut kept: Vec<Configuration> = Vec::with_capacity(left.len());
            for configuration in left {
                if !kept.iter().any(|known| known.dominates(&configuration)) {
                    kept.retain(|known| !configuration.dominates(known));
                    kept.push(configuration);
                }
            }
            left = kept;
        }
        self.configurations = left;
        if self.states.len() > self.full {
            self.forget();
        }
        if self.configurations.is_empty() { Answer::Violated } else { Answer::Holds }
    }

    /// Numbers the states anew that something refers to.
    fn forget(&mut self) {
        let old = std::mem::replace(&mut self.states, Interner::new());
        let mut renamed = vec![NONE; old.len()];
        let states = &mut self.states;
        let mut rename = |state: &mut StateId| {
            if *state != NONE {
                let new = &mut renamed[*state as usize];
                if *new == NONE {
                    *new = states.intern(old.get(*state).clone());
                }
                *state = *new;
            }
        };
        for configuration in &mut self.configurations {
            rename(&mut configuration.state);
            for fate in &mut configuration.fates {
                match fate {
                    Fate::Done { before, after } => {
                        rename(before);
                        rename(after);
                    }
                    Fate::Seeing { seen, .. } => {
                        *seen = seen
                            .iter()
                            .map(|state| {
                                let mut state = *state;
                                rename(&mut state);
                                state
                            })
                            .collect();
                    }
                    Fate::Free | Fate::Open | Fate::Covered => {}
                }
            }
        }
        self.full = FULL.max(4 * self.states.len());
    }
}

/// The operation whose completion is being passed.
struct Returning<'r, M: Model> {
    slot: usize,
    op: &'r M::Op,
    ret: &'r M::Ret,
    /// Whether it changes nothing.
    pure: bool,
    /// Whether it is legal everywhere, and leaves one state.
    write: bool,
}

/// What this one left, just before the last write, was seen by all that were open with that; if the one that left it was, too.
fn show(configuration: &mut Configuration, state: StateId, since: u64) {
    for fate in &mut configuration.fates {
        if let Fate::Seeing { seen, hidden } = fate
            && *hidden > 0
            && since <= *hidden
        {
            seen.insert(state);
        }
    }
}

fn freed(mut configuration: Configuration, slot: usize) -> Configuration {
    configuration.fates[slot] = Fate::Free;
    configuration
}

impl Configuration {
    /// Whether whatever can come of the other can come of this one.
    fn dominates(&self, other: &Self) -> bool {
        let fate = |pair: (&Fate, &Fate)| match pair {
            (Fate::Covered, Fate::Open | Fate::Covered | Fate::Done { .. }) => true,
            (Fate::Seeing { seen, hidden }, Fate::Seeing { seen: other, hidden: other_hidden }) => {
                hidden >= other_hidden && seen.is_superset(other)
            }
            (one, other) => one == other,
        };
        self.state == other.state
            && self.used.iter().zip(&other.used).all(|(used, other)| used <= other)
            && self.fates.iter().zip(&other.fates).all(fate)
    }
}
