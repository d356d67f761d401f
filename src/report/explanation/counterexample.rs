//! Why a history is not linearizable: the core of each violated key, drawn and rows.

use std::fmt::Write as _;

use super::drawing::draw;
use crate::base::{SortedMap, sort_by_key};
use crate::check::linearizability::{CoreOrder, Counterexample, DescribedOperation, Linearizability, UndecidedKey};
use crate::report::words::{counted, grouped, shorten, size};

/// How many attempts are rows, and how many operations of each.
const ATTEMPTS: usize = 3;
const LAST: usize = 5;
/// How long the text of an operation may be, and that of what would have been legal.
pub(super) const LABEL: usize = 32;
const EXPECTED: usize = 100;
/// How many undecided keys are rows.
const UNDECIDED: usize = 10;

/// What is violated, and then what could not be judged.
pub(in crate::report) fn linearizability_text(found: &Linearizability) -> String {
    violations_text(&found.violations) + &undecided_text(&found.undecided)
}

/// The key with the smallest core in full, the others on a line each.
pub(in crate::report) fn violations_text(violations: &[Counterexample]) -> String {
    let mut text = String::new();
    if let Some(((_, first), others)) = smallest_first(violations).split_first() {
        text += &counterexample_text(first);
        match (first.part, others.len()) {
            (_, 0) => {}
            (part, 1) => text += &format!("\none more {part} is violated as well:\n"),
            (part, _) => text += &format!("\nother {part}s are violated as well:\n"),
        }
        for (_, other) in others {
            let _ = writeln!(text, "  {}", counterexample_line(other));
        }
    }
    text
}

/// In the order in which they are rows, each with its place in the explanation.
pub(in crate::report) fn smallest_first(violations: &[Counterexample]) -> Vec<(usize, &Counterexample)> {
    let mut violations: Vec<(usize, &Counterexample)> = violations.iter().enumerate().collect();
    sort_by_key(&mut violations, |(_, example)| {
        let stuck = example.stuck.map(|stuck| example.operations[stuck].index);
        (example.operations.is_empty(), example.needed, stuck, example.line)
    });
    violations
}

/// One violated key, with a drawing: one screen.
pub(in crate::report) fn counterexample_text(example: &Counterexample) -> String {
    let Some(stuck_place) = example.stuck else { return unexplained(example) };
    let stuck = &example.operations[stuck_place];
    let mut text = headline(example);
    let labels = labels(&example.operations, LABEL);
    // Who did what, with what result.
    let say = |place: usize| format!("{} {}", example.operations[place].who, labels[place]);
    let _ = writeln!(text, "\n{}", draw(example, &labels));
    let why = example.excess.as_ref().map(|excess| format!(": {excess}")).unwrap_or_default();
    let _ = writeln!(text, "  {} fits in no order{why}. {}", say(stuck_place), lead(example));
    attempts(&mut text, example, &say);
    text.push('\n');
    let row = |index: &usize| (&example.operations[*index], say(*index), place(&example.operations[*index]));
    let rows: Vec<(&DescribedOperation, String, String)> = example.foremost.iter().map(row).collect();
    let said_width = rows.iter().map(|(_, said, _)| said.chars().count()).max().unwrap_or(0);
    let place_width = rows.iter().map(|(.., place)| place.chars().count()).max().unwrap_or(0);
    for (operation, said, place) in &rows {
        let mark = match operation.open {
            _ if operation.index == stuck.index => "  ✗ fits in no order",
            true => "  ┄ may take effect at any later time, or never",
            false => "",
        };
        let line = format!("    {said:said_width$}  {place:place_width$}{mark}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    others(&mut text, example, rows.iter().any(|(operation, ..)| operation.open));
    text
}

/// In a line: the key, how small the core is, and what fits in no order.
pub(in crate::report) fn counterexample_line(example: &Counterexample) -> String {
    let Some(stuck) = example.stuck.map(|stuck| &example.operations[stuck]) else { return unexplained(example).trim_end().to_owned() };
    let enough = if example.needed == 1 { "is" } else { "are" };
    let place = stuck.lines.map_or_else(|| place(stuck), |(begins, _)| format!("line {begins}"));
    let said = format!("{} {} fits in no order", stuck.who, shorten(&stuck.text, 60));
    format!("{}: {said}, {place} ({} {enough} enough)", part(example.part, example.key.as_deref()), counted(example.needed, "operation"))
}

/// The keys that could not be judged, and what would help.
pub(in crate::report) fn undecided_text(undecided: &[UndecidedKey]) -> String {
    let mut lines: Vec<String> = undecided.iter().take(UNDECIDED).map(undecided_line).collect();
    if undecided.len() > UNDECIDED {
        lines.push(format!("… and {} more", undecided.len() - UNDECIDED));
    }
    let mut helps: Vec<&str> = undecided.iter().map(help).collect();
    helps.sort_unstable();
    helps.dedup();
    lines.extend(helps.into_iter().map(str::to_owned));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn undecided_line(undecided: &UndecidedKey) -> String {
    let UndecidedKey { open, unknown, .. } = undecided;
    let place = undecided.line.map(|line| format!("line {line}")).or_else(|| undecided.at.map(|at| at.to_string()));
    let open = counted(*open, "operation");
    let place = place.map(|place| format!("; it got as far as {place}, with {open} under way and {unknown} of unknown outcome before"));
    let states = counted(undecided.states, "state");
    let held = undecided.bytes.map(|bytes| format!(", {} of search state", size(bytes))).unwrap_or_default();
    format!("{}: {states} explored{held}{}", part(undecided.part, undecided.key.as_deref()), place.unwrap_or_default())
}

/// What would help.
const fn help(undecided: &UndecidedKey) -> &'static str {
    if undecided.too_wide {
        "more is open or unknown at once than can be searched: fewer clients or longer timeouts would help"
    } else if undecided.bytes.is_some() {
        "more room for search state would help (--memory); so would fewer operations at once, or fewer of unknown outcome"
    } else {
        "a larger budget would help; so would fewer operations at once, or fewer of unknown outcome"
    }
}

/// What is known where it was not asked why, or the budget ended before it was known.
fn unexplained(example: &Counterexample) -> String {
    let ends = example.line.map(|line| format!("what ends by line {line}")).or_else(|| example.at.map(|at| format!("what ends by {at}")));
    let (part, ends) = (part(example.part, example.key.as_deref()), ends.unwrap_or_else(|| "what was done".to_owned()));
    format!("{part}: {ends} has no order; it was not explained why\n")
}

/// A part in the model's words, by its key: `service 3`.
fn part(noun: &str, key: Option<&str>) -> String {
    key.map_or_else(|| "the object".to_owned(), |key| format!("{noun} {key}"))
}

/// Operations in words, no longer than that. That an end is open is drawn. Where what makes two of them differ would be left out, it is
/// shown.
pub(in crate::report) fn labels<'e>(operations: impl IntoIterator<Item = &'e DescribedOperation>, longest: usize) -> Vec<String> {
    let texts: Vec<&str> = operations.into_iter().map(|operation| operation.text.as_str()).collect();
    let texts: Vec<&str> = texts.into_iter().map(|text| text.strip_suffix(" → ?").unwrap_or(text)).collect();
    let mut labels: Vec<String> = texts.iter().map(|text| shorten(text, longest)).collect();
    let alike = |labels: &[String], places: &mut dyn Iterator<Item = usize>| {
        let mut groups: SortedMap<String, Vec<usize>> = SortedMap::new();
        places.for_each(|place| groups.entry(labels[place].clone()).or_default().push(place));
        groups.into_values().filter(|group| group.iter().any(|place| texts[*place] != texts[group[0]])).collect::<Vec<_>>()
    };
    let mut groups = alike(&labels, &mut (0..texts.len()));
    while let Some(group) = groups.pop() {
        let first = texts[group[0]];
        let common = |text: &str| text.chars().zip(first.chars()).take_while(|(one, other)| one == other).count();
        let at = group.iter().map(|place| texts[*place]).filter(|text| *text != first).map(common).min().unwrap_or_default();
        group.iter().for_each(|place| labels[*place] = around(texts[*place], at, longest));
        groups.extend(alike(&labels, &mut group.iter().copied()));
    }
    labels
}

/// The beginning of a text, and what stands around this character.
fn around(text: &str, at: usize, longest: usize) -> String {
    let (head, before) = (longest / 3, longest / 6);
    let start = at.saturating_sub(before).max(head);
    let room = longest.saturating_sub(head + 2);
    let letters = |skipped: usize, count: usize| text.chars().skip(skipped).take(count).collect::<String>();
    let gap = if start > head { "…" } else { "" };
    let rest = if text.chars().count() > start + room { "…" } else { "" };
    format!("{}{gap}{}{rest}", letters(0, head), letters(start, room))
}

/// Where an operation is to be found: in its file, or else in time.
pub(in crate::report) fn place(operation: &DescribedOperation) -> String {
    match (operation.lines, operation.interval) {
        (Some((begins, Some(ends))), _) => format!("lines {begins} to {ends}"),
        (Some((begins, None)), _) => format!("from line {begins}"),
        (None, (invoked, Some(completed))) => format!("{invoked} to {completed}"),
        (None, (invoked, None)) => format!("from {invoked}"),
    }
}

fn headline(example: &Counterexample) -> String {
    let Counterexample { needed, among, minimal, .. } = example;
    let part = example.key.as_ref().map(|key| format!("{} {key}: ", example.part)).unwrap_or_default();
    let enough = match (*needed, *minimal) {
        (1, _) => "is enough to see it".to_owned(),
        (_, true) => "are enough to see it; without any one of them there would be an order".to_owned(),
        (_, false) => "are enough to see it; perhaps fewer are: the budget of the explanation ended".to_owned(),
    };
    match (*needed, *among) {
        (all, among) if all == among => format!("{part}its {} {enough}\n", counted(all, "operation")),
        (few, among) => format!("{part}{} of {} {enough}\n", grouped(few as u64), counted(among, "operation")),
    }
}

fn lead(example: &Counterexample) -> &'static str {
    match example.attempts.as_slice() {
        [] => "",
        [one] if one.order.is_empty() => "It would have to be the first:",
        [_] => "The longest order that leads to it:",
        _ => "The longest orders that lead to it:",
    }
}

fn attempts(text: &mut String, example: &Counterexample, say: &dyn Fn(usize) -> String) {
    for CoreOrder { skipped, order, expected, .. } in example.attempts.iter().take(ATTEMPTS) {
        let left_out = order.len().saturating_sub(LAST);
        let mut before: Vec<String> = order[left_out..].iter().map(|place| say(*place)).collect();
        if left_out > 0 {
            before.insert(0, format!("… {} more", left_out + skipped));
        }
        let before = if before.is_empty() { "at the start".to_owned() } else { before.join(", ") };
        let _ = writeln!(text, "    {before}\n      then {}", shorten(expected, EXPECTED));
    }
    if example.sourceless {
        text.push_str("    nothing before it could have left what it saw\n");
    }
}

/// What became of all that is not told.
fn others(text: &mut String, example: &Counterexample, opened: bool) {
    let Counterexample { needed, among, minimal, .. } = example;
    if *needed > example.foremost.len() {
        let why = if *minimal { "each of them is needed: without any one, the others have an order" } else { "no smaller part was found" };
        let _ = writeln!(text, "  … of {needed} in all: {why}");
    }
    let others = among - needed;
    if others <= 1 {
        let only = "  The other operation does not help, even if it took effect at any time after it began, or never.\n";
        text.push_str(if others == 1 { only } else { "" });
        return;
    }
    let those = if opened { ", those marked ┄ among them," } else { "" };
    let _ = writeln!(
        text,
        "  The other {}{those} do not help, even if each update took effect at any time after it began, or never.",
        counted(others, "operation")
    );
}
