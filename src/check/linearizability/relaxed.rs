//! A search that counts only what it has to.
//!
//! It starts with counting no operation of unknown outcome that leaves one state only, a write or a swap: each may take effect any number
//! of times once it was invoked. So the number of configurations does not depend on how many there are. If there is no order even so, there
//! is none. If there is one, it may take more of a class than there are, or before they were invoked. Then another search takes no more on
//! any one way than there are; what it finds is an order. If it finds none, the classes of which it had too few are counted from then on,
//! and all begins anew (as in counterexample-guided abstraction refinement, E. Clarke et al., 2000). At the end everything is counted, and
//! it is the search it stands for.

use super::AnySearch;
use super::loose::{Class, Tally};
use super::machine::{Steps, Table};
use super::plan::Plan;
use super::search::{Order, Progress};

pub(super) struct Relaxed {
    /// How many returns are to be passed.
    limit: u32,
    /// By class.
    counted: Vec<bool>,
    search: AnySearch,
    /// Whether the search takes no more on any way than there are: then only what it finds counts.
    sparing: bool,
    /// Explored by searches given up.
    before: u64,
}

/// What came of it.
pub(super) enum Finding {
    Order(Order),
    /// No order passes so many returns.
    Violated(u32),
    Paused,
}

impl Relaxed {
    /// Nothing if everything is counted anyway, or more is open than a search can hold.
    pub(super) fn new(plan: &Plan, table: &Table, limit: u32) -> Option<Self> {
        let counted = plan.must_count(table);
        let search = if counted.iter().all(|counted| *counted) { None } else { search(plan, limit, &counted) };
        search.map(|search| Self { limit, counted, search, sparing: false, before: 0 })
    }

    pub(super) fn states(&self) -> u64 {
        self.before + self.search.states()
    }

    /// Goes on until there is an answer, or about this many more states were reached.
    pub(super) fn run(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Finding {
        let end = self.states().saturating_add(budget);
        while self.states() < end {
            match self.search.run(plan, steps, end - self.states()) {
                Progress::Paused => break,
                Progress::Exhausted if self.sparing => {
                    let short = self.search.short();
                    let all = !short.contains(&true);
                    self.counted.iter_mut().zip(short).for_each(|(counted, short)| *counted |= short || all);
                    if !self.begin_anew(plan, false) {
                        break;
                    }
                }
                Progress::Exhausted => return Finding::Violated(self.search.horizon()),
                Progress::Found => {
                    let mut order = self.search.order(plan, steps);
                    let overused = self.settle(plan, &mut order);
                    if overused.is_empty() {
                        return Finding::Order(order);
                    }
                    if !self.begin_anew(plan, true) {
                        break;
                    }
                }
            }
        }
        Finding::Paused
    }

    /// Whether that could be done.
    fn begin_anew(&mut self, plan: &Plan, sparing: bool) -> bool {
        let Some(mut search) = search(plan, self.limit, &self.counted) else { return false };
        if sparing {
            search.spare(plan);
        }
        self.before += self.search.states();
        (self.search, self.sparing) = (search, sparing);
        true
    }

    /// Lets the operations of each class take effect in their order, the oldest first; says of which classes there are too few in time.
    fn settle(&self, plan: &Plan, order: &mut Order) -> Vec<usize> {
        let mut taken = vec![0; plan.classes.len()];
        let mut oldest: Vec<(u32, usize)> = (0..plan.classes.len())
            .filter(|class| !self.counted[*class])
            .map(|class| (plan.loose[plan.classes[class].start as usize].index, class))
            .collect();
        oldest.sort_unstable();
        let mut overused = vec![false; plan.classes.len()];
        for (index, rank) in order {
            let Ok(found) = oldest.binary_search_by_key(index, |(index, _)| *index) else { continue };
            let class = oldest[found].1;
            let event = plan.ranks.partition_point(|other| other < rank) as u32;
            let Class { start, count, .. } = plan.classes[class];
            let next = &plan.loose[(start + taken[class].min(count - 1)) as usize];
            overused[class] |= taken[class] >= count || next.from > event;
            *index = next.index;
            taken[class] += 1;
        }
        (0..overused.len()).filter(|class| overused[*class]).collect()
    }
}

fn search(plan: &Plan, limit: u32, counted: &[bool]) -> Option<AnySearch> {
    AnySearch::new(plan, limit, Tally::new(&plan.classes, |class| counted[class]))
}
