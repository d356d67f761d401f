//! What must hold of a pipeline: the stores of its sinks have what the graph makes of the whole input, as often as is promised; a late
//! event is one that can be late; a checkpoint is a consistent cut; a buffer keeps its bound.
//!
//! What is in a store is read from the disk of its node, and not from what the sink says.

mod cut;
mod evaluation;
#[cfg(test)]
mod reference;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::store::{Content, STORE};
use super::{Barriers, CoordinatorNote, Does, Plan, Recovery, SubtaskNote};
use crate::base::{Change, NodeId, Time};
use crate::check::{Property, PropertyReport, Rule, Sighting, Violations};
use crate::process::{Either, Files};
use crate::trace::{Event, Judge, Record, Sort, Sorts, Vocabulary};
use cut::Cuts;
use evaluation::Words;

/// How often what comes of an event is in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Once, or never.
    AtMostOnce,
    /// Once, or several times.
    AtLeastOnce,
    /// Once.
    ExactlyOnce,
}

/// At most once.
pub const AT_MOST_ONCE: Property = Property::always("at-most-once", "no event of the input counts twice in what the sinks have stored");
/// At least once.
pub const AT_LEAST_ONCE: Property = Property::always("at-least-once", "each event of the input counts in what the sinks have stored");
/// Exactly once.
pub const EXACTLY_ONCE: Property =
    Property::always("exactly-once", "the sinks have stored what the graph makes of the whole input, each event counted once");
/// What windows hold.
pub const IN_ITS_WINDOW: Property =
    Property::always("in-its-window", "each event is in its windows, or counted late where the watermark was past their ends");
/// That no event is late.
pub const NONE_LATE: Property = Property::always("none-late", "no event is counted late, where that is demanded");
/// What checkpoints are.
pub const CONSISTENT_CUT: Property =
    Property::always("consistent-cut", "in a complete checkpoint, what each subtask received is what was sent to it");
/// What happens to buffers.
pub const BOUNDED_BUFFERS: Property = Property::always("bounded-buffers", "no channel holds more events than it may");

/// All of them.
pub const PROPERTIES: [Property; 7] =
    [AT_MOST_ONCE, AT_LEAST_ONCE, EXACTLY_ONCE, IN_ITS_WINDOW, NONE_LATE, CONSISTENT_CUT, BOUNDED_BUFFERS];

static TOO_MANY: Rule = Rule::new("too-many", "{node} holds {count} events of the channel from {sender}, and may hold {bound}");

impl Promise {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AtMostOnce, Self::AtLeastOnce, Self::ExactlyOnce];

    /// The property that it is.
    pub const fn property(self) -> Property {
        match self {
            Self::AtMostOnce => AT_MOST_ONCE,
            Self::AtLeastOnce => AT_LEAST_ONCE,
            Self::ExactlyOnce => EXACTLY_ONCE,
        }
    }
}

/// What is demanded of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    /// How often what comes of an event is in a store.
    pub promise: Promise,
    /// Whether no event may be late.
    pub none_late: bool,
}

/// What is judged of a pipeline of which this is demanded. Cuts are judged where barriers are to make them.
pub fn judged(plan: &Plan, demands: Demands) -> Vec<Property> {
    let has_cuts = plan.flow.barriers == Barriers::Aligned && plan.flow.recovery == Recovery::Replay;
    let cuts = has_cuts.then_some(CONSISTENT_CUT);
    let none_late = demands.none_late.then_some(NONE_LATE);
    [demands.promise.property(), IN_ITS_WINDOW].into_iter().chain(none_late).chain(cuts).chain([BOUNDED_BUFFERS]).collect()
}

/// Judges a pipeline.
#[derive(Debug)]
pub struct PipelineJudge {
    plan: Arc<Plan>,
    demands: Demands,
    words: Words,
    /// What each sink has stored, by its node.
    stores: BTreeMap<NodeId, (usize, Content)>,
    cuts: Cuts,
    is_finished: bool,
    /// The last time that something was stored.
    stored: Sighting,
    found: Violations,
}

impl PipelineJudge {
    /// A judge of this pipeline.
    pub fn new(plan: Arc<Plan>, demands: Demands) -> Self {
        let sinks = plan.subtasks().filter(|(stage, _)| matches!(plan.graph.stages()[*stage].does, Does::Sink(_)));
        let stores = sinks.map(|(stage, number)| (plan.node(stage, number), (stage, Content::default()))).collect();
        Self {
            plan,
            demands,
            words: Words::new(),
            stores,
            cuts: Cuts::default(),
            is_finished: false,
            stored: Sighting::default(),
            found: Violations::default(),
        }
    }

    fn noted(&mut self, node: NodeId, note: &Either<CoordinatorNote, SubtaskNote>, now: Sighting) {
        match note {
            Either::First(CoordinatorNote::Completed { checkpoint }) => {
                if let Some(broken) = self.cuts.complete(*checkpoint, &self.plan) {
                    self.found.add(&CONSISTENT_CUT, now, broken);
                }
            }
            Either::First(CoordinatorNote::Finished) => self.is_finished = true,
            Either::Second(SubtaskNote::Input { stage, partition, word }) => {
                self.words.insert((*stage, *partition), *word);
            }
            Either::Second(SubtaskNote::Saved(cut)) => self.cuts.saved(node, cut),
            Either::Second(SubtaskNote::Holds { from, count, bound }) if count > bound => {
                let broken = TOO_MANY.with("node", node).with("count", *count).with("sender", *from).with("bound", *bound);
                self.found.add(&BOUNDED_BUFFERS, now, broken);
            }
            Either::Second(SubtaskNote::Holds { .. }) => {}
        }
    }

    /// What the disk of a sink had when it started.
    fn found_on_disk(&mut self, node: NodeId, files: &[(&str, &[u8])]) {
        let Some((_, content)) = self.stores.get_mut(&node) else { return };
        *content = Content::default();
        let mut disk = Files::new();
        files.iter().filter(|(name, _)| *name == STORE).for_each(|(_, bytes)| disk.insert(STORE, bytes.to_vec()));
        disk.records(STORE).for_each(|line| content.read(line));
    }

    fn written(&mut self, node: NodeId, bytes: &[u8], now: Sighting) {
        let Some((_, content)) = self.stores.get_mut(&node) else { return };
        let mut added = Files::new();
        added.insert(STORE, bytes.to_vec());
        added.records(STORE).for_each(|line| content.read(line));
        self.stored = now;
    }
}

impl<V: Vocabulary<Note = Either<CoordinatorNote, SubtaskNote>>> Judge<V> for PipelineJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        match record.event {
            Event::Note { node, note } => self.noted(*node, note, record.sighting()),
            Event::Boot { node, files, .. } => self.found_on_disk(*node, files),
            Event::Write { node, file, change: Change::Append(bytes), .. } if *file == STORE => {
                self.written(*node, bytes, record.sighting());
            }
            _ => {}
        }
    }

    fn wants(&self) -> Sorts {
        Sorts::of(&[Sort::Note, Sort::Boot, Sort::Write])
    }

    fn violated(&self) -> bool {
        !self.found.is_empty()
    }

    fn finish(&mut self, _: Time) {
        let sources = self.plan.subtasks().filter(|(stage, _)| matches!(self.plan.graph.stages()[*stage].does, Does::Source(_)));
        if !sources.into_iter().all(|source| self.words.contains_key(&source)) {
            // Nothing was read yet of some partition, and nothing can have come of it.
            return;
        }
        let mut rows: BTreeMap<usize, Vec<super::Event>> = BTreeMap::new();
        for (stage, content) in std::mem::take(&mut self.stores).into_values() {
            rows.entry(stage).or_default().extend(content.into_rows());
        }
        let ledger = rows::Ledger { graph: &self.plan.graph, demands: self.demands, is_finished: self.is_finished };
        for (property, broken) in ledger.judge(&self.words, rows) {
            self.found.add(&property, self.stored, broken);
        }
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.found.reports(&judged(&self.plan, self.demands))
    }
}
