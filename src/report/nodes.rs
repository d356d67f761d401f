//! How nodes stand, in rows: what it is, and its value.

use super::paint::Paint;
use super::words::{clean, counted, grouped};
use crate::base::{Duration, MessageId, NodeId, printable};
use crate::environment::Clock;
use crate::world::{DiskView, MessageView, NodeState, NodeView};

/// What it is, and its value.
pub(super) type Row = (String, String);

/// How a node stands, but for what changes as time passes and nothing happens.
pub(super) fn rows(view: &NodeView) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut row = |label: &str, value: String| {
        if !value.is_empty() {
            rows.push((label.to_owned(), printable(&value).into_owned()));
        }
    };
    row("is", running(view));
    row("role", view.claim.map_or_else(String::new, |claim| format!("{}{}", claim.role.name, rank(claim.rank))));
    row("status", view.status.clone());
    row("timers", view.timers.iter().map(|(timer, due)| format!("{timer} at {due}")).collect::<Vec<_>>().join(", "));
    row("disk", disk(&view.disk));
    row("on disk", view.disk.durable.clone().unwrap_or_default());
    row("when synced", view.disk.written.clone().unwrap_or_default());
    row("waits for it", view.held.join(", "));
    for (field, value) in view.inner.as_deref().map(fields).unwrap_or_default() {
        row(&format!(".{field}"), value);
    }
    rows
}

/// Such a claim's rank, the term mostly.
fn rank(rank: u64) -> String {
    if rank == 0 { String::new() } else { format!(" {rank}") }
}

fn running(view: &NodeView) -> String {
    let start = if view.incarnation.0 > 1 { format!(", start {}", view.incarnation.0) } else { String::new() };
    match view.state {
        NodeState::Down if view.incarnation.0 == 0 => "not started".to_owned(),
        NodeState::Down => "down".to_owned(),
        NodeState::Up => format!("up{start}"),
        NodeState::Paused if view.deferred == 0 => format!("stands still{start}"),
        NodeState::Paused => format!("stands still{start}; {} for it to go on", wait(view.deferred)),
    }
}

fn wait(count: usize) -> String {
    if count == 1 { "1 event waits".to_owned() } else { format!("{} wait", counted(count as u64, "event")) }
}

fn disk(disk: &DiskView) -> String {
    let file = |(name, durable, unsynced): &(String, u64, u64)| match unsynced {
        0 => format!("{name} {}", counted(*durable, "byte")),
        more => format!("{name} {} and {} not synced", counted(*durable, "byte"), grouped(*more)),
    };
    let mut parts: Vec<String> = disk.files.iter().map(file).collect();
    parts.extend(disk.syncing.then(|| "a sync is under way".to_owned()));
    parts.extend(disk.stalled.then(|| "it completes no sync".to_owned()));
    parts.join(", ")
}

/// By how much a clock is off; nothing if it is right.
pub(super) fn off(clock: Clock) -> Option<String> {
    let length = |nanos: i64| Duration::from_nanos(nanos.unsigned_abs());
    let offset = match clock.offset() {
        0 => None,
        nanos => Some(format!("{} {} at the start", length(nanos), if nanos < 0 { "behind" } else { "ahead" })),
    };
    let drift = match clock.drift() {
        0 => None,
        nanos => Some(format!("{} {} a second", if nanos < 0 { "loses" } else { "gains" }, length(nanos))),
    };
    let parts: Vec<String> = offset.into_iter().chain(drift).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The fields of a value that prints over several lines, each on one.
fn fields(text: &str) -> Vec<Row> {
    let mut fields: Vec<Row> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let [_, within @ .., _] = lines.as_slice() else { return vec![(String::new(), text.to_owned())] };
    for line in within {
        let part = line.trim_start();
        let is_field = line.len() - part.len() == 4 && !part.starts_with(['}', ')', ']']);
        match fields.last_mut() {
            Some((_, value)) if !is_field => join(value, part),
            _ => {
                let named = part.split_once(": ").filter(|(name, _)| name.chars().all(|letter| letter.is_alphanumeric() || letter == '_'));
                let (name, value) = named.unwrap_or(("", part));
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    for (_, value) in &mut fields {
        value.truncate(value.trim_end_matches(',').len());
    }
    fields
}

/// Puts the next line of a value behind what there is of it.
fn join(value: &mut String, part: &str) {
    if part.starts_with(['}', ')', ']']) {
        value.truncate(value.trim_end_matches(',').len());
    }
    let is_tight = value.ends_with(['(', '[']) || part.starts_with([')', ']']);
    value.push_str(if is_tight { "" } else { " " });
    value.push_str(part);
}

/// How the nodes stand, each under its name; what is not as it was `before` is marked. Lines are no longer than `width`, if there
/// is a width.
pub fn nodes_text(views: &[NodeView], before: Option<&[NodeView]>, width: Option<usize>, color: bool) -> String {
    let paint = Paint(color);
    let mut text = String::new();
    for (place, view) in views.iter().enumerate() {
        let old = before.map(|before| rows(&before[place]));
        let mut rows = rows(view);
        rows.insert(1, ("clock".to_owned(), clock(view)));
        rows.extend(under_way(view.node, &view.messages));
        text += &format!("  {}\n", paint.strong(&view.node.to_string()));
        for (label, value) in &rows {
            let told = ["clock", "arrives", "sent"].contains(&label.as_str());
            let is_new = !told && old.as_ref().is_some_and(|old| !old.iter().any(|row| (&row.0, &row.1) == (label, value)));
            text += &row_text(label, value, is_new, width, paint);
        }
    }
    text
}

fn row_text(label: &str, value: &str, is_new: bool, width: Option<usize>, paint: Paint) -> String {
    let (margin, label) = (if is_new { '▶' } else { ' ' }, format!("{label:<12}"));
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(4 + label.chars().count() + 1).max(20));
    let value = clean(&super::replay::cut(value, room));
    let value = if is_new { paint.strong(&value) } else { value };
    format!("   {margin}{} {value}\n", paint.faint(&label))
}

/// What changed from one moment to the other: of each node the rows that are new, and the names of those that are gone.
pub fn changes_text(views: &[NodeView], before: &[NodeView], width: Option<usize>, color: bool) -> String {
    let paint = Paint(color);
    let mut text = String::new();
    for (view, old) in views.iter().zip(before) {
        let (new, old) = (rows(view), rows(old));
        let changed = new.iter().filter(|row| !old.contains(row)).map(|(label, value)| row_text(label, value, true, width, paint));
        let gone = old.iter().filter(|(label, _)| new.iter().all(|(other, _)| other != label));
        let gone = gone.map(|(label, _)| row_text(label, "–", true, width, paint));
        let lines: String = changed.chain(gone).collect();
        if !lines.is_empty() {
            text += &format!("  {}\n{lines}", paint.strong(&view.node.to_string()));
        }
    }
    text
}

fn clock(view: &NodeView) -> String {
    match off(view.clock) {
        Some(off) => format!("reads {}: {off}", view.reads),
        None => format!("reads {}", view.reads),
    }
}

/// The messages to and from a node.
fn under_way(node: NodeId, messages: &[MessageView]) -> impl Iterator<Item = Row> {
    messages.iter().map(move |MessageView { due, id, kind }| {
        let MessageId { from, to, count, .. } = id;
        match *to == node {
            true => ("arrives".to_owned(), format!("{kind} #{count} from {from} at {due}")),
            false => ("sent".to_owned(), format!("{kind} #{count} to {to}, arrives at {due}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is printed")]
    struct Inner {
        term: u64,
        log: Vec<Option<(u8, &'static str)>>,
        empty: Vec<u8>,
        unit: (),
    }

    #[test]
    fn a_state_is_one_line_a_field() {
        let inner = Inner { term: 3, log: vec![Some((1, "a: b,\n c")), None], empty: vec![], unit: () };
        let expected = [("term", "3"), ("log", r#"[Some((1, "a: b,\n c")), None]"#), ("empty", "[]"), ("unit", "()")];
        assert_eq!(fields(&format!("{inner:#?}")), expected.map(|(field, value)| (field.to_owned(), value.to_owned())));
        assert_eq!(fields("()"), [(String::new(), "()".to_owned())]);
        assert_eq!(fields(&format!("{:#?}", Some(inner)))[0].0, "");
    }

    #[test]
    fn clocks_that_are_off_say_so() {
        assert_eq!(off(Clock::new(0, 0)), None);
        assert_eq!(off(Clock::new(-2_000_000, 500)).as_deref(), Some("2ms behind at the start, gains 500ns a second"));
    }
}
