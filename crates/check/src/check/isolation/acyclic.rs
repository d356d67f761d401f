//! A graph without cycles, kept in a topological order while edges come and go: D. Pearce and P. Kelly, *A dynamic topological sort
//! algorithm for directed acyclic graphs* (2007).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::Why;
use crate::base::sort_by_numbers;

/// No edge.
const NO_LINK: u32 = u32::MAX;

/// Nothing that has to be assumed.
pub(super) const UNASSUMED: u32 = u32::MAX;

/// An edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Why it is there; `None` for one that comes from no dependency.
    pub(super) why: Option<Why>,
    /// What has to be assumed for it, if anything; else [`UNASSUMED`].
    pub(super) assumed: [u32; 2],
    /// Whether the order need not keep to it any more.
    pub(super) dropped: bool,
}

impl Link {
    /// Whether it is an anti-dependency.
    pub(super) fn is_miss(&self) -> bool {
        self.why.is_some_and(|why| why.kind().is_miss())
    }
}

/// Edges in the order in which they were put in, and nodes in an order that each of them keeps to.
#[derive(Debug)]
pub(super) struct Acyclic {
    links: Vec<Link>,
    /// For each link the one before it that leaves the same node, and that enters the same.
    chained: Vec<(u32, u32)>,
    /// For each node the last link that leaves it, and that enters it.
    ends: Vec<(u32, u32)>,
    /// Where each node stands.
    places: Vec<u32>,
    /// Which node stands there.
    row: Vec<u32>,
    /// In which round a node was visited last, and by which link.
    visits: Vec<(u32, u32)>,
    round: u32,
    /// How many links and nodes were looked at.
    pub(super) steps: u64,
}

impl Acyclic {
    /// A graph of these links; of the nodes that may come next, the one of the lowest rank does. None if there is a cycle.
    pub(super) fn new(links: Vec<Link>, ranks: &[u64]) -> Option<Self> {
        let (row, is_right) = arrange(&links, ranks);
        let nodes = ranks.len();
        let mut graph = Self {
            chained: Vec::with_capacity(links.len()),
            links: Vec::with_capacity(links.len()),
            ends: vec![(NO_LINK, NO_LINK); nodes],
            places: vec![0; nodes],
            row,
            visits: vec![(0, NO_LINK); nodes],
            round: 0,
            steps: 0,
        };
        for (place, node) in (0..).zip(&graph.row) {
            graph.places[*node as usize] = place;
        }
        links.into_iter().for_each(|link| graph.push(link));
        is_right.then_some(graph)
    }

    /// The order need not keep to this link any more.
    pub(super) fn drop(&mut self, link: u32) {
        self.links[link as usize].dropped = true;
    }

    pub(super) fn link(&self, link: u32) -> Link {
        self.links[link as usize]
    }

    pub(super) fn place(&self, node: u32) -> u32 {
        self.places[node as usize]
    }

    /// The node at this place, if there are so many.
    pub(super) fn at(&self, place: u32) -> Option<u32> {
        self.row.get(place as usize).copied()
    }

    /// How many links there are: what to go [back](Self::go_back) to.
    pub(super) const fn len(&self) -> usize {
        self.links.len()
    }

    /// How many bytes it takes.
    pub(super) const fn bytes(&self) -> usize {
        let link = size_of::<Link>() + size_of::<(u32, u32)>();
        let node = 2 * size_of::<(u32, u32)>() + 2 * size_of::<u32>();
        self.links.len() * link + self.places.len() * node
    }

    /// Takes out the links that came last.
    pub(super) fn go_back(&mut self, length: usize) {
        while self.links.len() > length
            && let (Some(link), Some((leaving, entering))) = (self.links.pop(), self.chained.pop())
        {
            self.ends[link.from as usize].0 = leaving;
            self.ends[link.to as usize].1 = entering;
        }
    }

    fn push(&mut self, link: Link) {
        let number = self.links.len() as u32;
        let leaving = std::mem::replace(&mut self.ends[link.from as usize].0, number);
        let entering = std::mem::replace(&mut self.ends[link.to as usize].1, number);
        self.chained.push((leaving, entering));
        self.links.push(link);
    }

    /// Puts a link in, and says which nodes had to move, each with the place that it had.
    ///
    /// # Errors
    /// If it closes a cycle: the other links of that, from its end to its beginning. Then it is not put in.
    pub(super) fn insert(&mut self, link: Link) -> Result<Vec<(u32, u32)>, Vec<u32>> {
        let Link { from, to, .. } = link;
        let (lowest, highest) = (self.place(to), self.place(from));
        let mut moved = Vec::new();
        if lowest <= highest {
            let Some(mut later) = self.avoiding(to, from, false) else { return Err(self.way(to, from)) };
            let mut earlier = self.entering(from, lowest);
            for nodes in [&mut later, &mut earlier] {
                nodes.sort_unstable_by_key(|node| self.places[*node as usize]);
            }
            earlier.extend(later);
            let mut free: Vec<u32> = earlier.iter().map(|node| self.places[*node as usize]).collect();
            free.sort_unstable();
            self.steps += earlier.len() as u64;
            for (node, place) in earlier.into_iter().zip(free) {
                let had = std::mem::replace(&mut self.places[node as usize], place);
                self.row[place as usize] = node;
                if had != place {
                    moved.push((node, had));
                }
            }
        }
        self.push(link);
        Ok(moved)
    }

    /// The links of a shortest way from one node to another without anti-dependencies.
    pub(super) fn path(&mut self, from: u32, to: u32) -> Option<Vec<u32>> {
        let found = self.place(from) <= self.place(to) && self.avoiding(from, to, true).is_none();
        found.then(|| self.way(from, to))
    }

    /// All that can be reached from a node and does not stand behind the goal, perhaps without anti-dependencies; none if the goal can be
    /// reached itself.
    fn avoiding(&mut self, from: u32, goal: u32, seen_only: bool) -> Option<Vec<u32>> {
        if from == goal {
            return None;
        }
        let highest = self.place(goal);
        self.round += 1;
        self.visits[from as usize] = (self.round, NO_LINK);
        let mut found = vec![from];
        let mut next = 0;
        while let Some(node) = found.get(next).copied() {
            next += 1;
            let mut link = self.ends[node as usize].0;
            while link != NO_LINK {
                self.steps += 1;
                let taken = self.links[link as usize];
                let to = taken.to;
                let is_open = !(taken.dropped || seen_only && taken.is_miss());
                let visit = &mut self.visits[to as usize];
                if is_open && visit.0 != self.round && self.places[to as usize] <= highest {
                    *visit = (self.round, link);
                    if to == goal {
                        return None;
                    }
                    found.push(to);
                }
                link = self.chained[link as usize].0;
            }
        }
        Some(found)
    }

    /// The way by which the goal was [reached](Self::avoiding) just now.
    fn way(&self, from: u32, goal: u32) -> Vec<u32> {
        let mut way = Vec::new();
        let mut node = goal;
        while node != from {
            let link = self.visits[node as usize].1;
            way.push(link);
            node = self.links[link as usize].from;
        }
        way.reverse();
        way
    }

    /// All from which this node can be reached and that do not stand before that place.
    fn entering(&mut self, to: u32, lowest: u32) -> Vec<u32> {
        self.round += 1;
        self.visits[to as usize] = (self.round, NO_LINK);
        let mut found = vec![to];
        let mut next = 0;
        while let Some(node) = found.get(next).copied() {
            next += 1;
            let mut link = self.ends[node as usize].1;
            while link != NO_LINK {
                self.steps += 1;
                let Link { from, dropped, .. } = self.links[link as usize];
                let visit = &mut self.visits[from as usize];
                if !dropped && visit.0 != self.round && self.places[from as usize] >= lowest {
                    visit.0 = self.round;
                    found.push(from);
                }
                link = self.chained[link as usize].1;
            }
        }
        found
    }
}

/// Nodes in an order that keeps to these links; of those that may come next, the one of the lowest rank does. Where there is a cycle, the
/// one of the lowest rank does all the same, and the order is not right.
pub(super) fn arrange(links: &[Link], ranks: &[u64]) -> (Vec<u32>, bool) {
    let nodes = ranks.len();
    let mut before = vec![0_u32; nodes];
    let mut starts = vec![0_u32; nodes + 1];
    for link in links {
        before[link.to as usize] += 1;
        starts[link.from as usize + 1] += 1;
    }
    for node in 0..nodes {
        starts[node + 1] += starts[node];
    }
    let mut leaving = vec![0_u32; links.len()];
    let mut next = starts.clone();
    for link in links {
        let place = &mut next[link.from as usize];
        leaving[*place as usize] = link.to;
        *place += 1;
    }
    let ranked = |node: u32| Reverse((ranks[node as usize], node));
    let mut free: BinaryHeap<Reverse<(u64, u32)>> = (0..nodes as u32).filter(|node| before[*node as usize] == 0).map(ranked).collect();
    let mut stuck: Vec<u32> = Vec::new();
    let mut row = Vec::with_capacity(nodes);
    let mut is_in = vec![false; nodes];
    let mut is_right = true;
    while row.len() < nodes {
        let node = match free.pop() {
            Some(Reverse((_, node))) => node,
            None => {
                if std::mem::replace(&mut is_right, false) {
                    stuck = (0..nodes as u32).filter(|node| !is_in[*node as usize]).collect();
                    sort_by_numbers(&mut stuck, |node| (u64::MAX - ranks[*node as usize], u64::MAX - u64::from(*node)));
                }
                let Some(node) = stuck.pop() else { break };
                node
            }
        };
        if std::mem::replace(&mut is_in[node as usize], true) {
            continue;
        }
        row.push(node);
        for to in &leaving[starts[node as usize] as usize..starts[node as usize + 1] as usize] {
            before[*to as usize] -= 1;
            if before[*to as usize] == 0 && !is_in[*to as usize] {
                free.push(ranked(*to));
            }
        }
    }
    (row, is_right)
}
