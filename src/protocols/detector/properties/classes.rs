//! What must hold of Ω: in the end all follow one living leader.

use super::rules;
use super::truth::Truth;
use crate::base::{NodeId, SortedMap, Time};
use crate::check::{Broken, Property, PropertyReport, Rule, Sighting};
use crate::trace::{Event, Judge, Record, Vocabulary};

/// The property that is judged.
pub const LEADERSHIP: Property = Property::eventually(
    "eventual-leadership",
    "when the faults are over, in the end all living nodes follow the same living leader, for good (Chandra, Hadzilacos and Toueg, Ω)",
);

/// Judges who follows whom.
#[derive(Debug)]
pub struct LeaderJudge<V: Vocabulary> {
    follows: fn(&V::Note) -> Option<NodeId>,
    truth: Truth,
    /// In which record each node started last.
    started: SortedMap<NodeId, u64>,
    leaders: SortedMap<NodeId, (NodeId, Sighting)>,
    violated: Option<PropertyReport>,
}

impl<V: Vocabulary> LeaderJudge<V> {
    /// Judges so many nodes; `follows` says whom a node follows from now on, by its note.
    pub fn new(nodes: u32, follows: fn(&V::Note) -> Option<NodeId>) -> Self {
        Self { follows, truth: Truth::new(nodes), started: SortedMap::new(), leaders: SortedMap::new(), violated: None }
    }

    fn judge(&self) -> Option<PropertyReport> {
        let settled = self.truth.settled?;
        let end = settled + self.truth.now.since(settled) / 2;
        let living: Vec<NodeId> = (0..self.truth.nodes.len() as u32).map(NodeId::server).filter(|node| self.truth.node(*node).up).collect();
        let violated = |at, broken: Broken| Some(PropertyReport::violated(&LEADERSHIP, at, broken));
        let (mut agreed, now) = (None, self.truth.now);
        for node in living.iter().filter(|_| end < now) {
            let Some((leader, since)) = self.leaders.get(node).copied() else {
                return violated(now, rules::FOLLOWS_NONE.with("node", *node).on(self.started.get(node).copied()));
            };
            let broken = |rule: &'static Rule| rule.with("node", *node).with("leader", leader);
            if since.at >= end {
                return violated(since.at, broken(&rules::FOLLOWED_LATE).seen("since", since));
            }
            if !living.contains(&leader) {
                let crash = self.truth.nodes.get(leader.index()).map(|leader| leader.since.record);
                return violated(now, broken(&rules::FOLLOWS_THE_DEAD).on([since.record].into_iter().chain(crash)));
            }
            let (first, by, at) = *agreed.get_or_insert((leader, *node, since.record));
            if first != leader {
                return violated(now, broken(&rules::TWO_FOLLOWED).with("by", by).with("other", first).on([at, since.record]));
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
                    self.leaders.insert(*node, (leader, record.sighting()));
                }
            }
            Event::Boot { .. } | Event::Crash { .. } | Event::Strike { .. } | Event::Settle => {
                if let Event::Boot { node, .. } = record.event {
                    self.started.insert(*node, record.number);
                }
                self.truth.observe(record.sighting(), record.event, |_, _| ());
            }
            _ => {}
        }
    }

    fn finish(&mut self, at: Time) {
        self.truth.now = at;
        self.violated = self.judge();
    }

    fn reports(&self) -> Vec<PropertyReport> {
        vec![self.violated.clone().unwrap_or(PropertyReport::holds(&LEADERSHIP))]
    }
}
