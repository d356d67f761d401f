//! Sets, queues and logs, as files have it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::store::name;
use super::{Call, ObjectSchema, Schema, done, given, initial_items, items, keyless, whole};
use crate::check::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use crate::check::model::log::{Log, LogOp, LogResult};
use crate::check::model::priority_queue::{PriorityQueue, PriorityQueueOp, PriorityQueueResult};
use crate::check::model::queue::{Queue, QueueOp, QueueResult};
use crate::check::model::set::{Element, Set, SetOp, SetResult};
use crate::check::model::stack::{Stack, StackOp, StackResult};
use crate::check::model::unordered_queue::UnorderedQueue;
use crate::check::model::{Key, Model};
use crate::history::formats::Value;

/// An element of a set, by its name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Item(String);

impl Item {
    /// The element, or item, of this name.
    pub(in crate::check::recorded) const fn new(name: String) -> Self {
        Self(name)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Element for Item {
    fn as_key(&self) -> Key<'_> {
        Key::Text(&self.0)
    }
}

/// A set: `:add 3`, `:remove 3`, `:contains 3`. An addition or removal ends with nothing, or with whether the element was there before; a
/// question ends with `true` or `false`, which may stand behind the element, `[3 true]`.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// What it holds at first.
    initial: Vec<Item>,
}

impl Schema for Sets {
    type Model = Set<Item>;

    fn names(&self) -> &'static [&'static str] {
        &["add", "remove", "contains"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<SetOp<Item>, String> {
        keyless(call)?;
        let element = Item(name(&given(call.value, "an element")?));
        Ok(match call.f {
            "add" => SetOp::Add(element),
            "remove" => SetOp::Remove(element),
            _ => SetOp::Contains(element),
        })
    }

    fn answered(&mut self, op: &SetOp<Item>, call: Call<'_>) -> Result<SetResult, String> {
        let value = match call.value.pair() {
            Some((element, value)) if name(element) == op.element().0 => value,
            _ => call.value,
        };
        match (op, value) {
            (_, Value::Bool(was)) => Ok(SetResult::Was(*was)),
            (SetOp::Contains(_), other) => Err(format!("expected true or false, found {other}")),
            (_, Value::Nil) => Ok(SetResult::Done),
            (_, value) if name(value) == op.element().0 => Ok(SetResult::Done),
            (_, value) => Err(format!("expected nil, or whether it was there before, found {value}")),
        }
    }

    fn finish(self) -> Set<Item> {
        Set::holding(self.initial)
    }
}

impl ObjectSchema for Sets {
    /// Each element is judged apart: whether it is there at first is known to the model.
    fn start(&mut self, initial: &Value) -> Result<bool, String> {
        self.initial = initial_items(initial, given)?.iter().map(|element| Item(name(element))).collect();
        Ok(false)
    }

    fn part<'o>(&self, op: &'o SetOp<Item>) -> Option<&'o str> {
        Some(&op.element().0)
    }
}

/// A set that only grows: `:add 3`, and `:read`, which ends with all elements, `[1 3]` or `#{1 3}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrowSets;

impl Schema for GrowSets {
    type Model = GrowSet<Value>;

    fn names(&self) -> &'static [&'static str] {
        &["add", "read"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<GrowSetOp<Value>, String> {
        keyless(call)?;
        if call.f == "add" { given(call.value, "an element").map(GrowSetOp::Add) } else { Ok(GrowSetOp::Read) }
    }

    fn answered(&mut self, op: &GrowSetOp<Value>, call: Call<'_>) -> Result<GrowSetResult<Value>, String> {
        match op {
            GrowSetOp::Add(element) => done(element, call).map(|()| GrowSetResult::Added),
            GrowSetOp::Read => {
                let elements = items(call.value, "all elements")?;
                let (count, set) = (elements.len(), elements.iter().cloned().collect::<BTreeSet<_>>());
                Ok(if set.len() == count { GrowSetResult::Elements(set) } else { GrowSetResult::Repeated(elements) })
            }
        }
    }

    fn finish(self) -> GrowSet<Value> {
        GrowSet::empty()
    }
}

impl ObjectSchema for GrowSets {
    fn start(&mut self, initial: &Value) -> Result<BTreeSet<Value>, String> {
        initial_items(initial, given).map(|elements| elements.into_iter().collect())
    }

    fn behind_key(f: &str, value: &Value) -> bool {
        f != "read" || value.is_nil() || items(value, "").is_ok()
    }
}

/// An item, of which all that the states of a search hold is one copy.
pub(super) type Shared = Arc<Value>;

/// The schema of something that is put into and taken from: what comes out of nothing is `nil`.
macro_rules! pool {
    ($(#[$about:meta])* $schema:ident: $model:ident, $op:ident, $result:ident,
        $put:literal $Put:ident $Done:ident, $take:literal $Take:ident, $item:ident, $first:expr) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $schema;

        impl Schema for $schema {
            type Model = $model<Shared>;

            fn names(&self) -> &'static [&'static str] {
                &[$put, $take]
            }

            fn asked(&mut self, call: Call<'_>) -> Result<$op<Shared>, String> {
                keyless(call)?;
                if call.f == $put { $item(call.value, "an item").map(|item| $op::$Put(item.into())) } else { Ok($op::$Take) }
            }

            fn answered(&mut self, op: &$op<Shared>, call: Call<'_>) -> Result<$result<Shared>, String> {
                match (op, call.value) {
                    ($op::$Put(item), _) => done(item, call).map(|()| $result::$Done),
                    ($op::$Take, Value::Nil) => Ok($result::Empty),
                    ($op::$Take, item) => Ok($result::Item(item.clone().into())),
                }
            }

            fn finish(self) -> $model<Shared> {
                $model::empty()
            }
        }

        impl ObjectSchema for $schema {
            fn start(&mut self, initial: &Value) -> Result<<$model<Shared> as Model>::State, String> {
                initial_items(initial, $item).map(|items| items.into_iter().map(Arc::new).collect::<Vec<Shared>>()).map($first)
            }
        }
    };
}

pool! {
    /// A queue: `:enqueue 3`, and `:dequeue`, which ends with the item, or with `nil` if there was none.
    Queues: Queue, QueueOp, QueueResult, "enqueue" Enqueue Enqueued, "dequeue" Dequeue, given, VecDeque::from
}

pool! {
    /// A queue that hands out its items in any order: `:enqueue 3`, and `:dequeue`, which ends with an item, or `nil` if there was none.
    UnorderedQueues: UnorderedQueue, QueueOp, QueueResult, "enqueue" Enqueue Enqueued, "dequeue" Dequeue, given, counted
}

pool! {
    /// A stack: `:push 3`, and `:pop`, which ends with the item, or with `nil` if there was none.
    Stacks: Stack, StackOp, StackResult, "push" Push Pushed, "pop" Pop, given, |items| items
}

pool! {
    /// A priority queue: `:insert 3`, and `:take-least`, which ends with the least item, or with `nil` if there was none. Items are whole
    /// numbers of 64 bits, or texts or other values without numbers of other kinds: those cannot be put in order.
    PriorityQueues: PriorityQueue, PriorityQueueOp, PriorityQueueResult,
        "insert" Insert Inserted, "take-least" TakeLeast, orderable, descending
}

/// How often each is there.
fn counted(items: Vec<Shared>) -> BTreeMap<Shared, u64> {
    items.into_iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_default() += 1;
        counts
    })
}

fn descending(mut items: Vec<Shared>) -> Vec<Shared> {
    items.sort_by(|one, other| other.cmp(one));
    items
}

/// A value that is there, and can be put in order.
fn orderable(value: &Value, what: &str) -> Result<Value, String> {
    fn number(value: &Value) -> Option<&Value> {
        match value {
            Value::Number(_) => Some(value),
            Value::Vector(items) | Value::Set(items) => items.iter().find_map(number),
            Value::Map(fields) => fields.iter().find_map(|(key, value)| number(key).or_else(|| number(value))),
            Value::Tagged(tagged) => number(&tagged.1),
            _ => None,
        }
    }
    match number(value) {
        Some(number) => Err(format!("{number} cannot be put in order: of numbers, only whole ones of 64 bits can")),
        None => given(value, what),
    }
}

/// A log: `:append 3` ends with nothing, or with offset and entry, `[0 3]`. `:read` reads all, `:read 2` from that offset on, `:read [2 5]`
/// five entries from there at most; it ends with the entries, `[3 4]`. Offsets count from zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logs;

/// A count of entries, or an offset.
fn count(value: &Value, what: &str) -> Result<u64, String> {
    let number = whole(value, what)?;
    u64::try_from(number).map_err(|_| format!("expected {what}, which is not negative, found {number}"))
}

impl Schema for Logs {
    type Model = Log<Value>;

    fn names(&self) -> &'static [&'static str] {
        &["append", "read"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<LogOp<Value>, String> {
        keyless(call)?;
        if call.f == "append" {
            return given(call.value, "an entry").map(LogOp::Append);
        }
        Ok(match (call.value, call.value.pair()) {
            (Value::Nil, _) => LogOp::read_all(),
            (_, Some((from, most))) => LogOp::Read { from: count(from, "an offset")?, most: Some(count(most, "a count of entries")?) },
            (from, None) => LogOp::Read { from: count(from, "an offset")?, most: None },
        })
    }

    fn answered(&mut self, op: &LogOp<Value>, call: Call<'_>) -> Result<LogResult<Value>, String> {
        match (op, call.value.pair()) {
            (LogOp::Append(entry), Some((offset, same))) if same == entry && call.value != entry => {
                count(offset, "the offset").map(LogResult::At)
            }
            (LogOp::Append(entry), _) => done(entry, call).map(|()| LogResult::Appended),
            (LogOp::Read { .. }, _) => items(call.value, "entries").map(LogResult::Entries),
        }
    }

    fn finish(self) -> Log<Value> {
        Log::empty()
    }
}

impl ObjectSchema for Logs {
    fn start(&mut self, initial: &Value) -> Result<Vec<Value>, String> {
        initial_items(initial, given)
    }

    /// A pair that is asked for says from where to read, and how much.
    fn behind_key(_: &str, _: &Value) -> bool {
        false
    }
}
