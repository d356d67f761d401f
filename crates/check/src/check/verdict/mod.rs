//! What a judge answers: whether a property holds, and if not, why, as data.

/// Conversions into a type that has a variant for each of these.
macro_rules! from {
    ($whole:ty: $($type:ty => $make:expr;)*) => {
        $(impl From<$type> for $whole { fn from(it: $type) -> Self { $make(it) } })*
    };
}

mod explanation;
mod property;
mod rule;
mod trouble;

pub use explanation::{Explanation, shorten};
pub use property::{Property, PropertyKind, PropertyReport, Verdict, Violations};
pub use rule::{Broken, Fact, Rule, Sighting};
pub use trouble::{Difference, Doing, Panic, Pending, Spin};
