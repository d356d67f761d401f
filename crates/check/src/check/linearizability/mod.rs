//! Is there an order? A history is *linearizable* if its operations can be put in an order, each between its invocation and its
//! completion, in which a sequential object would have given the same answers (M. Herlihy and J. Wing, 1990).
//!
//! [`check`] judges a [`History`] against a [`Model`]. Operations that failed never took effect; those of unknown outcome may take effect
//! at any time after their invocation, or never. What precedes what is defined in [`crate::history`].
//!
//! Keys are judged apart, each by a just-in-time search with a budget counted in states and bytes: the same history gives the same answer,
//! and takes the same number of steps, everywhere. Where it holds, the answer is an order; where it does not, every violated key is named.
//!
//! ```
//! use stormglass_check::base::{ClientId, Time};
//! use stormglass_check::check::{Verdict, linearizability, model::register::{Register, RegisterOp, RegisterResult}};
//! use stormglass_check::history::{History, Outcome};
//!
//! let (writer, reader) = (ClientId::new(0), ClientId::new(1));
//! let at = Time::from_nanos;
//! let mut history = History::new();
//! history.invoke(at(1), writer, RegisterOp::Write(5))?;
//! history.complete(at(2), writer, Outcome::Done(RegisterResult::Written))?;
//! history.invoke(at(3), reader, RegisterOp::Read)?;
//! history.complete(at(4), reader, Outcome::Done(RegisterResult::Value(None)))?;
//!
//! let report = linearizability::check(&Register::empty(), &history);
//! assert_eq!(report.verdict(), Verdict::Violated); // a stale read
//! for violation in report.violations() {
//!     let why = linearizability::explain(&Register::empty(), &history, violation);
//!     assert_eq!((why.needed, why.attempts[0].expected.as_str()), (2, "only 5 could have been read"));
//! }
//! # Ok::<(), stormglass_check::history::MalformedHistory>(())
//! ```

mod encoding;
mod explanation;
mod keys;
mod merge;
pub mod online;
mod partition;
mod portfolio;
mod product;
pub mod reference;
mod report;
mod search;
mod sub_history;
mod subject;
mod witness;

pub(super) use self::encoding::{KindId, StateId};
pub(super) use self::explanation::{Allowance, Explainer, Origin, examine, named, shrink_subject};
pub use self::explanation::{Attempt, Core, Diagnosis, Drawing, diagnose, explain, shrink};
pub(super) use self::keys::judge_keys;
pub use self::online::{Online, ViolatedKey};
pub use self::portfolio::Strategies;
pub use self::report::{Judgement, Report, Undecided, Violation, default_budget, explanation_budget};
pub use self::sub_history::{Borrowed, SubHistory};
pub(super) use self::subject::{Judged, Numbered, Subject};
pub use self::witness::{NotAWitness, verify};
use super::model::Model;
use super::verdict::{Budget, Property, PropertyReport};
pub use super::verdict::{CoreOrder, Counterexample, DescribedOperation, Ending, Linearizability, Saw, UndecidedKey};
use crate::history::History;

/// Judges whether the history is linearizable, within the usual [`Budget`].
pub fn check<M: Model>(model: &M, history: &History<M::Op, M::Ret>) -> Report {
    check_within(model, history, Budget::default())
}

/// Judges whether the history is linearizable, spending no more than about this: a number is a number of states.
///
/// All keys get a small share of the budget before any gets a large one.
pub fn check_within<M: Model>(model: &M, history: &History<M::Op, M::Ret>, budget: impl Into<Budget>) -> Report {
    check_by(Strategies::All, model, history, budget)
}

/// Judges whether the history is linearizable with these strategies only: to compare one with the other.
pub fn check_by<M: Model>(strategies: Strategies, model: &M, history: &History<M::Op, M::Ret>, budget: impl Into<Budget>) -> Report {
    keys::judge_keys(strategies, &Judged { model, history }, budget.into())
}

/// The property that clients' histories are judged by.
pub const LINEARIZABILITY: Property = Property::always(
    "linearizability",
    "what the clients saw can be put in one order, each operation between its invocation and its completion, that a single copy of \
     each key would have answered the same (Herlihy and Wing, 1990)",
);

/// Judges whether the history is linearizable, spending no more than about this, and says why not: as this property.
pub fn judge<M: Model>(property: &Property, model: &M, history: &History<M::Op, M::Ret>, budget: impl Into<Budget>) -> PropertyReport {
    examine(&Explainer::new(&Judged { model, history }, None), budget.into(), explanation_budget(history.len())).property(property)
}

/// As [`judge`], with all that is needed besides to draw the history.
pub fn judge_and_draw<M: Model>(
    property: &Property,
    model: &M,
    history: &History<M::Op, M::Ret>,
    budget: impl Into<Budget>,
) -> (PropertyReport, Drawing) {
    let subject = Judged { model, history };
    let explainer = Explainer::new(&subject, None);
    let examined = examine(&explainer, budget.into(), explanation_budget(history.len()));
    (examined.property(property), Drawing::new(&explainer, &examined))
}
