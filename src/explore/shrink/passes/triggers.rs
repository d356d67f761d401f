//! Moments by meaning: a strike at a time becomes one that waits for what happens just before it, where the failure then survives under
//! nearly all seeds. Such a scenario outlives changes of the code.

use crate::base::{NodeId, Time};
use crate::explore::shrink::candidate::{with_steps, with_value};
use crate::explore::shrink::{Candidate, Search};
use crate::fault::{FaultStep, Happening, Moment, Trigger};
use crate::notation;
use crate::scenario::Scenario;
use crate::trace::{Sink, UntypedRecord};

/// Under so many seeds it is tried, and under so many it must fail.
const SEEDS: u64 = 20;
const NEARLY_ALL: u64 = 18;
/// How many happenings before a strike are tried.
const HAPPENINGS: usize = 12;

/// Says one moment more by meaning; returns whether it did.
pub(in crate::explore::shrink) fn say(search: &mut Search<'_>) -> bool {
    let is_timed = |step: &FaultStep| matches!(step.moment, Moment::At { .. });
    if !search.scenario().conditions.faults.steps().iter().any(is_timed) {
        return false;
    }
    let mut happened = Happened { marks: search.scenario().roster().marks.clone(), all: Vec::new() };
    search.watch(&mut happened);
    let slack = slack(search.scenario());
    let before = survivals(search, &slack);
    let steps = slack.conditions.faults.steps().to_vec();
    for (place, step) in steps.iter().enumerate() {
        let Moment::At { time } = step.moment else { continue };
        if search.judge.is_over() {
            return false;
        }
        for (trigger, names) in happened.before(time) {
            for variant in variants(search, &slack, place, &trigger, &names) {
                let survivals = survivals(search, &variant);
                if survivals >= NEARLY_ALL && survivals > before && search.take(variant) {
                    return true;
                }
            }
        }
    }
    false
}

/// The scenario with as much time again: under another seed it may take a little longer.
fn slack(scenario: &Scenario) -> Scenario {
    let mut slack = scenario.clone();
    slack.conditions.duration = slack.conditions.duration * 2;
    slack
}

/// Under how many seeds it fails in the same way.
fn survivals(search: &mut Search<'_>, scenario: &Scenario) -> u64 {
    let seeds = search.some_seeds(SEEDS);
    let candidates = Candidate::under(scenario, &seeds);
    candidates.iter().filter(|candidate| search.judge.one(candidate).is_some()).count() as u64
}

/// The scenario in which this step waits for this; and the same with the node called by what it has to do with that.
fn variants(search: &Search<'_>, scenario: &Scenario, place: usize, trigger: &Trigger, names: &[(NodeId, &str)]) -> Vec<Scenario> {
    let mut steps = scenario.conditions.faults.steps().to_vec();
    steps[place] = FaultStep::when(trigger.clone(), steps[place].fault.clone());
    let waiting = with_steps(scenario, steps);
    let (text, step) = (waiting.to_ron(), format!("faults[{place}][1]"));
    let leaves = notation::leaves(&text).into_iter().filter(|leaf| leaf.path.starts_with(&step));
    let named = leaves.filter_map(|leaf| {
        let (_, name) = names.iter().find(|(node, _)| leaf.raw == node.to_string())?;
        with_value(&waiting, &leaf.path, name, search.shrink.registry)
    });
    let mut variants: Vec<Scenario> = named.collect();
    variants.push(waiting);
    variants
}

/// What steps call the nodes that had to do with something.
type Called = Vec<(NodeId, &'static str)>;

/// Notes what triggers can wait for.
struct Happened {
    marks: Vec<&'static str>,
    all: Vec<(Time, Happening, Called)>,
}

impl Happened {
    /// What happened last before this time, each with how often it had, and what the nodes that had to do with it are called.
    fn before(&self, time: Time) -> Vec<(Trigger, Called)> {
        let until = self.all.iter().take_while(|(at, ..)| *at <= time).count();
        let mut found: Vec<(Trigger, Called)> = Vec::new();
        for (place, (_, on, names)) in self.all[..until].iter().enumerate().rev() {
            if found.len() < HAPPENINGS && found.iter().all(|(trigger, _)| trigger.on != *on) {
                let nth = self.all[..=place].iter().filter(|(_, other, _)| other == on).count() as u32;
                found.push((Trigger { on: on.clone(), node: None, nth }, names.clone()));
            }
        }
        found
    }
}

impl Sink for Happened {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let subject = |node: Option<NodeId>| node.map(|node| (node, "Subject")).into_iter().collect::<Vec<_>>();
        let (on, names) = match (entry.sort, entry.message) {
            ("send", Some((id, kind))) => (Happening::Sent { kind: kind.name }, vec![(id.from, "Sender"), (id.to, "Receiver")]),
            ("deliver", Some((id, kind))) => (Happening::Delivered { kind: kind.name }, vec![(id.from, "Sender"), (id.to, "Receiver")]),
            ("write", _) => (Happening::Wrote { file: entry.name.map(str::to_owned) }, subject(entry.node)),
            ("synced", _) => (Happening::Synced, subject(entry.node)),
            ("crash", _) => (Happening::Crashed, subject(entry.node)),
            ("mark", _) => match self.marks.iter().find(|mark| Some(**mark) == entry.name) {
                Some(mark) => (Happening::Marked { mark }, subject(entry.node)),
                None => return,
            },
            _ => return,
        };
        self.all.push((entry.at, on, names));
    }
}
