//! What must hold of supervision, and how well it does: jobs go on, and soon.

use super::super::SupervisorNote;
use super::rules;
use super::truth::{Change, Truth};
use crate::base::{Duration, NodeId, SortedMap, Time};
use crate::check::{Broken, Property, PropertyReport, Sighting};
use crate::trace::{Cell, Event, Judge, Record, Table, Vocabulary};

/// The property that is judged.
pub const RECOVERY: Property =
    Property::eventually("jobs-recovered", "when the faults are over, in the end each job is done by one living node, and by no other");

/// Judges who does which job.
#[derive(Debug)]
pub struct RecoveryJudge {
    truth: Truth,
    /// By job: who does it, from which record on, and when that changed last.
    jobs: Vec<(SortedMap<NodeId, u64>, Sighting)>,
    /// The jobs that no node does: since when, and which did them last.
    lost: SortedMap<usize, (Sighting, NodeId)>,
    restarts: u64,
    replacements: u64,
    took: Vec<Duration>,
    doubled: u64,
    violated: Option<PropertyReport>,
}

impl RecoveryJudge {
    /// Judges so many nodes that do so many jobs.
    pub fn new(nodes: u32, jobs: u32) -> Self {
        Self {
            truth: Truth::new(nodes),
            jobs: vec![(SortedMap::new(), Sighting::default()); jobs as usize],
            lost: SortedMap::new(),
            restarts: 0,
            replacements: 0,
            took: vec![],
            doubled: 0,
            violated: None,
        }
    }

    fn does(&mut self, now: Sighting, node: NodeId, job: usize) {
        let Some((doing, changed)) = self.jobs.get_mut(job) else { return };
        if doing.contains_key(&node) {
            return;
        }
        doing.insert(node, now.record);
        *changed = now;
        self.doubled += u64::from(doing.len() > 1);
        if let Some((since, before)) = self.lost.remove(&job) {
            self.took.push(now.at.since(since.at));
            *if before == node { &mut self.restarts } else { &mut self.replacements } += 1;
        }
    }

    fn leaves(&mut self, now: Sighting, node: NodeId, job: usize) {
        let Some((doing, changed)) = self.jobs.get_mut(job) else { return };
        if doing.remove(&node).is_some() {
            *changed = now;
            if doing.is_empty() {
                self.lost.insert(job, (now, node));
            }
        }
    }

    fn judge(&self) -> Option<PropertyReport> {
        let settled = self.truth.settled?;
        let (now, end) = (self.truth.now, settled + self.truth.now.since(settled) / 2);
        if end >= now {
            return None;
        }
        let violated = |at, broken: Broken| Some(PropertyReport::violated(&RECOVERY, at, broken));
        for (job, (doing, changed)) in (1_usize..).zip(&self.jobs) {
            let nodes: Vec<NodeId> = doing.keys().copied().collect();
            match nodes.as_slice() {
                [] => return violated(now, rules::NO_WORKER.with("job", job).on(self.lost.get(&(job - 1)).map(|(since, _)| since.record))),
                [node] if changed.at >= end => {
                    return violated(changed.at, rules::MOVED_LATE.with("job", job).with("node", *node).seen("at", *changed));
                }
                [_] => {}
                _ => return violated(now, rules::TWO_WORKERS.with("job", job).with("nodes", nodes).on(doing.values().copied())),
            }
        }
        None
    }
}

/// A system whose servers do jobs.
pub trait Working: Vocabulary {
    /// What this note says of jobs.
    fn work(note: &Self::Note) -> Option<SupervisorNote>;
}

impl<V: Working> Judge<V> for RecoveryJudge {
    fn observe(&mut self, record: &Record<'_, V>) {
        let now = record.sighting();
        self.truth.now = now.at;
        if let Event::Note { node, note } = record.event {
            match V::work(note) {
                Some(SupervisorNote::Does { job, .. }) => self.does(now, *node, job as usize),
                Some(SupervisorNote::Leaves { job }) => self.leaves(now, *node, job as usize),
                Some(SupervisorNote::Omega(_)) | None => {}
            }
        } else if let Event::Boot { .. } | Event::Crash { .. } | Event::Strike { .. } | Event::Settle = record.event {
            let mut down = Vec::new();
            self.truth.observe(now, record.event, |_, change| {
                if let Change::Down(node) = change {
                    down.push(node);
                }
            });
            for node in down {
                (0..self.jobs.len()).for_each(|job| self.leaves(now, node, job));
            }
        }
    }

    fn finish(&mut self, at: Time) {
        self.truth.now = at;
        self.violated = self.judge();
    }

    fn reports(&self) -> Vec<PropertyReport> {
        vec![self.violated.clone().unwrap_or(PropertyReport::holds(&RECOVERY))]
    }

    fn tables(&self) -> Vec<Table> {
        let mut table = Table::new("recovery of jobs", &["restarted", "replaced", "median", "99%", "longest", "not yet", "done twice"]);
        let quantile = |of, parts| Cell::quantile(&mut self.took.clone(), of, parts);
        table.row(
            "supervisor",
            vec![
                Cell::Count(self.restarts),
                Cell::Count(self.replacements),
                quantile(1, 2),
                quantile(99, 100),
                quantile(1, 1),
                Cell::Count(self.lost.len() as u64),
                Cell::Count(self.doubled),
            ],
        );
        vec![table]
    }
}
