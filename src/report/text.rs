//! A run and a sweep as people read them: the verdict first, the command that shows it again last.

use super::explanation::{explanation_line, explanation_text};
use super::history::problems_text;
use super::model::{HistoryReport, LintReport, MeantViolation, Missing, Render, Report, RunReport, SweepReport, Unjudged};
use super::paint::Paint;
use super::words::{clean, counted, grouped, percent};
use super::{Invocation, Subject};
use crate::base::{Duration, printable};
use crate::check::{PropertyReport, Verdict};
use crate::explore::{Bucket, Ended, Example, MarkTotal, Summary};
use crate::scenario::{Expectation, Expected};
use crate::trace::Table;
use crate::world::{FaultCount, Messages, Operations, Outcome, StepCount, Stray};

/// What stands above everything else, and is known before the run: what is run, and with which seeds.
pub fn opening(subject: &Subject<'_>, seeds: &str, color: bool) -> String {
    let paint = Paint(color);
    let nodes = subject.nodes().join(", ");
    let mutant = match subject.mutants {
        [] => String::new(),
        [mutant] => format!(" · mutant {mutant}"),
        several => format!(" · mutants {}", several.join(", ")),
    };
    format!("{}\n{} · {nodes}{mutant} · {seeds}\n", paint.strong(&printable(subject.name)), subject.system)
}

/// For people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    /// Whether there is to be colour.
    pub color: bool,
    /// Whether every violated key of a history is to be explained, and not only the one with the smallest explanation.
    pub full: bool,
}

impl Render for Text {
    fn render(&self, report: &Report<'_>) -> String {
        match report {
            Report::Run(run) => run_text(run, self.color),
            Report::Sweep(sweep) => summary_text(sweep, self.color),
            Report::Histories(histories) => histories.iter().map(|history| found_text(history, self)).collect(),
            Report::Lint(files) => files.iter().map(|file| lint_text(file, self.color)).collect(),
        }
    }
}

/// A history; of several, each in a line. Why one could not be judged is told in full.
fn found_text(history: &HistoryReport, Text { color, full }: &Text) -> String {
    match &history.found {
        Err(Unjudged::Unread(why)) => why.clone(),
        Err(Unjudged::Malformed(problems)) => problems_text(&history.file, problems, *color),
        Ok(found) if history.one_of_several => format!("{}: {}\n", printable(&history.file), clean(&found.headline())),
        Ok(found) => clean(&found.text(*full)),
    }
}

/// A scenario file: that it is well, or what is wrong with it.
fn lint_text(file: &LintReport, color: bool) -> String {
    match &file.unread {
        Some(why) => why.clone(),
        None if file.is_valid() => format!("✓ {}\n", printable(&file.source.name)),
        None => file.problems.render(&file.source, color),
    }
}

/// A run.
fn run_text(run: &RunReport<'_>, color: bool) -> String {
    let RunReport { subject, outcome, called, .. } = run;
    let mut page = Lines::new(color);
    let is_missed = run.meant().is_some_and(|meant| !meant.shown);
    let verdict = if is_missed { Verdict::Violated } else { outcome.verdict() };
    page.line(&page.paint.verdict(verdict, &headline(subject, outcome)));
    page.blank();
    page.properties(&outcome.properties);
    page.story(run);
    page.tables(&outcome.tables, "");
    page.marks(
        &outcome.sometimes.iter().map(|mark| MarkTotal { name: mark.name, count: mark.count, seeds: 1 }).collect::<Vec<_>>(),
        &[],
        1,
    );
    page.faults(&outcome.faults);
    page.steps(&outcome.steps, &[]);
    page.matched(outcome);
    page.strays(&outcome.strays);
    page.blank();
    page.line(&format!(
        "  {} simulated · {} · {}",
        outcome.sim_time,
        counted(outcome.events, "event"),
        messages_in_words(&outcome.messages)
    ));
    page.operations(&outcome.operations);
    page.line(&format!("  seed {} · digest {:016x}", outcome.seed, outcome.digest));
    if verdict != Verdict::Holds {
        page.blank();
        page.command(&called.again(outcome));
    }
    page.text
}

/// A sweep.
fn summary_text(sweep: &SweepReport<'_>, color: bool) -> String {
    let SweepReport { subject, summary, called, .. } = sweep;
    let mut page = Lines::new(color);
    // A sweep that ends with a violation need not see what it expects.
    let never = if summary.ended == Ended::Violated { Vec::new() } else { sweep.never_seen() };
    page.line(&page.sweep_headline(subject, summary, &never));
    page.blank();
    page.tables(&summary.tables.medians(), ", medians of all seeds");
    page.blank();
    page.marks(&summary.sometimes, &never, summary.seeds);
    page.faults(&summary.faults);
    page.steps(&summary.steps, &never);
    page.blank();
    page.line(&format!(
        "  {} simulated · {} · {}",
        total_time(summary.sim_time_ns),
        counted(summary.events, "event"),
        messages_in_words(&summary.messages)
    ));
    page.operations(&summary.operations);
    page.meaning(sweep);
    page.missing(sweep.missing);
    page.defects(summary, called);
    page.unknown(summary, called);
    for bucket in &summary.failures {
        page.bucket(bucket, called);
    }
    if let Some(MeantViolation { property, shown: false }) = sweep.meant() {
        page.blank();
        let missed = format!("✗ {property} is not violated, as was expected ({})", outcome_meant(property));
        page.line(&format!("  {}", page.paint.bad(&missed)));
        page.command(&format!("  {}", called.sweep(sweep.start, summary.asked)));
    }
    page.text
}

/// The verdict of a run in a line.
pub(super) fn headline(subject: &Subject<'_>, outcome: &Outcome) -> String {
    let names = |verdict| {
        let names = outcome.properties.iter().filter(|property| property.verdict == verdict).map(|property| property.name);
        names.collect::<Vec<_>>().join(", ")
    };
    match (outcome.verdict(), subject.expected) {
        (Verdict::Holds, Expected::Holds) => "holds".to_owned(),
        (Verdict::Holds, Expected::Violates(property)) => {
            format!("holds, not as expected ({})", outcome_meant(property))
        }
        (Verdict::Unknown, expected) => format!("unknown: {}{}", names(Verdict::Unknown), as_meant(expected, 1, &|_| 0)),
        (Verdict::Violated, expected) => {
            let shown = |property: &str| u64::from(outcome.violates(property));
            format!("violated: {}{}", names(Verdict::Violated), as_meant(expected, 1, &shown))
        }
    }
}

/// Whether the runs that were violated are as the scenario expects: `shown` tells how many of them violate a property.
fn as_meant(expected: Expected, violated: u64, shown: &dyn Fn(&str) -> u64) -> String {
    let Expected::Violates(property) = expected else { return String::new() };
    let meant = outcome_meant(property);
    match shown(property) {
        0 => format!(", not as expected ({meant})"),
        count if count == violated => format!(", as expected ({meant})"),
        count => format!(", as expected ({meant}) in {}", grouped(count)),
    }
}

/// What the scenario says it comes to, as it is written there.
pub(super) fn outcome_meant(property: &str) -> String {
    format!("outcome: Violates({property:?})")
}

/// Text that grows line by line.
struct Lines {
    text: String,
    paint: Paint,
}

impl Paint {
    fn verdict(self, verdict: Verdict, text: &str) -> String {
        match verdict {
            Verdict::Holds => self.good(&format!("✓ {text}")),
            Verdict::Unknown => self.doubtful(&format!("? {text}")),
            Verdict::Violated => self.bad(&format!("✗ {text}")),
        }
    }
}

/// What pages are made of.
impl Lines {
    fn new(color: bool) -> Self {
        Self { text: String::new(), paint: Paint(color) }
    }

    fn line(&mut self, line: &str) {
        self.text += line.trim_end();
        self.text.push('\n');
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn command(&mut self, command: &str) {
        self.line(&format!("  {}", self.paint.strong(command)));
    }
}

/// A table under its title: names to the left, measurements to the right.
pub(super) fn table_text(table: &Table, note: &str, paint: Paint) -> String {
    let mut text = format!("  {}\n", paint.faint(&format!("{}{note}", clean(&table.title))));
    let mut grid: Vec<Vec<String>> = vec![table.columns.iter().map(|column| clean(column)).collect()];
    grid.extend(table.rows.iter().map(|row| row.cells.iter().map(|cell| clean(&cell.to_string())).collect()));
    let widest = |column: usize| grid.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(widest).collect();
    let first = table.rows.iter().map(|row| clean(&row.name).chars().count()).max().unwrap_or(0);
    let names = [String::new()].into_iter().chain(table.rows.iter().map(|row| clean(&row.name)));
    for (place, (name, line)) in names.zip(&grid).enumerate() {
        let cells: String = line.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect();
        let cells = if place == 0 { paint.faint(&cells) } else { cells };
        text += &format!("    {name:first$}{cells}\n");
    }
    text
}

/// The parts of a run's page.
impl Lines {
    /// The worst first.
    fn properties(&mut self, properties: &[PropertyReport]) {
        let width = properties.iter().map(|property| property.name.len()).max().unwrap_or(0);
        for wanted in [Verdict::Violated, Verdict::Unknown, Verdict::Holds] {
            for property in properties.iter().filter(|property| property.verdict == wanted) {
                self.property(property, width);
            }
        }
    }

    fn property(&mut self, property: &PropertyReport, width: usize) {
        let detail = clean(&property.explanation.as_ref().map(explanation_text).unwrap_or_default());
        if property.verdict == Verdict::Holds {
            let first = detail.lines().next().unwrap_or_default();
            self.line(&format!("  {} {:width$}  {}", self.paint.good("✓"), property.name, self.paint.faint(first)));
            return;
        }
        let at = property.at.map(|at| format!("at {at}")).unwrap_or_default();
        let title = self.paint.verdict(property.verdict, &format!("{:width$}", property.name));
        self.line(&format!("  {title}  {}", self.paint.faint(&at)));
        for line in detail.lines() {
            self.line(&format!("      {line}"));
        }
    }

    /// How the violation came about.
    fn story(&mut self, run: &RunReport<'_>) {
        if let Some((story, violated)) = run.told() {
            self.blank();
            self.text += &story.text(violated, self.paint.0);
        }
    }

    /// Names to the left, measurements to the right.
    fn tables(&mut self, tables: &[Table], note: &str) {
        for table in tables {
            self.blank();
            self.text += &table_text(table, note, self.paint);
        }
    }

    /// Of those that were never set, some had to be, and are among what was `missed`; of the others it is no more than worth a word.
    fn marks(&mut self, marks: &[MarkTotal], missed: &[&Expectation], seeds: u64) {
        let is_missed = |name: &str| missed.iter().any(|missed| matches!(missed, Expectation::Sometimes(mark) if *mark == name));
        let undeclared = missed.iter().filter_map(|missed| match missed {
            Expectation::Sometimes(name) if marks.iter().all(|mark| mark.name != *name) => Some(MarkTotal { name, count: 0, seeds: 0 }),
            _ => None,
        });
        let all: Vec<MarkTotal> = marks.iter().copied().chain(undeclared).collect();
        let width = all.iter().map(|mark| mark.name.chars().count()).max().unwrap_or(0);
        if !all.is_empty() {
            self.blank();
            self.line(&format!("  {}", self.paint.faint("sometimes")));
        }
        for mark in all {
            let name = format!("{:width$}", mark.name);
            let line = match mark.count {
                0 if is_missed(mark.name) => self.paint.bad(&format!("✗ {name}  never seen, but must be")),
                0 => format!("{} {name}  {}", self.paint.doubtful("·"), self.paint.doubtful("never seen")),
                count if seeds == 1 => format!("{} {name}  {}", self.paint.good("✓"), grouped(count)),
                count => format!("{} {name}  {} in {}", self.paint.good("✓"), grouped(count), counted(mark.seeds, "seed")),
            };
            self.line(&format!("    {line}"));
        }
    }

    fn strays(&mut self, strays: &[Stray]) {
        if !strays.is_empty() {
            self.blank();
            self.line(&format!("  {}", self.paint.faint("lists")));
        }
        for stray in strays {
            let words = match stray {
                Stray::Mark { name } => format!("the mark \"{name}\" was set, and is not listed"),
                Stray::Role { name } => format!("the role {name} was claimed, and is not listed"),
                Stray::Message { kind, to } => format!("{kind} was sent to {to}, which does not exist"),
                Stray::Check { name } => format!("{name} is listed, and no judge reported on it"),
            };
            self.line(&format!("    {} {}", self.paint.doubtful("·"), clean(&words)));
        }
    }

    fn faults(&mut self, faults: &[FaultCount]) {
        let width = faults.iter().map(|fault| fault.kind.len()).max().unwrap_or(0);
        if !faults.is_empty() {
            self.blank();
            self.line(&format!("  {}", self.paint.faint("faults")));
        }
        for fault in faults {
            let tally = match (fault.strikes, fault.bites) {
                (0, _) => self.paint.doubtful("never struck"),
                (strikes, 0) => self.paint.doubtful(&format!("{} struck, none bit: it made no difference", grouped(strikes))),
                (strikes, bites) => format!("{} struck, {} bit", grouped(strikes), grouped(bites)),
            };
            self.line(&format!("      {:width$}  {tally}", fault.kind));
        }
    }

    /// Each step that never struck, and each that had to strike or bite and did not.
    fn steps(&mut self, steps: &[StepCount], missed: &[&Expectation]) {
        for StepCount { step, strikes, .. } in steps {
            let did_not = if *strikes == 0 { "never struck" } else { "never bit" };
            let line = format!("{} {did_not}", clean(step));
            if missed.iter().any(|missed| missed.step() == Some(step)) {
                self.line(&format!("    {}", self.paint.bad(&format!("✗ {line}, but must"))));
            } else if *strikes == 0 {
                self.line(&format!("      {}", self.paint.doubtful(&line)));
            }
        }
    }

    /// How much of what is fixed met its match. What did not is told: it is a typing error, or the run is not what it was.
    fn matched(&mut self, outcome: &Outcome) {
        let (fates, script, steps) = (&outcome.fates, &outcome.scripted, &outcome.steps);
        if fates.fixed + script.scripted == 0 {
            return;
        }
        self.blank();
        let rates = [
            (steps.iter().filter(|step| step.strikes > 0).count(), steps.len(), "steps struck"),
            (fates.fixed - fates.never_met.len(), fates.fixed, "fates met their message"),
            (script.scripted - script.never_invoked.len(), script.scripted, "operations were invoked"),
        ];
        let rates = rates.iter().filter(|(_, of, _)| *of > 0).map(|(met, of, what)| format!("{met} of {of} {what}"));
        self.line(&format!("  fixed: {}", rates.collect::<Vec<_>>().join(", ")));
        let unsent = fates.never_met.iter().map(|fate| format!("{fate} was never sent"));
        let missed = script.never_invoked.iter().map(|id| format!("{id} was never invoked"));
        for missing in unsent.chain(missed) {
            self.line(&format!("      {}", self.paint.doubtful(&missing)));
        }
    }

    fn operations(&mut self, operations: &Operations) {
        if operations.invoked == 0 {
            return;
        }
        let mut parts = vec![format!("{} completed", grouped(operations.completed))];
        parts.extend((operations.failed > 0).then(|| format!("{} failed", grouped(operations.failed))));
        parts.extend((operations.unknown > 0).then(|| format!("{} unknown to their clients", grouped(operations.unknown))));
        self.line(&format!("  {}: {}", counted(operations.invoked, "operation"), parts.join(", ")));
    }
}

/// The parts of a sweep's page.
impl Lines {
    fn sweep_headline(&self, subject: &Subject<'_>, summary: &Summary, never: &[&Expectation]) -> String {
        let seeds = counted(summary.seeds, "seed");
        let of = |count: u64| if summary.seeds == 1 { String::new() } else { format!(" in {} of {seeds}", grouped(count)) };
        let mut text = match (summary.violated, summary.unknown, summary.defects) {
            (0, 0, 0) if summary.asked == 0 => return self.paint.good("✓ there is no seed in this shard"),
            (0, 0, 0) if summary.seeds == 0 && summary.ended == Ended::Incomplete => return self.paint.doubtful("? no seed has a row"),
            (0, 0, 0) if summary.seeds == 0 => return self.paint.doubtful("? interrupted before a seed was done"),
            (0, 0, 0) if summary.seeds < summary.asked && summary.seeds == 1 => "holds in the 1 seed that was run".to_owned(),
            (0, 0, 0) if summary.seeds < summary.asked => format!("holds in the {seeds} that were run"),
            (0, 0, 0) if summary.seeds == 1 => "holds".to_owned(),
            (0, 0, 0) => format!("holds in all {seeds}"),
            (0, 0, defects) => format!("not judged{}: a defect in Stormglass itself", of(defects)),
            (0, unknown, _) => format!("unknown{}", of(unknown)),
            (violated, _, _) => {
                format!("violated{}{}", of(violated), as_meant(subject.expected, violated, &|property| summary.violates(property)))
            }
        };
        if let (0, Expected::Violates(property)) = (summary.violated, subject.expected) {
            text += &format!(", not as expected ({})", outcome_meant(property));
        }
        let reached = format!("{} of {}", grouped(summary.seeds), counted(summary.asked, "seed"));
        match summary.ended {
            Ended::Cancelled => text += &format!("; interrupted after {reached}"),
            Ended::Unwritten => text += &format!("; ended after {reached}, when the output could not be written"),
            Ended::Violated => text += "; the sweep stopped there",
            Ended::Incomplete => text += &format!("; {reached} have a row"),
            Ended::Complete => {}
        }
        if summary.violated == 0 && summary.unknown == 0 && summary.defects == 0 && !never.is_empty() {
            return self.paint.doubtful(&format!(
                "? {text}, but never seen: {}",
                never.iter().map(|missed| missed_in_words(missed)).collect::<Vec<_>>().join(", ")
            ));
        }
        let verdict = match (summary.violated, summary.unknown + summary.defects) {
            (0, 0) if summary.ended == Ended::Incomplete => Verdict::Unknown,
            (0, 0) => Verdict::Holds,
            (0, _) => Verdict::Unknown,
            _ => Verdict::Violated,
        };
        self.paint.verdict(verdict, &text)
    }

    /// What follows from so many runs, and from what they have seen.
    fn meaning(&mut self, sweep: &SweepReport<'_>) {
        let summary = sweep.summary;
        let (failing, (least, most)) = (summary.failing(), summary.failing().compatible());
        let mut parts = vec![format!("{} judged", counted(failing.of, "run"))];
        let marks = summary.sometimes.iter().filter(|mark| mark.count > 0).count();
        let bit = summary.faults.iter().filter(|fault| fault.bites > 0).count();
        for (seen, all, what) in [(marks, summary.sometimes.len(), "marks set"), (bit, summary.faults.len(), "kinds of faults bit")] {
            parts.extend((all > 0).then(|| format!("{seen} of {all} {what}")));
        }
        self.line(&format!("  {}", parts.join(" · ")));
        if failing.of > 0 {
            let chance = match failing.failed {
                0 => format!("at most {}", percent(most)),
                _ => format!("between {} and {}", percent(least), percent(most)),
            };
            self.line(&format!("  a run fails with a chance of {chance} (95 % confidence)"));
        }
        if let Some(shard) = sweep.shard {
            let (index, count) = (shard.index(), grouped(shard.count()));
            self.line(&format!("  shard {} of {count}: whether all has been seen that must be is for merge to say", grouped(index)));
        }
    }

    /// The seeds of which there is no row.
    fn missing(&mut self, missing: &[Missing]) {
        /// How many ranges are shown.
        const SHOWN: usize = 20;
        if missing.is_empty() {
            return;
        }
        self.blank();
        let count: u64 = missing.iter().map(Missing::count).sum();
        self.line(&format!("  {} of {}", self.paint.doubtful("? no row"), counted(count, "seed")));
        for Missing { first, last, shard } in missing.iter().take(SHOWN) {
            let seeds = if first == last { format!("seed {first}") } else { format!("seeds {first} to {last}") };
            let shard = shard.map(|shard| format!(": shard {shard}")).unwrap_or_default();
            self.line(&format!("      {seeds}{shard}"));
        }
        if let Some(more) = missing.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.line(&format!("      {}", self.paint.faint(&format!("and {} more", counted(more as u64, "range")))));
        }
    }

    fn defects(&mut self, summary: &Summary, called: &Invocation) {
        if summary.defects == 0 {
            return;
        }
        self.blank();
        self.line(&self.paint.bad(&format!("  {} of Stormglass itself: please report", counted(summary.defects, "defect"))));
        for (seed, defect) in &summary.first_defects {
            self.line(&format!("      {}", clean(&defect.message).lines().next().unwrap_or_default()));
            self.line(&format!("    {}", called.replay(*seed)));
        }
        self.more(summary.defects, summary.first_defects.len());
    }

    fn unknown(&mut self, summary: &Summary, called: &Invocation) {
        if summary.unknown == 0 {
            return;
        }
        self.blank();
        let stalled = match summary.stalled {
            0 => String::new(),
            stalled => format!(", of which {} gave no answer in time and can be tried again", grouped(stalled)),
        };
        self.line(&format!("  {} in {}{stalled}", self.paint.doubtful("? unknown"), counted(summary.unknown, "seed")));
        for seed in &summary.unknown_seeds {
            self.line(&format!("    {}", called.replay(*seed)));
        }
        self.more(summary.unknown, summary.unknown_seeds.len());
    }

    fn bucket(&mut self, bucket: &Bucket, called: &Invocation) {
        self.blank();
        let title = self.paint.bad(&format!("✗ {}", bucket.property));
        let count = counted(bucket.count, "seed");
        let at = bucket.at.map(|at| format!("first at {at} · ")).unwrap_or_default();
        self.line(&format!("  {title}  {}", self.paint.faint(&format!("{count} · {at}fingerprint {:016x}", bucket.fingerprint))));
        if let Some(line) = bucket.explanation.as_ref().map(explanation_line) {
            self.line(&format!("      {}", clean(&line)));
        }
        for besides in &bucket.besides {
            let seeds = match besides.count {
                1 => format!("seed {}", besides.first_seed),
                count => format!("{} seeds, the first is {}", grouped(count), besides.first_seed),
            };
            self.line(&format!("      {}", self.paint.faint(&format!("{}, too, in {seeds}", besides.property))));
        }
        let mut seeds = bucket.seeds.clone();
        if bucket.count > 1 {
            let Example { seed, events, .. } = bucket.fewest_events;
            let mut examples = format!("fewest events: seed {seed} ({})", grouped(events));
            if let Example { seed, at: Some(at), .. } = bucket.earliest {
                examples += &format!(" · earliest: seed {seed} (at {at})");
            }
            self.line(&format!("      {}", self.paint.faint(&examples)));
            for example in [bucket.fewest_events.seed, bucket.earliest.seed] {
                if !seeds.contains(&example) {
                    seeds.push(example);
                }
            }
        }
        self.more(bucket.count, bucket.seeds.len());
        for seed in &seeds {
            self.command(&format!("  {}", called.shows(bucket.property, *seed)));
        }
    }

    fn more(&mut self, count: u64, listed: usize) {
        let more = count - listed as u64;
        if more > 0 {
            self.line(&format!("      {}", self.paint.faint(&format!("and {} more, below are the first", grouped(more)))));
        }
    }
}

fn missed_in_words(missed: &Expectation) -> String {
    match missed {
        Expectation::Sometimes(mark) => (*mark).to_owned(),
        Expectation::Strikes(step) => format!("that {} strikes", clean(step)),
        Expectation::Bites(step) => format!("that {} bites", clean(step)),
    }
}

fn messages_in_words(messages: &Messages) -> String {
    let mut text = format!("{}: {} delivered", counted(messages.sent, "message"), grouped(messages.delivered));
    if messages.dropped > 0 {
        text += &format!(", {} dropped", grouped(messages.dropped));
    }
    if messages.duplicated > 0 {
        text += &format!(", {} duplicated", grouped(messages.duplicated));
    }
    text
}

/// To the nanosecond for a few runs, in whole seconds for many.
fn total_time(nanos: u128) -> String {
    match u64::try_from(nanos) {
        Ok(nanos) if nanos < 100_000_000_000 => Duration::from_nanos(nanos).to_string(),
        _ => format!("{}s", grouped(u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::atomic::AtomicBool;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::base::{Fate, FixedFate, Loss, NodeId, OperationId, Which};
    use crate::environment::FateCounts;
    use crate::explore::samples::{outcome, unknown, violated};
    use crate::explore::{DETERMINISTIC, Sweep, Until};
    use crate::report::samples::{called, subject};
    use crate::trace::Cell;
    use crate::world::ScriptCounts;

    fn run(subject: &Subject<'_>, outcome: &Outcome, color: bool) -> String {
        run_text(&RunReport { subject: *subject, outcome, called: &called(), drawing: None, story: None, details: None }, color)
    }

    fn summary(summary: &Summary) -> String {
        summary_text(&SweepReport::of(subject(), 0, summary, &called()), false)
    }

    fn check(found: &str, expected: Expect) {
        expected.assert_eq(found);
    }

    #[test]
    fn what_is_fixed_and_met_no_match_is_told() {
        let fixed = |which| {
            let (from, to, fate) = (NodeId::server(0), NodeId::server(1), Fate::Lost(Loss::Override));
            FixedFate { from, to, kind: "AppendEntries", which, fate }
        };
        let never = vec![fixed(Which::Count(9)), fixed(Which::Content { content: 0x3f2a, nth: 2 })];
        let text = |fates| run(&subject(), &Outcome { fates, ..outcome(7) }, false);
        let some = text(FateCounts { fixed: 3, never_met: never });
        let told = "\n  fixed: 1 of 3 fates met their message\n      n1 → n2 AppendEntries #9 was never sent\n      \
                    n1 → n2 AppendEntries 0000000000003f2a #2 was never sent\n\n";
        assert!(some.contains(told), "{some}");
        assert!(text(FateCounts { fixed: 1, never_met: vec![] }).contains("\n  fixed: 1 of 1 fates met their message\n"));
        assert!(!text(FateCounts::default()).contains("fates"));
        let scripted = ScriptCounts { scripted: 2, never_invoked: vec![OperationId::scripted(0, 7)] };
        let steps = vec![StepCount { step: "a storm".to_owned(), strikes: 1, bites: 0 }];
        let some = run(&subject(), &Outcome { scripted, steps, ..outcome(7) }, false);
        let told = "\n  fixed: 1 of 1 steps struck, 1 of 2 operations were invoked\n      c1@7 was never invoked\n\n";
        assert!(some.contains(told), "{some}");
    }

    #[test]
    fn a_run_that_holds() {
        check(
            &opening(&subject(), "seed 7", false),
            expect![[r#"
            a leader crashes
            RaftKv · 5 servers, 1 client · seed 7
        "#]],
        );
        check(
            &run(&subject(), &outcome(7), false),
            expect![[r#"
            ✓ holds

              ✓ linearizable
              ✓ no-panic

              sometimes
                ✓ leader lost     1
                · client retried  never seen

              faults
                  Crash  3 struck, 2 bit
                  Pause  1 struck, none bit: it made no difference

              12.5s simulated · 1,007 events · 500 messages: 480 delivered, 20 dropped, 3 duplicated
              100 operations: 97 completed, 1 failed, 2 unknown to their clients
              seed 7 · digest 123456789abcdef7
        "#]],
        );
    }

    #[test]
    fn what_was_measured() {
        let mut table = Table::new("in doubt", &["how many", "median", "locked"]);
        table.row("two-phase", vec![Cell::Count(12), Cell::Length(Duration::from_micros(123_456)), Cell::Share(0.25)]);
        table.row("Paxos", vec![Cell::Count(0), Cell::Empty, Cell::Empty]);
        let measured = Outcome { tables: vec![table], ..outcome(7) };
        check(
            &run(&subject(), &measured, false),
            expect![[r#"
            ✓ holds

              ✓ linearizable
              ✓ no-panic

              in doubt
                           how many  median  locked
                two-phase        12   123ms    25 %
                Paxos             0       –       –

              sometimes
                ✓ leader lost     1
                · client retried  never seen

              faults
                  Crash  3 struck, 2 bit
                  Pause  1 struck, none bit: it made no difference

              12.5s simulated · 1,007 events · 500 messages: 480 delivered, 20 dropped, 3 duplicated
              100 operations: 97 completed, 1 failed, 2 unknown to their clients
              seed 7 · digest 123456789abcdef7
        "#]],
        );
    }

    #[test]
    fn a_run_that_does_not() {
        let detail = "n1 and n3 both lead term 4\n  n1 since 1.9s\n  n3 since 2.013s";
        let bug = Subject { mutants: &["raft/forgets-vote"], expected: Expected::Violates("election-safety"), ..subject() };
        check(
            &opening(&bug, "seed 7", false),
            expect![[r#"
            a leader crashes
            RaftKv · 5 servers, 1 client · mutant raft/forgets-vote · seed 7
        "#]],
        );
        check(
            &run(&bug, &violated(7, "election-safety", detail), false),
            expect![[r#"
            ✗ violated: election-safety, as expected (outcome: Violates("election-safety"))

              ✗ election-safety  at 2.013s
                  n1 and n3 both lead term 4
                    n1 since 1.9s
                    n3 since 2.013s
              ✓ linearizable
              ✓ no-panic

              sometimes
                ✓ leader lost     1
                · client retried  never seen

              faults
                  Crash  3 struck, 2 bit
                  Pause  1 struck, none bit: it made no difference

              12.5s simulated · 1,007 events · 500 messages: 480 delivered, 20 dropped, 3 duplicated
              100 operations: 97 completed, 1 failed, 2 unknown to their clients
              seed 7 · digest 123456789abcdef7

              stormglass replay storm.ron --seed 7 --set duration=5s
        "#]],
        );
        check(
            run(&bug, &violated(7, "log-matching", "broken"), false).lines().next().unwrap_or_default(),
            expect![[r#"✗ violated: log-matching, not as expected (outcome: Violates("election-safety"))"#]],
        );
        check(
            run(&bug, &outcome(7), false).lines().next().unwrap_or_default(),
            expect![[r#"✓ holds, not as expected (outcome: Violates("election-safety"))"#]],
        );
        check(
            &run(&subject(), &unknown(7), false),
            expect![[r#"
            ? unknown: linearizable

              ? linearizable
                  the budget of 10000 states ended
              ✓ no-panic

              sometimes
                ✓ leader lost     1
                · client retried  never seen

              faults
                  Crash  3 struck, 2 bit
                  Pause  1 struck, none bit: it made no difference

              12.5s simulated · 1,007 events · 500 messages: 480 delivered, 20 dropped, 3 duplicated
              100 operations: 97 completed, 1 failed, 2 unknown to their clients
              seed 7 · digest 123456789abcdef7

              stormglass replay storm.ron --seed 7 --set duration=5s
        "#]],
        );
    }

    #[test]
    fn two_runs_that_differ_are_shown_by_running_twice() {
        let text = run(&subject(), &violated(7, DETERMINISTIC.name, "two runs differ"), false);
        assert!(text.ends_with("  stormglass run storm.ron --seed 7 --set duration=5s --verify\n"), "{text}");
    }

    #[test]
    fn colour_only_where_asked_and_nothing_a_terminal_would_obey() {
        let outcome = violated(7, "no-panic", "\u{1b}[2Jgone");
        assert!(!run(&subject(), &outcome, false).contains('\u{1b}'));
        assert!(run(&subject(), &outcome, true).contains("\u{1b}[1;31m✗ violated: no-panic\u{1b}[0m"));
    }

    #[test]
    fn sweeps() {
        let sweep = |seeds, run: &(dyn Fn(u64) -> Outcome + Sync)| {
            let cancel = AtomicBool::new(false);
            let sweep = Sweep { start: 0, seeds, jobs: 1, until: Until::Done, cancel: &cancel };
            summary(&sweep.run(run, &mut |_| ControlFlow::Continue(())).unwrap())
        };
        check(
            &sweep(1_000, &outcome),
            expect![[r#"
            ? holds in all 1,000 seeds, but never seen: client retried

              sometimes
                ✓ leader lost     999 in 666 seeds
                ✗ client retried  never seen, but must be

              faults
                  Crash  3,000 struck, 2,000 bit
                  Pause  1,000 struck, none bit: it made no difference

              12,500s simulated · 1,499,500 events · 500,000 messages: 480,000 delivered, 20,000 dropped, 3,000 duplicated
              100,000 operations: 97,000 completed, 1,000 failed, 2,000 unknown to their clients
              1,000 runs judged · 1 of 2 marks set · 1 of 2 kinds of faults bit
              a run fails with a chance of at most 0.299 % (95 % confidence)
        "#]],
        );
        let failing = |seed| match seed % 10 {
            3 => violated(seed, "election-safety", &format!("n1 and n2 both lead term {seed}\nmore")),
            4 if seed < 40 => violated(seed, "no-panic", &format!("n1 panicked at {seed}ms: oh")),
            5 if seed < 10 => unknown(seed),
            6 if seed < 10 => std::panic::resume_unwind(Box::new("a judge fell over")),
            _ => outcome(seed),
        };
        check(
            &sweep(100, &failing),
            expect![[r#"
                ✗ violated in 14 of 100 seeds

                  sometimes
                    ✓ leader lost     99 in 66 seeds
                    ✗ client retried  never seen, but must be

                  faults
                      Crash  297 struck, 198 bit
                      Pause  99 struck, none bit: it made no difference

                  1,237s simulated · 103,944 events · 49,500 messages: 47,520 delivered, 1,980 dropped, 297 duplicated
                  9,900 operations: 9,603 completed, 99 failed, 198 unknown to their clients
                  98 runs judged · 1 of 2 marks set · 1 of 2 kinds of faults bit
                  a run fails with a chance of between 8.04 % and 22.8 % (95 % confidence)

                  1 defect of Stormglass itself: please report
                      a judge fell over
                    stormglass replay storm.ron --seed 6 --set duration=5s

                  ? unknown in 1 seed
                    stormglass replay storm.ron --seed 5 --set duration=5s

                  ✗ election-safety  10 seeds · first at 2.013s · fingerprint 3da489964dd32312
                      n1 and n2 both lead term 3
                      fewest events: seed 3 (1,003) · earliest: seed 3 (at 2.013s)
                      and 5 more, below are the first
                    stormglass replay storm.ron --seed 3 --set duration=5s
                    stormglass replay storm.ron --seed 13 --set duration=5s
                    stormglass replay storm.ron --seed 23 --set duration=5s
                    stormglass replay storm.ron --seed 33 --set duration=5s
                    stormglass replay storm.ron --seed 43 --set duration=5s

                  ✗ no-panic  4 seeds · first at 2.013s · fingerprint f15f6c9d838d918a
                      n1 panicked at 4ms: oh
                      fewest events: seed 4 (1,004) · earliest: seed 4 (at 2.013s)
                    stormglass replay storm.ron --seed 4 --set duration=5s
                    stormglass replay storm.ron --seed 14 --set duration=5s
                    stormglass replay storm.ron --seed 24 --set duration=5s
                    stormglass replay storm.ron --seed 34 --set duration=5s
            "#]],
        );
    }

    #[test]
    fn what_a_sweep_shows_is_counted() {
        let told = |shown: u64| as_meant(Expected::Violates("election-safety"), 20, &|_: &str| shown);
        assert_eq!(told(20), ", as expected (outcome: Violates(\"election-safety\"))");
        assert_eq!(told(3), ", as expected (outcome: Violates(\"election-safety\")) in 3");
        assert_eq!(told(0), ", not as expected (outcome: Violates(\"election-safety\"))");
    }
}
