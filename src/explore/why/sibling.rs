//! The nearest run that passes: what has to be changed for it, and where the two part.

use super::event::{Common, identity};
use super::trials::{fresh, only, redrawn};
use super::{Came, Carrier, ElementSort, KeptElement, Trials};
use crate::base::{Fate, FixedFate, Loss, MessageId, Which};
use crate::scenario::Scenario;
use crate::trace::{OwnedRecord, Recording};
use crate::world::Entity;

/// A run that differs in one thing, and in which every property holds.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// What is changed.
    pub change: Alteration,
    /// The scenario, changed.
    pub scenario: Scenario,
    /// How many records both runs have in common, from the first on.
    pub common: u64,
    /// What comes then: of the failing run, and of the one that passes. What is about the same stands in one row, whenever it happens.
    pub parted: Vec<Parted>,
}

/// Records of two runs that are about the same, or one that the other run does not have there.
#[derive(Clone, Debug)]
pub struct Parted {
    /// In the run that fails.
    pub fails: Option<OwnedRecord>,
    /// In the run that passes.
    pub passes: Option<OwnedRecord>,
}

/// One thing that is changed. What takes trouble away is smaller than what adds some: first a message that was lost arrives; then an
/// element is left out; then a message that arrived is lost; and last the draws of one entity are drawn afresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// The fate of this message, from what it is to this.
    Fate {
        /// Which.
        message: MessageId,
        /// The name of its kind.
        kind: &'static str,
        /// What became of it.
        was: Fate,
        /// What becomes of it.
        becomes: Fate,
    },
    /// An element is left out.
    Without(ElementSort, String),
    /// The draws of this entity are drawn afresh.
    Afresh(Entity),
}

/// At most so many messages are given another fate: the last ones before the violation.
const MESSAGES: usize = 120;
/// Under how many fresh seeds an entity is tried.
const SEEDS: u64 = 8;
/// How many records of each run are shown from where they part.
const SHOWN: usize = 12;

/// The nearest sibling: of what passes, the smallest change; of equally small ones, the one that parts last.
pub(super) fn nearest(
    trials: &mut Trials<'_>,
    scenario: &Scenario,
    recording: &Recording,
    records: u64,
    elements: &[(KeptElement, Scenario)],
    carriers: &[Carrier],
) -> Option<Sibling> {
    let necessary = elements.iter().filter(|(element, _)| element.is_necessary());
    let left_out: Vec<(Alteration, Scenario)> =
        necessary.map(|(element, without)| (Alteration::Without(element.sort, element.text.clone()), without.clone())).collect();
    type Level<'l> = &'l dyn Fn(&mut Trials<'_>) -> Vec<(Alteration, Scenario)>;
    let levels: [Level<'_>; 4] = [
        &|trials| that_hold(trials, other_fates(scenario, recording, records, true)),
        &|_| left_out.clone(),
        &|trials| that_hold(trials, other_fates(scenario, recording, records, false)),
        &|trials| that_hold(trials, afresh(scenario, trials.seed, carriers)),
    ];
    let found = levels.into_iter().map(|level| level(trials)).find(|found| !found.is_empty())?;
    let mut common = Vec::new();
    for (_, changed) in &found {
        if trials.is_over() {
            return None;
        }
        let mut with_it = Common::with(recording);
        trials.watch(changed, &mut with_it);
        common.push(with_it.records);
    }
    let (common, (change, scenario)) = common.into_iter().zip(found).rev().max_by_key(|(common, _)| *common)?;
    if trials.is_over() {
        return None;
    }
    let mut other = Recording::default();
    trials.watch(&scenario, &mut other);
    let shown = |recording: &Recording| recording.records().iter().skip(common).take(SHOWN).cloned().collect::<Vec<_>>();
    let parted = align(&shown(recording), &shown(&other));
    Some(Sibling { change, scenario, common: common as u64, parted })
}

/// Those of these in which every property holds.
fn that_hold(trials: &mut Trials<'_>, changes: Vec<(Alteration, Scenario)>) -> Vec<(Alteration, Scenario)> {
    let changed: Vec<Scenario> = changes.iter().map(|(_, changed)| changed.clone()).collect();
    let reruns = trials.all(&changed);
    changes.into_iter().zip(reruns).filter(|(_, rerun)| rerun.came == Came::Holds).map(|(change, _)| change).collect()
}

/// The last messages before the violation that were lost, or those that arrived, each with another fate: it arrives as usual, or is lost.
fn other_fates(scenario: &Scenario, recording: &Recording, records: u64, lost: bool) -> Vec<(Alteration, Scenario)> {
    let before = &recording.records()[..recording.records().len().min(records as usize)];
    let was_lost = |record: &OwnedRecord| matches!(record.fate, Some(Fate::Lost(_)));
    let sent = before.iter().rev().filter(|record| record.sort == "send" && was_lost(record) == lost).take(MESSAGES);
    let usual = Fate::Deliver(scenario.conditions.link.latency.mean());
    let other = |record: &OwnedRecord| {
        let ((message, kind), was) = (record.message?, record.fate?);
        let kind = kind.name;
        let becomes = if matches!(was, Fate::Lost(_)) { usual } else { Fate::Lost(Loss::Override) };
        let mut changed = scenario.clone();
        let which = Which::Count(message.count);
        changed.conditions.fates.push(FixedFate { from: message.from, to: message.to, kind, which, fate: becomes });
        Some((Alteration::Fate { message, kind, was, becomes }, changed))
    };
    sent.filter_map(other).collect()
}

fn afresh(scenario: &Scenario, seed: u64, carriers: &[Carrier]) -> Vec<(Alteration, Scenario)> {
    let under =
        |entity: Entity| (0..SEEDS).map(move |nth| (Alteration::Afresh(entity), redrawn(scenario, fresh(seed, nth), 0, &only(entity))));
    carriers.iter().filter(|carrier| carrier.share.failed < carrier.share.of).flat_map(|carrier| under(carrier.entity)).collect()
}

/// Two runs side by side: records that are about the same stand in one row, in the longest way.
fn align(one: &[OwnedRecord], other: &[OwnedRecord]) -> Vec<Parted> {
    let same = |a: usize, b: usize| identity(&one[a]) == identity(&other[b]);
    // The longest common part of what is left of both, from each pair of places on.
    let mut longest = vec![vec![0_usize; other.len() + 1]; one.len() + 1];
    for a in (0..one.len()).rev() {
        for b in (0..other.len()).rev() {
            longest[a][b] = if same(a, b) { longest[a + 1][b + 1] + 1 } else { longest[a + 1][b].max(longest[a][b + 1]) };
        }
    }
    let (mut a, mut b, mut rows) = (0, 0, Vec::new());
    while a < one.len() || b < other.len() {
        if a < one.len() && b < other.len() && same(a, b) {
            rows.push(Parted { fails: Some(one[a].clone()), passes: Some(other[b].clone()) });
            (a, b) = (a + 1, b + 1);
        } else if b == other.len() || a < one.len() && longest[a + 1][b] >= longest[a][b + 1] {
            rows.push(Parted { fails: Some(one[a].clone()), passes: None });
            a += 1;
        } else {
            rows.push(Parted { fails: None, passes: Some(other[b].clone()) });
            b += 1;
        }
    }
    rows
}
