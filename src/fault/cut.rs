//! Who is cut off from whom.

use super::Target;
#[cfg(any(test, feature = "proptest"))]
use super::draw::Context;
use super::planned::Planned;
use crate::base::NodeId;
use crate::diagnostic::Diagnostic;
use crate::notation::{Form, Variants as _, variants};

variants! {
    |planned: Planned<'c>, Context|
    /// Who is cut off from whom. Clients reach every server all the same, unless they are named.
    pub enum Cut: "a cut" with () {
        /// Nodes are cut off from all other servers.
        Isolate {
            /// Who is cut off.
            nodes: Target, planned;
        } bare 1 => r#"At("2s", Partition(Isolate(Leader)))"#,
        /// The servers fall into two random halves. Of an odd number, one half has one more.
        Halves => r#"At("2s", Partition(Halves))"#,
        /// What any of some nodes sends to any other of some is lost. The way back is open, but between nodes that are among both.
        OneWay {
            /// Senders.
            from: Target, planned;
            /// Receivers.
            to: Target, planned;
        } => r#"At("2s", Partition(OneWay(from: Leader, to: All)))"#,
        /// Each group is cut off from every other. A node in none reaches all.
        Groups {
            /// The groups, each a list of nodes.
            groups: Vec<Vec<NodeId>>, planned;
        } bare 1 => r#"At("2s", Partition(Groups([[n1, n2], [n3, n4, n5]])))"#,
    }
}

/// A cut as it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Each group is cut off from every other. A node in none reaches all.
    Groups(Vec<Vec<NodeId>>),
    /// What any of the first sends to any other of the second is lost.
    OneWay {
        /// Senders.
        from: Vec<NodeId>,
        /// Receivers.
        to: Vec<NodeId>,
    },
}

impl Cut {
    /// Reads a cut, and advises against one that changes nothing.
    pub(super) fn read_checked(planned: &Planned<'_>, form: Form<'_>) -> Option<Self> {
        let cut = Self::read(form, *planned)?;
        if planned.scope().servers().is_some_and(|servers| cut.parts_no_nodes(servers)) {
            form.report(Diagnostic::warning(form.span(), "this cut parts no nodes"));
        }
        Some(cut)
    }

    /// Whether it can be seen to change nothing.
    pub(super) fn parts_no_nodes(&self, servers: u32) -> bool {
        match self {
            Self::Isolate { nodes: Target::All } => true,
            Self::Isolate { nodes: Target::Nodes(nodes) } => nodes.iter().filter(|node| !node.is_client()).count() == servers as usize,
            Self::Isolate { nodes: Target::Node(node) } => servers < 2 && !node.is_client(),
            Self::Isolate { .. } | Self::Halves => servers < 2,
            Self::OneWay { from, to } => from.one_node(servers).is_some() && from.one_node(servers) == to.one_node(servers),
            Self::Groups { groups } => !Parting::Groups(groups.clone()).parts_nodes(),
        }
    }
}

impl Parting {
    /// Whether there is a node that it cuts off from another.
    pub(super) fn parts_nodes(&self) -> bool {
        match self {
            Self::Groups(groups) => groups.iter().filter(|group| !group.is_empty()).count() > 1,
            Self::OneWay { from, to } => from.iter().any(|sender| to.iter().any(|receiver| sender != receiver)),
        }
    }
}
