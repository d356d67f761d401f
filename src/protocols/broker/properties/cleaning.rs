//! What may leave a log, by what is known of it from outside.

use super::super::{Cleaning, Content};
use super::{BrokerJudge, CLEANED_AS_ALLOWED, Partition, rules};
use crate::base::{Duration, NodeId, Time};
use crate::check::{Broken, Sighting};

/// What may leave logs.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// What is set, if anything may.
    pub cleaning: Option<Cleaning>,
    /// What two clocks of the run differ at most.
    pub clocks: Duration,
}

impl Allowed {
    /// Whether something of this time is so old by now, on some clock.
    fn is_older(&self, seen: Time, now: Time, than: Option<Duration>) -> bool {
        than.is_some_and(|than| now.since(seen) + self.clocks >= than)
    }

    /// Whether retention lets go of an entry of this age, behind which so many are.
    fn lets_go(&self, seen: Time, now: Time, behind: u64) -> bool {
        let Some(Cleaning { retention, retention_messages, .. }) = &self.cleaning else { return false };
        self.is_older(seen, now, *retention) || retention_messages.is_some_and(|most| behind >= u64::from(most))
    }
}

impl Partition {
    /// What a replica has at an offset, and when that was first seen.
    fn entry(&self, node: NodeId, offset: u64) -> Option<(&Content, Time)> {
        let epoch = *self.logs.get(&node)?.get(usize::try_from(offset).ok()?)?;
        self.entries.get(&(epoch, offset)).map(|(content, _, _, seen)| (content, seen.at))
    }

    /// Whether a message counts that a replica has at an offset, and that says this of itself: it is no part of a transaction, or of one
    /// that was committed. The replica's marker says so, also if it is not yet committed itself: the decision is (`marked-as-decided`).
    fn counts(&self, node: NodeId, offset: u64, content: &Content) -> bool {
        let Content::Message { by, transactional, .. } = content else { return false };
        let Some(by) = by.filter(|_| *transactional) else { return true };
        let end = self.logs.get(&node).map_or(0, Vec::len) as u64;
        let markers = (offset + 1..end).filter_map(|offset| match self.entry(node, offset)?.0 {
            Content::Marker(marker) if marker.producer == by.producer => Some(marker.commits),
            _ => None,
        });
        markers.into_iter().next().unwrap_or(false)
    }

    /// Whether a later message of the same key counts.
    fn is_superseded(&self, node: NodeId, offset: u64, value: i64, keys: u32) -> bool {
        let key = |value: i64| value.unsigned_abs() % u64::from(keys.max(1));
        (offset + 1..self.committed.len() as u64).any(|later| {
            let Some((content, _)) = self.entry(node, later) else { return false };
            matches!(content, Content::Message { value: other, .. } if key(*other) == key(value)) && self.counts(node, later, content)
        })
    }
}

impl BrokerJudge {
    fn cleaned_wrongly(&mut self, now: Sighting, broken: Broken, (node, partition, offset): (NodeId, u32, u64)) {
        let broken = broken.with("node", node).with("partition", u64::from(partition)).with("offset", offset);
        self.violations.add(&CLEANED_AS_ALLOWED, now, broken);
    }

    /// A replica has let go of all before this offset.
    pub(super) fn trimmed(&mut self, now: Sighting, node: NodeId, partition: u32, start: u64) {
        let known = self.partitions.entry(partition).or_default();
        let (before, end) = (known.starts.get(&node).copied().unwrap_or(0), known.logs.get(&node).map_or(0, Vec::len) as u64);
        let committed = known.committed.len() as u64;
        let is_kept = |offset: &u64| {
            // What one replica may let go of, all may.
            let may = |seen| self.allowed.lets_go(seen, now.at, end - (*offset + 1).min(end));
            *offset >= known.trimmed && !known.entry(node, *offset).is_some_and(|(_, seen)| may(seen))
        };
        let wrong = (before..start).find(|offset| *offset >= committed || is_kept(offset));
        known.starts.insert(node, start);
        match wrong {
            Some(offset) => {
                let rule = if offset >= committed { &rules::DELETED_UNCOMMITTED } else { &rules::DELETED_EARLY };
                self.cleaned_wrongly(now, rule.broken(), (node, partition, offset));
            }
            None => known.trimmed = known.trimmed.max(start),
        }
    }

    /// A replica has begun anew, behind all that is gone.
    pub(super) fn restarted(&mut self, now: Sighting, node: NodeId, partition: u32, start: u64) {
        self.cut(partition, node, 0);
        let known = self.partitions.entry(partition).or_default();
        known.starts.insert(node, start);
        known.logs.entry(node).or_default().resize(start as usize, 0);
        if start > known.trimmed {
            let offset = known.trimmed;
            self.cleaned_wrongly(now, rules::DELETED_EARLY.broken(), (node, partition, offset));
        }
    }

    /// A replica has removed these messages by compaction.
    pub(super) fn emptied(&mut self, now: Sighting, node: NodeId, partition: u32, offsets: &[u64]) {
        let known = self.partitions.entry(partition).or_default();
        let (committed, mut wrong) = (known.committed.len() as u64, None);
        for offset in offsets {
            let Some((Content::Message { value, .. }, seen)) = known.entry(node, *offset) else { continue };
            let Some((keys, kept)) = self.allowed.cleaning.as_ref().and_then(|set| Some((set.compacts?, set.delete_retention))) else {
                wrong = Some((&rules::EMPTIED, *offset));
                continue;
            };
            let is_over = *value < 0 && self.allowed.is_older(seen, now.at, Some(kept));
            if *offset >= committed || !(is_over || known.is_superseded(node, *offset, *value, keys)) {
                let rule = if *value < 0 { &rules::EMPTIED_TOMBSTONE } else { &rules::EMPTIED };
                wrong = wrong.or(Some((rule, *offset)));
            }
            if let Some(epoch) = known.logs.get(&node).and_then(|log| log.get(*offset as usize)) {
                known.emptied.insert((*epoch, *offset));
            }
        }
        if let Some((rule, offset)) = wrong {
            self.cleaned_wrongly(now, rule.broken(), (node, partition, offset));
        }
    }
}
