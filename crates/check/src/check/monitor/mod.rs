//! Algorithms made for one kind of object, that judge a history without searching, in near-linear time.
//!
//! A model may bring one: [`Model::monitor`](super::model::Model::monitor). It sees one key's operations as [`Span`]s of whole numbers,
//! and says [`Opinion::Unfit`] where it cannot be sure; then the checker searches.
//!
//! **Gaps.** Between two completions lies a *gap*; the first gap lies before the first completion, the last one behind the last. What takes
//! effect, does so in some gap, and in a gap operations can stand in any order. So an operation is as free as its span says: from the gap
//! in which it was invoked to the one that its completion ends. An operation precedes another if its last gap lies before the other's
//! first.
//!
//! **What need not take effect** has no last gap: an operation of unknown outcome, or, where the checker looks at the beginning of a
//! history only, one that was still open then. The latter has a result all the same: if it takes effect, then with this result.

pub(super) mod counter;
pub(super) mod grow_set;
mod matching;
mod pool;
pub(super) mod priority_queue;
pub(super) mod queue;
pub(super) mod stack;
mod trees;
pub(super) mod unordered_queue;

pub(super) use self::pool::PoolEffect;

/// A place between two completions, counted from zero.
pub type Gap = u32;

/// One operation, and the gaps in which it can take effect.
#[derive(Debug)]
pub struct Span<'a, O, R> {
    /// What was asked.
    pub op: &'a O,
    /// What it returned; nothing if that is not known.
    pub ret: Option<&'a R>,
    /// The first gap in which it can take effect.
    pub from: Gap,
    /// The last one; nothing if it may never take effect.
    pub until: Option<Gap>,
}

/// What is to be judged: the operations on one key.
pub struct KeyHistory<'a, O, R> {
    lay_out: &'a dyn Fn() -> Vec<Span<'a, O, R>>,
    end: Gap,
}

impl<'a, O, R> KeyHistory<'a, O, R> {
    pub(super) const fn new(lay_out: &'a dyn Fn() -> Vec<Span<'a, O, R>>, end: Gap) -> Self {
        Self { lay_out, end }
    }

    /// The operations, in no particular order.
    pub fn spans(&self) -> Vec<Span<'a, O, R>> {
        (self.lay_out)()
    }

    /// The last gap, behind all completions.
    pub const fn end(&self) -> Gap {
        self.end
    }
}

/// What a monitor finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Nothing: the history is not of the kind that it can judge.
    Unfit,
    /// There is no order.
    Violated,
    /// This is an order: operations by their places among the spans, each with the gap in which it takes effect. Gaps do not decrease. All
    /// operations that must take effect are in it.
    Order(Vec<(usize, Gap)>),
}
