//! Reruns, on several threads: what becomes of them depends on neither their number nor their timing.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::Ask;
use crate::explore::sweep::run_one;
use crate::explore::{Ran, Row, Sweep, Until, violated_as};
use crate::scenario::Scenario;
use crate::systems::Watch;
use crate::trace::Sink;
use crate::world::{Entity, Redraw, Whose};

/// What became of a rerun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It fails in the same way.
    Fails,
    /// Every property holds, or nothing is known to be violated.
    Holds,
    /// It fails in another way, and violates this property first.
    Violates(&'static str),
    /// Stormglass itself failed.
    Unknown,
}

/// A rerun.
#[derive(Clone, Copy)]
pub(super) struct Rerun {
    pub(super) came: Came,
    /// The digest of all that happened; none if Stormglass itself failed.
    pub(super) digest: Option<u64>,
}

/// Reruns of one failing run, and how many there were.
pub(super) struct Trials<'a> {
    ask: &'a Ask<'a>,
    pub(super) seed: u64,
    fingerprint: u64,
    /// Runs that may still be made.
    left: u64,
    pub(super) runs: u64,
}

impl<'a> Trials<'a> {
    pub(super) fn new(ask: &'a Ask<'a>, seed: u64, fingerprint: u64, runs: u64) -> Self {
        Self { ask, seed, fingerprint, left: ask.runs.saturating_sub(runs), runs }
    }

    /// Whether no more may run.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0 || self.ask.cancel.load(Ordering::Relaxed)
    }

    /// Runs all of these, in their order; fewer, if it is over before.
    pub(super) fn all(&mut self, scenarios: &[Scenario]) -> Vec<Rerun> {
        let count = scenarios.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if count == 0 || self.is_over() {
            return Vec::new();
        }
        let sweep = Sweep { start: 0, seeds: count as u64, jobs: self.ask.jobs, until: Until::Done, cancel: self.ask.cancel };
        let (run, seed, fingerprint) = (self.ask.run, self.seed, self.fingerprint);
        let rerun = |index: u64, _: &dyn Fn() -> bool| {
            let scenario = &scenarios[index as usize];
            Ran::Row(Box::new(run_one(&|_| run(scenario, seed, Watch::default()), index)))
        };
        let mut reruns = Vec::new();
        let mut each = |row: &Row| {
            reruns.push(Rerun { came: came(row, fingerprint), digest: row.result.as_ref().ok().map(|outcome| outcome.digest) });
            ControlFlow::Continue(())
        };
        // Where no thread can be started nothing is run, and nothing found.
        let _ = sweep.run_elsewhere(&rerun, &mut each);
        self.runs += reruns.len() as u64;
        self.left -= reruns.len() as u64;
        reruns
    }

    /// Reruns in which these draws are drawn afresh, each from a seed of its own. Those seeds are the same for whatever is drawn afresh:
    /// two shares differ by what was drawn, and by nothing else.
    pub(super) fn afresh(&mut self, scenario: &Scenario, after: u64, whose: &Whose, reruns: u64) -> Vec<Rerun> {
        let afresh: Vec<Scenario> = (0..reruns).map(|nth| redrawn(scenario, fresh(self.seed, nth), after, whose)).collect();
        self.all(&afresh)
    }

    /// Runs this once more, to see what happens in it.
    pub(super) fn watch(&mut self, scenario: &Scenario, sink: &mut dyn Sink) {
        (self.ask.run)(scenario, self.seed, Watch { sinks: vec![sink], ..Watch::default() });
        self.runs += 1;
        self.left = self.left.saturating_sub(1);
    }
}

fn came(row: &Row, fingerprint: u64) -> Came {
    match (&row.result, row.first_violated()) {
        (Ok(outcome), Some(_)) if violated_as(outcome, fingerprint).is_some() => Came::Fails,
        (Ok(_), Some(first)) => Came::Violates(first.name),
        (Ok(_), None) => Came::Holds,
        (Err(_), _) => Came::Unknown,
    }
}

/// The n-th fresh seed of a run with this one.
pub(super) fn fresh(seed: u64, nth: u64) -> u64 {
    seed.wrapping_add((nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The scenario with these draws drawn afresh.
pub(super) fn redrawn(scenario: &Scenario, seed: u64, after: u64, whose: &Whose) -> Scenario {
    let mut afresh = scenario.clone();
    afresh.conditions.redraw = Some(Redraw { seed, after, whose: whose.clone() });
    afresh
}

/// The draws of all.
pub(super) fn everything() -> Whose {
    Whose::AllBut(Vec::new())
}

/// The draws of this one alone.
pub(super) fn only(entity: Entity) -> Whose {
    Whose::Only(vec![entity])
}
