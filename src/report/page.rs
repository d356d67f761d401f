//! A report as one page. What clients saw is drawn: clients as lanes, operations as bars, the orders that were tried to step through.
//!
//! The page is one file. It loads nothing, and works without a network. Without scripts it still says what is wrong, as text.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::explanation::explanation_text;
use super::history::{history_facts, history_headline, history_text};
use super::model::{Found, HistoryReport, Render, Report, RunReport};
use super::text::{self, Text};
use crate::base::Time;
use crate::check::{Attempts, Ending, Explanation, PropertyReport, Scene, Verdict, View, ViewedOperation, ViewedOrder};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// How many operations a page holds. Of a longer history it shows what is wrong and its surroundings.
pub const PAGE_OPERATIONS: usize = 20_000;
/// How many violations are drawn. The others are told.
pub const PAGE_SCENES: usize = 50;

/// A page of its own, for a browser.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Render for Html {
    fn render(&self, report: &Report<'_>) -> String {
        let told = Text { color: false, full: true }.render(report);
        match report {
            Report::Run(run) => run_page(run, &told),
            Report::Histories([HistoryReport { file, found: Ok(Found::Object(found)), .. }]) => Page {
                verdict: found.verdict,
                headline: &history_headline(found),
                source: file,
                facts: &history_facts(found),
                properties: html! {},
                text: &history_text(found, true),
                client: "p",
                first: 0,
            }
            .markup(found.view.as_ref()),
            Report::Histories(_) | Report::Sweep(_) | Report::Lint(_) => plain_page(&told),
        }
    }
}

/// A run: its verdict, that of each property and why, and if it can be drawn what its clients saw.
fn run_page(run: &RunReport<'_>, told: &str) -> String {
    let (subject, outcome) = (&run.subject, run.outcome);
    let facts = [subject.system.to_owned(), format!("seed {}", outcome.seed), format!("digest {:016x}", outcome.digest)];
    let page = Page {
        verdict: outcome.verdict(),
        headline: &text::headline(subject, outcome),
        source: subject.name,
        facts: &facts,
        properties: properties(run),
        text: told,
        client: "c",
        first: 1,
    };
    page.markup(run.view)
}

/// The properties of a run, the worst first; those that did not hold are explained.
fn properties(run: &RunReport<'_>) -> Markup {
    let mut reports: Vec<&PropertyReport> = run.outcome.properties.iter().collect();
    reports.sort_by_key(|report| Reverse(report.verdict));
    html! {
        section.properties aria-label="Properties" {
            ul {
                @for report in reports {
                    @let (class, sign) = sign(report.verdict);
                    li.(class) {
                        span.sign aria-hidden="true" { (sign) } " " strong { (report.name) }
                        span.said { " " (report.verdict) @if let Some(at) = report.at { " at " (at) } }
                        @if let Some(why) = report.explanation.as_ref().filter(|_| report.verdict != Verdict::Holds) {
                            pre.drawn[matches!(why, Explanation::Linearizability(_))] tabindex="0" { (explanation_text(why)) }
                        }
                    }
                }
            }
            @if run.outcome.verdict() != Verdict::Holds { p.again { code { (run.called.again(run.outcome)) } } }
        }
    }
}

/// What has no drawing.
fn plain_page(told: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Stormglass" } style { (PreEscaped(STYLE)) } }
            body { main { pre { (told) } } }
        }
    }
    .into_string()
}

const fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Holds => ("holds", "✓"),
        Verdict::Violated => ("violated", "✗"),
        Verdict::Unknown => ("unknown", "?"),
    }
}

/// What a page says besides what it draws.
struct Page<'a> {
    /// The answer.
    verdict: Verdict,
    /// The answer in a line.
    headline: &'a str,
    /// Where it comes from: the name of a file, or of a scenario.
    source: &'a str,
    /// What there is to know of it: counts and such.
    facts: &'a [String],
    /// What became of each property, if there are several.
    properties: Markup,
    /// All of it as text.
    text: &'a str,
    /// How a client is called, in front of its number: `p`.
    client: &'a str,
    /// What stands in front of the number of the first client: how clients are counted.
    first: u32,
}

impl Page<'_> {
    fn markup(&self, view: Option<&View>) -> String {
        let (class, sign) = sign(self.verdict);
        let headline = self.headline.split_once(": ").map_or(self.headline, |(_, rest)| rest);
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // Nothing is ever loaded, whatever a history may contain.
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                    meta name="generator" content=(concat!("Stormglass ", env!("CARGO_PKG_VERSION")));
                    title { (self.verdict) ": " (self.source) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        header {
                            p.verdict.(class) { span aria-hidden="true" { (sign) } " " (self.verdict) }
                            h1 { (headline) }
                            p.facts { span.source { (self.source) } @for fact in self.facts { " · " (fact) } }
                        }
                        (self.properties)
                        @if let Some(view) = view { (drawing(view)) }
                        details #told open[view.is_none_or(|view| view.operations.is_empty())] {
                            summary { "The same as text" }
                            pre tabindex="0" { (self.text) }
                        }
                        noscript { style { "#told pre { display: block } .needs-script { display: none }" } pre { (self.text) } }
                        @if let Some(view) = view { (legend(view)) }
                    }
                    @if let Some(view) = view {
                        script #data type="application/json" { (PreEscaped(self.data(view))) }
                        script { (PreEscaped(SCRIPT)) }
                    }
                }
            }
        }
        .into_string()
    }

    /// What the script draws. Nothing in it ends the element that it stands in.
    fn data(&self, view: &View) -> String {
        Drawn::new(self, view).json(view).to_string().replace('<', "\\u003c")
    }
}

/// The parts that the script fills.
fn drawing(view: &View) -> Markup {
    let first = smallest(view);
    html! {
        section.needs-script #scene aria-labelledby="what" {
            @if view.scenes.len() > 1 {
                p.keys { label for="key" { "Key " } select #key {
                    @for (place, scene) in view.scenes.iter().take(PAGE_SCENES).enumerate() {
                        option value=(place) selected[place == first] {
                            (scene.key.as_deref().unwrap_or("all together")) " (" (scene.core.len()) " of " (scene.operations.len()) ")"
                        }
                    }
                } }
            }
            h2 #what { }
            p #why { }
            div.controls role="toolbar" aria-label="What is shown" aria-controls="figure" {
                span.group #views role="group" aria-label="Part of the history" { }
                span.group #attempts role="group" aria-label="Order" { }
                span.group #steps role="group" aria-label="Step" {
                    button type="button" #first aria-label="First step" { "|◀" }
                    button type="button" #back aria-label="One step back" { "◀" }
                    output #step for="first back on last" { }
                    button type="button" #on aria-label="One step on" { "▶" }
                    button type="button" #last aria-label="Last step" { "▶|" }
                }
                span.group #zooms role="group" aria-label="Zoom" {
                    button type="button" #out aria-label="Narrower bars" { "−" }
                    button type="button" #in aria-label="Wider bars" { "+" }
                }
            }
            figure #figure tabindex="0" role="group" aria-labelledby="what" aria-describedby="status hint" { div #scroller { div #space { } } }
            p #status role="status" aria-live="polite" { }
            p.hint #hint { "Arrow keys step: left and right one step, up and down another order, Home and End the first and the last step." }
            div.below {
                div #listing { h3 { "The order" } ol #order { } }
                div #tables { h3 #enough { } table { thead { tr { th scope="col" { "who" } th scope="col" { "what" } th scope="col" { "where" }
                    th scope="col" { "" } } } tbody #rows { } } }
            }
        }
    }
}

/// The violation with the smallest part: it is shown first.
fn smallest(view: &View) -> usize {
    let scenes = view.scenes.iter().take(PAGE_SCENES).enumerate();
    scenes.min_by_key(|(_, scene)| (scene.core.len(), scene.small.stuck)).map_or(0, |(place, _)| place)
}

/// How the drawing is to be read.
fn legend(view: &View) -> Markup {
    let violated = !view.scenes.is_empty();
    html! {
        details.legend open {
            summary { "How to read the drawing" }
            ul {
                li { "A lane is a client. A bar is an operation, from its beginning to its end. Only order counts, not length: what stands right of "
                    "another bar's end began after it." }
                li { span.sample.open { "a bar without an end" } " may take effect at any time after it began, or never." }
                li { "A dot is the moment at which an operation takes effect; it must lie within its bar. The line joins the dots in their order." }
                @if violated {
                    li { span.sample.stuck { "the double bar" } " fits in no order: whatever comes before it, its answer is wrong." }
                    li { "The smallest part is enough to see that. Everything else is left out, or counts as if its end were not known." }
                }
            }
        }
    }
}

/// Which operations a page holds.
struct Drawn<'a> {
    kept: BTreeMap<usize, usize>,
    page: &'a Page<'a>,
}

impl<'a> Drawn<'a> {
    fn new(page: &'a Page<'a>, view: &View) -> Self {
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        let scenes = &view.scenes[..view.scenes.len().min(PAGE_SCENES)];
        for scene in scenes {
            kept.extend(&scene.core);
            kept.extend(scene.small.orders.iter().flat_map(|(order, _)| order.operations.iter().rev().take(200)));
            kept.extend([scene.small.stuck, scene.whole.stuck]);
        }
        let room = PAGE_OPERATIONS.saturating_sub(kept.len()) / scenes.len().max(1);
        for scene in scenes {
            kept.extend(around(&scene.operations, scene.whole.stuck, room));
        }
        if scenes.is_empty() {
            let all: Vec<usize> = (0..view.operations.len()).filter(|index| view.operations[*index].ending != Ending::Failed).collect();
            let middle = view.furthest.first().copied().unwrap_or(0);
            kept.extend(around(&all, middle, room));
        }
        Self { kept: kept.into_iter().enumerate().map(|(place, index)| (index, place)).collect(), page }
    }

    fn json(&self, view: &View) -> Value {
        let ranks = Ranks::new(self.kept.keys().map(|index| &view.operations[*index]));
        let operations: Vec<Value> = self.kept.keys().map(|index| self.operation(&view.operations[*index], &ranks)).collect();
        let scenes: Vec<Value> = view.scenes.iter().take(PAGE_SCENES).map(|scene| self.scene(scene)).collect();
        json!({
            "client": self.page.client,
            "operations": operations,
            "scenes": scenes,
            "first": smallest(view),
            "scenesLeftOut": view.scenes.len() - scenes.len(),
            "witness": view.witness.as_ref().map(|order| self.beginning(order)),
            "furthest": self.places(&view.furthest),
            "leftOut": view.operations.iter().filter(|operation| operation.ending != Ending::Failed).count()
                .saturating_sub(if view.scenes.is_empty() { operations.len() } else { usize::MAX }),
        })
    }

    fn operation(&self, operation: &ViewedOperation, ranks: &Ranks) -> Value {
        let place = match (operation.lines, operation.completed) {
            (Some((begins, Some(ends))), _) => format!("lines {begins} to {ends}"),
            (Some((begins, None)), _) => format!("from line {begins}"),
            (None, Some(completed)) => format!("{} to {completed}", operation.invoked),
            (None, None) => format!("from {}", operation.invoked),
        };
        json!({
            "client": operation.client + self.page.first,
            "key": operation.key,
            "text": operation.text.strip_suffix(" → ?").unwrap_or(&operation.text),
            "begins": ranks.of(operation.invoked, true),
            "ends": operation.completed.filter(|_| operation.ending == Ending::Done).map(|at| ranks.of(at, false)),
            "place": place,
        })
    }

    fn scene(&self, scene: &Scene) -> Value {
        let operations = self.places(&scene.operations);
        json!({
            "key": scene.key,
            "leftOut": scene.operations.len() - operations.len(),
            "among": scene.operations.len(),
            "operations": operations,
            "core": self.places(&scene.core),
            "minimal": scene.minimal,
            "small": self.attempts(&scene.small),
            "whole": self.attempts(&scene.whole),
        })
    }

    fn attempts(&self, attempts: &Attempts) -> Value {
        let orders: Vec<Value> = attempts.orders.iter().map(|(order, expected)| self.end(order, expected)).collect();
        json!({ "stuck": self.kept[&attempts.stuck], "orders": orders })
    }

    /// The end of an order, as far as its states and operations are at hand.
    fn end(&self, order: &ViewedOrder, expected: &str) -> Value {
        let missing = order.operations.iter().rposition(|index| !self.kept.contains_key(index)).map_or(0, |place| place + 1);
        let skipped = order.from.max(missing);
        json!({
            "skipped": skipped,
            "operations": self.places(&order.operations[skipped..]),
            "states": order.states[skipped - order.from..],
            "expected": expected,
        })
    }

    /// The beginning of an order.
    fn beginning(&self, order: &ViewedOrder) -> Value {
        let known = order.operations.iter().take(order.states.len()).take_while(|index| self.kept.contains_key(index)).count();
        json!({
            "skipped": 0,
            "operations": self.places(&order.operations[..known]),
            "states": order.states[..known],
            "expected": Value::Null,
        })
    }

    /// Where these are on the page, of those that are.
    fn places(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().filter_map(|index| self.kept.get(index).copied()).collect()
    }
}

/// So many of these around one of them: mostly those before it.
fn around(indices: &[usize], middle: usize, room: usize) -> impl Iterator<Item = &usize> {
    let place = indices.partition_point(|index| *index <= middle);
    let end = (place + room / 4).max(room).min(indices.len());
    indices[end.saturating_sub(room)..end].iter()
}

/// Beginnings and ends in their order. At one instant, what begins stands before what ends: they are concurrent.
struct Ranks(Vec<(Time, bool)>);

impl Ranks {
    fn new<'a>(operations: impl Iterator<Item = &'a ViewedOperation>) -> Self {
        let edges = operations.flat_map(|operation| [Some((operation.invoked, false)), operation.completed.map(|at| (at, true))]);
        let mut edges: Vec<(Time, bool)> = edges.flatten().collect();
        edges.sort_unstable();
        edges.dedup();
        Self(edges)
    }

    fn of(&self, at: Time, begins: bool) -> usize {
        self.0.partition_point(|edge| *edge < (at, !begins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CheckOptions, run_check};

    fn drawn(history: &str) -> String {
        let report = run_check(history.as_bytes(), "register", &CheckOptions { view: true, ..CheckOptions::default() }).expect("a history");
        let (file, found) = ("<b>.edn".to_owned(), Ok(Found::Object(Box::new(report))));
        Html.render(&Report::Histories(&[HistoryReport { file, found, one_of_several: false }]))
    }

    fn data(page: &str) -> Value {
        let data = page.split("type=\"application/json\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("the data");
        serde_json::from_str(data).expect("JSON")
    }

    #[test]
    fn whatever_a_file_says_is_text() {
        let evil = "</script><img src=x onerror=alert(1)><!--";
        let history = format!(
            "{{:process 0, :type :invoke, :f :write, :value \"{evil}\"}}\n{{:process 0, :type :ok, :f :write}}\n\
             {{:process 0, :type :invoke, :f :read}}\n{{:process 0, :type :ok, :f :read, :value 1}}\n"
        );
        let page = drawn(&history);
        assert!(!page.contains("<img") && !page.contains("<b>") && page.contains("&lt;b&gt;.edn"), "{page}");
        assert_eq!(page.matches("</script>").count(), 2, "the data and the script, no more");
        assert_eq!(data(&page)["operations"][0]["text"], format!("write \"{evil}\""));
    }

    #[test]
    fn nothing_is_loaded() {
        for (name, text) in [("page.css", STYLE), ("page.js", SCRIPT)] {
            for word in ["url(http", "@import", "fetch(", "import(", "XMLHttpRequest", "src=", "</"] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }

    /// Of a history that is too long for a page, what is wrong and its surroundings are kept.
    #[test]
    fn a_long_history_is_cut() {
        let write =
            |value: usize| format!("{{:process 0, :type :invoke, :f :write, :value {value}}}\n{{:process 0, :type :ok, :f :write}}\n");
        let history: String = (0..PAGE_OPERATIONS + 5_000).map(write).collect();
        let read = "{:process 1, :type :invoke, :f :read}\n{:process 1, :type :ok, :f :read, :value 3}\n";
        let data = data(&drawn(&format!("{history}{read}")));
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let operations = list(&data["operations"]);
        assert!((PAGE_OPERATIONS - 500..=PAGE_OPERATIONS).contains(&operations.len()), "{}", operations.len());
        let scene = &data["scenes"][0];
        let text = |place: &Value| operations[place.as_u64().expect("a place") as usize]["text"].clone();
        assert_eq!(text(&scene["small"]["stuck"]), "read → 3");
        assert_eq!(text(&list(&scene["core"])[0]), "write 3", "far away, but in the core");
        assert_eq!(scene["leftOut"], PAGE_OPERATIONS + 5_001 - operations.len());
        let order = &scene["whole"]["orders"][0];
        assert_eq!(order["skipped"].as_u64().map(|skipped| skipped as usize + list(&order["states"]).len()), Some(PAGE_OPERATIONS + 5_000));
    }
}
