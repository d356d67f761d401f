//! Whose words come from which key: a run in which some of the chance is drawn afresh.

use crate::base::{NodeId, RunKey};

/// Something that has draws of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// What a node draws itself: for timeouts, choices and operations.
    Node(NodeId),
    /// From the first to the second: latencies, losses, duplicates, and what faults do to each message.
    Link(NodeId, NodeId),
    /// How long a node's syncs take, and what a crash leaves of its writes.
    Disk(NodeId),
    /// How far a node's clock is off.
    Clock(NodeId),
    /// What the plan of faults leaves open: gaps, lengths, and who is struck.
    Faults,
}

/// Chance that is drawn afresh: everything else stays as it is under the run's own seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redraw {
    /// The seed that the fresh draws come from.
    pub seed: u64,
    /// What is drawn for the first time once so many records are made is drawn afresh, from the end of that event on; what was drawn before
    /// stays. Zero: all from the start.
    pub after: u64,
    /// Whose draws.
    pub whose: Whose,
}

/// Whose draws are drawn afresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of these alone.
    Only(Vec<Entity>),
    /// Those of all but these.
    AllBut(Vec<Entity>),
}

impl Whose {
    fn has(&self, entity: Entity) -> bool {
        match self {
            Self::Only(these) => these.contains(&entity),
            Self::AllBut(these) => !these.contains(&entity),
        }
    }

    /// The links that it names.
    pub(super) fn links(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let (Self::Only(these) | Self::AllBut(these)) = self;
        these.iter().filter_map(|entity| if let Entity::Link(from, to) = entity { Some((*from, *to)) } else { None })
    }
}

/// The keys of a run.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    own: RunKey,
    redraw: Option<Redraw>,
    /// Whether the time to draw afresh has come.
    is_fresh: bool,
}

impl Keys {
    pub(super) fn new(seed: u64, redraw: Option<Redraw>) -> Self {
        let is_fresh = redraw.as_ref().is_some_and(|redraw| redraw.after == 0);
        Self { own: RunKey::from_seed(seed), redraw, is_fresh }
    }

    /// After how many records draws are to be drawn afresh, if that is still to come.
    pub(super) fn turns_after(&self) -> Option<u64> {
        self.redraw.as_ref().filter(|_| !self.is_fresh).map(|redraw| redraw.after)
    }

    /// From now on draws are drawn afresh.
    pub(super) fn turn(&mut self) {
        self.is_fresh = true;
    }

    fn whose(&self) -> Option<(&Whose, RunKey)> {
        self.redraw.as_ref().filter(|_| self.is_fresh).map(|redraw| (&redraw.whose, RunKey::from_seed(redraw.seed)))
    }

    /// Whether what this entity draws from now on is drawn afresh.
    pub(super) fn is_afresh(&self, entity: Entity) -> bool {
        self.whose().is_some_and(|(whose, _)| whose.has(entity))
    }

    /// The key from which this entity's words come.
    pub(super) fn of(&self, entity: Entity) -> RunKey {
        self.whose().filter(|(whose, _)| whose.has(entity)).map_or(self.own, |(_, fresh)| fresh)
    }

    /// The key of all links but those that are named.
    pub(super) fn of_most_links(&self) -> RunKey {
        self.whose().filter(|(whose, _)| matches!(whose, Whose::AllBut(_))).map_or(self.own, |(_, fresh)| fresh)
    }

    /// The links whose key may be another.
    pub(super) fn named_links(&self) -> Vec<(NodeId, NodeId)> {
        self.whose().map(|(whose, _)| whose.links().collect()).unwrap_or_default()
    }
}
