//! How what a plan leaves open is resolved at the moment a fault strikes.

use super::{Cut, Lengths, Parting, Target};
use crate::base::{Duration, DurationRange, NodeId, Ratio};

/// Chooses where a plan leaves something open. Each choice hangs on what it is for, and on no other choice.
pub(crate) trait Chooser {
    /// What is asked for next is for the field of this name.
    fn enter(&mut self, field: &'static str);
    /// What is asked for next is for this node, the n-th that the fault strikes, counted from 0.
    fn concern(&mut self, node: NodeId, nth: usize);
    /// One of so many, each as likely.
    fn one_of(&mut self, count: usize) -> usize;
    /// A length.
    fn length(&mut self, lengths: &Lengths) -> Duration;
    /// The nodes that the target means now; none if no node fits.
    fn nodes(&mut self, target: &Target) -> Vec<NodeId>;
    /// All servers, in two random halves; of an odd number, the second has one more.
    fn halves(&mut self) -> Vec<Vec<NodeId>>;
    /// All servers.
    fn servers(&self) -> Vec<NodeId>;
}

/// A value of a plan, and what becomes of it when the fault strikes.
pub(super) trait Resolve<Struck>: Sized {
    /// All that it means now: a strike each. None if no node fits.
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Struck>;

    /// How a plan says just this: what became of it in one strike after the other.
    fn fixed(struck: Vec<Struck>) -> Option<Self>;

    /// The one node that is struck, if this is it.
    fn node(_: &Struck) -> Option<NodeId> {
        None
    }
}

impl<T: Resolve<S>, S> Resolve<Option<S>> for Option<T> {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Option<S>> {
        self.as_ref().map_or_else(|| vec![None], |value| value.resolve(chooser).into_iter().map(Some).collect())
    }

    fn fixed(struck: Vec<Option<S>>) -> Option<Self> {
        Some(struck.into_iter().collect::<Option<Vec<S>>>().and_then(T::fixed))
    }
}

/// What stays as the plan has it; each message draws from a range.
macro_rules! resolve_as_it_is {
    ($($Value:ty),+) => {$(
        impl Resolve<Self> for $Value {
            fn resolve(&self, _: &mut dyn Chooser) -> Vec<Self> {
                vec![*self]
            }

            fn fixed(struck: Vec<Self>) -> Option<Self> {
                struck.first().copied()
            }
        }
    )+};
}
resolve_as_it_is!(Ratio, DurationRange);

impl Resolve<Duration> for Lengths {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Duration> {
        vec![chooser.length(self)]
    }

    fn fixed(struck: Vec<Duration>) -> Option<Self> {
        let first = *struck.first()?;
        let is_one = struck.iter().all(|length| *length == first);
        Some(if is_one { Self::Drawn(first.into()) } else { Self::Each(struck) })
    }
}

/// A strike for each node.
impl Resolve<NodeId> for Target {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<NodeId> {
        chooser.nodes(self)
    }

    fn fixed(struck: Vec<NodeId>) -> Option<Self> {
        Some(if let [node] = struck[..] { Self::Node(node) } else { Self::Nodes(struck) })
    }

    fn node(struck: &NodeId) -> Option<NodeId> {
        Some(*struck)
    }
}

/// One strike for all nodes.
impl Resolve<Vec<NodeId>> for Target {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Vec<NodeId>> {
        let nodes = chooser.nodes(self);
        if nodes.is_empty() { vec![] } else { vec![nodes] }
    }

    fn fixed(struck: Vec<Vec<NodeId>>) -> Option<Self> {
        struck.into_iter().next().map(Self::Nodes)
    }
}

impl Resolve<Parting> for Cut {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Parting> {
        let parting = match self {
            Self::Groups { groups } => Parting::Groups(groups.clone()),
            Self::Halves => Parting::Groups(chooser.halves()),
            Self::Isolate { nodes } => {
                let nodes = chooser.nodes(nodes);
                let rest = chooser.servers().into_iter().filter(|node| !nodes.contains(node)).collect();
                Parting::Groups(vec![nodes, rest])
            }
            Self::OneWay { from, to } => {
                let from = chooser.nodes(from);
                chooser.enter("to");
                Parting::OneWay { from, to: chooser.nodes(to) }
            }
        };
        if parting.parts_nodes() { vec![parting] } else { vec![] }
    }

    fn fixed(struck: Vec<Parting>) -> Option<Self> {
        struck.into_iter().next().map(|parting| match parting {
            Parting::Groups(groups) => Self::Groups { groups },
            Parting::OneWay { from, to } => Self::OneWay { from: Target::Nodes(from), to: Target::Nodes(to) },
        })
    }
}
