//! What operations show: writes and reads of registers, and sets that grow.

use std::fmt;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::check::linearizability::{Judged, Subject};
use crate::check::model::Model;
use crate::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use crate::check::model::register::{Register, RegisterOp, RegisterResult};
use crate::history::Operation;

/// What an operation shows of the client that did it: what it wrote, and what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedEffect<V> {
    /// It wrote this over whatever there was.
    Write(V),
    /// It saw this; nothing, if the register was empty.
    Read(Option<V>),
    /// It saw the one and wrote the other.
    Swap {
        /// What it saw.
        seen: Option<V>,
        /// What it wrote.
        new: V,
    },
    /// It added this to a set.
    Add(V),
    /// It saw a set of these.
    Members(Vec<V>),
    /// It shows nothing: it saw only that something was not there.
    Nothing,
    /// It is none of these, so that nothing can be said of a history in which it is.
    Unclear,
}

/// A model of which the operations are reads and writes of registers, or sets that grow: what the weaker guarantees are about.
///
/// ```
/// use stormglass_check::check::consistency::{Observable, ObservedEffect};
/// use stormglass_check::check::model::{Model, Next};
///
/// /// A register that holds a number: a write has one, a read has none.
/// struct Cell;
///
/// impl Model for Cell {
///     type State = u64;
///     type Op = Option<u64>;
///     type Ret = u64;
///
///     fn initial(&self) -> u64 {
///         0
///     }
///
///     fn step(&self, state: &u64, op: &Option<u64>, ret: Option<&u64>) -> Next<u64> {
///         let state = op.unwrap_or(*state);
///         if ret.is_none_or(|ret| *ret == state) { Next::One(state) } else { Next::Illegal }
///     }
/// }
///
/// impl Observable for Cell {
///     type Value = u64;
///
///     fn at_first(&self) -> Option<u64> {
///         Some(0)
///     }
///
///     fn observed_effect(&self, op: &Option<u64>, ret: Option<&u64>) -> ObservedEffect<u64> {
///         match (op, ret) {
///             (Some(new), _) => ObservedEffect::Write(*new),
///             (None, seen) => ObservedEffect::Read(seen.copied()),
///         }
///     }
/// }
///
/// assert!(matches!(Cell.observed_effect(&None, Some(&3)), ObservedEffect::Read(Some(3))));
/// ```
#[diagnostic::on_unimplemented(
    message = "the weaker guarantees cannot be judged for `{Self}`",
    label = "nothing is known of what its operations read and write",
    note = "implement `Observable`, which says what an operation shows"
)]
pub trait Observable: Model {
    /// What is written and read.
    type Value: Clone + Eq + Hash + fmt::Debug;

    /// What a register holds at first.
    fn at_first(&self) -> Option<Self::Value> {
        None
    }

    /// What this operation shows, with what it returned if that is known. By default, nothing is known of it.
    fn observed_effect(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> ObservedEffect<Self::Value> {
        let _ = (op, ret);
        ObservedEffect::Unclear
    }
}

impl<V> ObservedEffect<V> {
    fn map<W>(self, mut value: impl FnMut(V) -> W) -> ObservedEffect<W> {
        match self {
            Self::Write(new) => ObservedEffect::Write(value(new)),
            Self::Read(seen) => ObservedEffect::Read(seen.map(value)),
            Self::Swap { seen, new } => ObservedEffect::Swap { seen: seen.map(&mut value), new: value(new) },
            Self::Add(element) => ObservedEffect::Add(value(element)),
            Self::Members(seen) => ObservedEffect::Members(seen.into_iter().map(value).collect()),
            Self::Nothing => ObservedEffect::Nothing,
            Self::Unclear => ObservedEffect::Unclear,
        }
    }
}

/// What all operations of a history show, with values as numbers.
pub(in crate::check) struct Observed {
    pub(super) at_first: Option<u32>,
    pub(super) effects: Vec<ObservedEffect<u32>>,
}

/// What is shown, and the number of each value.
fn number_values<M: Observable>(judged: &Judged<'_, M>) -> (Observed, FxHashMap<M::Value, u32>) {
    let mut numbers: FxHashMap<M::Value, u32> = FxHashMap::default();
    let mut number = |value| {
        let next = numbers.len() as u32;
        *numbers.entry(value).or_insert(next)
    };
    let at_first = judged.model.at_first().map(&mut number);
    let effect = |operation: &Operation<M::Op, M::Ret>| judged.model.observed_effect(&operation.op, operation.result()).map(&mut number);
    let effects = judged.history.operations().iter().map(effect).collect();
    (Observed { at_first, effects }, numbers)
}

/// A history of which the operations may show something, and its model.
pub(in crate::check) trait ObservableSubject: Subject {
    /// What they show.
    fn observed(&self) -> Observed;
    /// The value of this number in words.
    fn value(&self, number: u32) -> String;
}

impl<M: Observable> ObservableSubject for Judged<'_, M> {
    fn observed(&self) -> Observed {
        number_values(self).0
    }

    fn value(&self, number: u32) -> String {
        let known = number_values(self).1.into_iter().find(|(_, known)| *known == number);
        known.map(|(value, _)| format!("{value:?}")).unwrap_or_default()
    }
}

impl<V: Clone + Eq + Hash + fmt::Debug> Observable for Register<V> {
    type Value = V;

    fn at_first(&self) -> Option<V> {
        self.initial()
    }

    fn observed_effect(&self, op: &RegisterOp<V>, ret: Option<&RegisterResult<V>>) -> ObservedEffect<V> {
        match (op, ret) {
            (RegisterOp::Read, Some(RegisterResult::Value(seen))) => ObservedEffect::Read(seen.clone()),
            (RegisterOp::Read, None) | (RegisterOp::Cas { .. }, Some(RegisterResult::Mismatch)) => ObservedEffect::Nothing,
            (RegisterOp::Write(value), _) => ObservedEffect::Write(value.clone()),
            (RegisterOp::Cas { expect, new }, None | Some(RegisterResult::Swapped)) => {
                ObservedEffect::Swap { seen: expect.clone(), new: new.clone() }
            }
            _ => ObservedEffect::Unclear,
        }
    }
}

/// A set that grows: what was added can be told apart, and every read shows all.
impl<V: Clone + Ord + Hash + fmt::Debug> Observable for GrowSet<V> {
    type Value = V;

    fn observed_effect(&self, op: &GrowSetOp<V>, ret: Option<&GrowSetResult<V>>) -> ObservedEffect<V> {
        match (op, ret) {
            (GrowSetOp::Add(element), _) => ObservedEffect::Add(element.clone()),
            (GrowSetOp::Read, Some(GrowSetResult::Elements(elements))) => ObservedEffect::Members(elements.iter().cloned().collect()),
            (GrowSetOp::Read, None) => ObservedEffect::Nothing,
            _ => ObservedEffect::Unclear,
        }
    }
}
