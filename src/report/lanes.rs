//! A story as a space-time diagram: a lane for each node, time downward, a row for each step, named by its number.

use super::paint::Paint;
use super::spoken::spoken;
use super::story::StoryReport;
use crate::base::{NodeId, Time, sort_by_key};
use crate::explore::story::{StoryStep, What};

/// The lanes that take part, drawn within the width of the report.
pub(super) fn diagram(report: &StoryReport, paint: Paint) -> String {
    let nodes = report.story.nodes();
    if nodes.is_empty() {
        return String::new();
    }
    let room = report.width.saturating_sub(Drawing::TIME + Drawing::LABEL);
    let lane = (room / nodes.len()).clamp(6, 14);
    let fit = (report.width.saturating_sub(Drawing::TIME) / lane).clamp(1, nodes.len());
    let mut drawing = Drawing { report, paint, lane, down: vec![false; fit], text: String::new(), nodes: nodes[..fit].to_vec() };
    drawing.head(nodes.len() - fit);
    let mut rows: Vec<(Time, usize, Row)> = Vec::new();
    for (place, step) in report.story.steps.iter().enumerate() {
        rows.extend(drawing.rows(place, step));
    }
    // The violation is the end: an operation may be answered later. Of one instant in the order of the steps.
    let end = report.story.steps.last().map_or(Time::MAX, |violated| violated.at);
    rows.retain(|(at, ..)| *at <= end);
    sort_by_key(&mut rows, |(at, place, _)| (*at, *place));
    rows.iter().for_each(|(at, place, row)| drawing.row(*at, *place, row));
    drawing.text
}

/// What a row shows.
enum Row {
    /// A node does something by itself.
    Mark { node: NodeId, label: String },
    /// A message arrives, or is lost on its way.
    Arrow { from: NodeId, to: NodeId, label: String, lost: bool },
    /// A node goes down, or stands still.
    Down { node: NodeId, label: String },
    /// It goes on.
    Up { node: NodeId, label: String },
    /// It concerns no single node.
    All { label: String },
}

struct Drawing<'a> {
    report: &'a StoryReport,
    paint: Paint,
    /// How wide a lane is.
    lane: usize,
    nodes: Vec<NodeId>,
    /// Which of them are down.
    down: Vec<bool>,
    text: String,
}

impl Drawing<'_> {
    const TIME: usize = 17;
    const LABEL: usize = 26;

    fn head(&mut self, hidden: usize) {
        let names: String = self.nodes.iter().map(|node| format!("{:^1$}", node.to_string(), self.lane)).collect();
        let hidden = if hidden == 0 { String::new() } else { format!("  ({hidden} more are not drawn)") };
        self.text += &format!("{}{}{hidden}\n", " ".repeat(Self::TIME), self.paint.strong(names.trim_end()));
    }

    fn rows(&self, place: usize, step: &StoryStep) -> Vec<(Time, usize, Row)> {
        let get = |number: u64| self.report.recording.get(number);
        let kind = |number: u64| get(number).and_then(|record| record.message).map(|(id, kind)| (id.from, id.to, kind.name.to_owned()));
        let mut rows = Vec::new();
        let mut put = |at: Time, row: Row| rows.push((at, place, row));
        match &step.what {
            What::Handled { on, alike, .. } => {
                // What a node does again and again is drawn once, and the last time.
                let again = if step.nodes.len() == 1 { alike.len().saturating_sub(1) } else { 0 };
                for record in [*on].iter().chain(&alike[again..]).filter_map(|number| get(*number)) {
                    let Some(node) = record.node else { continue };
                    match kind(record.number) {
                        Some((from, to, label)) if from != to => put(record.at, Row::Arrow { from, to, label, lost: false }),
                        Some((.., label)) => put(record.at, Row::Mark { node, label }),
                        None => {
                            let line = record.line(Self::LABEL);
                            let label = if record.sort == "timer" { format!("timer {}", spoken(&line.detail)) } else { line.what };
                            put(record.at, Row::Mark { node, label });
                        }
                    }
                }
            }
            What::Struck { fault, crashes, restarts, .. } => {
                let label = fault.and_then(get).map(|fault| fault.line(200).detail).unwrap_or_else(|| "restart".to_owned());
                for crash in crashes.iter().filter_map(|crash| get(*crash)) {
                    crash.node.into_iter().for_each(|node| put(crash.at, Row::Down { node, label: label.clone() }));
                }
                if crashes.is_empty() {
                    put(step.at, Row::All { label });
                }
                for restart in restarts.iter().filter_map(|restart| get(*restart)) {
                    restart.node.into_iter().for_each(|node| put(restart.at, Row::Up { node, label: restart.line(0).what }));
                }
            }
            What::Operation { invoked, completed, .. } => {
                let ends = [(Some(*invoked), "asks"), (*completed, "is answered")];
                for (record, label) in ends.into_iter().filter_map(|(number, label)| Some((get(number?)?, label))) {
                    record.node.into_iter().for_each(|node| put(record.at, Row::Mark { node, label: label.to_owned() }));
                }
            }
            What::Lost { sent, .. } => {
                if let Some((from, to, label)) = kind(*sent) {
                    put(step.at, Row::Arrow { from, to, label: format!("{label} is lost"), lost: true });
                }
            }
            What::Healed => put(step.at, Row::All { label: "all is healed".to_owned() }),
            What::Violated => put(step.at, Row::All { label: format!("✗ {}", self.report.story.property) }),
        }
        rows
    }

    fn row(&mut self, at: Time, place: usize, row: &Row) {
        let number = format!("{}", place + 1);
        let mut line = Line(vec![' '; self.lane * self.nodes.len()]);
        for (place, is_down) in self.down.iter().enumerate() {
            line.put(self.middle(place), if *is_down { "┊" } else { "│" });
        }
        let (label, is_bad) = match row {
            Row::Mark { node, label } => {
                self.mark(&mut line, *node, &number);
                (label, false)
            }
            Row::Arrow { from, to, label, lost } => {
                self.arrow(&mut line, *from, *to, &number, *lost);
                (label, *lost)
            }
            Row::Down { node, label } => {
                self.turn(&mut line, *node, &format!("╳{number}"), true);
                (label, true)
            }
            Row::Up { node, label } => {
                self.turn(&mut line, *node, "┬", false);
                (label, false)
            }
            Row::All { label } => {
                let end = self.middle(self.nodes.len() - 1);
                (self.middle(0)..=end).for_each(|column| line.put(column, "═"));
                line.put(self.middle(0), &number);
                (label, true)
            }
        };
        let drawn: String = line.0.into_iter().collect();
        let room = self.report.width.saturating_sub(Self::TIME + drawn.chars().count() + 1);
        let label = match label.chars().count() {
            _ if room < 6 => String::new(),
            length if length <= room => label.to_owned(),
            // The ellipsis needs room, too.
            _ => super::words::shorten(label, room - 1),
        };
        let body = format!("{drawn} {label}");
        let body = if is_bad { self.paint.bad(body.trim_end()) } else { body.trim_end().to_owned() };
        self.text += &format!("{}  {body}\n", self.paint.faint(&format!("{:>15}", at.to_string())));
    }

    fn place(&self, node: NodeId) -> Option<usize> {
        self.nodes.iter().position(|other| *other == node)
    }

    fn middle(&self, place: usize) -> usize {
        place * self.lane + self.lane / 2 - 1
    }

    fn mark(&self, line: &mut Line, node: NodeId, number: &str) {
        if let Some(place) = self.place(node) {
            line.put(self.middle(place), number);
        }
    }

    fn turn(&mut self, line: &mut Line, node: NodeId, mark: &str, is_down: bool) {
        if let Some(place) = self.place(node) {
            line.put(self.middle(place), mark);
            self.down[place] = is_down;
        }
    }

    /// From lane to lane: `├─────▶3`, or `3◀─────┤`; what is lost ends in `╳` halfway.
    fn arrow(&self, line: &mut Line, from: NodeId, to: NodeId, number: &str, lost: bool) {
        let (Some(from), Some(to)) = (self.place(from), self.place(to)) else {
            return self.mark(line, to, number);
        };
        let (start, end) = (self.middle(from), self.middle(to));
        let half = (start + end) / 2;
        if start < end {
            let tip = if lost { half } else { end - 1 };
            line.put(start, "├");
            (start + 1..tip).for_each(|column| line.put(column, "─"));
            line.put(tip, if lost { "╳" } else { "▶" });
        } else {
            let tip = if lost { half } else { end + number.len() };
            line.put(start, "┤");
            (tip + 1..start).for_each(|column| line.put(column, "─"));
            line.put(tip, if lost { "╳" } else { "◀" });
        }
        line.put(if lost { start } else { end }, number);
    }
}

/// A row of characters.
struct Line(Vec<char>);

impl Line {
    fn put(&mut self, column: usize, text: &str) {
        for (column, letter) in (column..).zip(text.chars()) {
            if let Some(place) = self.0.get_mut(column) {
                *place = letter;
            }
        }
    }
}
