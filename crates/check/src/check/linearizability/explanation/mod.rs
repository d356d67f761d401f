//! Why a history is not linearizable: of each violated key the core, and how far the longest orders get.
//!
//! [`diagnosis`] finds the operation whose completion no order passes, [`core`] the smallest part that has no order,
//! and [`counterexample`] makes data of both.

mod allowance;
mod core;
mod counterexample;
mod diagnosis;
mod drawing;
mod ending;
mod prefix;

pub(in crate::check) use self::allowance::Allowance;
pub(in crate::check) use self::core::shrink_subject;
pub use self::core::{Core, shrink};
pub use self::counterexample::explain;
pub(in crate::check) use self::counterexample::{Explainer, Origin, examine, named};
pub use self::diagnosis::{Attempt, Diagnosis, diagnose};
pub use self::drawing::Drawing;
