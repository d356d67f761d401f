//! Locks, as files have it.

use super::{Call, ObjectSchema, Schema, held, keyless, whole};
use crate::check::model::fenced_lock::{FencedLock, FencedLockResult, TokenState};
use crate::check::model::lock::{Lock, LockOp, LockResult};
use crate::history::formats::Value;

const NAMES: &[&str] = &["acquire", "release"];

/// A lock: `:acquire` and `:release`, for the owner that is the value, or without one for the process itself. Both end with nothing if
/// they did it, and with `false` if they were refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Locks;

/// [`Locks`] of which an `:acquire` ends with its token.
#[derive(Clone, Copy, Debug, Default)]
pub struct FencedLocks;

fn asked(call: Call<'_>) -> Result<LockOp<Value>, String> {
    keyless(call)?;
    let owner = if call.value.is_nil() { Value::Int(call.process.into()) } else { call.value.clone() };
    Ok(if call.f == "acquire" { LockOp::Acquire(owner) } else { LockOp::Release(owner) })
}

/// Whether it was done; if not, it was refused.
fn granted(op: &LockOp<Value>, call: Call<'_>) -> Result<bool, String> {
    let (LockOp::Acquire(owner) | LockOp::Release(owner)) = op;
    match call.value {
        Value::Nil | Value::Bool(true) => Ok(true),
        Value::Bool(false) => Ok(false),
        value if value == owner => Ok(true),
        value => Err(format!("expected nil, true, false or the owner {owner}, found {value}")),
    }
}

impl Schema for Locks {
    type Model = Lock<Value>;

    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn asked(&mut self, call: Call<'_>) -> Result<LockOp<Value>, String> {
        asked(call)
    }

    fn answered(&mut self, op: &LockOp<Value>, call: Call<'_>) -> Result<LockResult, String> {
        Ok(match (granted(op, call)?, op) {
            (false, _) => LockResult::Refused,
            (true, LockOp::Acquire(_)) => LockResult::Granted,
            (true, LockOp::Release(_)) => LockResult::Released,
        })
    }

    fn finish(self) -> Lock<Value> {
        Lock::free()
    }
}

impl Schema for FencedLocks {
    type Model = FencedLock<Value>;

    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn asked(&mut self, call: Call<'_>) -> Result<LockOp<Value>, String> {
        asked(call)
    }

    fn answered(&mut self, op: &LockOp<Value>, call: Call<'_>) -> Result<FencedLockResult, String> {
        match (op, call.value) {
            (_, Value::Bool(false)) => Ok(FencedLockResult::Refused),
            (LockOp::Release(_), _) => granted(op, call).map(|_| FencedLockResult::Released),
            (LockOp::Acquire(_), value) => {
                token(value, "the token that it was given, or false").map(|token| FencedLockResult::Granted { token })
            }
        }
    }

    fn finish(self) -> FencedLock<Value> {
        FencedLock::free()
    }
}

fn token(value: &Value, what: &str) -> Result<u64, String> {
    let token = whole(value, what)?;
    u64::try_from(token).map_err(|_| format!("expected a token, which is not negative, found {token}"))
}

impl ObjectSchema for Locks {
    fn start(&mut self, initial: &Value) -> Result<Option<Value>, String> {
        Ok(held(initial))
    }
}

impl ObjectSchema for FencedLocks {
    fn start(&mut self, initial: &Value) -> Result<TokenState<Value>, String> {
        let (holder, latest) =
            initial.pair().ok_or_else(|| format!("expected owner, or nil, and latest token, as in [nil 3], found {initial}"))?;
        Ok(TokenState { holder: held(holder), token: token(latest, "the latest token")? })
    }
}
