//! Advice on what can be read, but probably does not mean what its author thinks: what takes more than one field to see.

use super::decode::{Ends, Parts};
use super::faults::Planned;
use crate::base::{Diagnostic, Form, Span};
use crate::fault::{Fault, Happening};
use crate::world::UNSYNCED_LOST;

/// Reports warnings about the whole.
pub(super) fn check(parts: &Parts<'_>, plan: &Planned, ends: &Ends<'_>, expect: &[(&'static str, Span)]) {
    if let Some(settle) = ends.settle_form.filter(|_| ends.settle.is_some_and(|settle| settle.is_zero())) {
        check_settles(settle, plan);
    }
    if let Some(faults) = parts.faults {
        check_cures(faults, plan);
        check_triggers(faults, plan);
    }
    if let Some(form) = parts.expect {
        check_marks(form, plan, expect);
    }
}

fn check_settles(settle: Form<'_>, plan: &Planned) {
    if !plan.plan.steps.is_empty() {
        let problem = Diagnostic::warning(settle.span(), "nobody looks whether the system recovers from its faults");
        settle.report(problem.help("give it time to settle: progress is judged then"));
    }
}

/// A cure without the illness.
fn check_cures(form: Form<'_>, plan: &Planned) {
    const CURES: &[(&str, &[&str])] =
        &[("Heal", &["Partition", "Lose", "Duplicate", "Delay"]), ("Restart", &["Crash"]), ("Resume", &["Pause"])];
    for (cure, illnesses) in CURES {
        if illnesses.iter().any(|illness| plan.has(illness)) {
            continue;
        }
        if let Some(span) = plan.place_of(cure) {
            let message = format!("`{cure}` changes nothing: the plan has no {}", illnesses.join(" or "));
            form.report(Diagnostic::warning(span, message));
        }
    }
}

/// A trigger that waits for a crash that no fault brings about.
fn check_triggers(form: Form<'_>, plan: &Planned) {
    if plan.has("Crash") {
        return;
    }
    for (happening, span) in &plan.triggers {
        if matches!(happening, Happening::Crashed | Happening::Restarted) {
            form.report(Diagnostic::warning(*span, "this never sets a fault off: the plan has no Crash"));
        }
    }
}

/// A mark that cannot be set.
fn check_marks(form: Form<'_>, plan: &Planned, expect: &[(&'static str, Span)]) {
    if plan.has("Crash") {
        return;
    }
    for (_, span) in expect.iter().filter(|(mark, _)| *mark == UNSYNCED_LOST.name) {
        form.report(Diagnostic::warning(*span, "this mark is never set: the plan has no Crash"));
    }
}

impl Planned {
    fn has(&self, kind: &str) -> bool {
        self.place_of(kind).is_some()
    }

    fn place_of(&self, kind: &str) -> Option<Span> {
        let place = Fault::KINDS.iter().position(|known| *known == kind)?;
        self.kinds.iter().find(|(kind, _)| *kind == place).map(|(_, span)| *span)
    }
}
