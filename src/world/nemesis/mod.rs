//! The nemesis applies the plan of faults: when each strikes, which nodes, and whether it made a difference.
//!
//! A step of the plan falls due ([`plan`]), by its time or because what it waits for has happened ([`triggers`]). At the end of the instant
//! what it leaves open is resolved ([`resolve`]), and it strikes ([`strike`]).

mod plan;
mod resolve;
mod strike;
mod triggers;

use std::collections::VecDeque;

use super::outcome::{FaultCount, StepCount};
use super::setup::Cluster;
use crate::base::{Digest, RunKey, Time};
use crate::fault::{Fault, FaultKind, FaultPlan, FaultStep, Moment, Strike};
use crate::trace::Event;
use triggers::{ArmedTrigger, Occasion};

/// The plan, what of it is due, and what has struck.
pub(super) struct Nemesis {
    plan: FaultPlan,
    key: RunKey,
    /// How often each step has fallen due.
    taken: Vec<u32>,
    watches: Vec<ArmedTrigger>,
    /// What strikes at the end of this instant, in order.
    due: VecDeque<Due>,
    struck: Vec<Struck>,
    /// Whether faults may strike still.
    active: bool,
}

/// A step that is due, and what set it off.
#[derive(Clone, Copy)]
struct Due {
    step: u32,
    occasion: Occasion,
}

/// What has struck.
struct Struck {
    at: Time,
    step: u32,
    /// The name of the step, and, if it falls due again and again, the n-th time, counted from 1: all that a step does at once has one.
    name: String,
    strike: Strike,
    /// Whether it made a difference.
    bitten: bool,
}

impl Nemesis {
    pub(super) fn new(plan: FaultPlan, key: RunKey) -> Self {
        Self {
            watches: ArmedTrigger::all(&plan),
            taken: vec![0; plan.steps().len()],
            plan,
            key,
            due: VecDeque::new(),
            struck: Vec::new(),
            active: true,
        }
    }

    /// From now on words come from this key.
    pub(super) fn set_key(&mut self, key: RunKey) {
        self.key = key;
    }

    /// The name of what a step does when it next falls due. What is drawn for it hangs on this name, and a recorded plan repeats it.
    fn next_name(&self, step: u32) -> String {
        let (planned, nth) = (&self.plan.steps()[step as usize], self.taken[step as usize] + 1);
        match planned.moment {
            Moment::Every { .. } => format!("{} #{nth}", planned.name()),
            _ => planned.name().to_owned(),
        }
    }

    /// Whether nothing is due at the end of this instant.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty()
    }

    /// A step of the plan is due.
    pub(super) fn fall_due(&mut self, step: u32) {
        self.due.push_back(Due { step, occasion: Occasion::default() });
    }

    /// Lets the triggers see what happened.
    #[inline]
    pub(super) fn see<C: Cluster>(&mut self, event: &Event<'_, C>) {
        if self.active && !self.watches.is_empty() {
            self.watch(*event);
        }
    }

    /// Takes the event by value, so that no caller need put one together where nothing is waited for.
    #[inline(never)]
    fn watch<C: Cluster>(&mut self, event: Event<'_, C>) {
        let set_off = self.watches.iter_mut().filter_map(|watch| watch.see(&event));
        self.due.extend(set_off.map(|(step, occasion)| Due { step, occasion }));
    }

    /// The strike with this number made a difference. All bites arrive here.
    pub(super) fn bite(&mut self, strike: u32) {
        if let Some(struck) = self.struck.get_mut(strike as usize) {
            struck.bitten = true;
        }
    }

    /// Of each kind of fault that the plan has, how often it struck and bit.
    pub(super) fn counts(&self) -> Vec<FaultCount> {
        let count = |kind: &'static FaultKind| {
            let struck = || self.struck.iter().filter(|struck| struck.strike.name() == kind.name);
            let bites = struck().filter(|struck| struck.bitten).count() as u64;
            FaultCount { kind: kind.name, strikes: struck().count() as u64, bites }
        };
        let is_planned = |kind: &&FaultKind| self.plan.kinds().any(|planned| planned.name == kind.name);
        FaultKind::ALL.iter().filter(is_planned).map(count).collect()
    }

    /// Of each step of the plan, how often it struck and bit.
    pub(super) fn step_counts(&self) -> Vec<StepCount> {
        let count = |step: &FaultStep| StepCount { step: step.name().to_owned(), strikes: 0, bites: 0 };
        let mut counts: Vec<StepCount> = self.plan.steps().iter().map(count).collect();
        for struck in &self.struck {
            let count = &mut counts[struck.step as usize];
            count.strikes += 1;
            count.bites += u64::from(struck.bitten);
        }
        counts
    }

    /// What has struck, as a plan. What a step did at once stays one step.
    pub(super) fn into_struck(self) -> FaultPlan {
        let together = self.struck.chunk_by(|one, next| one.step == next.step && one.name == next.name);
        let steps = together.filter_map(|strikes| {
            let fault = Fault::struck(&strikes.iter().map(|struck| struck.strike.clone()).collect::<Vec<_>>())?;
            Some(FaultStep::at(strikes[0].at, fault).named(&strikes[0].name))
        });
        FaultPlan::new(steps.collect())
    }
}

/// The identity of what strikes under this name.
fn identity(name: &str) -> u64 {
    Digest::of(name)
}
