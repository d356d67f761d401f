//! Fewer and simpler operations: those that clients invoked are written down in place of those that are generated, and then left out.

use super::{Attempt, grouped, registry, smaller};
use crate::base::OperationId;
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{with_value, without_value};
use crate::notation;
use crate::scenario::Scenario;
use crate::world::Scripted;

/// What clients invoked is written down; nothing else is generated.
pub(super) fn script(search: &mut Search<'_>) {
    if !search.scenario().operations.generated || !search.scenario().takes_operations() {
        return;
    }
    let Some(invoked) = search.invoked() else { return };
    let scripted = search.scenario().clone().with_operations(invoked);
    search.attempt([scripted]);
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
