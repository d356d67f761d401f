//! What must hold of Ω: in the end all follow one living leader.

use std::collections::BTreeMap;

use super::rules;
use super::truth::Truth;
use crate::base::{NodeId, Time};
use crate::check::{Broken, Judge, PropertyKind, PropertyReport};
use crate::trace::{Event, Record, Vocabulary};

/// The property that is judged.
pub const LEADERSHIP: (&str, PropertyKind, &str) = (
    "eventual-leadership",
    PropertyKind::Eventually,
    "when the faults are over, in the end all living nodes follow the same living leader, for good (Chandra, Hadzilacos and Toueg, Ω)",
);

/// Judges who follows whom.
#[derive(Debug)]
pub struct LeaderJudge<V: Vocabulary> {
    follows: fn(&V::Note) -> Option<NodeId>,
    truth: Truth,
    leaders: BTreeMap<NodeId, (NodeId, Time)>,
    violated: Option<PropertyReport>,
}

impl<V: Vocabulary> LeaderJudge<V> {
    /// Judges so many nodes; `follows` says whom a node follows from now on, by its note.
    pub fn new(nodes: u32, follows: fn(&V::Note) -> Option<NodeId>) -> Self {
        Self { follows, truth: Truth::new(nodes), leaders: BTreeMap::new(), violated: None }
    }

    fn judge(&self) -> Option<PropertyReport> {
        let settled = self.truth.settled?;
        let end = settled + self.truth.now.since(settled) / 2;
        let living: Vec<NodeId> = (0..self.truth.nodes.len() as u32).map(NodeId::server).filter(|node| self.truth.node(*node).up).collect();
        let violated =
            |at, broken: Broken| Some(PropertyReport { kind: LEADERSHIP.1, ..PropertyReport::violated(LEADERSHIP.0, at, broken) });
        let (mut agreed, now) = (None, self.truth.now);
        for node in living.iter().filter(|_| end < now) {
            let Some((leader, since)) = self.leaders.get(node).copied() else {
                return violated(now, rules::FOLLOWS_NONE.with("node", *node));
            };
            if since >= end {
                return violated(since, rules::FOLLOWED_LATE.with("node", *node).with("leader", leader).with("since", since));
            }
            if !living.contains(&leader) {
                return violated(now, rules::FOLLOWS_THE_DEAD.with("node", *node).with("leader", leader));
            }
            let (first, by) = *agreed.get_or_insert((leader, *node));
            if first != leader {
                let broken = rules::TWO_FOLLOWED.with("node", *node).with("leader", leader).with("by", by).with("other", first);
                return violated(now, broken);
            }
        }
        None
    }
}

impl<V: Vocabulary> Judge<V> for LeaderJudge<V> {
    fn observe(&mut self, record: &Record<'_, V>) {
        self.truth.now = record.at;
        match record.event {
            Event::Note { node, note } => {
                if let Some(leader) = (self.follows)(note) {
                    self.leaders.insert(*node, (leader, record.at));
                }
            }
            Event::Boot { .. } | Event::Crash { .. } | Event::Strike { .. } | Event::Settle => {
                self.truth.observe(record.at, record.event, |_, _| ());
            }
            _ => {}
        }
    }

    fn finish(&mut self, at: Time) {
        self.truth.now = at;
        self.violated = self.judge();
    }

    fn reports(&self) -> Vec<PropertyReport> {
        let (name, kind, _) = LEADERSHIP;
        vec![self.violated.clone().unwrap_or(PropertyReport { kind, ..PropertyReport::holds(name) })]
    }
}
