//! Registers under numbered keys, in the words of [`KvOp`] and [`KvResponse`]: what the key-value systems of this crate are judged by.

use super::kv::{self, Kv, KvResult};
use super::{Key, Model, Next, Role};
use crate::base::{KvOp, KvResponse};

/// Registers that hold nothing until they are written. [`Kv`] in the vocabulary of protocols and workloads.
#[derive(Clone, Debug)]
pub struct Registers(Kv);

impl Registers {
    /// Registers that hold nothing.
    pub const fn empty() -> Self {
        Self(Kv::empty())
    }
}

const fn asked(op: &KvOp) -> kv::KvOp {
    match *op {
        KvOp::Read { key } => kv::KvOp::Read { key },
        KvOp::Write { key, value } => kv::KvOp::Write { key, value },
        KvOp::Cas { key, expected, value } => kv::KvOp::Cas { key, expect: expected, new: value },
    }
}

const fn answered(response: &KvResponse) -> KvResult {
    match *response {
        KvResponse::Value(value) => KvResult::Value(value),
        KvResponse::Written => KvResult::Written,
        KvResponse::Swapped => KvResult::Swapped,
        KvResponse::Mismatch(found) => KvResult::Mismatch(found),
    }
}

impl Model for Registers {
    type State = Option<u64>;
    type Op = KvOp;
    type Ret = KvResponse;

    fn initial(&self) -> Option<u64> {
        self.0.initial()
    }

    fn step(&self, held: &Option<u64>, op: &KvOp, ret: Option<&KvResponse>) -> Next<Option<u64>> {
        self.0.step(held, &asked(op), ret.map(answered).as_ref())
    }

    fn key<'a>(&self, op: &'a KvOp) -> Key<'a> {
        Key::Number(op.key())
    }

    fn role(&self, op: &KvOp, ret: Option<&KvResponse>) -> Role<Option<u64>> {
        self.0.role(&asked(op), ret.map(answered).as_ref())
    }

    fn leads(&self, held: &Option<u64>, op: &KvOp, ret: &KvResponse) -> bool {
        self.0.leads(held, &asked(op), &answered(ret))
    }

    fn describe(&self, op: &KvOp, ret: Option<&KvResponse>) -> String {
        match ret {
            Some(KvResponse::Written | KvResponse::Swapped) => op.to_string(),
            Some(ret) => format!("{op} → {ret}"),
            None => format!("{op} → ?"),
        }
    }

    fn describe_state(&self, state: &Option<u64>) -> String {
        self.0.describe_state(state)
    }

    fn expected(&self, held: &Option<u64>, op: &KvOp) -> String {
        self.0.expected(held, &asked(op))
    }
}
