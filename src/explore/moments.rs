//! How the nodes of a run stood at moments of it, found by running it again: nothing of it need be kept.

use crate::base::{NodeId, SortedMap, SortedSet, Time};
use crate::systems::Watch;
use crate::trace::Recording;
use crate::world::{DiskView, Moment, NodeView, Observer, Outcome, View};

/// Runs what is looked at once more, watched.
pub type Again<'r> = &'r dyn Fn(Watch<'_>) -> Outcome;

/// A run that was gone through: its outcome, its records, and the moments at which something was recorded.
#[derive(Debug)]
pub struct Course {
    /// What came of it.
    pub outcome: Outcome,
    /// All its records.
    pub recording: Recording,
    /// Each moment that some of these are of, in order.
    pub moments: Vec<Moment>,
}

/// Goes through a run.
pub fn course(again: Again<'_>) -> Course {
    let (mut recording, mut seen) = (Recording::default(), Seen(Vec::new()));
    let outcome = again(Watch { sinks: vec![&mut recording], observer: Some(&mut seen), ..Watch::default() });
    Course { outcome, recording, moments: seen.0 }
}

/// How the nodes stood at this time, and the moment that it lies in: the last one, if the run was over. And what came of the run.
pub fn nodes_at(again: Again<'_>, at: Time) -> (Option<(Moment, Vec<NodeView>)>, Outcome) {
    let mut looking = AtTime { at, found: None };
    let outcome = again(Watch { observer: Some(&mut looking), ..Watch::default() });
    (looking.found, outcome)
}

/// How the nodes stood at these moments, which are given in order, by the number of records there were after each.
pub fn nodes_after(again: Again<'_>, records: &[u64]) -> Vec<Vec<NodeView>> {
    let mut looking = AfterRecords { records, found: Vec::new(), same: SortedSet::new() };
    again(Watch { judged: false, observer: Some(&mut looking), ..Watch::default() });
    looking.found
}

struct Seen(Vec<Moment>);

impl Observer for Seen {
    fn observe(&mut self, moment: &Moment, _: &dyn View) {
        if moment.records.0 < moment.records.1 {
            self.0.push(*moment);
        }
    }
}

struct AtTime {
    at: Time,
    found: Option<(Moment, Vec<NodeView>)>,
}

impl Observer for AtTime {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        // Of several in one instant the last counts: the others last for no time.
        if moment.lasts_at(self.at) {
            self.found = Some((*moment, view.nodes(self.at, true)));
        }
    }
}

struct AfterRecords<'a> {
    records: &'a [u64],
    found: Vec<Vec<NodeView>>,
    /// The nodes at which nothing has happened since the last that was found: what they and their disks say is what they said then.
    same: SortedSet<NodeId>,
}

impl AfterRecords<'_> {
    /// What a process shows of its state and its disk costs as much as that is large: it is asked only where something has happened.
    fn look(&self, moment: &Moment, view: &dyn View) -> Vec<NodeView> {
        let last = self.found.last().into_iter().flatten().filter(|known| self.same.contains(&known.node));
        let known: SortedMap<NodeId, &NodeView> = last.map(|known| (known.node, known)).collect();
        let look = |shallow: NodeView| match known.get(&shallow.node) {
            None => view.node(shallow.node, moment.after, true),
            Some(known) => {
                let NodeView { inner, disk, .. } = (*known).clone();
                NodeView { inner, disk: DiskView { durable: disk.durable, written: disk.written, ..shallow.disk }, ..shallow }
            }
        };
        view.nodes(moment.after, false).into_iter().map(look).collect()
    }
}

impl Observer for AfterRecords<'_> {
    fn observe(&mut self, moment: &Moment, view: &dyn View) {
        match moment.node {
            Some(node) => drop(self.same.remove(&node)),
            None => self.same.clear(),
        }
        let is_next = self.records.get(self.found.len()) == Some(&moment.records.1);
        if is_next && moment.records.0 < moment.records.1 {
            let views = self.look(moment, view);
            self.same = views.iter().map(|view| view.node).collect();
            self.found.push(views);
        }
    }
}
