//! The passes: each makes candidates out of the smallest failing run so far, and takes what is smaller. What a pass does depends on that
//! run alone, and not on how it was found.

mod calm;
mod cut;
mod fates;
mod fresh;
mod lasting;
mod load;
mod moments;
mod nodes;
mod operations;
mod past;
mod steps;
mod times;
mod triggers;

use super::Search;
use super::candidate::{parsed, with_steps};
use crate::base::SortedSet;
use crate::notation::{self, Change};
use crate::scenario::{Scenario, write_fate};
use crate::systems::Registry;

pub(super) use fresh::starts;
pub(super) use load::unsaid;
pub(super) use nodes::populating;
pub(super) use steps::ordered;
pub(super) use triggers::say;

/// A pass.
pub(super) type Pass = fn(&mut Search<'_>);

/// Those that leave something out, in the order in which they are tried first: from coarse to fine.
pub(super) const COARSE: &[Pass] = &[
    cut::pass,
    past::pass,
    fresh::pass,
    steps::pass,
    nodes::pass,
    steps::explicit,
    steps::fixed,
    lasting::pass,
    operations::script,
    times::strikes,
    operations::pass,
    calm::pass,
    load::pass,
    fates::pass,
    fates::fix,
    fates::gather,
    fates::lose,
    moments::pass,
];

/// Those that say the same in a simpler way, when those find nothing any more.
pub(super) const FINE: &[Pass] = &[times::pass, times::lengths, operations::values, steps::milder, steps::unnamed];

/// Fewer operations, steps and fates under many seeds, where under few of them nothing is found any more.
pub(super) fn patient(search: &mut Search<'_>) {
    past::reduce(search, &|search, variants| search.attempt_patiently(variants));
    operations::reduce(search, &|search, variants| search.attempt_patiently(variants));
    steps::reduce(search, &|search, variants| search.attempt_patiently(variants));
    fates::reduce(search, &|search, variants| search.attempt_patiently(variants));
}

/// What belongs together is left out together: of a list, all that has a key in common, for each of these keys.
fn grouped<T>(search: &mut Search<'_>, list: fn(&mut Scenario) -> &mut Vec<T>, keys: &[fn(&T) -> String]) {
    for key in keys {
        loop {
            let mut scenario = Scenario::clone(search.scenario());
            let (groups, count) = (list(&mut scenario).iter().map(key).collect::<SortedSet<String>>(), list(&mut scenario).len());
            // All together and each by itself are tried in any case.
            if groups.len() < 2 || groups.len() == count {
                break;
            }
            let without = groups.iter().map(|group| {
                let mut changed = scenario.clone();
                list(&mut changed).retain(|item| key(item) != *group);
                changed
            });
            if search.attempt(without).is_none() {
                break;
            }
        }
    }
}

/// How candidates are tried.
type Attempt<'a> = dyn Fn(&mut Search<'_>, &[Scenario]) -> Option<usize> + 'a;

/// What comes after the violation is cut, before anything else.
pub(super) const FIRST: Pass = cut::pass;

/// The parts that are left, each with the scenario without it.
pub(in crate::explore) fn parts(scenario: &Scenario) -> impl Iterator<Item = (String, Scenario)> + '_ {
    let without = move |change: &dyn Fn(&mut Scenario)| {
        let mut changed = scenario.clone();
        change(&mut changed);
        changed
    };
    let steps = scenario.conditions.faults.steps();
    let strikes = steps.iter().enumerate().map(move |(place, step)| {
        let left = steps.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, step)| step.clone());
        (step.to_string(), with_steps(scenario, left.collect()))
    });
    let operations = scenario.operations.scripted.iter().enumerate().map(move |(place, operation)| {
        let op = operation.op.as_deref().unwrap_or("what the workload generates");
        (format!("{} at {}: {op}", operation.client, operation.at), without(&|changed| _ = changed.operations.scripted.remove(place)))
    });
    let fates = scenario.conditions.fates.iter().enumerate().map(move |(place, fate)| {
        (format!("{fate}: {}", write_fate(&fate.fate)), without(&|changed| _ = changed.conditions.fates.remove(place)))
    });
    strikes.chain(operations).chain(fates)
}

/// The whole numbers of a part of the file, `system` or `workload`: their paths and values.
fn numbers(scenario: &Scenario, part: &str) -> Vec<(String, u64)> {
    let text = scenario.to_ron();
    let leaves = notation::leaves(&text).into_iter();
    let inside = leaves.filter(|leaf| leaf.path.strip_prefix(part).is_some_and(|rest| rest.starts_with(['.', '['])));
    inside.filter_map(|leaf| Some((leaf.path, leaf.raw.parse().ok()?))).collect()
}

/// Smaller values than this, the smallest first.
fn smaller(value: u64) -> Vec<u64> {
    let mut values: Vec<u64> =
        [0, 1, 2, 3, value / 2, value.saturating_sub(2), value.saturating_sub(1)].into_iter().filter(|less| *less < value).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The scenario with no faults, fates and links that could name nodes.
fn nameless(scenario: &Scenario) -> Scenario {
    let mut blank = with_steps(scenario, Vec::new());
    blank.conditions.fates.clear();
    blank.conditions.links.clear();
    blank.operations.scripted.clear();
    blank
}

/// The registry of a search.
fn registry<'a>(search: &Search<'a>) -> &'a Registry {
    search.shrink.registry
}

/// The scenario as a file without what need not be said: fields of its system and its workload that have their defaults.
pub(super) fn shortest(scenario: &Scenario, registry: &Registry) -> String {
    // It is tried on one that is short, whatever the plan.
    let blank = nameless(scenario);
    let (text, mut unsaid) = (blank.to_ron(), SortedSet::new());
    let mut short = text.clone();
    for value in notation::values(&text).iter().rev().filter(|value| !value.listed && is_of_system(&value.path)) {
        if let Some(without) = notation::without(&short, &value.path).filter(|without| parsed(without, registry).as_ref() == Some(&blank)) {
            short = without;
            unsaid.insert(value.path.clone());
        }
    }
    notation::edited(&scenario.to_ron(), &mut |value| if unsaid.contains(&value.path) { Change::Drop } else { Change::Keep })
}

fn is_of_system(path: &str) -> bool {
    path == "workload" || path.starts_with("workload.") || path.starts_with("system.")
}
