//! That alerts fit the rest of a file, and requirements fit the alerts.

use super::whole::Whole;
use crate::diagnostic::suggestion;
use crate::metrics::Alert;
use crate::notation::{Form, Given};

/// The most times that alerts are looked at in a run, each.
const LOOKS_MOST: u64 = 1_000_000;

/// Complains of alerts that are looked at without end, and of requirements of alerts that there are not.
pub(super) fn fit(whole: &Whole, given: &Given<'_>) {
    let run = whole.duration + whole.settle;
    if let Some(alert) = whole.alerts.iter().find(|alert| run.as_nanos() / alert.every.as_nanos().max(1) > LOOKS_MOST)
        && let Some(form) = given.complain(&["alerts", "duration", "settle"])
    {
        let problem = form.problem(format!("the alert \"{}\" would be looked at more than {LOOKS_MOST} times in {run}", alert.name()));
        form.report(problem.help(format!("look at it less often than each {}: every: \"1s\"", alert.every)));
    }
    if given.is_wrong("alerts") || given.is_wrong("require") {
        return;
    }
    let known: Vec<&str> = whole.alerts.iter().map(Alert::name).collect();
    let demands = given.form("require").and_then(|form| form.list(Some)).unwrap_or_default();
    for (requirement, form) in whole.require.iter().zip(demands) {
        if let Some(alert) = requirement.alert().filter(|alert| !known.contains(alert)) {
            let form = name_of(form);
            let problem = form.problem(format!("there is no alert \"{alert}\""));
            form.report(match known.is_empty() {
                true => problem.help("declare it: alerts: [(name: \"…\", when: Above(Rate(\"errors\"), \"1%\"))]"),
                false => problem.help(suggestion(alert, &known)),
            });
        }
    }
}

/// Where the name of the alert stands in a requirement.
fn name_of(form: Form<'_>) -> Form<'_> {
    if form.has_fields() {
        return form.fields().and_then(|fields| fields.look_at("alert")).unwrap_or(form);
    }
    form.arguments(["an alert"]).map_or(form, |[name]| name)
}
