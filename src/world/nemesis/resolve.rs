//! How what a step leaves open is resolved: by the stream of the nemesis, by what set the step off, and by the roles of the moment.

use super::super::setup::Cluster;
use super::super::{Doing, What, World};
use super::Cause;
use crate::base::{Duration, DurationRange, NodeId};
use crate::fault::{Chooser, Target};
use crate::process::Process;

/// What resolves the fault of a step that is due.
pub(super) struct Resolver<'r, 'a, C: Cluster> {
    pub(super) world: &'r mut World<'a, C>,
    pub(super) cause: Cause,
}

impl<C: Cluster> Chooser for Resolver<'_, '_, C> {
    fn one_of(&mut self, count: usize) -> usize {
        self.world.core.nemesis.random.below(count as u64) as usize
    }

    fn length(&mut self, range: DurationRange) -> Duration {
        self.world.core.nemesis.length(range)
    }

    fn nodes(&mut self, target: &Target) -> Vec<NodeId> {
        let servers = self.world.servers.len();
        match target {
            Target::Node(node) => vec![*node],
            Target::Nodes(nodes) => nodes.clone(),
            Target::All => self.servers(),
            Target::Any if servers == 0 => vec![],
            Target::Any => vec![self.servers()[self.one_of(servers)]],
            Target::Minority => self.some_servers(servers.saturating_sub(1) / 2),
            Target::Majority => self.some_servers(servers / 2 + 1),
            Target::Role(role) => self.world.best_in_role(role).into_iter().collect(),
            Target::Sender => self.cause.message.map(|message| message.from).into_iter().collect(),
            Target::Receiver => self.cause.message.map(|message| message.to).into_iter().collect(),
            Target::Subject => self.cause.node.into_iter().collect(),
        }
    }

    fn halves(&mut self) -> Vec<Vec<NodeId>> {
        let (half, servers) = (self.some_servers(self.world.servers.len() / 2), self.servers());
        let rest = servers.into_iter().filter(|node| !half.contains(node)).collect();
        vec![half, rest]
    }

    fn servers(&self) -> Vec<NodeId> {
        (0..self.world.servers.len() as u32).map(NodeId::server).collect()
    }
}

impl<C: Cluster> Resolver<'_, '_, C> {
    fn some_servers(&mut self, count: usize) -> Vec<NodeId> {
        let mut servers = self.servers();
        self.world.core.nemesis.random.shuffle(&mut servers);
        servers.truncate(count);
        servers.sort_unstable();
        servers
    }
}

impl<C: Cluster> World<'_, C> {
    /// The server with the best claim to the role, among those that run; of equals, the first.
    fn best_in_role(&mut self, role: &str) -> Option<NodeId> {
        let claims = self.servers.iter().zip(0..).filter_map(|(host, index)| {
            let node = NodeId::server(index);
            self.doing = Doing { node, what: What::Asked("role") };
            let claim = host.process().and_then(Process::role).filter(|claim| claim.name == role)?;
            Some((claim.rank, node))
        });
        claims.max_by_key(|(rank, node)| (*rank, std::cmp::Reverse(*node))).map(|(_, node)| node)
    }
}
