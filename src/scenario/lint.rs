//! Advice on what can be read, but probably does not mean what its author thinks: what takes more than one field to see.

use super::names::Names;
use super::whole::Whole;
use super::{Expectation, Expected};
use super::{operations, timings};
use crate::diagnostic::{Diagnostic, Span};
use crate::fault::{Ends, Fault, FaultKind, Happening, Places, Scope as _};
use crate::notation::{Form, Given, Variants as _};
use crate::require;
use crate::systems::AnySystem;
use crate::world::{PROGRESS, UNSYNCED_LOST};

/// Reports warnings about the whole.
pub(super) fn check(whole: &Whole, given: &Given<'_>, plan: &Places, names: &Names<'_>) {
    if let Some(settle) = given.form("settle").filter(|_| whole.settle.is_zero() && !shows_before(whole.outcome)) {
        check_settles(settle, plan);
    }
    if let Some(faults) = given.form("faults") {
        check_cures(faults, plan);
        check_survivors(faults, plan, names);
    }
    operations::advise(whole, given);
    check_required(whole, given);
    timings::check(whole, given, names);
    let restarts = names.system.is_some_and(AnySystem::restarts);
    let has = |wanted: fn(&FaultKind) -> bool| restarts || whole.faults.kinds().any(wanted);
    if let Some(faults) = given.form("faults").filter(|_| !has(FaultKind::restarts)) {
        check_triggers(faults, plan, has(|kind| kind.crashes));
    }
    if let Some(expect) = given.form("expect").filter(|_| !has(|kind| kind.crashes)) {
        check_marks(expect, names);
    }
}

/// Whether it is meant to show a violation that needs no time to settle.
fn shows_before(meant: Expected) -> bool {
    matches!(meant, Expected::Violates(property) if property != PROGRESS.name)
}

/// An outcome that `require` alone could bring about, and does not demand.
fn check_required(whole: &Whole, given: &Given<'_>) {
    let (Some(form), Expected::Violates(property)) = (given.form("outcome"), whole.outcome) else { return };
    let demanded = whole.require.iter().any(|requirement| requirement.property().name == property);
    if require::PROPERTIES.iter().any(|known| known.name == property) && !demanded {
        let problem = Diagnostic::warning(form.span(), format!("\"{property}\" is not judged: the scenario does not demand it"));
        form.report(problem.help("demand it: require: […]"));
    }
}

fn check_settles(settle: Form<'_>, plan: &Places) {
    if !plan.faults.is_empty() {
        let problem = Diagnostic::warning(settle.span(), "it is not judged whether the system recovers from its faults");
        settle.report(problem.help("give it time to settle: progress is judged then"));
    }
}

/// A cure of what the plan does not have.
fn check_cures(form: Form<'_>, plan: &Places) {
    for cure in FaultKind::ALL {
        let cured: Vec<&str> = FaultKind::ALL.iter().filter(|kind| kind.ends == Ends::By(cure.name)).map(|kind| kind.name).collect();
        let span = plan.faults.iter().find(|(fault, _)| fault.name() == cure.name).map(|(_, span)| *span);
        let has_any = plan.faults.iter().any(|(fault, _)| cured.contains(&fault.name()));
        if let Some(span) = span.filter(|_| !cured.is_empty() && !has_any) {
            let message = format!("`{}` changes nothing: the plan has no {}", cure.name, cured.join(" or "));
            form.report(Diagnostic::warning(span, message));
        }
    }
}

/// A fault after which no server is left.
fn check_survivors(form: Form<'_>, plan: &Places, names: &Names<'_>) {
    let Some(servers) = names.servers() else { return };
    for (fault, span) in &plan.faults {
        if let Fault::Destroy { node } = fault
            && node.is_everybody(servers)
        {
            let problem = Diagnostic::warning(*span, "no server is left: whatever comes after it shows nothing");
            form.report(
                problem.help("leave some, as Destroy(node: Minority) does; or let them come back, as Crash(node: All, down: \"1s\") does"),
            );
        }
    }
}

/// Triggers that wait for a crash where nothing crashes, or for a restart where nothing starts again.
fn check_triggers(form: Form<'_>, plan: &Places, crashes: bool) {
    let warn = |span: Span, missing: String| {
        let problem = Diagnostic::warning(span, format!("this never sets a fault off: the plan has no {missing}"));
        form.report(if crashes { problem.help("what is destroyed never starts again") } else { problem });
    };
    for (on, span) in &plan.triggers {
        match on {
            Happening::Crashed if !crashes => warn(*span, named(|kind| kind.crashes)),
            Happening::Restarted => warn(*span, named(FaultKind::restarts)),
            _ => {}
        }
    }
}

/// A mark that waits for a crash where nothing crashes.
fn check_marks(form: Form<'_>, names: &Names<'_>) {
    let marks = form.list(|mark| Some((Expectation::read(mark, names)?, mark.span()))).unwrap_or_default();
    for (_, span) in marks.into_iter().filter(|(mark, _)| *mark == Expectation::Sometimes(UNSYNCED_LOST.name)) {
        let message = format!("this mark is never set: the plan has no {}", named(|kind| kind.crashes));
        form.report(Diagnostic::warning(span, message));
    }
}

/// The kinds of which this is true.
fn named(is_so: fn(&FaultKind) -> bool) -> String {
    FaultKind::ALL.iter().filter(|kind| is_so(kind)).map(|kind| kind.name).collect::<Vec<_>>().join(" or ")
}
