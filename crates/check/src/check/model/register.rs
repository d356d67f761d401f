//! One register: read, write, compare and set.

use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};

/// What is asked of a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterOp<V> {
    /// What does it hold?
    Read,
    /// Let it hold this.
    Write(V),
    /// If it holds what is expected, let it hold something new.
    Cas {
        /// What it has to hold; nothing means that it has to be empty.
        expect: Option<V>,
        /// What it is to hold then.
        new: V,
    },
}

/// What a register answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RegisterResult<V> {
    /// It holds this; nothing if it is empty.
    Value(Option<V>),
    /// It was written.
    Written,
    /// It held what was expected, and holds the new value now.
    Swapped,
    /// It did not hold what was expected.
    Mismatch,
}

/// A register that holds one value, or nothing: `register`, and with compare-and-set `cas-register`.
#[derive(Clone, Debug)]
pub struct Register<V> {
    initial: Option<V>,
}

impl<V> Register<V> {
    /// A register that starts empty.
    pub const fn empty() -> Self {
        Self { initial: None }
    }

    /// A register that starts with this value.
    pub const fn holding(value: V) -> Self {
        Self { initial: Some(value) }
    }
}

impl<V: Clone + Eq + Hash + fmt::Debug> Model for Register<V> {
    type State = Option<V>;
    type Op = RegisterOp<V>;
    type Ret = RegisterResult<V>;

    fn initial(&self) -> Option<V> {
        self.initial.clone()
    }

    fn step(&self, held: &Option<V>, op: &RegisterOp<V>, ret: Option<&RegisterResult<V>>) -> Next<Option<V>> {
        use RegisterResult::{Mismatch, Swapped, Value, Written};
        match (op, ret) {
            (RegisterOp::Read, None) => Next::Same,
            (RegisterOp::Read, Some(Value(read))) if read == held => Next::Same,
            (RegisterOp::Write(value), None | Some(Written)) => Next::One(Some(value.clone())),
            (RegisterOp::Cas { expect, new }, None | Some(Swapped)) if expect == held => Next::One(Some(new.clone())),
            (RegisterOp::Cas { expect, .. }, Some(Mismatch)) if expect != held => Next::Same,
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &RegisterOp<V>, ret: Option<&RegisterResult<V>>) -> Role<Option<V>> {
        match (op, ret) {
            (RegisterOp::Read, Some(RegisterResult::Value(seen))) => Role::Read(seen.clone()),
            (RegisterOp::Read, _) | (RegisterOp::Cas { .. }, Some(RegisterResult::Mismatch)) => Role::Observer,
            (RegisterOp::Write(value), None | Some(RegisterResult::Written)) => Role::Write(Some(value.clone())),
            (RegisterOp::Cas { expect, new }, None | Some(RegisterResult::Swapped)) => {
                Role::Exchange { from: expect.clone(), to: Some(new.clone()) }
            }
            (RegisterOp::Write(_) | RegisterOp::Cas { .. }, _) => Role::Other,
        }
    }

    fn leads(&self, held: &Option<V>, op: &RegisterOp<V>, ret: &RegisterResult<V>) -> bool {
        // There are neither updates nor others that are legal: what it holds stays until a write or a swap.
        self.step(held, op, Some(ret)).is_legal()
    }

    fn describe(&self, op: &RegisterOp<V>, ret: Option<&RegisterResult<V>>) -> String {
        let asked = match op {
            RegisterOp::Read => "read".to_owned(),
            RegisterOp::Write(value) => format!("write {value:?}"),
            RegisterOp::Cas { expect, new } => format!("cas {} to {new:?}", show(expect)),
        };
        match ret {
            None => format!("{asked} → ?"),
            Some(RegisterResult::Value(value)) => format!("{asked} → {}", show(value)),
            Some(RegisterResult::Written | RegisterResult::Swapped) => asked,
            Some(RegisterResult::Mismatch) => format!("{asked} → mismatch"),
        }
    }

    fn describe_state(&self, held: &Option<V>) -> String {
        format!("holds {}", show(held))
    }

    fn expected(&self, held: &Option<V>, op: &RegisterOp<V>) -> String {
        match op {
            RegisterOp::Read => format!("only {} could have been read", show(held)),
            RegisterOp::Write(_) => "it could only have been written".to_owned(),
            RegisterOp::Cas { expect, .. } if expect == held => "it held what was expected: only a swap was possible".to_owned(),
            RegisterOp::Cas { .. } => format!("it held {}: only a mismatch was possible", show(held)),
        }
    }
}

/// A value that may be missing, in words.
pub(super) fn show<V: fmt::Debug>(value: &Option<V>) -> String {
    value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}
