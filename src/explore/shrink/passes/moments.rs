//! One part less, where a strike comes at another moment: that at which something happens in the run without the part. A strike that was
//! right among slow links comes too late among fast ones.

use std::ops::Range;

use super::{calm, parts};
use crate::base::{Time, sort_by_key};
use crate::explore::shrink::candidate::with_steps;
use crate::explore::shrink::size::noise;
use crate::explore::shrink::{Candidate, Search};
use crate::fault::{FaultStep, Moment};
use crate::scenario::Scenario;
use crate::trace::{Sink, UntypedRecord};

/// So many events all runs of one pass have together, about; and how many moments are tried for each strike.
const EVENTS: u64 = 2_000_000;
const MOMENTS: u64 = 60;
/// Fewer moments than this are not worth it.
const FEW: u64 = 3;
/// Under how many seeds.
const SEEDS: (u64, u64) = (3, 20);
/// Each run takes as much time as so many events, besides its own.
const RUN: u64 = 300;

pub(super) fn pass(search: &mut Search<'_>) {
    while fewer(search) {}
}

fn fewer(search: &mut Search<'_>) -> bool {
    let struck: Vec<Option<FaultStep>> = struck(search);
    let strikes = struck.iter().flatten().count() as u64;
    let (levels, cost) = (levels(search.scenario()), search.best.outcome.events + RUN);
    let share = EVENTS / levels.len() as u64;
    let last = levels.len() - 1;
    levels.into_iter().enumerate().any(|(level, bases)| {
        let runs = share / cost / (strikes * bases.len() as u64).max(1);
        // Without many operations at once, moments are what there is too few of.
        let least = if level == last { SEEDS.0 } else { 1 };
        let tries = (runs / least).min(MOMENTS);
        // Where there are many to try, none is.
        if strikes == 0 || tries < FEW {
            return false;
        }
        let seeds = search.some_seeds((runs / tries).clamp(least, SEEDS.1));
        bases.into_iter().any(|base| seeds.iter().any(|seed| is_smaller(search, &base, *seed, &struck, tries as usize)))
    })
}

/// Whether this, under this seed, fails in the same way if one of the strikes comes at one of so many moments of its run.
fn is_smaller(search: &mut Search<'_>, base: &Scenario, seed: u64, struck: &[Option<FaultStep>], tries: usize) -> bool {
    let mut moments = Moments::default();
    search.judge.watch(&Candidate::new(base.clone(), seed), &mut moments);
    moments.0.dedup();
    search.attempt_under(moved(base, struck, &moments.0, tries), &[seed]).is_some()
}

/// Of each step its strike: when it came, and whom it struck where only that moment tells.
fn struck(search: &Search<'_>) -> Vec<Option<FaultStep>> {
    let strikes = search.best.outcome.struck.steps();
    let steps = search.scenario().conditions.faults.steps().iter();
    steps
        .map(|step| match step.moment {
            Moment::At { .. } => Some(step.clone()),
            _ => strikes.iter().find(|strike| strike.name() == step.name()).cloned(),
        })
        .collect()
}

/// The scenario with less: without many of its operations, the more the earlier; then with less of anything.
fn levels(scenario: &Scenario) -> Vec<Vec<Scenario>> {
    let count = scenario.operations.scripted.len();
    let without = |chunk: Range<usize>| {
        let mut changed = scenario.clone();
        changed.operations.scripted.drain(chunk);
        changed
    };
    let sizes = std::iter::successors(Some(count), |size| Some(size.div_ceil(2))).take_while(|size| *size > 1);
    let chunks = |size: usize| (0..count).step_by(size).map(|start| without(start..(start + size).min(count))).collect();
    sizes.map(chunks).chain([bases(scenario)]).collect()
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

/// The scenario with one of its strikes at one of these times: so many of them.
fn moved<'s>(
    scenario: &'s Scenario,
    struck: &'s [Option<FaultStep>],
    times: &'s [Time],
    most: usize,
) -> impl Iterator<Item = Scenario> + 's {
    let steps = scenario.conditions.faults.steps();
    let moved = steps.iter().enumerate().filter_map(|(place, step)| {
        let strike = struck.iter().flatten().find(|strike| strike.name() == step.name())?;
        let Moment::At { time } = strike.moment else { return None };
        Some((place, &strike.fault, time))
    });
    moved.flat_map(move |(place, fault, at)| {
        let with = move |time: &Time| {
            let mut steps = steps.to_vec();
            steps[place] = FaultStep::at(*time, fault.clone());
            with_steps(scenario, steps)
        };
        near(times, at, most).into_iter().map(with)
    })
}

/// So many of these times: half of them those next to this one, the others evenly spread.
fn near(times: &[Time], at: Time, most: usize) -> Vec<&Time> {
    let mut near: Vec<&Time> = times.iter().collect();
    sort_by_key(&mut near, |time| if **time < at { at.since(**time) } else { time.since(at) });
    let far = near.split_off((most / 2).min(near.len()));
    let every = far.len().div_ceil((most - near.len()).max(1)).max(1);
    near.extend(far.into_iter().step_by(every));
    near
}

/// Notes when something happens.
#[derive(Default)]
struct Moments(Vec<Time>);

impl Sink for Moments {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        if entry.node.is_some() {
            self.0.push(entry.at);
        }
    }
}
