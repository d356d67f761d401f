//! What in truth happened to nodes and links: read from the records, exactly.

use crate::base::{Duration, NodeId, Time};
use crate::check::Sighting;
use crate::fault::{Parting, Strike};
use crate::trace::{Event, Vocabulary};

/// The state of all nodes and links, up to the last record.
#[derive(Debug)]
pub(super) struct Truth {
    pub(super) nodes: Vec<Node>,
    cuts: Vec<Episode<Parting>>,
    slow: Vec<Episode<Vec<NodeId>>>,
    strikes: u32,
    /// When the faults ended.
    pub(super) settled: Option<Time>,
    pub(super) now: Time,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) up: bool,
    /// Whether nothing starts it again.
    pub(super) destroyed: bool,
    /// Since when it is up, or down.
    pub(super) since: Sighting,
    /// Since when it is up and has not stood still.
    pub(super) clear_since: Time,
    /// Whether it stands still; if not, when it last did.
    pub(super) paused: bool,
    paused_until: Option<Time>,
    /// Since when its disk completes no sync, and by which strike.
    pub(super) stalled: Option<(u32, Sighting)>,
}

#[derive(Debug)]
struct Episode<T> {
    strike: u32,
    what: T,
    ended: Option<Time>,
}

/// What a record changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// A node went down.
    Down(NodeId),
    /// A node that had been down since then came up.
    Up(NodeId, Sighting),
    /// A link was cut, or is no longer.
    Links,
    /// A disk began to stall.
    Stalled(NodeId),
    /// A disk works again, which stalled since then.
    Freed(NodeId, Sighting),
    /// The faults are over.
    Settled,
}

/// What is to blame for a suspicion of a living node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    Partition,
    Pause,
    Slow,
    Gray,
    /// A lost or late message, or nothing.
    Loss,
}

/// A fault is to blame for a suspicion that comes so soon after its end.
const AFTERMATH: Duration = Duration::from_secs(2);

impl Truth {
    pub(super) fn new(nodes: u32) -> Self {
        let node = Node {
            up: true,
            destroyed: false,
            since: Sighting::default(),
            clear_since: Time::ZERO,
            paused: false,
            paused_until: None,
            stalled: None,
        };
        Self { nodes: vec![node; nodes as usize], cuts: vec![], slow: vec![], strikes: 0, settled: None, now: Time::ZERO }
    }

    /// Takes in a record; what it changed may be several things, one after another.
    pub(super) fn observe<V: Vocabulary>(&mut self, now: Sighting, event: &Event<'_, V>, mut changed: impl FnMut(&mut Self, Change)) {
        let at = now.at;
        match event {
            Event::Boot { node, incarnation, .. } if incarnation.0 > 1 => {
                if let Some(state) = self.node_mut(*node) {
                    let crashed = state.since;
                    (state.up, state.since, state.clear_since, state.paused) = (true, now, at, false);
                    changed(self, Change::Up(*node, crashed));
                }
            }
            Event::Crash { node, .. } => {
                if let Some(state) = self.node_mut(*node) {
                    (state.up, state.since, state.paused) = (false, now, false);
                    changed(self, Change::Down(*node));
                }
            }
            Event::Pause { node } => {
                if let Some(state) = self.node_mut(*node) {
                    state.paused = true;
                }
            }
            Event::Resume { node } => {
                if let Some(state) = self.node_mut(*node) {
                    (state.paused, state.paused_until, state.clear_since) = (false, Some(at), at);
                }
            }
            Event::Strike { strike } => {
                let change = self.struck(now, strike);
                self.strikes += 1;
                changed(self, change);
            }
            Event::Lift { strike } => self.lifted(at, *strike, changed),
            Event::Settle => {
                self.settled = Some(at);
                self.heal(at);
                for index in 0..self.nodes.len() {
                    if let Some((_, since)) = self.nodes[index].stalled.take() {
                        changed(self, Change::Freed(NodeId::server(index as u32), since));
                    }
                }
                changed(self, Change::Links);
                changed(self, Change::Settled);
            }
            _ => {}
        }
    }

    fn struck(&mut self, now: Sighting, what: &Strike) -> Change {
        let at = now.at;
        let strike = self.strikes;
        self.cuts.retain(|episode| episode.ended.is_none_or(|ended| at.since(ended) <= AFTERMATH));
        self.slow.retain(|episode| episode.ended.is_none_or(|ended| at.since(ended) <= AFTERMATH));
        match what {
            Strike::Partition { cut, .. } => {
                self.cuts.push(Episode { strike, what: cut.clone(), ended: None });
                Change::Links
            }
            Strike::Delay { node: Some(nodes), .. } => {
                self.slow.push(Episode { strike, what: nodes.clone(), ended: None });
                Change::Nothing
            }
            Strike::Heal => {
                self.heal(at);
                Change::Links
            }
            Strike::StallDisk { node, .. } => match self.node_mut(*node) {
                Some(state) if state.stalled.is_none() => {
                    state.stalled = Some((strike, now));
                    Change::Stalled(*node)
                }
                // While a disk stalls, another stall changes nothing.
                _ => Change::Nothing,
            },
            Strike::Destroy { node } => {
                if let Some(state) = self.node_mut(*node) {
                    state.destroyed = true;
                }
                Change::Nothing
            }
            _ => Change::Nothing,
        }
    }

    fn lifted(&mut self, at: Time, strike: u32, mut changed: impl FnMut(&mut Self, Change)) {
        let mut links = false;
        for episode in self.cuts.iter_mut().filter(|episode| episode.strike == strike) {
            episode.ended = Some(at);
            links = true;
        }
        self.slow.iter_mut().filter(|episode| episode.strike == strike).for_each(|episode| episode.ended = Some(at));
        if links {
            changed(self, Change::Links);
        }
        for index in 0..self.nodes.len() {
            if let Some((_, since)) = self.nodes[index].stalled.filter(|(by, _)| *by == strike) {
                self.nodes[index].stalled = None;
                changed(self, Change::Freed(NodeId::server(index as u32), since));
            }
        }
    }

    fn heal(&mut self, at: Time) {
        self.cuts.iter_mut().for_each(|episode| episode.ended = episode.ended.or(Some(at)));
        self.slow.iter_mut().for_each(|episode| episode.ended = episode.ended.or(Some(at)));
    }

    fn node_mut(&mut self, node: NodeId) -> Option<&mut Node> {
        if node.is_client() { None } else { self.nodes.get_mut(node.index()) }
    }

    pub(super) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    /// Whether any link is cut.
    pub(super) fn is_cut(&self) -> bool {
        self.cuts.iter().any(|episode| episode.ended.is_none())
    }

    /// Whether messages pass both ways between two nodes, as far as partitions go.
    pub(super) fn linked(&self, one: NodeId, other: NodeId) -> bool {
        !self.cuts.iter().any(|episode| episode.ended.is_none() && parts(&episode.what, one, other))
    }

    /// What is to blame for one's suspicion, now, of another who lives.
    pub(super) fn cause(&self, at: Time, one: NodeId, other: NodeId) -> Blame {
        let recent = |ended: Option<Time>| ended.is_none_or(|ended| at.since(ended) <= AFTERMATH);
        let still = |node: NodeId| {
            let state = self.node(node);
            state.paused || state.paused_until.is_some_and(|until| at.since(until) <= AFTERMATH)
        };
        let slow = |episode: &Episode<Vec<NodeId>>| recent(episode.ended) && (episode.what.contains(&one) || episode.what.contains(&other));
        if self.cuts.iter().any(|episode| recent(episode.ended) && parts(&episode.what, one, other)) {
            Blame::Partition
        } else if still(one) || still(other) {
            Blame::Pause
        } else if self.slow.iter().any(slow) {
            Blame::Slow
        } else if self.node(other).stalled.is_some() {
            Blame::Gray
        } else {
            Blame::Loss
        }
    }
}

/// Whether a cut parts two nodes, in one direction at least.
fn parts(cut: &Parting, one: NodeId, other: NodeId) -> bool {
    match cut {
        Parting::Groups(groups) => {
            let group = |node| groups.iter().position(|group| group.contains(&node));
            matches!((group(one), group(other)), (Some(first), Some(second)) if first != second)
        }
        Parting::OneWay { from, to } => from.contains(&one) && to.contains(&other) || from.contains(&other) && to.contains(&one),
    }
}
