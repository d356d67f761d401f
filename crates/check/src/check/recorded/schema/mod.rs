//! What operations of each kind of object look like in files: the names that they go by there, and what they carry.

mod collections;
mod locks;
mod numbers;
mod objects;
mod observable;
mod registers;
mod store;
mod together;
mod unknown_start;

use crate::check::consistency::Observable;
use crate::check::model::Model;
use crate::history::formats::{Entries, EntryKind, Name, Value};

pub use collections::{GrowSets, Item, Logs, PriorityQueues, Queues, Sets, Stacks, UnorderedQueues};
pub use locks::{FencedLocks, Locks};
pub use numbers::Counters;
pub use objects::{Keyed, Objects, ObjectsSchema};
pub use registers::Registers;
pub(super) use store::name;
pub use store::{Answer, Store, StoreSchema};
pub use together::{Banks, IdSources, MultiRegisters};
pub use unknown_start::{Knowledge, RegisterEffect, RegisterLike, UnknownStart, UnknownStartSchema};

/// How recorded operations become those of a model.
pub trait Schema {
    /// The model whose operations they become.
    type Model: Model;

    /// Whether what is done has one name only, which a file need not say; nor need it say who does it.
    const ANONYMOUS: bool = false;

    /// Learns from so many of the first entries of a file what they mean, before any is read.
    fn look_ahead(&mut self, entries: &mut Entries<'_>, most: u64) {
        let _ = (entries, most);
    }

    /// The names that operations go by.
    fn names(&self) -> &'static [&'static str];

    /// What was asked for.
    ///
    /// # Errors
    /// What was expected instead, for a person. That the name is one of [`Schema::names`] is known.
    fn asked(&mut self, call: Call<'_>) -> Result<<Self::Model as Model>::Op, String>;

    /// What came back, for an operation that took effect.
    ///
    /// # Errors
    /// What was expected instead.
    fn answered(&mut self, op: &<Self::Model as Model>::Op, call: Call<'_>) -> Result<<Self::Model as Model>::Ret, String>;

    /// What a failure shows, if it is to count as an observation: that a compare-and-set found another value.
    fn refused(&self, op: &<Self::Model as Model>::Op) -> Option<<Self::Model as Model>::Ret> {
        let _ = op;
        None
    }

    /// What an operation has shown that failed, or of which the outcome is not known, if that counts all the same.
    fn shown_anyway(&mut self, op: &<Self::Model as Model>::Op, kind: EntryKind, call: Call<'_>) -> Option<<Self::Model as Model>::Ret> {
        let _ = (op, kind, call);
        None
    }

    /// Whether it is a read that found nothing there, or saw nothing.
    fn saw_nothing(&self, op: &<Self::Model as Model>::Op, answer: &<Self::Model as Model>::Ret) -> bool {
        let _ = (op, answer);
        false
    }

    /// The model, once everything was read.
    fn finish(self) -> Self::Model;

    /// What stands for nothing, if nothing and that are one thing, by what was read so far.
    fn absent(&self) -> Option<Value> {
        None
    }

    /// The operation, if nothing and this are one thing.
    fn meant(op: <Self::Model as Model>::Op, absent: &Value) -> <Self::Model as Model>::Op {
        let _ = absent;
        op
    }

    /// The answer, if nothing and this are one thing.
    fn meant_by(answer: <Self::Model as Model>::Ret, absent: &Value) -> <Self::Model as Model>::Ret {
        let _ = absent;
        answer
    }
}

/// A schema of objects of which there may be several, each with a key of its own, and which may be given what they hold at first.
pub trait ObjectSchema: Schema<Model: Observable> {
    /// The state of an object that holds this at first.
    ///
    /// # Errors
    /// What was expected instead.
    fn start(&mut self, initial: &Value) -> Result<<Self::Model as Model>::State, String>;

    /// The part of an object that an operation is about, if parts are judged apart.
    fn part<'o>(&self, op: &'o <Self::Model as Model>::Op) -> Option<&'o str> {
        let _ = op;
        None
    }

    /// Whether this could be the part behind a key of what an operation asks or answers.
    fn behind_key(f: &str, value: &Value) -> bool {
        let _ = (f, value);
        true
    }
}

/// What an entry says of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Call<'e> {
    /// Who does it.
    pub process: u32,
    /// Its name.
    pub f: &'e str,
    /// What it is about, if that is apart from the value.
    pub key: Option<&'e Value>,
    /// What goes in, or comes out.
    pub value: &'e Value,
    /// Its other fields.
    pub rest: &'e [(Name, Value)],
}

/// A value that is there, for what needs one.
pub(super) fn given(value: &Value, what: &str) -> Result<Value, String> {
    if value.is_nil() { Err(format!("expected {what}, found nil")) } else { Ok(value.clone()) }
}

/// Whether something that was asked for with this value was simply done: it ends with no value, or with the same.
pub(super) fn done(asked: &Value, call: Call<'_>) -> Result<(), String> {
    if call.value.is_nil() || call.value == asked {
        return Ok(());
    }
    Err(format!("it began with {asked}, and ends with {}", call.value))
}

/// An operation on an object that has no keys.
pub(super) fn keyless(call: Call<'_>) -> Result<(), String> {
    call.key.map_or(Ok(()), |key| Err(format!("it is about key {key}, but this model has no keys")))
}

/// A whole number of 64 bits.
fn whole(value: &Value, what: &str) -> Result<i64, String> {
    if let Value::Int(number) = value { Ok(*number) } else { Err(format!("expected {what}, found {value}")) }
}

/// The items of a list, a vector or a set.
pub(super) fn items(value: &Value, what: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::Vector(items) | Value::Set(items) => Ok(items.clone()),
        other => Err(format!("expected {what}, as in [1 2], found {other}")),
    }
}

/// A value that may be missing.
fn held(value: &Value) -> Option<Value> {
    if value.is_nil() { None } else { Some(value.clone()) }
}

/// Items that something holds at first, each of which can be one.
fn initial_items(value: &Value, item: impl Fn(&Value, &str) -> Result<Value, String>) -> Result<Vec<Value>, String> {
    items(value, "what it holds at first")?.iter().map(|value| item(value, "an item")).collect()
}

/// What a compare-and-set expects, and what it sets: `[1 2]`.
fn swap(value: &Value) -> Result<(Option<Value>, Value), String> {
    let (expect, new) =
        value.pair().ok_or_else(|| format!("expected what is expected and what is to be set, as in [1 2], found {value}"))?;
    Ok((held(expect), given(new, "a value to set")?))
}
