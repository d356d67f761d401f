//! One register, as files have it.

use super::{Call, Schema, given, held, swap};
use crate::check::model::register::{Register, RegisterOp, RegisterResult};
use crate::history::formats::Value;

/// A register: `:read` answers with its value, `:write 3`, and `:cas [3 4]`, which is refused by `:fail`, or by `:ok false`.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    /// What it holds at first; nothing if it starts empty.
    pub initial: Option<Value>,
    /// Whether there is no compare-and-set.
    pub plain: bool,
}

impl Schema for Registers {
    type Model = Register<Value>;

    fn names(&self) -> &'static [&'static str] {
        if self.plain { &["read", "write"] } else { &["read", "write", "cas"] }
    }

    fn asked(&mut self, call: Call<'_>) -> Result<RegisterOp<Value>, String> {
        if let Some(key) = call.key {
            return Err(format!("it is about key {key}, but a register has no keys: choose the model kv"));
        }
        match call.f {
            "read" => Ok(RegisterOp::Read),
            "write" => given(call.value, "a value to write").map(RegisterOp::Write),
            _ => swap(call.value).map(|(expect, new)| RegisterOp::Cas { expect, new }),
        }
    }

    fn answered(&mut self, op: &RegisterOp<Value>, call: Call<'_>) -> Result<RegisterResult<Value>, String> {
        match op {
            RegisterOp::Read => Ok(RegisterResult::Value(held(call.value))),
            RegisterOp::Write(written) => match call.value {
                Value::Nil => Ok(RegisterResult::Written),
                value if value == written => Ok(RegisterResult::Written),
                value => Err(format!("it began with writing {written}, and ends with having written {value}")),
            },
            RegisterOp::Cas { .. } => Ok(match call.value {
                Value::Bool(false) => RegisterResult::Mismatch,
                _ => RegisterResult::Swapped,
            }),
        }
    }

    fn refused(&self, op: &RegisterOp<Value>) -> Option<RegisterResult<Value>> {
        matches!(op, RegisterOp::Cas { .. }).then_some(RegisterResult::Mismatch)
    }

    fn saw_nothing(&self, op: &RegisterOp<Value>, answer: &RegisterResult<Value>) -> bool {
        matches!((op, answer), (RegisterOp::Read, RegisterResult::Value(None)))
    }

    fn finish(self) -> Register<Value> {
        self.initial.map_or_else(Register::empty, Register::holding)
    }
}
