//! One part less, where a strike comes at another moment: that at which something happens in the run without the part. A strike that was
//! right among slow links comes too late among fast ones.

use super::{calm, parts};
use crate::base::Time;
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::with_steps;
use crate::explore::shrink::size::noise;
use crate::fault::{FaultStep, Moment};
use crate::scenario::Scenario;
use crate::trace::{Sink, UntypedRecord};

/// So many events all runs of one pass have together, about; and how many moments are tried for each strike.
const EVENTS: u64 = 3_000_000;
const MOMENTS: u64 = 60;
/// Fewer moments than this are not worth it.
const FEW: u64 = 4;
/// Under how many seeds.
const SEEDS: (u64, u64) = (3, 20);
/// Each run takes as much time as so many events, besides its own.
const RUN: u64 = 300;

pub(super) fn pass(search: &mut Search<'_>) {
    while fewer(search) {}
}

fn fewer(search: &mut Search<'_>) -> bool {
    let strikes = search.scenario().conditions.faults.steps().len() as u64;
    let runs = |bases: u64| EVENTS / (search.best.outcome.events + RUN) / (strikes * bases).max(1);
    let tries = |runs: u64| (runs / SEEDS.0).min(MOMENTS);
    // Each strike is the part that a base lacks: where there are many, none is made.
    if strikes == 0 || tries(runs(strikes)) < FEW {
        return false;
    }
    let bases = bases(search.scenario());
    let runs = runs(bases.len() as u64);
    let tries = tries(runs);
    if tries < FEW {
        return false;
    }
    let seeds = search.some_seeds((runs / tries).clamp(SEEDS.0, SEEDS.1));
    bases.into_iter().any(|base| {
        let mut moments = Moments::default();
        search.watch_of(&base, &mut moments);
        search.attempt_under(moved(&base, &moments.spread(tries as usize)), &seeds).is_some()
    })
}

/// The scenario with less: without one of its parts, without fixed fates, in calm surroundings.
fn bases(scenario: &Scenario) -> Vec<Scenario> {
    let mut bases: Vec<Scenario> = parts(scenario).map(|(_, without)| without).collect();
    let mut free = scenario.clone();
    free.conditions.fates.clear();
    if noise(&scenario.conditions) > 0 {
        bases.extend(calm::calmer(&free));
    }
    if scenario.conditions.fates.len() > 1 {
        bases.push(free);
    }
    bases
}

/// The scenario with one of its strikes at one of these times.
fn moved<'s>(scenario: &'s Scenario, times: &'s [Time]) -> impl Iterator<Item = Scenario> + 's {
    let steps = scenario.conditions.faults.steps();
    let with = move |moved: usize, time: Time| {
        let step = |(place, step): (usize, &FaultStep)| match step.moment {
            Moment::At { .. } if place == moved => FaultStep::at(time, step.fault.clone()),
            _ => step.clone(),
        };
        with_steps(scenario, steps.iter().enumerate().map(step).collect())
    };
    let timed = (0..steps.len()).filter(move |place| matches!(steps[*place].moment, Moment::At { .. }));
    timed.flat_map(move |place| times.iter().map(move |time| with(place, *time)))
}

/// Notes when something happens.
#[derive(Default)]
struct Moments(Vec<Time>);

impl Moments {
    /// So many of them at most, evenly spread.
    fn spread(mut self, most: usize) -> Vec<Time> {
        self.0.dedup();
        let every = self.0.len().div_ceil(most).max(1);
        self.0.into_iter().step_by(every).collect()
    }
}

impl Sink for Moments {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if entry.node.is_some() {
            self.0.push(entry.at);
        }
    }
}
