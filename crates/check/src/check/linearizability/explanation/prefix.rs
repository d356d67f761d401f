//! The shortest violated prefix of a key's operations, and the longest orders that lead to its last return.

use super::allowance::Allowance;
use crate::check::linearizability::encoding::{StateId, replay};
use crate::check::linearizability::portfolio::{Conclusion, EncodedKey, Refinement, Strategy, consult};
use crate::check::linearizability::search::{AnySearch, Order, OrderEnd, SearchStatus};
use crate::check::monitor::Opinion;

/// A violated prefix.
#[derive(Clone)]
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
/// How many states to explore after the first longest order, to find others.
pub(super) const OTHERS: u64 = 10_000;
/// How long to search for longest orders where one is known without.
const MONITORED: u64 = 200_000;
/// How many steps of paths may be retraced.
const RETRACED: usize = 1 << 20;

/// Finds it. No order passes the first `limit` returns. For so many states, if any, other longest orders are looked for besides the first.
pub(super) fn shortest_violated(key: &mut EncodedKey<'_>, mut limit: u32, others: u64, allowance: &Allowance) -> Prefix {
    let monitored = monitored(key, limit);
    if let Some(known) = monitored.as_ref().filter(|_| others == 0) {
        return known.clone();
    }
    let mut states = allowance.left();
    if let Some(shortest) = &monitored {
        // A state is as large as what is counted of unknown outcomes.
        (limit, states) = (shortest.limit, MONITORED / (1 + key.encoding.classes.len() as u64 / 64));
    }
    let searched = allowance.share(states, |allowance| {
        // Is there an order for all returns but the last? If not, the search says where to ask next.
        // A search cannot come to the end of what is longer than its budget.
        while monitored.is_none() || u64::from(limit) <= allowance.left() {
            match beginning(key, &Sought { limit: limit - 1, others, allowance }) {
                Beginning::Ordered(longest) => return Some(longest),
                Beginning::Violated(horizon) => limit = horizon,
                Beginning::Unknown => break,
            }
        }
        None
    });
    match (searched, monitored) {
        (Some(longest), _) => Prefix { limit, shortest: true, longest },
        (None, Some(known)) => Prefix { limit, ..known },
        (None, None) => Prefix { limit, shortest: false, longest: Vec::new() },
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

/// What is looked for: orders of the first `limit` returns. For so many states others are, once one is found.
struct Sought<'a> {
    limit: u32,
    others: u64,
    allowance: &'a Allowance,
}

/// Looks for orders that pass the first `limit` returns, with two strategies in turn, as the verdict was found.
fn beginning(key: &mut EncodedKey<'_>, sought: &Sought<'_>) -> Beginning {
    let Sought { limit, allowance, .. } = *sought;
    let mut exhaustive = AnySearch::exact(&key.encoding, limit);
    exhaustive.iter_mut().for_each(AnySearch::seek_ends);
    let mut refinement: Option<Refinement> = None;
    let mut turn = TURN;
    while allowance.left() > 0 && (exhaustive.is_some() || refinement.is_some()) {
        if let Some(search) = &mut exhaustive {
            match search_ends(search, key, turn, sought) {
                Ok(Some(found)) => return found,
                Ok(None) => {}
                Err(NoRoom) => exhaustive = None,
            }
        }
        if turn == TURN {
            refinement = Refinement::new(&key.encoding, key.object.table(), limit);
        }
        if let Some(strategy) = &mut refinement {
            let (before, operations) = (strategy.states(), key.object.timeline().len());
            let conclusion = strategy.run(key, allowance.ration(turn, operations));
            allowance.spend(strategy.states() - before);
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
                Conclusion::Full => refinement = None,
            }
        }
        turn = turn.saturating_mul(GROWTH);
    }
    Beginning::Unknown
}

/// A search holds as much as it may.
struct NoRoom;

/// The turn of the exhaustive search: once it has found one order, it looks for others.
fn search_ends(search: &mut AnySearch, key: &mut EncodedKey<'_>, turn: u64, sought: &Sought<'_>) -> Result<Option<Beginning>, NoRoom> {
    let Sought { limit, others, allowance } = *sought;
    let EncodedKey { encoding, object } = key;
    let (before, operations) = (search.extent().states, object.timeline().len());
    let mut status = SearchStatus::Paused;
    while status == SearchStatus::Paused && search.ends().is_empty() && search.extent().states < before + turn.min(allowance.left()) {
        status = search.run(encoding, &mut object.transitions(), allowance.ration(TURN, operations));
    }
    if search.ends().is_empty() {
        allowance.spend(search.extent().states - before);
        return match status {
            SearchStatus::Full => Err(NoRoom),
            SearchStatus::Exhausted => Ok(Some(Beginning::Violated(search.extent().horizon))),
            SearchStatus::Found | SearchStatus::Paused => Ok(None),
        };
    }
    search.run(encoding, &mut object.transitions(), allowance.ration(others, operations));
    allowance.spend(search.extent().states - before);
    // To retrace a path takes as long as the path is.
    let ends: Vec<OrderEnd> = search.ends().drain(..).take((RETRACED / limit.max(1) as usize).max(1)).collect();
    let retraced = ends.iter().map(|end| (end.state, indices(search.order_of(encoding, &mut object.transitions(), end))));
    Ok(Some(Beginning::Ordered(retraced.collect())))
}

fn indices(order: Order) -> Vec<usize> {
    order.into_iter().map(|(index, _)| index as usize).collect()
}
