//! The portfolio: several strategies for one key, in turns, behind one trait.
//!
//! None is best everywhere. The exhaustive search begins; what it does not find out soon, a monitor may find without searching; where none
//! fits, refinement and greedy search help out, and what is known of segments between moments of rest, each with as many states as the
//! exhaustive search gets. [`Strategy`] is what they have in
//! common, [`Portfolio::round`] says whose turn it is.

mod exhaustive;
mod greedy;
mod monitors;
mod refinement;
mod registers;
mod segments;
mod strategy;

use self::exhaustive::Exhaustive;
use self::greedy::Greedy;
pub(super) use self::monitors::{Monitors, consult};
pub(super) use self::refinement::Refinement;
use self::segments::Segments;
pub(super) use self::strategy::{Conclusion, EncodedKey, Strategy};
use super::encoding::Encoding;
use super::report::Undecided;
use super::search::Ration;
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
    /// Only from one moment of rest to the next: finds only that there is no order.
    Segments,
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
    /// Once it is needed, if there are moments of rest.
    segments: Option<Segments>,
    given_up: Option<GivenUp>,
}

/// What those had come to that were given up because there was no room for what they held.
#[derive(Clone, Copy, Default)]
struct GivenUp {
    states: u64,
    /// How much was held in all.
    bytes: u64,
    deepest: Option<u32>,
}

/// Whose turn it is.
#[derive(Clone, Copy)]
enum Turn {
    Exhaustive,
    Refinement,
    Greedy,
    Segments,
}

impl<'a> Portfolio<'a> {
    pub(super) fn new(strategies: Strategies, key: EncodedKey<'a>) -> Self {
        let searches = matches!(strategies, Strategies::All | Strategies::Exhaustive);
        let exhaustive = if searches { Exhaustive::new(&key.encoding) } else { None };
        Self { key, strategies, exhaustive, refinement: None, greedy: None, segments: None, given_up: None }
    }

    /// The first round: what can be found out quickly. If that is not enough, the other strategies are made ready.
    pub(super) fn first_round(&mut self, account: &mut Account, states: u64, monitors: Monitors<'_>) -> Conclusion {
        let mut conclusion = self.take_turns(&[Turn::Exhaustive], account, states);
        if matches!(conclusion, Conclusion::Open) && matches!(self.strategies, Strategies::All | Strategies::Monitors) {
            conclusion = monitors.judge(&mut self.key);
        }
        if matches!(conclusion, Conclusion::Open) {
            let EncodedKey { encoding, object } = &self.key;
            if matches!(self.strategies, Strategies::All | Strategies::Refinement) {
                self.refinement = Refinement::new(encoding, object.table(), encoding.returns.len() as u32);
            }
            if matches!(self.strategies, Strategies::All | Strategies::Greedy) {
                self.greedy = Greedy::new(encoding);
            }
            if matches!(self.strategies, Strategies::All | Strategies::Segments) {
                self.segments = Segments::new(encoding, object.table());
            }
        }
        conclusion
    }

    /// A later round. Refinement or the greedy search may be the one that finds out, and the last round leaves nothing to the others: they
    /// take turns in going first. As long as the exhaustive search gets on by itself, the greedy one is not needed.
    pub(super) fn round(&mut self, account: &mut Account, states: u64, greedy_first: bool) -> Conclusion {
        let gets_on = self.exhaustive.as_ref().is_some_and(Exhaustive::gets_on);
        let turns: &[Turn] = match (gets_on, greedy_first) {
            (true, _) => &[Turn::Refinement, Turn::Exhaustive, Turn::Segments],
            (false, true) => &[Turn::Greedy, Turn::Refinement, Turn::Exhaustive, Turn::Segments],
            (false, false) => &[Turn::Refinement, Turn::Greedy, Turn::Exhaustive, Turn::Segments],
        };
        self.take_turns(turns, account, states)
    }

    /// Lets one strategy after the other explore so many states, or as many as are left, until one finds out. One for which there is no
    /// room is given up, which leaves more to the others.
    fn take_turns(&mut self, turns: &[Turn], account: &mut Account, states: u64) -> Conclusion {
        for turn in turns {
            let held = account.elsewhere + self.bytes();
            let key = &mut self.key;
            let strategy = match turn {
                Turn::Exhaustive => dynamic(&mut self.exhaustive),
                Turn::Refinement => dynamic(&mut self.refinement),
                Turn::Greedy => dynamic(&mut self.greedy),
                Turn::Segments => dynamic(&mut self.segments),
            };
            let Some(strategy) = strategy else { continue };
            let (before, own) = (strategy.states(), strategy.bytes() + key.object.table().bytes());
            let bytes = account.bytes.saturating_sub(held - own);
            let conclusion = strategy.run(key, Ration { states: states.min(account.states.saturating_sub(account.spent)), bytes });
            account.spent += strategy.states() - before;
            match conclusion {
                Conclusion::Open => {}
                Conclusion::Full => self.give_up(*turn, account.elsewhere),
                Conclusion::Order(_) | Conclusion::Violated(_) => return conclusion,
            }
        }
        Conclusion::Open
    }

    fn give_up(&mut self, turn: Turn, elsewhere: u64) {
        let held = elsewhere + self.bytes();
        let known = self.given_up.get_or_insert_default();
        known.bytes = known.bytes.max(held);
        known.states += match turn {
            Turn::Exhaustive => {
                let exhaustive = self.exhaustive.take();
                known.deepest = exhaustive.as_ref().map(Exhaustive::deepest);
                exhaustive.map_or(0, |search| search.states())
            }
            Turn::Refinement => self.refinement.take().map_or(0, |search| search.states()),
            Turn::Greedy => self.greedy.take().map_or(0, |search| search.states()),
            Turn::Segments => self.segments.take().map_or(0, |search| search.states()),
        };
    }

    /// Whether another round can find out more.
    pub(super) fn can_go_on(&self) -> bool {
        self.exhaustive.is_some()
            || self.refinement.is_some()
            || self.greedy.is_some()
            || self.segments.as_ref().is_some_and(Segments::can_go_on)
    }

    fn searches(&self) -> impl Iterator<Item = &dyn Strategy> {
        let Self { exhaustive, refinement, greedy, segments, .. } = self;
        let dynamic: [Option<&dyn Strategy>; 4] = [
            exhaustive.as_ref().map(|search| search as _),
            refinement.as_ref().map(|search| search as _),
            greedy.as_ref().map(|search| search as _),
            segments.as_ref().map(|search| search as _),
        ];
        dynamic.into_iter().flatten()
    }

    /// How many bytes the strategies hold, and the states that they share.
    pub(super) fn bytes(&self) -> u64 {
        self.key.object.table().bytes() + self.searches().map(Strategy::bytes).sum::<u64>()
    }

    /// What is known of it while nothing is found out.
    pub(super) fn undecided(&self, key: Key<'_>) -> Undecided {
        let exhaustive = self.exhaustive.as_ref();
        let Encoding { completed, returns, .. } = &self.key.encoding;
        let given_up = self.given_up.unwrap_or_default();
        let furthest = exhaustive.map(Exhaustive::deepest).or(given_up.deepest).and_then(|event| returns.get(event as usize));
        Undecided {
            key: key.to_string(),
            states: given_up.states + self.searches().map(Strategy::states).sum::<u64>(),
            bytes: self.given_up.map(|given_up| given_up.bytes),
            operation: furthest.map(|place| completed[*place as usize].index as usize),
            too_wide: exhaustive.is_none() && self.given_up.is_none(),
        }
    }
}

fn dynamic<S: Strategy>(strategy: &mut Option<S>) -> Option<&mut dyn Strategy> {
    strategy.as_mut().map(|strategy| strategy as &mut dyn Strategy)
}

/// What may be spent in all, and what was.
pub(super) struct Account {
    pub(super) states: u64,
    pub(super) bytes: u64,
    /// How many states were explored.
    pub(super) spent: u64,
    /// How many bytes are held for other keys than the one whose turn it is.
    pub(super) elsewhere: u64,
}
