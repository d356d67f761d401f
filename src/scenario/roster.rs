//! Who takes part in a scenario, and what its faults can name.

use crate::base::NodeId;
use crate::systems::{AnySystem, Population};

/// More nodes than this, servers and clients together, are refused.
pub const NODES_MOST: u32 = 1_000_000;

/// All of them have a number, whichever they are.
const _: (NodeId, NodeId) = (NodeId::server(NODES_MOST - 1), NodeId::client(NODES_MOST - 1));

/// Whom and what the faults of a scenario can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// How many nodes there are.
    pub population: Population,
    /// What the last server is, if it is told apart from the others.
    pub last_server: Option<&'static str>,
    /// The roles of nodes.
    pub roles: Vec<&'static str>,
    /// The kinds of messages.
    pub kinds: &'static [&'static str],
    /// The *sometimes* marks.
    pub marks: Vec<&'static str>,
}

impl Roster {
    /// The names that this system knows, and this many nodes.
    pub fn new(system: &dyn AnySystem, population: Population) -> Self {
        let roles = system.roles().iter().map(|role| role.name).collect();
        Self {
            population,
            last_server: system.last_server(),
            roles,
            kinds: system.kinds(),
            marks: system.marks().iter().map(|mark| mark.name).collect(),
        }
    }
}
