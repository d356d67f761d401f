//! How what a plan leaves open is resolved at the moment a fault strikes.

use super::{Cut, Parting, Target};
use crate::base::{Duration, DurationRange, NodeId, Ratio};

/// Who chooses where a plan leaves something open.
pub(crate) trait Chooser {
    /// One of so many, each as likely.
    fn one_of(&mut self, count: usize) -> usize;
    /// A length within the range.
    fn length(&mut self, range: DurationRange) -> Duration;
    /// Whom the target means now; nobody if nobody fits.
    fn nodes(&mut self, target: &Target) -> Vec<NodeId>;
    /// All servers, in two random halves; of an odd number, the second has one more.
    fn halves(&mut self) -> Vec<Vec<NodeId>>;
    /// All servers.
    fn servers(&self) -> Vec<NodeId>;
}

/// A value of a plan, and what becomes of it when the fault strikes.
pub(super) trait Resolve<Struck>: Sized {
    /// All that it means now: a strike each. None if nobody fits.
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Struck>;

    /// How a plan says just this.
    fn fixed(struck: Struck) -> Self;
}

impl<T: Resolve<S>, S> Resolve<Option<S>> for Option<T> {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Option<S>> {
        self.as_ref().map_or_else(|| vec![None], |value| value.resolve(chooser).into_iter().map(Some).collect())
    }

    fn fixed(struck: Option<S>) -> Self {
        struck.map(T::fixed)
    }
}

impl Resolve<Ratio> for Ratio {
    fn resolve(&self, _: &mut dyn Chooser) -> Vec<Ratio> {
        vec![*self]
    }

    fn fixed(struck: Ratio) -> Self {
        struck
    }
}

/// A length is drawn.
impl Resolve<Duration> for DurationRange {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Duration> {
        vec![chooser.length(*self)]
    }

    fn fixed(struck: Duration) -> Self {
        struck.into()
    }
}

/// It stays a range, from which each message draws.
impl Resolve<Self> for DurationRange {
    fn resolve(&self, _: &mut dyn Chooser) -> Vec<Self> {
        vec![*self]
    }

    fn fixed(struck: Self) -> Self {
        struck
    }
}

/// A strike for each node.
impl Resolve<NodeId> for Target {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<NodeId> {
        chooser.nodes(self)
    }

    fn fixed(struck: NodeId) -> Self {
        Self::Node(struck)
    }
}

/// One strike for all nodes.
impl Resolve<Vec<NodeId>> for Target {
    fn resolve(&self, chooser: &mut dyn Chooser) -> Vec<Vec<NodeId>> {
        let nodes = chooser.nodes(self);
        if nodes.is_empty() { vec![] } else { vec![nodes] }
    }

    fn fixed(struck: Vec<NodeId>) -> Self {
        Self::Nodes(struck)
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
                let to = chooser.nodes(to).into_iter().filter(|node| !from.contains(node)).collect();
                Parting::OneWay { from, to }
            }
        };
        let is_nobody = match (self, &parting) {
            (Self::Isolate { .. }, Parting::Groups(groups)) => groups[0].is_empty(),
            (_, Parting::OneWay { from, to }) => from.is_empty() || to.is_empty(),
            _ => false,
        };
        if is_nobody { vec![] } else { vec![parting] }
    }

    fn fixed(struck: Parting) -> Self {
        match struck {
            Parting::Groups(groups) => Self::Groups { groups },
            Parting::OneWay { from, to } => Self::OneWay { from: Target::Nodes(from), to: Target::Nodes(to) },
        }
    }
}
