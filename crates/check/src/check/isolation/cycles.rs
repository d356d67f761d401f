//! Cycles in the graph, found and named: for each level the cycles that it forbids, and of those the shortest.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::evidence::Evidence;
use super::findings::Findings;
use super::graph::{Dependency, Edge, Graph, Why};
use super::transactions::Transactions;
use crate::check::verdict::{Anomaly, Level, Levels, Phenomenon, Scope};

/// Once a cycle is found, so many steps more are spent on finding a shorter one.
const IMPROVE: u64 = 200_000;

/// Cycles of one sort: made of edges of these kinds, perhaps without two anti-dependencies in a row.
#[derive(Clone, Copy, Debug)]
struct Family {
    kinds: u32,
    /// Whether an anti-dependency may follow another.
    adjacent: bool,
    /// The weakest level that forbids it.
    level: Level,
}

/// Writes, and reads of what was written.
pub(super) const FLOW: u32 = Dependency::WriteWrite.bit() | Dependency::WriteRead.bit();
pub(super) const DATA: u32 =
    Dependency::WriteWrite.bit() | Dependency::WriteRead.bit() | Dependency::ReadWrite.bit() | Dependency::Via.bit();
pub(super) const SESSION: u32 = DATA | Dependency::Process.bit();
pub(super) const ALL: u32 = SESSION | Dependency::RealTime.bit() | Dependency::TimedWrite.bit() | Dependency::TimedMiss.bit();

/// The weakest level first.
const FAMILIES: [Family; 8] = [
    Family { kinds: Dependency::WriteWrite.bit(), adjacent: true, level: Level::ReadUncommitted },
    Family { kinds: FLOW, adjacent: true, level: Level::ReadCommitted },
    Family { kinds: DATA, adjacent: false, level: Level::SnapshotIsolation },
    Family { kinds: DATA, adjacent: true, level: Level::Serializable },
    Family { kinds: SESSION, adjacent: false, level: Level::StrongSessionSnapshotIsolation },
    Family { kinds: SESSION, adjacent: true, level: Level::StrongSessionSerializable },
    Family { kinds: ALL, adjacent: false, level: Level::StrongSnapshotIsolation },
    Family { kinds: ALL, adjacent: true, level: Level::StrictSerializable },
];

/// Names the cycles of each component of the graph. Returns how many steps that took, and whether the budget ended before every G-single
/// could be looked for.
pub(super) fn name_cycles(
    transactions: &Transactions,
    graph: &Graph,
    components: &[Vec<u32>],
    lost: &[(u32, u32)],
    budget: u64,
    findings: &mut Findings,
) -> (u64, bool) {
    let mut search = Search { evidence: Evidence::new(transactions), findings, left: budget, cut_short: false };
    let nodes = (0..).zip(components).flat_map(|(number, component)| component.iter().map(move |node| (*node, number)));
    let component_of: FxHashMap<u32, usize> = nodes.collect();
    let mut lost_in: Vec<Vec<(u32, u32)>> = vec![Vec::new(); components.len()];
    for (one, other) in lost {
        if let Some(number) = component_of.get(one) {
            lost_in[*number].push((*one, *other));
        }
    }
    for (component, lost) in components.iter().zip(&lost_in) {
        search.component(transactions.len() as u32, graph, component, lost);
    }
    (budget - search.left, search.cut_short)
}

struct Search<'a> {
    evidence: Evidence<'a>,
    findings: &'a mut Findings,
    left: u64,
    cut_short: bool,
}

/// A component by itself. Its nodes are numbered anew, in the same order.
struct Component<'a> {
    /// What its nodes are in the graph.
    names: &'a [u32],
    /// How many of them are transactions: those come first.
    transactions: usize,
    graph: Graph,
}

/// What is known to be wrong with some transactions: nothing that violates the same levels need be looked for around them.
struct Known {
    levels: Levels,
    transactions: Vec<usize>,
}

/// Where a walk stands: at a node, having come by an anti-dependency or not.
type State = usize;

impl Component<'_> {
    /// Where an edge leads to, if the family allows it after what came before.
    fn next(&self, family: Family, state: State, to: u32, why: Why) -> Option<State> {
        let to = to as State;
        let kind = why.kind();
        if kind != Dependency::Via && family.kinds & kind.bit() == 0 {
            return None;
        }
        if family.adjacent {
            return Some(to * 2);
        }
        match (kind, state % 2) {
            (Dependency::Via, arrived) => Some(to * 2 + arrived),
            (miss, 1) if miss.is_miss() => None,
            (miss, _) if miss.is_miss() => Some(to * 2 + 1),
            _ => Some(to * 2),
        }
    }

    /// The components of the walks that a family allows, each as the states in it.
    fn walks(&self, family: Family) -> Vec<Vec<State>> {
        let states = self.graph.nodes() * 2;
        let mut steps = Vec::with_capacity(states as usize);
        // Where it makes no difference how a walk has arrived, half of the states are never reached.
        for from in (0..states).step_by(if family.adjacent { 2 } else { 1 }) {
            for (to, why) in self.graph.leaving(from / 2) {
                let next = self.next(family, from as State, *to, *why);
                steps.extend(next.map(|next| Edge { from, to: next as u32, why: *why }));
            }
        }
        let cycles = Graph::new(states, &[&steps]).cycles().into_iter();
        cycles.map(|states| states.into_iter().map(|state| state as State).collect()).collect()
    }
}

impl Search<'_> {
    fn component(&mut self, transactions: u32, graph: &Graph, names: &[u32], lost: &[(u32, u32)]) {
        let place = |node: u32| names.binary_search(&node).ok();
        let mut edges = Vec::with_capacity(names.len() * 4);
        for (from, node) in (0..).zip(names) {
            for (to, why) in graph.leaving(*node) {
                edges.extend(place(*to).map(|to| Edge { from, to: to as u32, why: *why }));
            }
        }
        let graph = Graph::new(names.len() as u32, &[&edges]);
        let levels = Anomaly::data(Phenomenon::LostUpdate).levels();
        let both = |(one, other): &(u32, u32)| Some(Known { levels, transactions: vec![place(*one)?, place(*other)?] });
        let mut known: Vec<Known> = lost.iter().filter_map(both).collect();
        let component = Component { names, transactions: names.partition_point(|node| *node < transactions), graph };
        for family in FAMILIES {
            self.family(&component, family, &mut known);
        }
    }

    fn family(&mut self, component: &Component<'_>, family: Family, known: &mut Vec<Known>) {
        let cycles = component.walks(family);
        if cycles.is_empty() {
            return;
        }
        let mut member = vec![usize::MAX; component.names.len() * 2];
        for (number, states) in cycles.iter().enumerate() {
            states.iter().for_each(|state| member[*state] = number);
        }
        let mut covered = vec![false; cycles.len()];
        for known in known.iter().filter(|known| known.levels.has(family.level)) {
            let within = |number: usize| known.transactions.iter().all(|node| member[node * 2] == number || member[node * 2 + 1] == number);
            for number in [member[known.transactions[0] * 2], member[known.transactions[0] * 2 + 1]] {
                if number != usize::MAX && within(number) {
                    covered[number] = true;
                }
            }
        }
        let mut walker = Walker {
            component,
            family,
            member: &member,
            seen: vec![(0, 0); member.len()],
            round: 0,
            from: vec![(0, NO_EDGE); member.len()],
            steps: 0,
        };
        for (number, states) in cycles.iter().enumerate().filter(|(number, _)| !covered[*number]) {
            let single = family.kinds == DATA && !family.adjacent;
            let found = single.then(|| self.shortest(&mut walker, number, states, true)).flatten();
            let Some(cycle) = found.or_else(|| self.shortest(&mut walker, number, states, false)) else { continue };
            let anomaly = name(&cycle);
            let transactions = cycle.iter().map(|(node, _)| *node).collect();
            known.push(Known { levels: anomaly.levels(), transactions });
            let named: Vec<(u32, Why)> = cycle.iter().map(|(node, why)| (component.names[*node], *why)).collect();
            let evidence = self.evidence;
            self.findings.add(anomaly, || evidence.cycle(anomaly, &named));
        }
    }

    /// The shortest cycle through these states, as far as the budget goes; with exactly one anti-dependency if that is wanted.
    fn shortest(&mut self, walker: &mut Walker<'_, '_>, number: usize, states: &[State], single: bool) -> Option<Cycle> {
        let (mut bound, mut best) = (u32::MAX, None);
        let mut last_step = u64::MAX;
        let mut steps = 0;
        for (place, start) in states.iter().enumerate().filter(|(_, state)| **state / 2 < walker.component.transactions) {
            let out_of_budget = self.left == 0 && (single || best.is_some());
            if out_of_budget || steps > last_step || bound <= 2 {
                self.cut_short |= single && best.is_none() && place < states.len();
                break;
            }
            if single && start % 2 == 1 && place > 0 && states[place - 1] == start - 1 {
                continue;
            }
            let taken = walker.walk(number, *start, bound, single);
            self.left = self.left.saturating_sub(walker.steps);
            steps += walker.steps;
            walker.steps = 0;
            if let Some((length, cycle)) = taken {
                (bound, best) = (length, Some(cycle));
                last_step = last_step.min(steps + IMPROVE);
            }
        }
        best.map(rotate)
    }
}

/// Transactions of a component, each with the edge to the next.
type Cycle = Vec<(usize, Why)>;

const NO_EDGE: Why = Why::new(Dependency::Via, 0);

/// Looks for shortest cycles, breadth first.
struct Walker<'a, 'c> {
    component: &'a Component<'c>,
    family: Family,
    /// Which component of walks each state is in.
    member: &'a [usize],
    /// In which round each state was seen last, and how far from the start it was.
    seen: Vec<(u32, u32)>,
    round: u32,
    from: Vec<(State, Why)>,
    steps: u64,
}

impl Walker<'_, '_> {
    /// The shortest cycle from this state back to it, if it is shorter than the bound. A node that is no transaction has no length.
    fn walk(&mut self, number: usize, start: State, bound: u32, single: bool) -> Option<(u32, Cycle)> {
        self.round += 1;
        let mut best = bound;
        let mut closing = None;
        let mut queue = VecDeque::from([(start, 0_u32)]);
        self.seen[start] = (self.round, 0);
        while let Some((state, length)) = queue.pop_front() {
            if length >= best || (self.seen[state] != (self.round, length)) {
                continue;
            }
            let node = state / 2;
            // What comes first is found first: of several reasons, that from data.
            for (to, why) in self.component.graph.leaving(node as u32) {
                self.steps += 1;
                let why = *why;
                // What follows from real time in a roundabout way is told only if nothing else will do.
                let roundabout = why.kind() == Dependency::TimedWrite;
                let beyond = length + u32::from(node < self.component.transactions) + u32::from(roundabout);
                let Some(next) = self.step(state, start, *to, why, single) else { continue };
                let closes = next == start || single && next / 2 == start / 2 && state != start;
                if closes {
                    if beyond < best {
                        best = beyond;
                        closing = Some((state, why));
                    }
                    continue;
                }
                let inside = self.member[next] == number || single && self.member[next ^ 1] == number;
                let (round, known) = self.seen[next];
                if inside && (round != self.round || beyond < known) {
                    self.seen[next] = (self.round, beyond);
                    self.from[next] = (state, why);
                    if beyond == length { queue.push_front((next, beyond)) } else { queue.push_back((next, beyond)) }
                }
            }
        }
        closing.map(|closing| (best, self.unwind(start, closing)))
    }

    /// One step. A walk with a single anti-dependency begins with it.
    fn step(&self, state: State, start: State, to: u32, why: Why, single: bool) -> Option<State> {
        if !single {
            return self.component.next(self.family, state, to, why);
        }
        let is_first = state == start;
        let kind = why.kind();
        let fits = kind == Dependency::Via || (kind == Dependency::ReadWrite) == is_first && self.family.kinds & kind.bit() != 0;
        (fits && !(is_first && kind == Dependency::Via)).then(|| to as State * 2)
    }

    fn unwind(&self, start: State, closing: (State, Why)) -> Cycle {
        let mut cycle = Vec::new();
        let (mut state, mut why) = closing;
        loop {
            if state / 2 < self.component.transactions {
                cycle.push((state / 2, why));
            }
            if state == start {
                cycle.reverse();
                return cycle;
            }
            (state, why) = self.from[state];
        }
    }
}

/// The same cycle, beginning with its first transaction.
fn rotate(mut cycle: Cycle) -> Cycle {
    let first = (0..cycle.len()).min_by_key(|place| cycle[*place].0).unwrap_or(0);
    cycle.rotate_left(first);
    cycle
}

/// What a cycle is called.
pub(super) fn name<N>(cycle: &[(N, Why)]) -> Anomaly {
    let kinds: Vec<Dependency> = cycle.iter().map(|(_, why)| why.kind()).collect();
    let has = |kind: Dependency| kinds.contains(&kind);
    let scope = if has(Dependency::RealTime) || has(Dependency::TimedWrite) || has(Dependency::TimedMiss) {
        Scope::RealTime
    } else if has(Dependency::Process) {
        Scope::Process
    } else {
        Scope::Data
    };
    let misses: Vec<usize> = (0..kinds.len()).filter(|place| kinds[*place].is_miss()).collect();
    let adjacent = misses.iter().any(|place| kinds[(place + 1) % kinds.len()].is_miss());
    let apart = misses.len() == 2 && cycle[misses[0]].1.key() != cycle[misses[1]].1.key();
    let phenomenon = match misses.len() {
        0 if has(Dependency::WriteRead) => Phenomenon::CircularFlow,
        0 => Phenomenon::WriteCycle,
        1 => Phenomenon::ReadSkew,
        2 if adjacent && apart && kinds.len() == 2 => Phenomenon::WriteSkew,
        _ if adjacent => Phenomenon::AntiDependency,
        2 if apart && kinds.len() == 4 && kinds.iter().filter(|kind| **kind == Dependency::WriteRead).count() == 2 => Phenomenon::LongFork,
        _ => Phenomenon::Nonadjacent,
    };
    Anomaly { phenomenon, scope }
}
