//! What services measure besides requests: how busy workers are.

use std::sync::Arc;

use super::Services;
use crate::base::{Metric, NodeId, SortedMap, Time};
use crate::metrics::{Probe, Readings};
use crate::protocols::services::{Graph, Note};
use crate::trace::{Event, Record};

const BUSY: Metric = Metric::gauge(
    "workers_busy_ratio",
    "ratio",
    "Which share of the workers of a service is at work; requests whose worker is free again count as long as workers are left.",
)
.by(&["service"]);
const SPEED: Metric = Metric::gauge("workers", "", "How many workers a service has, on all instances that are up.").by(&["service"]);

/// The metrics of workers.
pub(super) const OF_WORKERS: &[Metric] = &[BUSY, SPEED];

/// Measures how busy workers are.
pub(super) struct WorkerProbe {
    graph: Arc<Graph>,
    /// Of each instance that is up, how many it works on.
    working: SortedMap<NodeId, u32>,
}

impl WorkerProbe {
    pub(super) fn new(graph: &Arc<Graph>) -> Self {
        Self { graph: Arc::clone(graph), working: SortedMap::new() }
    }
}

impl Probe<Services> for WorkerProbe {
    fn look(&mut self, record: &Record<'_, Services>) {
        match record.event {
            Event::Boot { node, .. } if !node.is_client() => drop(self.working.insert(*node, 0)),
            Event::Crash { node, .. } => drop(self.working.remove(node)),
            Event::Note { node, note: Note::Working { count } } => drop(self.working.insert(*node, *count)),
            _ => {}
        }
    }

    fn tell(&mut self, _: Time, readings: &mut Readings) {
        let mut busy = vec![(0_u64, 0_u64); self.graph.services().len()];
        for (node, working) in &self.working {
            let service = usize::from(self.graph.at(*node).0);
            let workers = self.graph.services()[service].workers;
            busy[service].0 += u64::from((*working).min(workers));
            busy[service].1 += u64::from(workers);
        }
        for (service, (working, workers)) in self.graph.services().iter().zip(busy) {
            let share = if workers == 0 { 0.0 } else { working as f64 / workers as f64 };
            readings.level(&BUSY, None, &[&service.name], share);
            readings.level(&SPEED, None, &[&service.name], workers);
        }
    }
}
