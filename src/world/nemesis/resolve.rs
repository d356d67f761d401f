//! How what a step leaves open is resolved: by words of the strike's own identity, by what set the step off, and by the roles of the
//! moment.

use std::cmp::Reverse;

use super::super::stage::Stage;
use super::Occasion;
use crate::base::{Digest, Duration, NodeId, RunKey, sample_within, scale};
use crate::environment::Network;
use crate::fault::{Chooser, Lengths, Target};

/// What a word is drawn for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Gap = 32,
    Choice,
    Length,
    Node,
}

const _: () = assert!(
    Network::PURPOSES_END <= Purpose::Gap as u64 && (Purpose::Node as u64) < crate::world::machine::CRASH,
    "purposes do not overlap"
);

/// What resolves the fault of a step that is due.
pub(super) struct Resolver<'r> {
    stage: &'r mut (dyn Stage + 'r),
    key: RunKey,
    occasion: Occasion,
    /// The identity of the strike.
    identity: u64,
    /// How many choices among faults were made: one may lead to the next.
    choices: u64,
    field: &'static str,
    /// The node that it concerns: the n-th of them, counted from 0.
    node: Option<NodeId>,
    nth: usize,
}

impl<'r> Resolver<'r> {
    pub(super) fn new(stage: &'r mut (dyn Stage + 'r), occasion: Occasion, identity: u64) -> Self {
        let key = stage.nemesis().key;
        Self { stage, key, occasion, identity, choices: 0, field: "", node: None, nth: 0 }
    }

    fn word(&self, purpose: Purpose, node: Option<NodeId>) -> u64 {
        let identity = Digest::of(&(self.identity, self.choices, self.field, node.map(NodeId::raw)));
        self.key.word(purpose as u64, identity)
    }

    /// So many servers, in their order. Each has a word of its own, and the highest are chosen (rendezvous hashing): a server more changes
    /// the choice only if it is chosen.
    fn some_servers(&self, count: usize) -> Vec<NodeId> {
        let mut servers = self.servers();
        servers.sort_by_cached_key(|node| Reverse(self.word(Purpose::Node, Some(*node))));
        servers.truncate(count);
        servers.sort_unstable();
        servers
    }

    /// The node with the best claim to the role, among those that run; of equals, the first, servers before clients.
    fn best_in_role(&mut self, role: &str) -> Option<NodeId> {
        let (servers, clients) = self.stage.population();
        let nodes = (0..servers).map(NodeId::server).chain((0..clients).map(NodeId::client));
        let claims = nodes.filter_map(|node| {
            let claim = self.stage.claim(node).filter(|claim| claim.role.name == role)?;
            Some((claim.rank, node))
        });
        claims.max_by_key(|(rank, node)| (*rank, Reverse(*node))).map(|(_, node)| node)
    }
}

impl Chooser for Resolver<'_> {
    fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    fn concern(&mut self, node: NodeId, nth: usize) {
        (self.node, self.nth) = (Some(node), nth);
    }

    fn one_of(&mut self, count: usize) -> usize {
        self.choices += 1;
        scale(self.word(Purpose::Choice, None), count as u64) as usize
    }

    fn length(&mut self, lengths: &Lengths) -> Duration {
        match lengths {
            Lengths::Drawn(range) => sample_within(*range, self.word(Purpose::Length, self.node)),
            Lengths::Each(lengths) => lengths.iter().cycle().nth(self.nth).copied().unwrap_or_default(),
        }
    }

    fn nodes(&mut self, target: &Target) -> Vec<NodeId> {
        let servers = self.stage.population().0 as usize;
        match target {
            Target::Node(node) => vec![*node],
            Target::Nodes(nodes) => nodes.clone(),
            Target::All => self.servers(),
            Target::Any => self.some_servers(1),
            Target::Minority => self.some_servers(servers.saturating_sub(1) / 2),
            Target::Majority => self.some_servers(servers / 2 + 1),
            Target::Role(role) => self.best_in_role(role).into_iter().collect(),
            Target::Sender => self.occasion.message.map(|message| message.from).into_iter().collect(),
            Target::Receiver => self.occasion.message.map(|message| message.to).into_iter().collect(),
            Target::Subject => self.occasion.node.into_iter().collect(),
        }
    }

    fn halves(&mut self) -> Vec<Vec<NodeId>> {
        let half = self.some_servers(self.stage.population().0 as usize / 2);
        let rest = self.servers().into_iter().filter(|node| half.binary_search(node).is_err()).collect();
        vec![half, rest]
    }

    fn servers(&self) -> Vec<NodeId> {
        (0..self.stage.population().0).map(NodeId::server).collect()
    }
}
