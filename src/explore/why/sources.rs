//! Whose chance carries the failure: the draws of one entity alone are drawn afresh.

use super::trials::only;
use super::{Share, Trials};
use crate::base::{SortedSet, sort_by};
use crate::environment::ClockModel;
use crate::scenario::Scenario;
use crate::trace::Recording;
use crate::world::Entity;

/// An entity whose draws make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Whose draws they are.
    pub entity: Entity,
    /// How many of the reruns still fail in which they alone are drawn afresh.
    pub share: Share,
}

/// How many reruns each entity has. Fewer could all be the same by chance, though it draws something that matters.
const RERUNS: u64 = 20;

/// The entities whose draws make a difference to the run, the one that carries the failure most first.
pub(super) fn carriers(trials: &mut Trials<'_>, scenario: &Scenario, recording: &Recording, digest: u64) -> Vec<Carrier> {
    let mut carriers: Vec<Carrier> =
        entities(scenario, recording).into_iter().filter_map(|entity| carrier(trials, scenario, entity, digest)).collect();
    sort_by(&mut carriers, |one, other| one.share.part().total_cmp(&other.share.part()).then(one.entity.cmp(&other.entity)));
    carriers
}

fn carrier(trials: &mut Trials<'_>, scenario: &Scenario, entity: Entity, digest: u64) -> Option<Carrier> {
    let reruns = trials.afresh(scenario, 0, &only(entity), RERUNS);
    let differs = reruns.iter().any(|rerun| rerun.digest != Some(digest));
    differs.then_some(Carrier { entity, share: Share::of(&reruns) })
}

/// All that may have draws in this run, in their order.
fn entities(scenario: &Scenario, recording: &Recording) -> SortedSet<Entity> {
    let has_clocks = scenario.conditions.clocks != ClockModel::default();
    let mut entities = SortedSet::new();
    if !scenario.conditions.faults.steps().is_empty() {
        entities.insert(Entity::Faults);
    }
    for record in recording.records() {
        match (record.sort, record.message, record.node) {
            ("send", Some((id, _)), _) => drop(entities.insert(Entity::Link(id.from, id.to))),
            ("boot", _, Some(node)) => {
                entities.insert(Entity::Node(node));
                if has_clocks {
                    entities.insert(Entity::Clock(node));
                }
            }
            ("synced" | "crash", _, Some(node)) => drop(entities.insert(Entity::Disk(node))),
            _ => {}
        }
    }
    entities
}
