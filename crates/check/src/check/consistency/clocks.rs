//! Vector clocks over sessions, and the order of writes that observations imply.

use std::collections::VecDeque;

/// For each session, how many of its accesses are known: a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VectorClock(Vec<u32>);

impl VectorClock {
    pub(super) fn zero(sessions: usize) -> Self {
        Self(vec![0; sessions])
    }

    /// Knows at least so many accesses of this session.
    pub(super) fn raise(&mut self, session: usize, known: u32) {
        self.0[session] = self.0[session].max(known);
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// The sessions of which anything is known, with how much.
    pub(super) fn known(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.0.iter().copied().enumerate().filter(|(_, known)| *known > 0)
    }
}

/// One write comes before another, for this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) to: u32,
    /// The operation that shows it.
    pub(super) reason: usize,
}

/// Which writes come before which.
#[derive(Debug)]
pub(super) struct Precedence {
    edges: Vec<Vec<Edge>>,
}

impl Precedence {
    pub(super) fn new(writes: usize) -> Self {
        Self { edges: vec![Vec::new(); writes] }
    }

    pub(super) fn add(&mut self, from: u32, to: u32, reason: usize) {
        let edges = &mut self.edges[from as usize];
        // Often the same is shown again at once.
        if from != to && edges.last().is_none_or(|last| last.to != to) {
            edges.push(Edge { to, reason });
        }
    }

    /// A short cycle, if there is any: each write with the edge to the next.
    pub(super) fn cycle(&self) -> Option<Vec<(u32, Edge)>> {
        self.in_a_cycle().and_then(|start| self.shortest_cycle(start))
    }

    /// What is left when whatever has nothing before it is taken away, again and again, leads into a cycle; walking backwards from it,
    /// sooner or later a write comes round again.
    fn in_a_cycle(&self) -> Option<u32> {
        let mut before = vec![0_u32; self.edges.len()];
        self.edges.iter().flatten().for_each(|edge| before[edge.to as usize] += 1);
        let mut free: Vec<u32> = (0..self.edges.len() as u32).filter(|write| before[*write as usize] == 0).collect();
        while let Some(write) = free.pop() {
            for edge in &self.edges[write as usize] {
                before[edge.to as usize] -= 1;
                if before[edge.to as usize] == 0 {
                    free.push(edge.to);
                }
            }
        }
        let mut behind: Vec<Option<u32>> = vec![None; self.edges.len()];
        for (write, edges) in self.edges.iter().enumerate().filter(|(write, _)| before[*write] > 0) {
            edges.iter().for_each(|edge| behind[edge.to as usize] = Some(write as u32));
        }
        let mut at = (0..self.edges.len() as u32).find(|write| before[*write as usize] > 0)?;
        let mut seen = vec![false; self.edges.len()];
        while !std::mem::replace(&mut seen[at as usize], true) {
            at = behind[at as usize]?;
        }
        Some(at)
    }

    fn shortest_cycle(&self, start: u32) -> Option<Vec<(u32, Edge)>> {
        let mut came: Vec<Option<(u32, Edge)>> = vec![None; self.edges.len()];
        let mut todo = VecDeque::from([start]);
        while let Some(write) = todo.pop_front() {
            for edge in &self.edges[write as usize] {
                if came[edge.to as usize].is_none() {
                    came[edge.to as usize] = Some((write, *edge));
                    todo.push_back(edge.to);
                }
                if edge.to == start {
                    let mut cycle = vec![came[start as usize]?];
                    while cycle.last().is_some_and(|(from, _)| *from != start) {
                        cycle.push(came[cycle.last()?.0 as usize]?);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
            }
        }
        None
    }
}
