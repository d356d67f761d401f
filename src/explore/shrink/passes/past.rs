//! What lies in the causal past of the violation is kept, and the rest left out at once: what nothing led from cannot have mattered.

use super::Attempt;
use super::fates::Sends;
use crate::base::{FixedFate, OperationId, SortedSet, Which};
use crate::explore::causes::{Causes, Link, invokes};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{has_struck, with_steps};
use crate::explore::shrink::size::noise;
use crate::explore::story;
use crate::scenario::Scenario;
use crate::trace::{OwnedRecord, Recording};
use crate::world::Outcome;

/// Fewer parts than this are left out one by one.
const FEW: usize = 4;

/// In calm surroundings: what is left out there makes no difference to what else is drawn.
pub(super) fn pass(search: &mut Search<'_>) {
    let nearer = nearer(search);
    search.attempt(nearer);
}

/// The same, tried in this way.
pub(super) fn reduce(search: &mut Search<'_>, attempt: &Attempt<'_>) {
    let nearer = nearer(search);
    attempt(search, &nearer);
}

/// The scenario with what is near alone, the nearest first.
fn nearer(search: &mut Search<'_>) -> Vec<Scenario> {
    let scenario = search.kept();
    let parts = |scenario: &Scenario| {
        scenario.conditions.faults.steps().len() + scenario.operations.scripted.len() + scenario.conditions.fates.len()
    };
    if parts(&scenario) < FEW || noise(&scenario.conditions) > 0 || search.judge.is_over() {
        return Vec::new();
    }
    let mut recording = Recording::default();
    search.watch(&mut recording);
    let causes = Causes::of(&recording);
    let shown = story::shown(&search.violated(), &recording, &causes);
    let (past, outcome) = (Past::of(&scenario, &shown, &recording, &causes), search.best.outcome.clone());
    let mut variants: Vec<Scenario> = Vec::new();
    for order in past.orders() {
        let variant = past.kept(&outcome, order);
        if parts(&variant) < parts(&scenario) && variants.last() != Some(&variant) {
            variants.push(variant);
        }
    }
    variants
}

/// How far each record is from those in which the violation shows: how many times one has to go from a record to the one before it on the
/// same node, where nothing tells more than that order. What is not in their causal past is infinitely far.
struct Past<'a> {
    scenario: &'a Scenario,
    recording: &'a Recording,
    far: Vec<u64>,
    /// How far the messages are whose fates are fixed.
    fates: Vec<u64>,
}

impl<'a> Past<'a> {
    fn of(scenario: &'a Scenario, shown: &[u64], recording: &'a Recording, causes: &Causes) -> Self {
        let mut far = vec![u64::MAX; recording.records().len()];
        shown.iter().for_each(|number| far[*number as usize] = 0);
        // Edges lead from earlier records to later ones.
        for number in (0..far.len()).rev() {
            let near = far[number];
            for (cause, link) in causes.causes(number as u64).into_iter().filter(|_| near < u64::MAX) {
                far[cause as usize] = far[cause as usize].min(near + u64::from(link == Link::Next));
            }
        }
        // What a step sent that is in the past, and what became of it, may have mattered by not arriving.
        for record in recording.records().iter().filter(|record| matches!(record.sort, "send" | "discard")) {
            let came_of = causes.causes(record.number).into_iter().filter(|(_, link)| matches!(link, Link::Step | Link::Sent));
            let nearest = came_of.map(|(cause, _)| far[cause as usize]).min().unwrap_or(u64::MAX);
            let far = &mut far[record.number as usize];
            *far = nearest.min(*far);
        }
        let mut sends = Sends::default();
        recording.replay(&mut sends);
        let of_fate = |fixed: &FixedFate| {
            let sent = sends.sent.iter().zip(&sends.records).find(|(sent, (_, count))| {
                let sent = FixedFate { fate: fixed.fate, ..**sent };
                *fixed == sent || *fixed == FixedFate { which: Which::Count(*count), ..sent }
            });
            sent.map_or(u64::MAX, |(_, (number, _))| far[*number as usize])
        };
        let fates = scenario.conditions.fates.iter().map(of_fate).collect();
        Self { scenario, recording, far, fates }
    }

    /// Bounds of how far is still near: doubled each time, up to the whole past.
    fn orders(&self) -> impl Iterator<Item = u64> {
        let most = self.far.iter().filter(|far| **far < u64::MAX).max().copied().unwrap_or(0);
        std::iter::once(0).chain((0..64).map(|power| 1 << power).take_while(move |bound| bound / 2 < most))
    }

    /// What is that near of the scenario, whose run came to this.
    fn kept(&self, outcome: &Outcome, bound: u64) -> Scenario {
        let near: Vec<&OwnedRecord> = self.recording.records().iter().filter(|record| self.far[record.number as usize] <= bound).collect();
        let strikes: Vec<u64> = self.recording.strikes().map(|strike| strike.number).collect();
        let mut struck: SortedSet<usize> = near.iter().flat_map(|record| &record.blamed).map(|strike| *strike as usize).collect();
        struck.extend(near.iter().filter_map(|record| strikes.binary_search(&record.number).ok()));
        let names: SortedSet<&str> = struck.iter().filter_map(|strike| Some(outcome.struck.steps().get(*strike)?.name())).collect();
        let steps = self.scenario.conditions.faults.steps().iter();
        let steps = steps.filter(|step| has_struck(step, &names));
        let mut kept = with_steps(self.scenario, steps.cloned().collect());
        let invoked: SortedSet<OperationId> = near.iter().filter(|record| invokes(record)).filter_map(|record| operation(record)).collect();
        kept.operations.scripted.retain(|scripted| invoked.contains(&scripted.id));
        let mut fates = self.fates.iter();
        kept.conditions.fates.retain(|_| fates.next().is_some_and(|far| *far <= bound));
        kept
    }
}

/// The operation that a client invokes with this.
fn operation(record: &OwnedRecord) -> Option<OperationId> {
    let event = record.data()?;
    serde_json::from_value(event.as_object()?.values().next()?.get("id")?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::first_violated;
    use crate::explore::shrink::candidate::explicit;
    use crate::explore::shrink::passes::calm;
    use crate::systems::{Registry, Watch};

    /// What is not in the causal past of a violation has no part in it: the run without it fails in the same way.
    #[test]
    fn the_causal_past_alone_fails_in_the_same_way() {
        let (mut fewer, mut whole) = (0, 0);
        for text in [
            include_str!("../../../../scenarios/commit/bugs/forgets-commit-early.ron"),
            include_str!("../../../../scenarios/commit/bugs/ignores-restart.ron"),
            include_str!("../../../../scenarios/commit/bugs/acks-before-durable.ron"),
        ] {
            let scenario = Scenario::from_ron(text, &Registry::standard()).unwrap_or_else(|problems| panic!("{problems}"));
            let mut scenario = calm::whole(&scenario).remove(0);
            scenario.conditions.stop_at_violation = true;
            let seed = (0..50).find(|seed| first_violated(&scenario.run(*seed)).is_some()).expect("it fails under some seed");
            let mut operations = Vec::new();
            let outcome = scenario.run_watched(seed, Watch { operations: Some(&mut operations), ..Watch::default() });
            scenario = explicit(&scenario, &outcome).with_operations(operations);
            let mut recording = Recording::default();
            let outcome = scenario.run_watched(seed, Watch { sinks: vec![&mut recording], ..Watch::default() });
            let violated = first_violated(&outcome).expect("it fails as it is written down");
            let causes = Causes::of(&recording);
            let past = Past::of(&scenario, &story::shown(violated, &recording, &causes), &recording, &causes);
            let orders: Vec<u64> = past.orders().collect();
            let all = past.kept(&outcome, orders[orders.len() - 1]);
            assert_eq!(first_violated(&all.run(seed)).map(|report| report.name), Some(violated.name), "{}", all.to_ron());
            let parts = |scenario: &Scenario| scenario.operations.scripted.len() + scenario.conditions.faults.steps().len();
            let near = past.kept(&outcome, 0);
            assert!(parts(&near) <= parts(&all) && parts(&all) <= parts(&scenario));
            (fewer, whole) = (fewer + parts(&near), whole + parts(&scenario));
        }
        assert!(fewer * 4 < whole, "of {whole} parts {fewer} are near");
    }
}
