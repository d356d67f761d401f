//! Of all units, the few that make the story.

use super::anchors::{Anchors, Operation};
use super::units::{Unit, WORTH_TELLING};
use super::{Story, StoryStep, What};
use crate::base::{Fate, sort_by_key};
use crate::explore::causes::{Causes, Link};
use crate::trace::{OwnedRecord, Recording};

/// What is worth less fills no story either.
const WORTH_FILLING: u32 = 2;
/// So many steps a story should have, if the run has them.
const STEPS_MIN: usize = 5;
/// How many of the steps may be faults.
const FAULTS_MAX: usize = 5;

/// The steps but the last, and how many units are left out.
pub(super) fn steps(units: &[Unit], recording: &Recording, causes: &Causes, anchors: &Anchors) -> (Vec<StoryStep>, usize) {
    let mut order: Vec<usize> = (0..units.len()).collect();
    // So many are enough to fill any story.
    const LOOKED_AT: usize = 1_000;
    sort_by_key(&mut order, |place| (std::cmp::Reverse(units[*place].worth), std::cmp::Reverse(units[*place].records[0])));
    order.truncate(LOOKED_AT);
    let (mut kept, mut told): (Vec<usize>, Vec<StoryStep>) = (Vec::new(), Vec::new());
    let mut tell = |place: usize, is_wanted: &dyn Fn(&[usize], &[StoryStep]) -> bool| {
        if kept.contains(&place) || !is_wanted(&kept, &told) {
            return;
        }
        let with: Vec<usize> = sorted(&kept, place);
        let steps = merged(with.iter().map(|place| step(&units[*place], recording, causes, anchors)).collect(), recording);
        if steps.len() < Story::STEPS_MAX {
            (kept, told) = (with, steps);
        }
    };
    for place in order {
        let unit = &units[place];
        tell(place, &|kept, told| {
            let faults = kept.iter().filter(|place| matches!(units[**place].what, What::Struck { .. })).count();
            let is_too_much = matches!(unit.what, What::Struck { .. }) && faults >= FAULTS_MAX && !unit.named;
            let is_little = unit.worth < WORTH_TELLING && (told.len() + 1 >= STEPS_MIN || unit.worth < WORTH_FILLING);
            !(is_too_much || is_little || is_told_by_another(unit, kept, units))
        });
    }
    // Where there is room, how it came to what is named is told without a gap.
    for place in senders(units, causes) {
        tell(place, &|_, _| true);
    }
    let left_out = units.len() - kept.len();
    (told, left_out)
}

/// The steps by whose messages it came to those that are named, each before the one that it led to, as many as a story has at most.
fn senders(units: &[Unit], causes: &Causes) -> Vec<usize> {
    let sender = |place: &usize| {
        let What::Handled { on, .. } = units[*place].what else { return None };
        let (sent, _) = causes.causes(on).into_iter().find(|(_, link)| *link == Link::Sent)?;
        units.iter().position(|unit| unit.records.contains(&sent))
    };
    let named = (0..units.len()).rev().filter(|place| units[*place].named);
    let back = |named: usize| std::iter::successors(sender(&named), sender).take(Story::STEPS_MAX);
    named.take(Story::STEPS_MAX).flat_map(back).collect()
}

fn sorted(kept: &[usize], more: usize) -> Vec<usize> {
    let mut all = kept.to_vec();
    all.push(more);
    all.sort_unstable();
    all
}

/// A message that a fault lost, which is told with the fault.
fn is_told_by_another(unit: &Unit, kept: &[usize], units: &[Unit]) -> bool {
    let What::Lost { sent, .. } = unit.what else { return false };
    kept.iter().any(|place| matches!(&units[*place].what, What::Struck { messages, .. } if messages.contains(&sent)))
}

fn step(unit: &Unit, recording: &Recording, causes: &Causes, anchors: &Anchors) -> StoryStep {
    let get = |number: &u64| recording.get(*number);
    let mut what = unit.what.clone();
    let mut nodes: Vec<_> = unit.node.into_iter().collect();
    match &mut what {
        What::Handled { on, did, early, .. } => {
            let own: Vec<&OwnedRecord> = unit.records.iter().filter(|number| *number != on).filter_map(get).collect();
            let leads_on = |record: &&&OwnedRecord| record.sort == "send" && !matches!(record.fate, Some(Fate::Lost(_)));
            let sends: Vec<u64> = own.iter().filter(leads_on).map(|record| record.number).collect();
            let notes = own.iter().filter(|record| matches!(record.sort, "note" | "client" | "panic"));
            did.extend(notes.map(|record| record.number));
            did.extend(&sends);
            if did.is_empty() {
                did.extend(own.iter().filter(|record| record.sort == "mark").map(|record| record.number));
            }
            // What the explanation names comes first.
            sort_by_key(did, |number| (anchors.records.binary_search(number).is_err(), *number));
            *early = is_early(&own, causes, anchors);
        }
        What::Struck { crashes, .. } => nodes.extend(crashes.iter().filter_map(|crash| recording.get(*crash)?.node)),
        What::Operation { invoked, words, completed } => {
            let named = anchors.operations.iter().find(|operation: &&Operation| operation.invoked == *invoked);
            *words = named.and_then(|operation| operation.words.clone());
            *completed = completed.or(named.and_then(|operation| operation.completed));
        }
        What::Lost { sent, .. } => {
            if let Some((id, _)) = recording.get(*sent).and_then(|record| record.message) {
                nodes = vec![id.from, id.to];
            }
        }
        What::Healed | What::Violated => {}
    }
    nodes.sort_unstable();
    nodes.dedup();
    let at = get(&unit.records[0]).map(|record| record.at).unwrap_or_default();
    StoryStep { at, nodes, what, records: unit.records.clone(), named: unit.named }
}

/// Whether a message left before what was written in the same step was durable, and that mattered: a crash took that along, or the
/// explanation names the message.
fn is_early(own: &[&OwnedRecord], causes: &Causes, anchors: &Anchors) -> bool {
    let is_held = |record: &OwnedRecord| causes.causes(record.number).iter().any(|(_, link)| *link == Link::Released);
    let is_undone = |record: &OwnedRecord| causes.effects(record.number).iter().any(|(_, link)| *link == Link::Unsynced);
    let Some(place) = own.iter().position(|record| record.sort == "write") else { return false };
    let mut left = own[place..].iter().filter(|record| record.sort == "send" && !is_held(record));
    let was_undone = own.iter().any(|record| record.sort == "write" && is_undone(record));
    left.any(|send| was_undone || anchors.records.binary_search(&send.number).is_ok())
}

/// Steps that follow each other and are alike but for the node are one.
fn merged(steps: Vec<StoryStep>, recording: &Recording) -> Vec<StoryStep> {
    let mut told: Vec<StoryStep> = Vec::new();
    for step in steps {
        let same = told.last().is_some_and(|last| {
            let (last, this) = (likeness(last, recording), likeness(&step, recording));
            last.is_some() && last == this
        });
        let again = told.last().is_some_and(|last| is_again(last, &step, recording));
        match told.last_mut() {
            Some(last) if same || again => {
                if let (What::Handled { alike, .. }, What::Handled { on, .. }) = (&mut last.what, &step.what) {
                    alike.push(*on);
                }
                last.records.extend(step.records);
                last.records.sort_unstable();
                last.nodes.extend(step.nodes);
                last.nodes.sort_unstable();
                last.nodes.dedup();
                last.named |= step.named;
            }
            _ => told.push(step),
        }
    }
    told
}

/// Whether a node did the same again, with other numbers: a timer that fires in vain, say.
fn is_again(last: &StoryStep, step: &StoryStep, recording: &Recording) -> bool {
    let shape =
        |step: &StoryStep| likeness(step, recording).map(|parts| parts.iter().map(|part| without_numbers(part)).collect::<Vec<_>>());
    !last.named && !step.named && last.nodes == step.nodes && shape(last).is_some_and(|last| Some(last) == shape(step))
}

fn without_numbers(text: &str) -> String {
    let mut shape = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            _ => shape.push(letter),
        }
    }
    shape
}

/// What is the same of steps that are alike: what each took in, and what it noted.
fn likeness(step: &StoryStep, recording: &Recording) -> Option<Vec<String>> {
    let What::Handled { on, did, early, .. } = &step.what else { return None };
    let on = recording.get(*on)?;
    let from = on.message.map(|(id, kind)| format!("{} from {} {}", kind.name, id.from, id.from == id.to));
    let took = from.or_else(|| on.debug().map(str::to_owned)).unwrap_or_else(|| on.sort.to_owned());
    let noted = did.iter().filter_map(|number| recording.get(*number)).map(|record| {
        let kind = record.message.map(|(_, kind)| kind.name);
        let text = record.debug().unwrap_or_default();
        // Of messages the kind; of notes all.
        kind.map_or_else(|| text.to_owned(), str::to_owned)
    });
    Some([took, early.to_string()].into_iter().chain(noted).collect())
}
