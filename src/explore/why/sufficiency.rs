//! Whether what is kept suffices: all else is drawn afresh, and what has to be pinned besides.

use super::{Carrier, Share, Trials};
use crate::scenario::Scenario;
use crate::world::{Entity, Whose};

/// How often the run fails when what is kept is pinned and all else is drawn afresh.
#[derive(Clone, Debug, Default)]
pub struct Sufficiency {
    /// With the elements alone.
    pub alone: Share,
    /// The entities whose draws are pinned besides, so that they suffice.
    pub pins: Vec<Entity>,
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

/// Pins the draws of entities, those first that carry the failure most, until it fails nearly always; and takes those back that need not
/// be pinned.
pub(super) fn sufficiency(trials: &mut Trials<'_>, scenario: &Scenario, carriers: &[Carrier]) -> Sufficiency {
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
    for place in (0..pins.len()).rev() {
        let mut fewer = pins.clone();
        fewer.remove(place);
        if enough && is_enough(share(trials, scenario, &fewer, TRIED)) {
            pins = fewer;
        }
    }
    let pinned = if pins.is_empty() { alone } else { share(trials, scenario, &pins, RERUNS) };
    Sufficiency { alone, pins, pinned, suffices: is_enough(pinned) }
}

fn share(trials: &mut Trials<'_>, scenario: &Scenario, pins: &[Entity], reruns: u64) -> Share {
    let share = Share::of(&trials.afresh(scenario, 0, &Whose::AllBut(pins.to_vec()), reruns));
    if share.of == reruns { share } else { Share::default() }
}

fn is_enough(share: Share) -> bool {
    share.of > 0 && share.failed * 100 > share.of * 95
}
