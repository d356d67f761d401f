//! Asks the algorithms that are made for one kind of object.

use super::machine::{INITIAL, KindId, Object, StateId, Table, replay};
use super::plan::Plan;
use super::registers;
use super::search::Order;
use crate::check::monitor::{Gap, Opinion};

/// What is known without searching of the first `limit` returns. Orders are by indices in the history.
pub(super) fn consult(object: &dyn Object, plan: &Plan, limit: u32) -> Opinion {
    // What one client did twice at an instant is no matter of gaps.
    if plan.is_tied() {
        return Opinion::Unfit;
    }
    match registers::judge(plan, object.table(), limit) {
        Opinion::Unfit => {}
        opinion => return opinion,
    }
    match object.monitor(&|| spans(plan, limit).map(|(_, kind, from, until)| (kind, from, until)).collect(), limit) {
        Opinion::Order(order) => {
            let indices: Vec<u32> = spans(plan, limit).map(|(index, ..)| index).collect();
            Opinion::Order(order.into_iter().map(|(span, gap)| (indices[span] as usize, gap)).collect())
        }
        opinion => opinion,
    }
}

/// The first return of an operation that is legal in one state only, which nothing can have left by then; for models in which no operation
/// changes the state in a way of its own.
pub(super) fn sourceless(plan: &Plan, table: &Table) -> Option<u32> {
    if !table.is_plain() {
        return None;
    }
    // The first gap in which each state can have been left.
    let mut left = vec![Gap::MAX; table.named()];
    left[INITIAL as usize] = 0;
    let known = plan.spans(plan.returns.len() as u32).map(|(operation, from)| (operation.kind, from));
    for (kind, from) in known.chain(plan.loose.iter().map(|loose| (loose.kind, loose.from))) {
        if let Some(state) = table.part(kind).leaves() {
            left[state as usize] = left[state as usize].min(from);
        }
    }
    let lacks = |event: u32| {
        let kind = plan.planned[plan.returns[event as usize] as usize].kind;
        table.needs(kind).is_some_and(|state| left[state as usize] > event)
    };
    (0..plan.returns.len() as u32).find(|event| lacks(*event))
}

/// The operations that matter: index in the history, kind, first gap, last gap.
fn spans(plan: &Plan, limit: u32) -> impl Iterator<Item = (u32, KindId, Gap, Option<Gap>)> {
    let known = plan.spans(limit).map(move |(operation, from)| {
        let until = Some(operation.returns).filter(|returns| *returns < limit);
        (operation.index, operation.kind, from, until)
    });
    let loose = plan.loose.iter().filter(move |loose| loose.from < limit).map(|loose| (loose.index, loose.kind, loose.from, None));
    known.chain(loose)
}

/// An order as the search would have found it: each operation with the rank of the return before which it takes effect. What takes effect
/// behind all returns need not.
pub(super) fn ranked(plan: &Plan, order: &[(usize, Gap)]) -> Order {
    order.iter().map_while(|(index, gap)| plan.ranks.get(*gap as usize).map(|rank| (*index as u32, *rank))).collect()
}

/// The beginning of a violated history that is violated itself, and as short as can be.
pub(super) struct Shortest {
    /// How many returns it has.
    pub(super) limit: u32,
    /// An order of all but the last.
    pub(super) order: Vec<usize>,
    /// The state that it leaves.
    pub(super) state: StateId,
}

/// Finds the shortest violated beginning without searching, if that is possible. No order passes the first `violated` returns.
pub(super) fn shortest(object: &mut dyn Object, plan: &Plan, mut violated: u32) -> Option<Shortest> {
    if consult(object, plan, violated) != Opinion::Violated {
        return None;
    }
    let (mut holds, mut order) = (0, Vec::new());
    // Often no order passes this very return, and that is known with the first question.
    let mut limit = violated - 1;
    while holds + 1 < violated {
        match consult(object, plan, limit) {
            Opinion::Unfit => return None,
            Opinion::Violated => violated = limit,
            Opinion::Order(found) => (holds, order) = (limit, found),
        }
        limit = holds.midpoint(violated);
    }
    let order: Vec<usize> = order.into_iter().take_while(|(_, gap)| *gap < holds).map(|(index, _)| index).collect();
    let state = replay(object, &order)?;
    Some(Shortest { limit: violated, order, state })
}
