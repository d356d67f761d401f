//! A report as one page. What clients saw is drawn: clients as lanes, operations as bars, the orders that were tried to step through; of
//! transactions the cycles.
//!
//! The page is one file. It loads nothing, and works without a network. Without scripts it still says what is wrong, as text.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::cycles;
use super::explanation::{labels, place, smallest_first};
use super::history::{history_facts, history_headline};
use super::model::{Found, HistoryReport, Render, Report};
use super::streams::{streams_facts, streams_headline};
use super::text::Text;
use super::transactions::transactions_headline;
use super::words::{clean, counted};
use crate::base::{ClientId, SortedMap, SortedSet, Time, printable};
use crate::check::linearizability::{Counterexample, DescribedOperation, Linearizability};
use crate::check::{Drawing, Ending, Verdict};

pub(super) const STYLE: &str = include_str!("page.css");
/// What the scripts of all pages have at hand.
pub(super) const SHARED_SCRIPT: &str = include_str!("shared.js");
pub(super) const HISTORY_SCRIPT: &str = include_str!("page.js");

/// What is different where no script runs.
pub(super) const STYLE_WITHOUT_SCRIPT: &str = "#told { display: block !important } .needs-script { display: none }";
/// What a page may do: use its own style and its own script, each named by its digest, and nothing else. A test says what it is to be.
const POLICY: &str = "default-src 'none'; style-src 'sha256-9su2mxaY1PhXQd64LVYjKxuVVxgaM29obtiWZZbeqvM=' 'sha256-7ROzVUw5BwjypBqm6zJckg2K7ZEOSmyLGa0FghVM6qs='; script-src 'sha256-4/XBbketn/EMmcE7ZyFWQ9fWazIMrKDMKRQrTcoP7oM=' 'sha256-ByAuxHn+WFZEphmGDh5Mzin8L7uwGT/Q2joZ+yCQSL8='; img-src data:";

/// How many operations a page holds. Of a longer history it shows what is wrong and its surroundings.
pub const PAGE_OPERATIONS: usize = 20_000;
/// How many violations are drawn. The others are listed.
pub const PAGE_VIOLATIONS: usize = 50;
/// How long the text of an operation may be.
const TEXT: usize = 160;

/// A page of its own, for a browser.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Render for Html {
    fn render(&self, report: &Report<'_>) -> String {
        let text = Text { color: false, full: true }.render(report);
        match report {
            Report::Run(run) => super::run_page::run_page(run, &text),
            Report::Histories([HistoryReport { file, found: Ok(Found::Object(found)), .. }]) => Page {
                verdict: found.verdict,
                headline: &history_headline(found),
                source: file,
                facts: &history_facts(found),
                properties: html! {},
                text: &text,
                picture: found.drawing.as_ref().map(|drawing| Picture::new(drawing, Some(&found.explanation), PAGE_OPERATIONS)),
            }
            .markup(),
            Report::Histories([HistoryReport { file, found: Ok(Found::Transactions(found)), .. }]) => Page {
                verdict: found.verdict,
                headline: &transactions_headline(found),
                source: file,
                facts: &[counted(found.report.transactions, "transaction"), counted(found.report.edges, "dependency")],
                properties: cycles::findings(found),
                text: &text,
                picture: None,
            }
            .markup(),
            Report::Histories([HistoryReport { file, found: Ok(Found::Streams(found)), .. }]) => Page {
                verdict: found.verdict,
                headline: &streams_headline(found),
                source: file,
                facts: &streams_facts(found),
                properties: html! {},
                text: &text,
                picture: None,
            }
            .markup(),
            Report::Histories(_) | Report::Sweep(_) | Report::Lint(_) => plain_page(&text),
        }
    }
}

/// What has no drawing.
fn plain_page(text: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Stormglass" } style { (PreEscaped(STYLE)) } }
            body { main { pre { (text) } } }
        }
    }
    .into_string()
}

/// The data with all its texts as they may be shown.
pub(super) fn cleaned(data: Value) -> Value {
    match data {
        Value::String(text) => clean(&text).into(),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, cleaned(value))).collect(),
        plain => plain,
    }
}

pub(super) const fn sign(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Holds => ("holds", "✓"),
        Verdict::Violated => ("violated", "✗"),
        Verdict::Unknown => ("unknown", "?"),
    }
}

/// What a page says, and draws.
struct Page<'a> {
    /// The answer.
    verdict: Verdict,
    /// The answer in a line.
    headline: &'a str,
    /// Where it comes from: the name of a file, or of a scenario.
    source: &'a str,
    /// What there is to know of it: counts and such.
    facts: &'a [String],
    /// What became of each property, if there are several; of transactions, what went wrong.
    properties: Markup,
    /// All of it as text.
    text: &'a str,
    picture: Option<Picture<'a>>,
}

/// The head of a page that loads nothing: under this policy, with these styles.
pub(super) fn head(policy: &str, title: &str, styles: &[&str]) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            // Nothing is ever loaded, whatever a history or a run may contain.
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="generator" content=(concat!("Stormglass ", env!("CARGO_PKG_VERSION")));
            title { (title) }
            @for style in styles { style { (PreEscaped(*style)) } }
        }
    }
}

impl Page<'_> {
    fn markup(&self) -> String {
        let (class, sign) = sign(self.verdict);
        let headline = self.headline.split_once(": ").map_or(self.headline, |(_, rest)| rest);
        html! {
            (DOCTYPE)
            html lang="en" {
                (head(POLICY, &format!("{}: {}", self.verdict, printable(self.source)), &[STYLE]))
                body {
                    main {
                        header {
                            p.verdict.(class) { span aria-hidden="true" { (sign) } " " (self.verdict) }
                            h1 { (printable(headline)) }
                            p.facts { span.source { (printable(self.source)) } @for fact in self.facts { " · " (printable(fact)) } }
                        }
                        (self.properties)
                        @if let Some(picture) = &self.picture { (picture.frame()) }
                        // The script closes it where it draws something.
                        details #told open {
                            summary { "The same as text" }
                            pre tabindex="0" { (clean(self.text)) }
                        }
                        noscript { style { (PreEscaped(STYLE_WITHOUT_SCRIPT)) } }
                        @if let Some(picture) = &self.picture { (picture.legend()) }
                    }
                    @if let Some(picture) = &self.picture {
                        // Nothing in the data ends the element that it stands in.
                        script #data type="application/json" { (PreEscaped(cleaned(picture.json()).to_string().replace('<', "\\u003c"))) }
                        script { (PreEscaped(SHARED_SCRIPT)) }
                        script { (PreEscaped(HISTORY_SCRIPT)) }
                    }
                }
            }
        }
        .into_string()
    }
}

/// What is drawn: the counterexamples of the explanation, amidst the history.
pub(super) struct Picture<'a> {
    drawing: &'a Drawing,
    /// The counterexamples, the smallest first, each with the operations on its key.
    violations: Vec<(&'a Counterexample, &'a [usize])>,
    /// How many more there are.
    violations_left_out: usize,
    /// The operations that the page holds, by their index in the history, and the place of each on the page.
    places: SortedMap<usize, usize>,
}

impl<'a> Picture<'a> {
    /// With room for so many operations.
    pub(super) fn new(drawing: &'a Drawing, explanation: Option<&'a Linearizability>, room: usize) -> Self {
        let found = explanation.map(|explanation| explanation.violations.as_slice()).unwrap_or_default();
        let concerned = |(place, _): &(usize, &Counterexample)| drawing.concerned.get(*place).map(Vec::as_slice).unwrap_or_default();
        let drawn = smallest_first(found).into_iter().filter(|(_, example)| example.stuck.is_some());
        let violations: Vec<_> = drawn.take(PAGE_VIOLATIONS).map(|each| (each.1, concerned(&each))).collect();
        let kept: SortedSet<usize> = kept(drawing, &violations, room);
        let places = kept.into_iter().enumerate().map(|(place, index)| (index, place)).collect();
        Self { drawing, violations_left_out: found.len() - violations.len(), violations, places }
    }

    /// Whether there is anything to see.
    pub(super) fn shows_something(&self) -> bool {
        !self.places.is_empty()
    }

    /// What the model calls what has a key, as a heading: `Key`.
    fn noun(&self) -> String {
        let noun = self.violations.first().map_or("key", |(example, _)| example.part);
        let mut letters = noun.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
    }

    /// The parts that the script fills.
    pub(super) fn frame(&self) -> Markup {
        html! {
            section.needs-script #drawing aria-labelledby="what" {
                @if self.violations.len() > 1 {
                    p.keys { label for="key" { (self.noun()) " " } select #key {
                        @for (place, (example, _)) in self.violations.iter().enumerate() {
                            option value=(place) {
                                (example.key.as_deref().unwrap_or("all together")) " (" (example.needed) " of " (example.among) ")"
                            }
                        }
                    } }
                }
                h2 #what { }
                p #why { }
                div.controls role="toolbar" aria-label="What is shown" aria-controls="figure" {
                    span.group #parts role="group" aria-label="Part of the history" { }
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
                figure #figure tabindex="0" role="group" aria-labelledby="what" aria-describedby="status hint" {
                    div #scroller { div #space { } }
                }
                p #status role="status" aria-live="polite" { }
                p.hint #hint {
                    "Arrow keys step: left and right one step, up and down another order, Home and End the first and the last step."
                }
                div.below {
                    div #listing { h3 { "The order" } ol #order { } }
                    div #tables { h3 #enough { } table { thead { tr { th scope="col" { "who" } th scope="col" { "what" }
                        th scope="col" { "where" } th scope="col" { "" } } } tbody #rows { } } }
                }
            }
        }
    }

    /// How the drawing is to be read.
    pub(super) fn legend(&self) -> Markup {
        html! {
            details.legend open {
                summary { "How to read the drawing" }
                ul {
                    li { "A lane is a client, or one session of it, which does one operation at a time. A bar is an operation, from its beginning to its end. Only order counts, not length: what stands "
                        "right of another bar's end began after it." }
                    li { span.sample.open { "a bar without an end" } " may take effect at any time after it began, or never." }
                    li { "A dot is the moment at which an operation takes effect; it must lie within its bar. The line joins the dots in their "
                        "order." }
                    @if !self.violations.is_empty() {
                        li { span.sample.stuck { "the double bar" } " fits in no order: whatever comes before it, its answer is wrong." }
                        li { "The smallest part is enough to see that. Everything else is left out, or counts as if its end were not known." }
                    }
                }
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        let operations: Vec<&DescribedOperation> = self.places.keys().map(|index| &self.drawing.operations[*index]).collect();
        let ranks = Ranks::new(&operations);
        let lanes: SortedSet<ClientId> = operations.iter().map(|operation| operation.client).collect();
        let lanes: SortedMap<ClientId, usize> = lanes.into_iter().zip(0..).collect();
        // What a client begins in the instant in which it has ended another thing comes behind that: the bars of a lane meet.
        let begun: SortedSet<(ClientId, Time)> = operations.iter().map(|operation| (operation.client, operation.interval.0)).collect();
        let ends = |operation: &DescribedOperation| {
            let at = operation.interval.1.filter(|_| operation.ending == Ending::Done)?;
            Some(ranks.of(at, at > operation.interval.0 && begun.contains(&(operation.client, at))))
        };
        let judged = self.drawing.operations.iter().filter(|operation| operation.ending != Ending::Failed).count();
        let left_out = if self.violations.is_empty() { judged.saturating_sub(operations.len()) } else { 0 };
        let labels = labels(operations.iter().copied(), TEXT);
        let operations = operations.into_iter().zip(labels).map(|(operation, label)| {
            json!({
                "lane": lanes[&operation.client],
                "who": operation.who,
                "text": label,
                "begins": ranks.of(operation.interval.0, true),
                "ends": ends(operation),
                "place": place(operation),
            })
        });
        json!({
            "operations": operations.collect::<Vec<_>>(),
            "violations": self.violations.iter().map(|(example, concerned)| self.violation(example, concerned)).collect::<Vec<_>>(),
            "violationsLeftOut": self.violations_left_out,
            "witness": self.drawing.witness.as_ref().map(|(order, states)| self.witness(order, states)),
            "furthest": self.on_page(&self.drawing.furthest),
            "leftOut": left_out,
        })
    }

    /// The counterexample as it is in the explanation, where on the page its operations are, and those on its key.
    fn violation(&self, example: &Counterexample, concerned: &[usize]) -> Value {
        let places = example.operations.iter().map(|operation| self.places[&operation.index]);
        let concerned_places = self.on_page(concerned);
        json!({
            "counterexample": example,
            "places": places.collect::<Vec<_>>(),
            "leftOut": concerned.len() - concerned_places.len(),
            "concerned": concerned_places,
        })
    }

    /// The beginning of an order, as far as its states and operations are at hand.
    fn witness(&self, order: &[usize], states: &[String]) -> Value {
        let known = order.iter().take(states.len()).take_while(|index| self.places.contains_key(index)).count();
        json!({ "skipped": 0, "operations": self.on_page(&order[..known]), "states": states[..known], "expected": null })
    }

    /// Where these are on the page, of those that are.
    fn on_page(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().filter_map(|index| self.places.get(index).copied()).collect()
    }
}

/// Which operations a page holds: those of the counterexamples, and as many others as there is room for.
fn kept(drawing: &Drawing, violations: &[(&Counterexample, &[usize])], room: usize) -> SortedSet<usize> {
    let listed =
        |(example, _): &(&Counterexample, &[usize])| example.operations.iter().map(|operation| operation.index).collect::<Vec<_>>();
    let mut kept: SortedSet<usize> = violations.iter().flat_map(listed).collect();
    let room = room.saturating_sub(kept.len()) / violations.len().max(1);
    for (example, concerned) in violations {
        let stuck = example.stuck.map_or(0, |stuck| example.operations[stuck].index);
        kept.extend(around(concerned, stuck, room).copied());
    }
    if violations.is_empty() {
        let judged = |index: &usize| drawing.operations[*index].ending != Ending::Failed;
        let all: Vec<usize> = (0..drawing.operations.len()).filter(judged).collect();
        kept.extend(around(&all, drawing.furthest.first().copied().unwrap_or(0), room).copied());
    }
    kept
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
    fn new(operations: &[&DescribedOperation]) -> Self {
        let edges = operations.iter().map(|operation| operation.interval);
        let edges = edges.flat_map(|(invoked, completed)| [Some((invoked, false)), completed.map(|at| (at, true))]);
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
pub(super) mod tests {
    use super::super::run_data::base64;
    use super::*;
    use crate::check::{CheckOptions, run_check};

    fn drawn(history: &str) -> String {
        let report =
            run_check(history.as_bytes(), "register", &CheckOptions { drawing: true, ..CheckOptions::default() }).expect("a history");
        let (file, found, again) = ("<b>.edn".to_owned(), Ok(Found::Object(Box::new(report))), String::new());
        Html.render(&Report::Histories(&[HistoryReport { file, found, again, one_of_several: false }]))
    }

    fn data(page: &str) -> Value {
        let data = page.split("type=\"application/json\">").nth(1).and_then(|rest| rest.split("</script>").next()).expect("the data");
        serde_json::from_str(data).expect("JSON")
    }

    /// As browsers have it: the digest in base 64.
    pub(in crate::report) fn named_by_digest(text: &str) -> String {
        use sha2::Digest as _;
        format!("'sha256-{}'", base64(&sha2::Sha256::digest(text.as_bytes())))
    }

    /// Only the page's own style and script are allowed, whatever else might come to stand in it.
    #[test]
    fn the_policy_names_what_the_page_has() {
        let [style, without] = [STYLE, STYLE_WITHOUT_SCRIPT].map(named_by_digest);
        let [shared, script] = [SHARED_SCRIPT, HISTORY_SCRIPT].map(named_by_digest);
        assert_eq!(POLICY, format!("default-src 'none'; style-src {style} {without}; script-src {shared} {script}; img-src data:"));
        let page = drawn("{:process 0, :type :invoke, :f :read}\n{:process 0, :type :ok, :f :read, :value 1}\n");
        assert!(!page.contains("unsafe-inline") && !page.contains(" style=") && page.matches("<style>").count() == 2, "{page}");
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
        assert_eq!(page.matches("</script>").count(), 3, "the data and the scripts, no more");
        assert_eq!(data(&page)["operations"][0]["text"], format!("write \"{evil}\""));
    }

    #[test]
    fn nothing_is_loaded() {
        for (name, text) in [("page.css", STYLE), ("page.js", HISTORY_SCRIPT), ("shared.js", SHARED_SCRIPT)] {
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
        let violation = &data["violations"][0];
        let text = |place: &Value| operations[place.as_u64().expect("a place") as usize]["text"].clone();
        let places: Vec<Value> = list(&violation["places"]).iter().map(text).collect();
        assert_eq!(places[0], "write 3", "far away, but in the core");
        assert_eq!(places[violation["counterexample"]["stuck"].as_u64().expect("a place") as usize], "read → 3");
        assert_eq!(violation["leftOut"], PAGE_OPERATIONS + 5_001 - operations.len());
        assert_eq!(violation["leftOut"], PAGE_OPERATIONS + 5_001 - list(&violation["concerned"]).len());
    }
}
