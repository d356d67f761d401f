//! What is reported: a run, a sweep, histories that were judged, scenario files that were checked.

use super::history::{history_headline, history_text};
use super::story::StoryReport;
use super::streams::{streams_headline, streams_line, streams_text};
use super::transactions::{transactions_headline, transactions_text};
use super::{Invocation, RunDetails, Subject};
use crate::check::recorded::streams::{MODEL, StreamsReport};
use crate::check::recorded::transactions::FileReport;
use crate::check::{CheckReport, Drawing, PropertyReport, Verdict};
use crate::diagnostic::{Diagnostics, Source};
use crate::explore::{Ended, Shard, Summary};
use crate::history::formats::Problems;
use crate::scenario::{Expectation, Expected};
use crate::world::Outcome;

/// What there is to report. All formats are made of it: see [`Render`].
#[derive(Clone, Copy, Debug)]
pub enum Report<'a> {
    /// A run.
    Run(RunReport<'a>),
    /// A sweep.
    Sweep(SweepReport<'a>),
    /// Recorded histories, in the order in which they were given.
    Histories(&'a [HistoryReport]),
    /// Scenario files.
    Lint(&'a [LintReport]),
}

/// A format that reports are written in.
pub trait Render {
    /// All of the report, as it is to be printed or put into a file.
    fn render(&self, report: &Report<'_>) -> String;
}

/// A run that was judged.
#[derive(Clone, Copy, Debug)]
pub struct RunReport<'a> {
    /// What was run.
    pub subject: Subject<'a>,
    /// What became of it.
    pub outcome: &'a Outcome,
    /// How the command was called.
    pub called: &'a Invocation,
    /// What its clients saw, to be drawn.
    pub drawing: Option<&'a Drawing>,
    /// How its violation came about.
    pub story: Option<&'a StoryReport>,
    /// All of it, gone through for a page.
    pub details: Option<&'a RunDetails>,
}

/// A sweep that has ended.
#[derive(Clone, Copy, Debug)]
pub struct SweepReport<'a> {
    /// What was run.
    pub subject: Subject<'a>,
    /// The first seed.
    pub start: u64,
    /// What it came to.
    pub summary: &'a Summary,
    /// How the command was called.
    pub called: &'a Invocation,
    /// Which part of a sweep it was, if it was not all of it.
    pub shard: Option<Shard>,
    /// The seeds of which there is no row, where rows were put together.
    pub missing: &'a [Missing],
}

/// Seeds of which there is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The shard that they are of, if that is known.
    pub shard: Option<Shard>,
}

/// The violation that a scenario means to show, where that is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeantViolation {
    /// The property.
    pub property: &'static str,
    /// Whether it was violated.
    pub shown: bool,
}

/// A recorded history.
#[derive(Debug)]
pub struct HistoryReport {
    /// What messages call its file.
    pub file: String,
    /// What was found, or why it could not be judged.
    pub found: Result<Found, Unjudged>,
    /// The command that judges it again, alone.
    pub again: String,
    /// Whether it is one of several, of which each is reported in short.
    pub one_of_several: bool,
}

/// What was found out about a recorded history.
#[derive(Debug)]
pub enum Found {
    /// Operations on an object.
    Object(Box<CheckReport>),
    /// Transactions.
    Transactions(Box<FileReport>),
    /// Streams of messages.
    Streams(Box<StreamsReport>),
}

/// Why a history could not be judged.
#[derive(Debug)]
pub enum Unjudged {
    /// Its file could not be read; why, in a line.
    Unread(String),
    /// Lines of it are wrong.
    Malformed(Problems),
}

/// A scenario file that was checked.
#[derive(Debug)]
pub struct LintReport {
    /// The file; its text is empty if it could not be read.
    pub source: Source,
    /// What is wrong with it.
    pub problems: Diagnostics,
    /// Why it could not be read, if it could not.
    pub unread: Option<String>,
}

impl Missing {
    /// How many they are.
    pub const fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

impl RunReport<'_> {
    /// Its story, with the property whose violation that is about.
    pub(super) fn told(&self) -> Option<(&StoryReport, &PropertyReport)> {
        let story = self.story?;
        let is_told = |report: &&PropertyReport| report.name == story.story.property;
        Some((story, self.outcome.properties.iter().find(is_told)?))
    }

    /// The violation that it means to show, if it is asked for that.
    pub fn meant(&self) -> Option<MeantViolation> {
        meant(self.called, self.subject.expected, |property| self.outcome.violates(property))
    }

    /// Whether the scenario's outcome came true; nothing if that is not known.
    pub(super) fn came_true(&self) -> Option<bool> {
        match self.subject.expected {
            Expected::Violates(property) => Some(self.outcome.violates(property)),
            Expected::Holds => decided(self.outcome.verdict()),
        }
    }
}

impl<'a> SweepReport<'a> {
    /// That of a whole sweep.
    pub const fn of(subject: Subject<'a>, start: u64, summary: &'a Summary, called: &'a Invocation) -> Self {
        Self { subject, start, summary, called, shard: None, missing: &[] }
    }

    /// The violation that it means to show in some seed, if it is asked for that. A shard need not show what the whole sweep is to.
    pub fn meant(&self) -> Option<MeantViolation> {
        let meant = meant(self.called, self.subject.expected, |property| self.summary.violates(property) > 0);
        meant.filter(|meant| meant.shown || self.shard.is_none())
    }

    /// What of that which it must see no seed has shown. Of a shard that is not asked.
    pub fn never_seen(&self) -> Vec<&'a Expectation> {
        if self.shard.is_some() { Vec::new() } else { self.summary.never_seen(self.subject.expect) }
    }

    /// Whether the scenario's outcome came true: in some seed, or if all are to hold in each. Nothing if that is not known, for the sweep
    /// was interrupted, say.
    pub(super) fn came_true(&self) -> Option<bool> {
        let Summary { ended, defects, .. } = self.summary;
        let is_whole = matches!(ended, Ended::Complete | Ended::Violated) && *defects == 0 && self.shard.is_none();
        match self.subject.expected {
            Expected::Violates(property) if self.summary.violates(property) > 0 => Some(true),
            Expected::Violates(_) => is_whole.then_some(false),
            Expected::Holds => decided(self.summary.verdict()).filter(|held| is_whole || !held),
        }
    }
}

fn meant(called: &Invocation, expected: Expected, shown: impl Fn(&str) -> bool) -> Option<MeantViolation> {
    match expected {
        Expected::Violates(property) if called.as_meant => Some(MeantViolation { property, shown: shown(property) }),
        _ => None,
    }
}

/// Whether it holds, if that is known.
const fn decided(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Holds => Some(true),
        Verdict::Violated => Some(false),
        Verdict::Unknown => None,
    }
}

impl Found {
    /// The answer.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Object(report) => report.verdict,
            Self::Transactions(report) => report.verdict,
            Self::Streams(report) => report.verdict,
        }
    }

    /// The answer in a line, without its end.
    pub(super) fn headline(&self) -> String {
        match self {
            Self::Object(report) => history_headline(report),
            Self::Transactions(report) => transactions_headline(report),
            Self::Streams(report) => streams_headline(report),
        }
    }

    /// As people read it. In full, every violated key is explained.
    pub(super) fn text(&self, full: bool) -> String {
        match self {
            Self::Object(report) => history_text(report, full),
            Self::Transactions(report) => transactions_text(report),
            Self::Streams(report) => streams_text(report, full),
        }
    }

    /// What it was judged by, and what it is to keep.
    pub(super) fn question(&self) -> (&'static str, &'static str) {
        match self {
            Self::Object(report) => (report.model, report.guarantee.name()),
            Self::Transactions(report) => (report.model.name(), report.level.name()),
            Self::Streams(report) => (MODEL, report.report.demands.promise.name()),
        }
    }

    /// The line of the file that it is about: on which the first violation ends, or what shows it begins.
    pub(super) fn line(&self) -> Option<u64> {
        match self {
            Self::Object(report) => {
                let example = report.explanation.violations.iter().filter_map(|example| example.line).min();
                example.or_else(|| report.lines.iter().flatten().copied().min())
            }
            Self::Transactions(report) => report.finding_lines().into_values().map(|(begins, _)| begins).min(),
            Self::Streams(report) => streams_line(report),
        }
    }
}

impl LintReport {
    /// Whether the file can be used.
    pub fn is_valid(&self) -> bool {
        self.unread.is_none() && !self.problems.has_errors()
    }
}
