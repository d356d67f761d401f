//! What a judge answers: whether a property holds, and if not, why, as data.

/// Conversions into a type that has a variant for each of these.
macro_rules! from {
    ($whole:ty: $($type:ty => $make:expr;)*) => {
        $(impl From<$type> for $whole { fn from(it: $type) -> Self { $make(it) } })*
    };
}

mod anomaly;
mod budget;
mod counterexample;
mod explanation;
mod level;
mod property;
mod rule;
mod trouble;

pub use anomaly::{
    Access, Anomaly, CastMember, Did, Doubt, Fate, Finding, KeyLeftOut, LeftOut, Phenomenon, Scope, Version, transaction_name,
};
pub use budget::Budget;
pub use counterexample::{CoreOrder, Counterexample, DescribedOperation, Ending, Linearizability, Saw, UndecidedKey};
pub use explanation::{Explanation, Told};
pub use level::Level;
pub(super) use level::Levels;
pub use property::{Property, PropertyKind, PropertyReport, Verdict, Violations};
pub use rule::{Broken, Fact, Rule, Sighting};
pub use trouble::{Difference, Doing, Lag, Panic, Pending, Spin};
