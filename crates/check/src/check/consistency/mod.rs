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

mod acts;
mod clocks;
mod sequential;
mod sessions;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hash;
use std::slice;

use super::linearizability::{self, Judgement, default_budget};
use super::model::Model;
use super::model::grow_set::{GrowSet, GrowSetOp, GrowSetResult};
use super::model::register::{Register, RegisterOp, RegisterResult};
use super::{Broken, Fact, Verdict};
use crate::history::History;

pub use sequential::check_sequential;

/// A promise that a store may make. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Guarantee {
    /// One order of all operations that keeps to real time.
    #[default]
    Linearizable,
    /// One order of all operations that keeps to each client's own.
    Sequential,
    /// Causality is never broken, and all agree on what overwrites what.
    Causal,
    /// A client's writes are seen in its order.
    MonotonicWrites,
    /// A write is seen together with what its client had seen.
    WritesFollowReads,
    /// Reads never go back.
    MonotonicReads,
    /// A client sees its own writes.
    ReadYourWrites,
}

impl Guarantee {
    /// All of them, the strongest first.
    pub const ALL: [Self; 7] = [
        Self::Linearizable,
        Self::Sequential,
        Self::Causal,
        Self::MonotonicWrites,
        Self::WritesFollowReads,
        Self::MonotonicReads,
        Self::ReadYourWrites,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Sequential => "sequential",
            Self::Causal => "causal",
            Self::MonotonicWrites => "monotonic-writes",
            Self::WritesFollowReads => "writes-follow-reads",
            Self::MonotonicReads => "monotonic-reads",
            Self::ReadYourWrites => "read-your-writes",
        }
    }

    /// What it promises, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Linearizable => "one order of all operations that keeps to real time and explains every answer",
            Self::Sequential => "one order of all operations that keeps to each client's own and explains every answer",
            Self::Causal => "a client that sees a write sees what came before it, and all agree on what overwrites what",
            Self::MonotonicWrites => "a client that sees a write sees what the writing client had written before",
            Self::WritesFollowReads => "a client that sees a write sees what the writing client had read before",
            Self::MonotonicReads => "what a client has seen, it goes on seeing, or something newer",
            Self::ReadYourWrites => "what a client has written, it sees, or something newer",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guarantee| guarantee.name() == name)
    }

    /// Whether whatever keeps this keeps the other, too.
    pub const fn implies(self, other: Self) -> bool {
        use Guarantee::{Causal, Linearizable, MonotonicReads, MonotonicWrites, ReadYourWrites, Sequential, WritesFollowReads};
        match self {
            Linearizable => true,
            Sequential => !matches!(other, Linearizable),
            Causal => !matches!(other, Linearizable | Sequential),
            MonotonicWrites | WritesFollowReads => matches!(other, MonotonicReads) || self as u8 == other as u8,
            MonotonicReads | ReadYourWrites => self as u8 == other as u8,
        }
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an operation shows of the one who did it: what it wrote, and what it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedEffect<V> {
    /// It wrote this over whatever there was.
    Write(V),
    /// It saw this; nothing, if the register was empty.
    Read(Option<V>),
    /// It saw the one and wrote the other.
    Swap {
        /// What it saw.
        seen: Option<V>,
        /// What it wrote.
        new: V,
    },
    /// It added this to a set.
    Add(V),
    /// It saw a set of these.
    Members(Vec<V>),
    /// It shows nothing: it saw only that something was not there.
    Nothing,
    /// It is none of these, so that nothing can be said of a history in which it is.
    Unclear,
}

/// A model of which the operations are reads and writes of registers, or sets that grow: what the weaker guarantees are about.
pub trait Observable: Model {
    /// What is written and read.
    type Value: Clone + Eq + Hash + fmt::Debug;

    /// What a register holds at first.
    fn at_first(&self) -> Option<Self::Value> {
        None
    }

    /// What this operation shows, with what it returned if that is known. By default, nothing is known of it.
    fn observed_effect(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> ObservedEffect<Self::Value> {
        let _ = (op, ret);
        ObservedEffect::Unclear
    }
}

/// What became of one guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuaranteeReport {
    /// Which.
    pub guarantee: Guarantee,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// Why not, or why it is not known; nothing if it was. If writes are older than each other in a cycle, why each is older than the next.
    pub why: Vec<Broken>,
    /// How many states were explored.
    pub states: u64,
}

impl GuaranteeReport {
    const fn holds(guarantee: Guarantee, states: u64) -> Self {
        Self { guarantee, verdict: Verdict::Holds, why: Vec::new(), states }
    }

    /// The operations that show why it was not kept, by their indices in the history.
    pub fn operations(&self) -> Vec<usize> {
        let facts = self.why.iter().flat_map(|broken| &broken.facts).map(|(_, fact)| fact);
        let single = facts.flat_map(|fact| if let Fact::All(facts) = fact { facts.as_slice() } else { slice::from_ref(fact) });
        let operations = single.filter_map(|fact| if let Fact::Operation { index, .. } = fact { Some(*index) } else { None });
        operations.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// An operation as a fact.
fn describe<M: Model>(model: &M, history: &History<M::Op, M::Ret>, index: usize) -> Fact {
    let operation = &history.operations()[index];
    Fact::Operation { index, text: model.describe(&operation.op, operation.result()) }
}

/// Judges whether the history keeps to one guarantee, exploring no more than about this many states for it; and if that does not tell, as
/// many to find out whether it is linearizable, and so keeps it.
pub fn check<M: Observable>(model: &M, history: &History<M::Op, M::Ret>, guarantee: Guarantee, budget: u64) -> GuaranteeReport {
    let report = check_alone(model, history, guarantee, budget);
    if report.verdict != Verdict::Unknown || guarantee == Guarantee::Linearizable {
        return report;
    }
    let strongest = linearizability::check_within(model, history, budget);
    let states = report.states + strongest.states;
    match strongest.verdict() {
        Verdict::Holds => GuaranteeReport::holds(guarantee, states),
        Verdict::Violated | Verdict::Unknown => GuaranteeReport { states, ..report },
    }
}

fn check_alone<M: Observable>(model: &M, history: &History<M::Op, M::Ret>, guarantee: Guarantee, budget: u64) -> GuaranteeReport {
    match guarantee {
        Guarantee::Linearizable => linearizable(model, history, budget),
        Guarantee::Sequential => {
            let causal = sessions::check(model, history, Guarantee::Causal);
            if causal.verdict == Verdict::Violated {
                let why = [rules::NOT_CAUSAL.broken()].into_iter().chain(causal.why).collect();
                return GuaranteeReport { guarantee, why, ..causal };
            }
            check_sequential(model, history, budget)
        }
        weaker => sessions::check(model, history, weaker),
    }
}

fn linearizable<M: Model>(model: &M, history: &History<M::Op, M::Ret>, budget: u64) -> GuaranteeReport {
    let report = linearizability::check_within(model, history, budget);
    let guarantee = Guarantee::Linearizable;
    match &report.judgement {
        Judgement::Holds { .. } => GuaranteeReport::holds(guarantee, report.states),
        Judgement::Violated { violations, .. } => {
            let why = violations.iter().map(|violation| {
                let core = linearizability::shrink(model, history, violation).operations;
                let core = Fact::All(core.into_iter().map(|index| describe(model, history, index)).collect());
                rules::NO_ORDER.with("key", Fact::Key(violation.key.clone())).with("core", core)
            });
            GuaranteeReport { guarantee, verdict: Verdict::Violated, why: why.collect(), states: report.states }
        }
        Judgement::Unknown { .. } => {
            GuaranteeReport { guarantee, verdict: Verdict::Unknown, why: vec![rules::BUDGET.broken()], states: report.states }
        }
    }
}

/// Judges every guarantee, the strongest first. Those that a stronger one implies are not looked at again.
pub fn check_all<M: Observable>(model: &M, history: &History<M::Op, M::Ret>, budget: Option<u64>) -> Vec<GuaranteeReport> {
    let budget = budget.unwrap_or_else(|| default_budget(history.len()));
    let mut reports: Vec<GuaranteeReport> = Vec::new();
    for guarantee in Guarantee::ALL {
        let kept = reports.iter().any(|report| report.verdict == Verdict::Holds && report.guarantee.implies(guarantee));
        reports.push(if kept { GuaranteeReport::holds(guarantee, 0) } else { check_alone(model, history, guarantee, budget) });
    }
    reports
}

/// The strongest guarantees that are kept: those that no other kept one implies.
pub fn strongest(reports: &[GuaranteeReport]) -> Vec<Guarantee> {
    let kept: Vec<Guarantee> = reports.iter().filter(|report| report.verdict == Verdict::Holds).map(|report| report.guarantee).collect();
    let implied = |guarantee: Guarantee| kept.iter().any(|other| *other != guarantee && other.implies(guarantee));
    kept.iter().copied().filter(|guarantee| !implied(*guarantee)).collect()
}

impl<V: Clone + Eq + Hash + fmt::Debug> Observable for Register<V> {
    type Value = V;

    fn at_first(&self) -> Option<V> {
        self.initial()
    }

    fn observed_effect(&self, op: &RegisterOp<V>, ret: Option<&RegisterResult<V>>) -> ObservedEffect<V> {
        match (op, ret) {
            (RegisterOp::Read, Some(RegisterResult::Value(seen))) => ObservedEffect::Read(seen.clone()),
            (RegisterOp::Read, None) | (RegisterOp::Cas { .. }, Some(RegisterResult::Mismatch)) => ObservedEffect::Nothing,
            (RegisterOp::Write(value), _) => ObservedEffect::Write(value.clone()),
            (RegisterOp::Cas { expect, new }, None | Some(RegisterResult::Swapped)) => {
                ObservedEffect::Swap { seen: expect.clone(), new: new.clone() }
            }
            _ => ObservedEffect::Unclear,
        }
    }
}

/// A set that grows: what was added can be told apart, and every read shows all.
impl<V: Clone + Ord + Hash + fmt::Debug> Observable for GrowSet<V> {
    type Value = V;

    fn observed_effect(&self, op: &GrowSetOp<V>, ret: Option<&GrowSetResult<V>>) -> ObservedEffect<V> {
        match (op, ret) {
            (GrowSetOp::Add(element), _) => ObservedEffect::Add(element.clone()),
            (GrowSetOp::Read, Some(GrowSetResult::Elements(elements))) => ObservedEffect::Members(elements.iter().cloned().collect()),
            (GrowSetOp::Read, None) => ObservedEffect::Nothing,
            _ => ObservedEffect::Unclear,
        }
    }
}

/// What shows that a guarantee was not kept, and why it may not be known.
mod rules {
    use crate::check::Rule;

    pub(super) static NO_ORDER: Rule = Rule::new("no-order", "no order of {key}");
    pub(super) static BUDGET: Rule = Rule::new("budget", "the budget ended first");

    pub(super) static NOT_CAUSAL: Rule = Rule::new("not-causal", "it is not even causal");
    pub(super) static KEY_ALONE: Rule = Rule::new("key-alone", "key {key} alone has no order that keeps to each client's own");
    pub(super) static KEYS_TOGETHER: Rule = Rule::new("keys-together", "no order of all keys together keeps to each client's own");
    pub(super) static NO_OWN_ORDER: Rule = Rule::new("no-own-order", "no order keeps to each client's own");
    pub(super) static UNDECIDED: Rule =
        Rule::new("undecided", "undecided after {states} states: keys cannot be judged apart here, so that histories must be short");

    pub(super) static NEVER_WRITTEN: Rule = Rule::new("never-written", "{reader} saw what no operation wrote");
    pub(super) static MISSED: Rule = Rule::new("missed", "{reader} saw less than it had to: {known} was known there");
    pub(super) static OLDER: Rule = Rule::new("older", "{older} is older than {newer}, as {shown} shows");
    pub(super) static CIRCULAR: Rule = Rule::new("circular", "each of these saw what only came of it: {readers}");
    pub(super) static ADDED_TWICE: Rule =
        Rule::new("added-twice", "an element is added twice, so that it cannot be said which of the two was seen");
    pub(super) static UNOBSERVABLE: Rule =
        Rule::new("unobservable", "{operation} is neither a read nor a write of a register, nor of a set that only grows");
    pub(super) static REPEATED: Rule =
        Rule::new("repeated", "{value} is written more than once, or was there at first: it cannot be said which write a read saw");
}
