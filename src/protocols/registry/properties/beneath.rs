//! The registry beneath a system that is built on its sessions: leases end when their holders were told, and logs agree.

use super::leases::Leases;
use super::{Demands, LEASE_KEPT, raft_message, raft_note};
use crate::check::{Property, PropertyReport, Violations};
use crate::protocols::raft;
use crate::protocols::raft::properties::{RaftJudge, observe_within};
use crate::protocols::registry::{Message, Note, Operation, RaftMessage, Response};
use crate::trace::{Event, Judge, Record, Vocabulary};

/// What is judged of a registry that is a part of another system.
pub const BENEATH: [Property; 8] = {
    let mut all = [LEASE_KEPT; 8];
    let mut place = 0;
    while place < raft::properties::PROPERTIES.len() {
        all[1 + place] = raft::properties::PROPERTIES[place];
        place += 1;
    }
    all
};

/// A system whose servers are, among others, those of a registry.
pub trait OverRegistry: Vocabulary {
    /// What is the registry's of a message.
    fn of_registry(message: &Self::Message) -> Option<&Message>;

    /// What is the registry's of what a server says.
    fn by_registry(note: &Self::Note) -> Option<&Note>;
}

/// Judges the registry beneath another system by what is [`BENEATH`].
#[derive(Debug)]
pub struct BeneathJudge {
    demands: Demands,
    raft: RaftJudge<Operation>,
    leases: Leases,
    found: Violations,
}

impl BeneathJudge {
    /// A judge of a registry of so many servers, the first nodes.
    pub fn new(servers: u32, demands: Demands) -> Self {
        let raft = RaftJudge::new(servers as usize);
        Self { demands, raft, leases: Leases::default(), found: Violations::default() }
    }
}

fn of_raft<V: OverRegistry>(message: &V::Message) -> Option<&RaftMessage> {
    V::of_registry(message).and_then(raft_message)
}

fn by_raft<V: OverRegistry>(note: &V::Note) -> Option<&raft::Note> {
    V::by_registry(note).and_then(raft_note)
}

impl<V: OverRegistry> Judge<V> for BeneathJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        observe_within(&mut self.raft, record, of_raft::<V>, by_raft::<V>);
        let now = record.sighting();
        match record.event {
            Event::Send { message, .. } => {
                if let Some(Message::KeptAlive { lease, remaining, .. }) = V::of_registry(message) {
                    self.leases.told(now, *lease, *remaining, &self.demands, &mut self.found);
                }
            }
            Event::Note { note, .. } => {
                if let Some(Note::Ended { lease, ending }) = V::by_registry(note) {
                    self.leases.ended(now, *lease, *ending, &self.demands, &mut self.found);
                }
            }
            _ => {}
        }
    }

    fn violated(&self) -> bool {
        !self.found.is_empty() || Judge::<raft::properties::Within<Operation, Response>>::violated(&self.raft)
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let raft = Judge::<raft::properties::Within<Operation, Response>>::reports(&self.raft);
        self.found.reports(&[LEASE_KEPT]).into_iter().chain(raft).collect()
    }
}
