//! Who applies the plan of faults: when each strikes, whom it strikes, and whether it made a difference.
//!
//! A step of the plan falls due ([`plan`]), by its time or because what it waits for has happened ([`triggers`]). At the end of the instant
//! what it leaves open is resolved ([`resolve`]), and it strikes ([`strike`]).

mod plan;
mod resolve;
mod strike;
mod triggers;

use std::collections::VecDeque;

use super::outcome::FaultCount;
use super::setup::Cluster;
use crate::base::{Duration, DurationRange, RunKey, Stream, Time};
use crate::fault::{FaultPlan, FaultStep, Kind, Strike};
use crate::trace::Event;
use triggers::{Cause, Watch};

/// The plan, what of it is due, and what has struck.
pub(super) struct Nemesis {
    plan: FaultPlan,
    random: Stream,
    watches: Vec<Watch>,
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
    cause: Cause,
}

/// What has struck.
struct Struck {
    at: Time,
    strike: Strike,
    /// Whether it made a difference.
    bitten: bool,
}

impl Nemesis {
    pub(super) fn new(plan: FaultPlan, key: RunKey, kinds: &[&str]) -> Self {
        Self {
            watches: Watch::all(&plan, kinds),
            plan,
            random: key.stream("nemesis", 0),
            due: VecDeque::new(),
            struck: Vec::new(),
            active: true,
        }
    }

    /// Whether nothing is due at the end of this instant.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty()
    }

    /// A step of the plan is due.
    pub(super) fn fall_due(&mut self, step: u32) {
        self.due.push_back(Due { step, cause: Cause::default() });
    }

    /// Lets the triggers see what happened.
    #[inline]
    pub(super) fn see<C: Cluster>(&mut self, event: &Event<'_, C>) {
        if self.active && !self.watches.is_empty() {
            self.watch(*event);
        }
    }

    /// Takes the event by value, so that nobody need put one together where nothing is waited for.
    #[inline(never)]
    fn watch<C: Cluster>(&mut self, event: Event<'_, C>) {
        let set_off = self.watches.iter_mut().filter_map(|watch| watch.see(&event));
        self.due.extend(set_off.map(|(step, cause)| Due { step, cause }));
    }

    /// The strike with this number made a difference. All bites arrive here.
    pub(super) fn bite(&mut self, strike: u32) {
        if let Some(struck) = self.struck.get_mut(strike as usize) {
            struck.bitten = true;
        }
    }

    /// Of each kind of fault that the plan has, how often it struck and bit.
    pub(super) fn counts(&self) -> Vec<FaultCount> {
        let count = |kind: &'static Kind| {
            let struck = || self.struck.iter().filter(|struck| struck.strike.name() == kind.name);
            let bites = struck().filter(|struck| struck.bitten).count() as u64;
            FaultCount { kind: kind.name, strikes: struck().count() as u64, bites }
        };
        let is_planned = |kind: &&Kind| self.plan.kinds().any(|planned| planned.name == kind.name);
        Kind::ALL.iter().filter(is_planned).map(count).collect()
    }

    pub(super) fn into_struck(self) -> FaultPlan {
        let steps = self.struck.into_iter().map(|struck| FaultStep::at(struck.at, struck.strike.into()));
        FaultPlan { steps: steps.collect() }
    }

    fn length(&mut self, range: DurationRange) -> Duration {
        if range.low() == range.high() { range.low() } else { self.random.within(range) }
    }
}
