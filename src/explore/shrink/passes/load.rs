//! A smaller load: the whole numbers of the workload, keys and accounts among them, and how often something is invoked.

use super::{registry, smaller};
use crate::base::{DurationRange, Rate};
use crate::explore::shrink::candidate::{with_value, without_value};
use crate::explore::shrink::{Candidate, Search};
use crate::notation;
use crate::scenario::Scenario;
use crate::systems::Registry;

pub(super) fn pass(search: &mut Search<'_>) {
    let registry = registry(search);
    for place in 0..loads(search.scenario()).len() {
        let Some((path, values)) = loads(search.scenario()).into_iter().nth(place) else { return };
        search.attempt(with(&search.kept(), &path, &values, registry));
    }
}

/// Where no operation is generated, what is said of how they are goes, if all happens as before.
pub(in crate::explore::shrink) fn unsaid(search: &mut Search<'_>) {
    if search.scenario().operations.generated {
        return;
    }
    let text = search.scenario().to_ron();
    let said = notation::values(&text).into_iter().rev().filter(|value| !value.listed).map(|value| value.path);
    for path in said.filter(|path| path.starts_with("workload.")).collect::<Vec<_>>() {
        let Some(without) = without_value(search.scenario(), &path, registry(search)) else { continue };
        let candidate = Candidate::new(without, search.best.candidate.seed);
        let digest = search.best.outcome.digest;
        if search.judge.one(&candidate).is_some_and(|found| found.outcome.digest == digest) {
            search.take(Scenario::clone(&candidate.scenario));
        }
    }
}

/// How long a client waits, where it is to invoke little.
const LONG: &str = "\"1s\"";
const SELDOM: &str = "\"1/s\"";

/// What makes up the load: the paths, each with smaller values, the smallest first.
fn loads(scenario: &Scenario) -> Vec<(String, Vec<String>)> {
    let is_paced = scenario.operations.generated;
    let values = |raw: &str, path: &str| -> Vec<String> {
        if let Ok(number) = raw.parse() {
            return smaller(number).iter().map(u64::to_string).collect();
        }
        let text = raw.trim_matches('"');
        let is_often = text.parse::<Rate>().is_ok() && raw != SELDOM;
        let is_short = path == "workload.think" && text.parse::<DurationRange>().is_ok() && raw != LONG;
        let slower = [(is_often, SELDOM), (is_short, LONG)].into_iter().filter(|(applies, _)| is_paced && *applies);
        slower.map(|(_, slower)| slower.to_owned()).collect()
    };
    let loads = scenario.loads().into_iter().map(|(path, raw)| {
        let values = values(&raw, &path);
        (path, values)
    });
    loads.filter(|(_, values)| !values.is_empty()).collect()
}

fn with<'s>(scenario: &'s Scenario, path: &'s str, values: &'s [String], registry: &'s Registry) -> impl Iterator<Item = Scenario> + 's {
    let changed = values.iter().filter_map(move |less| with_value(scenario, path, less, registry));
    changed.filter(|changed| changed.roster().population == scenario.roster().population)
}

/// The scenario with the smallest load that makes sense.
pub(super) fn least(scenario: &Scenario, registry: &Registry) -> Scenario {
    let mut least = scenario.clone();
    for (path, values) in loads(scenario) {
        let less = with(&least, &path, &values, registry).next();
        least = less.unwrap_or(least);
    }
    least
}
