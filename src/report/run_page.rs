//! The page about a run: what failed and why, top down, then the run as a drawing with a cursor, how nodes stood there, and the records.

use std::cmp::Reverse;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::explanation::explanation_text;
use super::findings::Findings;
use super::model::RunReport;
use super::page::{HISTORY_SCRIPT, Picture, SHARED_SCRIPT, STYLE, STYLE_WITHOUT_SCRIPT, cleaned, head, sign};
use super::run_data::{RunDetails, data, embedded};
use super::saved::standing;
use super::sibling::SideBySide;
use super::text;
use super::words::{clean, counted};
use crate::base::{printable, sort_by_key};
use crate::check::{Explanation, PropertyReport, Verdict};
use crate::explore::story::What;
use crate::scenario::Standing;

const RUN_STYLE: &str = include_str!("run_page.css");
const RUN_SCRIPT: &str = include_str!("run_page.js");

/// What such a page may do: use its own styles and scripts, each named by its digest, and nothing else. A test says what it is to be.
const RUN_POLICY: &str = "default-src 'none'; style-src 'sha256-9su2mxaY1PhXQd64LVYjKxuVVxgaM29obtiWZZbeqvM=' 'sha256-wQymCxuVPV6N89JkDJqkW0sSKP0UU6kKN/7hyHrHCJk=' 'sha256-7ROzVUw5BwjypBqm6zJckg2K7ZEOSmyLGa0FghVM6qs='; script-src 'sha256-4/XBbketn/EMmcE7ZyFWQ9fWazIMrKDMKRQrTcoP7oM=' 'sha256-PCb4i9Zcs94dtaNiwSsaRHbkfKkqrQAncJQR60bU3wo=' 'sha256-ByAuxHn+WFZEphmGDh5Mzin8L7uwGT/Q2joZ+yCQSL8='";

/// How many operations the page draws a second time, as a history.
const RUN_OPERATIONS: usize = 2_000;

/// The page of a run that was gone through for it.
pub(super) fn run_page(run: &RunReport<'_>, text: &str) -> String {
    let (subject, outcome) = (&run.subject, run.outcome);
    let explained = outcome.properties.iter().find_map(|property| match &property.explanation {
        Some(Explanation::Linearizability(found)) => Some(&**found),
        _ => None,
    });
    let picture = run.drawing.map(|drawing| Picture::new(drawing, explained, RUN_OPERATIONS)).filter(|picture| picture.shows_something());
    let (class, mark) = sign(outcome.verdict());
    let headline = text::headline(subject, outcome);
    let headline = headline.split_once(": ").map_or(headline.as_str(), |(_, rest)| rest);
    let again = run.called.again(outcome);
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(RUN_POLICY, &format!("{}: {}, seed {}", outcome.verdict(), printable(subject.name), outcome.seed), &[STYLE, RUN_STYLE]))
            body {
                main {
                    header {
                        p.verdict.(class) { span aria-hidden="true" { (mark) } " " (outcome.verdict()) }
                        h1 { (printable(headline)) }
                        p.facts { span.source { (printable(subject.name)) } " · " (subject.system) " · " (run.subject.nodes().join(", "))
                            " · seed " (outcome.seed)
                            " · digest " (format!("{:016x}", outcome.digest)) @for mutant in subject.mutants { " · planted: " (mutant) } }
                        p.again.needs-room {
                            code #run-command { (again) } " "
                            button.needs-script type="button" #run-copy { "copy" }
                        }
                    }
                    (properties(run))
                    (story(run))
                    (frame(outcome.verdict()))
                    @if let Some(RunDetails { findings, .. }) = run.details { (kept(findings)) (more(findings)) }
                    (records())
                    @if let Some(picture) = &picture { (picture.frame()) (picture.legend()) }
                    // The script closes it where it draws something.
                    details #told open {
                        summary { "The same as text" }
                        pre tabindex="0" { (clean(text)) }
                    }
                    noscript { style { (PreEscaped(STYLE_WITHOUT_SCRIPT)) } }
                }
                @let (form, embedded) = embedded(&cleaned(whole(run)));
                script #run-data type="application/json" data-form=(form) { (PreEscaped(embedded)) }
                script { (PreEscaped(SHARED_SCRIPT)) }
                script { (PreEscaped(RUN_SCRIPT)) }
                @if let Some(picture) = &picture {
                    script #data type="application/json" { (PreEscaped(cleaned(picture.json()).to_string().replace('<', "\\u003c"))) }
                    script { (PreEscaped(HISTORY_SCRIPT)) }
                }
            }
        }
    }
    .into_string()
}

/// All that is drawn.
fn whole(run: &RunReport<'_>) -> Value {
    let nothing = RunDetails::default();
    let mut whole = data(run.details.unwrap_or(&nothing), run.outcome, run.drawing);
    let curve = run.details.map(|details| &details.findings.curve).filter(|curve| !curve.is_empty());
    // The cursor begins where that is violated which the story leads to.
    if let Some(at) = run.told().and_then(|(_, violated)| violated.at) {
        whole["violated_ns"] = at.as_nanos().into();
    }
    whole["sweep"] = run.details.and_then(|details| details.findings.standing).map_or(Value::Null, standing_json);
    whole["curve"] = curve.map_or(Value::Null, |points| json!({ "points": points }));
    whole
}

fn standing_json(known: Standing) -> Value {
    let Standing { start, seeds, failed, kinds, alike, rank } = known;
    json!({ "start": start, "seeds": seeds, "failed": failed, "kinds": kinds, "alike": alike, "rank": rank })
}

/// The properties of a run: those that did not hold, the worst first, with why; and the others.
fn properties(run: &RunReport<'_>) -> Markup {
    let (mut broken, held): (Vec<&PropertyReport>, Vec<&PropertyReport>) =
        run.outcome.properties.iter().partition(|report| report.verdict != Verdict::Holds);
    sort_by_key(&mut broken, |report| Reverse(report.verdict));
    html! {
        section.properties aria-label="Properties" {
            @if !broken.is_empty() { ul { @for report in &broken { (property(report)) } } }
            @if !held.is_empty() {
                details.held open[broken.is_empty()] {
                    summary { (counted(held.len(), "property")) (if held.len() == 1 { " holds" } else { " hold" }) }
                    ul { @for report in &held { (property(report)) } }
                }
            }
        }
    }
}

fn property(report: &PropertyReport) -> Markup {
    let (class, sign) = sign(report.verdict);
    let why = report.explanation.as_ref().filter(|_| report.verdict != Verdict::Holds);
    html! {
        li.(class) {
            span.sign aria-hidden="true" { (sign) } " " strong { (report.name) }
            span.said { " " (report.verdict) @if let Some(at) = report.at { " at " (at) } }
            @if let Some(why) = why {
                pre.drawn[matches!(why, Explanation::Linearizability(_))] tabindex="0" { (clean(&explanation_text(why))) }
            }
        }
    }
}

/// What led to the failure, in steps that lead to their places in the drawing.
fn story(run: &RunReport<'_>) -> Markup {
    let Some((report, violated)) = run.told() else { return html! {} };
    let steps = report.story.steps.iter().zip(report.lines(violated)).zip(1_u32..);
    html! {
        section aria-labelledby="story-title" {
            h2 #story-title { "What happened" }
            ol.story {
                @for ((step, line), number) in steps {
                    li {
                        @let record = if matches!(step.what, What::Violated) { step.records.last() } else { step.records.first() };
                        @let who = if line.who.is_empty() { String::new() } else { format!("{}  ", line.who) };
                        (jump(record.copied(), Some(number), &format!("{}  {who}{}", line.at, line.clauses.join("; "))))
                    }
                }
            }
        }
    }
}

/// Words that lead to a record, if there is one.
fn jump(record: Option<u64>, badge: Option<u32>, text: &str) -> Markup {
    html! {
        @match record {
            Some(record) => button.step type="button" data-record=(record) data-badge=[badge] { (clean(text)) },
            None => span.step { (clean(text)) },
        }
    }
}

/// What was kept, and whether each part is necessary, and all of it sufficient.
fn kept(found: &Findings) -> Markup {
    html! {
        @if !found.kept.is_empty() || found.shrunk.is_some() {
            section aria-labelledby="kept-title" {
                h2 #kept-title { "What it takes" }
                @if let Some(shrunk) = &found.shrunk { p.hint { (clean(shrunk)) } }
                @if !found.kept.is_empty() {
                    table.kept {
                        thead { tr { th scope="col" { "what is kept" } th scope="col" { "the run without it" } } }
                        tbody {
                            @for kept in &found.kept {
                                tr { td { code { (clean(&kept.part)) } }
                                    td.needed[kept.necessary] { (clean(&kept.without)) } }
                            }
                        }
                    }
                }
                @if let Some(sufficiency) = &found.sufficiency { p { (clean(sufficiency)) } }
            }
        }
    }
}

/// When it became likely, what carries it, what passes, and how often it is seen.
fn more(found: &Findings) -> Markup {
    html! {
        @if !found.rises.is_empty() {
            section aria-labelledby="rises-title" {
                h2 #rises-title { "When it became likely" }
                ul.story { @for (record, words) in &found.rises { li { (jump(Some(*record), None, words)) } } }
            }
        }
        @if let Some(sibling) = &found.sibling { (sides(sibling)) }
        @for (title, lines) in found.more.iter().filter(|(_, lines)| !lines.is_empty()) {
            section { h2 { (title) } pre tabindex="0" { (clean(lines)) } }
        }
        @if let Some(scenario) = &found.scenario {
            details { summary { "The scenario" } pre tabindex="0" { (clean(scenario)) } }
        }
        @if let Some(known) = &found.standing { p #standing { "It stood " (standing(known)) "." } }
        @if let Some((words, command)) = &found.sweep { p.hint { (words) " " code { (clean(command)) } } }
    }
}

/// Two runs, side by side; on a narrow screen, one row below the other.
fn sides(told: &SideBySide) -> Markup {
    let [fails, passes] = SideBySide::HEADS;
    html! {
        section aria-labelledby="sibling-title" {
            h2 #sibling-title { "The nearest run that passes" }
            p { (clean(&told.change)) }
            p.hint { (clean(&told.common)) }
            @if !told.rows.is_empty() {
                table.sides {
                    thead { tr { th scope="col" { (fails) } th scope="col" { (passes) } } }
                    tbody {
                        @for row in &told.rows {
                            tr.both[row.is_same()] {
                                td.fails { @if let Some((record, words)) = &row.fails { (jump(Some(*record), None, words)) } }
                                td.passes { @if let Some(words) = &row.passes { (clean(words)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The parts that the script fills.
fn frame(verdict: Verdict) -> Markup {
    html! {
        section.needs-script #run aria-labelledby="run-title" {
            h2 #run-title { "The run" }
            div.controls role="toolbar" aria-label="Where to look" aria-controls="run-figure" {
                span.group role="group" aria-label="Record" {
                    button type="button" #run-first aria-label="First record" { "|◀" }
                    button type="button" #run-back aria-label="One record back" { "◀" }
                    output #run-step for="run-first run-back run-on run-last" { }
                    button type="button" #run-on aria-label="One record on" { "▶" }
                    button type="button" #run-last aria-label="Last record" { "▶|" }
                    @if verdict == Verdict::Violated { button type="button" #run-violation { "to the violation" } }
                }
                span.group role="group" aria-label="Zoom" {
                    button type="button" #run-out aria-label="Zoom out" { "−" }
                    button type="button" #run-in aria-label="Zoom in" { "+" }
                    button type="button" #run-all { "all of it" }
                    button type="button" #run-scale aria-pressed="false" { "time to scale" }
                }
                span.group #run-charts-range hidden role="group" aria-label="Charts" {
                    button type="button" #run-charts-whole aria-pressed="true" { "charts of the whole run" }
                }
            }
            div.filters {
                span.group.chips #run-by-node role="group" aria-label="Only these nodes" { }
                details.kinds {
                    summary { "Kinds" }
                    div.chips #run-by-kind role="group" aria-label="Only these kinds" { }
                }
                label.search { "Find " input type="search" #run-text placeholder="text in records" autocomplete="off"; }
                span.hint #run-found role="status" { }
            }
            figure #run-figure tabindex="0" role="group" aria-labelledby="run-title" aria-describedby="run-now run-hint" {
                canvas #run-canvas role="img" aria-label="The run as a drawing: a lane for each node, messages as arrows" { }
                div #run-tip hidden { }
            }
            figure #run-charts hidden tabindex="0" role="group" aria-label="What the run measured, at the same times" {
                canvas #run-charts-canvas role="img" aria-label="Charts over the time of the run: latency, throughput, errors, queues, roles" { }
            }
            p.hint.key {
                span.swatches #run-roles { }
                span.swatch.arrow-sent { "message" } span.swatch.arrow-lost { "lost" } span.swatch.tick { "synced" }
                span.swatch.timer { "timer" } span.swatch.noted { "note" } span.swatch.crashed { "crash" }
                span.swatch.named { "named by the explanation" }
                span.swatch.struck { "fault" } span.swatch.bar { "what a client did" }
            }
            p #run-now role="status" aria-live="polite" { }
            p.hint #run-hint {
                "Left and right go from record to record, Home and End to the first and the last, plus and minus zoom, v goes to the \
                 violation. Drag to move; Ctrl and the wheel zoom."
            }
            div.at-cursor {
                div #run-record aria-label="The record at the cursor" role="region" { }
                div #run-nodes aria-label="Nodes at the cursor" role="region" { }
            }
            details #run-metrics hidden open {
                summary { "Metrics " span.hint #run-metrics-when { } }
                div #run-metrics-table { }
            }
        }
    }
}

/// The records, which the script fills in.
fn records() -> Markup {
    html! {
        section.needs-script #run-records aria-labelledby="run-log-title" {
            h2 #run-log-title { "Records" }
            div #run-log tabindex="0" role="listbox" aria-labelledby="run-log-title" { div #run-space { } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::named_by_digest;
    use super::*;

    /// Only the page's own styles and scripts are allowed, whatever else might come to stand in it.
    #[test]
    fn the_policy_names_what_the_page_has() {
        let [style, own, without] = [STYLE, RUN_STYLE, STYLE_WITHOUT_SCRIPT].map(named_by_digest);
        let [shared, script, history] = [SHARED_SCRIPT, RUN_SCRIPT, HISTORY_SCRIPT].map(named_by_digest);
        assert_eq!(RUN_POLICY, format!("default-src 'none'; style-src {style} {own} {without}; script-src {shared} {script} {history}"));
    }

    #[test]
    fn nothing_is_loaded() {
        for (name, text) in [("run_page.css", RUN_STYLE), ("run_page.js", RUN_SCRIPT)] {
            for word in ["url(", "@import", "fetch(", "import(", "XMLHttpRequest", "src=", "</", "innerHTML", "eval("] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }
}
