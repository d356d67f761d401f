//! Fewer steps of the plan: those as written first, then their single strikes.

use std::ops::Range;

use super::{Attempt, registry};
use crate::base::sort_by_key;
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{self, with_steps, without_value};
use crate::explore::shrink::size::draws;
use crate::fault::{FaultStep, Moment};
use crate::notation;
use crate::scenario::Scenario;

pub(super) fn pass(search: &mut Search<'_>) {
    kinds(search);
    reduce(search, &|search, variants| search.attempt(variants.iter().cloned()));
}

/// Fewer of them, tried in this way.
pub(super) fn reduce(search: &mut Search<'_>, attempt: &Attempt<'_>) {
    search.reduce_by(attempt, &|scenario| scenario.conditions.faults.steps().len(), &without);
}

/// What belongs together is taken together first: all steps with a kind of fault.
fn kinds(search: &mut Search<'_>) {
    loop {
        let scenario = search.scenario();
        let mut names: Vec<&str> = scenario.conditions.faults.kinds().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        let has = |step: &FaultStep, name: &str| step.fault.kinds().iter().any(|kind| kind.name == name);
        let left = |name: &&str| scenario.conditions.faults.steps().iter().filter(|step| !has(step, name)).cloned().collect::<Vec<_>>();
        let variants: Vec<Scenario> = names.iter().map(|name| with_steps(scenario, left(name))).collect();
        if search.attempt(variants).is_none() {
            return;
        }
    }
}

fn without(scenario: &Scenario, chunk: Range<usize>) -> Option<Scenario> {
    let steps = scenario.conditions.faults.steps().iter().enumerate().filter(|(place, _)| !chunk.contains(place));
    Some(with_steps(scenario, steps.map(|(_, step)| step.clone()).collect()))
}

/// Steps that strike again and again become the strikes that there were, each with the name on which hangs what was drawn for it.
pub(super) fn explicit(search: &mut Search<'_>) {
    let explicit = candidate::explicit(search.scenario(), &search.best.outcome);
    if explicit != *search.scenario() && search.attempt_under([explicit], &[search.best.candidate.seed]).is_some() {
        pass(search);
    }
}

/// What a step leaves to chance becomes what was drawn.
pub(super) fn fixed(search: &mut Search<'_>) {
    for place in 0..search.scenario().conditions.faults.steps().len() {
        if search.judge.is_over() {
            return;
        }
        let steps = search.scenario().conditions.faults.steps();
        let Some(step) = steps.get(place).filter(|step| draws(step) > 0) else { continue };
        let struck = search.best.outcome.struck.steps().iter().find(|struck| struck.name() == step.name());
        let Some(struck) = struck else { continue };
        let fixed = FaultStep::new(step.moment.clone(), struck.fault.clone());
        let mut steps = steps.to_vec();
        steps[place] = fixed;
        let fixed = with_steps(search.scenario(), steps);
        search.attempt_under([fixed], &[search.best.candidate.seed]);
    }
}

/// Fewer nodes that a step names, and fewer fields that it gives.
pub(super) fn milder(search: &mut Search<'_>) {
    let registry = registry(search);
    let mut place = 0;
    while let Some(path) = listed(search.scenario()).into_iter().nth(place).filter(|_| !search.judge.is_over()) {
        let variant = without_value(search.scenario(), &path, registry);
        if variant.is_none_or(|variant| search.attempt([variant]).is_none()) {
            place += 1;
        }
    }
}

/// The paths of the items of lists that steps hold.
fn listed(scenario: &Scenario) -> Vec<String> {
    let text = scenario.to_ron();
    let values = notation::values(&text).into_iter().filter(|value| value.listed && value.path.starts_with("faults["));
    values.map(|value| value.path).filter(|path| !path.ends_with(']') || path.matches(['[', '.']).count() > 1).collect()
}

/// Steps lose their names, if what was drawn for them does not matter.
pub(super) fn unnamed(search: &mut Search<'_>) {
    let scenario = search.scenario();
    let bare = |scenario: &Scenario, wanted: &dyn Fn(usize) -> bool| {
        let steps = scenario.conditions.faults.steps().iter().enumerate();
        with_steps(scenario, steps.map(|(place, step)| if wanted(place) { step.clone().named("") } else { step.clone() }).collect())
    };
    let all = bare(scenario, &|_| true);
    if all == *scenario || search.attempt([all]).is_some() {
        return;
    }
    for place in 0..search.scenario().conditions.faults.steps().len() {
        if search.judge.is_over() {
            return;
        }
        let one = bare(search.scenario(), &|other| other == place);
        search.attempt([one]);
    }
}

/// Steps stand in the order in which they strike, if that makes no difference.
pub(in crate::explore::shrink) fn ordered(search: &mut Search<'_>) {
    let time = |step: &FaultStep| if let Moment::At { time } = step.moment { Some(time) } else { None };
    let mut steps = search.scenario().conditions.faults.steps().to_vec();
    if steps.iter().all(|step| time(step).is_some()) && !steps.is_sorted_by_key(time) {
        sort_by_key(&mut steps, time);
        search.take(with_steps(search.scenario(), steps));
    }
}
