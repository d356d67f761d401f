//! A violation told by its core: what cannot be, in at most ten operations, and why.

use std::fmt::Write as _;

use super::core::{Core, shrink};
use super::diagnosis::{Diagnosis, describe, diagnose, shorten};
use super::lent::{Lent, Part, Sparing};
use super::{Violation, check_within, default_budget, drawing};
use crate::check::model::{Key, Model};
use crate::history::{History, Outcome};

/// A violation with its core, and the reason why the core has no order.
#[derive(Clone, Debug)]
pub struct Conviction {
    /// The smallest part found that is violated.
    pub core: Core,
    /// Why that part has no order. Operations are named by their indices in the whole history.
    pub diagnosis: Diagnosis,
}

/// How many operations are told.
const TOLD: usize = 10;
/// How many attempts are told, and how many operations of each.
const ATTEMPTS: usize = 3;
const LAST: usize = 5;

impl Conviction {
    /// Shrinks a violation, and finds out why what is left is violated.
    pub fn new<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> Self {
        let core = shrink(model, history, violation);
        let part: Part<'_, M> = core.part(history);
        let again = if violation.joint {
            again(&Lent(model), &part)
        } else {
            again(&Sparing::new(model, history, &core.operations, &core.open), &part)
        };
        // Should the budget be too small for this, though it was large enough for shrinking: the violation itself says as much.
        let diagnosis = again.unwrap_or_else(|| diagnose(model, history, violation));
        Self { core, diagnosis }
    }

    /// The operations to show: the core, or if it is large what matters most in it, and those open ones that the attempts use. At most ten,
    /// in the order of their invocation.
    pub fn shown(&self) -> Vec<usize> {
        let mut shown = vec![self.diagnosis.operation];
        if self.core.operations.len() <= TOLD {
            shown = self.core.operations.clone();
        }
        for index in self.diagnosis.core() {
            if shown.len() < TOLD && !shown.contains(&index) {
                shown.push(index);
            }
        }
        shown.sort_unstable();
        shown
    }

    /// In words, with a drawing. `place` says where an operation is to be found: in a file, or in time.
    pub fn explain<M: Model>(&self, model: &M, history: &History<M::Op, M::Ret>, place: impl Fn(usize) -> String) -> String {
        let part: Part<'_, M> = self.core.part(history);
        let lent = Lent(model);
        let local = |index: usize| part.indices.binary_search(&index).ok();
        let say = |index: usize| match local(index) {
            Some(local) => {
                let operation = &part.history.operations()[local];
                format!("{} {}", operation.client, describe(&lent, operation))
            }
            None => format!("{} {}", history.operations()[index].client, describe(model, &history.operations()[index])),
        };
        let mut text = self.headline();
        let stuck = self.diagnosis.operation;
        let _ = writeln!(text, "  {} fits in no order, {}", say(stuck), place(stuck));
        self.attempts(&mut text, &say);
        let shown = self.shown();
        let drawn: Vec<usize> = shown.iter().filter_map(|index| local(*index)).collect();
        text.push('\n');
        if let Some(marked) = local(self.diagnosis.operation) {
            text.push_str(&drawing::draw(&lent, &part.history, &drawn, marked));
            text.push('\n');
        }
        let told: Vec<(String, String)> = shown.iter().map(|index| (say(*index), place(*index))).collect();
        let width = told.iter().map(|(said, _)| said.chars().count()).max().unwrap_or(0);
        for (said, place) in told {
            let _ = writeln!(text, "  {said:width$}  {place}");
        }
        self.others(&mut text, history);
        text
    }

    fn headline(&self) -> String {
        let key = if self.core.key == Key::Whole.to_string() { self.core.key.clone() } else { format!("key {}", self.core.key) };
        let Core { operations, among, minimal, .. } = &self.core;
        let operations = operations.len();
        let is = if operations == 1 { "is" } else { "are" };
        let least = if *minimal { "" } else { " (perhaps fewer would do: shrinking ended with its budget)" };
        match *among {
            among if among == operations => format!("{key}: its {} {is} not linearizable{least}\n", counted(operations, "operation")),
            among => format!(
                "{key}: {operations} of its {} {is} enough to see that it is not linearizable{least}\n",
                counted(among, "operation")
            ),
        }
    }

    fn attempts(&self, text: &mut String, say: &dyn Fn(usize) -> String) {
        for (place, attempt) in self.diagnosis.attempts.iter().take(ATTEMPTS).enumerate() {
            let left_out = attempt.order.len().saturating_sub(LAST);
            let mut told: Vec<String> = attempt.order[left_out..].iter().map(|index| say(*index)).collect();
            if left_out > 0 {
                told.insert(0, format!("… {left_out} more"));
            }
            let told = if told.is_empty() { "at the start".to_owned() } else { format!("after {}", told.join(", ")) };
            let lead = if place == 0 { "the longest possible order" } else { "another" };
            let _ = writeln!(text, "    {lead}, {told}:\n      {}", shorten(&attempt.expected, 100));
        }
        if self.diagnosis.sourceless {
            text.push_str("    nothing before it could have left what it saw\n");
        }
    }

    /// What became of all that is not told.
    fn others<O, R>(&self, text: &mut String, history: &History<O, R>) {
        let Core { operations, open, among, minimal, .. } = &self.core;
        if operations.len() > TOLD {
            let why =
                if *minimal { "each of them is needed: without any one, the others have an order" } else { "no smaller part was found" };
            let _ = writeln!(text, "  … of {} in all: {why}", operations.len());
        }
        let unknown = open.iter().filter(|index| matches!(history.operations()[**index].outcome, Outcome::Unknown)).count();
        let taken = open.len() - unknown;
        if *among > operations.len() {
            let mut parts = Vec::new();
            if taken > 0 {
                parts.push(format!("{} may have taken effect whenever it helps, or never", counted(taken, "other update")));
            }
            if unknown > 0 {
                parts.push(format!("so may {} of unknown outcome", unknown));
            }
            let rest = among - operations.len() - open.len();
            if rest > 0 {
                parts.push(format!("{} {} no difference", counted(rest, "other"), if rest == 1 { "makes" } else { "make" }));
            }
            let _ = writeln!(text, "  of the rest nothing is assumed: {}", parts.join(", "));
        }
    }
}

/// Where an operation is to be found in time: its index in, an interval out.
pub fn in_time<O, R>(history: &History<O, R>) -> impl Fn(usize) -> String + '_ {
    |index| {
        let operation = &history.operations()[index];
        match (&operation.outcome, operation.completed) {
            (Outcome::Done(_) | Outcome::Failed, Some(completed)) => format!("{} to {completed}", operation.invoked),
            _ => format!("from {}", operation.invoked),
        }
    }
}

/// So many of something.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Why a part has no order.
fn again<'h, M: Model, L: Model<Op = &'h M::Op, Ret = &'h M::Ret>>(model: &L, part: &Part<'h, M>) -> Option<Diagnosis> {
    let report = check_within(model, &part.history, default_budget(part.indices.len()));
    report.violations().first().map(|violation| whole(diagnose(model, &part.history, violation), &part.indices))
}

/// A diagnosis of a part, in terms of the whole.
fn whole(mut diagnosis: Diagnosis, indices: &[usize]) -> Diagnosis {
    let all = |list: &mut Vec<usize>| list.iter_mut().for_each(|index| *index = indices[*index]);
    diagnosis.operation = indices[diagnosis.operation];
    all(&mut diagnosis.unplaced);
    all(&mut diagnosis.sources);
    diagnosis.attempts.iter_mut().for_each(|attempt| all(&mut attempt.order));
    diagnosis
}
