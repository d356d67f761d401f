//! The models by name.

use std::fmt;
use std::str::FromStr;

use crate::base::nearest;

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
}

impl ModelName {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 12] = [
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
    ];

    /// The name: `grow-set`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::CasRegister => "cas-register",
            Self::Kv => "kv",
            Self::Counter => "counter",
            Self::Set => "set",
            Self::GrowSet => "grow-set",
            Self::Queue => "queue",
            Self::Stack => "stack",
            Self::PriorityQueue => "priority-queue",
            Self::Lock => "lock",
            Self::FencedLock => "fenced-lock",
            Self::Log => "log",
        }
    }

    /// What it is, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Register => "one value, or nothing",
            Self::CasRegister => "one value, or nothing, that can be compared and set",
            Self::Kv => "a register for each key, that can also be appended to and deleted; keys are judged apart",
            Self::Counter => "a number that is added to, of 64 bits: it wraps around",
            Self::Set => "elements that come and go; each is judged apart",
            Self::GrowSet => "elements that only come, read all together",
            Self::Queue => "first in, first out",
            Self::Stack => "last in, first out",
            Self::PriorityQueue => "the least item out first: whole numbers, or texts",
            Self::Lock => "held by one owner at a time",
            Self::FencedLock => "held by one owner at a time, with a token, from 1 on, that grows from grant to grant",
            Self::Log => "entries that are appended and stay, read from any offset",
        }
    }

    /// What can be asked of it.
    pub const fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Register => &["read", "write"],
            Self::CasRegister => &["read", "write", "cas"],
            Self::Kv => &["read", "write", "append", "cas", "delete"],
            Self::Counter => &["read", "add", "add-and-get"],
            Self::Set => &["add", "remove", "contains"],
            Self::GrowSet => &["add", "read"],
            Self::Queue => &["enqueue", "dequeue"],
            Self::Stack => &["push", "pop"],
            Self::PriorityQueue => &["insert", "take-least"],
            Self::Lock | Self::FencedLock => &["acquire", "release"],
            Self::Log => &["append", "read"],
        }
    }
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
        assert!(unknown.to_string().ends_with("fenced-lock, log"), "{unknown}");
    }
}
