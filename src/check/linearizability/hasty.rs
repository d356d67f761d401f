//! Searches that hurry: they find an order soon, or most often nothing.
//!
//! A search that chose wrong may find out much later, and then tries everything in between first. These do not. Where every outcome is
//! known, one searches in depth and goes back far when it gets no further: the patient search may be stuck in one place of a long history
//! that other ways pass by. Where some are not, operations of unknown outcome must not be wasted on what could be had without: one
//! searches in breadth, and weighs how far each way came against how many it took. What they find is an order. When they left out
//! something and found none, they begin anew with more patience; each state counts.

use super::AnySearch;
use super::machine::Steps;
use super::plan::Plan;
use super::relaxed::Finding;
use super::search::Progress;

/// So many states may lead no further at first; and how many times as many when it begins anew.
const PATIENCE: u64 = 256;
const GROWTH: u64 = 4;

pub(super) struct Hasty {
    search: AnySearch,
    patience: u64,
    /// Explored by searches given up.
    before: u64,
}

impl Hasty {
    /// Nothing if more is open, or unknown, than a search can hold.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        search(plan, PATIENCE).map(|search| Self { search, patience: PATIENCE, before: 0 })
    }

    pub(super) fn states(&self) -> u64 {
        self.before + self.search.states()
    }

    /// Goes on until there is an answer, or about this many more states were reached.
    pub(super) fn run(&mut self, plan: &Plan, steps: &mut Steps<'_>, budget: u64) -> Finding {
        let end = self.states().saturating_add(budget);
        while self.states() < end {
            let left = end - self.states();
            let progress =
                if plan.loose.is_empty() { self.search.run(plan, steps, left) } else { self.search.run_broad(plan, steps, left) };
            match progress {
                Progress::Paused => break,
                Progress::Found => return Finding::Order(self.search.order(plan, steps)),
                Progress::Exhausted if !self.search.has_leapt() => return Finding::Violated(self.search.horizon()),
                Progress::Exhausted => {
                    self.patience = self.patience.saturating_mul(GROWTH);
                    let Some(search) = search(plan, self.patience) else { break };
                    self.before += self.search.states();
                    self.search = search;
                }
            }
        }
        Finding::Paused
    }
}

fn search(plan: &Plan, patience: u64) -> Option<AnySearch> {
    let mut search = AnySearch::exact(plan, plan.returns.len() as u32)?;
    search.hurry(patience);
    Some(search)
}
