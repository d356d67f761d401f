//! One order out of an order for each key.

use super::search::Order;
use crate::base::Time;
use crate::history::{History, Outcome};

/// An order of all operations that contains those of each key; nothing if they contradict one another.
///
/// Each operation is known to take effect just before a certain completion. In the order of these completions, operations keep to real
/// time. Only where clients do several things at one instant can this fail, and then the orders are threaded one operation at a time.
pub(super) fn merge<O, R>(history: &History<O, R>, orders: &[&Order]) -> Option<Vec<usize>> {
    let whole = if let [order] = orders {
        order.iter().map(|(index, _)| *index as usize).collect()
    } else {
        let mut whole: Vec<(u32, u32, u32)> = Vec::with_capacity(orders.iter().map(|order| order.len()).sum());
        for (key, order) in orders.iter().enumerate() {
            whole.extend(order.iter().map(|(index, rank)| (*rank, key as u32, *index)));
        }
        // Stable: within a completion, which is of one key, the order stays.
        whole.sort_by_key(|(rank, ..)| *rank);
        whole.into_iter().map(|(_, _, index)| index as usize).collect::<Vec<_>>()
    };
    if orders.len() <= 1 || keeps_ties(history, &whole) { Some(whole) } else { thread(history, orders) }
}

/// Whether what one client did twice at one instant is in order.
fn keeps_ties<O, R>(history: &History<O, R>, order: &[usize]) -> bool {
    let mut places = vec![usize::MAX; history.len()];
    for (place, index) in order.iter().enumerate() {
        places[*index] = place;
    }
    let mut latest = rustc_hash::FxHashMap::default();
    history.operations().iter().enumerate().all(|(index, operation)| {
        let placed = places[index] != usize::MAX;
        let after = if placed { latest.get(&operation.client) } else { None };
        let kept = after.is_none_or(|earlier: &usize| places[*earlier] < places[index]);
        if placed && matches!(operation.outcome, Outcome::Done(_)) {
            latest.insert(operation.client, index);
        }
        kept
    })
}

/// Takes, again and again, the first operation of some key that no operation left must precede.
fn thread<O, R>(history: &History<O, R>, orders: &[&Order]) -> Option<Vec<usize>> {
    let mut next = vec![0; orders.len()];
    let mut whole = Vec::new();
    let operations = history.operations();
    // Those left, by completion: only the first can forbid anything, but for one client's own.
    let mut taken = vec![true; history.len()];
    for (index, _) in orders.iter().flat_map(|order| order.iter()) {
        taken[*index as usize] = false;
    }
    let mut by_completion: Vec<usize> =
        (0..history.len()).filter(|index| !taken[*index] && operations[*index].result().is_some()).collect();
    by_completion.sort_by_key(|index| (operations[*index].completed, *index));
    let mut start = 0;
    loop {
        while by_completion.get(start).is_some_and(|index| taken[*index]) {
            start += 1;
        }
        let first = by_completion.get(start).and_then(|index| operations[*index].completed).unwrap_or(Time::MAX);
        let free = |index: usize| {
            let operation = &operations[index];
            // One that completes after this one was invoked, and so comes later than `first`, can only precede it within its client.
            operation.invoked <= first
                && !by_completion[start..]
                    .iter()
                    .take_while(|other| operations[**other].completed <= Some(operation.invoked))
                    .any(|other| *other != index && !taken[*other] && history.precedes(*other, index))
        };
        let heads =
            orders.iter().enumerate().filter_map(|(key, order)| order.get(next[key]).map(|(index, rank)| (*rank, key, *index as usize)));
        let Some((_, key, index)) = heads.filter(|(_, _, index)| free(*index)).min() else { break };
        next[key] += 1;
        taken[index] = true;
        whole.push(index);
    }
    (whole.len() == orders.iter().map(|order| order.len()).sum::<usize>()).then_some(whole)
}
