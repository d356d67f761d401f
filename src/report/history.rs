//! A history in a file, judged: as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::SCHEMA;
use super::explanation::{counterexample_text, linearizability_text, sentences, undecided_text, violations_text};
use super::model::Unjudged;
use super::words::counted;
use crate::base::Duration;
use crate::check::consistency::{self, Guarantee};
use crate::check::model::ModelName;
use crate::check::recorded::Remarks;
use crate::check::{CheckReport, Verdict};
use crate::diagnostic::{Place, render_line_error};
use crate::history::formats::{Problem, Problems};

/// As people read it, on a screen: the verdict first, then why. Of several keys that are violated, the one with the smallest core is
/// explained, and the others have a line each; in `full`, each is explained.
pub fn history_text(report: &CheckReport, full: bool) -> String {
    let [operations, outcomes, format, states] = history_facts(report);
    let mut text = format!("{}\n  {operations}: {outcomes} · {format} · {states}\n", history_headline(report));
    for remark in remarks(&report.remarks) {
        let _ = writeln!(text, "  {remark}");
    }
    let found = &report.explanation;
    if full {
        for example in &found.violations {
            let _ = write!(text, "\n{}", counterexample_text(example));
        }
    } else if !found.violations.is_empty() {
        let _ = write!(text, "\n{}", violations_text(&found.violations));
    }
    if !found.undecided.is_empty() {
        text.push('\n');
    }
    for line in undecided_text(&found.undecided).lines() {
        let _ = writeln!(text, "  {line}");
    }
    guarantees_text(report, &mut text);
    if report.witness.is_some() {
        text.push_str("\nan order that explains every answer:\n");
    }
    for (place, step) in report.witness.iter().flatten().enumerate() {
        let _ = writeln!(text, "{:>7}. {} {}  (line {})", place + 1, step.client, step.text, step.line);
    }
    text
}

/// What is wrong with the lines of a file, as what is wrong with a scenario is shown.
pub fn problems_text(file: &str, problems: &Problems, color: bool) -> String {
    let shown = problems.shown().iter().map(|problem| {
        let (excerpt, message) = ((&*problem.excerpt, problem.mark), (&*problem.message, problem.help.as_deref()));
        render_line_error(file, problem_place(problem), excerpt, message, color)
    });
    let mut text = shown.collect::<Vec<_>>().join("\n");
    if let Some(more) = more_problems(problems) {
        text += &format!("\n{more}\n");
    }
    text
}

/// Where a problem is.
pub(super) fn problem_place(problem: &Problem) -> Place {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Place { line: number(problem.line), column: number(problem.column.unwrap_or(1)) }
}

/// How many problems there are besides those that are kept.
pub(super) fn more_problems(problems: &Problems) -> Option<String> {
    match problems.left_out() {
        0 => None,
        1 => Some("… and one more problem".to_owned()),
        more => Some(format!("… and {more} more problems")),
    }
}

/// What was judged: how many operations and processes, what became of them, the format, the states.
pub(super) fn history_facts(report: &CheckReport) -> [String; 4] {
    [
        format!("{} by {}", counted(report.operations, "operation"), counted(report.clients, "process")),
        format!("{} failed, {} of unknown outcome", report.failed, report.unknown),
        report.format.to_string(),
        format!("{} explored", counted(report.states, "state")),
    ]
}

/// What there is to say of a file besides what was done.
pub(super) fn remarks(remarks: &Remarks) -> Vec<String> {
    let (skipped, late) = (remarks.skipped, remarks.late);
    let mut said = Vec::new();
    if skipped > 0 {
        said.push(format!(
            "{} skipped, of other programs: no event is on {}",
            counted(skipped, "line"),
            if skipped == 1 { "it" } else { "them" }
        ));
    }
    if late.events > 0 {
        let by = Duration::from_nanos(late.most);
        said.push(format!("{} out of order, by {by} at most: the order of lines counts", counted(late.events, "time")));
    }
    said
}

/// The same in JSON.
pub(super) fn remarks_json(remarks: &Remarks) -> Json {
    json!({ "skipped_lines": remarks.skipped, "late_events": remarks.late.events, "late_by_ns": remarks.late.most })
}

/// Why it is not known what would hold, if something was not judged.
fn unjudged(report: &CheckReport) -> Option<String> {
    let nothing = || format!("nothing was judged: of {} none is known to have taken effect", counted(report.operations, "operation"));
    if report.nothing_judged() { Some(nothing()) } else { report.caveat.map(str::to_owned) }
}

/// The verdict in a line, without its end.
pub(super) fn history_headline(report: &CheckReport) -> String {
    let guarantee = report.guarantee;
    if let Some(why) = unjudged(report) {
        return format!("unknown: {why}");
    }
    if guarantee != Guarantee::Linearizable {
        let (verdict, model) = (report.verdict, report.model);
        return match verdict {
            Verdict::Holds => format!("{verdict}: {model} keeps the guarantee {guarantee}"),
            Verdict::Violated => format!("{verdict}: {model} does not keep the guarantee {guarantee}"),
            Verdict::Unknown => format!("{verdict}: whether {model} keeps the guarantee {guarantee}"),
        };
    }
    let keys = |count: usize| counted(count, "key");
    let (model, [is, is_not]) = (report.model, report.model.parse().map_or(["is linearizable", "is not linearizable"], ModelName::promise));
    let (violations, undecided) = (&report.explanation.violations, &report.explanation.undecided);
    match report.verdict {
        Verdict::Holds => format!("holds: {model} {is}"),
        Verdict::Violated if violations.iter().all(|finding| finding.key.is_none()) => format!("violated: {model} {is_not}"),
        Verdict::Violated => format!("violated: {model} {is_not} on {}", keys(violations.len())),
        Verdict::Unknown if undecided.iter().all(|undecided| undecided.key.is_none()) => {
            format!("unknown: the search ended before it was decided whether {model} {is}")
        }
        Verdict::Unknown => format!("unknown: the search ended before {} of {model} could be judged", keys(undecided.len())),
    }
}

fn guarantees_text(report: &CheckReport, text: &mut String) {
    if report.guarantees.is_empty() {
        return;
    }
    text.push('\n');
    for (each, lines) in report.guarantees.iter().zip(&report.lines) {
        let _ = write!(text, "  {:<20} {}", each.guarantee, each.verdict);
        if !each.why.is_empty() {
            let _ = write!(text, ": {}", sentences(&each.why));
        }
        if !lines.is_empty() && lines.len() <= 10 {
            let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
            let _ = write!(text, " (see line{} {})", if lines.len() == 1 { "" } else { "s" }, lines.join(", "));
        }
        text.push('\n');
    }
    if report.guarantees.len() > 1 {
        let strongest: Vec<&str> = consistency::strongest(&report.guarantees).into_iter().map(Guarantee::name).collect();
        let unknown = report.guarantees.iter().any(|each| each.verdict == Verdict::Unknown);
        let strongest = match (strongest.is_empty(), unknown) {
            (true, true) => "none is known to".to_owned(),
            (true, false) => "none".to_owned(),
            (false, _) => strongest.join(" and "),
        };
        let _ = writeln!(text, "  the strongest that holds: {strongest}");
    }
}

/// Why a history could not be judged, as one JSON object, of the version [`SCHEMA`].
pub(super) fn unjudged_json(unjudged: &Unjudged) -> Json {
    let (unread, problems) = match unjudged {
        Unjudged::Unread(why) => (Some(why), None),
        Unjudged::Malformed(problems) => (None, Some(problems)),
    };
    json!({
        "schema": SCHEMA,
        "unread": unread,
        "problems": problems.map(Problems::shown).unwrap_or_default(),
        "problems_left_out": problems.map(Problems::left_out).unwrap_or_default(),
    })
}

/// As one JSON object, of the version [`SCHEMA`].
pub fn history_json(report: &CheckReport) -> Json {
    let guarantees = report.guarantees.iter().zip(&report.lines).map(|(each, lines)| {
        json!({
            "guarantee": each.guarantee.name(),
            "verdict": each.verdict,
            "detail": sentences(&each.why),
            "evidence": each.why,
            "lines": lines,
            "states": each.states,
        })
    });
    let strongest: Vec<&str> = consistency::strongest(&report.guarantees).into_iter().map(Guarantee::name).collect();
    let detail = unjudged(report).unwrap_or_else(|| linearizability_text(&report.explanation).trim_end().to_owned());
    json!({
        "schema": SCHEMA,
        "model": report.model,
        "format": report.format.name(),
        "guarantee": report.guarantee.name(),
        "verdict": report.verdict,
        "events": report.remarks.entries,
        "remarks": remarks_json(&report.remarks),
        "operations": report.operations,
        "clients": report.clients,
        "failed": report.failed,
        "unknown": report.unknown,
        "states": report.states,
        "detail": detail,
        "violations": report.explanation.violations,
        "undecided": report.explanation.undecided,
        "witness": report.witness,
        "guarantees": guarantees.collect::<Vec<_>>(),
        "strongest": if report.guarantees.len() > 1 { json!(strongest) } else { Json::Null },
    })
}
