//! What transactions did wrong, on a page: each cycle as a ring of transactions, with why each comes before the next.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use maud::{Markup, html};

use super::explanation::{Concern, member_line, sentence};
use super::words::shorten;
use crate::check::Broken;
use crate::check::isolation::Finding;
use crate::check::recorded::transactions::FileReport;

/// How many findings are drawn; the text has all.
const FINDINGS: usize = 20;
/// Of longer cycles so many transactions are drawn in one ring.
const RING: usize = 24;

/// How long the text beside an arrow may be.
const LABEL: usize = 18;

/// Half the width and height of a transaction in the ring.
const HALF: (f64, f64) = (34.0, 17.0);

/// All findings, the worst first.
pub(super) fn findings(file: &FileReport) -> Markup {
    let found = &file.report.findings;
    let lines = file.finding_lines();
    html! {
        @for finding in &found[..found.len().min(FINDINGS)] { (drawn(finding, &lines)) }
        @if found.len() > FINDINGS { p { "The text has " (found.len() - FINDINGS) " more." } }
    }
}

fn drawn(finding: &Finding, lines: &BTreeMap<usize, (u64, Option<u64>)>) -> Markup {
    let ends = finding.evidence.split_inclusive(|broken| broken.rule.id == "cycle");
    let concern = Concern::of(finding);
    html! {
        section.finding {
            h2 { (finding.anomaly) ": " (finding.anomaly.meaning()) }
            ul.cast {
                @for member in &finding.cast {
                    li {
                        code { (member_line(member, &concern)) }
                        @if let Some((begins, ends)) = lines.get(&member.transaction) {
                            span.where {
                                @if let Some(ends) = ends { " lines " (begins) " to " (ends) } @else { " from line " (begins) }
                            }
                        }
                    }
                }
            }
            @for part in ends { (part_drawn(part)) }
        }
    }
}

/// A cycle, and what has to be supposed for it; or, where there is none, what shows the anomaly.
fn part_drawn(part: &[Broken]) -> Markup {
    let edges: Vec<Edge<'_>> = part.iter().filter_map(Edge::new).collect();
    html! {
        div.part {
            @for broken in part.iter().filter(|broken| Edge::new(broken).is_none() && broken.rule.id != "cycle") {
                p { (sentence(broken)) }
            }
            @if !edges.is_empty() {
                @if edges.len() <= RING { figure.ring { (ring(&edges)) } }
                ol.why { @for edge in &edges { li { b { (edge.label()) } " " (sentence(edge.broken)) } } }
            }
            @for broken in part.iter().filter(|broken| broken.rule.id == "cycle") { p { (sentence(broken)) } }
        }
    }
}

/// One transaction comes before another.
struct Edge<'a> {
    from: String,
    to: String,
    broken: &'a Broken,
}

impl<'a> Edge<'a> {
    fn new(broken: &'a Broken) -> Option<Self> {
        Some(Self { from: broken.fact("from")?.to_string(), to: broken.fact("to")?.to_string(), broken })
    }

    /// Its kind, and the key that it is about: `rw x`.
    fn label(&self) -> String {
        let key = self.broken.fact("key").map(|key| format!(" {key}")).unwrap_or_default();
        format!("{}{key}", self.broken.rule.id)
    }
}

/// The cycle: its transactions on an ellipse, with an arrow from each to the next.
fn ring(edges: &[Edge<'_>]) -> Markup {
    let count = edges.len();
    let radius = (count as f64 * 30.0).max(72.0);
    let (wide, high) = (radius * 1.1, if count == 2 { 46.0 } else { radius });
    let middle = (wide + 110.0, high + 50.0);
    // The first is at the top, or of two on the left.
    let turned = if count == 2 { 0.5 } else { -0.25 };
    let at = |turn: f64, out: f64| {
        let angle = (turn / count as f64 + turned) * TAU;
        (middle.0 + libm::cos(angle) * (wide + out), middle.1 + libm::sin(angle) * (high + out))
    };
    let told = edges.iter().map(|edge| format!("{} before {}: {}", edge.from, edge.to, edge.label())).collect::<Vec<_>>().join("; ");
    html! {
        svg role="img" aria-label=(told) viewBox=(format!("0 0 {:.0} {:.0}", middle.0 * 2.0, middle.1 * 2.0))
            width=(format!("{:.0}", middle.0 * 2.0)) {
            @for (place, edge) in edges.iter().enumerate() {
                @let turn = place as f64;
                @let (from, to) = (at(turn, 0.0), at(turn + 1.0, 0.0));
                @let (out, further) = if count == 2 { (40.0, 20.0) } else { (14.0, 26.0) };
                @let (bend, beside) = (at(turn + 0.5, out), at(turn + 0.5, further));
                @let (start, end) = (edge_of(from, bend), edge_of(to, bend));
                path.arrow d=(format!("M{:.1} {:.1} Q{:.1} {:.1} {:.1} {:.1}", start.0, start.1, bend.0, bend.1, end.0, end.1)) { }
                path.head d=(head(bend, end)) { }
                text.kind x=(format!("{:.1}", beside.0)) y=(format!("{:.1}", beside.1 + 4.0)) text-anchor=(anchor(beside.0 - middle.0)) {
                    (place + 1) " · " (shorten(&edge.label(), LABEL))
                }
            }
            @for (place, edge) in edges.iter().enumerate() {
                @let (x, y) = at(place as f64, 0.0);
                @let (left, top) = (format!("{:.1}", x - HALF.0), format!("{:.1}", y - HALF.1));
                rect.bar x=(left) y=(top) width=(HALF.0 * 2.0) height=(HALF.1 * 2.0) rx="8" { }
                text.name x=(format!("{x:.1}")) y=(format!("{:.1}", y + 5.0)) text-anchor="middle" { (edge.from) }
            }
        }
    }
}

/// Where the line from the middle of a box to a point leaves the box, and a little beyond.
fn edge_of(middle: (f64, f64), point: (f64, f64)) -> (f64, f64) {
    let (x, y) = (point.0 - middle.0, point.1 - middle.1);
    let out = ((HALF.0 + 4.0) / x.abs().max(0.01)).min((HALF.1 + 4.0) / y.abs().max(0.01));
    (middle.0 + x * out, middle.1 + y * out)
}

/// The tip of an arrow that comes from there and ends here.
fn head(from: (f64, f64), end: (f64, f64)) -> String {
    let (x, y) = (end.0 - from.0, end.1 - from.1);
    let length = x.hypot(y).max(0.01);
    let (x, y) = (x / length * 9.0, y / length * 9.0);
    let back = (end.0 - x, end.1 - y);
    let (left, right) = ((back.0 - y * 0.5, back.1 + x * 0.5), (back.0 + y * 0.5, back.1 - x * 0.5));
    format!("M{:.1} {:.1} L{:.1} {:.1} L{:.1} {:.1} Z", end.0, end.1, left.0, left.1, right.0, right.1)
}

fn anchor(x: f64) -> &'static str {
    if x > 20.0 {
        "start"
    } else if x < -20.0 {
        "end"
    } else {
        "middle"
    }
}
