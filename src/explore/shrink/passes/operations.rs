//! Fewer and simpler operations: those that clients invoked are written down in place of those that are generated, and then left out.

use super::{Attempt, grouped, registry, smaller};
use crate::base::OperationId;
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{with_value, without_value};
use crate::notation;
use crate::scenario::Scenario;
use crate::world::Scripted;

/// What clients invoked is written down; nothing else is generated. What still waited to be invoked is written down, too, and may be more
/// than all else: it is left out from there.
pub(super) fn script(search: &mut Search<'_>) {
    if !search.scenario().operations.generated || !search.scenario().takes_operations() {
        return;
    }
    let Some(invoked) = search.invoked() else { return };
    let scripted = search.scenario().clone().with_operations(invoked);
    if search.attempt([scripted.clone()]).is_none() {
        search.within(scripted, &pass);
    }
}

/// Fewer operations: all of a client, of a session, of a kind first.
pub(super) fn pass(search: &mut Search<'_>) {
    let kind = |scripted: &Scripted| scripted.op.iter().flat_map(|op| op.split('(').next()).map(str::to_owned).collect();
    let session = |scripted: &Scripted| format!("{} {}", scripted.client, scripted.id.life);
    grouped(search, |scenario| &mut scenario.operations.scripted, &[|scripted: &Scripted| scripted.client.to_string(), session, kind]);
    reduce(search, &|search, variants| search.attempt(variants.iter().cloned()));
}

/// The same, tried in this way.
pub(super) fn reduce(search: &mut Search<'_>, attempt: &Attempt<'_>) {
    search.reduce_by(attempt, &|scenario| scenario.operations.scripted.len(), &|scenario, chunk| {
        let mut changed = scenario.clone();
        changed.operations.scripted.drain(chunk);
        Some(changed)
    });
}

/// Simpler ones: with fewer items and smaller numbers, and numbers for identities.
pub(super) fn values(search: &mut Search<'_>) {
    let registry = registry(search);
    for place in 0..search.scenario().operations.scripted.len() {
        let mut numbered = search.scenario().clone();
        let taken: Vec<u32> = numbered.operations.scripted.iter().filter_map(|operation| operation.id.script_number()).collect();
        let free = (1..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX);
        let Some(operation) = numbered
            .operations
            .scripted
            .get_mut(place)
            .filter(|operation| operation.id.script_number().is_none() && operation.op.is_some())
        else {
            continue;
        };
        operation.id = OperationId::scripted(operation.client.index() as u32, free);
        search.attempt([numbered]);
    }
    let mut place = 0;
    while let Some((path, number)) = contents(search.scenario()).into_iter().nth(place).filter(|_| !search.judge.is_over()) {
        let variants: Vec<Scenario> = match number {
            None => without_value(search.scenario(), &path, registry).into_iter().collect(),
            Some(number) => smaller(number.unsigned_abs())
                .iter()
                .filter_map(|less| with_value(search.scenario(), &path, &less.to_string(), registry))
                .collect(),
        };
        if variants.is_empty() || search.attempt(variants).is_none() {
            place += 1;
        }
    }
}

/// What operations hold: the paths of items of lists, and of whole numbers with these.
fn contents(scenario: &Scenario) -> Vec<(String, Option<i64>)> {
    let text = scenario.to_ron();
    let within = notation::values(&text).into_iter().filter(|value| value.path.starts_with("operations[") && value.path.contains("].op"));
    within
        .filter_map(|value| match value.raw.parse() {
            _ if value.listed => Some((value.path, None)),
            Ok(number) => Some((value.path, Some(number))),
            Err(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::explore::shrink::{Shrink, Smaller};
    use crate::systems::{Registry, Watch};

    /// One session is busy for so long that most operations wait, and are more than those that were invoked.
    #[test]
    fn what_is_written_down_is_less_though_many_operations_wait() {
        let text = include_str!("../../../../scenarios/commit/bugs/unlocks-after-reading.ron");
        let text = text.replace("workload: (", "workload: (sessions: 1, ").replace("rate: \"60/s\"", "rate: \"900/s\"");
        let (registry, never) = (Registry::standard(), AtomicBool::new(false));
        let scenario = Scenario::from_ron(&text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
        let run = |scenario: &Scenario, seed: u64, watch: Watch<'_>| scenario.run_watched(seed, watch);
        let shrink = Shrink { registry: &registry, jobs: 1, runs: 10_000, cancel: &never, mends: true, run: &run };
        let mut each = |_: &Smaller<'_>| {};
        let Ok((mut search, _)) = shrink.begin(None, &scenario, 0, &mut each) else { panic!("it fails") };
        search.trim();
        let invoked = search.invoked().expect("it runs");
        assert!(invoked.iter().filter(|operation| operation.op.is_none()).count() > 0, "{invoked:?}");
        script(&mut search);
        assert!(!search.scenario().operations.generated, "{}", search.scenario().to_ron());
    }
}
