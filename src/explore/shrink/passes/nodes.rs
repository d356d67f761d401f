//! Fewer servers and clients: whole numbers of the file on which their number hangs.

use super::{nameless, numbers, registry, smaller};
use crate::base::{NodeId, sort_by_key};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::{parsed, with_nodes, with_value};
use crate::notation;
use crate::scenario::Scenario;
use crate::systems::{Population, Registry};

pub(super) fn pass(search: &mut Search<'_>) {
    let registry = registry(search);
    loop {
        let scenario = search.kept();
        let changes = changes(&Few::of(&scenario), &search.populating, registry);
        if search.attempt(changes.iter().flat_map(|few| few.variants(&scenario, registry))).is_none() {
            return;
        }
    }
}

/// The scenario with fewer nodes: one for each number of servers, with the fewest clients; the fewest first.
pub(super) fn fewer(scenario: &Scenario, populating: &[String], registry: &Registry) -> Vec<Scenario> {
    let mut all: Vec<Few> = Vec::new();
    let mut few = vec![Few::of(scenario)];
    // Each number is reduced by itself, and together with those before it.
    while let Some(one) = few.pop() {
        for change in changes(&one, populating, registry) {
            if all.len() < MOST && all.iter().all(|known| known.blank != change.blank) {
                few.push(change.clone());
                all.push(change);
            }
        }
    }
    sort_by_key(&mut all, |few| nodes(few.population()));
    let mut variants: Vec<Scenario> = Vec::new();
    for few in all {
        if variants.iter().all(|known| known.roster().population.servers != few.population().servers) {
            variants.extend(few.variants(scenario, registry).next());
        }
    }
    variants
}

/// How many configurations with fewer nodes are looked at.
const MOST: usize = 24;

fn nodes(population: Population) -> u32 {
    population.servers + population.clients
}

/// Fewer nodes.
#[derive(Clone)]
struct Few {
    /// A scenario that has so few, and names none.
    blank: Scenario,
    /// The paths of the numbers that are smaller then, and what they are.
    set: Vec<(String, u64)>,
}

/// The paths of the numbers on which the number of nodes hangs.
pub(in crate::explore::shrink) fn populating(scenario: &Scenario, registry: &Registry) -> Vec<String> {
    let (blank, before) = (nameless(scenario), scenario.roster().population);
    let has_effect = |path: &str, value: u64| {
        let changed = |less: u64| with_value(&blank, path, &less.to_string(), registry);
        smaller(value).into_iter().filter_map(changed).any(|changed| changed.roster().population != before)
    };
    let numbers = ["system", "workload"].iter().flat_map(|part| numbers(scenario, part));
    numbers.filter(|(path, value)| has_effect(path, *value)).map(|(path, _)| path).collect()
}

/// One of these numbers smaller, where that leaves fewer nodes.
fn changes(few: &Few, populating: &[String], registry: &Registry) -> Vec<Few> {
    let (blank, before) = (&few.blank, few.population());
    let mut changes = Vec::new();
    let numbers = ["system", "workload"].iter().flat_map(|part| numbers(blank, part));
    for (path, value) in numbers.filter(|(path, _)| populating.contains(path)) {
        for less in smaller(value) {
            let Some(changed) = with_value(blank, &path, &less.to_string(), registry) else { continue };
            let population = changed.roster().population;
            if population.servers <= before.servers && population.clients <= before.clients && population != before {
                let set = few.set.iter().cloned().chain([(path.clone(), less)]).collect();
                changes.push(Few { blank: changed, set });
            }
        }
    }
    changes
}

impl Few {
    /// As many as there are.
    fn of(scenario: &Scenario) -> Self {
        Self { blank: nameless(scenario), set: Vec::new() }
    }

    fn population(&self) -> Population {
        self.blank.roster().population
    }

    /// The scenario with so few nodes: those stay that come first, or those that are named, or those that come last.
    fn variants<'s>(&'s self, scenario: &'s Scenario, registry: &'s Registry) -> impl Iterator<Item = Scenario> + 's {
        let (text, before) = (scenario.to_ron(), scenario.roster().population);
        let named = named(&text);
        let mut made: Vec<Scenario> = Vec::new();
        (0..3).filter_map(move |order| {
            let changed = with_nodes(&text, &|node| match order {
                0 => self.place(node, node.index()),
                1 => self.place(node, place_behind(node, &named)),
                _ => self.place(node, node.index().checked_sub(count(before, node) - count(self.population(), node))?),
            });
            let set = self.set.iter().try_fold(changed, |text, (path, value)| notation::set(&text, path, &value.to_string()).ok());
            let variant = parsed(&set?, registry).filter(|variant| !made.contains(variant))?;
            made.push(variant.clone());
            Some(variant)
        })
    }

    /// The node at this place among those of its sort, if there are that many.
    fn place(&self, node: NodeId, place: usize) -> Option<NodeId> {
        let other = if node.is_client() { NodeId::client } else { NodeId::server };
        (place < count(self.population(), node)).then(|| other(place as u32))
    }
}

/// How many nodes there are of this one's sort.
fn count(population: Population, node: NodeId) -> usize {
    (if node.is_client() { population.clients } else { population.servers }) as usize
}

/// The place of a node among those of its sort, if these come first.
fn place_behind(node: NodeId, first: &[NodeId]) -> usize {
    let alike = first.iter().filter(|other| other.is_client() == node.is_client());
    alike.clone().position(|other| *other == node).unwrap_or_else(|| {
        let before = alike.clone().filter(|other| **other < node).count();
        node.index() + alike.count() - before
    })
}

/// The nodes that a file names, in that order.
fn named(text: &str) -> Vec<NodeId> {
    let mut named: Vec<NodeId> = Vec::new();
    for node in notation::leaves(text).iter().filter_map(|leaf| leaf.raw.parse().ok()) {
        if !named.contains(&node) {
            named.push(node);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_stay_come_first_or_are_named_or_come_last() {
        let text = include_str!("../../../../scenarios/detector/bugs/misses-a-member.ron");
        let registry = Registry::standard();
        let scenario = Scenario::from_ron(text, &registry).unwrap_or_else(|problems| panic!("{problems}"));
        let changes = changes(&Few::of(&scenario), &populating(&scenario, &registry), &registry);
        let plans: Vec<String> = changes[0].variants(&scenario, &registry).map(|variant| variant.conditions.faults.to_string()).collect();
        assert_eq!(changes[0].population().servers, 2);
        // Of two nodes the fifth of five is none, the first, or the last.
        let struck = |plan: &String| ["n1", "n2"].into_iter().find(|node| plan.contains(node));
        assert_eq!(plans.iter().map(struck).collect::<Vec<_>>(), [None, Some("n1"), Some("n2")], "{plans:?}");
    }
}
