//! What may keep a registry from what it should do in time: faults, their ends, and changes of leader.

use crate::base::{NodeId, Time};
use crate::fault::{Parting, Strike};
use crate::trace::{Event, Vocabulary};

/// When it was disturbed last.
#[derive(Debug, Default)]
pub(super) struct Disturbances {
    /// Of each fault that struck, whether it concerns the servers.
    strikes: Vec<bool>,
    /// By anything.
    pub(super) last: Time,
    /// By what concerns the servers, or links between them.
    pub(super) of_servers: Time,
}

impl Disturbances {
    pub(super) fn observe<V: Vocabulary>(&mut self, at: Time, event: &Event<'_, V>) {
        let of_servers = match *event {
            Event::Strike { strike } => {
                let concerns = concerns_servers(strike);
                self.strikes.push(concerns);
                concerns
            }
            Event::Lift { strike } => self.strikes.get(strike as usize).copied().unwrap_or(true),
            Event::Settle => true,
            Event::Pause { node, .. } | Event::Resume { node, .. } => !node.is_client(),
            Event::Boot { node, .. } | Event::Crash { node, .. } if !node.is_client() => true,
            _ => return,
        };
        self.last = at;
        if of_servers {
            self.of_servers = at;
        }
    }

    /// Another server leads.
    pub(super) fn took_over(&mut self, at: Time) {
        (self.last, self.of_servers) = (at, at);
    }
}

fn concerns_servers(strike: &Strike) -> bool {
    let is_server = |node: &NodeId| !node.is_client();
    match strike {
        Strike::Partition { cut: Parting::Groups(groups), .. } => groups.iter().filter(|group| group.iter().any(is_server)).count() > 1,
        Strike::Partition { cut: Parting::OneWay { from, to }, .. } => from.iter().any(is_server) && to.iter().any(is_server),
        Strike::Delay { node: Some(nodes), .. } => nodes.iter().any(is_server),
        Strike::Delay { node: None, .. } | Strike::Heal | Strike::Lose { .. } | Strike::Duplicate { .. } | Strike::Reorder { .. } => true,
        Strike::Crash { node, .. }
        | Strike::Restart { node }
        | Strike::Pause { node, .. }
        | Strike::Resume { node }
        | Strike::Destroy { node }
        | Strike::StallDisk { node, .. } => is_server(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;

    #[test]
    fn what_is_between_clients_and_servers_concerns_no_servers() {
        let (server, client) = (NodeId::server, NodeId::client);
        let parts = |groups| concerns_servers(&Strike::Partition { cut: Parting::Groups(groups), lasting: None });
        assert!(!parts(vec![vec![client(0)], vec![server(0), server(1), client(1)]]));
        assert!(parts(vec![vec![server(0), client(0)], vec![server(1), client(1)]]));
        assert!(!concerns_servers(&Strike::Crash { node: client(0), down: None }));
        assert!(concerns_servers(&Strike::StallDisk { node: server(0), lasting: Some(Duration::from_secs(1)) }));
    }
}
