//! The models by name.

use std::fmt;
use std::str::FromStr;

use crate::misspelling::nearest;

/// A model that comes with the crate, as `stormglass check --model NAME` and `stormglass list models` know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelName {
    /// [`register::Register`](super::register::Register), without compare-and-set.
    Register,
    /// [`register::Register`](super::register::Register).
    CasRegister,
    /// [`kv::Kv`](super::kv::Kv).
    Kv,
    /// [`counter::Counter`](super::counter::Counter).
    Counter,
    /// [`set::Set`](super::set::Set).
    Set,
    /// [`grow_set::GrowSet`](super::grow_set::GrowSet).
    GrowSet,
    /// [`queue::Queue`](super::queue::Queue).
    Queue,
    /// [`stack::Stack`](super::stack::Stack).
    Stack,
    /// [`priority_queue::PriorityQueue`](super::priority_queue::PriorityQueue).
    PriorityQueue,
    /// [`lock::Lock`](super::lock::Lock).
    Lock,
    /// [`fenced_lock::FencedLock`](super::fenced_lock::FencedLock).
    FencedLock,
    /// [`log::Log`](super::log::Log).
    Log,
    /// [`unordered_queue::UnorderedQueue`](super::unordered_queue::UnorderedQueue).
    UnorderedQueue,
    /// [`total_queue::TotalQueue`](super::total_queue::TotalQueue).
    TotalQueue,
    /// [`unique_ids::UniqueIds`](super::unique_ids::UniqueIds).
    UniqueIds,
    /// [`multi_register::MultiRegister`](super::multi_register::MultiRegister).
    MultiRegister,
    /// [`bank::Bank`](super::bank::Bank).
    Bank,
}

impl ModelName {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 17] = [
        Self::Register,
        Self::CasRegister,
        Self::Kv,
        Self::Counter,
        Self::Set,
        Self::GrowSet,
        Self::Queue,
        Self::Stack,
        Self::PriorityQueue,
        Self::Lock,
        Self::FencedLock,
        Self::Log,
        Self::UnorderedQueue,
        Self::TotalQueue,
        Self::UniqueIds,
        Self::MultiRegister,
        Self::Bank,
    ];

    /// The name: `grow-set`.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it is, in a line.
    pub const fn about(self) -> &'static str {
        self.entry().about
    }

    /// What a history of it is, or is not, that is judged to be linearizable by it. A model whose state does not matter promises less.
    pub const fn promise(self) -> [&'static str; 2] {
        match self {
            Self::Bank => ["keeps its total", "does not keep its total"],
            Self::TotalQueue => ["loses and repeats nothing", "loses or repeats items"],
            _ => ["is linearizable", "is not linearizable"],
        }
    }

    /// What can be asked of it.
    pub const fn operations(self) -> &'static [Operation] {
        self.entry().operations
    }

    /// All that is told of it.
    const fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }
}

/// All that is told of each model, in the order of the names.
static ENTRIES: [Entry; ModelName::ALL.len()] = [
    entry("register", "one value, or nothing", &[READ, WRITE]),
    entry(
        "cas-register",
        "one value, or nothing, that can be compared and set",
        &[READ, WRITE, operation("cas", "[3 4]", "anything, or false if the value differed")],
    ),
    entry(
        "kv",
        "a register for each key, that can also be appended to and deleted; keys are judged apart",
        &[
            operation("get", "[\"key\" nil]", "key and value, or value; so may all others, and the key may stand in :key instead"),
            operation("put", "[\"key\" 3]", "nothing, or the same"),
            operation("append", "[\"key\" 3]", "nothing, or the same"),
            operation("cas", "[\"key\" [3 4]]", "anything; false, or {:found 5}, if the value differed"),
            operation("delete", "[\"key\" nil]", "nothing"),
        ],
    ),
    entry(
        "counter",
        "a number that is added to, of 64 bits: it wraps around",
        &[
            operation("read", "nil", "the number"),
            operation("add", "3", "nothing, or the same"),
            operation("add-and-get", "3", "the number after it"),
        ],
    ),
    entry(
        "set",
        "elements that come and go; each is judged apart",
        &[
            operation("add", "3", "nothing, or whether it was there before"),
            operation("remove", "3", "nothing, or whether it was there before"),
            operation("contains", "3", "true or false"),
        ],
    ),
    entry(
        "grow-set",
        "elements that only come, read all together",
        &[operation("add", "3", "nothing, or the same"), operation("read", "nil", "all elements: [1 3]")],
    ),
    entry(
        "queue",
        "first in, first out",
        &[operation("enqueue", "3", "nothing, or the same"), operation("dequeue", "nil", "the item, or nil if there was none")],
    ),
    entry(
        "stack",
        "last in, first out",
        &[operation("push", "3", "nothing, or the same"), operation("pop", "nil", "the item, or nil if there was none")],
    ),
    entry(
        "priority-queue",
        "the least item out first: whole numbers, or texts",
        &[operation("insert", "3", "nothing, or the same"), operation("take-least", "nil", "the least item, or nil if there was none")],
    ),
    entry(
        "lock",
        "held by one owner at a time",
        &[operation("acquire", "nil", "nothing, or false if it was refused; a value says for whom it is, if not for the process"), RELEASE],
    ),
    entry(
        "fenced-lock",
        "held by one owner at a time, with a token, from 1 on, that grows from grant to grant",
        &[operation("acquire", "nil", "the token, or false if it was refused"), RELEASE],
    ),
    entry(
        "log",
        "entries that are appended and stay, read from any offset",
        &[
            operation("append", "3", "nothing, or offset and entry: [0 3]"),
            operation("read", "nil", "the entries: [3 4]; a value says from which offset on, and [2 5] also how many at most"),
        ],
    ),
    entry(
        "unordered-queue",
        "a queue that hands out its items in any order",
        &[operation("enqueue", "3", "nothing, or the same"), operation("dequeue", "nil", "an item, or nil if there was none")],
    ),
    entry(
        "total-queue",
        "a queue that is emptied at the end: each item comes out as often as it went in, at any time after",
        &[
            operation("enqueue", "3", "nothing, or the same"),
            operation("dequeue", "nil", "an item, or nil if it found none"),
            operation("drain", "nil", "all items that were left: [3 4]"),
        ],
    ),
    entry("unique-ids", "a source of ids, none of which comes twice", &[operation("generate", "nil", "an id")]),
    entry(
        "multi-register",
        "registers that are read and written together, as one object",
        &[operation("txn", "[[:read :x nil] [:write :y 2]]", "the same, with what was read: [[:read :x 1] [:write :y 2]]")],
    ),
    entry(
        "bank",
        "accounts between which money moves: each read sees the total, and no account below zero; not whether it is of the past",
        &[
            operation("read", "nil", "what is in each account: {0 5 1 15}; the first says the total, if --initial does not"),
            operation("transfer", "{:from 0 :to 1 :amount 5}", "anything"),
        ],
    ),
];

/// What can be asked of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it is called in files.
    pub name: &'static str,
    /// A value that goes in, as EDN has it.
    pub asked: &'static str,
    /// What comes out, in words.
    pub answer: &'static str,
}

struct Entry {
    name: &'static str,
    about: &'static str,
    operations: &'static [Operation],
}

const READ: Operation = operation("read", "nil", "the value, or nil");
const WRITE: Operation = operation("write", "3", "nothing, or the same");
const RELEASE: Operation = operation("release", "nil", "nothing, or false if it was refused");

const fn entry(name: &'static str, about: &'static str, operations: &'static [Operation]) -> Entry {
    Entry { name, about, operations }
}

const fn operation(name: &'static str, asked: &'static str, answer: &'static str) -> Operation {
    Operation { name, asked, answer }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ModelName {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL.into_iter().find(|model| model.name() == name).ok_or_else(|| UnknownModel { name: name.to_owned() })
    }
}

/// No model has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownModel {
    /// The name.
    pub name: String,
}

impl UnknownModel {
    /// The model that was perhaps meant.
    pub fn nearest(&self) -> Option<ModelName> {
        nearest(&self.name, ModelName::ALL.map(ModelName::name)).and_then(|name| name.parse().ok())
    }
}

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no model is called `{}`", self.name)?;
        match self.nearest() {
            Some(meant) => write!(f, ": did you mean `{meant}`?"),
            None => write!(f, ": there are {}", ModelName::ALL.map(ModelName::name).join(", ")),
        }
    }
}

impl std::error::Error for UnknownModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_found_by_its_name() {
        for model in ModelName::ALL {
            assert_eq!(model.name().parse(), Ok(model));
            assert!(!model.about().is_empty() && !model.operations().is_empty());
        }
        let misspelt = "regster".parse::<ModelName>().expect_err("a misspelt name");
        assert_eq!(misspelt.nearest(), Some(ModelName::Register));
        assert_eq!(misspelt.to_string(), "no model is called `regster`: did you mean `register`?");
        let unknown = "blockchain".parse::<ModelName>().expect_err("no such model");
        assert!(unknown.to_string().ends_with("multi-register, bank"), "{unknown}");
    }
}
