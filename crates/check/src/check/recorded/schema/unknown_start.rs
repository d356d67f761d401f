//! Registers and stores of which it is not known what they held at first.

use std::collections::BTreeSet;

use super::{Answer, Call, Schema, Store};
use crate::check::consistency::Observable;
use crate::check::model::kv::{KvOp, KvResult};
use crate::check::model::register::{Register, RegisterOp, RegisterResult};
use crate::check::model::{Key, Model, Next, Role};
use crate::history::formats::Value;

/// What is known of what a register holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// What it held at first, and what was appended since; at first it held none of these.
    AtFirst {
        /// What it did not hold.
        not: BTreeSet<Option<Value>>,
        /// What was appended.
        appended: Vec<Value>,
    },
    /// This.
    Holds(Option<Value>),
}

/// What an operation is to one register.
#[derive(Debug)]
pub enum RegisterEffect<'a> {
    /// It holds this.
    Read(&'a Option<Value>),
    /// It holds this from now on.
    Write(Option<&'a Value>),
    /// This is put behind what it holds.
    Append(&'a Value),
    /// It held the one, and holds the other now.
    Swap(&'a Option<Value>, &'a Value),
    /// It does not hold this.
    Differs(&'a Option<Value>),
    /// It shows nothing.
    Nothing,
    /// It cannot be.
    Never,
}

/// A model of registers.
pub trait RegisterLike: Model<State = Option<Value>> {
    /// What this operation is to its register.
    fn effect<'a>(&self, op: &'a Self::Op, ret: Option<&'a Self::Ret>) -> RegisterEffect<'a>;
}

impl RegisterLike for Register<Value> {
    fn effect<'a>(&self, op: &'a RegisterOp<Value>, ret: Option<&'a RegisterResult<Value>>) -> RegisterEffect<'a> {
        match (op, ret) {
            (RegisterOp::Read, None) => RegisterEffect::Nothing,
            (RegisterOp::Read, Some(RegisterResult::Value(seen))) => RegisterEffect::Read(seen),
            (RegisterOp::Write(value), None | Some(RegisterResult::Written)) => RegisterEffect::Write(Some(value)),
            (RegisterOp::Cas { expect, new }, None | Some(RegisterResult::Swapped)) => RegisterEffect::Swap(expect, new),
            (RegisterOp::Cas { expect, .. }, Some(RegisterResult::Mismatch)) => RegisterEffect::Differs(expect),
            _ => RegisterEffect::Never,
        }
    }
}

impl RegisterLike for Store {
    fn effect<'a>(&self, op: &'a KvOp<String, Value>, ret: Option<&'a Answer>) -> RegisterEffect<'a> {
        let known = match ret {
            Some(Answer::Differed) => None,
            Some(Answer::Known(known)) => Some(known),
            None => {
                return match op {
                    KvOp::Read { .. } => RegisterEffect::Nothing,
                    KvOp::Write { value, .. } => RegisterEffect::Write(Some(value)),
                    KvOp::Append { value, .. } => RegisterEffect::Append(value),
                    KvOp::Cas { expect, new, .. } => RegisterEffect::Swap(expect, new),
                    KvOp::Delete { .. } => RegisterEffect::Write(None),
                };
            }
        };
        match (op, known) {
            (KvOp::Read { .. }, Some(KvResult::Value(seen))) => RegisterEffect::Read(seen),
            (KvOp::Write { value, .. }, Some(KvResult::Written)) => RegisterEffect::Write(Some(value)),
            (KvOp::Append { value, .. }, Some(KvResult::Written)) => RegisterEffect::Append(value),
            (KvOp::Delete { .. }, Some(KvResult::Written)) => RegisterEffect::Write(None),
            (KvOp::Cas { expect, new, .. }, Some(KvResult::Swapped)) => RegisterEffect::Swap(expect, new),
            (KvOp::Cas { expect, .. }, Some(KvResult::Mismatch(found))) if found != expect => RegisterEffect::Read(found),
            (KvOp::Cas { expect, .. }, None) => RegisterEffect::Differs(expect),
            _ => RegisterEffect::Never,
        }
    }
}

/// Registers of which it is not known what they held at first: a history holds if it does for some value of each.
#[derive(Clone, Debug)]
pub struct UnknownStart<M>(pub M);

/// All that can have been there at first, if this is there now and these were appended since.
fn before(now: &Option<Value>, appended: &[Value]) -> Vec<Option<Value>> {
    let Some((last, rest)) = appended.split_last() else { return vec![now.clone()] };
    let mut first = Vec::new();
    let earlier: Vec<Option<Value>> = match (now, last) {
        (Some(Value::Text(now)), Value::Text(last)) if now.ends_with(&**last) => {
            let text = &now[..now.len() - last.len()];
            let nothing = text.is_empty().then_some(None);
            [Some(Some(Value::text(text))), nothing].into_iter().flatten().collect()
        }
        (Some(now), last) => {
            let list = now.items().and_then(|items| items.split_last()).filter(|(tail, _)| *tail == last).map(|(_, items)| items);
            let lists = list.map(|items| Some(Value::Vector(items.to_vec())));
            // What is no list begins one.
            let alone = list.filter(|items| items.len() == 1).map(|items| Some(items[0].clone()));
            lists.into_iter().chain(alone).chain((now == last).then_some(None)).collect()
        }
        (None, _) => Vec::new(),
    };
    earlier.iter().for_each(|value| first.extend(before(value, rest)));
    first
}

impl<M: RegisterLike> UnknownStart<M> {
    /// What comes of it if what was there at first is not known.
    fn first(&self, not: &BTreeSet<Option<Value>>, appended: &[Value], op: &M::Op, ret: Option<&M::Ret>) -> Next<Knowledge> {
        let possible = |now: &Option<Value>| before(now, appended).iter().any(|value| !not.contains(value));
        match self.0.effect(op, ret) {
            RegisterEffect::Nothing => Next::Same,
            RegisterEffect::Read(seen) if possible(seen) => Next::One(Knowledge::Holds(seen.clone())),
            RegisterEffect::Write(value) => Next::One(Knowledge::Holds(value.cloned())),
            RegisterEffect::Append(value) => {
                let appended = appended.iter().chain([value]).cloned().collect();
                Next::One(Knowledge::AtFirst { not: not.clone(), appended })
            }
            RegisterEffect::Swap(seen, new) if possible(seen) => Next::One(Knowledge::Holds(Some(new.clone()))),
            RegisterEffect::Differs(expect) => {
                let not = not.iter().cloned().chain(before(expect, appended)).collect();
                Next::One(Knowledge::AtFirst { not, appended: appended.to_vec() })
            }
            RegisterEffect::Read(_) | RegisterEffect::Swap(..) | RegisterEffect::Never => Next::Illegal,
        }
    }
}

impl<M: RegisterLike> Model for UnknownStart<M> {
    type State = Knowledge;
    type Op = M::Op;
    type Ret = M::Ret;

    fn initial(&self) -> Knowledge {
        Knowledge::AtFirst { not: BTreeSet::new(), appended: Vec::new() }
    }

    fn step(&self, state: &Knowledge, op: &M::Op, ret: Option<&M::Ret>) -> Next<Knowledge> {
        match state {
            Knowledge::AtFirst { not, appended } => self.first(not, appended, op, ret),
            Knowledge::Holds(held) => match self.0.step(held, op, ret) {
                Next::Illegal => Next::Illegal,
                Next::Same => Next::Same,
                Next::One(next) => Next::One(Knowledge::Holds(next)),
                Next::Any(next) => Next::Any(next.into_iter().map(Knowledge::Holds).collect()),
            },
        }
    }

    fn key<'a>(&self, op: &'a M::Op) -> Key<'a> {
        self.0.key(op)
    }

    fn role(&self, op: &M::Op, ret: Option<&M::Ret>) -> Role<Knowledge> {
        match self.0.effect(op, ret) {
            RegisterEffect::Nothing => Role::Observer,
            // The first read shows what was there.
            RegisterEffect::Read(seen) => Role::Swap(Knowledge::Holds(seen.clone())),
            RegisterEffect::Write(value) => Role::Write(Knowledge::Holds(value.cloned())),
            RegisterEffect::Append(_) => Role::Update,
            RegisterEffect::Swap(_, new) => Role::Swap(Knowledge::Holds(Some(new.clone()))),
            RegisterEffect::Differs(_) | RegisterEffect::Never => Role::Other,
        }
    }

    fn state_bytes(&self, state: &Knowledge) -> usize {
        match state {
            Knowledge::AtFirst { not, appended } => {
                let held = |value: &Value| size_of::<Value>() + value.held_bytes();
                appended.iter().chain(not.iter().flatten()).map(held).sum()
            }
            Knowledge::Holds(held) => held.as_ref().map_or(0, Value::held_bytes),
        }
    }

    fn describe(&self, op: &M::Op, ret: Option<&M::Ret>) -> String {
        self.0.describe(op, ret)
    }

    fn describe_state(&self, state: &Knowledge) -> String {
        match state {
            Knowledge::AtFirst { .. } => "holds what it held at first, which nobody has seen".to_owned(),
            Knowledge::Holds(held) => self.0.describe_state(held),
        }
    }

    fn expected(&self, state: &Knowledge, op: &M::Op) -> String {
        match state {
            Knowledge::AtFirst { .. } => "it held what it held at first, and that is known not to be this".to_owned(),
            Knowledge::Holds(held) => self.0.expected(held, op),
        }
    }
}

impl<M: RegisterLike> Observable for UnknownStart<M> {
    type Value = Value;
}

/// The same registers as another schema's.
#[derive(Clone, Debug)]
pub struct UnknownStartSchema<S>(pub S);

impl<S: Schema<Model: RegisterLike>> Schema for UnknownStartSchema<S> {
    type Model = UnknownStart<S::Model>;

    fn names(&self) -> &'static [&'static str] {
        self.0.names()
    }

    fn asked(&mut self, call: Call<'_>) -> Result<<S::Model as Model>::Op, String> {
        self.0.asked(call)
    }

    fn answered(&mut self, op: &<S::Model as Model>::Op, call: Call<'_>) -> Result<<S::Model as Model>::Ret, String> {
        self.0.answered(op, call)
    }

    fn refused(&self, op: &<S::Model as Model>::Op) -> Option<<S::Model as Model>::Ret> {
        self.0.refused(op)
    }

    fn saw_nothing(&self, op: &<S::Model as Model>::Op, answer: &<S::Model as Model>::Ret) -> bool {
        self.0.saw_nothing(op, answer)
    }

    fn finish(self) -> UnknownStart<S::Model> {
        UnknownStart(self.0.finish())
    }

    fn absent(&self) -> Option<Value> {
        self.0.absent()
    }

    fn meant(op: <S::Model as Model>::Op, absent: &Value) -> <S::Model as Model>::Op {
        S::meant(op, absent)
    }

    fn meant_by(answer: <S::Model as Model>::Ret, absent: &Value) -> <S::Model as Model>::Ret {
        S::meant_by(answer, absent)
    }
}
