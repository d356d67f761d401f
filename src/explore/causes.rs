//! What came of what in a run: a graph over its records.
//!
//! An edge leads from a record to a later one that would not be as it is without it. Along edges one comes from a record to all that can
//! have had a part in it, its causal past in the sense of Lamport's happened-before, and to no more. Most of that is mere order: each
//! record of a node follows the one before it ([`Link::Next`]). The other links tell what a record came of in the narrow sense.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeFiltered, EdgeRef as _, IntoNeighbors, Reversed, Visitable};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::base::{MessageId, NodeId};
use crate::trace::{OwnedRecord, Recording};

/// Why one record comes of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// A message was sent, and arrived.
    Sent,
    /// A timer was set in this step of its node, and fired.
    Set,
    /// A node did it in the step that began with this: with a message, a timer, its start, or a completed sync.
    Step,
    /// What was written is durable, or is asked for by a sync.
    Written,
    /// What waited for the disk was released by the sync.
    Released,
    /// What was written was not durable when the node crashed.
    Unsynced,
    /// A fault did it, or made a difference to it.
    Struck,
    /// A client invoked an operation: it asks for it in the same step, and it completes.
    Invoked,
    /// It is the next record of the same node.
    Next,
}

impl Link {
    /// Whether it tells more than an order in time.
    pub fn is_narrow(self) -> bool {
        self != Self::Next
    }
}

/// The graph over the records of one run. Records are named by their numbers.
pub struct Causes {
    graph: DiGraph<(), Link>,
}

impl Causes {
    /// What came of what in this run.
    pub fn of(recording: &Recording) -> Self {
        let mut building = Building::default();
        for record in recording.records() {
            building.graph.add_node(());
            building.add(record);
        }
        Self { graph: building.graph }
    }

    /// What this record came of directly, in order, each with why. Of links that join the same records the one that tells more comes first.
    pub fn causes(&self, number: u64) -> Vec<(u64, Link)> {
        self.neighbours(number, Direction::Incoming)
    }

    /// What came of this record directly, in order, each with why.
    pub fn effects(&self, number: u64) -> Vec<(u64, Link)> {
        self.neighbours(number, Direction::Outgoing)
    }

    fn neighbours(&self, number: u64, direction: Direction) -> Vec<(u64, Link)> {
        let edges = self.graph.edges_directed(NodeIndex::new(number as usize), direction);
        let other = |edge: petgraph::graph::EdgeReference<'_, Link>| match direction {
            Direction::Incoming => (edge.source().index() as u64, *edge.weight()),
            Direction::Outgoing => (edge.target().index() as u64, *edge.weight()),
        };
        let mut found: Vec<(u64, Link)> = edges.map(other).collect();
        found.sort_unstable();
        found
    }

    /// The causal past of these records, in order: themselves, and all from which edges lead to them, along links of this sort.
    pub fn past(&self, of: &[u64], along: impl Fn(Link) -> bool) -> Vec<u64> {
        let followed = EdgeFiltered::from_fn(&self.graph, |edge| along(*edge.weight()));
        self.reached(Reversed(&followed), of)
    }

    /// What came of these records, in order: themselves, and all to which edges lead from them, along links of this sort.
    pub fn future(&self, of: &[u64], along: impl Fn(Link) -> bool) -> Vec<u64> {
        let followed = EdgeFiltered::from_fn(&self.graph, |edge| along(*edge.weight()));
        self.reached(&followed, of)
    }

    fn reached<G>(&self, graph: G, from: &[u64]) -> Vec<u64>
    where
        G: IntoNeighbors<NodeId = NodeIndex> + Visitable<NodeId = NodeIndex>,
    {
        let mut walk = Dfs::empty(graph);
        let (mut is_reached, starts) = (vec![false; self.graph.node_count()], from.iter().map(|number| NodeIndex::new(*number as usize)));
        for start in starts.filter(|start| start.index() < self.graph.node_count()) {
            walk.move_to(start);
            while let Some(node) = walk.next(graph) {
                is_reached[node.index()] = true;
            }
        }
        (0..).zip(is_reached).filter(|(_, is_reached)| *is_reached).map(|(number, _)| number).collect()
    }
}

/// The graph, and what is known of the run so far.
#[derive(Default)]
struct Building {
    graph: DiGraph<(), Link>,
    /// The record of each message that was sent.
    sent: FxHashMap<MessageId, u64>,
    /// The records of faults that struck, in order.
    strikes: Vec<u64>,
    nodes: FxHashMap<NodeId, Known>,
}

/// What is known of a node so far.
#[derive(Default)]
struct Known {
    /// Its last record.
    last: Option<u64>,
    /// The completed sync in which its step is, if it is in one.
    synced: Option<u64>,
    /// Writes that are not durable, each with its number among the writes, and its record.
    written: Vec<(u64, u64)>,
    /// What its client invoked last: the record, and the step it was in.
    invoked: Option<(u64, Option<u64>)>,
    /// What each of its sessions has under way.
    open: FxHashMap<String, u64>,
}

impl Building {
    fn link(&mut self, from: u64, to: u64, link: Link) {
        self.graph.add_edge(NodeIndex::new(from as usize), NodeIndex::new(to as usize), link);
    }

    fn add(&mut self, record: &OwnedRecord) {
        let number = record.number;
        if record.sort == "fault" {
            self.strikes.push(number);
        }
        self.add_crossing(record);
        if let Some(cause) = record.cause.filter(|cause| *cause < number) {
            let is_struck = self.strikes.binary_search(&cause).is_ok();
            let link = match record.sort {
                "timer" => Link::Set,
                _ if is_struck => Link::Struck,
                _ => Link::Step,
            };
            self.link(cause, number, link);
        }
        let by_faults =
            record.blamed.iter().copied().chain((record.sort == "lift").then(|| record.number_of("strike").unwrap_or_default() as u32));
        for strike in by_faults.collect::<Vec<_>>() {
            if let Some(strike) = self.strikes.get(strike as usize).copied() {
                self.link(strike, number, Link::Struck);
            }
        }
        // The receiver that is down takes no note of what does not arrive.
        if let (Some(node), true) = (record.node, record.sort != "discard") {
            self.add_within(node, record);
        }
    }

    /// From the sender to the receiver.
    fn add_crossing(&mut self, record: &OwnedRecord) {
        let Some((id, _)) = record.message else { return };
        if record.sort == "send" {
            self.sent.insert(id, record.number);
        } else if let Some(sent) = self.sent.get(&id).copied() {
            self.link(sent, record.number, Link::Sent);
        }
    }

    /// Within one node.
    fn add_within(&mut self, node: NodeId, record: &OwnedRecord) {
        let mut known = self.nodes.remove(&node).unwrap_or_default();
        let number = record.number;
        if let Some(last) = known.last.replace(number) {
            self.link(last, number, Link::Next);
        }
        match record.sort {
            "deliver" | "timer" | "boot" | "resume" | "crash" => known.synced = None,
            "synced" => known.synced = Some(number),
            _ => {}
        }
        if let Some(synced) = known.synced.filter(|synced| *synced < number && record.cause.is_some_and(|cause| cause < *synced)) {
            self.link(synced, number, Link::Released);
        }
        match record.sort {
            "write" => known.written.push((record.number_of("write").unwrap_or_default(), number)),
            "synced" => {
                let through = record.number_of("through").unwrap_or_default();
                for (_, write) in known.written.extract_if(.., |(write, _)| *write <= through) {
                    self.link(write, number, Link::Written);
                }
            }
            "crash" => known.written.drain(..).for_each(|(_, write)| self.link(write, number, Link::Unsynced)),
            "client" if invokes(record) => {
                known.invoked = Some((number, record.cause));
                known.open.insert(session(record), number);
            }
            "send" => {
                let asked = known.invoked.filter(|(_, step)| *step == record.cause);
                asked.into_iter().for_each(|(invoked, _)| self.link(invoked, number, Link::Invoked));
            }
            "client" => known.open.remove(&session(record)).into_iter().for_each(|invoked| self.link(invoked, number, Link::Invoked)),
            _ => {}
        }
        self.nodes.insert(node, known);
    }
}

/// The session of a client that a record of it is about, as JSON has it.
pub(crate) fn session(record: &OwnedRecord) -> String {
    let event = record.data();
    let fields = event.as_ref().and_then(|event| event.as_object()?.values().next());
    fields.and_then(|fields| fields.get("client")).map(ToString::to_string).unwrap_or_default()
}

/// Whether a client invokes an operation with this, and does not learn what became of one.
pub(crate) fn invokes(record: &OwnedRecord) -> bool {
    record.sort == "client" && record.debug().is_some_and(|text| text.starts_with("Invoke"))
}
