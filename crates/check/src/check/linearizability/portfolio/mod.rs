//! The portfolio: several strategies for one key, in turns, behind one trait.
//!
//! None is best everywhere. The exhaustive search begins; what it does not find out soon, a monitor may find without searching; where none
//! fits, refinement and greedy search help out, each with as many states as the exhaustive search gets. [`Strategy`] is what they have in
//! common, [`Portfolio::round`] says whose turn it is.

mod exhaustive;
mod greedy;
mod monitors;
mod refinement;
mod registers;
mod strategy;

use self::exhaustive::Exhaustive;
use self::greedy::Greedy;
pub(super) use self::monitors::{Monitors, consult};
pub(super) use self::refinement::Refinement;
pub(super) use self::strategy::{Conclusion, EncodedKey, Strategy};
use super::encoding::Encoding;
use super::report::Undecided;
use crate::check::model::Key;

/// Which strategies take part in judging a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategies {
    /// All of them: a little exhaustive search; if that is not enough, an algorithm made for the kind of object, where there is one that
    /// can judge the history; else searching on, in turns with a greedy search, and one that counts operations of unknown outcome only as
    /// far as it has to.
    All,
    /// Only the exhaustive search.
    Exhaustive,
    /// Only abstraction and refinement: the search that counts as little as it has to.
    Refinement,
    /// Only greedy searches: they find some orders sooner, and rarely find that there is none.
    Greedy,
    /// Only algorithms made for the kind of object: see [`monitor`](crate::check::monitor).
    Monitors,
}

/// One key, with the strategies that are at it.
pub(super) struct Portfolio<'a> {
    key: EncodedKey<'a>,
    strategies: Strategies,
    /// None if it does not take part, or if more is open, or unknown, than a search can hold.
    exhaustive: Option<Exhaustive>,
    /// Once it is needed.
    refinement: Option<Refinement>,
    /// Once it is needed.
    greedy: Option<Greedy>,
}

impl<'a> Portfolio<'a> {
    pub(super) fn new(strategies: Strategies, key: EncodedKey<'a>) -> Self {
        let searches = matches!(strategies, Strategies::All | Strategies::Exhaustive);
        let exhaustive = if searches { Exhaustive::new(&key.encoding) } else { None };
        Self { key, strategies, exhaustive, refinement: None, greedy: None }
    }

    /// The first round: what can be found out quickly. If that is not enough, the other strategies are made ready.
    pub(super) fn first_round(&mut self, budget: &mut Budget, allowance: u64, monitors: Monitors<'_>) -> Conclusion {
        let mut monitors = matches!(self.strategies, Strategies::All | Strategies::Monitors).then_some(monitors);
        let conclusion = budget.spend(allowance, &mut self.key, [dynamic(&mut self.exhaustive), dynamic(&mut monitors)]);
        if matches!(conclusion, Conclusion::Open) {
            let EncodedKey { encoding, object } = &self.key;
            if matches!(self.strategies, Strategies::All | Strategies::Refinement) {
                self.refinement = Refinement::new(encoding, object.table(), encoding.returns.len() as u32);
            }
            if matches!(self.strategies, Strategies::All | Strategies::Greedy) {
                self.greedy = Greedy::new(encoding);
            }
        }
        conclusion
    }

    /// A later round. Refinement or the greedy search may be the one that finds out, and the last round leaves nothing to the others: they
    /// take turns in going first. As long as the exhaustive search gets on by itself, the greedy one is not needed.
    pub(super) fn round(&mut self, budget: &mut Budget, allowance: u64, greedy_first: bool) -> Conclusion {
        let gets_on = self.exhaustive.as_ref().is_some_and(Exhaustive::gets_on);
        let greedy = if gets_on { None } else { dynamic(&mut self.greedy) };
        let refinement = dynamic(&mut self.refinement);
        let (first, second) = if greedy_first { (greedy, refinement) } else { (refinement, greedy) };
        budget.spend(allowance, &mut self.key, [first, second, dynamic(&mut self.exhaustive)])
    }

    /// Whether another round can find out more.
    pub(super) fn can_go_on(&self) -> bool {
        self.exhaustive.is_some() || self.refinement.is_some() || self.greedy.is_some()
    }

    /// What is known of it while nothing is found out.
    pub(super) fn undecided(&self, key: Key<'_>) -> Undecided {
        let exhaustive = self.exhaustive.as_ref();
        let Encoding { completed, returns, .. } = &self.key.encoding;
        let furthest = exhaustive.and_then(|search| returns.get(search.deepest() as usize));
        let strategies =
            [exhaustive.map(Strategy::states), self.refinement.as_ref().map(Strategy::states), self.greedy.as_ref().map(Strategy::states)];
        Undecided {
            key: key.to_string(),
            states: strategies.into_iter().flatten().sum(),
            operation: furthest.map(|place| completed[*place as usize].index as usize),
            too_wide: exhaustive.is_none(),
        }
    }
}

fn dynamic<S: Strategy>(strategy: &mut Option<S>) -> Option<&mut dyn Strategy> {
    strategy.as_mut().map(|strategy| strategy as &mut dyn Strategy)
}

/// How many states may be explored in all, and how many were.
pub(super) struct Budget {
    pub(super) states: u64,
    pub(super) spent: u64,
}

impl Budget {
    /// Lets one strategy after the other explore so many states, or as many as are left, until one finds out.
    fn spend<const N: usize>(
        &mut self,
        allowance: u64,
        key: &mut EncodedKey<'_>,
        strategies: [Option<&mut dyn Strategy>; N],
    ) -> Conclusion {
        for strategy in strategies.into_iter().flatten() {
            let before = strategy.states();
            let conclusion = strategy.run(key, allowance.min(self.states.saturating_sub(self.spent)));
            self.spent += strategy.states() - before;
            if !matches!(conclusion, Conclusion::Open) {
                return conclusion;
            }
        }
        Conclusion::Open
    }
}
