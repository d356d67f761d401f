//! Weaker promises than linearizability, each by its name, and which is the strongest that a history keeps.
//!
//! From strong to weak; whatever keeps one keeps those below it that it is above:
//!
//! | guarantee | what it promises |
//! | --- | --- |
//! | [`Guarantee::Linearizable`] | one order of all operations that keeps to real time |
//! | [`Guarantee::Sequential`] | one order of all operations that keeps to each client's own (L. Lamport, 1979) |
//! | [`Guarantee::Causal`] | a client that sees a write sees what came before it, and all agree on what overwrites what |
//! | [`Guarantee::MonotonicWrites`] | a client that sees a write sees what the writing client had written before |
//! | [`Guarantee::WritesFollowReads`] | a client that sees a write sees what the writing client had read before |
//! | [`Guarantee::MonotonicReads`] | what a client has seen, it goes on seeing, or something newer |
//! | [`Guarantee::ReadYourWrites`] | what a client has written, it sees, or something newer |
//!
//! **What non-decomposition costs.** Linearizability can be judged key by key: each key keeps to it if and only if all together do.
//! Sequential consistency cannot: two keys may each have an order, and no order for both. So all keys are searched at once, with states
//! that are the product of the keys' states, in time that grows exponentially with the number of clients *and* has no real time to cut it.
//! Each key alone is tried first, since one that fails shows it for the whole; so is causal consistency, which is quick. What is left may
//! be unknown where linearizability was decided at once.
//!
//! **Causal and below** are told for registers in which no value is written twice, and for sets that only grow: then it is known what each
//! read saw, and one pass with vector clocks decides (A. Bouajjani et al., *On verifying causal consistency*, 2017; the variant here is
//! convergent). Where that is not known the answer is unknown, with the reason. The session guarantees follow D. Terry et al. (1994), put
//! as what clients can notice: to see a write and then to miss it. Monotonic writes and writes that follow reads cannot be noticed by a
//! client whose own reads go back; they are judged together with monotonic reads.

mod clocks;
mod encoding;
mod guarantee;
mod observable;
mod rules;
mod sequential;
mod sessions;

pub use guarantee::{Guarantee, GuaranteeReport};
pub(super) use observable::ObservableSubject;
pub use observable::{Observable, ObservedEffect};
pub use sequential::check_sequential;

use super::linearizability::{Allowance, Judged, Judgement, Strategies, Subject, explanation_budget, judge_keys, shrink_subject};
use super::verdict::{Budget, Fact, Verdict};
use crate::history::History;

/// Judges whether the history keeps to one guarantee, spending no more than about this on it; and if that does not tell, as much
/// to find out whether it is linearizable, and so keeps it.
pub fn check<M: Observable>(
    model: &M,
    history: &History<M::Op, M::Ret>,
    guarantee: Guarantee,
    budget: impl Into<Budget>,
) -> GuaranteeReport {
    check_subject(&Judged { model, history }, guarantee, budget.into(), explanation_budget(history.len()))
}

/// As [`check`], and no more than so many states to explain what has no order.
pub(super) fn check_subject(subject: &dyn ObservableSubject, guarantee: Guarantee, budget: Budget, explaining: u64) -> GuaranteeReport {
    let report = check_alone(subject, guarantee, budget, explaining);
    if report.verdict != Verdict::Unknown || guarantee == Guarantee::Linearizable {
        return report;
    }
    let strongest = judge_keys(Strategies::All, subject, budget);
    let states = report.states + strongest.states;
    match strongest.verdict() {
        Verdict::Holds => GuaranteeReport::holds(guarantee, states),
        Verdict::Violated | Verdict::Unknown => GuaranteeReport { states, ..report },
    }
}

fn check_alone(subject: &dyn ObservableSubject, guarantee: Guarantee, budget: Budget, explaining: u64) -> GuaranteeReport {
    match guarantee {
        Guarantee::Linearizable => linearizable(subject, budget, explaining),
        Guarantee::Sequential => {
            let causal = sessions::check(subject, Guarantee::Causal);
            if causal.verdict == Verdict::Violated {
                let why = [rules::NOT_CAUSAL.broken()].into_iter().chain(causal.why).collect();
                return GuaranteeReport { guarantee, why, ..causal };
            }
            sequential::check(subject, budget)
        }
        weaker => sessions::check(subject, weaker),
    }
}

fn linearizable(subject: &dyn Subject, budget: Budget, explaining: u64) -> GuaranteeReport {
    let report = judge_keys(Strategies::All, subject, budget);
    let guarantee = Guarantee::Linearizable;
    match &report.judgement {
        Judgement::Holds { .. } => GuaranteeReport::holds(guarantee, report.states),
        Judgement::Violated { violations, .. } => {
            let why = Allowance::new(explaining, budget.bytes).share_out(violations, |violation, share| {
                let no_order = rules::NO_ORDER.with("key", Fact::Key(violation.key.clone()));
                if share.left() == 0 {
                    return no_order;
                }
                let core = shrink_subject(subject, violation, share).operations;
                no_order.with("core", Fact::All(core.into_iter().map(|index| describe(subject, index)).collect()))
            });
            GuaranteeReport { guarantee, verdict: Verdict::Violated, why, states: report.states }
        }
        Judgement::Unknown { .. } => {
            GuaranteeReport { guarantee, verdict: Verdict::Unknown, why: vec![rules::BUDGET.broken()], states: report.states }
        }
    }
}

/// Judges every guarantee, the strongest first. Those that a stronger one implies are not looked at again.
pub fn check_all<M: Observable>(model: &M, history: &History<M::Op, M::Ret>, budget: impl Into<Budget>) -> Vec<GuaranteeReport> {
    check_all_of(&Judged { model, history }, budget.into(), explanation_budget(history.len()))
}

/// As [`check_all`], and no more than so many states to explain what has no order.
pub(super) fn check_all_of(subject: &dyn ObservableSubject, budget: Budget, explaining: u64) -> Vec<GuaranteeReport> {
    let mut reports: Vec<GuaranteeReport> = Vec::new();
    for guarantee in Guarantee::ALL {
        let kept = reports.iter().any(|report| report.verdict == Verdict::Holds && report.guarantee.implies(guarantee));
        reports.push(if kept { GuaranteeReport::holds(guarantee, 0) } else { check_alone(subject, guarantee, budget, explaining) });
    }
    reports
}

/// The strongest guarantees that are kept: those that no other kept one implies.
pub fn strongest(reports: &[GuaranteeReport]) -> Vec<Guarantee> {
    let kept: Vec<Guarantee> = reports.iter().filter(|report| report.verdict == Verdict::Holds).map(|report| report.guarantee).collect();
    let implied = |guarantee: Guarantee| kept.iter().any(|other| *other != guarantee && other.implies(guarantee));
    kept.iter().copied().filter(|guarantee| !implied(*guarantee)).collect()
}

/// An operation as a fact.
fn describe(subject: &dyn Subject, index: usize) -> Fact {
    Fact::Operation { index, text: subject.describe(index, false) }
}
