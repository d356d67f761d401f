//! Sequential models: what an object does when one operation is applied after another.
//!
//! A [`Model`] is all that a checker knows of an object. Two methods are enough: [`Model::initial`] and [`Model::step`]. The others make
//! answers quicker ([`Model::key`], [`Model::role`], [`Model::leads`]) or kinder ([`Model::describe`], [`Model::describe_state`],
//! [`Model::expected`], [`Model::part_noun`]); what they default to is always right.
//!
//! ```
//! use stormglass_check::check::model::{Model, Next};
//!
//! /// A counter that can be raised, and says what it was before.
//! struct Counter;
//!
//! impl Model for Counter {
//!     type State = u64;
//!     type Op = u64; // by how much it is raised
//!     type Ret = u64; // what it was before
//!
//!     fn initial(&self) -> u64 {
//!         0
//!     }
//!
//!     fn step(&self, count: &u64, by: &u64, before: Option<&u64>) -> Next<u64> {
//!         match before {
//!             Some(before) if before != count => Next::Illegal,
//!             _ => Next::One(count + by),
//!         }
//!     }
//! }
//! ```

pub mod bank;
pub mod counter;
pub mod fenced_lock;
pub mod grow_set;
pub mod kv;
pub mod lock;
pub mod log;
pub mod multi_register;
mod name;
pub mod priority_queue;
pub mod queue;
pub mod register;
pub mod registers;
pub mod set;
pub mod stack;
pub mod total_queue;
pub mod unique_ids;
pub mod unordered_queue;

use std::fmt;
use std::hash::Hash;

pub use name::{ModelName, Operation, UnknownModel};

use super::monitor::{KeyHistory, Opinion};

/// What an object does when operations are applied one after another.
///
/// ```
/// use stormglass_check::check::model::{Model, Next};
///
/// /// A light that is switched, and tells whether it is on now.
/// struct Light;
///
/// impl Model for Light {
///     type State = bool;
///     type Op = ();
///     type Ret = bool;
///
///     fn initial(&self) -> bool {
///         false
///     }
///
///     fn step(&self, is_on: &bool, (): &(), told: Option<&bool>) -> Next<bool> {
///         match told {
///             Some(told) if told == is_on => Next::Illegal,
///             _ => Next::One(!is_on),
///         }
///     }
/// }
///
/// assert!(matches!(Light.step(&false, &(), Some(&true)), Next::One(true)));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no model of an object",
    label = "nothing is known of what its operations do",
    note = "implement `Model`: the state at first, and what comes of an operation in a state"
)]
pub trait Model {
    /// All that later operations can depend on. For a model with keys: the state of one key.
    type State: Clone + Eq + Hash + fmt::Debug;
    /// What is asked of the object. Equal operations are taken for interchangeable.
    type Op: Eq + Hash + fmt::Debug;
    /// What it answers.
    type Ret: Eq + Hash + fmt::Debug;

    /// The state in which every object starts.
    fn initial(&self) -> Self::State;

    /// What comes of applying the operation in this state, given what it returned. Without a result, the operation took effect but its
    /// answer is unknown: any is legal. Where it can only have changed nothing, [`Next::Illegal`] says the same, since it need not take
    /// effect at all, and saves a search some ways.
    ///
    /// A nondeterministic object may go on in one of several states: [`Next::Any`].
    fn step(&self, state: &Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Next<Self::State>;

    /// The part of the object that the operation touches. Parts are judged apart, which is exact if no operation touches two, and saves
    /// exponential time. By default the object is one part.
    fn key<'a>(&self, op: &'a Self::Op) -> Key<'a> {
        let _ = op;
        Key::Whole
    }

    /// What a part is called in words, as in `service` for `service 3`. By default it is a key.
    fn part_noun(&self) -> &'static str {
        "key"
    }

    /// What can be promised of the operation with this result in *every* state. By default nothing.
    fn role(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> Role<Self::State> {
        let _ = (op, ret);
        Role::Other
    }

    /// Whether this state could become one in which the operation may return this, if only operations of the roles [`Role::Update`] and
    /// [`Role::Other`] are applied to it, any number of them, even none. A checker drops what cannot; so if in doubt, the answer is yes, as
    /// it is by default.
    fn leads(&self, state: &Self::State, op: &Self::Op, ret: &Self::Ret) -> bool {
        let _ = (state, op, ret);
        true
    }

    /// How many bytes this state holds besides those of its own type: what a search holds in memory is bounded. By default none, which is
    /// right for what holds no collection.
    fn state_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }

    /// Judges the operations on one key by an algorithm made for this model: see [`monitor`](super::monitor). By default there is none.
    fn monitor(&self, history: &KeyHistory<'_, Self::Op, Self::Ret>) -> Opinion {
        let _ = history;
        Opinion::Unfit
    }

    /// What stands for the item that the operation with this result puts into a container, or takes out: the operation that puts it in. An
    /// item is such that all operations on it can be left out together: what is left of a legal order is legal, and so a history that is
    /// violated without it is violated with it. By default there are no items.
    fn item(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> Option<Self::Op> {
        let _ = (op, ret);
        None
    }

    /// What the result of this operation shows more or less of than can have been there, in words, if that is so in whatever order the
    /// others took effect: those that began before it ended, each with whether it certainly took effect before. By default nothing is
    /// known.
    fn excess(&self, op: &Self::Op, ret: &Self::Ret, others: &[(&Self::Op, bool)]) -> Option<String> {
        let _ = (op, ret, others);
        None
    }

    /// The operation and its result in words, as in `read → 3`.
    fn describe(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> String {
        match ret {
            Some(ret) => format!("{op:?} → {ret:?}"),
            None => format!("{op:?} → ?"),
        }
    }

    /// What kind of operation it is, in a word, as in `read`. By default, the first word of what describes it.
    fn kind(&self, op: &Self::Op) -> String {
        let text = self.describe(op, None);
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '-').next().unwrap_or_default().to_lowercase()
    }

    /// The state in words, as in `holds 3`.
    fn describe_state(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }

    /// What would have been legal for this operation in this state, as in `only 5 could have been read`.
    fn expected(&self, state: &Self::State, op: &Self::Op) -> String {
        let _ = op;
        format!("the state was {state:?}")
    }
}

/// What comes of applying one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<S> {
    /// The operation could not have returned what it did.
    Illegal,
    /// It could, and leaves the state as it is.
    Same,
    /// It could, and leaves this state.
    One(S),
    /// It could, and leaves one of these states; with none, it is illegal.
    Any(Vec<S>),
}

impl<S> Next<S> {
    /// Whether the operation could have returned what it did.
    pub fn is_legal(&self) -> bool {
        match self {
            Self::Illegal => false,
            Self::Same | Self::One(_) => true,
            Self::Any(states) => !states.is_empty(),
        }
    }

    /// All states that may follow `state`.
    pub fn states(self, state: &S) -> Vec<S>
    where
        S: Clone,
    {
        match self {
            Self::Illegal => Vec::new(),
            Self::Same => vec![state.clone()],
            Self::One(next) => vec![next],
            Self::Any(next) => next,
        }
    }
}

/// What an operation with its result does, whatever the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role<S> {
    /// It never changes the state: a compare-and-set that found another value.
    Observer,
    /// It is legal in exactly this state, and leaves it as it is: a read with its result.
    Read(S),
    /// It is legal in every state and leaves exactly this one: a write, a deletion.
    Write(S),
    /// It may be illegal; where it is not, it leaves the state as it is, or exactly this one: a compare-and-set.
    Swap(S),
    /// It is legal in exactly one state, and leaves exactly one: a compare-and-set that is not known to have found another value.
    Exchange {
        /// Where it is legal.
        from: S,
        /// What it leaves.
        to: S,
    },
    /// It is legal in every state and changes it in a way of its own: an append, an increment whose result is unknown.
    Update,
    /// Nothing is promised.
    Other,
}

impl<S> Role<S> {
    /// The one state that the operation leaves where it changes anything.
    pub const fn leaves(&self) -> Option<&S> {
        match self {
            Self::Write(state) | Self::Swap(state) | Self::Exchange { to: state, .. } => Some(state),
            Self::Observer | Self::Read(_) | Self::Update | Self::Other => None,
        }
    }

    /// What the operation leaves, wherever it is legal: a read observes, an exchange swaps.
    #[must_use]
    pub fn effect(self) -> Self {
        match self {
            Self::Read(_) => Self::Observer,
            Self::Exchange { to, .. } => Self::Swap(to),
            other => other,
        }
    }
}

/// Names a part of an object that is judged apart from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key<'a> {
    /// The object has no parts.
    Whole,
    /// The part with this number.
    Number(u64),
    /// The part with this number, which may be negative.
    Signed(i64),
    /// The part with this name.
    Text(&'a str),
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.pad("the object"),
            Self::Number(number) => f.pad(&number.to_string()),
            Self::Signed(number) => f.pad(&number.to_string()),
            Self::Text(text) => f.pad(text),
        }
    }
}

/// Items between brackets, as people write them.
fn list<T: fmt::Debug>(open: char, items: impl IntoIterator<Item = T>, close: char) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("{item:?}")).collect();
    format!("{open}{}{close}", items.join(", "))
}

/// About how many bytes a B-tree of so many items takes: nodes of eleven places, of which half are full at least.
const fn tree_bytes<T>(items: usize) -> usize {
    items.div_ceil(6) * (11 * size_of::<T>() + 2 * size_of::<usize>())
}
