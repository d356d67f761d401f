//! Surroundings that are calm but for the fates of a few messages: all that are not as in a calm network are fixed, and then left out as
//! far as can be.

use std::collections::BTreeMap;

use super::{Attempt, calm, grouped};
use crate::base::{Duration, DurationRange, Fate, FixedFate, KindDigest, Loss, NodeId, SortedSet, Time, Which, sort_by_key};
use crate::environment::{Latency, LinkModel};
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::with_steps;
use crate::explore::shrink::size::noise;
use crate::fault::{Cut, Fault, FaultStep, Lengths, Target};
use crate::scenario::Scenario;
use crate::trace::{Sink, UntypedRecord};

/// More fates than this are not fixed.
const MOST: usize = 2_000;

/// If there are no more than this, each is left out under several seeds.
const FEW: usize = 20;

/// Fewer fates. Where all are fixed a run is decided, but for what nodes draw: so one seed is enough until few are left.
pub(super) fn pass(search: &mut Search<'_>) {
    let link = |fate: &FixedFate| format!("{} {}", fate.from, fate.to);
    let by =
        [|fate: &FixedFate| fate.from.to_string(), |fate: &FixedFate| fate.to.to_string(), link, |fate: &FixedFate| fate.kind.to_owned()];
    grouped(search, |scenario| &mut scenario.conditions.fates, &by);
    reduce(search, &|search, variants| search.attempt_under(variants.iter().cloned(), &[search.best.candidate.seed]));
    if search.scenario().conditions.fates.len() <= FEW {
        reduce(search, &|search, variants| search.attempt(variants.iter().cloned()));
    }
}

/// Fewer of them, tried in this way.
pub(super) fn reduce(search: &mut Search<'_>, attempt: &Attempt<'_>) {
    search.reduce_by(attempt, &|scenario| scenario.conditions.fates.len(), &|scenario, chunk| {
        let mut changed = scenario.clone();
        changed.conditions.fates.drain(chunk);
        Some(changed)
    });
}

/// What arrives too late to matter is lost.
pub(super) fn lose(search: &mut Search<'_>) {
    for place in 0..search.scenario().conditions.fates.len() {
        let mut lost = Scenario::clone(search.scenario());
        let Some(fixed) = lost.conditions.fates.get_mut(place).filter(|fixed| !matches!(fixed.fate, Fate::Lost(_))) else { continue };
        fixed.fate = Fate::Lost(Loss::Override);
        search.attempt([lost]);
    }
}

/// Fixes the fates of messages in place of chance, and takes that if few of them matter.
pub(super) fn fix(search: &mut Search<'_>) {
    let link = search.scenario().conditions.link;
    if link == LinkModel::reliable(link.latency) && matches!(link.latency, Latency::Constant(_)) {
        return;
    }
    let mut sends = Sends::default();
    search.watch(&mut sends);
    let disk = search.scenario().conditions.disk.sync;
    // With disks that take as long as before, or always as long.
    for sync in calm::constants(disk).into_iter().chain([disk]) {
        for latency in calm::constants(link.latency) {
            let mut fixed = search.scenario().clone();
            fixed.conditions.link = LinkModel::reliable(latency);
            fixed.conditions.disk.sync = sync;
            let already = fixed.conditions.fates.clone();
            let deviating: Vec<FixedFate> = deviating(&sends.sent, latency, &already).collect();
            if deviating.len() > MOST {
                continue;
            }
            fixed.conditions.fates.extend(deviating);
            if noise(&fixed.conditions) < noise(&search.scenario().conditions) && search.within(fixed, &pass) {
                return;
            }
        }
    }
}

/// Those whose fate is not as in a calm network, but for those that a fault lost and those that are fixed already.
fn deviating<'s>(sent: &'s [FixedFate], latency: Latency, already: &[FixedFate]) -> impl Iterator<Item = FixedFate> + 's {
    let usual = Fate::Deliver(latency.mean());
    let already: Vec<FixedFate> = already.to_vec();
    sent.iter().copied().filter(move |sent| {
        let is_fixed =
            already.iter().any(|other| (other.from, other.to, other.kind, other.which) == (sent.from, sent.to, sent.kind, sent.which));
        sent.fate != usual && !is_fixed && !matches!(sent.fate, Fate::Lost(Loss::Partition | Loss::Fault))
    })
}

/// One fault in the place of many fates: a cut or a pause, as long as messages of one node, or of one link, are lost or late.
pub(super) fn gather(search: &mut Search<'_>) {
    if search.scenario().conditions.fates.len() < 2 {
        return;
    }
    let mut sends = Sends::default();
    search.watch(&mut sends);
    let fixed = &search.scenario().conditions.fates;
    let place = |fate: &FixedFate| sends.sent.iter().position(|sent| FixedFate { fate: fate.fate, ..*sent } == *fate);
    let timed: Vec<(FixedFate, Time)> = fixed.iter().filter_map(|fate| Some((*fate, sends.at[place(fate)?]))).collect();
    let mut variants: Vec<(usize, Scenario)> = Vec::new();
    for (concerns, fault) in gathering(fixed) {
        let times = timed.iter().filter(|(fate, _)| concerns(fate)).map(|(_, time)| *time);
        let (Some(first), Some(last)) = (times.clone().min(), times.clone().max()) else { continue };
        let lasting = DurationRange::from(last.since(first) + Duration::from_millis(1));
        let mut changed = search.scenario().clone();
        changed.conditions.fates.retain(|fate| !concerns(fate));
        let mut steps = changed.conditions.faults.steps().to_vec();
        // What strikes does so last in its instant.
        let before = Time::ZERO + first.since(Time::ZERO).saturating_sub(Duration::from_nanos(1));
        steps.push(FaultStep::at(before, fault(lasting.into())));
        variants.push((changed.conditions.fates.len(), with_steps(&changed, steps)));
    }
    sort_by_key(&mut variants, |(left, _)| *left);
    if search.attempt(variants.into_iter().map(|(_, variant)| variant)).is_some() {
        gather(search);
    }
}

/// Which fates a fault may stand for, and the fault.
type Gathering = (Box<dyn Fn(&FixedFate) -> bool>, Box<dyn Fn(Lengths) -> Fault>);

/// For each node and each link that these name.
fn gathering(fixed: &[FixedFate]) -> Vec<Gathering> {
    let one = |node: NodeId| Target::Nodes(vec![node]);
    let cut = |cut: Cut| move |lasting| Fault::Partition { cut: cut.clone(), lasting: Some(lasting) };
    let mut gathering: Vec<Gathering> = Vec::new();
    let nodes: SortedSet<NodeId> = fixed.iter().flat_map(|fate| [fate.from, fate.to]).filter(|node| !node.is_client()).collect();
    for node in nodes {
        let any = move |fate: &FixedFate| fate.from == node || fate.to == node;
        gathering.push((Box::new(any), Box::new(cut(Cut::Isolate { nodes: one(node) }))));
        gathering.push((Box::new(any), Box::new(move |lasting| Fault::Pause { node: Target::Node(node), lasting: Some(lasting) })));
        let (out, back) = (Cut::OneWay { from: one(node), to: Target::All }, Cut::OneWay { from: Target::All, to: one(node) });
        gathering.push((Box::new(move |fate| fate.from == node), Box::new(cut(out))));
        gathering.push((Box::new(move |fate| fate.to == node), Box::new(cut(back))));
    }
    for (from, to) in
        fixed.iter().map(|fate| (fate.from, fate.to)).filter(|link| !link.0.is_client() && !link.1.is_client()).collect::<SortedSet<_>>()
    {
        let link = Cut::OneWay { from: one(from), to: one(to) };
        gathering.push((Box::new(move |fate| (fate.from, fate.to) == (from, to)), Box::new(cut(link))));
    }
    gathering
}

/// Notes what was sent, and what became of it.
#[derive(Default)]
pub(super) struct Sends {
    pub(super) sent: Vec<FixedFate>,
    /// The records, and which of their kind on their link they are.
    pub(super) records: Vec<(u64, u32)>,
    /// When, each.
    at: Vec<Time>,
    nth: BTreeMap<(NodeId, NodeId, KindDigest, u64), u32>,
}

impl Sink for Sends {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let ("send", Some((id, kind)), Some(fate), Some(payload)) = (entry.sort, entry.message, entry.fate, entry.payload) else { return };
        let content = payload.content();
        let nth = self.nth.entry((id.from, id.to, id.kind, content)).or_insert(0);
        *nth += 1;
        let which = Which::Content { content, nth: *nth };
        // The only loss that can be written is that of the table.
        let fate = if let Fate::Lost(Loss::Chance) = fate { Fate::Lost(Loss::Override) } else { fate };
        self.at.push(entry.at);
        self.records.push((entry.number, id.count));
        self.sent.push(FixedFate { from: id.from, to: id.to, kind: kind.name, which, fate });
    }
}
