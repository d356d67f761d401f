//! Small runs afresh: failures of small configurations are dense, so that looking for one is often better than cutting a large one down.

use super::{load, nodes, registry};
use crate::explore::shrink::judge::Found;
use crate::explore::shrink::{Candidate, Search};
use crate::scenario::Scenario;

/// So many events all runs have together, about, and how many runs of each configuration there are.
const EVENTS: u64 = 3_000_000;
const RUNS: (u64, u64) = (3, 200);

pub(super) fn pass(search: &mut Search<'_>) {
    let (configurations, seeds) = configurations(search);
    for configuration in configurations {
        if search.attempt_smallest(&[configuration], &seeds) {
            return;
        }
    }
}

/// Several small failing runs that may lead to different ends.
pub(in crate::explore::shrink) fn starts(search: &mut Search<'_>, most: usize) -> Vec<(Candidate, Found)> {
    let (configurations, seeds) = configurations(search);
    let mut starts = Vec::new();
    for configuration in configurations {
        let candidates = search.under(&[configuration], &seeds);
        let found = search.judge.all(&candidates);
        starts.extend(found.into_iter().take(most - starts.len()).map(|found| (candidates[found.place].clone(), found)));
        if starts.len() == most {
            break;
        }
    }
    starts
}

/// Smaller configurations, the smallest first, and the seeds under which each is tried.
fn configurations(search: &Search<'_>) -> (Vec<Scenario>, Vec<u64>) {
    let registry = registry(search);
    let mut configurations = Vec::new();
    for few in nodes::fewer(search.scenario(), &search.populating, registry) {
        configurations.extend([load::least(&few, registry), few]);
    }
    configurations.push(load::least(search.scenario(), registry));
    configurations.push(search.scenario().clone());
    let each = EVENTS / search.best.outcome.events.max(1) / configurations.len() as u64;
    let seeds = search.some_seeds(each.clamp(RUNS.0, RUNS.1));
    (configurations, seeds)
}
