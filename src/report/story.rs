//! A story as people read it: numbered steps, each in a sentence.

use serde_json::{Value, json};

use super::explanation::explanation_line;
use super::paint::Paint;
use super::spoken::spoken;
use super::words::{clean, counted, shorten, wrap};
use crate::base::{Fate, NodeId, Time, sort_by_key};
use crate::check::PropertyReport;
use crate::explore::story::{Story, StoryStep, What};
use crate::trace::{OwnedRecord, Recording};

/// A story with the run that it is about.
#[derive(Debug)]
pub struct StoryReport {
    /// The story.
    pub story: Story,
    /// The run.
    pub recording: Recording,
    /// Whether it is to be told in full, with a diagram.
    pub full: bool,
    /// How many characters a line has.
    pub width: usize,
}

/// A step of a story in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryLine {
    /// When it begins.
    pub at: Time,
    /// Whose it is: `n1, n3`.
    pub who: String,
    /// What happened, as clauses: the first says most.
    pub clauses: Vec<String>,
}

impl StoryReport {
    /// The width of lines where none is known.
    pub const WIDTH: usize = 100;
    /// What is shown of a note or message at most.
    const DETAIL: usize = 90;
    /// What is shown of a message that is sent, if it is no longer.
    const SENT: usize = 48;

    /// Each step in words, in order; what is violated is in this report.
    pub fn lines(&self, violated: &PropertyReport) -> Vec<StoryLine> {
        self.story.steps.iter().map(|step| self.line(step, violated)).collect()
    }

    fn line(&self, step: &StoryStep, violated: &PropertyReport) -> StoryLine {
        let clauses = match &step.what {
            What::Handled { on, did, early, alike } if step.nodes.len() == 1 => {
                let mut clauses = self.handled(*on, did, *early, &[]);
                let last = alike.last().and_then(|last| self.get(*last));
                clauses.extend(last.map(|last| format!("and so {} more until {}", times(alike.len()), last.at)));
                clauses
            }
            What::Handled { on, did, early, alike } => self.handled(*on, did, *early, alike),
            What::Struck { fault, crashes, undone, restarts, messages } => self.struck(step, *fault, crashes, undone, restarts, messages),
            What::Operation { invoked, completed, words } => self.operation(*invoked, *completed, words.as_deref()),
            What::Lost { sent, discarded } => self.lost(*sent, discarded.is_some()),
            What::Healed => vec!["the faults are over, everything is healed".to_owned()],
            What::Violated => {
                let line = violated.explanation.as_ref().map(explanation_line).unwrap_or_default();
                vec![format!("✗ {} is violated", violated.name), clean(&line)]
            }
        };
        let who = if matches!(step.what, What::Violated) { String::new() } else { names(&step.nodes) };
        StoryLine { at: step.at, who, clauses: clauses.into_iter().filter(|clause| !clause.is_empty()).collect() }
    }

    fn get(&self, number: u64) -> Option<&OwnedRecord> {
        self.recording.get(number)
    }

    /// The message or note itself, in words. What the explanation names is shown at greater length.
    fn detail(&self, record: &OwnedRecord) -> String {
        let longest = match (self.full, self.names(record.number)) {
            (true, _) => Self::DETAIL * 3,
            (false, true) => Self::DETAIL * 2,
            (false, false) => Self::DETAIL,
        };
        shorten(&spoken(&record.line(longest * 4).detail), longest)
    }

    /// Whether the explanation of the violation names the record.
    fn names(&self, number: u64) -> bool {
        self.story.steps.last().is_some_and(|violated| violated.records.contains(&number))
    }

    fn handled(&self, on: u64, did: &[u64], early: bool, alike: &[u64]) -> Vec<String> {
        let Some(on) = self.get(on) else { return Vec::new() };
        let records = || did.iter().filter_map(|number| self.get(*number));
        let noted = in_order(records().filter(|record| record.message.is_none()));
        let each = if alike.is_empty() { "" } else { "each " };
        // What a node notes of a message tells more than the message.
        let detail = if noted.is_empty() || self.full { self.detail(on) } else { String::new() };
        let took = match (on.message, on.sort) {
            (Some((id, kind)), _) if id.from == id.to => format!("{each}takes its own {} {detail}", kind.name),
            (Some((id, kind)), _) => format!("{each}takes {} {detail} from {}", kind.name, id.from),
            (None, "timer") if alike.is_empty() => format!("timer {} fires", self.detail(on)),
            (None, "timer") => format!("at each timer {} fires", self.detail(on)),
            (None, "synced") => format!("{each}what it wrote is durable"),
            _ => format!("{each}{}", on.line(0).what),
        };
        let took = took.replace("  ", " ").trim_end().to_owned();
        let words = listed(noted.into_iter().map(|record| match record.sort {
            "panic" => record.line(0).what,
            "mark" => clean(record.name.as_deref().unwrap_or_default()),
            _ => self.detail(record),
        }));
        let mut clauses = vec![if words.is_empty() { took } else { format!("{took}: {}", words.join(", ")) }];
        let sends = in_order(records().filter(|record| record.sort == "send"));
        clauses.extend(self.sends(&sends, alike.is_empty()));
        if early {
            clauses.push("at once, before what it wrote is durable".to_owned());
        }
        clauses
    }

    /// What was sent, by what it is: `sends Vote (granted) to n1 and n3`.
    fn sends(&self, sends: &[&OwnedRecord], is_alone: bool) -> Vec<String> {
        let mut groups: Vec<(String, Vec<NodeId>)> = Vec::new();
        for send in sends {
            let Some((id, kind)) = send.message else { continue };
            let detail = self.detail(send);
            let is_short = detail.chars().count() <= Self::SENT || self.full || self.names(send.number);
            let text = format!("{} {}", kind.name, if is_short { &detail } else { "" }).trim_end().to_owned();
            match groups.iter_mut().find(|(known, _)| *known == text) {
                Some((_, to)) if to.contains(&id.to) => {}
                Some((_, to)) => to.push(id.to),
                None => groups.push((text, vec![id.to])),
            }
        }
        let words = |(text, to): (String, Vec<NodeId>)| if is_alone { format!("{text} to {}", names(&to)) } else { text };
        let sent = listed(groups.into_iter().map(words)).join(", ");
        if sent.is_empty() { Vec::new() } else { vec![format!("sends {sent}")] }
    }

    fn struck(
        &self,
        step: &StoryStep,
        fault: Option<u64>,
        crashes: &[u64],
        undone: &[u64],
        restarts: &[u64],
        messages: &[u64],
    ) -> Vec<String> {
        let mut clauses: Vec<String> =
            fault.and_then(|fault| self.get(fault)).map(|fault| format!("FAULT {}", fault.line(200).detail)).into_iter().collect();
        let several = crashes.len() > 1;
        let whose = |record: &OwnedRecord| {
            if several { format!("{} ", names(&record.node.into_iter().collect::<Vec<_>>())) } else { String::new() }
        };
        clauses
            .extend(listed(crashes.iter().filter_map(|crash| self.get(*crash)).map(|crash| format!("{}{}", whose(crash), crashed(crash)))));
        clauses.extend(listed(undone.iter().filter_map(|write| self.get(*write)).map(|write| self.undone(write))));
        clauses.extend(self.dropped(messages, !crashes.is_empty()));
        for restart in restarts.iter().filter_map(|restart| self.get(*restart)) {
            let after = if restart.at > step.at { format!(" after {}", restart.at.since(step.at)) } else { String::new() };
            let goes_on = if restart.sort == "boot" { "starts again" } else { "goes on" };
            clauses.push(format!("{}{goes_on}{after}", whose(restart)));
            let noted = step.records.iter().filter_map(|number| self.get(*number));
            clauses
                .extend(listed(noted.filter(|record| record.sort == "note" && record.node == restart.node).map(|note| self.detail(note))));
        }
        clauses
    }

    /// A write that a crash took along: by the step that made it, if that is told.
    fn undone(&self, write: &OwnedRecord) -> String {
        let file = write.name.as_deref().unwrap_or_default();
        // Bytes would tell a reader nothing.
        let what = write.entry().written().map(|_| format!(": {}", self.detail(write))).unwrap_or_default();
        let told = self.story.steps.iter().position(|step| step.records.contains(&write.number));
        match told {
            Some(place) => format!("gone is what step {} wrote to {file}{what}", place + 1),
            None => format!("gone is what it wrote to {file} at {}{what}", write.at),
        }
    }

    /// The messages that a fault made a difference to, counted by kind.
    fn dropped(&self, messages: &[u64], is_down: bool) -> Vec<String> {
        let mut groups: Vec<(String, usize)> = Vec::new();
        for message in messages.iter().filter_map(|message| self.get(*message)) {
            let Some((id, kind)) = message.message else { continue };
            let became = match message.fate {
                Some(Fate::Lost(_)) => "loses",
                _ if is_down => "misses",
                _ => "delays or doubles",
            };
            let text = format!("{became} {} from {} to {}", kind.name, id.from, id.to);
            match groups.iter_mut().find(|(known, _)| *known == text) {
                Some((_, count)) => *count += 1,
                None => groups.push((text, 1)),
            }
        }
        listed(groups.into_iter().map(|(text, count)| if count == 1 { text } else { format!("{text} ({count} times)") }))
    }

    fn operation(&self, invoked: u64, completed: Option<u64>, words: Option<&str>) -> Vec<String> {
        let (asked, answered) = (self.get(invoked), completed.and_then(|completed| self.get(completed)));
        let Some(asked) = asked else { return Vec::new() };
        let what = words.map_or_else(|| field(asked, "op: "), clean);
        let asks = format!("asks {what}").trim_end().to_owned();
        match answered {
            Some(answered) => {
                let outcome = if words.is_some() { String::new() } else { format!(": {}", field(answered, "outcome: ")) };
                vec![asks, format!("answered after {}{outcome}", answered.at.since(asked.at))]
            }
            None => vec![asks, "never answered".to_owned()],
        }
    }

    fn lost(&self, sent: u64, is_down: bool) -> Vec<String> {
        let Some((record, (id, kind))) = self.get(sent).and_then(|record| Some((record, record.message?))) else { return Vec::new() };
        let message = format!("{} {} from {} to {}", kind.name, self.detail(record), id.from, id.to).replace("  ", " ");
        let what = record.line(0).what;
        let why = if is_down { "finds it down" } else { what.split_once(", ").map_or("is lost", |(_, why)| why) };
        vec![format!("{message}: {why}")]
    }

    /// The story as text: a line for each step or a few, and in full the diagram.
    pub fn text(&self, violated: &PropertyReport, color: bool) -> String {
        let paint = Paint(color);
        let lines = self.lines(violated);
        let who = lines.iter().map(|line| line.who.chars().count()).max().unwrap_or(0).min(14);
        let mut text = format!("  {}\n", paint.faint("story"));
        for (place, line) in lines.iter().enumerate() {
            let head = format!("{:>4}  {:>13}  {:who$}  ", place + 1, line.at.to_string(), line.who);
            let room = self.width.saturating_sub(head.chars().count()).max(24);
            let mut rows = wrap(&line.clauses.join("; "), room);
            if !self.full && rows.len() > 3 {
                rows.truncate(3);
                if let Some(last) = rows.last_mut() {
                    *last = format!("{}…", shorten(last, room - 1).trim_end_matches('…'));
                }
            }
            let is_bad = matches!(self.story.steps[place].what, What::Violated | What::Struck { .. } | What::Lost { .. });
            for (row, words) in rows.iter().enumerate() {
                let head = if row == 0 { head.clone() } else { " ".repeat(head.chars().count()) };
                let words = if is_bad { paint.bad(words) } else { words.clone() };
                text += &format!("{}{words}\n", paint.faint(&head));
            }
        }
        text += &self.clocks(paint);
        if self.full {
            text.push('\n');
            text += &super::lanes::diagram(self, paint);
        }
        text
    }

    fn clocks(&self, paint: Paint) -> String {
        let off = |(node, nanos): &(NodeId, i64)| {
            let length = crate::base::Duration::from_nanos(nanos.unsigned_abs());
            format!("{node} by {}{length}", if *nanos < 0 { '-' } else { '+' })
        };
        match self.story.clocks.is_empty() {
            true => String::new(),
            false => paint.faint(&format!("      clocks are off: {}\n", self.story.clocks.iter().map(off).collect::<Vec<_>>().join(", "))),
        }
    }

    /// The story as data, with its words.
    pub(super) fn json(&self, violated: &PropertyReport) -> Value {
        let steps = self.lines(violated).into_iter().zip(&self.story.steps);
        let steps = steps.map(|(line, step)| {
            json!({
                "at_ns": step.at.as_nanos(),
                "nodes": step.nodes.iter().map(NodeId::to_string).collect::<Vec<_>>(),
                "words": line.clauses.join("; "),
                "named": step.named,
                "records": step.records,
            })
        });
        json!({ "property": self.story.property, "steps": steps.collect::<Vec<_>>(), "left_out": self.story.left_out })
    }
}

/// What follows in a record's value after this: the last field, without the brace that ends the whole.
fn field(record: &OwnedRecord, name: &str) -> String {
    let text = record.debug().unwrap_or_default();
    let value = text.split_once(name).map_or(text, |(_, rest)| rest.strip_suffix('}').unwrap_or(rest));
    shorten(&spoken(&clean(value.trim())), 140)
}

/// `once`, `5 times`.
fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What became of a node that a fault struck.
fn crashed(crash: &OwnedRecord) -> String {
    if crash.number_of("unsynced") == Some(0) { "crashes with nothing unsynced".to_owned() } else { crash.line(0).what }
}

/// How much of what is alike is listed.
const LISTED: usize = 3;

/// Those of these records that are listed, which are those that tell most, in the order in which they came; then the others.
fn in_order<'r>(records: impl Iterator<Item = &'r OwnedRecord>) -> Vec<&'r OwnedRecord> {
    let mut records: Vec<&OwnedRecord> = records.collect();
    let listed = records.len().min(LISTED);
    sort_by_key(&mut records[..listed], |record| record.number);
    records
}

/// At most three, and how many more there are.
fn listed(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = all.collect();
    all.dedup();
    let more = all.len().saturating_sub(LISTED);
    all.truncate(LISTED);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

/// `n1, n2 and n3`.
pub(super) fn names(nodes: &[NodeId]) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    match &names[..] {
        [] => String::new(),
        many if many.len() > SHOWN => counted(many.len(), "node"),
        many => many.join(", "),
    }
}
