//! A counter, as files have it.

use super::{Call, ObjectSchema, Schema, done, keyless, whole};
use crate::check::model::counter::{Counter, CounterOp, CounterResult};
use crate::history::formats::Value;

/// A counter: `:read` ends with its value, `:add 3` with nothing, `:add-and-get 3` with the value after it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters;

impl Schema for Counters {
    type Model = Counter;

    fn names(&self) -> &'static [&'static str] {
        &["read", "add", "add-and-get"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<CounterOp, String> {
        keyless(call)?;
        match call.f {
            "read" => Ok(CounterOp::Read),
            "add" => whole(call.value, "a whole number to add").map(CounterOp::Add),
            _ => whole(call.value, "a whole number to add").map(CounterOp::AddAndGet),
        }
    }

    fn answered(&mut self, op: &CounterOp, call: Call<'_>) -> Result<CounterResult, String> {
        match op {
            CounterOp::Read => whole(call.value, "the whole number that it showed").map(CounterResult::Value),
            CounterOp::AddAndGet(_) => whole(call.value, "the whole number that it showed then").map(CounterResult::Value),
            CounterOp::Add(amount) => done(&Value::Int(*amount), call).map(|()| CounterResult::Added),
        }
    }

    fn finish(self) -> Counter {
        Counter::zero()
    }
}

impl ObjectSchema for Counters {
    fn start(&mut self, initial: &Value) -> Result<i64, String> {
        whole(initial, "a whole number that a counter shows at first")
    }
}
