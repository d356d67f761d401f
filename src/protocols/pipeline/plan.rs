//! What runs where, and how: the graph with its subtasks on nodes.

use super::graph::{Edge, Graph, Shuffle};
use crate::base::{Duration, NodeId};

/// A graph, and how it is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What feeds what.
    pub graph: Graph,
    /// How channels and checkpoints go.
    pub flow: Flow,
}

/// How channels and checkpoints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// How many events a channel holds at its receiver.
    pub buffer: u32,
    /// Whether a sender waits for credits.
    pub credits: bool,
    /// What a barrier does.
    pub barriers: Barriers,
    /// How long after one checkpoint the next is begun.
    pub checkpoint: Duration,
    /// After how long it is given up.
    pub abandon: Duration,
    /// Which stages go back when a subtask is lost.
    pub restart: Restart,
    /// To where.
    pub recovery: Recovery,
    /// How long an answer is waited for, until what was said is said again.
    pub answer: Duration,
    /// How long a source waits for more events until it reads, once it has read.
    pub linger: Duration,
}

/// What the barrier of a checkpoint does at a stage with several inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barriers {
    /// The input through which it came waits until it has come through all.
    Aligned,
    /// They are only counted.
    Tracked,
}

/// Which stages go back when a subtask is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// All.
    Whole,
    /// Its own, and those behind it.
    Region,
}

/// To where stages go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// To the last checkpoint.
    Replay,
    /// Nowhere: sources go on behind what they have read, and what was held is lost.
    Skip,
}

/// The node of the coordinator.
pub(super) const COORDINATOR: NodeId = NodeId::server(0);

impl Plan {
    /// How many nodes it takes, with that of the coordinator.
    pub fn nodes(&self) -> u32 {
        1 + self.graph.stages().iter().map(|stage| stage.parallelism).sum::<u32>()
    }

    /// All subtasks, in the order of their nodes: of each its stage, and its number there.
    pub fn subtasks(&self) -> impl Iterator<Item = (usize, u32)> {
        self.graph.stages().iter().enumerate().flat_map(|(stage, of)| (0..of.parallelism).map(move |number| (stage, number)))
    }

    /// The node of a subtask. Those of a stage follow one another.
    pub fn node(&self, stage: usize, number: u32) -> NodeId {
        let before: u32 = self.graph.stages()[..stage].iter().map(|stage| stage.parallelism).sum();
        NodeId::server(1 + before + number)
    }

    /// The stage on a node; nothing if it is that of the coordinator, or no one's.
    pub fn stage_on(&self, node: NodeId) -> Option<usize> {
        self.subtasks().zip(1..).find(|(_, index)| NodeId::server(*index) == node).map(|((stage, _), _)| stage)
    }

    /// What a subtask is fed through: of each channel the edge, the input, and the sender.
    pub(super) fn feeds(&self, stage: usize, number: u32) -> Vec<(u16, usize, NodeId)> {
        let edges = self.graph.edges().iter().zip(0..).filter(|(edge, _)| edge.to == stage);
        edges.flat_map(|(edge, name)| self.senders(edge, number).map(move |from| (name, edge.port, from))).collect()
    }

    /// What a subtask feeds: of each edge its name, how events go, and the receivers.
    pub(super) fn fed(&self, stage: usize, number: u32) -> Vec<(u16, Shuffle, Vec<NodeId>)> {
        let edges = self.graph.edges().iter().zip(0..).filter(|(edge, _)| edge.from == stage);
        edges.map(|(edge, name)| (name, edge.shuffle, self.receivers(edge, number))).collect()
    }

    fn senders(&self, edge: &Edge, number: u32) -> impl Iterator<Item = NodeId> {
        let (from, is_forward) = (edge.from, edge.shuffle == Shuffle::Forward);
        let all = 0..self.graph.stages()[from].parallelism;
        all.filter(move |sender| !is_forward || *sender == number).map(move |sender| self.node(from, sender))
    }

    fn receivers(&self, edge: &Edge, number: u32) -> Vec<NodeId> {
        let all = 0..self.graph.stages()[edge.to].parallelism;
        all.filter(|receiver| edge.shuffle != Shuffle::Forward || *receiver == number)
            .map(|receiver| self.node(edge.to, receiver))
            .collect()
    }
}
