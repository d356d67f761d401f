//! Algorithms made for one kind of object, which judge without searching: see [`monitor`](crate::check::monitor).

use super::registers;
use super::strategy::{Conclusion, EncodedKey};
use crate::check::linearizability::encoding::{Encoding, INITIAL, KindId, ModelTable, Object, Ties, encode};
use crate::check::linearizability::partition::KeyEvents;
use crate::check::linearizability::search::Order;
use crate::check::monitor::{Gap, Opinion};

/// What it takes to ask them.
pub(crate) struct Monitors<'k> {
    /// What the key was encoded from, and scratch to encode it once more: see [`encode`].
    pub(crate) events: &'k KeyEvents,
    pub(crate) places: &'k mut [u32],
}

impl Monitors<'_> {
    /// Says what is known without searching.
    pub(crate) fn judge(self, key: &mut EncodedKey<'_>) -> Conclusion {
        let EncodedKey { encoding, object } = key;
        let completions = encoding.returns.len() as u32;
        if let Some(event) = sourceless(encoding, object.table()) {
            return Conclusion::Violated(event + 1);
        }
        match consult(&**object, encoding, completions) {
            Opinion::Violated => return Conclusion::Violated(completions),
            Opinion::Order(order) => return Conclusion::Order(ranked(encoding, &order)),
            Opinion::Unfit if !encoding.is_tied() => return Conclusion::Open,
            Opinion::Unfit => {}
        }
        // An order that takes what was recorded first to have happened first will do, and is one of gaps.
        let encoding = encode(&mut **object, self.events, Ties::AsRecorded, self.places);
        match consult(&**object, &encoding, completions) {
            Opinion::Order(order) => Conclusion::Order(ranked(&encoding, &order)),
            Opinion::Unfit | Opinion::Violated => Conclusion::Open,
        }
    }
}

/// What is known without searching of the first `limit` returns. Orders are by indices in the history.
pub(crate) fn consult(object: &dyn Object, encoding: &Encoding, limit: u32) -> Opinion {
    match by_gaps(object, encoding, limit) {
        // What one client did twice at an instant is no matter of gaps: they allow more.
        Opinion::Order(_) if encoding.is_tied() => Opinion::Unfit,
        opinion => opinion,
    }
}

/// The same, of the gaps alone.
fn by_gaps(object: &dyn Object, encoding: &Encoding, limit: u32) -> Opinion {
    match registers::judge(encoding, object.table(), limit) {
        Opinion::Unfit => {}
        opinion => return opinion,
    }
    match object.monitor(&|| spans(encoding, limit).map(|(_, kind, from, until)| (kind, from, until)).collect(), limit) {
        Opinion::Order(order) => {
            let indices: Vec<u32> = spans(encoding, limit).map(|(index, ..)| index).collect();
            Opinion::Order(order.into_iter().map(|(span, gap)| (indices[span] as usize, gap)).collect())
        }
        opinion => opinion,
    }
}

/// The first return of an operation that is legal in one state only, which nothing can have left by then; for models in which no operation
/// changes the state in a way of its own.
fn sourceless(encoding: &Encoding, table: &ModelTable) -> Option<u32> {
    if !table.is_plain() {
        return None;
    }
    // The first gap in which each state can have been left.
    let mut left = vec![Gap::MAX; table.named()];
    left[INITIAL as usize] = 0;
    let known = encoding.spans(encoding.returns.len() as u32).map(|(operation, from)| (operation.kind, from));
    for (kind, from) in known.chain(encoding.indeterminate.iter().map(|indeterminate| (indeterminate.kind, indeterminate.from))) {
        if let Some(state) = table.role(kind).leaves() {
            left[state as usize] = left[state as usize].min(from);
        }
    }
    let lacks = |event: u32| {
        let kind = encoding.completed[encoding.returns[event as usize] as usize].kind;
        table.needs(kind).is_some_and(|state| left[state as usize] > event)
    };
    (0..encoding.returns.len() as u32).find(|event| lacks(*event))
}

/// The operations that matter: index in the history, kind, first gap, last gap.
fn spans(encoding: &Encoding, limit: u32) -> impl Iterator<Item = (u32, KindId, Gap, Option<Gap>)> {
    let known = encoding.spans(limit).map(move |(operation, from)| {
        let until = Some(operation.returns).filter(|returns| *returns < limit);
        (operation.index, operation.kind, from, until)
    });
    let indeterminate = encoding
        .indeterminate
        .iter()
        .filter(move |indeterminate| indeterminate.from < limit)
        .map(|indeterminate| (indeterminate.index, indeterminate.kind, indeterminate.from, None));
    known.chain(indeterminate)
}

/// An order as the search would have found it: each operation with the rank of the return before which it takes effect. What takes effect
/// behind all returns need not.
fn ranked(encoding: &Encoding, order: &[(usize, Gap)]) -> Order {
    order.iter().map_while(|(index, gap)| encoding.ranks.get(*gap as usize).map(|rank| (*index as u32, *rank))).collect()
}
