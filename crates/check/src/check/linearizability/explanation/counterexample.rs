//! Why a history is not linearizable, as data: of each violated key a counterexample, made once for every form in which it is shown.

use std::cell::OnceCell;

use rustc_hash::FxHashSet;

use super::allowance::Allowance;
use super::core::{Core, shrink_from};
use super::diagnosis::{Diagnosis, diagnose_subject, suspect};
use super::ending::ending;
use crate::base::{Time, sort_by_key};
use crate::check::linearizability::encoding::{KindId, StateId};
use crate::check::linearizability::keys::judge_keys;
use crate::check::linearizability::portfolio::Strategies;
use crate::check::linearizability::report::{Judgement, Report, Undecided, Violation, explanation_budget};
use crate::check::linearizability::sub_history::{Borrowed, SubHistory};
use crate::check::linearizability::subject::{Judged, Numbered, Subject};
use crate::check::model::{Key, Model, Role};
use crate::check::verdict::{
    Budget, CoreOrder, Counterexample, DescribedOperation, Ending, Linearizability, Property, PropertyReport, Saw, UndecidedKey, Verdict,
};
use crate::history::formats::ClientNames;
use crate::history::{History, Operation, Outcome};

/// How many operations are shown first.
const FOREMOST: usize = 10;
/// A larger core is not kept whole.
const CORE: usize = 500;
/// How many operations at the end of each order are kept.
const LAST: usize = 100;
/// Of a longer order that cannot be extended no states are told: to find them, all of it is walked.
const WALKED: usize = 2_000;

/// A history that was judged, and why it is violated.
pub(in crate::check) struct Examined {
    pub report: Report,
    pub explanation: Linearizability,
}

/// What was found out about one violation.
struct Found {
    /// The smallest part found that is violated.
    core: Core,
    /// Why that part has no order. Operations are named by their indices in the whole history.
    diagnosis: Diagnosis,
    /// The operation with whose completion the shortest prefix ends that is violated by itself.
    ending: usize,
}

/// Where a history comes from, if it is a file: the lines on which each operation begins and ends, what clients are called, and whether the
/// file says when that was.
#[derive(Clone, Copy)]
pub(in crate::check) struct Origin<'a> {
    pub lines: &'a [(u64, Option<u64>)],
    pub names: &'a ClientNames,
    pub timed: bool,
}

/// An operation in numbers.
type Numbers = Operation<KindId, KindId>;

/// Judges a history, spending no more than about this, and explains what is violated, exploring no more than so many others.
/// With none, it is only told by which completion it is violated.
pub(in crate::check) fn examine(explainer: &Explainer<'_>, budget: Budget, explaining: u64) -> Examined {
    let report = judge_keys(Strategies::All, explainer.subject, budget);
    let allowance = Allowance::new(explaining, budget.bytes);
    let violations = allowance.share_out(report.violations(), |violation, share| explainer.explain(violation, share));
    Examined { explanation: Linearizability { violations, undecided: explainer.undecided(&report) }, report }
}

/// Explains one violation within the [`explanation_budget`]: shrinks it, and finds out why what is left has no order.
pub fn explain<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> Counterexample {
    let allowance = Allowance::new(explanation_budget(history.len()), None);
    Explainer::new(&Judged { model, history }, None).explain(violation, &allowance)
}

impl Examined {
    /// As this property. It is violated when the first of its keys is.
    pub(in crate::check) fn property(&self, property: &Property) -> PropertyReport {
        let at = self.explanation.violations.iter().filter_map(|violation| violation.at).min();
        let verdict = self.report.verdict();
        let explanation = (verdict != Verdict::Holds).then(|| self.explanation.clone().into());
        PropertyReport { verdict, at, explanation, ..PropertyReport::holds(property) }
    }
}

impl Found {
    fn new(subject: &dyn Subject, numbered: &Numbered<'_>, violation: &Violation, allowance: &Allowance) -> Self {
        let suspect = allowance.share(allowance.left() / 2, |allowance| suspect(subject, violation, allowance));
        // What is left then is to say why the core has no order.
        let core = allowance.share(allowance.left() / 4 * 3, |allowance| shrink_from(numbered, violation, suspect, allowance));
        let part: SubHistory<'_, Numbered<'_>> = core.sub_history(&numbered.history);
        let borrowed = match violation.across_keys {
            true => Borrowed::new(numbered),
            false => Borrowed::pruned(numbered, &numbered.history, &core.operations, &core.open),
        };
        // Should the budget be too small for this, though it was large enough for shrinking: the violation itself says as much.
        let diagnosis = again(&Judged { model: &borrowed, history: &part.history }, &part.indices, allowance)
            .unwrap_or_else(|| diagnose_subject(subject, violation, allowance));
        let ending = ending(numbered, violation, &core, allowance);
        Self { core, diagnosis, ending }
    }

    /// The core, or if it is large what matters most in it, and those open ones that the attempts use. At most ten, in the order of their
    /// invocation.
    fn foremost(&self) -> Vec<usize> {
        let mut shown = vec![self.diagnosis.operation];
        if self.core.operations.len() <= FOREMOST {
            shown.clone_from(&self.core.operations);
        }
        for index in self.diagnosis.core() {
            if shown.len() < FOREMOST && !shown.contains(&index) {
                shown.push(index);
            }
        }
        shown.sort_unstable();
        shown
    }
}

/// Why a part has no order.
fn again(part: &dyn Subject, indices: &[usize], allowance: &Allowance) -> Option<Diagnosis> {
    let report = allowance.judge(part, allowance.left() / 4);
    let share = allowance.left() / 2;
    let diagnosed = |violation| allowance.share(share, |allowance| diagnose_subject(part, violation, allowance));
    report.violations().first().map(|violation| in_whole(diagnosed(violation), indices))
}

/// A diagnosis of a part, in terms of the whole.
fn in_whole(mut diagnosis: Diagnosis, indices: &[usize]) -> Diagnosis {
    let all = |list: &mut Vec<usize>| list.iter_mut().for_each(|index| *index = indices[*index]);
    diagnosis.operation = indices[diagnosis.operation];
    all(&mut diagnosis.unplaced);
    all(&mut diagnosis.sources);
    diagnosis.attempts.iter_mut().for_each(|attempt| all(&mut attempt.order));
    diagnosis
}

/// Makes data of what was found about a history.
pub(in crate::check) struct Explainer<'a> {
    pub subject: &'a dyn Subject,
    /// Nothing, if the history is that of a run.
    origin: Option<Origin<'a>>,
    /// Made when it is first needed: a verdict alone is had without.
    numbered: OnceCell<Numbered<'a>>,
}

impl<'a> Explainer<'a> {
    pub(in crate::check) const fn new(subject: &'a dyn Subject, origin: Option<Origin<'a>>) -> Self {
        Self { subject, origin, numbered: OnceCell::new() }
    }

    fn numbered(&self) -> &Numbered<'a> {
        self.numbered.get_or_init(|| self.subject.numbered())
    }

    fn explain(&self, violation: &Violation, allowance: &Allowance) -> Counterexample {
        if allowance.left() == 0 {
            return self.unexplained(violation);
        }
        let found = Found::new(self.subject, self.numbered(), violation, allowance);
        Counterexample { states: allowance.spent(), ..self.counterexample(violation, &found) }
    }

    /// Of a violation, by which completion there is no order, and no more.
    fn unexplained(&self, violation: &Violation) -> Counterexample {
        let timeline = self.subject.timeline();
        let completed = |index: &usize| timeline.completed(*index).filter(|_| timeline.is_done(*index));
        let mut done: Vec<usize> = violation.operations.iter().copied().filter(|index| completed(index).is_some()).collect();
        sort_by_key(&mut done, completed);
        let last = violation.completions.checked_sub(1).and_then(|place| done.get(place)).copied();
        let at = last.and_then(|last| timeline.completed(last)).filter(|_| self.is_timed());
        Counterexample::unexplained((self.subject.part_noun(), named(&violation.key)), at, last.and_then(|last| self.line(last)))
    }

    fn counterexample(&self, violation: &Violation, found: &Found) -> Counterexample {
        let Found { core, diagnosis, .. } = found;
        let foremost = found.foremost();
        let last = |order: &[usize]| order.len().saturating_sub(LAST);
        let mut kept: Vec<usize> = if core.operations.len() <= CORE { core.operations.clone() } else { Vec::new() };
        kept.extend(&foremost);
        kept.extend(diagnosis.attempts.iter().flat_map(|attempt| &attempt.order[last(&attempt.order)..]));
        kept.push(diagnosis.operation);
        kept.sort_unstable();
        kept.dedup();
        let place = |index: &usize| kept.partition_point(|kept| kept < index);
        let counts = |index| core.operations.binary_search(&index).is_ok();
        let attempts = diagnosis.attempts.iter().map(|attempt| CoreOrder {
            skipped: last(&attempt.order),
            order: attempt.order[last(&attempt.order)..].iter().map(place).collect(),
            states: if attempt.order.len() > WALKED { Vec::new() } else { self.states(&attempt.order, last(&attempt.order), &counts) },
            expected: attempt.expected.clone(),
        });
        Counterexample {
            key: named(&core.key),
            part: self.subject.part_noun(),
            at: self.subject.timeline().completed(found.ending).filter(|_| self.is_timed()),
            line: self.line(found.ending),
            among: core.among,
            needed: core.operations.len(),
            minimal: core.minimal,
            states: 0,
            stuck: Some(place(&diagnosis.operation)),
            kind: Some(self.subject.word(diagnosis.operation)),
            saw: self.saw(violation, diagnosis),
            excess: self.excess(violation, diagnosis.operation),
            foremost: foremost.iter().map(place).collect(),
            attempts: attempts.collect(),
            sourceless: diagnosis.sourceless,
            operations: kept.iter().map(|index| self.operation(*index, found)).collect(),
        }
    }

    /// The states that an order leads through, from this place on. Of operations that do not count nothing is assumed but that they took
    /// effect.
    pub(in crate::check) fn states(&self, order: &[usize], from: usize, counts: &dyn Fn(usize) -> bool) -> Vec<String> {
        let model = self.numbered();
        let mut states = vec![vec![model.initial()]; model.parts];
        let walked = order.iter().map(|index| {
            let operation = &model.history.operations()[*index];
            let result = operation.result().filter(|_| counts(*index));
            let current = &mut states[model.part(operation.op)];
            let mut next = Vec::new();
            for state in current.iter().flat_map(|state| model.step(state, &operation.op, result).states(state)) {
                if !next.contains(&state) {
                    next.push(state);
                }
            }
            *current = next;
            let each: Vec<String> = current.iter().map(|state| model.describe_state(state)).collect();
            each.join(", or ")
        });
        walked.skip(from).collect()
    }

    /// What the operation that fits nowhere saw more or less of than can have been there.
    fn excess(&self, violation: &Violation, stuck: usize) -> Option<String> {
        let timeline = self.subject.timeline();
        let key = self.subject.key(stuck);
        let (invoked, completed) = (timeline.invoked(stuck), timeline.completed(stuck));
        let begun = |other: &usize| completed.is_none_or(|completed| timeline.invoked(*other) <= completed);
        let counts = |other: &usize| *other != stuck && self.subject.key(*other) == key;
        let before = |other: usize| {
            matches!(timeline.outcome(other), Outcome::Done(_)) && timeline.completed(other).is_some_and(|completed| completed < invoked)
        };
        let ours = violation.operations.iter().copied();
        let others: Vec<(usize, bool)> = ours.filter(begun).filter(counts).map(|other| (other, before(other))).collect();
        self.subject.excess(stuck, &others)
    }

    fn saw(&self, violation: &Violation, diagnosis: &Diagnosis) -> Saw {
        let model = self.numbered();
        let operations = model.history.operations();
        let stuck = &operations[diagnosis.operation];
        let key = model.part(stuck.op);
        let on_key = || violation.operations.iter().map(|index| &operations[*index]).filter(|operation| model.part(operation.op) == key);
        let seen = |operation: &Numbers| match model.role(&operation.op, operation.result()) {
            Role::Read(state) | Role::Exchange { from: state, .. } => Some(state),
            _ => None,
        };
        let left = |operation: &Numbers| model.role(&operation.op, operation.result()).leaves().copied();
        let Some(state) = seen(stuck) else { return Saw::Other };
        if diagnosis.sourceless {
            return Saw::NeverWritten;
        }
        let begun = |operation: &&Numbers| stuck.completed.is_none_or(|completed| operation.invoked <= completed);
        let sources = on_key().filter(begun).filter(|operation| left(operation) == Some(state));
        let source = sources.map(|operation| operation.invoked).max();
        let before = |operation: &&Numbers| operation.completed.is_some_and(|completed| completed < stuck.invoked);
        let after = |operation: &&Numbers| source.is_none_or(|source| operation.completed >= Some(source));
        let missed: FxHashSet<StateId> = on_key().filter(before).filter(after).filter_map(left).filter(|missed| *missed != state).collect();
        match on_key().filter_map(seen).any(|seen| missed.contains(&seen)) {
            _ if missed.is_empty() => Saw::Other,
            true => Saw::Older,
            false => Saw::Lost,
        }
    }

    fn operation(&self, index: usize, found: &Found) -> DescribedOperation {
        self.describe(index, index != found.diagnosis.operation && found.core.operations.binary_search(&index).is_err())
    }

    /// An operation in words. Nothing is assumed of one that is open.
    pub(in crate::check) fn describe(&self, index: usize, open: bool) -> DescribedOperation {
        let timeline = self.subject.timeline();
        let (client, ending) = (timeline.client(index), Ending::from(&timeline.outcome(index)));
        let completed = timeline.completed(index).filter(|_| ending != Ending::Unknown);
        DescribedOperation {
            index,
            client,
            who: self.origin.map_or_else(|| client.to_string(), |origin| origin.names.of(client)),
            text: self.subject.describe(index, open),
            interval: (timeline.invoked(index), completed),
            invoked: self.is_timed().then(|| timeline.invoked(index)),
            completed: completed.filter(|_| self.is_timed()),
            ending,
            lines: self.origin.map(|origin| origin.lines[index]),
            open,
        }
    }

    /// Whether the times of the history are times, and not only an order.
    fn is_timed(&self) -> bool {
        self.origin.is_none_or(|origin| origin.timed)
    }

    /// The line on which an operation ends; if it never does, on which it begins.
    fn line(&self, index: usize) -> Option<u64> {
        self.origin.map(|origin| origin.lines[index].1.unwrap_or(origin.lines[index].0))
    }

    fn undecided(&self, report: &Report) -> Vec<UndecidedKey> {
        let (Judgement::Violated { undecided, .. } | Judgement::Unknown { undecided }) = &report.judgement else { return Vec::new() };
        let each = undecided.iter().map(|Undecided { key, states, bytes, operation, too_wide }| {
            let (open, unknown) = operation.map_or((0, 0), |index| self.crowd(index));
            UndecidedKey {
                key: named(key),
                part: self.subject.part_noun(),
                states: *states,
                bytes: *bytes,
                at: operation.and_then(|index| self.subject.timeline().completed(index)).filter(|_| self.is_timed()),
                line: operation.and_then(|index| self.line(index)),
                open,
                unknown,
                too_wide: *too_wide,
            }
        });
        each.collect()
    }

    /// How many operations on its key were under way when this one ended, and how many begun before have an unknown outcome.
    fn crowd(&self, index: usize) -> (usize, usize) {
        let timeline = self.subject.timeline();
        let key = self.subject.key(index);
        let end = timeline.completed(index).unwrap_or(Time::MAX);
        let begun = (0..timeline.len()).filter(|other| self.subject.key(*other) == key && timeline.invoked(*other) <= end);
        let (mut open, mut unknown) = (0, 0);
        for other in begun {
            match timeline.outcome(other) {
                Outcome::Unknown => unknown += 1,
                Outcome::Done(_) if timeline.completed(other).is_none_or(|completed| completed >= end) => open += 1,
                Outcome::Done(_) | Outcome::Failed => {}
            }
        }
        (open, unknown)
    }
}

impl Counterexample {
    /// A violation of this key, with what such a part is called, that is known by when it shows, or on which line, and no more.
    pub(in crate::check) fn unexplained((part, key): (&'static str, Option<String>), at: Option<Time>, line: Option<u64>) -> Self {
        let (operations, foremost, attempts) = (Vec::new(), Vec::new(), Vec::new());
        let (among, needed, minimal, states, stuck, sourceless) = (0, 0, false, 0, None, false);
        let (kind, saw, excess) = (None, Saw::Other, None);
        Self { key, part, at, line, among, needed, minimal, states, operations, stuck, kind, saw, excess, foremost, attempts, sourceless }
    }

    /// The core, by its operations' places in the history.
    pub fn core(&self) -> impl Iterator<Item = usize> {
        self.operations.iter().filter(|operation| !operation.open).map(|operation| operation.index)
    }
}

/// A key's name, if there are keys.
pub(in crate::check) fn named(key: &str) -> Option<String> {
    (key != Key::Whole.to_string()).then(|| key.to_owned())
}
