//! A smaller load: the whole numbers of the workload, keys and accounts among them.

use super::{numbers, registry, smaller};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::with_value;
use crate::scenario::Scenario;
use crate::systems::Registry;

pub(super) fn pass(search: &mut Search<'_>) {
    let registry = registry(search);
    for place in 0..numbers(search.scenario(), PART).len() {
        let Some((path, value)) = numbers(search.scenario(), PART).into_iter().nth(place) else { return };
        search.attempt(&values(search.scenario(), &path, value, registry));
    }
}

const PART: &str = "workload";

fn values(scenario: &Scenario, path: &str, value: u64, registry: &Registry) -> Vec<Scenario> {
    let changed = |less: u64| with_value(scenario, path, &less.to_string(), registry);
    smaller(value).into_iter().filter_map(changed).filter(|changed| changed.roster().population == scenario.roster().population).collect()
}

/// The scenario with the smallest load that makes sense.
pub(super) fn least(scenario: &Scenario, registry: &Registry) -> Scenario {
    let mut least = scenario.clone();
    for (path, value) in numbers(scenario, PART) {
        least = values(&least, &path, value, registry).into_iter().next().unwrap_or(least);
    }
    least
}
