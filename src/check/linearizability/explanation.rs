//! A violation told by its core: what cannot be, in at most ten operations, and why.

use std::fmt::Write as _;

use super::core::{Core, shrink};
use super::diagnosis::{Diagnosis, describe, diagnose, shorten};
use super::lent::{Lent, Part, Sparing};
use super::{Violation, check_within, default_budget, drawing};
use crate::base::ClientId;
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
        let sparing = if violation.joint { Sparing::nothing(model) } else { Sparing::new(model, history, &core.operations, &core.open) };
        let again = again(&sparing, &part);
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
        self.explain_as(model, history, |client| client.to_string(), place)
    }

    /// In words, with a drawing. `who` says what a client is called, `place` where an operation is to be found.
    pub fn explain_as<M: Model>(
        &self,
        model: &M,
        history: &History<M::Op, M::Ret>,
        who: impl Fn(ClientId) -> String,
        place: impl Fn(usize) -> String,
    ) -> String {
        let part: Part<'_, M> = self.core.part(history);
        let lent = Lent(model);
        let local = |index: usize| part.indices.binary_search(&index).ok();
        let say = |index: usize| {
            let operation = &history.operations()[index];
            let told = local(index).map_or_else(|| describe(model, operation), |local| describe(&lent, &part.history.operations()[local]));
            format!("{} {}", who(operation.client), told.strip_suffix(" → ?").unwrap_or(&told))
        };
        let mut text = self.headline();
        let shown = self.shown();
        let stuck = self.diagnosis.operation;
        let drawn: Vec<usize> = shown.iter().filter_map(|index| local(*index)).collect();
        if let Some(marked) = local(stuck) {
            let _ = writeln!(text, "\n{}", drawing::draw(&lent, &part.history, &drawn, marked, &who));
        }
        let _ = writeln!(text, "  {} fits in no order. {}", say(stuck), self.lead());
        self.attempts(&mut text, &say);
        text.push('\n');
        let opened = |index: usize| index != stuck && self.core.operations.binary_search(&index).is_err();
        let told: Vec<(String, String)> = shown.iter().map(|index| (say(*index), place(*index))).collect();
        let width = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let (said_width, place_width) = (width(&mut told.iter().map(|(said, _)| said)), width(&mut told.iter().map(|(_, place)| place)));
        for (index, (said, place)) in shown.iter().zip(told) {
            let mark = if *index == stuck {
                "  ✗ fits in no order"
            } else if opened(*index) {
                "  ┄ may take effect at any later time, or never"
            } else {
                ""
            };
            let line = format!("    {said:said_width$}  {place:place_width$}{mark}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        self.others(&mut text, shown.iter().any(|index| opened(*index)));
        text
    }

    fn headline(&self) -> String {
        let key = if self.core.key == Key::Whole.to_string() { String::new() } else { format!("key {}: ", self.core.key) };
        let Core { operations, among, minimal, .. } = &self.core;
        let needed = match (operations.len(), *minimal) {
            (1, _) => "is enough to see it".to_owned(),
            (_, true) => "are enough to see it; without any one of them there would be an order".to_owned(),
            (_, false) => "are enough to see it; perhaps fewer are: shrinking ended with its budget".to_owned(),
        };
        match (operations.len(), *among) {
            (all, among) if all == among => format!("{key}its {} {needed}\n", counted(all, "operation")),
            (few, among) => format!("{key}{few} of {} {needed}\n", counted(among, "operation")),
        }
    }

    fn lead(&self) -> &'static str {
        match self.diagnosis.attempts.as_slice() {
            [] => "",
            [one] if one.order.is_empty() => "It would have to be the first:",
            [_] => "The longest order that leads to it:",
            _ => "The longest orders that lead to it:",
        }
    }

    fn attempts(&self, text: &mut String, say: &dyn Fn(usize) -> String) {
        for attempt in self.diagnosis.attempts.iter().take(ATTEMPTS) {
            let left_out = attempt.order.len().saturating_sub(LAST);
            let mut told: Vec<String> = attempt.order[left_out..].iter().map(|index| say(*index)).collect();
            if left_out > 0 {
                told.insert(0, format!("… {left_out} more"));
            }
            let told = if told.is_empty() { "at the start".to_owned() } else { told.join(", ") };
            let _ = writeln!(text, "    {told}\n      then {}", shorten(&attempt.expected, 100));
        }
        if self.diagnosis.sourceless {
            text.push_str("    nothing before it could have left what it saw\n");
        }
    }

    /// What became of all that is not told.
    fn others(&self, text: &mut String, opened: bool) {
        let Core { operations, among, minimal, .. } = &self.core;
        if operations.len() > TOLD {
            let why =
                if *minimal { "each of them is needed: without any one, the others have an order" } else { "no smaller part was found" };
            let _ = writeln!(text, "  … of {} in all: {why}", operations.len());
        }
        let others = among - operations.len();
        if others <= 1 {
            let only = "  The other operation does not help, even if it took effect at any time after it began, or never.\n";
            text.push_str(if others == 1 { only } else { "" });
            return;
        }
        let those = if opened { ", those marked ┄ among them," } else { "" };
        let _ = writeln!(
            text,
            "  The other {}{those} do not help, even if each update took effect at any time after it began, or never.",
            counted(others, "operation")
        );
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
