//! Transactions that depend on each other in a circle (A. Adya, *Weak Consistency*, 1999, §4.2: G0, of writes, and G1c, of writes and of
//! reads of what was written). What depends on what is a graph of the kind that `isolation` has.
//!
//! Jepsen's kafka workload allows G0, as Kafka isolates no writes: two transactions that are open at once may each lie before the other in
//! one of two logs. So it does of cycles in which a write depends on a write. A cycle in which all depends on what was polled is none that
//! consumers of committed messages can come by: each of its transactions had ended before the next one polled.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::StreamAnomaly;
use super::logs::Message;
use super::report::Finder;
use crate::base::StreamRecord;
use crate::check::isolation::{Dependency, Edge, Graph, Why};
use crate::check::verdict::{Fact, Rule};

static CIRCLE: Rule = Rule::new("circle", "{count} operations depend on each other in a circle: {links}");

/// A cycle is looked for through so many links of those that depend on each other; the shortest of these is told.
const TRIED: usize = 64;

/// Why one operation comes before another.
#[derive(Clone, Copy, Debug)]
enum Link {
    /// It sent a message that the other polled.
    Polled(Message),
    /// It sent a message, and the other the next one of the key that is known.
    Sent(Message, i64),
}

/// Links between operations, with what they are.
#[derive(Debug, Default)]
struct Links {
    edges: Vec<Edge>,
    what: Vec<Link>,
}

impl Links {
    fn add(&mut self, from: usize, to: usize, link: Link) {
        if from != to {
            let kind = if matches!(link, Link::Polled(_)) { Dependency::WriteRead } else { Dependency::WriteWrite };
            self.edges.push(Edge { from: from as u32, to: to as u32, why: Why::new(kind, self.what.len() as u32) });
            self.what.push(link);
        }
    }

    fn of(&self, kind: Dependency) -> impl Iterator<Item = Edge> {
        self.edges.iter().copied().filter(move |edge| edge.why.kind() == kind)
    }
}

/// Finds operations that depend on each other: of each group of them the shortest cycle.
pub(super) fn cycles(finder: &mut Finder<'_>) {
    let links = links(finder);
    let writes: Vec<Edge> = links.of(Dependency::WriteWrite).collect();
    let reads: Vec<Edge> = links.of(Dependency::WriteRead).collect();
    let flow = if finder.demands.isolated { links.edges.clone() } else { reads.clone() };
    for (anomaly, edges, through) in [(StreamAnomaly::WriteCycle, &writes, &writes), (StreamAnomaly::CircularFlow, &flow, &reads)] {
        for cycle in shortest(finder.attempts.len() as u32, edges, through) {
            let told = cycle.iter().map(|edge| Fact::Text(told(finder, &links, edge))).collect();
            let operations: Vec<usize> = cycle.iter().map(|edge| edge.from as usize).collect();
            let evidence = CIRCLE.with("count", operations.len()).with("links", Fact::All(told));
            finder.found(anomaly, &operations, evidence);
        }
    }
}

/// What depends on what, of the operations that took effect. A message that several may have sent links none, and one that is there twice
/// comes before none and after none.
fn links(finder: &Finder<'_>) -> Links {
    let mut links = Links::default();
    let sender = |message: Message| finder.logs.sole_writer(finder.attempts, finder.demands.promise, message);
    for (index, attempt) in finder.attempts.iter().enumerate() {
        if finder.logs.is_certain(attempt, finder.demands.promise) {
            for (key, StreamRecord { value, .. }) in attempt.polled() {
                if let Some(from) = sender((key, value)) {
                    links.add(from, index, Link::Polled((key, value)));
                }
            }
        }
    }
    for (key, log) in &finder.logs.keys {
        let mut last: Option<(usize, i64)> = None;
        for values in log.values().filter(|values| values.len() == 1) {
            let Some(value) = values.first().copied().filter(|value| finder.logs.offsets((*key, *value)).nth(1).is_none()) else {
                continue;
            };
            let Some(to) = sender((*key, value)) else { continue };
            if let Some((from, before)) = last.replace((to, value)) {
                links.add(from, to, Link::Sent((*key, before), value));
            }
        }
    }
    links
}

/// Of each strongly connected component of these edges, the shortest cycle through one of those, if there is one: its edges, from the first
/// operation on.
fn shortest(nodes: u32, edges: &[Edge], through: &[Edge]) -> Vec<Vec<Edge>> {
    let graph = Graph::new(nodes, &[edges]);
    let components = graph.cycles();
    let number = components.iter().enumerate().flat_map(|(number, component)| component.iter().map(move |node| (*node, number)));
    let component_of: FxHashMap<u32, usize> = number.collect();
    let mut within: Vec<Vec<Edge>> = vec![Vec::new(); components.len()];
    for edge in through {
        match (component_of.get(&edge.from), component_of.get(&edge.to)) {
            (Some(one), Some(other)) if one == other && within[*one].len() < TRIED => within[*one].push(*edge),
            _ => {}
        }
    }
    let ways = within.iter().map(|tried| {
        let mut best: Option<Vec<Edge>> = None;
        for edge in tried {
            let shorter = best.as_ref().map_or(usize::MAX, |best| best.len() - 1);
            if let Some(back) = way(&graph, &component_of, edge, shorter) {
                best = Some([vec![*edge], back].concat());
            }
        }
        best
    });
    let mut found: Vec<Vec<Edge>> = ways.flatten().collect();
    for cycle in &mut found {
        let first = (0..cycle.len()).min_by_key(|place| cycle[*place].from).unwrap_or_default();
        cycle.rotate_left(first);
    }
    found
}

/// The shortest way from where an edge leads to back to where it comes from, if it has fewer edges than that.
fn way(graph: &Graph, component_of: &FxHashMap<u32, usize>, edge: &Edge, fewer_than: usize) -> Option<Vec<Edge>> {
    let (start, end) = (edge.to, edge.from);
    let mut came: FxHashMap<u32, (usize, Option<Edge>)> = FxHashMap::from_iter([(start, (0, None))]);
    let mut next = VecDeque::from([start]);
    while let Some(node) = next.pop_front() {
        let (steps, _) = came[&node];
        if node == end || steps + 1 >= fewer_than {
            break;
        }
        for (to, why) in graph.leaving(node).iter().filter(|(to, _)| component_of.get(to) == component_of.get(&start)) {
            if !came.contains_key(to) {
                came.insert(*to, (steps + 1, Some(Edge { from: node, to: *to, why: *why })));
                next.push_back(*to);
            }
        }
    }
    let mut back = Vec::new();
    let (mut node, mut found) = (end, came.get(&end)?.1);
    while let Some(edge) = found {
        back.push(edge);
        node = edge.from;
        found = came.get(&node)?.1;
    }
    back.reverse();
    (node == start).then_some(back)
}

/// A link in words.
fn told(finder: &Finder<'_>, links: &Links, edge: &Edge) -> String {
    let [one, other] = [edge.from, edge.to].map(|index| finder.client(index as usize));
    match links.what.get(edge.why.key() as usize) {
        Some(Link::Polled((key, value))) => {
            format!("{one} sent {} to {}, and {other} polled it", finder.names.value(*value), finder.names.key(*key))
        }
        Some(Link::Sent((key, value), later)) => {
            let [value, later] = [*value, *later].map(|value| finder.names.value(value));
            format!("{one} sent {value} to {}, and {other} then {later}", finder.names.key(*key))
        }
        None => format!("{one}, and {other}"),
    }
}
