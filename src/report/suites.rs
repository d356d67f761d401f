//! A report as CI systems see it: suites of cases. A scenario or a history is a suite, a property is a case, and a seed is never one.

use super::Invocation;
use super::explanation::explanation_text;
use super::history::{history_headline, history_text};
use super::model::{Found, HistoryReport, LintReport, Report, RunReport, SweepReport};
use super::text::{clean, counted};
use super::transactions::{transactions_headline, transactions_text};
use crate::check::{CheckReport, Explanation, Verdict};
use crate::diagnostic::Place;
use crate::explore::{DETERMINISTIC, PropertyTotal};

/// A scenario or a history.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) cases: Vec<Case>,
}

/// A property.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) result: Outcome,
    /// All there is to say, in a line.
    pub(super) title: String,
    /// All there is to say; lines.
    pub(super) text: String,
    /// Where in the suite's file this is about.
    pub(super) place: Place,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// It passed, and there is something to say: it is violated, as the scenario means to show.
    Told,
    Failed,
    /// Nobody knows. That is no pass.
    Unknown,
}

/// The suites of a report.
pub(super) fn suites(report: &Report<'_>) -> Vec<Suite> {
    match report {
        Report::Run(run) => vec![run_suite(run)],
        Report::Sweep(sweep) => vec![sweep_suite(sweep)],
        Report::Histories(histories) => histories.iter().map(history_suite).collect(),
        Report::Lint(files) => files.iter().map(lint_suite).collect(),
    }
}

fn run_suite(run: &RunReport<'_>) -> Suite {
    let (outcome, called) = (run.outcome, run.called);
    let replay = called.again(outcome);
    let cases = outcome.properties.iter().map(|property| {
        let at = property.at.map(|at| format!("at {at}")).unwrap_or_default();
        judged(property.name, property.verdict, &at, property.explanation.as_ref(), &replay, called)
    });
    let mut cases: Vec<Case> = cases.collect();
    as_meant(&mut cases, run.meant(), called);
    let facts =
        vec![("system", run.subject.system.to_owned()), ("seed", outcome.seed.to_string()), ("digest", format!("{:016x}", outcome.digest))];
    Suite { name: run.subject.name.to_owned(), file: called.file.clone(), facts, cases }
}

fn sweep_suite(sweep: &SweepReport<'_>) -> Suite {
    let (summary, called) = (sweep.summary, sweep.called);
    let mut cases: Vec<Case> = summary.properties.iter().map(|property| swept(property, summary.seeds, called)).collect();
    as_meant(&mut cases, sweep.meant(), called);
    let never = summary.never_seen(sweep.subject.expect);
    cases.extend(sweep.subject.expect.iter().map(|mark| {
        let result = if never.contains(mark) && sweep.meant().is_none() { Outcome::Failed } else { Outcome::Passed };
        let title = if result == Outcome::Failed { format!("never seen in {}", counted(summary.seeds, "seed")) } else { String::new() };
        Case { name: format!("Sometimes(\"{mark}\")"), result, text: title.clone(), title, place: called.place() }
    }));
    cases.extend(summary.first_defects.first().map(|(seed, defect)| {
        let title = format!("a defect in Stormglass itself, in {}", counted(summary.defects, "seed"));
        let text = format!("{}\n\n{}", defect.message, called.replay(*seed));
        Case { name: "stormglass".to_owned(), result: Outcome::Unknown, title, text, place: called.place() }
    }));
    let facts = vec![("system", sweep.subject.system.to_owned()), ("start", sweep.start.to_string()), ("seeds", summary.seeds.to_string())];
    Suite { name: sweep.subject.name.to_owned(), file: called.file.clone(), facts, cases }
}

/// A property of a sweep: what became of it in the worst of its seeds.
fn swept(property: &PropertyTotal, seeds: u64, called: &Invocation) -> Case {
    let of = |count: u64, verdict: &str| format!("{verdict} in {count} of {}", counted(seeds, "seed"));
    let (verdict, told) = match (property.violated, property.unknown) {
        (0, 0) => (Verdict::Holds, String::new()),
        (0, unknown) => (Verdict::Unknown, of(unknown, "unknown")),
        (violated, _) => (Verdict::Violated, of(violated, "violated")),
    };
    let (seed, explanation) = property.first.as_ref().map_or((0, None), |(seed, explanation)| (*seed, explanation.as_ref()));
    let replay = if property.name == DETERMINISTIC.name { called.verify(seed) } else { called.replay(seed) };
    judged(property.name, verdict, &told, explanation, &replay, called)
}

/// A property that was judged: how bad it is, what else there is to say in short, why, and the command that shows it again.
fn judged(name: &str, verdict: Verdict, told: &str, why: Option<&Explanation>, replay: &str, called: &Invocation) -> Case {
    let result = result(verdict);
    let why = why.filter(|_| verdict != Verdict::Holds).map(explanation_text).unwrap_or_default();
    let first = why.lines().next().unwrap_or_default();
    let title = [first, told].into_iter().find(|words| !words.is_empty()).unwrap_or_default().to_owned();
    let text = match result {
        Outcome::Passed => String::new(),
        _ => [told, why.trim_end(), "", replay].into_iter().skip_while(|part| part.is_empty()).collect::<Vec<_>>().join("\n"),
    };
    Case { name: name.to_owned(), result, title, text, place: called.place() }
}

const fn result(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Holds => Outcome::Passed,
        Verdict::Violated => Outcome::Failed,
        Verdict::Unknown => Outcome::Unknown,
    }
}

/// Where it counts what the scenario means to show, all is well if that was seen; if not, that is what is wrong.
fn as_meant(cases: &mut Vec<Case>, meant: Option<(&'static str, bool)>, called: &Invocation) {
    match meant {
        None => {}
        Some((_, true)) => cases.iter_mut().filter(|case| case.result != Outcome::Passed).for_each(|case| case.result = Outcome::Told),
        Some((property, false)) => {
            cases.retain(|case| case.name != property);
            let title = format!("{property} is not violated, though this scenario means to show it");
            cases.push(Case { name: property.to_owned(), result: Outcome::Failed, text: title.clone(), title, place: called.place() });
        }
    }
}

fn history_suite(history: &HistoryReport) -> Suite {
    let case = match &history.found {
        Ok(Found::Object(report)) => object_case(report),
        Ok(Found::Transactions(report)) => {
            let begins = report.finding_lines().into_values().map(|(begins, _)| begins).min();
            let (title, text) = (transactions_headline(report), transactions_text(report));
            Case { name: report.level.name().to_owned(), result: result(report.verdict), title, text, place: on_line(begins) }
        }
        Err(text) => Case {
            name: "readable".to_owned(),
            result: Outcome::Unknown,
            title: first_line(text),
            text: text.clone(),
            place: on_line(None),
        },
    };
    let facts = match &history.found {
        Ok(Found::Object(report)) => vec![("model", report.model.to_owned())],
        Ok(Found::Transactions(report)) => vec![("model", report.notation.name().to_owned())],
        Err(_) => Vec::new(),
    };
    Suite { name: history.file.clone(), file: history.file.clone(), facts, cases: vec![case] }
}

fn object_case(report: &CheckReport) -> Case {
    let example = report.explanation.violations.iter().filter_map(|example| example.line).min();
    let line = example.or_else(|| report.lines.iter().flatten().copied().min());
    let (title, text) = (history_headline(report), history_text(report, true));
    Case { name: report.guarantee.name().to_owned(), result: result(report.verdict), title, text, place: on_line(line) }
}

fn lint_suite(file: &LintReport) -> Suite {
    let text = file.unread.clone().unwrap_or_else(|| file.problems.render(&file.source, false));
    let result = match (&file.unread, file.is_valid(), file.problems.is_empty()) {
        (Some(_), ..) => Outcome::Unknown,
        (None, false, _) => Outcome::Failed,
        (None, true, false) => Outcome::Told,
        (None, true, true) => Outcome::Passed,
    };
    let case = Case { name: "lint".to_owned(), result, title: first_line(&text), text, place: on_line(None) };
    Suite { name: file.source.name.clone(), file: file.source.name.clone(), facts: Vec::new(), cases: vec![case] }
}

fn on_line(line: Option<u64>) -> Place {
    Place { line: line.and_then(|line| usize::try_from(line).ok()).unwrap_or(1), column: 1 }
}

fn first_line(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default())
}
