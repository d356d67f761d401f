//! All configurations in which one object can be, while its history is made: see [`Online`](super::Online).
//!
//! What happened lately is a *window*: a history of its own, which does not begin in the initial state of the object, but in one of several
//! *starts*. Two questions are asked of it, and both are answered by the search that judges whole histories:
//!
//! - *Is there an order?* It is looked for from each start, and the first that is found is enough. What is still open counts as of unknown
//!   outcome, which is all that can be known of it.
//! - *Where can it end?* Behind a completion before which nothing was invoked that is still open, everything is known that can ever be
//!   known of what came before. There the window is cut: all configurations in which an order can pass that completion are the new starts,
//!   and what had completed by then is forgotten.

use std::collections::BTreeSet;

use super::window::{EncodedWindow, Start, Window, WindowRest};
use crate::base::{ClientId, Time};
use crate::check::linearizability::encoding::InternedModel;
use crate::check::linearizability::search::SearchStatus;
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::Numbered;
use crate::history::Outcome;

/// What is known of an object so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyStatus {
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
pub(super) struct Cadence {
    /// After how many completions it is asked whether there is an order, at least.
    pub(super) look: usize,
    /// With how many completions a window is long enough to be cut.
    pub(super) cut: usize,
    /// About how many completions are forgotten in one step.
    pub(super) step: usize,
}

/// What came of a step of a cut.
enum CutOutcome {
    /// There is nothing left to forget.
    Done,
    /// There is more.
    More,
    /// It would not be much.
    TooLittle,
    /// The budget ended.
    Paused,
    /// There are too many configurations, as long as all is counted.
    TooWide,
}

/// A window is looked at once its part of one in so many was not looked at yet: so a long one costs little more for each completion than a
/// short one.
const SHARE: usize = 32;
/// With so many completions in the window, what was open for half of them does not hold it up any longer.
const LATE: usize = 1 << 16;
/// No cadence is slower where operations of unknown outcome are not counted: so many more orders are possible then that a long window takes
/// too many states.
const SHORT: usize = 128;
/// How many starts are kept.
const KEPT: usize = 1 << 14;

#[derive(Debug)]
pub(super) struct Frontier {
    /// For each operation of the window, its number in the whole history.
    numbers: Vec<usize>,
    starts: Vec<Start>,
    /// How many operations of the window are known to have taken effect.
    returns: usize,
    /// How many are known to have or not, since it was last looked at.
    unchecked: usize,
    /// With how many the window is cut next.
    full: usize,
    cadence: Cadence,
    /// Whose open operation was open for too long.
    late: BTreeSet<ClientId>,
    /// Whether such an operation ended after all, and not as of unknown outcome.
    weakened: bool,
    /// Whether operations of unknown outcome are counted. Once there are too many configurations to do so, each of them may take effect any
    /// number of times, if it leaves one state only. That allows more.
    counting: bool,
    explored: u64,
    /// How many may be, by the end of what is asked now.
    allowed: u64,
}

impl Frontier {
    pub(super) fn new(cadence: Cadence) -> Self {
        Self {
            numbers: Vec::new(),
            starts: vec![Start::default()],
            returns: 0,
            unchecked: 0,
            full: cadence.cut,
            cadence,
            late: BTreeSet::new(),
            weakened: false,
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
        self.numbers.len()
    }

    /// Whether what was found to hold may not: whether something is not held to how it ended, since that came too late, or may have taken
    /// effect more than once.
    pub(super) const fn is_weakened(&self) -> bool {
        self.weakened || !self.counting
    }

    /// An operation of this number was invoked.
    pub(super) fn invoke(&mut self, number: usize) {
        self.numbers.push(number);
    }

    /// The client's open operation ends; if too late, as of unknown outcome.
    pub(super) fn complete<R>(&mut self, client: ClientId, mut outcome: Outcome<R>) -> Outcome<R> {
        if self.late.remove(&client) {
            self.weakened |= !matches!(outcome, Outcome::Unknown);
            outcome = Outcome::Unknown;
        }
        self.returns += usize::from(matches!(outcome, Outcome::Done(_)));
        self.unchecked += usize::from(!matches!(outcome, Outcome::Unknown));
        outcome
    }

    /// Explores at most so many configurations from now on, until more are allowed.
    pub(super) const fn allow(&mut self, budget: u64) {
        self.allowed = self.explored.saturating_add(budget);
    }

    const fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.explored)
    }

    /// Looks at the window, if it is time to.
    pub(super) fn check(&mut self, window: &mut dyn Window) -> KeyStatus {
        if self.unchecked < self.cadence.look || self.unchecked * SHARE < self.returns {
            return KeyStatus::Holds;
        }
        let answer = self.look(window);
        if answer == KeyStatus::Holds && self.returns >= self.full { self.cut(window) } else { answer }
    }

    /// Looks at the window, and makes it as short as it can be.
    pub(super) fn settle(&mut self, window: &mut dyn Window) -> KeyStatus {
        self.full = 0;
        let answer = self.look(window);
        if answer == KeyStatus::Holds { self.cut(window) } else { answer }
    }

    /// From now on, counts no more operations of unknown outcome than it must.
    fn count_less(&mut self) {
        self.counting = false;
        let Cadence { look, cut, step } = &mut self.cadence;
        [look, cut, step].into_iter().for_each(|length| *length = (*length).min(SHORT));
    }

    /// Whether there is an order of all that is known so far.
    pub(super) fn look(&mut self, window: &mut dyn Window) -> KeyStatus {
        if self.unchecked == 0 {
            return KeyStatus::Holds;
        }
        let (mut progress, mut states, mut counts_less) = (SearchStatus::Paused, 0, false);
        window.ask(&mut |object| {
            let encoded = EncodedWindow::new(object, &self.starts, self.counting);
            counts_less = encoded.can_count_less();
            (progress, states) = encoded.order(self.left() / if counts_less { 2 } else { 1 });
            None
        });
        self.explored += states;
        match progress {
            SearchStatus::Found => {
                self.unchecked = 0;
                KeyStatus::Holds
            }
            SearchStatus::Exhausted => self.first_violated(window),
            SearchStatus::Paused | SearchStatus::Full if counts_less => {
                self.count_less();
                self.look(window)
            }
            SearchStatus::Paused | SearchStatus::Full => KeyStatus::GivenUp,
        }
    }

    /// The first completion that was not looked at yet with which the window is violated, if it is with the last; or, if that takes too
    /// long, one of those that follow.
    fn first_violated(&mut self, window: &mut dyn Window) -> KeyStatus {
        let timeline = window.timeline();
        let known = timeline.completions().iter().enumerate().filter(|(_, index)| timeline.outcome(**index) != Outcome::Unknown);
        let mut ranks: Vec<usize> = known.map(|(rank, _)| rank).collect();
        ranks.drain(..ranks.len() - self.unchecked);
        let mut left = 0..ranks.len() - 1;
        while !left.is_empty() {
            let middle = left.start + left.len() / 2;
            let (progress, states) = self.order_until(window, ranks[middle], self.left());
            self.explored += states;
            match progress {
                SearchStatus::Found => left.start = middle + 1,
                SearchStatus::Exhausted => left.end = middle,
                SearchStatus::Paused | SearchStatus::Full => break,
            }
        }
        let index = window.timeline().completions()[ranks[left.end]];
        let at = window.timeline().completed(index).expect("it completed");
        KeyStatus::Violated { operation: self.numbers[index], at }
    }

    /// Whether there is an order of what was known with this completion, which was not looked at yet, and of what was begun by that time.
    fn order_until(&self, window: &dyn Window, rank: usize, budget: u64) -> (SearchStatus, u64) {
        let numbered = window.numbered();
        let (operations, completions) = (numbered.history.operations(), numbered.history.completions());
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
        let part: SubHistory<'_, Numbered<'_>> = SubHistory::new(&numbered.history, &kept, &open);
        // All that a start speaks of was there before this completion, and what it knows the outcome of had ended.
        let place = |index: usize| part.indices.binary_search(&index).expect("starts speak of what came before");
        let starts: Vec<Start> = self.starts.iter().map(|start| start.renamed(place)).collect();
        let (borrowed, states) = (Borrowed::new(&numbered), numbered.starts(starts.len()));
        EncodedWindow::new(&mut InternedModel::starting(&states, &borrowed, &part.history), &starts, self.counting).order(budget)
    }

    /// Forgets what nothing depends on any more, if that is much. There is an order.
    fn cut(&mut self, window: &mut dyn Window) -> KeyStatus {
        let mut steps = 0..;
        loop {
            match (self.forget_some(window), steps.next()) {
                (CutOutcome::Done, _) => return KeyStatus::Holds,
                (CutOutcome::More, _) => self.full = 0,
                (CutOutcome::TooLittle, Some(0)) => return self.wait(window),
                (CutOutcome::Paused, Some(0)) => return KeyStatus::GivenUp,
                (CutOutcome::TooLittle | CutOutcome::Paused | CutOutcome::TooWide, _) => {
                    // What is left may go later.
                    self.full = self.returns + self.cadence.cut;
                    return KeyStatus::Holds;
                }
            }
        }
    }

    /// Forgets some of it.
    fn forget_some(&mut self, window: &mut dyn Window) -> CutOutcome {
        let mut outcome = CutOutcome::Paused;
        window.ask(&mut |object| {
            let mut encoded = EncodedWindow::new(object, &self.starts, self.counting);
            let Some((limit, settled)) = self.settled(&encoded) else {
                outcome = CutOutcome::TooLittle;
                return None;
            };
            let counts_less = encoded.can_count_less();
            let (checkpoints, states) = encoded.checkpoints(limit as u32, self.left() / if counts_less { 2 } else { 1 });
            self.explored += states;
            let Some(checkpoints) = checkpoints.filter(|checkpoints| checkpoints.len() <= KEPT) else {
                outcome = if counts_less { CutOutcome::TooWide } else { CutOutcome::Paused };
                return None;
            };
            debug_assert!(!checkpoints.is_empty(), "there is an order, and so there is one of the beginning");
            let WindowRest { remainder, starts, unknown } = encoded.rest(&checkpoints, limit as u32);
            self.starts = starts;
            let mut kept = remainder.keep.iter();
            self.numbers.retain(|_| kept.next().copied().unwrap_or(true));
            self.returns -= limit;
            // What is of unknown outcome is encoded again each time: the more of that there is, the longer is the window.
            self.full = self.returns + self.cadence.cut.max(unknown / 4);
            outcome = if limit == settled { CutOutcome::Done } else { CutOutcome::More };
            Some(remainder)
        });
        if matches!(outcome, CutOutcome::TooWide) {
            self.count_less();
            return self.forget_some(window);
        }
        outcome
    }

    /// How many returns are to be forgotten in the next step, and how many can be; nothing if those are few.
    fn settled(&self, encoded: &EncodedWindow<'_>) -> Option<(usize, usize)> {
        let timeline = encoded.timeline();
        let open =
            (0..timeline.len()).filter(|index| timeline.completed(*index).is_none() && !self.late.contains(&timeline.client(*index)));
        let since = open.map(|index| timeline.invoked(index)).min();
        let returns = &encoded.encoding.returns;
        let completed = |place: &u32| timeline.completed(encoded.encoding.completed[*place as usize].index as usize);
        let settled = returns.partition_point(|place| since.is_none_or(|since| completed(place) < Some(since)));
        if settled == 0 || 2 * settled < self.full {
            return None;
        }
        // What happened at one instant stays together.
        let mut limit = settled.min(self.cadence.step.max(1));
        while limit < settled && completed(&returns[limit]) == completed(&returns[limit - 1]) {
            limit += 1;
        }
        Some((limit, settled))
    }

    /// Too little would be forgotten: tries again when there is more, or when what is open has been so for too long.
    fn wait(&mut self, window: &mut dyn Window) -> KeyStatus {
        self.full = (self.returns + self.returns / 2).max(self.cadence.cut);
        if self.returns < LATE {
            self.full = self.full.min(LATE);
            return KeyStatus::Holds;
        }
        let timeline = window.timeline();
        let middle = timeline.completed(timeline.completions()[timeline.completions().len() / 2]);
        let late = (0..timeline.len()).filter(|index| timeline.completed(*index).is_none() && Some(timeline.invoked(*index)) < middle);
        let before = self.late.len();
        self.late.extend(late.map(|index| timeline.client(index)));
        if self.late.len() == before {
            return KeyStatus::Holds;
        }
        self.full = 0;
        self.cut(window)
    }
}
