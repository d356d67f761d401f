//! What must hold of transactions, by what is appended.

use std::collections::BTreeMap;

use super::super::{Content, Entry, TransactionPhase};
use super::{MARKED_AS_DECIDED, PRODUCER_FENCED, rules};
use crate::base::{ClientId, NodeId};
use crate::check::{Fact, Sighting, Violations};

/// What has been seen of transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// By producer, its epoch after the decision, and what was decided: where that is said, by partition, offset and epoch of the entry.
    decided: BTreeMap<(ClientId, u32, bool), Vec<Place>>,
    /// Of each replica, by producer: its epochs, and where each begins.
    epochs: BTreeMap<(NodeId, u32, ClientId), Vec<Begun>>,
}

/// Where an entry is: its partition, its offset, and the epoch of its leader.
type Place = (u32, u64, u32);

/// Where an epoch of a producer begins, which, and when that was seen.
type Begun = (u64, u32, Sighting);

impl Transactions {
    /// A replica has lost all from here on.
    pub(super) fn cut(&mut self, node: NodeId, partition: u32, to: u64) {
        let of_all = self.epochs.iter_mut().filter(|((of, part, _), _)| (*of, *part) == (node, partition));
        of_all.for_each(|(_, epochs)| epochs.retain(|(offset, ..)| *offset < to));
    }

    /// A replica has one entry more.
    pub(super) fn appended(
        &mut self,
        (now, node, partition): (Sighting, NodeId, u32),
        entry: &Entry,
        is_committed: impl Fn(Place) -> bool,
        violations: &mut Violations,
    ) {
        let (producer, epoch) = match &entry.content {
            Content::Stands(stands) => {
                if let TransactionPhase::Decided(commits) = stands.phase {
                    let places = self.decided.entry((stands.producer, stands.epoch, commits)).or_default();
                    places.push((partition, entry.offset, entry.epoch));
                }
                return;
            }
            Content::Message { by: Some(by), transactional: true, .. } | Content::Empty { by: Some(by), transactional: true } => {
                (by.producer, by.epoch)
            }
            Content::Processed { of: Some(of), .. } => (of.producer, of.epoch),
            Content::Marker(marker) => {
                let places = self.decided.get(&(marker.producer, marker.epoch, marker.commits)).map(Vec::as_slice).unwrap_or_default();
                if !places.iter().any(|place| is_committed(*place)) {
                    let how = if marker.commits { "committed" } else { "aborted" };
                    let broken = rules::NOT_DECIDED.with("node", node).with("partition", u64::from(partition));
                    let broken = broken.with("producer", Fact::Text(marker.producer.to_string())).with("how", Fact::Text(how.to_owned()));
                    violations.add(&MARKED_AS_DECIDED, now, broken.with("offset", entry.offset));
                }
                (marker.producer, marker.epoch)
            }
            Content::Message { .. }
            | Content::Empty { .. }
            | Content::Processed { .. }
            | Content::Generation { .. }
            | Content::Asked { .. } => return,
        };
        let epochs = self.epochs.entry((node, partition, producer)).or_default();
        match epochs.last().copied() {
            Some((_, last, before)) if epoch < last => {
                let broken = rules::OLD_PRODUCER.with("node", node).with("partition", u64::from(partition));
                let broken = broken.with("producer", Fact::Text(producer.to_string())).with("epoch", u64::from(epoch));
                violations.add(&PRODUCER_FENCED, now, broken.with("later", u64::from(last)).seen("before", before));
            }
            Some((_, last, _)) if epoch == last => {}
            _ => epochs.push((entry.offset, epoch, now)),
        }
    }
}
