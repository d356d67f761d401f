//! Advice on what can be read, but probably does not mean what its author thinks: what takes more than one field to see.

use super::decode::{Ends, Parts};
use crate::diagnostic::{Diagnostic, Span};
use crate::fault::{Ends as Ending, Kind, Places};
use crate::notation::Form;
use crate::world::UNSYNCED_LOST;

/// Reports warnings about the whole. `crashes` says whether anything may take nodes down.
pub(super) fn check(parts: &Parts<'_>, plan: &Places, crashes: bool, ends: &Ends<'_>, expect: &[(&'static str, Span)]) {
    if let Some(settle) = ends.settle_form.filter(|_| ends.settle.is_some_and(|settle| settle.is_zero())) {
        check_settles(settle, plan);
    }
    if let Some(faults) = parts.faults {
        check_cures(faults, plan);
    }
    if !crashes {
        check_crashes(parts, plan, expect);
    }
}

fn check_settles(settle: Form<'_>, plan: &Places) {
    if !plan.faults.is_empty() {
        let problem = Diagnostic::warning(settle.span(), "nobody looks whether the system recovers from its faults");
        settle.report(problem.help("give it time to settle: progress is judged then"));
    }
}

/// A cure of what the plan does not have.
fn check_cures(form: Form<'_>, plan: &Places) {
    for cure in Kind::ALL {
        let cured: Vec<&str> = Kind::ALL.iter().filter(|kind| kind.ends == Ending::By(cure.name)).map(|kind| kind.name).collect();
        let span = plan.faults.iter().find(|(kind, _)| kind.name == cure.name).map(|(_, span)| *span);
        let has_any = plan.faults.iter().any(|(kind, _)| cured.contains(&kind.name));
        if let Some(span) = span.filter(|_| !cured.is_empty() && !has_any) {
            let message = format!("`{}` changes nothing: the plan has no {}", cure.name, cured.join(" or "));
            form.report(Diagnostic::warning(span, message));
        }
    }
}

/// What waits for a crash where nothing crashes: a trigger, a mark.
fn check_crashes(parts: &Parts<'_>, plan: &Places, expect: &[(&'static str, Span)]) {
    let crashes: Vec<&str> = Kind::ALL.iter().filter(|kind| kind.crashes).map(|kind| kind.name).collect();
    let crashes = crashes.join(" or ");
    if let Some(form) = parts.faults {
        for (_, span) in plan.triggers.iter().filter(|(on, _)| on.needs_crash()) {
            form.report(Diagnostic::warning(*span, format!("this never sets a fault off: the plan has no {crashes}")));
        }
    }
    if let Some(form) = parts.expect {
        for (_, span) in expect.iter().filter(|(mark, _)| *mark == UNSYNCED_LOST.name) {
            form.report(Diagnostic::warning(*span, format!("this mark is never set: the plan has no {crashes}")));
        }
    }
}
