//! A run, a row of a sweep, and its summary as JSON.

use serde_json::{Value, json};

use super::Invocation;
use super::explanation::explanation_text;
use super::history::{history_json, unjudged_json};
use super::model::{Found, HistoryReport, LintReport, Missing, Render, Report, RunReport, SweepReport};
use super::streams::streams_json;
use super::transactions::transactions_json;
use crate::base::{FixedFate, Which};
use crate::check::{Explanation, PropertyReport};
use crate::diagnostic::{Diagnostic, Severity};
use crate::environment::FateCounts;
use crate::explore::why::Share;
use crate::explore::{Bucket, Ended, Example};
use crate::fault::FaultStep;
use crate::scenario::{Expectation, Expected};

/// The version of all JSON that is written here. Fields may be added under one version; none changes its meaning or goes away.
pub const SCHEMA: u32 = 2;

/// For programs: an object a line. A run, a sweep and what is linted are one each; histories have one each.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Render for Json {
    fn render(&self, report: &Report<'_>) -> String {
        match report {
            Report::Run(run) => format!("{}\n", run_json(run)),
            Report::Sweep(sweep) => format!("{}\n", summary_json(sweep)),
            Report::Histories(histories) => histories.iter().map(found_json).map(|object| format!("{object}\n")).collect(),
            Report::Lint(files) => format!("{}\n", lint_json(files)),
        }
    }
}

/// The planted bugs as a scenario writes them: none, one, or a list.
fn mutants(subject: &super::Subject<'_>) -> Value {
    match subject.mutants {
        [] => Value::Null,
        [mutant] => json!(mutant),
        several => json!(several),
    }
}

/// A run as one JSON object.
fn run_json(run: &RunReport<'_>) -> Value {
    let RunReport { subject, outcome, called, .. } = run;
    json!({
        "schema": SCHEMA,
        "scenario": subject.name,
        "system": subject.system,
        "mutant": mutants(subject),
        "meant": meant(subject.expected),
        "came_true": run.came_true(),
        "seed": outcome.seed,
        "verdict": outcome.verdict(),
        "digest": hex(outcome.digest),
        "events": outcome.events,
        "messages": outcome.messages,
        "sim_time_ns": outcome.sim_time.as_nanos(),
        "operations": outcome.operations.completed,
        "history": outcome.operations,
        "properties": outcome.properties.iter().map(property).collect::<Vec<_>>(),
        "tables": outcome.tables,
        "sometimes": outcome.sometimes,
        "faults": outcome.faults,
        "steps": outcome.steps,
        "fates": fates(&outcome.fates),
        "scripted": json!({
            "count": outcome.scripted.scripted,
            "never_invoked": outcome.scripted.never_invoked.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        "strays": outcome.strays,
        "struck": outcome.struck.steps().iter().map(FaultStep::to_string).collect::<Vec<_>>(),
        "story": run.told().map(|(story, violated)| story.json(violated)),
        "replay": called.again(outcome),
    })
}

/// A history as one JSON object, with the name of its file if there are several. Of one that could not be judged it has why.
fn found_json(history: &HistoryReport) -> Value {
    let mut object = if history.one_of_several { json!({ "file": history.file }) } else { json!({}) };
    let found = match &history.found {
        Ok(Found::Object(report)) => history_json(report),
        Ok(Found::Transactions(report)) => transactions_json(report),
        Ok(Found::Streams(report)) => streams_json(report),
        Err(unjudged) => unjudged_json(unjudged),
    };
    if let (Some(object), Value::Object(found)) = (object.as_object_mut(), found) {
        object.extend(found);
    }
    object
}

/// Files that were checked as one JSON object.
fn lint_json(files: &[LintReport]) -> Value {
    let file = |file: &LintReport| {
        let problem = |problem: Diagnostic| {
            let place = file.source.place(problem.span.start);
            json!({
                "severity": if problem.severity == Severity::Error { "error" } else { "warning" },
                "line": place.line,
                "column": place.column,
                "message": problem.message,
                "label": problem.label,
                "help": problem.help,
            })
        };
        let problems = file.problems.sorted().into_iter().map(problem).collect::<Vec<_>>();
        json!({ "file": file.source.name, "valid": file.is_valid(), "unread": file.unread, "problems": problems })
    };
    json!({ "schema": SCHEMA, "files": files.iter().map(file).collect::<Vec<_>>() })
}

/// A whole sweep as one JSON object.
fn summary_json(sweep: &SweepReport<'_>) -> Value {
    let SweepReport { subject, start, summary, called, .. } = sweep;
    let ended = match summary.ended {
        Ended::Complete => "complete",
        Ended::Violated => "violated",
        Ended::Cancelled | Ended::Unwritten => "interrupted",
        Ended::Incomplete => "incomplete",
    };
    let properties =
        summary.properties.iter().map(|total| json!({ "name": total.name, "violated": total.violated, "unknown": total.unknown }));
    let marks = summary.sometimes.iter().map(|mark| json!({ "name": mark.name, "count": mark.count, "seeds": mark.seeds }));
    json!({
        "schema": SCHEMA,
        "scenario": subject.name,
        "system": subject.system,
        "mutant": mutants(subject),
        "meant": meant(subject.expected),
        "came_true": sweep.came_true(),
        "start": start,
        "asked": summary.asked,
        "seeds": summary.seeds,
        "shard": sweep.shard,
        "missing": sweep.missing.iter().map(missing).collect::<Vec<_>>(),
        "ended": ended,
        "verdict": summary.verdict(),
        "verdicts": { "holds": summary.holds, "violated": summary.violated, "unknown": summary.unknown, "defect": summary.defects },
        "events": summary.events,
        "messages": summary.messages,
        "sim_time_ns": u64::try_from(summary.sim_time_ns).unwrap_or(u64::MAX),
        "operations": summary.operations.completed,
        "history": summary.operations,
        "properties": properties.collect::<Vec<_>>(),
        "tables": summary.tables.medians(),
        "sometimes": marks.collect::<Vec<_>>(),
        "never_seen": sweep.never_seen().into_iter().map(expected).collect::<Vec<_>>(),
        "faults": summary.faults,
        "steps": summary.steps,
        "failure_chance": failure_chance(summary.failing()),
        "failures": summary.failures.iter().map(|bucket| failure(bucket, called)).collect::<Vec<_>>(),
        "unknown": summary.unknown_seeds,
        "stalled": summary.stalled_seeds,
        "defects": summary.first_defects.iter().map(|(seed, defect)| json!({ "seed": seed, "message": defect.message })).collect::<Vec<_>>(),
    })
}

/// Between what the chance of a failure lies; null if nothing was judged.
fn failure_chance(failing: Share) -> Value {
    // To four digits: more would say nothing.
    let rounded = |chance: f64| format!("{chance:.3e}").parse().unwrap_or(chance);
    let (least, most) = failing.compatible();
    if failing.of == 0 { Value::Null } else { json!({ "confidence": 0.95, "least": rounded(least), "most": rounded(most) }) }
}

fn missing(Missing { first, last, shard }: &Missing) -> Value {
    json!({ "first": first, "last": last, "shard": shard })
}

/// A mark by its name, anything else as it is written.
fn expected(expected: &Expectation) -> String {
    match expected {
        Expectation::Sometimes(mark) => (*mark).to_owned(),
        step => step.to_string(),
    }
}

/// The property that the scenario means to show violated, if it means that.
fn meant(expected: Expected) -> Option<&'static str> {
    match expected {
        Expected::Violates(property) => Some(property),
        Expected::Holds => None,
    }
}

fn failure(bucket: &Bucket, called: &Invocation) -> Value {
    let besides = bucket
        .besides
        .iter()
        .map(|besides| json!({ "property": besides.property, "count": besides.count, "first_seed": besides.first_seed }));
    json!({
        "fingerprint": hex(bucket.fingerprint),
        "property": bucket.property,
        "besides": besides.collect::<Vec<_>>(),
        "detail": words(bucket.explanation.as_ref()).lines().next().unwrap_or_default(),
        "explanation": bucket.explanation,
        "count": bucket.count,
        "seeds": bucket.seeds,
        "fewest_events": example(&bucket.fewest_events),
        "earliest": example(&bucket.earliest),
        "replay": bucket.seeds.first().map(|seed| called.shows(bucket.property, *seed)),
    })
}

fn example(Example { seed, events, at }: &Example) -> Value {
    json!({ "seed": seed, "events": events, "at_ns": at })
}

/// What became of a property, as data and in words.
fn property(report: &PropertyReport) -> Value {
    let mut object = json!(report);
    object["detail"] = words(report.explanation.as_ref()).into();
    object
}

/// An explanation as text, without its last line break.
fn words(explanation: Option<&Explanation>) -> String {
    explanation.map(explanation_text).unwrap_or_default().trim_end().to_owned()
}

fn fates(fates: &FateCounts) -> Value {
    let fate = |FixedFate { from, to, kind, which, .. }: &FixedFate| match which {
        Which::Count(count) => json!({ "from": from, "to": to, "kind": kind, "count": count }),
        Which::Content { content, nth } => json!({ "from": from, "to": to, "kind": kind, "content": hex(*content), "nth": nth }),
    };
    json!({ "fixed": fates.fixed, "never_met": fates.never_met.iter().map(fate).collect::<Vec<_>>() })
}

/// Sixteen digits: a JSON number would lose some in many readers.
fn hex(word: u64) -> String {
    format!("{word:016x}")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::explore::samples::violated;
    use crate::explore::{Defect, NoOutcome, Row};
    use crate::report::WrittenRow;
    use crate::report::samples::{called, subject};

    fn check(found: &Value, expected: Expect) {
        expected.assert_eq(&format!("{found:#}\n"));
    }

    #[test]
    fn a_run() {
        check(
            &run_json(&RunReport {
                subject: subject(),
                outcome: &violated(7, "election-safety", "two leaders"),
                called: &called(),
                drawing: None,
                story: None,
                details: None,
            }),
            expect![[r#"
                {
                  "schema": 2,
                  "scenario": "a leader crashes",
                  "system": "RaftKv",
                  "mutant": null,
                  "meant": null,
                  "came_true": false,
                  "seed": 7,
                  "verdict": "violated",
                  "digest": "123456789abcdef7",
                  "events": 1007,
                  "messages": {
                    "sent": 500,
                    "delivered": 480,
                    "dropped": 20,
                    "duplicated": 3
                  },
                  "sim_time_ns": 12500000000,
                  "operations": 97,
                  "history": {
                    "invoked": 100,
                    "completed": 97,
                    "failed": 1,
                    "unknown": 2
                  },
                  "properties": [
                    {
                      "name": "election-safety",
                      "kind": "always",
                      "verdict": "violated",
                      "explanation": {
                        "of": "text",
                        "text": "two leaders"
                      },
                      "at_ns": 2013000000,
                      "detail": "two leaders"
                    },
                    {
                      "name": "linearizable",
                      "kind": "always",
                      "verdict": "holds",
                      "explanation": null,
                      "at_ns": null,
                      "detail": ""
                    },
                    {
                      "name": "no-panic",
                      "kind": "always",
                      "verdict": "holds",
                      "explanation": null,
                      "at_ns": null,
                      "detail": ""
                    }
                  ],
                  "tables": [],
                  "sometimes": [
                    {
                      "name": "leader lost",
                      "count": 1
                    },
                    {
                      "name": "client retried",
                      "count": 0
                    }
                  ],
                  "faults": [
                    {
                      "kind": "Crash",
                      "strikes": 3,
                      "bites": 2
                    },
                    {
                      "kind": "Pause",
                      "strikes": 1,
                      "bites": 0
                    }
                  ],
                  "steps": [],
                  "fates": {
                    "fixed": 0,
                    "never_met": []
                  },
                  "scripted": {
                    "count": 0,
                    "never_invoked": []
                  },
                  "strays": [],
                  "struck": [],
                  "story": null,
                  "replay": "stormglass replay storm.ron --seed 7 --set duration=5s"
                }
            "#]],
        );
    }

    #[test]
    fn rows() {
        check(
            &json!(WrittenRow::of(&Row::new(7, Ok(violated(7, "election-safety", "n1 and n2 both lead term 7\nmore"))))),
            expect![[r#"
                {
                  "seed": 7,
                  "verdict": "violated",
                  "digest": "123456789abcdef7",
                  "fingerprint": "3da489964dd32312",
                  "violated": [
                    "election-safety"
                  ],
                  "events": 1007,
                  "messages": {
                    "sent": 500,
                    "delivered": 480,
                    "dropped": 20,
                    "duplicated": 3
                  },
                  "sim_time_ns": 12500000000,
                  "operations": 97,
                  "history": {
                    "invoked": 100,
                    "completed": 97,
                    "failed": 1,
                    "unknown": 2
                  },
                  "properties": [
                    {
                      "name": "election-safety",
                      "kind": "always",
                      "verdict": "violated",
                      "explanation": {
                        "of": "text",
                        "text": "n1 and n2 both lead term 7\nmore"
                      },
                      "at_ns": 2013000000,
                      "detail": "n1 and n2 both lead term 7\nmore"
                    },
                    {
                      "name": "linearizable",
                      "kind": "always",
                      "verdict": "holds"
                    },
                    {
                      "name": "no-panic",
                      "kind": "always",
                      "verdict": "holds"
                    }
                  ],
                  "tables": [],
                  "sometimes": [
                    {
                      "name": "leader lost",
                      "count": 1
                    },
                    {
                      "name": "client retried",
                      "count": 0
                    }
                  ],
                  "faults": [
                    {
                      "kind": "Crash",
                      "strikes": 3,
                      "bites": 2
                    },
                    {
                      "kind": "Pause",
                      "strikes": 1,
                      "bites": 0
                    }
                  ],
                  "steps": []
                }
            "#]],
        );
        check(
            &json!(WrittenRow::of(&Row::new(7, Err(Defect { message: "a judge fell over".to_owned() }.into())))),
            expect![[r#"
            {
              "seed": 7,
              "verdict": "defect",
              "digest": null,
              "fingerprint": null,
              "violated": [],
              "events": null,
              "sim_time_ns": null,
              "message": "a judge fell over"
            }
        "#]],
        );
        check(
            &json!(WrittenRow::of(&Row::new(7, Err(NoOutcome::Stalled)))),
            expect![[r#"
            {
              "seed": 7,
              "verdict": "unknown",
              "digest": null,
              "fingerprint": null,
              "violated": [],
              "events": null,
              "sim_time_ns": null,
              "stalled": true
            }
        "#]],
        );
    }
}
