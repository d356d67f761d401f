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
use crate::base::sort_by_key;
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

/// A run of a candidate may have so many times the events of the one that fails,
const TIMES: u64 = 4;
/// of which no fewer are counted.
const FEW: u64 = 512;

impl Known {
    /// How it fails, if it fails in the same way.
    fn failed(&self) -> Option<&(Rc<Outcome>, Size)> {
        self.fails.as_ref().filter(|_| self.counts == Some(true))
    }

    /// Whether it may fail in the same way, and be smaller than this, for all that is known.
    fn is_open(&self, below: Option<Size>) -> bool {
        self.counts.is_none() && self.fails.as_ref().is_some_and(|(_, size)| below.is_none_or(|below| *size < below))
    }
}

/// Judges candidates, and remembers what became of them.
pub(super) struct Judge<'a> {
    shrink: &'a Shrink<'a>,
    target: Target,
    /// What must become of a candidate without some of its planted bugs.
    cause: Cause,
    runs: u64,
    known: BTreeMap<Key, Known>,
    others: Vec<Other>,
    /// How many events a run of a candidate may have.
    events: u64,
}

/// What becomes of a candidate hangs on this alone: its text, its seed, and how many events its run may have.
type Key = (u64, u64, u64);

/// What became of a candidate.
#[derive(Clone)]
struct Known {
    /// How it fails, if it violates the same.
    fails: Option<(Rc<Outcome>, Size)>,
    /// Whether it does so for the same cause; of what is too large that is not asked.
    counts: Option<bool>,
    /// How many events its run had.
    events: u64,
}

impl<'a> Judge<'a> {
    pub(super) fn new(shrink: &'a Shrink<'a>, target: Target, cause: Cause) -> Self {
        Self { shrink, target, cause, runs: 0, known: BTreeMap::new(), others: Vec::new(), events: u64::MAX }
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

    /// What does not fail runs to its end, however far that is. Where what fails has so many events, no candidate may have more than some
    /// times as many; it is a power of two, so that what is known of candidates holds for longer.
    pub(super) fn expect(&mut self, events: u64) {
        self.events = events.max(FEW).checked_next_power_of_two().map_or(u64::MAX, |most| most.saturating_mul(TIMES));
    }

    const fn key(&self, candidate: &Candidate) -> Key {
        let (text, seed) = candidate.key();
        (text, seed, self.events)
    }

    /// How many events the runs of these had together, as far as they ran.
    pub(super) fn cost(&self, candidates: &[Candidate]) -> u64 {
        self.look_up(candidates).iter().flatten().map(|known| known.events).sum()
    }

    /// Whether no more may run.
    pub(super) fn is_over(&self) -> bool {
        self.runs >= self.shrink.runs || self.shrink.cancel.load(Ordering::Relaxed)
    }

    /// The first of these that fails in the same way and is smaller than this.
    pub(super) fn first(&mut self, candidates: &[Candidate], below: Size) -> Option<Found> {
        let is_smaller = |known: &Option<Known>| known.as_ref().and_then(Known::failed).is_some_and(|(_, size)| *size < below);
        let known = self.look_up(candidates);
        let end = known.iter().position(is_smaller).unwrap_or(candidates.len());
        self.run(candidates, &open(&known[..end], Some(below)), Some(below));
        let known = self.look_up(candidates);
        let place = known.iter().position(is_smaller)?;
        Self::found(place, &known)
    }

    /// All of these that fail in the same way, the smallest first.
    pub(super) fn all(&mut self, candidates: &[Candidate]) -> Vec<Found> {
        let known = self.look_up(candidates);
        self.run(candidates, &open(&known, None), None);
        let known = self.look_up(candidates);
        let mut found: Vec<Found> = (0..known.len()).filter_map(|place| Self::found(place, &known)).collect();
        sort_by_key(&mut found, |found| found.size);
        found
    }

    /// How this one fails, if in the same way, whatever its size.
    pub(super) fn one(&mut self, candidate: &Candidate) -> Option<Found> {
        self.all(std::slice::from_ref(candidate)).pop()
    }

    fn found(place: usize, known: &[Option<Known>]) -> Option<Found> {
        let (outcome, size) = known[place].as_ref()?.failed()?;
        Some(Found { place, outcome: Rc::clone(outcome), size: *size })
    }

    /// What is known of each already.
    fn look_up(&self, candidates: &[Candidate]) -> Vec<Option<Known>> {
        candidates.iter().map(|candidate| self.known.get(&self.key(candidate)).cloned()).collect()
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
        let (target, cause, run, most) = (self.target, &self.cause, self.shrink.run, self.events);
        let same = Mutex::new(BTreeMap::new());
        let judged = |index: u64, _: &dyn Fn() -> bool| {
            let candidate = candidate(index);
            let mut bounded = Scenario::clone(&candidate.scenario);
            bounded.conditions.events = bounded.conditions.events.min(most);
            let mut row = run_one(&|_| run(&bounded, candidate.seed, Watch::default()), index);
            row.fingerprint = None;
            let ended = row.result.as_ref().ok().filter(|outcome| outcome.events < most);
            let seen = ended.and_then(|outcome| Some((outcome, target.seen(outcome)?)));
            if let Some((outcome, violated)) = seen {
                let size = Size::of(candidate, outcome, violated);
                let counts = below.is_none_or(|below| size < below).then(|| cause.is_that_of(candidate, target, run));
                same.lock().unwrap_or_else(PoisonError::into_inner).insert(index, (size, counts));
                // It ends the search.
                row.fingerprint = (counts == Some(true)).then_some(target.fingerprint);
            }
            Ran::Row(Box::new(row))
        };
        let mut ran = Vec::new();
        let mut each = |row: &Row| {
            let seen = same.lock().unwrap_or_else(PoisonError::into_inner).remove(&row.seed);
            let events = row.result.as_ref().map_or(0, |outcome| outcome.events);
            let (fails, counts) = match (seen, &row.result) {
                (Some((size, counts)), Ok(outcome)) => (Some((Rc::new(outcome.clone()), size)), counts),
                _ => (None, Some(false)),
            };
            let ended = row.result.as_ref().ok().filter(|outcome| fails.is_none() && outcome.events < most);
            let other = ended.and_then(first_violated).map(|first| (fingerprint(first), first.name));
            let known = Known { fails, counts, events };
            ran.push((row.seed, known, other));
            ControlFlow::Continue(())
        };
        // Where no thread can be started nothing is run, and nothing found.
        let _ = sweep.run_elsewhere(&judged, &mut each);
        for (index, known, other) in ran {
            self.runs += 1;
            let candidate = candidate(index);
            if let Some((fingerprint, property)) = other
                && self.others.iter().all(|other| other.fingerprint != fingerprint)
            {
                self.others.push(Other { fingerprint, property, scenario: Scenario::clone(&candidate.scenario), seed: candidate.seed });
            }
            self.known.insert(self.key(candidate), known);
        }
    }
}

/// The places of those that are to be run: of which nothing is known, or not whether they are what is asked for.
fn open(known: &[Option<Known>], below: Option<Size>) -> Vec<usize> {
    (0..known.len()).filter(|place| known[*place].as_ref().is_none_or(|known| known.is_open(below))).collect()
}
