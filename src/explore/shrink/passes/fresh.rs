//! Small runs afresh: failures of small configurations are dense, so that looking for one is often better than cutting a large one down.

use super::{load, nodes, registry};
use crate::explore::shrink::Search;

/// So many events all runs have together, about, and how many runs of each configuration there are.
const EVENTS: u64 = 3_000_000;
const RUNS: (u64, u64) = (3, 200);

pub(super) fn pass(search: &mut Search<'_>) {
    let registry = registry(search);
    let mut configurations = Vec::new();
    for few in nodes::fewer(search.scenario(), &search.populating, registry) {
        configurations.extend([load::least(&few, registry), few]);
    }
    configurations.push(load::least(search.scenario(), registry));
    configurations.push(search.scenario().clone());
    let each = EVENTS / search.best.outcome.events.max(1) / configurations.len() as u64;
    let seeds = search.some_seeds(each.clamp(RUNS.0, RUNS.1));
    for configuration in configurations {
        if search.attempt_smallest(&[configuration], &seeds) {
            return;
        }
    }
}
