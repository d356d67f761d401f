//! Calm surroundings: constant latencies, exact clocks, links that lose and duplicate nothing.

use crate::base::{Duration, Ratio};
use crate::environment::{ClockModel, Latency, LinkModel};
use crate::explore::shrink::Search;
use crate::explore::shrink::size::noise;
use crate::scenario::Scenario;
use crate::world::Conditions;

pub(super) fn pass(search: &mut Search<'_>) {
    while search.attempt(calmer(search.scenario())).is_some() {}
}

/// The scenario in wholly calm surroundings, with short and with long latencies.
pub(super) fn whole(scenario: &Scenario) -> Vec<Scenario> {
    if noise(&scenario.conditions) == 0 {
        return Vec::new();
    }
    let Conditions { link, disk, .. } = &scenario.conditions;
    let (links, disks) = (constants(link.latency), constants(disk.sync));
    let calm = |end: usize| {
        let mut calm = scenario.clone();
        let conditions = &mut calm.conditions;
        conditions.link = LinkModel::reliable(links[end.min(links.len() - 1)]);
        conditions.links.clear();
        conditions.disk.sync = disks[end.min(disks.len() - 1)];
        conditions.clocks = ClockModel::default();
        conditions.fates.clear();
        calm
    };
    vec![calm(0), calm(1)]
}

/// The scenario with calmer surroundings: all at once first, then one thing after the other.
pub(super) fn calmer(scenario: &Scenario) -> Vec<Scenario> {
    let Conditions { link, disk, .. } = &scenario.conditions;
    let mut changes: Vec<Conditions> = Vec::new();
    let base = &scenario.conditions;
    for latency in constants(link.latency) {
        for sync in constants(disk.sync) {
            let mut calm = base.clone();
            calm.link = LinkModel::reliable(latency);
            calm.links.clear();
            calm.disk.sync = sync;
            calm.clocks = ClockModel::default();
            changes.push(calm);
        }
    }
    let mut one = |change: &dyn Fn(&mut Conditions)| {
        let mut changed = base.clone();
        change(&mut changed);
        changes.push(changed);
    };
    one(&|calm| calm.clocks = ClockModel::default());
    one(&|calm| calm.clocks.drift_ppm = 0);
    one(&|calm| calm.clocks.offset = Duration::ZERO);
    one(&|calm| calm.links.clear());
    one(&|calm| (calm.link.loss, calm.link.duplicate) = (Ratio::NEVER, Ratio::NEVER));
    one(&|calm| calm.link.loss = Ratio::NEVER);
    one(&|calm| calm.link.duplicate = Ratio::NEVER);
    for latency in constants(link.latency) {
        one(&|calm| calm.link.latency = latency);
    }
    for sync in constants(disk.sync) {
        one(&|calm| calm.disk.sync = sync);
    }
    let with = |conditions: Conditions| {
        let mut changed = scenario.clone();
        changed.conditions = conditions;
        changed
    };
    changes.into_iter().filter(|conditions| conditions != base).map(with).collect()
}

/// Constant lengths that may stand for this one.
pub(super) fn constants(latency: Latency) -> Vec<Latency> {
    let lengths = match latency {
        Latency::Constant(length) => vec![length],
        Latency::Uniform(range) => vec![range.low(), range.high(), latency.mean()],
        Latency::Exponential { low, mean } => vec![low + mean, low, low + mean * 3],
    };
    lengths.into_iter().map(Latency::Constant).collect()
}
