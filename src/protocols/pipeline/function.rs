//! What stages compute: a listed set, and closures of those who use the library.

use std::fmt::{self, Debug};
use std::sync::Arc;

/// A closure over the key and the value of an event, with a name. It must be a function: the same whenever it is asked, on whatever node.
pub struct Own<R> {
    /// What it is called.
    pub name: &'static str,
    compute: Arc<dyn Fn(i64, i64) -> R + Send + Sync>,
}

impl<R> Own<R> {
    /// A closure of this name.
    ///
    /// ```
    /// use stormglass::protocols::pipeline::{Function, Own};
    ///
    /// let square = Function::Own(Own::new("square", |_, value| value * value));
    /// assert_eq!(square.of(1, 7), 49);
    /// ```
    pub fn new(name: &'static str, compute: impl Fn(i64, i64) -> R + Send + Sync + 'static) -> Self {
        Self { name, compute: Arc::new(compute) }
    }
}

impl<R> Clone for Own<R> {
    fn clone(&self) -> Self {
        Self { name: self.name, compute: Arc::clone(&self.compute) }
    }
}

impl<R> Debug for Own<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Closures are alike if their names are.
impl<R> PartialEq for Own<R> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<R> Eq for Own<R> {}

/// What a map makes of a value, and how a key is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// The value, and so much.
    Add(i64),
    /// The value, so many times.
    Multiply(i64),
    /// What is left of the value when it is divided; of zero, the value.
    Modulo(i64),
    /// The key of the event.
    Key,
    /// A closure.
    Own(Own<i64>),
}

impl Function {
    /// What it makes of an event's key and value. Numbers wrap around.
    pub fn of(&self, key: i64, value: i64) -> i64 {
        match self {
            Self::Add(more) => value.wrapping_add(*more),
            Self::Multiply(times) => value.wrapping_mul(*times),
            Self::Modulo(by) => value.checked_rem_euclid(*by).unwrap_or(value),
            Self::Key => key,
            Self::Own(own) => (own.compute)(key, value),
        }
    }
}

/// Which events a filter lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Those with a value that is a multiple of this.
    MultipleOf(i64),
    /// Those with a value of at least this.
    AtLeast(i64),
    /// Those with a value below this.
    Below(i64),
    /// A closure.
    Own(Own<bool>),
}

impl Predicate {
    /// Whether an event with this key and value passes.
    pub fn passes(&self, key: i64, value: i64) -> bool {
        match self {
            Self::MultipleOf(by) => value.checked_rem_euclid(*by).is_none_or(|left| left == 0),
            Self::AtLeast(least) => value >= *least,
            Self::Below(bound) => value < *bound,
            Self::Own(own) => (own.compute)(key, value),
        }
    }
}

/// How values become one. The order in which they come must not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// How many there are.
    Count,
    /// The least.
    Least,
    /// The greatest.
    Greatest,
    /// A closure of two values, associative and commutative.
    Own(Own<i64>),
}

impl Fold {
    /// What one value alone comes to.
    pub fn one(&self, value: i64) -> i64 {
        if *self == Self::Count { 1 } else { value }
    }

    /// What two results come to together.
    pub fn both(&self, left: i64, right: i64) -> i64 {
        match self {
            Self::Sum | Self::Count => left.wrapping_add(right),
            Self::Least => left.min(right),
            Self::Greatest => left.max(right),
            Self::Own(own) => (own.compute)(left, right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_total() {
        assert_eq!(Function::Modulo(0).of(1, 5), 5);
        assert_eq!(Function::Modulo(3).of(1, -1), 2);
        assert_eq!(Function::Add(1).of(0, i64::MAX), i64::MIN);
        assert!(Predicate::MultipleOf(0).passes(0, 7));
        assert!(!Predicate::MultipleOf(2).passes(0, 7));
    }

    #[test]
    fn folds_do_not_ask_for_the_order() {
        let values = [3, 1, 2];
        for (fold, whole) in [(Fold::Sum, 6), (Fold::Count, 3), (Fold::Least, 1), (Fold::Greatest, 3)] {
            let ahead = values.iter().map(|value| fold.one(*value)).reduce(|left, right| fold.both(left, right));
            let back = values.iter().rev().map(|value| fold.one(*value)).reduce(|left, right| fold.both(left, right));
            assert_eq!((ahead, back), (Some(whole), Some(whole)), "{fold:?}");
        }
    }
}
