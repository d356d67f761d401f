//! A lock whose grants carry tokens that strictly increase, so that whatever it guards can turn away earlier holders.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

pub use super::lock::LockOp;
use super::lock::tell;
use super::{Model, Next, Role};

/// What a fenced lock answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FencedLockResult {
    /// It is the asker's now.
    Granted {
        /// Greater than every token given before; the first is at least one.
        token: u64,
    },
    /// The client held it, and holds it no longer.
    Released,
    /// It was held, so it could not be acquired; or not by the asker, so it could not be released.
    Refused,
}

impl fmt::Display for FencedLockResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { token } => write!(f, "granted with token {token}"),
            Self::Released => write!(f, "released"),
            Self::Refused => write!(f, "refused"),
        }
    }
}

/// Who holds the lock, and how far tokens have come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenState<O> {
    /// Who holds it.
    pub holder: Option<O>,
    /// The latest token; if no answer showed it, the least that it can have been.
    pub token: u64,
}

/// A lock that no client holds at first.
#[derive(Clone, Debug)]
pub struct FencedLock<O = u64> {
    owners: PhantomData<fn(O)>,
}

impl<O> FencedLock<O> {
    /// A lock that no client holds or ever held.
    pub const fn free() -> Self {
        Self { owners: PhantomData }
    }
}

impl<O: Clone + Eq + Hash + fmt::Debug> Model for FencedLock<O> {
    type State = TokenState<O>;
    type Op = LockOp<O>;
    type Ret = FencedLockResult;

    fn initial(&self) -> TokenState<O> {
        TokenState { holder: None, token: 0 }
    }

    fn step(&self, held: &TokenState<O>, op: &LockOp<O>, ret: Option<&FencedLockResult>) -> Next<TokenState<O>> {
        use FencedLockResult::{Granted, Refused, Released};
        let possible = match op {
            LockOp::Acquire(_) => held.holder.is_none(),
            LockOp::Release(owner) => held.holder.as_ref() == Some(owner),
        };
        match (op, ret) {
            (_, Some(Refused)) if !possible => Next::Same,
            // It changed nothing, and need not have taken effect.
            (_, None) if !possible => Next::Illegal,
            // A token that no answer showed is taken to be the least possible: whatever a greater one allows later, this one does too.
            (LockOp::Acquire(owner), None) => Next::One(TokenState { holder: Some(owner.clone()), token: held.token.saturating_add(1) }),
            (LockOp::Acquire(owner), Some(Granted { token })) if possible && *token > held.token => {
                Next::One(TokenState { holder: Some(owner.clone()), token: *token })
            }
            (LockOp::Release(_), None | Some(Released)) if possible => Next::One(TokenState { holder: None, token: held.token }),
            _ => Next::Illegal,
        }
    }

    fn role(&self, op: &LockOp<O>, ret: Option<&FencedLockResult>) -> Role<TokenState<O>> {
        match (op, ret) {
            (_, Some(FencedLockResult::Refused)) => Role::Observer,
            (LockOp::Acquire(owner), Some(FencedLockResult::Granted { token })) => {
                Role::Swap(TokenState { holder: Some(owner.clone()), token: *token })
            }
            _ => Role::Other,
        }
    }

    fn describe(&self, op: &LockOp<O>, ret: Option<&FencedLockResult>) -> String {
        ret.map_or_else(|| format!("{op} → ?"), |ret| format!("{op} → {ret}"))
    }

    fn describe_state(&self, held: &TokenState<O>) -> String {
        let holder = held.holder.as_ref().map_or_else(|| "nobody holds it".to_owned(), |holder| format!("{holder:?} holds it"));
        format!("{holder}, latest token {}", held.token)
    }

    fn expected(&self, held: &TokenState<O>, op: &LockOp<O>) -> String {
        let told = tell(held.holder.as_ref(), op);
        match op {
            LockOp::Acquire(_) if held.holder.is_none() => format!("{told}, with a token above {}", held.token),
            _ => told,
        }
    }
}
