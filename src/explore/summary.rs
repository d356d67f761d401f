//! What a sweep comes to.

use super::why::Share;
use super::{Defect, NoOutcome, Row};
use crate::base::Time;
use crate::check::{Explanation, PropertyReport, Verdict};
use crate::scenario::{Expectation, Standing};
use crate::trace::Tables;
use crate::world::{FaultCount, Messages, Operations, Outcome, StepCount};

/// What a sweep comes to. It is built of rows in the order of their seeds, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many seeds were to be run.
    pub asked: u64,
    /// How many seeds were run.
    pub seeds: u64,
    /// How many of them held.
    pub holds: u64,
    /// How many of them violated a property.
    pub violated: u64,
    /// How many of them ended a budget first.
    pub unknown: u64,
    /// The first seeds that ended a budget first.
    pub unknown_seeds: Vec<u64>,
    /// How many of these gave no answer in time.
    pub stalled: u64,
    /// The first of these.
    pub stalled_seeds: Vec<u64>,
    /// In how many of them Stormglass itself failed.
    pub defects: u64,
    /// The first of these.
    pub first_defects: Vec<(u64, Defect)>,
    /// The failures, those that are alike together, in the order of their first seeds.
    pub failures: Vec<Bucket>,
    /// The properties that were judged, in the order in which runs report on them.
    pub properties: Vec<PropertyTotal>,
    /// What judges measured.
    pub tables: Tables,
    /// The *sometimes* marks.
    pub sometimes: Vec<MarkTotal>,
    /// The faults, by kind.
    pub faults: Vec<FaultCount>,
    /// The steps of the plan of faults, by name.
    pub steps: Vec<StepCount>,
    /// Events handled.
    pub events: u64,
    /// Messages.
    pub messages: Messages,
    /// What clients did.
    pub operations: Operations,
    /// Simulated time in nanoseconds; more than one `Time` can hold.
    pub sim_time_ns: u128,
    /// Why the sweep ended.
    pub ended: Ended,
}

/// Why a sweep ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// All its seeds were run.
    #[default]
    Complete,
    /// A property was violated, and the sweep was not asked to go on.
    Violated,
    /// It was asked to stop.
    Cancelled,
    /// The receiver of the rows could not write one down, and ended it.
    Unwritten,
    /// Rows were put together, and some are missing.
    Incomplete,
}

/// Failures that are alike: those that first violate the same property, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What they have in common.
    pub fingerprint: u64,
    /// The property that they violate first.
    pub property: &'static str,
    /// What some of them violate besides.
    pub besides: Vec<Besides>,
    /// When the first of them failed, if at an instant.
    pub at: Option<Time>,
    /// Why it did.
    pub explanation: Option<Explanation>,
    /// How many there are.
    pub count: u64,
    /// The first of their seeds.
    pub seeds: Vec<u64>,
    /// The one whose run has the fewest events; of several, the first.
    pub fewest_events: Example,
    /// The one that failed at the earliest time; of several, the first.
    pub earliest: Example,
}

/// One of several failures that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its seed.
    pub seed: u64,
    /// How many events its run has.
    pub events: u64,
    /// When it failed, if at an instant.
    pub at: Option<Time>,
}

/// A property that was violated, too, in runs that had violated another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Besides {
    /// Its name.
    pub property: &'static str,
    /// In how many seeds.
    pub count: u64,
    /// The first of them.
    pub first_seed: u64,
}

/// What became of one property in all seeds of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyTotal {
    /// Its name.
    pub name: &'static str,
    /// How many seeds violated it.
    pub violated: u64,
    /// In how many seeds it is unknown.
    pub unknown: u64,
    /// The first seed that violated it and why, or if none did, the first in which it is unknown.
    pub first: Option<(u64, Option<Explanation>)>,
}

/// How often a *sometimes* mark was set in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkTotal {
    /// Its name.
    pub name: &'static str,
    /// How often it was set.
    pub count: u64,
    /// In how many seeds.
    pub seeds: u64,
}

impl Summary {
    /// Of how many seeds a list speaks.
    const LISTED: usize = 5;

    /// That of a sweep of so many seeds, none of which has been run.
    pub fn of(asked: u64) -> Self {
        Self { asked, ..Self::default() }
    }

    /// How many of the runs that were judged failed.
    pub fn failing(&self) -> Share {
        Share { failed: self.violated, of: self.holds + self.violated }
    }

    /// What of this no seed has shown.
    pub fn never_seen<'e>(&self, expect: &'e [Expectation]) -> Vec<&'e Expectation> {
        let step = |name: &str| self.steps.iter().find(|count| count.step == name);
        let is_seen = |expected: &&Expectation| match expected {
            Expectation::Sometimes(name) => self.sometimes.iter().any(|mark| mark.name == *name && mark.count > 0),
            Expectation::Strikes(name) => step(name).is_some_and(|count| count.strikes > 0),
            Expectation::Bites(name) => step(name).is_some_and(|count| count.bites > 0),
        };
        expect.iter().filter(|expected| !is_seen(expected)).collect()
    }

    /// Where failures with this fingerprint stand, if there were any; the sweep began with this seed.
    pub fn standing(&self, start: u64, fingerprint: u64) -> Option<Standing> {
        let found = self.failures.iter().find(|bucket| bucket.fingerprint == fingerprint)?;
        let more_frequent = self.failures.iter().filter(|bucket| bucket.count > found.count).count();
        let (kinds, rank) = (self.failures.len() as u64, more_frequent as u64 + 1);
        Some(Standing { start, seeds: self.seeds, failed: self.violated, kinds, alike: found.count, rank })
    }

    /// The worst of the verdicts.
    pub fn verdict(&self) -> Verdict {
        match (self.violated, self.unknown) {
            (0, 0) => Verdict::Holds,
            (0, _) => Verdict::Unknown,
            _ => Verdict::Violated,
        }
    }

    /// How many seeds violated this property.
    pub fn violates(&self, property: &str) -> u64 {
        self.properties.iter().filter(|total| total.name == property).map(|total| total.violated).sum()
    }

    /// Adds the row of the next seed.
    pub fn add(&mut self, row: &Row) {
        self.seeds += 1;
        match &row.result {
            Ok(outcome) => self.add_outcome(row, outcome),
            Err(NoOutcome::Defect(defect)) => {
                self.defects += 1;
                if self.first_defects.len() < Self::LISTED {
                    self.first_defects.push((row.seed, defect.clone()));
                }
            }
            Err(NoOutcome::Stalled) => {
                self.add_verdict(row.seed, Verdict::Unknown);
                self.stalled += 1;
                if self.stalled_seeds.len() < Self::LISTED {
                    self.stalled_seeds.push(row.seed);
                }
            }
        }
    }

    fn add_outcome(&mut self, row: &Row, outcome: &Outcome) {
        self.add_verdict(row.seed, outcome.verdict());
        if let (Some(fingerprint), Some(first)) = (row.fingerprint, row.first_violated()) {
            let example = Example { seed: row.seed, events: outcome.events, at: first.at };
            self.add_failure(row, fingerprint, first, example);
        }
        outcome.properties.iter().for_each(|report| self.add_property(row.seed, report));
        self.add_counts(outcome);
        self.tables.add(&outcome.tables);
        for mark in &outcome.sometimes {
            self.add_mark(mark.name, mark.count);
        }
        for fault in &outcome.faults {
            self.add_fault(fault);
        }
        for step in &outcome.steps {
            self.add_step(step);
        }
    }

    fn add_verdict(&mut self, seed: u64, verdict: Verdict) {
        match verdict {
            Verdict::Holds => self.holds += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::Unknown => {
                self.unknown += 1;
                if self.unknown_seeds.len() < Self::LISTED {
                    self.unknown_seeds.push(seed);
                }
            }
        }
    }

    fn add_failure(&mut self, row: &Row, fingerprint: u64, first: &PropertyReport, example: Example) {
        let place = self.failures.iter().position(|bucket| bucket.fingerprint == fingerprint).unwrap_or_else(|| {
            self.failures.push(Bucket::new(fingerprint, first, example));
            self.failures.len() - 1
        });
        self.failures[place].add(row, example);
    }

    fn add_property(&mut self, seed: u64, report: &PropertyReport) {
        let place = self.properties.iter().position(|total| total.name == report.name).unwrap_or_else(|| {
            self.properties.push(PropertyTotal { name: report.name, violated: 0, unknown: 0, first: None });
            self.properties.len() - 1
        });
        let total = &mut self.properties[place];
        let is_first = match report.verdict {
            Verdict::Holds => false,
            Verdict::Unknown => total.first.is_none(),
            Verdict::Violated => total.violated == 0,
        };
        if is_first {
            total.first = Some((seed, report.explanation.clone()));
        }
        total.violated += u64::from(report.verdict == Verdict::Violated);
        total.unknown += u64::from(report.verdict == Verdict::Unknown);
    }

    fn add_counts(&mut self, outcome: &Outcome) {
        self.events += outcome.events;
        self.sim_time_ns += u128::from(outcome.sim_time.as_nanos());
        self.messages.sent += outcome.messages.sent;
        self.messages.delivered += outcome.messages.delivered;
        self.messages.dropped += outcome.messages.dropped;
        self.messages.duplicated += outcome.messages.duplicated;
        self.operations.invoked += outcome.operations.invoked;
        self.operations.completed += outcome.operations.completed;
        self.operations.failed += outcome.operations.failed;
        self.operations.unknown += outcome.operations.unknown;
    }

    fn add_mark(&mut self, name: &'static str, count: u64) {
        let place = self.sometimes.iter().position(|mark| mark.name == name).unwrap_or_else(|| {
            self.sometimes.push(MarkTotal { name, count: 0, seeds: 0 });
            self.sometimes.len() - 1
        });
        self.sometimes[place].count += count;
        self.sometimes[place].seeds += u64::from(count > 0);
    }

    fn add_fault(&mut self, fault: &FaultCount) {
        let place = self.faults.iter().position(|known| known.kind == fault.kind).unwrap_or_else(|| {
            self.faults.push(FaultCount { kind: fault.kind, strikes: 0, bites: 0 });
            self.faults.len() - 1
        });
        self.faults[place].strikes += fault.strikes;
        self.faults[place].bites += fault.bites;
    }

    fn add_step(&mut self, step: &StepCount) {
        match self.steps.iter_mut().find(|known| known.step == step.step) {
            Some(known) => {
                known.strikes += step.strikes;
                known.bites += step.bites;
            }
            None => self.steps.push(step.clone()),
        }
    }
}

impl Bucket {
    fn new(fingerprint: u64, first: &PropertyReport, example: Example) -> Self {
        let PropertyReport { name, at, explanation, .. } = first.clone();
        let (besides, seeds) = (Vec::new(), Vec::new());
        Self { fingerprint, property: name, besides, at, explanation, count: 0, seeds, fewest_events: example, earliest: example }
    }

    fn add(&mut self, row: &Row, example: Example) {
        self.count += 1;
        let when = |example: &Example| example.at.unwrap_or(Time::MAX);
        if example.events < self.fewest_events.events {
            self.fewest_events = example;
        }
        if when(&example) < when(&self.earliest) {
            self.earliest = example;
        }
        if self.seeds.len() < Summary::LISTED {
            self.seeds.push(row.seed);
        }
        for property in row.violated().map(|property| property.name).filter(|name| *name != self.property) {
            match self.besides.iter_mut().find(|besides| besides.property == property) {
                Some(besides) => besides.count += 1,
                None => self.besides.push(Besides { property, count: 1, first_seed: row.seed }),
            }
        }
    }
}
