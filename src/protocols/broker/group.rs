//! The group of consumers, as its coordinator knows it: who leads the partition of the group.
//!
//! What is committed of that partition is what the coordinator goes by. Members are known in memory alone: to a new coordinator they join
//! again. Each division of the partitions among them is a generation, and is eager: all give up what they have, then all get their part.

use super::{Content, Entry, Layout};
use crate::base::{ClientId, LocalTime, NodeId, SortedMap};

/// What a coordinator knows.
#[derive(Clone, Debug)]
pub(super) struct Coordinator {
    /// Up to where it has read the partition of the group.
    pub(super) read: u64,
    /// The generation that is over last, or that is.
    pub(super) generation: u32,
    /// The number that was given out last.
    pub(super) numbered: u32,
    /// What the group has processed of each partition.
    pub(super) processed: SortedMap<u32, u64>,
    /// What transactions say that it has, by their producers: it counts once they are committed.
    pending: SortedMap<ClientId, Vec<Processed>>,
    /// Who is or wants to be a member.
    pub(super) members: SortedMap<ClientId, Member>,
    /// What goes on.
    pub(super) phase: Phase,
    /// Whether a generation has begun since it coordinates. It heeds no member of an earlier one: another may believe to coordinate that
    /// still, and mislead them.
    pub(super) has_begun: bool,
}

/// A member of the group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Where it is.
    pub(super) node: NodeId,
    /// When it was heard last.
    pub(super) heard: LocalTime,
    /// Whether it has joined for the next generation.
    pub(super) joined: bool,
    /// The last of its requests to note what it has processed: one that comes later, and was sent before, is over.
    pub(super) noted: u32,
}

/// What goes on in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its members have their parts; or it has none.
    Stable,
    /// Members join again.
    Joining,
    /// The next generation is being committed, at this offset.
    Beginning(u64),
}

/// What was processed: which partition, up to where, and in which generation, if that was said.
pub(super) type Processed = (u32, u64, Option<u32>);

/// The partitions that are a member's, each with the offset from which it goes on.
pub(super) type Part = Vec<(u32, u64)>;

impl Coordinator {
    /// One that has read nothing yet, of a log in which this generation is the last.
    pub(super) fn new(numbered: u32) -> Self {
        let (processed, pending, members) = (SortedMap::new(), SortedMap::new(), SortedMap::new());
        Self { read: 0, generation: 0, numbered, processed, pending, members, phase: Phase::Stable, has_begun: false }
    }

    /// Takes in what is committed; says whether with it a generation begins that it waited for, and what was processed in transactions
    /// that were committed by that.
    pub(super) fn read(&mut self, entries: &[Entry]) -> (bool, Vec<Processed>) {
        let (mut begins, mut told) = (false, Vec::new());
        for entry in entries {
            match &entry.content {
                Content::Generation { number } => self.generation = *number,
                Content::Processed { partition, offset, of: None, .. } => drop(self.processed.insert(*partition, *offset)),
                Content::Processed { partition, offset, generation, of: Some(of) } => {
                    self.pending.entry(of.producer).or_default().push((*partition, *offset, *generation));
                }
                Content::Marker(marker) => {
                    let pending = self.pending.remove(&marker.producer).filter(|_| marker.commits).unwrap_or_default();
                    self.processed.extend(pending.iter().map(|(partition, offset, _)| (*partition, *offset)));
                    told.extend(pending);
                }
                Content::Message { .. } | Content::Empty { .. } | Content::Asked { .. } | Content::Stands(_) => {}
            }
            begins |= self.phase == Phase::Beginning(entry.offset);
            self.read = entry.offset + 1;
        }
        if begins {
            (self.phase, self.has_begun) = (Phase::Stable, true);
        }
        (begins, told)
    }

    /// Whether a transaction is open that says how far a partition is processed.
    pub(super) fn is_pending(&self, partition: u32) -> bool {
        self.pending.values().flatten().any(|(of, ..)| *of == partition)
    }

    /// Divides the partitions among those who have joined: each gets every n-th, and where it goes on.
    pub(super) fn divided(&self, layout: &Layout) -> Vec<(ClientId, NodeId, Part)> {
        let joined: Vec<(&ClientId, &Member)> = self.members.iter().filter(|(_, member)| member.joined).collect();
        let part = |nth: usize| {
            let own = (0..layout.partitions).filter(|partition| *partition as usize % joined.len() == nth);
            own.map(|partition| (partition, self.processed.get(&partition).copied().unwrap_or(0))).collect()
        };
        joined.iter().enumerate().map(|(nth, (id, member))| (**id, member.node, part(nth))).collect()
    }

    /// Gives up the members that were silent for longer than a session; says whether there were any.
    pub(super) fn expire(&mut self, now: LocalTime, layout: &Layout) -> bool {
        let before = self.members.len();
        self.members.retain(|_, member| now <= member.heard + layout.session);
        self.members.len() != before
    }
}
