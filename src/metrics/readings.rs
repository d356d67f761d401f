//! How much there is of everything now.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

use super::collected::{Spread, Tally};
use crate::base::{Amount, Metric, MetricSort, NodeId, SortedMap};

/// The values of all metrics at one time, as probes tell them.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    families: SortedMap<&'static str, Reading>,
}

/// The values of one metric.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) metric: Metric,
    /// What its series are told apart by.
    pub(super) labels: Vec<&'static str>,
    /// In the order in which they were first told of.
    pub(super) series: Vec<Told>,
    /// The places of series by the hash of what tells them apart.
    places: FxHashMap<u64, Vec<usize>>,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Told {
    node: Option<NodeId>,
    /// What its labels say, but for the node.
    own: Vec<String>,
    pub(super) now: Now,
}

/// How much there is in a series.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Now {
    Number(f64),
    /// All that has come so far.
    Spread(Spread),
}

impl Readings {
    /// So much of this counter has come so far, on this node if it is of nodes.
    pub fn total(&mut self, metric: &Metric, node: Option<NodeId>, labels: &[&str], total: u64) {
        *self.series(metric, node, labels) = Now::Number(total as f64);
    }

    /// There is so much of this gauge now.
    pub fn level(&mut self, metric: &Metric, node: Option<NodeId>, labels: &[&str], amount: impl Into<Amount>) {
        *self.series(metric, node, labels) = Now::Number(amount.into().number());
    }

    /// These have come to this histogram since it was last told of.
    pub fn sizes(&mut self, metric: &Metric, node: Option<NodeId>, labels: &[&str], tally: &mut Tally) {
        let fresh = tally.take();
        if let Now::Spread(all) = self.series(metric, node, labels) {
            all.merge(&fresh);
        }
    }

    fn series(&mut self, metric: &Metric, node: Option<NodeId>, labels: &[&str]) -> &mut Now {
        let reading = self.families.entry(metric.name).or_insert_with(|| Reading::new(metric, node.is_some()));
        let place = reading.place(node, labels);
        &mut reading.series[place].now
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Reading> {
        self.families.values()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Reading> {
        self.families.get(name)
    }
}

impl Reading {
    fn new(metric: &Metric, of_nodes: bool) -> Self {
        let labels = of_nodes.then_some("node").into_iter().chain(metric.labels.iter().copied()).collect();
        Self { metric: *metric, labels, series: Vec::new(), places: FxHashMap::default() }
    }

    /// The place of the series with these labels, which is made if there is none.
    fn place(&mut self, node: Option<NodeId>, labels: &[&str]) -> usize {
        let mut hasher = FxHasher::default();
        (node, labels).hash(&mut hasher);
        let places = self.places.entry(hasher.finish()).or_default();
        let found = places.iter().copied().find(|place| {
            let told = &self.series[*place];
            told.node == node && told.own == labels
        });
        found.unwrap_or_else(|| {
            let nothing = if self.metric.sort == MetricSort::Histogram { Now::Spread(Spread::default()) } else { Now::Number(0.0) };
            places.push(self.series.len());
            self.series.push(Told { node, own: labels.iter().map(|&label| label.to_owned()).collect(), now: nothing });
            self.series.len() - 1
        })
    }
}

impl Told {
    /// What its labels say, in the order of the family's.
    pub(super) fn labels(&self) -> Vec<String> {
        self.node.map(|node| node.to_string()).into_iter().chain(self.own.iter().cloned()).collect()
    }
}
