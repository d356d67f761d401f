//! The graph of what depends on what, packed; and its strongly connected components.

use rustc_hash::FxHashMap;

use super::transactions::Transactions;
use crate::base::ClientId;
use crate::check::verdict::Fate;

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) enum Dependency {
    /// It wrote a version, and the other the next one.
    WriteWrite,
    /// It wrote what the other read.
    WriteRead,
    /// It read a version, and the other wrote the next one.
    ReadWrite,
    /// One client did the one and then the other.
    Process,
    /// It ended before the other began.
    RealTime,
    /// The rest of a dependency that leads through a node of its own.
    Via,
    /// It wrote a version, and the other a later one, as real time shows.
    TimedWrite,
    /// It read a version, and the other wrote a later one, as real time shows.
    TimedMiss,
}

impl Dependency {
    const ALL: [Self; 8] =
        [Self::WriteWrite, Self::WriteRead, Self::ReadWrite, Self::Process, Self::RealTime, Self::Via, Self::TimedWrite, Self::TimedMiss];

    /// Whether it is an anti-dependency: one that misses what the other wrote.
    pub(super) const fn is_miss(self) -> bool {
        matches!(self, Self::ReadWrite | Self::TimedMiss)
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A kind, and the key that it is about, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) struct Why(u32);

impl Why {
    /// Keys have 29 bits: more are not told apart from each other in explanations, but judged all the same.
    pub(in crate::check) const fn new(kind: Dependency, key: u32) -> Self {
        Self(key << 3 | kind as u32)
    }

    pub(in crate::check) const fn kind(self) -> Dependency {
        Dependency::ALL[(self.0 & 7) as usize]
    }

    pub(in crate::check) const fn key(self) -> u32 {
        self.0 >> 3
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::check) struct Edge {
    pub(in crate::check) from: u32,
    pub(in crate::check) to: u32,
    pub(in crate::check) why: Why,
}

/// Edges by the node that they leave.
#[derive(Debug)]
pub(in crate::check) struct Graph {
    starts: Vec<u32>,
    ends: Vec<(u32, Why)>,
}

impl Graph {
    pub(in crate::check) fn new(nodes: u32, edges: &[&[Edge]]) -> Self {
        let edges = || edges.iter().copied().flatten();
        let mut starts = vec![0; nodes as usize + 1];
        for edge in edges() {
            starts[edge.from as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            starts[node + 1] += starts[node];
        }
        let mut ends = vec![(0, Why(0)); starts[nodes as usize] as usize];
        let mut next = starts.clone();
        for edge in edges() {
            let place = &mut next[edge.from as usize];
            ends[*place as usize] = (edge.to, edge.why);
            *place += 1;
        }
        Self { starts, ends }
    }

    pub(super) const fn nodes(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    pub(in crate::check) fn leaving(&self, node: u32) -> &[(u32, Why)] {
        &self.ends[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// The components in which there is a cycle, each in order (R. Tarjan, 1972; without recursion, which no stack would hold).
    pub(in crate::check) fn cycles(&self) -> Vec<Vec<u32>> {
        const UNSEEN: u32 = 0;
        const CLOSED: u32 = u32::MAX;
        let nodes = self.starts.len() as u32 - 1;
        // The lowest place that a node reaches on the stack; places are counted from one.
        let mut low = vec![UNSEEN; nodes as usize];
        let mut stack: Vec<u32> = Vec::new();
        // Node, next edge, place on the stack.
        let mut calls: Vec<(u32, u32, u32)> = Vec::new();
        let mut count = 0;
        let mut found = Vec::new();
        for root in 0..nodes {
            if low[root as usize] != UNSEEN {
                continue;
            }
            count += 1;
            low[root as usize] = count;
            stack.push(root);
            calls.push((root, self.starts[root as usize], count));
            while let Some((node, edge, place)) = calls.last_mut() {
                if *edge < self.starts[*node as usize + 1] {
                    let to = self.ends[*edge as usize].0;
                    *edge += 1;
                    match low[to as usize] {
                        UNSEEN => {
                            count += 1;
                            low[to as usize] = count;
                            stack.push(to);
                            calls.push((to, self.starts[to as usize], count));
                        }
                        CLOSED => {}
                        reached => low[*node as usize] = low[*node as usize].min(reached),
                    }
                    continue;
                }
                let (node, place) = (*node, *place);
                calls.pop();
                let reached = low[node as usize];
                if let Some((parent, ..)) = calls.last() {
                    let parent = &mut low[*parent as usize];
                    *parent = (*parent).min(reached);
                }
                if reached == place {
                    let start = stack.iter().rposition(|on| *on == node).unwrap_or(0);
                    for closed in &stack[start..] {
                        low[*closed as usize] = CLOSED;
                    }
                    if stack.len() - start > 1 {
                        let mut component = stack[start..].to_vec();
                        component.sort_unstable();
                        found.push(component);
                    }
                    stack.truncate(start);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

/// The order of each client's transactions. One that may not have committed yet comes before nothing.
pub(super) fn process_order(transactions: &Transactions, committed: &[bool], edges: &mut Vec<Edge>) {
    let mut last: FxHashMap<ClientId, u32> = FxHashMap::default();
    for (place, entry) in transactions.entries.iter().enumerate().filter(|(place, _)| committed[*place]) {
        let place = place as u32;
        if let Some(before) = last.get(&entry.client) {
            edges.push(Edge { from: *before, to: place, why: Why::new(Dependency::Process, 0) });
        }
        if entry.fate == Fate::Committed {
            last.insert(entry.client, place);
        }
    }
}

/// Real time: a chain of nodes, numbered from `nodes` on, that lead from every end to every later beginning, with at most four edges a
/// transaction. Returns the number of nodes then.
pub(super) fn real_time_order(transactions: &Transactions, committed: &[bool], mut nodes: u32, edges: &mut Vec<Edge>) -> u32 {
    let entries = &transactions.entries;
    let mut begun: Vec<u32> = (0..entries.len() as u32).filter(|place| committed[*place as usize]).collect();
    let mut ended: Vec<u32> = begun.iter().copied().filter(|place| entries[*place as usize].fate == Fate::Committed).collect();
    // Both are all but sorted, which a stable sort makes use of.
    begun.sort_by_key(|place| entries[*place as usize].began);
    ended.sort_by_key(|place| entries[*place as usize].ended);
    let mut ended = ended.into_iter().peekable();
    let real_time = |from, to| Edge { from, to, why: Why::new(Dependency::RealTime, 0) };
    let via = |from, to| Edge { from, to, why: Why::new(Dependency::Via, 0) };
    let mut past = None;
    for next in begun {
        let began = entries[next as usize].began;
        let mut fresh = false;
        while let Some(before) = ended.next_if(|before| entries[*before as usize].ended < began) {
            fresh = true;
            edges.push(real_time(before, nodes));
        }
        if fresh {
            edges.extend(past.map(|past| via(past, nodes)));
            past = Some(nodes);
            nodes += 1;
        }
        edges.extend(past.map(|past| via(past, next)));
    }
    nodes
}
