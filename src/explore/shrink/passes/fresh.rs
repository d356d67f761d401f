//! Small runs afresh: failures of small configurations are dense, so that looking for one is often better than cutting a large one down.

use super::{calm, load, nodes, registry};
use crate::explore::shrink::judge::Found;
use crate::explore::shrink::{Candidate, Search};
use crate::scenario::Scenario;

/// So many events all runs have together, about, and how many runs of each configuration there are.
const EVENTS: u64 = 3_000_000;
/// Each run takes as much time as so many events, besides its own.
const RUN: u64 = 300;
const RUNS: (usize, usize) = (3, 400);

pub(super) fn pass(search: &mut Search<'_>) {
    each(search, &mut |search, candidates| {
        let size = search.best.size;
        let found = search.judge.all(&candidates).into_iter().next().filter(|found| found.size < size);
        let Some(found) = found else { return false };
        let place = found.place;
        search.adopt(candidates[place].clone(), found);
        true
    });
}

/// Several small failing runs that may lead to different ends, each with another number of nodes.
pub(in crate::explore::shrink) fn starts(search: &mut Search<'_>, most: usize) -> Vec<(Candidate, Found)> {
    let mut starts: Vec<(Candidate, Found)> = Vec::new();
    each(search, &mut |search, candidates| {
        let population = |candidate: &Candidate| candidate.scenario.roster().population;
        if starts.iter().all(|(known, _)| population(known) != population(&candidates[0])) {
            let smallest = search.judge.all(&candidates).into_iter().next();
            starts.extend(smallest.map(|found| (candidates[found.place].clone(), found)));
        }
        starts.len() == most
    });
    starts
}

/// Shows each smaller configuration under some seeds, the smallest first and in calm surroundings first, as long as there are events for
/// it and it is not the end.
fn each(search: &mut Search<'_>, is_end: &mut dyn FnMut(&mut Search<'_>, Vec<Candidate>) -> bool) {
    let (configurations, mut left) = (configurations(search), EVENTS);
    let seeds = search.some_seeds(RUNS.1 as u64);
    for (place, configuration) in configurations.iter().enumerate() {
        let mut candidates = search.under(configuration, &seeds);
        search.judge.all(&candidates[..RUNS.0]);
        let cost = search.judge.cost(&candidates[..RUNS.0]) + RUN * RUNS.0 as u64;
        // What one of them leaves is there for those after it.
        let share = left / (configurations.len() - place) as u64;
        let runs = share * RUNS.0 as u64 / cost.max(1);
        candidates.truncate((runs as usize).clamp(RUNS.0, RUNS.1));
        left = left.saturating_sub(cost * candidates.len() as u64 / RUNS.0 as u64);
        if is_end(search, candidates) || left == 0 || search.judge.is_over() {
            return;
        }
    }
}

/// For each number of servers that with the fewest clients; with the least load first, and in calm surroundings.
fn configurations(search: &Search<'_>) -> Vec<Scenario> {
    let registry = registry(search);
    let mut few = nodes::fewer(search.scenario(), &search.populating, registry);
    few.push(search.scenario().clone());
    let in_calm = |scenario: Scenario| calm::whole(&scenario).into_iter().chain([scenario]);
    few.into_iter().flat_map(|few| [load::least(&few, registry), few]).flat_map(in_calm).collect()
}
