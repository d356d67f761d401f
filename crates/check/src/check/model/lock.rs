//! A lock with an owner. Each client says who it is when it asks.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Model, Next, Role};

/// What is asked of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LockOp<O = u64> {
    /// Let this client hold it, if none does. Not even its holder can acquire it twice.
    Acquire(O),
    /// Let this client hold it no longer, if it does.
    Release(O),
}

/// What a lock answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LockResult {
    /// It is the asker's now.
    Granted,
    /// The client held it, and holds it no longer.
    Released,
    /// It was held, so it could not be acquired; or not by the asker, so it could not be released.
    Refused,
}

impl<O: fmt::Debug> fmt::Display for LockOp<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acquire(owner) => write!(f, "acquire for {owner:?}"),
            Self::Release(owner) => write!(f, "release for {owner:?}"),
        }
    }
}

impl fmt::Display for LockResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Granted => "granted",
            Self::Released => "released",
            Self::Refused => "refused",
        })
    }
}

/// A lock that no client holds at first.
#[derive(Clone, Debug)]
pub struct Lock<O = u64> {
    owners: PhantomData<fn(O)>,
}

impl<O> Lock<O> {
    /// A lock that no client holds.
    pub const fn free() -> Self {
        Self { owners: PhantomData }
    }
}

impl<O: Clone + Eq + Hash + fmt::Debug> Model for Lock<O> {
    /// Who holds it.
    type State = Option<O>;
    type Op = LockOp<O>;
    type Ret = LockResult;

    fn initial(&self) -> Option<O> {
        None
    }

    fn step(&self, holder: &Option<O>, op: &LockOp<O>, ret: Option<&LockResult>) -> Next<Option<O>> {
        use LockResult::{Granted, Refused, Released};
        let (possible, done, next) = match op {
            LockOp::Acquire(owner) => (holder.is_none(), Granted, Some(owner)),
            LockOp::Release(owner) => (holder.as_ref() == Some(owner), Released, None),
        };
        match ret {
            Some(Refused) if !possible => Next::Same,
            ret if !possible || ret.is_some_and(|ret| *ret != done) => Next::Illegal,
            _ => Next::One(next.cloned()),
        }
    }

    fn role(&self, op: &LockOp<O>, ret: Option<&LockResult>) -> Role<Option<O>> {
        use LockResult::{Granted, Refused, Released};
        match (op, ret) {
            (_, Some(Refused)) => Role::Observer,
            (LockOp::Acquire(owner), None | Some(Granted)) => Role::Exchange { from: None, to: Some(owner.clone()) },
            (LockOp::Release(owner), None | Some(Released)) => Role::Exchange { from: Some(owner.clone()), to: None },
            (LockOp::Acquire(_), Some(Released)) | (LockOp::Release(_), Some(Granted)) => Role::Other,
        }
    }

    fn leads(&self, holder: &Option<O>, op: &LockOp<O>, ret: &LockResult) -> bool {
        // There are neither updates nor others that are legal.
        self.step(holder, op, Some(ret)).is_legal()
    }

    fn describe(&self, op: &LockOp<O>, ret: Option<&LockResult>) -> String {
        ret.map_or_else(|| format!("{op} → ?"), |ret| format!("{op} → {ret}"))
    }

    fn describe_state(&self, holder: &Option<O>) -> String {
        holder.as_ref().map_or_else(|| "nobody holds it".to_owned(), |holder| format!("{holder:?} holds it"))
    }

    fn expected(&self, holder: &Option<O>, op: &LockOp<O>) -> String {
        tell(holder.as_ref(), op)
    }
}

/// What was possible when the lock had this holder.
pub(super) fn tell<O: Eq + fmt::Debug>(holder: Option<&O>, op: &LockOp<O>) -> String {
    let held = holder.map_or_else(|| "nobody held it".to_owned(), |holder| format!("{holder:?} held it"));
    let only = match op {
        LockOp::Acquire(_) if holder.is_none() => "be granted",
        LockOp::Release(owner) if holder == Some(owner) => "be released",
        LockOp::Acquire(_) | LockOp::Release(_) => "refuse",
    };
    format!("{held}: it could only {only}")
}
