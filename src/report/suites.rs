//! A report as CI systems see it: suites of cases. A scenario or a history is a suite, a property is a case, and a seed is never one.

use super::Invocation;
use super::explanation::explanation_text;
use super::history::{more_problems, problem_place, problems_text};
use super::model::{Found, HistoryReport, LintReport, MeantViolation, Missing, Report, RunReport, SweepReport, Unjudged};
use super::text::outcome_meant;
use super::words::{clean, counted};
use crate::check::{Explanation, Verdict};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::explore::PropertyTotal;
use crate::history::formats::{Problem, Problems};

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
    pub(super) result: CaseResult,
    /// All there is to say, in a line.
    pub(super) title: String,
    /// All there is to say; lines. What failed has the command that shows it again in the last.
    pub(super) text: String,
    /// Where in the suite's file this is about.
    pub(super) place: Place,
    /// What is wrong with the lines of the file, each at its place, where it is that.
    pub(super) remarks: Vec<Remark>,
}

/// One thing that is wrong with a file.
pub(super) struct Remark {
    pub(super) severity: Severity,
    pub(super) place: Place,
    pub(super) message: String,
    /// What else there is to say, such as what to try instead.
    pub(super) more: Vec<String>,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaseResult {
    Passed,
    /// It passed, and there is something to say: it is violated, as the scenario means to show.
    Told,
    /// A property is violated.
    Failed,
    /// What was to be seen was not.
    NeverSeen,
    /// Nobody knows. That is no pass.
    Unknown,
    /// Stormglass itself failed.
    Defect,
    /// What was to be judged makes no sense, or could not be read.
    Invalid,
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
        let why = property.explanation.as_ref();
        let at = property.at.filter(|_| !why.is_some_and(tells_when)).map(|at| format!("at {at}")).unwrap_or_default();
        judged(property.name, property.verdict, &at, why, &replay, called)
    });
    let mut cases: Vec<Case> = cases.collect();
    add_outcome(&mut cases, run.meant(), &replay, called);
    let facts =
        vec![("system", run.subject.system.to_owned()), ("seed", outcome.seed.to_string()), ("digest", format!("{:016x}", outcome.digest))];
    Suite { name: run.subject.name.to_owned(), file: called.file.clone(), facts, cases }
}

/// Whether an explanation says itself when it was.
fn tells_when(why: &Explanation) -> bool {
    match why {
        Explanation::Linearizability(_) | Explanation::Panic(_) | Explanation::Spin(_) => true,
        Explanation::Rule(broken) => broken.fact("at").is_some(),
        _ => false,
    }
}

fn sweep_suite(sweep: &SweepReport<'_>) -> Suite {
    let (summary, called) = (sweep.summary, sweep.called);
    let again = called.sweep(sweep.start, summary.asked);
    let mut cases: Vec<Case> = summary.properties.iter().map(|property| swept(property, summary.seeds, called)).collect();
    let never = sweep.never_seen();
    // What a sweep must see is asked of all its shards together.
    let asked = if sweep.shard.is_some() { &[] } else { sweep.subject.expect };
    cases.extend(asked.iter().map(|expected| {
        let (name, place) = (expected.to_string(), called.aims.expected(expected));
        if never.contains(&expected) {
            never_seen(name, format!("never seen in {}", counted(summary.seeds, "seed")), &again, place)
        } else {
            passed(name, place)
        }
    }));
    add_outcome(&mut cases, sweep.meant(), &again, called);
    cases.extend(summary.first_defects.first().map(|(seed, defect)| {
        let title = format!("a defect in Stormglass itself, in {}", counted(summary.defects, "seed"));
        let text = format!("{}\n\n{}", defect.message, called.replay(*seed));
        Case { name: "stormglass".to_owned(), result: CaseResult::Defect, title, text, place: called.aims.outcome(), remarks: Vec::new() }
    }));
    cases.extend(summary.stalled_seeds.first().map(|seed| {
        let title = format!("no answer in time, in {}", counted(summary.stalled, "seed"));
        let text = format!("{title}\n\n{}", called.replay(*seed));
        Case { name: "stalled".to_owned(), result: CaseResult::Unknown, title, text, place: called.aims.outcome(), remarks: Vec::new() }
    }));
    cases.extend(sweep.missing.first().map(|first| {
        let count: u64 = sweep.missing.iter().map(Missing::count).sum();
        let title = format!("no row of {}", counted(count, "seed"));
        let text = format!("{title}, the first of which is {}", first.first);
        Case { name: "missing".to_owned(), result: CaseResult::Unknown, title, text, place: called.aims.outcome(), remarks: Vec::new() }
    }));
    let mut facts =
        vec![("system", sweep.subject.system.to_owned()), ("start", sweep.start.to_string()), ("seeds", summary.seeds.to_string())];
    facts.extend(sweep.shard.map(|shard| ("shard", shard.to_string())));
    Suite { name: sweep.subject.name.to_owned(), file: called.file.clone(), facts, cases }
}

/// A property of a sweep: what became of it in the worst of its seeds.
fn swept(property: &PropertyTotal, seeds: u64, called: &Invocation) -> Case {
    let of = |count: u64, verdict: Verdict| (verdict, format!("{verdict} in {count} of {}", counted(seeds, "seed")));
    let (verdict, summary) = match (property.violated, property.unknown) {
        (0, 0) => (Verdict::Holds, String::new()),
        (0, unknown) => of(unknown, Verdict::Unknown),
        (violated, _) => of(violated, Verdict::Violated),
    };
    let (seed, explanation) = property.first.as_ref().map_or((0, None), |(seed, explanation)| (*seed, explanation.as_ref()));
    let replay = called.shows(property.name, seed);
    judged(property.name, verdict, &summary, explanation, &replay, called)
}

/// A property that was judged: how bad it is, what else there is to say in short, why, and the command that shows it again.
fn judged(name: &str, verdict: Verdict, summary: &str, why: Option<&Explanation>, replay: &str, called: &Invocation) -> Case {
    let result = result(verdict);
    let why = why.filter(|_| verdict != Verdict::Holds).map(explanation_text).unwrap_or_default();
    let first = why.lines().next().unwrap_or_default();
    let title = [first, summary].into_iter().find(|words| !words.is_empty()).unwrap_or_default().to_owned();
    let text = match result {
        CaseResult::Passed => String::new(),
        _ => [summary, why.trim_end(), "", replay].into_iter().skip_while(|part| part.is_empty()).collect::<Vec<_>>().join("\n"),
    };
    Case { name: name.to_owned(), result, title, text, place: called.aims.outcome(), remarks: Vec::new() }
}

fn passed(name: String, place: Place) -> Case {
    Case { name, result: CaseResult::Passed, title: String::new(), text: String::new(), place, remarks: Vec::new() }
}

fn never_seen(name: String, title: String, again: &str, place: Place) -> Case {
    Case { name, result: CaseResult::NeverSeen, text: format!("{title}\n\n{again}"), title, place, remarks: Vec::new() }
}

const fn result(verdict: Verdict) -> CaseResult {
    match verdict {
        Verdict::Holds => CaseResult::Passed,
        Verdict::Violated => CaseResult::Failed,
        Verdict::Unknown => CaseResult::Unknown,
    }
}

/// Where it counts what the scenario means to show, that is a case of its own, and the first. If it was seen, all is well, and what is
/// violated is told; if not, each property is what it is without.
fn add_outcome(cases: &mut Vec<Case>, meant: Option<MeantViolation>, again: &str, called: &Invocation) {
    let Some(MeantViolation { property, shown }) = meant else { return };
    let (name, place) = ("outcome".to_owned(), called.aims.outcome());
    let case = if shown {
        cases.iter_mut().filter(|case| case.result != CaseResult::Passed).for_each(|case| case.result = CaseResult::Told);
        passed(name, place)
    } else {
        never_seen(name, format!("{property} is not violated, as was expected ({})", outcome_meant(property)), again, place)
    };
    cases.insert(0, case);
}

fn history_suite(history: &HistoryReport) -> Suite {
    let HistoryReport { file, found, again, .. } = history;
    let (name, result, title, text) = match found {
        Ok(found) => (found.question().1, result(found.verdict()), found.headline(), found.text(true)),
        Err(Unjudged::Unread(why)) => ("readable", CaseResult::Invalid, first_line(why), why.clone()),
        Err(Unjudged::Malformed(problems)) => {
            let first = problems.shown().first().map(Problem::to_string).unwrap_or_default();
            ("readable", CaseResult::Invalid, first_line(&first), problems_text(file, problems, false))
        }
    };
    let remarks = match found {
        Err(Unjudged::Malformed(problems)) => malformed(problems),
        _ => Vec::new(),
    };
    let text = if result == CaseResult::Passed { text } else { format!("{}\n\n{again}", text.trim_end()) };
    let found = found.as_ref().ok();
    let line = found.and_then(Found::line).and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
    let case = Case { name: name.to_owned(), result, title, text, place: Place { line, column: 1 }, remarks };
    let facts = found.map(|found| ("model", found.question().0.to_owned())).into_iter().collect();
    Suite { name: file.clone(), file: file.clone(), facts, cases: vec![case] }
}

/// What is wrong with the lines of a history; how many more there are stands with the last of them.
fn malformed(problems: &Problems) -> Vec<Remark> {
    let one = |problem: &Problem| {
        let (message, more) = (problem.message.clone(), problem.help.iter().cloned().collect());
        Remark { severity: Severity::Error, place: problem_place(problem), message, more }
    };
    let mut remarks: Vec<Remark> = problems.shown().iter().map(one).collect();
    if let Some(last) = remarks.last_mut() {
        last.more.extend(more_problems(problems));
    }
    remarks
}

fn lint_suite(file: &LintReport) -> Suite {
    let text = file.unread.clone().unwrap_or_else(|| file.problems.render(&file.source, false));
    let result = match (file.is_valid(), file.problems.is_empty()) {
        (false, _) => CaseResult::Invalid,
        (true, false) => CaseResult::Told,
        (true, true) => CaseResult::Passed,
    };
    let one = |problem: Diagnostic| {
        let place = file.source.place(problem.span.start);
        let more = [problem.label, problem.help].into_iter().flatten().collect();
        Remark { severity: problem.severity, place, message: problem.message, more }
    };
    let (title, place, remarks) = (first_line(&text), Place { line: 1, column: 1 }, file.problems.sorted().into_iter().map(one).collect());
    let case = Case { name: "lint".to_owned(), result, title, text, place, remarks };
    Suite { name: file.source.name.clone(), file: file.source.name.clone(), facts: Vec::new(), cases: vec![case] }
}

fn first_line(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default())
}
