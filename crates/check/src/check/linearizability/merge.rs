//! One order out of an order for each key.

use super::search::Order;
use crate::base::{Time, sort_by_numbers};
use crate::history::Timeline;

/// An order of all operations that contains those of each key; nothing if they contradict one another.
///
/// Each operation is known to take effect just before a certain completion. In the order of these completions, operations keep to real
/// time. Only where clients do several things at one instant can this fail, and then the orders are threaded one operation at a time.
pub(super) fn merge(timeline: &dyn Timeline, orders: &[&Order]) -> Option<Vec<usize>> {
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
    if orders.len() <= 1 || keeps_ties(timeline, &whole) { Some(whole) } else { thread(timeline, orders) }
}

/// Whether what one client did twice at one instant is in order.
fn keeps_ties(timeline: &dyn Timeline, order: &[usize]) -> bool {
    let mut places = vec![usize::MAX; timeline.len()];
    for (place, index) in order.iter().enumerate() {
        places[*index] = place;
    }
    let mut latest = rustc_hash::FxHashMap::default();
    (0..timeline.len()).all(|index| {
        let placed = places[index] != usize::MAX;
        let after = if placed { latest.get(&timeline.client(index)) } else { None };
        let kept = after.is_none_or(|earlier: &usize| places[*earlier] < places[index]);
        if placed && timeline.is_done(index) {
            latest.insert(timeline.client(index), index);
        }
        kept
    })
}

/// Takes, again and again, the first operation of some key that no operation left must precede.
fn thread(timeline: &dyn Timeline, orders: &[&Order]) -> Option<Vec<usize>> {
    let mut next = vec![0; orders.len()];
    let mut whole = Vec::new();
    // Those left, by completion: only the first can forbid anything, but for one client's own.
    let mut taken = vec![true; timeline.len()];
    for (index, _) in orders.iter().flat_map(|order| order.iter()) {
        taken[*index as usize] = false;
    }
    let mut by_completion: Vec<usize> = (0..timeline.len()).filter(|index| !taken[*index] && timeline.is_done(*index)).collect();
    sort_by_numbers(&mut by_completion, |index| (timeline.completed(*index).map_or(0, Time::as_nanos), 0));
    let mut start = 0;
    loop {
        while by_completion.get(start).is_some_and(|index| taken[*index]) {
            start += 1;
        }
        let first = by_completion.get(start).and_then(|index| timeline.completed(*index)).unwrap_or(Time::MAX);
        let free = |index: usize| {
            let invoked = timeline.invoked(index);
            // One that completes after this one was invoked, and so comes later than `first`, can only precede it within its client.
            invoked <= first
                && !by_completion[start..]
                    .iter()
                    .take_while(|other| timeline.completed(**other) <= Some(invoked))
                    .any(|other| *other != index && !taken[*other] && timeline.precedes(*other, index))
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
