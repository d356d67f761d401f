//! One strike less, where another one strikes at another moment: that at which something happens in the run.

use crate::base::Time;
use crate::explore::shrink::Search;
use crate::explore::shrink::candidate::with_steps;
use crate::fault::{FaultStep, Moment};
use crate::scenario::Scenario;
use crate::trace::{Sink, UntypedRecord};

/// So many events all runs of one pass have together, about; and how many moments are tried for each strike.
const EVENTS: u64 = 1_500_000;
const MOMENTS: u64 = 100;
/// Under how many seeds.
const SEEDS: u64 = 3;

pub(super) fn pass(search: &mut Search<'_>) {
    while fewer(search) {}
}

fn fewer(search: &mut Search<'_>) -> bool {
    let count = search.scenario().conditions.faults.steps().len() as u64;
    let tries = EVENTS / search.best.outcome.events.max(1) / SEEDS / (count * count).max(1);
    if count < 2 || tries < 4 {
        return false;
    }
    let mut moments = Moments::default();
    search.watch(&mut moments);
    let times = moments.spread(tries.min(MOMENTS) as usize);
    let variants: Vec<Scenario> = moved(search.scenario(), &times);
    let seeds = search.some_seeds(SEEDS);
    search.attempt_under(&variants, &seeds).is_some()
}

/// The scenario without one of its steps, and with one of the others at one of these times.
fn moved(scenario: &Scenario, times: &[Time]) -> Vec<Scenario> {
    let steps = scenario.conditions.faults.steps();
    let pairs = (0..steps.len()).flat_map(|gone| (0..steps.len()).map(move |moved| (gone, moved))).filter(|(gone, moved)| gone != moved);
    let with = |(gone, moved): (usize, usize), time: Time| {
        let step = |(place, step): (usize, &FaultStep)| match step.moment {
            _ if place == gone => None,
            Moment::At { .. } if place == moved => Some(FaultStep::at(time, step.fault.clone())),
            _ => Some(step.clone()),
        };
        with_steps(scenario, steps.iter().enumerate().filter_map(step).collect())
    };
    pairs.flat_map(|pair| times.iter().map(move |time| with(pair, *time))).collect()
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
