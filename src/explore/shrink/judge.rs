//! Whether candidates fail in the same way. They are judged on several threads; what is found depends on neither their number nor their
//! timing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use super::cause::Cause;
use super::size::Size;
use super::{Candidate, Other, Shrink};
use crate::check::{PropertyReport, Verdict};
use crate::explore::sweep::run_one;
use crate::explore::{Ran, Row, Sweep, Until, fingerprint, first_violated, violated_as};
use crate::scenario::{Expected, Scenario};
use crate::systems::Watch;
use crate::trace::Sink;
use crate::world::Outcome;

/// What makes two failures the same.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The fingerprint of what is violated.
    pub(super) fingerprint: u64,
    /// Whether that is what is violated first.
    first: bool,
}

impl Target {
    /// What is to be followed in this run: what has this fingerprint, if one is asked for; else the property that the scenario means to
    /// show, if that is violated; else what is violated first.
    pub(super) fn of(outcome: &Outcome, asked: Option<u64>, expected: Expected) -> Option<(Self, &PropertyReport)> {
        let first = first_violated(outcome)?;
        let is_meant = |report: &&PropertyReport| report.verdict == Verdict::Violated && expected == Expected::Violates(report.name);
        let meant = match asked {
            Some(print) => violated_as(outcome, print)?,
            None => outcome.properties.iter().find(is_meant).unwrap_or(first),
        };
        Some((Self { fingerprint: fingerprint(meant), first: meant.name == first.name }, meant))
    }

    /// The same in another run, if it fails in the same way.
    pub(super) fn seen<'r>(&self, outcome: &'r Outcome) -> Option<&'r PropertyReport> {
        let is_first = |report: &PropertyReport| first_violated(outcome).is_some_and(|first| first.name == report.name);
        violated_as(outcome, self.fingerprint).filter(|report| !self.first || is_first(report))
    }

    /// Whether a run violates the same, be it first or not.
    pub(super) fn is_violated(&self, outcome: &Outcome) -> bool {
        violated_as(outcome, self.fingerprint).is_some()
    }
}

/// One that fails in the same way.
#[derive(Clone)]
pub(super) struct Found {
    /// Its place among those that were asked about.
    pub(super) place: usize,
    pub(super) outcome: Rc<Outcome>,
    pub(super) size: Size,
}

/// Judges candidates, and remembers what became of them.
pub(super) struct Judge<'a> {
    shrink: &'a Shrink<'a>,
    target: Target,
    /// What must become of a candidate without some of its planted bugs.
    cause: Cause,
    runs: u64,
    known: BTreeMap<(u64, u64), Known>,
    others: Vec<Other>,
}

/// What became of a candidate: how it fails, if it fails in the same way.
type Known = Option<(Rc<Outcome>, Size)>;

impl<'a> Judge<'a> {
    pub(super) fn new(shrink: &'a Shrink<'a>, target: Target, cause: Cause) -> Self {
        Self { shrink, target, cause, runs: 0, known: BTreeMap::new(), others: Vec::new() }
    }

    /// How many runs there were.
    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    /// Other failures that were met.
    pub(super) fn others(self) -> Vec<Other> {
        self.others
    }

    /// Runs this one once more, to see what happens in it.
    pub(super) fn watch(&mut self, candidate: &Candidate, sink: &mut dyn Sink) {
        if self.is_over() {
            return;
        }
        self.runs += 1;
        (self.shrink.run)(&candidate.scenario, candidate.seed, Watch { sinks: vec![sink], ..Watch::default() });
    }

    /// Whether no more may run.
    pub(super) fn is_over(&self) -> bool {
        self.runs >= self.shrink.runs || self.shrink.cancel.load(Ordering::Relaxed)
    }

    /// The first of these that fails in the same way and is smaller than this.
    pub(super) fn first(&mut self, candidates: &[Candidate], below: Size) -> Option<Found> {
        let known = self.look_up(candidates);
        let is_smaller = |known: &Known| known.as_ref().is_some_and(|(_, size)| *size < below);
        let end = known.iter().position(|known| known.as_ref().is_some_and(is_smaller));
        let open: Vec<usize> = (0..end.unwrap_or(candidates.len())).filter(|place| known[*place].is_none()).collect();
        self.run(candidates, &open, Some(below));
        let known = self.look_up(candidates);
        let place = known.iter().position(|known| known.as_ref().is_some_and(is_smaller))?;
        Self::found(place, known)
    }

    /// All of these that fail in the same way, the smallest first.
    pub(super) fn all(&mut self, candidates: &[Candidate]) -> Vec<Found> {
        let known = self.look_up(candidates);
        let open: Vec<usize> = (0..candidates.len()).filter(|place| known[*place].is_none()).collect();
        self.run(candidates, &open, None);
        let known = self.look_up(candidates).into_iter().enumerate();
        let found = known.filter_map(|(place, known)| known?.map(|(outcome, size)| Found { place, outcome, size }));
        let mut found: Vec<Found> = found.collect();
        found.sort_by_key(|found| found.size);
        found
    }

    /// How this one fails, if in the same way, whatever its size.
    pub(super) fn one(&mut self, candidate: &Candidate) -> Option<Found> {
        let one = std::slice::from_ref(candidate);
        if self.look_up(one)[0].is_none() {
            self.run(one, &[0], None);
        }
        Self::found(0, self.look_up(one))
    }

    fn found(place: usize, mut known: Vec<Option<Known>>) -> Option<Found> {
        let (outcome, size) = known.swap_remove(place)??;
        Some(Found { place, outcome, size })
    }

    /// What is known of each already.
    fn look_up(&self, candidates: &[Candidate]) -> Vec<Option<Known>> {
        candidates.iter().map(|candidate| self.known.get(&candidate.key()).cloned()).collect()
    }

    /// Runs those at these places, in their order; if one ends it, up to the first that fails in the same way and is smaller.
    fn run(&mut self, candidates: &[Candidate], places: &[usize], below: Option<Size>) {
        let left = usize::try_from(self.shrink.runs.saturating_sub(self.runs)).unwrap_or(usize::MAX);
        let places = &places[..places.len().min(left)];
        if places.is_empty() || self.is_over() {
            return;
        }
        let candidate = |index: u64| &candidates[places[index as usize]];
        let until = if below.is_some() { Until::Fails(self.target.fingerprint) } else { Until::Done };
        let sweep = Sweep { start: 0, seeds: places.len() as u64, jobs: self.shrink.jobs, until, cancel: self.shrink.cancel };
        let (target, cause, run) = (self.target, &self.cause, self.shrink.run);
        let same = Mutex::new(BTreeMap::new());
        let judged = |index: u64, _: &dyn Fn() -> bool| {
            let candidate = candidate(index);
            let mut row = run_one(&|_| run(&candidate.scenario, candidate.seed, Watch::default()), index);
            row.fingerprint = None;
            let seen = row.result.as_ref().ok().and_then(|outcome| Some((outcome, target.seen(outcome)?)));
            if let Some((outcome, violated)) = seen {
                let size = Size::of(candidate, outcome, violated);
                let counts = cause.is_that_of(candidate, target, run);
                same.lock().unwrap_or_else(PoisonError::into_inner).insert(index, counts.then_some(size));
                if counts && below.is_none_or(|below| size < below) {
                    // It ends the search.
                    row.fingerprint = Some(target.fingerprint);
                }
            }
            Ran::Row(Box::new(row))
        };
        let mut ran = Vec::new();
        let mut each = |row: &Row| {
            let size = same.lock().unwrap_or_else(PoisonError::into_inner).remove(&row.seed);
            ran.push((
                row.seed,
                match (size, &row.result) {
                    (Some(size), Ok(outcome)) => Ok(size.map(|size| (Rc::new(outcome.clone()), size))),
                    _ => Err(row.first_violated().map(|first| (fingerprint(first), first.name))),
                },
            ));
            ControlFlow::Continue(())
        };
        // Where no thread can be started nothing is run, and nothing found.
        let _ = sweep.run_elsewhere(&judged, &mut each);
        for (index, came) in ran {
            self.runs += 1;
            let candidate = candidate(index);
            if let Err(Some((fingerprint, property))) = came
                && self.others.iter().all(|other| other.fingerprint != fingerprint)
            {
                self.others.push(Other { fingerprint, property, scenario: Scenario::clone(&candidate.scenario), seed: candidate.seed });
            }
            self.known.insert(candidate.key(), came.ok().flatten());
        }
    }
}
