//! From a failing run to the few things that matter.
//!
//! What is looked for is a smaller scenario, and a seed, under which the same happens: a failure with the same
//! [`fingerprint`](super::fingerprint()). A candidate is data, and nothing here knows of protocols: numbers of nodes, clients and keys
//! are whole numbers in a file that change how many there are. Each way of making candidates is a *pass*, a file of its own; passes go on
//! until none finds anything smaller, so that what is shrunk already stays as it is.
//!
//! Each candidate is judged under several seeds, and counts if it fails under one of them: a fault less changes what becomes of all later
//! messages, so that under the one seed hardly anything can be left out. The order, delta debugging with chunks that get smaller, and the
//! small runs that are tried afresh follow `ddmin` (Zeller and Hildebrandt, 2002), counter-based delta debugging (Zhang et al., 2024) and
//! Hypothesis (MacIver and Donaldson, 2020).

mod candidate;
mod cause;
mod judge;
mod passes;
mod size;

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Row;
use super::sweep::run_one;
use crate::base::{Duration, Time, sort_by_key};
use crate::check::PropertyReport;
use crate::scenario::{Expected, Scenario};
use crate::systems::{Registry, Watch};
use crate::trace::Sink;
use crate::world::{Outcome, Scripted};
use candidate::Candidate;
use cause::Cause;
use judge::{Found, Judge, Target};
use size::Size;

pub(super) use passes::parts;
pub use size::Extent;

/// Runs a scenario under a seed, watched: [`Scenario::run_watched`], with whatever is to be around it.
pub type Run<'a> = dyn Fn(&Scenario, u64, Watch<'_>) -> Outcome + Sync + 'a;

/// How to shrink.
pub struct Shrink<'a> {
    /// The systems that scenarios can name.
    pub registry: &'a Registry,
    /// How many threads run candidates, at least one. What is found does not depend on it.
    pub jobs: usize,
    /// How many runs it may take.
    pub runs: u64,
    /// Set from outside when it is to stop: the smallest so far is returned.
    pub cancel: &'a AtomicBool,
    /// Whether bugs that are planted in the scenario are mended, one by one, to see whether a candidate fails by the same of them. Of a bug
    /// that nobody knows this cannot be asked.
    pub mends: bool,
    /// Runs one candidate. Threads contain no more than panics: see [`Sweep::run`](super::Sweep::run).
    pub run: &'a Run<'a>,
}

/// A smaller failing run that was found on the way.
pub struct Smaller<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// Its seed.
    pub seed: u64,
    /// How large it is.
    pub extent: Extent,
    /// How many runs it took so far.
    pub runs: u64,
}

/// What it came to.
pub struct Shrunk {
    /// The smallest scenario that was found. It names its seed and the property that it violates.
    pub scenario: Scenario,
    /// It as a file, without what need not be said.
    pub text: String,
    /// The seed under which it fails.
    pub seed: u64,
    /// What is violated.
    pub violated: PropertyReport,
    /// The [`fingerprint`](super::fingerprint()) that both failures have.
    pub fingerprint: u64,
    /// What the run came to.
    pub outcome: Outcome,
    /// How large the run was.
    pub before: Extent,
    /// How large it is.
    pub after: Extent,
    /// What is left, and what becomes of the run without it. Empty if it was not finished.
    pub left: Vec<Left>,
    /// Other failures that were met, each with the first scenario and seed that showed it.
    pub others: Vec<Other>,
    /// How many runs it took.
    pub runs: u64,
    /// Whether nothing smaller can be found in these ways. If not, it was stopped, or used up its runs.
    pub finished: bool,
}

/// A part of what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// As it is written.
    pub part: String,
    /// What becomes of the run, under the same seed, without it.
    pub without: Without,
}

/// What becomes of a run without one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// Every property holds, or nothing is known to be violated.
    Holds,
    /// It fails in another way, and violates this property first.
    Violates(&'static str),
    /// It fails all the same.
    FailsStill,
}

/// Another failure, that was met and not followed.
pub struct Other {
    /// Its [`fingerprint`](super::fingerprint()).
    pub fingerprint: u64,
    /// The property that it violates first.
    pub property: &'static str,
    /// The scenario that showed it.
    pub scenario: Scenario,
    /// Under this seed.
    pub seed: u64,
}

impl Shrink<'_> {
    /// Shrinks the run of this scenario under this seed, and shows `each` what it starts from and every smaller one that it
    /// finds on the way.
    ///
    /// # Errors
    /// The row of that run, if it violates nothing.
    pub fn shrink(&self, scenario: &Scenario, seed: u64, each: &mut dyn FnMut(&Smaller<'_>)) -> Result<Shrunk, Box<Row>> {
        self.shrink_as(None, scenario, seed, each)
    }

    /// The same of the failure that has this [`fingerprint`](super::fingerprint()), if one is given: whatever the scenario means to show,
    /// and whatever is violated first.
    ///
    /// # Errors
    /// The row of that run, if it violates nothing, or nothing in that way.
    pub fn shrink_as(
        &self,
        fingerprint: Option<u64>,
        scenario: &Scenario,
        seed: u64,
        each: &mut dyn FnMut(&Smaller<'_>),
    ) -> Result<Shrunk, Box<Row>> {
        let (mut search, before) = self.begin(fingerprint, scenario, seed, each)?;
        search.start_over();
        loop {
            passes::ordered(&mut search);
            passes::unsaid(&mut search);
            if !passes::say(&mut search) {
                break;
            }
            search.go();
        }
        Ok(search.finish(before))
    }

    /// A search that begins with this failing run, and how large that is.
    fn begin<'a>(
        &'a self,
        fingerprint: Option<u64>,
        scenario: &Scenario,
        seed: u64,
        each: &'a mut dyn FnMut(&Smaller<'_>),
    ) -> Result<(Search<'a>, Extent), Box<Row>> {
        let row = run_one(&|seed| (self.run)(scenario, seed, Watch::default()), seed);
        let found = row.result.as_ref().ok().and_then(|outcome| Some((outcome, Target::of(outcome, fingerprint, scenario.expected)?)));
        let Some((outcome, (target, violated))) = found else { return Err(Box::new(row)) };
        let before = Extent::of(scenario, outcome, Time::MAX);
        let mut scenario = scenario.clone();
        (scenario.seed, scenario.expected) = (None, Expected::Violates(violated.name));
        scenario.expect.clear();
        let candidate = Candidate::new(scenario, seed);
        let cause = if self.mends { Cause::of(&candidate, target, self.run) } else { Cause::UNKNOWN };
        let best = Best { size: Size::of(&candidate, outcome, violated), outcome: Rc::new(outcome.clone()), candidate };
        let populating = passes::populating(&best.candidate.scenario, self.registry);
        let judge = Judge::new(self, target, cause);
        Ok((Search { shrink: self, judge, target, best, each, detours: 0, populating }, before))
    }
}

/// The smallest failing run so far.
#[derive(Clone)]
struct Best {
    candidate: Candidate,
    outcome: Rc<Outcome>,
    size: Size,
}

/// What passes work on.
struct Search<'a> {
    shrink: &'a Shrink<'a>,
    judge: Judge<'a>,
    target: Target,
    best: Best,
    each: &'a mut dyn FnMut(&Smaller<'_>),
    /// How many detours it is on: what it has may be larger than what it had.
    detours: u32,
    /// The paths of the numbers on which the number of nodes hangs.
    populating: Vec<String>,
}

/// Candidates that are made at once are tried under so many seeds that their runs have about as many events together, within these bounds.
const EVENTS: u64 = 240_000;
const SEEDS: Range<usize> = 3..40;
/// The same where it is to be patient.
const MANY: u64 = 400;
const PATIENCE: u64 = 800_000;
/// So many candidates are made at once.
const BATCH: usize = 16;

/// From how many small runs it starts, where there is a plan from which many can be had.
const STARTS: usize = 4;

impl Search<'_> {
    /// All passes, from several starts, each with another number of nodes, which it keeps until the end: what one of them leads to may be
    /// larger than it need be, and yet have no part that can go.
    fn start_over(&mut self) {
        let is_drawn = self.best.size.drawn > 0;
        self.trim();
        self.show();
        (passes::FIRST)(self);
        let starts = if is_drawn { passes::starts(self, STARTS) } else { Vec::new() };
        self.go();
        for (candidate, found) in starts {
            if self.is_least() || self.judge.is_over() {
                return;
            }
            // With as many servers it has begun already.
            let servers = |scenario: &Scenario| scenario.roster().population.servers;
            if servers(&candidate.scenario) == servers(self.scenario()) {
                continue;
            }
            let (before, populating) = (self.best.clone(), std::mem::take(&mut self.populating));
            self.detours += 1;
            self.adopt(candidate, found);
            self.go();
            self.detours -= 1;
            self.populating = populating;
            if self.best.size >= before.size {
                self.stand_at(before);
            }
            self.show();
        }
        self.go();
    }

    /// Whether one part is left and nothing to chance.
    fn is_least(&self) -> bool {
        self.best.size.noise == 0 && self.best.size.parts <= 1
    }

    /// Passes, those first that had success lately, until none has; then what fails under few seeds.
    fn go(&mut self) {
        let mut passes = passes::COARSE.to_vec();
        loop {
            let before = self.best.size;
            let mut improved = Vec::new();
            for pass in &passes {
                if self.judge.is_over() {
                    return;
                }
                let before = self.best.size;
                pass(self);
                improved.push(self.best.size < before);
            }
            // What is fine waits until there is no more that is coarse.
            let is_stuck = self.best.size == before;
            for pass in passes::FINE.iter().filter(|_| is_stuck) {
                if self.judge.is_over() {
                    return;
                }
                pass(self);
            }
            if self.best.size == before && self.detours == 0 && !self.is_least() {
                passes::patient(self);
            }
            if self.best.size == before || self.judge.is_over() {
                return;
            }
            let mut order: Vec<usize> = (0..passes.len()).collect();
            sort_by_key(&mut order, |place| !improved[*place]);
            passes = order.into_iter().map(|place| passes[place]).collect();
        }
    }

    fn scenario(&self) -> &Scenario {
        &self.best.candidate.scenario
    }

    /// The same, kept while candidates are made from it one after the other.
    fn kept(&self) -> Arc<Scenario> {
        Arc::clone(&self.best.candidate.scenario)
    }

    /// Shows this sink the run of the smallest so far.
    fn watch(&mut self, sink: &mut dyn Sink) {
        let candidate = self.best.candidate.clone();
        self.judge.watch(&candidate, sink);
    }

    /// The operations that clients invoke in the smallest run so far.
    fn invoked(&mut self) -> Option<Vec<Scripted>> {
        let mut operations = Vec::new();
        let Candidate { scenario, seed, .. } = &self.best.candidate;
        let runs = !self.judge.is_over();
        if runs {
            (self.shrink.run)(scenario, *seed, Watch { operations: Some(&mut operations), ..Watch::default() });
        }
        runs.then_some(operations)
    }

    /// So many seeds: that of the smallest so far first.
    fn some_seeds(&self, count: u64) -> Vec<u64> {
        let own = self.best.candidate.seed;
        std::iter::once(own).chain((0..).filter(|seed| *seed != own)).take(count as usize).collect()
    }

    /// Takes the first of these that fails in the same way and is smaller, and returns its place. All are tried under a few seeds, and then
    /// under a few more.
    fn attempt(&mut self, variants: impl IntoIterator<Item = Scenario>) -> Option<usize> {
        self.attempt_within(variants, &self.some_seeds(SEEDS.end as u64), SEEDS.start, EVENTS)
    }

    /// The same under many seeds, for what few of them show.
    fn attempt_patiently(&mut self, variants: &[Scenario]) -> Option<usize> {
        self.attempt_within(variants.iter().cloned(), &self.some_seeds(MANY), SEEDS.start, PATIENCE)
    }

    /// The same under all of these seeds at once.
    fn attempt_under(&mut self, variants: impl IntoIterator<Item = Scenario>, seeds: &[u64]) -> Option<usize> {
        self.attempt_within(variants, seeds, seeds.len(), u64::MAX)
    }

    /// The same under so few of these seeds at a time, as long as all runs have no more than so many events together. No more are
    /// made than are tried soon, and none once it is over.
    fn attempt_within(&mut self, variants: impl IntoIterator<Item = Scenario>, seeds: &[u64], few: usize, events: u64) -> Option<usize> {
        let (mut variants, mut spent) = (variants.into_iter(), 0);
        let mut candidates: Vec<Vec<Candidate>> = Vec::new();
        for round in 0..seeds.len().div_ceil(few) {
            let few = round * few..((round + 1) * few).min(seeds.len());
            for first in (0..).step_by(BATCH) {
                while round == 0 && candidates.len() < first + BATCH && !self.judge.is_over() {
                    let Some(variant) = variants.next() else { break };
                    candidates.push(self.under(&variant, seeds));
                }
                let batch = first.min(candidates.len())..(first + BATCH).min(candidates.len());
                if batch.is_empty() || self.judge.is_over() {
                    break;
                }
                let tried: Vec<Candidate> = candidates[batch].iter().flat_map(|seeds| seeds[few.clone()].to_vec()).collect();
                if let Some(found) = self.judge.first(&tried, self.best.size) {
                    let place = found.place;
                    self.adopt(tried[place].clone(), found);
                    return Some(first + place / few.len());
                }
                spent += self.judge.cost(&tried);
            }
            if spent >= events || self.judge.is_over() {
                return None;
            }
        }
        None
    }

    /// This under each of these seeds. Where the end is no part of what fails, it has time to fail a little later.
    fn under(&self, variant: &Scenario, seeds: &[u64]) -> Vec<Candidate> {
        let end = Time::ZERO + self.scenario().conditions.duration;
        // What is generated meanwhile would count.
        let Scenario { conditions, operations, .. } = self.scenario();
        let counts = operations.generated && self.scenario().roster().population.clients > 0 && !conditions.stop_at_violation;
        // Not twice as long as the run: where it must go on after the violation, so that this is seen, it would grow without end.
        let later = self.violated().at.filter(|at| !counts && *at < end).map_or(Duration::ZERO, |at| at.since(Time::ZERO) * 2);
        let mut with_time = variant.clone();
        with_time.conditions.duration = with_time.conditions.duration.max(later);
        Candidate::under(&with_time, seeds)
    }

    /// Goes on from here.
    fn stand_at(&mut self, best: Best) {
        self.judge.expect(best.outcome.events);
        self.best = best;
    }

    /// Takes this as the smallest, and leaves out what comes after its violation.
    fn adopt(&mut self, candidate: Candidate, found: Found) {
        self.stand_at(Best { candidate, outcome: found.outcome, size: found.size });
        self.trim();
        self.show();
    }

    /// Leaves out what comes after the violation; and what then, in a shorter run, no longer happens.
    fn trim(&mut self) {
        let trimmed = candidate::trimmed(self.scenario(), &self.best.outcome, self.violated().at);
        for trimmed in trimmed.into_iter().map(|trimmed| Candidate::new(trimmed, self.best.candidate.seed)) {
            if let Some(found) = self.judge.one(&trimmed).filter(|found| found.size <= self.best.size) {
                self.stand_at(Best { candidate: trimmed, outcome: found.outcome, size: found.size });
                return self.trim();
            }
        }
    }

    /// Shows the smallest so far, unless it is only on the way to one.
    fn show(&mut self) {
        let (scenario, seed) = (&self.best.candidate.scenario, self.best.candidate.seed);
        if self.detours == 0 {
            let extent = Extent::of(scenario, &self.best.outcome, Time::MAX);
            (self.each)(&Smaller { scenario, seed, extent, runs: self.judge.runs() });
        }
    }

    /// Goes on from a scenario that need not be smaller, if it fails in the same way under the same seed; and stays there if what `pass`
    /// makes of it is smaller than the smallest so far.
    fn within(&mut self, start: Scenario, pass: &dyn Fn(&mut Self)) -> bool {
        let candidate = Candidate::new(start, self.best.candidate.seed);
        let Some(found) = self.judge.one(&candidate) else { return false };
        let before = self.best.clone();
        self.stand_at(Best { candidate, outcome: found.outcome, size: found.size });
        self.detours += 1;
        pass(self);
        self.detours -= 1;
        if self.best.size < before.size {
            self.show();
            return true;
        }
        self.stand_at(before);
        false
    }

    /// Takes this, which need not be smaller, if it fails in the same way under the same seed; and leaves out what comes after its
    /// violation.
    fn take(&mut self, scenario: Scenario) -> bool {
        let candidate = Candidate::new(scenario, self.best.candidate.seed);
        let Some(found) = self.judge.one(&candidate) else { return false };
        self.stand_at(Best { candidate, outcome: found.outcome, size: found.size });
        self.trim();
        self.show();
        true
    }

    /// Leaves out as many of a list as it can, tried in this way: large chunks first, in the end one by one.
    fn reduce_by(
        &mut self,
        attempt: &dyn Fn(&mut Self, &[Scenario]) -> Option<usize>,
        count: &dyn Fn(&Scenario) -> usize,
        without: &dyn Fn(&Scenario, Range<usize>) -> Option<Scenario>,
    ) {
        let mut chunk = count(self.scenario());
        while chunk > 0 {
            let (mut start, mut improved) = (0, false);
            while start < count(self.scenario()) && !self.judge.is_over() {
                let end = count(self.scenario());
                // No more are made at once than are tried soon.
                let chunks = (start..end).step_by(chunk).map(|start| start..(start + chunk).min(end)).take(BATCH);
                let (chunks, variants): (Vec<_>, Vec<_>) =
                    chunks.filter_map(|chunk| Some((chunk.clone(), without(self.scenario(), chunk)?))).unzip();
                match attempt(self, &variants) {
                    Some(place) => (start, improved) = (chunks[place].start, true),
                    None => start += chunk * BATCH,
                }
            }
            chunk = match chunk {
                1 if improved => 1,
                chunk => chunk * 5 / 8,
            };
        }
    }

    /// What the smallest so far violates.
    fn violated(&self) -> PropertyReport {
        self.target.seen(&self.best.outcome).expect("what was found fails in the same way").clone()
    }

    fn finish(self, before: Extent) -> Shrunk {
        let mut left = self.left();
        let (finished, violated) = (!self.judge.is_over(), self.violated());
        if !finished {
            left.clear();
        }
        let Best { candidate, outcome, .. } = self.best;
        let (mut scenario, seed) = (Scenario::clone(&candidate.scenario), candidate.seed);
        let (after, outcome) = (Extent::of(&scenario, &outcome, Time::MAX), Outcome::clone(&outcome));
        scenario.seed = Some(seed);
        let text = passes::shortest(&scenario, self.shrink.registry);
        let runs = self.judge.runs();
        Shrunk {
            scenario,
            text,
            outcome,
            seed,
            violated,
            fingerprint: self.target.fingerprint,
            before,
            after,
            left,
            others: self.judge.others(),
            runs,
            finished,
        }
    }

    /// What becomes of the run without each of what is left.
    fn left(&self) -> Vec<Left> {
        let seed = self.best.candidate.seed;
        let without = |scenario: &Scenario| {
            let row = run_one(&|seed| (self.shrink.run)(scenario, seed, Watch::default()), seed);
            match row.first_violated() {
                None => Without::Holds,
                Some(_) if row.result.as_ref().is_ok_and(|outcome| self.target.seen(outcome).is_some()) => Without::FailsStill,
                Some(other) => Without::Violates(other.name),
            }
        };
        let parts = passes::parts(self.scenario()).take_while(|_| !self.judge.is_over());
        parts.map(|(part, scenario)| Left { part, without: without(&scenario) }).collect()
    }
}
