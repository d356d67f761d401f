//! A candidate: a scenario and a seed; and the ways in which one is made from another.

use std::sync::Arc;

use super::size::round_up;
use crate::base::{Digest, Duration, NodeId, OperationId, SortedSet, Time};
use crate::diagnostic::{Diagnostics, Source};
use crate::fault::{FaultPlan, FaultStep, Moment};
use crate::notation::{self, Change};
use crate::scenario::Scenario;
use crate::systems::Registry;
use crate::world::Outcome;

/// What may fail as the whole does.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) scenario: Arc<Scenario>,
    pub(super) seed: u64,
    /// The digest of the scenario's text.
    text: u64,
}

impl Candidate {
    pub(super) fn new(scenario: Scenario, seed: u64) -> Self {
        Self { text: Digest::of(&scenario.to_ron()), scenario: Arc::new(scenario), seed }
    }

    /// The same scenario under each of these seeds.
    pub(super) fn under(scenario: &Scenario, seeds: &[u64]) -> Vec<Self> {
        let one = Self::new(scenario.clone(), 0);
        seeds.iter().map(|seed| Self { seed: *seed, ..one.clone() }).collect()
    }

    /// What becomes of it hangs on this alone.
    pub(super) const fn key(&self) -> (u64, u64) {
        (self.text, self.seed)
    }
}

/// The scenario with these steps.
pub(super) fn with_steps(scenario: &Scenario, steps: Vec<FaultStep>) -> Scenario {
    let mut changed = scenario.clone();
    changed.conditions.faults = FaultPlan::new(steps);
    changed
}

/// The scenario that this text says; nothing if it makes no sense.
pub(super) fn parsed(text: &str, registry: &Registry) -> Option<Scenario> {
    let (source, problems) = (Source::new("candidate", text), Diagnostics::new());
    Scenario::parse(&source, registry, &problems).filter(|_| !problems.has_errors())
}

/// The scenario with another value at this path of its file; nothing if that makes no sense, or no difference.
pub(super) fn with_value(scenario: &Scenario, path: &str, value: &str, registry: &Registry) -> Option<Scenario> {
    let changed = parsed(&notation::set(&scenario.to_ron(), path, value).ok()?, registry)?;
    (changed != *scenario).then_some(changed)
}

/// The same without what stands at this path.
pub(super) fn without_value(scenario: &Scenario, path: &str, registry: &Registry) -> Option<Scenario> {
    let changed = parsed(&notation::without(&scenario.to_ron(), path)?, registry)?;
    (changed != *scenario).then_some(changed)
}

/// The text with other nodes: each node that faults, operations, fates and links name becomes what `map` says. What names one that becomes
/// nothing goes: from a list of nodes it alone, else the whole step, operation, fate or link.
pub(super) fn with_nodes(text: &str, map: &dyn Fn(NodeId) -> Option<NodeId>) -> String {
    const NAMING: [&str; 4] = ["faults[", "operations[", "fates[", "network.links["];
    let is_gone = |raw: &str| raw.parse::<NodeId>().is_ok_and(|node| map(node).is_none());
    notation::edited(text, &mut |value| {
        if !NAMING.iter().any(|naming| value.path.starts_with(naming)) {
            return Change::Keep;
        }
        let is_whole = value.path.find(']') == Some(value.path.len() - 1);
        if is_whole && notation::leaves(value.raw).iter().any(|leaf| !leaf.listed && is_gone(leaf.raw)) {
            return Change::Drop;
        }
        match value.raw.parse().map(map) {
            Ok(Some(other)) => Change::Replace(other.to_string()),
            Ok(None) => Change::Drop,
            Err(_) => Change::Keep,
        }
    })
}

/// The plan with every step that strikes again and again in the place of its strikes in this run.
pub(super) fn explicit(scenario: &Scenario, outcome: &Outcome) -> Scenario {
    let is_repeated = |step: &FaultStep| matches!(step.moment, Moment::Every { .. });
    let (repeated, mut steps): (Vec<_>, Vec<_>) = scenario.conditions.faults.steps().iter().cloned().partition(is_repeated);
    let strikes = outcome.struck.steps().iter().filter(|strike| repeated.iter().any(|step| is_strike_of(strike.name(), step)));
    steps.extend(strikes.cloned());
    with_steps(scenario, steps)
}

/// What comes after the violation left out: the time after it, and what strikes then. And less, if that is what it takes to see it: only
/// steps that did not strike, fates that met no message, and operations that were never invoked; though one that waits may have opened a
/// session.
pub(super) fn trimmed(scenario: &Scenario, outcome: &Outcome, violated: Option<Time>) -> Vec<Scenario> {
    let kept = |until: Time, waits: bool| {
        let names = outcome
            .struck
            .steps()
            .iter()
            .filter(|strike| matches!(strike.moment, Moment::At { time } if time <= until))
            .map(FaultStep::name);
        let names: SortedSet<&str> = names.collect();
        let struck = |step: &&FaultStep| has_struck(step, &names);
        let mut kept = with_steps(scenario, scenario.conditions.faults.steps().iter().filter(struck).cloned().collect());
        kept.conditions.fates.retain(|fate| !outcome.fates.never_met.contains(fate));
        let is_invoked = |id: &OperationId| waits || !outcome.scripted.never_invoked.contains(id);
        kept.operations.scripted.retain(|scripted| Time::ZERO + scripted.at <= until && is_invoked(&scripted.id));
        kept
    };
    let stopped = scenario.conditions.stop_at_violation.then_some(outcome.sim_time);
    let end = Time::ZERO + scenario.conditions.duration;
    let at = stopped.or(violated).filter(|at| *at < end);
    let tight = |waits: bool| {
        let at = at?;
        let mut tight = kept(at, waits);
        let length = round_up(at.since(Time::ZERO) + Duration::from_nanos(1), 2);
        tight.conditions.duration = tight.conditions.duration.min(length);
        tight.conditions.settle = Duration::ZERO;
        Some(tight)
    };
    let trimmed = [tight(false), tight(true), Some(kept(Time::MAX, false))];
    trimmed.into_iter().flatten().filter(|trimmed| trimmed != scenario).collect()
}

/// Whether a strike of this step is among those of these names.
pub(super) fn has_struck(step: &FaultStep, names: &SortedSet<&str>) -> bool {
    let is_repeated = matches!(step.moment, Moment::Every { .. });
    names.contains(step.name()) || (is_repeated && names.iter().any(|name| is_strike_of(name, step)))
}

/// Whether this is the name of a strike of this step, which strikes again and again.
fn is_strike_of(name: &str, step: &FaultStep) -> bool {
    matches!(step.moment, Moment::Every { .. }) && name.strip_prefix(step.name()).is_some_and(|rest| rest.starts_with(" #"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_gone_takes_along_what_names_him() {
        let text = r#"Scenario(
    faults: [
        At("1s", Crash(node: n2)), // gone
        At("2s", Pause(node: [n1, n2, n3])),
        At("3s", Partition(cut: Isolate(nodes: [n2]))),
        At("4s", Destroy(node: n3)),
    ],
    operations: [(id: 1, at: "1s", client: c1), (id: 2, at: "2s", client: c2)],
    fates: [(from: n1, to: n2, kind: "n2", fate: Lost), (from: n3, to: n1, fate: Lost)],
    network: (links: [(from: n2, to: n1)]),
    name: "n2",
)"#;
        let expected = r#"Scenario(
    faults: [
        At("2s", Pause(node: [n1, n2])),
        At("3s", Partition(cut: Isolate(nodes: []))),
        At("4s", Destroy(node: n2)),
    ],
    operations: [(id: 2, at: "2s", client: c1)],
    fates: [(from: n2, to: n1, fate: Lost)],
    network: (links: []),
    name: "n2",
)"#;
        let map = |node: NodeId| match (node.is_client(), node.index()) {
            (true, 0) | (false, 1) => None,
            (true, index) => Some(NodeId::client(index as u32 - 1)),
            (false, 2) => Some(NodeId::server(1)),
            _ => Some(node),
        };
        assert_eq!(with_nodes(text, &map), expected);
    }
}
