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
        let changes = changes(search.scenario(), &search.populating, registry);
        let variants: Vec<Scenario> = changes.iter().flat_map(|change| change.variants(registry)).collect();
        if search.attempt(&variants).is_none() {
            return;
        }
    }
}

/// The scenario with fewer nodes, the fewest first.
pub(super) fn fewer(scenario: &Scenario, populating: &[String], registry: &Registry) -> Vec<Scenario> {
    let mut all: Vec<Scenario> = Vec::new();
    let mut few = vec![scenario.clone()];
    // Each number is reduced by itself, and together with those before it.
    while let Some(one) = few.pop() {
        for change in changes(&one, populating, registry) {
            let Some(variant) = change.variants(registry).into_iter().next() else { continue };
            if all.len() < MOST && all.iter().all(|known| *known != variant) {
                few.push(variant.clone());
                all.push(variant);
            }
        }
    }
    all.sort_by_key(|scenario| nodes(scenario.roster().population));
    all
}

/// How many configurations with fewer nodes are looked at.
const MOST: usize = 24;

fn nodes(population: Population) -> u32 {
    population.servers + population.clients
}

/// A number that becomes smaller, and how many nodes there are then.
struct Change<'s> {
    scenario: &'s Scenario,
    path: String,
    value: u64,
    population: Population,
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

/// The smaller values of these numbers that leave fewer nodes.
fn changes<'s>(scenario: &'s Scenario, populating: &[String], registry: &Registry) -> Vec<Change<'s>> {
    let (blank, before) = (nameless(scenario), scenario.roster().population);
    let mut changes = Vec::new();
    let numbers = ["system", "workload"].iter().flat_map(|part| numbers(scenario, part));
    for (path, value) in numbers.filter(|(path, _)| populating.contains(path)) {
        for less in smaller(value) {
            let Some(changed) = with_value(&blank, &path, &less.to_string(), registry) else { continue };
            let population = changed.roster().population;
            if population.servers <= before.servers && population.clients <= before.clients && population != before {
                changes.push(Change { scenario, path: path.clone(), value: less, population });
            }
        }
    }
    changes
}

impl Change<'_> {
    /// The scenario with fewer nodes: those stay that come first, or those that are named.
    fn variants(&self, registry: &Registry) -> Vec<Scenario> {
        let text = self.scenario.to_ron();
        let mut variants: Vec<Scenario> = Vec::new();
        for order in [Vec::new(), named(&text)] {
            let map = |node: NodeId| self.place(node, &order);
            let changed = with_nodes(&text, &map).and_then(|text| notation::set(&text, &self.path, &self.value.to_string()).ok());
            if let Some(variant) = changed.and_then(|text| parsed(&text, registry)).filter(|variant| !variants.contains(variant)) {
                variants.push(variant);
            }
        }
        variants
    }

    /// What a node becomes, if these come first.
    fn place(&self, node: NodeId, first: &[NodeId]) -> Option<NodeId> {
        let alike = first.iter().filter(|other| other.is_client() == node.is_client());
        let place = alike.clone().position(|other| *other == node).unwrap_or_else(|| {
            let before = alike.filter(|other| **other < node).count();
            node.index() + first.iter().filter(|other| other.is_client() == node.is_client()).count() - before
        });
        let (count, other): (u32, fn(u32) -> NodeId) =
            if node.is_client() { (self.population.clients, NodeId::client) } else { (self.population.servers, NodeId::server) };
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
