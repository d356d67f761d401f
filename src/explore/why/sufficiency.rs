//! Whether what is kept suffices: all else is drawn afresh, and what has to be pinned besides.

use std::collections::BTreeMap;

use super::event::content;
use super::{Carrier, Share, Trials};
use crate::base::{Fate, FixedFate, Loss, NodeId, Which};
use crate::scenario::Scenario;
use crate::trace::Recording;
use crate::world::{Entity, Whose};

/// How often the run fails when what is kept is pinned and all else is drawn afresh.
#[derive(Clone, Debug, Default)]
pub struct Sufficiency {
    /// With the elements alone.
    pub alone: Share,
    /// The entities whose draws are pinned besides, so that they suffice.
    pub pins: Vec<Entity>,
    /// The messages whose fates are pinned besides, where a few of a link are all that matters of it.
    pub fates: Vec<FixedFate>,
    /// With these.
    pub pinned: Share,
    /// Whether more than 95 % fail then.
    pub suffices: bool,
}

/// Of so many reruns the share is told.
const RERUNS: u64 = 100;
/// By so many each pin is tried.
const TRIED: u64 = 40;
/// No more entities than these are tried.
const MOST: usize = 24;

/// Of a link with more messages than these no single ones are pinned.
const MESSAGES: usize = 64;
/// More than so many messages of a link say no more than the link.
const FEW: usize = 3;

/// Pins the draws of entities, those first that carry the failure most, until it fails nearly always; takes those back that need not be
/// pinned; and of links pins a few messages instead, where these do.
pub(super) fn sufficiency(
    trials: &mut Trials<'_>,
    scenario: &Scenario,
    carriers: &[Carrier],
    recording: &Recording,
    records: u64,
) -> Sufficiency {
    let alone = share(trials, scenario, &[], RERUNS);
    let mut pins: Vec<Entity> = Vec::new();
    let mut enough = is_enough(alone);
    for carrier in carriers.iter().take(MOST) {
        if enough || trials.is_over() {
            break;
        }
        pins.push(carrier.entity);
        enough = is_enough(share(trials, scenario, &pins, TRIED));
    }
    let mut pinned = scenario.clone();
    for place in (0..pins.len()).rev().filter(|_| enough) {
        let mut fewer = pins.clone();
        let entity = fewer.remove(place);
        if is_enough(share(trials, &pinned, &fewer, TRIED)) {
            pins = fewer;
        } else if let Entity::Link(from, to) = entity
            && let Some(with_fates) = few_fates(trials, &pinned, &fewer, fates(recording, records, from, to))
        {
            (pinned, pins) = (with_fates, fewer);
        }
    }
    let fates = pinned.conditions.fates[scenario.conditions.fates.len()..].to_vec();
    let together = if pins.is_empty() && fates.is_empty() { alone } else { share(trials, &pinned, &pins, RERUNS) };
    Sufficiency { alone, pins, fates, pinned: together, suffices: is_enough(together) }
}

/// The fates that chance had for the messages of this link, by what these say.
fn fates(recording: &Recording, records: u64, from: NodeId, to: NodeId) -> Vec<FixedFate> {
    let mut said = BTreeMap::new();
    let sent = recording.records().iter().take(records as usize).filter(|record| record.sort == "send");
    let fates = sent.filter_map(|record| {
        let ((id, kind), fate) = (record.message?, record.fate?);
        let content = content(record);
        let nth = said.entry((id.from, id.to, id.kind, content)).and_modify(|nth| *nth += 1).or_insert(1_u32);
        let which = Which::Content { content, nth: *nth };
        let fate = match fate {
            Fate::Lost(Loss::Chance) => Fate::Lost(Loss::Override),
            Fate::Lost(_) => return None,
            arrives => arrives,
        };
        ((id.from, id.to) == (from, to)).then_some(FixedFate { from, to, kind: kind.name, which, fate })
    });
    fates.collect()
}

/// The scenario with a few of these fates, if with these pins that is enough.
fn few_fates(trials: &mut Trials<'_>, scenario: &Scenario, pins: &[Entity], mut fates: Vec<FixedFate>) -> Option<Scenario> {
    let with = |fates: &[FixedFate]| {
        let mut pinned = scenario.clone();
        pinned.conditions.fates.extend_from_slice(fates);
        pinned
    };
    let mut is_enough_with = |fates: &[FixedFate]| is_enough(share(trials, &with(fates), pins, TRIED));
    if fates.len() > MESSAGES || !is_enough_with(&fates) {
        return None;
    }
    let mut chunk = fates.len().div_ceil(2);
    while chunk > 0 {
        let mut start = 0;
        while start < fates.len() {
            let mut fewer = fates.clone();
            fewer.drain(start..(start + chunk).min(fates.len()));
            if is_enough_with(&fewer) {
                fates = fewer;
            } else {
                start += chunk;
            }
        }
        chunk /= 2;
    }
    (fates.len() <= FEW).then(|| with(&fates))
}

fn share(trials: &mut Trials<'_>, scenario: &Scenario, pins: &[Entity], reruns: u64) -> Share {
    let share = Share::of(&trials.afresh(scenario, 0, &Whose::AllBut(pins.to_vec()), reruns));
    if share.of == reruns { share } else { Share::default() }
}

fn is_enough(share: Share) -> bool {
    share.of > 0 && share.failed * 100 > share.of * 95
}
