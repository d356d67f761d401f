//! A counter: add to it, read it, or both at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};
use crate::check::monitor::counter::{Count, judge};
use crate::check::monitor::{KeyHistory, Opinion};

/// What is asked of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CounterOp {
    /// What does it show?
    Read,
    /// Let it show so much more; less, if negative.
    Add(i64),
    /// Let it show so much more, and say what it shows then.
    AddAndGet(i64),
}

/// What a counter answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CounterResult {
    /// It shows this: when read, or after the addition.
    Value(i64),
    /// It was added to.
    Added,
}

impl fmt::Display for CounterOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => write!(f, "read"),
            Self::Add(amount) => write!(f, "add {amount}"),
            Self::AddAndGet(amount) => write!(f, "add {amount} and get"),
        }
    }
}

impl fmt::Display for CounterResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Added => write!(f, "added"),
        }
    }
}

/// A number that is added to. It wraps around at the ends of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    initial: i64,
}

impl Counter {
    /// A counter that shows zero.
    pub const fn zero() -> Self {
        Self { initial: 0 }
    }

    /// A counter that shows this.
    pub const fn showing(value: i64) -> Self {
        Self { initial: value }
    }
}

impl Model for Counter {
    type State = i64;
    type Op = CounterOp;
    type Ret = CounterResult;

    fn initial(&self) -> i64 {
        self.initial
    }

    fn step(&self, shown: &i64, op: &CounterOp, ret: Option<&CounterResult>) -> Next<i64> {
        use CounterResult::{Added, Value};
        match (op, ret) {
            (CounterOp::Read, None) => Next::Same,
            (CounterOp::Read, Some(Value(read))) if read == shown => Next::Same,
            (CounterOp::Add(amount), None | Some(Added)) | (CounterOp::AddAndGet(amount), None) => Next::One(shown.wrapping_add(*amount)),
            (CounterOp::AddAndGet(amount), Some(Value(after))) if shown.wrapping_add(*amount) == *after => Next::One(*after),
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &CounterOp, ret: Option<&CounterResult>) -> Role<i64> {
        use CounterResult::{Added, Value};
        match (op, ret) {
            (CounterOp::Read, None) => Role::Observer,
            (CounterOp::Read, Some(Value(read))) => Role::Read(*read),
            (CounterOp::Add(_), None | Some(Added)) | (CounterOp::AddAndGet(_), None) => Role::Update,
            (CounterOp::AddAndGet(amount), Some(Value(after))) => Role::Exchange { from: after.wrapping_sub(*amount), to: *after },
            _ => Role::Other,
        }
    }

    fn monitor(&self, history: &KeyHistory<'_, CounterOp, CounterResult>) -> Opinion {
        use CounterResult::{Added, Value};
        judge(history, self.initial, |op, ret| match (op, ret) {
            (CounterOp::Read, None) => Count::Nothing,
            (CounterOp::Read, Some(Value(seen))) => Count::Read(*seen),
            (CounterOp::Add(amount), None | Some(Added)) | (CounterOp::AddAndGet(amount), None) => Count::Add(*amount),
            (CounterOp::AddAndGet(amount), Some(Value(seen))) => Count::AddAndGet(*amount, *seen),
            _ => Count::Other,
        })
    }

    fn describe(&self, op: &CounterOp, ret: Option<&CounterResult>) -> String {
        match ret {
            None => format!("{op} → ?"),
            Some(CounterResult::Added) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
        }
    }

    fn describe_state(&self, value: &i64) -> String {
        format!("shows {value}")
    }

    fn expected(&self, shown: &i64, op: &CounterOp) -> String {
        match op {
            CounterOp::Read => format!("only {shown} could have been read"),
            CounterOp::Add(_) => "it could only have been added to".to_owned(),
            CounterOp::AddAndGet(amount) => format!("it showed {shown}: only {} could have come of it", shown.wrapping_add(*amount)),
        }
    }
}
