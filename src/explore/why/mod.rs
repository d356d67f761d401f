//! Why a run fails: exact counterfactuals of one failing run.
//!
//! What is drawn for one thing hangs on that thing and on the run's key. So one thing can be changed with everything else as it is
//! (*necessity*), all but a few things can be drawn afresh (*sufficiency*), and so can all that is drawn for the first time from some place
//! of the run on (the *curve*). Nothing here knows of protocols: what it looks at are scenarios, records and verdicts.
//!
//! The questions are those of counterfactual causality (Halpern and Pearl, 2005). The curve is that of Antithesis, which samples it; the
//! change of one thing, rolled forward, is that of DiffProv (Chen et al., 2016).

mod awaited;
mod curve;
mod elements;
mod event;
mod share;
mod sibling;
mod sources;
mod sufficiency;
mod trials;

use std::sync::atomic::AtomicBool;

use super::shrink::{Extent, Run, Shrink, Smaller};
use super::sweep::run_one;
use super::{Row, fingerprint, first_violated, violated_as};
use crate::base::{Time, sort_by, sort_by_key};
use crate::check::{PropertyReport, Verdict};
use crate::fault::Moment;
use crate::scenario::{Expected, Scenario};
use crate::systems::{Registry, Watch};
use crate::trace::{OwnedRecord, Recording};
use crate::world::Outcome;
use trials::Trials;

pub use awaited::{Awaited, Silence};
pub use curve::{Curve, Point, Rise};
pub use elements::{ElementSort, KeptElement};
pub use share::Share;
pub use sibling::{Alteration, Parted, Sibling};
pub use sources::Carrier;
pub use sufficiency::Sufficiency;
pub use trials::Came;

/// How to find out.
pub struct Ask<'a> {
    /// The systems that scenarios can name.
    pub registry: &'a Registry,
    /// How many threads run it, at least one. What is found does not depend on it.
    pub jobs: usize,
    /// How many runs it may take, those of shrinking among them.
    pub runs: u64,
    /// Set from outside when it is to stop: what is found by then is returned.
    pub cancel: &'a AtomicBool,
    /// Runs it once. Threads contain no more than panics: see [`Sweep::run`](super::Sweep::run).
    pub run: &'a Run<'a>,
}

/// What it is at.
pub enum Phase<'a> {
    /// Not all that its faults and clients do is written down: it is shrunk first.
    ShrinksFirst,
    /// It is cut down first; this is the smallest so far.
    Shrinks(&'a Smaller<'a>),
    /// It asks this, and has made so many runs.
    Asks(&'static str, u64),
}

/// Why a run fails.
pub struct Why {
    /// The scenario, which writes down what is kept.
    pub scenario: Scenario,
    /// The seed under which it fails.
    pub seed: u64,
    /// What is violated.
    pub violated: PropertyReport,
    /// The [`fingerprint`](super::fingerprint()) of the failure.
    pub fingerprint: u64,
    /// What the run came to.
    pub outcome: Outcome,
    /// Its records.
    pub recording: Recording,
    /// What shrinking it first came to; nothing, if it was not shrunk.
    pub shrunk: Option<ShrunkFirst>,
    /// What is kept, and whether each is necessary.
    pub elements: Vec<KeptElement>,
    /// Whose chance carries it, the one that does so most first.
    pub carriers: Vec<Carrier>,
    /// Whether what is kept suffices.
    pub sufficiency: Sufficiency,
    /// How likely the failure is from each place of the run on.
    pub curve: Curve,
    /// The nearest run that passes, if one was found.
    pub sibling: Option<Sibling>,
    /// What was waited for, if something did not come to pass: the last link is the one that broke.
    pub awaited: Vec<Awaited>,
    /// How many runs it took.
    pub runs: u64,
    /// Whether all was asked. If not, it was stopped, or used up its runs.
    pub finished: bool,
}

/// What shrinking a run came to.
#[derive(Clone, Debug)]
pub struct ShrunkFirst {
    /// How large the run was.
    pub before: Extent,
    /// How large it is.
    pub after: Extent,
    /// The shrunk scenario as a file.
    pub text: String,
    /// How many runs it took.
    pub runs: u64,
}

/// What brings the failure about.
#[derive(Clone, Copy, Debug)]
pub enum NamedCause<'w> {
    /// Something that is written down, and without which it holds.
    Element(&'w KeptElement),
    /// An event by which the failure became more likely, whatever came after.
    Event(&'w Rise),
}

impl Why {
    /// What brings the failure about, that first which weighs most: elements that are necessary, in the order in which they made themselves
    /// felt; those without which it fails in another way; then the events by which it became more likely, the steepest first.
    pub fn causes(&self) -> Vec<NamedCause<'_>> {
        let mut elements: Vec<&KeptElement> = self.elements.iter().filter(|element| element.matters()).collect();
        sort_by_key(&mut elements, |element| (!element.is_necessary(), element.at.unwrap_or(Time::MAX)));
        let mut rises: Vec<&Rise> = self.curve.rises.iter().collect();
        sort_by(&mut rises, |one, other| other.by().total_cmp(&one.by()));
        elements.into_iter().map(NamedCause::Element).chain(rises.into_iter().map(NamedCause::Event)).collect()
    }

    /// The record at which the violation is known, or the last: records from there on count for nothing.
    pub fn records(&self) -> u64 {
        leading(&self.recording, &self.violated)
    }
}

/// How many records lead to the violation.
fn leading(recording: &Recording, violated: &PropertyReport) -> u64 {
    let at = violated.at.unwrap_or(Time::MAX);
    recording.records().partition_point(|record: &OwnedRecord| record.at <= at) as u64
}

/// Whether all that its faults and clients did in this run is written down.
fn is_explicit(scenario: &Scenario, outcome: &Outcome) -> bool {
    let is_repeated = scenario.conditions.faults.steps().iter().any(|step| matches!(step.moment, Moment::Every { .. }));
    let written = outcome.scripted.scripted.saturating_sub(outcome.scripted.never_invoked.len());
    !is_repeated && (!scenario.takes_operations() || outcome.operations.invoked <= written as u64)
}

impl Ask<'_> {
    /// Asks why this scenario fails under this seed, in the way that has this [`fingerprint`](super::fingerprint()), if one is given; else
    /// as the scenario means to fail, or first does. One that does not write down all that its faults and clients do is shrunk first.
    ///
    /// # Errors
    /// The row of that run, if it violates nothing, or nothing in that way.
    pub fn why(&self, asked: Option<u64>, scenario: &Scenario, seed: u64, each: &mut dyn FnMut(&Phase<'_>)) -> Result<Why, Box<Row>> {
        let row = run_one(&|seed| (self.run)(scenario, seed, Watch::default()), seed);
        let Some((outcome, violated)) = failing(&row, asked, scenario.expected) else { return Err(Box::new(row)) };
        if is_explicit(scenario, outcome) {
            return Ok(self.explain(scenario, outcome, violated, None, each));
        }
        each(&Phase::ShrinksFirst);
        let Self { registry, jobs, runs, cancel, run } = *self;
        let shrink = Shrink { registry, jobs, runs, cancel, mends: true, run };
        let shrunk = shrink.shrink_as(asked, scenario, seed, &mut |smaller| each(&Phase::Shrinks(smaller)))?;
        let cut = ShrunkFirst { before: shrunk.before, after: shrunk.after, text: shrunk.text, runs: shrunk.runs };
        Ok(self.explain(&shrunk.scenario, &shrunk.outcome, &shrunk.violated, Some(cut), each))
    }

    fn explain(
        &self,
        scenario: &Scenario,
        outcome: &Outcome,
        violated: &PropertyReport,
        shrunk: Option<ShrunkFirst>,
        each: &mut dyn FnMut(&Phase<'_>),
    ) -> Why {
        let (mut recording, print) = (Recording::default(), fingerprint(violated));
        let mut trials = Trials::new(self, outcome.seed, print, shrunk.as_ref().map_or(0, |cut| cut.runs) + 1);
        trials.watch(scenario, &mut recording);
        let records = leading(&recording, violated);
        let mut asks = |what, trials: &Trials<'_>| each(&Phase::Asks(what, trials.runs));
        asks("what each element does", &trials);
        let with_without = elements::elements(&mut trials, scenario, outcome, &recording);
        asks("whose chance carries it", &trials);
        let carriers = sources::carriers(&mut trials, scenario, &recording, outcome.digest);
        asks("when it became inevitable", &trials);
        let curve = curve::curve(&mut trials, scenario, &recording, records);
        asks("what suffices", &trials);
        let sufficiency = sufficiency::sufficiency(&mut trials, scenario, &carriers, &recording, records);
        asks("what passes", &trials);
        let sibling = sibling::nearest(&mut trials, scenario, &recording, records, &with_without, &carriers);
        let awaited = awaited::awaited(&recording, violated);
        Why {
            scenario: scenario.clone(),
            seed: outcome.seed,
            violated: violated.clone(),
            fingerprint: print,
            outcome: outcome.clone(),
            shrunk,
            elements: with_without.into_iter().map(|(element, _)| element).collect(),
            carriers,
            sufficiency,
            curve,
            sibling,
            awaited,
            recording,
            runs: trials.runs,
            finished: !trials.is_over(),
        }
    }
}

/// What is to be explained of this run: what has this fingerprint, if one is asked for; else the property that the scenario means to show,
/// if that is violated; else what is violated first.
fn failing(row: &Row, asked: Option<u64>, expected: Expected) -> Option<(&Outcome, &PropertyReport)> {
    let outcome = row.result.as_ref().ok()?;
    let first = first_violated(outcome)?;
    let is_meant = |report: &&PropertyReport| report.verdict == Verdict::Violated && expected == Expected::Violates(report.name);
    let violated = match asked {
        Some(print) => violated_as(outcome, print)?,
        None => outcome.properties.iter().find(is_meant).unwrap_or(first),
    };
    Some((outcome, violated))
}
