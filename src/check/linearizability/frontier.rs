//! All configurations in which one object can be, while its history is made: see [`online`](super::online).
//!
//! What happened lately is a *window*: a history of its own, which does not begin in the initial state of the object, but in one of several
//! *starts*. Two questions are asked of it, and both are answered by the search that judges whole histories:
//!
//! - *Is there an order?* It is looked for from each start, and the first that is found is enough. What is still open counts as of unknown
//!   outcome, which is all that anybody can know of it.
//! - *Where can it end?* Behind a completion before which nothing was invoked that is still open, everything is known that can ever be
//!   known of what came before. There the window is cut: all configurations in which an order can pass that completion are the new starts,
//!   and what had completed by then is forgotten.

use std::collections::BTreeSet;

use super::machine::{Machine, Object};
use super::plan::{Loose, NONE, Plan};
use super::search::{Progress, Stand};
use super::{AnySearch, Lent, Part, Tally, whole};
use crate::base::{ClientId, Time};
use crate::check::model::Model;
use crate::history::{History, Outcome};

/// What is known of an object so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Holds,
    /// With the completion of the operation of this number; and not before, if all was counted and the budget allowed to find out.
    Violated {
        operation: usize,
        at: Time,
    },
    /// The budget ended.
    GivenUp,
}

/// How often an object is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// After how many completions it is asked whether there is an order, at least.
    pub(super) look: usize,
    /// With how many completions a window is long enough to be cut.
    pub(super) cut: usize,
    /// About how many completions are forgotten in one step.
    pub(super) step: usize,
}

/// What came of a step of a cut.
enum Cut {
    /// There is nothing left to forget.
    Done,
    /// There is more.
    More,
    /// It would not be much.
    TooLittle,
    /// The budget ended.
    Paused,
}

/// A window is looked at once its part of one in so many was not looked at yet: so a long one costs little more for each completion than a
/// short one.
const SHARE: usize = 32;
/// With so many completions in the window, what was open for half of them does not hold it up any longer.
const LATE: usize = 1 << 16;
/// No pace is slower where operations of unknown outcome are not counted: so many more orders are possible then that a long window takes
/// too many states.
const SHORT: usize = 128;
/// How many starts are kept.
const KEPT: usize = 1 << 14;

/// A configuration in which the window may begin. Operations are told by their indices in the window.
#[derive(Clone, Debug)]
struct Start<S> {
    state: S,
    /// Those that took effect before the window.
    done: Vec<usize>,
    /// Those that need not take effect any more, though they may.
    covered: Vec<usize>,
    /// How many of those of unknown outcome that ask for the same took effect: by one of these.
    used: Vec<(usize, u32)>,
}

#[derive(Debug)]
pub(super) struct Frontier<M: Model> {
    window: History<M::Op, M::Ret>,
    /// For each operation of the window, its number in the whole history.
    numbers: Vec<usize>,
    starts: Vec<Start<M::State>>,
    /// How many operations of the window are known to have taken effect.
    returns: usize,
    /// How many are known to have or not, since it was last looked at.
    unchecked: usize,
    /// With how many the window is cut next.
    full: usize,
    pace: Pace,
    /// Whose open operation was open for too long.
    late: BTreeSet<ClientId>,
    /// Whether such an operation ended after all, and not as of unknown outcome.
    loosened: bool,
    /// Whether operations of unknown outcome are counted. Once there are too many configurations to do so, each of them may take effect any
    /// number of times, if it leaves one state only. That allows more.
    counting: bool,
    explored: u64,
    /// How many may be, by the end of what is asked now.
    allowed: u64,
}

impl<M: Model> Frontier<M> {
    pub(super) fn new(model: &M, pace: Pace) -> Self {
        Self {
            window: History::new(),
            numbers: Vec::new(),
            starts: vec![Start { state: model.initial(), done: Vec::new(), covered: Vec::new(), used: Vec::new() }],
            returns: 0,
            unchecked: 0,
            full: pace.cut,
            pace,
            late: BTreeSet::new(),
            loosened: false,
            counting: true,
            explored: 0,
            allowed: 0,
        }
    }

    /// How many configurations were explored.
    pub(super) const fn states(&self) -> u64 {
        self.explored
    }

    /// How many starts there are.
    pub(super) const fn configurations(&self) -> usize {
        self.starts.len()
    }

    /// How many operations are remembered.
    pub(super) fn operations(&self) -> usize {
        self.window.len()
    }

    /// Whether what was found to hold may not: whether something is not held to how it ended, since that came too late, or may have taken
    /// effect more than once.
    pub(super) const fn is_loosened(&self) -> bool {
        self.loosened || !self.counting
    }

    /// The client, which is idle, invokes an operation, which has this number.
    pub(super) fn invoke(&mut self, at: Time, client: ClientId, op: M::Op, number: usize) {
        self.window.invoke(at, client, op).expect("clients and time were looked at before");
        self.numbers.push(number);
    }

    /// The client's open operation ends.
    pub(super) fn complete(&mut self, at: Time, client: ClientId, mut outcome: Outcome<M::Ret>) {
        if self.late.remove(&client) {
            self.loosened |= outcome != Outcome::Unknown;
            outcome = Outcome::Unknown;
        }
        self.returns += usize::from(matches!(outcome, Outcome::Done(_)));
        self.unchecked += usize::from(outcome != Outcome::Unknown);
        self.window.complete(at, client, outcome).expect("clients and time were looked at before");
    }

    /// Explores at most so many configurations from now on, until more are allowed.
    pub(super) const fn allow(&mut self, budget: u64) {
        self.allowed = self.explored.saturating_add(budget);
    }

    const fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.explored)
    }

    /// Looks at the window, if it is time to.
    pub(super) fn check(&mut self, model: &M) -> Answer {
        if self.unchecked < self.pace.look || self.unchecked * SHARE < self.returns {
            return Answer::Holds;
        }
        let answer = self.look(model);
        if answer == Answer::Holds && self.returns >= self.full { self.cut(model) } else { answer }
    }

    /// Looks at the window, and makes it as short as it can be.
    pub(super) fn settle(&mut self, model: &M) -> Answer {
        self.full = 0;
        let answer = self.look(model);
        if answer == Answer::Holds { self.cut(model) } else { answer }
    }

    /// From now on, counts no more operations of unknown outcome than it must.
    fn count_less(&mut self) {
        self.counting = false;
        let Pace { look, cut, step } = &mut self.pace;
        [look, cut, step].into_iter().for_each(|length| *length = (*length).min(SHORT));
    }

    /// Whether there is an order of all that is known so far.
    pub(super) fn look(&mut self, model: &M) -> Answer {
        if self.unchecked == 0 {
            return Answer::Holds;
        }
        let laid = Laid::new(model, &self.window, &self.starts, self.counting);
        let counts_less = laid.can_count_less();
        let (progress, states) = laid.order(self.left() / if counts_less { 2 } else { 1 });
        self.explored += states;
        match progress {
            Progress::Found => {
                self.unchecked = 0;
                Answer::Holds
            }
            Progress::Exhausted => self.first_violated(model),
            Progress::Paused if counts_less => {
                self.count_less();
                self.look(model)
            }
            Progress::Paused => Answer::GivenUp,
        }
    }

    /// The first completion that was not looked at yet with which the window is violated, if it is with the last; or, if that takes too
    /// long, one of those that follow.
    fn first_violated(&mut self, model: &M) -> Answer {
        let operations = self.window.operations();
        let known = self.window.completions().iter().enumerate().filter(|(_, index)| operations[**index].outcome != Outcome::Unknown);
        let mut ranks: Vec<usize> = known.map(|(rank, _)| rank).collect();
        ranks.drain(..ranks.len() - self.unchecked);
        let mut left = 0..ranks.len() - 1;
        while !left.is_empty() {
            let middle = left.start + left.len() / 2;
            let (progress, states) = self.order_until(model, ranks[middle], self.left());
            self.explored += states;
            match progress {
                Progress::Found => left.start = middle + 1,
                Progress::Exhausted => left.end = middle,
                Progress::Paused => break,
            }
        }
        let index = self.window.completions()[ranks[left.end]];
        let at = self.window.operations()[index].completed.expect("it completed");
        Answer::Violated { operation: self.numbers[index], at }
    }

    /// Whether there is an order of what was known with this completion, which was not looked at yet, and of what was begun by that time.
    fn order_until(&self, model: &M, rank: usize, budget: u64) -> (Progress, u64) {
        let (operations, completions) = (self.window.operations(), self.window.completions());
        let mut over = vec![false; operations.len()];
        completions[..=rank].iter().for_each(|index| over[*index] = true);
        let at = operations[completions[rank]].completed;
        let (mut kept, mut open) = (Vec::new(), Vec::new());
        for (index, operation) in operations.iter().enumerate().take_while(|(_, operation)| Some(operation.invoked) <= at) {
            match &operation.outcome {
                Outcome::Failed if over[index] => {}
                Outcome::Done(_) if over[index] => kept.push(index),
                // Nothing was known of it then.
                _ => open.push(index),
            }
        }
        let part: Part<'_, M> = Part::new(&self.window, &kept, &open);
        // All that a start speaks of was there before this completion, and what it knows the outcome of had ended.
        let place = |index: usize| part.indices.binary_search(&index).expect("starts speak of what came before");
        let places = |indices: &[usize]| indices.iter().map(|index| place(*index)).collect();
        let starts: Vec<Start<M::State>> = self
            .starts
            .iter()
            .map(|start| Start {
                state: start.state.clone(),
                done: places(&start.done),
                covered: places(&start.covered),
                used: start.used.iter().map(|(index, count)| (place(*index), *count)).collect(),
            })
            .collect();
        Laid::new(&Lent(model), &part.history, &starts, self.counting).order(budget)
    }

    /// Forgets what nothing depends on any more, if that is much. There is an order.
    fn cut(&mut self, model: &M) -> Answer {
        let mut steps = 0..;
        loop {
            match (self.step(model), steps.next()) {
                (Cut::Done, _) => return Answer::Holds,
                (Cut::More, _) => self.full = 0,
                (Cut::TooLittle, Some(0)) => return self.wait(model),
                (Cut::Paused, Some(0)) => return Answer::GivenUp,
                (Cut::TooLittle | Cut::Paused, _) => {
                    // What is left may go later.
                    self.full = self.returns + self.pace.cut;
                    return Answer::Holds;
                }
            }
        }
    }

    /// Forgets some of it.
    fn step(&mut self, model: &M) -> Cut {
        let mut laid = Laid::new(model, &self.window, &self.starts, self.counting);
        let operations = self.window.operations();
        let open = operations.iter().filter(|operation| operation.completed.is_none() && !self.late.contains(&operation.client));
        let since = open.map(|operation| operation.invoked).min();
        let completed = |place: &u32| operations[laid.plan.planned[*place as usize].index as usize].completed;
        let settled = laid.plan.returns.partition_point(|place| since.is_none_or(|since| completed(place) < Some(since)));
        if settled == 0 || 2 * settled < self.full {
            return Cut::TooLittle;
        }
        // What happened at one instant stays together.
        let mut limit = settled.min(self.pace.step.max(1));
        while limit < settled && completed(&laid.plan.returns[limit]) == completed(&laid.plan.returns[limit - 1]) {
            limit += 1;
        }
        let counts_less = laid.can_count_less();
        let (stands, states) = laid.stands(limit as u32, self.left() / if counts_less { 2 } else { 1 });
        self.explored += states;
        let Some(stands) = stands.filter(|stands| stands.len() <= KEPT) else {
            if !counts_less {
                return Cut::Paused;
            }
            self.count_less();
            return self.step(model);
        };
        debug_assert!(!stands.is_empty(), "there is an order, and so there is one of the beginning");
        let Laid { machine, plan, counted, .. } = laid;
        let mut keep: Vec<bool> = operations.iter().map(|operation| operation.completed.is_none()).collect();
        plan.planned.iter().for_each(|planned| keep[planned.index as usize] = planned.returns >= limit as u32);
        plan.loose.iter().for_each(|loose| keep[loose.index as usize] = true);
        // Of each class, those that took effect in every configuration are over; and one that is left tells the class. Of one that is not
        // counted, the oldest that will be of unknown outcome for good is enough.
        let mut classes = Vec::with_capacity(plan.classes.len());
        for (class, known) in plan.classes.iter().enumerate() {
            let members = &plan.loose[known.start as usize..][..known.count as usize];
            let ended = |loose: &&Loose| operations[loose.index as usize].completed.is_some();
            if !counted[class] {
                members.iter().filter(ended).skip(1).for_each(|loose| keep[loose.index as usize] = false);
                classes.push((None, 0));
                continue;
            }
            let everywhere = stands.iter().map(|stand| stand.used[class]).min().unwrap_or(0);
            let over = members.iter().take(everywhere as usize).take_while(ended);
            let over = over.map(|loose| keep[loose.index as usize] = false).count();
            classes.push((members.get(over).map(|loose| loose.index as usize), over as u32));
        }
        let renamed: Vec<usize> = keep
            .iter()
            .scan(0, |next, keeps| {
                *next += usize::from(*keeps);
                Some(*next - usize::from(*keeps))
            })
            .collect();
        let starts = stands.into_iter().map(|stand| {
            let indices = |places: &[u32]| places.iter().map(|place| renamed[plan.planned[*place as usize].index as usize]).collect();
            let used = stand.used.iter().zip(&classes).filter_map(|(used, (member, over))| {
                let left = used - over;
                member.filter(|_| left > 0).map(|member| (renamed[member], left))
            });
            Start {
                state: machine.state(stand.state).clone(),
                done: indices(&stand.done),
                covered: indices(&stand.covered),
                used: used.collect(),
            }
        });
        self.starts = starts.collect();
        let unknown = plan.loose.iter().filter(|loose| keep[loose.index as usize]).count();
        self.window.retain(|index| keep[index]);
        let mut kept = keep.iter();
        self.numbers.retain(|_| kept.next().copied().unwrap_or(true));
        self.returns -= limit;
        // What is of unknown outcome is laid out again each time: the more of that there is, the longer is the window.
        self.full = self.returns + self.pace.cut.max(unknown / 4);
        if limit == settled { Cut::Done } else { Cut::More }
    }

    /// Too little would be forgotten: tries again when there is more, or when what is open has been so for too long.
    fn wait(&mut self, model: &M) -> Answer {
        self.full = (self.returns + self.returns / 2).max(self.pace.cut);
        if self.returns < LATE {
            self.full = self.full.min(LATE);
            return Answer::Holds;
        }
        let operations = self.window.operations();
        let middle = operations[self.window.completions()[self.window.completions().len() / 2]].completed;
        let late = operations.iter().filter(|operation| operation.completed.is_none() && Some(operation.invoked) < middle);
        let before = self.late.len();
        self.late.extend(late.map(|operation| operation.client));
        if self.late.len() == before {
            return Answer::Holds;
        }
        self.full = 0;
        self.cut(model)
    }
}

/// A window, laid out for the search.
struct Laid<'a, M: Model> {
    machine: Machine<'a, M>,
    plan: Plan,
    starts: Vec<Stand>,
    /// Whether each class of operations of unknown outcome is counted.
    counted: Vec<bool>,
}

impl<'a, M: Model> Laid<'a, M> {
    fn new(model: &'a M, history: &'a History<M::Op, M::Ret>, starts: &[Start<M::State>], counting: bool) -> Self {
        let mut machine = Machine::new(model, history);
        let mut places = vec![NONE; history.len()];
        let plan = Plan::unfinished(&mut machine, &whole(history), &mut places);
        let mut class_of = vec![NONE; history.len()];
        for (class, known) in plan.classes.iter().enumerate() {
            let members = &plan.loose[known.start as usize..][..known.count as usize];
            members.iter().for_each(|loose| class_of[loose.index as usize] = class as u32);
        }
        let stand = |start: &Start<M::State>| {
            let places = |indices: &[usize]| indices.iter().map(|index| places[*index]).collect();
            let mut used = vec![0; plan.classes.len()];
            start.used.iter().for_each(|(index, count)| used[class_of[*index] as usize] += count);
            Stand { state: machine.state_id(start.state.clone()), done: places(&start.done), covered: places(&start.covered), used }
        };
        let starts = starts.iter().map(stand).collect();
        let counted = if counting { vec![true; plan.classes.len()] } else { plan.must_count(machine.table()) };
        Self { machine, plan, starts, counted }
    }

    /// Whether there is something that is counted and need not be.
    fn can_count_less(&self) -> bool {
        self.counted != self.plan.must_count(self.machine.table())
    }

    /// Nothing if more is open than a search can hold.
    fn search(&mut self, limit: u32) -> Option<AnySearch> {
        let tally = Tally::new(&self.plan.classes, |class| self.counted[class]);
        let mut search = AnySearch::new(&self.plan, limit, tally)?;
        search.start_from(std::mem::take(&mut self.starts));
        Some(search)
    }

    /// Looks for an order, and says how many configurations were explored.
    fn order(mut self, budget: u64) -> (Progress, u64) {
        let returns = self.plan.returns.len() as u32;
        if returns == 0 {
            return (Progress::Found, 0);
        }
        let Some(mut search) = self.search(returns) else { return (Progress::Paused, 0) };
        (search.run(&self.plan, &mut self.machine.steps(), budget), search.states())
    }

    /// All configurations in which an order can pass so many returns, nothing if the budget ends; and how many were explored.
    fn stands(&mut self, limit: u32, budget: u64) -> (Option<Vec<Stand>>, u64) {
        let Some(mut search) = self.search(limit) else { return (None, 0) };
        search.seek_stands();
        let progress = search.run(&self.plan, &mut self.machine.steps(), budget);
        let stands = (progress == Progress::Exhausted).then(|| search.stands(&self.plan, &self.machine.steps()));
        (stands, search.states())
    }
}
