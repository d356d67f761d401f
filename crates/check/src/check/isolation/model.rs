//! The store as a sequential model: transactions one after another.
//!
//! A history of transactions is linearizable with respect to this model if and only if it is strictly serializable. The checker of
//! [linearizability](crate::check::linearizability) takes exponential time where that of isolation takes linear, but it knows of no
//! versions and no cycles, and it can judge sums.

use std::collections::BTreeMap;

use super::transactions::Labels;
use crate::base::{Act, Committed, Seen, Transaction};
use crate::check::model::{Model, Next};

/// A store of keys that each hold a number or a list.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub(in crate::check) labels: Labels,
    /// What keys hold at first; the others, nothing.
    pub(in crate::check) initial: BTreeMap<u64, Seen>,
}

impl Model for Store {
    type State = BTreeMap<u64, Seen>;
    type Op = Transaction;
    type Ret = Committed;

    fn initial(&self) -> Self::State {
        self.initial.clone()
    }

    fn step(&self, state: &Self::State, op: &Transaction, ret: Option<&Committed>) -> Next<Self::State> {
        let mut after = state.clone();
        let mut seen = ret.map(|committed| committed.seen.iter());
        for act in &op.acts {
            let held = after.entry(act.key()).or_insert(Seen::Empty);
            match act {
                Act::Read { .. } => {
                    if let Some(seen) = seen.as_mut().and_then(Iterator::next)
                        && !is_same(seen, held)
                    {
                        return Next::Illegal;
                    }
                }
                Act::Write { value, .. } => *held = Seen::Number(*value),
                Act::Append { value, .. } => match held {
                    Seen::List(list) => list.push(*value),
                    _ => *held = Seen::List(vec![*value]),
                },
                Act::Add { amount, .. } => {
                    let before = if let Seen::Number(number) = held { *number } else { 0 };
                    match before.checked_add(*amount).filter(|after| *after >= 0) {
                        Some(after) => *held = Seen::Number(after),
                        None => return Next::Illegal,
                    }
                }
            }
        }
        after.retain(|_, held| *held != Seen::Empty);
        if after == *state { Next::Same } else { Next::One(after) }
    }

    fn describe(&self, op: &Transaction, ret: Option<&Committed>) -> String {
        ret.map_or_else(|| format!("{op} → ?"), |ret| format!("{op} → {ret}"))
    }
}

/// Whether this was read where that is held. An untouched key reads as nothing, as an empty list, and as zero.
pub(super) fn is_same(seen: &Seen, held: &Seen) -> bool {
    let is_nothing = |seen: &Seen| matches!(seen, Seen::Empty | Seen::Number(0)) || matches!(seen, Seen::List(list) if list.is_empty());
    seen == held || *held == Seen::Empty && is_nothing(seen)
}
