//! What operations show: writes and reads of registers, and sets that grow.

use std::fmt;
use std::hash::Hash;

use crate::check::model::Model;
use crate::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use crate::check::model::register::{Register, RegisterOp, RegisterResult};

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
