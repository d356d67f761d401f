//! The shortest violated prefix of a key's operations, and the longest orders that lead to its last return.

use crate::check::linearizability::encoding::{StateId, replay};
use crate::check::linearizability::portfolio::{Conclusion, EncodedKey, Refinement, Strategy, consult};
use crate::check::linearizability::report::default_budget;
use crate::check::linearizability::search::{AnySearch, Order, OrderEnd, SearchStatus};
use crate::check::monitor::Opinion;

/// A violated prefix.
pub(super) struct Prefix {
    /// How many returns it has. No order passes the last of them.
    pub(super) limit: u32,
    /// Whether it is known to be the shortest. If not, the budget ended first.
    pub(super) shortest: bool,
    /// Orders of all but the last, each with the state that it leaves.
    pub(super) longest: Vec<(StateId, Vec<usize>)>,
}

/// How long each strategy has its turn at first, and how many times as long the next time.
const TURN: u64 = 4096;
const GROWTH: u64 = 4;
/// How many more, after the first longest order, to find others.
const MORE: u64 = 10_000;
/// How long to search for longest orders where one is known without.
const MONITORED: u64 = 200_000;
/// How many steps of paths may be retraced.
const RETRACED: usize = 1 << 20;

/// Finds it. No order passes the first `limit` returns.
pub(super) fn shortest_violated(key: &mut EncodedKey<'_>, mut limit: u32) -> Prefix {
    let mut budget = default_budget(key.object.timeline().len());
    let monitored = monitored(key, limit);
    if let Some(shortest) = &monitored {
        // A state is as large as what is counted of unknown outcomes.
        (limit, budget) = (shortest.limit, budget.min(MONITORED / (1 + key.encoding.classes.len() as u64 / 64)));
    }
    // Is there an order for all returns but the last? If not, the search says where to ask next.
    // A search cannot come to the end of what is longer than its budget.
    while monitored.is_none() || u64::from(limit) <= budget {
        match beginning(key, limit - 1, &mut budget) {
            Beginning::Ordered(longest) => return Prefix { limit, shortest: true, longest },
            Beginning::Violated(horizon) => limit = horizon,
            Beginning::Unknown => break,
        }
    }
    match monitored {
        Some(known) => Prefix { limit, ..known },
        None => Prefix { limit, shortest: false, longest: Vec::new() },
    }
}

/// Finds it without searching, if that is possible.
fn monitored(key: &mut EncodedKey<'_>, mut violated: u32) -> Option<Prefix> {
    let EncodedKey { encoding, object } = key;
    if consult(&**object, encoding, violated) != Opinion::Violated {
        return None;
    }
    let (mut holds, mut order) = (0, Vec::new());
    // Often no order passes this very return, and that is known with the first question.
    let mut limit = violated - 1;
    while holds + 1 < violated {
        match consult(&**object, encoding, limit) {
            Opinion::Unfit => return None,
            Opinion::Violated => violated = limit,
            Opinion::Order(found) => (holds, order) = (limit, found),
        }
        limit = holds.midpoint(violated);
    }
    let order: Vec<usize> = order.into_iter().take_while(|(_, gap)| *gap < holds).map(|(index, _)| index).collect();
    let state = replay(&mut **object, &order)?;
    Some(Prefix { limit: violated, shortest: true, longest: vec![(state, order)] })
}

/// What is known of the first returns of a history.
enum Beginning {
    /// There are orders: these are some, each with the state that it leaves.
    Ordered(Vec<(StateId, Vec<usize>)>),
    /// There is none, not even of the first so many.
    Violated(u32),
    Unknown,
}

/// Looks for orders that pass the first `limit` returns, with two strategies in turn, as the verdict was found.
fn beginning(key: &mut EncodedKey<'_>, limit: u32, budget: &mut u64) -> Beginning {
    let mut exhaustive = AnySearch::exact(&key.encoding, limit);
    exhaustive.iter_mut().for_each(AnySearch::seek_ends);
    let mut refinement: Option<Refinement> = None;
    let mut allowance = TURN;
    while *budget > 0 && (exhaustive.is_some() || refinement.is_some()) {
        if let Some(search) = &mut exhaustive
            && let Some(found) = search_ends(search, key, limit, allowance, budget)
        {
            return found;
        }
        if allowance == TURN {
            refinement = Refinement::new(&key.encoding, key.object.table(), limit);
        }
        if let Some(strategy) = &mut refinement {
            let before = strategy.states();
            let conclusion = strategy.run(key, allowance.min(*budget));
            *budget = budget.saturating_sub(strategy.states() - before);
            match conclusion {
                Conclusion::Order(order) => {
                    let order = indices(order);
                    if let Some(state) = replay(&mut *key.object, &order) {
                        return Beginning::Ordered(vec![(state, order)]);
                    }
                    refinement = None;
                }
                Conclusion::Violated(horizon) => return Beginning::Violated(horizon),
                Conclusion::Open => {}
            }
        }
        allowance = allowance.saturating_mul(GROWTH);
    }
    Beginning::Unknown
}

/// The turn of the exhaustive search: once it has found one order, it looks for others.
fn search_ends(search: &mut AnySearch, key: &mut EncodedKey<'_>, limit: u32, allowance: u64, budget: &mut u64) -> Option<Beginning> {
    let EncodedKey { encoding, object } = key;
    let before = search.extent().states;
    let mut status = SearchStatus::Paused;
    while status == SearchStatus::Paused && search.ends().is_empty() && search.extent().states < before + allowance.min(*budget) {
        status = search.run(encoding, &mut object.transitions(), TURN);
    }
    *budget = budget.saturating_sub(search.extent().states - before);
    if search.ends().is_empty() {
        return (status == SearchStatus::Exhausted).then(|| Beginning::Violated(search.extent().horizon));
    }
    search.run(encoding, &mut object.transitions(), MORE);
    // To retrace a path takes as long as the path is.
    let ends: Vec<OrderEnd> = search.ends().drain(..).take((RETRACED / limit.max(1) as usize).max(1)).collect();
    let retraced = ends.iter().map(|end| (end.state, indices(search.order_of(encoding, &mut object.transitions(), end))));
    Some(Beginning::Ordered(retraced.collect()))
}

fn indices(order: Order) -> Vec<usize> {
    order.into_iter().map(|(index, _)| index as usize).collect()
}
