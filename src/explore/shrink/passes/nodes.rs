//! Fewer servers and clients: whole numbers of the file on which their number hangs.

use super::{nameless, numbers, registry, smaller};
use crate::base::NodeId;
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
    all.sort_by_key(|few| nodes(few.population()));
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

    /// The scenario with so few nodes: those stay that come first, or those that are named.
    fn variants<'s>(&'s self, scenario: &'s Scenario, registry: &'s Registry) -> impl Iterator<Item = Scenario> + 's {
        let text = scenario.to_ron();
        let mut orders = vec![named(&text), Vec::new()];
        let mut first = None;
        std::iter::from_fn(move || {
            let order = orders.pop()?;
            let changed = with_nodes(&text, &|node| self.place(node, &order));
            let set = self.set.iter().try_fold(changed, |text, (path, value)| notation::set(&text, path, &value.to_string()).ok());
            Some(set.and_then(|text| parsed(&text, registry)))
        })
        .flatten()
        .filter(move |variant| first.replace(variant.clone()).is_none_or(|first| first != *variant))
    }

    /// What a node becomes, if these come first.
    fn place(&self, node: NodeId, first: &[NodeId]) -> Option<NodeId> {
        let alike = first.iter().filter(|other| other.is_client() == node.is_client());
        let place = alike.clone().position(|other| *other == node).unwrap_or_else(|| {
            let before = alike.filter(|other| **other < node).count();
            node.index() + first.iter().filter(|other| other.is_client() == node.is_client()).count() - before
        });
        let (count, other): (u32, fn(u32) -> NodeId) =
            if node.is_client() { (self.population().clients, NodeId::client) } else { (self.population().servers, NodeId::server) };
        (place < count as usize).then(|| other(place as u32))
    }
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
